// Every op on the wasm backend against the reference backend in float64, on dense, permuted, sliced and
// broadcast inputs, small and large enough for several threads.
import * as T from "@echo-ts/tensor";
import fc from "fast-check";
import t from "tap";
import { getEngine } from "../../../packages/tensor/dist/backends/wasm/engine.js";
import { wasm } from "../../../packages/tensor/dist/backends/wasm/index.js";

T.configureWasm({ threads: 2 });
type Tensor = T.Tensor;

/** Reproducible numbers in [low, high). */
function numbers(count: number, seed: number, low = -3, high = 3): Float32Array {
  let state = seed * 2654435761 + 12345;
  return Float32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return low + ((state >>> 0) / 2 ** 32) * (high - low);
  });
}

/** One array as a tensor on both backends: float32 on wasm, the same values as float64 on the reference. */
interface Both {
  readonly wasm: Tensor;
  readonly reference: Tensor;
}

function both(shape: number[], seed: number, low = -3, high = 3): Both {
  const data = numbers(
    shape.reduce((a, b) => a * b, 1),
    seed,
    low,
    high,
  );
  return {
    wasm: T.withBackend(wasm, () => T.reshape(T.tensor(data), shape)),
    reference: T.withBackend("reference", () => T.reshape(T.tensor(Float64Array.from(data)), shape)),
  };
}

function integers(shape: number[], values: number[]): Both {
  return {
    wasm: T.withBackend(wasm, () => T.reshape(T.tensor(Int32Array.from(values)), shape)),
    reference: T.withBackend("reference", () => T.reshape(T.tensor(Int32Array.from(values)), shape)),
  };
}

const view = (x: Both, f: (x: Tensor) => Tensor): Both => ({ wasm: f(x.wasm), reference: f(x.reference) });

/** Largest difference relative to the largest expected value (at least 1e-3); infinities and NaN must match. */
function distance(actual: Tensor, expected: Tensor): number {
  if (T.formatShape(actual.shape) !== T.formatShape(expected.shape)) return Number.POSITIVE_INFINITY;
  const a = actual.dataSync();
  const e = expected.dataSync();
  let worst = 0;
  let scale = 1e-3;
  for (let i = 0; i < e.length; i++) {
    if (Number.isFinite(e[i]!)) scale = Math.max(scale, Math.abs(e[i]!));
    const same = Object.is(a[i]!, e[i]!) || a[i] === e[i];
    const d = same ? 0 : Math.abs(a[i]! - e[i]!);
    worst = Math.max(worst, Number.isNaN(d) ? Number.POSITIVE_INFINITY : d);
  }
  return worst / scale;
}

/** Layouts of a [a, b, c] array: as it is, permuted, sliced with steps, reversed, broadcast. */
const LAYOUTS: Record<string, (x: Tensor) => Tensor> = {
  dense: (x) => x,
  permuted: (x) => T.permute(x, [2, 0, 1]),
  sliced: (x) => T.slice(x, [{ start: 1 }, null, { step: 2 }]),
  reversed: (x) => T.slice(x, [null, { start: -1, stop: null, step: -1 }]),
  broadcast: (x) => T.broadcastTo(T.slice(x, [null, { start: 0, stop: 1 }, null]), x.shape),
};

const SHAPES = [
  [2, 3, 5],
  [1, 1, 1],
  [40, 50, 60],
];

interface UnaryCase {
  readonly f: (x: Tensor) => Tensor;
  readonly low?: number;
  readonly high?: number;
  readonly tolerance?: number;
}

