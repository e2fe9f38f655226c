// Layers, losses and their gradients on the wasm backend against the reference backend in float64.
import * as T from "@echo-ts/tensor";
import * as internal from "@echo-ts/tensor/internal";
import t from "tap";
import { type Both, both, distance, integers, view } from "./wasm-and-reference.ts";

type Tensor = T.Tensor;

t.test("linear", async (t) => {
  for (const [shape, out] of [
    [[2, 3, 8], 5],
    [[100, 64], 96],
    [[4], 3],
  ] as [number[], number][]) {
    const x = both(shape, 1);
    const w = both([out, shape[shape.length - 1]!], 2);
    const b = both([out], 3);
    t.ok(distance(T.linear(x.wasm, w.wasm), T.linear(x.reference, w.reference)) <= 1e-6);
    t.ok(distance(T.linear(x.wasm, w.wasm, b.wasm), T.linear(x.reference, w.reference, b.reference)) <= 1e-6);
  }
});

t.test("norms, rotation, attention and convolution", async (t) => {
  const x = both([3, 7, 10], 1);
  const w = both([10], 2);
  const b = both([10], 3);
  t.ok(distance(T.rmsNorm(x.wasm, w.wasm), T.rmsNorm(x.reference, w.reference)) <= 1e-6, "rmsNorm");
  const norm = (x: Tensor, w: Tensor, b: Tensor): Tensor => T.layerNorm(x, w, b);
  t.ok(
    distance(norm(x.wasm, w.wasm, b.wasm), norm(x.reference, w.reference, b.reference)) <= 2e-6,
    "layerNorm",
  );
  const cosine = both([7, 5], 4);
  const sine = both([7, 5], 5);
  const turned = T.rotatePairs(x.wasm, cosine.wasm, sine.wasm);
  t.ok(distance(turned, T.rotatePairs(x.reference, cosine.reference, sine.reference)) <= 1e-6, "rotatePairs");
  const q = both([2, 3, 9, 8], 6);
  const k = both([2, 3, 11, 8], 7);
  const v = both([2, 3, 11, 4], 8);
  const bias = both([2, 1, 1, 11], 9);
  for (const [options, r] of [
    [{}, {}],
    [{ causal: true }, { causal: true }],
    [
      { bias: bias.wasm, scale: 0.2 },
      { bias: bias.reference, scale: 0.2 },
    ],
  ]) {
    const d = distance(
      T.attention(q.wasm, k.wasm, v.wasm, options),
      T.attention(q.reference, k.reference, v.reference, r),
    );
    t.ok(d <= 2e-6, `attention ${Object.keys(options!)}: ${d}`);
  }
  const signal = both([2, 6, 40], 10);
  for (const options of [
    {},
    { padding: 1 },
    { stride: 2, padding: 2 },
    { dilation: 3 },
    { groups: 2, padding: 1 },
    { groups: 6, padding: 1 },
    { groups: 3, stride: 3, dilation: 2, padding: 4 },
  ]) {
    const kernel = both([12, 6 / (options.groups ?? 1), 3], 11);
    const offset = both([12], 12);
    const actual = T.conv1d(signal.wasm, kernel.wasm, offset.wasm, options);
    const d = distance(actual, T.conv1d(signal.reference, kernel.reference, offset.reference, options));
    t.ok(d <= 2e-6, `conv1d ${JSON.stringify(options)}: ${d}`);
  }
});

