// How probable CTC finds a text as the beginning of what was said: what a search that goes token by token needs, and
// CTC's frames don't give directly. Watanabe et al. 2017, algorithm 2. Read next: one-pass-search.ts.
// Shapes: T frames, V labels.
import { type FrameScores, rowOf } from "./ctc-search.ts";
import { logAddExp } from "./log-add.ts";

const NEVER = Number.NEGATIVE_INFINITY;

/** A beginning of a text: log probabilities of all its alignments to the first t frames, t = 0 ... T. */
export interface CtcPrefix {
  /** Alignments that end in a blank: [T + 1]. */
  readonly blank: Float64Array;
  /** Alignments that end in the last token: [T + 1]. */
  readonly label: Float64Array;
  /** The last token, -1 of the empty text. */
  readonly last: number;
}

/** Beginnings of texts of one utterance. */
export class CtcPrefixes {
  readonly #scores: FrameScores;
  readonly #blankLabel: number;
  /** Probabilities, not their logarithms: [T, V]. */
  readonly #likely: Float64Array;
  readonly empty: CtcPrefix;

  /** @param scores log probabilities of one utterance. @param blank label of the blank. */
  constructor(scores: FrameScores, blank = 0) {
    const { frames, values } = scores;
    this.#scores = scores;
    this.#blankLabel = blank;
    this.#likely = Float64Array.from(values, Math.exp);
    const silent = new Float64Array(frames + 1);
    for (let t = 0; t < frames; t++) silent[t + 1] = silent[t]! + rowOf(scores, t)[blank]!;
    this.empty = { blank: silent, label: new Float64Array(frames + 1).fill(NEVER), last: -1 };
  }

  /** Log probability that this is the whole text: that of `ctcScore`. */
  whole({ blank, label }: CtcPrefix): number {
    const { frames } = this.#scores;
    return logAddExp(blank[frames]!, label[frames]!);
  }

  /**
   * Log probability that the text begins with this one and each token behind it: [V]. That of the blank means nothing.
   * A sum over the frames at which the new token may start: the text before it is said there, then comes the token.
   */
  longer(prefix: CtcPrefix): Float64Array {
    const { frames, vocabulary } = this.#scores;
    const before = Float64Array.from({ length: frames }, (_, t) =>
      logAddExp(prefix.blank[t]!, prefix.label[t]!),
    );
    const sums = this.#weighed(before, 0, vocabulary);
    // A repeated token needs a blank between, or it would have merged with the one before.
    const { last } = prefix;
    if (last >= 0) sums[last] = this.#weighed(prefix.blank, last, last + 1)[0]!;
    return sums;
  }

  /** log of the sum over t of exp(weights[t]) * P[t, v] for v in [from, to). */
  #weighed(weights: Float64Array, from: number, to: number): Float64Array {
    const { frames, vocabulary } = this.#scores;
    const sums = new Float64Array(to - from);
    let largest = NEVER;
    for (let t = 0; t < frames; t++) largest = Math.max(largest, weights[t]!);
    if (largest === NEVER) return sums.fill(NEVER);
    for (let t = 0; t < frames; t++) {
      const weight = Math.exp(weights[t]! - largest);
      if (weight === 0) continue;
      const row = t * vocabulary + from;
      for (let v = 0; v < sums.length; v++) sums[v] = sums[v]! + weight * this.#likely[row + v]!;
    }
    for (let v = 0; v < sums.length; v++) sums[v] = Math.log(sums[v]!) + largest;
    return sums;
  }

  /** The text with one more token. */
  after(prefix: CtcPrefix, token: number): CtcPrefix {
    const { frames } = this.#scores;
    const blank = new Float64Array(frames + 1).fill(NEVER);
    const label = new Float64Array(frames + 1).fill(NEVER);
    for (let t = 0; t < frames; t++) {
      const row = rowOf(this.#scores, t);
      const begins = token === prefix.last ? prefix.blank[t]! : logAddExp(prefix.blank[t]!, prefix.label[t]!);
      label[t + 1] = logAddExp(label[t]!, begins) + row[token]!;
      blank[t + 1] = logAddExp(blank[t]!, label[t]!) + row[this.#blankLabel]!;
    }
    return { blank, label, last: token };
  }
}
