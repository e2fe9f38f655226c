// Which frames are silent, for zero-value processing in a model, and which hold speech.
import { toRowMajor } from "./array.ts";
import { AudioError, parameterError, requirePositive } from "./errors.ts";
import type { FloatView } from "./float-array.ts";
import { checkOptions, type OptionKeys, requireOneOf } from "./options.ts";
import { describeNonFinite } from "./samples.ts";
import { matrixOf, monoOf, type Signal } from "./signal.ts";
import { rms } from "./spectral.ts";

/** Options of `silentFrames`. */
export interface SilentFramesOptions {
  /** A frame is silent when its mean lies more than this many powers of ten below the loudest. Default 3 (30 dB). */
  readonly decades?: number;
  /**
   * What the features hold: "preset" (default), the output of `echoLogMel` or `whisperLogMel`;
   * "log10" of power; "db", 10 log10 of power.
   */
  readonly scale?: "preset" | "log10" | "db";
}

const SILENT_KEYS: OptionKeys<SilentFramesOptions> = { decades: true, scale: true };

/** Mean log10 power at or below this is digital silence: the presets clamp power at 1e-10. */
const DIGITAL_SILENCE = -9.999;

/**
 * Marks the silent frames of log-mel features: mean log10-mel more than `decades` below that of the loudest
 * frame, or digital silence.
 *
 * @param logMel shape [melBins, frames]
 * @returns Uint8Array of shape [frames], 1 = silent
 * @throws AudioError (`parameter`) for another shape or decades <= 0
 *
 * The definition of the corrected Echo model's zero keys.
 *
 * @example
 * const mask = silentFrames(echoLogMel(signal)); // 1 where the model may lower the key
 */
export function silentFrames(logMel: FloatView, options: SilentFramesOptions = {}): Uint8Array {
  checkOptions("silentFrames", options, SILENT_KEYS);
  const { decades = 3, scale = "preset" } = options;
  requirePositive("silentFrames", "decades", decades);
  requireOneOf("silentFrames", "scale", scale, ["preset", "log10", "db"]);
  const matrix = matrixOf("silentFrames", "features", "[melBins, frames]", logMel);
  const [bins, frames] = matrix.shape as [number, number];
  const values = toRowMajor(matrix.transpose(1, 0));
  const means = Float64Array.from({ length: frames }, (_, f) => {
    let sum = 0;
    for (let k = 0; k < bins; k++) sum += values[f * bins + k]!;
    const mean = sum / bins;
    return scale === "preset" ? 4 * mean - 4 : scale === "db" ? mean / 10 : mean;
  });
  // A frame of NaN is not silent, and doesn't hide the loudest of the others.
  const loudest = means
    .filter((mean) => !Number.isNaN(mean))
    .reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  return Uint8Array.from(means, (mean) => (mean < loudest - decades || mean <= DIGITAL_SILENCE ? 1 : 0));
}

/** Options of `voiceActivity`. */
export interface VoiceActivityOptions {
  /** Samples per second. */
  readonly sampleRate: number;
  /** Seconds from frame to frame. Default 0.01. */
  readonly hopSeconds?: number;
  /** Seconds per frame. Default 0.025. */
  readonly frameSeconds?: number;
  /** dB above the noise floor from which a frame counts as speech. Default 6. */
  readonly marginDb?: number;
  /** dB below the speech level beyond which nothing counts as speech, however quiet the floor. Default 35. */
  readonly rangeDb?: number;
  /** Level in dB full scale below which nothing counts as speech. Default -70. */
  readonly lowestDb?: number;
  /** Gaps shorter than this many seconds are filled. Default 0.15. */
  readonly minGapSeconds?: number;
  /** Stretches shorter than this many seconds are dropped. Default 0.05. */
  readonly minSpeechSeconds?: number;
}

const ACTIVITY_KEYS: OptionKeys<VoiceActivityOptions> = {
  sampleRate: true,
  hopSeconds: true,
  frameSeconds: true,
  marginDb: true,
  rangeDb: true,
  lowestDb: true,
  minGapSeconds: true,
  minSpeechSeconds: true,
};

