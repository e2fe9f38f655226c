// What is read out of a model while it runs: attention weights, gates, gradients. Watching must change nothing, and what
// is computed again must be what the model used.

import { noGrad } from "@echo-ts/autograd";
import { buildEcho, resolveConfig } from "@echo-ts/echo-model";
import { EchoAttention } from "@echo-ts/echo-model/model";
import {
  attentionMaps,
  correlation,
  gateTracks,
  namedBlocks,
  relativeEntropy,
  summarizeGates,
  watchCalls,
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
