// The pitch side of a batch: f0 per hop, what it means for an utterance as a whole, and how it is read on
// an encoder's clock. All of it is plain numbers; tensors begin in rotary.ts and pitch-bias.ts.

import { ShapeError, type Tensor } from "@echo-ts/tensor";
import { type FrameLengths, trackAtFrames } from "./frame-lengths.ts";

/** f0 of a batch in Hz, 0 where unvoiced, with the number of hops that each utterance has. */
export class PitchTrack {
  /** One row per utterance, Hz per hop, 0 = unvoiced; rows may be padded. */
  readonly rows: readonly Float64Array[];
  readonly lengths: FrameLengths;

  constructor(rows: readonly Float64Array[], lengths: FrameLengths) {
    this.rows = rows;
    this.lengths = lengths;
  }

  /**
   * Reads a tensor of f0 values.
   *
   * @param f0 [B, T] in Hz, 0 = unvoiced
   * @throws ShapeError if the rank is not 2, or a value is negative or not finite
   */
  static fromTensor(f0: Tensor, lengths: FrameLengths): PitchTrack {
    if (f0.rank !== 2) throw new ShapeError(`f0: expected shape [B, T], got [${f0.shape.join(", ")}]`);
    const values = f0.dataSync();
    const frames = f0.shape[1]!;
    const bad = values.findIndex((hz) => !(hz >= 0 && hz < Number.POSITIVE_INFINITY));
    if (bad >= 0) {
      throw new ShapeError(
        `f0: expected Hz of 0 (unvoiced) or more, got ${values[bad]} in utterance ${Math.floor(bad / frames)}, frame ${bad % frames}`,
      );
    }
    const rows = Array.from({ length: f0.shape[0]! }, (_, b) =>
      Float64Array.from(values.subarray(b * frames, (b + 1) * frames)),
    );
    return new PitchTrack(rows, lengths);
  }

  /** Mean f0 over the voiced hops within each utterance's length; 0 for an utterance without any. */
  voicedMeans(): number[] {
    return this.rows.map((row, b) => {
      const voiced = row.subarray(0, this.lengths[b]).filter((hz) => hz > 0);
      return voiced.length === 0 ? 0 : voiced.reduce((sum, hz) => sum + hz, 0) / voiced.length;
    });
  }

  /** The pitch that bends each utterance's angles, or one for all of them. */
  angleMeans(): readonly number[] {
    return this.voicedMeans();
  }

  /**
   * The track on another clock: frame i is hop floor(i * stride).
   *
   * @param frames frames of the padded batch on that clock
   * @param stride hops per frame
   * @param lengths real frames of each utterance on that clock
   */
  atFrames(frames: number, stride: number, lengths: FrameLengths): PitchTrack {
    return new PitchTrack(
      this.rows.map((row) => trackAtFrames(row, frames, stride)),
      lengths,
    );
  }
}