t.test("gradients of activations and norms", async (t) => {
  for (const shape of [
    [3, 7],
    [200, 130],
  ]) {
    const g = both(shape, 1);
    const x = both(shape, 2);
    const w = both([shape[1]!], 3);
    const { sigmoidGrad, tanhGrad, reluGrad, geluGrad, geluTanhGrad, siluGrad } = internal.OPS;
    for (const op of [sigmoidGrad, tanhGrad, reluGrad, geluGrad, geluTanhGrad, siluGrad]) {
      const d = distance(
        internal.apply(op, [g.wasm, x.wasm], internal.NONE),
        internal.apply(op, [g.reference, x.reference], internal.NONE),
      );
      t.ok(d <= 1e-6, `${op.name} ${shape}: ${d}`);
    }
    const { rmsNormGrad, layerNormGrad, rmsNormWeightGrad, layerNormWeightGrad } = internal.OPS;
    const epsilon = 1e-5;
    for (const op of [rmsNormGrad, layerNormGrad]) {
      const of = (backend: "wasm" | "reference"): T.Tensor =>
        internal.apply(op, [g[backend], x[backend], w[backend]], { epsilon });
      const d = distance(of("wasm"), of("reference"));
      t.ok(d <= 2e-6, `${op.name} ${shape}: ${d}`);
    }
    for (const op of [rmsNormWeightGrad, layerNormWeightGrad]) {
      const of = (backend: "wasm" | "reference"): T.Tensor =>
        internal.apply(op, [g[backend], x[backend]], { epsilon });
      const d = distance(of("wasm"), of("reference"));
      t.ok(d <= 2e-6, `${op.name} ${shape}: ${d}`);
    }
    for (const op of [internal.OPS.softmaxGrad, internal.OPS.logSoftmaxGrad]) {
      const y = view(x, op.name === "softmaxGrad" ? T.softmax : T.logSoftmax);
      const of = (backend: "wasm" | "reference"): T.Tensor =>
        internal.apply(op, [g[backend], y[backend]], { axis: 1 });
      const d = distance(of("wasm"), of("reference"));
      t.ok(d <= 2e-6, `${op.name} ${shape}: ${d}`);
    }
  }
});

t.test("attention and its weights, heads as strided views, many rows", async (t) => {
  for (const [heads, queries, keys] of [
    [1, 250, 130],
    [3, 100, 100],
    [4, 5, 200],
  ] as const) {
    const flat = both([2, Math.max(queries, keys), 3, heads, 16], 1);
    const part = (i: number, rows: number): Both =>
      view(flat, (x) => T.permute(T.narrow(T.select(x, 2, i), 1, 0, rows), [0, 2, 1, 3]));
    const [q, k, v] = [part(0, queries), part(1, keys), part(2, keys)];
    const bias = both([heads, 1, keys], 2);
    for (const causal of [false, true]) {
      const a = T.attention(q.wasm, k.wasm, v.wasm, { causal, bias: bias.wasm });
      const e = T.attention(q.reference, k.reference, v.reference, { causal, bias: bias.reference });
      t.ok(
        distance(a, e) <= 2e-6,
        `${heads} heads, ${queries} x ${keys}, causal ${causal}: ${distance(a, e)}`,
      );
      const params = { causal, scale: 0.3 };
      const w = internal.attentionWeights(q.wasm, k.wasm, params, bias.wasm);
      const d = distance(w, internal.attentionWeights(q.reference, k.reference, params, bias.reference));
      t.ok(d <= 2e-6, `weights: ${d}`);
    }
  }
});

t.test("the gradients of attention, in several blocks of query rows, heads as strided views", async (t) => {
  for (const [heads, queries, keys] of [
    [1, 400, 375],
    [2, 221, 700],
    [3, 13, 7],
    [2, 1, 1],
  ] as const) {
    const flat = both([2, Math.max(queries, keys), 3, heads, 8], 1);
    const part = (i: number, rows: number): Both =>
      view(flat, (x) => T.permute(T.narrow(T.select(x, 2, i), 1, 0, rows), [0, 2, 1, 3]));
    const [q, k, v] = [part(0, queries), part(1, keys), part(2, keys)];
    const g = view(both([2, queries, heads, 8], 2), (x) => T.permute(x, [0, 2, 1, 3]));
    const padding = Array.from({ length: keys }, (_, j) =>
      j % 5 === 3 ? Number.NEGATIVE_INFINITY : 0.3 * (j % 3),
    );
    for (const [name, bias] of [
      ["no bias", null],
      ["a bias for all queries", both([heads, 1, keys], 3)],
      ["a bias for each query", both([2, 1, queries, keys], 4)],
      [
        "forbidden keys",
        view(both([keys], 5), (x) => T.tensor(padding, { dtype: x.dtype, backend: x.backend })),
      ],
    ] as const) {
      for (const causal of [false, true]) {
        const params = { scale: 0.4, causal };
        const biasGrad = name === "a bias for all queries";
        const of = (x: "wasm" | "reference", kept: boolean): T.Tensor => {
          const weights = kept ? internal.attentionWeights(q[x], k[x], params, bias?.[x]) : bias?.[x];
          const inputs = [g[x], q[x], k[x], v[x], ...(weights === undefined ? [] : [weights])];
          return internal.apply(internal.OPS.attentionGrad, inputs, { ...params, kept, biasGrad });
        };
        const again = of("wasm", false);
        const d = distance(again, of("reference", false));
        t.same(
          again.dataSync(),
          of("wasm", true).dataSync(),
          "weights computed again give the bits of those kept",
        );
        t.ok(d <= 3e-6, `${heads} heads, ${queries} x ${keys}, ${name}, causal ${causal}: ${d}`);
      }
    }
  }
});

