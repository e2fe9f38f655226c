// How samples come into every function: one place that turns what a caller has into channels of float samples,
// or refuses it by name with the way out. Read array.ts next: how results go out.
import { parameterError } from "./errors.ts";
import { FloatArray, type FloatView, requireInside } from "./float-array.ts";

/** A mono signal: samples, or a view of shape [samples]; several channels: shape [channels, samples]. */
export type Signal = Float32Array | FloatView;

/** Also arrays of another realm (an iframe, a vm context): there `instanceof` fails. */
export function isFloat32Array(value: unknown): value is Float32Array {
  return ArrayBuffer.isView(value) && Object.prototype.toString.call(value) === "[object Float32Array]";
}

/**
 * A foreign view as `FloatArray`, its shape and bounds checked.
 *
 * @throws AudioError (`parameter`) for anything that is not a view on float32 values
 */
export function viewOf(operation: string, array: FloatView): FloatArray {
  if (array instanceof FloatArray) return array;
  const { data, shape, stride, offset } = asView(array) ?? {};
  if (isFloat32Array(data) && Array.isArray(shape) && Array.isArray(stride) && typeof offset === "number") {
    const view = { data, shape: shape as number[], stride: stride as number[], offset };
    requireInside(operation, view);
    return new FloatArray(view.data, view.shape, view.stride, offset);
  }
  throw parameterError(operation, `expected an ndarray of float32, got ${describe(array)}`);
}

/** A view of two axes, such as a spectrogram; `axes` names them: "[bins, frames]". */
export function matrixOf(operation: string, what: string, axes: string, array: FloatView): FloatArray {
  const view = viewOf(operation, array);
  if (view.shape.length === 2) return view;
  throw parameterError(operation, `expected ${what} of shape ${axes}, got [${view.shape}]`);
}

/**
 * The channels of a signal as contiguous arrays: one for a mono signal. No copy unless the view is strided.
 *
 * @throws AudioError (`parameter`) for what is not float samples, has another rank than 1 or 2, or no channel
 */
export function channelsOf(operation: string, signal: Signal): Float32Array[] {
  if (isFloat32Array(signal)) return [signal];
  if (!isViewLike(signal)) throw notSamples(operation, signal);
  const { shape, stride, offset, data } = viewOf(operation, signal);
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

/** As `monoOf`; float64 samples pass as they are. */
export function monoSamplesOf(operation: string, signal: Signal | Float64Array): Float32Array | Float64Array {
  const kind = Object.prototype.toString.call(signal);
  return kind === "[object Float64Array]" ? (signal as Float64Array) : monoOf(operation, signal as Signal);
}

/** Whether a signal has an axis of channels, which its results then get too. */
export function hasChannelAxis(signal: Signal): boolean {
  return !isFloat32Array(signal) && signal.shape.length === 2;
}

/** Applies `change` to each channel; the result has the kind and rank of the signal. */
export function mapChannels(
  operation: string,
  signal: Signal,
  change: (channel: Float32Array) => Float32Array,
): Float32Array | FloatArray {
  const changed = channelsOf(operation, signal).map(change);
  if (isFloat32Array(signal)) return changed[0]!;
  if (!hasChannelAxis(signal)) return new FloatArray(changed[0]!);
  return stackChannels(changed);
}

/**
 * Channels as one array of shape [channels, samples], the form that takes several channels everywhere.
 *
 * @param channels at least one, all equally long, as `decodeAudio` gives them
 * @throws AudioError (`parameter`) for no channels or different lengths
 *
 * @example
 * const { channels, sampleRate } = await decodeAudio(bytes);
 * melSpectrogram(stackChannels(channels), { sampleRate }).shape; // [channels, 128, frames]
 */
export function stackChannels(channels: readonly Float32Array[]): FloatArray {
  const length = requireChannels("stackChannels", channels);
  const data = new Float32Array(channels.length * length);
  for (const [c, channel] of channels.entries()) data.set(channel, c * length);
  return new FloatArray(data, [channels.length, length]);
}

/** The common length of a list of channels; refuses anything else by name. */
export function requireChannels(operation: string, channels: readonly Float32Array[]): number {
  if (!Array.isArray(channels) || !channels.every(isFloat32Array)) {
    throw parameterError(operation, `expected a list of Float32Arrays, got ${describe(channels)}`);
  }
  const lengths = channels.map((channel) => channel.length);
  const [first] = lengths;
  if (first === undefined) throw parameterError(operation, "expected at least one channel, got none");
  if (lengths.some((length) => length !== first)) {
    throw parameterError(operation, `channels differ in length: ${lengths.join(", ")}`);
  }
  return first;
}

function contiguous(data: Float32Array, offset: number, length: number, stride: number): Float32Array {
  if (stride === 1) return data.subarray(offset, offset + length);
  const out = new Float32Array(length);
  for (let i = 0, at = offset; i < length; i++, at += stride) out[i] = data[at]!;
  return out;
}

function asView(value: unknown): Partial<Record<keyof FloatView, unknown>> | undefined {
  return typeof value === "object" && value !== null ? value : undefined;
}

function isViewLike(value: unknown): value is FloatView {
  const view = asView(value);
  return (
    view !== undefined && !ArrayBuffer.isView(value) && "data" in view && "shape" in view && "stride" in view
  );
}

function notSamples(operation: string, value: unknown): Error {
  const remedy = remedyFor(value);
  const what = `expected samples as a Float32Array or an ndarray of float32, got ${describe(value)}`;
  return parameterError(operation, remedy === "" ? what : `${what}; ${remedy}`);
}

/** What to do instead, for the values that come up most. */
function remedyFor(value: unknown): string {
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) {
    const kind = Object.prototype.toString.call(value).slice(8, -1);
    if (kind === "Float64Array") return "convert it with Float32Array.from";
    if (kind === "Int16Array") return "divide by 32768 first: Float32Array.from(x, (value) => value / 32768)";
    if (kind.startsWith("Int") || kind === "Uint16Array" || kind === "Uint32Array") {
      return "divide integers by their full scale first";
    }
    return "read bytes with decodeAudio or decodePcm";
  }
  if (Array.isArray(value)) {
    if (value.some(isFloat32Array))
      return "pass one channel, mix them with toMono, or stack them with stackChannels";
    return "convert a list of numbers with Float32Array.from";
  }
  const fields = asView(value);
  if (fields && "channels" in fields)
    return "pass its channels: toMono(audio.channels) or stackChannels(audio.channels)";
  return "";
}

/** A value in words, for messages: "an Int16Array of 800 values". */
export function describe(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (Array.isArray(value)) {
    const inner = value.length > 0 && value.every(isFloat32Array) ? "Float32Arrays" : "entries";
    return `an Array of ${value.length} ${inner}`;
  }
  if (typeof value === "object") {
    const name = (value as object).constructor?.name ?? "object";
    const article = /^[AEIO]/.test(name) ? "an" : "a";
    const count = (value as { length?: unknown }).length;
    const view = asView(value);
    if (typeof count === "number") return `${article} ${name} of ${count} values`;
    if (view && isViewLike(value)) return `an ndarray of ${describe(view.data)}`;
    return name === "Object"
      ? `an object with ${Object.keys(value).slice(0, 4).join(", ") || "no keys"}`
      : `${article} ${name}`;
  }
  if (typeof value === "string")
    return JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}...` : value);
  return typeof value === "function" ? "a function" : `${typeof value} ${String(value)}`;
}
