// Applies the rule of one node's op: the link between the engine, which knows no op, and the table of rules.

import { DEFINITIONS, type FusedOp, type Op, type OpParams, Tensor } from "@echo-ts/tensor";
import { GradientError } from "./errors.ts";
import { leaf, mode, Node, nodeOf } from "./node.ts";
import { sweep } from "./sweep.ts";
import { type Rule, VJPS } from "./vjps.ts";

/** True if the op has a gradient rule of its own. */
export function hasRule(op: Op): boolean {
  return typeof VJPS[op] === "function";
}

/** The gradients of a node's inputs from the gradient of its output; null where none is needed. */
export function pullBack(
  node: Node,
  gradient: Tensor,
  needs: readonly boolean[],
  createGraph: boolean,
): readonly (Tensor | null)[] {
  const op = node.op!;
  const rule = VJPS[op] as Rule<Op>;
  if (typeof rule === "function") return rule(gradient, node.output!, node.inputs, node.params!, needs);
  if (rule === "none") throw new GradientError(`backward: ${op} is not differentiable`);
  return throughDefinition(op as FusedOp, gradient, node.inputs, node.params!, needs, createGraph);
}

/** Runs the op's definition once more, recorded, and takes the gradients of that. */
function throughDefinition(
  op: FusedOp,
  gradient: Tensor,
  inputs: readonly Tensor[],
  params: OpParams[Op],
  needs: readonly boolean[],
  createGraph: boolean,
): (Tensor | null)[] {
  // Fresh handles make the inner graph end here; for second derivatives they stay tied to the inputs.
  const handles = inputs.map((x, i) => {
    const handle = new Tensor(x.storage, x.shape, x.strides, x.offset);
    if (needs[i]) {
      handle.trace = createGraph ? new Node("reshape", [x], { shape: x.shape }, handle) : leaf();
    }
    return handle;
  });
  const { recording } = mode;
  mode.recording = true;
  const definition = DEFINITIONS[op] as (inputs: readonly Tensor[], params: OpParams[Op]) => Tensor;
  let output: Tensor;
  try {
    output = definition(handles, params);
  } finally {
    mode.recording = recording;
  }
  const targets = handles.flatMap((handle) => nodeOf(handle) ?? []);
  if (output.trace !== null) sweep(output, gradient, targets, createGraph, false);
  return handles.map((handle) => {
    const node = nodeOf(handle);
    const part = node?.pending ?? null;
    if (node !== null) node.pending = null;
    return part;
  });
}
