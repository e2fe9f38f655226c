// Runs of an experiment in processes of this machine, several at a time. A run that fails, or whose process dies, does not end
// the others. A process runs one job and ends; it stops when this one does. Read first: run-job.ts.
import { fork } from "node:child_process";
import type { ExperimentJob } from "./plan.ts";
import type { JobOutcome, JobProgress, JobSurroundings } from "./run-job.ts";
import type { RunScores } from "./score-run.ts";

/** What happens to a job, whoever runs it. */
export type JobEvent = { readonly job: ExperimentJob } & (
  | { readonly kind: "started" }
  /** It goes on from a checkpoint that an earlier process left. */
  | { readonly kind: "resumed"; readonly step: number }
  | ({ readonly kind: "progress" } & JobProgress)
  | { readonly kind: "finished"; readonly scores: RunScores }
  | { readonly kind: "interrupted" }
  | { readonly kind: "failed"; readonly message: string }
);

/** The first message to a process of the pool; the second, "stop", interrupts it. */
export interface JobRequest {
  readonly job: ExperimentJob;
  readonly surroundings: Pick<JobSurroundings, "outFolder" | "dataFolder" | "cacheFolder" | "decodeLimits">;
  /** What the process needs to start computing; its entry knows what it means. */
  readonly engine: unknown;
}

/** The messages that come back. */
export type JobAnswer =
  | JobProgress
  | { readonly resumedAt: number }
  | JobOutcome
  | { readonly error: string };

/** Settings of {@link runInProcesses}. */
export interface PoolOptions extends Omit<JobRequest, "job"> {
  /** The module that a process runs: it answers a {@link JobRequest} with {@link JobAnswer}s. */
  readonly entry: string;
  /** Processes at a time, >= 1. */
  readonly processes: number;
  /** Aborting it interrupts the jobs that run and starts no more. */
  readonly signal: AbortSignal;
  readonly onEvent: (event: JobEvent) => void;
}

/** Runs jobs in their order. What comes of them goes to `onEvent`; nothing is thrown for a job that fails. */
export async function runInProcesses(jobs: readonly ExperimentJob[], options: PoolOptions): Promise<void> {
  const waiting = [...jobs];
  const work = async (): Promise<void> => {
    for (let job = waiting.shift(); job !== undefined && !options.signal.aborted; job = waiting.shift())
      await runInProcess(job, options);
  };
  await Promise.all(Array.from({ length: Math.min(options.processes, jobs.length) }, work));
}

/** Longest text of a process's standard error that is kept, to tell why it died. */
const MOST_ERROR_TEXT = 2000;

function runInProcess(job: ExperimentJob, options: PoolOptions): Promise<void> {
  const { entry, surroundings, engine, signal, onEvent } = options;
  return new Promise((resolve) => {
    const child = fork(entry, { stdio: ["ignore", "ignore", "pipe", "ipc"] });
    const request: JobRequest = { job, surroundings, engine };
    let errorText = "";
    let answer: JobOutcome | { readonly error: string } | null = null;
    const stop = (): void => {
      if (child.connected) child.send("stop");
    };
    child.stderr!.on("data", (chunk: Buffer) => {
      errorText = (errorText + chunk.toString("utf8")).slice(-MOST_ERROR_TEXT);
    });
    child.on("message", (message: JobAnswer) => {
      if ("resumedAt" in message) onEvent({ job, kind: "resumed", step: message.resumedAt });
      else if ("share" in message) onEvent({ job, kind: "progress", ...message });
      else answer = message;
    });
    const ended = (how: string): void => {
      signal.removeEventListener("abort", stop);
      onEvent(eventOf(job, answer ?? { error: [how, errorText.trim()].filter((x) => x !== "").join(": ") }));
      resolve();
    };
    child.once("error", (error) => {
      if (child.exitCode === null && child.pid === undefined)
        ended(`its process cannot be started: ${error.message}`);
    });
    child.once("close", (code, ending) =>
      ended(`its process ended ${ending === null ? `with code ${code}` : `by ${ending}`}`),
    );
    signal.addEventListener("abort", stop, { once: true });
    onEvent({ job, kind: "started" });
    child.send(request, () => {}); // a process that could not be started is told by the event
  });
}

function eventOf(job: ExperimentJob, answer: JobOutcome | { readonly error: string }): JobEvent {
  if ("error" in answer) return { job, kind: "failed", message: answer.error };
  if (answer.outcome === "interrupted") return { job, kind: "interrupted" };
  return { job, kind: "finished", scores: answer.scores };
}
