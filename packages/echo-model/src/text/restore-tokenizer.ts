// Brings a tokenizer back from the JSON it was saved as (inside a checkpoint, or a file of its own).
import { TextError } from "../errors.ts";
import { SETTINGS } from "../settings/settings.ts";
import { BpeTokenizer } from "./bpe-tokenizer.ts";
import { CharacterTokenizer } from "./character-tokenizer.ts";
import type { NormalizeOptions } from "./normalize.ts";
import type { Lexicon } from "./pronunciations.ts";
import type { Tokenizer } from "./tokenizer.ts";
import { MOST_TOKENS } from "./tokenizer-file.ts";
import { WordTokenizer } from "./word-tokenizer.ts";

const KINDS = ["character", "word", "bpe"] as const;
const { unicode: UNICODE, punctuation: PUNCTUATION, unknown: UNKNOWN } = SETTINGS.text;

/**
 * Restores what `tokenizer.toJSON()` gave; the result behaves identically.
 * @param json - the parsed JSON. Throws TextError naming the field that is wrong.
 * @example
 * const same = restoreTokenizer(JSON.parse(JSON.stringify(tokenizer)));
 */
export function restoreTokenizer(json: unknown): Tokenizer {
  if (typeof json !== "object" || json === null || Array.isArray(json)) throw refuse("", "an object", json);
  const fields = json as Record<string, unknown>;
  if (fields.format !== "echo-tokenizer") throw refuse("format", '"echo-tokenizer"', fields.format);
  if (fields.version !== 1) throw refuse("version", "1", fields.version);
  const kind = oneOf("kind", KINDS, fields.kind);
  const variant = oneOf("variant", SETTINGS.model.variant.of, fields.variant);
  const normalization = restoreNormalization(fields.normalization);
  if (kind === "bpe") return new BpeTokenizer(fields.source, { variant, normalization });
  const unknown = oneOf("unknown", UNKNOWN.of, fields.unknown);
  const { tokens } = fields;
  if (!Array.isArray(tokens) || !tokens.every((token) => typeof token === "string"))
    throw refuse("tokens", "a list of strings", tokens);
  if (tokens.length > MOST_TOKENS) throw refuse("tokens", `at most ${MOST_TOKENS} tokens`, tokens.length);
  const options = { variant, normalization, unknown };
  if (kind === "character") return new CharacterTokenizer(tokens, options);
  if (fields.phones === undefined) return new WordTokenizer(tokens, options);
  return new WordTokenizer(tokens, { ...options, lexicon: restoreLexicon(tokens, fields.phones) });
}

function restoreLexicon(tokens: readonly string[], phones: unknown): Lexicon {
  const isWord = (value: unknown): value is string[] =>
    Array.isArray(value) && value.length > 0 && value.every((phone) => typeof phone === "string");
  if (!Array.isArray(phones) || phones.length !== tokens.length || !phones.every(isWord))
    throw refuse("phones", `${tokens.length} lists of phones, one for each token`, phones);
  return new Map(tokens.map((token, i) => [token, phones[i]!]));
}

function restoreNormalization(value: unknown): NormalizeOptions {
  if (typeof value !== "object" || value === null) throw refuse("normalization", "an object", value);
  const { unicode, lowerCase, punctuation } = value as Record<string, unknown>;
  if (typeof lowerCase !== "boolean") throw refuse("normalization.lowerCase", "true or false", lowerCase);
  return {
    unicode: oneOf("normalization.unicode", UNICODE.of, unicode),
    lowerCase,
    punctuation: oneOf("normalization.punctuation", PUNCTUATION.of, punctuation),
  };
}

function oneOf<T extends string>(field: string, allowed: readonly T[], value: unknown): T {
  const found = allowed.find((choice) => choice === value);
  if (found === undefined) throw refuse(field, `one of ${allowed.join(", ")}`, value);
  return found;
}

function refuse(field: string, expected: string, got: unknown): TextError {
  const shown = JSON.stringify(got)?.slice(0, 60) ?? String(got);
  return new TextError(`restoreTokenizer: ${field || "tokenizer"}: expected ${expected}, got ${shown}`);
}
