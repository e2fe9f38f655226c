// The tokenizer that a configuration asks for, from the training texts or from a tokenizer.json in the data folder, with
// the lexicon that it names.
// Read next: ../text/tokenizer.ts.
import type { FileAccess } from "../data/file-access.ts";
import type { Utterance } from "../data/utterance.ts";
import { DataError } from "../errors.ts";
import type { EchoConfig } from "../settings/settings.ts";
import { BpeTokenizer } from "../text/bpe-tokenizer.ts";
import { CharacterTokenizer } from "../text/character-tokenizer.ts";
import type { NormalizeOptions } from "../text/normalize.ts";
import { parseLexicon } from "../text/pronunciations.ts";
import type { Tokenizer } from "../text/tokenizer.ts";
import { WordTokenizer } from "../text/word-tokenizer.ts";

/** Bytes of the largest tokenizer.json that is read; published ones have up to 35 MB. */
const MOST_TOKENIZER_BYTES = 256 * 2 ** 20;

/** CMU's dictionary of 134 000 words has 4 MB. */
const MOST_LEXICON_BYTES = 64 * 2 ** 20;

/** How texts are normalised before they are tokenised and compared. */
export function normalizationOf({ text }: EchoConfig): NormalizeOptions {
  const { unicode, lowerCase, punctuation } = text;
  return { unicode, lowerCase, punctuation };
}

/** @throws DataError for a tokenizer.json or a lexicon that cannot be read, TextError for one that is not valid. */
export async function buildTokenizer(
  files: FileAccess,
  config: EchoConfig,
  utterances: readonly Utterance[],
): Promise<Tokenizer> {
  const { text, model } = config;
  const normalization = normalizationOf(config);
  const variant = model.variant;
  if (text.tokenizer === "bpe") {
    const json = await readNamed(files, "text.tokenizerFile", text.tokenizerFile, MOST_TOKENIZER_BYTES);
    return BpeTokenizer.fromJson(json, { variant, normalization });
  }
  const options = { variant, normalization, unknown: text.unknown };
  const texts = utterances.map((utterance) => utterance.text);
  if (text.tokenizer === "character") return CharacterTokenizer.fromTexts(texts, options);
  if (text.lexicon === "") return WordTokenizer.fromTexts(texts, options);
  const lexicon = new TextDecoder().decode(
    await readNamed(files, "text.lexicon", text.lexicon, MOST_LEXICON_BYTES),
  );
  return WordTokenizer.fromTexts(texts, { ...options, lexicon: parseLexicon(lexicon, text.lexicon) });
}

/** Bytes of a file of the data folder that a setting names. */
async function readNamed(
  files: FileAccess,
  setting: string,
  file: string,
  most: number,
): Promise<Uint8Array> {
  const name = JSON.stringify(file);
  const found = await files.readHead(file, most);
  if (found.kind !== "file") {
    const reasons = {
      missing: "does not exist in",
      outside: "lies outside",
      unreadable: "cannot be read in",
    };
    throw new DataError(`${setting}: ${name} ${reasons[found.kind]} the data folder`);
  }
  if (found.size > most)
    throw new DataError(`${setting}: ${name} has ${found.size} bytes, expected at most ${most}`);
  return found.bytes;
}
