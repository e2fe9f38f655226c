// The state of the engine, all of it: switches that are looked at for each op, and counters. Read next: node.ts.

import type { Tensor } from "@echo-ts/tensor";

/** Looks at every value on its way, see `detectAnomaly`. */
export interface Inspector {
  /** @param op name of the op, or of a function with a gradient of its own */
  forward(op: string, inputs: readonly Tensor[], output: Tensor): void;
  /** @param parts the gradients of the op's inputs, null where none is needed */
  backward(op: string, gradient: Tensor, parts: readonly (Tensor | null)[]): void;
}

/** What the parts of the engine share. */
export interface Engine {
  /** False inside `noGrad`, and in `backward` unless it records the gradients' computation. */
  recording: boolean;
  /** Set inside `detectAnomaly`. */
  inspector: Inspector | null;
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
  inspector: null,
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
