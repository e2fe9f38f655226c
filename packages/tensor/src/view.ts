// Zero-copy views: each function maps a layout (shape, strides, offset) to another one on the same data.
// This is the whole of permuting, slicing, broadcasting and windowing. Read next: op.ts.

import { ShapeError } from "./errors.ts";
import { formatShape, isContiguous, normalizeAxis, rowMajorStrides, type Shape, sizeOf } from "./shape.ts";

/** How the elements of a view are found: element [i, j, ...] lies at `offset + i*strides[0] + j*strides[1] + ...`. */
export interface Layout {
  readonly shape: Shape;
  /** In elements; may be 0 (broadcast) or negative (reversed). */
  readonly strides: readonly number[];
  /** In elements, from the start of the data. */
  readonly offset: number;
}

/** Start, stop and step of a slice along one axis, as in Python: negative positions count from the end. */
export interface SliceRange {
  readonly start?: number | null;
  readonly stop?: number | null;
  /** Default 1; may be negative, not 0. */
  readonly step?: number;
}

/** A slice whose bounds are resolved: `length` elements from `start`, `step` apart. */
export interface ResolvedSlice {
  readonly start: number;
  readonly step: number;
  readonly length: number;
}

/** Reorders the axes: axis i of the result is axis `order[i]` of the input. */
export function permuteView(layout: Layout, order: readonly number[]): Layout {
  return {
    shape: order.map((axis) => layout.shape[axis]!),
    strides: order.map((axis) => layout.strides[axis]!),
    offset: layout.offset,
  };
}

/**
 * Stretches axes of size 1, and adds axes in front, by giving them stride 0.
 *
 * @throws ShapeError if an axis that is not 1 would change
 */
export function broadcastView(layout: Layout, shape: Shape, op = "broadcastTo"): Layout {
  const lead = shape.length - layout.shape.length;
  const strides = new Array<number>(shape.length).fill(0);
  let fits = lead >= 0;
  for (let i = 0; fits && i < layout.shape.length; i++) {
    const from = layout.shape[i]!;
    const to = shape[lead + i]!;
    if (from === to) strides[lead + i] = layout.strides[i]!;
    else if (from !== 1) fits = false;
  }
  if (!fits) {
    throw new ShapeError(`${op}: ${formatShape(layout.shape)} does not broadcast to ${formatShape(shape)}`);
  }
  return { shape, strides, offset: layout.offset };
}

/** Resolves Python's slice rules for an axis of `size` elements. Bounds past the ends are clipped. */
export function resolveSlice(range: SliceRange, size: number): ResolvedSlice {
  const step = range.step ?? 1;
  if (!Number.isInteger(step) || step === 0) {
    throw new ShapeError(`slice: step must be a non-zero integer, got ${step}`);
  }
  const low = step > 0 ? 0 : -1;
  const high = step > 0 ? size : size - 1;
  const bound = (value: number | null | undefined, fallback: number): number => {
    if (value === undefined || value === null) return fallback;
    if (!Number.isInteger(value)) throw new ShapeError(`slice: bounds must be integers, got ${value}`);
    return Math.min(Math.max(value < 0 ? value + size : value, low), high);
  };
  const start = bound(range.start, step > 0 ? 0 : size - 1);
  const stop = bound(range.stop, step > 0 ? size : -1);
  const length = Math.max(0, Math.ceil((stop - start) / step));
  return { start: length === 0 ? 0 : start, step, length };
}

/** Takes one resolved slice per axis. */
export function sliceView(layout: Layout, slices: readonly ResolvedSlice[]): Layout {
  let offset = layout.offset;
  for (let i = 0; i < slices.length; i++) offset += slices[i]!.start * layout.strides[i]!;
  return {
    shape: slices.map((slice) => slice.length),
    strides: slices.map((slice, i) => slice.step * layout.strides[i]!),
    offset,
  };
}

