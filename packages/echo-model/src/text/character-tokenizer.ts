// One token per character (Unicode code point), the space included. Small vocabulary, long sequences.
import { checkOptions, type OptionKinds } from "@echo-ts/tensor/internal";
import { DEFAULTS } from "../settings/resolve.ts";
import { SETTINGS } from "../settings/settings.ts";
import {
  DEFAULT_NORMALIZATION,
  NORMALIZE_OPTIONS,
  type NormalizeOptions,
  normalizeText,
} from "./normalize.ts";
import {
  compareCodePoints,
  type SpecialIds,
  specialIds,
  type Tokenizer,
  type TokenizerJson,
  type UnknownPolicy,
  type Variant,
} from "./tokenizer.ts";
import { Vocabulary } from "./vocabulary.ts";

/** Settings of the tokenizers that are built from texts. */
export interface VocabularyOptions {
  /** Model the ids are for, default "corrected". */
  readonly variant?: Variant;
  /** What to do with unknown characters or words, default that of `text.unknown`. */
  readonly unknown?: UnknownPolicy;
  /** Normalisation rules; missing fields take their defaults. */
  readonly normalization?: Partial<NormalizeOptions>;
}

/** What the tokenizers that are built from texts take; see `checkOptions`. */
export const VOCABULARY_OPTIONS: OptionKinds<VocabularyOptions> = {
  variant: SETTINGS.model.variant.of,
  unknown: SETTINGS.text.unknown.of,
  normalization: "object",
};

/**
 * Character tokenizer; `decode(encode(text))` is the normalised text when every character is known.
 * @example
 * const tokenizer = CharacterTokenizer.fromTexts(["go on"]);
 * tokenizer.encode("No go"); // [5, 6, 3, 4, 6]: ids follow code points, " " first
 */
export class CharacterTokenizer implements Tokenizer {
  readonly kind = "character";
  readonly variant: Variant;
  readonly special: SpecialIds;
  readonly pronunciations = null;
  readonly vocabSize: number;
  readonly normalization: NormalizeOptions;
  readonly #vocabulary: Vocabulary;

  /** @param characters - ordinary tokens in id order, one code point each. */
  constructor(characters: readonly string[], options: VocabularyOptions = {}) {
    checkOptions("CharacterTokenizer", options, VOCABULARY_OPTIONS);
    checkOptions("CharacterTokenizer normalization", options.normalization ?? {}, NORMALIZE_OPTIONS);
    this.variant = options.variant ?? "corrected";
    this.normalization = { ...DEFAULT_NORMALIZATION, ...options.normalization };
    this.#vocabulary = new Vocabulary(
      "character",
      characters,
      this.variant,
      options.unknown ?? DEFAULTS.text.unknown,
    );
    this.special = specialIds(this.variant);
    this.vocabSize = this.#vocabulary.size;
  }

  /** Builds the vocabulary from every character of the normalised `texts`, in code point order. */
  static fromTexts(texts: Iterable<string>, options: VocabularyOptions = {}): CharacterTokenizer {
    checkOptions("CharacterTokenizer.fromTexts", options, VOCABULARY_OPTIONS);
    const seen = new Set<string>();
    for (const text of texts)
      for (const character of normalizeText(text, options.normalization)) seen.add(character);
    return new CharacterTokenizer([...seen].sort(compareCodePoints), options);
  }

  encode(text: string): number[] {
    const normalized = normalizeText(text, this.normalization);
    return this.#vocabulary.encode("CharacterTokenizer.encode", Array.from(normalized), normalized);
  }

  decode(ids: ArrayLike<number>): string {
    return this.#vocabulary.decode("CharacterTokenizer.decode", ids).join("");
  }

  tokenOf(id: number): string {
    return this.#vocabulary.tokenOf("CharacterTokenizer.tokenOf", id);
  }

  toJSON(): TokenizerJson {
    const { variant, normalization } = this;
    const { unknown, tokens } = this.#vocabulary;
    return {
      format: "echo-tokenizer",
      version: 1,
      kind: "character",
      variant,
      normalization,
      unknown,
      tokens,
    };
  }
}
