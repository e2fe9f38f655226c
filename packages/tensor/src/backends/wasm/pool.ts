// Threads on the shared memory. A call is cut into parts that write different outputs; this thread runs the
// first part, each worker one of the others. Workers start with the first call worth cutting, spin for a
// moment when idle, then sleep; they never keep the process alive. As no result depends on the cut, any
// number of threads gives the same bits. Read next: worker-source.ts.

import { BackendError } from "../../errors.ts";
import { nodeRuntime } from "../../node-runtime.ts";
import type { Arguments, KernelName, KernelTable } from "./generated/contract.ts";
import {
  ARGUMENTS,
  BOTH_WORDS,
  CONTROL_WORDS,
  DONE,
  EXITED,
  FAILED,
  MAIN_WAITS,
  READY,
  SLEEPING,
  TICKET,
  workerSource,
} from "./worker-source.ts";

/** What a worker needs to make its own instance of the kernels. */
export interface WorkerSetup {
  readonly memory: WebAssembly.Memory;
  readonly gemm: WebAssembly.Module;
  readonly kernels: WebAssembly.Module;
  readonly scratch: number;
  readonly scratchBytes: number;
}

const SPINS = 20000;
/** Milliseconds between two looks at whether a worker has ended. */
const LOOK_MS = 1000;
/** Milliseconds after which a worker that does not answer is given up: far longer than any single call. */
const PATIENCE_MS = 600_000;

/** How workers are started, and how long one may take; tests put other values in. */
export interface PoolOptions {
  readonly launch?: (data: WorkerData) => void;
  readonly patienceMs?: number;
  /** True for a call that must run on this thread alone, so that the engine compiles it as wished (tiering.ts). */
  readonly fresh?: (name: KernelName, numbers: readonly number[]) => boolean;
}

/** Runs kernels on several threads. */
export class Pool {
  private readonly control: Int32Array;
  private readonly numbers: Float64Array;
  private readonly names: string[];
  private readonly kernels: KernelTable;
  private readonly setup: WorkerSetup;
  private readonly buffer: SharedArrayBuffer | ArrayBuffer;
  private readonly notes: string[];
  private workers: number;
  private started = false;
  private readonly scratch: number;
  private readonly scratchBytes: number;
  private readonly mayWait: boolean;
  private readonly launch: (data: WorkerData) => void;
  private readonly patienceMs: number;
  private readonly fresh: (name: KernelName, numbers: readonly number[]) => boolean;

  constructor(
    threads: number,
    setup: WorkerSetup,
    kernels: KernelTable,
    notes: string[],
    { launch = startWorker, patienceMs = PATIENCE_MS, fresh = () => false }: PoolOptions = {},
  ) {
    this.launch = launch;
    this.patienceMs = patienceMs;
    this.fresh = fresh;
    this.kernels = kernels;
    this.names = Object.keys(kernels);
    this.scratch = setup.scratch;
    this.scratchBytes = setup.scratchBytes;
    const node = nodeRuntime();
    this.mayWait = node !== null || typeof (globalThis as { window?: unknown }).window === "undefined";
    const size = Math.max(threads - 1, 1) * BOTH_WORDS * 8;
    const buffer = threads > 1 ? new SharedArrayBuffer(size) : new ArrayBuffer(size);
    this.control = new Int32Array(buffer);
    this.numbers = new Float64Array(buffer);
    this.buffer = buffer;
    this.setup = setup;
    this.notes = notes;
    this.workers = threads - 1;
  }

  /** Starts the workers, unless that was done. They take calls as soon as they are up. */
  start(): void {
    if (this.started) return;
    this.started = true;
    const { setup, buffer, names, notes } = this;
    for (let index = 0; index < this.workers; index++) {
      try {
        this.launch({ ...setup, scratch: this.scratchOf(index + 1), names, buffer, index });
      } catch (error) {
        notes.push(`threads: worker ${index + 1} could not be started: ${String(error)}`);
        this.workers = index;
      }
    }
  }

  /** Threads that can take part, this one included. */
  get threads(): number {
    for (let i = 0; i < this.workers; i++) {
      if (Atomics.load(this.control, i * CONTROL_WORDS + EXITED) === 1) this.abandon(i);
    }
    return this.workers + 1;
  }

  /** Address of the scratch memory of the thread that runs part `index`. */
  scratchOf(index: number): number {
    return this.scratch + index * this.scratchBytes;
  }

