// A part of the rows is kept for evaluation where a manifest names no split: whole speakers where there are enough, so
// that the figure is that of voices the training never heard. Used by ../train/load-data-set.ts.
import { stream } from "@echo-ts/tensor";
import type { Utterance } from "./utterance.ts";

/** Fewer speakers than this are not divided: too few would be left to train on. */
const FEWEST_SPEAKERS = 4;

/** Rows with splits, and what was held out, in words. */
export interface HeldOut {
  readonly utterances: readonly Utterance[];
  readonly note: string;
}

/**
 * Gives every row a split. The choice depends on the speakers' names (or the ids) and the share alone: not on the seed of
 * a training, nor on the order of the rows, so that a training and a later evaluation agree.
 *
 * @param share above 0 and below 1, of the speakers where every row names one and there are four or more, else of the rows,
 * taken text by text where texts are said several times
 */
export function holdOut(
  utterances: readonly Utterance[],
  share: number,
  names: { readonly train: string; readonly evaluate: string },
): HeldOut {
  const speakers = [...new Set(utterances.map(({ speaker }) => speaker))];
  const bySpeaker = !speakers.includes(undefined) && speakers.length >= FEWEST_SPEAKERS;
  const held = bySpeaker
    ? new Set(chosen(speakers as string[], Math.ceil(share * speakers.length)))
    : new Set(heldRows(utterances, share));
  const isHeld = ({ id, speaker }: Utterance): boolean => held.has(bySpeaker ? speaker! : id);
  const count = utterances.filter(isHeld).length;
  const what = bySpeaker
    ? `the ${count} rows of ${held.size} of ${speakers.length} speakers (${[...held].join(", ")})`
    : `${count} of ${utterances.length} rows`;
  return {
    utterances: utterances.map((row) => ({ ...row, split: isHeld(row) ? names.evaluate : names.train })),
    note: `no row names a split: ${what} are held out as ${names.evaluate} (data.holdOut)`,
  };
}

/** Ids to hold out: of each text that is said often enough its share, else a share of all. */
function heldRows(utterances: readonly Utterance[], share: number): string[] {
  const takes = new Map<string, string[]>();
  for (const { id, text } of utterances) takes.set(text, [...(takes.get(text) ?? []), id]);
  const often = [...takes.values()].every((ids) => ids.length * share >= 1);
  if (often) return [...takes.values()].flatMap((ids) => chosen(ids, Math.round(ids.length * share)));
  const ids = utterances.map(({ id }) => id);
  return chosen(ids, Math.min(Math.ceil(share * ids.length), ids.length - 1));
}

/** `count` of the names, the same whatever their order. */
function chosen(names: readonly string[], count: number): string[] {
  const sorted = [...names].sort();
  const order = stream("data", "holdOut").permutation(sorted.length);
  return Array.from(order.subarray(0, count), (i) => sorted[i]!).sort();
}
