// From a frame's spectrum to pitch candidates: noise-aware autocorrelation and its refined maxima.
// Used by pitch-stream.ts; read next: voicing-path.ts.
import { Fft } from "../fft.ts";
import type { SpectrumAnalysis, SpectrumFrame } from "./spectrum-frames.ts";
import type { TrackerSettings } from "./tracker-settings.ts";

/** Candidates kept per frame, the strongest first to stay. */
const MAX_CANDIDATES = 15;
/**
 * Samples of the sinc interpolation on each side of a maximum. Few samples underrate the sharp maxima of strong high
 * harmonics, the more the shorter the lag, so that a multiple of the period wins.
 */
const SINC_REACH = 20;
/** Lags beyond the longest period that the search looks at. */
export const LAG_MARGIN: number = SINC_REACH + 4;
/** The curve is interpolated at multiples of one lag divided by this. */
const FRACTIONS = 32;
/** Step, in FRACTIONS of a lag, of the parabola laid through interpolated points. */
const PARABOLA_STEP = 13;

/**
 * Shares of the analysis band up to which the spectrum counts in full, and from which on not at all. Above them the
 * low-pass before decimation falls, and the interpolation cannot follow.
 */
const BAND_FULL = 0.75;
const BAND_END = 0.95;

/** Periods looked at to sharpen the lag, and how high their maxima must be relative to the first. */
const MULTIPLES = 6;
const MULTIPLE_HEIGHT = 0.7;

/** Candidates of one frame. */
export interface Candidates {
  /** log2 of the frequency in Hz. */
  readonly octave: Float64Array;
  /** Periodicity, about 0 ... 1: the window-corrected height of the maximum. */
  readonly periodicity: Float64Array;
}

/** Finds candidates between fmin and fmax for pairs of frames. */
export class CandidateFinder {
  readonly #rate: number;
  readonly #minLag: number;
  readonly #maxLag: number;
  readonly #fmin: number;
  readonly #fmax: number;
  readonly #size: number;
  readonly #settings: TrackerSettings;
  readonly #correction: Float64Array;
  /** The curve with SINC_REACH mirrored values in front, and its part from lag 0 on. */
  readonly #extended: Float64Array;
  readonly #curve: Float64Array;
  readonly #fft: Fft;
  readonly #re: Float64Array;
  readonly #im: Float64Array;
  readonly #mixA: Float64Array;
  readonly #mixB: Float64Array;
  readonly #roots: Float64Array;
  /** What a bin counts, shape [size / 2 + 1]. */
  readonly #band: Float64Array;

  constructor(
    rate: number,
    fmin: number,
    fmax: number,
    analysis: SpectrumAnalysis,
    settings: TrackerSettings,
  ) {
    this.#rate = rate;
    this.#fmin = fmin;
    this.#fmax = fmax;
    this.#minLag = Math.max(2, Math.floor(rate / fmax));
    this.#maxLag = Math.ceil(rate / fmin);
    const { size, windowCorrelation } = analysis;
    this.#size = size;
    this.#settings = settings;
    const lags = this.#maxLag + LAG_MARGIN;
    this.#extended = new Float64Array(SINC_REACH + lags);
    this.#curve = this.#extended.subarray(SINC_REACH);
    this.#correction = Float64Array.from({ length: lags }, (_, k) => 1 / windowCorrelation[k]!);
    this.#fft = new Fft(size);
    this.#re = new Float64Array(size);
    this.#im = new Float64Array(size);
    this.#mixA = new Float64Array(size / 2 + 1);
    this.#mixB = new Float64Array(size / 2 + 1);
    this.#roots = new Float64Array(size / 2 + 1);
    this.#band = bandWeights(size / 2 + 1);
  }

  /** Candidates of two frames judged against a noise floor (power per bin). */
  pair(a: SpectrumFrame, b: SpectrumFrame, noise: Float64Array): [Candidates, Candidates] {
    const size = this.#size;
    const half = size / 2;
    const mixA = this.#mixA;
    const mixB = this.#mixB;
    this.#mix(a.power, noise, mixA);
    this.#mix(b.power, noise, mixB);
    const re = this.#re;
    const im = this.#im;
    re[0] = mixA[0]!;
    im[0] = mixB[0]!;
    for (let k = 1; k <= half; k++) {
      re[k] = re[size - k] = mixA[k]!;
      im[k] = im[size - k] = mixB[k]!;
    }
    // Both spectra are real and even, so their transforms are real and come out as real and imaginary part.
    this.#fft.forward(re, im, re, im);
    return [this.#maxima(re), this.#maxima(im)];
  }

  /**
   * (1 - w) of the noise-suppressed spectrum plus w of the square root of power over noise, each scaled to sum 1.
   *
   * The plain spectrum makes the autocorrelation Praat uses. The compressed one lets faint harmonics speak: it
   * separates a period from its half when the odd harmonics are weak, and counts bands by their clarity.
   */
  #mix(power: Float32Array, noise: Float64Array, out: Float64Array): void {
    const { whitening, suppression } = this.#settings;
    const bins = out.length;
    const roots = this.#roots;
    const band = this.#band;
    let plain = 0;
    let compressed = 0;
    for (let k = 1; k < bins; k++) {
      const p = power[k]!;
      const floor = noise[k]!;
      const weight = band[k]!;
      const kept = (weight * p * p) / (p + suppression * floor + 1e-30);
      const root = weight * Math.sqrt(p / floor);
      plain += kept;
      compressed += root;
      out[k] = kept;
      roots[k] = root;
    }
    const plainScale = (1 - whitening) / (plain + 1e-30);
    const compressedScale = whitening / (compressed + 1e-30);
    out[0] = 0;
    for (let k = 1; k < bins; k++) out[k] = plainScale * out[k]! + compressedScale * roots[k]!;
  }

