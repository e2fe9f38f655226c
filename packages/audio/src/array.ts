// The seam to ndarray: how signals come in (samples, or channels x samples) and how results go out.
// Results are stored frame by frame and handed out as [bins, frames] views, so both orders are free.
import ndarray from "ndarray";
import { parameterError } from "./errors.ts";

/** A strided view on a Float32Array, as the npm package `ndarray` defines it (strides in elements). */
export type FloatArray = ndarray.NdArray<Float32Array>;

/** A mono signal: samples, or an ndarray of shape [samples]; several channels: shape [channels, samples]. */
export type Signal = Float32Array | FloatArray;

/** Wraps values as an ndarray; strides default to row-major. */
export function floatArray(data: Float32Array, shape: number[], strides?: number[], offset = 0): FloatArray {
  return ndarray(data, shape, strides, offset);
}

/**
 * The channels of a signal as contiguous arrays: one for a mono signal. No copy unless the view is strided.
 *
 * @throws AudioError (`parameter`) if the signal is not of rank 1 or 2, or has no channel
 */
export function channelsOf(operation: string, signal: Signal): Float32Array[] {
  if (signal instanceof Float32Array) return [signal];
  const { shape, stride, offset, data } = signal;
  if (shape.length === 1) return [contiguous(data, offset, shape[0]!, stride[0]!)];
  if (shape.length !== 2 || shape[0]! < 1) {
    throw parameterError(
      operation,
      `expected a signal of shape [samples] or [channels, samples], got [${shape}]`,
    );
  }
  return Array.from({ length: shape[0]! }, (_, c) =>
    contiguous(data, offset + c * stride[0]!, shape[1]!, stride[1]!),
  );
}

/** The samples of a mono signal, of which [1, samples] is also accepted. */
export function monoOf(operation: string, signal: Signal): Float32Array {
  const channels = channelsOf(operation, signal);
  if (channels.length === 1) return channels[0]!;
  throw parameterError(
    operation,
    `expected one channel, got ${channels.length} (mix them with toMono first)`,
  );
}

function contiguous(data: Float32Array, offset: number, length: number, stride: number): Float32Array {
  if (stride === 1) return data.subarray(offset, offset + length);
  return Float32Array.from({ length }, (_, i) => data[offset + i * stride]!);
}

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
  const rank1 = signal instanceof Float32Array || signal.shape.length === 1;
  return rank1
    ? floatArray(data, [bins, frames], [1, bins])
    : floatArray(data, [channels, bins, frames], [bins * frames, 1, bins]);
}

/**
 * The values of a view in row-major order: the copy one needs for printing, saving or another library.
 *
 * @returns Float32Array of length size; shape [a, b] gives a rows of b values
 *
 * @example
 * const mel = melSpectrogram(signal, { sampleRate: 16000 });
 * toRowMajor(mel).length === mel.shape[0] * mel.shape[1];
 */
export function toRowMajor(array: FloatArray): Float32Array {
  const { shape, stride, offset, data } = array;
  const out = new Float32Array(shape.reduce((a, b) => a * b, 1));
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

/** Applies `change` to every value; the result has the shape of the input and, when it is dense, its strides. */
export function mapValues<T extends Signal>(array: T, change: (value: number) => number): T {
  if (array instanceof Float32Array) return array.map(change) as T;
  const { shape, stride, offset, data } = array;
  const size = shape.reduce((a, b) => a * b, 1);
  if (size === data.length && offset === 0 && stride.every((s) => s > 0)) {
    const changed = new Float32Array(size);
    for (let i = 0; i < size; i++) changed[i] = change(data[i]!);
    return floatArray(changed, [...shape], [...stride]) as T;
  }
  return floatArray(toRowMajor(array).map(change), [...shape]) as T;
}

/** The largest value, -Infinity for an empty array; NaN if there is one. */
export function largest(array: Signal): number {
  const values = array instanceof Float32Array ? array : toRowMajor(array);
  let max = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < values.length; i++) if (!(values[i]! <= max)) max = values[i]!;
  return max;
}
