// Pieces of words learned from texts: byte pair encoding (Gage 1994; Sennrich et al. 2016), in TypeScript alone. Merges and
// ids are those of Hugging Face's BpeTrainer. Read next: bpe-tokenizer.ts, which reads what this writes.
import { checkOptions, type OptionKinds } from "@echo-ts/tensor/internal";
import { TextError } from "../errors.ts";
import { splitWords } from "./word-tokenizer.ts";

/** Options of {@link trainBpe}. */
export interface BpeTrainingOptions {
  /** Most ids of the vocabulary, specials included, 5 to 100 000; default 500. */
  readonly vocabSize?: number;
  /** How often a pair must occur to be merged; default 2. */
  readonly minCount?: number;
}

const OPTIONS: OptionKinds<BpeTrainingOptions> = { vocabSize: "number", minCount: "number" };

/** Stands before each word, so that pieces know whether they begin one. */
const WORD_START = "\u2581";
const SPECIALS = ["<pad>", "<s>", "</s>", "<unk>"];

interface Word {
  readonly count: number;
  pieces: number[];
}

/**
 * Learns a vocabulary and gives it as the object of a `tokenizer.json`, for `new BpeTokenizer` or a file that every
 * program with Hugging Face's tokenizers reads.
 *
 * The most frequent pair of neighbouring pieces becomes a piece, again and again, until the vocabulary is full or no pair
 * occurs `minCount` times; among equals the pair with the lower ids. With fewer ids than characters the rarest characters
 * are left out and become `<unk>`.
 *
 * @param texts normalised as the transcripts are (`normalizeText`); words are what stands between white space
 * @throws TextError without a word; RangeError for a size outside 5 to 100 000 or a count below 1
 * @example
 * const tokenizer = new BpeTokenizer(trainBpe(texts, { vocabSize: 200 }));
 */
export function trainBpe(texts: Iterable<string>, options: BpeTrainingOptions = {}): Record<string, unknown> {
  checkOptions("trainBpe", options, OPTIONS);
  const { vocabSize = 500, minCount = 2 } = options;
  if (!Number.isInteger(vocabSize) || vocabSize <= SPECIALS.length || vocabSize > 100_000)
    throw new RangeError(`trainBpe: vocabSize must be a whole number from 5 to 100000, got ${vocabSize}`);
  if (!Number.isInteger(minCount) || minCount < 1)
    throw new RangeError(`trainBpe: minCount must be a whole number from 1 on, got ${minCount}`);
  const counts = new Map<string, number>();
  for (const text of texts)
    for (const word of splitWords(text))
      counts.set(WORD_START + word, (counts.get(WORD_START + word) ?? 0) + 1);
  if (counts.size === 0) throw new TextError("trainBpe: expected texts with words, got none");
  const tokens = [...SPECIALS, ...alphabet(counts, vocabSize - SPECIALS.length)];
  const ids = new Map(tokens.map((token, id) => [token, id]));
  const words = [...counts].map(([word, count]): Word => {
    // A character outside the alphabet parts its neighbours: they are no pair.
    return { count, pieces: [...word].map((character) => ids.get(character) ?? -1) };
  });
  const merges: [string, string][] = [];
  while (tokens.length < vocabSize) {
    const best = mostFrequentPair(words);
    if (best === null || best.count < minCount) break;
    const [left, right] = best.pair;
    const merged = tokens[left]! + tokens[right]!;
    merges.push([tokens[left]!, tokens[right]!]);
    // Two ways may lead to one piece: it keeps its first id.
    const id = ids.get(merged) ?? tokens.push(merged) - 1;
    ids.set(merged, id);
    for (const word of words) word.pieces = joined(word.pieces, left, right, id);
  }
  return tokenizerFile(ids, merges);
}

/** The most frequent characters, at most `size` of them, in code point order. */
function alphabet(counts: ReadonlyMap<string, number>, size: number): string[] {
  const characters = new Map<string, number>();
  for (const [word, count] of counts)
    for (const character of word) characters.set(character, (characters.get(character) ?? 0) + count);
  const code = (character: string): number => character.codePointAt(0)!;
  return [...characters]
    .sort(([a, countA], [b, countB]) => countB - countA || code(a) - code(b))
    .slice(0, size)
    .map(([character]) => character)
    .sort((a, b) => code(a) - code(b));
}

function mostFrequentPair(words: readonly Word[]): { pair: [number, number]; count: number } | null {
  const counts = new Map<number, number>();
  const base = 2 ** 20;
  for (const { count, pieces } of words)
    for (let i = 0; i + 1 < pieces.length; i++) {
      if (pieces[i]! < 0 || pieces[i + 1]! < 0) continue;
      const key = pieces[i]! * base + pieces[i + 1]!;
      counts.set(key, (counts.get(key) ?? 0) + count);
    }
  let best = -1;
  let most = 0;
  for (const [key, count] of counts)
    if (count > most || (count === most && key < best)) [best, most] = [key, count];
  return most === 0 ? null : { pair: [Math.floor(best / base), best % base], count: most };
}

/** The pieces with each `left, right`, from the front, become `id`. */
function joined(pieces: number[], left: number, right: number, id: number): number[] {
  if (!pieces.includes(left)) return pieces;
  const out: number[] = [];
  for (let i = 0; i < pieces.length; i++) {
    const pair = pieces[i] === left && pieces[i + 1] === right;
    out.push(pair ? id : pieces[i]!);
    if (pair) i++;
  }
  return out;
}

function tokenizerFile(
  ids: ReadonlyMap<string, number>,
  merges: readonly (readonly [string, string])[],
): Record<string, unknown> {
  const metaspace = { type: "Metaspace", replacement: WORD_START, prepend_scheme: "always", split: true };
  const flags = { single_word: false, lstrip: false, rstrip: false, normalized: false, special: true };
  return {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: SPECIALS.map((content, id) => ({ id, content, ...flags })),
    normalizer: null,
    pre_tokenizer: metaspace,
    post_processor: null,
    decoder: metaspace,
    model: {
      type: "BPE",
      dropout: null,
      unk_token: "<unk>",
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: false,
      vocab: Object.fromEntries(ids),
      merges,
    },
  };
}
