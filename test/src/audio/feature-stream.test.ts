// Features of a signal that is still coming in: the bits of the whole-signal forms, whatever the chunks, and the same out
// of the AudioWorklet processor.
import {
  ECHO_LOG_MEL,
  type FeatureFrames,
  FeatureStream,
  harmonics,
  melSpectrogram,
  trackPitch,
  whiteNoise,
} from "@echo-ts/audio";
import t from "tap";
import { decodeBase64 } from "../../../packages/audio/dist/base64.js";
import { stftKernel } from "../../../packages/audio/dist/stft-kernel.js";

const rate = { sampleRate: 16000 };
const voice = harmonics(180, [1, 0.6, 0.4, 0.2], { seconds: 0.6, ...rate });
const signal = new Float32Array(32000);
const hiss = whiteNoise(4, { seconds: 2, ...rate, amplitude: 0.001 });
for (let i = 0; i < signal.length; i++) signal[i] = hiss[i]! + (i >= 12000 ? (voice[i - 12000] ?? 0) : 0);

function run(size: number): FeatureFrames[] {
  const stream = new FeatureStream(rate);
  const frames: FeatureFrames[] = [];
  for (let at = 0; at < signal.length; at += size) frames.push(stream.push(signal.subarray(at, at + size)));
  frames.push(stream.finish());
  return frames;
}
const all = (pieces: readonly FeatureFrames[], values: (piece: FeatureFrames) => ArrayLike<number>) =>
  pieces.flatMap((piece) => Array.from(values(piece)));
const text = (values: ArrayLike<number>) => Array.from(values).join();

t.test(
  "base64 as Node reads it, and the kernel from it where there is no atob, as in a worklet",
  async (t) => {
    for (let length = 0; length < 70; length++) {
      const bytes = Uint8Array.from({ length }, (_, i) => (i * 151 + length * 29) & 255);
      t.same([...decodeBase64(Buffer.from(bytes).toString("base64"))], [...bytes], `${length} bytes`);
    }
    const { atob } = globalThis;
    Reflect.deleteProperty(globalThis, "atob");
    t.teardown(() => Object.assign(globalThis, { atob }));
    // The first use in this file, so that the module is compiled here and not before.
    t.ok(stftKernel(512, 128), "wasm");
  },
);

t.test("log-mel and f0 are those of the whole signal, for every size of chunk", async (t) => {
  const mel = melSpectrogram(signal, ECHO_LOG_MEL);
  const logs = Float32Array.from(mel.data, (value) => Math.log10(Math.max(value, 1e-10)));
  const track = trackPitch(signal, { ...rate, hopLength: 128, lookahead: 0.3 });
  for (const size of [128, 1000, signal.length]) {
    const pieces = run(size);
    t.ok(text(all(pieces, (piece) => piece.logMel.data)) === text(logs), `log-mel, chunks of ${size}`);
    t.same(
      all(pieces, (piece) => piece.f0),
      Array.from(track.f0),
      `f0, chunks of ${size}`,
    );
    t.same(
      all(pieces, (piece) => piece.periodicity),
      Array.from(track.periodicity),
    );
    let next = 0;
    for (const piece of pieces) {
      t.equal(piece.first, next);
      next += piece.f0.length;
    }
  }
});

t.test("running normalisation and voice activity know only the past", async (t) => {
  const pieces = run(128);
  t.ok(
    text(all(pieces, (p) => p.normalized.data)) === text(all(run(999), (p) => p.normalized.data)),
    "chunks do not matter",
  );
  const logs = all(pieces, (p) => p.logMel.data);
  const normalized = all(pieces, (p) => p.normalized.data);
  let loudest = Number.NEGATIVE_INFINITY;
  let wrong = 0;
  for (let f = 0; f < logs.length / 128; f++) {
    const frame = logs.slice(f * 128, (f + 1) * 128);
    loudest = Math.max(loudest, ...frame);
    for (const [i, value] of frame.entries()) {
      if (normalized[f * 128 + i] !== Math.fround((Math.max(value, loudest - 8) + 4) / 4)) wrong++;
    }
  }
  t.equal(wrong, 0);
  const speech = all(pieces, (p) => p.speech);
  const seconds = (from: number, to: number) => speech.slice(Math.round(from * 125), Math.round(to * 125));
  t.ok(
    seconds(0, 0.6).every((flag) => flag === 0),
    "hiss",
  );
  t.ok(
    seconds(0.85, 1.25).every((flag) => flag === 1),
    "the voice",
  );
  t.ok(
    seconds(1.5, 1.9).every((flag) => flag === 0),
    "hiss again",
  );
  t.ok(new FeatureStream(rate).latency < 0.6);
  t.throws(() => new FeatureStream({ ...rate, melBins: 3 } as never), {
    message: /^FeatureStream: unknown option "melBins"/,
  });
});

t.test("the AudioWorklet processor posts the same frames", async (t) => {
  const posted: FeatureFrames[] = [];
  const processors = new Map<
    string,
    new (
      options: object,
    ) => { process(inputs: Float32Array[][]): boolean }
  >();
  // The global scope of a worklet, as far as the module uses it.
  Object.assign(globalThis, {
    sampleRate: 16000,
    registerProcessor: (name: string, processor: never) => processors.set(name, processor),
    AudioWorkletProcessor: class {
      readonly port = { postMessage: (message: FeatureFrames) => posted.push(message) };
    },
  });
  await import("@echo-ts/audio/worklet");
  const Processor = processors.get("echo-features")!;
  const processor = new Processor({ processorOptions: {} });
  for (let at = 0; at < signal.length; at += 128) t.ok(processor.process([[signal.subarray(at, at + 128)]]));
  t.ok(processor.process([[]]), "no input yet");
  const wanted = run(128).slice(0, -1);
  t.same(
    all(posted, (piece) => piece.f0),
    all(wanted, (piece) => piece.f0),
  );
  t.ok(text(all(posted, (p) => p.normalized.data)) === text(all(wanted, (p) => p.normalized.data)));
});
