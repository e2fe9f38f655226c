// AIFF, AIFF-C and CAF with uncompressed or G.711 samples. Headers only: samples.ts turns bytes into samples.
import { deinterleave, type SampleEncoding } from "../samples.ts";
import { type Decoded, type DecodeJob, hasText } from "./job.ts";

interface Layout {
  readonly sampleRate: number;
  readonly channels: number;
  readonly encoding: SampleEncoding;
  readonly bytes: number;
  readonly littleEndian: boolean;
}

const PCM_OF_SIZE = ["int8", "int16", "int24", "int32"] as const;

/** AIFF-C's codings: sample coding and byte order; size 0: from the number of bits. */
const AIFF_CODINGS: Readonly<Record<string, readonly [SampleEncoding | "pcm", boolean]>> = {
  NONE: ["pcm", false],
  twos: ["pcm", false],
  sowt: ["pcm", true],
  in24: ["int24", false],
  in32: ["int32", false],
  fl32: ["float32", false],
  FL32: ["float32", false],
  fl64: ["float64", false],
  FL64: ["float64", false],
  "raw ": ["uint8", false],
  alaw: ["alaw", false],
  ALAW: ["alaw", false],
  ulaw: ["mulaw", false],
  ULAW: ["mulaw", false],
};
const BYTES: Readonly<Record<SampleEncoding, number>> = {
  uint8: 1,
  int8: 1,
  int16: 2,
  int24: 3,
  int32: 4,
  float32: 4,
  float64: 8,
  alaw: 1,
  mulaw: 1,
};

/** Decodes AIFF and AIFF-C. */
export function decodeAiff(bytes: Uint8Array, job: DecodeJob): Decoded {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let layout: Layout | undefined;
  let announced = 0;
  let data: Uint8Array | undefined;
  const warnings: string[] = [];
  for (let at = 12; at + 8 <= bytes.length; ) {
    const size = view.getUint32(at + 4);
    const start = at + 8;
    const end = Math.min(start + size, bytes.length);
    if (hasText(bytes, at, "COMM") && end - start >= 18) {
      const coding =
        end - start >= 22 ? String.fromCharCode(...bytes.subarray(start + 18, start + 22)) : "NONE";
      announced = view.getUint32(start + 2);
      layout = aiffLayout(
        view.getUint16(start),
        view.getUint16(start + 6),
        extended(view, start + 8),
        coding,
      );
    } else if (hasText(bytes, at, "SSND") && end - start >= 8) {
      if (start + size > bytes.length)
        warnings.push(`the samples are cut: ${size} bytes claimed, ${end - start} left`);
      data = bytes.subarray(Math.min(end, start + 8 + view.getUint32(start)), end);
    }
    at = start + size + (size % 2);
  }
  if (!layout) throw new Error("no COMM chunk is in it");
  if (!data) throw new Error("no SSND chunk is in it");
  const decoded = samplesOf(data, layout, job, warnings);
  const frames = decoded.channels[0]?.length ?? 0;
  if (frames < announced && warnings.length === 0) {
    warnings.push(`${frames} frames were found where the header announces ${announced}`);
  }
  return decoded;
}

function aiffLayout(channels: number, bits: number, sampleRate: number, coding: string): Layout {
  const found = AIFF_CODINGS[coding];
  if (!found) throw new Error(`coding ${JSON.stringify(coding)} is not supported`);
  const pcm = PCM_OF_SIZE[Math.ceil(bits / 8) - 1];
  const encoding = found[0] === "pcm" ? pcm : found[0];
  if (!encoding) throw new Error(`${bits} bits per sample are not supported`);
  return { sampleRate, channels, encoding, bytes: BYTES[encoding], littleEndian: found[1] };
}

/** An 80-bit float: sign and exponent in 16 bits, mantissa in 64. */
function extended(view: DataView, at: number): number {
  const exponent = (view.getUint16(at) & 0x7fff) - 16383 - 63;
  return (view.getUint32(at + 2) * 2 ** 32 + view.getUint32(at + 6)) * 2 ** exponent;
}

/** Decodes CAF. */
export function decodeCaf(bytes: Uint8Array, job: DecodeJob): Decoded {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let layout: Layout | undefined;
  let data: Uint8Array | undefined;
  const warnings: string[] = [];
  for (let at = 8; at + 12 <= bytes.length; ) {
    const start = at + 12;
    const size = Number(view.getBigInt64(at + 4));
    // -1: the writer did not know; the samples go on to the end of the file.
    const end = size < 0 ? bytes.length : Math.min(start + size, bytes.length);
    if (hasText(bytes, at, "desc") && end - start >= 32) layout = cafLayout(view, start, bytes);
    else if (hasText(bytes, at, "data") && end - start >= 4) {
      if (start + size > bytes.length)
        warnings.push(`the samples are cut: ${size} bytes claimed, ${end - start} left`);
      data = bytes.subarray(start + 4, end);
    }
    at = size < 0 ? bytes.length : start + size;
  }
  if (!layout) throw new Error("no desc chunk is in it");
  if (!data) throw new Error("no data chunk is in it");
  return samplesOf(data, layout, job, warnings);
}

function cafLayout(view: DataView, at: number, bytes: Uint8Array): Layout {
  const coding = String.fromCharCode(...bytes.subarray(at + 8, at + 12));
  const flags = view.getUint32(at + 12);
  const channels = view.getUint32(at + 24);
  const bits = view.getUint32(at + 28);
  const size = Math.ceil(bits / 8);
  const laws: Readonly<Record<string, SampleEncoding>> = { alaw: "alaw", ulaw: "mulaw" };
  const pcm =
    (flags & 1) !== 0
      ? bits === 64
        ? "float64"
        : bits === 32
          ? "float32"
          : undefined
      : PCM_OF_SIZE[size - 1];
  const encoding = coding === "lpcm" ? pcm : laws[coding];
  if (!encoding) throw new Error(`coding ${JSON.stringify(coding)} with ${bits} bits is not supported`);
  return {
    sampleRate: view.getFloat64(at),
    channels,
    encoding,
    bytes: BYTES[encoding],
    littleEndian: (flags & 2) !== 0,
  };
}

function samplesOf(data: Uint8Array, layout: Layout, job: DecodeJob, warnings: string[]): Decoded {
  const { sampleRate, channels, encoding, bytes, littleEndian } = layout;
  if (channels < 1 || channels > 65535) throw new Error(`the file claims ${channels} channels`);
  const stride = channels * bytes;
  const frames = Math.floor(data.length / stride);
  if (frames * channels > job.maximumSamples) throw new Error(`more than ${job.maximumSamples} samples`);
  return {
    channels: deinterleave(data, { encoding, channels, frames, stride, littleEndian }),
    sampleRate,
    warnings,
  };
}
