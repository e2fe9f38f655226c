// The two log-mel inputs of speech models, exactly: the Echo reference's and Whisper's. Both end in
// log10, a floor 8 (80 dB) below the loudest value of the utterance, and a shift to about -1 ... 1.
import { parameterError } from "./errors.ts";
import type { FloatArray } from "./float-array.ts";
import { MEL_SPECTROGRAM_KEYS, type MelSpectrogramOptions, MelTransform, melFrames } from "./mel.ts";
import { checkOptions, type OptionKeys, requireBoolean, withDefaults } from "./options.ts";
import { monoOf, type Signal } from "./signal.ts";
import { columnsView } from "./stft.ts";
import { warnOnce } from "./warn.ts";

/** The Echo reference's settings at 16 kHz: 64 ms frames every 8 ms, 128 HTK triangles from 150 to 2000 Hz. */
export const ECHO_LOG_MEL: Readonly<MelSpectrogramOptions> = {
  sampleRate: 16000,
  fftSize: 1024, // 64 ms
  hopLength: 128, // 8 ms
  window: "hann",
  center: true,
  padMode: "constant",
  power: 2,
  melBins: 128,
  fmin: 150, // Hz
  fmax: 2000, // Hz
  melScale: "htk",
  melNorm: "none",
};

/** Whisper's settings at 16 kHz: 25 ms frames every 10 ms, 80 (large-v3: 128) Slaney triangles up to 8 kHz. */
export const WHISPER_LOG_MEL: Readonly<MelSpectrogramOptions> = {
  sampleRate: 16000,
  fftSize: 400, // 25 ms
  hopLength: 160, // 10 ms
  window: "hann",
  center: true,
  padMode: "reflect",
  power: 2,
  melBins: 80,
  fmin: 0,
  fmax: 8000, // Hz
  melScale: "slaney",
  melNorm: "slaney",
};

/** Samples of the 30 s that Whisper always sees. */
export const WHISPER_SAMPLES: number = 30 * 16000;

/** log10 of the power range kept: 8 = 80 dB. */
const LOG_RANGE = 8;

/**
 * The Echo reference's log-mel: mel power, at least 1e-10, log10, at least (maximum - 8), (x + 4) / 4.
 *
 * @param signal [samples] (16 kHz unless `sampleRate` says otherwise); the maximum is that of the whole signal
 * @param options any of `MelSpectrogramOptions`; the default is `ECHO_LOG_MEL`
 * @returns shape [melBins, 1 + floor(samples / 128)]
 * @throws AudioError (`parameter`) as `melSpectrogram`
 *
 * Matches the Echo reference's data pipeline (torchaudio MelSpectrogram and its normalisation).
 */
export function echoLogMel(signal: Signal, options: Partial<MelSpectrogramOptions> = {}): FloatArray {
  checkOptions("echoLogMel", options, MEL_SPECTROGRAM_KEYS);
  return logMel("echoLogMel", signal, withDefaults(ECHO_LOG_MEL, options));
}

/** Options of `whisperLogMel`. */
export interface WhisperOptions {
  /** Mel bands: 80, or 128 for large-v3. Default 80. */
  readonly melBins?: number;
  /**
   * true (default): zeros up to 30 s, or a cut there, as the models need (a cut is said, see `onWarning`); false: the
   * signal as it is.
   */
  readonly padOrTrim?: boolean;
}

const WHISPER_KEYS: OptionKeys<WhisperOptions> = { melBins: true, padOrTrim: true };

/**
 * Whisper's log-mel of a 16 kHz signal. The last STFT frame is dropped, as OpenAI's code does.
 *
 * @param signal [samples] at 16 kHz; what lies beyond 30 s is for `whisperLogMelWindows`
 * @returns shape [melBins, 3000], or [melBins, floor(samples / 160)] with `padOrTrim: false`
 * @throws AudioError (`parameter`) for an empty signal without padding
 *
 * Matches transformers' WhisperFeatureExtractor and openai/whisper's log_mel_spectrogram.
 *
 * @example
 * whisperLogMel(new Float32Array(16000)).shape; // [80, 3000]
 */
