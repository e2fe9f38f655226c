// Kernels that read or write by index. An index outside its axis throws; nothing is clipped or wrapped.

import type { Kernel, View } from "../../backend.ts";
import { ShapeError } from "../../errors.ts";
import { sizeOf } from "../../shape.ts";
import { eachRow, operand } from "./strided.ts";

/** The elements of a view in row-major order, as plain numbers. */
function values(view: View): Float64Array {
  const out = new Float64Array(sizeOf(view.shape));
  const x = operand(view);
  let next = 0;
  eachRow(view.shape, [x], ([at], count, [step]) => {
    for (let i = 0; i < count; i++) out[next++] = x.data[at! + i * step!]!;
  });
  return out;
}

function checkRange(op: string, index: Float64Array, size: number, axis: number): void {
  for (let i = 0; i < index.length; i++) {
    if (index[i]! < 0 || index[i]! >= size) {
      throw new ShapeError(
        `${op}: index ${index[i]} at position ${i} is out of range for axis ${axis} of size ${size}`,
      );
    }
  }
}

/** Position, in a dense array of `shape`, of the element that `index` picks for each element of `at`'s shape. */
function eachPicked(
  at: View,
  index: Float64Array,
  shape: readonly number[],
  axis: number,
  visit: (to: number, i: number) => void,
): void {
  const strides = new Array<number>(shape.length);
  for (let a = shape.length - 1, step = 1; a >= 0; step *= shape[a]!, a--) strides[a] = step;
  const place = new Array<number>(shape.length).fill(0);
  for (let i = 0; i < index.length; i++) {
    let to = 0;
    for (let a = 0; a < shape.length; a++) to += (a === axis ? index[i]! : place[a]!) * strides[a]!;
    visit(to, i);
    for (let a = shape.length - 1; a >= 0; a--) {
      if (++place[a]! < at.shape[a]!) break;
      place[a] = 0;
    }
  }
}

export const gather: Kernel<"gather"> = (out, [x, at], { axis }) => {
  const index = values(at!);
  checkRange("gather", index, x!.shape[axis]!, axis);
  const from = values(x!);
  eachPicked(at!, index, x!.shape, axis, (to, i) => {
    out.storage.data[i] = from[to]!;
  });
  return true;
};

export const scatterAdd: Kernel<"scatterAdd"> = (out, [x, at, source], { axis }) => {
  const index = values(at!);
  checkRange("scatterAdd", index, x!.shape[axis]!, axis);
  const total = values(x!);
  const added = values(source!);
  eachPicked(at!, index, x!.shape, axis, (to, i) => {
    total[to]! += added[i]!;
  });
  out.storage.data.set(total);
  return true;
};

export const indexSelect: Kernel<"indexSelect"> = (out, [x, at], { axis }) => {
  const index = values(at!);
  const size = x!.shape[axis]!;
  checkRange("indexSelect", index, size, axis);
  const from = values(x!);
  const inner = sizeOf(x!.shape.slice(axis + 1));
  const outer = sizeOf(x!.shape.slice(0, axis));
  for (let o = 0, next = 0; o < outer; o++) {
    for (let i = 0; i < index.length; i++, next += inner) {
      const start = (o * size + index[i]!) * inner;
      for (let j = 0; j < inner; j++) out.storage.data[next + j] = from[start + j]!;
    }
  }
  return true;
};

export const indexAdd: Kernel<"indexAdd"> = (out, [x, at, source], { axis }) => {
  const index = values(at!);
  const size = x!.shape[axis]!;
  checkRange("indexAdd", index, size, axis);
  const total = values(x!);
  const added = values(source!);
  const inner = sizeOf(x!.shape.slice(axis + 1));
  const outer = sizeOf(x!.shape.slice(0, axis));
  for (let o = 0, next = 0; o < outer; o++) {
    for (let i = 0; i < index.length; i++, next += inner) {
      const start = (o * size + index[i]!) * inner;
      for (let j = 0; j < inner; j++) total[start + j]! += added[next + j]!;
    }
  }
  out.storage.data.set(total);
  return true;
};
