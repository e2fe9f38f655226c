// Pure functions on shapes, strides and axes. Nothing here knows a tensor. Read next: view.ts.

import { wrongArgument } from "./arguments.ts";
import { ShapeError } from "./errors.ts";

/** Sizes along each axis, outermost first. `[]` is the shape of a single number. */
export type Shape = readonly number[];

/** Number of elements of a shape; 1 for `[]`. */
export function sizeOf(shape: Shape): number {
  let size = 1;
  for (let i = 0; i < shape.length; i++) size *= shape[i]!;
  return size;
}

/** Shapes as they stand in messages: `[2, 3]`. */
export function formatShape(shape: Shape): string {
  return `[${shape.join(", ")}]`;
}

/** True if both shapes have the same sizes in the same order. */
export function sameShape(a: Shape, b: Shape): boolean {
  if (a === b) return true;
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/**
 * Throws ShapeError unless every size is a non-negative safe integer.
 *
 * @param op name of the operation, for the message
 */
export function checkShape(op: string, shape: Shape): void {
  checkIsList(op, shape);
  for (const size of shape) {
    if (!Number.isSafeInteger(size) || size < 0) {
      throw new ShapeError(`${op}: sizes must be non-negative integers, got ${formatShape(shape)}`);
    }
  }
}

/** Throws ShapeError for `zeros(3)` in place of `zeros([3])`, which plain JavaScript lets through. */
function checkIsList(op: string, shape: Shape): void {
  if (!Array.isArray(shape)) throw new ShapeError(`${op}: expected a shape such as [2, 3], got ${shape}`);
}

/**
 * Strides, in elements, of a dense array whose last axis is adjacent in memory.
 *
 * @example rowMajorStrides([2, 3, 4]) // [12, 4, 1]
 */
export function rowMajorStrides(shape: Shape): number[] {
  const strides = new Array<number>(shape.length);
  let step = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    strides[i] = step;
    step *= shape[i]!;
  }
  return strides;
}

/** True if the elements lie in row-major order without gaps. Strides of axes of size 1 do not matter. */
export function isContiguous(shape: Shape, strides: readonly number[]): boolean {
  let step = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    const size = shape[i]!;
    if (size === 0) return true;
    if (size !== 1) {
      if (strides[i] !== step) return false;
      step *= size;
    }
  }
  return true;
}

/**
 * The common shape of two shapes under NumPy's rule: aligned at the last axis, equal sizes stay,
 * a size of 1 stretches.
 *
 * @throws ShapeError naming the axis that does not fit
 * @example broadcastShapes("add", [4, 1], [3]) // [4, 3]
 */
export function broadcastShapes(op: string, a: Shape, b: Shape): Shape {
  if (sameShape(a, b)) return a;
  const rank = Math.max(a.length, b.length);
  const shape = new Array<number>(rank);
  for (let i = 1; i <= rank; i++) {
    const p = i <= a.length ? a[a.length - i]! : 1;
    const q = i <= b.length ? b[b.length - i]! : 1;
    if (p !== q && p !== 1 && q !== 1) {
      throw new ShapeError(
        `${op}: shapes do not broadcast: ${formatShape(a)} and ${formatShape(b)} (axis -${i}: ${p} != ${q})`,
      );
    }
    shape[rank - i] = p === 1 ? q : p;
  }
  return shape;
}

/**
 * Strides that read an array of `shape` as if it had the larger shape `target`: stretched axes get 0.
 * The shapes must broadcast.
 */
export function broadcastStrides(shape: Shape, strides: readonly number[], target: Shape): readonly number[] {
  if (shape.length === target.length && sameShape(shape, target)) return strides;
  const lead = target.length - shape.length;
  const out = new Array<number>(target.length);
  for (let i = 0; i < target.length; i++) {
    out[i] = i < lead || (shape[i - lead] === 1 && target[i] !== 1) ? 0 : strides[i - lead]!;
  }
  return out;
}

