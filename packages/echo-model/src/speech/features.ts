// From samples to what the model reads: log-mel, f0 and silence on one clock. The only file that knows
// @echo-ts/audio. Shapes: N samples, M mel bands, T hops = 1 + floor(N / hopLength).
// Read next: features/feature-store.ts (which recordings, cached), features/augment.ts.
import {
  decodeAudio,
  decodePcm,
  melSpectrogram,
  type PitchTrack,
  resample,
  toMono,
  trackPitch,
  voiceActivity,
} from "@echo-ts/audio";
import { isSphere, readSphere } from "../data/sphere.ts";
import { DataError } from "../errors.ts";
import type { EchoConfig } from "../settings/fields.ts";

/** Settings of the `audio` group. */
export type AudioConfig = EchoConfig["audio"];

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

/** Settings of {@link extractFeatures} beside the `audio` group. */
export interface ExtractOptions {
  /** A hop is silent when its mean log10-mel lies this far below the loudest, default 3. */
  readonly silenceDecades?: number;
  /** f0 [T], when it is already known; tracked otherwise. */
  readonly f0?: Float32Array;
  /** Keep the samples, default false. */
  readonly keepSamples?: boolean;
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
 * @param wave - mono samples at `audio.sampleRate`, [N], N >= 1.
 * @param audio - settings of the `audio` group.
 * @returns mel [M, T], f0 [T], silent [T].
 * @throws AudioError for an empty wave or samples that are not finite.
 * @example
 * extractFeatures(wave, resolveConfig().audio).frames; // 1 + floor(wave.length / 160)
 */
export function extractFeatures(
  wave: Float32Array,
  audio: AudioConfig,
  options: ExtractOptions = {},
): UtteranceFeatures {
  const { silenceDecades = 3, keepSamples = false } = options;
  const { mel, frames } = logMel(wave, audio);
  const silent = silentHops(mel, audio.melBins, frames, silenceDecades);
  normalizeMel(mel, audio.melBins, frames, audio.normalize);
  const f0 = options.f0 ?? trackF0(wave, audio);
  return { mel, f0: fitted(f0, frames), silent, frames, ...(keepSamples && { samples: wave }) };
}

/** log10 of the mel power, floored at the maximum - floorDecades: row-major [M, T]. */
function logMel(wave: Float32Array, audio: AudioConfig): { mel: Float32Array; frames: number } {
  const power = melSpectrogram(wave, {
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
  const [bins, frames] = power.shape as [number, number];
  const { data, offset, stride } = power;
  const mel = new Float32Array(bins * frames);
  let maximum = Number.NEGATIVE_INFINITY;
  for (let m = 0; m < bins; m++) {
    for (let t = 0; t < frames; t++) {
      const value = Math.log10(Math.max(data[offset + m * stride[0]! + t * stride[1]!]!, POWER_FLOOR));
      mel[m * frames + t] = value;
      if (value > maximum) maximum = value;
    }
  }
  const floor = maximum - audio.floorDecades;
  for (let i = 0; i < mel.length; i++) if (mel[i]! < floor) mel[i] = floor;
  return { mel, frames };
}

/** Hops whose mean log10-mel lies more than `decades` below the loudest hop's, and digital silence. */
function silentHops(mel: Float32Array, bins: number, frames: number, decades: number): Uint8Array {
  const means = new Float64Array(frames);
  for (let m = 0; m < bins; m++)
    for (let t = 0; t < frames; t++) means[t] = means[t]! + mel[m * frames + t]! / bins;
  const loudest = means.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  const digital = Math.log10(POWER_FLOOR) + 1e-3;
  return Uint8Array.from(means, (mean) => (mean < loudest - decades || mean <= digital ? 1 : 0));
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
 */
export function trackRecording(wave: Float32Array, audio: AudioConfig): PitchTrack {
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

/**
 * Decodes a recording to one channel at a sample rate.
 *
 * @param bytes - the file. @param file - its name, for messages. @param sampleRate - Hz.
 * @throws DataError naming the file when it cannot be decoded, is empty, or holds samples that are not finite.
 */
export async function decodeRecording(
  bytes: Uint8Array,
  file: string,
  sampleRate: number,
): Promise<Float32Array> {
  try {
    const wave = isSphere(bytes)
      ? decodeSphere(bytes, file, sampleRate)
      : await decode(bytes, file, sampleRate);
    if (wave.length === 0) throw new Error(`${file}: no samples`);
    return wave;
  } catch (cause) {
    throw new DataError(cause instanceof Error ? cause.message : String(cause), { cause });
  }
}

async function decode(bytes: Uint8Array, file: string, sampleRate: number): Promise<Float32Array> {
  const { channels } = await decodeAudio(bytes, { file, mono: true, sampleRate, nonFinite: "refuse" });
  return channels[0]!;
}

function decodeSphere(bytes: Uint8Array, file: string, sampleRate: number): Float32Array {
  const { start, end, ...layout } = readSphere(bytes, file);
  const wave = toMono(decodePcm(bytes.subarray(start, end), layout).channels);
  return layout.sampleRate === sampleRate ? wave : resample(wave, layout.sampleRate, sampleRate);
}

/**
 * Plays a wave faster (factor > 1) or slower; pitch and formants move with it, by the same factor.
 * @returns ceil(N / factor) samples. @example changeSpeed(wave, 1.1)
 */
export function changeSpeed(wave: Float32Array, factor: number): Float32Array {
  return factor === 1 ? wave : resample(wave, Math.round(factor * 1000), 1000, { method: "fast" });
}

/** The f0 track of {@link changeSpeed}'s result, [frames], without tracking it again. */
export function changeSpeedOfF0(f0: Float32Array, factor: number, frames: number): Float32Array {
  return Float32Array.from({ length: frames }, (_, t) => {
    return (f0[Math.min(Math.round(t * factor), f0.length - 1)] ?? 0) * factor;
  });
}

/** A stretch of a recording, in samples. */
export interface Stretch {
  readonly start: number;
  readonly end: number;
}

/**
 * Cuts a long recording at its pauses into stretches of at most `maxSeconds`.
 * @returns stretches in order; without any speech the whole is one (or several, when it is too long).
 */
export function cutAtPauses(wave: Float32Array, sampleRate: number, maxSeconds: number): Stretch[] {
  const limit = Math.floor(maxSeconds * sampleRate);
  if (wave.length <= limit) return [{ start: 0, end: wave.length }];
  const { segments } = voiceActivity(wave, { sampleRate });
  const pauses = segments
    .slice(1)
    .map(({ start }, i) => Math.round(((segments[i]!.end + start) / 2) * sampleRate));
  const stretches: Stretch[] = [];
  let start = 0;
  while (wave.length - start > limit) {
    // The last pause that fits, or a cut through speech where nobody paused for so long.
    const end = pauses.findLast((pause) => pause > start && pause - start <= limit) ?? start + limit;
    stretches.push({ start, end });
    start = end;
  }
  return [...stretches, { start, end: wave.length }];
}

/** The track cut or padded with 0 to `frames` values. */
function fitted(track: Float32Array, frames: number): Float32Array {
  if (track.length === frames) return track;
  const out = new Float32Array(frames);
  out.set(track.subarray(0, frames));
  return out;
}
