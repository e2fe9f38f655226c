// One frame of FLAC (RFC 9639, section 9): header, subframes by prediction and Rice-coded rest, checks. Samples are
// whole numbers here. Read flac-stream.ts next.
import { crc8, crc16 } from "../files/crc.ts";
import { BitReader } from "./bit-reader.ts";

/** What is wrong with a frame. The stream looks for the next one. */
export class BadFrame extends Error {}

/** Integers of one channel of a frame; the wide form holds the 33 bits of a side channel of 32-bit audio. */
export type FrameSamples = Int32Array | Float64Array;

/** What STREAMINFO says (RFC 9639, section 8.2). */
export interface StreamInfo {
  readonly minBlock: number;
  readonly maxBlock: number;
  readonly sampleRate: number;
  readonly channels: number;
  readonly bits: number;
  /** Samples per channel, 0: unknown. */
  readonly total: number;
  /** Digest of all samples, 32 hexadecimal digits; all 0: unknown. */
  readonly md5: string;
}

/** The header of a frame. */
export interface FrameHeader {
  readonly block: number;
  readonly sampleRate: number;
  /** 0 ... 7: channels - 1; 8 left and side, 9 side and right, 10 mid and side. */
  readonly assignment: number;
  readonly channels: number;
  readonly bits: number;
  /** Number of the first sample of the frame. */
  readonly first: number;
  /** Bytes of the header, its check included. */
  readonly length: number;
}

/** A decoded frame. */
export interface Frame {
  readonly header: FrameHeader;
  readonly channels: readonly FrameSamples[];
  readonly length: number;
}

const RATES: readonly number[] = [
  0, 88200, 176400, 192000, 8000, 16000, 22050, 24000, 32000, 44100, 48000, 96000,
];
const SIZES: readonly number[] = [0, 8, 12, 0, 16, 20, 24, 32];

/**
 * Reads the header at the start of `bytes`.
 *
 * @throws BadFrame if there is none; EndOfBytes
 */
export function readFrameHeader(bytes: Uint8Array, info: StreamInfo): FrameHeader {
  const reader = new BitReader(bytes);
  if (reader.unsigned(15) !== 0x7ffc) throw new BadFrame("no sync code");
  // Old encoders (Flake) vary the block size without saying so here; libFLAC reads them in the same way.
  const variable = reader.unsigned(1) === 1 || info.minBlock !== info.maxBlock;
  const blockCode = reader.unsigned(4);
  const rateCode = reader.unsigned(4);
  const assignment = reader.unsigned(4);
  const sizeCode = reader.unsigned(3);
  if (reader.unsigned(1) !== 0 || blockCode === 0 || rateCode === 15 || assignment > 10 || sizeCode === 3) {
    throw new BadFrame("a reserved code");
  }
  const number = readNumber(reader);
  const block = blockLength(reader, blockCode);
  const rates = [
    reader.unsigned(rateCode === 12 ? 8 : 0) * 1000,
    reader.unsigned(rateCode === 13 || rateCode === 14 ? 16 : 0),
  ];
  const ownRate = rateCode === 12 ? rates[0]! : rates[1]! * (rateCode === 14 ? 10 : 1);
  const sampleRate = rateCode === 0 ? info.sampleRate : (RATES[rateCode] ?? ownRate);
  const length = reader.position / 8 + 1;
  if (reader.unsigned(8) !== crc8(bytes, 0, length - 1)) throw new BadFrame("a wrong check of the header");
  return {
    block,
    sampleRate,
    assignment,
    channels: assignment < 8 ? assignment + 1 : 2,
    bits: sizeCode === 0 ? info.bits : SIZES[sizeCode]!,
    first: variable ? number : number * info.maxBlock,
    length,
  };
}

/** Numbers are coded like UTF-8, up to 36 bits. */
function readNumber(reader: BitReader): number {
  const first = reader.unsigned(8);
  if (first < 0x80) return first;
  const more = Math.clz32((~first & 0xff) << 24) - 1;
  if (more < 1 || more > 6) throw new BadFrame("a damaged frame number");
  let value = first & (0x3f >> more);
  for (let i = 0; i < more; i++) {
    const next = reader.unsigned(8);
    if (next >> 6 !== 2) throw new BadFrame("a damaged frame number");
    value = value * 64 + (next & 63);
  }
  return value;
}

function blockLength(reader: BitReader, code: number): number {
  if (code === 1) return 192;
  if (code <= 5) return 576 << (code - 2);
  if (code === 6) return reader.unsigned(8) + 1;
  if (code === 7) return reader.unsigned(16) + 1;
  return 256 << (code - 8);
}

/**
 * Decodes the frame at the start of `bytes`.
 *
 * @throws BadFrame for a frame that breaks a rule or a check; EndOfBytes when it goes on behind the bytes
 */
export function readFrame(bytes: Uint8Array, info: StreamInfo): Frame {
  const header = readFrameHeader(bytes, info);
  const reader = new BitReader(bytes);
  reader.position = 8 * header.length;
  const channels: FrameSamples[] = [];
  for (let c = 0; c < header.channels; c++) {
    const side = (header.assignment === 8 || header.assignment === 10) && c === 1;
    const bits = header.bits + (side || (header.assignment === 9 && c === 0) ? 1 : 0);
    const samples = bits > 32 ? new Float64Array(header.block) : new Int32Array(header.block);
    readSubframe(reader, bits, samples);
    channels.push(samples);
  }
  reader.align();
  const end = reader.position / 8;
  if (reader.unsigned(16) !== crc16(bytes, 0, end)) throw new BadFrame("a wrong check");
  return { header, channels: joined(header, channels), length: end + 2 };
}

