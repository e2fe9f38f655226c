// Sample rate conversion by a polyphase windowed-sinc filter, for any ratio of whole rates, whole or streamed. The
// filters stand in resample-filter.ts, the fast form of the sums in resample-kernel.ts; the measured quality in README.
import type { SameKind } from "./array.ts";
import { requireInteger } from "./errors.ts";
import { checkOptions, type OptionKeys } from "./options.ts";
import { type FilterRows, filterRows, INTERPOLATED_ROWS, type ResampleMethod } from "./resample-filter.ts";
import { KERNEL_OUTPUTS, ResampleKernel } from "./resample-kernel.ts";
import { mapChannels, monoOf, type Signal } from "./signal.ts";

/** Options of `Resampler`. */
export interface ResamplerOptions {
  /** Default "high". */
  readonly method?: ResampleMethod;
}

/** Options of `resample`. */
export interface ResampleOptions extends ResamplerOptions {
  /** Samples to return; default ceil(samples * toRate / fromRate). More than that are the filter's end, then zeros. */
  readonly length?: number;
}

const RESAMPLER_KEYS: OptionKeys<ResamplerOptions> = { method: true };
const RESAMPLE_KEYS: OptionKeys<ResampleOptions> = { method: true, length: true };

/**
 * Converts one channel chunk by chunk; all outputs together equal `resample` of all samples, to the last bit.
 *
 * Output i stands at the time of input i * fromRate / toRate: the filter's delay is taken out, the samples
 * before the start and after the end count as 0.
 *
 * @example
 * const resampler = new Resampler(48000, 16000);
 * for (const chunk of chunks) use(resampler.push(chunk));
 * use(resampler.flush());
 */
export class Resampler {
  readonly fromRate: number;
  readonly toRate: number;
  readonly #up: number;
  readonly #down: number;
  readonly #filter: FilterRows;
  readonly #kernel: ResampleKernel | undefined;
  /** Inputs still needed; the first is input number `#first` of the signal (negative: zeros before it). */
  #buffer: Float32Array;
  #length: number;
  #first: number;
  #received = 0;
  #sent = 0;

  /**
   * @param fromRate samples per second coming in, a whole number
   * @param toRate samples per second going out, a whole number
   * @throws AudioError (`parameter`) for rates that are not whole numbers >= 1 or an unknown method
   */
  constructor(fromRate: number, toRate: number, options: ResamplerOptions = {}) {
    this.fromRate = requireInteger("resample", "fromRate", fromRate, 1);
    this.toRate = requireInteger("resample", "toRate", toRate, 1);
    const { method = "high" } = checkOptions("resample", options, RESAMPLER_KEYS);
    const common = greatestCommonDivisor(fromRate, toRate);
    this.#up = toRate / common;
    this.#down = fromRate / common;
    this.#filter = filterRows(method, this.#up, this.#down);
    this.#kernel = kernelFor(this.#filter, this.#span(KERNEL_OUTPUTS));
    const { before } = this.#filter;
    this.#buffer = new Float32Array(before);
    this.#length = before;
    this.#first = -before;
  }

  /** Takes the next samples; returns those that can be computed already, shape [n >= 0]. */
  push(chunk: Signal): Float32Array {
    const samples = monoOf("Resampler", chunk);
    this.#received += samples.length;
    this.#append(samples);
    // Output i needs inputs up to floor(i * down / up) + after.
    const last = this.#first + this.#length - 1 - this.#filter.after;
    return this.#emit(last < 0 ? 0 : Math.ceil(((last + 1) * this.#up) / this.#down));
  }

  /** Ends the signal; returns the rest. Outputs in all: ceil(inputs * toRate / fromRate). Then it starts afresh. */
  flush(): Float32Array {
    const { before, after } = this.#filter;
    this.#append(new Float32Array(after));
    const out = this.#emit(Math.ceil((this.#received * this.#up) / this.#down));
    this.#buffer = new Float32Array(before);
    this.#length = before;
    this.#first = -before;
    this.#received = 0;
    this.#sent = 0;
    return out;
  }

