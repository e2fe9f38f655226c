// What the engine remembers about a value: a node per traced tensor. Nothing here or in sweep.ts knows any
// op. Read next: sweep.ts, then vjps.ts.

import { type FusedOp, isFloating, type Op, type OpParams, type Tensor, type Trace } from "@echo-ts/tensor";
import { mode, NOTHING } from "./mode.ts";
import { noteMask, releaseSpent } from "./reclaim.ts";
import { hasRule } from "./vjps.ts";

/** Called with the gradient of a value; may return another one to go on with. */
export type GradientHook = (gradient: Tensor) => Tensor | undefined;

/** Starts the walk back from a tensor: `backward` of sweep.ts. Leaves bring it along, results inherit it. */
export type StartBackward = (tensor: Tensor, seed?: Tensor) => void;

let created = 0;

/** A traced value: a leaf (op null), or the record of the op that computed it. */
export class Node implements Trace {
  readonly op: Op | null;
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
  readonly start: StartBackward;
  /** During a sweep: what has arrived so far. */
  pending: Tensor | null = null;
  /** Number of the sweep that saw the node last; see `sweep`. */
  mark = 0;

  constructor(
    op: Op | null,
    inputs: readonly Tensor[],
    params: OpParams[Op] | null,
    output: Tensor | null,
    start: StartBackward,
  ) {
    this.start = start;
    this.op = op;
    this.inputs = inputs;
    this.params = params;
    this.output = output;
    this.order = created++;
    this.versions = output === null ? 0 : versionsOf(inputs, output);
  }

  record<P extends Op>(op: P, inputs: readonly Tensor[], params: OpParams[P], output: Tensor): void {
    if (!mode.recording) return;
    if (!isFloating(output.dtype)) {
      // Comparisons, argmax and casts to integers end the differentiable part of a computation.
      // Those of a leaf may be made once and used in every step, so they are not the graph's to give back.
      if (this.op !== null) noteMask(output.storage);
      return;
    }
    releaseSpent();
    output.storage.backend.hold?.(output.storage);
    output.trace = new Node(op, inputs, params, output, this.start);
    mode.inspector?.forward(op, inputs, output);
  }

  recordsWhole(op: FusedOp): boolean {
    return !mode.recording || hasRule(op);
  }

  backward(tensor: Tensor, seed?: Tensor): void {
    this.start(tensor, seed);
  }
}

/** A node without history: where gradients end up. */
export function leaf(start: StartBackward): Node {
  return new Node(null, NOTHING, null, null, start);
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
