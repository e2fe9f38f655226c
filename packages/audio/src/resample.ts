// Sample rate conversion by a polyphase windowed-sinc filter, for any ratio of whole rates, whole or streamed.
// The filter is evaluated once per phase; its measured quality stands in the package's README.
import type { SameKind } from "./array.ts";
import { requireInteger } from "./errors.ts";
import { checkOptions, type OptionKeys, requireOneOf } from "./options.ts";
import { mapChannels, monoOf, type Signal } from "./signal.ts";
import { besselI0 } from "./window.ts";

/**
 * The filter. Frequencies are shares of half the lower of the two rates.
 *
 * - `high` (default): pass band to 0.90, stop band from 1.00 at -110 dB, 143 taps per output when upsampling
 * - `fast`: pass band to 0.80, stop band from 1.00 at -70 dB, 45 taps
 * - `scipy`: scipy.signal.resample_poly's default (Kaiser 5), for compatibility
 * - `torchaudio`: torchaudio's default (sinc_interp_hann, width 6, rolloff 0.99), for compatibility
 */
export type ResampleMethod = "high" | "fast" | "scipy" | "torchaudio";

/** Options of `resample` and `Resampler`. */
export interface ResampleOptions {
  readonly method?: ResampleMethod;
}

const RESAMPLE_KEYS: OptionKeys<ResampleOptions> = { method: true };
const METHODS: readonly ResampleMethod[] = ["high", "fast", "scipy", "torchaudio"];

/** A filter on the grid of the common multiple of both rates: weight(n) for |n| <= reach, symmetric. */
interface Filter {
  readonly reach: number;
  readonly weight: (n: number) => number;
  /** Scale every phase to sum 1, so that a constant stays exactly that constant. */
  readonly unitPhases: boolean;
}

const sinc = (x: number): number => (x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x));

/** Kaiser's design: window shape and length from pass edge, stop attenuation in dB (stop edge 1). */
function kaiserFilter(up: number, down: number, pass: number, decibels: number): Filter {
  const beta = 0.1102 * (decibels - 8.7);
  const slowest = Math.max(up, down); // steps of the grid per sample of the lower rate
  const taps = (decibels - 8) / (2.285 * Math.PI * (1 - pass));
  const reach = Math.ceil((taps / 2) * slowest);
  const cutoff = (1 + pass) / 2 / slowest;
  const weight = (n: number) => sinc(cutoff * n) * besselI0(beta * Math.sqrt(1 - (n / reach) ** 2));
  return { reach, weight, unitPhases: true };
}

function scipyFilter(up: number, down: number): Filter {
  const slowest = Math.max(up, down);
  const reach = 10 * slowest;
  const weight = (n: number) => sinc(n / slowest) * besselI0(5 * Math.sqrt(1 - (n / reach) ** 2));
  let sum = weight(0);
  for (let n = 1; n <= reach; n++) sum += 2 * weight(n);
  return { reach, weight: (n) => (up * weight(n)) / sum, unitPhases: false };
}

function torchaudioFilter(up: number, down: number): Filter {
  const width = 6;
  const cutoff = (Math.min(up, down) * 0.99) / (up * down);
  const scale = cutoff * up;
  const weight = (n: number) => scale * sinc(cutoff * n) * Math.cos((Math.PI * cutoff * n) / width / 2) ** 2;
  return { reach: Math.floor(width / cutoff), weight, unitPhases: false };
}

function makeFilter(method: ResampleMethod, up: number, down: number): Filter {
  if (method === "high") return kaiserFilter(up, down, 0.9, 110);
  if (method === "fast") return kaiserFilter(up, down, 0.8, 70);
  if (method === "scipy") return scipyFilter(up, down);
  return torchaudioFilter(up, down);
}

