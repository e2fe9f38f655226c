// Who owns what a graph is made of (memory.ts of @echo-ts/tensor explains owners). The values on a tape belong to
// the graph. `backward` drops the graph, and its values are given back when the next graph begins: until then a
// step may still print its logits. A graph that nobody takes `backward` of is left to the garbage collector.

import { add, copy, keep, type Tensor } from "@echo-ts/tensor";
import { checkFunction, isWhole, Owner, onlyResult, Scope } from "@echo-ts/tensor/internal";
import { withRecording } from "./engine.ts";

const NEXT_GRAPH = "the next graph began";

/** Values of graphs that were not dropped yet. */
const graph = new Owner(NEXT_GRAPH);
/** Masks, indices and other constants made for a graph, until the first op of one takes them as an input. */
const unclaimed = new Owner(NEXT_GRAPH, false);
/** Values of graphs that were dropped. */
const dropped = new Scope(NEXT_GRAPH);
/** Gradients of leaves, until they are replaced or forgotten. */
const gradients = new Owner("zeroGrad forgot this gradient or another took its place");

/** What holds a gradient. */
interface Leaf {
  grad: Tensor | null;
}

/** True if the output has no memory of its own. */
function isView({ storage }: Tensor, inputs: readonly Tensor[]): boolean {
  for (let i = 0; i < inputs.length; i++) if (inputs[i]!.storage === storage) return true;
  return false;
}

/** Makes the graph the owner of a value that an op computed, and of the constants that it was computed from. */
export function adoptValue(output: Tensor, inputs: readonly Tensor[]): void {
  if (output.storage.owner === null && !isView(output, inputs)) graph.adopt(output);
  for (let i = 0; i < inputs.length; i++) if (unclaimed.owns(inputs[i]!)) graph.adopt(inputs[i]!);
}

/** Notes a mask or index that was computed from a traced value: no gradient flows through it. */
export function adoptMask(output: Tensor, inputs: readonly Tensor[]): void {
  if (output.storage.owner === null && !isView(output, inputs)) unclaimed.adopt(output);
}

/**
 * Computes a constant that a module or a loss needs, such as a mask, lengths or a count. It is not recorded, and
 * everything on the way to it is given back at once. The constant itself is given back with the first graph that
 * uses it, so make a new one for each step; without a graph it is like any other tensor.
 *
 * @param body computes the constant from tensors, constants or not
 * @example const open = constant(() => greater(lengths, positions)); // bool [B, T], for one step
 */
export function constant(body: () => Tensor): Tensor {
  checkFunction("constant", "body", body);
  return withRecording(false, () =>
    onlyResult(body, (made) => {
      if (made.storage.owner === null) unclaimed.adopt(made);
    }),
  );
}

/** Gives a dropped graph's values back; called when the next graph begins. */
export function closeDropped(): void {
  if (!dropped.isEmpty) dropped.closeAll();
}

/** Marks what a dropped node holds to be given back when the next graph begins: its value and its constants. */
export function dropValues(output: Tensor, inputs: readonly Tensor[]): void {
  if (graph.owns(output) && !isView(output, inputs)) dropped.adopt(output);
  for (const input of inputs) if (input.trace === null && graph.owns(input)) dropped.adopt(input);
}

/** Leaves a value of the graph to the garbage collector, so that whoever holds it can read it later. */
export function spare(value: Tensor): void {
  if (graph.owns(value)) keep(value);
}

/**
 * Adds to a leaf's gradient, which has memory of its own: nobody else's gradient shares it.
 *
 * @param scope that of the sweep, which made the gradient; null if the sweep is recorded
 */
export function accumulate(leaf: Leaf, gradient: Tensor, scope: Scope | null): void {
  const { grad } = leaf;
  if (scope === null) {
    leaf.grad = grad === null ? gradient : add(grad, gradient);
    return;
  }
  // A gradient that another leaf has taken already, or that is a view of something, belongs to somebody else.
  const exclusive = scope.owns(gradient) && isWhole(gradient);
  if (grad !== null) setGradient(leaf, add(grad, gradient));
  else setGradient(leaf, exclusive ? gradient : copy(gradient));
}

/** Makes the leaf the owner of its gradient, and gives the one before back. */
export function setGradient(leaf: Leaf, gradient: Tensor | null): void {
  if (leaf.grad !== null && leaf.grad.storage !== gradient?.storage) gradients.close(leaf.grad);
  leaf.grad = gradient;
  if (gradient !== null) gradients.adopt(gradient);
}
