// The Python original's use of pitch: one mean for the whole batch, and distances between all frames, voiced or not.
import { ShapeError, type Tensor } from "@echo-ts/tensor";
import { distancesWhere, type PitchDistances } from "../model/pitch-bias.ts";
import { PitchTrack } from "../model/pitch-track.ts";

/** f0 of a batch whose angles all follow one pitch: the mean over everything, unvoiced and padded hops included. */
export class SharedPitchTrack extends PitchTrack {
  override angleMeans(): readonly number[] {
    let sum = 0;
    let count = 0;
    for (const row of this.rows) {
      for (const hz of row) sum += hz;
      count += row.length;
    }
    return [count === 0 ? 0 : sum / count];
  }
}

/**
 * The original's distances: over the first `frames` values of the track, for one utterance only.
 *
 * @param track f0 per hop, Hz. @param like dtype and backend of the result
 * @returns distances [1, 1, frames, frames]
 * @throws ShapeError for a batch, which the original refuses too, and for a track that is too short
 */
export function referencePitchDistances(track: PitchTrack, frames: number, like: Tensor): PitchDistances {
  if (track.rows.length !== 1) {
    throw new ShapeError(
      `pitch bias: the reference variant takes one utterance at a time, got ${track.rows.length}`,
    );
  }
  const [row] = track.rows;
  if (row!.length < frames)
    throw new ShapeError(`f0: expected at least ${frames} values, got ${row!.length}`);
  return distancesWhere(new PitchTrack([row!.subarray(0, frames)], track.lengths), like, () => true);
}
