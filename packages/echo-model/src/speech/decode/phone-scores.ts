// What the phones say of texts: the output after the encoder's middle block as a second opinion on the texts that a search
// has found. Words that training has heard rarely are told apart by phones that it has heard often. Read first: ctc-search.ts.
import { noGrad } from "@echo-ts/autograd";
import { logSoftmax, narrow, type Tensor } from "@echo-ts/tensor";
import type { EncodedStream } from "../../model/encoder.ts";
import type { Pronunciations } from "../../text/pronunciations.ts";
import { ctcScore, type FrameScores } from "./ctc-search.ts";
import type { Hypothesis } from "./decoder-search.ts";

/** Log probabilities of the blank and each phone, per frame of one utterance; null for a model without phones. */
export async function phoneFrameScores(
  { phoneLogits, lengths }: Pick<EncodedStream, "phoneLogits" | "lengths">,
  row: number,
): Promise<FrameScores | null> {
  if (phoneLogits === null) return null;
  const [, all, vocabulary] = phoneLogits.shape as [number, number, number];
  const frames = lengths?.[row] ?? all;
  const scores: Tensor = noGrad(() => logSoftmax(narrow(narrow(phoneLogits, 0, row, 1), 1, 0, frames)));
  return { values: Float32Array.from(await scores.data()), frames, vocabulary };
}

/**
 * Texts ranked anew by their score + weight * the log probability that CTC over phones gives to them, best first.
 *
 * @returns the texts that the phones allow
 */
export function rescoredByPhones<T extends Hypothesis>(
  texts: readonly T[],
  scores: FrameScores,
  pronunciations: Pronunciations,
  weight: number,
): T[] {
  return texts
    .map((text) => ({
      ...text,
      score: text.score + weight * ctcScore(scores, pronunciations.spell(text.tokens)),
    }))
    .filter(({ score }) => score > Number.NEGATIVE_INFINITY)
    .sort((a, b) => b.score - a.score);
}
