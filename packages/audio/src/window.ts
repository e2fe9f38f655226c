// Analysis windows as SciPy and PyTorch define them. Used by stft.ts, resample.ts and the pitch trackers.
import { parameterError, requireInteger } from "./errors.ts";

/** The windows known by name. `rectangular` is all ones (SciPy: boxcar). */
export type WindowName = "hann" | "hamming" | "blackman" | "bartlett" | "rectangular";

/** A window by name, a Kaiser or Gaussian window by its shape parameter, or ready-made values. */
export type WindowSpec =
  | WindowName
  | { readonly kaiser: number }
  | { readonly gaussian: number }
  | Float32Array
  | Float64Array;

/** Options of `makeWindow`. */
export interface WindowOptions {
  /**
   * true (default): one period of a periodic function, for spectra (SciPy `fftbins=True`, torch `periodic=True`);
   * false: symmetric, first value equal to the last, for filter design.
   */
  readonly periodic?: boolean;
}

/** Sums of cosines a0 - a1 cos(x) + a2 cos(2x), x = 2 pi i / period. */
const COSINE_TERMS: Readonly<Record<"hann" | "hamming" | "blackman", readonly [number, number, number]>> = {
  hann: [0.5, 0.5, 0],
  hamming: [0.54, 0.46, 0],
  blackman: [0.42, 0.5, 0.08],
};

/**
 * Makes a window of `length` values.
 *
 * @param spec name; `{ kaiser: beta }` (beta >= 0); `{ gaussian: sigma }` (sigma in samples, > 0); or values,
 *   which are copied and must have exactly `length` entries
 * @param length number of values, >= 1; a window of one value is [1]
 * @returns Float64Array of shape [length]
 * @throws AudioError (`parameter`) for an unknown name, a bad length or a bad shape parameter
 *
 * Matches scipy.signal.get_window (hann, hamming, blackman, bartlett, boxcar, kaiser, gaussian).
 *
 * @example
 * makeWindow("hann", 4); // [0, 0.5, 1, 0.5]
 */
export function makeWindow(spec: WindowSpec, length: number, options: WindowOptions = {}): Float64Array {
  requireInteger("makeWindow", "length", length, 1);
  if (spec instanceof Float32Array || spec instanceof Float64Array) {
    if (spec.length === length) return Float64Array.from(spec);
    throw parameterError("makeWindow", `expected ${length} window values, got ${spec.length}`);
  }
  const values = new Float64Array(length).fill(1);
  if (length === 1) return values;
  const period = (options.periodic ?? true) ? length : length - 1;
  const shape = windowFunction(spec, period);
  for (let i = 0; i < length; i++) values[i] = shape(i);
  return values;
}

/** The window as a function of the sample index, for a window whose period (or last index) is `period`. */
function windowFunction(spec: Exclude<WindowSpec, Float32Array | Float64Array>, period: number) {
  if (typeof spec === "object") {
    if ("kaiser" in spec) return kaiserFunction(spec.kaiser, period);
    const sigma = spec.gaussian;
    if (!(sigma > 0)) throw parameterError("makeWindow", `gaussian sigma must be > 0 samples, got ${sigma}`);
    return (i: number) => Math.exp(-0.5 * ((i - period / 2) / sigma) ** 2);
  }
  if (spec === "rectangular") return () => 1;
  if (spec === "bartlett") return (i: number) => 1 - Math.abs((2 * i) / period - 1);
  const terms = COSINE_TERMS[spec];
  if (!terms) {
    const known = [...Object.keys(COSINE_TERMS), "bartlett", "rectangular"].join(", ");
    throw parameterError("makeWindow", `unknown window "${String(spec)}", expected one of ${known}`);
  }
  const [a0, a1, a2] = terms;
  const step = (2 * Math.PI) / period;
  return (i: number) => a0 - a1 * Math.cos(step * i) + a2 * Math.cos(2 * step * i);
}

function kaiserFunction(beta: number, period: number) {
  if (!(beta >= 0)) throw parameterError("makeWindow", `kaiser beta must be >= 0, got ${beta}`);
  const scale = 1 / besselI0(beta);
  return (i: number) => scale * besselI0(beta * Math.sqrt(Math.max(0, 1 - ((2 * i) / period - 1) ** 2)));
}

/**
 * Modified Bessel function of the first kind, order zero: sum over k of ((x/2)^k / k!)^2.
 *
 * @param x any finite number; the series is summed to the last bit, |x| up to about 700 stays finite
 */
export function besselI0(x: number): number {
  const quarter = (x * x) / 4;
  let term = 1;
  let sum = 1;
  for (let k = 1; term > sum * 1e-17; k++) {
    term *= quarter / (k * k);
    sum += term;
  }
  return sum;
}