  /** Refined local maxima of the window-corrected autocorrelation, by falling strength. */
  #maxima(correlation: Float64Array): Candidates {
    const correction = this.#correction;
    const extended = this.#extended;
    const curve = this.#curve;
    const scale = 1 / (correlation[0]! + 1e-30);
    for (let k = 0; k < correction.length; k++) curve[k] = correlation[k]! * scale * correction[k]!;
    // The curve is even.
    for (let k = 1; k <= SINC_REACH; k++) extended[SINC_REACH - k] = curve[k]!;
    const found: { octave: number; periodicity: number; strength: number }[] = [];
    for (let k = this.#minLag; k <= this.#maxLag; k++) {
      const height = curve[k]!;
      if (height <= 0 || height <= curve[k - 1]! || height < curve[k + 1]!) continue;
      const start = k + vertex(curve[k - 1]!, height, curve[k + 1]!);
      const { lag, value } = refineMaximum(extended, Math.round(FRACTIONS * start));
      const frequency = this.#rate / sharpenByMultiples(curve, lag, value, this.#maxLag);
      if (frequency < this.#fmin || frequency > this.#fmax) continue;
      // Interpolation and window correction may overshoot 1, the more the less there is to trust.
      const periodicity = value > 1 ? 1 / value : value;
      const octave = Math.log2(frequency);
      found.push({ octave, periodicity, strength: periodicity + this.#settings.octaveCost * octave });
    }
    found.sort((a, b) => b.strength - a.strength);
    if (found.length > MAX_CANDIDATES) found.length = MAX_CANDIDATES;
    return {
      octave: Float64Array.from(found, (candidate) => candidate.octave),
      periodicity: Float64Array.from(found, (candidate) => candidate.periodicity),
    };
  }
}

/** 1 up to BAND_FULL, a raised cosine down to 0 at BAND_END. */
function bandWeights(bins: number): Float64Array {
  return Float64Array.from({ length: bins }, (_, k) => {
    const part = (k / (bins - 1) - BAND_FULL) / (BAND_END - BAND_FULL);
    return 0.5 + 0.5 * Math.cos(Math.PI * Math.min(1, Math.max(0, part)));
  });
}

/** Vertex of the sinc-interpolated curve near `start`, which counts FRACTIONS of a lag. */
function refineMaximum(extended: Float64Array, start: number): { lag: number; value: number } {
  const left = interpolate(extended, start - PARABOLA_STEP);
  const middle = interpolate(extended, start);
  const right = interpolate(extended, start + PARABOLA_STEP);
  const shift = Math.min(1, Math.max(-1, vertex(left, middle, right)));
  return {
    lag: (start + shift * PARABOLA_STEP) / FRACTIONS,
    value: middle - 0.25 * (left - right) * shift,
  };
}

/**
 * The period again from the maxima at its multiples: an error of the maximum at m periods counts only 1 / m.
 * Stops where the maxima fade, at the end of the lags, or where there is none at the expected place.
 */
function sharpenByMultiples(curve: Float64Array, lag: number, value: number, maxLag: number): number {
  let period = lag;
  for (let m = 2; m <= MULTIPLES && m * period < maxLag; m++) {
    let k = Math.round(m * period);
    if (curve[k + 1]! > curve[k]!) k++;
    else if (curve[k - 1]! > curve[k]!) k--;
    const height = curve[k]!;
    if (height < MULTIPLE_HEIGHT * value || height < curve[k - 1]! || height < curve[k + 1]!) break;
    period = (k + vertex(curve[k - 1]!, height, curve[k + 1]!)) / m;
  }
  return period;
}

/** Position of the vertex of a parabola through three equally spaced points, in steps from the middle one. */
function vertex(left: number, middle: number, right: number): number {
  const curvature = left - 2 * middle + right;
  return curvature < 0 ? (0.5 * (left - right)) / curvature : 0;
}

/**
 * Weights of the windowed sinc at the fractions 0, 1 / FRACTIONS ... of a lag, 2 SINC_REACH for each, of sum 1:
 * the sum removes the ripple of the truncated sinc, which would pull the vertex of broad maxima.
 */
const TAPS: Float64Array = sincTaps();

function sincTaps(): Float64Array {
  const width = 2 * SINC_REACH;
  const taps = new Float64Array(FRACTIONS * width);
  taps[SINC_REACH - 1] = 1;
  for (let fraction = 1; fraction < FRACTIONS; fraction++) {
    const row = taps.subarray(fraction * width, (fraction + 1) * width);
    let sum = 0;
    for (let i = 0; i < width; i++) {
      const x = Math.PI * (fraction / FRACTIONS - (i + 1 - SINC_REACH));
      row[i] = (Math.sin(x) / x) * (1 + Math.cos(x / SINC_REACH));
      sum += row[i]!;
    }
    for (let i = 0; i < width; i++) row[i] = row[i]! / sum;
  }
  return taps;
}

/** Windowed sinc interpolation at a position counted in FRACTIONS of a lag; `extended` begins at lag -SINC_REACH. */
function interpolate(extended: Float64Array, position: number): number {
  const base = Math.floor(position / FRACTIONS);
  const width = 2 * SINC_REACH;
  const row = (position - base * FRACTIONS) * width;
  // The first tap belongs to lag base + 1 - SINC_REACH.
  let sum = 0;
  for (let i = 0, k = base + 1; i < width; i++, k++) sum += TAPS[row + i]! * extended[k]!;
  return sum;
}
