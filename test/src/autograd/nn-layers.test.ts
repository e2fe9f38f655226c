// Layers: values and gradients against PyTorch's (shared/golden), and what their definitions say.
import {
  Activation,
  backward,
  Conv1d,
  ConvTranspose1d,
  Embedding,
  LayerNorm,
  Linear,
  Module,
  MultiheadAttention,
  type Parameter,
  parameter,
  RMSNorm,
  Sequential,
  scaledDotProductAttention,
  variable,
} from "@echo-ts/autograd";
import {
  arange,
  attention,
  mul,
  ones,
  randomNormal,
  stream,
  sum,
  type Tensor,
  tensor,
  zeros,
} from "@echo-ts/tensor";
import { apply, OPS } from "@echo-ts/tensor/internal";
import t from "tap";
import { skipWithoutShared } from "../shared-material.ts";
import { goldenArrays, goldenBelow, goldenTensor, worstError } from "./golden-ops.ts";

t.test("values and gradients are PyTorch's", { skip: skipWithoutShared }, async (t) => {
  const check = (
    file: string,
    name: string,
    forward: (x: Tensor) => Tensor,
    weights: Record<string, Parameter>,
    input = "x",
  ): void => {
    const x = goldenTensor(file, `${name}/in/${input}`);
    const leaf = x.dtype === "float32" ? variable(x) : x;
    for (const [key, weight] of Object.entries(weights))
      weight.assign(goldenTensor(file, `${name}/in/${key}`));
    const y = forward(leaf);
    const close = (what: string, got: Tensor | null): void => {
      const want = goldenTensor(file, `${name}/${what}`);
      const worst = worstError(got?.dataSync() ?? [], want.dataSync(), 1e-5, 1e-4);
      t.ok(worst <= 1, `${name} ${what}: ${worst} of the tolerance`);
    };
    close("out/y", y);
    backward(sum(mul(y, goldenTensor(file, `${name}/cot/y`))));
    if (leaf !== x) close(`grad/${input}`, leaf.grad);
    for (const [key, weight] of Object.entries(weights)) close(`grad/${key}`, weight.grad);
  };
  const layer = (
    module: Module & { forward(x: Tensor): Tensor; weight: Parameter; bias?: Parameter | null },
  ) =>
    [
      (x: Tensor) => module.forward(x),
      { w: module.weight, ...(module.bias ? { b: module.bias } : {}) },
    ] as const;
  check("ops/nn", "layer_norm", ...layer(new LayerNorm(8)));
  check("ops/nn", "rms_norm_1e-05", ...layer(new RMSNorm(8, { epsilon: 1e-5 })));
  check("ops/nn", "rms_norm_1e-08", ...layer(new RMSNorm(8, { epsilon: 1e-8 })));
  for (const [n, options] of [
    { stride: 1, padding: 1 },
    { stride: 2, padding: 2 },
    { stride: 1, padding: 1, groups: 4 },
  ].entries()) {
    const [outputs, inputs, kernel] = goldenTensor("ops/conv", `conv1d_${n}/in/w`).shape as [
      number,
      number,
      number,
    ];
    check(
      "ops/conv",
      `conv1d_${n}`,
      ...layer(new Conv1d(inputs * (options.groups ?? 1), outputs, kernel, options)),
    );
  }
  const [outputs, inputs, kernel] = goldenTensor("ops/conv", "conv1d_6/in/w").shape as [
    number,
    number,
    number,
  ];
  const dilated = { stride: 2, padding: 4, dilation: 3, groups: 2 };
  check("ops/conv", "conv1d_6", ...layer(new Conv1d(inputs * 2, outputs, kernel, dilated)));
  const [count, width] = goldenTensor("ops/shape", "embedding/in/w").shape as [number, number];
  const embedding = new Embedding(count, width);
  check("ops/shape", "embedding", (i) => embedding.forward(i), { w: embedding.weight }, "i");
});

t.test("attention is PyTorch's, masks and biases included", { skip: skipWithoutShared }, async (t) => {
  for (const name of ["sdpa", "sdpa_mask", "sdpa_bias", "sdpa_causal"]) {
    const read = (key: string): Tensor => goldenTensor("ops/nn", `${name}/${key}`);
    const [q, k, v] = ["q", "k", "v"].map((key) => variable(read(`in/${key}`))) as [Tensor, Tensor, Tensor];
    const bias = name === "sdpa_bias" ? variable(read("in/b")) : null;
    const mask = name === "sdpa_mask" ? read("in/m").cast("bool") : null;
    const run = (causal: boolean, open: Tensor | null): Tensor =>
      scaledDotProductAttention(q, k, v, { mask: open, bias, causal });
    const y = run(name === "sdpa_causal", mask);
    backward(sum(mul(y, read("cot/y"))));
    const close = (what: string, got: Tensor | null): void => {
      const worst = worstError(got?.dataSync() ?? [], read(what).dataSync(), 1e-5, 1e-4);
      t.ok(worst <= 1, `${name} ${what}: ${worst} of the tolerance`);
    };
    close("out/y", y);
    for (const [key, leaf] of Object.entries({ q, k, v })) close(`grad/${key}`, leaf.grad);
    if (bias !== null) close("grad/b", bias.grad);
    if (name === "sdpa_causal") close("out/y", run(true, tensor([[true]])));
  }
});