const UNARY: Record<string, UnaryCase> = {
  neg: { f: T.neg },
  exp: { f: T.exp },
  expm1: { f: T.expm1 },
  log: { f: T.log, low: 0.001, high: 5 },
  log1p: { f: T.log1p, low: -0.9, high: 5 },
  sqrt: { f: T.sqrt, low: 0, high: 9 },
  sin: { f: T.sin, low: -50, high: 50 },
  cos: { f: T.cos, low: -50, high: 50 },
  tanh: { f: T.tanh },
  erf: { f: T.erf },
  floor: { f: T.floor },
  abs: { f: T.abs },
  square: { f: T.square },
  reciprocal: { f: T.reciprocal, low: 0.1, high: 3 },
  rsqrt: { f: T.rsqrt, low: 0.1, high: 3 },
  sigmoid: { f: T.sigmoid },
  relu: { f: T.relu },
  softplus: { f: T.softplus, low: -30, high: 30 },
  gelu: { f: T.gelu },
  geluTanh: { f: (x) => T.geluTanh(x) },
  silu: { f: T.silu },
  elu: { f: (x) => T.elu(x, 0.7) },
  leakyRelu: { f: (x) => T.leakyRelu(x, 0.1) },
  "sum of all": { f: (x) => T.sum(x) },
  "sum of axis 0": { f: (x) => T.sum(x, 0) },
  "sum of axis 1, kept": { f: (x) => T.sum(x, 1, true) },
  "sum of the last axis": { f: (x) => T.sum(x, -1) },
  "sum of axes 0 and 2": { f: (x) => T.sum(x, [0, 2]) },
  "max of all": { f: (x) => T.max(x) },
  "max of axis 1": { f: (x) => T.max(x, 1) },
  "argmax of axis 1": { f: (x) => T.argmax(x, 1) },
  cumsum: { f: (x) => T.cumsum(x, 1) },
  softmax: { f: (x) => T.softmax(x) },
  "softmax of axis 0": { f: (x) => T.softmax(x, 0) },
  logSoftmax: { f: (x) => T.logSoftmax(x) },
  pad: {
    f: (x) =>
      T.pad(
        x,
        [
          [1, 2],
          [0, 0],
          [3, 0],
        ],
        "constant",
        0.5,
      ),
  },
  "pad of the middle": {
    f: (x) =>
      T.pad(x, [
        [0, 0],
        [2, 1],
        [0, 0],
      ]),
  },
  concat: { f: (x) => T.concat([x, T.neg(x), x], 1) },
  "copy of a view": { f: (x) => T.reshape(x, [-1]) },
};

for (const [name, { f, low, high, tolerance = 1e-6 }] of Object.entries(UNARY)) {
  t.test(name, async (t) => {
    for (const shape of SHAPES) {
      for (const [layout, change] of Object.entries(LAYOUTS)) {
        if (shape[0] === 1 && layout === "sliced") continue;
        const x = view(both(shape, 7, low, high), change);
        const d = distance(f(x.wasm), f(x.reference));
        t.ok(d <= tolerance, `${layout} ${shape}: ${d}`);
      }
    }
  });
}

const BINARY: Record<string, { f: (a: Tensor, b: Tensor) => Tensor; low?: number }> = {
  add: { f: T.add },
  sub: { f: T.sub },
  mul: { f: T.mul },
  div: { f: T.div, low: 0.5 },
  pow: { f: T.pow, low: 0.1 },
  mod: { f: T.mod, low: 0.5 },
  atan2: { f: T.atan2 },
  maximum: { f: T.maximum },
  minimum: { f: T.minimum },
  less: { f: T.less },
  equal: { f: (a, b) => T.equal(T.floor(a), T.floor(b)) },
  where: { f: (a, b) => T.where(T.less(a, b), a, b) },
};

for (const [name, { f, low }] of Object.entries(BINARY)) {
  t.test(`${name} broadcasts`, async (t) => {
    const shapes: [number[], number[]][] = [
      [
        [2, 3, 5],
        [2, 3, 5],
      ],
      [[2, 3, 5], [5]],
      [
        [2, 3, 5],
        [3, 1],
      ],
      [
        [2, 1, 5],
        [1, 3, 1],
      ],
      [[], [4, 4]],
      [
        [40, 30, 70],
        [40, 30, 70],
      ],
      [
        [40, 30, 70],
        [30, 1],
      ],
      [[1], [300, 1000]],
      [
        [0, 3],
        [1, 3],
      ],
    ];
    for (const [p, q] of shapes) {
      const a = both(p, 3, low);
      const b = both(q, 4, low);
      const d = distance(f(a.wasm, b.wasm), f(a.reference, b.reference));
      t.ok(d <= 1e-6, `[${p}] and [${q}]: ${d}`);
    }
  });
}

