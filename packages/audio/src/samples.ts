// Sample codings: how bytes become floats and back. Shared by wav.ts and raw PCM.
// Integers are divided by 2^(bits - 1), so full scale is -1 ... 1 - one step; floats are kept as they are.
import { AudioError, parameterError, requireInteger, requirePositive } from "./errors.ts";
import { checkOptions, type OptionKeys, requireOneOf } from "./options.ts";
import { describe } from "./signal.ts";

/** How one sample is stored. `uint8` is WAV's 8-bit form (128 is silence), `int8` AIFF's; `alaw` and `mulaw` are G.711. */
export type SampleEncoding =
  | "uint8"
  | "int8"
  | "int16"
  | "int24"
  | "int32"
  | "float32"
  | "float64"
  | "alaw"
  | "mulaw";

/** Bytes per sample of each coding. */
export const SAMPLE_BYTES: Readonly<Record<SampleEncoding, number>> = {
  uint8: 1,
  int16: 2,
  int24: 3,
  int32: 4,
  float32: 4,
  float64: 8,
  alaw: 1,
  mulaw: 1,
  int8: 1,
};

/** Decoded audio: one array per channel, all equally long, and the rate they are at. */
export interface AudioData {
  /** Samples per second, > 0: what the file says, or the rate asked for. */
  readonly sampleRate: number;
  /** One Float32Array per channel, full scale -1 ... 1 (float files may go beyond). */
  readonly channels: readonly Float32Array[];
  /** Samples per channel. */
  readonly frames: number;
  /** What the reader had to put up with, e.g. a wrong size in a header; empty for a sound file. */
  readonly warnings: readonly string[];
}

type Reader = (view: DataView, at: number) => number;

/** The function that reads one sample of a coding. */
function sampleReader(encoding: SampleEncoding, littleEndian: boolean): Reader {
  switch (encoding) {
    case "uint8":
      return (view, at) => (view.getUint8(at) - 128) / 128;
    case "int8":
      return (view, at) => view.getInt8(at) / 128;
    case "int16":
      return (view, at) => view.getInt16(at, littleEndian) / 32768;
    case "int24":
      return littleEndian
        ? (view, at) => (view.getInt8(at + 2) * 65536 + view.getUint16(at, true)) / 8388608
        : (view, at) => (view.getInt8(at) * 65536 + view.getUint16(at + 1, false)) / 8388608;
    case "int32":
      return (view, at) => view.getInt32(at, littleEndian) / 2147483648;
    case "float32":
      return (view, at) => view.getFloat32(at, littleEndian);
    case "float64":
      return (view, at) => view.getFloat64(at, littleEndian);
    case "alaw":
      return (view, at) => expandALaw(view.getUint8(at));
    case "mulaw":
      return (view, at) => expandMuLaw(view.getUint8(at));
    default:
      throw parameterError("decodePcm", `unknown encoding "${String(encoding)}"`);
  }
}

/** G.711 A-law: sign, 3 bits of exponent, 4 of mantissa, even bits inverted; 13-bit values. */
function expandALaw(byte: number): number {
  const code = byte ^ 0x55;
  const exponent = (code >> 4) & 7;
  const mantissa = 2 * (code & 15) + 1;
  const magnitude = exponent === 0 ? mantissa : (mantissa + 32) << (exponent - 1);
  return (code & 0x80 ? magnitude : -magnitude) / 4096;
}

/** G.711 mu-law: all bits inverted, bias 33; 14-bit values. */
function expandMuLaw(byte: number): number {
  const code = ~byte & 0xff;
  const magnitude = ((2 * (code & 15) + 33) << ((code >> 4) & 7)) - 33;
  return (code & 0x80 ? -magnitude : magnitude) / 8192;
}

