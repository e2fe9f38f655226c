// An n-gram model from texts by interpolated modified Kneser-Ney smoothing: Chen & Goodman 1999, section 3; the estimates
// that KenLM's lmplz makes (Heafield et al. 2013). Read first: ngram-model.ts.
import { checkOptions, type OptionKinds } from "@echo-ts/tensor/internal";
import { TextError } from "../errors.ts";
import { type NgramEntry, NgramModel, SENTENCE_END, SENTENCE_START, UNKNOWN_WORD } from "./ngram-model.ts";

/** Options of {@link trainNgram}. */
export interface NgramOptions {
  /** Words in the longest sequence, 1 to 6; default 3. */
  readonly order?: number;
}

/** What {@link trainNgram} takes; see `checkOptions`. */
export const NGRAM_OPTIONS: OptionKinds<NgramOptions> = { order: "number" };

/** What is taken off the count of a sequence that was seen once, twice, three times or more. */
export type Discounts = readonly [once: number, twice: number, more: number];

/** A model and how it was smoothed. */
export interface TrainedNgram {
  readonly model: NgramModel;
  /** Of each order, shortest first. */
  readonly discounts: readonly Discounts[];
  /** Orders for which the texts are too few, or too regular, for the estimate, which got {@link FALLBACK_DISCOUNTS}. */
  readonly fallbacks: readonly number[];
}

/** Where counts of counts allow no estimate; those of lmplz's --discount_fallback. */
export const FALLBACK_DISCOUNTS: Discounts = [0.5, 1, 1.5];

const RESERVED = new Set([SENTENCE_START, SENTENCE_END, UNKNOWN_WORD]);

/**
 * Trains a model of words.
 *
 * @param texts sentences, normalised as the recogniser's transcripts are; words are what stands between white space
 * @throws TextError without a word, or for a text that holds `<s>`, `</s>` or `<unk>`; RangeError for another order
 * @example
 * const { model } = trainNgram(["turn the light on", "turn the light off"], { order: 3 });
 * model.perplexity([["turn", "the", "light", "on"]]);
 */
export function trainNgram(texts: Iterable<string>, options: NgramOptions = {}): TrainedNgram {
  checkOptions("trainNgram", options, NGRAM_OPTIONS);
  const { order = 3 } = options;
  if (!Number.isInteger(order) || order < 1 || order > 6)
    throw new RangeError(`trainNgram: order must be a whole number from 1 to 6, got ${order}`);
  const counts = adjustedCounts(texts, order);
  const discounts: Discounts[] = [];
  const fallbacks: number[] = [];
  counts.forEach((level, i) => {
    const found = estimatedDiscounts(level);
    discounts.push(found ?? FALLBACK_DISCOUNTS);
    if (found === null) fallbacks.push(i + 1);
  });
  return { model: new NgramModel(interpolated(counts, discounts)), discounts, fallbacks };
}

type Counts = Map<string, number>;

/**
 * Of the longest sequences how often they were seen; of shorter ones how many different words stand before them, which
 * says better how likely they are after an unseen context. Nothing stands before `<s>`: there it is the plain count.
 */
function adjustedCounts(texts: Iterable<string>, order: number): Counts[] {
  const seen: Counts[] = Array.from({ length: order }, () => new Map());
  const add = (counts: Counts, key: string): unknown => counts.set(key, (counts.get(key) ?? 0) + 1);
  let words = 0;
  for (const text of texts) {
    const own = text.split(/\s+/u).filter((word) => word !== "");
    const reserved = own.find((word) => RESERVED.has(word));
    if (reserved !== undefined)
      throw new TextError(
        `trainNgram: ${reserved} stands for something else, expected words, in ${JSON.stringify(text)}`,
      );
    words += own.length;
    const sentence = [SENTENCE_START, ...own, SENTENCE_END];
    for (let end = 1; end <= sentence.length; end++)
      for (let n = 1; n <= Math.min(order, end); n++)
        add(seen[n - 1]!, sentence.slice(end - n, end).join(" "));
  }
  if (words === 0) throw new TextError("trainNgram: expected texts with words, got none");
  const adjusted = seen.map((level, i) => (i === order - 1 ? level : new Map<string, number>()));
  for (let n = order - 1; n >= 1; n--) {
    const level = adjusted[n - 1]!;
    for (const [key, count] of seen[n - 1]!) if (startsSentence(key)) level.set(key, count);
    for (const longer of seen[n]!.keys()) add(level, longer.slice(longer.indexOf(" ") + 1));
  }
  // A sentence's start is given, never predicted.
  adjusted[0]!.delete(SENTENCE_START);
  return adjusted;
}

const startsSentence = (key: string): boolean =>
  key === SENTENCE_START || key.startsWith(`${SENTENCE_START} `);

/** Chen & Goodman's equation 26; null where it gives none between 0 and the count. */
function estimatedDiscounts(counts: Counts): Discounts | null {
  const times = [0, 0, 0, 0, 0];
  for (const count of counts.values()) if (count <= 4) times[count]!++;
  const [, once = 0, twice = 0, thrice = 0, four = 0] = times;
  const ratio = once / (once + 2 * twice);
  const found: Discounts = [
    1 - (2 * ratio * twice) / once,
    2 - (3 * ratio * thrice) / twice,
    3 - (4 * ratio * four) / thrice,
  ];
  return found.every((value, i) => value >= 0 && value <= i + 1) ? found : null;
}

/** Probabilities and back-off weights of every order, each interpolated with the order below. */
function interpolated(counts: readonly Counts[], discounts: readonly Discounts[]): Map<string, NgramEntry>[] {
  const words = counts[0]!;
  // The order below the first one: every word alike, the unknown one too.
  const uniform = 1 / (words.size + 1);
  const levels: Map<string, NgramEntry>[] = [];
  let below: Map<string, number> = new Map();
  const missing = new Map<string, number>(); // of each context the probability left for words not seen after it
  counts.forEach((level, i) => {
    const totals = new Map<string, { sum: number; left: number }>();
    for (const [key, count] of level) {
      const context = contextOf(key);
      const total = totals.get(context) ?? { sum: 0, left: 0 };
      total.sum += count;
      total.left += discounts[i]![Math.min(count, 3) - 1]!;
      totals.set(context, total);
    }
    for (const [context, { sum, left }] of totals) missing.set(context, left / sum);
    const probabilities = new Map<string, number>();
    for (const [key, count] of level) {
      const context = contextOf(key);
      const { sum } = totals.get(context)!;
      const lower = i === 0 ? uniform : below.get(key.slice(key.indexOf(" ") + 1))!;
      const kept = (count - discounts[i]![Math.min(count, 3) - 1]!) / sum;
      probabilities.set(key, kept + missing.get(context)! * lower);
    }
    if (i === 0) probabilities.set(UNKNOWN_WORD, missing.get("")! * uniform);
    below = probabilities;
    levels.push(new Map([...probabilities].map(([key, p]) => [key, { logProb: Math.log10(p), backoff: 0 }])));
  });
  levels[0]!.set(SENTENCE_START, { logProb: NEVER_PREDICTED, backoff: 0 });
  levels.forEach((level, i) => {
    if (i === levels.length - 1) return;
    for (const [key, { logProb }] of level)
      level.set(key, { logProb, backoff: missing.has(key) ? Math.log10(missing.get(key)!) : 0 });
  });
  return levels;
}

/** What ARPA files write for the start of a sentence. */
const NEVER_PREDICTED = -99;

const contextOf = (key: string): string => key.slice(0, Math.max(0, key.lastIndexOf(" ")));