t.test("transposed copies of every size", async (t) => {
  for (const [batch, rows, columns] of [
    [1, 2, 3],
    [2, 4, 4],
    [3, 17, 21],
    [1, 300, 257],
    [2, 33, 100],
  ] as const) {
    const x = both([batch, rows, columns], 1);
    const turn = (y: Tensor): Tensor => T.add(T.reshape(T.permute(y, [0, 2, 1]), [-1]), 0);
    t.equal(distance(turn(x.wasm), turn(x.reference)), 0, `${batch} of ${rows} x ${columns}`);
  }
});

t.test("matmul takes any strides and broadcasts its batch axes", async (t) => {
  const cases: [number[], number[]][] = [
    [
      [3, 4],
      [4, 5],
    ],
    [
      [1, 1],
      [1, 1],
    ],
    [
      [5, 0],
      [0, 3],
    ],
    [
      [7, 300],
      [300, 9],
    ],
    [
      [130, 70],
      [70, 190],
    ],
    [
      [2, 3, 8, 6],
      [2, 3, 6, 7],
    ],
    [
      [2, 3, 8, 6],
      [6, 7],
    ],
    [
      [8, 6],
      [5, 6, 7],
    ],
    [
      [2, 1, 8, 6],
      [3, 6, 7],
    ],
    [
      [6, 200, 40],
      [6, 40, 200],
    ],
    [
      [1, 100],
      [100, 700],
    ],
  ];
  for (const [p, q] of cases) {
    const a = both(p, 5);
    const b = both(q, 6);
    const flip = (x: Both): Both => view(x, (y) => T.transpose(T.cast(T.transpose(y), y.dtype)));
    const turned = (x: Both): Both => view(x, (y) => T.transpose(T.add(T.transpose(y), 0)));
    for (const [which, l, r] of [
      ["as they are", a, b],
      ["left transposed", turned(a), b],
      ["right transposed", a, turned(b)],
      ["both transposed", flip(a), turned(b)],
    ] as const) {
      const d = distance(T.matmul(l.wasm, r.wasm), T.matmul(l.reference, r.reference));
      t.ok(d <= 1e-6, `[${p}] @ [${q}] ${which}: ${d}`);
    }
  }
});

t.test("matmul of random strided views", async (t) => {
  const size = fc.integer({ min: 1, max: 20 });
  fc.assert(
    fc.property(size, size, size, fc.integer({ min: 1, max: 3 }), fc.nat(), (m, k, n, step, seed) => {
      const a = view(both([m * step, k], seed), (x) => T.slice(x, [{ step }]));
      const b = view(both([n, k * step], seed + 1), (x) => T.transpose(T.slice(x, [null, { step }])));
      // A single product may cancel: what counts is the error against the sum of magnitudes.
      const scale = T.max(T.matmul(T.abs(a.reference), T.abs(b.reference))).item();
      const exact = T.matmul(a.reference, b.reference).dataSync();
      const actual = T.matmul(a.wasm, b.wasm).dataSync();
      return exact.every((value, i) => Math.abs(value - actual[i]!) <= 1e-6 * scale);
    }),
    { numRuns: 200 },
  );
  t.pass("200 products");
});

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
    const { sigmoidGrad, tanhGrad, reluGrad, geluGrad, geluTanhGrad, siluGrad } = T;
    for (const f of [sigmoidGrad, tanhGrad, reluGrad, geluGrad, geluTanhGrad, siluGrad]) {
      const d = distance(f(g.wasm, x.wasm), f(g.reference, x.reference));
      t.ok(d <= 1e-6, `${f.name} ${shape}: ${d}`);
    }
    const { rmsNormGrad, layerNormGrad, rmsNormWeightGrad, layerNormWeightGrad } = T;
    for (const f of [rmsNormGrad, layerNormGrad]) {
      const d = distance(f(g.wasm, x.wasm, w.wasm, 1e-5), f(g.reference, x.reference, w.reference, 1e-5));
      t.ok(d <= 2e-6, `${f.name} ${shape}: ${d}`);
    }
    for (const f of [rmsNormWeightGrad, layerNormWeightGrad]) {
      const d = distance(f(g.wasm, x.wasm, 1e-5), f(g.reference, x.reference, 1e-5));
      t.ok(d <= 2e-6, `${f.name} ${shape}: ${d}`);
    }
    for (const f of [T.softmaxGrad, T.logSoftmaxGrad]) {
      const y = view(x, (z) => (f === T.softmaxGrad ? T.softmax(z) : T.logSoftmax(z)));
      const d = distance(f(g.wasm, y.wasm, 1), f(g.reference, y.reference, 1));
      t.ok(d <= 2e-6, `${f.name} ${shape}: ${d}`);
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
      const w = T.attentionWeights(q.wasm, k.wasm, params, bias.wasm);
      const d = distance(w, T.attentionWeights(q.reference, k.reference, params, bias.reference));
      t.ok(d <= 2e-6, `weights: ${d}`);
    }
  }
});

