// The tokenizer that a configuration asks for, from the training texts or from a tokenizer.json in the data folder.
// Read next: ../text/tokenizer.ts.
import type { FileAccess } from "../data/file-access.ts";
import type { Utterance } from "../data/utterance.ts";
import { DataError } from "../errors.ts";
import type { EchoConfig } from "../settings/settings.ts";
import { BpeTokenizer } from "../text/bpe-tokenizer.ts";
import { CharacterTokenizer } from "../text/character-tokenizer.ts";
import type { NormalizeOptions } from "../text/normalize.ts";
import type { Tokenizer } from "../text/tokenizer.ts";
import { WordTokenizer } from "../text/word-tokenizer.ts";

/** Bytes of the largest tokenizer.json that is read; published ones have up to 35 MB. */
const MOST_TOKENIZER_BYTES = 256 * 2 ** 20;

/** How texts are normalised before they are tokenised and compared. */
export function normalizationOf({ text }: EchoConfig): NormalizeOptions {
  const { unicode, lowerCase, punctuation } = text;
  return { unicode, lowerCase, punctuation };
}

/** @throws DataError for a tokenizer.json that cannot be read, TextError for one that is not valid. */
export async function buildTokenizer(
  files: FileAccess,
  config: EchoConfig,
  utterances: readonly Utterance[],
): Promise<Tokenizer> {
  const { text, model } = config;
  const normalization = normalizationOf(config);
  const variant = model.variant;
  if (text.tokenizer === "bpe") {
    const name = JSON.stringify(text.tokenizerFile);
    const found = await files.readHead(text.tokenizerFile, MOST_TOKENIZER_BYTES);
    if (found.kind !== "file") {
      const reasons = {
        missing: "does not exist in",
        outside: "lies outside",
        unreadable: "cannot be read in",
      };
      throw new DataError(`text.tokenizerFile: ${name} ${reasons[found.kind]} the data folder`);
    }
    if (found.size > MOST_TOKENIZER_BYTES)
      throw new DataError(
        `text.tokenizerFile: ${name} has ${found.size} bytes, expected at most ${MOST_TOKENIZER_BYTES}`,
      );
    return BpeTokenizer.fromJson(found.bytes, { variant, normalization });
  }
  const options = { variant, normalization, unknown: text.unknown };
  const texts = utterances.map((utterance) => utterance.text);
  return text.tokenizer === "character"
    ? CharacterTokenizer.fromTexts(texts, options)
    : WordTokenizer.fromTexts(texts, options);
}
