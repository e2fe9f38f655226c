// Word and character error rates: of an utterance, of a corpus, and of groups of speakers or pitch.
// Confidence intervals are in ../study/bootstrap.ts, the metric of the Python original in ../reference/reference-wer.ts.

import { countEdits, type EditCounts } from "../edit-distance.ts";
import { splitWords } from "./word-tokenizer.ts";

/** One utterance to score. Texts are compared as they are: normalise both sides first. */
export interface ScoredText {
  readonly reference: string;
  readonly hypothesis: string;
}

/** Edit counts with the reference length they are divided by. */
export interface ErrorRate extends EditCounts {
  /** Reference words (or characters). */
  readonly total: number;
  /** errors / total; 0 when both are 0, Infinity when only `total` is. Above 1 is possible (insertions). */
  readonly rate: number;
}

/** Error rates of one utterance or of a corpus. */
export interface TextScore {
  readonly utterances: number;
  /** Utterances without a word error. */
  readonly correct: number;
  readonly words: ErrorRate;
  /** Characters are Unicode code points, spaces included, after white space is brought to single spaces. */
  readonly characters: ErrorRate;
}

/**
 * Word and character error counts of one utterance.
 * @example
 * scoreText({ reference: "nine two", hypothesis: "nine" }).words.rate; // 0.5
 */
export function scoreText({ reference, hypothesis }: ScoredText): TextScore {
  const referenceWords = splitWords(reference);
  const hypothesisWords = splitWords(hypothesis);
  const words = countEdits(referenceWords, hypothesisWords);
  const referenceCharacters = Array.from(referenceWords.join(" "));
  const characters = countEdits(referenceCharacters, Array.from(hypothesisWords.join(" ")));
  return {
    utterances: 1,
    correct: words.errors === 0 ? 1 : 0,
    words: withRate(words, referenceWords.length),
    characters: withRate(characters, referenceCharacters.length),
  };
}

/**
 * Corpus rates: all errors divided by all reference words, so that long utterances count more
 * (not the mean of the utterances' rates).
 * @param scores - results of {@link scoreText}, or of other corpora; none gives rates of 0.
 */
export function sumScores(scores: Iterable<TextScore>): TextScore {
  let utterances = 0;
  let correct = 0;
  let words: ErrorRate = EMPTY;
  let characters: ErrorRate = EMPTY;
  for (const score of scores) {
    utterances += score.utterances;
    correct += score.correct;
    words = addRates(words, score.words);
    characters = addRates(characters, score.characters);
  }
  return { utterances, correct, words, characters };
}

/**
 * Scores a corpus.
 * @example
 * scoreCorpus([{ reference: "four one", hypothesis: "four" }, { reference: "two", hypothesis: "two" }]).words.rate; // 1/3
 */
export function scoreCorpus(pairs: Iterable<ScoredText>): TextScore {
  return sumScores(Array.from(pairs, scoreText));
}

/**
 * Scores of groups of utterances, for instance by speaker or sex.
 * @param items - utterances, in any order.
 * @param groupOf - the group's name, or undefined to gather the item under "unknown".
 * @returns groups in code point order, "unknown" last.
 * @example
 * scoreGroups(rows, (row) => row.speaker).get("theo")?.words.rate;
 */
export function scoreGroups<T extends ScoredText>(
  items: Iterable<T>,
  groupOf: (item: T) => string | undefined,
): Map<string, TextScore> {
  const groups = new Map<string, TextScore[]>();
  for (const item of items) {
    const name = groupOf(item) ?? "unknown";
    const scores = groups.get(name);
    if (scores) scores.push(scoreText(item));
    else groups.set(name, [scoreText(item)]);
  }
  const last = (name: string): number => (name === "unknown" ? 1 : 0);
  const names = [...groups.keys()].sort((a, b) => last(a) - last(b) || (a < b ? -1 : 1));
  return new Map(names.map((name) => [name, sumScores(groups.get(name)!)]));
}

/** Lower edges in Hz of the pitch ranges after the first: below 120, 120 to 160, 160 to 200, 200 and above. */
export const PITCH_EDGES: readonly number[] = [120, 160, 200];

/**
 * Name of the pitch range of an utterance, for {@link scoreGroups}.
 * @param medianHz - median f0 of its voiced frames in Hz; undefined, 0 or NaN gives undefined ("unknown").
 * @param edges - ascending edges in Hz, default {@link PITCH_EDGES}.
 * @example
 * pitchRange(131); // "120-160 Hz"
 */
export function pitchRange(
  medianHz: number | undefined,
  edges: readonly number[] = PITCH_EDGES,
): string | undefined {
  if (!medianHz || !(medianHz > 0) || edges.length === 0) return undefined;
  const above = edges.findIndex((edge) => medianHz < edge);
  // Names sort by code point in the order of pitch as long as the edges have three digits.
  if (above === 0) return `0-${edges[0]} Hz`;
  return above === -1 ? `${edges.at(-1)}+ Hz` : `${edges[above - 1]}-${edges[above]} Hz`;
}

const EMPTY: ErrorRate = {
  hits: 0,
  substitutions: 0,
  deletions: 0,
  insertions: 0,
  errors: 0,
  total: 0,
  rate: 0,
};

function withRate(counts: EditCounts, total: number): ErrorRate {
  return { ...counts, total, rate: counts.errors === 0 ? 0 : counts.errors / total };
}

function addRates(a: ErrorRate, b: ErrorRate): ErrorRate {
  const counts = {
    hits: a.hits + b.hits,
    substitutions: a.substitutions + b.substitutions,
    deletions: a.deletions + b.deletions,
    insertions: a.insertions + b.insertions,
    errors: a.errors + b.errors,
  };
  return withRate(counts, a.total + b.total);
}
