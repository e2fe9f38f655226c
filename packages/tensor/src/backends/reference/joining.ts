// Kernels that copy inputs into parts of a larger output, and `fold`, which adds them there.

import type { Kernel, View } from "../../backend.ts";
import { rowMajorStrides, sizeOf } from "../../shape.ts";
import { eachRow, type Operand, operand } from "./strided.ts";

/** Copies a view to the part of `out` that starts at `start` and is laid out by out's own strides. */
function copyInto(out: View, start: number, x: View): void {
  const target: Operand = { data: out.storage.data, offset: start, strides: rowMajorStrides(out.shape) };
  const source = operand(x);
  eachRow(x.shape, [target, source], ([to, from], count, [dt, df]) => {
    for (let i = 0; i < count; i++) target.data[to! + i * dt!] = source.data[from! + i * df!]!;
  });
}

export const pad: Kernel<"pad"> = (out, [x], { widths, value }) => {
  out.storage.data.fill(value);
  const strides = rowMajorStrides(out.shape);
  copyInto(
    out,
    widths.reduce((at, [before], axis) => at + before * strides[axis]!, 0),
    x!,
  );
  return true;
};

export const concat: Kernel<"concat"> = (out, inputs, { axis }) => {
  const stride = rowMajorStrides(out.shape)[axis]!;
  let start = 0;
  for (const input of inputs) {
    copyInto(out, start, input);
    start += input.shape[axis]! * stride;
  }
  return true;
};

export const fold: Kernel<"fold"> = (out, [x], { axis, size, step, dilation }) => {
  const strides = rowMajorStrides(out.shape);
  const total = new Float64Array(sizeOf(out.shape));
  // The output read as windows: window w and tap i of the folded axis meet at w * step + i * dilation.
  const windowed = strides.slice();
  windowed[axis] = strides[axis]! * step;
  const target = { offset: 0, strides: [...windowed, strides[axis]! * dilation], data: out.storage.data };
  const source = operand(x!);
  eachRow(x!.shape, [target, source], ([to, from], _, [dt, df]) => {
    for (let i = 0; i < size; i++) total[to! + i * dt!]! += source.data[from! + i * df!]!;
  });
  out.storage.data.set(total);
  return true;
};
