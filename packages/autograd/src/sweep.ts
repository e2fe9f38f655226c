// The walk back: nodes are visited from the latest to the earliest; each hands its gradient to the rule of its
// op and adds what comes back to the nodes of its inputs. Read next: vjps.ts, and reclaim.ts for the memory.

import { add, formatShape, onesLike, scalar, Temporaries, type Tensor, trackResults } from "@echo-ts/tensor";
import { GradientError } from "./errors.ts";
import { mode } from "./mode.ts";
import { type GradientHook, type Node, nodeOf, versionsOf } from "./node.ts";
import { pullBack } from "./pull-back.ts";
import { accumulate, drop, isView, keepDuringSweep, spend } from "./reclaim.ts";

let sweeps = 0;
let insideHook = false;

/** Options of `backward`. */
export interface BackwardOptions {
  /** Keep the graph for another backward; default false, or true with `createGraph`. */
  readonly retainGraph?: boolean;
  /** Record the computation of the gradients too, so that they can be differentiated; default false. */
  readonly createGraph?: boolean;
}

/**
 * Computes the gradients of `loss` with respect to every leaf it was computed from (`variable`, `Parameter`)
 * and adds them to the leaves' `grad`. Afterwards the graph is dropped and its memory reclaimed.
 *
 * @param seed gradient of the final result with respect to `loss`, of its shape; 1 when left out (then
 *   `loss` must hold one element)
 * @throws GradientError if `loss` was computed from no leaf, is NaN, or its graph was used already or one of
 *   its tensors was changed in place since
 * @example const x = variable(tensor([3])); backward(square(x)); x.grad.toArray() // [6]
 */
export function backward(loss: Tensor, seed?: Tensor, options: BackwardOptions = {}): void {
  const root = nodeOf(loss);
  if (root === null) {
    throw new GradientError(
      "backward: the tensor was not computed from any variable or parameter, or under noGrad; wrap an input with variable()",
    );
  }
  const { createGraph = false, retainGraph = createGraph } = options;
  sweep(loss, seedFor(loss, seed), null, createGraph, !retainGraph);
}

/** Checks the seed, or makes the one for a single number. */
export function seedFor(loss: Tensor, seed: Tensor | undefined): Tensor {
  if (seed !== undefined) {
    if (formatShape(seed.shape) !== formatShape(loss.shape) || seed.dtype !== loss.dtype) {
      throw new GradientError(
        `backward: the seed must be ${loss.dtype} ${formatShape(loss.shape)}, got ${seed.dtype} ${formatShape(seed.shape)}`,
      );
    }
    return seed;
  }
  if (loss.size !== 1) {
    throw new GradientError(
      `backward: expected one element, got shape ${formatShape(loss.shape)}; reduce it (sum, mean) or give a seed of this shape`,
    );
  }
  if (loss.backend.host && Number.isNaN(loss.item())) {
    throw new GradientError("backward: the loss is NaN; detectAnomaly(() => ...) names the op it came from");
  }
  return loss.rank === 0 ? scalar(1, loss.dtype, loss.backend) : onesLike(loss);
}

/**
 * Visits the graph below `root` once. With `targets`, gradients are computed for them alone and left in
 * their `pending`; without, they are added to the leaves.
 *
 * @param reclaim drop the graph and give its memory, and that of all intermediate gradients, back
 */
