// From the bytes of an audio file to samples: WAV by our own reader, FLAC, MP3, Ogg, Opus, M4A by decoders that
// are loaded only when such a file comes along (codecs.ts). Then, on request, mono and another sample rate.
import { decodeCompressed, MissingDecoder } from "./codecs.ts";
import { AudioError, requireInteger } from "./errors.ts";
import { MOST_SAMPLES, tooLong } from "./files/collector.ts";
import { type Decoded, type DecodeJob, hasText } from "./files/job.ts";
import { findMp3 } from "./files/mp3.ts";
import { isWebm } from "./files/webm.ts";
import { checkOptions, type OptionKeys, requireBoolean, requireOneOf } from "./options.ts";
import { resample } from "./resample.ts";
import type { ResampleMethod } from "./resample-filter.ts";
import { type AudioData, asBytes, checkFinite, type NonFinitePolicy } from "./samples.ts";
import { channelsOf, requireChannels, type Signal } from "./signal.ts";
import { decodeWav } from "./wav.ts";

/** Options of `decodeAudio`. */
export interface DecodeOptions {
  /** Name used in error messages. */
  readonly file?: string | undefined;
  /** Convert to this rate (Hz, a whole number); default: keep the file's. The result always says which it is. */
  readonly sampleRate?: number;
  /** Mix all channels to one. Default false. */
  readonly mono?: boolean;
  /** NaN and infinite samples: keep and mention them in `warnings` (default), or throw. */
  readonly nonFinite?: NonFinitePolicy;
  /** Filter of the rate conversion. Default "high". */
  readonly method?: ResampleMethod;
  /**
   * Most samples over all channels that the file may unpack to, also after the rate conversion, >= 1. Default 2^29
   * (2 GiB): a small file can claim to be long.
   */
  readonly maximumSamples?: number;
}

/** The keys of `DecodeOptions`. */
export const DECODE_KEYS: OptionKeys<DecodeOptions> = {
  file: true,
  sampleRate: true,
  mono: true,
  nonFinite: true,
  method: true,
  maximumSamples: true,
};

/** Rates further apart are a damaged header, which could ask for gigabytes of samples or a filter as long. */
const MOST_RATIO = 256;

/** The file formats `decodeAudio` reads. */
export type AudioFormat = "wav" | "flac" | "mp3" | "ogg" | "m4a" | "webm" | "aiff" | "caf";

/** Zeros in front of an MP3 that are passed over, in bytes. */
const MOST_ZEROS = 1 << 20;

/**
 * Recognises a file format by its first bytes; undefined when it is none that `decodeAudio` reads.
 * `ogg` covers Vorbis, Opus and FLAC, `m4a` any MPEG-4 container, `webm` Matroska, `mp3` a file that begins with an
 * ID3 tag or with zeros and MP3 frames behind them.
 */
export function audioFormat(bytes: Uint8Array): AudioFormat | undefined {
  const ascii = (from: number, to: number) => String.fromCharCode(...bytes.subarray(from, to));
  const start = ascii(0, 4);
  if (["RIFF", "RIFX", "RF64", "BW64"].includes(start)) return "wav";
  if (start === "fLaC") return "flac";
  if (start === "OggS") return "ogg";
  if (start === "caff") return "caf";
  if (start === "FORM" && (hasText(bytes, 8, "AIFF") || hasText(bytes, 8, "AIFC"))) return "aiff";
  if (isWebm(bytes)) return "webm";
  if (ascii(4, 8) === "ftyp") return "m4a";
  if (start.startsWith("ID3")) return "mp3";
  // Without a tag an MP3 starts with a frame: 11 bits set, a layer, a valid rate.
  const [a = 0, b = 0, c = 0] = bytes;
  if (a === 0xff && (b & 0xe0) === 0xe0 && (b & 0x06) !== 0 && (c & 0xf0) !== 0xf0 && (c & 0x0c) !== 0x0c)
    return "mp3";
  let zeros = 0;
  while (zeros < Math.min(MOST_ZEROS, bytes.length) && bytes[zeros] === 0) zeros++;
  const behind = zeros > 0 && (hasText(bytes, zeros, "ID3") || findMp3(bytes, zeros, 0) === zeros);
  return behind ? "mp3" : undefined;
}

/**
 * Decodes a whole audio file.
 *
 * @param bytes the file
 * @returns rate, channels, and warnings; Opus always comes at 48 kHz, whatever was encoded
 * @throws AudioError: `format` for unknown or damaged files (one whose rate is more than 256 times the `sampleRate`
 *   asked for, or less than 1/256 of it, counts as such), `unsupported` for WAV codings such as GSM,
 *   `nonfinite` on request; the message names the file when `file` is given
 *
 * @example
 * const { channels, sampleRate } = await decodeAudio(bytes, { mono: true, sampleRate: 16000 });
 */
