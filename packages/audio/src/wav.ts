// Reads WAV files: PCM 8-32 bits, float 32 and 64, A-law, mu-law, ADPCM, EXTENSIBLE, RIFF, RIFX and RF64. Lenient where
// real files are wrong (sizes of 0 or too large, missing pad bytes, bytes behind the data), strict about what
// cannot be guessed. Nothing is allocated by a size from a header. wav-write.ts writes.
import { AudioError, type AudioErrorReason } from "./errors.ts";
import { type AdpcmFormat, decodeAdpcm, framesIn } from "./files/adpcm.ts";
import { checkOptions, type OptionKeys } from "./options.ts";
import {
  type AudioData,
  asBytes,
  checkFinite,
  deinterleave,
  type NonFinitePolicy,
  SAMPLE_BYTES,
  type SampleEncoding,
} from "./samples.ts";

/** How the samples of a WAV file are stored: as numbers of their own, or as ADPCM of IMA's or Microsoft's kind. */
export type WavEncoding = SampleEncoding | "ima-adpcm" | "ms-adpcm";

/** A decoded WAV file: the audio and how it was stored. */
export interface WavData extends AudioData {
  readonly encoding: WavEncoding;
  /** "RIFF", "RIFX" (big-endian) or "RF64" (64-bit sizes; BW64 counts as such). */
  readonly container: "RIFF" | "RIFX" | "RF64";
}

/** Options of `decodeWav`. */
export interface WavOptions {
  /** Name used in error messages. */
  readonly file?: string | undefined;
  /** NaN and infinite samples: keep and mention them in `warnings` (default), or throw. */
  readonly nonFinite?: NonFinitePolicy;
}

const WAV_KEYS: OptionKeys<WavOptions> = { file: true, nonFinite: true };

/** How the samples of a file are stored. */
export interface WavFormat {
  /** Null for ADPCM. */
  readonly encoding: SampleEncoding | null;
  readonly channels: number;
  readonly sampleRate: number;
  /** Bytes of a frame; of a block of ADPCM. */
  readonly blockAlign: number;
  readonly adpcm: AdpcmFormat | null;
}

const PCM = 1;
const MS_ADPCM = 2;
const FLOAT = 3;
const A_LAW = 6;
const MU_LAW = 7;
const IMA_ADPCM = 17;
const EXTENSIBLE = 0xfffe;

/** Names of codings that are refused, so that the message says more than a number. */
const CODING_NAMES: Readonly<Record<number, string>> = {
  49: "GSM 6.10",
  80: "MPEG audio",
  85: "MP3",
  255: "AAC",
  353: "Windows Media Audio",
};

/**
 * Reads a WAV file from memory.
 *
 * @param bytes the whole file; a Buffer or a view into a larger buffer is fine
 * @returns sample rate, one Float32Array per channel, coding, and warnings about what was repaired
 * @throws AudioError: `truncated` (ends within its header), `format` (not a WAV file, or a header that makes no
 *   sense: no channels, rate 0, no fmt or data chunk), `unsupported` (GSM and other codings),
 *   `nonfinite` (only with `nonFinite: "refuse"`)
 *
 * @example
 * const { sampleRate, channels } = decodeWav(bytes, { file: "a.wav" });
 */
export function decodeWav(bytes: Uint8Array | ArrayBuffer, options: WavOptions = {}): WavData {
  const data = asBytes("decodeWav", bytes);
  const { file } = checkOptions("decodeWav", options, WAV_KEYS);
  const fail = (reason: AudioErrorReason, message: string): AudioError =>
    new AudioError(`decodeWav: ${file === undefined ? "" : `${file}: `}${message}`, { reason, file });
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  if (data.length < 12) throw fail("truncated", `a WAV file has at least 12 bytes, got ${data.length}`);
  const tag = text(data, 0);
  if (!["RIFF", "RIFX", "RF64", "BW64"].includes(tag)) {
    throw fail("format", `not a WAV file: starts with ${printable(tag)}, expected RIFF, RIFX or RF64`);
  }
  if (text(data, 8) !== "WAVE") {
    throw fail("format", `a RIFF file of type ${printable(text(data, 8))}, expected WAVE`);
  }
  const littleEndian = tag !== "RIFX";
  const warnings: string[] = [];
  const chunks = findChunks(data, view, littleEndian, warnings);
  if (!chunks.fmt) {
    throw fail(chunks.cut ? "truncated" : "format", `no fmt chunk${chunks.cut ? `: ${chunks.cut}` : ""}`);
  }
  const format = readFormat(view, chunks.fmt, littleEndian, fail);
  if (!chunks.data) throw fail("format", `no data chunk${chunks.cut ? `: ${chunks.cut}` : ""}`);
  const { encoding, channels, sampleRate, blockAlign, adpcm } = format;
  const samples = data.subarray(chunks.data.start, chunks.data.end);
  const container = tag === "BW64" ? "RF64" : (tag as WavData["container"]);
  if (adpcm) {
    const told = chunks.fact ? view.getUint32(chunks.fact.start, littleEndian) : undefined;
    const decoded = adpcmSamples(samples, adpcm, told, warnings);
    return { sampleRate, ...decoded, warnings, encoding: `${adpcm.kind}-adpcm`, container };
  }
  const frames = Math.floor(samples.length / blockAlign);
  if (frames * blockAlign !== samples.length) {
    warnings.push(
      `the last ${samples.length - frames * blockAlign} bytes are not a whole frame and were dropped`,
    );
  }
  const split = deinterleave(samples, {
    encoding: encoding!,
    channels,
    frames,
    stride: blockAlign,
    littleEndian,
  });
  // Integers cannot be anything else.
  if (encoding!.startsWith("float"))
    checkFinite("decodeWav", split, options.nonFinite ?? "report", file, warnings);
  return { sampleRate, channels: split, frames, warnings, encoding: encoding!, container };
}

