// Prefix beam search over the frames of CTC. Read first: ctc-search.ts.
//
// Beside each text that is kept, only its continuations by the likeliest tokens of a frame can come into the next
// beam, because a new text has one source: its score is that of the text before it plus the token's. So a frame costs
// one pass over the vocabulary and some work for the beam, and nothing is lost: texts, scores and order are those of
// the search that tries every token (test/src/echo-model/every-token-beam.ts). With a text scorer that is no longer so:
// a word that the sound makes unlikely may be lifted by the language, and only the likeliest tokens of a frame are tried.

import { checkOptions, type OptionKinds } from "@echo-ts/tensor/internal";
import type { TextScorer, TextState } from "../../language/text-scorer.ts";
import { DEFAULTS } from "../../settings/resolve.ts";
import { type FrameScores, rowOf } from "./ctc-search.ts";
import type { Hypothesis } from "./decoder-search.ts";
import { logAddExp } from "./log-add.ts";

/** Options of `ctcBeamDecode`. */
export interface CtcBeamOptions {
  /** Texts kept per frame; default that of `decode.beam`. */
  readonly beamSize?: number;
  /** Label of the blank, default 0. */
  readonly blank?: number;
  /** Adds the score of the text, such as a language model's, to that of the sound; default none. */
  readonly scorer?: TextScorer;
}

/** What `ctcBeamDecode` takes; see `checkOptions`. */
export const CTC_BEAM_OPTIONS: OptionKinds<CtcBeamOptions> = {
  beamSize: "number",
  blank: "number",
  scorer: "object",
};

/** A text found by CTC. */
export interface CtcHypothesis extends Hypothesis {
  /** The part of the score that is the sound's: the log probability that CTC gives to the text. */
  readonly ctc: number;
}

/** With a scorer: at least so many tokens of each frame are tried. */
const TOKENS_TRIED = 40;

/** A text, as a path from the root of a tree; the same tokens are the same node for as long as the search lasts. */
interface Prefix {
  readonly before: Prefix | null;
  readonly token: number;
  readonly longer: Map<number, Prefix>;
  /** Place in the present beam, -1 outside. */
  place: number;
  /** Log probability of all alignments that end in a blank, in the last token, and of both together. */
  blank: number;
  label: number;
  total: number;
  /** What the scorer says of the text, and of those that are one token longer, as far as it was asked. */
  readonly text: TextState;
  readonly longerTexts: Map<number, TextState>;
}

/** What may come into the next beam: a text of this one (token null) or its continuation. */
interface Candidate {
  readonly from: Prefix;
  readonly token: number | null;
  readonly blank: number;
  readonly label: number;
  readonly total: number;
  /** `total` and the score of the text: what the beam is sorted by. */
  readonly rank: number;
  readonly text: TextState;
  /** Decides between equals: the place of the shorter text, then the token. */
  readonly order: number;
}

const NEVER = Number.NEGATIVE_INFINITY;
const NO_SCORE: TextState = { score: 0, end: 0 };
const NO_SCORER: TextScorer = { start: NO_SCORE, next: () => NO_SCORE };

/**
 * Prefix beam search: sums over all alignments of a text, which greedy decoding does not. Hannun et al. 2014.
 * Without a scorer it is exact when the beam holds every possible text. With one, texts are ranked by the sum of both
 * scores, and the token sequences tried are those of the likeliest tokens of each frame.
 *
 * @param scores log probabilities of one utterance, from `ctcFrameScores`
 * @returns at most `beamSize` texts with the log of their probability (and the scorer's part), best first; none of
 * probability 0. They are in the order in which they were found where they are equally likely.
 * @throws RangeError for a beam below 1
 * @example
 * const [frame] = await ctcFrameScores(echo, encoded);
 * tokenizer.decode(ctcBeamDecode(frame, { beamSize: 8 })[0].tokens);
 */
