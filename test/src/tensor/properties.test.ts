// Properties over random shapes, layouts and values: broadcasting, slicing, reductions, matmul and chains of
// views agree with oracles that work on plain lists of numbers.
import * as e from "@echo-ts/tensor";
import { type Shape, type Tensor, tensor } from "@echo-ts/tensor";
import fc from "fast-check";
import t from "tap";
import { at, build, commonShape, fold, type Grid, matmulNaive, stretched, total } from "./naive.ts";

const RUNS = { numRuns: 300 };

const size = fc.integer({ min: 0, max: 4 });
const shapes = fc.array(size, { maxLength: 4 });
/** Small integers, exact in every dtype, so that results can be compared without a tolerance. */
const filled = (shape: Shape, seed: number): Grid =>
  build(shape, (...index) => (((index.reduce((h, i) => h * 31 + i + 1, seed) * 2654435761) >>> 8) % 19) - 9);
const dense = (g: Grid): Tensor => tensor(Float64Array.from(g.data), { shape: g.shape });

/** The same values behind permuted strides: every test then also walks odd strides. */
function permuted(g: Grid, seed: number): Tensor {
  const order = [...g.shape.keys()].sort(
    (a, b) => (((a + 1) * (seed + 7)) % 5) - (((b + 1) * (seed + 7)) % 5) || a - b,
  );
  const inverse = order.map((_, i) => order.indexOf(i));
  const stored = build(
    order.map((axis) => g.shape[axis]!),
    (...index) => at(g, ...inverse.map((i) => index[i]!)),
  );
  return dense(stored).permute(inverse);
}

function agree(actual: Tensor, expected: Grid): void {
  const got = JSON.stringify([actual.shape, [...actual.dataSync()].map((x) => x + 0)]);
  const wanted = JSON.stringify([expected.shape, expected.data.map((x) => x + 0)]);
  if (got !== wanted) throw new Error(`got ${got}, expected ${wanted}`);
}

/** Two shapes that broadcast: each axis of the common shape may be 1 or missing in either. */
const broadcasting = fc
  .tuple(shapes, fc.array(fc.tuple(fc.boolean(), fc.boolean()), { minLength: 4, maxLength: 4 }), size, size)
  .map(([common, ones, dropA, dropB]) => {
    const side = (k: 0 | 1, drop: number): number[] =>
      common.map((n, i) => (ones[i]![k] ? 1 : n)).slice(Math.min(drop, common.length));
    return [side(0, dropA), side(1, dropB)] as const;
  });

t.test("broadcasting", async (t) => {
  fc.assert(
    fc.property(broadcasting, fc.nat(1000), ([a, b], seed) => {
      const [x, y] = [filled(a, seed), filled(b, seed + 1)];
      const expected = build(
        commonShape(a, b),
        (...index) => stretched(x, ...index) - 2 * stretched(y, ...index),
      );
      agree(e.sub(permuted(x, seed), e.mul(permuted(y, seed), 2)), expected);
    }),
    RUNS,
  );
  fc.assert(
    fc.property(shapes, shapes, (a, b) => {
      const rank = Math.max(a.length, b.length);
      const fits = Array.from({ length: rank }, (_, i) => [
        a[a.length - 1 - i] ?? 1,
        b[b.length - 1 - i] ?? 1,
      ]).every(([p, q]) => p === q || p === 1 || q === 1);
      try {
        e.add(e.zeros(a), e.zeros(b));
        return fits;
      } catch (error) {
        return !fits && error instanceof e.ShapeError;
      }
    }),
    RUNS,
  );
  t.pass("300 pairs that fit and 300 that need not");
});

/** Python's slice of a list, written out from its documentation. */
function pythonSlice(n: number, start: number | null, stop: number | null, step: number): number[] {
  const clip = (value: number, low: number, high: number): number =>
    Math.min(Math.max(value < 0 ? value + n : value, low), high);
  const picked: number[] = [];
  if (step > 0) {
    const end = stop === null ? n : clip(stop, 0, n);
    for (let i = start === null ? 0 : clip(start, 0, n); i < end; i += step) picked.push(i);
  } else {
    const end = stop === null ? -1 : clip(stop, -1, n - 1);
    for (let i = start === null ? n - 1 : clip(start, -1, n - 1); i > end; i += step) picked.push(i);
  }
  return picked;
}

