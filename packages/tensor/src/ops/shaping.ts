// Ops that give the same elements another layout, as views where possible: reshape, permute, slice, windows. Read next: joining.ts.

import { apply, applyView } from "../apply.ts";
import { checkNumber, checkOptions, type OptionKinds, wrongArgument } from "../arguments.ts";
import { ShapeError } from "../errors.ts";
import { type PrimitiveRow, primitive, rows, sameDtype, type ViewRow, view } from "../op.ts";
import type { WindowParams } from "../op-params.ts";
import {
  type Axes,
  broadcastShapes,
  checkShape,
  formatShape,
  normalizeAxes,
  normalizeAxis,
  replaceAxis,
  resolveShape,
  type Shape,
  sameShape,
  sizeOf,
} from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import {
  broadcastView,
  permuteView,
  type ResolvedSlice,
  reshapeView,
  resolveSlice,
  type SliceRange,
  sliceView,
  squeezedShape,
  unfoldView,
  unsqueezedShape,
  windowCount,
} from "../view.ts";
import { alike, checkedTensor, copyAs } from "./operands.ts";

interface Rows {
  readonly reshape: ViewRow<{ readonly shape: Shape }>;
  readonly permute: ViewRow<{ readonly order: readonly number[] }>;
  readonly broadcastTo: ViewRow<{ readonly shape: Shape }>;
  readonly slice: ViewRow<{ readonly slices: readonly ResolvedSlice[] }>;
  readonly unfold: ViewRow<WindowParams>;
  readonly fold: PrimitiveRow<WindowParams & { readonly length: number }>;
}

const ROWS: Rows = rows<Rows>({
  reshape: view({
    meaning: "the same elements in another shape",
    shape: (_inputs, params) => params.shape,
    dtype: sameDtype,
  }),
  permute: view({
    meaning: "axes in another order",
    shape: ([x], { order }) => order.map((axis) => x!.shape[axis]!),
    dtype: sameDtype,
  }),
  broadcastTo: view({
    meaning: "axes of size 1 stretched",
    shape: (_inputs, params) => params.shape,
    dtype: sameDtype,
  }),
  slice: view({
    meaning: "every step-th element of a range, per axis",
    shape: (_inputs, { slices }) => slices.map((range) => range.length),
    dtype: sameDtype,
  }),
  unfold: view({
    meaning: "sliding windows along an axis, as a new last axis",
    shape: ([x], params) => {
      const count = windowCount(x!.shape[params.axis]!, params);
      return [...replaceAxis(x!.shape, params.axis, [count]), params.size];
    },
    dtype: sameDtype,
  }),
  fold: primitive({
    meaning: "overlapping windows added back: the adjoint of unfold",
    shape: ([x], { axis, length }) => replaceAxis(x!.shape.slice(0, -1), axis, [length]),
    dtype: sameDtype,
  }),
});
export default ROWS;

/** A dense row-major copy, or the tensor itself if it is one. */
export function contiguous(x: Tensor): Tensor {
  checkedTensor("contiguous", x);
  return x.isContiguous ? x : copyAs(x, x.dtype);
}

/** A dense row-major copy in storage of its own. */
export function copy(x: Tensor): Tensor {
  checkedTensor("copy", x);
  return copyAs(x, x.dtype);
}

/**
 * `copy` under PyTorch's name.
 *
 * @example clone(tensor([1, 2])).toArray() // [1, 2]
 */
export function clone(x: Tensor): Tensor {
  return copyAs(checkedTensor("clone", x), x.dtype);
}

/**
 * The same elements in another shape; one size may be -1. A view where the strides allow it, else a copy.
 *
 * @throws ShapeError if the number of elements differs
 * @example reshape(arange(6), [2, -1]).shape // [2, 3]
 */
