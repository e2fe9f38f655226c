// echo-asr experiment --queue: the runs are left to workers on a queue, see worker.ts, and looked at with --status.
import { ConfigError } from "../errors.ts";
import type { ExperimentJob } from "../experiment/plan.ts";
import { connectQueue, openQueue, type QueueServer, queueName } from "../experiment/queue.ts";
import { type QueueState, queueRunner, queueStates } from "../experiment/queue-runner.ts";
import type { JobRunner } from "../experiment/run-experiment.ts";
import { printable } from "../text/printable.ts";

/** Values of the options of a queue. */
export interface QueueOptions {
  readonly queue?: string;
  readonly status?: boolean;
  readonly jobs?: string;
  readonly cache?: string;
  readonly json?: boolean;
}

/** Refuses options that do not go together. @throws ConfigError */
export function checkQueueOptions({ queue, status, jobs, cache }: QueueOptions): void {
  if (status && queue === undefined) throw new ConfigError(["--status: expected --queue with it"]);
  const local = Object.entries({ "--jobs": jobs, "--cache": cache }).filter(
    ([, value]) => value !== undefined,
  );
  if (queue !== undefined && local.length > 0)
    throw new ConfigError(local.map(([name]) => `${name}: with --queue it is an option of echo-asr worker`));
}

/** Leaves jobs to the workers of a queue. */
export function onQueue(address: string, outFolder: string, signal: AbortSignal): JobRunner {
  return async (jobs, onEvent) => {
    if (jobs.length === 0) return;
    const server = await connectQueue(address, process.env);
    try {
      const queue = openQueue(server, await queueName(jobs[0]!.dataDigest));
      await queueRunner(queue, outFolder, signal)(jobs, onEvent);
      await queue.close();
    } finally {
      server.connection.disconnect();
    }
  };
}

/** Prints how far each run is on the queue, and how many workers there are. */
export async function showQueue(jobs: readonly ExperimentJob[], options: QueueOptions): Promise<void> {
  const server: QueueServer = await connectQueue(options.queue!, process.env);
  try {
    const name = await queueName(jobs[0]!.dataDigest);
    const queue = openQueue(server, name);
    const [states, workers] = [await queueStates(queue, jobs), await queue.getWorkersCount()];
    await queue.close();
    const write = (text: string): void => console.log(options.json ? text : printable(text, true));
    if (options.json) {
      const runs = states.map(({ job, ...rest }) => ({
        run: job.name,
        ...rest,
        result: resultOf(rest.result),
      }));
      write(JSON.stringify({ queue: name, workers, runs }));
      return;
    }
    for (const state of states) write(lineOf(state));
    const count = (wanted: string): number => states.filter(({ state }) => state === wanted).length;
    write(
      `${states.length} runs: ${count("completed")} completed, ${count("active")} active, ${count("failed")} failed; ` +
        `${workers} workers on ${server.address}, queue ${name}`,
    );
  } finally {
    server.connection.disconnect();
  }
}

/** A result without the errors of each utterance. */
function resultOf(result: QueueState["result"]): object | null {
  return result === null
    ? null
    : { checkpoint: result.checkpoint, worker: result.worker, steps: result.scores.steps };
}

function lineOf({ job, state, progress, failure, result }: QueueState): string {
  if (failure !== null) return `${job.name}: failed: ${failure}`;
  if (result !== null)
    return `${job.name}: completed by ${result.worker}, checkpoint ${result.checkpoint.slice(0, 12)}`;
  if (state !== "active" || progress === null) return `${job.name}: ${state}`;
  return `${job.name}: ${progress.doing} on ${progress.worker}, ${Math.floor(100 * progress.share)} %`;
}
