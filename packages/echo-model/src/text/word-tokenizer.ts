// One token per word of the training texts: the right choice for small closed vocabularies (digits, AN4).
import { checkOptions, type OptionKinds } from "@echo-ts/tensor/internal";
import { DEFAULTS } from "../settings/resolve.ts";
import { VOCABULARY_OPTIONS, type VocabularyOptions } from "./character-tokenizer.ts";
import {
  DEFAULT_NORMALIZATION,
  NORMALIZE_OPTIONS,
  type NormalizeOptions,
  normalizeText,
} from "./normalize.ts";
import { type Lexicon, Pronunciations } from "./pronunciations.ts";
import {
  compareCodePoints,
  type SpecialIds,
  specialIds,
  type Tokenizer,
  type TokenizerJson,
  type Variant,
} from "./tokenizer.ts";
import { Vocabulary } from "./vocabulary.ts";

/** Settings of {@link WordTokenizer}. */
export interface WordTokenizerOptions extends VocabularyOptions {
  /** The phones of each word; it must hold every word of the vocabulary. None by default. */
  readonly lexicon?: Lexicon;
}

const WORD_OPTIONS: OptionKinds<WordTokenizerOptions> = { ...VOCABULARY_OPTIONS, lexicon: "object" };

/** Settings of {@link WordTokenizer.fromTexts}. */
export interface WordVocabularyOptions extends WordTokenizerOptions {
  /** Words seen fewer times than this are left out; an integer >= 1, default 1. */
  readonly minCount?: number;
}

/**
 * Word tokenizer; `decode(encode(text))` is the normalised text when every word is known.
 * @example
 * const tokenizer = WordTokenizer.fromTexts(["two one", "one"]);
 * tokenizer.encode("One two"); // [3, 4]
 */
export class WordTokenizer implements Tokenizer {
  readonly kind = "word";
  readonly variant: Variant;
  readonly special: SpecialIds;
  readonly vocabSize: number;
  readonly pronunciations: Pronunciations | null;
  readonly normalization: NormalizeOptions;
  readonly #vocabulary: Vocabulary;

  /**
   * @param words - ordinary tokens in id order.
   * @throws TextError naming words that the lexicon lacks.
   */
  constructor(words: readonly string[], options: WordTokenizerOptions = {}) {
    checkOptions("WordTokenizer", options, WORD_OPTIONS);
    checkOptions("WordTokenizer normalization", options.normalization ?? {}, NORMALIZE_OPTIONS);
    this.variant = options.variant ?? "corrected";
    this.normalization = { ...DEFAULT_NORMALIZATION, ...options.normalization };
    this.#vocabulary = new Vocabulary("word", words, this.variant, options.unknown ?? DEFAULTS.text.unknown);
    this.special = specialIds(this.variant);
    this.vocabSize = this.#vocabulary.size;
    const { lexicon } = options;
    this.pronunciations =
      lexicon === undefined ? null : new Pronunciations(words, lexicon, this.vocabSize - words.length);
  }

  /** Builds the vocabulary from the words of the normalised `texts`, in code point order. */
  static fromTexts(texts: Iterable<string>, options: WordVocabularyOptions = {}): WordTokenizer {
    checkOptions("WordTokenizer.fromTexts", options, { ...WORD_OPTIONS, minCount: "number" });
    const { minCount = 1, ...rest } = options;
    const counts = new Map<string, number>();
    for (const text of texts)
      for (const word of splitWords(normalizeText(text, options.normalization)))
        counts.set(word, (counts.get(word) ?? 0) + 1);
    const kept = [...counts].filter(([, count]) => count >= minCount).map(([word]) => word);
    return new WordTokenizer(kept.sort(compareCodePoints), rest);
  }

  encode(text: string): number[] {
    const normalized = normalizeText(text, this.normalization);
    return this.#vocabulary.encode("WordTokenizer.encode", splitWords(normalized), normalized);
  }

  decode(ids: ArrayLike<number>): string {
    return this.#vocabulary.decode("WordTokenizer.decode", ids).join(" ");
  }

  tokenOf(id: number): string {
    return this.#vocabulary.tokenOf("WordTokenizer.tokenOf", id);
  }

  toJSON(): TokenizerJson {
    const { variant, normalization } = this;
    const { unknown, tokens } = this.#vocabulary;
    const words: TokenizerJson = {
      format: "echo-tokenizer",
      version: 1,
      kind: "word",
      variant,
      normalization,
      unknown,
      tokens,
    };
    return this.pronunciations === null ? words : { ...words, phones: this.pronunciations.ofWords };
  }
}

/** Words of a text, split at white space; an empty text has none. */
export function splitWords(text: string): string[] {
  const trimmed = text.trim();
  return trimmed === "" ? [] : trimmed.split(/\s+/u);
}
