// The slowest and plainest arrays there are: a shape and its numbers in row-major order. The oracles of the
// op tests are written on them, one output element at a time, in double precision.
import type { Shape } from "@echo-ts/tensor";

/** Numbers in row-major order. */
export interface Grid {
  readonly shape: Shape;
  readonly data: readonly number[];
}

/** Every index of a shape, in row-major order. */
export function indices(shape: Shape): number[][] {
  return shape.reduce<number[][]>(
    (heads, n) => heads.flatMap((head) => Array.from({ length: n }, (_, i) => [...head, i])),
    [[]],
  );
}

/** A grid from a function of the index. */
export function build(shape: Shape, value: (...index: number[]) => number): Grid {
  return { shape, data: indices(shape).map((index) => value(...index)) };
}

/** One element. */
export function at(grid: Grid, ...index: number[]): number {
  let position = 0;
  for (let i = 0; i < grid.shape.length; i++) position = position * grid.shape[i]! + index[i]!;
  return grid.data[position]!;
}

/** One element of a grid read in a larger shape under NumPy's rule: aligned at the end, size 1 stretches. */
export function stretched(grid: Grid, ...index: number[]): number {
  const lead = index.length - grid.shape.length;
  return at(grid, ...grid.shape.map((n, i) => (n === 1 ? 0 : index[lead + i]!)));
}

/** NumPy's rule for the common shape, by the book: pad with ones, take the size that is not 1. */
export function commonShape(...shapes: Shape[]): number[] {
  const rank = Math.max(...shapes.map((shape) => shape.length));
  return Array.from({ length: rank }, (_, axis) => {
    const sizes = shapes.map((shape) => shape[axis - rank + shape.length] ?? 1);
    return sizes.find((n) => n !== 1) ?? 1;
  });
}

/** f of every element. */
export function map(f: (x: number) => number): (x: Grid) => Grid {
  return (x) => ({ shape: x.shape, data: x.data.map(f) });
}

/** f of the elements that meet under broadcasting. */
export function zip(f: (...x: number[]) => number): (...grids: Grid[]) => Grid {
  return (...grids) =>
    build(commonShape(...grids.map((g) => g.shape)), (...index) =>
      f(...grids.map((g) => stretched(g, ...index))),
    );
}

/** Axes folded into one value each; all of them when left out. */
export function fold(
  grid: Grid,
  axes: readonly number[] | null,
  keep: boolean,
  f: (x: number[]) => number,
): Grid {
  const gone = (axes ?? grid.shape.map((_, i) => i)).map((a) => (a < 0 ? a + grid.shape.length : a));
  const kept = grid.shape.map((n, i) => (gone.includes(i) ? 1 : n));
  const inner = grid.shape.map((n, i) => (gone.includes(i) ? n : 1));
  const out = build(kept, (...outer) =>
    f(indices(inner).map((i) => at(grid, ...outer.map((o, a) => o + i[a]!)))),
  );
  return keep ? out : { shape: grid.shape.filter((_, i) => !gone.includes(i)), data: out.data };
}

/** Each line along an axis replaced by f of it. */
export function lines(grid: Grid, axis: number, f: (line: number[]) => number[]): Grid {
  const a = axis < 0 ? axis + grid.shape.length : axis;
  return build(grid.shape, (...index) => {
    const line = Array.from({ length: grid.shape[a]! }, (_, i) =>
      at(grid, ...index.map((n, k) => (k === a ? i : n))),
    );
    return f(line)[index[a]!]!;
  });
}

/** The plain sum. */
export function total(values: readonly number[]): number {
  return sumOver(values.length, (i) => values[i]!);
}

/** The sum of f(0) ... f(n - 1). */
export function sumOver(n: number, f: (i: number) => number): number {
  let sum = 0;
  for (let i = 0; i < n; i++) sum += f(i);
  return sum;
}

/** The matrix product, batches broadcast, vectors as in NumPy. */
export function matmulNaive(a: Grid, b: Grid): Grid {
  const p = a.shape.length === 1 ? { ...a, shape: [1, ...a.shape] } : a;
  const q = b.shape.length === 1 ? { ...b, shape: [...b.shape, 1] } : b;
  const [m, k] = p.shape.slice(-2) as [number, number];
  const n = q.shape.at(-1)!;
  const batch = commonShape(p.shape.slice(0, -2), q.shape.slice(0, -2));
  const out = build([...batch, m, n], (...index) => {
    const [lead, i, j] = [index.slice(0, -2), index.at(-2)!, index.at(-1)!];
    // The inner axes are never stretched, so the last two indices may be read as they are.
    const inBatch = (g: Grid, row: number, column: number): number =>
      at(
        g,
        ...g.shape
          .slice(0, -2)
          .map((size, axis) => (size === 1 ? 0 : lead[axis + lead.length + 2 - g.shape.length]!)),
        row,
        column,
      );
    return sumOver(k, (c) => inBatch(p, i, c) * inBatch(q, c, j));
  });
  return {
    ...out,
    shape: [...batch, ...(a.shape.length > 1 ? [m] : []), ...(b.shape.length > 1 ? [n] : [])],
  };
}