function readSubframe(reader: BitReader, width: number, out: FrameSamples): void {
  if (reader.unsigned(1) !== 0) throw new BadFrame("a subframe that starts with 1");
  const type = reader.unsigned(6);
  const wasted = reader.unsigned(1) === 0 ? 0 : reader.unary() + 1;
  const bits = width - wasted;
  if (bits < 1) throw new BadFrame("more wasted bits than bits");
  if (type === 0) out.fill(reader.signed(bits));
  else if (type === 1) for (let i = 0; i < out.length; i++) out[i] = reader.signed(bits);
  else if (type >= 8 && type <= 12) readFixed(reader, bits, type - 8, out);
  else if (type >= 32) readLinear(reader, bits, type - 31, out);
  else throw new BadFrame(`subframe type ${type}`);
  if (wasted > 0) for (let i = 0; i < out.length; i++) out[i] = out[i]! * 2 ** wasted;
}

/** The polynomials of order 0 ... 4: the sum of these shares of the samples before is the prediction. */
const FIXED: readonly (readonly number[])[] = [[], [1], [2, -1], [3, -3, 1], [4, -6, 4, -1]];

function readFixed(reader: BitReader, bits: number, order: number, out: FrameSamples): void {
  readWarmUp(reader, bits, order, out);
  readResidual(reader, order, out);
  const shares = FIXED[order]!;
  for (let i = order; i < out.length; i++) {
    let sum = out[i]!;
    for (let k = 0; k < order; k++) sum += shares[k]! * out[i - 1 - k]!;
    out[i] = sum;
  }
}

function readLinear(reader: BitReader, bits: number, order: number, out: FrameSamples): void {
  readWarmUp(reader, bits, order, out);
  const precision = reader.unsigned(4) + 1;
  if (precision === 16) throw new BadFrame("a reserved precision");
  const shift = reader.signed(5);
  if (shift < 0) throw new BadFrame("a negative shift");
  const weights = new Int32Array(order);
  for (let k = 0; k < order; k++) weights[k] = reader.signed(precision);
  readResidual(reader, order, out);
  const narrow = bits + precision + Math.ceil(Math.log2(order)) <= 32;
  if (narrow && out instanceof Int32Array) {
    for (let i = order; i < out.length; i++) {
      let sum = 0;
      for (let k = 0, at = i - 1; k < order; k++, at--) sum = (sum + Math.imul(weights[k]!, out[at]!)) | 0;
      out[i] = out[i]! + (sum >> shift);
    }
    return;
  }
  // At most 33 + 15 + 5 bits: doubles hold them exactly.
  const scale = 2 ** -shift;
  for (let i = order; i < out.length; i++) {
    let sum = 0;
    for (let k = 0; k < order; k++) sum += weights[k]! * out[i - 1 - k]!;
    out[i] = out[i]! + Math.floor(sum * scale);
  }
}

function readWarmUp(reader: BitReader, bits: number, order: number, out: FrameSamples): void {
  if (order > out.length) throw new BadFrame("a predictor longer than its block");
  for (let i = 0; i < order; i++) out[i] = reader.signed(bits);
}

function readResidual(reader: BitReader, order: number, out: FrameSamples): void {
  const method = reader.unsigned(2);
  if (method > 1) throw new BadFrame("a reserved coding of the residual");
  const width = method === 0 ? 4 : 5;
  const partitions = 1 << reader.unsigned(4);
  const size = out.length / partitions;
  if (!Number.isInteger(size) || size < order) throw new BadFrame("partitions that do not fit the block");
  for (let p = 0, at = order; p < partitions; p++) {
    const end = (p + 1) * size;
    const parameter = reader.unsigned(width);
    if (parameter < 2 ** width - 1) reader.rice(out, at, end, parameter);
    else {
      const bits = reader.unsigned(5);
      for (let i = at; i < end; i++) out[i] = reader.signed(bits);
    }
    at = end;
  }
}

/** Left and right from what was coded in their place. */
function joined(header: FrameHeader, coded: FrameSamples[]): FrameSamples[] {
  const [a, b] = coded as [FrameSamples, FrameSamples];
  if (header.assignment < 8) return coded;
  const left = new Int32Array(header.block);
  const right = new Int32Array(header.block);
  for (let i = 0; i < left.length; i++) {
    if (header.assignment === 8) {
      left[i] = a[i]!;
      right[i] = a[i]! - b[i]!;
    } else if (header.assignment === 9) {
      left[i] = a[i]! + b[i]!;
      right[i] = b[i]!;
    } else {
      // The last bit of the sum, lost by halving, is that of the difference.
      const middle = 2 * a[i]! + Math.abs(b[i]! % 2);
      left[i] = (middle + b[i]!) / 2;
      right[i] = (middle - b[i]!) / 2;
    }
  }
  return [left, right];
}