/**
 * Turns an axis that may count from the end into one that counts from the start.
 *
 * @throws ShapeError if the axis is not an integer in [-rank, rank)
 */
export function normalizeAxis(op: string, axis: number, rank: number): number {
  return axisWithin(op, axis, rank, rank);
}

/**
 * `normalizeAxis` for ops that take a single number (rank 0) for a list of one, along axis 0 or -1, as NumPy and PyTorch
 * do.
 */
export function axisOrOnly(op: string, axis: number, rank: number): number {
  return axisWithin(op, axis, rank, Math.max(rank, 1));
}

function axisWithin(op: string, axis: number, rank: number, count: number): number {
  if (!Number.isInteger(axis) || axis < -count || axis >= count) {
    if (typeof axis !== "number") throw wrongArgument(op, "axis", "a number", axis);
    const expected = count > 0 ? `, expected ${-count} to ${count - 1}` : "";
    throw new ShapeError(`${op}: axis ${axis} is out of range for rank ${rank}${expected}`);
  }
  return axis < 0 ? axis + count : axis;
}

/** Which axes to reduce: one, several, or all of them when left out. */
export type Axes = number | readonly number[] | null | undefined;

/**
 * Axes counted from the start, ascending, each once; all axes for `undefined` and `null`. The axis 0 or -1 of a single
 * number stands for no axis.
 */
export function normalizeAxes(op: string, axes: Axes, rank: number): number[] {
  if (axes === undefined || axes === null) {
    const all = new Array<number>(rank);
    for (let i = 0; i < rank; i++) all[i] = i;
    return all;
  }
  if (typeof axes === "number") {
    const axis = axisOrOnly(op, axes, rank);
    return rank === 0 ? [] : [axis];
  }
  if (!Array.isArray(axes)) throw wrongArgument(op, "axes", "a number or a list such as [0, 1]", axes);
  const sorted = axes.map((axis) => axisOrOnly(op, axis, rank)).sort((a, b) => a - b);
  for (let i = 1; i < sorted.length; i++) {
    if (sorted[i] === sorted[i - 1]) throw new ShapeError(`${op}: axis ${sorted[i]} is given twice`);
  }
  return rank === 0 ? [] : sorted;
}

/** The shape left after reducing `axes` (ascending): dropped, or kept with size 1. */
export function reducedShape(shape: Shape, axes: readonly number[], keepDims: boolean): number[] {
  const out: number[] = [];
  for (let i = 0; i < shape.length; i++) {
    if (!axes.includes(i)) out.push(shape[i]!);
    else if (keepDims) out.push(1);
  }
  return out;
}

/** `shape` with the entry of one axis replaced by any number of entries. */
export function replaceAxis(shape: Shape, axis: number, by: Shape): Shape {
  return [...shape.slice(0, axis), ...by, ...shape.slice(axis + 1)];
}

/**
 * Fills in a single `-1` so that the shape holds `size` elements.
 *
 * @throws ShapeError if the sizes do not multiply to `size`, or more than one is -1
 */
export function resolveShape(op: string, shape: Shape, size: number): number[] {
  checkIsList(op, shape);
  const out = shape.slice();
  const open = out.indexOf(-1);
  if (open >= 0) {
    if (out.lastIndexOf(-1) !== open) {
      throw new ShapeError(`${op}: only one size may be -1, got ${formatShape(shape)}`);
    }
    let rest = 1;
    for (let i = 0; i < out.length; i++) if (i !== open) rest *= out[i]!;
    if (rest === 0) {
      throw new ShapeError(`${op}: -1 is ambiguous beside a size of 0, got ${formatShape(shape)}`);
    }
    out[open] = size / rest;
  }
  if (out.some((n) => !Number.isInteger(n) || n < 0) || sizeOf(out) !== size) {
    throw new ShapeError(`${op}: ${size} elements do not fit the shape ${formatShape(shape)}`);
  }
  return out;
}
