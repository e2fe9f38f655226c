// Every op on the wasm backend (layers, losses and their gradients: wasm-layers.test.ts) against the reference backend in float64, on dense, permuted, sliced and
// broadcast inputs, small and large enough for several threads.
import * as T from "@echo-ts/tensor";
import fc from "fast-check";
import t from "tap";
import { getEngine } from "../../../packages/tensor/dist/backends/wasm/engine.js";
import { wasm } from "../../../packages/tensor/dist/backends/wasm/index.js";
import { type Both, both, distance, integers, view } from "./wasm-and-reference.ts";

type Tensor = T.Tensor;

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

t.test("gathering and adding by index", async (t) => {
  const x = both([4, 5, 6], 1);
  const pick = integers([2, 3], [4, 0, 2, 2, 1, 4]);
  t.equal(distance(T.indexSelect(x.wasm, 1, pick.wasm), T.indexSelect(x.reference, 1, pick.reference)), 0);
  const source = both([4, 2, 3, 6], 2);
  const added = T.indexAdd(x.wasm, 1, pick.wasm, source.wasm);
  t.ok(distance(added, T.indexAdd(x.reference, 1, pick.reference, source.reference)) <= 1e-6);
  const at = integers(
    [4, 2, 6],
    Array.from({ length: 48 }, (_, i) => (i * 7) % 5),
  );
  t.equal(distance(T.gather(x.wasm, 1, at.wasm), T.gather(x.reference, 1, at.reference)), 0);
  const s = both([4, 2, 6], 3);
  const scattered = T.scatterAdd(x.wasm, 1, at.wasm, s.wasm);
  t.ok(distance(scattered, T.scatterAdd(x.reference, 1, at.reference, s.reference)) <= 1e-6);
  const bad = T.withBackend(wasm, () => T.tensor(Int32Array.of(0, 5)));
  t.throws(() => T.indexSelect(x.wasm, 1, bad), {
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
    message: /^read: the memory of this float32 storage of 3 elements was given back/,
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
  t.same([...new Set(fell.map((line) => line.op))].sort(), ["softmax"]);
});
