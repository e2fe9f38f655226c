// What is exact has the same bits on wasm as on the reference backend, in every dtype, through dense and transposed
// views, at NaN, infinities, zeros of both signs and the ends of int32; sums of float64 run in the same order.
// The oracle is the reference backend, which other tests compare with PyTorch and NumPy.
import * as T from "@echo-ts/tensor";
import t from "tap";

type Values = Float64Array;

const SHAPES = [[1], [7], [64], [1025], [5, 3], [37, 129], [3, 70, 5], [2, 300, 4], [1000, 3], [2, 2, 2000]];
const SPECIAL = [
  Number.NaN,
  Infinity,
  -Infinity,
  -0,
  0,
  0.5,
  2.5,
  -3.5,
  1e20,
  -3e11,
  2 ** 31,
  -(2 ** 32) - 5,
];

/** Numbers of every size, one in four of them special. */
function values(dtype: T.DType, count: number, seed: number): Values {
  const random = T.stream(seed, "wasm-dtypes");
  return Float64Array.from({ length: count }, () => {
    const choice = random.uniform();
    const value = random.uniform() * 2 - 1;
    if (dtype === "bool") return choice < 0.5 ? 1 : 0;
    if (dtype !== "int32") return choice < 0.25 ? SPECIAL[Math.floor(choice * 48)]! : value * 20;
    if (choice < 0.1) return value < 0 ? -(2 ** 31) : 2 ** 31 - 1;
    return Math.floor(value * (choice < 0.5 ? 10 : 2 ** 31));
  });
}

function made(dtype: T.DType, data: Values, shape: number[]): T.Tensor {
  if (dtype === "int32") return T.tensor(Int32Array.from(data), { shape });
  if (dtype === "float32") return T.tensor(Float32Array.from(data), { shape });
  if (dtype === "float64") return T.tensor(data, { shape, dtype });
  return T.reshape(T.tensor(Array.from(data, (x) => x !== 0)), shape);
}

type Operation = (a: T.Tensor, b: T.Tensor) => T.Tensor;

const EVERY: Record<string, Operation> = {
  less: T.less,
  lessEqual: T.lessEqual,
  logicalAnd: T.logicalAnd,
  logicalOr: T.logicalOr,
  equal: T.equal,
  maximum: T.maximum,
  minimum: T.minimum,
  where: (a, b) => T.where(T.less(a, b), a, b),
  max: (a) => T.max(a),
  "max over the first axis": (a) => T.max(a, 0),
  "min over the last axis": (a) => T.min(a, -1),
  argmax: (a) => T.argmax(a, 0),
  "to int32": (a) => T.cast(a, "int32"),
  "to bool": (a) => T.cast(a, "bool"),
  "to float32": (a) => T.cast(a, "float32"),
  "to float64": (a) => T.cast(a, "float64"),
  isNaN: T.isNaN,
  isFinite: T.isFinite,
  logicalNot: T.logicalNot,
  all: (a) => T.all(a, -1),
  any: (a) => T.any(a, 0),
  round: T.round,
  argsort: (a) => T.argsort(a),
  "argsort over the first axis, descending": (a) => T.argsort(a, 0, true),
  topk: (a) => T.topk(a, Math.min(3, a.shape[a.rank - 1]!)).indices,
  "topk, the smallest": (a) => T.topk(a, 1, 0, false).values,
  tril: (a) => T.tril(a.rank < 2 ? T.reshape(a, [1, a.size]) : a, 1),
  triu: (a) => T.triu(a.rank < 2 ? T.reshape(a, [1, a.size]) : a),
  gather: (a) => T.gather(a, 0, T.zeros(a.shape, { dtype: "int32" })),
};
const NUMBERS: Record<string, Operation> = {
  add: T.add,
  sub: T.sub,
  mul: T.mul,
  mod: T.mod,
  neg: T.neg,
  abs: T.abs,
  square: T.square,
};
const DOUBLES: Record<string, Operation> = {
  div: T.div,
  sqrt: T.sqrt,
  floor: T.floor,
  reciprocal: T.reciprocal,
};
const SUMS: Record<string, Operation> = {
  sum: (a) => T.sum(a),
  "sum over the first axis": (a) => T.sum(a, 0),
  "sum over the last axis": (a) => T.sum(a, -1),
  "sum over all but one axis": (a) => T.sum(a, a.rank < 3 ? 0 : [0, 2]),
};