export function reshape(x: Tensor, shape: Shape): Tensor {
  checkedTensor("reshape", x);
  const target = resolveShape("reshape", shape, x.size);
  if (sameShape(target, x.shape)) return x;
  const layout = reshapeView(x, target);
  if (layout !== null) return applyView(ROWS.reshape, x, { shape: target }, layout);
  const dense = contiguous(x);
  return applyView(ROWS.reshape, dense, { shape: target }, reshapeView(dense, target)!);
}

/**
 * All elements in one axis from `start` to `end` (inclusive; default all). PyTorch's flatten.
 *
 * @example flatten(zeros([2, 3, 4]), 1).shape // [2, 12]
 */
export function flatten(x: Tensor, start = 0, end = -1): Tensor {
  checkedTensor("flatten", x);
  if (x.rank === 0) return reshape(x, [1]);
  const a = normalizeAxis("flatten", start, x.rank);
  const b = normalizeAxis("flatten", end, x.rank);
  if (a > b) throw new ShapeError(`flatten: start axis ${a} comes after end axis ${b}`);
  return reshape(x, [...x.shape.slice(0, a), sizeOf(x.shape.slice(a, b + 1)), ...x.shape.slice(b + 1)]);
}

/**
 * The axes in another order: axis i of the result is axis order[i] of x. A view.
 *
 * @throws ShapeError unless order names every axis once
 * @example permute(zeros([2, 3, 4]), [2, 0, 1]).shape // [4, 2, 3]
 */
export function permute(x: Tensor, order: readonly number[]): Tensor {
  checkedTensor("permute", x);
  if (!Array.isArray(order)) {
    throw wrongArgument("permute", "order", "a list with every axis such as [1, 0]", order);
  }
  const axes = order.map((axis) => normalizeAxis("permute", axis, x.rank));
  if (axes.length !== x.rank || new Set(axes).size !== x.rank) {
    throw new ShapeError(`permute: expected each of the ${x.rank} axes once, got ${formatShape(order)}`);
  }
  return applyView(ROWS.permute, x, { order: axes }, permuteView(x, axes));
}

/**
 * Two axes swapped, by default the last two. A view.
 *
 * @example transpose(tensor([[1, 2], [3, 4]])).toArray() // [[1, 3], [2, 4]]
 */
export function transpose(x: Tensor, a = -2, b = -1): Tensor {
  const p = normalizeAxis("transpose", a, checkedTensor("transpose", x).rank);
  const q = normalizeAxis("transpose", b, x.rank);
  const order = x.shape.map((_, i) => (i === p ? q : i === q ? p : i));
  return applyView(ROWS.permute, x, { order }, permuteView(x, order));
}

/**
 * One axis moved to another place, the rest in order. A view.
 *
 * @example moveAxis(zeros([2, 3, 4]), 0, -1).shape // [3, 4, 2]
 */
export function moveAxis(x: Tensor, from: number, to: number): Tensor {
  checkedTensor("moveAxis", x);
  const source = normalizeAxis("moveAxis", from, x.rank);
  const target = normalizeAxis("moveAxis", to, x.rank);
  const order = x.shape.map((_, i) => i).filter((i) => i !== source);
  order.splice(target, 0, source);
  return permute(x, order);
}

/**
 * Axes of size 1 stretched to `shape`, new axes in front; -1 keeps a size. A view with stride 0.
 *
 * @example broadcastTo(tensor([1, 2]), [3, -1]).toArray() // [[1, 2], [1, 2], [1, 2]]
 */
export function broadcastTo(x: Tensor, shape: Shape): Tensor {
  return stretched("broadcastTo", x, shape);
}

/**
 * `broadcastTo` under PyTorch's name.
 *
 * @example expand(tensor([[1], [2]]), [-1, 2]).toArray() // [[1, 1], [2, 2]]
 */
export function expand(x: Tensor, shape: Shape): Tensor {
  return stretched("expand", x, shape);
}