t.test("the gradients of attention, in several blocks of query rows, heads as strided views", async (t) => {
  for (const [heads, queries, keys] of [
    [1, 400, 375],
    [2, 221, 1500],
    [3, 13, 7],
    [2, 1, 1],
  ] as const) {
    const flat = both([2, Math.max(queries, keys), 3, heads, 8], 1);
    const part = (i: number, rows: number): Both =>
      view(flat, (x) => T.permute(T.narrow(T.select(x, 2, i), 1, 0, rows), [0, 2, 1, 3]));
    const [q, k, v] = [part(0, queries), part(1, keys), part(2, keys)];
    const g = view(both([2, queries, heads, 8], 2), (x) => T.permute(x, [0, 2, 1, 3]));
    const weights = (x: "wasm" | "reference"): T.Tensor =>
      T.attentionWeights(q[x], k[x], { scale: 0.4, causal: queries === 13 });
    const of = (x: "wasm" | "reference"): T.Tensor =>
      T.attentionGrad(g[x], q[x], k[x], v[x], weights(x), 0.4);
    const d = distance(of("wasm"), of("reference"));
    t.ok(d <= 2e-6, `${heads} heads, ${queries} x ${keys}: ${d}`);
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
    const dx = T.conv1dInputGrad(g.wasm, w.wasm, { ...params, length: frames });
    const ex = T.conv1dInputGrad(g.reference, w.reference, { ...params, length: frames });
    t.ok(distance(dx, ex) <= 2e-6, `input gradient, ${name}: ${distance(dx, ex)}`);
    const dw = T.conv1dWeightGrad(g.wasm, x.wasm, { ...params, taps });
    const ew = T.conv1dWeightGrad(g.reference, x.reference, { ...params, taps });
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
        const loss = T.crossEntropyRows(logits.wasm, labels.wasm, a, params);
        const d = distance(loss, T.crossEntropyRows(logits.reference, labels.reference, e, params));
        t.ok(d <= 1e-6, `loss of ${classes} classes: ${d}`);
        const grad = T.crossEntropyGrad(g.wasm, logits.wasm, labels.wasm, a, params);
        const eg = T.crossEntropyGrad(g.reference, logits.reference, labels.reference, e, params);
        t.ok(distance(grad, eg) <= 1e-6, `gradient: ${distance(grad, eg)}`);
      }
    }
  }
});

t.test("gathering and adding by index", async (t) => {
  const x = both([4, 5, 6], 1);
  const pick = integers([2, 3], [4, 0, 2, 2, 1, 4]);
  t.equal(distance(T.indexSelect(x.wasm, pick.wasm, 1), T.indexSelect(x.reference, pick.reference, 1)), 0);
  const source = both([4, 2, 3, 6], 2);
  const added = T.indexAdd(x.wasm, pick.wasm, source.wasm, 1);
  t.ok(distance(added, T.indexAdd(x.reference, pick.reference, source.reference, 1)) <= 1e-6);
  const at = integers(
    [4, 2, 6],
    Array.from({ length: 48 }, (_, i) => (i * 7) % 5),
  );
  t.equal(distance(T.gather(x.wasm, 1, at.wasm), T.gather(x.reference, 1, at.reference)), 0);
  const s = both([4, 2, 6], 3);
  const scattered = T.scatterAdd(x.wasm, 1, at.wasm, s.wasm);
  t.ok(distance(scattered, T.scatterAdd(x.reference, 1, at.reference, s.reference)) <= 1e-6);
  const bad = T.withBackend(wasm, () => T.tensor(Int32Array.of(0, 5)));
  t.throws(() => T.indexSelect(x.wasm, bad, 1), {
    name: "ShapeError",
    message: "indexSelect: index 5 at position 1 is out of range for axis 1 of size 5",
  });
  const windows = view(both([2, 9, 3], 4), (y) => T.unfold(y, 1, 4, 2));
  const fold = (y: Tensor): Tensor => T.fold(y, 1, 9, 2);
  t.ok(distance(fold(windows.wasm), fold(windows.reference)) <= 1e-6, "fold");
});

