// The walk back: nodes are visited from the latest to the earliest; each hands its gradient to the rule of its
// op and adds what comes back to the nodes of its inputs. Read next: backward.ts, then vjps.ts.

import { add, formatShape, keep, type Tensor } from "@echo-ts/tensor";
import {
  type FusedOp,
  OPS,
  type Op,
  type OpParams,
  observation,
  outsideScopes,
  tellGradient,
} from "@echo-ts/tensor/internal";
import { engine, withRecording } from "./engine.ts";
import { GradientError } from "./errors.ts";
import {
  type GradientHook,
  identity,
  leafNode,
  type Node,
  nodeOf,
  untracedHandle,
  versionsOf,
} from "./node.ts";
import { markReachable } from "./reachable.ts";
import { SweepScope } from "./sweep-scope.ts";
import { accumulate, dropValues, spare } from "./tape.ts";
import { type OpCall, type Rule, VJPS } from "./vjps.ts";

/** What a sweep starts from and where it ends. */
export interface Sweep {
  readonly root: Tensor;
  /** Gradient of the final result with respect to `root`. */
  readonly seed: Tensor;
  /** Nodes whose gradients are left in their `pending`; null: gradients are added to the leaves. */
  readonly targets: readonly Node[] | null;
  /** Record the computation of the gradients. */
  readonly createGraph: boolean;
  /** Drop the graph afterwards; its memory is given back when the next one begins. */
  readonly dropGraph: boolean;
}

/**
 * Visits the graph below `root` once. Gradients on the way belong to a scope of its own, which gives each back as soon
 * as its node was visited; unless they are recorded.
 */
export function sweep({ root, seed, targets, createGraph, dropGraph }: Sweep): void {
  if (engine.insideHook) throw new GradientError("backward: cannot be called inside a gradient hook");
  const order = markReachable(nodeOf(root)!, targets);
  const wanted = engine.mark;
  if (nodeOf(root)!.mark !== wanted) return;
  const scope = createGraph ? null : new SweepScope("backward had used it");
  const visit = (): void => {
    nodeOf(root)!.pending = seed;
    for (let n = 0; n < order.length; n++) {
      const node = order[n]!;
      let gradient = node.pending;
      if (gradient === null) continue;
      node.pending = null;
      if (node.hooks !== null) gradient = runHooks(node.hooks, gradient);
      if (node.op === null) {
        accumulate(node, gradient, scope);
        scope?.visited(gradient);
        continue;
      }
      const { inputs } = node;
      if (versionsOf(inputs, node.output!) !== node.versions) throw changedInPlace(node);
      const needs: boolean[] = [];
      for (let i = 0; i < inputs.length; i++) needs[i] = nodeOf(inputs[i]!)?.mark === wanted;
      const parts = pullBack(node, gradient, needs, createGraph);
      if (observation.observers !== null) tellGradient({ op: node.opName, gradient, parts });
      for (let i = 0; i < inputs.length; i++) {
        const part = parts[i];
        if (!needs[i] || part === null || part === undefined) continue;
        const source = nodeOf(inputs[i]!)!;
        const before = source.pending;
        source.pending = before === null ? part : add(before, part);
        scope?.replace(before, source.pending);
      }
      scope?.visited(gradient);
    }
  };
  try {
    withRecording(createGraph, scope === null ? visit : () => scope.run(visit));
  } catch (error) {
    for (const node of order) node.pending = null;
    scope?.closeAll();
    throw error;
  }
  for (const target of targets ?? []) if (target.pending !== null) scope?.escape(target.pending);
  scope?.closeAll();
  if (dropGraph) drop(root, order, targets);
}

/** Cuts the nodes off their tensors. What `backward` was called on stays readable for whoever holds it. */
function drop(root: Tensor, order: readonly Node[], targets: readonly Node[] | null): void {
  if (root.storage.length > 1) spare(root);
  for (const target of targets ?? []) if (target.pending !== null) spare(target.pending);
  for (const node of order) {
    if (node.op !== null && node.op !== "identity" && node.output !== null)
      dropValues(node.output, node.inputs);
    node.drop();
  }
}

/** The gradients of a node's inputs from the gradient of its output; null where none is needed. */
function pullBack(
  node: Node,
  gradient: Tensor,
  needs: readonly boolean[],
  createGraph: boolean,
): readonly (Tensor | null)[] {
  const op = node.op!;
  if (op === "identity") return [gradient];
  if (typeof op === "object") return op.pullBack(gradient, node, needs);
  const rule = VJPS[op] as Rule<Op>;
  if (typeof rule === "function") return rule(gradient, node as OpCall<Op>, needs);
  if (rule === "none") throw new GradientError(`backward: ${op} is not differentiable`);
  return throughDefinition(node, gradient, needs, createGraph);
}

/** Runs the op's definition once more, recorded, and takes the gradients of that. */
function throughDefinition(
  { op, inputs, params }: Node,
  gradient: Tensor,
  needs: readonly boolean[],
  createGraph: boolean,
): (Tensor | null)[] {
  // Other handles make the inner graph end here; for second derivatives they stay tied to the inputs.
  const handles = inputs.map((x, i) => {
    if (needs[i] && createGraph) return identity(x);
    const handle = untracedHandle(x);
    if (needs[i]) handle.trace = leafNode();
    return handle;
  });
  const definition = OPS[op as FusedOp].definition as (
    inputs: readonly Tensor[],
    params: OpParams[Op],
  ) => Tensor;
  const root = withRecording(true, () => definition(handles, params!));
  const targets = handles.flatMap((handle) => nodeOf(handle) ?? []);
  if (root.trace !== null) sweep({ root, seed: gradient, targets, createGraph, dropGraph: false });
  return handles.map((handle) => {
    const node = nodeOf(handle);
    const part = node?.pending ?? null;
    if (node !== null) node.pending = null;
    return part;
  });
}

function runHooks(hooks: readonly GradientHook[], gradient: Tensor): Tensor {
  let current = gradient;
  for (const hook of hooks) {
    const seen = keep(current); // the hook may keep it
    engine.insideHook = true;
    let replacement: Tensor | undefined;
    try {
      replacement = outsideScopes(() => hook(seen)); // what the hook computes is the caller's
    } finally {
      engine.insideHook = false;
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

function changedInPlace(node: Node): GradientError {
  const name = node.inputs.map(parameterName).find((found) => found !== "");
  const whose = name === undefined ? "an input" : `an input (perhaps "${name}")`;
  return new GradientError(
    `backward: ${whose} of ${node.opName} was changed in place after the forward pass; take gradients before the optimiser step`,
  );
}

/** Name of the parameter that x is or is a view of, "" if none. */
function parameterName(x: Tensor): string {
  const node = nodeOf(x);
  const source = node?.inputs[0];
  return source?.storage === x.storage ? parameterName(source) : (node?.name ?? "");
}
