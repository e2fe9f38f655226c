// The filters of resample.ts and their rows of weights: one row for each phase, or, where there would be too many, rows
// at equal distances between which a cubic is laid.
import { requireOneOf } from "./options.ts";
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

/** All filters, the default first. */
export const RESAMPLE_METHODS: readonly ResampleMethod[] = ["high", "fast", "scipy", "torchaudio"];

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
  return method === "scipy" ? scipyFilter(up, down) : torchaudioFilter(up, down);
}

/** With more phases than this, `high` and `fast` interpolate: all common pairs of rates have at most 640. */
const MOST_PHASES = 1024;
/**
 * Rows per input sample of the interpolated form. The error of a cubic through four rows is below
 * 0.0234 (pi / 128)^4 = 9e-9 of the peak, -161 dB.
 */
const ROWS = 128;

/** A filter as rows of weights. Rows hold the inputs -before ... after relative to the one at or before the output. */
export interface FilterRows {
  readonly before: number;
  readonly after: number;
  readonly taps: number;
  /** One row for each phase, or ROWS + 3 rows for phases -1 / ROWS ... (ROWS + 1) / ROWS when `interpolated`. */
  readonly rows: Float64Array;
  readonly interpolated: boolean;
}

/** Rows per sample of the interpolated form. */
export const INTERPOLATED_ROWS: number = ROWS;

const cache = new Map<string, FilterRows>();
const CACHED = 8;

/** The rows of a method for a ratio; those of the last few ratios are kept. */
export function filterRows(method: ResampleMethod, up: number, down: number): FilterRows {
  requireOneOf("resample", "method", method, RESAMPLE_METHODS);
  const key = `${method}/${up}/${down}`;
  const known = cache.get(key);
  if (known) return known;
  const made = makeRows(
    makeFilter(method, up, down),
    up,
    up > MOST_PHASES && (method === "high" || method === "fast"),
  );
  cache.set(key, made);
  if (cache.size > CACHED) cache.delete(cache.keys().next().value as string);
  return made;
}

function makeRows(filter: Filter, up: number, interpolated: boolean): FilterRows {
  const { reach } = filter;
  const before = Math.floor(reach / up) + (interpolated ? 1 : 0);
  const after = Math.floor((reach + up - 1) / up) + (interpolated ? 1 : 0);
  const taps = before + after + 1;
  const count = interpolated ? ROWS + 3 : up;
  const rows = new Float64Array(count * taps);
  for (let r = 0; r < count; r++) {
    const phase = interpolated ? ((r - 1) * up) / ROWS : r;
    fillRow(rows.subarray(r * taps, (r + 1) * taps), filter, phase, before, up);
  }
  return { before, after, taps, rows, interpolated };
}

function fillRow(row: Float64Array, filter: Filter, phase: number, before: number, up: number): void {
  const { reach, weight, unitPhases } = filter;
  let sum = 0;
  for (let i = 0; i < row.length; i++) {
    const n = phase - (i - before) * up;
    if (Math.abs(n) <= reach) row[i] = weight(n);
    sum += row[i]!;
  }
  if (unitPhases) for (let i = 0; i < row.length; i++) row[i] = row[i]! / sum;
}
