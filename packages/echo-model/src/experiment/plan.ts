// The runs that an experiment takes: one training for each trained variant and seed, each a plain JSON value that says all
// there is to know about it. Read first: experiment-file.ts. Read next: run-job.ts.
import { ConfigError } from "../errors.ts";
import type { OutputKind } from "../evaluate/evaluate-model.ts";
import { applyOverrides, resolveConfig } from "../settings/resolve.ts";
import type { EchoConfig } from "../settings/settings.ts";
import { textHash } from "../speech/feature-cache.ts";
import { type Experiment, folderName, type Variant } from "./experiment-file.ts";

/** One run of an experiment. It is plain JSON, so that it can be sent to another process or machine. */
export interface ExperimentJob {
  /** In plain words: "static, seed 0". */
  readonly name: string;
  /** Folder of the run, relative to the experiment's. */
  readonly folder: string;
  readonly variant: string;
  readonly seed: number;
  /** The complete configuration, as `echo-asr train` takes it. */
  readonly config: EchoConfig;
  /** What the trained model is scored as: the variant itself, and those that read its weights. */
  readonly readings: readonly Reading[];
  readonly outputs: readonly OutputKind[];
  /** Hash of the data folder, see `dataDigest`. */
  readonly dataDigest: string;
  /** SHA-256 of configuration and data: a run with another hash is another run. */
  readonly hash: string;
}

/** A way to score a trained model. */
export interface Reading {
  readonly variant: string;
  /** The pitch in Hz that it is told for every frame; null for the recording's own. */
  readonly pitchHz: number | null;
}

/**
 * The runs of an experiment, all variants of the first seed first: an experiment that is cut short leaves whole comparisons.
 *
 * @param base - settings that all start from, as parsed from JSON: of the preset or file that the experiment names.
 * @throws ConfigError for settings that do not exist or do not fit, naming the variant.
 */
export async function planRuns(
  experiment: Experiment,
  base: unknown,
  dataDigest: string,
): Promise<ExperimentJob[]> {
  const jobs: ExperimentJob[] = [];
  for (const seed of experiment.seeds)
    for (const variant of experiment.variants.filter(({ weightsOf }) => weightsOf === null))
      jobs.push(await planRun(experiment, variant, seed, base, dataDigest));
  return jobs;
}

async function planRun(
  experiment: Experiment,
  { name, settings, pitchHz }: Variant,
  seed: number,
  base: unknown,
  dataDigest: string,
): Promise<ExperimentJob> {
  const config = configOf(name, base, { ...experiment.settings, ...settings, "training.seed": seed });
  const others = experiment.variants.filter(({ weightsOf }) => weightsOf === name);
  return {
    name: `${name}, seed ${seed}`,
    folder: `runs/${folderName(name)}-seed-${seed}`,
    variant: name,
    seed,
    config,
    readings: [
      { variant: name, pitchHz },
      ...others.map((one) => ({ variant: one.name, pitchHz: one.pitchHz })),
    ],
    outputs: experiment.outputs.filter((kind) => kind !== "ctc" || config.model.ctcHead),
    dataDigest,
    hash: await textHash(JSON.stringify({ config, dataDigest })),
  };
}

function configOf(variant: string, base: unknown, settings: Readonly<Record<string, unknown>>): EchoConfig {
  const overrides = Object.entries(settings).map(
    ([path, value]) => `${path}=${typeof value === "string" ? value : JSON.stringify(value)}`,
  );
  try {
    return resolveConfig(applyOverrides(base, overrides));
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw new ConfigError(error.problems.map((problem) => `variant ${JSON.stringify(variant)}: ${problem}`));
  }
}
