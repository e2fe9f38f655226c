// Praat's pitch by autocorrelation, to its values: what its jitter and shimmer rest on.
// Read next: sinc-interpolation.ts, voicing-path.ts. The default tracker, candidates.ts, goes on from the same idea.
import { parameterError, requireInteger } from "../errors.ts";
import { checkOptions, type OptionKeys } from "../options.ts";
import { monoSamplesOf } from "../signal.ts";
import { FrameAutocorrelation } from "./autocorrelation.ts";
import type { Candidates } from "./candidates.ts";
import { type PitchSamples, type PitchSignal, requireFiniteSamples, requireSearchRange } from "./framing.ts";
import { foldAboveOne } from "./lag-interpolation.ts";
import { interpolateEven, maximumNear } from "./sinc-interpolation.ts";
import { VoicingPath } from "./voicing-path.ts";

/** Periods of fmin in a window. */
const WINDOW_PERIODS = 3;
/** Lags of the correlation that are kept, as a share of the window. */
const KEPT_LAGS = 0.5;
/** Values on each side of an interpolated one: to choose the candidates, and to place them. */
const FIRST_DEPTH = 30;
const DEPTH = 70;
/** Above this share of the sample rate a candidate is placed with the larger depth. */
const HIGH_PITCH = 0.3;
const HIGH_DEPTH = 700;

/** Options of `autocorrelationPitch`; the defaults are those of Praat's "Sound: To Pitch (ac)...". */
export interface AutocorrelationPitchOptions {
  /** Samples per second, Hz. */
  readonly sampleRate: number;
  /** Lowest f0 searched (Praat's pitch floor), Hz, default 75; a window holds three of its periods. */
  readonly fmin?: number | undefined;
  /** Highest f0 searched (Praat's pitch ceiling), Hz, default 600. */
  readonly fmax?: number | undefined;
  /** Samples between frames, default a quarter of the window: 10 ms for 75 Hz. */
  readonly hopLength?: number | undefined;
  /** Candidates per frame, "unvoiced" among them, default 15, and at least fmax / fmin. */
  readonly maxCandidates?: number | undefined;
  /** Frames whose peak is below about this share of the signal's peak are unvoiced, default 0.03. */
  readonly silenceThreshold?: number | undefined;
  /** Strength of "unvoiced" against the periodicity of the candidates, default 0.45. */
  readonly voicingThreshold?: number | undefined;
  /** What an octave of higher pitch is worth, default 0.01. */
  readonly octaveCost?: number | undefined;
  /** Cost of an octave of movement within 10 ms, default 0.35. */
  readonly octaveJumpCost?: number | undefined;
  /** Cost of a change between voiced and unvoiced, per 10 ms of frame distance, default 0.14. */
  readonly voicedUnvoicedCost?: number | undefined;
}

const AUTOCORRELATION_PITCH_KEYS: OptionKeys<AutocorrelationPitchOptions> = {
  sampleRate: true,
  fmin: true,
  fmax: true,
  hopLength: true,
  maxCandidates: true,
  silenceThreshold: true,
  voicingThreshold: true,
  octaveCost: true,
  octaveJumpCost: true,
  voicedUnvoicedCost: true,
};

/** Result of `autocorrelationPitch`, one value per frame. */
export interface AutocorrelationPitchTrack {
  /** Centre of the frame in seconds; Praat's time less half a sample, since it counts from a sample's left edge. */
  readonly times: Float64Array;
  /** Hz; 0 where unvoiced. */
  readonly f0: Float64Array;
  /** Height of the chosen maximum (Praat's strength), 0 ... 1; that of the best candidate where unvoiced. */
  readonly periodicity: Float64Array;
}

/**
 * f0 per frame as Praat's "Sound: To Pitch (ac)..." finds it (very accurate: no), to about nine digits.
 *
 * Take it where values must be Praat's, jitter and shimmer above all; `trackPitch` is more accurate, above all in noise
 * (PITCH.md). Only whole windows are analysed, so that the first and last 1.5 periods of fmin have no frame.
 *
 * @param signal mono, shape [n] or [1, n]; at least three periods of fmin long
 * @returns arrays of shape [frames]; the frames lie `hopLength` apart around the middle of the signal
 * @throws AudioError (`parameter`) for options out of range or too short a signal, (`nonfinite`) for NaN or infinite
 * samples
 *
 * Boersma (1993), "Accurate short-term analysis of the fundamental frequency and the harmonics-to-noise ratio of a
 * sampled sound", Proceedings of the Institute of Phonetic Sciences 17.
 *
 * @example
 * const track = autocorrelationPitch(vowel, { sampleRate: 16000, fmin: 75, fmax: 500 });
 * const { local } = jitter(glottalPulses(vowel, { sampleRate: 16000, track }));
 */