t.test(
  "attention too large to keep its weights has the gradients of attention that keeps them",
  async (t) => {
    for (const causal of [false, true]) {
      const of = (name: string): Tensor => randomNormal([2, 37, 8], stream(1, name));
      const [cotangent, ...inputs] = ["g", "q", "k", "v"].map(of) as [Tensor, Tensor, Tensor, Tensor];
      const scale = 8 ** -0.5;
      const ways: (typeof attention)[] = [
        (q, k, v) => attention(q, k, v, { causal, scale }),
        (q, k, v) => apply(OPS.attention, [q, k, v], { scale, causal }),
      ];
      const [kept, again] = ways.map((way) => {
        const [q, k, v] = inputs.map((x) => variable(x)) as [Tensor, Tensor, Tensor];
        const y = way(q, k, v);
        backward(sum(mul(y, cotangent)));
        return [y, q.grad, k.grad, v.grad].map((x) => x!.dataSync().slice());
      }) as [Float32Array[], Float32Array[]];
      kept.forEach((values, i) => {
        const worst = Math.max(...values.map((x, at) => Math.abs(x - again[i]![at]!)));
        t.ok(worst < 1e-5, `${["y", "q", "k", "v"][i]}: ${worst}`);
      });
    }
  },
);

t.test("a query that may attend to nothing gives 0 and finite gradients", async (t) => {
  const q = variable(stream(1, "q").fillNormal(new Float32Array(6)) && ones([1, 3, 2]));
  const mask = tensor([
    [true, false],
    [false, false],
    [true, true],
  ]);
  const out = scaledDotProductAttention(q, ones([1, 2, 2]), arange(4).cast("float32").reshape([1, 2, 2]), {
    mask,
  });
  t.strictSame(out.toArray(), [
    [
      [0, 1],
      [0, 0],
      [1, 2],
    ],
  ]);
  backward(sum(out));
  t.ok(q.grad?.dataSync().every(Number.isFinite));
});

t.test("multi-head attention computes what its definition says, in PyTorch's layout", async (t) => {
  const [batch, frames, width, heads] = [2, 3, 4, 2];
  const model = new MultiheadAttention(width, heads).initialize(4);
  t.strictSame(
    [...(await model.stateDict())].map(([name, { shape }]) => `${name} ${shape.join("x")}`),
    ["in_proj_weight 12x4", "in_proj_bias 12", "out_proj.weight 4x4", "out_proj.bias 4"],
  );
  model.inProjBias?.assign(tensor(stream(1, "b").fillNormal(new Float32Array(12))));
  const x = stream(2, "x")
    .fillNormal(new Float64Array(batch * frames * width))
    .map(Math.fround);
  const w = await model.stateDict();
  const at = (name: string, i: number): number => (w.get(name)!.data as Float32Array)[i]!;
  const project = (part: number, b: number, s: number, c: number): number => {
    const row = part * width + c;
    let total = at("in_proj_bias", row);
    for (let i = 0; i < width; i++)
      total += at("in_proj_weight", row * width + i) * x[(b * frames + s) * width + i]!;
    return total;
  };
  const want: number[] = [];
  for (let b = 0; b < batch; b++)
    for (let s = 0; s < frames; s++) {
      const merged: number[] = [];
      for (let c = 0; c < width; c++) {
        const head = Math.floor(c / (width / heads)) * (width / heads);
        const weights: number[] = [];
        for (let k = 0; k <= s; k++) {
          let score = 0;
          for (let d = 0; d < width / heads; d++)
            score += project(0, b, s, head + d) * project(1, b, k, head + d);
          weights.push(Math.exp(score / Math.sqrt(width / heads)));
        }
        const total = weights.reduce((a, e) => a + e, 0);
        merged.push(weights.reduce((a, e, k) => a + (e / total) * project(2, b, k, c), 0));
      }
      for (let o = 0; o < width; o++)
        want.push(
          merged.reduce((a, m, i) => a + at("out_proj.weight", o * width + i) * m, at("out_proj.bias", o)),
        );
    }
  const input = tensor(Float32Array.from(x), { shape: [batch, frames, width] });
  const got = model.forward(input, input, input, { causal: true });
  t.ok(worstError(got.dataSync(), want, 1e-6, 1e-5) <= 1);
  const copied = input.add(0);
  t.ok(worstError(model.forward(copied, input, input, { causal: true }).dataSync(), want, 1e-6, 1e-5) <= 1);
  const wide = new MultiheadAttention(4, 2, { keyWidth: 3, valueWidth: 5, dropout: 0.5 }).initialize(4);
  t.strictSame(
    [...(await wide.stateDict()).keys()],
    ["q_proj_weight", "k_proj_weight", "v_proj_weight", "in_proj_bias", "out_proj.weight", "out_proj.bias"],
  );
  t.strictSame(wide.forward(zeros([1, 2, 4]), zeros([1, 6, 3]), zeros([1, 6, 5])).shape, [1, 2, 4]);
});

