// What is read out of a model while it runs: attention weights, gates, gradients. Watching must change nothing, and what
// is computed again must be what the model used.

import { noGrad } from "@echo-ts/autograd";
import { buildEcho, resolveConfig } from "@echo-ts/echo-model";
import {
  architectureFigure,
  diagnoseModel,
  diagnosisSections,
  errorRateFigure,
  learningFigure,
  seedTable,
  valueDominance,
} from "@echo-ts/echo-model/figures";
import { EchoAttention } from "@echo-ts/echo-model/model";
import {
  attentionMaps,
  correlation,
  gateTracks,
  namedBlocks,
  relativeEntropy,
  summarizeGates,
  watchCalls,
  wordConfusions,
} from "@echo-ts/echo-model/study";
import { matmul, stream, type Tensor, tensor } from "@echo-ts/tensor";
import t from "tap";

const FRAMES = 24;
const random = stream("seeing", "input");
const { model } = resolveConfig({
  model: {
    dims: 16,
    heads: 2,
    audioLayers: 2,
    textLayers: 1,
    vocabSize: 9,
    pitchBias: true,
    spectrogramStem: { kernel: 3, stride: 2 },
    dropout: 0.1,
    residualDropout: 0.1,
  },
});
const echo = buildEcho(model, { melBins: 5, hopLength: 160 }, { seed: 4 });
const f0 = Float32Array.from({ length: FRAMES }, (_, i) => (i % 6 < 4 ? 100 + 5 * i : 0));
const features = {
  spectrogram: tensor(
    Float32Array.from({ length: 5 * FRAMES }, () => random.normal()),
    { shape: [1, 5, FRAMES] },
  ),
  f0: tensor(f0, { shape: [1, FRAMES] }),
  silent: tensor(
    Uint8Array.from(f0, (_, i) => (i >= 18 ? 1 : 0)),
    { shape: [1, FRAMES], dtype: "bool" },
  ),
};
const ids = tensor(Int32Array.of(1, 5, 3, 7), { shape: [1, 4] });

t.test("the weights of the maps are those that the fused attention used", async (t) => {
  const maps = attentionMaps(echo, features, ids);
  t.same(
    maps.map(({ name }) => name),
    ["encoder 0 self", "encoder 1 self", "text 0 self", "cross 0 self", "cross 0 audio"],
  );
  const seen: { layer: EchoAttention; value: Tensor; out: Tensor }[] = [];
  const stops = echo.namedModules().flatMap(([, layer]) =>
    layer instanceof EchoAttention
      ? [
          watchCalls(layer, "attend", (given, out) => {
            seen.push({ layer, value: given[2] as Tensor, out: out as Tensor });
          }),
        ]
      : [],
  );
  echo.eval();
  noGrad(() => echo.forward(features, ids));
  for (const stop of stops) stop();
  t.equal(seen.length, maps.length);
  seen.forEach(({ layer, value, out }, i) => {
    const { heads, queries, keys, weights, name } = maps[i]!;
    const mixed = matmul(tensor(Float32Array.from(weights), { shape: [1, heads, queries, keys] }), value);
    const merged = mixed.permute([0, 2, 1, 3]).reshape([1, queries, model.dims]);
    const again = Float64Array.from(layer.output.forward(merged).dataSync());
    const original = out.dataSync();
    const worst = again.reduce((most, x, k) => Math.max(most, Math.abs(x - original[k]!)), 0);
    t.ok(worst < 1e-5, `${name}: ${worst}`);
    for (let row = 0; row < heads * queries; row++) {
      const sum = weights.subarray(row * keys, (row + 1) * keys).reduce((a, b) => a + b, 0);
      if (Math.abs(sum - 1) > 1e-9) t.fail(`${name}: row ${row} sums to ${sum}`);
    }
  });
  const text = maps[2]!;
  t.equal(text.weights[1], 0, "the first token does not see the second");
  const [encoder] = maps as [(typeof maps)[number]];
  t.equal(encoder.pitchBias!.length, encoder.keys ** 2);
  t.equal(encoder.pitchBias![0], 1, "a voiced frame with itself");
  t.ok(Math.abs(encoder.silenceBias!.at(-1)! - Math.log(encoder.silenceFactor)) < 1e-6);
  t.equal(encoder.silenceBias![0], 0);
});

