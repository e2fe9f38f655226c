// An evaluation as text for people, and as plain JSON for programs.

import type { ErrorRate } from "../text/error-rates.ts";
import type { Evaluation, OutputKind } from "./evaluate-model.ts";

const NAMES: Readonly<Record<OutputKind, string>> = {
  ctc: "CTC greedy",
  free: "attention, free-running",
  search: "search (decode.method)",
  forced: "attention, told the true text so far (not recognition)",
};

const percent = (rate: number): string => `${(100 * rate).toFixed(1)} %`;

const edits = ({ substitutions, deletions, insertions, total }: ErrorRate): string =>
  `S ${substitutions} D ${deletions} I ${insertions} of ${total}`;

/**
 * Lines with error rates, their parts and interval, the audio-zeroed control, and groups where there are any.
 * @param name - of the set, for the heading.
 */
export function evaluationText(name: string, evaluation: Evaluation): string {
  const lines = [`${name}: ${evaluation.utterances} utterances`];
  for (const [kind, score] of evaluation.scores) {
    const { words, characters, interval, utterances, correct } = score;
    lines.push(`  ${NAMES[kind]}`);
    lines.push(
      `    WER ${percent(words.rate)} (95 % interval ${percent(interval.low)} to ${percent(interval.high)}; ${edits(words)} words)`,
    );
    lines.push(
      `    CER ${percent(characters.rate)} (${edits(characters)} characters); ${correct} of ${utterances} utterances without an error`,
    );
    const zeroed = evaluation.zeroed.get(kind);
    if (zeroed !== undefined) lines.push(`    WER with the audio zeroed ${percent(zeroed.rate)}`);
    for (const [group, rates] of Object.entries(score.groups)) {
      if (rates.size < 2) continue; // one group says nothing new
      const list = [...rates].map(([label, { rate, total }]) => `${label} ${percent(rate)} (${total})`);
      lines.push(`    by ${group} (words): ${list.join(", ")}`);
    }
  }
  return lines.join("\n");
}

/** The same figures as plain JSON; rates are shares, not per cent. */
export function evaluationJson({ utterances, scores, zeroed, texts }: Evaluation): Record<string, unknown> {
  const plain = (rates: ReadonlyMap<string, ErrorRate>): Record<string, ErrorRate> =>
    Object.fromEntries(rates);
  const kinds = [...scores].map(([kind, { groups, ...score }]) => [
    kind,
    {
      ...score,
      zeroed: zeroed.get(kind) ?? null,
      groups: Object.fromEntries(Object.entries(groups).map(([group, rates]) => [group, plain(rates)])),
    },
  ]);
  return { utterances, scores: Object.fromEntries(kinds), texts };
}