export function autocorrelationPitch(
  signal: PitchSignal,
  options: AutocorrelationPitchOptions,
): AutocorrelationPitchTrack {
  const operation = "autocorrelationPitch";
  checkOptions(operation, options, AUTOCORRELATION_PITCH_KEYS);
  const { sampleRate, fmin = 75, silenceThreshold = 0.03, voicingThreshold = 0.45 } = options;
  const fmax = options.fmax ?? Math.min(600, sampleRate / 2);
  requireSearchRange(operation, sampleRate, fmin, fmax);
  const defaultHop = Math.max(1, Math.round((WINDOW_PERIODS / 4 / fmin) * sampleRate));
  const hop = requireInteger(operation, "hopLength", options.hopLength ?? defaultHop, 1);
  const { octaveCost = 0.01, octaveJumpCost = 0.35, voicedUnvoicedCost = 0.14 } = options;
  const costs = { silenceThreshold, voicingThreshold, octaveCost, octaveJumpCost, voicedUnvoicedCost };
  for (const [name, value] of Object.entries(costs)) {
    if (!(Number.isFinite(value) && value >= 0)) {
      throw parameterError(operation, `${name} must be a finite number >= 0, got ${value}`);
    }
  }
  const asked = requireInteger(operation, "maxCandidates", options.maxCandidates ?? 15, 2);
  const maxCandidates = asked < fmax / fmin ? Math.floor(fmax / fmin) : asked;
  const samples = monoSamplesOf(operation, signal);
  requireFiniteSamples(operation, samples);
  const windowSeconds = WINDOW_PERIODS / fmin;
  const interval = 1 / sampleRate;
  const seconds = interval * samples.length;
  if (seconds < windowSeconds) {
    throw parameterError(
      operation,
      `expected at least ${Math.ceil(windowSeconds * sampleRate)} samples, three periods of fmin (${fmin} Hz), ` +
        `got ${samples.length}`,
    );
  }
  const step = hop / sampleRate;
  const frames = Math.floor((seconds - windowSeconds) / step) + 1;
  // In Praat's time a sample stands in the middle of its interval. The order of the operations is Praat's too: which
  // sample a frame stands on may hang on the last bit.
  const half = 0.5 * interval;
  const first = 0.5 * seconds - 0.5 * (frames * step) + 0.5 * step;
  const times = Float64Array.from({ length: frames }, (_, i) => first + i * step - half);
  const finder = new FrameCandidates(samples, sampleRate, {
    fmin,
    fmax,
    voicingThreshold,
    octaveCost,
    most: maxCandidates - 1,
  });
  // Costs are per 10 ms.
  const perFrame = 0.01 / step;
  const path = new VoicingPath(
    {
      octaveCost,
      octaveJumpCost: octaveJumpCost * perFrame,
      voicingChangeCost: voicedUnvoicedCost * perFrame,
      referenceOctave: Math.log2(fmax),
    },
    maxCandidates - 1,
  );
  for (let i = 0; i < frames; i += 2) {
    const sampleBefore = (frame: number) => Math.floor((first + frame * step - half) / interval + 1) - 1;
    const found = finder.pair(sampleBefore(i), sampleBefore(Math.min(i + 1, frames - 1)));
    for (const { candidates, intensity } of found.slice(0, frames - i)) {
      const silence = silenceThreshold > 0 ? 2 - (intensity * (1 + voicingThreshold)) / silenceThreshold : 0;
      path.push(candidates, voicingThreshold + Math.max(0, silence));
    }
  }
  const decisions = path.take(frames);
  return {
    times,
    f0: Float64Array.from(decisions, ({ f0 }) => f0),
    periodicity: Float64Array.from(decisions, ({ periodicity }) => periodicity),
  };
}

/** A frame as the path takes it. */
interface AnalysedFrame {
  readonly candidates: Candidates;
  /** Its peak as a share of the signal's. */
  readonly intensity: number;
}

interface CandidateRule {
  readonly fmin: number;
  readonly fmax: number;
  readonly voicingThreshold: number;
  readonly octaveCost: number;
  readonly most: number;
}

/** Candidates of frames, two at a time. */
class FrameCandidates {
  readonly #samples: PitchSamples;
  readonly #sampleRate: number;
  readonly #rule: CandidateRule;
  readonly #period: number;
  readonly #half: number;
  readonly #globalPeak: number;
  readonly #window: Float64Array;
  /** Of the window: its autocorrelation, 1 at lag 0. */
  readonly #windowCorrelation: Float64Array;
  readonly #correlation: FrameAutocorrelation;
  readonly #frames: readonly [Float64Array, Float64Array];
  readonly #lags: readonly [Float64Array, Float64Array];