  /** True once every worker is up; until then calls run here alone. */
  get ready(): boolean {
    for (let i = 0; i < this.workers; i++) {
      if (Atomics.load(this.control, i * CONTROL_WORDS + READY) === 0) return false;
      if (Atomics.load(this.control, i * CONTROL_WORDS + EXITED) === 1) {
        this.abandon(i);
        return false;
      }
    }
    return true;
  }

  /**
   * Runs `name` once for each part and returns when all are done. At most `threads` parts.
   *
   * @throws BackendError if a worker failed, ended, or has not answered for minutes. After the last two
   *   everything runs on this thread.
   */
  run<K extends KernelName>(name: K, parts: readonly Arguments<K>[]): void {
    const kernel = this.kernels[name] as (...args: Arguments<K>) => unknown;
    if (parts.length > 1 && !this.started) this.start();
    const several = parts.length > 1 && parts.length <= this.threads && !this.fresh(name, parts[0]!);
    if (several && this.ready) {
      for (let i = 1; i < parts.length; i++) this.hand(i - 1, name, parts[i]!);
      kernel(...parts[0]!);
      // All are waited for even if one fails: the others still write to memory.
      let problem: string | null = null;
      for (let i = 1; i < parts.length; i++) problem = this.join(i - 1) ?? problem;
      if (problem !== null) {
        throw new BackendError(`${name}: ${problem}; the results of this call are not usable`);
      }
      return;
    }
    for (const part of parts) kernel(...part);
  }

  private hand(worker: number, name: string, part: readonly number[]): void {
    const { control, numbers } = this;
    const base = worker * CONTROL_WORDS;
    const at = worker * BOTH_WORDS + ARGUMENTS;
    numbers[at] = this.names.indexOf(name);
    numbers[at + 1] = part.length;
    for (let i = 0; i < part.length; i++) numbers[at + 2 + i] = part[i]!;
    Atomics.store(control, base + FAILED, 0);
    Atomics.add(control, base + TICKET, 1);
    if (Atomics.load(control, base + SLEEPING) === 1) Atomics.notify(control, base + TICKET);
  }

  /** Waits for a worker; returns what went wrong, or null. */
  private join(worker: number): string | null {
    const { control } = this;
    const base = worker * CONTROL_WORDS;
    const ticket = Atomics.load(control, base + TICKET);
    let start = 0;
    for (let spin = 0; Atomics.load(control, base + DONE) !== ticket; spin++) {
      if (spin < SPINS) continue;
      // This thread hears of a worker's end by no event while it waits, so it looks from time to time.
      if (Atomics.load(control, base + EXITED) === 1) return this.abandon(worker);
      const now = performance.now();
      if (spin === SPINS) start = now;
      else if (now - start > this.patienceMs) return this.abandon(worker);
      if (!this.mayWait) continue;
      Atomics.store(control, base + MAIN_WAITS, 1);
      const done = Atomics.load(control, base + DONE);
      if (done !== ticket) Atomics.wait(control, base + DONE, done, Math.min(LOOK_MS, this.patienceMs));
      Atomics.store(control, base + MAIN_WAITS, 0);
    }
    return Atomics.load(control, base + FAILED) === 1 ? "a worker thread failed" : null;
  }

  /** Goes on without workers. */
  private abandon(worker: number): string {
    const ended = Atomics.load(this.control, worker * CONTROL_WORDS + EXITED) === 1;
    const what = ended ? "has ended" : `has not answered for ${this.patienceMs / 1000} s`;
    this.workers = 0;
    this.notes.push(`threads: worker ${worker + 1} ${what}, one thread runs`);
    return `worker thread ${worker + 1} ${what}`;
  }
}

/** What a worker is started with. */
export interface WorkerData extends WorkerSetup {
  readonly names: readonly string[];
  readonly buffer: SharedArrayBuffer | ArrayBuffer;
  readonly index: number;
}

function startWorker(data: WorkerData): void {
  const node = nodeRuntime();
  if (node !== null) {
    const { Worker } = node.getBuiltinModule("node:worker_threads");
    const worker = new Worker(workerSource, { eval: true, workerData: data, execArgv: [] });
    worker.unref();
    return;
  }
  const url = URL.createObjectURL(new Blob([workerSource], { type: "text/javascript" }));
  const worker = new Worker(url);
  // A policy without blob: in worker-src bars the worker, which shows by this event alone.
  worker.addEventListener("error", () => {
    Atomics.store(new Int32Array(data.buffer), data.index * CONTROL_WORDS + EXITED, 1);
  });
  worker.postMessage(data);
}
