// Properties that the corrected model must have whatever its weights are: causality, independence of the
// batch, pitch per utterance, silence, gradients, determinism, and refusals that help.

import { ctcLoss, noGrad, type Parameter } from "@echo-ts/autograd";
import {
  buildEcho,
  ctcFrameScores,
  Echo,
  type EchoFeatures,
  greedyDecode,
  type ModelConfig,
  resolveConfig,
  sequenceLoss,
} from "@echo-ts/echo-model";
import { EchoAttention, NO_CONTEXT } from "@echo-ts/echo-model/model";
import { ReferenceEcho } from "@echo-ts/echo-model/reference";
import { GradientDiagnostics } from "@echo-ts/echo-model/study";
import { add, logSoftmax, mean, square, stream, type Tensor, tensor, withBackend } from "@echo-ts/tensor";
import t from "tap";
import { ConvolutionModule } from "../../../packages/echo-model/dist/model/convolution-module.js";
import { collateTargets } from "../../../packages/echo-model/dist/speech/collate.js";
import { batchLoss } from "../../../packages/echo-model/dist/train/loss.js";

const MELS = 6;
const HOP = 160;
const FRAMES = 24;

type Overrides = Record<string, unknown>;

function configWith(model: Overrides = {}): ModelConfig {
  return resolveConfig({
    model: {
      vocabSize: 11,
      textContext: 12,
      dims: 16,
      heads: 2,
      audioLayers: 1,
      textLayers: 1,
      memorySize: 5,
      dropout: 0,
      residualDropout: 0,
      spectrogramStem: { kernel: 3, stride: 2 },
      ...model,
    },
    decode: { maxTokens: 8 },
  }).model;
}

const build = (model: Overrides = {}, seed = 1): Echo =>
  new Echo(configWith(model), { melBins: MELS, hopLength: HOP }, { seed, dtype: "float64" }).eval();

function random(name: string, shape: readonly number[], low = -1, high = 1): Float64Array {
  const out = new Float64Array(shape.reduce((n, m) => n * m, 1));
  stream("model-test", name).fillUniform(out, low, high);
  return out;
}

const float = (data: Float64Array, shape: readonly number[]): Tensor => tensor(data, { shape });

/** Features of two utterances; the second is shorter when `lengths` says so. */
function features(lengths: readonly number[] = [FRAMES, FRAMES]): EchoFeatures {
  const batch = lengths.length;
  const f0 = random("f0", [batch, FRAMES], 90, 260).map((hz, i) => (i % 5 === 0 ? 0 : hz));
  const silent = Uint8Array.from({ length: batch * FRAMES }, (_, i) => Number(i % 7 === 0));
  return {
    spectrogram: float(random("mel", [batch, MELS, FRAMES]), [batch, MELS, FRAMES]),
    waveform: float(random("wave", [batch, 1, FRAMES * HOP]), [batch, 1, FRAMES * HOP]),
    pitch: float(random("pitch", [batch, 1, FRAMES]), [batch, 1, FRAMES]),
    f0: float(f0, [batch, FRAMES]),
    silent: tensor(silent, { shape: [batch, FRAMES], dtype: "bool" }),
    lengths,
  };
}

/** The utterance `row` of a batch, cut to its length. */
function alone(batch: EchoFeatures, row: number): EchoFeatures {
  const n = batch.lengths![row]!;
  const cut = (x: Tensor, length: number): Tensor =>
    x.slice([{ start: row, stop: row + 1 }, ...(x.rank === 3 ? [null] : []), { stop: length }]);
  return {
    spectrogram: cut(batch.spectrogram!, n),
    waveform: cut(batch.waveform!, n * HOP),
    pitch: cut(batch.pitch!, n),
    f0: cut(batch.f0!, n),
    silent: cut(batch.silent!, n),
    lengths: [n],
  };
}

const ids = (...rows: number[][]): Tensor =>
  tensor(Int32Array.from(rows.flat()), { shape: [rows.length, rows[0]!.length] });

const largest = (a: Tensor, b: Tensor): number => {
  const other = b.dataSync();
  return Math.max(0, ...a.dataSync().map((v, i) => Math.abs(v - other[i]!)));
};

