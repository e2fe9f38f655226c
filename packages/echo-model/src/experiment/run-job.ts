// One run of an experiment: trains and scores, in this process. It knows nothing of the other runs and nothing of who asked
// for it. process-pool.ts calls it in processes of this machine; whatever else can carry a JSON value, such as a queue, may
// call it elsewhere: with the same data and the same version of this package the bits are the same. What comes of it is
// returned, and kept in the folder of the run. Read first: plan.ts, run-state.ts.
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { setImmediate as turnOfTheLoop } from "node:timers/promises";
import { nodeFiles } from "../data/node-files.ts";
import { CheckpointError } from "../errors.ts";
import { type DecodeLimits, limitedDecoder } from "../speech/decode-process.ts";
import { diskCache } from "../speech/disk-cache.ts";
import { restoreModel } from "../train/checkpoint.ts";
import { loadCheckpoint } from "../train/checkpoint-files.ts";
import { prepareTraining } from "../train/prepare-data.ts";
import { changesSince, currentIdentity, refuseChanges } from "../train/run-identity.ts";
import { runTraining } from "../train/run-training.ts";
import type { ExperimentJob } from "./plan.ts";
import { keepScores, markBegun, runState } from "./run-state.ts";
import { type RunScores, scoreReadings } from "./score-run.ts";

/** Where a job works, and whom it tells. */
export interface JobSurroundings {
  /** Folder of the experiment; the run's own folder is made in it. */
  readonly outFolder: string;
  readonly dataFolder: string;
  /** Folder for features, default none. */
  readonly cacheFolder?: string;
  readonly decodeLimits?: DecodeLimits;
  /** Aborting it ends the run after the current step, with a checkpoint to go on from. */
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: JobProgress) => void;
  /** Is told the step of the checkpoint that the job goes on from, if there was one. */
  readonly onResume?: (step: number) => void;
}

/** How far a job is. */
export interface JobProgress {
  /** Share of the whole job, 0 to 1; scoring counts a tenth. */
  readonly share: number;
  readonly doing: "preparing" | "training" | "scoring";
}

/** How a job ended, unless it threw. */
export type JobOutcome =
  | { readonly outcome: "finished"; readonly scores: RunScores }
  | { readonly outcome: "interrupted" };

const TRAINING_SHARE = 0.9;

/**
 * Runs a job to its end: from the beginning, from the last checkpoint in its folder, or not at all when it had ended.
 *
 * @throws CheckpointError when the folder holds a run of other settings or data; whatever `runTraining` throws.
 * @example
 * await runJob(job, { outFolder: "out/width", dataFolder: "data/fsdd" });
 */
export async function runJob(job: ExperimentJob, surroundings: JobSurroundings): Promise<JobOutcome> {
  const {
    outFolder,
    dataFolder,
    cacheFolder,
    decodeLimits,
    signal,
    onProgress = () => {},
    onResume,
  } = surroundings;
  const state = await runState(outFolder, job);
  if (state.kind === "finished") return { outcome: "finished", scores: state.scores };
  const folder = join(outFolder, job.folder);
  if (state.kind === "changed")
    throw new CheckpointError(
      `checkpoint: ${folder} holds a run of ${state.reason}; move it away, or run it again`,
    );
  await mkdir(folder, { recursive: true });
  // A run that echo-asr train made here is compared with the data below, before it is taken for ours.
  if (state.kind === "new") await markBegun(outFolder, job);
  const { outcome } = await runTraining({
    config: job.config,
    dataFolder,
    outFolder: folder,
    resume: true,
    ...(cacheFolder !== undefined && { cacheFolder }),
    ...(decodeLimits !== undefined && { decodeLimits }),
    ...(signal !== undefined && { signal }),
    onEvent: (event) => {
      if (event.kind === "step") onProgress({ share: TRAINING_SHARE * event.progress, doing: "training" });
      else if (event.kind === "start" && event.step > 0) onResume?.(event.step);
      else if (event.kind === "preparation") onProgress({ share: 0, doing: "preparing" });
    },
  });
  if (outcome === "interrupted" || signal?.aborted === true) return { outcome: "interrupted" };
  const scores = await scoreFinished(job, folder, surroundings);
  if (scores === null) return { outcome: "interrupted" };
  await markBegun(outFolder, job);
  await keepScores(outFolder, job, scores);
  return { outcome: "finished", scores };
}

/** Scores the last checkpoint of a run that has ended; null when it was interrupted. */
async function scoreFinished(
  { name, seed, hash, readings, outputs }: ExperimentJob,
  folder: string,
  { dataFolder, cacheFolder, decodeLimits, signal, onProgress = () => {} }: JobSurroundings,
): Promise<RunScores | null> {
  const checkpoint = await loadCheckpoint(join(folder, "last.safetensors"));
  const { config, tokenizer, training } = checkpoint;
  const { evaluation, identity } = await prepareTraining(nodeFiles(dataFolder), config, {
    tokenizer,
    decoder: limitedDecoder(decodeLimits),
    ...(cacheFolder !== undefined && { cache: diskCache(cacheFolder) }),
  });
  refuseChanges(folder, changesSince(training!, currentIdentity(identity)));
  const echo = restoreModel(checkpoint);
  const stopped = new Error("interrupted");
  try {
    const scored = await scoreReadings(
      { echo, tokenizer, config },
      evaluation,
      readings,
      outputs,
      async (share) => {
        onProgress({ share: TRAINING_SHARE + (1 - TRAINING_SHARE) * share, doing: "scoring" });
        await turnOfTheLoop();
        if (signal?.aborted === true) throw stopped;
      },
    );
    const parameters = echo.parameterCount();
    return { run: name, seed, hash, steps: training!.trainer.step, parameters, readings: scored };
  } catch (error) {
    if (error === stopped) return null;
    throw error;
  }
}
