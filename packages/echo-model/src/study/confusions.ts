// Which words are taken for which: the word errors of a set, pair by pair.
import { alignEdits } from "../edit-distance.ts";
import { splitWords } from "../text/word-tokenizer.ts";

/** A word error and how often it was made. */
export interface Confusion {
  /** The word that was said; null for an insertion. */
  readonly said: string | null;
  /** The word that was written; null for a deletion. */
  readonly written: string | null;
  readonly count: number;
}

/**
 * Word errors by pair, the most frequent first, among equals in code point order. Words are paired by the alignment with
 * the fewest edits, as for the error rate.
 *
 * @example
 * wordConfusions([{ reference: "a b", hypothesis: "a p" }]); // [{ said: "b", written: "p", count: 1 }]
 */
export function wordConfusions(
  pairs: Iterable<{ readonly reference: string; readonly hypothesis: string }>,
): Confusion[] {
  const counts = new Map<string, Confusion>();
  for (const { reference, hypothesis } of pairs) {
    const [said, written] = [splitWords(reference), splitWords(hypothesis)];
    for (const step of alignEdits(said, written)) {
      if (step.kind === "hit") continue;
      const pair = { said: said[step.reference] ?? null, written: written[step.hypothesis] ?? null };
      const key = JSON.stringify(pair);
      counts.set(key, { ...pair, count: (counts.get(key)?.count ?? 0) + 1 });
    }
  }
  const label = ({ said, written }: Confusion): string => `${said ?? ""} ${written ?? ""}`;
  return [...counts.values()].sort((a, b) => b.count - a.count || (label(a) < label(b) ? -1 : 1));
}
