// From a frame's spectrum to pitch candidates: noise-aware autocorrelation and its refined maxima.
// Used by pitch-stream.ts; read next: voicing-path.ts.
import { Fft } from "../fft.ts";
import type { SpectrumAnalysis, SpectrumFrame } from "./spectrum-frames.ts";
import type { TrackerSettings } from "./tracker-settings.ts";

/** Candidates kept per frame, the strongest first to stay. */
const MAX_CANDIDATES = 15;
/** Samples of the sinc interpolation on each side of a maximum. */
const SINC_REACH = 5;
/** Step, in lags, of the parabola laid through sinc-interpolated points. */
const PARABOLA_STEP = 0.4;

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
  readonly #fft: Fft;
  readonly #re: Float64Array;
  readonly #im: Float64Array;
  readonly #mixA: Float64Array;
  readonly #mixB: Float64Array;
  readonly #roots: Float64Array;

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
    const lags = this.#maxLag + SINC_REACH + 3;
    this.#correction = Float64Array.from({ length: lags }, (_, k) => 1 / windowCorrelation[k]!);
    this.#fft = new Fft(size);
    this.#re = new Float64Array(size);
    this.#im = new Float64Array(size);
    this.#mixA = new Float64Array(size / 2 + 1);
    this.#mixB = new Float64Array(size / 2 + 1);
    this.#roots = new Float64Array(size / 2 + 1);
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
    let plain = 0;
    let compressed = 0;
    for (let k = 1; k < bins; k++) {
      const p = power[k]!;
      const floor = noise[k]!;
      const kept = (p * p) / (p + suppression * floor + 1e-30);
      const root = Math.sqrt(p / floor);
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

  /** Refined local maxima of the window-corrected curve, by falling strength. `curve` is overwritten. */
  #maxima(curve: Float64Array): Candidates {
    const correction = this.#correction;
    const scale = 1 / (curve[0]! + 1e-30);
    for (let k = 0; k < correction.length; k++) curve[k] = curve[k]! * scale * correction[k]!;
    const found: { octave: number; periodicity: number; strength: number }[] = [];
    for (let k = this.#minLag; k <= this.#maxLag; k++) {
      const height = curve[k]!;
      if (height <= 0 || height <= curve[k - 1]! || height < curve[k + 1]!) continue;
      const { lag, value } = refineMaximum(curve, k);
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

/** Vertex of the sinc-interpolated curve near its maximum at the whole lag k. */
function refineMaximum(curve: Float64Array, k: number): { lag: number; value: number } {
  const start = k + vertex(curve[k - 1]!, curve[k]!, curve[k + 1]!);
  const left = interpolate(curve, start - PARABOLA_STEP);
  const middle = interpolate(curve, start);
  const right = interpolate(curve, start + PARABOLA_STEP);
  const shift = Math.min(1, Math.max(-1, vertex(left, middle, right)));
  return { lag: start + shift * PARABOLA_STEP, value: middle - 0.25 * (left - right) * shift };
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

/** cos and sin of pi i / SINC_REACH for i = 1 - SINC_REACH ... SINC_REACH: parts of the taper's angle. */
const TAPER_COS: readonly number[] = taperAngles().map(Math.cos);
const TAPER_SIN: readonly number[] = taperAngles().map(Math.sin);

function taperAngles(): number[] {
  return Array.from({ length: 2 * SINC_REACH }, (_, i) => (Math.PI * (i + 1 - SINC_REACH)) / SINC_REACH);
}

/** Windowed sinc interpolation; the curve is even, so lags below 0 mirror. */
function interpolate(curve: Float64Array, position: number): number {
  const base = Math.floor(position);
  const part = position - base;
  if (part === 0) return curve[base]!;
  // The Hann taper is 1 + cos(pi (part - i) / reach), split by the addition theorem. The sinc's numerator is
  // +-sin(pi part); its size, like all constant factors, drops out when the sum is divided by that of the taps.
  const angle = (Math.PI * part) / SINC_REACH;
  const cosine = Math.cos(angle);
  const sine = Math.sin(angle);
  let sum = 0;
  let taps = 0;
  for (let k = 0, i = 1 - SINC_REACH; i <= SINC_REACH; k++, i++) {
    const tap = (1 + cosine * TAPER_COS[k]! + sine * TAPER_SIN[k]!) / (i & 1 ? i - part : part - i);
    sum += tap * curve[Math.abs(base + i)]!;
    taps += tap;
  }
  // Dividing also removes the ripple of the truncated sinc, which would pull the vertex of broad maxima.
  return sum / taps;
}