/**
 * Sliding windows along one axis: that axis becomes the window index and a new last axis runs inside the
 * window. Overlapping windows share their elements.
 *
 * @param size elements per window
 * @param step distance between the starts of neighbouring windows
 * @param dilation distance between neighbouring elements of a window
 * @throws ShapeError if not even one window fits
 * @example unfoldView of [0 1 2 3 4], size 3, step 1 -> [[0 1 2] [1 2 3] [2 3 4]], strides [1, 1]
 */
export function unfoldView(
  layout: Layout,
  axis: number,
  size: number,
  step: number,
  dilation: number,
): Layout {
  for (const [name, value] of [
    ["size", size],
    ["step", step],
    ["dilation", dilation],
  ] as const) {
    if (!Number.isInteger(value) || value < 1) {
      throw new ShapeError(`unfold: ${name} must be a positive integer, got ${value}`);
    }
  }
  const length = layout.shape[axis]!;
  const reach = (size - 1) * dilation + 1;
  if (length < reach) {
    throw new ShapeError(`unfold: a window of ${reach} elements does not fit axis ${axis} of size ${length}`);
  }
  const shape = layout.shape.slice();
  const strides = layout.strides.slice();
  shape[axis] = windowCount(length, { size, step, dilation });
  strides[axis] = layout.strides[axis]! * step;
  shape.push(size);
  strides.push(layout.strides[axis]! * dilation);
  return { shape, strides, offset: layout.offset };
}

/** Number of sliding windows along an axis of `length` elements, see `unfoldView`. */
export function windowCount(
  length: number,
  { size, step, dilation }: { readonly size: number; readonly step: number; readonly dilation: number },
): number {
  return Math.floor((length - (size - 1) * dilation - 1) / step) + 1;
}

/**
 * Gives the same elements another shape without moving them, or `null` if their strides do not allow it
 * (the caller then copies first). Works on groups of axes that are dense relative to each other.
 */
export function reshapeView(layout: Layout, shape: Shape): Layout | null {
  const { offset } = layout;
  if (isContiguous(layout.shape, layout.strides)) return { shape, strides: rowMajorStrides(shape), offset };
  if (sizeOf(shape) === 0) return { shape, strides: rowMajorStrides(shape), offset };

  // Axes of size 1 say nothing about memory; match the others group by group from the left.
  const from = layout.shape
    .map((size, i) => ({ size, stride: layout.strides[i]! }))
    .filter((a) => a.size !== 1);
  const strides = new Array<number>(shape.length).fill(1);
  let i = 0;
  let j = 0;
  while (i < from.length) {
    let taken = from[i]!.size;
    let last = i + 1;
    let made = 1;
    const first = j;
    for (;;) {
      if (made === taken) break;
      if (made < taken) made *= shape[j++]!;
      else {
        if (from[last - 1]!.stride !== from[last]!.stride * from[last]!.size) return null;
        taken *= from[last++]!.size;
      }
    }
    let stride = from[last - 1]!.stride;
    for (let k = j - 1; k >= first; k--) {
      strides[k] = stride;
      stride *= shape[k]!;
    }
    i = last;
  }
  return { shape, strides, offset };
}

/** Drops the given axes, each of which must have size 1. */
export function squeezedShape(shape: Shape, axes: readonly number[]): number[] {
  for (const axis of axes) {
    if (shape[axis] !== 1) {
      throw new ShapeError(
        `squeeze: axis ${axis} of ${formatShape(shape)} has size ${shape[axis]}, expected 1`,
      );
    }
  }
  return shape.filter((_, i) => !axes.includes(i));
}

/** Inserts an axis of size 1 at `axis` (which may be one past the end). */
export function unsqueezedShape(shape: Shape, axis: number): number[] {
  const at = normalizeAxis("unsqueeze", axis, shape.length + 1);
  return [...shape.slice(0, at), 1, ...shape.slice(at)];
}
