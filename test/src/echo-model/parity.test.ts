// The model against PyTorch, case by case: values and the gradient of every input and parameter, for the
// bug-compatible and the corrected variant, in float64 and float32. The 60-step training run is in
// training-parity.test.ts.

import { type Module, type Parameter, variable } from "@echo-ts/autograd";
import { buildEcho, resolveConfig, sequenceLoss } from "@echo-ts/echo-model";
import {
  type AttentionContext,
  EchoAttention,
  EchoBlock,
  FeatureStem,
  geometricFrequencies,
  NO_CONTEXT,
  PitchTrack,
  Positions,
  pitchBias,
  pitchDistances,
  positionSimilarity,
  Rotary,
  rotate,
  sinusoids,
  thetaFromPitch,
  WaveformStem,
} from "@echo-ts/echo-model/model";
import {
  ReferenceAttention,
  ReferenceBlock,
  ReferenceFeatureStem,
  referencePitchDistances,
  SharedPitchTrack,
} from "@echo-ts/echo-model/reference";
import {
  add,
  cast,
  full,
  listBackends,
  mul,
  reshape,
  sum,
  type Tensor,
  tensor,
  withBackend,
} from "@echo-ts/tensor";
import t from "tap";
import { skipWithoutShared } from "../shared-material.ts";
import { configOf, type Floating, featuresOf } from "./golden-cases.ts";
import {
  difference,
  type GoldenCase,
  GRADIENTS,
  golden,
  goldenCases,
  input,
  loadWeights,
  VALUES,
  worst,
} from "./golden-echo.ts";

const static20 = (n: number): Positions => new Positions(n);
const pitchOf = (means: Tensor): PitchTrack =>
  new PitchTrack(
    [...means.dataSync()].map((hz) => Float64Array.of(hz)),
    Array(means.size).fill(1),
  );

/** Compares outputs, then the gradients of sum(out * cot) with respect to inputs and parameters. */
function compare(
  c: GoldenCase,
  group: string,
  dtype: Floating,
  module: Module | null,
  inputs: Map<string, Tensor>,
  outputs: Map<string, Tensor>,
): string[] {
  const wrong: string[] = [];
  const note = (what: string, text: string | null): void => {
    if (text !== null) wrong.push(`${c.name} ${what}: ${text}`);
  };
  for (const [name, key] of Object.entries(c.out)) {
    note(name, difference(`${group} ${dtype} value`, outputs.get(name)!, golden(c, key), VALUES));
  }
  if (c.cot !== undefined) {
    const terms = Object.entries(c.cot).map(([name, key]) => {
      const { data, shape } = golden(c, key);
      return sum(mul(outputs.get(name)!, tensor(data as Float32Array, { shape, dtype })));
    });
    terms.reduce((a, b) => add(a, b)).backward();
  } else if (outputs.has("loss")) outputs.get("loss")!.backward();
  else return wrong;
  for (const [name, key] of Object.entries(c.grad ?? {})) {
    note(
      `gradient of ${name}`,
      difference(`${group} ${dtype} gradient`, inputs.get(name)!.grad!, golden(c, key), GRADIENTS),
    );
  }
  const parameters = new Map<string, Parameter>(module?.namedParameters() ?? []);
  for (const [name, key] of Object.entries(c.wgrad ?? {})) {
    const { grad } = parameters.get(name)!;
    note(
      `gradient of ${name}`,
      grad === null ? "missing" : difference(`${group} ${dtype} gradient`, grad, golden(c, key), GRADIENTS),
    );
  }
  for (const name of c.no_grad ?? []) {
    if (parameters.get(name) !== undefined && parameters.get(name)!.grad !== null)
      note(`gradient of ${name}`, "expected none");
  }
  return wrong;
}

/** Inputs of a case that gradients are taken of. */
function variables(c: GoldenCase, dtype: Floating): Map<string, Tensor> {
  return new Map(Object.keys(c.grad ?? {}).map((name) => [name, variable(input(c, name, dtype))]));
}

