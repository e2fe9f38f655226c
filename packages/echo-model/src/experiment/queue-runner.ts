// The side that asks: puts the runs of an experiment on a queue and collects what comes of them. Each run has one id, so
// that asking twice runs it once, and results stay on the queue for whoever asks again. Read first: queue.ts,
// run-experiment.ts.
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import type { ExperimentJob } from "./plan.ts";
import type { JobEvent } from "./process-pool.ts";
import { type BullQueue, type QueueJob, queueId } from "./queue.ts";
import type { JobRunner } from "./run-experiment.ts";
import type { JobProgress } from "./run-job.ts";
import { keepScores, markBegun } from "./run-state.ts";

/** Milliseconds between two rounds of questions, and for each run that is asked about: thousands must not flood the server. */
const PAUSE = 500;
const PAUSE_EACH = 10;
/** Attempts of a run whose process was killed or whose folder was still in use. */
const ATTEMPTS = 5;

/** What the queue says of a run. */
export interface QueueState {
  readonly job: ExperimentJob;
  /** "absent", or BullMQ's: waiting, active, delayed, completed, failed, ... */
  readonly state: string;
  readonly progress: (JobProgress & { readonly worker: string }) | null;
  readonly attempts: number;
  /** Why it failed, or null. */
  readonly failure: string | null;
  readonly result: QueueJob["returnvalue"];
}

/** The states of runs on a queue, in the order of the jobs. */
export function queueStates(queue: BullQueue, jobs: readonly ExperimentJob[]): Promise<QueueState[]> {
  return Promise.all(jobs.map((job) => stateOf(queue, job)));
}

async function stateOf(queue: BullQueue, job: ExperimentJob): Promise<QueueState> {
  const found = await queue.getJob(await queueId(job));
  if (found === undefined)
    return { job, state: "absent", progress: null, attempts: 0, failure: null, result: null };
  const state = await found.getState();
  return {
    job,
    state,
    progress: typeof found.progress === "object" ? found.progress : null,
    attempts: found.attemptsMade,
    failure: state === "failed" ? (found.failedReason ?? "unknown") : null,
    result: state === "completed" ? found.returnvalue : null,
  };
}

/**
 * A runner of jobs for `runExperiment` that leaves the work to whoever serves the queue. Runs that had failed are tried
 * once more. When `signal` is aborted it stops waiting; the runs go on, and asking again collects them.
 * @param outFolder - of the experiment: each run's job.json and scores.json are written there.
 */
export function queueRunner(queue: BullQueue, outFolder: string, signal: AbortSignal): JobRunner {
  return async (jobs, onEvent) => {
    for (const job of jobs) {
      const known = await queue.getJob(await queueId(job));
      if (known !== undefined && (await known.getState()) === "failed") await known.retry("failed");
      else await submit(queue, job);
    }
    const open = new Set(jobs);
    const started = new Set<ExperimentJob>();
    while (open.size > 0 && !signal.aborted) {
      for (const job of open) {
        const now = await stateOf(queue, job);
        // A server that lost its last second, as Redis may when it is killed, is told again.
        if (now.state === "absent") await submit(queue, job);
        if (now.state === "active" && !started.has(job)) onEvent({ job, kind: "started" });
        if (now.state === "active") started.add(job);
        if (now.state === "active" && now.progress !== null)
          onEvent({ job, kind: "progress", share: now.progress.share, doing: now.progress.doing });
        const end = await endOf(now, outFolder);
        if (end === null) continue;
        open.delete(job);
        onEvent(end);
      }
      if (open.size > 0) await wait(PAUSE + PAUSE_EACH * open.size, undefined, { signal }).catch(() => {});
    }
    for (const job of open) onEvent({ job, kind: "interrupted" });
  };
}

async function submit(queue: BullQueue, job: ExperimentJob): Promise<void> {
  await queue.add(job.name, job, {
    jobId: await queueId(job),
    attempts: ATTEMPTS,
    backoff: { type: "fixed", delay: 2000 },
  });
}

/** How a run ended, with its scores kept in the experiment's folder; null when it has not. */
async function endOf({ job, failure, result }: QueueState, outFolder: string): Promise<JobEvent | null> {
  if (failure !== null) return { job, kind: "failed", message: failure };
  if (result === null) return null;
  await mkdir(join(outFolder, job.folder), { recursive: true });
  await markBegun(outFolder, job);
  await keepScores(outFolder, job, result.scores);
  return { job, kind: "finished", scores: result.scores };
}
