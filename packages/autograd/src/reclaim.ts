// Who owns the memory of gradients and intermediate results, and when it is given back. `Backend.release` is a
// hint: a backend that ignores it only uses more memory.

import { add, copy, OPS, type Op, type Storage, Tensor, trackResults } from "@echo-ts/tensor";
import { mode, NOTHING } from "./mode.ts";
import type { Node } from "./node.ts";

/** Adds to a leaf's gradient, which owns its storage: nobody else's gradient shares it. */
export function accumulate(node: Node, gradient: Tensor, createGraph: boolean, kept: Storage[] | null): void {
  const { grad } = node;
  if (createGraph) {
    node.grad = grad === null ? gradient : add(grad, gradient);
    return;
  }
  if (grad !== null) {
    node.grad = withoutTrace(add(grad, gradient));
    if (grad.trace === null && !grad.storage.pinned) grad.storage.backend.release?.(grad.storage);
  } else {
    const exclusive =
      kept !== null &&
      !gradient.storage.pinned &&
      gradient.isContiguous &&
      gradient.storage.length === gradient.size;
    node.grad = withoutTrace(exclusive ? gradient : copy(gradient));
  }
  const { storage } = node.grad;
  storage.backend.hold?.(storage);
  if (kept !== null) keepDuringSweep(storage, kept);
}

/** Protects a storage until the sweep is over. */
export function keepDuringSweep(storage: Storage, kept: Storage[]): void {
  if (storage.pinned) return;
  storage.pinned = true;
  kept.push(storage);
}

function withoutTrace(x: Tensor): Tensor {
  return x.trace === null ? x : new Tensor(x.storage, x.shape, x.strides, x.offset);
}

/** True for ops that share the storage of their input. */
export function isView(op: Op): boolean {
  return OPS[op].kind === "view";
}

/** Masks and indices computed from traced values: no gradient flows through, but they belong to the graph. */
const masks = new WeakSet<Storage>();

/** Notes a mask or index that belongs to the graph. */
export function noteMask(storage: Storage): void {
  storage.backend.hold?.(storage);
  masks.add(storage);
}

/**
 * Makes a constant that a loss needs, such as lengths or a count: not recorded, and given back with the graph
 * that uses it. What else `body` computes is given back at once.
 */
export function graphConstant(body: () => Tensor): Tensor {
  const made: Storage[] = [];
  const outer = trackResults(made);
  const { recording } = mode;
  mode.recording = false;
  try {
    const out = body();
    for (const storage of made) {
      if (storage === out.storage) noteMask(storage);
      else if (!storage.pinned) storage.backend.release?.(storage);
    }
    return out;
  } finally {
    mode.recording = recording;
    trackResults(outer);
  }
}

/** Values of dropped graphs. They stay readable until the next graph begins: a step may still print its logits. */
let spent: Storage[] = [];

/** Marks a storage to be given back when the next graph begins. */
export function spend(storage: Storage): void {
  spent.push(storage);
}

/** Gives back what `drop` marked; called when the next graph begins. */
export function releaseSpent(): void {
  if (spent.length === 0) return;
  const storages = spent;
  spent = [];
  for (const storage of storages) if (!storage.pinned) storage.backend.release?.(storage);
}

/** Cuts the nodes off their tensors and marks the storages that they made to be given back. */
export function drop(order: readonly Node[]): void {
  for (const node of order) {
    if (node.op === null || node.output === null) continue;
    const { storage } = node.output;
    if (!storage.pinned && !isView(node.op)) spent.push(storage);
    for (const input of node.inputs) {
      const { storage: used } = input;
      if (input.trace === null && !used.pinned && masks.has(used)) spent.push(used);
    }
    node.inputs = NOTHING;
    node.output = null;
  }
}