t.test("convolution and its gradients", async (t) => {
  for (const [channels, outs, groups, taps, stride, padding, dilation, frames] of [
    [6, 4, 1, 3, 1, 1, 1, 40],
    [6, 4, 2, 3, 2, 1, 1, 41],
    [5, 5, 5, 7, 1, 3, 1, 64],
    [5, 5, 5, 3, 2, 1, 2, 33],
    [4, 8, 4, 2, 3, 0, 1, 30],
    [40, 70, 1, 3, 1, 2, 2, 120],
    [1, 12, 1, 9, 4, 4, 1, 200],
    [3, 2, 1, 1, 1, 2, 1, 10],
  ] as [number, number, number, number, number, number, number, number][]) {
    const x = both([2, channels, frames], 1);
    const w = both([outs, channels / groups, taps], 2);
    const b = both([outs], 3);
    const params = { stride, padding, dilation, groups };
    const name = `${channels} -> ${outs} by ${groups}, ${JSON.stringify(params)}`;
    const y = T.conv1d(x.wasm, w.wasm, b.wasm, params);
    const expected = T.conv1d(x.reference, w.reference, b.reference, params);
    t.ok(distance(y, expected) <= 2e-6, `${name}: ${distance(y, expected)}`);
    const g = both([...y.shape], 4);
    const dx = internal.apply(internal.OPS.conv1dInputGrad, [g.wasm, w.wasm], { ...params, length: frames });
    const ex = internal.apply(internal.OPS.conv1dInputGrad, [g.reference, w.reference], {
      ...params,
      length: frames,
    });
    t.ok(distance(dx, ex) <= 2e-6, `input gradient, ${name}: ${distance(dx, ex)}`);
    const dw = internal.apply(internal.OPS.conv1dWeightGrad, [g.wasm, x.wasm], { ...params, taps });
    const ew = internal.apply(internal.OPS.conv1dWeightGrad, [g.reference, x.reference], { ...params, taps });
    t.ok(distance(dw, ew) <= 2e-6, `weight gradient, ${name}: ${distance(dw, ew)}`);
  }
});

t.test("cross entropy and its gradient", async (t) => {
  for (const classes of [3, 29, 130]) {
    const rows = 20;
    const logits = both([rows, classes], 1, -8, 8);
    const labels = integers(
      [rows],
      Array.from({ length: rows }, (_, i) => (i === 4 ? 1 : (i * 7) % classes)),
    );
    const weights = both([classes], 2, 0.1, 2);
    const g = both([rows], 3);
    for (const params of [
      { ignoreIndex: null, labelSmoothing: 0 },
      { ignoreIndex: 1, labelSmoothing: 0.1 },
    ]) {
      for (const weighted of [false, true]) {
        const [a, e] = weighted ? [weights.wasm, weights.reference] : [null, null];
        const loss = internal.crossEntropyRows(logits.wasm, labels.wasm, a, params);
        const d = distance(loss, internal.crossEntropyRows(logits.reference, labels.reference, e, params));
        t.ok(d <= 1e-6, `loss of ${classes} classes: ${d}`);
        const of = (backend: "wasm" | "reference"): T.Tensor => {
          const inputs = [g[backend], logits[backend], labels[backend]];
          if (weighted) inputs.push(weights[backend]);
          return internal.apply(internal.OPS.crossEntropyGrad, inputs, params);
        };
        const [grad, eg] = [of("wasm"), of("reference")];
        t.ok(distance(grad, eg) <= 1e-6, `gradient: ${distance(grad, eg)}`);
      }
    }
  }
});

t.test("float32 fell back only where a composition is meant to serve", async (t) => {
  const fell = T.explain().filter((line) => line.backend === "wasm" && line.dtype === "float32");
  t.same([...new Set(fell.map((line) => line.op))].sort(), ["conv1dInputGrad"]);
});
