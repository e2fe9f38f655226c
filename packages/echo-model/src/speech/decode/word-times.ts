// When each word is spoken, from the frames of its tokens.

import type { Tokenizer } from "../../text/tokenizer.ts";
import type { TokenSpan } from "./ctc-search.ts";

/** A recognised word with its place in the recording. */
export interface TimedWord {
  readonly word: string;
  /** Seconds from the start of the recording, >= 0. */
  readonly start: number;
  /** Seconds, >= start. */
  readonly end: number;
  /** In [0, 1], where the decoder gives one. */
  readonly confidence?: number;
}

/**
 * The words of the decoded text with their times. A word lasts from its first token to its last; a token belongs
 * to the words in which its characters stand. It works for words, characters, pieces of words, and for tokens that
 * hold a part of a character, as byte-level BPE and BPE with byte fallback have them for letters outside ASCII.
 *
 * @param spans from `ctcAlign`, in order
 * @param secondsPerFrame stride of the encoder's frames
 * @example wordTimes([{ token: 5, start: 2, end: 4 }], tokenizer, 0.04) // [{ word: "yes", start: 0.08, end: 0.16 }]
 */
export function wordTimes(
  spans: readonly TokenSpan[],
  tokenizer: Tokenizer,
  secondsPerFrame: number,
): TimedWord[] {
  const tokens = spans.map(({ token }) => token);
  const text = tokenizer.decode(tokens);
  const places = placesInText(tokens, text, tokenizer);
  const words: TimedWord[] = [];
  for (const { 0: word, index } of text.matchAll(/\S+/gu)) {
    const own = spans.filter((_, i) => places[i]!.start < index + word.length && places[i]!.end > index);
    const start = own[0]!.start * secondsPerFrame;
    const end = own[own.length - 1]!.end * secondsPerFrame;
    // A word is as sure as its least sure token.
    const confidence = Math.min(...own.map((span) => span.confidence ?? Number.NaN));
    words.push({ word, start, end, ...(!Number.isNaN(confidence) && { confidence }) });
  }
  return words;
}

/**
 * Where the characters of each token stand in `text`, the text of all tokens: [start, end) in UTF-16 units. The
 * text of the first tokens is the beginning of it, except where they end inside a character: that ends in U+FFFD
 * instead, and every token with a part of the character stands where the character does.
 */
function placesInText(
  tokens: readonly number[],
  text: string,
  tokenizer: Tokenizer,
): { start: number; end: number }[] {
  let reached = 0;
  return tokens.map((_, i) => {
    const soFar = i + 1 === tokens.length ? text : tokenizer.decode(tokens.slice(0, i + 1));
    const start = reached;
    reached = Math.max(reached, sharedLength(soFar, text));
    if (reached >= soFar.length) return { start, end: reached };
    const partOf = String.fromCodePoint(text.codePointAt(reached) ?? 0);
    return { start, end: reached + partOf.length };
  });
}

function sharedLength(a: string, b: string): number {
  let n = 0;
  while (n < a.length && n < b.length && a[n] === b[n]) n++;
  return n;
}
