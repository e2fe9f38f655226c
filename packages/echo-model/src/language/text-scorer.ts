// What a search adds to the sound's score of a text: a language model's log probability, hot words, a bonus for each word.
// Read first: ngram-model.ts, hot-words.ts. Used by ../speech/decode/ctc-beam.ts and joint-search.ts.
import { checkOptions, type OptionKinds } from "@echo-ts/tensor/internal";
import { TextError } from "../errors.ts";
import { DEFAULTS } from "../settings/resolve.ts";
import type { Tokenizer } from "../text/tokenizer.ts";
import { splitWords } from "../text/word-tokenizer.ts";
import { type HotState, HotWords } from "./hot-words.ts";
import { type NgramModel, SENTENCE_END, SENTENCE_START, type WordContext } from "./ngram-model.ts";

/** What {@link textScorer} adds up; what is left out adds nothing. */
export interface TextScorerOptions {
  readonly languageModel?: NgramModel;
  /** Times the model's natural log probability; default that of `decode.lmWeight`. */
  readonly lmWeight?: number;
  /** Added for every word: a language model alone favours short texts; default that of `decode.wordBonus`. */
  readonly wordBonus?: number;
  /** Words and phrases to favour, normalised like transcripts. */
  readonly hotWords?: readonly string[];
  /** Added for every word of them, as a natural logarithm; default that of `decode.hotWordBonus`. */
  readonly hotWordBonus?: number;
}

const OPTIONS: OptionKinds<TextScorerOptions> = {
  languageModel: "object",
  lmWeight: "number",
  wordBonus: "number",
  hotWords: "array",
  hotWordBonus: "number",
};

/** The score of a text as far as it goes; immutable, so that texts with the same beginning share it. */
export interface TextState {
  /** What the text has earned so far, as a natural logarithm. */
  readonly score: number;
  /** What it earns, or loses, if it ends here. */
  readonly end: number;
}

/** Scores texts token by token. */
export interface TextScorer {
  /** The empty text. */
  readonly start: TextState;
  /** The text with one more token; `state` is the scorer's own. */
  next(state: TextState, token: number): TextState;
}

interface Text extends TextState {
  /** Tokens of the text; empty where each one is a word. */
  readonly tokens: readonly number[];
  /** Words that are scored. */
  readonly words: number;
  readonly context: WordContext;
  readonly hot: HotState;
  /** Language model and word bonus of the scored words. */
  readonly sum: number;
  /** The word that may go on with the next token, "" for none. */
  readonly open: string;
}

/**
 * A scorer for the texts of a tokenizer. A word is scored when it is complete: at once where tokens are words, with the
 * first letter of the next one, or the end, where they are characters or pieces.
 *
 * @throws TextError for a hot word that the tokenizer cannot write
 * @example
 * const scorer = textScorer(tokenizer, { languageModel: parseArpa(text), hotWords: ["rubout"] });
 * ctcBeamDecode(scores, { scorer })[0];
 */
export function textScorer(tokenizer: Tokenizer, options: TextScorerOptions): TextScorer {
  checkOptions("textScorer", options, OPTIONS);
  const { languageModel: model, hotWords = [] } = options;
  const {
    lmWeight = DEFAULTS.decode.lmWeight,
    wordBonus = DEFAULTS.decode.wordBonus,
    hotWordBonus = DEFAULTS.decode.hotWordBonus,
  } = options;
  for (const phrase of hotWords) checkWritable(tokenizer, phrase);
  const hot = new HotWords(hotWords);
  const wholeWords = tokenizer.kind === "word";
  const weighted = (context: WordContext, word: string): number =>
    model === undefined ? 0 : lmWeight * Math.LN10 * model.score(context, word);

  const withWord = (text: Text, word: string): Text => ({
    ...text,
    words: text.words + 1,
    sum: text.sum + weighted(text.context, word) + wordBonus,
    context: model === undefined ? text.context : model.after(text.context, word),
    hot: hot.next(text.hot, word),
    open: "",
  });
  const scored = (text: Text): Text => {
    const score = text.sum + hotWordBonus * hot.words(text.hot, false);
    const all = text.open === "" ? text : withWord(text, text.open);
    const total = all.sum + weighted(all.context, SENTENCE_END) + hotWordBonus * hot.words(all.hot, true);
    return { ...text, score, end: total - score };
  };
  const empty: Text = {
    score: 0,
    end: 0,
    tokens: [],
    words: 0,
    context: [SENTENCE_START],
    hot: HotWords.start,
    sum: 0,
    open: "",
  };
  return {
    start: scored(empty),
    next(state, token) {
      const text = state as Text;
      if (wholeWords) return scored(withWord(text, tokenizer.tokenOf(token)));
      const tokens = [...text.tokens, token];
      const words = splitWords(tokenizer.decode(tokens));
      let after: Text = { ...text, tokens };
      for (const word of words.slice(text.words, -1)) after = withWord(after, word);
      return scored({ ...after, open: words[after.words] ?? "" });
    },
  };
}

function checkWritable(tokenizer: Tokenizer, phrase: string): void {
  let written: string | null = null;
  try {
    written = tokenizer.decode(tokenizer.encode(phrase));
  } catch (error) {
    if (!(error instanceof TextError)) throw error;
  }
  if (written !== phrase)
    throw new TextError(
      `hot words: the model cannot write ${JSON.stringify(phrase)}${written ? `, only ${JSON.stringify(written)}` : ""}; echo-asr inspect lists its vocabulary`,
    );
}