const GATES = ["mlp", "token", "feature", "memory", "crossModal", "none"] as const;
const STREAMS = ["spectrogram", "waveform", "pitch"];
const VARIATIONS: Record<string, Overrides> = {
  ...Object.fromEntries(
    GATES.map((gate) => [`gate ${gate}`, gate === "crossModal" ? { gate, features: STREAMS } : { gate }]),
  ),
  "three streams": { features: STREAMS },
  "waveform alone": { features: ["waveform"] },
  "pitch alone": { features: ["pitch"] },
  "pitch bias": { pitchBias: true },
  "static rotary": { rotary: { pitch: "static" } },
  "no rotary": { rotary: { pitch: "none" } },
  "per-frame pitch": { rotary: { pitch: "frames" } },
  "mel spacing": { rotary: { spacing: "mel" } },
  "learned frequencies": { rotary: { learned: ["frequencies"] } },
  "learned theta": { rotary: { learned: ["theta"] } },
  "learned pitch scale": { rotary: { learned: ["pitchScale"] }, pitchBias: true },
  "variable radius": { rotary: { variableRadius: true } },
  "no cross rotary": { rotary: { cross: false } },
  "blended cross attention": { residualCross: false },
  convolution: { convolutionKernel: 5 },
  "convolution on three streams": { convolutionKernel: 3, features: STREAMS },
  "no stem norm": { stemNorm: false },
  "no silence": { zeroKeys: { enabled: false } },
  "no CTC head": { ctcHead: false },
};

/** Configurations without a CTC head need a loss without CTC; `resolveConfig` says so. */
const withoutCtc = (overrides: Overrides): boolean => overrides.ctcHead === false;

function buildVariation(overrides: Overrides, seed = 1): Echo {
  if (!withoutCtc(overrides)) return build(overrides, seed);
  const config = { ...configWith(), ctcHead: false };
  return new Echo(config, { melBins: MELS, hopLength: HOP }, { seed, dtype: "float64" }).eval();
}

t.test("every option: causal, independent of the batch, and all its weights are used", async (t) => {
  for (const [name, overrides] of Object.entries(VARIATIONS)) {
    const echo = buildVariation(overrides);
    const lengths = [FRAMES, FRAMES - 7];
    const batch = features(lengths);
    const text = [1, 4, 5, 6, 7];
    const { logits, ctcLogits } = echo.forward(batch, ids(text, text));
    const changed = echo.forward(batch, ids([1, 4, 5, 6, 9], [1, 4, 5, 6, 9])).logits;
    t.equal(
      largest(logits.narrow(1, 0, 4), changed.narrow(1, 0, 4)),
      0,
      `${name}: a later token changes nothing earlier`,
    );
    t.ok(
      largest(logits.narrow(1, 4, 1), changed.narrow(1, 4, 1)) > 1e-6,
      `${name}: it does change its own position`,
    );
    lengths.forEach((_, row) => {
      const single = echo.forward(alone(batch, row), ids(text)).logits;
      t.ok(
        largest(single, logits.narrow(0, row, 1)) <= 1e-9,
        `${name}: utterance ${row} is the same alone and in the batch`,
      );
    });
    const labels = ids([4, 5, 6, 7, 2], [4, 5, 6, 7, 2]);
    let loss = sequenceLoss(logits, labels);
    if (ctcLogits !== null) loss = add(loss, mean(square(ctcLogits)));
    loss.backward();
    const unused = echo
      .namedParameters()
      .filter(([, p]) => p.grad === null)
      .map(([n]) => n);
    const idle = unused.filter(
      (n) =>
        !/fzero$|blend_xa$|\.mlp\.|pitch_scale$/.test(n) &&
        !(n.includes("_gate") && overrides.gate === "crossModal"),
    );
    t.same(idle, [], `${name}: every weight has a part in the result`);
  }
});