/** Splits interleaved samples into channels. `stride` is the distance in bytes from frame to frame. */
export function deinterleave(
  bytes: Uint8Array,
  layout: {
    readonly encoding: SampleEncoding;
    readonly channels: number;
    readonly frames: number;
    readonly stride: number;
    readonly littleEndian: boolean;
  },
): Float32Array[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const { channels, frames, stride } = layout;
  const words = wordsOf(bytes, layout);
  if (words && channels === 1) return [words instanceof Int16Array ? scaled(words) : words.slice()];
  if (words) {
    const scale = words instanceof Int16Array ? 1 / 32768 : 1;
    return Array.from({ length: channels }, (_, c) => {
      const out = new Float32Array(frames);
      for (let i = 0, at = c; i < frames; i++, at += channels) out[i] = words[at]! * scale;
      return out;
    });
  }
  const read = sampleReader(layout.encoding, layout.littleEndian);
  const size = stride / channels;
  return Array.from({ length: channels }, (_, c) => {
    const out = new Float32Array(frames);
    for (let i = 0, at = c * size; i < frames; i++, at += stride) out[i] = read(view, at);
    return out;
  });
}

/** 16-bit samples at full scale 1; four a turn, which halves the time. */
function scaled(words: Int16Array): Float32Array {
  const out = new Float32Array(words.length);
  const whole = words.length & ~3;
  for (let i = 0; i < whole; i += 4) {
    out[i] = words[i]! / 32768;
    out[i + 1] = words[i + 1]! / 32768;
    out[i + 2] = words[i + 2]! / 32768;
    out[i + 3] = words[i + 3]! / 32768;
  }
  for (let i = whole; i < words.length; i++) out[i] = words[i]! / 32768;
  return out;
}

const HOST_LITTLE_ENDIAN: boolean = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

/** The bytes as the machine's own numbers, for the two common codings; a plain array is read several times faster. */
function wordsOf(
  bytes: Uint8Array,
  layout: {
    encoding: SampleEncoding;
    channels: number;
    frames: number;
    stride: number;
    littleEndian: boolean;
  },
): Int16Array | Float32Array | undefined {
  const { encoding, channels, frames, stride, littleEndian } = layout;
  const size = encoding === "int16" ? 2 : encoding === "float32" ? 4 : 0;
  if (size === 0 || stride !== size * channels || littleEndian !== HOST_LITTLE_ENDIAN) return undefined;
  // A copy where the samples do not lie on a multiple of their size; a Buffer's own slice would copy nothing.
  const aligned = bytes.byteOffset % size === 0 ? bytes : new Uint8Array(bytes.subarray(0, frames * stride));
  const count = frames * channels;
  return size === 2
    ? new Int16Array(aligned.buffer, aligned.byteOffset, count)
    : new Float32Array(aligned.buffer, aligned.byteOffset, count);
}

/** The shape of raw, headerless samples; nothing of it can be guessed, so nothing has a default but the order. */
export interface PcmOptions {
  /** Samples per second, > 0. */
  readonly sampleRate: number;
  /** How a sample is stored. */
  readonly encoding: SampleEncoding;
  /** Interleaved channels, >= 1. */
  readonly channels: number;
  /** Byte order of samples longer than a byte. Default "little". */
  readonly byteOrder?: "little" | "big";
}

const PCM_KEYS: OptionKeys<PcmOptions> = {
  sampleRate: true,
  encoding: true,
  channels: true,
  byteOrder: true,
};

/**
 * Reads raw PCM: interleaved samples without a header. Bytes after the last whole frame are dropped and
 * reported in `warnings`.
 *
 * @param bytes interleaved samples
 * @throws AudioError (`parameter`) for a missing rate, an unknown coding or no channels
 *
 * @example
 * decodePcm(bytes, { sampleRate: 8000, encoding: "mulaw", channels: 1 }).channels[0];
 */