function contextOf(
  c: GoldenCase,
  dtype: Floating,
  queries: number,
  keys: number,
  rotary = true,
): AttentionContext {
  const has = (name: string): boolean => c.in[name] !== undefined;
  const mask = (name: string): Tensor | null => (has(name) ? cast(input(c, name, dtype), "bool") : null);
  const whole = has("f0") ? PitchTrack.fromTensor(input(c, "f0", dtype), [keys]) : null;
  const track = has("f0_mean") ? pitchOf(input(c, "f0_mean", dtype)) : whole;
  const bending = whole === null ? track : new SharedPitchTrack(whole.rows, whole.lengths);
  const positions = rotary ? new Positions(queries, bending) : null;
  return {
    ...NO_CONTEXT,
    queries: positions,
    keys: !rotary ? null : queries === keys && !has("xa") ? positions : static20(keys),
    padding: mask("key_pad"),
    silent: mask("zero_keys"),
    bias: has("bias") ? input(c, "bias", dtype) : null,
    pitch: whole === null ? null : referencePitchDistances(whole, keys, full([], 0, { dtype })),
    causal: has("causal") || has("mask"),
  };
}

/** Builds and runs one case; what differs from the golden values, in words. */
function run(c: GoldenCase, dtype: Floating): string[] {
  const p = c.params;
  const inputs = variables(c, dtype);
  const of = (name: string): Tensor => inputs.get(name) ?? input(c, name, dtype);
  const like = full([], 0, { dtype });
  const flat = (values: Float64Array, shape: number[]): Tensor => tensor(values, { shape, dtype });
  const { rotary } = resolveConfig({
    model: { vocabSize: 40, rotary: { minTheta: p.min_theta ?? 600, maxTheta: p.max_theta ?? 2400 } },
  }).model;
  switch (c.op) {
    case "theta_from_f0": {
      const theta = Float64Array.from(input(c, "f0_mean", "float64").dataSync(), (hz) =>
        thetaFromPitch(hz, rotary),
      );
      return compare(c, "rotary", dtype, null, inputs, new Map([["theta", flat(theta, [theta.length])]]));
    }
    case "inv_freq": {
      const rows = [...input(c, "theta", "float64").dataSync()].map((theta) => [
        ...geometricFrequencies(theta, p.d / 2),
      ]);
      const out = flat(Float64Array.from(rows.flat()), golden(c, c.out.inv_freq!).shape as number[]);
      return compare(c, "rotary", dtype, null, inputs, new Map([["inv_freq", out]]));
    }
    case "position_similarity": {
      const theta = p.theta ?? thetaFromPitch(p.f0, rotary);
      const out = flat(
        positionSimilarity(geometricFrequencies(theta, p.d / 2), p.n),
        golden(c, c.out.similarity!).shape as number[],
      );
      return compare(c, "rotary", dtype, null, inputs, new Map([["similarity", out]]));
    }
    case "rotate": {
      const rope = new Rotary(p.d, rotary, dtype);
      const rotation = rope.rotation(new Positions(p.n, pitchOf(input(c, "f0_mean", dtype))), like);
      return compare(
        c,
        "rotary",
        dtype,
        null,
        inputs,
        new Map(
          [
            ["q", rotate(of("q"), rotation)],
            ["k", rotate(of("k"), rotation)],
          ].concat([["angles", anglesOf(c, dtype, p)]] as never) as [string, Tensor][],
        ),
      );
    }
    case "pitch_bias_reference": {
      const f0 = input(c, "f0", dtype);
      const track = PitchTrack.fromTensor(reshape(f0, [1, f0.size]), [f0.size]);
      const bias = pitchBias(
        referencePitchDistances(track, f0.size, like),
        full([], p.pitch_scale, { dtype }),
      );
      return compare(
        c,
        "pitch bias",
        dtype,
        null,
        inputs,
        new Map([["bias", reshape(bias, golden(c, c.out.bias!).shape)]]),
      );
    }
    case "pitch_bias_corrected": {
      const lengths = [...input(c, "lens", dtype).dataSync()];
      const onClock = lengths;
      const track = PitchTrack.fromTensor(input(c, "f0", dtype), lengths).atFrames(p.n, p.stride, onClock);
      const bias = pitchBias(pitchDistances(track, like), full([], p.pitch_scale, { dtype }));
      return compare(
        c,
        "pitch bias",
        dtype,
        null,
        inputs,
        new Map([["bias", reshape(bias, golden(c, c.out.bias!).shape)]]),
      );
    }
    case "attention": {
      const Attention = p.variant === "reference" ? ReferenceAttention : EchoAttention;
      const layer = new Attention(configOf(p), dtype);
      loadWeights(layer, c);
      const x = of("x");
      const source = c.in.xa === undefined ? null : of("xa");
      const keys = (source ?? x).shape[1]!;
      const y = layer.forward(x, source, contextOf(c, dtype, x.shape[1]!, keys, p.cross_rotary ?? true));
      return compare(c, "attention", dtype, layer, inputs, new Map([["y", y]]));
    }
    case "sinusoids":
      return compare(
        c,
        "stems",
        dtype,
        null,
        inputs,
        new Map([["y", sinusoids(p.n, p.d, dtype, like.backend)]]),
      );
    case "stem": {
      const x = of("x");
      const { kind, act, stride, kernel } = p;
      const config = configOf({
        ...p,
        stem_norm:
          c.weight!["norm.weight"] !== undefined && kind === "spectrogram" && p.variant === "corrected",
      });
      const stem =
        kind === "waveform"
          ? new WaveformStem(config, act, dtype)
          : new (p.variant === "reference" ? ReferenceFeatureStem : FeatureStem)(
              config,
              { channels: x.shape[1]!, kernel, stride, activation: act },
              dtype,
            );
      loadWeights(stem, c);
      const lengths = c.in.lens === undefined ? null : [...input(c, "lens", dtype).dataSync()];
      return compare(c, "stems", dtype, stem, inputs, new Map([["y", stem.forward(x, lengths).frames]]));
    }
    case "block": {
      const config = configOf(p);
      const Block = p.variant === "reference" ? ReferenceBlock : EchoBlock;
      const block = new Block(config, p.cross, p.act, dtype);
      loadWeights(block, c);
      const x = of("x");
      const n = x.shape[1]!;
      const positions = static20(n);
      const self = { ...NO_CONTEXT, queries: positions, keys: positions, causal: c.in.causal !== undefined };
      const padding = c.in.xa_pad === undefined ? null : cast(input(c, "xa_pad", dtype), "bool");
      const cross =
        c.in.xa === undefined
          ? null
          : {
              source: of("xa"),
              context: { ...NO_CONTEXT, queries: positions, keys: static20(of("xa").shape[1]!), padding },
            };
      const modalities =
        c.in.mod_pitch === undefined
          ? null
          : { spectrogram: of("mod_spectrogram"), waveform: of("mod_waveform"), pitch: of("mod_pitch") };
      return compare(
        c,
        "blocks",
        dtype,
        block,
        inputs,
        new Map([["y", block.forward(x, { self, cross, modalities })]]),
      );
    }
    case "model": {
      const echo = buildEcho(configOf(p), { melBins: p.mels, hopLength: p.f0_hop }, { dtype });
      loadWeights(echo, c);
      echo.eval();
      const { logits, encoded } = echo.forward(featuresOf(c, dtype), input(c, "ids", dtype));
      const loss = sequenceLoss(logits, input(c, "labels", dtype));
      const outputs = new Map([
        ["logits", logits],
        ["loss", loss],
      ]);
      for (const [feature, { frames }] of encoded) outputs.set(`encoder_${feature}`, frames);
      return compare(c, `model ${p.variant}`, dtype, echo, inputs, outputs);
    }
    default:
      return [];
  }
}