t.test("the gradient of the whole model agrees with central differences in float64", async (t) => {
  for (const [name, overrides] of [
    ["three streams with pitch bias", { features: STREAMS, pitchBias: true }],
    [
      "learned rotary and token gate",
      { rotary: { learned: ["theta", "pitchScale"], variableRadius: true }, pitchBias: true, gate: "token" },
    ],
    ["convolution", { convolutionKernel: 5 }],
    ["feature gate, per-frame pitch", { gate: "feature", rotary: { pitch: "frames" } }],
  ] as [string, Overrides][]) {
    withBackend("reference", () => {
      const echo = build(overrides);
      const batch = features([FRAMES, FRAMES - 5]);
      const text = ids([1, 4, 5, 6], [1, 7, 8, 0]);
      const labels = ids([4, 5, 6, 2], [7, 8, 2, 0]);
      const loss = (): Tensor => {
        const { logits, ctcLogits } = echo.forward(batch, text);
        return add(sequenceLoss(logits, labels, 0.1), mean(square(ctcLogits!)));
      };
      loss().backward();
      const direction = stream("direction", name);
      let slope = 0;
      const moves = echo.parameters().map((p: Parameter) => {
        const d = new Float64Array(p.size);
        direction.fillNormal(d);
        p.grad?.dataSync().forEach((g, i) => {
          slope += g * d[i]!;
        });
        return { p, d, at: Float64Array.from(p.dataSync()) };
      });
      const valueAt = (step: number): number => {
        for (const { p, d, at } of moves)
          p.assign(
            tensor(
              at.map((v, i) => v + step * d[i]!),
              { shape: p.shape },
            ),
          );
        return noGrad(() => loss().item());
      };
      const step = 1e-6;
      const numeric = (valueAt(step) - valueAt(-step)) / (2 * step);
      t.ok(
        Math.abs(numeric - slope) <= 1e-5 * Math.max(1, Math.abs(slope)),
        `${name}: ${slope} against ${numeric}`,
      );
    });
  }
});

t.test("the convolution of an encoder block is what Gulati et al. write, frame by frame", async (t) => {
  const [frames, dims, kernel] = [7, 16, 5];
  const layer = new ConvolutionModule(configWith({ convolutionKernel: kernel }), "float64").initialize(3);
  const weights = new Map(
    [...(await layer.stateDict())].map(([name, { data }]) => [name, [...data].map(Number)]),
  );
  const at = (name: string, i: number): number => weights.get(name)![i]!;
  const x = random("convolution", [1, frames, dims]);
  const real = 5;
  const norm = (row: number[], name: string): number[] => {
    const root = Math.sqrt(row.reduce((sum, v) => sum + v * v, 0) / dims + 1e-8);
    return row.map((v, i) => (v / root) * at(name, i));
  };
  const linear = (row: number[], name: string, outputs: number): number[] =>
    Array.from({ length: outputs }, (_, o) =>
      row.reduce(
        (sum, v, i) => sum + v * at(`${name}.linear.weight`, o * dims + i),
        at(`${name}.linear.bias`, o),
      ),
    );
  const sigmoid = (v: number): number => 1 / (1 + Math.exp(-v));
  const gated = Array.from({ length: frames }, (_, n) => {
    const wide = linear(norm([...x.subarray(n * dims, (n + 1) * dims)], "norm.weight"), "expand", 2 * dims);
    return Array.from({ length: dims }, (_, i) => (n < real ? wide[i]! * sigmoid(wide[dims + i]!) : 0));
  });
  const expected = gated.flatMap((_, n) => {
    const near = Array.from({ length: dims }, (_, i) => {
      let sum = at("depthwise.bias", i);
      for (let k = 0; k < kernel; k++) {
        const from = n + k - (kernel - 1) / 2;
        sum += (gated[from]?.[i] ?? 0) * at("depthwise.weight", i * kernel + k);
      }
      return sum;
    });
    return linear(
      norm(near, "depthwise_norm.weight").map((v) => v * sigmoid(v)),
      "reduce",
      dims,
    );
  });
  const padding = tensor(
    Uint8Array.from({ length: frames }, (_, n) => Number(n >= real)),
    { shape: [1, frames], dtype: "bool" },
  );
  const out = layer.eval().forward(float(x, [1, frames, dims]), padding);
  t.ok(largest(out, float(Float64Array.from(expected), [1, frames, dims])) <= 1e-12);
});

t.test(
  "the middle of the stack is what a stack of half the depth gives, and CTC can be asked there",
  async (t) => {
    const [echo, half] = [build({ audioLayers: 4 }), build({ audioLayers: 2 })];
    const batch = features([FRAMES, FRAMES - 4]);
    const { middle, frames, lengths } = echo.encode(batch).get("spectrogram")!;
    t.equal(largest(middle!, half.encode(batch).get("spectrogram")!.frames), 0);
    const targets = collateTargets(
      [
        [4, 5, 6],
        [7, 8],
      ],
      { pad: 0, bos: 1, eos: 2 },
    );
    const lossWith = (middleCtcWeight: number): number =>
      batchLoss(echo, batch, targets, { ctcWeight: 1, middleCtcWeight, labelSmoothing: 0 }).total.item();
    const ctcAt = (x: Tensor): number =>
      ctcLoss(logSoftmax(echo.ctcHead!.forward(x)), targets.ctcTargets, lengths!, targets.targetLengths, {
        layout: "NTV",
      }).item();
    t.equal(lossWith(0), ctcAt(frames));
    t.ok(Math.abs(lossWith(0.3) - (0.7 * ctcAt(frames) + 0.3 * ctcAt(middle!))) <= 1e-12);
    t.ok(Math.abs(ctcAt(frames) - ctcAt(middle!)) > 1e-3, "the two differ");
  },
);

