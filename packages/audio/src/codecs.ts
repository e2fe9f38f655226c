// Decoders of compressed files, one package per coding, each imported when the first such file comes along: a
// bundle that only meets WAV never loads them. Which file needs which is read from its first bytes.
import type { AudioFormat } from "./decode.ts";

/** What a decoder gives: one array per channel. */
export interface Decoded {
  readonly channelData: Float32Array[];
  readonly sampleRate: number;
}

interface Codec {
  readonly default: (bytes: Uint8Array) => Promise<Decoded>;
}

type Coding = "flac" | "mp3" | "vorbis" | "opus" | "mp4";

const LOAD: Readonly<Record<Coding, () => Promise<Codec>>> = {
  flac: () => import("@audio/decode-flac"),
  mp3: () => import("@audio/decode-mp3"),
  vorbis: () => import("@audio/decode-vorbis"),
  opus: () => import("@audio/decode-opus"),
  mp4: () => import("@audio/decode-mp4"),
};

/**
 * The decoder of whole files such as this one, or null for an Ogg file of another coding. Mono that a decoder
 * gives as two equal channels comes as one.
 */
export async function loadDecoder(
  bytes: Uint8Array,
  format: AudioFormat,
): Promise<((file: Uint8Array) => Promise<Decoded>) | null> {
  const start = format === "mp3" ? tagLength(bytes) : 0;
  const coding = codingOf(bytes, format, start);
  if (coding === null) return null;
  const { default: decode } = await LOAD[coding]();
  return async (file) => {
    // A copy: some decoders keep or shift what they are given.
    const whole = coding === "flac" ? file.subarray(start) : file;
    const audio = await decode(new Uint8Array(whole));
    if (coding === "flac") return exactFlac(audio, whole);
    const { channelData, sampleRate } = audio;
    return {
      channelData: coding === "mp3" || coding === "mp4" ? merged(channelData) : channelData,
      sampleRate,
    };
  };
}

function codingOf(bytes: Uint8Array, format: AudioFormat, start: number): Coding | null {
  if (format === "m4a") return "mp4";
  if (format === "mp3") return startsWith(bytes, start, "fLaC") ? "flac" : "mp3";
  if (format !== "ogg") return "flac";
  // The first packet of an Ogg stream names its coding (RFC 3533, section 6; RFC 7845; RFC 9639, section 10.1).
  const packet = 27 + (bytes[26] ?? 0);
  if (startsWith(bytes, packet, "OpusHead")) return "opus";
  if (startsWith(bytes, packet, "\u0001vorbis")) return "vorbis";
  return startsWith(bytes, packet, "\u007fFLAC") ? "flac" : null;
}

const startsWith = (bytes: Uint8Array, at: number, text: string): boolean =>
  Array.from(text, (letter) => letter.charCodeAt(0)).every((code, i) => bytes[at + i] === code);

/** Bytes of an ID3v2 tag at the start; FLAC files have them too. */
function tagLength(bytes: Uint8Array): number {
  if (!startsWith(bytes, 0, "ID3") || bytes.length < 10) return 0;
  const size = [6, 7, 8, 9].reduce((sum, at) => sum * 128 + (bytes[at]! & 0x7f), 0);
  return 10 + size + ((bytes[5]! & 0x10) === 0 ? 0 : 10);
}

/**
 * The samples as a WAV file of the same integers gives them. The decoder divides by 2^(bits - 1) - 1, everything
 * else by 2^(bits - 1).
 */
function exactFlac({ channelData, sampleRate }: Decoded, bytes: Uint8Array): Decoded {
  let info = 0;
  while (info < bytes.length && !startsWith(bytes, info, "fLaC")) info++;
  info += 8; // STREAMINFO, behind the marker and the head of its block
  const bits = (((bytes[info + 12] ?? 0) & 1) << 4) + ((bytes[info + 13] ?? 0) >> 4) + 1;
  const scale = 2 ** (bits - 1);
  for (const channel of channelData) {
    for (let i = 0; i < channel.length; i++) channel[i] = Math.round(channel[i]! * (scale - 1)) / scale;
  }
  return { channelData, sampleRate };
}

function merged(channels: Float32Array[]): Float32Array[] {
  const [left, right] = channels;
  return channels.length === 2 && left!.every((value, i) => value === right![i]) ? [left!] : channels;
}
