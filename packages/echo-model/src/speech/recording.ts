// Recordings before anything is computed from them: decoded to one channel, played faster or slower.
// Shapes: N samples, T hops. Read next: features.ts.
import { decodeAudio, decodePcm, resample, toMono } from "@echo-ts/audio";
import { isUnknownLength } from "../data/audio-header.ts";
import { isSphere, readSphere } from "../data/sphere.ts";
import { DataError } from "../errors.ts";

/** A recording that can be decoded, but not whole: the decoder had to leave something out or make something up. */
export class DamagedAudioError extends DataError {}

/** Samples that a recording may unpack to where nothing else is said: 2 GiB of float32. */
const MOST_SAMPLES = 2 ** 29;
/** Rates further apart are a forged header, which asks for gigabytes of samples. */
const MOST_RATIO = 256;

/** What the audio package says of a WAV whose size is wrong; see `isUnknownLength` for those that are sound. */
const CLAIMED = /^the data chunk claims (\d+) bytes/;

/** Takes one sentence about what is damaged in a recording; it does not name the file. */
export type OnWarning = (warning: string) => void;

/**
 * Decodes a recording to one channel at a sample rate.
 *
 * @param bytes - the file. @param file - its name, for messages. @param sampleRate - Hz.
 * @param onWarning - is told what the file lacks (cut off, checksums that fail, fewer samples than its header claims);
 *   default: nobody is, and what is left of the recording is returned all the same. `refuseDamaged` makes one
 *   that throws.
 * @param maximumSamples - most samples over all channels that the file may unpack to, also at the new rate; default
 *   2^29 (2 GiB).
 * @returns [N] samples.
 * @throws DataError naming the file when it cannot be decoded, is empty, or holds samples that are no audio: NaN,
 *   infinite, or beyond 2^31. The first of them is named.
 * @example
 * const wave = await decodeRecording(bytes, "a.flac", 16000, (warning) => console.warn(`a.flac: ${warning}`));
 */
export async function decodeRecording(
  bytes: Uint8Array,
  file: string,
  sampleRate: number,
  onWarning: OnWarning = () => {},
  maximumSamples: number = MOST_SAMPLES,
): Promise<Float32Array> {
  try {
    const { wave, warnings } = isSphere(bytes)
      ? decodeSphere(bytes, file, sampleRate, maximumSamples)
      : await decode(bytes, file, sampleRate, maximumSamples);
    if (wave.length === 0) throw new Error(`${file}: no samples`);
    for (const warning of warnings) {
      const claimed = CLAIMED.exec(warning)?.[1];
      if (claimed === undefined || !isUnknownLength(Number(claimed))) onWarning(warning);
    }
    return wave;
  } catch (cause) {
    if (cause instanceof DataError) throw cause;
    throw new DataError(cause instanceof Error ? cause.message : String(cause), { cause });
  }
}

/** {@link decodeRecording}, or one that also bounds time and memory: `limitedDecoder` of the Node entry. */
export type RecordingDecoder = (
  bytes: Uint8Array,
  file: string,
  sampleRate: number,
  onWarning?: OnWarning,
) => Promise<Float32Array>;

/** For {@link decodeRecording}: a recording that is damaged is an error. Trainings and scores take none in part. */
export function refuseDamaged(file: string): OnWarning {
  return (warning) => {
    throw new DamagedAudioError(`${file}: damaged: ${warning}`);
  };
}

interface Decoded {
  readonly wave: Float32Array;
  readonly warnings: readonly string[];
}

async function decode(
  bytes: Uint8Array,
  file: string,
  sampleRate: number,
  maximumSamples: number,
): Promise<Decoded> {
  const options = { file, mono: true, sampleRate, nonFinite: "refuse", maximumSamples } as const;
  const { channels, warnings } = await decodeAudio(bytes, options);
  return { wave: channels[0]!, warnings };
}

function decodeSphere(bytes: Uint8Array, file: string, sampleRate: number, maximumSamples: number): Decoded {
  const { start, end, missing, ...layout } = readSphere(bytes, file);
  // As decodeAudio does for the formats that it reads.
  const ratio = sampleRate / layout.sampleRate;
  if (ratio > MOST_RATIO || ratio < 1 / MOST_RATIO)
    throw new DataError(
      `${file}: the file claims ${layout.sampleRate} Hz, expected a rate within a factor of ${MOST_RATIO} of ${sampleRate} Hz`,
    );
  const samples = (end - start) / (layout.encoding === "int16" ? 2 : 1);
  if (Math.max(samples, (samples / layout.channels) * ratio) > maximumSamples)
    throw new DataError(`${file}: the file unpacks to more than ${maximumSamples} samples`);
  const { channels, warnings } = decodePcm(bytes.subarray(start, end), layout);
  const mono = toMono(channels);
  const wave = layout.sampleRate === sampleRate ? mono : resample(mono, layout.sampleRate, sampleRate);
  if (missing === 0) return { wave, warnings };
  return { wave, warnings: [`it ends ${missing} bytes before the samples that its header claims`] };
}

/** Beyond this no scale of samples reaches; the audio package refuses the same in files. */
const LARGEST_SAMPLE = 2 ** 31;

/**
 * Refuses samples that are no audio, wherever a wave comes in without a file.
 * @param op - whose argument the wave is, for the message.
 * @throws DataError naming the first sample that is NaN, infinite or beyond 2^31 (full scale is 1).
 */
export function requireAudible(op: string, wave: Float32Array): void {
  for (let i = 0; i < wave.length; i++) {
    if (Math.abs(wave[i]!) <= LARGEST_SAMPLE) continue;
    throw new DataError(
      `${op}: sample ${i} is ${wave[i]}, expected finite samples up to 2^31 (full scale is 1)`,
    );
  }
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
