// NIST SPHERE, the format that AN4 and other corpora of its time come in: a text header, then raw samples.
import { DataError } from "../errors.ts";

/** Bytes of the longest header that is read; they have 1024. */
const MOST_HEADER = 65536;
const MOST_CHANNELS = 256;
/** Converting from a rate beyond would take a filter of gigabytes. */
const MOST_HERTZ = 1_000_000;

/** Where the samples of a SPHERE file lie and how they are stored. */
export interface SphereLayout {
  /** First byte of the samples, and the first after them. */
  readonly start: number;
  readonly end: number;
  /** Bytes of samples that the header claims beyond the end of the file; 0 for a whole file. */
  readonly missing: number;
  /** Hz. */
  readonly sampleRate: number;
  readonly channels: number;
  readonly encoding: "int16" | "mulaw";
  readonly byteOrder: "little" | "big";
}

/** Whether a file is SPHERE, by its first bytes. */
export function isSphere(bytes: Uint8Array): boolean {
  return String.fromCharCode(...bytes.subarray(0, 7)) === "NIST_1A";
}

/**
 * Reads the header of a SPHERE file with 16-bit PCM or mu-law samples.
 * @param bytes - the whole file. @param file - its name, for messages.
 * @throws DataError for other codings, such as the compression "shorten" (NIST's w_decode undoes it), and for
 * headers that do not say what is needed.
 * @example
 * readSphere(readFileSync("an253-fash-b.sph"), "an253-fash-b.sph").sampleRate; // 16000
 */
export function readSphere(bytes: Uint8Array, file: string): SphereLayout {
  const text = (from: number, to: number): string => String.fromCharCode(...bytes.subarray(from, to));
  const refuse = (what: string): DataError => new DataError(`readSphere: ${file}: ${what}`);
  // The second line holds the header's size in bytes: 1024 or a multiple of it.
  const start = Number(text(8, 16).trim());
  const most = Math.min(bytes.length, MOST_HEADER);
  if (!Number.isInteger(start) || start < 16 || start > most)
    throw refuse(`header size: expected 16 to ${most} bytes, got ${JSON.stringify(text(8, 16).trim())}`);
  const fields = new Map<string, string>();
  for (const line of text(16, start).split("\n")) {
    const match = /^(\w+) -(?:[ir]|s\d+) (.*)$/.exec(line.trim());
    if (match !== null) fields.set(match[1]!, match[2]!.trim());
  }
  const number = (name: string, largest: number): number => {
    const value = Number(fields.get(name));
    if (!Number.isInteger(value) || value < 1 || value > largest)
      throw refuse(
        `${name}: expected a whole number from 1 to ${largest}, got ${fields.get(name) ?? "nothing"}`,
      );
    return value;
  };
  const coding = fields.get("sample_coding") ?? "pcm";
  const size = fields.get("sample_n_bytes") ?? "2";
  const order = fields.get("sample_byte_format") ?? (size === "1" ? "1" : "01");
  const linear = coding === "pcm" && size === "2" && (order === "01" || order === "10");
  if (!linear && !(coding === "ulaw" && size === "1"))
    throw refuse(`expected 16-bit pcm or ulaw samples, got ${coding}, ${size} bytes in the order ${order}`);
  const channels = fields.has("channel_count") ? number("channel_count", MOST_CHANNELS) : 1;
  const length = fields.has("sample_count")
    ? number("sample_count", Number.MAX_SAFE_INTEGER) * channels * Number(size)
    : bytes.length;
  return {
    start,
    end: Math.min(bytes.length, start + length),
    missing: fields.has("sample_count") ? Math.max(0, start + length - bytes.length) : 0,
    sampleRate: number("sample_rate", MOST_HERTZ),
    channels,
    encoding: linear ? "int16" : "mulaw",
    byteOrder: order === "10" ? "big" : "little",
  };
}
