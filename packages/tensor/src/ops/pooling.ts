// Means and largest values over sliding windows, along one axis or two: unfold (a view), then a reduction.

import { checkOptions, checkTensors, wrongArgument } from "../arguments.ts";
import { isFloating } from "../dtype.ts";
import { DtypeError, ShapeError } from "../errors.ts";
import { formatShape } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { type Pair, toPair } from "./convolution-2d.ts";
import { gather } from "./indexing.ts";
import { pad } from "./joining.ts";
import { argmax, mean } from "./reduction.ts";
import { reshape, squeeze, unfold, unsqueeze } from "./shaping.ts";

/**
 * Means over windows of the last axis: [.., T] -> [.., floor((T - size) / stride) + 1].
 *
 * @param stride default `size`: windows side by side
 * @throws ShapeError if the size or the stride is not a positive integer, or a window does not fit
 * @example avgPool1d(tensor([1, 3, 5, 7]), 2).toArray() // [2, 6]
 */
export function avgPool1d(x: Tensor, size: number, stride: number = size): Tensor {
  return mean(windows1d("avgPool1d", x, size, stride), -1);
}

/**
 * Largest values over windows of the last axis, see `avgPool1d`. Among equal ones the first has the gradient.
 *
 * @example maxPool1d(tensor([1, 3, 7, 5]), 2, 1).toArray() // [3, 7, 7]
 */
export function maxPool1d(x: Tensor, size: number, stride: number = size): Tensor {
  return firstLargest(windows1d("maxPool1d", x, size, stride));
}

function windows1d(op: string, x: Tensor, size: number, stride: number): Tensor {
  checkTensors(op, { x });
  for (const [name, value] of Object.entries({ size, stride })) {
    if (typeof value !== "number") throw wrongArgument(op, name, "a number", value);
    if (Number.isInteger(value) && value >= 1) continue;
    throw new ShapeError(`${op}: ${name} must be an integer of at least 1, got ${value}`);
  }
  if (x.rank === 0 || x.shape[x.rank - 1]! < size) {
    throw new ShapeError(`${op}: windows of ${size} do not fit input ${formatShape(x.shape)}`);
  }
  return unfold(x, -1, size, stride);
}

/** The largest along the last axis; unlike `max`, which splits the gradient among equal ones, as in PyTorch's pooling. */
function firstLargest(windows: Tensor): Tensor {
  return squeeze(gather(windows, -1, unsqueeze(argmax(windows, -1), -1)), -1);
}

/** Options of `maxPool2d` and `avgPool2d`. */
export interface Pool2dOptions {
  /** Distance between windows; default their size: side by side. */
  readonly stride?: Pair;
  /** Elements added at both ends of the axes, at most half a window; default 0. */
  readonly padding?: Pair;
}

/**
 * Largest values over windows of the last two axes. PyTorch's `max_pool2d`: padding never wins, and among equal
 * values the first in reading order has the gradient.
 *
 * [.., H, W] -> [.., H', W'], each floor((size + 2 padding - window) / stride) + 1
 *
 * @param size of the windows
 * @throws ShapeError for sizes out of range, DtypeError for padded integers, ArgumentError for unknown options
 * @example maxPool2d(tensor([[1, 2, 5, 4], [3, 0, 1, 1]]), 2).toArray() // [[3, 5]]
 */
export function maxPool2d(x: Tensor, size: Pair, options: Pool2dOptions = {}): Tensor {
  return firstLargest(windows2d("maxPool2d", x, size, options, Number.NEGATIVE_INFINITY));
}

/**
 * Means over windows of the last two axes. PyTorch's `avg_pool2d`: the zeros of the padding count.
 *
 * [.., H, W] -> [.., H', W'], see `maxPool2d`
 *
 * @example avgPool2d(tensor([[1, 2, 5, 4], [3, 0, 1, 2]]), 2).toArray() // [[1.5, 3]]
 */
export function avgPool2d(x: Tensor, size: Pair, options: Pool2dOptions = {}): Tensor {
  return mean(windows2d("avgPool2d", x, size, options, 0), -1);
}

/** [.., H, W] -> [.., H', W', window] */
function windows2d(op: string, x: Tensor, size: Pair, options: Pool2dOptions, border: number): Tensor {
  checkTensors(op, { x });
  checkOptions(op, options, { stride: "any", padding: "any" });
  const window = toPair(op, "size", size, 1);
  const stride = toPair(op, "stride", options.stride ?? window, 1);
  const padding = toPair(op, "padding", options.padding ?? 0, 0);
  if (x.rank < 2) throw new ShapeError(`${op}: expected input [.., H, W], got ${formatShape(x.shape)}`);
  const isPadded = padding.some((width) => width > 0);
  if (isPadded && !Number.isFinite(border) && !isFloating(x.dtype)) {
    throw new DtypeError(`${op}: padding needs float32 or float64, got ${x.dtype}`);
  }
  for (const axis of [0, 1] as const) {
    if (padding[axis] > window[axis] / 2) {
      throw new ShapeError(
        `${op}: padding must be at most half a window, got ${padding[axis]} for windows of ${window[axis]}`,
      );
    }
    if (x.shape[x.rank - 2 + axis]! + 2 * padding[axis] < window[axis]) {
      throw new ShapeError(`${op}: windows of ${window[axis]} do not fit input ${formatShape(x.shape)}`);
    }
  }
  const widths = padding.map((width): [number, number] => [width, width]);
  const padded = isPadded ? pad(x, widths, "constant", border) : x;
  const lines = unfold(padded, -2, window[0], stride[0]); // [.., H', W, h]
  const windows = unfold(lines, -2, window[1], stride[1]); // [.., H', W', h, w]
  return reshape(windows, [...windows.shape.slice(0, -2), window[0] * window[1]]);
}
