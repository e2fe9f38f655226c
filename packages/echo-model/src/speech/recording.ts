// Recordings before anything is computed from them: decoded to one channel, played faster or slower, cut at pauses.
// Shapes: N samples, T hops. Read next: features.ts.
import { decodeAudio, decodePcm, resample, toMono, voiceActivity } from "@echo-ts/audio";
import { isSphere, readSphere } from "../data/sphere.ts";
import { DataError } from "../errors.ts";

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