export function sweep(
  root: Tensor,
  seed: Tensor,
  targets: readonly Node[] | null,
  createGraph: boolean,
  reclaim: boolean,
): void {
  if (insideHook) throw new GradientError("backward: cannot be called inside a gradient hook");
  const order = markReachable(nodeOf(root)!, targets);
  const wanted = sweeps;
  if (nodeOf(root)!.mark !== wanted) return;
  const results = reclaim && !createGraph ? new Temporaries() : null;
  const kept = results === null ? null : [root.storage, seed.storage].filter((s) => !s.pinned);
  for (const storage of kept ?? []) storage.pinned = true;
  const outer = results === null ? null : trackResults(results);
  const recorded = mode.recording;
  mode.recording = createGraph;
  try {
    nodeOf(root)!.pending = seed;
    for (let n = 0; n < order.length; n++) {
      const node = order[n]!;
      let gradient = node.pending;
      if (gradient === null) continue;
      node.pending = null;
      if (node.hooks !== null) gradient = runHooks(node.hooks, gradient);
      if (node.op === null) {
        accumulate(node, gradient, createGraph, kept);
        continue;
      }
      const { inputs } = node;
      if (versionsOf(inputs, node.output!) !== node.versions) throw changedInPlace(node);
      const needs: boolean[] = [];
      for (let i = 0; i < inputs.length; i++) needs[i] = nodeOf(inputs[i]!)?.mark === wanted;
      const parts = pullBack(node, gradient, needs, createGraph, sweep);
      mode.inspector?.backward(node, gradient, parts);
      for (let i = 0; i < inputs.length; i++) {
        const part = parts[i];
        if (!needs[i] || part === null || part === undefined) continue;
        const source = nodeOf(inputs[i]!)!;
        source.pending = source.pending === null ? part : add(source.pending, part);
      }
    }
    if (targets !== null && results !== null) {
      for (const { pending } of targets) if (pending !== null) keepDuringSweep(pending.storage, kept!);
    }
    if (reclaim) drop(order);
  } catch (error) {
    for (const node of order) node.pending = null;
    throw error;
  } finally {
    mode.recording = recorded;
    if (results !== null) {
      trackResults(outer);
      results.release();
      for (const storage of kept!) storage.pinned = false;
    }
  }
  // A loss stays readable even so: backends keep the bits of released storages of one element.
  if (results !== null && root.storage.length === 1 && !root.storage.pinned) spend(root.storage);
}

/**
 * The nodes through which gradients flow from `root` to the targets (or leaves), latest first. They carry
 * `sweeps` as their mark afterwards; nodes that were seen but lead nowhere carry the number before.
 */
function markReachable(root: Node, targets: readonly Node[] | null): Node[] {
  const seen = sweeps + 1;
  const wanted = seen + 1;
  sweeps = wanted;
  if (targets !== null) for (const target of targets) target.mark = wanted;
  const found: Node[] = [];
  if (root.mark !== wanted) {
    root.mark = seen;
    found.push(root);
  }
  for (let n = 0; n < found.length; n++) {
    const node = found[n]!;
    if (node.op !== null && node.output === null && targets === null) throw usedUp();
    for (let i = 0; i < node.inputs.length; i++) {
      const source = nodeOf(node.inputs[i]!);
      if (source === null || source.mark >= seen) continue;
      source.mark = seen;
      found.push(source);
    }
  }
  found.sort(latestFirst);
  for (let n = found.length - 1; n >= 0; n--) {
    const node = found[n]!;
    let leads = targets === null && node.op === null;
    for (let i = 0; i < node.inputs.length && !leads; i++) leads = nodeOf(node.inputs[i]!)?.mark === wanted;
    if (leads) node.mark = wanted;
  }
  return found.filter((node) => node.mark === wanted);
}

const latestFirst = (a: Node, b: Node): number => b.order - a.order;

function usedUp(): GradientError {
  return new GradientError(
    "backward: the graph was already used and dropped; to use it again, call the first backward with { retainGraph: true }",
  );
}

function changedInPlace(node: Node): GradientError {
  const name = node.inputs.map(parameterName).find((found) => found !== "");
  const whose = name === undefined ? "an input" : `an input (perhaps "${name}")`;
  return new GradientError(
    `backward: ${whose} of ${node.op} was changed in place after the forward pass; take gradients before the optimiser step`,
  );
}

/** Name of the parameter whose storage a tensor shows, "" if none. */
function parameterName(x: Tensor): string {
  let node = nodeOf(x);
  while (node !== null && node.op !== null && isView(node.op)) node = nodeOf(node.inputs[0]!);
  return node?.name ?? "";
}

function runHooks(hooks: readonly GradientHook[], gradient: Tensor): Tensor {
  let current = gradient;
  for (const hook of hooks) {
    // The hook may keep the tensor, so its memory must not be reclaimed.
    current.storage.pinned = true;
    insideHook = true;
    const results = trackResults(null); // what the hook computes is the caller's
    let replacement: Tensor | undefined;
    try {
      replacement = hook(current);
    } finally {
      insideHook = false;
      trackResults(results);
    }
    if (replacement === undefined) continue;
    if (formatShape(replacement.shape) !== formatShape(gradient.shape)) {
      throw new GradientError(
        `onGradient: the hook must return shape ${formatShape(gradient.shape)}, got ${formatShape(replacement.shape)}`,
      );
    }
    current = replacement;
  }
  return current;
}
