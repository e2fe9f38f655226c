// A strided view on a Float32Array: the convention of the npm package `ndarray`, in plain code. That package
// compiles its classes from strings, which pages with a content security policy forbid. Read signal.ts next.
import { parameterError } from "./errors.ts";

/** What every function reads of an array: `FloatArray`, an ndarray of float32, or any object of this form. */
export interface FloatView {
  readonly data: Float32Array;
  /** Length of each axis. */
  readonly shape: readonly number[];
  /** Elements from one entry to the next, for each axis; may be negative. */
  readonly stride: readonly number[];
  /** Position in `data` of the entry whose indices are all 0. */
  readonly offset: number;
}

/**
 * A strided view on a Float32Array, with ndarray's members: whatever takes an ndarray of float32 takes this.
 *
 * `transpose`, `pick`, `lo`, `hi` and `step` give views on the same data and copy nothing.
 *
 * @example
 * const mel = melSpectrogram(signal, { sampleRate: 16000 }); // shape [128, frames]
 * mel.get(5, 0); // band 5 of the first frame
 * mel.pick(null, 0); // the first frame, shape [128]
 */
export class FloatArray implements FloatView {
  readonly data: Float32Array;
  readonly shape: number[];
  readonly stride: number[];
  readonly offset: number;
  /** The kind of element, as ndarray names it. */
  readonly dtype = "float32" as const;

  /**
   * @param shape length of each axis; default one axis over all of `data`
   * @param stride elements per step along each axis; default row-major
   * @throws AudioError (`parameter`) if an entry would lie outside `data`
   */
  constructor(
    data: Float32Array,
    shape: readonly number[] = [data.length],
    stride?: readonly number[],
    offset = 0,
  ) {
    this.data = data;
    this.shape = [...shape];
    this.stride = stride === undefined ? rowMajor(shape) : [...stride];
    this.offset = offset;
    requireInside("FloatArray", this);
  }

  /** Number of axes. */
  get dimension(): number {
    return this.shape.length;
  }

  /** Number of entries. */
  get size(): number {
    return sizeOf(this.shape);
  }

  /** The axes from the smallest stride to the largest. */
  get order(): number[] {
    const size = (axis: number) => Math.abs(this.stride[axis]!);
    return this.shape.map((_, axis) => axis).sort((a, b) => size(a) - size(b));
  }

  /** The view with its axes in reverse order. */
  get T(): FloatArray {
    return this.transpose(...this.shape.map((_, axis) => this.shape.length - 1 - axis));
  }

  /** Position in `data` of an entry. Indices are not checked, as in ndarray. */
  index(...at: number[]): number {
    let position = this.offset;
    for (let axis = 0; axis < this.stride.length; axis++) position += this.stride[axis]! * (at[axis] ?? 0);
    return position;
  }

  /** The value at the given indices; indices outside the shape are not refused, as in ndarray. */
  get(...at: number[]): number {
    return this.data[this.index(...at)]!;
  }

  /** Writes the last argument at the indices before it; returns it. */
  set(...atAndValue: number[]): number {
    const value = atAndValue[this.shape.length]!;
    this.data[this.index(...atAndValue)] = value;
    return value;
  }

  /** The view with its axes reordered: axis i of the result is axis `axes[i]`. */
  transpose(...axes: number[]): FloatArray {
    const order = this.shape.map((_, axis) => axes[axis] ?? axis);
    if (new Set(order).size !== order.length || order.some((axis) => this.shape[axis] === undefined)) {
      throw parameterError(
        "transpose",
        `expected each axis of [${this.shape}] once, got (${axes.join(", ")})`,
      );
    }
    return viewOn(
      this.data,
      order.map((axis) => this.shape[axis]!),
      order.map((axis) => this.stride[axis]!),
      this.offset,
    );
  }

  /** Fixes the axes that get a number and keeps those that get null (or a negative number). */
  pick(...at: (number | null)[]): FloatArray {
    const kept = this.shape.map((_, axis) => axis).filter((axis) => !((at[axis] ?? -1) >= 0));
    const offset = this.index(...this.shape.map((_, axis) => Math.max(0, at[axis] ?? 0)));
    return viewOn(
      this.data,
      kept.map((axis) => this.shape[axis]!),
      kept.map((axis) => this.stride[axis]!),
      offset,
    );
  }

  /** The view without the first `from[i]` entries of axis i. */
  lo(...from: number[]): FloatArray {
    const skip = this.shape.map((length, axis) => Math.min(length, Math.max(0, from[axis] ?? 0)));
    const shape = this.shape.map((length, axis) => length - skip[axis]!);
    return viewOn(this.data, shape, this.stride, this.index(...skip));
  }

  /** The view cut to the first `to[i]` entries of axis i. */
  hi(...to: number[]): FloatArray {
    const shape = this.shape.map((length, axis) => {
      const end = to[axis];
      return end === undefined || !(end >= 0) ? length : Math.min(length, end);
    });
    return viewOn(this.data, shape, this.stride, this.offset);
  }

  /** Every `by[i]`-th entry of axis i; a negative step begins at the end. */
  step(...by: number[]): FloatArray {
    let { offset } = this;
    const shape: number[] = [];
    const stride: number[] = [];
    for (const [axis, length] of this.shape.entries()) {
      const step = by[axis] ?? 1;
      if (!Number.isInteger(step) || step === 0) {
        throw parameterError("step", `expected a whole number that is not 0 for axis ${axis}, got ${step}`);
      }
      if (step < 0) offset += this.stride[axis]! * Math.max(0, length - 1);
      shape.push(Math.ceil(length / Math.abs(step)));
      stride.push(this.stride[axis]! * step);
    }
    return viewOn(this.data, shape, stride, offset);
  }
}

/** Wraps values as a view; strides default to row-major. */
export function floatArray(data: Float32Array, shape: number[], strides?: number[], offset = 0): FloatArray {
  return new FloatArray(data, shape, strides, offset);
}

function viewOn(
  data: Float32Array,
  shape: readonly number[],
  stride: readonly number[],
  offset: number,
): FloatArray {
  return new FloatArray(data, shape, stride, offset);
}

/** Number of entries of a shape. */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((size, length) => size * length, 1);
}

/** Refuses a view that is not well formed or reaches outside its data: foreign objects are not trusted. */
export function requireInside(operation: string, view: FloatView): void {
  const { data, shape, stride, offset } = view;
  const whole = (value: number) => Number.isSafeInteger(value);
  const lengths = shape.every((length) => whole(length) && length >= 0);
  if (shape.length !== stride.length || !lengths || !stride.every(whole) || !whole(offset)) {
    throw parameterError(
      operation,
      `expected whole numbers, one stride for each axis, got shape [${shape}], stride [${stride}], offset ${offset}`,
    );
  }
  if (shape.includes(0)) return;
  let first = offset;
  let last = offset;
  for (const [axis, length] of shape.entries()) {
    const reach = (length - 1) * stride[axis]!;
    if (reach < 0) first += reach;
    else last += reach;
  }
  if (first >= 0 && last < data.length) return;
  throw parameterError(
    operation,
    `shape [${shape}] with stride [${stride}] and offset ${offset} reaches outside its ${data.length} values`,
  );
}

function rowMajor(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length);
  for (let axis = shape.length - 1, step = 1; axis >= 0; axis--) {
    strides[axis] = step;
    step *= shape[axis]!;
  }
  return strides;
}
