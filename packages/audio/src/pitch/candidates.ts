// From a frame's spectrum to pitch candidates: noise-aware autocorrelation and its refined maxima.
// Used by pitch-stream.ts; read next: lag-interpolation.ts, voicing-threshold.ts.
import { Fft } from "../fft.ts";
import {
  FRACTIONS,
  foldAboveOne,
  LAG_MARGIN,
  periodicityDecay,
  refineMaximum,
  SINC_REACH,
  sharpenByMultiples,
  vertex,
} from "./lag-interpolation.ts";
import { MixKernel } from "./mix-kernel.ts";
import type { SpectrumAnalysis, SpectrumFrame } from "./spectrum-frames.ts";
import type { TrackerSettings } from "./tracker-settings.ts";

/** Candidates kept per frame, the strongest first to stay. */
export const MAX_CANDIDATES: number = 15;
/**
 * Shares of the analysis band up to which the spectrum counts in full, and from which on not at all. Above them the
 * low-pass before decimation falls, and the interpolation cannot follow.
 */
const BAND_FULL = 0.75;
const BAND_END = 0.95;

/**
 * A maximum must rise this far above the lowest point before it. The curve of a voice falls far within each period;
 * that of rumble stays high, with ripples.
 */
const PROMINENCE = 0.2;

/** Multiples of a period are compared with it up to this lag, seconds. Voices hold their pitch longer than that. */
const DECAY_SECONDS = 0.01;

/** Candidates of one frame. */
export interface Candidates {
  /** log2 of the frequency in Hz. */
  readonly octave: readonly number[];
  /** Periodicity, about 0 ... 1: the window-corrected height of the maximum. */
  readonly periodicity: readonly number[];
  /** How much lower the periodicity of the strongest candidate is over several of its periods: about 0 for a voice. */
  readonly decay: number;
  /** Share of the frame's power that stands above the noise floor: about 0.5 for the noise itself, near 1 for a voice. */
  readonly excess: number;
}

