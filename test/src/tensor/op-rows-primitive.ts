// One row per primitive for op-table.test.ts: how users call it, what it means element by element, and
// shapes to try. A new primitive without a row does not compile.
import type { Tensor } from "@echo-ts/tensor";
import * as e from "@echo-ts/tensor";
import type { Primitive, ViewOp } from "@echo-ts/tensor/internal";
import { at, build, fold, indices, lines, matmulNaive, stretched, sumOver, total, zip } from "./naive.ts";
import { binary, countable, erf, INDEX, NO_AXIS, POSITIVE, REAL, type Row, unary } from "./op-row.ts";

const floorMod = (a: number, b: number): number => a - b * Math.floor(a / b);
function reduction(
  call: (x: Tensor, axes: number[] | undefined, keep: boolean) => Tensor,
  f: (x: number[]) => number,
  emptyAll: boolean,
): Row[] {
  const empty = emptyAll ? ["[0,3]", "[2,0,4]"] : [];
  const row = (axes: number[] | undefined, keep: boolean, scalar: Row["scalar"], none: string[]): Row => ({
    call: (x) => call(x, axes, keep),
    naive: (x) => fold(x, axes ?? null, keep, f),
    shapes: ["[2,3,4]", "[3,1,70]"],
    scalar,
    empty: none,
    // Mostly of one sign: what cancels in a sum is not lost by the order of summation alone.
    domains: [[-0.5, 3]],
    ints: true,
  });
  return [
    row(undefined, false, "[]", empty),
    row([1], true, NO_AXIS, [...empty, "[0,3]"]),
    row([0, -1], false, NO_AXIS, [...empty, "[2,0,3]"]),
    row([], false, "[]", ["[2,0]"]),
  ];
}

