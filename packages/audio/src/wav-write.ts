// Writes WAV files: PCM 8, 16, 24, 32 and float 32, 64, as RIFF; the EXTENSIBLE form where the standard asks for it.
import { AudioError, parameterError, requireInteger } from "./errors.ts";
import { checkOptions } from "./options.ts";
import { describeNonFinite, SAMPLE_BYTES, type SampleEncoding } from "./samples.ts";
import { channelsOf, type Signal } from "./signal.ts";

/** Options of `encodeWav`. */
export interface WavWriteOptions {
  /** Samples per second, a whole number 1 ... 2^32 - 1. */
  readonly sampleRate: number;
  /** How samples are stored. Default "int16". A-law and mu-law are read only. */
  readonly encoding?: Exclude<SampleEncoding, "alaw" | "mulaw" | "int8">;
}

/** Largest file a 32-bit RIFF size can describe. */
const LARGEST = 2 ** 32 - 1;

/** The tail of every EXTENSIBLE sub-format GUID, after the two bytes of the coding. */
const GUID_TAIL: readonly number[] = [0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xaa, 0, 0x38, 0x9b, 0x71];

/**
 * Makes a WAV file in memory.
 *
 * Integer codings clip at full scale and round to the nearest step; float codings keep every value.
 *
 * @param signal [samples] or [channels, samples], full scale -1 ... 1
 * @returns the bytes of the file
 * @throws AudioError: `nonfinite` for NaN or infinite samples, `parameter` for a bad rate, more than 65535
 *   channels, or more than 4 GiB
 *
 * @example
 * await writeFile("tone.wav", encodeWav(tone(440, { seconds: 1, sampleRate: 16000 }), { sampleRate: 16000 }));
 */
export function encodeWav(signal: Signal, options: WavWriteOptions): Uint8Array {
  const channels = channelsOf("encodeWav", signal);
  checkOptions("encodeWav", options, { sampleRate: true, encoding: true });
  const { encoding = "int16" } = options;
  const sampleRate = requireInteger("encodeWav", "sampleRate", options.sampleRate, 1);
  const size = SAMPLE_BYTES[encoding];
  if (!size || (encoding as string).endsWith("law") || (encoding as string) === "int8") {
    throw parameterError("encodeWav", `cannot write encoding "${String(encoding)}"`);
  }
  const bad = describeNonFinite(channels);
  if (bad) throw new AudioError(`encodeWav: ${bad}`, { reason: "nonfinite" });
  if (channels.length > 65535 || sampleRate > LARGEST) {
    throw parameterError("encodeWav", "a WAV file holds at most 65535 channels and a rate below 2^32 Hz");
  }
  const float = encoding.startsWith("float");
  const extensible = !float && (size > 2 || channels.length > 2);
  const fmtSize = extensible ? 40 : float ? 18 : 16;
  const frames = channels[0]!.length;
  const align = size * channels.length;
  const dataSize = align * frames;
  // A float file has to carry a fact chunk with its length in frames.
  const dataAt = 12 + 8 + fmtSize + (float ? 12 : 0);
  const total = dataAt + 8 + dataSize + (dataSize % 2);
  if (total > LARGEST) throw parameterError("encodeWav", `${total} bytes do not fit a WAV file (4 GiB)`);
  const view = new DataView(new ArrayBuffer(total));
  const tag = (at: number, id: string) => {
    for (let i = 0; i < 4; i++) view.setUint8(at + i, id.charCodeAt(i));
  };
  tag(0, "RIFF");
  view.setUint32(4, total - 8, true);
  tag(8, "WAVE");
  tag(12, "fmt ");
  view.setUint32(16, fmtSize, true);
  const coding = float ? 3 : 1;
  view.setUint16(20, extensible ? 0xfffe : coding, true);
  view.setUint16(22, channels.length, true);
  view.setUint32(24, sampleRate, true);
  view.setUint32(28, Math.min(LARGEST, sampleRate * align), true);
  view.setUint16(32, align, true);
  view.setUint16(34, 8 * size, true);
  if (extensible) {
    view.setUint16(36, 22, true);
    view.setUint16(38, 8 * size, true);
    view.setUint32(40, 0, true);
    view.setUint16(44, coding, true);
    GUID_TAIL.forEach((byte, i) => {
      view.setUint8(46 + i, byte);
    });
  }
  if (float) {
    tag(38, "fact");
    view.setUint32(42, 4, true);
    view.setUint32(46, frames, true);
  }
  tag(dataAt, "data");
  view.setUint32(dataAt + 4, dataSize, true);
  const write = sampleWriter(encoding, view);
  for (const [c, channel] of channels.entries()) {
    for (let i = 0, at = dataAt + 8 + c * size; i < frames; i++, at += align) write(at, channel[i]!);
  }
  return new Uint8Array(view.buffer);
}

function sampleWriter(encoding: SampleEncoding, view: DataView): (at: number, value: number) => void {
  const step = (value: number, scale: number) =>
    Math.max(-scale, Math.min(scale - 1, Math.round(value * scale)));
  switch (encoding) {
    case "uint8":
      return (at, value) => view.setUint8(at, 128 + step(value, 128));
    case "int16":
      return (at, value) => view.setInt16(at, step(value, 32768), true);
    case "int24":
      return (at, value) => {
        const whole = step(value, 8388608);
        view.setUint16(at, whole & 0xffff, true);
        view.setInt8(at + 2, whole >> 16);
      };
    case "int32":
      return (at, value) => view.setInt32(at, step(value, 2147483648), true);
    case "float32":
      return (at, value) => view.setFloat32(at, value, true);
    default:
      return (at, value) => view.setFloat64(at, value, true);
  }
}