function anglesOf(c: GoldenCase, dtype: Floating, p: GoldenCase["params"]): Tensor {
  const { rotary } = resolveConfig({ model: { vocabSize: 40 } }).model;
  const values = [...input(c, "f0_mean", dtype).dataSync()].flatMap((hz) => {
    const frequencies = geometricFrequencies(thetaFromPitch(hz, rotary), p.d / 2);
    return Array.from({ length: p.n }, (_, i) => [...frequencies].map((w) => i * w)).flat();
  });
  return tensor(Float64Array.from(values), { shape: golden(c, c.out.angles!).shape, dtype });
}

const OPS = [
  "theta_from_f0",
  "inv_freq",
  "position_similarity",
  "rotate",
  "pitch_bias_reference",
  "pitch_bias_corrected",
  "attention",
  "sinusoids",
  "stem",
  "block",
  "model",
];

t.test("the model matches PyTorch", { skip: skipWithoutShared }, async (t) => {
  const cases = goldenCases().filter((c) => OPS.includes(c.op));
  const runs: [string, Floating][] = [
    ["reference", "float64"],
    ["reference", "float32"],
  ];
  if (listBackends().includes("wasm")) runs.push(["wasm", "float32"]);
  for (const [backend, dtype] of runs) {
    for (const c of cases) {
      t.same(
        withBackend(backend, () => run(c, dtype)),
        [],
        `${c.name} on ${backend} ${dtype}`,
      );
    }
    for (const [group, error] of worst)
      t.comment(`${backend}: largest error, ${group}: ${error.toExponential(1)}`);
    worst.clear();
  }
});