const bound = fc.option(fc.integer({ min: -6, max: 6 }), { nil: null });
const range = fc.record({ start: bound, stop: bound, step: fc.constantFrom(1, 2, 3, -1, -2, -3) });

t.test("slicing is Python's, along every axis, again and again", async (t) => {
  fc.assert(
    fc.property(
      shapes,
      fc.array(fc.array(range, { minLength: 4, maxLength: 4 }), { maxLength: 3 }),
      fc.nat(1000),
      (shape, rounds, seed) => {
        let g = filled(shape, seed);
        let x = permuted(g, seed);
        for (const ranges of rounds) {
          const picks = g.shape.map((n, i) =>
            pythonSlice(n, ranges[i]!.start, ranges[i]!.stop, ranges[i]!.step),
          );
          const before = g;
          g = build(
            picks.map((p) => p.length),
            (...index) => at(before, ...index.map((k, i) => picks[i]![k]!)),
          );
          x = x.slice(ranges.slice(0, x.rank));
        }
        agree(x, g);
      },
    ),
    RUNS,
  );
  t.pass("300 chains of slices");
});

t.test("reductions over any axes", async (t) => {
  const minimum = (v: number[]): number => Math.min(...v);
  fc.assert(
    fc.property(shapes, fc.array(fc.nat(3)), fc.boolean(), fc.nat(1000), (shape, wanted, keep, seed) => {
      const axes = [...new Set(wanted.filter((axis) => axis < shape.length))];
      const g = filled(shape, seed);
      const x = permuted(g, seed);
      // Axes counted from the end name the same ones.
      const names = axes.map((axis, i) => (i % 2 === 0 ? axis : axis - shape.length));
      agree(e.sum(x, names, keep), fold(g, axes, keep, total));
      agree(
        e.prod(e.sign(x), names, keep),
        fold({ ...g, data: g.data.map(Math.sign) }, axes, keep, (v) => v.reduce((p, q) => p * q, 1)),
      );
      if (axes.every((axis) => shape[axis] !== 0)) {
        agree(
          e.max(x, names, keep),
          fold(g, axes, keep, (v) => Math.max(...v)),
        );
        agree(e.min(x, names, keep), fold(g, axes, keep, minimum));
      }
      agree(
        e.any(x, names, keep),
        fold(g, axes, keep, (v) => Number(v.some((k) => k !== 0))),
      );
      agree(
        e.all(x, names, keep),
        fold(g, axes, keep, (v) => Number(v.every((k) => k !== 0))),
      );
    }),
    RUNS,
  );
  t.pass("300 shapes, six reductions each");
});

t.test("sums of many numbers are as exact as pairwise summation promises", async (t) => {
  const n = 100_003;
  const x = e.full([n], 0.1, { dtype: "float32" });
  const exact = n * Math.fround(0.1);
  // Higham 1993: pairwise summation errs by at most log2(n) roundings.
  t.ok(Math.abs(e.sum(x).item() - exact) / exact < Math.ceil(Math.log2(n)) * 2 ** -24);
  const wide = tensor(Float64Array.from({ length: n }, (_, i) => (i % 2 === 0 ? 1e8 : -1e8) + i / n));
  const naive = wide.dataSync() as Float64Array;
  const expected = [...naive].sort((a, b) => Math.abs(a) - Math.abs(b)).reduce((p, q) => p + q, 0);
  t.ok(Math.abs(e.sum(wide).item() - expected) < 1e-3);
  t.equal(e.sum(wide).item(), e.sum(wide).item(), "and always the same");
});

const inner = fc.integer({ min: 0, max: 5 });

t.test("matmul with broadcast batches", async (t) => {
  fc.assert(
    fc.property(broadcasting, fc.tuple(inner, inner, inner), fc.nat(1000), ([a, b], [m, k, n], seed) => {
      const [x, y] = [filled([...a, m, k], seed), filled([...b, k, n], seed + 1)];
      agree(e.matmul(permuted(x, seed), permuted(y, seed + 3)), matmulNaive(x, y));
    }),
    { numRuns: 200 },
  );
  t.pass("200 pairs of batches");
});

/** One step of a chain of views, in both worlds. */
type Step = (x: Tensor, g: Grid, k: number) => [Tensor, Grid];

