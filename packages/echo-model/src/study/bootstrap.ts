// Confidence intervals of error rates by resampling utterances (Bisani and Ney, ICASSP 2004).
// They tell how much the test sample matters; variation between training seeds comes on top.

import { checkOptions, type OptionKinds } from "@echo-ts/tensor/internal";
import type { ErrorRate } from "../text/error-rates.ts";
import type { UniformSource } from "./digit-strings.ts";

/** Settings of the bootstrap. */
export interface BootstrapOptions {
  /** Where the draws come from: the same seed and name of the stream give the same interval. */
  readonly random: UniformSource;
  /** Number of resamples, an integer >= 1, default 1000. */
  readonly resamples?: number;
  /** Coverage in (0, 1), default 0.95. */
  readonly level?: number;
}

/** An interval with the value measured on the sample itself. */
export interface Interval {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

/** Errors and reference length of one utterance; an `ErrorRate` will do. */
export type UtteranceErrors = Pick<ErrorRate, "errors" | "total">;

/**
 * Percentile interval of the corpus error rate when utterances are drawn again with replacement.
 * @param utterances - errors of each utterance, at least one.
 * @throws RangeError for no utterance or settings out of range.
 * @example
 * bootstrapRate(scores.map((score) => score.words), { random: stream(0, "bootstrap") });
 */
export function bootstrapRate(utterances: readonly UtteranceErrors[], options: BootstrapOptions): Interval {
  return resample("bootstrapRate", utterances.length, options, (picks) => rateOf(utterances, picks));
}

/**
 * Interval of the difference `first - second` of two systems on the same utterances, drawn together:
 * an interval that excludes 0 says that the test sample alone does not explain the difference.
 * @param first - errors of one system, in the order of the utterances.
 * @param second - errors of the other, same length.
 * @throws RangeError when the lengths differ.
 */
export function bootstrapDifference(
  first: readonly UtteranceErrors[],
  second: readonly UtteranceErrors[],
  options: BootstrapOptions,
): Interval {
  if (first.length !== second.length)
    throw new RangeError(
      `bootstrapDifference: the systems differ in utterances, expected equal numbers, got ${first.length} and ${second.length}`,
    );
  const difference = (picks: Iterable<number>): number => {
    const chosen = [...picks];
    return rateOf(first, chosen) - rateOf(second, chosen);
  };
  return resample("bootstrapDifference", first.length, options, difference);
}

/**
 * Interval of the mean difference `first - second` over several trainings of two systems, when utterances are drawn again
 * with replacement. One draw of utterances serves all trainings of both systems, so that what makes an utterance hard does
 * not count as a difference. Trainings are not drawn: see `meanInterval` for what they add.
 * @param first - for each seed, the errors of one system by utterance, in the same order everywhere.
 * @param second - the same of the other; first[i] and second[i] have the same seed.
 * @throws RangeError when numbers of seeds or utterances differ, or there are none.
 * @example
 * bootstrapPairs([staticSeed0, staticSeed1], [f0Seed0, f0Seed1], { random: stream(0, "bootstrap") });
 */
export function bootstrapPairs(
  first: readonly (readonly UtteranceErrors[])[],
  second: readonly (readonly UtteranceErrors[])[],
  options: BootstrapOptions,
): Interval {
  if (first.length !== second.length || first.length === 0)
    throw new RangeError(
      `bootstrapPairs: seeds are paired, expected equal numbers of at least 1, got ${first.length} and ${second.length}`,
    );
  const count = first[0]!.length;
  const other = [...first, ...second].find((utterances) => utterances.length !== count);
  if (other !== undefined)
    throw new RangeError(
      `bootstrapPairs: all trainings are scored on the same utterances, expected ${count}, got ${other.length}`,
    );
  const difference = (picks: Iterable<number>): number => {
    const chosen = [...picks];
    const sum = first.reduce((all, one, i) => all + rateOf(one, chosen) - rateOf(second[i]!, chosen), 0);
    return sum / first.length;
  };
  return resample("bootstrapPairs", count, options, difference);
}

function rateOf(utterances: readonly UtteranceErrors[], picks: Iterable<number>): number {
  let errors = 0;
  let total = 0;
  for (const pick of picks) {
    errors += utterances[pick]!.errors;
    total += utterances[pick]!.total;
  }
  return errors === 0 ? 0 : errors / total;
}

const BOOTSTRAP_OPTIONS: OptionKinds<BootstrapOptions> = {
  random: "object",
  resamples: "number",
  level: "number",
};

function resample(
  operation: string,
  count: number,
  options: BootstrapOptions,
  measure: (picks: Iterable<number>) => number,
): Interval {
  checkOptions(operation, options, BOOTSTRAP_OPTIONS);
  const { random, resamples = 1000, level = 0.95 } = options;
  if (count === 0) throw new RangeError(`${operation}: no utterance, expected at least one`);
  if (!Number.isInteger(resamples) || resamples < 1)
    throw new RangeError(`${operation}: resamples must be an integer >= 1, got ${resamples}`);
  if (!(level > 0 && level < 1)) throw new RangeError(`${operation}: level must be in (0, 1), got ${level}`);
  const picks = new Uint32Array(count);
  const values = new Float64Array(resamples);
  for (let r = 0; r < resamples; r++) {
    for (let i = 0; i < count; i++) picks[i] = Math.floor(random.next() * count);
    values[r] = measure(picks);
  }
  values.sort();
  const all = Array.from({ length: count }, (_, i) => i);
  return {
    value: measure(all),
    low: quantile(values, (1 - level) / 2),
    high: quantile(values, (1 + level) / 2),
  };
}

// Linear interpolation between order statistics (Hyndman and Fan's type 7, NumPy's default).
function quantile(sorted: Float64Array, share: number): number {
  const place = share * (sorted.length - 1);
  const below = Math.floor(place);
  const low = sorted[below]!;
  const high = sorted[Math.min(below + 1, sorted.length - 1)]!;
  return low === high ? low : low + (high - low) * (place - below); // equal infinities stay themselves
}
