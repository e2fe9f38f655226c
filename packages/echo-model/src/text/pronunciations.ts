// How words are spoken: a pronouncing dictionary, read from text, and the phones of a vocabulary's tokens as ids.
// Read first: tokenizer.ts. Read next: ../model/encoder.ts, which has an output for phones.
import { TextError } from "../errors.ts";

/** Word -> its phones, such as "zero" -> ["Z", "IH", "R", "OW"]; words as the tokenizer normalises them. */
export type Lexicon = ReadonlyMap<string, readonly string[]>;

/**
 * Reads a pronouncing dictionary in the form of CMU's: a line for each word, WORD PHONE PHONE ..., separated by white
 * space. Of several pronunciations, "READ(2)" or a second line, the first counts; stress, "OW1", is left out; words are
 * lower-cased; lines that begin with ";;;" or "#" are comments.
 *
 * @param source - the file's name, for messages.
 * @throws TextError naming the line of a word without phones, or when there is no word.
 * @example parseLexicon("TWO T UW1\\nONE W AH1 N", "cmudict.txt").get("two") // ["T", "UW"]
 */
export function parseLexicon(text: string, source: string): Lexicon {
  const lexicon = new Map<string, readonly string[]>();
  for (const [i, line] of text.split(/\r?\n/).entries()) {
    const [entry, ...phones] = line.trim().split(/\s+/u);
    if (entry === undefined || entry === "" || /^(;;;|#)/.test(entry)) continue;
    if (phones.length === 0)
      throw new TextError(
        `lexicon: ${source}:${i + 1}: expected WORD PHONE PHONE ..., got the word ${JSON.stringify(entry)} alone`,
      );
    const word = entry.replace(/\(\d+\)$/, "").toLowerCase();
    if (!lexicon.has(word))
      lexicon.set(
        word,
        phones.map((phone) => phone.replace(/\d$/, "")),
      );
  }
  if (lexicon.size === 0) throw new TextError(`lexicon: ${source}: expected at least one word, got none`);
  return lexicon;
}

/** The phones of a vocabulary's tokens. */
export class Pronunciations {
  /** All phones in the order of their ids, which begin with 1: 0 is the blank of CTC. */
  readonly phones: readonly string[];
  /** The phones of each word, in the order of the vocabulary. */
  readonly ofWords: readonly (readonly string[])[];
  readonly #ids: readonly (readonly number[])[];
  readonly #first: number;

  /**
   * @param words - of the vocabulary, in the order of their ids.
   * @param first - id of the first word; tokens below have no sound.
   * @throws TextError naming words that the lexicon lacks
   */
  constructor(words: readonly string[], lexicon: Lexicon, first: number) {
    const missing = words.filter((word) => !lexicon.has(word));
    if (missing.length > 0)
      throw new TextError(
        `lexicon: ${missing.length} words of the texts have no pronunciation, such as ${missing
          .slice(0, 8)
          .map((word) => JSON.stringify(word))
          .join(", ")}; add a line WORD PHONE PHONE ... for each`,
      );
    this.ofWords = words.map((word) => lexicon.get(word)!);
    this.phones = [...new Set(this.ofWords.flat())].sort();
    const ids = new Map(this.phones.map((phone, i) => [phone, i + 1]));
    this.#ids = this.ofWords.map((phones) => phones.map((phone) => ids.get(phone)!));
    this.#first = first;
  }

  /** Ids of the phones of a token sequence, in the order in which they are spoken. */
  spell(tokens: readonly number[]): number[] {
    return tokens.flatMap((token) => this.#ids[token - this.#first] ?? []);
  }
}
