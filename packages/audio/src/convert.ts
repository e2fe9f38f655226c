// Units: power and amplitude to decibels and back, Hz to mel and back, bin and frame positions.
import { largest, mapAll, mapValues, type SameKind } from "./array.ts";
import { decibels } from "./decibel-kernel.ts";
import { parameterError, requireInteger, requirePositive } from "./errors.ts";
import { checkOptions, type OptionKeys, requireOneOf } from "./options.ts";
import { mapChannels, type Signal } from "./signal.ts";

/** Options of `powerToDb` and `amplitudeToDb`. */
export interface DbOptions {
  /** The value that becomes 0 dB: a number > 0, or "max" for the largest magnitude. Default 1. */
  readonly reference?: number | "max";
  /** Values below are raised to it first, > 0. Default 1e-10 for power, 1e-5 for amplitude. */
  readonly floor?: number;
  /** Keep at most this many dB below the peak, >= 0; null keeps all. Default 80. */
  readonly topDb?: number | null;
}

const DB_KEYS: OptionKeys<DbOptions> = { reference: true, floor: true, topDb: true };

/**
 * Power to decibels: 10 log10(max(floor, x) / max(floor, |reference|)), then cut to `topDb` below the peak.
 *
 * @returns an array of the same shape; with `topDb`, one NaN makes all of it NaN (its peak is unknown), as in librosa
 * @throws AudioError (`parameter`) for a floor <= 0 or a negative topDb
 *
 * Matches librosa.power_to_db (amin, ref, top_db).
 *
 * @example
 * powerToDb(Float32Array.of(1, 0.1, 0)); // [0, -10, -80]
 */
export function powerToDb<T extends Signal>(power: T, options: DbOptions = {}): SameKind<T> {
  checkOptions("powerToDb", options, DB_KEYS);
  const floor = options.floor ?? 1e-10;
  const topDb = options.topDb === undefined ? 80 : options.topDb;
  if (!(floor > 0)) throw parameterError("powerToDb", `floor must be > 0, got ${floor}`);
  if (topDb !== null && !(topDb >= 0)) throw parameterError("powerToDb", `topDb must be >= 0, got ${topDb}`);
  const peak = largest(power);
  const reference = Math.abs(options.reference === "max" ? peak : (options.reference ?? 1));
  const toDb = (x: number) => 10 * Math.log10(Math.max(floor, x));
  const shift = toDb(reference);
  const lowest = topDb === null ? Number.NEGATIVE_INFINITY : toDb(peak) - shift - topDb;
  return mapAll("powerToDb", power, (values) => {
    return decibels(values, floor, shift, lowest) ?? values.map((x) => Math.max(toDb(x) - shift, lowest));
  });
}

/**
 * Amplitude to decibels: `powerToDb` of the squares, with floor and reference given as amplitudes.
 *
 * Matches librosa.amplitude_to_db.
 */
export function amplitudeToDb<T extends Signal>(amplitude: T, options: DbOptions = {}): SameKind<T> {
  checkOptions("amplitudeToDb", options, DB_KEYS);
  const magnitude: Signal = mapValues("amplitudeToDb", amplitude, Math.abs);
  const reference = options.reference === "max" ? largest(magnitude) : (options.reference ?? 1);
  const squares: Signal = mapValues("amplitudeToDb", magnitude, (x) => x * x);
  const floor = (options.floor ?? 1e-5) ** 2;
  return powerToDb(squares, { ...options, reference: reference * reference, floor }) as SameKind<T>;
}

/** Decibels to power: reference * 10^(dB / 10). Matches librosa.db_to_power. */
export function dbToPower<T extends Signal>(db: T, reference = 1): SameKind<T> {
  return mapValues("dbToPower", db, (x) => reference * 10 ** (x / 10));
}

/** Decibels to amplitude: reference * 10^(dB / 20). Matches librosa.db_to_amplitude. */
export function dbToAmplitude<T extends Signal>(db: T, reference = 1): SameKind<T> {
  return mapValues("dbToAmplitude", db, (x) => reference * 10 ** (x / 20));
}

/** `htk`: 2595 log10(1 + f / 700); `slaney`: linear below 1 kHz, logarithmic above (Auditory Toolbox). */
export type MelScale = "htk" | "slaney";

/** All mel scales. */
export const MEL_SCALES: readonly MelScale[] = ["htk", "slaney"];

// Slaney: 200/3 Hz per mel up to 1000 Hz (15 mel), from there 27 mel per factor 6.4.
const SLANEY_HZ_PER_MEL = 200 / 3;
const SLANEY_BREAK_HZ = 1000;
const SLANEY_BREAK_MEL: number = SLANEY_BREAK_HZ / SLANEY_HZ_PER_MEL;
const SLANEY_LOG_STEP: number = Math.log(6.4) / 27;

/**
 * Frequency in Hz (>= 0) to mel. Matches librosa.hz_to_mel(htk=...).
 *
 * @example
 * hzToMel(1000, "slaney"); // 15
 */