t.test("watching changes nothing and leaves nothing behind", async (t) => {
  echo.eval();
  const before = noGrad(() => echo.forward(features, ids).logits.dataSync().slice());
  const names = Object.keys(namedBlocks(echo)[0]!.block);
  echo.train();
  attentionMaps(echo, features, ids);
  gateTracks(echo, features, ids);
  t.ok(echo.training, "the mode is as before");
  echo.eval();
  t.same([...noGrad(() => echo.forward(features, ids).logits.dataSync())], [...before]);
  t.same(Object.keys(namedBlocks(echo)[0]!.block), names);
  t.ok(!Object.hasOwn(namedBlocks(echo)[0]!.block.selfAttention, "attend"));
  t.throws(() => watchCalls(echo, "sing", () => {}), new TypeError("watchCalls: Echo has no method sing"));
});

t.test("relative entropy: one key 0, all alike 1, two of four one half", async (t) => {
  t.equal(relativeEntropy(Float64Array.of(1, 0, 0, 0)), 0);
  t.ok(Math.abs(relativeEntropy(new Float64Array(8).fill(1 / 8)) - 1) < 1e-12);
  t.ok(Math.abs(relativeEntropy(Float64Array.of(0.5, 0.5, 0, 0)) - 0.5) < 1e-12);
});

t.test("gate openings are the gate's own values, on the encoder's clock", async (t) => {
  const tracks = gateTracks(echo, features, ids);
  t.same(
    tracks.map(({ block, openings }) => [block.name, openings.length]),
    [
      ["encoder 0", 12],
      ["encoder 1", 12],
      ["text 0", 4],
      ["cross 0", 4],
    ],
  );
  t.same(
    [...tracks[0]!.f0!],
    Array.from({ length: 12 }, (_, i) => f0[2 * i]),
    "every second hop",
  );
  t.equal(tracks[2]!.f0, null);
  for (const { openings } of tracks) t.ok(openings.every((x) => x > 0 && x < 1));
  const [first] = summarizeGates(tracks);
  const { openings } = tracks[0]!;
  t.ok(Math.abs(first!.mean - openings.reduce((a, b) => a + b) / 12) < 1e-12);
});

t.test("correlation by hand", async (t) => {
  t.ok(Math.abs(correlation([1, 2, 3], [2, 4, 6])! - 1) < 1e-12);
  // Sums of products 1.5, of squares 5 and 1 around the means: 1 / sqrt(5).
  t.ok(Math.abs(correlation([1, 2, 3, 4], [0, 1, 0, 1])! - 1 / Math.sqrt(5)) < 1e-12);
  t.equal(correlation([1, 1, 1], [1, 2, 3]), null, "without variation there is none");
  t.equal(correlation([1, 2], [1, 2]), null);
});

t.test("the reference variant is refused, whose scores are made in another way", async (t) => {
  const { model: old } = resolveConfig({ model: { variant: "reference", vocabSize: 9, dims: 16, heads: 2 } });
  const reference = buildEcho(old, { melBins: 5, hopLength: 160 });
  t.throws(
    () => attentionMaps(reference, features, ids),
    new RangeError('attentionMaps: expected model.variant "corrected", got "reference"'),
  );
});

t.test("confusions are the alignment's pairs, counted", async (t) => {
  const pairs = [
    { reference: "go on now", hypothesis: "go off now" },
    { reference: "on", hypothesis: "off" },
    { reference: "stop", hypothesis: "stop it" },
    { reference: "a", hypothesis: "" },
  ];
  t.same(wordConfusions(pairs), [
    { said: "on", written: "off", count: 2 },
    { said: null, written: "it", count: 1 },
    { said: "a", written: null, count: 1 },
  ]);
});

