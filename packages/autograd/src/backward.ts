// `backward`: from a loss to the gradients of everything it was computed from. Read next: variable.ts.

import { formatShape, onesLike, Tensor } from "@echo-ts/tensor";
import { checkOptions, checkTensors, scalar, wrongArgument } from "@echo-ts/tensor/internal";
import { engine } from "./engine.ts";
import { GradientError } from "./errors.ts";
import { leafNode, type Node, nodeOf } from "./node.ts";
import { sweep } from "./sweep.ts";

/** Options of `backward`. */
export interface BackwardOptions {
  /** Keep the graph for another backward; default false, or true with `createGraph`. */
  readonly retainGraph?: boolean;
  /** Record the computation of the gradients too, so that they can be differentiated; default false. */
  readonly createGraph?: boolean;
}

/**
 * Computes the gradients of `loss` with respect to every leaf it was computed from (`variable`, `Parameter`)
 * and adds them to the leaves' `grad`. Afterwards the graph is dropped. The values inside it stay readable until
 * the next graph begins; `keep` those that you need later.
 *
 * @param seed gradient of the final result with respect to `loss`, of its shape; 1 when left out (then
 *   `loss` must hold one element)
 * @throws GradientError if `loss` was computed from no leaf, is NaN, or its graph was used already or one of
 *   its tensors was changed in place since
 * @example const x = variable(tensor([3])); backward(square(x)); x.grad.toArray() // [6]
 */
export function backward(loss: Tensor, seed?: Tensor, options: BackwardOptions = {}): void {
  checkTensors("backward", { loss });
  checkOptions("backward", options, { retainGraph: "boolean", createGraph: "boolean" });
  const root = nodeOf(loss);
  if (root === null) {
    throw new GradientError(
      "backward: the tensor was not computed from any variable or parameter, or under noGrad; wrap an input with variable()",
    );
  }
  const { createGraph = false, retainGraph = createGraph } = options;
  sweep({ root: loss, seed: seedFor(loss, seed), targets: null, createGraph, dropGraph: !retainGraph });
}

engine.backward = backward;

/** The node of a variable. Made here, so that whatever can make one brings `tensor.backward()` along. */
export function leaf(): Node {
  return leafNode();
}

/** Checks the seed, or makes the one for a single number. */
export function seedFor(loss: Tensor, seed: Tensor | undefined): Tensor {
  if (seed !== undefined) {
    if (!(seed instanceof Tensor)) {
      const expected =
        "a tensor of the shape of the loss, or left out (options come after it: backward(loss, undefined, { ... }))";
      throw wrongArgument("backward", "the seed", expected, seed);
    }
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