/** The result of `voiceActivity`. */
export interface VoiceActivity {
  /** 1 where there is speech, shape [frames]; frame t is centred on t * hopSeconds. */
  readonly speech: Uint8Array;
  /** Level of each frame in dB full scale, -120 at least, shape [frames]. */
  readonly levelDb: Float32Array;
  /** The decision threshold in dB full scale. */
  readonly thresholdDb: number;
  /** Stretches of speech in seconds, in order. */
  readonly segments: readonly { readonly start: number; readonly end: number }[];
}

/**
 * Finds speech by its level: the noise floor is the 10th percentile of the frame levels, the speech level the
 * 95th; the threshold lies `marginDb` above the floor, within 6 ... rangeDb below the speech level. Short gaps are
 * filled, short bursts dropped. Steady noise louder than speech is beyond it.
 *
 * @param signal [samples]
 * @throws AudioError (`parameter`) for an empty signal or bad options, (`nonfinite`) for NaN or infinite samples
 *
 * @example
 * const { segments } = voiceActivity(signal, { sampleRate: 16000 }); // [{ start: 0.31, end: 1.42 }, ...]
 */
export function voiceActivity(signal: Signal, options: VoiceActivityOptions): VoiceActivity {
  checkOptions("voiceActivity", options, ACTIVITY_KEYS);
  const { hopSeconds = 0.01, frameSeconds = 0.025, marginDb = 6, rangeDb = 35, lowestDb = -70 } = options;
  const { minGapSeconds = 0.15, minSpeechSeconds = 0.05 } = options;
  const sampleRate = requirePositive("voiceActivity", "sampleRate", options.sampleRate);
  requirePositive("voiceActivity", "hopSeconds", hopSeconds);
  requirePositive("voiceActivity", "frameSeconds", frameSeconds);
  const samples = monoOf("voiceActivity", signal);
  if (samples.length === 0) throw parameterError("voiceActivity", "the signal is empty");
  const bad = describeNonFinite([samples]);
  if (bad) throw new AudioError(`voiceActivity: ${bad}`, { reason: "nonfinite" });
  const hopLength = Math.max(1, Math.round(hopSeconds * sampleRate));
  const frameLength = Math.max(1, Math.round(frameSeconds * sampleRate));
  const levelDb = rms(samples, { frameLength, hopLength }).map((x) => 20 * Math.log10(Math.max(1e-6, x)));
  const sorted = levelDb.slice().sort();
  const percentile = (share: number) => sorted[Math.floor(share * (sorted.length - 1))]!;
  const peak = percentile(0.95);
  const aboveFloor = Math.min(percentile(0.1) + marginDb, peak - 6);
  const thresholdDb = Math.max(aboveFloor, peak - rangeDb, lowestDb);
  const speech = Uint8Array.from(levelDb, (level) => (level > thresholdDb ? 1 : 0));
  const step = hopLength / sampleRate;
  flipShortRuns(speech, 0, minGapSeconds / step);
  flipShortRuns(speech, 1, minSpeechSeconds / step);
  const segments: { start: number; end: number }[] = [];
  for (const run of runsOf(speech)) {
    if (run.value === 1) segments.push({ start: run.start * step, end: run.end * step });
  }
  return { speech, levelDb, thresholdDb, segments };
}

function* runsOf(mask: Uint8Array): Generator<{ value: number; start: number; end: number }> {
  for (let start = 0; start < mask.length; ) {
    let end = start + 1;
    while (end < mask.length && mask[end] === mask[start]) end++;
    yield { value: mask[start]!, start, end };
    start = end;
  }
}

/** Inverts runs of `value` shorter than `frames`; gaps at the ends are left, they are no gaps within speech. */
function flipShortRuns(mask: Uint8Array, value: 0 | 1, frames: number): void {
  for (const { value: found, start, end } of [...runsOf(mask)]) {
    const atEdge = start === 0 || end === mask.length;
    if (found !== value || end - start >= frames || (value === 0 && atEdge)) continue;
    mask.fill(1 - value, start, end);
  }
}