/** Finds candidates between fmin and fmax for pairs of frames. */
export class CandidateFinder {
  readonly #rate: number;
  readonly #minLag: number;
  readonly #maxLag: number;
  readonly #decayLag: number;
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
  /** Bins that count at all; beyond them the mixes stay 0. */
  readonly #bins: number;
  /** Of the noise floor in use: what the gain takes off, and the weight of the square root of the power. */
  #noise: Float64Array | undefined;
  readonly #subtracted: Float64Array;
  readonly #clarity: Float64Array;
  readonly #kernel: MixKernel | undefined;

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
    this.#decayLag = Math.min(this.#maxLag, DECAY_SECONDS * rate);
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
    this.#bins = Math.min(size / 2 + 1, Math.ceil(BAND_END * (size / 2)) + 1);
    this.#subtracted = new Float64Array(this.#bins);
    this.#clarity = new Float64Array(this.#bins);
    this.#kernel = MixKernel.open(size, this.#bins, this.#band);
  }

  /** Candidates of two frames judged against a noise floor (power per bin). */
  pair(a: SpectrumFrame, b: SpectrumFrame, noise: Float64Array): [Candidates, Candidates] {
    const size = this.#size;
    const half = size / 2;
    const mixA = this.#mixA;
    const mixB = this.#mixB;
    if (noise !== this.#noise) this.#prepare(noise);
    const excessA = this.#mix(a.power, mixA);
    const excessB = this.#mix(b.power, mixB);
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
    return [this.#maxima(re, 0, 1, excessA), this.#maxima(im, 0, 1, excessB)];
  }

  /** Candidates of four frames, as `pair` gives them for the first two and the last two. */
  four(frames: readonly SpectrumFrame[], noise: Float64Array): Candidates[] {
    const [a, b, c, d] = frames as [SpectrumFrame, SpectrumFrame, SpectrumFrame, SpectrumFrame];
    const kernel = this.#kernel;
    if (!kernel) return [...this.pair(a, b, noise), ...this.pair(c, d, noise)];
    if (noise !== this.#noise) this.#prepare(noise);
    const { re, im, excess } = kernel.correlate([a, b, c, d], this.#settings.whitening);
    return [
      this.#maxima(re, 0, 2, excess[0]!),
      this.#maxima(im, 0, 2, excess[2]!),
      this.#maxima(re, 1, 2, excess[1]!),
      this.#maxima(im, 1, 2, excess[3]!),
    ];
  }

  /** What the mixes of all frames against one noise floor share. */
  #prepare(noise: Float64Array): void {
    this.#noise = noise;
    for (let k = 0; k < this.#bins; k++) {
      this.#subtracted[k] = this.#settings.suppression * noise[k]! + 1e-30;
      this.#clarity[k] = this.#band[k]! / Math.sqrt(noise[k]!);
    }
    this.#kernel?.prepare(this.#subtracted, this.#clarity);
  }

  /**
   * (1 - w) of the noise-suppressed spectrum plus w of the square root of power over noise, each scaled to sum 1.
   *
   * The plain spectrum makes the autocorrelation Praat uses. The compressed one lets faint harmonics speak: it
   * separates a period from its half when the odd harmonics are weak, and counts bands by their clarity. Returns the share
   * of the power that was kept.
   */
  #mix(power: Float32Array, out: Float64Array): number {
    const { whitening } = this.#settings;
    const bins = this.#bins;
    const roots = this.#roots;
    const band = this.#band;
    const subtracted = this.#subtracted;
    const clarity = this.#clarity;
    let total = 0;
    let plain = 0;
    let compressed = 0;
    for (let k = 1; k < bins; k++) {
      const p = power[k]!;
      const weighted = band[k]! * p;
      const kept = (weighted * p) / (p + subtracted[k]!);
      const root = Math.sqrt(p) * clarity[k]!;
      total += weighted;
      plain += kept;
      compressed += root;
      out[k] = kept;
      roots[k] = root;
    }
    const plainScale = (1 - whitening) / (plain + 1e-30);
    const compressedScale = whitening / (compressed + 1e-30);
    out[0] = 0;
    for (let k = 1; k < bins; k++) out[k] = plainScale * out[k]! + compressedScale * roots[k]!;
    return plain / (total + 1e-30);
  }

  /**
   * Refined local maxima of the window-corrected autocorrelation, by falling strength; its lags are every `step`-th value
   * of `correlation`, from `first` on.
   */
  #maxima(correlation: Float64Array, first: number, step: number, excess: number): Candidates {
    const correction = this.#correction;
    const extended = this.#extended;
    const curve = this.#curve;
    const scale = 1 / (correlation[first]! + 1e-30);
    for (let k = 0, i = first; k < correction.length; k++, i += step) {
      curve[k] = correlation[i]! * scale * correction[k]!;
    }
    // The curve is even.
    for (let k = 1; k <= SINC_REACH; k++) extended[SINC_REACH - k] = curve[k]!;
    let lowest = 1;
    for (let k = 1; k < this.#minLag; k++) lowest = Math.min(lowest, curve[k]!);
    const found: { octave: number; periodicity: number; strength: number; period: number }[] = [];
    for (let k = this.#minLag; k <= this.#maxLag; k++) {
      const height = curve[k]!;
      lowest = Math.min(lowest, height);
      if (height <= 0 || height <= curve[k - 1]! || height < curve[k + 1]!) continue;
      const start = k + vertex(curve[k - 1]!, height, curve[k + 1]!);
      const { lag, value } = refineMaximum(extended, Math.round(FRACTIONS * start));
      if (value - lowest < PROMINENCE) continue;
      const period = sharpenByMultiples(curve, lag, value, this.#maxLag);
      const frequency = this.#rate / period;
      if (frequency < this.#fmin || frequency > this.#fmax) continue;
      const periodicity = foldAboveOne(value);
      const octave = Math.log2(frequency);
      const strength = periodicity + this.#settings.octaveCost * octave;
      found.push({ octave, periodicity, strength, period });
    }
    found.sort((a, b) => b.strength - a.strength);
    if (found.length > MAX_CANDIDATES) found.length = MAX_CANDIDATES;
    // Plain arrays: they are short, and the engine keeps longer typed arrays outside its heap, which costs more.
    const octave: number[] = [];
    const periodicity: number[] = [];
    for (const candidate of found) {
      octave.push(candidate.octave);
      periodicity.push(candidate.periodicity);
    }
    const best = found[0];
    const decay = best ? periodicityDecay(extended, best.period, best.periodicity, this.#decayLag) : 0;
    return { octave, periodicity, decay, excess };
  }
}

/** 1 up to BAND_FULL, a raised cosine down to 0 at BAND_END. */
function bandWeights(bins: number): Float64Array {
  return Float64Array.from({ length: bins }, (_, k) => {
    const part = (k / (bins - 1) - BAND_FULL) / (BAND_END - BAND_FULL);
    return 0.5 + 0.5 * Math.cos(Math.PI * Math.min(1, Math.max(0, part)));
  });
}