const finite = (data: Values): Values => data.map((x) => (Number.isFinite(x) ? x : 1));

/** Bits that differ, as texts. */
function differences(dtype: T.DType, operations: Record<string, Operation>, clean: boolean): string[] {
  const wrong: string[] = [];
  for (const shape of SHAPES) {
    const count = shape.reduce((n, m) => n * m, 1);
    const data = [1, 2].map((seed) => values(dtype, count, seed)).map((x) => (clean ? finite(x) : x));
    for (const transposed of [false, true]) {
      const run = (backend: string, operation: Operation): T.Tensor =>
        T.withBackend(backend, () => {
          const [a, b] = data.map((x) => made(dtype, x, shape)) as [T.Tensor, T.Tensor];
          const turn = (x: T.Tensor): T.Tensor => (transposed && x.rank > 1 ? T.transpose(x) : x);
          return operation(turn(a), turn(b));
        });
      for (const [name, operation] of Object.entries(operations)) {
        const actual = run("wasm", operation);
        const expected = run("reference", operation);
        const [x, y] = [actual.dataSync(), expected.dataSync()];
        const at = x.findIndex((value, i) => !Object.is(value, y[i]));
        if (at >= 0 || actual.dtype !== expected.dtype || x.length !== y.length) {
          wrong.push(`${name} of ${dtype} ${T.formatShape(shape)} at ${at}: ${x[at]}, not ${y[at]}`);
        }
      }
    }
  }
  return wrong;
}

for (const dtype of ["float64", "int32", "bool", "float32"] as const) {
  t.test(`${dtype}: the bits of the reference backend`, async (t) => {
    T.explain({ reset: true });
    t.same(differences(dtype, EVERY, false), []);
    if (dtype !== "bool") t.same(differences(dtype, NUMBERS, false), []);
    if (dtype === "float64") t.same(differences(dtype, DOUBLES, false), []);
    if (dtype !== "float32") t.same(differences(dtype, SUMS, true), []);
    t.same(
      T.explain().filter(({ backend }) => backend === "wasm"),
      [],
      "nothing fell back",
    );
  });
}

const PRODUCTS: [number[], number[]][] = [
  [
    [1, 1],
    [1, 1],
  ],
  [
    [3, 5],
    [5, 2],
  ],
  [
    [9, 600],
    [600, 13],
  ],
  [
    [2, 3, 4, 7],
    [3, 7, 9],
  ],
  [
    [4, 0],
    [0, 3],
  ],
  [[5], [5, 3]],
];

for (const dtype of ["float64", "int32"] as const) {
  t.test(`products of ${dtype} have the bits of the reference backend`, async (t) => {
    T.explain({ reset: true });
    for (const [left, right] of PRODUCTS) {
      const [a, b] = [left, right].map((shape, i) =>
        finite(
          values(
            dtype,
            shape.reduce((n, m) => n * m, 1),
            i + 5,
          ),
        ),
      ) as [Values, Values];
      const turned = (x: Values, shape: number[]): T.Tensor =>
        shape.length < 2
          ? made(dtype, x, shape)
          : T.transpose(made(dtype, x, [...shape.slice(0, -2), shape.at(-1)!, shape.at(-2)!]));
      const run = (backend: string, make: (x: Values, shape: number[]) => T.Tensor): number[] =>
        T.withBackend(backend, () => [...T.matmul(make(a, left), make(b, right)).dataSync()]);
      for (const make of [(x: Values, shape: number[]) => made(dtype, x, shape), turned]) {
        t.same(run("wasm", make), run("reference", make), `[${left}] [${right}]`);
      }
    }
    t.same(
      T.explain().filter(({ backend }) => backend === "wasm"),
      [],
      "nothing fell back",
    );
  });
}

