// How well an f0 track agrees with the truth: the usual error rates of pitch trackers.

/** Error rates in percent of the frames named; pooled over everything added. */
export interface PitchScore {
  readonly frames: number;
  /** Voicing decision error: frames with the wrong voicing, of all frames. */
  readonly vde: number;
  /** Gross pitch error: f0 off by more than 20 %, of the frames voiced in both. */
  readonly gpe: number;
  /** F0 frame error: wrong voicing or off by more than 20 %, of all frames. */
  readonly ffe: number;
  /** Raw pitch accuracy: found voiced and within 50 cents, of the truly voiced frames. */
  readonly rpa50: number;
  /** Overall accuracy: rightly unvoiced, or voiced and within 50 cents, of all frames. */
  readonly oa: number;
  /** Mean absolute deviation, in cents, of the frames within 50 cents. */
  readonly cents: number;
}

/**
 * Collects frames and reports `PitchScore`.
 *
 * @example
 * const tally = new PitchTally();
 * tally.add(truth, trackPitch(samples, { sampleRate: 16000, hopLength: 128 }).f0);
 * tally.score().ffe;
 */
export class PitchTally {
  #frames = 0;
  #trulyVoiced = 0;
  #bothVoiced = 0;
  #voicingErrors = 0;
  #gross = 0;
  #close = 0;
  #rightlyUnvoiced = 0;
  #cents = 0;

  /**
   * Adds an utterance. Both are Hz per frame, 0 where unvoiced; frames of `estimate` beyond the truth are ignored,
   * missing ones count as unvoiced.
   */
  add(truth: ArrayLike<number>, estimate: ArrayLike<number>): void {
    this.#frames += truth.length;
    for (let i = 0; i < truth.length; i++) {
      const want = truth[i]!;
      const got = estimate[i] ?? 0;
      if (want > 0) this.#trulyVoiced++;
      if (want > 0 !== got > 0) this.#voicingErrors++;
      else if (want > 0) {
        this.#bothVoiced++;
        if (Math.abs(got / want - 1) > 0.2) this.#gross++;
        const cents = Math.abs(1200 * Math.log2(got / want));
        if (cents > 50) continue;
        this.#close++;
        this.#cents += cents;
      } else this.#rightlyUnvoiced++;
    }
  }

  /** The rates over all frames added; a rate of nothing is 0. */
  score(): PitchScore {
    const percent = (part: number, whole: number) => (whole > 0 ? (100 * part) / whole : 0);
    return {
      frames: this.#frames,
      vde: percent(this.#voicingErrors, this.#frames),
      gpe: percent(this.#gross, this.#bothVoiced),
      ffe: percent(this.#voicingErrors + this.#gross, this.#frames),
      rpa50: percent(this.#close, this.#trulyVoiced),
      oa: percent(this.#close + this.#rightlyUnvoiced, this.#frames),
      cents: this.#close > 0 ? this.#cents / this.#close : 0,
    };
  }
}