function stretched(op: string, x: Tensor, shape: Shape): Tensor {
  checkedTensor(op, x);
  if (!Array.isArray(shape)) throw wrongArgument(op, "shape", "a list such as [2, 3]", shape);
  const lead = shape.length - x.rank;
  const target = shape.map((n, i) => (n === -1 && i >= lead ? x.shape[i - lead]! : n));
  checkShape(op, target);
  if (sameShape(target, x.shape)) return x;
  return applyView(ROWS.broadcastTo, x, { shape: target }, broadcastView(x, target, op));
}

/** Several tensors stretched to their common shape. Views. */
export function broadcastAll(...tensors: Tensor[]): Tensor[] {
  for (const x of tensors) checkedTensor("broadcastAll", x);
  const shape = tensors.reduce<Shape>((s, x) => broadcastShapes("broadcastAll", s, x.shape), []);
  return tensors.map((x) => broadcastTo(x, shape));
}

/**
 * A part of x, one entry per axis: a range, `null` for the whole axis, or a number, which picks one
 * position and drops the axis. Missing entries take the whole axis. A view; steps may be negative.
 *
 * @example slice(x, [{ start: 1 }, null, -1]) // NumPy: x[1:, :, -1]
 */
export function slice(x: Tensor, ranges: readonly (SliceRange | number | null)[]): Tensor {
  checkedTensor("slice", x);
  checkRanges(ranges);
  return sliced(x, ranges);
}

const RANGES = "a list with one entry for each axis, such as [{ start: 1, stop: 3 }, null, -1]";

/** Refuses slice(1, 3), slice({ start, stop }), slice([[1, 3]]) and keys that a range does not have. */
function checkRanges(ranges: readonly (SliceRange | number | null)[]): void {
  if (!Array.isArray(ranges)) throw wrongArgument("slice", "ranges", RANGES, ranges);
  ranges.forEach((range: unknown, axis) => {
    if (range === undefined || range === null || typeof range === "number") return;
    if (typeof range !== "object" || Array.isArray(range)) {
      throw wrongArgument(
        "slice",
        `the range of axis ${axis}`,
        "{ start, stop, step }, a number or null",
        range,
      );
    }
    checkOptions<SliceRange>("slice", range, SLICE_RANGE);
  });
}

const SLICE_RANGE: OptionKinds<SliceRange> = {
  start: "number or null",
  stop: "number or null",
  step: "number",
};

/** `slice` once the ranges are known to be some. */
function sliced(x: Tensor, ranges: readonly (SliceRange | number | null)[]): Tensor {
  if (ranges.length > x.rank) {
    throw new ShapeError(`slice: ${ranges.length} ranges for a tensor of rank ${x.rank}`);
  }
  const dropped: number[] = [];
  const slices = x.shape.map((size, axis) => {
    const range = ranges[axis];
    if (range === undefined || range === null) return { start: 0, step: 1, length: size };
    if (typeof range !== "number") return resolveSlice(range, size);
    checkPosition("slice", range, axis, size);
    dropped.push(axis);
    return { start: range < 0 ? range + size : range, step: 1, length: 1 };
  });
  const part = applyView(ROWS.slice, x, { slices }, sliceView(x, slices));
  return dropped.length === 0 ? part : reshape(part, squeezedShape(part.shape, dropped));
}

function checkPosition(op: string, index: number, axis: number, size: number): void {
  if (!Number.isInteger(index) || index < -size || index >= size) {
    throw new ShapeError(`${op}: index ${index} is out of range for axis ${axis} of size ${size}`);
  }
}

/**
 * One position of an axis, which is dropped. A view. PyTorch's select.
 *
 * @param index counts from the end when negative
 * @throws ShapeError if axis or index is out of range
 * @example select(tensor([[1, 2], [3, 4]]), 0, -1).toArray() // [3, 4]
 */
export function select(x: Tensor, axis: number, index: number): Tensor {
  checkedTensor("select", x);
  const at = normalizeAxis("select", axis, x.rank);
  checkPosition("select", index, at, x.shape[at]!);
  return sliced(
    x,
    x.shape.map((_, i) => (i === at ? index : null)),
  );
}