export function decodePcm(bytes: Uint8Array | ArrayBuffer, options: PcmOptions): AudioData {
  const data = asBytes("decodePcm", bytes);
  checkOptions("decodePcm", options, PCM_KEYS);
  const byteOrder = requireOneOf("decodePcm", "byteOrder", options.byteOrder ?? "little", ["little", "big"]);
  const sampleRate = requirePositive("decodePcm", "sampleRate", options.sampleRate);
  const channels = requireInteger("decodePcm", "channels", options.channels, 1);
  const size = SAMPLE_BYTES[options.encoding];
  if (!size) {
    const known = Object.keys(SAMPLE_BYTES).join(", ");
    throw parameterError("decodePcm", `unknown encoding "${options.encoding}", expected one of ${known}`);
  }
  const stride = channels * size;
  const frames = Math.floor(data.length / stride);
  const rest = data.length - frames * stride;
  const littleEndian = byteOrder === "little";
  return {
    sampleRate,
    channels: deinterleave(data, { encoding: options.encoding, channels, frames, stride, littleEndian }),
    frames,
    warnings: rest === 0 ? [] : [`the last ${rest} bytes are not a whole frame of ${stride} bytes`],
  };
}

/** Accepts what callers have at hand: bytes (also Node's Buffer) or an ArrayBuffer. */
export function asBytes(operation: string, bytes: Uint8Array | ArrayBuffer): Uint8Array {
  const kind = Object.prototype.toString.call(bytes);
  if (kind === "[object Uint8Array]") return bytes as Uint8Array;
  if (kind === "[object ArrayBuffer]" || kind === "[object SharedArrayBuffer]") return new Uint8Array(bytes);
  throw parameterError(operation, `expected a Uint8Array or an ArrayBuffer, got ${describe(bytes)}`);
}

/** What to do with samples that cannot be audio (NaN, infinite, beyond 2^31): mention them in `warnings`, or throw. */
export type NonFinitePolicy = "report" | "refuse";

/**
 * The largest magnitude that can be audio: unscaled 32-bit integers still pass. Far beyond, the squares in every
 * spectrum leave float32.
 */
export const LARGEST_SAMPLE: number = 2 ** 31;

/**
 * Looks for NaN and infinite samples, and finite ones beyond 2^31, and describes them, first one by name.
 *
 * @returns e.g. "2 samples are not finite, the first is NaN at frame 5 of channel 0", or "1 sample is beyond any
 *   full scale (2^31), the first is 1e+30 at frame 5 of channel 0", or undefined
 *
 * @example
 * describeNonFinite([Float32Array.of(0, Number.NaN)]); // "1 sample is not finite, the first is NaN at frame 1 ..."
 */
export function describeNonFinite(channels: readonly Float32Array[]): string | undefined {
  const found = { nonFinite: 0, huge: 0, first: "", firstHuge: "" };
  for (const [c, channel] of channels.entries()) {
    for (let i = 0; i < channel.length; i++) {
      const value = channel[i]!;
      if (value <= LARGEST_SAMPLE && value >= -LARGEST_SAMPLE) continue;
      const place = `${value} at frame ${i} of channel ${c}`;
      if (Number.isFinite(value)) {
        if (found.huge++ === 0) found.firstHuge = place;
      } else if (found.nonFinite++ === 0) found.first = place;
    }
  }
  const counted = (count: number) => (count === 1 ? "1 sample is" : `${count} samples are`);
  if (found.nonFinite > 0) return `${counted(found.nonFinite)} not finite, the first is ${found.first}`;
  if (found.huge === 0) return undefined;
  return `${counted(found.huge)} beyond any full scale (2^31), the first is ${found.firstHuge}`;
}

/** Adds the description to the warnings, or throws it when the policy says so. */
export function checkFinite(
  operation: string,
  channels: readonly Float32Array[],
  policy: NonFinitePolicy,
  file: string | undefined,
  warnings: string[],
): void {
  const found = describeNonFinite(channels);
  if (!found) return;
  if (policy === "report") {
    warnings.push(found);
    return;
  }
  const place = file === undefined ? "" : `${file}: `;
  throw new AudioError(`${operation}: ${place}${found}`, { reason: "nonfinite", file });
}