  constructor(samples: PitchSamples, sampleRate: number, rule: CandidateRule) {
    this.#samples = samples;
    this.#sampleRate = sampleRate;
    this.#rule = rule;
    this.#period = Math.floor(sampleRate / rule.fmin);
    this.#half = Math.floor(Math.floor((WINDOW_PERIODS / rule.fmin) * sampleRate) / 2) - 1;
    const length = 2 * this.#half;
    const lags = Math.floor(length * KEPT_LAGS);
    this.#window = Float64Array.from(
      { length },
      (_, i) => 0.5 - 0.5 * Math.cos((2 * Math.PI * (i + 1)) / (length + 1)),
    );
    this.#correlation = new FrameAutocorrelation(length, lags);
    this.#frames = [new Float64Array(length), new Float64Array(length)];
    this.#lags = [new Float64Array(lags + 1), new Float64Array(lags + 1)];
    this.#correlation.run(this.#window, this.#window, ...this.#lags);
    this.#windowCorrelation = this.#lags[0].map((value) => value / this.#lags[0][0]!);
    let sum = 0;
    for (const value of samples) sum += value;
    const mean = sum / samples.length;
    let peak = 0;
    for (const value of samples) peak = Math.max(peak, Math.abs(value - mean));
    this.#globalPeak = peak;
  }

  /** The two frames around the samples `a` and `b`. */
  pair(a: number, b: number): [AnalysedFrame, AnalysedFrame] {
    const [frameA, frameB] = this.#frames;
    const intensities = [this.#load(a, frameA), this.#load(b, frameB)] as const;
    this.#correlation.run(frameA, frameB, ...this.#lags);
    return [
      { candidates: this.#candidates(this.#lags[0], intensities[0]), intensity: intensities[0] },
      { candidates: this.#candidates(this.#lags[1], intensities[1]), intensity: intensities[1] },
    ];
  }

  /** Copies the window around sample `left`, without its mean, into `frame`; returns its intensity. */
  #load(left: number, frame: Float64Array): number {
    const samples = this.#samples;
    let mean = 0;
    for (let n = left + 1 - this.#period; n <= left + this.#period; n++) mean += samples[n] ?? 0;
    mean /= 2 * this.#period;
    const start = left + 1 - this.#half;
    for (let i = 0; i < frame.length; i++) frame[i] = ((samples[start + i] ?? 0) - mean) * this.#window[i]!;
    const reach = (this.#period >> 1) + 1;
    let peak = 0;
    for (let i = Math.max(0, this.#half - reach); i < Math.min(frame.length, this.#half + reach); i++) {
      peak = Math.max(peak, Math.abs(frame[i]!));
    }
    return peak > this.#globalPeak ? 1 : peak / (this.#globalPeak || 1);
  }

  /** Maxima of the frame's autocorrelation divided by that of the window; `lags` is overwritten by the quotient. */
  #candidates(lags: Float64Array, intensity: number): Candidates {
    const { fmin, fmax, voicingThreshold, octaveCost, most } = this.#rule;
    const octave: number[] = [];
    const periodicity: number[] = [];
    if (intensity === 0) return { octave, periodicity, decay: 0, excess: 1 };
    const energy = lags[0]!;
    for (let k = 0; k < lags.length; k++) lags[k] = lags[k]! / (energy * this.#windowCorrelation[k]!);
    const lastLag = Math.min(Math.floor(this.#window.length / WINDOW_PERIODS) + 2, lags.length - 1);
    const found: { lag: number; hz: number; value: number }[] = [];
    for (let k = 2; k < lastLag; k++) {
      const [left, here, right] = [lags[k - 1]!, lags[k]!, lags[k + 1]!];
      if (!(here > 0.5 * voicingThreshold && here > left && here >= right)) continue;
      const position = k + (0.5 * (right - left)) / (2 * here - left - right);
      const height = foldAboveOne(interpolateEven(lags, position, FIRST_DEPTH));
      const hz = this.#sampleRate / position;
      const value = height - octaveCost * Math.log2(fmin / hz);
      if (found.length === most) {
        // The weakest makes room, the first of them if several are.
        let weakest = 0;
        for (let i = 1; i < most; i++) if (found[i]!.value < found[weakest]!.value) weakest = i;
        if (value <= found[weakest]!.value) continue;
        found[weakest] = { lag: k, hz, value };
      } else found.push({ lag: k, hz, value });
    }
    for (const { lag, hz } of found) {
      const refined = maximumNear(lags, lag, hz > HIGH_PITCH * this.#sampleRate ? HIGH_DEPTH : DEPTH);
      // A candidate above the range would be one more way to be unvoiced.
      if (!(this.#sampleRate / refined.lag < fmax)) continue;
      octave.push(Math.log2(this.#sampleRate / refined.lag));
      periodicity.push(foldAboveOne(refined.value));
    }
    return { octave, periodicity, decay: 0, excess: 1 };
  }
}