t.test("each utterance is bent by its own pitch", async (t) => {
  const echo = build();
  const batch = features();
  const text = ids([1, 4], [1, 4]);
  const base = echo.forward(batch, text).logits;
  const f0 = Float64Array.from(batch.f0!.dataSync(), (hz, i) => (i >= FRAMES ? hz * 1.3 : hz));
  const moved = echo.forward({ ...batch, f0: float(f0, [2, FRAMES]) }, text).logits;
  t.equal(largest(base.narrow(0, 0, 1), moved.narrow(0, 0, 1)), 0, "the other utterance stays");
  t.ok(largest(base.narrow(0, 1, 1), moved.narrow(0, 1, 1)) > 1e-6, "the one whose pitch moved changes");
  const constant = { ...batch, f0: float(new Float64Array(2 * FRAMES).fill(150), [2, FRAMES]) };
  const perFrame = build({ rotary: { pitch: "frames" } });
  t.ok(
    largest(echo.forward(constant, text).logits, perFrame.forward(constant, text).logits) < 1e-9,
    "constant pitch: per frame equals per utterance",
  );
});

t.test("a silent key that is scaled to nothing is as good as padding", async (t) => {
  const vanishing = { enabled: true, initial: 1e-300, floor: 1e-300, ceiling: 1e-3, silenceDecades: 3 };
  const layer = new EchoAttention(configWith({ zeroKeys: vanishing }), "float64").initialize(4);
  const x = float(random("keys", [2, 5, 16]), [2, 5, 16]);
  const third = tensor(
    Uint8Array.from({ length: 10 }, (_, i) => Number(i % 5 === 2)),
    { shape: [2, 5], dtype: "bool" },
  );
  const whole = layer.forward(x, null, NO_CONTEXT);
  const silenced = layer.forward(x, null, { ...NO_CONTEXT, silent: third });
  const padded = layer.forward(x, null, { ...NO_CONTEXT, padding: third });
  t.ok(largest(silenced, padded) <= 1e-12);
  t.ok(largest(silenced, whole) > 1e-6, "and the key did count before");
});

t.test("seeds: the same weights each time, and adding a part leaves the others alone", async (t) => {
  const a = await build().stateDict();
  t.same([...(await build().stateDict())], [...a]);
  const larger = await build({ textLayers: 2, features: STREAMS }).stateDict();
  const same = [...a].filter(([name]) => larger.has(name));
  t.ok(same.length > 30);
  t.ok(
    same.every(([name, { data }]) => t.same(larger.get(name)!.data, data)),
    "shared names, shared values",
  );
  const other = [...(await build({}, 2).stateDict())].find(([name]) => name.endsWith("q.linear.weight"))!;
  t.notSame(a.get(other[0])!.data, other[1].data);
});

t.test("decoding with the cache equals decoding the whole prefix each time", async (t) => {
  for (const overrides of [{}, { gate: "token", rotary: { cross: false } }, { features: STREAMS }]) {
    const echo = build(overrides, 5);
    const encoded = noGrad(() => echo.encode(features([FRAMES, FRAMES - 6])));
    const cache = noGrad(() => echo.decoder.startCache(encoded));
    const text = [1, 4, 9, 3, 7, 5];
    const whole = noGrad(() => echo.decoder.forward(ids(text, text), encoded));
    text.forEach((token, i) => {
      const step = echo.decodeStep(ids([token], [token]), encoded, cache);
      t.ok(largest(step, whole.narrow(1, i, 1)) <= 1e-12, `position ${i}`);
    });
    t.equal((await greedyDecode(echo, encoded, { maxTokens: 6 })).length, 2);
    t.equal((await ctcFrameScores(echo, encoded))[1]!.frames, Math.floor((FRAMES - 6 + 1) / 2));
  }
});

