// What the check of a GPU consists of: items, each run in a process of its own (main.ts) under a time limit that
// scripts/gpu-check.mjs keeps. Read next: agreement-items.ts, training-items.ts, speed-items.ts.
import type { Backend, GpuMode } from "@echo-ts/tensor";

/** One line of an item's table. */
export interface Row {
  readonly name: string;
  /** False if the GPU is wrong; figures of speed have no opinion, and none of them is false. */
  readonly ok: boolean;
  readonly [figure: string]: string | number | boolean;
}

/** What an item is given. */
export interface Task {
  readonly mode: GpuMode;
  /** The gpu backend, started. */
  readonly backend: Backend;
  /** True where a CPU imitates the GPU: speed items then take only what ends within their limits. */
  readonly small: boolean;
  /** Says what begins now, so that a run that ends early can be told where. */
  at(name: string): void;
}

/** A part of the check. */
export interface Item {
  readonly name: string;
  /** What its rows mean, as a sentence. */
  readonly about: string;
  /** Seconds after which it is stopped. */
  readonly limit: number;
  /** Measures time or memory: nothing else may run beside it. */
  readonly alone: boolean;
  /** Has too many rows for a page: only those that are not ok, and the worst by this figure. */
  readonly brief?: string;
  run(task: Task): AsyncIterable<Row>;
}
