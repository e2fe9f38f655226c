// ADPCM in WAV files: four bits a sample, the difference from a prediction, in steps that grow and shrink with the sound.
// Two kinds: IMA (IMA Digital Audio Focus Group, 1992) and Microsoft's (Multimedia Standards Update, 1994). A file is a row
// of blocks of one size that can each be decoded alone. All arithmetic is in whole numbers, so any right decoder gives the
// same samples; libsndfile's are the judge. wav.ts reads what is around the blocks.

/** How the blocks of a file are made. */
export interface AdpcmFormat {
  readonly kind: "ima" | "ms";
  readonly channels: number;
  /** Bytes of a block. */
  readonly blockAlign: number;
  /** Microsoft's: the pairs of factors by which the last two samples predict the next, in 1/256. */
  readonly coefficients: readonly (readonly [number, number])[];
}

/** Samples per channel that `bytes` of a block hold: fewer than a whole block's in the last, cut one. */
export function framesIn({ kind, channels }: AdpcmFormat, bytes: number): number {
  const header = (kind === "ima" ? 4 : 7) * channels;
  if (bytes < header) return 0;
  // IMA: the header's sample, then eight samples in four bytes of each channel. Microsoft's: two, then nibbles in turn.
  if (kind === "ima") return 1 + 8 * Math.floor((bytes - header) / (4 * channels));
  return 2 + Math.floor((2 * (bytes - header)) / channels);
}

/**
 * Decodes blocks; the last may be cut.
 *
 * @param bytes whole blocks, and what there is of the last
 * @returns one array per channel, full scale -1 ... 1; a block whose header makes no sense is decoded with the nearest
 *   header that does, and named in `warnings`
 */
export function decodeAdpcm(
  bytes: Uint8Array,
  format: AdpcmFormat,
  warnings: string[],
): { readonly channels: Float32Array[]; readonly frames: number } {
  const { channels: count, blockAlign } = format;
  const blocks = Math.ceil(bytes.length / blockAlign);
  const rest = blocks * blockAlign === bytes.length ? blockAlign : bytes.length % blockAlign;
  const frames = blocks === 0 ? 0 : (blocks - 1) * framesIn(format, blockAlign) + framesIn(format, rest);
  const channels = Array.from({ length: count }, () => new Float32Array(frames));
  const decode = format.kind === "ima" ? decodeIma : decodeMicrosoft;
  let wrong = 0;
  for (let block = 0, at = 0; block < blocks; block++) {
    const part = bytes.subarray(block * blockAlign, (block + 1) * blockAlign);
    const length = framesIn(format, part.length);
    if (length > 0 && !decode(part, format, channels, at, length)) wrong++;
    at += length;
  }
  if (wrong > 0) warnings.push(`${wrong} of ${blocks} ADPCM blocks have a header that makes no sense`);
  return { channels, frames };
}

/** The 89 step sizes: each about a tenth more than the one before. */
const IMA_STEPS: readonly number[] = [
  7, 8, 9, 10, 11, 12, 13, 14, 16, 17, 19, 21, 23, 25, 28, 31, 34, 37, 41, 45, 50, 55, 60, 66, 73, 80, 88, 97,
  107, 118, 130, 143, 157, 173, 190, 209, 230, 253, 279, 307, 337, 371, 408, 449, 494, 544, 598, 658, 724,
  796, 876, 963, 1060, 1166, 1282, 1411, 1552, 1707, 1878, 2066, 2272, 2499, 2749, 3024, 3327, 3660, 4026,
  4428, 4871, 5358, 5894, 6484, 7132, 7845, 8630, 9493, 10442, 11487, 12635, 13899, 15289, 16818, 18500,
  20350, 22385, 24623, 27086, 29794, 32767,
];
const IMA_MOVES: readonly number[] = [-1, -1, -1, -1, 2, 4, 6, 8];

const clamp16 = (value: number): number => Math.max(-32768, Math.min(32767, value));
const clampStep = (index: number): number => Math.max(0, Math.min(IMA_STEPS.length - 1, index));

/** One block into `channels` from `at`; false when its header makes no sense. */
function decodeIma(
  block: Uint8Array,
  { channels: count }: AdpcmFormat,
  channels: readonly Float32Array[],
  at: number,
  length: number,
): boolean {
  const view = new DataView(block.buffer, block.byteOffset, block.byteLength);
  let sound = true;
  for (const [c, out] of channels.entries()) {
    let sample = view.getInt16(4 * c, true);
    let index = clampStep(block[4 * c + 2]!);
    sound &&= index === block[4 * c + 2];
    out[at] = sample / 32768;
    for (let i = 0; i + 1 < length; i++) {
      // Groups of four bytes by channel; the low half of a byte comes first.
      const byte = block[4 * count + 4 * count * (i >> 3) + 4 * c + ((i & 7) >> 1)]!;
      const code = i & 1 ? byte >> 4 : byte & 15;
      const step = IMA_STEPS[index]!;
      let change = step >> 3;
      if (code & 4) change += step;
      if (code & 2) change += step >> 1;
      if (code & 1) change += step >> 2;
      sample = clamp16(code & 8 ? sample - change : sample + change);
      index = clampStep(index + IMA_MOVES[code & 7]!);
      out[at + 1 + i] = sample / 32768;
    }
  }
  return sound;
}

/** By how much the step changes after each code, in 1/256. */
const MICROSOFT_MOVES: readonly number[] = [
  230, 230, 230, 230, 307, 409, 512, 614, 768, 614, 512, 409, 307, 230, 230, 230,
];
const SMALLEST_STEP = 16;

/** One block into `channels` from `at`; false when its header makes no sense. */
function decodeMicrosoft(
  block: Uint8Array,
  { channels: count, coefficients }: AdpcmFormat,
  channels: readonly Float32Array[],
  at: number,
  length: number,
): boolean {
  const view = new DataView(block.buffer, block.byteOffset, block.byteLength);
  let sound = true;
  for (const [c, out] of channels.entries()) {
    const pair = coefficients[block[c]!];
    sound &&= pair !== undefined;
    const [first, second] = pair ?? coefficients[0]!;
    let step = view.getInt16(count + 2 * c, true);
    let last = view.getInt16(3 * count + 2 * c, true);
    let before = view.getInt16(5 * count + 2 * c, true);
    out[at] = before / 32768;
    out[at + 1] = last / 32768;
    for (let i = 0; i + 2 < length; i++) {
      // Halves of bytes by channel in turn, the high one first.
      const place = i * count + c;
      const byte = block[7 * count + (place >> 1)]!;
      const code = place & 1 ? byte & 15 : byte >> 4;
      const predicted = (last * first + before * second) >> 8;
      const sample = clamp16(predicted + (code < 8 ? code : code - 16) * step);
      step = Math.max(SMALLEST_STEP, (MICROSOFT_MOVES[code]! * step) >> 8);
      before = last;
      last = sample;
      out[at + 2 + i] = sample / 32768;
    }
  }
  return sound;
}