  #append(chunk: Float32Array): void {
    const needed = this.#length + chunk.length;
    if (needed > this.#buffer.length) {
      const larger = new Float32Array(needed + (this.#length >> 1));
      larger.set(this.#buffer.subarray(0, this.#length));
      this.#buffer = larger;
    }
    this.#buffer.set(chunk, this.#length);
    this.#length = needed;
  }

  /** Inputs that `count` outputs in a row may need, rounded up. */
  #span(count: number): number {
    return Math.ceil((count * this.#down) / this.#up) + this.#filter.taps + 1;
  }

  /** Computes outputs up to number `end` (exclusive) and drops the inputs no later one needs. */
  #emit(end: number): Float32Array {
    const out = new Float32Array(Math.max(0, end - this.#sent));
    const { before, interpolated } = this.#filter;
    // Input number i stands at buffer index i - #first; a row begins `before` inputs earlier.
    const start = before + this.#first;
    for (let at = 0; at < out.length; at += KERNEL_OUTPUTS) {
      const count = Math.min(KERNEL_OUTPUTS, out.length - at);
      if (interpolated) this.#interpolate(out, at, count, start);
      else this.#sum(out, at, count, start);
    }
    this.#sent += out.length;
    const keep = Math.floor((this.#sent * this.#down) / this.#up) - before;
    const drop = Math.min(keep - this.#first, this.#length);
    if (drop > 0) {
      this.#buffer.copyWithin(0, drop, this.#length);
      this.#length -= drop;
      this.#first += drop;
    }
    return out;
  }

  /** Outputs at ... at + count - 1 of this call: one row each. */
  #sum(out: Float32Array, at: number, count: number, start: number): void {
    const { taps, rows } = this.#filter;
    const up = this.#up;
    const position = (this.#sent + at) * this.#down;
    const phase = position % up;
    const from = (position - phase) / up - start;
    if (this.#kernel && count > 3) {
      this.#kernel.load(this.#buffer, from, Math.min(this.#length, from + this.#span(count)));
      this.#kernel.convolve(up, this.#down, phase, 0, count, out, at);
      return;
    }
    for (let i = 0; i < count; i++) {
      const place = position + i * this.#down;
      const row = place % up;
      out[at + i] = dot(rows, row * taps, taps, this.#buffer, (place - row) / up - start);
    }
  }

  /** The same between rows: a cubic through the sums of four. */
  #interpolate(out: Float32Array, at: number, count: number, start: number): void {
    const { taps, rows } = this.#filter;
    const up = this.#up;
    const position = (this.#sent + at) * this.#down;
    const from = (position - (position % up)) / up - start;
    this.#kernel?.load(this.#buffer, from, Math.min(this.#length, from + this.#span(count)));
    const sums = new Float64Array(4);
    for (let i = 0; i < count; i++) {
      const place = position + i * this.#down;
      const phase = place % up;
      const input = (place - phase) / up - start;
      const exact = (phase * INTERPOLATED_ROWS) / up;
      const row = Math.floor(exact);
      let four: Float64Array;
      if (this.#kernel) four = this.#kernel.fourRows(row, input - from);
      else {
        for (let r = 0; r < 4; r++) sums[r] = dot(rows, (row + r) * taps, taps, this.#buffer, input);
        four = sums;
      }
      out[at + i] = cubic(four, exact - row);
    }
  }
}

/** Lagrange's cubic through values at -1, 0, 1, 2, at t in 0 ... 1. */
function cubic(values: Float64Array, t: number): number {
  const [a, b, c] = [t + 1, t - 1, t - 2];
  const outer = (t * (a * b * values[3]! - b * c * values[0]!)) / 6;
  return outer + (c * (a * b * values[1]! - a * t * values[2]!)) / 2;
}

/** Kernels by filter, so that repeated calls share the copy of its rows. */
const kernels = new WeakMap<FilterRows, ResampleKernel>();

function kernelFor(filter: FilterRows, span: number): ResampleKernel | undefined {
  const known = kernels.get(filter);
  if (known) return known;
  const made = ResampleKernel.open(filter.rows, filter.taps, span);
  if (made) kernels.set(filter, made);
  return made;
}

/** Sum of products in four strands, which keeps the adders busy; the order is fixed, the kernel's is the same. */
function dot(rows: Float64Array, row: number, taps: number, samples: Float32Array, at: number): number {
  let a = 0;
  let b = 0;
  let c = 0;
  let d = 0;
  let i = 0;
  for (; i + 3 < taps; i += 4) {
    a += rows[row + i]! * samples[at + i]!;
    b += rows[row + i + 1]! * samples[at + i + 1]!;
    c += rows[row + i + 2]! * samples[at + i + 2]!;
    d += rows[row + i + 3]! * samples[at + i + 3]!;
  }
  for (; i < taps; i++) a += rows[row + i]! * samples[at + i]!;
  return a + b + (c + d);
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}

/**
 * Converts a signal to another sample rate, band-limited.
 *
 * @param signal [samples] or [channels, samples]
 * @param fromRate its samples per second, a whole number
 * @param toRate samples per second wanted, a whole number
 * @param options `method`; `length`, the samples wanted, for example those of the signal before it went to the other
 *   rate and back
 * @returns what came in at the new rate: Float32Array or [channels, samples], ceil(samples * toRate / fromRate)
 * @throws AudioError (`parameter`) for rates that are not whole numbers >= 1, an unknown method, a bad length
 *
 * `scipy` matches scipy.signal.resample_poly, `torchaudio` torchaudio.functional.resample. With more than 1024 phases
 * (the higher of the rates divided by their common divisor) `high` and `fast` interpolate between 128 rows of weights, so
 * the cost does not depend on the ratio.
 *
 * @example
 * resample(new Float32Array(8000), 8000, 16000).length; // 16000
 */
export function resample<T extends Signal>(
  signal: T,
  fromRate: number,
  toRate: number,
  options: ResampleOptions = {},
): SameKind<T> {
  const { method, length: wanted } = checkOptions("resample", options, RESAMPLE_KEYS);
  if (wanted !== undefined) requireInteger("resample", "length", wanted, 0);
  const resampler = new Resampler(fromRate, toRate, method === undefined ? {} : { method });
  return mapChannels("resample", signal, (channel) => {
    const natural = Math.ceil((channel.length * toRate) / fromRate);
    const length = wanted ?? natural;
    const out = new Float32Array(length);
    const parts = fromRate === toRate ? [channel] : [resampler.push(channel)];
    if (fromRate !== toRate) {
      if (length > natural)
        parts.push(resampler.push(new Float32Array(Math.ceil(((length - natural) * fromRate) / toRate) + 1)));
      parts.push(resampler.flush());
    }
    let at = 0;
    for (const part of parts) {
      const taken = Math.min(part.length, length - at);
      out.set(part.subarray(0, taken), at);
      at += taken;
    }
    return out;
  }) as SameKind<T>;
}
