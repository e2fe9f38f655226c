// Kernels that read or write by index. An index outside its axis throws; nothing is clipped or wrapped.

import type { Kernel, View } from "../../backend.ts";
import { ShapeError } from "../../errors.ts";
import { rowMajorStrides, sizeOf } from "../../shape.ts";
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

/**
 * Where `index` points along `axis`, for each element of `at`'s shape in row-major order: positions in an
 * array with these strides.
 */
function eachPicked(
  at: View,
  index: Float64Array,
  strides: readonly number[],
  axis: number,
  visit: (position: number, i: number) => void,
): void {
  const place = new Array<number>(strides.length).fill(0);
  for (let i = 0; i < index.length; i++) {
    let position = 0;
    for (let a = 0; a < strides.length; a++) position += (a === axis ? index[i]! : place[a]!) * strides[a]!;
    visit(position, i);
    for (let a = strides.length - 1; a >= 0; a--) {
      if (++place[a]! < at.shape[a]!) break;
      place[a] = 0;
    }
  }
}

export const gather: Kernel<"gather"> = (out, [x, at], { axis }) => {
  const index = values(at!);
  checkRange("gather", index, x!.shape[axis]!, axis);
  const from = x!.storage.data;
  const to = out.storage.data;
  eachPicked(at!, index, x!.strides, axis, (position, i) => {
    to[i] = from[x!.offset + position]!;
  });
  return true;
};

export const scatterAdd: Kernel<"scatterAdd"> = (out, [x, at, source], { axis }) => {
  const index = values(at!);
  checkRange("scatterAdd", index, x!.shape[axis]!, axis);
  const total = values(x!);
  const added = values(source!);
  eachPicked(at!, index, rowMajorStrides(x!.shape), axis, (position, i) => {
    total[position]! += added[i]!;
  });
  out.storage.data.set(total);
  return true;
};

/** Of several values for one place the last stays. */
export const scatter: Kernel<"scatter"> = (out, [x, at, source], { axis }) => {
  const index = values(at!);
  checkRange("scatter", index, x!.shape[axis]!, axis);
  const all = values(x!);
  const written = values(source!);
  eachPicked(at!, index, rowMajorStrides(x!.shape), axis, (position, i) => {
    all[position] = written[i]!;
  });
  out.storage.data.set(all);
  return true;
};

const without = (list: readonly number[], axis: number): number[] => list.filter((_, i) => i !== axis);

export const indexSelect: Kernel<"indexSelect"> = (out, [x, at], { axis }) => {
  const index = values(at!);
  checkRange("indexSelect", index, x!.shape[axis]!, axis);
  const from = x!.storage.data;
  const to = out.storage.data;
  const rest = without(x!.shape, axis);
  const picked = [...x!.shape];
  picked[axis] = index.length;
  const outStrides = rowMajorStrides(picked);
  for (let i = 0; i < index.length; i++) {
    const source = {
      data: from,
      offset: x!.offset + index[i]! * x!.strides[axis]!,
      strides: without(x!.strides, axis),
    };
    const target = { data: to, offset: i * outStrides[axis]!, strides: without(outStrides, axis) };
    eachRow(rest, [source, target], ([p, q], count, [dp, dq]) => {
      for (let j = 0; j < count; j++) to[q! + j * dq!] = from[p! + j * dp!]!;
    });
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
