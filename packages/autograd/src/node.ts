// What the engine knows about a value: a node per traced tensor. Nothing here or in sweep.ts knows any op.
// Read next: tape.ts for the memory, then sweep.ts.

import { isFloating, Tensor } from "@echo-ts/tensor";
import type { FusedOp, Op, OpParams, Trace } from "@echo-ts/tensor/internal";
import { engine } from "./engine.ts";
import { adoptMask, adoptValue, closeDropped } from "./tape.ts";
import { hasRule } from "./vjps.ts";

/** Called with the gradient of a value; may return another one to go on with. */
export type GradientHook = (gradient: Tensor) => Tensor | undefined;

/** How the gradient of a value that no single op computed goes back to its inputs, see custom-gradient.ts. */
export interface CustomRule {
  readonly name: string;
  pullBack(gradient: Tensor, node: Node, needs: readonly boolean[]): readonly (Tensor | null)[];
}

const NO_INPUTS: readonly Tensor[] = [];

/**
 * A traced value: a leaf (op null), the result of an op or of a function with a gradient of its own, or an input of
 * a function under another handle.
 */
export class Node implements Trace {
  readonly op: Op | CustomRule | "identity" | null;
  inputs: readonly Tensor[];
  readonly params: OpParams[Op] | null;
  /** The value itself; null for leaves and once the graph was dropped. */
  output: Tensor | null;
  /** Later nodes have larger numbers, so descending order is a topological order. */
  readonly order: number;
  /** Sum of the storage versions of inputs and output when recorded: any write in place changes it. */
  readonly versions: number;
  /** Accumulated gradient, leaves only. */
  grad: Tensor | null = null;
  hooks: GradientHook[] | null = null;
  /** Name for messages, parameters only. */
  name = "";
  /** During a sweep: the sum of the gradients that have arrived so far. */
  pending: Tensor | null = null;
  /** Number of the sweep that saw the node last; see `markReachable`. */
  mark = 0;

  constructor(
    op: Op | CustomRule | "identity" | null,
    inputs: readonly Tensor[],
    params: OpParams[Op] | null,
    output: Tensor | null,
  ) {
    this.op = op;
    this.inputs = inputs;
    this.params = params;
    this.output = output;
    this.order = engine.nodes++;
    this.versions = output === null ? 0 : versionsOf(inputs, output);
  }

  record<P extends Op>(op: P, inputs: readonly Tensor[], params: OpParams[P], output: Tensor): void {
    if (!engine.recording) return;
    if (!isFloating(output.dtype)) {
      // Comparisons, argmax and casts to integers end the differentiable part of a computation.
      // Those of a leaf may be made once and used in every step, so they do not belong to a graph.
      if (this.op !== null) adoptMask(output, inputs);
      return;
    }
    closeDropped();
    adoptValue(output, inputs);
    output.trace = new Node(op, inputs, params, output);
  }

  recordsWhole(op: FusedOp): boolean {
    return !engine.recording || hasRule(op);
  }

  backward(tensor: Tensor, seed?: Tensor): void {
    engine.backward(tensor, seed);
  }

  /** Name of what computed the value, for messages. */
  get opName(): string {
    return typeof this.op === "object" ? (this.op?.name ?? "leaf") : this.op;
  }

  /** Forgets where the value came from. */
  drop(): void {
    this.inputs = NO_INPUTS;
    this.output = null;
  }
}

/** A node without history: where gradients end up. `leaf` of backward.ts makes those of variables. */
export function leafNode(): Node {
  return new Node(null, NO_INPUTS, null, null);
}

/** Another handle on x's values, a constant. */
export function untracedHandle(x: Tensor): Tensor {
  return new Tensor(x.storage, x.shape, x.strides, x.offset);
}

/** Another handle on x's values, whose gradient is that of x. */
export function identity(x: Tensor): Tensor {
  const handle = untracedHandle(x);
  handle.trace = new Node("identity", [x], null, handle);
  return handle;
}

/** The node of a tensor, or null for a constant. */
export function nodeOf(tensor: Tensor): Node | null {
  return tensor.trace as Node | null;
}

/** Sum of the versions of all storages an op touched. */
export function versionsOf(inputs: readonly Tensor[], output: Tensor): number {
  let total = output.storage.version;
  for (let i = 0; i < inputs.length; i++) total += inputs[i]!.storage.version;
  return total;
}