/** Coefficients kept at most, in doubles (64 MB); beyond, phases are computed anew when they come round. */
const CACHE_LIMIT = 2 ** 23;

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
  readonly #filter: Filter;
  /** Inputs used before and after the one at or before the output's time. */
  readonly #before: number;
  readonly #after: number;
  readonly #phases: (Float64Array | undefined)[];
  #cached = 0;
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
  constructor(fromRate: number, toRate: number, options: ResampleOptions = {}) {
    this.fromRate = requireInteger("resample", "fromRate", fromRate, 1);
    this.toRate = requireInteger("resample", "toRate", toRate, 1);
    const common = greatestCommonDivisor(fromRate, toRate);
    this.#up = toRate / common;
    this.#down = fromRate / common;
    checkOptions("resample", options, RESAMPLE_KEYS);
    const method = requireOneOf("resample", "method", options.method ?? "high", METHODS);
    this.#filter = makeFilter(method, this.#up, this.#down);
    this.#before = Math.floor(this.#filter.reach / this.#up);
    this.#after = Math.floor((this.#filter.reach + this.#up - 1) / this.#up);
    this.#phases = new Array(this.#up);
    this.#buffer = new Float32Array(this.#before);
    this.#length = this.#before;
    this.#first = -this.#before;
  }

  /** Takes the next samples; returns those that can be computed already, shape [n >= 0]. */
  push(chunk: Signal): Float32Array {
    const samples = monoOf("Resampler", chunk);
    this.#received += samples.length;
    this.#append(samples);
    // Output i needs inputs up to floor(i * down / up) + after.
    const last = this.#first + this.#length - 1 - this.#after;
    return this.#emit(last < 0 ? 0 : Math.ceil(((last + 1) * this.#up) / this.#down));
  }

  /** Ends the signal; returns the rest. Outputs in all: ceil(inputs * toRate / fromRate). Then it starts afresh. */
  flush(): Float32Array {
    this.#append(new Float32Array(this.#after));
    const out = this.#emit(Math.ceil((this.#received * this.#up) / this.#down));
    this.#buffer = new Float32Array(this.#before);
    this.#length = this.#before;
    this.#first = -this.#before;
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

  /** Computes outputs up to number `end` (exclusive) and drops the inputs no later one needs. */
  #emit(end: number): Float32Array {
    const out = new Float32Array(Math.max(0, end - this.#sent));
    const start = this.#before + this.#first;
    for (let i = 0; i < out.length; i++) {
      const position = (this.#sent + i) * this.#down;
      const phase = position % this.#up;
      const weights = this.#phases[phase] ?? this.#makePhase(phase);
      out[i] = dot(weights, this.#buffer, (position - phase) / this.#up - start);
    }
    this.#sent += out.length;
    const keep = Math.floor((this.#sent * this.#down) / this.#up) - this.#before;
    const drop = Math.min(keep - this.#first, this.#length);
    if (drop > 0) {
      this.#buffer.copyWithin(0, drop, this.#length);
      this.#length -= drop;
      this.#first += drop;
    }
    return out;
  }

  /** The weights of inputs -before ... after relative to the one at or before the output. */
  #makePhase(phase: number): Float64Array {
    const { reach, weight, unitPhases } = this.#filter;
    const weights = new Float64Array(this.#before + this.#after + 1);
    let sum = 0;
    for (let i = 0; i < weights.length; i++) {
      const n = phase - (i - this.#before) * this.#up;
      if (Math.abs(n) <= reach) weights[i] = weight(n);
      sum += weights[i]!;
    }
    if (unitPhases) for (let i = 0; i < weights.length; i++) weights[i] = weights[i]! / sum;
    this.#cached += weights.length;
    if (this.#cached <= CACHE_LIMIT) this.#phases[phase] = weights;
    return weights;
  }
}

/** Sum of products in four strands, which keeps the adders busy; the order is fixed. */
function dot(weights: Float64Array, samples: Float32Array, at: number): number {
  const n = weights.length;
  let a = 0;
  let b = 0;
  let c = 0;
  let d = 0;
  let i = 0;
  for (; i + 3 < n; i += 4) {
    a += weights[i]! * samples[at + i]!;
    b += weights[i + 1]! * samples[at + i + 1]!;
    c += weights[i + 2]! * samples[at + i + 2]!;
    d += weights[i + 3]! * samples[at + i + 3]!;
  }
  for (; i < n; i++) a += weights[i]! * samples[at + i]!;
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
 * @returns what came in at the new rate: Float32Array or [channels, samples], ceil(samples * toRate / fromRate)
 * @throws AudioError (`parameter`) for rates that are not whole numbers >= 1 or an unknown method
 *
 * `scipy` matches scipy.signal.resample_poly, `torchaudio` torchaudio.functional.resample.
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
  const resampler = new Resampler(fromRate, toRate, options);
  return mapChannels("resample", signal, (channel) => {
    if (fromRate === toRate) return channel.slice();
    const first = resampler.push(channel);
    const rest = resampler.flush();
    const whole = new Float32Array(first.length + rest.length);
    whole.set(first);
    whole.set(rest, first.length);
    return whole;
  }) as SameKind<T>;
}
