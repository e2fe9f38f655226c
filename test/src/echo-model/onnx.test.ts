// The shipped checkpoint as ONNX files, run by onnxruntime, against the model itself: any batch, any length, padding and
// all; and the decoder's step against the whole decoder.
import { noGrad } from "@echo-ts/autograd";
import { resolveConfig, restoreModel } from "@echo-ts/echo-model";
import { Echo } from "@echo-ts/echo-model/model";
import { exportEcho, loadCheckpoint, SHIPPED_CHECKPOINT } from "@echo-ts/echo-model/node";
import { concat, narrow, type Shape, stream, type Tensor, tensor, zeros } from "@echo-ts/tensor";
import t from "tap";
import { faultsOf, readOnnx } from "../autograd/onnx-model.ts";
import { OnnxSession } from "../autograd/onnx-session.ts";

t.setTimeout(300_000);

type Named = Record<string, Tensor>;

/** Largest difference over the largest expected magnitude. */
function distance(actual: Tensor, expected: Tensor): number {
  const [a, b] = [actual.dataSync(), expected.dataSync()];
  let [worst, scale] = [0, 0];
  for (let i = 0; i < b.length; i++) {
    worst = Math.max(worst, Math.abs(a[i]! - b[i]!));
    scale = Math.max(scale, Math.abs(b[i]!));
  }
  return worst / scale;
}

const draws = stream("onnx", "echo");
const random = (shape: Shape, low = -2, high = 2): Tensor => {
  const size = shape.reduce((n, m) => n * m, 1);
  return tensor(
    Float32Array.from({ length: size }, () => draws.uniform(low, high)),
    { shape },
  );
};

/** A batch with padding: f0 partly unvoiced, some hops silent; in the last utterance nothing is voiced. */
function batchOf(batch: number, hops: number, bands: number): Named {
  const lengths = Int32Array.from({ length: batch }, (_, b) => hops - b * Math.floor(hops / 5));
  const f0 = Float32Array.from({ length: batch * hops }, (_, i) =>
    i >= (batch - 1) * hops && batch > 1 ? 0 : draws.bernoulli(0.3) ? 0 : draws.uniform(60, 400),
  );
  const silent = Uint8Array.from({ length: batch * hops }, () => Number(draws.bernoulli(0.2)));
  return {
    spectrogram: random([batch, bands, hops]),
    lengths: tensor(lengths, { dtype: "int32" }),
    f0: tensor(f0, { shape: [batch, hops] }),
    silent: tensor(silent, { shape: [batch, hops], dtype: "bool" }),
  };
}

const checkpoint = await loadCheckpoint(SHIPPED_CHECKPOINT);
const echo = restoreModel(checkpoint).eval() as Echo;
const files = await exportEcho(echo, { "echo.tokenizer": "words" });
const { melBins } = checkpoint.config.audio;

t.test("the files are well formed and say what is in them", async (t) => {
  for (const [name, file] of Object.entries(files)) {
    const model = readOnnx(file as Uint8Array);
    t.same(faultsOf(model), [], name);
    t.equal(model.metadata["echo.tokenizer"], "words");
    const weights = new Set(echo.namedTensors().map((member) => member.name));
    const named = model.initializers.filter((one) => weights.has(one.name));
    t.ok(named.length > 10, `${named.length} weights by name in ${name}, ${model.nodes.length} nodes`);
  }
  const { inputs } = readOnnx(files.encoder);
  t.same(
    inputs.map(({ name, shape }) => `${name} ${shape}`),
    [`spectrogram batch,${melBins},hops`, "lengths batch", "f0 batch,hops", "silent batch,hops"],
  );
});

