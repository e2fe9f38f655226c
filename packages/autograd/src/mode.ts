// What happens at each op at the moment: switches that every part of the engine looks at.

import type { Op, Tensor } from "@echo-ts/tensor";
import type { Node } from "./node.ts";

/** Looks at every value on its way, see `detectAnomaly`. */
export interface Inspector {
  forward(op: Op, inputs: readonly Tensor[], output: Tensor): void;
  backward(node: Node, gradient: Tensor, parts: readonly (Tensor | null)[]): void;
}

/** Set by `noGrad`, `backward` and `detectAnomaly`. */
export const mode: { recording: boolean; inspector: Inspector | null } = { recording: true, inspector: null };

/** The inputs of leaves and of dropped nodes. */
export const NOTHING: readonly Tensor[] = [];
