// Kernels that fold runs of elements: sums and maxima, softmax, the norms, and what their gradients need. A
// row's statistics are kernels of one element per row. Read next: cross-entropy.ts.

import type { Kernels, View } from "../../backend.ts";
import { type Shape, sizeOf } from "../../shape.ts";
import type { Device } from "./device.ts";
import { dense, type Strided, strided } from "./kernel-text.ts";
import { type Fold, kernel, MAX, map, place, reduce, SUM, temporary } from "./run.ts";
import type { Slot } from "./slot.ts";

/** Axes of `shape` that are not in `axes`, and then those. */
const order = (shape: Shape, axes: readonly number[]): number[] => [
  ...shape.map((_, i) => i).filter((i) => !axes.includes(i)),
  ...axes,
];

const permuted = (input: Strided, axes: readonly number[]): Strided => ({
  ...input,
  strides: axes.map((axis) => input.strides[axis]!),
});

/** One value per row, and how it is found from the elements of the row. */
export interface Statistic {
  readonly slot: Slot;
  readonly strided: Strided;
}

/** One value per row of `shape` along `axes`, in temporary memory. */
function statistic(
  device: Device,
  shape: Shape,
  axes: readonly number[],
  inputs: readonly Strided[],
  name: string,
  fold: Fold,
  value: string,
): Statistic {
  const axisOrder = order(shape, axes);
  const moved = axisOrder.map((axis) => shape[axis]!);
  const kept = shape.length - axes.length;
  const slot = temporary(sizeOf(moved.slice(0, kept)));
  const operands = inputs.map((input) => permuted(input, axisOrder));
  reduce(device, slot, moved, kept, operands, name, fold, value);
  return { slot, strided: dense(slot, shape, axisOrder.slice(0, kept)) };
}

/** The maximum, which where it is infinite counts as 0: infinities must not be subtracted from each other. */
const SHIFT: Fold = {
  ...MAX,
  name: "shift",
  end: "if (odd > 0) { return nan; } if (top > 3.4e38) { return nan; } if (top < 0 - 3.4e38) { return 0; } return top;",
};

/** Row maxima of x and sums of e^(x - maximum). */
export function exponentials(
  device: Device,
  shape: Shape,
  values: Strided,
  axis: number,
): { top: Statistic; total: Statistic } {
  const top = statistic(device, shape, [axis], [values], "shift", SHIFT, "a");
  const total = statistic(device, shape, [axis], [values, top.strided], "exp", SUM, "Math.exp(a - b)");
  return { top, total };
}

/**
 * Fills `out`, of `shape`, with the softmax of some values along an axis. A run of nothing but -Infinity gives NaN, or 0
 * where `safe`.
 */
export function softmaxInto(
  device: Device,
  out: Slot,
  shape: Shape,
  values: Strided,
  axis: number,
  safe = false,
): void {
  const { top, total } = exponentials(device, shape, values, axis);
  const [name, first] = safe ? ["safeSoftmax", "if (c <= 0) { return 0; } "] : ["softmax", ""];
  map(device, out, shape, [values, top.strided, total.strided], name, `${first}return Math.exp(a - b) / c;`);
  device.drop(top.slot);
  device.drop(total.slot);
}

const lastAxis = (shape: Shape): number[] => [shape.length - 1];

/** A weight [D] along the last axis of `shape`. */
const along = (weight: View, shape: Shape): Strided => strided(weight, shape);

interface Moments {
  readonly mean: Statistic;
  readonly squares: Statistic;
}

/** The mean of each row, counted from its first element: that of equal values is exact. */
function rowMean(device: Device, shape: Shape, values: Strided): Statistic {
  const last = lastAxis(shape);
  const first = { ...values, strides: values.strides.map((s, i) => (i === last[0] ? 0 : s)) };
  const excess = statistic(device, shape, last, [values, first], "excess", SUM, "a - b");
  const rows = shape.slice(0, -1);
  const slot = temporary(sizeOf(rows));
  const perRow = [first, excess.strided].map((o) => ({ ...o, strides: o.strides.slice(0, -1) }));
  map(device, slot, rows, perRow, "mean", "return a + b / width;", { width: shape[last[0]!]! });
  device.drop(excess.slot);
  const axes = rows.map((_, i) => i);
  return { slot, strided: dense(slot, shape, axes) };
}

