// Runs of experiments on a queue in Redis, by the library BullMQ, which is installed only where it is wanted. A queue is
// named after what its results depend on beside the settings: code, arithmetic and data, each by content. So a worker
// gets no job that it could not compute to the same bits. Read next: queue-runner.ts (who asks), queue-worker.ts (who works).
import { DataError } from "../errors.ts";
import { textHash } from "../speech/feature-cache.ts";
import { currentIdentity } from "../train/run-identity.ts";
import { codeDigest } from "./code-digest.ts";
import type { ExperimentJob } from "./plan.ts";
import type { JobProgress } from "./run-job.ts";
import type { RunScores } from "./score-run.ts";

/** What a worker hands in: written once, when the run has ended. */
export interface QueueResult {
  readonly scores: RunScores;
  /** SHA-256 of the last checkpoint. */
  readonly checkpoint: string;
  /** Machine and process that finished it. */
  readonly worker: string;
}

// What is used of BullMQ and ioredis, spelled out because neither need be installed.

/** A job of BullMQ. */
export interface QueueJob {
  readonly id: string;
  readonly data: ExperimentJob;
  readonly returnvalue: QueueResult | null;
  readonly failedReason?: string;
  readonly progress: (JobProgress & { readonly worker: string }) | number;
  readonly attemptsMade: number;
  getState(): Promise<string>;
  updateProgress(progress: object): Promise<void>;
  moveToWait(token: string): Promise<unknown>;
  retry(state: "failed"): Promise<void>;
}

/** A queue of BullMQ. */
export interface BullQueue {
  add(name: string, data: ExperimentJob, options: object): Promise<QueueJob>;
  getJob(id: string): Promise<QueueJob | undefined>;
  getWorkersCount(): Promise<number>;
  on(event: "error", listener: (error: Error) => void): void;
  close(): Promise<void>;
}

/** A worker of BullMQ. */
export interface BullWorker {
  on(event: "error", listener: (error: Error) => void): void;
  on(event: "lockRenewalFailed", listener: (ids: string[]) => void): void;
  close(): Promise<void>;
}

/** What the package bullmq exports. */
export interface Bull {
  readonly Queue: new (name: string, options: object) => BullQueue;
  readonly Worker: new (
    name: string,
    process: (job: QueueJob, token: string) => Promise<QueueResult>,
    options: object,
  ) => BullWorker;
  readonly UnrecoverableError: new (message: string) => Error;
  readonly WaitingError: new () => Error;
}

/** A connection of ioredis. */
export interface Redis {
  connect(): Promise<void>;
  ping(): Promise<string>;
  on(event: "error" | "close" | "ready", listener: (error?: Error) => void): void;
  disconnect(): void;
}

/** A connected server. */
export interface QueueServer {
  readonly bull: Bull;
  readonly connection: Redis;
  /** The address, without credentials. */
  readonly address: string;
}

/** Names of keys in Redis begin with it. */
export const PREFIX = "echo-asr";
const CONNECT_MS = 10_000;

/**
 * Connects to the server of a queue. User and password come from ECHO_QUEUE_USER and ECHO_QUEUE_PASSWORD.
 *
 * @param address - redis://HOST:PORT/DATABASE, or rediss:// for TLS.
 * @throws DataError when the address holds credentials, a package is missing, or nobody answers; it never shows a password.
 */
export async function connectQueue(
  address: string,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<QueueServer> {
  const shown = checkAddress(address);
  const bull = (await installed("bullmq")) as Bull;
  const { Redis } = (await installed("ioredis")) as { Redis: new (url: string, options: object) => Redis };
  const { ECHO_QUEUE_USER: username, ECHO_QUEUE_PASSWORD: password } = environment;
  const connection = new Redis(address, {
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    lazyConnect: true,
    connectTimeout: CONNECT_MS,
    // A server that is restarted is waited for: what was asked of it meanwhile is asked again.
    maxRetriesPerRequest: null,
    retryStrategy: (times: number) => Math.min(100 * times, 3000),
  });
  let reason = `nobody answers within ${CONNECT_MS / 1000} s`;
  connection.on("error", (error) => {
    reason = error!.message;
  });
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(reason)), CONNECT_MS);
  });
  try {
    await Promise.race([connection.connect().then(() => connection.ping()), late]);
  } catch {
    connection.disconnect();
    throw new DataError(`queue: ${shown}: ${reason}`);
  } finally {
    clearTimeout(timer);
  }
  return { bull, connection, address: shown };
}

function checkAddress(address: string): string {
  let url: URL | null = null;
  try {
    url = new URL(address);
  } catch {
    // told below, without the text: it may hold a password
  }
  if (url === null || !["redis:", "rediss:"].includes(url.protocol))
    throw new DataError("queue: expected an address such as redis://HOST:6379 or rediss://HOST:6379/1");
  if (url.username !== "" || url.password !== "" || url.search !== "")
    throw new DataError(
      "queue: the address holds a user, a password or options; give those in ECHO_QUEUE_USER and ECHO_QUEUE_PASSWORD",
    );
  return url.href;
}

async function installed(name: string): Promise<unknown> {
  try {
    return await import(name);
  } catch {
    throw new DataError(
      `queue: needs the package ${name}, which is not installed: npm install bullmq ioredis`,
    );
  }
}

/**
 * The name of the queue for some data, as code and backend of this process compute it; start the backend first.
 * @param dataDigest - of `dataDigest`.
 */
export async function queueName(dataDigest: string): Promise<string> {
  const { backend, arithmetic } = currentIdentity({
    texts: "",
    recordings: "",
    speakers: "",
    evaluation: "",
  });
  const all = { code: await codeDigest(), backend, arithmetic, dataDigest };
  return `runs-${(await textHash(JSON.stringify(all))).slice(0, 16)}`;
}

/** The id of a run on its queue: the same settings, seed, readings and outputs are the same run, whoever asks. */
export async function queueId({ hash, readings, outputs }: ExperimentJob): Promise<string> {
  return textHash(JSON.stringify({ hash, readings, outputs }));
}

/** Opens the queue of a name. */
export function openQueue({ bull, connection }: QueueServer, name: string): BullQueue {
  const queue = new bull.Queue(name, { connection, prefix: PREFIX });
  queue.on("error", () => {}); // a lost connection is taken up again
  return queue;
}
