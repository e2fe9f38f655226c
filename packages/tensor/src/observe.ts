// What ran: every op that the funnel computes can be watched. `explain` counts fallbacks from it, `profile` adds up
// times, `detectAnomaly` of @echo-ts/autograd looks at values, and ECHO_DEBUG prints. While nobody watches, the funnel
// makes one null check for each op. Read next: profile.ts, then debug.ts.

import { wrongArgument } from "./arguments.ts";
import type { Tensor } from "./tensor.ts";

/**
 * Who computed an op: a kernel of its backend, the reference kernel in its place, its composition of other ops, or
 * nobody, because a view only describes the same memory in another way.
 */
export type ComputedBy = "kernel" | "fallback" | "composition" | "view";

/** One op that was computed. */
export interface OpEvent {
  /** Its name, or that of a function with a gradient of its own. */
  readonly op: string;
  readonly by: ComputedBy;
  /** Operands; their shapes, dtypes and values can be read while the listener runs. */
  readonly inputs: readonly Tensor[];
  readonly output: Tensor;
  /** Its parameters: `OpParams` of the op; an empty object if it takes none. */
  readonly params: object;
  /** Name of the backend. */
  readonly backend: string;
  /** Milliseconds from call to result, those of ops inside a composition included. On gpu: until it was handed over. */
  readonly milliseconds: number;
  /** The same without the ops inside, so that these may be added up. */
  readonly ownMilliseconds: number;
  /** Bytes that the result takes; 0 for a view. */
  readonly bytes: number;
  /** How many compositions it is part of, one inside the other. */
  readonly depth: number;
}

/** One step of a backward pass: the gradients of an op's inputs. */
export interface GradientEvent {
  /** Name of the op whose gradient this is. */
  readonly op: string;
  /** The gradient of its result. */
  readonly gradient: Tensor;
  /** The gradients of its inputs; null where none was needed. */
  readonly parts: readonly (Tensor | null)[];
}

/** Listens to what is computed; called after each op, synchronously. */
export interface Observer {
  op?(event: OpEvent): void;
  gradient?(event: GradientEvent): void;
}

/** Who listens; null while nobody does. */
export interface Observation {
  observers: readonly Observer[] | null;
}

/** The one state of this file, looked at by the funnel. */
export const observation: Observation = { observers: null };

/**
 * Calls `listener` for every op from now on: the ops of a backward pass too, and those that a composition consists of.
 * It changes no bit of what is computed. An error that the listener throws reaches the caller of the op.
 *
 * @param listener a function of each op, or an object with `op` and `gradient`
 * @returns a function that stops it
 * @example
 * const stop = observe(({ op, by, output }) => console.log(op, by, formatShape(output.shape)));
 * stop();
 */
export function observe(listener: Observer | ((event: OpEvent) => void)): () => void {
  if (typeof listener !== "function" && (typeof listener !== "object" || listener === null)) {
    throw wrongArgument("observe", "listener", "a function, or an object such as { op }", listener);
  }
  const observer: Observer = typeof listener === "function" ? { op: listener } : listener;
  observation.observers = [...(observation.observers ?? []), observer];
  return () => {
    const left = (observation.observers ?? []).filter((one) => one !== observer);
    observation.observers = left.length === 0 ? null : left;
  };
}

/** Tells everybody who listens of an op. */
export function tellOp(event: OpEvent): void {
  for (const observer of observation.observers ?? []) observer.op?.(event);
}

/** Tells everybody who listens of a step of a backward pass. */
export function tellGradient(event: GradientEvent): void {
  for (const observer of observation.observers ?? []) observer.gradient?.(event);
}

let inside = 0;
let depth = 0;

/** How many compositions are running, one inside the other. */
export function nesting(): number {
  return depth;
}

/** What `compute` gave, how it was computed, and how long that took. */
export interface Timed {
  readonly output: Tensor;
  readonly milliseconds: number;
  readonly ownMilliseconds: number;
  readonly depth: number;
}

/** Runs `compute` and takes its time; what is timed inside it is subtracted from its own. */
export function timed(compute: () => Tensor): Timed {
  const outside = inside;
  inside = 0;
  depth++;
  const start = performance.now();
  let milliseconds = 0;
  try {
    const output = compute();
    milliseconds = performance.now() - start;
    return { output, milliseconds, ownMilliseconds: milliseconds - inside, depth: depth - 1 };
  } finally {
    depth--;
    inside = outside + milliseconds;
  }
}
