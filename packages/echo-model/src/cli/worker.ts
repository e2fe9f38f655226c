// echo-asr worker: takes runs of experiments from a queue, on any number of machines.
import { mkdir } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import type { CAC } from "cac";
import { dataDigest } from "../experiment/data-digest.ts";
import type { JobEvent } from "../experiment/process-pool.ts";
import { connectQueue, queueName } from "../experiment/queue.ts";
import { serveQueue } from "../experiment/queue-worker.ts";
import { printable } from "../text/printable.ts";
import { type DecodeOptions, decodeLimits, withDecodeOptions } from "./decode-limits.ts";
import { type EngineOptions, startEngine, withEngineOptions } from "./engine.ts";
import { numberOption, requireFolder } from "./settings.ts";
import { stopSignal } from "./stop-signal.ts";

interface WorkerCommandOptions extends EngineOptions, DecodeOptions {
  readonly queue?: string;
  readonly data?: string;
  readonly out?: string;
  readonly jobs?: string;
  readonly lease?: string;
  readonly cache?: string;
}

const ENTRY: string = fileURLToPath(new URL("./experiment-process.js", import.meta.url));

/** Adds the command. */
export function addWorker(cli: CAC, required: (value: string | undefined, name: string) => string): void {
  const command = cli
    .command("worker", "Take runs of experiments from a queue, until it is stopped")
    .usage(
      "worker --queue redis://HOST:PORT --data DIR --out DIR\n\n" +
        "Works on what echo-asr experiment --queue asks for, wherever code, arithmetic (--backend, --mode) and the contents of DIR\n" +
        "are the same as there; the paths need not be. Where --out is a folder that several workers share, the run of a worker\n" +
        "that is killed goes on from its last checkpoint, else from its beginning, in the same bits either way.\n" +
        "User and password come from ECHO_QUEUE_USER and ECHO_QUEUE_PASSWORD. Needs: npm install bullmq ioredis",
    )
    .option("--queue <url>", "Redis server: redis://HOST:PORT/DATABASE, or rediss:// for TLS")
    .option("--data <dir>", "data folder; queues of other data are left alone")
    .option("--out <dir>", "folder for runs and their checkpoints, created when missing")
    .option("--jobs <n>", "runs at a time, each in a process of its own (default 1)")
    .option("--lease <seconds>", "a worker that is silent for longer loses its runs to others (default 30)")
    .option("--cache <dir>", "keep features here for the next run (default: each run computes them)")
    .example("  echo-asr worker --queue redis://10.0.0.5:6379 --data data/fsdd --out /shared/runs");
  withEngineOptions(withDecodeOptions(command)).action(async (options: WorkerCommandOptions) => {
    const address = required(options.queue, "--queue");
    const data = required(options.data, "--data");
    const out = required(options.out, "--out");
    const processes = count("--jobs", options.jobs ?? "1", 256);
    const leaseSeconds = count("--lease", options.lease ?? "30", 3600);
    requireFolder(data);
    await startEngine(options);
    const server = await connectQueue(address, process.env);
    const name = await queueName(await dataDigest(data));
    await mkdir(out, { recursive: true });
    const say = (text: string): void => console.log(printable(text, true));
    say(`serving ${server.address}, queue ${name}`);
    const stop = stopSignal(() => say("stopping after the current steps; once more to stop at once"));
    const { backend, mode, cache } = options;
    const threads = options.threads ?? String(Math.max(1, Math.floor(availableParallelism() / processes)));
    await serveQueue(server, {
      name,
      processes,
      leaseSeconds,
      entry: ENTRY,
      engine: { threads, ...(backend !== undefined && { backend }), ...(mode !== undefined && { mode }) },
      surroundings: {
        outFolder: out,
        dataFolder: data,
        decodeLimits: decodeLimits(options),
        ...(cache !== undefined && { cacheFolder: cache }),
      },
      signal: stop.signal,
      onEvent: (event) => {
        if (event.kind !== "progress") say(`${event.job.name}: ${event.kind}${detailOf(event)}`);
      },
    });
    server.connection.disconnect();
  });
}

function detailOf(event: JobEvent): string {
  if (event.kind === "failed") return `: ${event.message}`;
  return event.kind === "resumed" ? ` from the checkpoint of step ${event.step}` : "";
}

function count(option: string, text: string, most: number): number {
  const accepts = (n: number): boolean => Number.isInteger(n) && n >= 1 && n <= most;
  return numberOption(option, text, `a whole number from 1 to ${most}`, accepts);
}
