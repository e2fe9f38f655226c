// Applies the rule of one node's op: the link between the engine, which knows no op, and the table of rules.

import { type FusedOp, OPS, type Op, type OpParams, Tensor } from "@echo-ts/tensor";
import { GradientError } from "./errors.ts";
import { mode } from "./mode.ts";
import { leaf, Node, nodeOf } from "./node.ts";
import { type Rule, VJPS } from "./vjps.ts";

/** Walks back from `root` to `targets`, leaving gradients in their `pending`: `sweep` of sweep.ts. */
export type Walk = (
  root: Tensor,
  seed: Tensor,
  targets: readonly Node[],
  createGraph: boolean,
  reclaim: boolean,
) => void;

/**
 * The gradients of a node's inputs from the gradient of its output; null where none is needed.
 *
 * @param walk takes the gradients of a fused op through its definition, where it has no rule
 */
export function pullBack(
  node: Node,
  gradient: Tensor,
  needs: readonly boolean[],
  createGraph: boolean,
  walk: Walk,
): readonly (Tensor | null)[] {
  const op = node.op!;
  const rule = VJPS[op] as Rule<Op>;
  if (typeof rule === "function") return rule(gradient, node.output!, node.inputs, node.params!, needs);
  if (rule === "none") throw new GradientError(`backward: ${op} is not differentiable`);
  return throughDefinition(node, gradient, needs, createGraph, walk);
}

/** Runs the op's definition once more, recorded, and takes the gradients of that. */
function throughDefinition(
  { op, inputs, params, start }: Node,
  gradient: Tensor,
  needs: readonly boolean[],
  createGraph: boolean,
  walk: Walk,
): (Tensor | null)[] {
  // Fresh handles make the inner graph end here; for second derivatives they stay tied to the inputs.
  const handles = inputs.map((x, i) => {
    const handle = new Tensor(x.storage, x.shape, x.strides, x.offset);
    if (needs[i]) {
      handle.trace = createGraph ? new Node("reshape", [x], { shape: x.shape }, handle, start) : leaf(start);
    }
    return handle;
  });
  const { recording } = mode;
  mode.recording = true;
  const definition = OPS[op as FusedOp].definition as (
    inputs: readonly Tensor[],
    params: OpParams[Op],
  ) => Tensor;
  let output: Tensor;
  try {
    output = definition(handles, params!);
  } finally {
    mode.recording = recording;
  }
  const targets = handles.flatMap((handle) => nodeOf(handle) ?? []);
  if (output.trace !== null) walk(output, gradient, targets, createGraph, false);
  return handles.map((handle) => {
    const node = nodeOf(handle);
    const part = node?.pending ?? null;
    if (node !== null) node.pending = null;
    return part;
  });
}
