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
 * Words with their times. A token belongs to the word in which its characters stand once all tokens before it
 * are decoded, so it works for words, characters and pieces of words alike.
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
  const words: { word: string; start: number; end: number }[] = [];
  let before = "";
  spans.forEach((span, i) => {
    const text = tokenizer.decode(spans.slice(0, i + 1).map(({ token }) => token));
    const added = text.startsWith(before) ? text.slice(before.length) : text;
    const beginsWord = before === "" || /^\s/.test(added) || /\s$/.test(before);
    before = text;
    const piece = added.trim();
    if (piece === "") return;
    const last = words[words.length - 1];
    if (beginsWord || last === undefined) {
      words.push({ word: piece, start: span.start * secondsPerFrame, end: span.end * secondsPerFrame });
    } else {
      last.word += piece;
      last.end = span.end * secondsPerFrame;
    }
  });
  return words;
}