t.test("bad input is refused by name", async (t) => {
  const echo = build();
  const good = features();
  const text = ids([1, 4], [1, 4]);
  const refuses = (what: EchoFeatures, tokens: Tensor, message: RegExp): void => {
    t.throws(() => echo.forward(what, tokens), { message });
  };
  refuses({}, text, /the model needs the feature "spectrogram", got nothing/);
  refuses(
    { ...good, spectrogram: float(new Float64Array(0), [2, MELS, 0]) },
    text,
    /"spectrogram" is empty: \[2, 6, 0\]/,
  );
  refuses(
    { ...good, spectrogram: float(new Float64Array(2 * FRAMES), [2, 1, FRAMES]) },
    text,
    /takes 6 mel bands, got 1/,
  );
  refuses(
    { ...good, f0: float(new Float64Array(20), [2, 10]) },
    text,
    /f0 must hold one value per hop, \[2, 24\], got \[2, 10\]/,
  );
  refuses(
    { ...good, f0: float(new Float64Array(48).fill(-1), [2, 24]) },
    text,
    /f0: expected Hz of 0 \(unvoiced\) or more, got -1 in utterance 0, frame 0/,
  );
  refuses({ ...good, lengths: [24, 0] }, text, /utterance 1 has length 0, expected 1 to 24 frames/);
  refuses(good, ids([1, 11], [1, 4]), /token id 11 is outside the vocabulary of 11/);
  refuses(good, ids(Array(13).fill(1), Array(13).fill(1)), /13 tokens exceed model.textContext \(12\)/);
  t.throws(
    () => new Echo({ ...configWith(), vocabSize: 0 }, { melBins: MELS, hopLength: HOP }),
    /vocabSize is 0/,
  );
});

t.test("the variant decides which model is built, and only buildEcho looks at it", async (t) => {
  const input = { melBins: MELS, hopLength: HOP };
  const settings = { vocabSize: 11, textContext: 12, dims: 16, heads: 2, audioLayers: 1, textLayers: 1 };
  const { model } = resolveConfig({
    model: { ...settings, variant: "reference" },
    decode: { maxTokens: 8 },
  });
  t.notOk(buildEcho(configWith(), input) instanceof ReferenceEcho);
  const reference = buildEcho(model, input, { seed: 1 });
  t.ok(reference instanceof ReferenceEcho);
  t.throws(() => new Echo(model, input), {
    name: "ShapeError",
    message: 'echo: model.variant is "reference"; make that model with buildEcho',
  });
  t.throws(() => new Echo(configWith(), { mels: MELS, hopLength: HOP } as never), {
    message: 'echo: expected { melBins, hopLength } of the audio group, got {"mels":6,"hopLength":160}',
  });
  // Files of the Python original, and optimiser states of interrupted trainings, go by this order.
  const names = [...(await reference.stateDict()).keys()];
  t.equal(names[0], "shared.rotary_encoder.inv_freq");
  t.same(
    names.filter((name) => /spectrogram\.0\._?norm/.test(name)),
    ["encoder.processors.spectrogram.0.norm.weight", "encoder.processors.spectrogram.0._norm.weight"],
  );
  t.ok(names.includes("decoder.self_attn_layers.0.attnb.q.linear.weight"), "weights that nobody uses");
});

t.test("diagnostics compare gradients block by block", async (t) => {
  const echo = build();
  const diagnostics = new GradientDiagnostics(echo);
  const batch = features();
  for (let step = 0; step < 2; step++) {
    echo.zeroGrad();
    sequenceLoss(echo.forward(batch, ids([1, 4], [1, 5])).logits, ids([4, 2], [5, 2])).backward();
    diagnostics.observe();
  }
  const report = diagnostics.report();
  t.same(
    report.map(({ name }) => name),
    ["encoder.processors.spectrogram.1", "decoder.self_attn_layers.0", "decoder.processors.spectrogram.0"],
  );
  const block = report[2]!;
  const mean = (name: string): number => {
    const grad = echo.namedParameters().find(([n]) => n === `${block.name}.${name}`)![1].grad!;
    return Float64Array.from(grad.dataSync()).reduce((sum, g) => sum + Math.abs(g), 0) / grad.size;
  };
  const near = (got: number, want: number): boolean => Math.abs(got - want) <= 1e-12 * want;
  t.ok(near(block.gateOverMlp!, mean("mlp_gate.0.linear.weight") / mean("mlp.0.linear.weight")));
  t.ok(near(block.self!.value, mean("attna.v.linear.weight")), "equal steps average to themselves");
  t.ok(near(block.cross!.query, mean("attnb.q.linear.weight")));
  t.equal(report[0]!.cross, null, "encoder blocks have no cross-attention");
  t.match(diagnostics.table(), /gate\/MLP[\s\S]+decoder\.self_attn_layers\.0/);
});
