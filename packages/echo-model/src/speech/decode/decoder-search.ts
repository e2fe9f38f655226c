// Decoding with the attention decoder: greedy for a whole batch, beam search for one utterance after the other.

import { checkOptions, type OptionKinds } from "@echo-ts/tensor/internal";
import type { Echo } from "../../model/model.ts";
import { DEFAULTS } from "../../settings/resolve.ts";
import { type SpecialIds, specialIds } from "../../text/tokenizer.ts";
import { type Encoded, Stepper, selectRows } from "./stepper.ts";

/** A decoded token sequence. */
export interface Hypothesis {
  /** Token ids without BOS and EOS. */
  readonly tokens: readonly number[];
  /** Natural log of its probability (for beam search divided by the length penalty). */
  readonly score: number;
}

/** Options of `greedyDecode`. */
export interface GreedyOptions {
  /** Most tokens to produce, the end token counted; default and most model.textContext. */
  readonly maxTokens?: number;
  /** Special ids of the tokenizer; default those of the corrected variant. */
  readonly ids?: SpecialIds;
}

const GREEDY_OPTIONS: OptionKinds<GreedyOptions> = { maxTokens: "number", ids: "object" };

function tokenLimit(echo: Echo, wanted: number | undefined): number {
  // The last token is read off the decoder, not fed to it: BOS takes its place in the context.
  const most = echo.config.textContext;
  const limit = wanted ?? most;
  if (!Number.isInteger(limit) || limit < 1 || limit > most) {
    throw new RangeError(`decode: maxTokens must be between 1 and ${most} (model.textContext), got ${limit}`);
  }
  return limit;
}

/** Index of the largest value; the first one among equals. */
export function largest(values: Float32Array): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) if (values[i]! > values[best]!) best = i;
  return best;
}

/**
 * The likeliest token at each step, for every utterance of a batch, until EOS or the limit. Deterministic.
 *
 * @param encoded from `echo.encode`
 */
export async function greedyDecode(
  echo: Echo,
  encoded: Encoded,
  options: GreedyOptions = {},
): Promise<Hypothesis[]> {
  checkOptions("greedyDecode", options, GREEDY_OPTIONS);
  const { bos, eos: end } = options.ids ?? specialIds("corrected");
  // The reference variant has no end token: nothing equals -1, so it runs to the limit.
  const eos = end ?? -1;
  const limit = tokenLimit(echo, options.maxTokens);
  const batch = [...encoded.values()][0]!.frames.shape[0]!;
  const prefixes = Array.from({ length: batch }, () => [bos]);
  const scores = new Array<number>(batch).fill(0);
  const ended = new Array<boolean>(batch).fill(false);
  const stepper = new Stepper(echo, encoded);
  for (let n = 0; n < limit && ended.includes(false); n++) {
    const rows = await stepper.next(prefixes);
    rows.forEach((row, b) => {
      const token = largest(row);
      prefixes[b]!.push(ended[b] ? Math.max(eos, 0) : token);
      if (ended[b]) return;
      scores[b]! += row[token]!;
      ended[b] = token === eos;
    });
  }
  return prefixes.map((prefix, b) => ({ tokens: upTo(prefix.slice(1), eos), score: scores[b]! }));
}

function upTo(tokens: readonly number[], eos: number): readonly number[] {
  const end = tokens.indexOf(eos);
  return end < 0 ? tokens : tokens.slice(0, end);
}

/** Options of `beamDecode`. */
export interface BeamOptions extends GreedyOptions {
  /** Hypotheses kept at each step; default that of `decode.beam`. */
  readonly beamSize?: number;
  /** Exponent of the length penalty ((5 + length) / 6)^alpha (Wu et al. 2016, equation 14); 0 for none; default that of `decode.lengthPenalty`. */
  readonly lengthPenalty?: number;
}

const BEAM_OPTIONS: OptionKinds<BeamOptions> = {
  ...GREEDY_OPTIONS,
  beamSize: "number",
  lengthPenalty: "number",
};

/**
 * Beam search: the best hypotheses for each utterance, best first. As many live ones as `beamSize` go on, however
 * many have ended; the search stops when none of them can still come among the best `beamSize` that have.
 *
 * @throws RangeError for a beam below 1 or a limit outside the model's context
 */
export async function beamDecode(
  echo: Echo,
  encoded: Encoded,
  options: BeamOptions = {},
): Promise<Hypothesis[][]> {
  const batch = [...encoded.values()][0]!.frames.shape[0]!;
  checkOptions("beamDecode", options, BEAM_OPTIONS);
  const all: Hypothesis[][] = [];
  for (let row = 0; row < batch; row++) all.push(await beamOne(echo, selectRows(encoded, [row]), options));
  return all;
}

interface Partial {
  readonly tokens: readonly number[];
  readonly logProb: number;
}

async function beamOne(echo: Echo, encoded: Encoded, options: BeamOptions): Promise<Hypothesis[]> {
  const {
    beamSize = DEFAULTS.decode.beam,
    lengthPenalty = DEFAULTS.decode.lengthPenalty,
    ids = specialIds("corrected"),
  } = options;
  if (!Number.isInteger(beamSize) || beamSize < 1) {
    throw new RangeError(`decode: beamSize must be a positive integer, got ${beamSize}`);
  }
  const limit = tokenLimit(echo, options.maxTokens);
  const normalised = ({ tokens, logProb }: Partial): number =>
    logProb / ((5 + tokens.length) / 6) ** lengthPenalty;
  const done: Partial[] = [];
  let beam: Partial[] = [{ tokens: [ids.bos], logProb: 0 }];
  const stepper = new Stepper(echo, encoded);
  for (let n = 0; n < limit && beam.length > 0; n++) {
    const rows = await stepper.next(beam.map(({ tokens }) => tokens));
    const candidates = beam.flatMap((from, row) =>
      best(rows[row]!, beamSize + 1).map((token) => ({
        row,
        token,
        logProb: from.logProb + rows[row]![token]!,
      })),
    );
    candidates.sort((a, b) => b.logProb - a.logProb || a.row - b.row || a.token - b.token);
    const kept: number[] = [];
    const next: Partial[] = [];
    for (const { row, token, logProb } of candidates) {
      if (next.length >= beamSize || logProb === Number.NEGATIVE_INFINITY) break;
      const tokens = [...beam[row]!.tokens, token];
      if (token === ids.eos) done.push({ tokens, logProb });
      else {
        next.push({ tokens, logProb });
        kept.push(row);
      }
    }
    beam = next;
    // A longer hypothesis can only lose log probability; the penalty at the limit is the most it can regain.
    done.sort((a, b) => normalised(b) - normalised(a));
    const worst = done[beamSize - 1];
    const longest = ((5 + limit + 1) / 6) ** lengthPenalty;
    if (worst && beam.every(({ logProb }) => logProb / longest <= normalised(worst))) break;
    if (beam.length > 0) stepper.reorder(kept);
  }
  const all = done.length > 0 ? done : beam;
  return all
    .map((partial) => ({ tokens: upTo(partial.tokens.slice(1), ids.eos ?? -1), score: normalised(partial) }))
    .sort((a, b) => b.score - a.score)
    .slice(0, beamSize);
}

/** Indices of the `count` largest values, largest first; lower indices first among equals. */
function best(values: Float32Array, count: number): number[] {
  return Array.from(values, (_, i) => i)
    .sort((a, b) => values[b]! - values[a]! || a - b)
    .slice(0, count);
}
