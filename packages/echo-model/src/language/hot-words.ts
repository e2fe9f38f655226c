// Words and phrases that a recognition is to favour, found in a text that grows word by word, from left to right.
// Read next: text-scorer.ts.
import { TextError } from "../errors.ts";

/** How far a text has come. */
export interface HotState {
  /** Words that belong to phrases, each counted once. */
  readonly complete: number;
  /** Words after those which begin a phrase, or are one that may still become a longer one. */
  readonly open: readonly string[];
}

/** Phrases to look for. */
export class HotWords {
  /** The state of an empty text. */
  static readonly start: HotState = { complete: 0, open: [] };
  readonly #phrases = new Set<string>();
  readonly #beginnings = new Set<string>();

  /**
   * @param phrases of one or more words each, normalised as the recogniser's transcripts are
   * @throws TextError for a phrase without a word
   */
  constructor(phrases: readonly string[]) {
    for (const phrase of phrases) {
      const words = phrase.split(/\s+/u).filter((word) => word !== "");
      if (words.length === 0) throw new TextError(`hot words: expected words, got ${JSON.stringify(phrase)}`);
      this.#phrases.add(words.join(" "));
      for (let n = 1; n < words.length; n++) this.#beginnings.add(words.slice(0, n).join(" "));
    }
  }

  /** The state after one more word. */
  next({ complete, open }: HotState, word: string): HotState {
    let rest: readonly string[] = [...open, word];
    let found = complete;
    while (rest.length > 0 && !this.#beginnings.has(rest.join(" "))) {
      const length = this.#phraseAt(rest);
      found += length;
      rest = rest.slice(Math.max(length, 1));
    }
    return { complete: found, open: rest };
  }

  /** Words of phrases so far; a phrase that has begun counts, as it may be completed, until the text has ended. */
  words({ complete, open }: HotState, ended: boolean): number {
    if (!ended) return complete + open.length;
    let found = complete;
    for (let rest = open; rest.length > 0; ) {
      const length = this.#phraseAt(rest);
      found += length;
      rest = rest.slice(Math.max(length, 1));
    }
    return found;
  }

  /** Words of the longest phrase that `words` begin with; 0 when there is none. */
  #phraseAt(words: readonly string[]): number {
    for (let n = words.length; n > 0; n--) if (this.#phrases.has(words.slice(0, n).join(" "))) return n;
    return 0;
  }
}
