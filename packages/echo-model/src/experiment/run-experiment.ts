// A whole experiment in a folder: looks what is there, runs what is not finished, compares.
//   OUT/experiment.json  what was asked for       OUT/results.json, results.txt, results.csv
//   OUT/runs/NAME/       one training, as echo-asr train leaves it, with job.json and scores.json (run-state.ts)
// Who runs the jobs is given: processes of this machine (process-pool.ts) or anything else that takes them.
// Read first: plan.ts, run-job.ts.
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { CheckpointError } from "../errors.ts";
import { lockRun } from "../train/run-lock.ts";
import { compareVariants, type ExperimentResults } from "./compare-variants.ts";
import type { Experiment } from "./experiment-file.ts";
import type { ExperimentJob } from "./plan.ts";
import type { JobEvent } from "./process-pool.ts";
import { writeResults } from "./result-files.ts";
import { type RunState, runState, writeJson } from "./run-state.ts";
import type { RunScores } from "./score-run.ts";

/** Runs jobs, each once, and tells what happens to them; a job that fails must not end the others. */
export type JobRunner = (jobs: readonly ExperimentJob[], onEvent: (event: JobEvent) => void) => Promise<void>;

/** What {@link runExperiment} needs. */
export interface ExperimentOptions {
  readonly experiment: Experiment;
  /** Of `planRuns`. */
  readonly jobs: readonly ExperimentJob[];
  readonly outFolder: string;
  readonly runJobs: JobRunner;
  /** Delete runs of other settings or data and make them again; default: refuse. */
  readonly rerunChanged?: boolean;
  readonly onEvent?: (event: JobEvent) => void;
}

/** What came of it. */
export interface ExperimentOutcome {
  readonly results: ExperimentResults;
  /** Whether runs were interrupted. */
  readonly interrupted: boolean;
  /** Runs that had finished before. */
  readonly kept: number;
}

/** The state of every run, in the order of the jobs. */
export function statesOf(
  outFolder: string,
  jobs: readonly ExperimentJob[],
): Promise<{ readonly job: ExperimentJob; readonly state: RunState }[]> {
  return Promise.all(jobs.map(async (job) => ({ job, state: await runState(outFolder, job) })));
}

/**
 * Runs what is not finished and writes the results.
 *
 * @throws CheckpointError that lists the runs in the folder that have other settings or data, before anything is run;
 *   DataError when another process works in the folder.
 */
export async function runExperiment(options: ExperimentOptions): Promise<ExperimentOutcome> {
  const { experiment, jobs, outFolder, runJobs, rerunChanged = false, onEvent = () => {} } = options;
  await mkdir(join(outFolder, "runs"), { recursive: true });
  const lock = await lockRun(outFolder);
  try {
    const states = await statesOf(outFolder, jobs);
    const changed = states.flatMap(({ job, state }) => (state.kind === "changed" ? [{ job, state }] : []));
    if (changed.length > 0 && !rerunChanged) throw refusal(outFolder, changed);
    for (const { job } of changed) await rm(join(outFolder, job.folder), { recursive: true });
    await writeJson(join(outFolder, "experiment.json"), experiment);

    const scores = new Map<string, RunScores>();
    for (const { job, state } of states) if (state.kind === "finished") scores.set(job.name, state.scores);
    const kept = scores.size;
    const failed = new Map<string, string>();
    let interrupted = false;
    await runJobs(
      jobs.filter((job) => !scores.has(job.name)),
      (event) => {
        if (event.kind === "finished") scores.set(event.job.name, event.scores);
        else if (event.kind === "failed") failed.set(event.job.name, event.message);
        else if (event.kind === "interrupted") interrupted = true;
        onEvent(event);
      },
    );
    const results = compareVariants(experiment, jobs, scores, failed);
    await writeResults(outFolder, results);
    return { results, interrupted, kept };
  } finally {
    await lock.release();
  }
}

function refusal(
  outFolder: string,
  changed: readonly { readonly job: ExperimentJob; readonly state: { readonly reason: string } }[],
): CheckpointError {
  const list = changed.map(({ job, state }) => `  ${job.name}: ${state.reason}`).join("\n");
  return new CheckpointError(
    `experiment: ${outFolder} holds runs that the file no longer describes:\n${list}\n` +
      "choose another --out, or --rerun-changed to delete these runs and make them again",
  );
}
