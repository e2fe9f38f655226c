// Pitch bias: frames of similar pitch attend to each other more. Each voiced frame's f0 is standardised
// within its utterance; two voiced frames get exp(-|difference| * scale), in (0, 1], added to their score.
// The seed's second enhancement. Read with: attention.ts.

import { exp, mul, neg, type Tensor } from "@echo-ts/tensor";
import type { PitchTrack } from "./pitch-track.ts";
import { newTensorFrom } from "./tensor-from.ts";

const EPSILON = 1e-8;

/** Which pairs of frames are compared, and how far apart their standardised pitches lie: both [B, 1, T, T]. */
export interface PitchDistances {
  readonly distance: Tensor;
  /** 1 where both frames count, else 0. */
  readonly both: Tensor;
}

/** Standardises the values that count: mean 0, standard deviation 1 with n - 1 in the divisor. */
function standardise(values: Float64Array, counts: (i: number) => boolean): Float64Array {
  const used = values.filter((_, i) => counts(i));
  const mean = used.reduce((sum, v) => sum + v, 0) / Math.max(1, used.length);
  const squares = used.reduce((sum, v) => sum + (v - mean) ** 2, 0);
  const deviation = used.length > 1 ? Math.sqrt(squares / (used.length - 1)) : 0;
  return values.map((v) => (v - mean) / (deviation + EPSILON));
}

/** Distances between the frames of each utterance that count. @param like dtype and backend of the result */
export function distancesWhere(
  track: PitchTrack,
  like: Tensor,
  counts: (b: number, i: number) => boolean,
): PitchDistances {
  const frames = track.rows[0]?.length ?? 0;
  const shape = [track.rows.length, 1, frames, frames];
  const distance = new Float64Array(track.rows.length * frames * frames);
  const both = new Float64Array(distance.length);
  track.rows.forEach((row, b) => {
    const z = standardise(row, (i) => counts(b, i));
    for (let i = 0; i < frames; i++) {
      for (let j = 0; j < frames; j++) {
        if (!counts(b, i) || !counts(b, j)) continue;
        const at = (b * frames + i) * frames + j;
        distance[at] = Math.abs(z[i]! - z[j]!);
        both[at] = 1;
      }
    }
  });
  return {
    distance: newTensorFrom(distance, shape, like.dtype, like.backend),
    both: newTensorFrom(both, shape, like.dtype, like.backend),
  };
}

/**
 * Distances between voiced frames within each utterance's length; all other pairs do not count.
 *
 * @param track f0 on the encoder's clock, Hz, 0 = unvoiced
 */
export function pitchDistances(track: PitchTrack, like: Tensor): PitchDistances {
  return distancesWhere(track, like, (b, i) => track.rows[b]![i]! > 0 && i < track.lengths[b]!);
}

/**
 * The bias to add to attention scores: exp(-distance * scale), and 0 for pairs that do not count.
 *
 * @param scale steepness, [] // pitch_scale
 * @returns [B, 1, T, T]
 */
export function pitchBias({ distance, both }: PitchDistances, scale: Tensor): Tensor {
  return mul(exp(neg(mul(distance, scale))), both);
}
