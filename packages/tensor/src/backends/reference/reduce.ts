// Reductions. Sums are pairwise along the last reduced axis (blocks of 64, then halves), then over the
// axes outside it in the same way: a fixed order with an error that grows with log n (Higham 1993).

import type { Kernel, View } from "../../backend.ts";
import { sizeOf } from "../../shape.ts";

const BLOCK = 64;

/** Axes of a view as (size, stride) pairs. */
interface Extent {
  readonly size: number;
  readonly stride: number;
}

/** Calls `visit` with the position of every kept element, in row-major order; gives the reduced axes. */
function eachKept(view: View, axes: readonly number[], visit: (at: number) => void): void {
  const kept: Extent[] = view.shape.flatMap((size, i) =>
    axes.includes(i) ? [] : [{ size, stride: view.strides[i]! }],
  );
  const walk = (axis: number, at: number): void => {
    if (axis === kept.length) visit(at);
    else for (let i = 0; i < kept[axis]!.size; i++) walk(axis + 1, at + i * kept[axis]!.stride);
  };
  walk(0, view.offset);
}

const reducedExtents = (view: View, axes: readonly number[]): Extent[] =>
  axes.map((axis) => ({ size: view.shape[axis]!, stride: view.strides[axis]! }));

/** Sum of `value(0) + ... + value(n - 1)`: straight within a block, by halves above it. */
function pairwise(value: (i: number) => number, start: number, n: number): number {
  if (n <= BLOCK) {
    let total = 0;
    for (let i = 0; i < n; i++) total += value(start + i);
    return total;
  }
  const half = Math.ceil(n / 2 / BLOCK) * BLOCK;
  return pairwise(value, start, half) + pairwise(value, start + half, n - half);
}

/** The same for int32: it wraps around, so that order does not matter, and no low bits are lost above 2^53. */
function wrapping(value: (i: number) => number, start: number, n: number): number {
  let total = 0;
  for (let i = 0; i < n; i++) total = (total + value(start + i)) | 0;
  return total;
}

export const sum: Kernel<"sum"> = (out, [x], { axes }) => {
  const y = out.storage.data;
  const fold = out.storage.dtype === "int32" ? wrapping : pairwise;
  const { data } = x!.storage;
  const extents = reducedExtents(x!, axes);
  const total = (axis: number, at: number): number => {
    if (axis === extents.length) return data[at]!;
    const { size, stride } = extents[axis]!;
    const inner = axis === extents.length - 1;
    return fold(inner ? (i) => data[at + i * stride]! : (i) => total(axis + 1, at + i * stride), 0, size);
  };
  let next = 0;
  eachKept(x!, axes, (at) => {
    y[next++] = total(0, at);
  });
  return true;
};

export const max: Kernel<"max"> = (out, [x], { axes }) => {
  const y = out.storage.data;
  const { data } = x!.storage;
  const extents = reducedExtents(x!, axes);
  const largest = (axis: number, at: number): number => {
    if (axis === extents.length) return data[at]!;
    const { size, stride } = extents[axis]!;
    let best = Number.NEGATIVE_INFINITY;
    for (let i = 0; i < size; i++) best = Math.max(best, largest(axis + 1, at + i * stride));
    return best;
  };
  let next = 0;
  eachKept(x!, axes, (at) => {
    y[next++] = largest(0, at);
  });
  return true;
};

export const argmax: Kernel<"argmax"> = (out, [x], { axis }) => {
  const y = out.storage.data;
  const { data } = x!.storage;
  const size = x!.shape[axis]!;
  const stride = x!.strides[axis]!;
  let next = 0;
  eachKept(x!, [axis], (at) => {
    let best = 0;
    for (let i = 1; i < size; i++) {
      const top = data[at + best * stride]!;
      const value = data[at + i * stride]!;
      if (value > top || (value !== value && top === top)) best = i;
    }
    y[next++] = best;
  });
  return true;
};

/** Order of a stable sort with NaN at one end: positions along the axis, for each line of the view. */
export const argsort: Kernel<"argsort"> = (out, [x], { axis, descending, nanFirst, count }) => {
  const y = out.storage.data;
  const { data } = x!.storage;
  const size = x!.shape[axis]!;
  const stride = x!.strides[axis]!;
  const inner = sizeOf(x!.shape.slice(axis + 1));
  const sign = descending ? -1 : 1;
  let line = 0;
  eachKept(x!, [axis], (at) => {
    const value = (i: number): number => data[at + i * stride]!;
    const order = Array.from({ length: size }, (_, i) => i).sort((i, j) => {
      const [a, b] = [value(i), value(j)];
      if (a !== a || b !== b) return (Number(a !== a) - Number(b !== b)) * (nanFirst ? -1 : 1);
      return sign * (a - b) || (a < b ? -sign : a > b ? sign : 0);
    });
    const start = Math.floor(line / inner) * count * inner + (line % inner);
    for (let k = 0; k < count; k++) y[start + k * inner] = order[k]!;
    line++;
  });
  return true;
};