t.test("encoder, CTC and decoder for any batch and length; the step against the whole", async (t) => {
  const [encoder, decoder, step] = await Promise.all(
    [files.encoder, files.decoder, files.step!].map((file) => OnnxSession.open(file)),
  );
  for (const batch of [1, 3]) {
    for (const hops of [37, 121, 400]) {
      const inputs = batchOf(batch, hops, melBins);
      const { lengths, ...features } = inputs;
      const real = [...lengths!.dataSync()];
      const tokens = 3 + (hops % 7);
      const ids = tensor(
        Int32Array.from({ length: batch * tokens }, () => draws.integer(0, echo.config.vocabSize)),
        { shape: [batch, tokens], dtype: "int32" },
      );
      const expected = noGrad(() => echo.forward({ ...features, lengths: real }, ids));
      const heard = await encoder!.run(inputs);
      const what = `batch ${batch}, ${hops} hops`;
      const frames = heard["spectrogram.frames"]!.shape[1]!;
      t.same(heard.ctc!.shape, [batch, frames, echo.config.vocabSize], what);
      t.ok(
        distance(heard.ctc!, expected.ctcLogits!) < 2e-5,
        `CTC, ${what}: ${distance(heard.ctc!, expected.ctcLogits!)}`,
      );
      const { logits } = await decoder!.run({ ids, ...heard });
      t.ok(
        distance(logits!, expected.logits) < 2e-5,
        `decoder, ${what}: ${distance(logits!, expected.logits)}`,
      );

      const { heads, dims } = echo.config;
      let cache: Named = {};
      for (const name of ["text.0.key", "text.0.value", "spectrogram.0.key", "spectrogram.0.value"]) {
        cache[name] = zeros([batch, heads, 0, dims / heads]);
      }
      const scores: Tensor[] = [];
      for (let i = 0; i < tokens; i++) {
        const results = await step!.run({ ids: narrow(ids, 1, i, 1), ...heard, ...cache });
        scores.push(results.logits!);
        cache = Object.fromEntries(Object.keys(cache).map((name) => [name, results[`next.${name}`]!]));
      }
      const whole = distance(concat(scores, 1), expected.logits);
      t.ok(whole < 2e-5, `step by step, ${what}: ${whole}`);
    }
  }
  await Promise.all([encoder, decoder, step].map((session) => session!.close()));
});

t.test("a model without f0, silence and CTC, with more features and other gates", async (t) => {
  const { model, audio } = resolveConfig({
    model: {
      vocabSize: 11,
      dims: 16,
      heads: 2,
      audioLayers: 1,
      textLayers: 2,
      features: ["pitch", "waveform"],
      gate: "feature",
      ctcHead: false,
      convolutionKernel: 3,
      rotary: { pitch: "static", variableRadius: true },
      zeroKeys: { enabled: false },
    },
    loss: { ctcWeight: 0 },
    decode: { method: "greedy" },
  });
  const small = new Echo(model, audio, { seed: 3 }).eval() as Echo;
  const exported = await exportEcho(small);
  t.equal(exported.step, null, "the feature gate looks at the whole text");
  const [encoder, decoder] = [
    await OnnxSession.open(exported.encoder),
    await OnnxSession.open(exported.decoder),
  ];
  for (const hops of [30, 61]) {
    const features = {
      pitch: random([2, 1, hops], 0, 3),
      waveform: random([2, 1, hops * audio.hopLength], -1, 1),
    };
    const lengths = [hops, hops - 9];
    const ids = tensor(
      [
        [1, 2, 3],
        [4, 5, 6],
      ],
      { dtype: "int32" },
    );
    const expected = noGrad(() => small.forward({ ...features, lengths }, ids));
    const heard = await encoder.run({ ...features, lengths: tensor(lengths, { dtype: "int32" }) });
    const { logits } = await decoder.run({ ids, ...heard });
    t.ok(distance(logits!, expected.logits) < 2e-5, `${hops} hops: ${distance(logits!, expected.logits)}`);
  }
});

t.test("settings that cannot be exported are refused by name", async (t) => {
  const { model, audio } = resolveConfig({ model: { vocabSize: 11, dims: 16, heads: 2, pitchBias: true } });
  await t.rejects(exportEcho(new Echo(model, audio)), {
    name: "OnnxError",
    message: "exportEcho: model.pitchBias true cannot be exported yet",
  });
});
