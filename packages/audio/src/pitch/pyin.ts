// Probabilistic YIN with librosa's values: many thresholds, each trough weighted, then a Viterbi path.
// Read first: difference.ts, yin.ts; next: pitch-path.ts.
import { parameterError } from "../errors.ts";
import { checkOptions, type OptionKeys } from "../options.ts";
import { monoSamplesOf } from "../signal.ts";
import { betaCdf } from "./beta.ts";
import { forEachDifference, isTrough, parabolicShift } from "./difference.ts";
import {
  type FrameGeometry,
  frameGeometry,
  PITCH_FRAME_KEYS,
  type PitchFrameOptions,
  type PitchSignal,
} from "./framing.ts";
import { PitchPath } from "./pitch-path.ts";

/** Options of `pyin`; the defaults are librosa's. */
export interface PyinOptions extends PitchFrameOptions {
  /** Thresholds tried, >= 1, default 100. */
  readonly thresholds?: number | undefined;
  /** Shape (a, b) of the beta prior over thresholds, both > 0, default [2, 18]. */
  readonly betaParameters?: readonly [number, number] | undefined;
  /** Preference for short periods among troughs below the threshold, > 0, default 2. */
  readonly boltzmannParameter?: number | undefined;
  /** Width of a pitch bin in semitones, > 0 and <= 1, default 0.1. */
  readonly resolution?: number | undefined;
  /** Fastest pitch change in octaves per second, > 0, default 35.92. */
  readonly maxTransitionRate?: number | undefined;
  /** Probability of a change between voiced and unvoiced per frame, > 0 and < 1, default 0.01. */
  readonly switchProbability?: number | undefined;
  /** Probability given to the deepest trough when none is below the threshold, 0 ... 1, default 0.01. */
  readonly noTroughProbability?: number | undefined;
  /** true: `f0` holds the path's guess in unvoiced frames too (librosa `fill_na=None`); default false: 0 there. */
  readonly keepUnvoicedGuess?: boolean | undefined;
}

const PYIN_KEYS: OptionKeys<PyinOptions> = {
  ...PITCH_FRAME_KEYS,
  thresholds: true,
  betaParameters: true,
  boltzmannParameter: true,
  resolution: true,
  maxTransitionRate: true,
  switchProbability: true,
  noTroughProbability: true,
  keepUnvoicedGuess: true,
};

/** Result of `pyin`, one value per frame. */
export interface PyinTrack {
  /** Hz, a bin centre; 0 where unvoiced unless `keepUnvoicedGuess`. */
  readonly f0: Float32Array;
  /** 1 voiced, 0 unvoiced. */
  readonly voiced: Uint8Array;
  /** Probability that the frame is voiced, 0 ... 1. */
  readonly probability: Float32Array;
}

interface Prior {
  /** P(threshold k), thresholds (k + 1) / n. */
  readonly weights: Float64Array;
  readonly lambda: number;
  readonly noTrough: number;
}

/**
 * f0, voicing and voicing probability per frame by probabilistic YIN.
 *
 * @param signal mono, shape [n], n >= 1
 * @param options `sampleRate`, `fmin`, `fmax` in Hz; `frameLength` 2048, `hopLength` frameLength / 4 in samples
 * @returns three arrays of shape [1 + floor(n / hopLength)] (centred frames)
 * @throws AudioError (`parameter`) for options out of range, (`nonfinite`) for NaN or infinite samples
 *
 * Matches librosa 0.11 `pyin` (float64); Mauch and Dixon, "pYIN" (ICASSP 2014). The Viterbi search visits only
 * the band of moves that the transition allows, where librosa multiplies the whole matrix.
 *
 * @example
 * const { f0, voiced } = pyin(speech, { sampleRate: 16000, fmin: 60, fmax: 600, hopLength: 128 });
 */
export function pyin(signal: PitchSignal, options: PyinOptions): PyinTrack {
  checkOptions("pyin", options, PYIN_KEYS);
  const samples = monoSamplesOf("pyin", signal);
  const geometry = frameGeometry("pyin", samples, options);
  const { sampleRate, fmin, fmax, hop, frames } = geometry;
  const prior = thresholdPrior(options);
  const resolution = requireBetween("resolution", options.resolution ?? 0.1, 1);
  const switchProbability = requireBetween("switchProbability", options.switchProbability ?? 0.01, 1 - 1e-12);
  const rate = requireBetween("maxTransitionRate", options.maxTransitionRate ?? 35.92, Number.MAX_VALUE);
  const binsPerSemitone = Math.ceil(1 / resolution);
  const bins = Math.floor(12 * binsPerSemitone * Math.log2(fmax / fmin)) + 1;
  const width = roundHalfEven((rate * 12 * hop) / sampleRate) * binsPerSemitone + 1;
  if (width > bins) {
    throw parameterError(
      "pyin",
      `maxTransitionRate ${rate} octaves/s moves over ${width} bins per hop, more than the ${bins} bins of ` +
        `${fmin}-${fmax} Hz; lower it or hopLength`,
    );
  }
  const path = new PitchPath(bins, width, switchProbability);
  const probability = new Float32Array(frames);
  const observed = new Float64Array(2 * bins);
  const spread = new TroughSpread(geometry, prior);
  forEachDifference(samples, geometry, (frame, curve) => {
    observed.fill(0);
    spread.run(curve, (period, weight) => {
      const bin = roundHalfEven(12 * binsPerSemitone * Math.log2(sampleRate / period / fmin));
      observed[Math.min(Math.max(bin, 0), bins)] = weight;
    });
    let sum = 0;
    for (let j = 0; j < bins; j++) sum += observed[j]!;
    const voiced = Math.min(1, Math.max(0, sum));
    probability[frame] = voiced;
    path.push(observed, (1 - voiced) / bins);
  });
  const states = path.decode();
  const f0 = new Float32Array(frames);
  const voiced = new Uint8Array(frames);
  for (let i = 0; i < frames; i++) {
    const state = states[i]!;
    voiced[i] = state < bins ? 1 : 0;
    if (voiced[i] || options.keepUnvoicedGuess) f0[i] = fmin * 2 ** ((state % bins) / (12 * binsPerSemitone));
  }
  return { f0, voiced, probability };
}