/**
 * `length` positions of an axis from `start`. A view.
 *
 * @example narrow(arange(6), 0, 2, 3).toArray() // [2, 3, 4]
 */
export function narrow(x: Tensor, axis: number, start: number, length: number): Tensor {
  checkedTensor("narrow", x);
  const at = normalizeAxis("narrow", axis, x.rank);
  const size = x.shape[at]!;
  checkNumber("narrow", "start", start);
  checkNumber("narrow", "length", length);
  if (start < 0 || length < 0 || start + length > size) {
    throw new ShapeError(`narrow: positions ${start} to ${start + length} exceed axis ${at} of size ${size}`);
  }
  return sliced(
    x,
    x.shape.map((_, i) => (i === at ? { start, stop: start + length } : null)),
  );
}

/**
 * The order of the elements reversed along some axes (default all). A view.
 *
 * @example flip(arange(3)).toArray() // [2, 1, 0]
 */
export function flip(x: Tensor, axes?: Axes): Tensor {
  checkedTensor("flip", x);
  const flipped = normalizeAxes("flip", axes, x.rank);
  return sliced(
    x,
    x.shape.map((_, i) => (flipped.includes(i) ? { step: -1 } : null)),
  );
}

/**
 * Axes of size 1 dropped: the given ones, or all. A view.
 *
 * @example squeeze(zeros([1, 3, 1])).shape // [3]
 */
export function squeeze(x: Tensor, axes?: Axes): Tensor {
  checkedTensor("squeeze", x);
  const dropped =
    axes === undefined || axes === null
      ? x.shape.flatMap((n, i) => (n === 1 ? [i] : []))
      : normalizeAxes("squeeze", axes, x.rank);
  return reshape(x, squeezedShape(x.shape, dropped));
}

/**
 * A new axis of size 1 at `axis`. A view.
 *
 * @example unsqueeze(zeros([2, 3]), -1).shape // [2, 3, 1]
 */
export function unsqueeze(x: Tensor, axis: number): Tensor {
  checkedTensor("unsqueeze", x);
  return reshape(x, unsqueezedShape(x.shape, axis));
}

/**
 * Sliding windows along an axis: [.., T, ..] -> [.., windows, .., size]. A view: windows share elements.
 *
 * @param size elements per window
 * @param step distance between windows, default 1
 * @param dilation distance between elements of a window, default 1
 * @example unfold(arange(5), 0, 3, 2).toArray() // [[0, 1, 2], [2, 3, 4]]
 */
export function unfold(x: Tensor, axis: number, size: number, step = 1, dilation = 1): Tensor {
  checkedTensor("unfold", x);
  const at = normalizeAxis("unfold", axis, x.rank);
  checkNumber("unfold", "size", size);
  checkNumber("unfold", "step", step);
  checkNumber("unfold", "dilation", dilation);
  return applyView(
    ROWS.unfold,
    x,
    { axis: at, size, step, dilation },
    unfoldView(x, at, size, step, dilation),
  );
}

/**
 * Adds windows back onto an axis of `length` elements: the adjoint of `unfold`, and overlap-add. Bool
 * counts as int32.
 *
 * @param axis the axis of x that counts the windows; the last axis runs inside a window
 * @example fold(ones([2, 3]), 0, 5, 2).toArray() // [1, 1, 2, 1, 1]
 */
export function fold(x: Tensor, axis: number, length: number, step = 1, dilation = 1): Tensor {
  checkedTensor("fold", x);
  const at = normalizeAxis("fold", axis, x.rank - 1);
  checkShape("fold", [length, step, dilation]);
  const size = x.shape[x.rank - 1]!;
  const reach = (x.shape[at]! - 1) * step + (size - 1) * dilation + 1;
  if (reach > length) {
    throw new ShapeError(`fold: the windows reach to ${reach}, beyond the length ${length}`);
  }
  const [y] = alike([x], "int32");
  return apply(ROWS.fold, [y!], { axis: at, size, step, dilation, length });
}
