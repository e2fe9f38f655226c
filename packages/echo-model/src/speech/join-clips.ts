// Recordings put together with silence between them: samples, and the f0 tracks that were taken of each alone.
import { hopCount } from "./features.ts";

/** Samples and f0 of a recording at one speed. */
export interface Piece {
  readonly wave: Float32Array;
  /** Hz per hop, 0 = unvoiced. */
  readonly f0: Float32Array;
}

/**
 * Joins recordings with exact silence: gap, clip, gap, clip, ..., gap.
 * @param waves - samples of each clip, all at one rate: (N_i). @param gaps - samples of zeros, one more than waves.
 * @returns one wave of sum(N_i) + sum(gaps) samples.
 * @throws RangeError when the counts do not fit.
 */
export function joinClips(waves: readonly Float32Array[], gaps: readonly number[]): Float32Array {
  if (gaps.length !== waves.length + 1)
    throw new RangeError(
      `joinClips: expected one gap more than waves (${waves.length + 1}), got ${gaps.length}`,
    );
  const total = waves.reduce((sum, wave) => sum + wave.length, 0) + gaps.reduce((sum, gap) => sum + gap, 0);
  const out = new Float32Array(total);
  let at = gaps[0]!;
  waves.forEach((wave, i) => {
    out.set(wave, at);
    at += wave.length + gaps[i + 1]!;
  });
  return out;
}

/**
 * Joins recordings with silence. f0 is put together from the recordings' own tracks, each on the nearest hop.
 * @param gaps - samples of silence before, between and after the pieces. @param hopLength - samples per hop.
 */
export function joinPieces(pieces: readonly Piece[], gaps: readonly number[], hopLength: number): Piece {
  const wave = joinClips(
    pieces.map((piece) => piece.wave),
    gaps,
  );
  const f0 = new Float32Array(hopCount(wave.length, hopLength));
  let at = gaps[0]!;
  pieces.forEach((piece, i) => {
    const first = Math.round(at / hopLength);
    f0.set(piece.f0.subarray(0, Math.max(0, f0.length - first)), first);
    at += piece.wave.length + gaps[i + 1]!;
  });
  return { wave, f0 };
}
