// CTC and the attention decoder together in one search: every token of every text that is kept is weighed by both, so
// that a text which CTC alone would have dropped can win. Watanabe et al. 2017, "Hybrid CTC/attention architecture".
// Read first: ctc-prefix.ts, stepper.ts. The cheaper way, CTC's best texts rescored: joint-search.ts.

import { checkOptions, type OptionKinds } from "@echo-ts/tensor/internal";
import type { TextScorer, TextState } from "../../language/text-scorer.ts";
import type { Echo } from "../../model/model.ts";
import { DEFAULTS } from "../../settings/resolve.ts";
import { specialIds } from "../../text/tokenizer.ts";
import { type CtcPrefix, CtcPrefixes } from "./ctc-prefix.ts";
import type { FrameScores } from "./ctc-search.ts";
import type { Hypothesis } from "./decoder-search.ts";
import { JOINT_OPTIONS, type JointOptions, weighted } from "./joint-search.ts";
import { type Encoded, Stepper, selectRows } from "./stepper.ts";

/** Options of `onePassDecode`. */
export interface OnePassOptions extends JointOptions {
  /** Most tokens to produce, the end token counted; default and most model.textContext. */
  readonly maxTokens?: number;
}

const ONE_PASS_OPTIONS: OptionKinds<OnePassOptions> = { ...JOINT_OPTIONS, maxTokens: "number" };

/** With a scorer, which may lift a text again, one that is so much (e^20) below the worst of the results still goes on. */
const HOPE_WITH_SCORER = 20;

const NO_TEXT: TextState = { score: 0, end: 0 };
const NO_SCORER: TextScorer = { start: NO_TEXT, next: () => NO_TEXT };

/** A text that goes on. */
interface Live {
  /** From BOS on, as the decoder is fed. */
  readonly tokens: readonly number[];
  readonly prefix: CtcPrefix;
  /** Log probability by the decoder. */
  readonly decoder: number;
  readonly text: TextState;
}

/** A text with one more token, not yet in the beam. */
interface Candidate {
  readonly from: number;
  readonly token: number;
  readonly decoder: number;
  readonly text: TextState;
  readonly rank: number;
}

/**
 * Beam search over tokens, each text ranked by weight * log P_ctc(the text begins so) + (1 - weight) * log P_decoder
 * (+ the scorer); a text that has ended by its whole probabilities. Without a scorer the search stops when no live text
 * can still come among the best `beamSize`, and is exact when the beam holds every beginning.
 *
 * @param row which utterance of the encoded batch
 * @param scores of CTC for this utterance, from `ctcFrameScores`
 * @returns at most `beamSize` texts, best first, none of probability 0; with the score of `jointDecode`. The decoder is
 * not asked at a weight of 1
 * @throws RangeError for a weight outside 0 to 1, a beam below 1 or a limit outside the model's context
 * @example
 * const [scores] = await ctcFrameScores(echo, encoded);
 * const [best] = await onePassDecode(echo, encoded, 0, scores, { ctcWeight: 0.5, beamSize: 8 });
 */
export async function onePassDecode(
  echo: Echo,
  encoded: Encoded,
  row: number,
  scores: FrameScores,
  options: OnePassOptions = {},
): Promise<Hypothesis[]> {
  checkOptions("onePassDecode", options, ONE_PASS_OPTIONS);
  const { textContext } = echo.config;
  const {
    beamSize = DEFAULTS.decode.beam,
    ctcWeight = DEFAULTS.decode.ctcWeight,
    maxTokens = textContext,
    blank = 0,
    ids = specialIds("corrected"),
    scorer = NO_SCORER,
  } = options;
  if (!Number.isInteger(beamSize) || beamSize < 1)
    throw new RangeError(`onePassDecode: beamSize must be a positive integer, got ${beamSize}`);
  if (!(ctcWeight >= 0 && ctcWeight <= 1))
    throw new RangeError(`onePassDecode: ctcWeight must be between 0 and 1, got ${ctcWeight}`);
  if (!Number.isInteger(maxTokens) || maxTokens < 1 || maxTokens > textContext)
    throw new RangeError(
      `onePassDecode: maxTokens must be between 1 and ${textContext} (model.textContext), got ${maxTokens}`,
    );
  const never = new Set([blank, ids.pad, ids.bos, ids.eos]);
  const hope = scorer === NO_SCORER ? 0 : HOPE_WITH_SCORER;
  const prefixes = new CtcPrefixes(scores, blank);
  const stepper = ctcWeight === 1 ? null : new Stepper(echo, selectRows(encoded, [row]));
  const rankOf = (ctc: number, decoder: number): number =>
    weighted(ctcWeight, ctc) + weighted(1 - ctcWeight, decoder);
  const silence = new Float32Array(scores.vocabulary);

  let done: Hypothesis[] = [];
  let beam: Live[] = [{ tokens: [ids.bos], prefix: prefixes.empty, decoder: 0, text: scorer.start }];
  for (let length = 0; beam.length > 0; length++) {
    // The end token takes a place too.
    const places = length + (ids.eos === null ? 0 : 1);
    if (places > maxTokens) break;
    const rows = stepper === null ? null : await stepper.next(beam.map(({ tokens }) => tokens));
    const candidates: Candidate[] = [];
    for (const [from, { tokens, prefix, decoder, text }] of beam.entries()) {
      const next = rows?.[from] ?? silence;
      const ended = decoder + (ids.eos === null ? 0 : next[ids.eos]!);
      const score = rankOf(prefixes.whole(prefix), ended) + text.score + text.end;
      if (score > Number.NEGATIVE_INFINITY) done.push({ tokens: tokens.slice(1), score });
      if (places === maxTokens) continue;
      const ctc = prefixes.longer(prefix);
      for (let token = 0; token < scores.vocabulary; token++) {
        if (never.has(token)) continue;
        const sound = rankOf(ctc[token]!, decoder + next[token]!);
        if (sound === Number.NEGATIVE_INFINITY) continue;
        const longer = scorer.next(text, token);
        candidates.push({
          from,
          token,
          decoder: decoder + next[token]!,
          text: longer,
          rank: sound + longer.score,
        });
      }
    }
    done = done.sort((a, b) => b.score - a.score).slice(0, beamSize);
    // By sound a longer text can only lose.
    const least = done.length < beamSize ? Number.NEGATIVE_INFINITY : done[beamSize - 1]!.score - hope;
    const kept = candidates
      .filter(({ rank }) => rank > least)
      .sort((a, b) => b.rank - a.rank || a.from - b.from || a.token - b.token)
      .slice(0, beamSize);
    if (kept.length > 0) stepper?.reorder(kept.map(({ from }) => from));
    beam = kept.map(({ from, token, decoder, text }) => ({
      tokens: [...beam[from]!.tokens, token],
      prefix: prefixes.after(beam[from]!.prefix, token),
      decoder,
      text,
    }));
  }
  return done;
}
