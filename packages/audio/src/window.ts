// Analysis windows as SciPy and PyTorch define them. Used by stft.ts, resample.ts and the pitch trackers.
import { parameterError, requireInteger } from "./errors.ts";
import { checkOptions, type OptionKeys } from "./options.ts";
import { describe } from "./signal.ts";

/** The windows known by name. `rectangular` is all ones (SciPy: boxcar). */
export type WindowName = "hann" | "hamming" | "blackman" | "bartlett" | "rectangular";

/** A window by name, a Kaiser or Gaussian window by its shape parameter, or ready-made values. */
export type WindowSpec =
  | WindowName
  | { readonly kaiser: number }
  | { readonly gaussian: number }
  | Float32Array
  | Float64Array
  | readonly number[];

/** Options of `makeWindow`. */
export interface WindowOptions {
  /**
   * true (default): one period of a periodic function, for spectra (SciPy `fftbins=True`, torch `periodic=True`);
   * false: symmetric, first value equal to the last, for filter design.
   */
  readonly periodic?: boolean;
}

const WINDOW_KEYS: OptionKeys<WindowOptions> = { periodic: true };

/** Sums of cosines a0 - a1 cos(x) + a2 cos(2x), x = 2 pi i / period. */
const COSINE_TERMS: Readonly<Record<"hann" | "hamming" | "blackman", readonly [number, number, number]>> = {
  hann: [0.5, 0.5, 0],
  hamming: [0.54, 0.46, 0],
  blackman: [0.42, 0.5, 0.08],
};

/**
 * Makes a window of `length` values.
 *
 * @param spec name; `{ kaiser: beta }` (beta >= 0); `{ gaussian: sigma }` (sigma in samples, > 0); or exactly
 *   `length` values, in a plain or typed array, which are copied
 * @param length number of values, >= 1; a window of one value is [1]
 * @returns Float64Array of shape [length]
 * @throws AudioError (`parameter`) for an unknown name or option, a bad length, shape parameter or value
 *
 * Matches scipy.signal.get_window (hann, hamming, blackman, bartlett, boxcar, kaiser, gaussian).
 *
 * @example
 * makeWindow("hann", 4); // [0, 0.5, 1, 0.5]
 */
export function makeWindow(spec: WindowSpec, length: number, options: WindowOptions = {}): Float64Array {
  return windowFor("makeWindow", spec, length, checkOptions("makeWindow", options, WINDOW_KEYS));
}

/** `makeWindow` with the name of the function that the user called, for its errors. */
export function windowFor(
  operation: string,
  spec: WindowSpec,
  length: number,
  { periodic = true }: WindowOptions = {},
): Float64Array {
  requireInteger(operation, "length", length, 1);
  if (Array.isArray(spec) || spec instanceof Float32Array || spec instanceof Float64Array) {
    if (spec.length !== length)
      throw parameterError(operation, `expected ${length} window values, got ${spec.length}`);
    const odd = spec.findIndex((value: unknown) => typeof value !== "number");
    if (odd >= 0)
      throw parameterError(operation, `window value ${odd} must be a number, got ${describe(spec[odd])}`);
    return Float64Array.from(spec);
  }
  const values = new Float64Array(length).fill(1);
  const shape = windowFunction(operation, spec as Shape, periodic ? length : length - 1);
  if (length === 1) return values;
  for (let i = 0; i < length; i++) values[i] = shape(i);
  return values;
}

type Shape = Exclude<WindowSpec, Float32Array | Float64Array | readonly number[]>;

/** The window as a function of the sample index, for a window whose period (or last index) is `period`. */
function windowFunction(operation: string, spec: Shape, period: number): (i: number) => number {
  if (typeof spec === "object" && spec !== null && "kaiser" in spec) {
    if (spec.kaiser >= 0) return kaiserFunction(spec.kaiser, period);
    throw parameterError(operation, `kaiser beta must be >= 0, got ${spec.kaiser}`);
  }
  if (typeof spec === "object" && spec !== null && "gaussian" in spec) {
    const sigma = spec.gaussian;
    if (!(sigma > 0)) throw parameterError(operation, `gaussian sigma must be > 0 samples, got ${sigma}`);
    return (i: number) => Math.exp(-0.5 * ((i - period / 2) / sigma) ** 2);
  }
  if (spec === "rectangular") return () => 1;
  if (spec === "bartlett") return (i: number) => 1 - Math.abs((2 * i) / period - 1);
  if (!Object.hasOwn(COSINE_TERMS, spec)) {
    const known = [...Object.keys(COSINE_TERMS), "bartlett", "rectangular"].join(", ");
    if (typeof spec === "string")
      throw parameterError(operation, `unknown window "${spec}", expected one of ${known}`);
    const expected = `one of ${known}, { kaiser: beta }, { gaussian: sigma } or the values`;
    throw parameterError(operation, `window must be ${expected}, got ${describe(spec)}`);
  }
  const terms = COSINE_TERMS[spec];
  const [a0, a1, a2] = terms;
  const step = (2 * Math.PI) / period;
  return (i: number) => a0 - a1 * Math.cos(step * i) + a2 * Math.cos(2 * step * i);
}

function kaiserFunction(beta: number, period: number) {
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