t.test("special values pass as in float64", async (t) => {
  const odd = Float32Array.of(NaN, Infinity, -Infinity, 0, -0, 1, -1, 1e-40, 3e38, -3e38);
  const { neg, exp, expm1, log, log1p, sqrt, tanh, erf, floor, abs, sigmoid, relu } = T;
  for (const f of [neg, exp, expm1, log, log1p, sqrt, tanh, erf, floor, abs, sigmoid, relu]) {
    const actual = f(T.withBackend(wasm, () => T.tensor(odd))).dataSync();
    const expected = Float32Array.from(
      f(T.withBackend("reference", () => T.tensor(Float64Array.from(odd)))).dataSync(),
    );
    for (let i = 0; i < odd.length; i++) {
      const close = Math.abs(actual[i]! - expected[i]!) <= Math.abs(expected[i]!) * 1e-6;
      t.ok(
        close || Object.is(actual[i], expected[i]) || actual[i] === expected[i],
        `${f.name}(${odd[i]}) = ${actual[i]}, ${expected[i]}`,
      );
    }
  }
});

t.test("rows that are masked in part or whole", async (t) => {
  const x = T.withBackend(wasm, () =>
    T.tensor([
      [0, -Infinity, 1],
      [-Infinity, -Infinity, -Infinity],
    ]),
  );
  const y = T.softmax(x).dataSync();
  t.equal(y[1], 0, "a masked entry has no weight at all");
  t.ok(Number.isNaN(y[3]!), "a row without entries is NaN, as in PyTorch");
});

t.test("one NaN makes its whole row of softmax NaN, wherever it stands", async (t) => {
  const width = 37; // two runs of sixteen, a whole vector and one lane
  const values = new Float32Array(width * width).map((_, i) => (i % 37) - 18);
  for (let row = 0; row < width - 1; row++) values[row * width + row] = Number.NaN;
  values[width * width - 1] = 50;
  const x = T.withBackend(wasm, () => T.tensor(values, { shape: [width, width] }));
  for (const y of [T.softmax(x).dataSync(), T.logSoftmax(x).dataSync()]) {
    t.ok(y.subarray(0, width * (width - 1)).every(Number.isNaN), "rows with a NaN");
    t.notOk(y.subarray(width * (width - 1)).some(Number.isNaN), "the row without");
  }
});

t.test("a released storage is told, not read", async (t) => {
  const x = T.withBackend(wasm, () => T.tensor([1, 2, 3]));
  wasm.release!(x.storage);
  t.throws(() => x.dataSync(), {
    name: "BackendError",
    message: /^read: this float32 storage of 3 elements was released/,
  });
});

const collect = (globalThis as { gc?: () => void }).gc;
const skip = collect === undefined ? "run node with --expose-gc" : false;
t.test("tensors nobody holds are reclaimed when the event loop turns", { skip }, async (t) => {
  const { arena } = getEngine();
  const before = arena.stats().live;
  for (let i = 0; i < 400; i++) {
    T.withBackend(wasm, () => T.ones([1 << 18]));
    await new Promise((resolve) => setImmediate(resolve));
    collect!();
  }
  await new Promise((resolve) => setTimeout(resolve, 20));
  t.ok(arena.stats().live - before < 100 << 20, `${arena.stats().live - before} bytes`);
});

t.test("float32 fell back only where a composition is meant to serve", async (t) => {
  const fell = T.explain().filter((line) => line.backend === "wasm" && line.dtype === "float32");
  t.same([...new Set(fell.map((line) => line.op))].sort(), ["conv1dInputGrad", "softmax"]);
});