const STEPS: readonly Step[] = [
  (x, g, k) => {
    const order = [...g.shape.keys()].sort((a, b) => ((a + k) % 3) - ((b + k) % 3) || a - b);
    const inverse = order.map((_, i) => order.indexOf(i));
    return [
      x.permute(order),
      build(
        order.map((a) => g.shape[a]!),
        (...index) => at(g, ...inverse.map((i) => index[i]!)),
      ),
    ];
  },
  (x, g, k) => {
    // Another shape of as many elements: two axes merged, or the whole turned to one axis.
    const cut = g.shape.length === 0 ? 0 : k % g.shape.length;
    const merged = g.shape.slice(cut, cut + 2).reduce((p, q) => p * q, 1);
    const shape = [...g.shape.slice(0, cut), merged, ...g.shape.slice(cut + 2)];
    return [x.reshape(shape), { shape, data: g.data }];
  },
  (x, g, k) => {
    const axis = k % (g.shape.length + 1);
    const shape = [...g.shape.slice(0, axis), 1, ...g.shape.slice(axis)];
    return [x.unsqueeze(axis), { shape, data: g.data }];
  },
  (x, g) => {
    const flat = g.data;
    return [x.flip(), { shape: g.shape, data: [...flat].reverse() }];
  },
  (x, g) => {
    const shape = [2, ...g.shape];
    return [x.broadcastTo(shape), build(shape, (...index) => stretched(g, ...index))];
  },
  (x, g, k) => {
    if (g.shape.length === 0 || g.shape[0]! < 2) return [x, g];
    const [n, ...rest] = g.shape as [number, ...number[]];
    const shape = [n - 1, ...rest, 2];
    const windows = build(shape, (w, ...index) => at(g, w + index.at(-1)!, ...index.slice(0, -1)));
    return [k % 2 === 0 ? x.unfold(0, 2) : x.unfold(0, 2, 1, 1), windows];
  },
];

t.test("chains of views and reshapes", async (t) => {
  const step = fc.tuple(fc.nat(STEPS.length - 1), fc.nat(5));
  fc.assert(
    fc.property(shapes, fc.array(step, { maxLength: 6 }), fc.nat(1000), (shape, steps, seed) => {
      let g = filled(shape, seed);
      let x = permuted(g, seed);
      for (const [which, k] of steps) {
        if (g.data.length < 2000) [x, g] = STEPS[which]!(x, g, k);
      }
      agree(x, g);
      agree(e.copy(x), g);
    }),
    { numRuns: 500 },
  );
  t.pass("500 chains");
});

t.test("what holds for all tensors", async (t) => {
  fc.assert(
    fc.property(shapes, fc.nat(1000), (shape, seed) => {
      const g = filled(shape, seed);
      const x = permuted(g, seed);
      agree(x.neg().neg(), g);
      agree(e.where(x.less(0), x.neg(), x), { shape, data: g.data.map(Math.abs) });
      agree(x.flatten().reshape(shape), g);
      if (shape.length > 0) {
        agree(e.concat(e.split(x, 2)), g);
        agree(e.stack(shape[0] === 0 ? [x] : [x, x]).select(0, 0), g);
        agree(e.roll(e.roll(x, 3, 0), -3, 0), g);
        agree(e.gather(x, 0, e.argsort(x, 0)), { shape, data: [...e.sort(x, 0).values.dataSync()] });
        agree(e.cumsum(x, 0).slice([{ start: -1 }]), shape[0] === 0 ? g : fold(g, [0], true, total));
      }
    }),
    RUNS,
  );
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 4 }),
      fc.integer({ min: 1, max: 3 }),
      fc.integer({ min: 1, max: 3 }),
      fc.integer({ min: 0, max: 9 }),
      fc.nat(99),
      (taps, step, dilation, extra, seed) => {
        // unfold and fold are adjoint: <unfold(x), w> = <x, fold(w)>.
        const length = (taps - 1) * dilation + 1 + extra;
        const x = dense(filled([2, length], seed));
        const windows = x.unfold(1, taps, step, dilation);
        const w = dense(filled(windows.shape, seed + 1));
        const right = e.sum(x.mul(e.fold(w, 1, length, step, dilation))).item();
        return e.sum(windows.mul(w)).item() === right;
      },
    ),
    RUNS,
  );
  t.pass("identities");
});