/** The rows of the primitives and the views. */
export const PRIMITIVE_ROWS: { readonly [P in Primitive | ViewOp]: Row | readonly Row[] } = {
  neg: countable(e.neg, (x) => -x),
  exp: unary(e.exp, Math.exp),
  expm1: unary(e.expm1, Math.expm1),
  log: unary(e.log, Math.log, POSITIVE),
  log1p: unary(e.log1p, Math.log1p, [-0.9, 3]),
  sqrt: unary(e.sqrt, Math.sqrt, POSITIVE),
  sin: unary(e.sin, Math.sin),
  cos: unary(e.cos, Math.cos),
  tanh: unary(e.tanh, Math.tanh),
  erf: unary(e.erf, erf),
  floor: countable(e.floor, Math.floor),
  asin: unary(e.asin, (x) => Math.atan2(x, Math.sqrt((1 - x) * (1 + x))), [-1, 1]),
  acos: unary(e.acos, (x) => 2 * Math.atan2(Math.sqrt(1 - x), Math.sqrt(1 + x)), [-1, 1]),
  atan: unary(e.atan, (x) => Math.atan2(x, 1)),
  sinh: unary(e.sinh, (x) => (Math.exp(x) - Math.exp(-x)) / 2),
  cosh: unary(e.cosh, (x) => (Math.exp(x) + Math.exp(-x)) / 2),
  asinh: unary(e.asinh, (x) => Math.sign(x) * Math.log(Math.abs(x) + Math.sqrt(x * x + 1))),
  acosh: unary(e.acosh, (x) => Math.log(x + Math.sqrt(x * x - 1)), [1.1, 4]),
  atanh: unary(e.atanh, (x) => Math.log((1 + x) / (1 - x)) / 2, [-0.9, 0.9]),
  log2: unary(e.log2, (x) => Math.log(x) / Math.LN2, POSITIVE),
  cast: [
    unary(
      (x) => e.copy(x),
      (x) => x,
    ),
    unary((x) => e.cast(x, "int32"), Math.trunc),
    unary(
      (x) => e.cast(x, "bool"),
      (x) => Number(x !== 0),
      [-1, 1],
      false,
    ),
    unary((x) => e.cast(e.cast(x, "int32"), "float64"), Math.trunc, [-3, 3], false),
  ],
  add: binary(e.add, (a, b) => a + b),
  sub: binary(e.sub, (a, b) => a - b),
  mul: binary(e.mul, (a, b) => a * b),
  div: binary(e.div, (a, b) => a / b, { domains: [REAL, POSITIVE] }),
  pow: binary(e.pow, (a, b) => Math.exp(b * Math.log(a)), { domains: [POSITIVE, REAL] }),
  mod: binary(e.mod, floorMod, { domains: [[-5, 5], POSITIVE] }),
  floorDivide: binary(e.floorDivide, (a, b) => Math.floor(a / b), { domains: [[-5, 5], POSITIVE] }),
  fmod: binary(e.fmod, (a, b) => a - b * Math.trunc(a / b), { domains: [[-5, 5], POSITIVE] }),
  atan2: binary(e.atan2, Math.atan2, {}),
  maximum: binary(e.maximum, Math.max),
  less: binary(e.less, (a, b) => Number(a < b)),
  equal: binary(e.equal, (a, b) => Number(a === b)),
  where: {
    call: (c, a, b) => e.where(c, a, b),
    naive: zip((c, a, b) => (c !== 0 ? a : b)),
    shapes: ["[2,3,4] [2,3,4] [2,3,4]", "[3,1] [4] [2,1,1]"],
    scalar: "[] [] []",
    empty: ["[0,3] [3] [1,1]", "[2,1] [2,0] [1]"],
    domains: ["bool", REAL, REAL],
    ints: true,
  },
  sum: reduction(e.sum, total, true),
  max: reduction(e.max, (x) => Math.max(...x), false),
  argmax: [
    {
      call: (x) => e.argmax(x, 1),
      naive: (x) => fold(x, [1], false, (line) => line.indexOf(Math.max(...line))),
      shapes: ["[2,3,4]", "[3,1]"],
      scalar: NO_AXIS,
      empty: ["[0,3]"],
      ints: true,
    },
    {
      call: (x) => e.argmax(x),
      naive: (x) => fold(x, null, false, (all) => all.indexOf(Math.max(...all))),
      shapes: ["[2,3,4]"],
      scalar: "[]",
      empty: [],
      ints: true,
    },
  ],
  matmul: {
    call: e.matmul,
    naive: matmulNaive,
    shapes: ["[3,4] [4,5]", "[2,1,3,4] [5,4,2]", "[4] [4]", "[4] [2,4,3]", "[2,3,4] [4]", "[1,70] [70,1]"],
    scalar: { none: "numbers are refused" },
    empty: ["[0,4] [4,3]", "[3,0] [0,2]", "[0,3,4] [4,2]"],
    ints: true,
  },
  reshape: {
    call: (x) => e.reshape(x, [1, ...[...x.shape].reverse(), 1]),
    naive: (x) => ({ shape: [1, ...[...x.shape].reverse(), 1], data: x.data }),
    shapes: ["[2,3,4]", "[1,6]"],
    scalar: "[]",
    empty: ["[0,3]", "[2,0]"],
    ints: true,
  },
  permute: {
    call: (x) => e.permute(x, [...x.shape.keys()].reverse()),
    naive: (x) => build([...x.shape].reverse(), (...index) => at(x, ...index.reverse())),
    shapes: ["[2,3,4]", "[5,1]"],
    scalar: "[]",
    empty: ["[0,3]", "[2,0]"],
    ints: true,
  },
  broadcastTo: {
    call: (x) => e.broadcastTo(x, [2, ...x.shape.map((n) => (n === 1 ? 3 : n))]),
    naive: (x) => build([2, ...x.shape.map((n) => (n === 1 ? 3 : n))], (...index) => stretched(x, ...index)),
    shapes: ["[2,1,4]", "[1]"],
    scalar: "[]",
    empty: ["[0,1]", "[1,0]"],
    ints: true,
  },
  slice: {
    call: (x) =>
      e.slice(
        x,
        x.shape.map((_, i) => (i % 2 === 0 ? { start: -1, step: -2 } : { start: 1 })),
      ),
    naive: (x) => {
      const picks = x.shape.map((n, i) =>
        Array.from({ length: n }, (_, k) => k).filter((k) => (i % 2 === 0 ? (n - 1 - k) % 2 === 0 : k >= 1)),
      );
      for (const pick of picks.filter((_, i) => i % 2 === 0)) pick.reverse();
      return build(
        picks.map((p) => p.length),
        (...index) => at(x, ...index.map((k, i) => picks[i]![k]!)),
      );
    },
    shapes: ["[4,3,5]", "[1,2]"],
    scalar: "[]",
    empty: ["[0,3]", "[2,0]"],
    ints: true,
  },
  unfold: {
    call: (x) => e.unfold(x, 1, 3, 2, 2),
    naive: (x) => {
      const count = Math.floor((x.shape[1]! - 5) / 2) + 1;
      return build([x.shape[0]!, count, ...x.shape.slice(2), 3], (...index) => {
        const [row, window, tap] = [index[0]!, index[1]!, index.at(-1)!];
        return at(x, row, window * 2 + tap * 2, ...index.slice(2, -1));
      });
    },
    shapes: ["[2,9]", "[2,7,3]"],
    scalar: NO_AXIS,
    empty: ["[0,9]", "[2,5,0]"],
    ints: true,
  },
  fold: {
    call: (x) => e.fold(x, 1, 12, 2, 3),
    naive: (x) =>
      build([x.shape[0]!, 12, ...x.shape.slice(2, -1)], (row, t, ...rest) =>
        sumOver(x.shape[1]!, (w) =>
          sumOver(x.shape.at(-1)!, (k) => (w * 2 + k * 3 === t ? at(x, row, w, ...rest, k) : 0)),
        ),
      ),
    shapes: ["[2,3,3]", "[2,2,3,2]"],
    scalar: NO_AXIS,
    empty: ["[0,3,2]", "[2,0,2]", "[2,3,0]"],
    ints: true,
  },
  pad: {
    call: (x) =>
      e.pad(
        x,
        x.shape.slice(-2).map((_, i) => [i + 1, 2 * i]),
        "constant",
        7,
      ),
    naive: (x) => {
      const widths = x.shape.map((_, i) => {
        const k = i - Math.max(0, x.shape.length - 2);
        return k < 0 ? [0, 0] : [k + 1, 2 * k];
      });
      return build(
        x.shape.map((n, i) => n + widths[i]![0]! + widths[i]![1]!),
        (...index) => {
          const source = index.map((k, i) => k - widths[i]![0]!);
          return source.every((k, i) => k >= 0 && k < x.shape[i]!) ? at(x, ...source) : 7;
        },
      );
    },
    shapes: ["[2,3,4]", "[5]"],
    scalar: "[]",
    empty: ["[0,3]", "[2,0]"],
    ints: true,
  },
  concat: {
    call: (a, b) => e.concat([a, b, a], 1),
    naive: (a, b) => {
      const [n, m] = [a.shape[1]!, b.shape[1]!];
      return build([a.shape[0]!, n + m + n, ...a.shape.slice(2)], (row, i, ...rest) =>
        i < n
          ? at(a, row, i, ...rest)
          : i < n + m
            ? at(b, row, i - n, ...rest)
            : at(a, row, i - n - m, ...rest),
      );
    },
    shapes: ["[2,3] [2,4]", "[2,1,3] [2,2,3]"],
    scalar: NO_AXIS,
    empty: ["[2,0] [2,3]", "[0,2] [0,3]"],
    ints: true,
  },
  gather: {
    call: (x, i) => e.gather(x, 0, i),
    naive: (x, i) => build(i.shape, (...index) => at(x, at(i, ...index), ...index.slice(1))),
    shapes: ["[4,3] [5,3]", "[4,3,2] [2,2,1]"],
    scalar: NO_AXIS,
    empty: ["[4,3] [0,3]", "[0,3] [0,3]"],
    domains: [REAL, INDEX],
    ints: true,
  },
  scatterAdd: {
    call: (x, i, s) => e.scatterAdd(x, 0, i, s),
    naive: (x, i, s) =>
      build(x.shape, (row, ...rest) =>
        indices(i.shape).reduce(
          (sum, index) =>
            at(i, ...index) === row && index.slice(1).every((k, a) => k === rest[a])
              ? sum + at(s, ...index)
              : sum,
          at(x, row, ...rest),
        ),
      ),
    shapes: ["[4,3] [5,3] [5,3]", "[4,3] [2,2] [2,2]"],
    scalar: NO_AXIS,
    empty: ["[4,3] [0,3] [0,3]", "[4,0] [2,0] [2,0]"],
    domains: [REAL, INDEX, REAL],
    ints: true,
  },
  scatter: {
    call: (x, i, s) => e.scatter(x, 0, i, s),
    naive: (x, i, s) =>
      build(x.shape, (row, ...rest) =>
        indices(i.shape).reduce(
          (value, index) =>
            at(i, ...index) === row && index.slice(1).every((k, a) => k === rest[a])
              ? at(s, ...index)
              : value,
          at(x, row, ...rest),
        ),
      ),
    shapes: ["[4,3] [5,3] [5,3]", "[4,3] [2,2] [2,2]"],
    scalar: NO_AXIS,
    empty: ["[4,3] [0,3] [0,3]", "[4,0] [2,0] [2,0]"],
    domains: [REAL, INDEX, REAL],
    ints: true,
  },
  indexSelect: {
    call: (x, i) => e.indexSelect(x, 1, i),
    naive: (x, i) =>
      build([x.shape[0]!, ...i.shape, ...x.shape.slice(2)], (row, ...index) =>
        at(x, row, at(i, ...index.slice(0, i.shape.length)), ...index.slice(i.shape.length)),
      ),
    shapes: ["[2,4,3] [2,2]", "[3,4] [5]"],
    scalar: "[2,4,3] []",
    empty: ["[2,4,0] [2]", "[2,4,3] [0]"],
    domains: [REAL, INDEX],
    ints: true,
  },
  indexAdd: {
    call: (x, i, s) => e.indexAdd(x, 1, i, s),
    naive: (x, i, s) =>
      build(x.shape, (row, column, ...rest) =>
        indices(i.shape).reduce(
          (sum, index) => (at(i, ...index) === column ? sum + at(s, row, ...index, ...rest) : sum),
          at(x, row, column, ...rest),
        ),
      ),
    shapes: ["[2,4,3] [2,2] [2,2,2,3]", "[3,4] [5] [3,5]"],
    scalar: "[2,4,3] [] [2,3]",
    empty: ["[2,4,0] [2] [2,2,0]", "[2,4,3] [0] [2,0,3]"],
    domains: [REAL, INDEX, REAL],
    ints: true,
  },
  argsort: [false, true].map((descending) => ({
    call: (x) => e.argsort(x, 1, descending),
    naive: (x) =>
      lines(x, 1, (line) =>
        [...line.keys()].sort((i, j) => (descending ? line[j]! - line[i]! : line[i]! - line[j]!)),
      ),
    shapes: ["[2,9]", "[2,5,3]"],
    scalar: NO_AXIS,
    empty: ["[0,3]", "[3,0]"],
    ints: true,
  })),
};
