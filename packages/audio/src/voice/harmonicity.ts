// Harmonics-to-noise ratio per frame. Read next: glottal-pulses.ts.
import { parameterError, requireInteger, requirePositive } from "../errors.ts";
import { checkOptions, type OptionKeys } from "../options.ts";
import { requireFiniteSamples } from "../pitch/framing.ts";
import { foldAboveOne } from "../pitch/lag-interpolation.ts";
import { interpolateEven, maximumNear } from "../pitch/sinc-interpolation.ts";
import { monoOf, type Signal } from "../signal.ts";

/** Values of the sinc interpolation on each side of a maximum: for a first look, and for its height (all there are). */
const FIRST_DEPTH = 30;
const DEPTH = 700;
/** What a frame without a voice gets, dB. */
const NO_VOICE_DB = -200;
const HIGHEST_DB = 150;

/** Options of `harmonicity`. */
export interface HarmonicityOptions {
  /** Samples per second, Hz. */
  readonly sampleRate: number;
  /** Lowest pitch searched, Hz; the compared stretches are one of its periods long. Default 75. */
  readonly pitchFloor?: number | undefined;
  /** Frames whose peak is below this share of the signal's peak have no voice. Default 0.1. */
  readonly silenceThreshold?: number | undefined;
  /** Samples between frames, default 10 ms. */
  readonly hopLength?: number | undefined;
}

const HARMONICITY_KEYS: OptionKeys<HarmonicityOptions> = {
  sampleRate: true,
  pitchFloor: true,
  silenceThreshold: true,
  hopLength: true,
};

/** A ratio per frame; frame i is centred on time i * hopLength / sampleRate. */
export interface HarmonicityTrack {
  /** Seconds, shape [frames]. */
  readonly times: Float64Array;
  /** Energy of the periodic part over that of the rest, dB; -200 where there is no voice, shape [frames]. */
  readonly decibels: Float64Array;
}

/**
 * Harmonics-to-noise ratio (HNR) in dB: 10 log10(r / (1 - r)), r being the best correlation of a stretch with a later
 * one.
 *
 * 20 dB: 99 % of the energy is periodic; 0 dB: as much noise as voice. White noise of SNR s on a periodic tone gives s.
 * The correlation is Praat's forward cross-correlation, normalised by the energy of both stretches.
 *
 * @param signal mono: shape [n] or [1, n]
 * @returns 1 + floor(n / hopLength) frames; -200 dB where the window does not fit into the signal
 * @throws AudioError (`parameter`) for options out of range, (`nonfinite`) for NaN or infinite samples
 *
 * Boersma (1993), "Accurate short-term analysis of the fundamental frequency and the harmonics-to-noise ratio of a
 * sampled sound"; the definitions are those of Praat's "Sound: To Harmonicity (cc)..." with one period per window.
 *
 * @example
 * const { decibels } = harmonicity(vowel, { sampleRate: 16000 });
 * const voiced = decibels.filter((value) => value > -200);
 * const mean = voiced.reduce((sum, value) => sum + value, 0) / voiced.length;
 */
