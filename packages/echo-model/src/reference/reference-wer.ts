// The word error rate as the Python original counts it.
import { scoreCorpus } from "../text/error-rates.ts";

/**
 * The metric of the Python reference, kept for teaching; do not report it.
 *
 * It compares labels with teacher-forced predictions whose first column has been thrown away, pad ids removed. The
 * missing column costs a perfect copier one word per utterance, and because the reference's decoder sees its own
 * future the rest can be copied from the input. See REFERENCE.md.
 *
 * @param predictions - argmax of the teacher-forced logits, one row of ids per utterance.
 * @param labels - the label rows of the collator.
 * @param decode - ids to text.
 * @param pad - id removed from both sides, default 0.
 * @returns corpus word error rate (1 = 100 %).
 */
export function referenceWer(
  predictions: readonly ArrayLike<number>[],
  labels: readonly ArrayLike<number>[],
  decode: (ids: number[]) => string,
  pad = 0,
): number {
  const text = (row: ArrayLike<number>): string => decode(Array.from(row).filter((id) => id !== pad));
  const pairs = labels.map((row, i) => ({
    reference: text(row),
    hypothesis: text(Array.from(predictions[i]!).slice(1)),
  }));
  return scoreCorpus(pairs).words.rate;
}