t.test("a transposed convolution has PyTorch's layout and undoes the shape of a convolution", async (t) => {
  const down = new Conv1d(4, 6, 5, { stride: 2, padding: 2, groups: 2 }).initialize(1);
  const up = new ConvTranspose1d(6, 4, 5, { stride: 2, padding: 2, groups: 2, outputPadding: 1 }).initialize(
    1,
  );
  t.strictSame(up.weight.shape, [6, 2, 5]);
  t.strictSame(down.weight.shape, [6, 2, 5]);
  const x = tensor(stream(1, "x").fillNormal(new Float32Array(80)), { shape: [2, 4, 10] });
  const y = tensor(stream(1, "y").fillNormal(new Float32Array(60)), { shape: [2, 6, 5] });
  t.strictSame(up.forward(y).shape, x.shape);
  // With the same weight and no bias one is the adjoint of the other: <conv x, y> = <x, up y>.
  up.weight.assign(down.weight);
  up.bias?.assign(zeros([4]));
  down.bias?.assign(zeros([6]));
  const left = sum(mul(down.forward(x), y)).item();
  const right = sum(mul(x, up.forward(y))).item();
  t.ok(Math.abs(left - right) < 1e-4 * Math.abs(left), `${left} = ${right}`);
});

t.test(
  "modules take the names and layouts of trained Echo weights",
  { skip: skipWithoutShared },
  async (t) => {
    const file = "echo/model_corrected_train";
    const weights = `${file.slice(5)}/weight/`;
    t.ok(goldenArrays(file).size > 0);
    class Projection extends Module {
      readonly linear: Linear;
      constructor(inputs: number, outputs: number, bias = true) {
        super();
        this.linear = new Linear(inputs, outputs, { bias });
      }
      forward(x: Tensor): Tensor {
        return this.linear.forward(x);
      }
    }
    class Rope extends Module {
      readonly invFreq = parameter([8]);
      readonly maxTheta = parameter([]);
      readonly minTheta = parameter([]);
      readonly pitchScale = parameter([]);
      readonly theta = parameter([]);
    }
    class SelfAttention extends Module {
      readonly fzero = parameter([]);
      readonly q = new Projection(32, 32);
      readonly k = new Projection(32, 32, false);
      readonly v = new Projection(32, 32);
      readonly o = new Projection(32, 32);
      readonly rope = new Rope();
    }
    class Block extends Module {
      readonly attna = new SelfAttention();
      readonly lna = new RMSNorm(32);
      readonly lnc = new RMSNorm(32);
      readonly mlp = new Sequential(new Projection(32, 128), new Activation("gelu"), new Projection(128, 32));
      readonly mlpGate = new Sequential(new Projection(32, 1));
    }
    class Stem extends Module {
      readonly encoder = new Sequential(
        new Conv1d(20, 32, 3),
        new Activation("gelu"),
        new Conv1d(32, 32, 5),
        new Activation("gelu"),
        new Conv1d(32, 32, 3, { groups: 32 }),
      );
      readonly _norm = new RMSNorm(32);
    }
    class Encoder extends Module {
      readonly processors = new Map<string, Module[]>([
        ["spectrogram", [new Stem(), new Block(), new Block()]],
      ]);
    }
    const arrays = goldenBelow(file, `${weights}encoder.`);
    const encoder = new Encoder();
    encoder.loadStateDict(arrays);
    const state = await encoder.stateDict();
    t.strictSame([...state.keys()].sort(), [...arrays.keys()].sort());
    for (const [name, { data, shape }] of arrays) {
      t.strictSame(state.get(name)?.shape, shape, name);
      t.strictSame(state.get(name)?.data, data);
    }
    const table = new Embedding(40, 32);
    table.loadStateDict(goldenBelow(file, `${weights}decoder.token_embedding.`));
  },
);
