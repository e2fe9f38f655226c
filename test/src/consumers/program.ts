// A stranger's program: every package, seeded. consumers.ts runs it in every runtime and out of every bundler and
// compares the lines. Most stand for all bits of a result. Those that begin with ~ go back to Math.sin, Math.cos or
// Math.log, whose last digit is the JavaScript engine's own, and are compared as numbers. Those that begin with # say
// where the program ran.
import { decodeAudio, echoLogMel, encodeWav, harmonics, mfcc, resample, trackPitch } from "@echo-ts/audio";
import { AdamW, clipGradNorm, crossEntropyLoss, Dropout, Linear, Module } from "@echo-ts/autograd";
import { ctcFrameScores, ctcGreedyDecode, Echo, greedyDecode, resolveConfig } from "@echo-ts/echo-model";
import * as e from "@echo-ts/tensor";
import * as small from "@echo-ts/tensor/small";

/** FNV-1a over the bytes, in hexadecimal, and the first value in plain figures. */
function bits(values: ArrayBufferView & ArrayLike<number | bigint>): string {
  let hash = 0x811c9dc5;
  for (const byte of new Uint8Array(values.buffer, values.byteOffset, values.byteLength)) {
    hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  }
  return `${hash.toString(16).padStart(8, "0")} of ${values.length}, first ${values[0]}`;
}

/** Count, sum, least, largest. */
function figures(values: Float32Array): string {
  const sum = values.reduce((total, x) => total + x, 0);
  return `${values.length} ${sum} ${Math.min(...values)} ${Math.max(...values)}`;
}

const print = (what: string, x: e.Tensor): void => console.log(`${what}: ${bits(x.dataSync())}`);

/** Two layers with dropout. */
class Mlp extends Module {
  readonly hidden = new Linear(8, 32);
  readonly dropout = new Dropout(0.1);
  readonly output = new Linear(32, 3);
  forward(x: e.Tensor): e.Tensor {
    return this.output.forward(this.dropout.forward(e.gelu(this.hidden.forward(x))));
  }
}

async function tensors(): Promise<void> {
  const x = e.randomNormal([65, 130], e.stream(7, "x"));
  print("matmul", e.matmul(x, x.transpose()));
  print("softmax", e.softmax(x));
  print("exp, tanh", e.tanh(e.exp(x)));
  print("sort", e.sort(x).values);
  print("float64", e.cumsum(x.cast("float64"), 1));
  const again = await e.toBackend(x, "reference");
  const one = e.withBackend("reference", () => e.layerNorm(again, e.ones([130]), e.zeros([130])));
  print("on the reference backend", one);
  const bytes = await e.encodeSafetensors({ x });
  console.log(`safetensors: ${bits(bytes)}`);
  print("read back", e.decodeSafetensors(bytes).get("x")!);
  console.log(`the small entry: ${small.Tensor === e.Tensor}, kernels ${small.wasmInfo().kernels}`);
}

async function training(): Promise<void> {
  const model = new Mlp().initialize(1);
  const optimizer = new AdamW(model, { learningRate: 0.01 });
  const x = e.randomNormal([48, 8], e.stream(7, "inputs"));
  const labels = e.tensor(Int32Array.from({ length: 48 }, (_, i) => i % 3));
  let last = 0;
  for (let step = 0; step < 20; step++) {
    const loss = crossEntropyLoss(model.forward(x), labels);
    loss.backward();
    await clipGradNorm(model.parameters(), 1);
    optimizer.step();
    optimizer.zeroGrad();
    last = loss.item();
  }
  console.log(`loss after 20 steps: ${last}`);
  for (const [name, value] of await model.stateDict()) console.log(`${name}: ${bits(value.data)}`);
}

async function sound(): Promise<{ mel: Float32Array; f0: Float32Array }> {
  const wave = harmonics(180, [1, 0.5, 0.3, 0.2], { seconds: 1, sampleRate: 22050 });
  const file = encodeWav(wave, { sampleRate: 22050 });
  const { channels, sampleRate } = await decodeAudio(file);
  const signal = resample(channels[0]!, sampleRate, 16000);
  console.log(`~ resample: ${figures(signal)}`);
  const mel = echoLogMel(signal);
  console.log(`~ log-mel: ${figures(mel.data)}`);
  console.log(`~ mfcc: ${figures(mfcc(signal, { sampleRate: 16000 }).data)}`);
  const { f0 } = trackPitch(signal, { sampleRate: 16000 });
  console.log(`~ f0: ${figures(f0)}`);
  return { mel: mel.data, f0 };
}

/** An untrained recogniser on what `sound` heard, by both of its decoders. */
async function recogniser({ mel, f0 }: { mel: Float32Array; f0: Float32Array }): Promise<void> {
  const frames = mel.length / 128;
  const { model } = resolveConfig({
    model: {
      vocabSize: 11,
      textContext: 8,
      dims: 32,
      heads: 2,
      audioLayers: 1,
      textLayers: 1,
      ctcHead: true,
    },
    decode: { maxTokens: 5 },
  });
  const echo = new Echo(model, { melBins: 128, hopLength: 160 }, { seed: 1 }).eval();
  const pitch = Float32Array.from({ length: frames }, (_, i) => f0[Math.min(i, f0.length - 1)]!);
  const features = {
    spectrogram: e.tensor(mel, { shape: [1, frames, 128] }).transpose(),
    f0: e.tensor(pitch, { shape: [1, frames] }),
    silent: e.zeros([1, frames], { dtype: "bool" }),
    lengths: [frames],
  };
  const encoded = echo.encode(features);
  const texts = await greedyDecode(echo, encoded, { maxTokens: 5 });
  const scores = await ctcFrameScores(echo, encoded);
  console.log(`tokens: ${texts.map(({ tokens }) => tokens.join(" ")).join()}`);
  console.log(`by CTC: ${scores.map((frame) => ctcGreedyDecode(frame).tokens.join(" ")).join()}`);
}

await tensors();
await training();
await recogniser(await sound());
console.log(`# wasm: ${JSON.stringify(e.wasmInfo())}`);
console.log("# done");
