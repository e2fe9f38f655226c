// An n-gram language model with back-off: how likely a word is after the words before it.
// Read next: arpa.ts (its file format), train-ngram.ts (from texts), text-scorer.ts (its use in decoding).
import { TextError } from "../errors.ts";

/** What the model knows of one sequence of words; logarithms to base 10, as in ARPA files. */
export interface NgramEntry {
  /** Log probability of the last word after the others, <= 0. */
  readonly logProb: number;
  /** Added when the sequence is the context of a longer one that the model doesn't hold; 0 for the longest ones. */
  readonly backoff: number;
}

/** Begin and end of a sentence, and the word that stands for all that the model doesn't know. */
export const SENTENCE_START = "<s>";
export const SENTENCE_END = "</s>";
export const UNKNOWN_WORD = "<unk>";

/** For a word that is unknown to a model without `<unk>`: what KenLM takes. */
const NO_UNKNOWN = -100;

/** The words before, oldest first: at most order - 1 of them count. */
export type WordContext = readonly string[];

/**
 * A back-off model (Katz 1987): the log probability of a word after its context is that of the longest sequence
 * which the model holds, plus the back-off weights of the contexts that it had to shorten.
 *
 * @example
 * const model = trainNgram(["one two three", "two three four"], { order: 2 }).model;
 * model.score(["two"], "three"); // the base-10 logarithm of P(three | two)
 */
export class NgramModel {
  /** Words in the longest sequence. */
  readonly order: number;
  /** Sequences by length: `levels[n - 1]` maps n words, joined by single spaces, to what is known of them. */
  readonly levels: readonly ReadonlyMap<string, NgramEntry>[];

  /** @throws TextError when there is no sequence of one word. */
  constructor(levels: readonly ReadonlyMap<string, NgramEntry>[]) {
    if (levels.length === 0 || levels[0]!.size === 0)
      throw new TextError("NgramModel: expected at least one word, got none");
    this.levels = levels;
    this.order = levels.length;
  }

  /** Whether the model knows the word. */
  has(word: string): boolean {
    return this.levels[0]!.has(word);
  }

  /** Base-10 log probability of `word` after `context`; words that the model doesn't know count as `<unk>`. */
  score(context: WordContext, word: string): number {
    const known = this.has(word) ? word : UNKNOWN_WORD;
    const before = context.slice(Math.max(0, context.length - (this.order - 1)));
    const words = before.map((one) => (this.has(one) ? one : UNKNOWN_WORD));
    let backoff = 0;
    for (let start = 0; start < words.length; start++) {
      const history = words.slice(start);
      const found = this.#entry([...history, known]);
      if (found !== undefined) return backoff + found.logProb;
      backoff += this.#entry(history)?.backoff ?? 0;
    }
    return backoff + (this.#entry([known])?.logProb ?? NO_UNKNOWN);
  }

  /** The context after one more word. */
  after(context: WordContext, word: string): WordContext {
    return this.order === 1 ? [] : [...context, word].slice(1 - this.order);
  }

  /** Base-10 log probability of a whole sentence, its end included. */
  sentence(words: readonly string[]): number {
    let context: WordContext = [SENTENCE_START];
    let sum = 0;
    for (const word of [...words, SENTENCE_END]) {
      sum += this.score(context, word);
      context = this.after(context, word);
    }
    return sum;
  }

  /**
   * 10^(-mean log probability): how many words the model hesitates between, ends of sentences counted.
   * @param sentences words of each; @returns Infinity when one is impossible.
   * @throws TextError without a sentence
   */
  perplexity(sentences: readonly (readonly string[])[]): number {
    if (sentences.length === 0) throw new TextError("perplexity: expected at least one sentence, got none");
    const events = sentences.reduce((sum, words) => sum + words.length + 1, 0);
    return 10 ** (-sentences.reduce((sum, words) => sum + this.sentence(words), 0) / events);
  }

  #entry(words: readonly string[]): NgramEntry | undefined {
    return this.levels[words.length - 1]?.get(words.join(" "));
  }
}