t.test("a diagnosis reads gradients and changes no weight", async (t) => {
  const config = resolveConfig({ model: { ...model, vocabSize: 9 }, audio: { melBins: 5 } });
  const fresh = buildEcho(config.model, config.audio, { seed: 4 });
  const mel = Float32Array.from({ length: 5 * FRAMES }, () => random.normal());
  const utterance = { mel, f0, silent: new Uint8Array(FRAMES), frames: FRAMES };
  const examples = [{ id: "a", text: "x y", tokens: [3, 5], features: utterance }];
  const before = [...(await fresh.stateDict())].map(([name, { data }]) => [name, [...data]]);
  const special = { pad: 0, bos: 1, eos: 2 };
  const diagnosis = await diagnoseModel(fresh, [examples, examples], config, special, {
    phase: "now",
    step: 0,
  });
  t.same(
    [...(await fresh.stateDict())].map(([name, { data }]) => [name, [...data]]),
    before,
  );
  t.ok(fresh.parameters().every(({ grad }) => grad === null));
  t.same(
    diagnosis.blocks.map(({ name }) => name),
    ["encoder 0", "encoder 1", "text 0", "cross 0"],
  );
  t.equal(
    diagnosis.norms.reduce((sum, { parameters }) => sum + parameters, 0),
    fresh.parameterCount(),
    "every parameter belongs to one part",
  );
  t.equal(diagnosis.attention.length, 5);
  const dominance = valueDominance({ query: 1, key: 3, value: 6 });
  t.equal(dominance, 3);
  const { rows } = seedTable([diagnosis]);
  t.same(rows.map(([name, seed]) => [name, seed]).slice(0, 2), [
    ["gate/MLP, decoder", "10.05 to 43.46"],
    ["gate/MLP, encoder", "3.6 to 11.5"],
  ]);
  const ratios = diagnosis.blocks.filter(({ name }) => name.startsWith("encoder")).map((b) => b.gateOverMlp!);
  const [low, high] = String(rows[1]![2]).split(" to ").map(Number);
  t.ok(Math.abs(low! / Math.min(...ratios) - 1) < 0.01 && Math.abs(high! / Math.max(...ratios) - 1) < 0.01);
  const figures = diagnosisSections([diagnosis]).flatMap((section) => section.figures ?? []);
  const ratio = figures.find(({ name }) => name === "gate-mlp-ratio")!;
  t.same(
    ratio.table.rows,
    diagnosis.blocks.map(({ name, gateOverMlp }) => [name, gateOverMlp]),
  );
  t.equal(new Set(figures.map(({ name }) => name)).size, figures.length);
});

t.test(
  "the architecture is the module tree: names, parameters, traced shapes, for any features",
  async (t) => {
    for (const features of [["spectrogram"], ["spectrogram", "waveform", "pitch"]] as const) {
      const config = resolveConfig({
        model: { ...model, features: [...features], vocabSize: 9 },
        audio: { melBins: 5 },
      });
      const one = buildEcho(config.model, config.audio, { seed: 4 });
      const { table, svg, title } = architectureFigure(one, config, 1);
      t.match(title, `${one.parameterCount().toLocaleString("en-US")} parameters`);
      const rows = new Map(table.rows.map((row) => [row[0], row]));
      t.equal(rows.get("(model)")?.[2], one.parameterCount());
      for (const { path, name, block } of namedBlocks(one)) {
        t.equal(rows.get(path)?.[2], block.parameterCount(), name);
        t.match(svg, `>${name} (`);
        t.match(String(rows.get(path)?.[3]), /^\[1, \d+, 16\]$/);
      }
      t.match(svg, "f0 (pitch tracker)");
      // 1 s at 16 kHz: 101 hops of 10 ms; the stem of stride 2 gives 51 frames.
      t.match(svg, "[1, 51, 16]");
    }
  },
);

t.test("learning curves and error rates hold the log's numbers", async (t) => {
  const log = Array.from({ length: 20 }, (_, i) => ({
    kind: "step",
    step: i + 1,
    loss: 5 - 0.2 * i,
    ctc: null,
    learningRate: 1e-3,
    gradientNorm: i === 3 ? "NaN" : 2,
  }));
  const learning = learningFigure(log)!;
  t.same(learning.table.rows[4], [5, 4.2, 1e-3, 2]);
  t.match(learning.alt, "Loss from 5.00 at step 1 to 1.20 at step 20");
  t.equal(learningFigure([]), null);
  const rates = errorRateFigure([{ kind: "evaluation", step: 20, set: "dev", ctc: 0.125, ctcCer: 0.1 }])!;
  t.same(rates.table.rows, [[20, "dev, CTC", 12.5]]);
  const end = errorRateFigure([
    { kind: "evaluation", step: 20, set: "dev", ctc: 0.1, forced: 0.2, ctcZeroed: 1 },
    { kind: "evaluation", step: 20, set: "other", ctc: 0.3, forced: 0.4, ctcZeroed: 0.9 },
  ])!;
  t.equal(end.table.rows.length, 6, "everything is in the table");
  t.equal(end.alt, "dev, CTC: 10.0 % at the end; other, CTC: 30.0 % at the end.");
  t.notMatch(end.svg, "told the text", "what is no recognition is not drawn");
});
