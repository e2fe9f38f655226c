// The default pitch tracker, fed chunk by chunk: spectra, noise floor, candidates, path. `trackPitch` runs it too.
// Read in this order: spectrum-frames.ts, noise-floor.ts, candidates.ts, voicing-threshold.ts, voicing-path.ts, then this.
import { parameterError, requireInteger, requirePositive } from "../errors.ts";
import { checkOptions, type OptionKeys } from "../options.ts";
import { monoSamplesOf } from "../signal.ts";
import { CandidateFinder, type Candidates } from "./candidates.ts";
import { Decimator } from "./decimator.ts";
import { type PitchSignal, requireFiniteSamples, requireSearchRange } from "./framing.ts";
import { HighPass } from "./high-pass.ts";
import { LAG_MARGIN } from "./lag-interpolation.ts";
import { type ContextGeometry, estimateContext } from "./noise-floor.ts";
import { NOISE_BANDS, SpectrumAnalysis, type SpectrumFrame, VALLEY_PARTS } from "./spectrum-frames.ts";
import { TRACKER_DEFAULTS, type TrackerSettings } from "./tracker-settings.ts";
import { type PathDecision, VoicingPath } from "./voicing-path.ts";
import { unvoicedStrength } from "./voicing-threshold.ts";

/** Frames that share one estimate of their surroundings, and come out together. */
const BLOCK_FRAMES = 16;
/** Seconds of past frames the noise floor and the reference level are taken from. */
const MEMORY_SECONDS = 5;
/** The analysis runs at the sample rate divided by a whole number, not below this rate in Hz. */
const LEAST_ANALYSIS_RATE = 8000;

/** Options of the default tracker; every constant of `TrackerSettings` may be given too. */
export interface PitchStreamOptions extends Partial<TrackerSettings> {
  /** Samples per second, Hz. */
  readonly sampleRate: number;
  /** Lowest f0 searched, Hz, default 55. */
  readonly fmin?: number | undefined;
  /** Highest f0 searched, Hz, default 650; at most a quarter of the sample rate. */
  readonly fmax?: number | undefined;
  /** Samples between frames, default 8 ms. */
  readonly hopLength?: number | undefined;
  /** Cut-off in Hz of a high-pass in front, against mains hum; 70 suits speech. Default 0: none. */
  readonly highPass?: number | undefined;
  /** Seconds of future that a decision may wait for, >= 0, default 1. */
  readonly lookahead?: number | undefined;
}

/** The keys of `PitchStreamOptions`. */
export const PITCH_STREAM_KEYS: OptionKeys<PitchStreamOptions> = {
  sampleRate: true,
  fmin: true,
  fmax: true,
  hopLength: true,
  highPass: true,
  lookahead: true,
  ...(Object.fromEntries(
    Object.keys(TRACKER_DEFAULTS).map((name) => [name, true]),
  ) as OptionKeys<TrackerSettings>),
};

/** A pitch track: frame i is centred on time i * hopLength / sampleRate. */
export interface PitchTrack {
  /** Seconds, shape [frames]. */
  readonly times: Float64Array;
  /** Hz, 0 where unvoiced, shape [frames]. */
  readonly f0: Float32Array;
  /** 1 voiced, 0 unvoiced, shape [frames]. */
  readonly voiced: Uint8Array;
  /** How periodic the frame is, 0 ... 1, shape [frames]. */
  readonly periodicity: Float32Array;
  /** Probability that the frame is voiced: of frames with 0.8, about 80 % are (PITCH.md). Shape [frames]. */
  readonly probability: Float32Array;
}

/**
 * Tracks pitch while the signal arrives; every chunking gives the same frames.
 *
 * A frame is decided at most `latency` seconds after its centre. The frames are those of `trackPitch` with
 * the same options; a shorter `lookahead` decides sooner on less evidence.
 *
 * @throws AudioError (`parameter`) from the constructor for options out of range; (`nonfinite`) from `push`
 *
 * @example
 * const stream = new PitchStream({ sampleRate: 16000 });
 * for (const chunk of chunks) show(stream.push(chunk).f0);
 * show(stream.finish().f0);
 */
export class PitchStream {
  /** Longest wait, in seconds, between the centre of a frame and the sample that decides it. */
  readonly latency: number;
  readonly #sampleRate: number;
  readonly #hop: number;
  readonly #settings: TrackerSettings;
  readonly #highPass: HighPass | undefined;
  readonly #decimator: Decimator;
  readonly #analysis: SpectrumAnalysis;
  readonly #geometry: ContextGeometry;
  readonly #finder: CandidateFinder;
  readonly #path: VoicingPath;
  readonly #ahead: number;
  readonly #memory: number;
  /** Decimated samples, beginning at decimated index #samplesStart - length of half a window. */
  #samples: Float64Array = new Float64Array(8192);
  #sampleCount = 0;
  #samplesStart = 0;
  /** Analysed frames still needed; frame number of the first. */
  #frames: SpectrumFrame[] = [];
  #framesStart = 0;
  #received = 0;
  #emitted = 0;
  #finished = false;