export async function decodeAudio(
  bytes: Uint8Array | ArrayBuffer,
  options: DecodeOptions = {},
): Promise<AudioData> {
  const data = asBytes("decodeAudio", bytes);
  checkOptions("decodeAudio", options, DECODE_KEYS);
  const { file, nonFinite = "report" } = options;
  requireOneOf("decodeAudio", "nonFinite", nonFinite, ["report", "refuse"]);
  requireBoolean("decodeAudio", "mono", options.mono ?? false);
  const maximumSamples = requireInteger(
    "decodeAudio",
    "maximumSamples",
    options.maximumSamples ?? MOST_SAMPLES,
    1,
  );
  const format = audioFormat(data);
  const place = file === undefined ? "" : `${file}: `;
  if (!format) {
    const start = [...data.subarray(0, 4)].map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
    const known =
      "WAV, FLAC, MP3, Ogg (Vorbis, Opus), WebM (Opus), M4A, AIFF and CAF are read; for raw samples use decodePcm";
    const what = data.length === 0 ? "the file is empty" : `unknown format (first bytes ${start})`;
    throw new AudioError(`decodeAudio: ${place}${what}; ${known}`, { reason: "format", file });
  }
  const audio =
    format === "wav"
      ? decodeWav(data, { file, nonFinite })
      : await decodeOther(data, format, { place, file, maximumSamples }, nonFinite);
  const { sampleRate = audio.sampleRate, method = "high" } = options;
  const ratio = Math.max(sampleRate / audio.sampleRate, audio.sampleRate / sampleRate);
  if (sampleRate > 0 && ratio > MOST_RATIO) {
    throw new AudioError(
      `decodeAudio: ${place}the file claims ${audio.sampleRate} Hz, which is not within a factor of ${MOST_RATIO} ` +
        `of the ${sampleRate} Hz asked for; if it is right, decode without sampleRate and use resample`,
      { reason: "format", file },
    );
  }
  const channels = options.mono ? [toMono(audio.channels)] : audio.channels;
  if (Math.ceil((audio.frames * sampleRate) / audio.sampleRate) * channels.length > maximumSamples) {
    throw tooLong(place, file, maximumSamples);
  }
  if (sampleRate === audio.sampleRate) {
    return { sampleRate, channels, frames: audio.frames, warnings: audio.warnings };
  }
  const converted = channels.map((channel) => resample(channel, audio.sampleRate, sampleRate, { method }));
  return { sampleRate, channels: converted, frames: converted[0]?.length ?? 0, warnings: audio.warnings };
}

async function decodeOther(
  data: Uint8Array,
  format: AudioFormat,
  job: DecodeJob,
  nonFinite: NonFinitePolicy,
): Promise<AudioData> {
  const { file, place } = job;
  const fail = (why: string, cause?: unknown) =>
    new AudioError(`decodeAudio: ${place}damaged or unreadable ${format} file: ${why}`, {
      reason: "format",
      file,
      cause,
    });
  let decoded: Decoded;
  try {
    decoded = await decodeCompressed(data, format, job);
  } catch (error) {
    if (error instanceof AudioError) throw error;
    if (error instanceof MissingDecoder) {
      throw new AudioError(`decodeAudio: ${place}${error.message}`, {
        reason: "unsupported",
        file,
        cause: error,
      });
    }
    throw fail(error instanceof Error ? error.message : String(error), error);
  }
  // Some decoders answer damaged files with no channels instead of an error.
  const { channels, sampleRate, warnings } = decoded;
  const frames = channels[0]?.length ?? 0;
  if (frames === 0 || !(sampleRate > 0)) throw fail("no samples were found in it");
  if (frames * channels.length > job.maximumSamples) throw tooLong(place, file, job.maximumSamples);
  checkFinite("decodeAudio", channels, nonFinite, file, warnings);
  return { sampleRate, channels, frames, warnings };
}

/**
 * The mean of all channels, sample by sample.
 *
 * @param channels a list of at least one array, all equally long, or a view of shape [channels, samples]; a single
 *   channel is returned as it is, not copied
 * @returns Float32Array of the same length
 * @throws AudioError (`parameter`) for no channels or different lengths
 *
 * @example
 * toMono([Float32Array.of(1, 0), Float32Array.of(0, 0.5)]); // [0.5, 0.25]
 */
export function toMono(channels: readonly Float32Array[] | Signal): Float32Array {
  const list = Array.isArray(channels)
    ? (channels as readonly Float32Array[])
    : channelsOf("toMono", channels as Signal);
  const length = requireChannels("toMono", list);
  if (list.length === 1) return list[0]!;
  const out = new Float32Array(length);
  for (let i = 0; i < length; i++) {
    let sum = 0;
    for (let c = 0; c < list.length; c++) sum += list[c]![i]!;
    out[i] = sum / list.length;
  }
  return out;
}