/** The mean of each row, and the sum of squares of what differs from it. */
function moments(device: Device, x: View): Moments {
  const { shape } = x;
  const mean = rowMean(device, shape, strided(x));
  const operands = [strided(x), mean.strided];
  const squares = statistic(device, shape, lastAxis(shape), operands, "squares", SUM, "(a - b) * (a - b)");
  return { mean, squares };
}

/** Kernels of reductions, softmax and norms. */
export const rowKernels: Kernels = {
  sum: kernel<"sum">((device, _out, [x], { axes }, slot) => {
    const axisOrder = order(x!.shape, axes);
    const shape = axisOrder.map((axis) => x!.shape[axis]!);
    const operand = permuted(strided(x!), axisOrder);
    reduce(device, slot, shape, shape.length - axes.length, [operand], "sum", SUM, "a");
    return true;
  }),

  max: kernel<"max">(
    (device, _out, [x], { axes }, slot) => {
      const axisOrder = order(x!.shape, axes);
      const shape = axisOrder.map((axis) => x!.shape[axis]!);
      const operand = permuted(strided(x!), axisOrder);
      reduce(device, slot, shape, shape.length - axes.length, [operand], "max", MAX, "a");
      return true;
    },
    { integers: true },
  ),

  argmax: kernel<"argmax">(
    (device, out, [x], { axis }, slot) => {
      const size = x!.shape[axis]!;
      const step = x!.strides[axis]!;
      const all = strided(x!);
      const kept = { ...all, strides: all.strides.filter((_, i) => i !== axis) };
      // The first NaN counts as largest; a comparison with NaN is false.
      const text = `
let best = 0.5;
best = 0;
let top = x0[p0];
let odd = 0.5;
odd = 1;
if (top <= 0) { odd = 0; }
if (top > 0) { odd = 0; }
for (let j = 1; j < size; j++) {
  const v = x0[p0 + j * step];
  if (odd < 0.5) {
    if (v > top) { top = v; best = j; } else { if (v <= top) { } else { odd = 1; best = j; } }
  }
}
return best;`;
      place(device, slot, out.shape, [kept], "argmax", text, { size, step });
      return true;
    },
    { integers: true },
  ),

  softmax: kernel<"softmax">((device, out, [x], { axis }, slot) => {
    softmaxInto(device, slot, out.shape, strided(x!), axis);
    return true;
  }),

  logSoftmax: kernel<"logSoftmax">((device, out, [x], { axis }, slot) => {
    const { top, total } = exponentials(device, x!.shape, strided(x!), axis);
    const operands = [strided(x!), top.strided, total.strided];
    map(device, slot, out.shape, operands, "logSoftmax", "return a - b - Math.log(c);");
    device.drop(top.slot);
    device.drop(total.slot);
    return true;
  }),

  softmaxGrad: kernel<"softmaxGrad">((device, out, [g, y], { axis }, slot) => {
    const operands = [strided(g!), strided(y!)];
    const total = statistic(device, out.shape, [axis], operands, "dot", SUM, "a * b");
    map(device, slot, out.shape, [...operands, total.strided], "softmaxGrad", "return b * (a - c);");
    device.drop(total.slot);
    return true;
  }),

  logSoftmaxGrad: kernel<"logSoftmaxGrad">((device, out, [g, y], { axis }, slot) => {
    const operands = [strided(g!), strided(y!)];
    const total = statistic(device, out.shape, [axis], [operands[0]!], "sum", SUM, "a");
    map(
      device,
      slot,
      out.shape,
      [...operands, total.strided],
      "logSoftmaxGrad",
      "return a - Math.exp(b) * c;",
    );
    device.drop(total.slot);
    return true;
  }),

  rmsNorm: kernel<"rmsNorm">((device, out, [x, weight], { epsilon }, slot) => {
    const width = out.shape[out.shape.length - 1]!;
    const squares = statistic(device, out.shape, lastAxis(out.shape), [strided(x!)], "square", SUM, "a * a");
    const operands = [strided(x!), along(weight!, out.shape), squares.strided];
    map(device, slot, out.shape, operands, "rmsNorm", "return a / Math.sqrt(c / width + epsilon) * b;", {
      width,
      epsilon,
    });
    device.drop(squares.slot);
    return true;
  }),

  rmsNormGrad: kernel<"rmsNormGrad">((device, out, [g, x, weight], { epsilon }, slot) => {
    const { shape } = out;
    const width = shape[shape.length - 1]!;
    const operands = [strided(g!), strided(x!), along(weight!, shape)];
    const squares = statistic(device, shape, lastAxis(shape), [operands[1]!], "square", SUM, "a * a");
    const dot = statistic(device, shape, lastAxis(shape), operands, "dot3", SUM, "a * b * c");
    map(
      device,
      slot,
      shape,
      [...operands, squares.strided, dot.strided],
      "rmsNormGrad",
      "const r = 1 / Math.sqrt(d / width + epsilon);\nreturn r * (a * c - b * r * r * e / width);",
      { width, epsilon },
    );
    device.drop(squares.slot);
    device.drop(dot.slot);
    return true;
  }),

  rmsNormWeightGrad: kernel<"rmsNormWeightGrad">((device, _out, [g, x], { epsilon }, slot) => {
    const { shape } = x!;
    const width = shape[shape.length - 1]!;
    const squares = statistic(device, shape, lastAxis(shape), [strided(x!)], "square", SUM, "a * a");
    const axisOrder = order(shape, leading(shape));
    const operands = [strided(g!), strided(x!), squares.strided].map((o) => permuted(o, axisOrder));
    const value = "a * b / Math.sqrt(c / width + epsilon)";
    reduce(
      device,
      slot,
      axisOrder.map((axis) => shape[axis]!),
      1,
      operands,
      "rmsNormWeightGrad",
      SUM,
      value,
      {
        width,
        epsilon,
      },
    );
    device.drop(squares.slot);
    return true;
  }),

  layerNorm: kernel<"layerNorm">((device, out, [x, weight, bias], { epsilon }, slot) => {
    const { shape } = out;
    const { mean, squares } = moments(device, x!);
    map(
      device,
      slot,
      shape,
      [strided(x!), along(weight!, shape), along(bias!, shape), mean.strided, squares.strided],
      "layerNorm",
      "return (a - d) / Math.sqrt(e / width + epsilon) * b + c;",
      { width: shape[shape.length - 1]!, epsilon },
    );
    device.drop(mean.slot);
    device.drop(squares.slot);
    return true;
  }),

  layerNormGrad: kernel<"layerNormGrad">((device, out, [g, x, weight], { epsilon }, slot) => {
    const { shape } = out;
    const width = shape[shape.length - 1]!;
    const { mean, squares } = moments(device, x!);
    const h = temporary(out.storage.length); // g times the weight
    map(device, h, shape, [strided(g!), along(weight!, shape)], "mul", "return a * b;");
    const [scaled, values] = [dense(h, shape), strided(x!)];
    const average = rowMean(device, shape, scaled);
    const operands = [scaled, values, mean.strided];
    const dot = statistic(device, shape, lastAxis(shape), operands, "centredDot", SUM, "a * (b - c)");
    map(
      device,
      slot,
      shape,
      [...operands, squares.strided, average.strided, dot.strided],
      "layerNormGrad",
      "const r = 1 / Math.sqrt(d / width + epsilon);\nreturn r * (a - e - (b - c) * r * r * f / width);",
      { width, epsilon },
    );
    for (const used of [mean.slot, squares.slot, average.slot, dot.slot, h]) device.drop(used);
    return true;
  }),

  layerNormWeightGrad: kernel<"layerNormWeightGrad">((device, _out, [g, x], { epsilon }, slot) => {
    const { shape } = x!;
    const { mean, squares } = moments(device, x!);
    const axisOrder = order(shape, leading(shape));
    const operands = [strided(g!), strided(x!), mean.strided, squares.strided];
    reduce(
      device,
      slot,
      axisOrder.map((axis) => shape[axis]!),
      1,
      operands.map((o) => permuted(o, axisOrder)),
      "layerNormWeightGrad",
      SUM,
      "a * (b - c) / Math.sqrt(d / width + epsilon)",
      { width: shape[shape.length - 1]!, epsilon },
    );
    device.drop(mean.slot);
    device.drop(squares.slot);
    return true;
  }),
};

/** All axes but the last, behind it: a norm's weight is shared along them. */
const leading = (shape: Shape): number[] => shape.slice(1).map((_, i) => i);
