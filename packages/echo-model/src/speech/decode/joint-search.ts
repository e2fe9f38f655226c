// CTC and the attention decoder together: CTC's best texts, rescored by both. Both at every token: one-pass-search.ts.

import { checkOptions, type OptionKinds } from "@echo-ts/tensor/internal";
import type { Echo } from "../../model/model.ts";
import { DEFAULTS } from "../../settings/resolve.ts";
import { type SpecialIds, specialIds } from "../../text/tokenizer.ts";
import { CTC_BEAM_OPTIONS, type CtcBeamOptions, ctcBeamDecode } from "./ctc-beam.ts";
import type { FrameScores } from "./ctc-search.ts";
import type { Hypothesis } from "./decoder-search.ts";
import { type Encoded, Stepper, selectRows } from "./stepper.ts";

/** Options of `jointDecode`. */
export interface JointOptions extends CtcBeamOptions {
  /** Share of the CTC score, the rest is the decoder's; default that of `decode.ctcWeight`. */
  readonly ctcWeight?: number;
  readonly ids?: SpecialIds;
}

/** What `jointDecode` takes; see `checkOptions`. */
export const JOINT_OPTIONS: OptionKinds<JointOptions> = {
  ...CTC_BEAM_OPTIONS,
  ctcWeight: "number",
  ids: "object",
};

/**
 * Prefix beam search by CTC, its texts scored again as weight * CTC + (1 - weight) * decoder (+ the scorer), best first.
 * Watanabe et al. 2017, section "rescoring"; `onePassDecode` is their one-pass search.
 *
 * @param row which utterance of the encoded batch
 * @returns the texts of probability above 0 that fit into model.textContext; the decoder is not asked at a weight of 1
 * @throws RangeError for a weight outside 0 to 1 or a beam below 1
 */
export async function jointDecode(
  echo: Echo,
  encoded: Encoded,
  row: number,
  scores: FrameScores,
  options: JointOptions = {},
): Promise<Hypothesis[]> {
  checkOptions("jointDecode", options, JOINT_OPTIONS);
  const { ctcWeight = DEFAULTS.decode.ctcWeight, ids = specialIds("corrected"), ...beam } = options;
  if (!(ctcWeight >= 0 && ctcWeight <= 1)) {
    throw new RangeError(`jointDecode: ctcWeight must be between 0 and 1, got ${ctcWeight}`);
  }
  const rescored: Hypothesis[] = [];
  for (const { tokens, score, ctc } of ctcBeamDecode(scores, beam)) {
    // BOS and the tokens are fed to the decoder; without an end token, the last one is not.
    if (tokens.length + (ids.eos === null ? 0 : 1) > echo.config.textContext) continue;
    const text = ctcWeight === 1 ? 0 : await decoderScore(echo, selectRows(encoded, [row]), tokens, ids);
    const both = weighted(ctcWeight, ctc) + weighted(1 - ctcWeight, text) + (score - ctc);
    if (both > Number.NEGATIVE_INFINITY) rescored.push({ tokens, score: both });
  }
  return rescored.sort((a, b) => b.score - a.score);
}

/** A weight of 0 leaves a score out: 0 times the log of probability 0 would be NaN. */
export function weighted(weight: number, score: number): number {
  return weight === 0 ? 0 : weight * score;
}

/** Log probability that the decoder gives to a text, its end included; `encoded` holds one utterance. */
export async function decoderScore(
  echo: Echo,
  encoded: Encoded,
  tokens: readonly number[],
  ids: SpecialIds = specialIds("corrected"),
): Promise<number> {
  const stepper = new Stepper(echo, encoded);
  const prefix = [ids.bos];
  let score = 0;
  for (const token of ids.eos === null ? tokens : [...tokens, ids.eos]) {
    const [row] = await stepper.next([prefix]);
    score += row![token]!;
    prefix.push(token);
  }
  return score;
}