export function whisperLogMel(signal: Signal, options: WhisperOptions = {}): FloatArray {
  checkOptions("whisperLogMel", options, WHISPER_KEYS);
  const samples = monoOf("whisperLogMel", signal);
  const whole = requireBoolean("whisperLogMel", "padOrTrim", options.padOrTrim ?? true);
  if (!whole && samples.length < WHISPER_LOG_MEL.hopLength!) {
    throw parameterError(
      "whisperLogMel",
      `needs at least 160 samples without padding, got ${samples.length}`,
    );
  }
  if (whole && samples.length > WHISPER_SAMPLES) {
    const remedy = "whisperLogMelWindows takes all of it, padOrTrim: false makes one long spectrogram";
    warnOnce(`whisperLogMel: a signal longer than 30 s was cut there; ${remedy}`);
  }
  const input = whole ? padOrTrim(samples, 0) : samples;
  return logMel("whisperLogMel", input, { ...WHISPER_LOG_MEL, melBins: options.melBins ?? 80 }, true);
}

/** One window of `whisperLogMelWindows`. */
export interface WhisperWindow {
  /** Where the window begins, seconds. */
  readonly start: number;
  /** Log-mel of 30 s, the last window padded with zeros: shape [melBins, 3000]. */
  readonly features: FloatArray;
}

/**
 * Whisper's log-mel of a signal of any length, in windows of 30 s, as the models take long audio. Each window is
 * normalised by its own maximum and equals `whisperLogMel` of its samples.
 *
 * @param signal [samples] at 16 kHz
 * @param options `melBins` as `whisperLogMel`; `hopSeconds` from window to window, > 0 and at most 30, default 30
 * @returns windows in order, computed one at a time; one window for a signal of up to 30 s
 * @throws AudioError (`parameter`) for bad options
 *
 * @example
 * for (const { start, features } of whisperLogMelWindows(signal)) transcribe(features, start);
 */
export function* whisperLogMelWindows(
  signal: Signal,
  options: { readonly melBins?: number; readonly hopSeconds?: number } = {},
): Generator<WhisperWindow, void, undefined> {
  checkOptions("whisperLogMelWindows", options, { melBins: true, hopSeconds: true });
  const samples = monoOf("whisperLogMelWindows", signal);
  const { melBins = 80, hopSeconds = 30 } = options;
  const hop = Math.round(hopSeconds * 16000);
  if (!(hop >= 1 && hop <= WHISPER_SAMPLES)) {
    throw parameterError("whisperLogMelWindows", `hopSeconds must be > 0 and <= 30, got ${hopSeconds}`);
  }
  for (let at = 0; at === 0 || at + WHISPER_SAMPLES - hop < samples.length; at += hop) {
    const window = { ...WHISPER_LOG_MEL, melBins };
    const features = logMel("whisperLogMelWindows", padOrTrim(samples, at), window, true);
    yield { start: at / 16000, features };
  }
}

/** The 30 s from sample `from` on, zeros behind the end. */
function padOrTrim(samples: Float32Array, from: number): Float32Array {
  const out = new Float32Array(WHISPER_SAMPLES);
  out.set(samples.subarray(from, from + WHISPER_SAMPLES));
  return out;
}

/** Log-mel with the shared ending; `dropLast` leaves the last frame out, of the maximum too. */
function logMel(
  operation: string,
  signal: Signal,
  options: MelSpectrogramOptions,
  dropLast = false,
): FloatArray {
  const mel = new MelTransform(operation, options);
  const logs = melFrames(operation, signal, mel, "log10");
  const [bins, frames] = logs.shape as [number, number];
  if (!dropLast) {
    normaliseLogMel(logs.data);
    return logs;
  }
  const kept = logs.data.subarray(0, bins * (frames - 1));
  normaliseLogMel(kept);
  return columnsView(kept, bins);
}

/** In place: x = (max(x, maximum - 8) + 4) / 4. */
function normaliseLogMel(logs: Float32Array): void {
  let max = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < logs.length; i++) if (logs[i]! > max) max = logs[i]!;
  const floor = max - LOG_RANGE;
  for (let i = 0; i < logs.length; i++) {
    const value = logs[i]!;
    // NaN is not below the floor and stays.
    logs[i] = (Math.max(value, floor) + 4) / 4;
  }
}
