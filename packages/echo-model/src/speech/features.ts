// From samples to what the model reads: log-mel, f0 and silence on one clock.
// Shapes: N samples, M mel bands, T hops = 1 + floor(N / hopLength).
// Read next: collate.ts (a batch of them), feature-store.ts (which recordings, cached).
import {
  type FloatArray,
  melSpectrogram,
  type PitchTrack,
  silentFrames,
  toRowMajor,
  trackPitch,
} from "@echo-ts/audio";
import { DEFAULTS, type InputSettings } from "../settings/resolve.ts";
import type { AudioConfig } from "../settings/settings.ts";
import { requireAudible } from "./recording.ts";

/** What the model reads of one utterance. */
export interface UtteranceFeatures {
  /** Normalised log-mel, row-major [M, T]. */
  readonly mel: Float32Array;
  /** f0 in Hz per hop, 0 = unvoiced: [T]. */
  readonly f0: Float32Array;
  /** 1 where a hop is silent: [T]. */
  readonly silent: Uint8Array;
  /** T, the number of hops. */
  readonly frames: number;
  /** Samples [N], kept only when the model reads the waveform. */
  readonly samples?: Float32Array;
}

const POWER_FLOOR = 1e-10; // below this power counts as digital silence
const VOICED_CLARITY = 0.7; // share of a frame's energy that one period of delay explains (McLeod and Wyvill 2005)

/** Hops of a wave: 1 + floor(samples / hopLength). */
export function hopCount(samples: number, hopLength: number): number {
  return 1 + Math.floor(samples / hopLength);
}

/**
 * Log-mel, f0 and silence of a recording.
 *
 * @param wave - mono samples at `sampleRate`, [N], N >= 1.
 * @param input - what the model reads, of `inputOf`; the `audio` group alone will do for a spectrogram model.
 * @param f0 - [T] in Hz, when it is already known; tracked by default.
 * @returns mel [M, T], f0 [T], silent [T]; the samples too when `features` names the waveform.
 * @throws AudioError for an empty wave, DataError for samples that are NaN, infinite or beyond 2^31.
 * @example
 * extractFeatures(wave, inputOf(resolveConfig())).frames; // 1 + floor(wave.length / 160)
 */
export function extractFeatures(
  wave: Float32Array,
  input: AudioConfig & Partial<InputSettings>,
  f0?: Float32Array,
): UtteranceFeatures {
  const { features = DEFAULTS.model.features, silenceDecades = DEFAULTS.model.zeroKeys.silenceDecades } =
    input;
  requireAudible("extractFeatures", wave);
  const logMel = logMelOf(wave, input);
  const [bins, frames] = logMel.shape as [number, number];
  const silent = silentFrames(logMel, { decades: silenceDecades, scale: "log10" });
  const mel = toRowMajor(logMel);
  normalizeMel(mel, bins, frames, input.normalize);
  const track = fitted(f0 ?? trackF0(wave, input), frames);
  return { mel, f0: track, silent, frames, ...(features.includes("waveform") && { samples: wave }) };
}

/**
 * log10 of the mel power, floored at the maximum - floorDecades: [M, T]. Not audio's echoLogMel, which fixes the floor
 * at 8 decades and rounds the maximum to float32 before it is taken: that would change the last bits of the features.
 */
function logMelOf(wave: Float32Array, audio: AudioConfig): FloatArray {
  const mel = melSpectrogram(wave, {
    sampleRate: audio.sampleRate,
    fftSize: audio.fftSize,
    windowLength: audio.windowLength,
    hopLength: audio.hopLength,
    melBins: audio.melBins,
    fmin: audio.minFrequencyHz,
    fmax: audio.maxFrequencyHz,
    melScale: audio.melScale,
    melNorm: audio.melNorm,
  });
  const { data } = mel;
  let maximum = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < data.length; i++) {
    const value = Math.log10(Math.max(data[i]!, POWER_FLOOR));
    data[i] = value;
    if (value > maximum) maximum = value;
  }
  const floor = maximum - audio.floorDecades;
  for (let i = 0; i < data.length; i++) if (data[i]! < floor) data[i] = floor;
  return mel;
}

/**
 * Normalises log10-mel in place. "bands": each band's mean is subtracted, then all is divided by one standard
 * deviation; "scaled": (x + 4) / 4.
 */
function normalizeMel(mel: Float32Array, bins: number, frames: number, how: "bands" | "scaled"): void {
  if (how === "scaled") {
    for (let i = 0; i < mel.length; i++) mel[i] = (mel[i]! + 4) / 4;
    return;
  }
  let squares = 0;
  for (let m = 0; m < bins; m++) {
    const band = mel.subarray(m * frames, (m + 1) * frames);
    let mean = 0;
    for (let t = 0; t < frames; t++) mean += band[t]!;
    mean /= frames;
    for (let t = 0; t < frames; t++) {
      const centred = band[t]! - mean;
      band[t] = centred;
      squares += centred * centred;
    }
  }
  // A silent recording has no spread; it stays zero.
  const scale = 1 / Math.max(Math.sqrt(squares / mel.length), 1e-5);
  for (let i = 0; i < mel.length; i++) mel[i] = mel[i]! * scale;
}

/**
 * Pitch by the configured method: f0 in Hz per hop (0 where unvoiced), voicing and periodicity, each [T].
 * YIN decides no voicing itself: a frame counts as voiced when one period of delay explains 70 % of its energy.
 *
 * @param wave - mono samples at `audio.sampleRate`, [N].
 * @throws DataError for samples that are NaN, infinite or beyond 2^31.
 */
export function trackRecording(wave: Float32Array, audio: AudioConfig): PitchTrack {
  requireAudible("trackRecording", wave);
  const { sampleRate, hopLength, pitch } = audio;
  const { minHz: fmin, maxHz: fmax, frameLength } = pitch;
  const method = pitch.method;
  const options = { sampleRate, hopLength, fmin, fmax, method };
  if (method !== "yin")
    return trackPitch(wave, method === "nac" ? { ...options, highPass: fmin } : { ...options, frameLength });
  const track = trackPitch(wave, { ...options, frameLength });
  const { f0, voiced, periodicity } = track;
  for (let t = 0; t < f0.length; t++) {
    const period = Math.round(sampleRate / f0[t]!);
    const start = t * hopLength - Math.floor(frameLength / 2);
    periodicity[t] = clarity(wave, start, start + frameLength, period);
    if (periodicity[t]! >= VOICED_CLARITY) continue;
    f0[t] = 0;
    voiced[t] = 0;
  }
  return track;
}

/** The f0 of {@link trackRecording} alone: [T]. */
export function trackF0(wave: Float32Array, audio: AudioConfig): Float32Array {
  return trackRecording(wave, audio).f0;
}

/** Normalised square difference of a stretch with itself one period later: 1 = periodic, 0 = noise or silence. */
function clarity(wave: Float32Array, from: number, to: number, period: number): number {
  let product = 0;
  let energy = 0;
  const end = Math.min(to, wave.length) - period;
  for (let i = Math.max(from, 0); i < end; i++) {
    const a = wave[i]!;
    const b = wave[i + period]!;
    product += a * b;
    energy += a * a + b * b;
  }
  return energy > 1e-9 ? (2 * product) / energy : 0;
}

/** The track cut or padded with 0 to `frames` values. */
function fitted(track: Float32Array, frames: number): Float32Array {
  if (track.length === frames) return track;
  const out = new Float32Array(frames);
  out.set(track.subarray(0, frames));
  return out;
}
