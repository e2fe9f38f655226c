// Decoding and aligning with CTC: the best label per frame, the probability of a given text, and the frames at which it
// is spoken. All work on log probabilities [T', V] of one utterance, blank = 0 by default; ctcFrameScores gives them.
// Read next: ctc-beam.ts.
import { noGrad } from "@echo-ts/autograd";
import { logSoftmax } from "@echo-ts/tensor";
import type { Echo } from "../../model/model.ts";
import { type Hypothesis, largest } from "./decoder-search.ts";
import { logAddExp } from "./log-add.ts";
import type { Encoded } from "./stepper.ts";

/** Log probabilities of one utterance: `frames` rows of `vocabulary` numbers. */
export interface FrameScores {
  readonly values: Float32Array;
  readonly frames: number;
  readonly vocabulary: number;
}

/**
 * Log probabilities per frame of each utterance of an encoded batch.
 *
 * @throws Error if the model has no CTC head
 */
export async function ctcFrameScores(echo: Echo, encoded: Encoded): Promise<FrameScores[]> {
  const logits = noGrad(() => {
    const raw = echo.ctcLogits(encoded);
    return raw === null ? null : logSoftmax(raw);
  });
  if (logits === null) {
    throw new Error(
      "ctcFrameScores: the model has no CTC head; set model.ctcHead true, or decode with attention",
    );
  }
  const [batch, frames, vocabulary] = logits.shape as [number, number, number];
  const values = Float32Array.from(await logits.data());
  const { lengths } = encoded.get(echo.mainFeature)!;
  return Array.from({ length: batch }, (_, b) => {
    const real = lengths?.[b] ?? frames;
    const start = b * frames * vocabulary;
    return { values: values.subarray(start, start + real * vocabulary), frames: real, vocabulary };
  });
}

/** Log probabilities of frame `t`. */
export const rowOf = ({ values, vocabulary }: FrameScores, t: number): Float32Array =>
  values.subarray(t * vocabulary, (t + 1) * vocabulary);

/** The likeliest label of each frame, repeats merged, blanks dropped. Graves et al. 2006. */
export function ctcGreedyDecode(scores: FrameScores, blank = 0): Hypothesis {
  const tokens: number[] = [];
  let score = 0;
  let before = blank;
  for (let t = 0; t < scores.frames; t++) {
    const row = rowOf(scores, t);
    const label = largest(row);
    score += row[label]!;
    if (label !== blank && label !== before) tokens.push(label);
    before = label;
  }
  return { tokens, score };
}

/** Log probability that CTC gives to a text, summed over all alignments; -Infinity if it cannot fit. */
export function ctcScore(scores: FrameScores, tokens: readonly number[], blank = 0): number {
  const states = [blank, ...tokens.flatMap((token) => [token, blank])];
  let alpha: number[] = [];
  for (let t = 0; t < scores.frames; t++) {
    const row = rowOf(scores, t);
    alpha = states.map((label, s) => {
      // An alignment starts with the leading blank or the first token.
      let sum = t === 0 ? (s <= 1 ? 0 : Number.NEGATIVE_INFINITY) : alpha[s]!;
      if (t > 0 && s > 0) sum = logAddExp(sum, alpha[s - 1]!);
      if (t > 0 && s > 1 && label !== blank && label !== states[s - 2]) sum = logAddExp(sum, alpha[s - 2]!);
      return sum + row[label]!;
    });
  }
  const last = states.length - 1;
  if (scores.frames === 0) return tokens.length === 0 ? 0 : Number.NEGATIVE_INFINITY;
  return last === 0 ? alpha[0]! : logAddExp(alpha[last]!, alpha[last - 1]!);
}

/** A token and the frames in which it is spoken: [start, end). */
export interface TokenSpan {
  readonly token: number;
  readonly start: number;
  readonly end: number;
  /** In [0, 1], where somebody has asked for it (`tokenConfidence`). */
  readonly confidence?: number;
}

/**
 * The likeliest alignment of a text to the frames (Viterbi over CTC's states).
 *
 * @throws RangeError if the text needs more frames than there are
 */
export function ctcAlign(scores: FrameScores, tokens: readonly number[], blank = 0): TokenSpan[] {
  const states = [blank, ...tokens.flatMap((token) => [token, blank])];
  const { frames } = scores;
  const from = new Int32Array(frames * states.length);
  let best = states.map((label, s) => (s <= 1 ? rowOf(scores, 0)[label]! : Number.NEGATIVE_INFINITY));
  for (let t = 1; t < frames; t++) {
    const row = rowOf(scores, t);
    best = states.map((label, s) => {
      let source = s;
      if (s > 0 && best[s - 1]! > best[source]!) source = s - 1;
      if (s > 1 && label !== blank && label !== states[s - 2] && best[s - 2]! > best[source]!) source = s - 2;
      from[t * states.length + s] = source;
      return best[source]! + row[label]!;
    });
  }
  const last = states.length - 1;
  let state = last > 0 && best[last - 1]! > best[last]! ? last - 1 : last;
  if (frames === 0 || best[state] === Number.NEGATIVE_INFINITY) {
    throw new RangeError(`ctcAlign: ${tokens.length} tokens do not fit ${frames} frames`);
  }
  const path = new Int32Array(frames);
  for (let t = frames - 1; t >= 0; t--) {
    path[t] = state;
    state = from[t * states.length + state]!;
  }
  return tokens.map((token, i) => {
    const s = 2 * i + 1;
    return { token, start: path.indexOf(s), end: path.lastIndexOf(s) + 1 };
  });
}