  constructor(options: PitchStreamOptions) {
    checkOptions("trackPitch", options, PITCH_STREAM_KEYS);
    const { sampleRate, fmin = 55, fmax = 650, highPass = 0, lookahead = 1 } = options;
    requireSearchRange("trackPitch", sampleRate, fmin, fmax);
    if (fmax > sampleRate / 4) {
      throw parameterError(
        "trackPitch",
        `fmax ${fmax} Hz is above a quarter of the sample rate (${sampleRate / 4} Hz)`,
      );
    }
    this.#sampleRate = sampleRate;
    const hop = requireInteger(
      "trackPitch",
      "hopLength",
      options.hopLength ?? Math.round(0.008 * sampleRate),
      1,
    );
    this.#hop = hop;
    if (!(highPass >= 0 && highPass < fmax)) {
      throw parameterError(
        "trackPitch",
        `highPass must be >= 0 and below fmax (${fmax} Hz), got ${highPass}`,
      );
    }
    if (!(lookahead >= 0)) throw parameterError("trackPitch", `lookahead must be >= 0 s, got ${lookahead}`);
    this.#settings = settingsFrom(options);
    const settings = this.#settings;

    const factor = Math.max(1, Math.floor(sampleRate / Math.max(LEAST_ANALYSIS_RATE, 4 * fmax)));
    const rate = sampleRate / factor;
    const length = 2 * Math.round((settings.windowPeriods * rate) / fmin / 2);
    const levelLength = Math.min(length, 2 * Math.round((settings.levelWindow * rate) / 2));
    // Room for the longest lag without wrapping, and whole bins per noise band.
    const unit = 2 * NOISE_BANDS * VALLEY_PARTS;
    const size = unit * Math.ceil((length + Math.ceil(rate / fmin) + LAG_MARGIN) / unit);
    this.#highPass = highPass > 0 ? new HighPass(highPass, sampleRate) : undefined;
    this.#decimator = new Decimator(factor);
    this.#analysis = new SpectrumAnalysis(length, levelLength, size);
    this.#finder = new CandidateFinder(rate, fmin, fmax, this.#analysis, settings);
    const hopSeconds = hop / sampleRate;
    this.#geometry = {
      bins: size / 2 + 1,
      windowPower: this.#analysis.windowPower,
      reach: Math.ceil(length / 2 / rate / hopSeconds),
    };
    this.#path = new VoicingPath({
      octaveCost: settings.octaveCost,
      // Praat's rule: what costs so much per 8 ms costs more when frames lie closer.
      octaveJumpCost: (settings.octaveJumpCost * 0.008) / hopSeconds,
      voicingChangeCost: (settings.voicingChangeCost * 0.008) / hopSeconds,
    });
    // Half of the wait is for the surroundings, half for the path.
    this.#ahead = Math.round(lookahead / 2 / hopSeconds);
    this.#memory = Math.round(MEMORY_SECONDS / hopSeconds);
    this.latency =
      (2 * this.#ahead + 2 * BLOCK_FRAMES + 1) * hopSeconds +
      length / 2 / rate +
      this.#decimator.reach / sampleRate;
    this.#sampleCount = length / 2;
  }

  /** Takes the next chunk (any length); returns the frames that are decided now, in order. */
  push(chunk: PitchSignal): PitchTrack {
    if (this.#finished) throw parameterError("PitchStream", "push after finish, expected a new stream");
    const samples = monoSamplesOf("trackPitch", chunk);
    requireFiniteSamples("trackPitch", samples, this.#received);
    this.#received += samples.length;
    const filtered = this.#highPass ? this.#highPass.run(samples) : samples;
    this.#append(this.#decimator.push(filtered));
    return this.#advance();
  }

  /** Ends the signal; returns all frames not yet returned. 1 + floor(samples / hopLength) in all. */
  finish(): PitchTrack {
    if (this.#finished) throw parameterError("PitchStream", "finish was called twice, expected a new stream");
    this.#finished = true;
    this.#append(this.#decimator.finish());
    this.#append(new Float64Array(this.#analysis.length));
    return this.#advance();
  }

  #append(values: ArrayLike<number>): void {
    const needed = this.#sampleCount + values.length;
    if (needed > this.#samples.length) {
      const larger = new Float64Array(Math.max(needed, 2 * this.#samples.length));
      larger.set(this.#samples.subarray(0, this.#sampleCount));
      this.#samples = larger;
    }
    this.#samples.set(values, this.#sampleCount);
    this.#sampleCount = needed;
  }

  /** Where frame i begins in #samples. */
  #frameStart(index: number): number {
    return Math.round((index * this.#hop) / this.#decimator.factor) - this.#samplesStart;
  }

  #advance(): PitchTrack {
    const total = this.#finished ? 1 + Math.floor(this.#received / this.#hop) : Number.POSITIVE_INFINITY;
    this.#analyse(total);
    const analysed = this.#framesStart + this.#frames.length;
    const decisions: PathDecision[] = [];
    for (;;) {
      const from = this.#path.length;
      const to = Math.min(from + BLOCK_FRAMES, total);
      const known = Math.min(to + this.#ahead, total);
      if (from >= total || analysed < known) break;
      this.#searchBlock(from, to, known);
      for (const decision of this.#path.take(to === total ? total : to - this.#ahead))
        decisions.push(decision);
      const drop = Math.max(0, to - this.#memory - this.#framesStart);
      this.#frames.splice(0, drop);
      this.#framesStart += drop;
    }
    return this.#track(decisions);
  }

  /** Analyses the frames whose samples are there, four by four and two by two. */
  #analyse(total: number): void {
    const { length } = this.#analysis;
    let next = this.#framesStart + this.#frames.length;
    while (next < total) {
      const fourth = this.#frameStart(next + 3);
      if (next + 3 < total && fourth + length <= this.#sampleCount) {
        const [first, second, third] = [next, next + 1, next + 2].map((i) => this.#frameStart(i));
        this.#frames.push(...this.#analysis.four(this.#samples, [first!, second!, third!, fourth]));
        next += 4;
        continue;
      }
      const a = this.#frameStart(next);
      const b = next + 1 < total ? this.#frameStart(next + 1) : a;
      if (b + length > this.#sampleCount) break;
      const [first, second] = this.#analysis.pair(this.#samples, a, b);
      this.#frames.push(first);
      if (next + 1 < total) this.#frames.push(second);
      next += 2;
    }
    const done = Math.min(Math.max(0, this.#frameStart(next)), this.#sampleCount);
    this.#samples.copyWithin(0, done, this.#sampleCount);
    this.#sampleCount -= done;
    this.#samplesStart += done;
  }

  /** Candidates of frames from ... to - 1 against their surroundings, pushed into the path. */
  #searchBlock(from: number, to: number, known: number): void {
    const frameAt = (index: number) => this.#frames[index - this.#framesStart]!;
    const first = Math.max(this.#framesStart, from - this.#memory);
    const context = estimateContext(frameAt, first, known, this.#geometry, this.#settings);
    for (let i = from; i < to; i += 4) {
      const frames: SpectrumFrame[] = [];
      for (let k = i; k < to && k < i + 4; k++) frames.push(frameAt(k));
      const found = this.#candidates(frames, context.noise);
      for (const [k, frame] of frames.entries()) {
        this.#path.push(found[k]!, unvoicedStrength(frame, found[k]!, context, this.#settings));
      }
    }
  }

  /** Candidates of one to four frames; an odd last one is paired with itself. */
  #candidates(frames: readonly SpectrumFrame[], noise: Float64Array): Candidates[] {
    const [a, b = a!, c, d = c!] = frames;
    if (!c) return this.#finder.pair(a!, b, noise);
    return this.#finder.four([a!, b, c, d], noise);
  }

  #track(decisions: readonly PathDecision[]): PitchTrack {
    const first = this.#emitted;
    this.#emitted += decisions.length;
    const seconds = this.#hop / this.#sampleRate;
    return {
      times: Float64Array.from(decisions, (_, i) => (first + i) * seconds),
      f0: Float32Array.from(decisions, (decision) => decision.f0),
      voiced: Uint8Array.from(decisions, (decision) => (decision.f0 > 0 ? 1 : 0)),
      periodicity: Float32Array.from(decisions, (decision) => decision.periodicity),
      probability: Float32Array.from(decisions, (decision) => decision.probability),
    };
  }
}

function settingsFrom(options: PitchStreamOptions): TrackerSettings {
  const settings: Record<keyof TrackerSettings, number> = { ...TRACKER_DEFAULTS };
  for (const name of Object.keys(settings) as (keyof TrackerSettings)[]) {
    const value = options[name] ?? settings[name];
    if (!Number.isFinite(value) || value < 0) {
      throw parameterError("trackPitch", `${name} must be a finite number >= 0, got ${value}`);
    }
    settings[name] = value;
  }
  for (const name of ["windowPeriods", "levelSpan", "edgeSpan", "levelWindow"] as const) {
    requirePositive("trackPitch", name, settings[name]);
  }
  return settings;
}
