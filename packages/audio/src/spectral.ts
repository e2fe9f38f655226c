// One number per frame: centroid, roll-off and flatness of a spectrum; level and zero crossings of a signal.
import { toRowMajor } from "./array.ts";
import { fftFrequencies } from "./convert.ts";
import { parameterError } from "./errors.ts";
import type { FloatView } from "./float-array.ts";
import { frameCount, type PadMode, padSamples } from "./frame.ts";
import { checkOptions, type OptionKeys, requireBoolean } from "./options.ts";
import { matrixOf, monoOf, type Signal } from "./signal.ts";

/** What the frequency of a bin depends on: the rate, and the transform size if it was odd. */
export interface SpectralOptions {
  /** Samples per second of the signal. */
  readonly sampleRate: number;
  /** Samples per transform. Default 2 (bins - 1). */
  readonly fftSize?: number;
}

const SPECTRAL_KEYS: OptionKeys<SpectralOptions> = { sampleRate: true, fftSize: true };

/** Rows of [frames][bins] and the bin frequencies of a magnitude spectrogram. */
function framesOf(operation: string, magnitude: FloatView, options?: SpectralOptions) {
  const matrix = matrixOf(operation, "a spectrogram", "[bins, frames]", magnitude);
  const [bins, frames] = matrix.shape as [number, number];
  const values = toRowMajor(matrix.transpose(1, 0));
  const fftSize = options?.fftSize ?? 2 * (bins - 1);
  const hz = options ? fftFrequencies(options.sampleRate, Math.max(1, fftSize)) : new Float64Array(bins);
  if (hz.length !== bins)
    throw parameterError(operation, `fftSize ${fftSize} has ${hz.length} bins, got ${bins}`);
  const rows = Array.from({ length: frames }, (_, f) => values.subarray(f * bins, (f + 1) * bins));
  return { rows, hz };
}

/**
 * Centre of mass of each spectrum in Hz; 0 for a frame of zeros, NaN for one with NaN.
 *
 * @param magnitude shape [bins, frames], values >= 0 (`spectrogram` with power 1)
 * @returns Float32Array of shape [frames]
 * @throws AudioError (`parameter`) for another shape
 *
 * Matches librosa.feature.spectral_centroid.
 */
export function spectralCentroid(magnitude: FloatView, options: SpectralOptions): Float32Array {
  checkOptions("spectralCentroid", options, SPECTRAL_KEYS);
  const { rows, hz } = framesOf("spectralCentroid", magnitude, options);
  return Float32Array.from(rows, (row) => {
    let sum = 0;
    let moment = 0;
    for (let k = 0; k < row.length; k++) {
      sum += row[k]!;
      moment += row[k]! * hz[k]!;
    }
    return sum === 0 ? 0 : moment / sum;
  });
}

/**
 * Frequency in Hz below which a share of the magnitude lies: the first bin whose running sum reaches it.
 *
 * @param share 0 < share < 1, default 0.85
 * @returns Float32Array of shape [frames]
 * @throws AudioError (`parameter`) for another shape or share
 *
 * Matches librosa.feature.spectral_rolloff (roll_percent).
 */
export function spectralRolloff(magnitude: FloatView, options: SpectralOptions, share = 0.85): Float32Array {
  if (!(share > 0 && share < 1))
    throw parameterError("spectralRolloff", `share must be in (0, 1), got ${share}`);
  checkOptions("spectralRolloff", options, SPECTRAL_KEYS);
  const { rows, hz } = framesOf("spectralRolloff", magnitude, options);
  return Float32Array.from(rows, (row) => {
    const threshold = share * row.reduce((sum, x) => sum + x, 0);
    if (Number.isNaN(threshold)) return threshold;
    let sum = 0;
    for (let k = 0; k < row.length; k++) {
      sum += row[k]!;
      if (sum >= threshold) return hz[k]!;
    }
    return hz[row.length - 1]!;
  });
}

/**
 * Geometric over arithmetic mean of each power spectrum: 1 for white noise, near 0 for a tone.
 *
 * @param power exponent applied to the magnitudes, default 2
 * @param floor smallest power counted, > 0, default 1e-10
 * @returns Float32Array of shape [frames]
 * @throws AudioError (`parameter`) for another shape or floor
 *
 * Matches librosa.feature.spectral_flatness.
 */
export function spectralFlatness(magnitude: FloatView, power = 2, floor = 1e-10): Float32Array {
  if (!(floor > 0)) throw parameterError("spectralFlatness", `floor must be > 0, got ${floor}`);
  const { rows } = framesOf("spectralFlatness", magnitude);
  return Float32Array.from(rows, (row) => {
    let logs = 0;
    let sum = 0;
    for (const value of row) {
      const raised = Math.max(floor, value ** power);
      logs += Math.log(raised);
      sum += raised;
    }
    return Math.exp(logs / row.length) / (sum / row.length);
  });
}

/** How a signal is cut for `rms` and `zeroCrossingRate`; librosa's defaults. */
export interface FrameOptions {
  /** Samples per frame. Default 2048. */
  readonly frameLength?: number;
  /** Samples from frame to frame. Default 512. */
  readonly hopLength?: number;
  /** Frame t centred on sample t * hopLength (default) or starting there. */
  readonly center?: boolean;
}

const FRAME_KEYS: OptionKeys<FrameOptions> = { frameLength: true, hopLength: true, center: true };

function eachSignalFrame(
  operation: string,
  signal: Signal,
  options: FrameOptions,
  mode: PadMode,
  measure: (padded: Float32Array, start: number, length: number) => number,
): Float32Array {
  checkOptions(operation, options, FRAME_KEYS);
  const { frameLength = 2048, hopLength = 512, center = true } = options;
  const samples = monoOf(operation, signal);
  if (samples.length === 0) throw parameterError(operation, "the signal is empty");
  const half = requireBoolean(operation, "center", center) ? Math.floor(frameLength / 2) : 0;
  const padded = padSamples(operation, samples, half, half, mode);
  const frames = frameCount(operation, padded.length, frameLength, hopLength);
  return Float32Array.from({ length: frames }, (_, f) => measure(padded, f * hopLength, frameLength));
}

/**
 * Root mean square of each frame.
 *
 * @param signal [samples]
 * @returns Float32Array of shape [frames]
 * @throws AudioError (`parameter`) for an empty signal or bad lengths
 *
 * Matches librosa.feature.rms (y=..., zero padding).
 */
export function rms(signal: Signal, options: FrameOptions = {}): Float32Array {
  return eachSignalFrame("rms", signal, options, "constant", (padded, start, length) => {
    let sum = 0;
    for (let i = start; i < start + length; i++) sum += padded[i]! * padded[i]!;
    return Math.sqrt(sum / length);
  });
}

/**
 * Share of neighbouring samples in each frame that differ in sign; |x| <= 1e-10 counts as positive. NaN for a
 * frame with NaN.
 *
 * @returns Float32Array of shape [frames], 0 ... 1
 * @throws AudioError (`parameter`) for an empty signal or bad lengths
 *
 * Matches librosa.feature.zero_crossing_rate (edge padding).
 */
export function zeroCrossingRate(signal: Signal, options: FrameOptions = {}): Float32Array {
  return eachSignalFrame("zeroCrossingRate", signal, options, "edge", (padded, start, length) => {
    let crossings = 0;
    for (let i = start + 1; i < start + length; i++) {
      if (padded[i]! < -1e-10 !== padded[i - 1]! < -1e-10) crossings++;
    }
    for (let i = start; i < start + length; i++) if (Number.isNaN(padded[i])) return Number.NaN;
    return crossings / length;
  });
}
