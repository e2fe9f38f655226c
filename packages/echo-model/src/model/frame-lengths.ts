// Lengths: how many frames of each utterance of a padded batch are real, and the masks made from that.
// Shapes: B utterances, T frames, S the stride from one clock to another.

import {
  add,
  arange,
  floorDivide,
  greaterEqual,
  ShapeError,
  Tensor,
  tensor,
  unsqueeze,
} from "@echo-ts/tensor";

/** Frames of each utterance that hold sound, one number per row of the batch. */
export type FrameLengths = readonly number[];

/** Lengths as numbers, or as int32 [B] where they are an input of a graph (onnx-graphs.ts). */
export type Lengths = FrameLengths | Tensor;

/**
 * Lengths after a strided convolution: floor((length + 2 padding - kernel) / stride) + 1 for each utterance.
 *
 * @example convolvedLengths([100], 7, 4, 3) // [25]
 */
export function convolvedLengths<L extends Lengths>(
  lengths: L,
  kernel: number,
  stride: number,
  padding: number,
): L;
export function convolvedLengths(lengths: Lengths, kernel: number, stride: number, padding: number): Lengths {
  if (lengths instanceof Tensor) return add(floorDivide(add(lengths, 2 * padding - kernel), stride), 1);
  return lengths.map((n) => Math.floor((n + 2 * padding - kernel) / stride) + 1);
}

/**
 * Throws unless there is one length per utterance, each from 1 to `frames`.
 *
 * @throws ShapeError naming the utterance
 */
export function checkLengths(where: string, lengths: FrameLengths, batch: number, frames: number): void {
  if (lengths.length !== batch) {
    throw new ShapeError(`${where}: expected ${batch} lengths, one per utterance, got ${lengths.length}`);
  }
  lengths.forEach((n, i) => {
    if (!Number.isInteger(n) || n < 1 || n > frames) {
      throw new ShapeError(`${where}: utterance ${i} has length ${n}, expected 1 to ${frames} frames`);
    }
  });
}

/** True where a frame is padding: [B, T]. Null if nothing is padded. */
export function paddingMask(lengths: Lengths, frames: number, like: Tensor): Tensor | null {
  if (lengths instanceof Tensor) {
    return greaterEqual(arange(0, frames, 1, { backend: like.backend }), unsqueeze(lengths, 1));
  }
  if (lengths.every((n) => n === frames)) return null;
  const mask = new Uint8Array(lengths.length * frames);
  for (const [b, n] of lengths.entries()) mask.fill(1, b * frames + n, (b + 1) * frames);
  return tensor(mask, { shape: [lengths.length, frames], dtype: "bool", backend: like.backend });
}

/**
 * The value of a per-frame track at each encoder frame: frame i of the result is frame floor(i * stride) of
 * the track, or its last one.
 *
 * @param track one utterance, per hop
 * @param frames length of the result
 * @param stride hops per encoder frame; need not be an integer
 */
export function trackAtFrames(track: ArrayLike<number>, frames: number, stride: number): Float64Array {
  return Float64Array.from(
    { length: frames },
    (_, i) => track[Math.min(Math.floor(i * stride), track.length - 1)] ?? 0,
  );
}