function thresholdPrior(options: PyinOptions): Prior {
  const count = options.thresholds ?? 100;
  if (!Number.isSafeInteger(count) || count < 1) {
    throw parameterError("pyin", `thresholds must be a whole number >= 1, got ${count}`);
  }
  const [a, b] = options.betaParameters ?? [2, 18];
  requireBetween("betaParameters[0]", a, Number.MAX_VALUE);
  requireBetween("betaParameters[1]", b, Number.MAX_VALUE);
  const noTrough = options.noTroughProbability ?? 0.01;
  if (!(noTrough >= 0 && noTrough <= 1)) {
    throw parameterError("pyin", `noTroughProbability must be in 0 ... 1, got ${noTrough}`);
  }
  const weights = new Float64Array(count);
  for (let k = 0; k < count; k++) weights[k] = betaCdf((k + 1) / count, a, b) - betaCdf(k / count, a, b);
  const lambda = requireBetween("boltzmannParameter", options.boltzmannParameter ?? 2, Number.MAX_VALUE);
  return { weights, lambda, noTrough };
}

/** Spreads each frame's probability over the troughs of its difference curve. */
class TroughSpread {
  readonly #minPeriod: number;
  readonly #prior: Prior;
  readonly #troughs: Int32Array;
  readonly #weights: Float64Array;

  constructor(geometry: FrameGeometry, prior: Prior) {
    const length = geometry.maxPeriod - geometry.minPeriod + 1;
    this.#minPeriod = geometry.minPeriod;
    this.#prior = prior;
    this.#troughs = new Int32Array(length);
    this.#weights = new Float64Array(length);
  }

  /** Calls `emit(period in samples, probability)` for every trough with a probability, shortest period first. */
  run(curve: Float64Array, emit: (period: number, weight: number) => void): void {
    const { weights: prior, lambda, noTrough } = this.#prior;
    const troughs = this.#troughs;
    let count = 0;
    for (let k = 0; k < curve.length; k++) if (isTrough(curve, k)) troughs[count++] = k;
    if (count === 0) return;
    const weights = this.#weights.fill(0, 0, count);
    let deepest = 0;
    for (let i = 1; i < count; i++) if (curve[troughs[i]!]! < curve[troughs[deepest]!]!) deepest = i;
    const depth = curve[troughs[deepest]!]!;
    const decay = Math.exp(-lambda);
    const steps = prior.length;
    let unreached = 0;
    for (let k = 0; k < steps; k++) {
      const threshold = (k + 1) / steps;
      if (!(depth < threshold)) {
        unreached += prior[k]!;
        continue;
      }
      let below = 0;
      for (let i = 0; i < count; i++) if (curve[troughs[i]!]! < threshold) below++;
      // Boltzmann weights exp(-lambda rank) over the troughs below, normalised to 1.
      let share = (prior[k]! * (1 - decay)) / (1 - Math.exp(-lambda * below));
      for (let i = 0; i < count; i++) {
        if (!(curve[troughs[i]!]! < threshold)) continue;
        weights[i] = weights[i]! + share;
        share *= decay;
      }
    }
    weights[deepest] = weights[deepest]! + noTrough * unreached;
    for (let i = 0; i < count; i++) {
      if (weights[i] === 0) continue;
      const k = troughs[i]!;
      emit(this.#minPeriod + k + parabolicShift(curve, k), weights[i]!);
    }
  }
}

function requireBetween(name: string, value: number, highest: number): number {
  if (value > 0 && value <= highest) return value;
  const range = highest === Number.MAX_VALUE ? "> 0" : `> 0 and <= ${highest}`;
  throw parameterError("pyin", `${name} must be ${range}, got ${value}`);
}

/** NumPy's and Python's rounding: halves go to the even neighbour. */
function roundHalfEven(x: number): number {
  const rounded = Math.round(x);
  return rounded - x === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded;
}