export function ctcBeamDecode(scores: FrameScores, options: CtcBeamOptions = {}): CtcHypothesis[] {
  checkOptions("ctcBeamDecode", options, CTC_BEAM_OPTIONS);
  const { beamSize = DEFAULTS.decode.beam, blank = 0, scorer } = options;
  if (!Number.isInteger(beamSize) || beamSize < 1) {
    throw new RangeError(`ctcBeamDecode: beamSize must be a positive integer, got ${beamSize}`);
  }
  const { start, next: textAfter } = scorer ?? NO_SCORER;
  let beam: Prefix[] = [
    {
      before: null,
      token: -1,
      longer: new Map(),
      place: 0,
      blank: 0,
      label: NEVER,
      total: 0,
      text: start,
      longerTexts: new Map(),
    },
  ];
  for (let t = 0; t < scores.frames; t++) {
    const row = rowOf(scores, t);
    const kept = beam.map((prefix) => stay(prefix, row, blank));
    // A scorer may lift any text above those that are kept.
    const least =
      scorer !== undefined || kept.length < beamSize ? NEVER : Math.min(...kept.map(({ total }) => total));
    // Of the tokens in front of one that comes in, at most a beam comes in, a beam is in already, and one repeats.
    const enough = 2 * beamSize + 1;
    const tokens = likeliest(row, scorer === undefined ? enough : Math.max(enough, TOKENS_TRIED), blank);
    const next = [...kept, ...beam.flatMap((prefix) => continuations(prefix, row, tokens, least, textAfter))]
      .filter(({ rank }) => rank > NEVER)
      .sort((a, b) => b.rank - a.rank || a.order - b.order)
      .slice(0, beamSize);
    for (const prefix of beam) prefix.place = -1;
    beam = next.map(enter);
  }
  const found = beam.map((prefix) => ({
    tokens: tokensOf(prefix),
    score: prefix.total + prefix.text.score + prefix.text.end,
    ctc: prefix.total,
  }));
  // Sorted already where no scorer has a word to say about the end.
  return found.sort((a, b) => b.score - a.score);
}

/** The text as it is: by a blank, by its last token going on, or because the text before it has become it. */
function stay(prefix: Prefix, row: Float32Array, blank: number): Candidate {
  const { before, token, place } = prefix;
  const afterBlank = prefix.total + row[blank]!;
  let label = before === null ? NEVER : prefix.label + row[token]!;
  let order = place * (row.length + 1);
  if (before !== null && before.place >= 0) {
    label = logAddExp(label, sourceFor(token, before) + row[token]!);
    order = Math.min(order, before.place * (row.length + 1) + 1 + token);
  }
  const total = logAddExp(afterBlank, label);
  const { text } = prefix;
  return {
    from: prefix,
    token: null,
    blank: afterBlank,
    label,
    total,
    rank: total + text.score,
    text,
    order,
  };
}

/** A repeated token needs a blank between, or it would have merged with the one before. */
function sourceFor(token: number, { token: last, blank, total }: Prefix): number {
  return token === last ? blank : total;
}

/** The text with one of `tokens`, likeliest first, behind it, where that is in no beam yet and not below `least`. */
function continuations(
  prefix: Prefix,
  row: Float32Array,
  tokens: readonly number[],
  least: number,
  textAfter: TextScorer["next"],
): Candidate[] {
  const found: Candidate[] = [];
  for (const token of tokens) {
    if (prefix.total + row[token]! < least) break;
    if ((prefix.longer.get(token)?.place ?? -1) >= 0) continue;
    const total = sourceFor(token, prefix) + row[token]!;
    const order = prefix.place * (row.length + 1) + 1 + token;
    const text = prefix.longerTexts.get(token) ?? textAfter(prefix.text, token);
    prefix.longerTexts.set(token, text);
    found.push({
      from: prefix,
      token,
      blank: NEVER,
      label: total,
      total,
      rank: total + text.score,
      text,
      order,
    });
  }
  return found;
}

function enter({ from, token, blank, label, total, text }: Candidate, place: number): Prefix {
  if (token === null) return Object.assign(from, { place, blank, label, total });
  const known = from.longer.get(token);
  if (known !== undefined) return Object.assign(known, { place, blank, label, total });
  const scores = { place, blank, label, total, text };
  const made = { before: from, token, longer: new Map<number, Prefix>(), longerTexts: new Map(), ...scores };
  from.longer.set(token, made);
  return made;
}

/** The `count` likeliest tokens without the blank, likeliest first; lower ones first among equals. */
function likeliest(row: Float32Array, count: number, blank: number): number[] {
  const found: number[] = [];
  for (let token = 0; token < row.length; token++) {
    if (token === blank) continue;
    const value = row[token]!;
    if (found.length === count && value <= row[found[count - 1]!]!) continue;
    let place = Math.min(found.length, count - 1);
    for (; place > 0 && row[found[place - 1]!]! < value; place--) found[place] = found[place - 1]!;
    found[place] = token;
  }
  return found;
}

function tokensOf(prefix: Prefix): number[] {
  const tokens: number[] = [];
  for (let at = prefix; at.before !== null; at = at.before) tokens.push(at.token);
  return tokens.reverse();
}
