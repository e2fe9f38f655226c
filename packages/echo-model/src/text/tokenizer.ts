// What every tokenizer offers, the special ids of the two model variants, and the checks all of them share.
// Read next: character-tokenizer.ts and word-tokenizer.ts (built from texts), bpe-tokenizer.ts (tokenizer.json).
import { TextError } from "../errors.ts";
import type { EchoConfig } from "../settings/settings.ts";
import type { NormalizeOptions } from "./normalize.ts";
import type { Pronunciations } from "./pronunciations.ts";

/** Which model the ids are for: "corrected" learns an end token, "reference" (the Python original) has none. */
export type Variant = EchoConfig["model"]["variant"];

/** Ids with a meaning of their own. `pad` is also the CTC blank. */
export interface SpecialIds {
  readonly pad: number;
  readonly bos: number;
  /** End of sequence; null in the reference variant, whose labels end in `pad` and therefore never in anything learnt. */
  readonly eos: number | null;
}

/** The special ids of each variant, from 0 on. */
const SPECIAL_IDS: Readonly<Record<Variant, SpecialIds>> = {
  corrected: { pad: 0, bos: 1, eos: 2 },
  reference: { pad: 0, bos: 1, eos: null },
};

/** The special ids of a variant: PAD 0, BOS 1, EOS 2 (corrected) or pad 0, bos 1 and no end token (reference). */
export function specialIds(variant: Variant): SpecialIds {
  return SPECIAL_IDS[variant];
}

/** How many ids the specials of a variant take; the first ordinary token has this id. */
export function specialCount(variant: Variant): number {
  return SPECIAL_IDS[variant].eos === null ? 2 : 3;
}

/**
 * What `encode` does with a character or word outside the vocabulary:
 * "error" throws and names it, "skip" leaves it out, "token" puts the id of `<unk>` in its place.
 */
export type UnknownPolicy = EchoConfig["text"]["unknown"];

/** The printed name of the unknown token and what `decode` writes for it. */
export const UNKNOWN_TOKEN = "<unk>";

/** A tokenizer as plain JSON; `restoreTokenizer` gives back one that behaves identically. */
export interface TokenizerJson {
  readonly format: "echo-tokenizer";
  readonly version: 1;
  readonly kind: "character" | "word" | "bpe";
  readonly variant: Variant;
  readonly normalization: NormalizeOptions;
  /** Character and word tokenizers: the unknown policy. */
  readonly unknown?: UnknownPolicy;
  /** Character and word tokenizers: ordinary tokens in id order. */
  readonly tokens?: readonly string[];
  /** Word tokenizers with a lexicon: the phones of each ordinary token, in the order of `tokens`. */
  readonly phones?: readonly (readonly string[])[];
  /** BPE: the Hugging Face tokenizer.json, as read. */
  readonly source?: unknown;
}

/** Text to token ids and back. */
export interface Tokenizer {
  readonly kind: TokenizerJson["kind"];
  readonly variant: Variant;
  readonly special: SpecialIds;
  /** Number of ids, specials included: every id is an integer in [0, vocabSize). */
  readonly vocabSize: number;
  /** How the tokens are spoken; null where no lexicon says so. */
  readonly pronunciations: Pronunciations | null;
  /** The rules that `encode` applies to a text first. */
  readonly normalization: NormalizeOptions;
  /** Normalises `text` and returns its ids without specials (the collator adds those). */
  encode(text: string): number[];
  /** Text of `ids`; specials are left out. Throws TextError for an id outside [0, vocabSize). */
  decode(ids: ArrayLike<number>): string;
  /** The printed form of one id, specials included, for tables and alignments. */
  tokenOf(id: number): string;
  /** This tokenizer as JSON. */
  toJSON(): TokenizerJson;
}

const SPECIAL_NAMES = ["<pad>", "<bos>", "<eos>"] as const;

/** Printed name of a special id, or null when `id` is an ordinary token of `variant`. */
export function specialName(id: number, variant: Variant): string | null {
  return id >= 0 && id < specialCount(variant) ? (SPECIAL_NAMES[id] ?? null) : null;
}

/**
 * Throws TextError unless `id` is an integer in [0, vocabSize).
 * @param operation - name put in front of the message.
 */
export function checkTokenId(operation: string, id: number, vocabSize: number): void {
  if (!Number.isInteger(id) || id < 0 || id >= vocabSize)
    throw new TextError(
      `${operation}: token id outside the vocabulary, expected an integer in [0, ${vocabSize}), got ${id}`,
    );
}

/** Compares two strings by code point, the order of every vocabulary built here (independent of locale). */
export function compareCodePoints(a: string, b: string): number {
  const left = Array.from(a);
  const right = Array.from(b);
  const shared = Math.min(left.length, right.length);
  for (let i = 0; i < shared; i++) {
    const difference = left[i]!.codePointAt(0)! - right[i]!.codePointAt(0)!;
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}
