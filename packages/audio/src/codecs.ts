// Which decoder reads a compressed file. FLAC, AIFF and CAF are read here, Opus and Vorbis by packages that are always
// installed, MP3 and AAC by packages to install beside this one, because they hold LGPL and GPL code. Each is imported
// when the first such file comes along: a bundle that only meets WAV never loads them.
import type { AudioFormat } from "./decode.ts";
import { decodeAiff, decodeCaf } from "./files/aiff-caf.ts";
import { type Decoded, type DecodeJob, hasText } from "./files/job.ts";
import { outlineMp3, tagLength } from "./files/mp3.ts";
import { decodeMp4Here, readMp4 } from "./files/mp4.ts";
import { decodeOgg } from "./files/ogg-audio.ts";
import { decodeWebm } from "./files/webm.ts";
import { decodeFlac } from "./flac/flac.ts";

/** Thrown when the decoder of a format is not installed; the message names it. */
export class MissingDecoder extends Error {}

interface Codec {
  readonly default: (bytes: Uint8Array) => Promise<{ channelData: Float32Array[]; sampleRate: number }>;
}

/** Decodes any file but WAV. Throws plain errors whose message says what is wrong with the file. */
export async function decodeCompressed(
  bytes: Uint8Array,
  format: AudioFormat,
  job: DecodeJob,
): Promise<Decoded> {
  switch (format) {
    case "flac":
      return decodeFlac(bytes, job);
    case "ogg":
      return decodeOgg(bytes, job);
    case "webm":
      return decodeWebm(bytes, job);
    case "aiff":
      return decodeAiff(bytes, job);
    case "caf":
      return decodeCaf(bytes, job);
    case "m4a":
      return decodeM4a(bytes, job);
    default:
      return decodeMp3(bytes, job);
  }
}

async function decodeMp3(bytes: Uint8Array, job: DecodeJob): Promise<Decoded> {
  let zeros = 0;
  while (bytes[zeros] === 0) zeros++;
  const tag = zeros + tagLength(bytes, zeros);
  if (hasText(bytes, tag, "fLaC")) return decodeFlac(bytes.subarray(tag), job);
  const outline = outlineMp3(bytes, tag);
  if (!outline) throw new Error("no MP3 frames are in it");
  const { default: decode } = await mp3Codec();
  // A copy: some decoders keep or shift what they are given.
  const { channelData, sampleRate } = await decode(new Uint8Array(bytes.subarray(outline.start)));
  return { channels: channelData.slice(0, outline.channels), sampleRate, warnings: [...outline.warnings] };
}

async function decodeM4a(bytes: Uint8Array, job: DecodeJob): Promise<Decoded> {
  const track = readMp4(bytes);
  const here = await decodeMp4Here(bytes, track, job);
  if (here) return here;
  const { default: decode } = await mp4Codec();
  const { channelData, sampleRate } = await decode(new Uint8Array(bytes));
  const warnings: string[] = [];
  const seconds = (channelData[0]?.length ?? 0) / sampleRate;
  // Durations may count what encoders put before and behind the sound.
  if (seconds < track.seconds - 4096 / sampleRate) {
    warnings.push(
      `${seconds.toFixed(2)} s were decoded where the file announces ${track.seconds.toFixed(2)} s`,
    );
  }
  const channels = track.channels === 1 ? merged(channelData) : channelData;
  return { channels, sampleRate, warnings };
}

/** One channel of two equal ones: some decoders give mono twice. */
function merged(channels: Float32Array[]): Float32Array[] {
  const [left, right] = channels;
  return channels.length === 2 && left!.every((value, i) => value === right![i]) ? [left!] : channels;
}

// The imports stand in try blocks of their own: there bundlers let a package be missing, elsewhere they refuse to build.

async function mp3Codec(): Promise<Codec> {
  try {
    return await import("@audio/decode-mp3");
  } catch {
    throw notInstalled("MP3", "@audio/decode-mp3");
  }
}

async function mp4Codec(): Promise<Codec> {
  try {
    return await import("@audio/decode-mp4");
  } catch {
    throw notInstalled("M4A", "@audio/decode-mp4");
  }
}

const notInstalled = (format: string, name: string): MissingDecoder =>
  new MissingDecoder(`${format} needs the package ${name}, which is not installed: npm install ${name}`);
