// The state of the engine, all of it: switches that are looked at for each op, and counters. Read next: node.ts.

import type { Tensor } from "@echo-ts/tensor";

/** What the parts of the engine share. */
export interface Engine {
  /** False inside `noGrad`, and in `backward` unless it records the gradients' computation. */
  recording: boolean;
  /** True while a gradient hook runs. */
  insideHook: boolean;
  /** How many functions of `grad`, `valueAndGrad` and `vjp` are running, one inside the other. */
  depth: number;
  /** Nodes made so far: gives each its place in the order. */
  nodes: number;
  /** The last number that a sweep marked nodes with. */
  mark: number;
  /** `backward` of backward.ts, for `tensor.backward()`: node.ts cannot import it without a cycle. */
  backward: (tensor: Tensor, seed?: Tensor) => void;
}

/** The one engine. */
export const engine: Engine = {
  recording: true,
  insideHook: false,
  depth: 0,
  nodes: 0,
  mark: 0,
  backward: () => {},
};

/** Runs `body` with recording switched on or off, and switches back. */
export function withRecording<T>(recording: boolean, body: () => T): T {
  const before = engine.recording;
  engine.recording = recording;
  try {
    return body();
  } finally {
    engine.recording = before;
  }
}