/** The samples of ADPCM blocks, without what only fills the last block where the fact chunk tells how many there are. */
function adpcmSamples(
  bytes: Uint8Array,
  format: AdpcmFormat,
  told: number | undefined,
  warnings: string[],
): { channels: Float32Array[]; frames: number } {
  const { channels, frames } = decodeAdpcm(bytes, format, warnings);
  if (bytes.length % format.blockAlign !== 0) warnings.push("the last block is cut");
  const filling = told === undefined ? 0 : frames - told;
  if (!(filling > 0 && filling < framesIn(format, format.blockAlign))) return { channels, frames };
  return { channels: channels.map((channel) => channel.slice(0, told)), frames: told! };
}

interface Range {
  readonly start: number;
  readonly end: number;
}

interface Chunks {
  fmt?: Range;
  data?: Range;
  fact?: Range;
  /** Why the walk ended early, when a chunk runs past the end of the file. */
  cut?: string;
}

/** Walks the chunk list and notes the first fmt and data chunk, in whatever order they come. */
function findChunks(data: Uint8Array, view: DataView, littleEndian: boolean, warnings: string[]): Chunks {
  const found: Chunks = {};
  let dataSize64: number | undefined;
  let at = 12;
  while (at + 8 <= data.length && !(found.fmt && found.data)) {
    const id = text(data, at);
    if (!isChunkId(id)) {
      found.cut ??= `${printable(id)} at byte ${at} is not a chunk`;
      break;
    }
    const size = view.getUint32(at + 4, littleEndian);
    const start = at + 8;
    let end = start + size;
    if (id === "ds64" && size >= 16 && start + 16 <= data.length) {
      dataSize64 = Number(view.getBigUint64(start + 8, littleEndian));
    }
    if (id === "data") {
      end = start + dataLength(data, start, size, dataSize64);
      if (end - start !== size && !(size === 0xffffffff && end - start === dataSize64)) {
        warnings.push(`the data chunk claims ${size} bytes, ${end - start} were read`);
      }
      found.data ??= { start, end };
    } else if (end > data.length) {
      found.cut = `chunk ${id} claims ${size} bytes, the file has ${data.length - start} left`;
      break;
    } else if (id === "fmt ") {
      found.fmt ??= { start, end };
    } else if (id === "fact" && size >= 4) {
      found.fact ??= { start, end };
    }
    at = nextChunk(data, end);
  }
  return found;
}

/** Bytes of samples: the claimed size, unless it is 0, unknown or larger than the file. */
function dataLength(data: Uint8Array, start: number, size: number, size64: number | undefined): number {
  const left = data.length - start;
  const claimed = size === 0xffffffff && size64 !== undefined ? size64 : size;
  if (claimed > left) return left;
  // A writer that was interrupted leaves 0; a truly empty chunk is followed by nothing or by another chunk.
  if (claimed === 0 && left >= 8 && !isChunkId(text(data, start))) return left;
  return claimed;
}

/** Chunks start at even distances; some writers forget the pad byte of an odd one. */
function nextChunk(data: Uint8Array, end: number): number {
  if (end % 2 === 0) return end;
  const padded = isChunkId(text(data, end + 1));
  const unpadded = isChunkId(text(data, end));
  // Both can look right ("_fmt" or "fmt "): then a zero byte can only be padding.
  if (unpadded && (!padded || KNOWN_CHUNKS.has(text(data, end)))) return end;
  return end + 1;
}

const KNOWN_CHUNKS: ReadonlySet<string> = new Set([
  "fmt ",
  "data",
  "LIST",
  "fact",
  "cue ",
  "bext",
  "JUNK",
  "ds64",
]);

function isChunkId(id: string): boolean {
  return /^[\x20-\x7e]{4}$/.test(id);
}

