// From the word errors of all runs to the table: error rates by variant, the spread over seeds, and the difference from the
// baseline with two intervals. A difference counts only when both leave out 0. Read next: result-files.ts.
import { stream } from "@echo-ts/tensor";
import type { OutputKind } from "../evaluate/evaluate-model.ts";
import { bootstrapPairs, type UtteranceErrors } from "../study/bootstrap.ts";
import { meanInterval } from "../study/mean-interval.ts";
import type { Experiment, Variant } from "./experiment-file.ts";
import type { ExperimentJob } from "./plan.ts";
import type { RunScores, SetScores } from "./score-run.ts";

/** How the intervals are made and what they do not cover; part of every table and report. */
export const METHOD: string =
  "Word error rates (WER) are errors over words of the whole set, in per cent, at the last step of each run. The interval of a " +
  "mean is Student's over the seeds. The difference is variant minus baseline with the same seed, averaged over the seeds, in " +
  "points: more than 0 is worse. 'over seeds' is Student's interval of those differences; it covers what training draws, not " +
  "the choice of utterances. 'over utterances' is a paired bootstrap (Bisani and Ney 2004): a thousand times, as many utterances as " +
  "the set has are drawn with replacement, the same for both variants and all seeds; it covers the choice of utterances, not what " +
  "training draws. Better or worse is said only when both intervals leave out 0; 'no difference shown' is not 'no difference'. " +
  "All intervals are of 95 %: of twenty comparisons of equals about one leaves out 0 by chance.";

/** What a comparison with the baseline comes to. */
export type Verdict = "better" | "worse" | "no difference shown" | "one seed, not judged";

/** Two ends of an interval. */
export interface Range {
  readonly low: number;
  readonly high: number;
}

/** Variant minus baseline. Rates are shares: 0.01 is one point. */
export interface Difference {
  readonly seeds: readonly { readonly seed: number; readonly difference: number }[];
  readonly mean: number;
  /** Null for one seed. */
  readonly overSeeds: Range | null;
  readonly overUtterances: Range;
  readonly verdict: Verdict;
}

/** One variant, one set, one output. */
export interface ResultRow {
  readonly set: string;
  readonly output: OutputKind;
  readonly variant: string;
  /** Number of parameters of its model. */
  readonly parameters: number;
  /** Word error rates as shares, by seed. */
  readonly seeds: readonly {
    readonly seed: number;
    readonly rate: number;
    readonly errors: number;
    readonly words: number;
  }[];
  readonly mean: number;
  /** Over the seeds; null for one. */
  readonly interval: Range | null;
  /** Null for the baseline, and where no seed is there for both. */
  readonly difference: Difference | null;
}

/** What came of an experiment: results.json. */
export interface ExperimentResults {
  readonly name: string;
  readonly about: string;
  readonly baseline: string;
  readonly variants: readonly Variant[];
  readonly seeds: readonly number[];
  readonly dataDigest: string;
  readonly method: string;
  readonly rows: readonly ResultRow[];
  /** Runs that threw, with the reason. */
  readonly failed: readonly { readonly run: string; readonly message: string }[];
  /** Runs that are not finished and have not failed. */
  readonly missing: readonly string[];
  /** Folder of each finished run, relative to the experiment's. */
  readonly folders: readonly { readonly variant: string; readonly seed: number; readonly folder: string }[];
}

/** A run's scores for one variant. */
interface Scored {
  readonly seed: number;
  readonly parameters: number;
  readonly sets: Readonly<Record<string, SetScores>>;
}

/**
 * Compares the variants of an experiment.
 * @param scores - of the runs that have finished, by the name of the job. @param failed - reason by name of the job.
 */