export function hzToMel(hz: number, scale: MelScale = "slaney"): number {
  requireOneOf("hzToMel", "melScale", scale, MEL_SCALES);
  if (scale === "htk") return 2595 * Math.log10(1 + hz / 700);
  if (hz < SLANEY_BREAK_HZ) return hz / SLANEY_HZ_PER_MEL;
  return SLANEY_BREAK_MEL + Math.log(hz / SLANEY_BREAK_HZ) / SLANEY_LOG_STEP;
}

/** Mel to frequency in Hz, the inverse of `hzToMel`. Matches librosa.mel_to_hz(htk=...). */
export function melToHz(mel: number, scale: MelScale = "slaney"): number {
  requireOneOf("melToHz", "melScale", scale, MEL_SCALES);
  if (scale === "htk") return 700 * (10 ** (mel / 2595) - 1);
  if (mel < SLANEY_BREAK_MEL) return mel * SLANEY_HZ_PER_MEL;
  return SLANEY_BREAK_HZ * Math.exp(SLANEY_LOG_STEP * (mel - SLANEY_BREAK_MEL));
}

/** `count` frequencies equally spaced in mel from `fmin` to `fmax` Hz, both included: shape [count]. */
export function melFrequencies(
  count: number,
  fmin: number,
  fmax: number,
  scale: MelScale = "slaney",
): Float64Array {
  requireInteger("melFrequencies", "count", count, 1);
  const low = hzToMel(fmin, scale);
  const step = count === 1 ? 0 : (hzToMel(fmax, scale) - low) / (count - 1);
  return Float64Array.from({ length: count }, (_, i) => melToHz(low + i * step, scale));
}

/** The centre frequencies in Hz of the bins of a transform: shape [floor(fftSize / 2) + 1]. */
export function fftFrequencies(sampleRate: number, fftSize: number): Float64Array {
  requirePositive("fftFrequencies", "sampleRate", sampleRate);
  requireInteger("fftFrequencies", "fftSize", fftSize, 1);
  return Float64Array.from({ length: Math.floor(fftSize / 2) + 1 }, (_, k) => (k * sampleRate) / fftSize);
}

/** The times in seconds of frames 0 ... frames - 1: the frame centre when centred, else its start. */
export function frameTimes(frames: number, sampleRate: number, hopLength: number): Float64Array {
  requirePositive("frameTimes", "sampleRate", sampleRate);
  return Float64Array.from({ length: frames }, (_, i) => (i * hopLength) / sampleRate);
}

/**
 * Pre-emphasis y[i] = x[i] - coefficient * x[i - 1], which lifts the high frequencies before an analysis.
 *
 * @param signal [samples], or [channels, samples], of which each channel is filtered
 * @param coefficient 0 ... 1, default 0.97
 * @param previous the sample before the first one: 0, or the last sample of the previous chunk when streaming.
 *   Without it the first output is 3 x[0] - x[1], librosa's extrapolation (of a single sample: x[0]).
 * @returns the kind of array that came in, of the same shape
 * @throws AudioError (`parameter`) for a coefficient that is not finite or what is no signal
 *
 * Matches librosa.effects.preemphasis.
 *
 * @example
 * preEmphasis(Float32Array.of(1, 0.5, 0.25)); // [2.5, -0.47, -0.235]
 */
export function preEmphasis<T extends Signal>(signal: T, coefficient = 0.97, previous?: number): SameKind<T> {
  requireFinite("preEmphasis", "coefficient", coefficient);
  if (previous !== undefined) requireFinite("preEmphasis", "previous", previous);
  return mapChannels("preEmphasis", signal, (samples) => {
    const out = new Float32Array(samples.length);
    let before = previous ?? 0;
    for (let i = 0; i < samples.length; i++) {
      out[i] = samples[i]! - coefficient * before;
      before = samples[i]!;
    }
    // SciPy's filter state, which librosa sets to this, is added to the first output.
    if (previous === undefined && samples.length > 1) out[0] = 3 * samples[0]! - samples[1]!;
    return out;
  }) as SameKind<T>;
}

/**
 * Undoes `preEmphasis` of the same coefficient and the same `previous` (also when that was left out).
 *
 * @param previous the sample of the original signal before the first one, when `preEmphasis` was given it
 * @returns the kind of array that came in, of the same shape
 * @throws AudioError (`parameter`) for a coefficient that is not finite or what is no signal
 *
 * Matches librosa.effects.deemphasis.
 */
export function deEmphasis<T extends Signal>(signal: T, coefficient = 0.97, previous?: number): SameKind<T> {
  requireFinite("deEmphasis", "coefficient", coefficient);
  if (previous !== undefined) requireFinite("deEmphasis", "previous", previous);
  return mapChannels("deEmphasis", signal, (samples) => {
    const out = new Float32Array(samples.length);
    let before = previous ?? 0;
    for (let i = 0; i < samples.length; i++) {
      before = samples[i]! + coefficient * before;
      // From y[0] = 3 x[0] - x[1] and y[1] = x[1] - c x[0].
      if (i === 0 && previous === undefined && samples.length > 1) {
        before = (samples[0]! + samples[1]!) / (3 - coefficient);
      }
      out[i] = before;
    }
    return out;
  }) as SameKind<T>;
}

function requireFinite(operation: string, name: string, value: number): void {
  if (!Number.isFinite(value)) throw parameterError(operation, `${name} must be finite, got ${value}`);
}
