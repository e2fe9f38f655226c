// How results go out: stored frame by frame and handed out as [bins, frames] views, so both orders are free.
import { type FloatArray, type FloatView, floatArray, sizeOf } from "./float-array.ts";
import { hasChannelAxis, isFloat32Array, type Signal, viewOf } from "./signal.ts";

/**
 * Wraps per-channel results stored frame by frame as [bins, frames], or [channels, bins, frames] when the
 * signal had a channel axis.
 */
export function framesView(
  data: Float32Array,
  signal: Signal,
  channels: number,
  bins: number,
  frames: number,
): FloatArray {
  return hasChannelAxis(signal)
    ? floatArray(data, [channels, bins, frames], [bins * frames, 1, bins])
    : floatArray(data, [bins, frames], [1, bins]);
}

/**
 * The values of a view in row-major order: the copy one needs for printing, saving or another library.
 *
 * @param array a result of this package, an ndarray of float32, or another view
 * @returns Float32Array of length size; shape [a, b] gives a rows of b values
 * @throws AudioError (`parameter`) for what is not a view on float32 values
 *
 * @example
 * const mel = melSpectrogram(signal, { sampleRate: 16000 });
 * toRowMajor(mel).length === mel.shape[0] * mel.shape[1];
 */
export function toRowMajor(array: FloatView): Float32Array {
  const { shape, stride, offset, data } = viewOf("toRowMajor", array);
  const out = new Float32Array(sizeOf(shape));
  const rank = shape.length;
  if (out.length === 0) return out;
  if (rank === 0) {
    out[0] = data[offset]!;
    return out;
  }
  const index = new Array<number>(rank).fill(0);
  const inner = shape[rank - 1]!;
  const step = stride[rank - 1]!;
  for (let o = 0, at = offset; o < out.length; ) {
    for (let i = 0, p = at; i < inner; i++, p += step) out[o++] = data[p]!;
    for (let axis = rank - 2; axis >= 0; axis--) {
      at += stride[axis]!;
      if (++index[axis]! < shape[axis]!) break;
      at -= shape[axis]! * stride[axis]!;
      index[axis] = 0;
    }
  }
  return out;
}

/** What a function gives back that changes values one by one: the kind of array that came in. */
export type SameKind<T extends Signal> = T extends Float32Array ? Float32Array : FloatArray;

/** Applies `change` to every value; the result has the shape of the input and, when it is dense, its strides. */
export function mapValues<T extends Signal>(
  operation: string,
  array: T,
  change: (value: number) => number,
): SameKind<T> {
  return mapAll(operation, array, (values) => mapped(values, change));
}

/** The same for a change of all values at once, which returns as many. */
export function mapAll<T extends Signal>(
  operation: string,
  array: T,
  change: (values: Float32Array) => Float32Array,
): SameKind<T> {
  if (isFloat32Array(array)) return change(array) as SameKind<T>;
  const { shape, stride, offset, data } = viewOf(operation, array as FloatView);
  const dense = sizeOf(shape) === data.length && offset === 0 && stride.every((step) => step > 0);
  const values = dense ? data : toRowMajor(array as FloatView);
  return floatArray(change(values), shape, dense ? stride : undefined) as SameKind<T>;
}

function mapped(values: Float32Array, change: (value: number) => number): Float32Array {
  const out = new Float32Array(values.length);
  for (let i = 0; i < out.length; i++) out[i] = change(values[i]!);
  return out;
}

/** The largest value, -Infinity for an empty array; NaN if there is one. */
export function largest(array: Signal): number {
  const values = isFloat32Array(array) ? array : toRowMajor(array);
  let max = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (value !== value) return value;
    if (value > max) max = value;
  }
  return max;
}