export function compareVariants(
  experiment: Experiment,
  jobs: readonly ExperimentJob[],
  scores: ReadonlyMap<string, RunScores>,
  failed: ReadonlyMap<string, string>,
): ExperimentResults {
  const byVariant = new Map<string, Scored[]>();
  for (const { name } of jobs) {
    const run = scores.get(name);
    if (run === undefined) continue;
    for (const { variant, sets } of run.readings) {
      const scored = { seed: run.seed, parameters: run.parameters, sets };
      byVariant.set(variant, [...(byVariant.get(variant) ?? []), scored]);
    }
  }
  const baseline = byVariant.get(experiment.baseline) ?? [];
  const setNames = [...new Set([...byVariant.values()].flat().flatMap(({ sets }) => Object.keys(sets)))];
  const rows = setNames.flatMap((set) =>
    experiment.outputs.flatMap((output) =>
      experiment.variants.flatMap(({ name }) => {
        const isBaseline = name === experiment.baseline;
        return rowOf(set, output, name, byVariant.get(name) ?? [], isBaseline ? [] : baseline);
      }),
    ),
  );
  const { name, about, variants, seeds } = experiment;
  return {
    name,
    about,
    baseline: experiment.baseline,
    variants,
    seeds,
    dataDigest: jobs[0]?.dataDigest ?? "",
    method: METHOD,
    rows,
    failed: [...failed].map(([run, message]) => ({ run, message })),
    missing: jobs.filter((job) => !scores.has(job.name) && !failed.has(job.name)).map((job) => job.name),
    folders: jobs
      .filter((job) => scores.has(job.name))
      .map(({ variant, seed, folder }) => ({ variant, seed, folder })),
  };
}

function rowOf(
  set: string,
  output: OutputKind,
  variant: string,
  runs: readonly Scored[],
  baseline: readonly Scored[],
): ResultRow[] {
  const scored = runs.filter(({ sets }) => sets[set]?.errors[output] !== undefined);
  if (scored.length === 0) return [];
  const seeds = scored.map(({ seed, sets }) => {
    const errors = sum(sets[set]!.errors[output]!);
    const words = sum(sets[set]!.words);
    return { seed, rate: errors === 0 ? 0 : errors / words, errors, words };
  });
  const rates = seeds.map(({ rate }) => rate);
  const { parameters } = scored[0]!;
  const interval = intervalOf(rates);
  const difference = differenceOf(set, output, variant, scored, baseline);
  return [{ set, output, variant, parameters, seeds, mean: mean(rates), interval, difference }];
}

function differenceOf(
  set: string,
  output: OutputKind,
  variant: string,
  runs: readonly Scored[],
  baseline: readonly Scored[],
): Difference | null {
  const pairs = runs.flatMap((run) => {
    const other = baseline.find(
      ({ seed, sets }) => seed === run.seed && sets[set]?.errors[output] !== undefined,
    );
    return other === undefined ? [] : [{ seed: run.seed, own: run, other }];
  });
  if (pairs.length === 0) return null;
  const utterances = ({ sets }: Scored): UtteranceErrors[] => {
    const { words, errors } = sets[set]!;
    return errors[output]!.map((wrong, i) => ({ errors: wrong, total: words[i]! }));
  };
  const own = pairs.map((pair) => utterances(pair.own));
  const others = pairs.map((pair) => utterances(pair.other));
  const random = stream("experiment", `${set}/${output}/${variant}`);
  const { low, high } = bootstrapPairs(own, others, { random });
  const seeds = pairs.map(({ seed }, i) => ({ seed, difference: rateOf(own[i]!) - rateOf(others[i]!) }));
  const differences = seeds.map(({ difference }) => difference);
  const overSeeds = intervalOf(differences);
  const overUtterances = { low, high };
  return {
    seeds,
    mean: mean(differences),
    overSeeds,
    overUtterances,
    verdict: verdictOf(overSeeds, overUtterances),
  };
}

function verdictOf(overSeeds: Range | null, overUtterances: Range): Verdict {
  if (overSeeds === null) return "one seed, not judged";
  if (overSeeds.low > 0 && overUtterances.low > 0) return "worse";
  if (overSeeds.high < 0 && overUtterances.high < 0) return "better";
  return "no difference shown";
}

function rateOf(utterances: readonly UtteranceErrors[]): number {
  const errors = sum(utterances.map((one) => one.errors));
  return errors === 0 ? 0 : errors / sum(utterances.map((one) => one.total));
}

function intervalOf(values: readonly number[]): Range | null {
  if (values.length < 2) return null;
  const { low, high } = meanInterval(values);
  return { low, high };
}

function mean(values: readonly number[]): number {
  return sum(values) / values.length;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, x) => total + x, 0);
}