/** Reads the fmt chunk. */
export function readFormat(
  view: DataView,
  range: Range,
  littleEndian: boolean,
  fail: (reason: AudioErrorReason, message: string) => AudioError,
): WavFormat {
  const { start, end } = range;
  if (end - start < 16) throw fail("format", `the fmt chunk has ${end - start} bytes, expected at least 16`);
  let coding = view.getUint16(start, littleEndian);
  const channels = view.getUint16(start + 2, littleEndian);
  const sampleRate = view.getUint32(start + 4, littleEndian);
  const align = view.getUint16(start + 12, littleEndian);
  const bits = view.getUint16(start + 14, littleEndian);
  // EXTENSIBLE: the first two bytes of the sub-format GUID are the coding proper.
  if (coding === EXTENSIBLE && end - start >= 26) coding = subFormat(view, start + 24, littleEndian);
  if (coding === EXTENSIBLE) throw fail("format", "the fmt chunk is EXTENSIBLE but has no sub-format");
  if (channels === 0) throw fail("format", "the file claims 0 channels");
  if (sampleRate === 0) throw fail("format", "the file claims a sample rate of 0 Hz");
  if (coding === IMA_ADPCM || coding === MS_ADPCM) {
    const kind = coding === IMA_ADPCM ? "ima" : "ms";
    const adpcm = readAdpcm(view, range, littleEndian, { kind, channels, blockAlign: align }, bits, fail);
    return { encoding: null, channels, sampleRate, blockAlign: align, adpcm };
  }
  if (![PCM, FLOAT, A_LAW, MU_LAW].includes(coding)) {
    const name = CODING_NAMES[coding] ?? "unknown";
    const remedy = "convert it to PCM first";
    throw fail("unsupported", `coding 0x${coding.toString(16)} (${name}) is not supported; ${remedy}`);
  }
  if (bits === 0) throw fail("format", "the file claims 0 bits per sample");
  const blockAlign = align === 0 ? channels * Math.ceil(bits / 8) : align;
  const container = blockAlign / channels;
  const encoding = encodingOf(coding, bits, container);
  if (!encoding) {
    const what = `${bits} bits in ${container} bytes per sample (coding ${coding})`;
    throw fail(
      "unsupported",
      `${what} is not supported: PCM 8, 16, 24, 32, float 32, 64, A-law or mu-law 8 are`,
    );
  }
  return { encoding, channels, sampleRate, blockAlign, adpcm: null };
}

/** What the fmt chunk says of ADPCM blocks. */
function readAdpcm(
  view: DataView,
  { start, end }: Range,
  littleEndian: boolean,
  format: Omit<AdpcmFormat, "coefficients">,
  bits: number,
  fail: (reason: AudioErrorReason, message: string) => AudioError,
): AdpcmFormat {
  if (bits !== 4) throw fail("unsupported", `ADPCM of ${bits} bits per sample is not supported: 4 bits are`);
  const coefficients: [number, number][] = [];
  if (format.kind === "ms") {
    const count = end - start >= 22 ? view.getUint16(start + 20, littleEndian) : 0;
    if (count === 0 || count > 256 || start + 22 + 4 * count > end)
      throw fail(
        "format",
        `the fmt chunk has no table of ADPCM coefficients, got ${count} in ${end - start} bytes`,
      );
    for (let i = 0; i < count; i++) {
      const at = start + 22 + 4 * i;
      coefficients.push([view.getInt16(at, littleEndian), view.getInt16(at + 2, littleEndian)]);
    }
  }
  const adpcm = { ...format, coefficients };
  if (framesIn(adpcm, format.blockAlign) < 3)
    throw fail(
      "format",
      `ADPCM blocks of ${format.blockAlign} bytes hold no samples of ${format.channels} channels`,
    );
  return adpcm;
}

/** The first bytes of the sub-format GUID. In RIFX files they come in either order; the coding is a small number. */
function subFormat(view: DataView, at: number, littleEndian: boolean): number {
  const coding = view.getUint16(at, littleEndian);
  if (littleEndian || (coding > 0 && coding < 256)) return coding;
  // A whole big-endian first field of four bytes, or the bytes of a little-endian one.
  const first = view.getUint32(at, false);
  return first < 65536 ? first : view.getUint16(at, true);
}

/** The coding of a container of whole bytes; fewer valid bits than it holds are left-justified in it. */
function encodingOf(coding: number, bits: number, container: number): SampleEncoding | undefined {
  if (bits > 8 * container) return undefined;
  const pcm = ([undefined, "uint8", "int16", "int24", "int32"] as const)[container];
  const float = container === 4 ? "float32" : container === 8 ? "float64" : undefined;
  if (coding === PCM) return pcm;
  if (coding === FLOAT) return float && bits === 8 * SAMPLE_BYTES[float] ? float : undefined;
  if (container !== 1) return undefined;
  return coding === A_LAW ? "alaw" : "mulaw";
}

function text(data: Uint8Array, at: number): string {
  return String.fromCharCode(...data.subarray(at, at + 4));
}

function printable(id: string): string {
  return JSON.stringify(id);
}