t.test("round keeps the sign of what becomes 0, as NumPy and PyTorch", async (t) => {
  for (const backend of ["wasm", "reference"]) {
    for (const dtype of ["float32", "float64"] as const) {
      const x = Float64Array.of(-0.2, -0.5, -0, 0.5, 1.5, -2.5, 2 ** 23 + 1, Infinity, -Infinity, Number.NaN);
      const y = T.withBackend(backend, () => T.round(made(dtype, x, [10])).dataSync());
      t.same(
        Array.from(y, (value) => (Object.is(value, -0) ? "-0" : `${value}`)),
        ["-0", "-0", "-0", "0", "2", "-2", "8388609", "Infinity", "-Infinity", "NaN"],
        `${backend} ${dtype}`,
      );
    }
  }
});

t.test("the remainder is exact, for quotients next to integers and numbers of every size", async (t) => {
  const random = T.stream(4, "wasm-dtypes");
  const size = 20000;
  const b = Float64Array.from(
    { length: size },
    () => (random.uniform() - 0.5) * 10 ** (random.uniform() * 12),
  );
  const a = b.map((x, i) => {
    const near = x * Math.floor((random.uniform() - 0.5) * 2 ** (random.uniform() * 56));
    return i % 3 === 0 ? near : i % 3 === 1 ? near + x * 2 ** -40 : (random.uniform() - 0.5) * 1e9;
  });
  b.set([1e300, 5e-324, 3, -3, Infinity, 0.1, 1e-300]);
  a.set([1.7e308, 1, -0, 0, -5, 1, 3e-300]);
  for (const dtype of ["float64", "float32"] as const) {
    const run = (backend: string): ArrayLike<number> =>
      T.withBackend(backend, () => T.mod(made(dtype, a, [size]), made(dtype, b, [size])).dataSync());
    const [x, y] = [run("wasm"), run("reference")];
    t.equal(
      a.findIndex((_, i) => !Object.is(x[i], y[i])),
      -1,
      dtype,
    );
  }
});

t.test("float64 functions are within one unit in the last place or two of the host's", async (t) => {
  const points = Float64Array.from({ length: 20001 }, (_, i) => (i - 10000) / 251);
  const bounds: [string, Operation, (x: number) => number, number][] = [
    ["exp", T.exp, Math.exp, 2],
    ["expm1", T.expm1, Math.expm1, 2],
    ["log", (x) => T.log(T.abs(x)), (x) => Math.log(Math.abs(x)), 2],
    ["log1p", (x) => T.log1p(T.abs(x)), (x) => Math.log1p(Math.abs(x)), 2],
    ["sin", T.sin, Math.sin, 2],
    ["cos", T.cos, Math.cos, 2],
    ["tanh", T.tanh, Math.tanh, 3],
  ];
  const actual = (operation: Operation): Float64Array =>
    T.withBackend("wasm", () => {
      const x = T.tensor(points, { dtype: "float64" });
      return Float64Array.from(operation(x, x).dataSync());
    });
  for (const [name, operation, oracle, units] of bounds) {
    const worst = actual(operation).reduce((most: number, y, i) => {
      const expected = oracle(points[i]!);
      const unit = 2 ** (Math.floor(Math.log2(Math.abs(expected) || 1)) - 52);
      return Math.max(most, y === expected ? 0 : Math.abs(y - expected) / unit);
    }, 0);
    t.ok(worst <= units, `${name}: ${worst} units in the last place`);
  }
  const ends = [
    Number.NaN,
    Infinity,
    -Infinity,
    709.782712893384,
    709.7827128933841,
    -745.13,
    -745.14,
    -708.5,
    -0,
  ];
  const exps = T.withBackend("wasm", () =>
    T.exp(T.tensor(Float64Array.from(ends), { dtype: "float64" })),
  ).dataSync();
  t.same(
    Array.from(exps, (y, i) => y === Math.exp(ends[i]!) || Math.abs(y / Math.exp(ends[i]!) - 1) < 1e-15),
    ends.map((x) => !Number.isNaN(x)),
  );
  t.ok(Number.isNaN(exps[0]));
});