export function harmonicity(signal: Signal, options: HarmonicityOptions): HarmonicityTrack {
  checkOptions("harmonicity", options, HARMONICITY_KEYS);
  const { pitchFloor = 75, silenceThreshold = 0.1 } = options;
  const sampleRate = requirePositive("harmonicity", "sampleRate", options.sampleRate);
  requirePositive("harmonicity", "pitchFloor", pitchFloor);
  if (pitchFloor < 1 || pitchFloor > sampleRate / 8) {
    throw parameterError(
      "harmonicity",
      `pitchFloor must be in 1 ... sampleRate / 8 (${sampleRate / 8} Hz), got ${pitchFloor}`,
    );
  }
  if (!(silenceThreshold >= 0)) {
    throw parameterError("harmonicity", `silenceThreshold must be >= 0, got ${silenceThreshold}`);
  }
  const hop = requireInteger(
    "harmonicity",
    "hopLength",
    options.hopLength ?? Math.max(1, Math.round(0.01 * sampleRate)),
    1,
  );
  const samples = monoOf("harmonicity", signal);
  requireFiniteSamples("harmonicity", samples);
  const frames = 1 + Math.floor(samples.length / hop);
  const decibels = new Float64Array(frames).fill(NO_VOICE_DB);
  const times = Float64Array.from({ length: frames }, (_, i) => (i * hop) / sampleRate);

  const period = Math.floor(sampleRate / pitchFloor);
  // Praat's count: two samples less than an even number of them would allow.
  const length = 2 * Math.floor(period / 2) - 2;
  const maxLag = length;
  let sum = 0;
  for (const value of samples) sum += value;
  const globalPeak = peakOf(samples, 0, samples.length, sum / Math.max(1, samples.length));
  if (globalPeak === 0) return { times, decibels };
  const correlation = new Float64Array(maxLag + 1);
  for (let i = 0; i < frames; i++) {
    const centre = i * hop;
    const start = Math.floor(centre - sampleRate / pitchFloor);
    if (start < 0 || start + length + maxLag > samples.length) continue;
    const mean = meanOf(samples, centre - period + 1, centre + period + 1);
    const peak = peakOf(samples, centre - (period >> 1), centre + (period >> 1) + 1, mean);
    if (peak < silenceThreshold * globalPeak) continue;
    correlate(samples, start, length, mean, correlation);
    const strength = bestMaximum(correlation);
    if (strength > 0) decibels[i] = Math.min(HIGHEST_DB, 10 * Math.log10(strength / (1 - strength)));
  }
  return { times, decibels };
}

function meanOf(samples: Float32Array, from: number, to: number): number {
  let sum = 0;
  const first = Math.max(0, from);
  const last = Math.min(samples.length, to);
  for (let n = first; n < last; n++) sum += samples[n]!;
  return sum / Math.max(1, last - first);
}

function peakOf(samples: Float32Array, from: number, to: number, mean: number): number {
  let peak = 0;
  for (let n = Math.max(0, from); n < Math.min(samples.length, to); n++) {
    peak = Math.max(peak, Math.abs(samples[n]! - mean));
  }
  return peak;
}

/** out[k]: correlation of `length` samples from `start` with as many k later, between -1 and 1. */
function correlate(
  samples: Float32Array,
  start: number,
  length: number,
  mean: number,
  out: Float64Array,
): void {
  let fixed = 0;
  for (let n = start; n < start + length; n++) fixed += (samples[n]! - mean) ** 2;
  let moving = fixed;
  out[0] = fixed > 0 ? 1 : 0;
  for (let k = 1; k < out.length; k++) {
    moving += (samples[start + k + length - 1]! - mean) ** 2 - (samples[start + k - 1]! - mean) ** 2;
    let product = 0;
    for (let n = start; n < start + length; n++) product += (samples[n]! - mean) * (samples[n + k]! - mean);
    out[k] = fixed > 0 && moving > 0 ? product / Math.sqrt(fixed * moving) : 0;
  }
}

/** Height of the highest interpolated maximum at lag 2 or more; 0 if there is none. */
function bestMaximum(correlation: Float64Array): number {
  const lags: number[] = [];
  const heights: number[] = [];
  for (let k = 2; k < correlation.length - 1; k++) {
    const [left, here, right] = [correlation[k - 1]!, correlation[k]!, correlation[k + 1]!];
    if (!(here > 0 && here > left && here >= right)) continue;
    const position = k + (0.5 * (right - left)) / (2 * here - left - right);
    lags.push(k);
    heights.push(foldAboveOne(interpolateEven(correlation, position, FIRST_DEPTH)));
  }
  const highest = Math.max(0, ...heights);
  let best = 0;
  for (const [i, lag] of lags.entries()) {
    // The first look is close enough to leave out what can't be the highest.
    if (heights[i]! < highest - 0.05) continue;
    best = Math.max(best, foldAboveOne(maximumNear(correlation, lag, DEPTH).value));
  }
  return Math.min(best, 1 - 1e-15);
}
