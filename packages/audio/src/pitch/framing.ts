// Checks and framing shared by the frame-wise trackers (yin.ts, pyin.ts, mpm.ts). Read next: autocorrelation.ts.
import { AudioError, parameterError, requireInteger, requirePositive } from "../errors.ts";
import type { OptionKeys } from "../options.ts";
import { LARGEST_SAMPLE } from "../samples.ts";
import type { Signal } from "../signal.ts";

/** What the trackers take: a mono signal in float32 or float64, any amplitude; NaN and infinities are refused. */
export type PitchSignal = Signal | Float64Array;

/** The samples of a `PitchSignal`, contiguous. */
export type PitchSamples = Float32Array | Float64Array;

/** What every frame-wise pitch tracker needs to know. */
export interface PitchFrameOptions {
  /** Samples per second, Hz. */
  readonly sampleRate: number;
  /** Lowest f0 searched, Hz, > 0. */
  readonly fmin: number;
  /** Highest f0 searched, Hz, > fmin and <= sampleRate / 2. */
  readonly fmax: number;
  /** Samples per frame; default 2048. Must exceed sampleRate / fmin + 1; two periods of fmin are wise. */
  readonly frameLength?: number | undefined;
  /** Samples between frames; default a quarter of the frame. */
  readonly hopLength?: number | undefined;
  /**
   * true (default): frame i is centred on sample i * hopLength, zeros beyond both ends (librosa `center=True`,
   * `pad_mode="constant"`); false: it starts there and only whole frames count.
   */
  readonly center?: boolean | undefined;
}

/** The keys of `PitchFrameOptions`. */
export const PITCH_FRAME_KEYS: OptionKeys<PitchFrameOptions> = {
  sampleRate: true,
  fmin: true,
  fmax: true,
  frameLength: true,
  hopLength: true,
  center: true,
};

/** The checked frame geometry: lags in samples, frame i starts at i * hop - offset. */
export interface FrameGeometry {
  readonly sampleRate: number;
  readonly fmin: number;
  readonly fmax: number;
  readonly frameLength: number;
  readonly hop: number;
  readonly offset: number;
  readonly frames: number;
  readonly minPeriod: number;
  readonly maxPeriod: number;
}

/** Throws AudioError (`parameter`) unless 0 < fmin < fmax <= sampleRate / 2. */
export function requireSearchRange(operation: string, sampleRate: number, fmin: number, fmax: number): void {
  requirePositive(operation, "sampleRate", sampleRate);
  requirePositive(operation, "fmin", fmin);
  requirePositive(operation, "fmax", fmax);
  // Windows hold periods of fmin: below, one frame takes minutes.
  if (fmin < 1) throw parameterError(operation, `fmin must be at least 1 Hz, got ${fmin}`);
  if (fmin >= fmax) throw parameterError(operation, `fmin must be below fmax, got ${fmin} Hz and ${fmax} Hz`);
  if (fmax > sampleRate / 2) {
    throw parameterError(operation, `fmax ${fmax} Hz is above half the sample rate (${sampleRate / 2} Hz)`);
  }
}

/** Throws AudioError (`nonfinite`) naming the first NaN or infinite sample, or one beyond 2^31. */
export function requireFiniteSamples(operation: string, samples: PitchSamples, first = 0): void {
  for (let i = 0; i < samples.length; i++) {
    const value = samples[i]!;
    if (Math.abs(value) <= LARGEST_SAMPLE) continue;
    const expected = Number.isFinite(value) ? "samples within 2^31" : "finite samples";
    throw new AudioError(`${operation}: sample ${first + i} is ${value}, expected ${expected}`, {
      reason: "nonfinite",
    });
  }
}

/** Checks samples and options and lays out the frames; throws AudioError naming what does not fit. */
export function frameGeometry(
  operation: string,
  samples: PitchSamples,
  options: PitchFrameOptions,
): FrameGeometry {
  const { sampleRate, fmin, fmax, frameLength = 2048, center = true } = options;
  requireSearchRange(operation, sampleRate, fmin, fmax);
  requireInteger(operation, "frameLength", frameLength, 4);
  const hop = requireInteger(operation, "hopLength", options.hopLength ?? Math.floor(frameLength / 4), 1);
  if (sampleRate / fmin >= frameLength - 1) {
    const needed = Math.ceil(sampleRate / fmin) + 2;
    throw parameterError(
      operation,
      `fmin ${fmin} Hz does not fit a frame of ${frameLength} samples at ${sampleRate} Hz, ` +
        `expected fmin above ${(sampleRate / (frameLength - 1)).toFixed(3)} Hz or frameLength >= ${needed}`,
    );
  }
  requireFiniteSamples(operation, samples);
  const offset = center ? Math.floor(frameLength / 2) : 0;
  const padded = samples.length + 2 * offset;
  if (samples.length === 0 || padded < frameLength) {
    throw parameterError(
      operation,
      `expected at least ${center ? 1 : frameLength} samples, got ${samples.length}`,
    );
  }
  return {
    sampleRate,
    fmin,
    fmax,
    frameLength,
    hop,
    offset,
    frames: 1 + Math.floor((padded - frameLength) / hop),
    minPeriod: Math.floor(sampleRate / fmax),
    maxPeriod: Math.min(Math.ceil(sampleRate / fmin), frameLength - 1),
  };
}

/** Copies samples start ... start + out.length - 1 into `out`, zeros where there are none. */
export function copyFrame(samples: PitchSamples, start: number, out: Float64Array): void {
  const from = Math.max(0, start);
  const to = Math.min(samples.length, start + out.length);
  if (to - from < out.length) out.fill(0);
  for (let i = from; i < to; i++) out[i - start] = samples[i]!;
}
