// The side that works: takes runs from a queue, one process each, and hands in what came of them. It renews its claim while
// a process computes; when it is silent for longer than the lease, another worker takes the run up, from the last
// checkpoint if both see the same folder, else from the beginning, with the same bits either way. Read first: queue.ts.
import { createHash } from "node:crypto";
import { readFile, rm } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import type { ExperimentJob } from "./plan.ts";
import { type JobEvent, type PoolOptions, runInProcesses } from "./process-pool.ts";
import { PREFIX, type QueueJob, type QueueResult, type QueueServer } from "./queue.ts";

/** What a worker needs. */
export interface WorkerOptions extends Omit<PoolOptions, "signal"> {
  /** Of `queueName`. */
  readonly name: string;
  /** Seconds without a sign of life after which a run is given to another worker. */
  readonly leaseSeconds: number;
  /** Aborting it ends the runs after their current step, and gives them back. */
  readonly signal: AbortSignal;
}

/** Times that a run may lose its worker before it counts as failed: a run that kills its machine must not kill them all. */
const MOST_LOSSES = 10;
/** Milliseconds between two messages of progress to the queue. */
const PROGRESS_PAUSE = 1000;

/** Works until the signal is aborted. */
export async function serveQueue({ bull, connection }: QueueServer, options: WorkerOptions): Promise<void> {
  const { name, leaseSeconds, processes, signal } = options;
  const running = new Map<string, AbortController>();
  const worker = new bull.Worker(
    name,
    async (taken, token) => {
      const stop = new AbortController();
      running.set(taken.id, stop);
      const onAbort = (): void => stop.abort();
      signal.addEventListener("abort", onAbort, { once: true });
      if (signal.aborted) stop.abort();
      try {
        const event = await runOne(taken, { ...options, signal: stop.signal });
        if (event.kind === "finished") return await resultOf(event.scores, taken, options);
        if (event.kind === "failed") throw failure(event.message, bull.UnrecoverableError);
        await taken.moveToWait(token);
        throw new bull.WaitingError();
      } finally {
        running.delete(taken.id);
        signal.removeEventListener("abort", onAbort);
      }
    },
    {
      connection,
      prefix: PREFIX,
      name: workerName(),
      concurrency: processes,
      lockDuration: 1000 * leaseSeconds,
      stalledInterval: 1000 * leaseSeconds,
      maxStalledCount: MOST_LOSSES,
    },
  );
  worker.on("error", () => {}); // a lost connection is taken up again
  // Another worker may have these runs by now.
  worker.on("lockRenewalFailed", (ids) => {
    for (const id of ids) running.get(id)?.abort();
  });
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
  await worker.close();
}

/** Machine and process, for those who watch. */
const workerName = (): string => `${hostname()}-${process.pid}`;

/** Folder of a run: by hash, so that runs of many experiments lie side by side. */
const folderOf = (outFolder: string, job: ExperimentJob): string => join(outFolder, job.hash.slice(0, 16));

async function runOne(taken: QueueJob, options: WorkerOptions): Promise<JobEvent> {
  const job = taken.data;
  const outFolder = folderOf(options.surroundings.outFolder, job);
  await dropForeignLock(join(outFolder, job.folder));
  let end: JobEvent = { job, kind: "interrupted" };
  let told = 0;
  await runInProcesses([job], {
    ...options,
    processes: 1,
    surroundings: { ...options.surroundings, outFolder },
    onEvent: (event) => {
      options.onEvent(event);
      if (event.kind === "resumed") return;
      if (event.kind !== "progress") end = event;
      else if (performance.now() - told > PROGRESS_PAUSE) {
        told = performance.now();
        const { share, doing } = event;
        taken.updateProgress({ share, doing, worker: workerName() }).catch(() => {}); // the next one will do
      }
    },
  });
  return end;
}

/**
 * A lock of another machine in the folder of a run, which nobody can judge from here, counts for nothing any more: the queue
 * gave the run to this worker because that machine was silent, and stops it there if it lives.
 */
export async function dropForeignLock(folder: string): Promise<void> {
  const path = join(folder, "run.lock");
  const text = await readFile(path, "utf8").catch(() => null);
  if (text === null) return;
  try {
    if ((JSON.parse(text) as { host?: unknown }).host === hostname()) return;
  } catch {
    return; // half written: the run judges it
  }
  await rm(path, { force: true });
}

/** A process that was killed, or a folder that its last process is still leaving, is tried again; nothing else is. */
function failure(message: string, Unrecoverable: new (message: string) => Error): Error {
  return /its process ended by |is in use by /.test(message)
    ? new Error(message)
    : new Unrecoverable(message);
}

async function resultOf(
  scores: QueueResult["scores"],
  { data: job }: QueueJob,
  { surroundings }: WorkerOptions,
): Promise<QueueResult> {
  const file = join(folderOf(surroundings.outFolder, job), job.folder, "last.safetensors");
  const checkpoint = createHash("sha256")
    .update(await readFile(file))
    .digest("hex");
  return { scores, checkpoint, worker: workerName() };
}
