// All gradient rules in one table, exhaustive by its type: an op without a rule does not compile. The rules
// stand by family in vjps/; they are written in differentiable ops, so gradients have gradients too.

import type { Op } from "@echo-ts/tensor/internal";
import { ACTIVATION_VJPS } from "./vjps/activation.ts";
import { ELEMENTWISE_VJPS } from "./vjps/elementwise.ts";
import { NORMALIZATION_VJPS } from "./vjps/normalization.ts";
import { PRODUCT_VJPS } from "./vjps/products.ts";
import type { Vjps } from "./vjps/rule.ts";
import { STRUCTURAL_VJPS } from "./vjps/structural.ts";

export type { OpCall, Rule, Vjp } from "./vjps/rule.ts";

/** The rule of every op. */
export const VJPS: Vjps<Op> = {
  ...ELEMENTWISE_VJPS,
  ...ACTIVATION_VJPS,
  ...STRUCTURAL_VJPS,
  ...NORMALIZATION_VJPS,
  ...PRODUCT_VJPS,
};

/** True if the op has a gradient rule of its own. */
export function hasRule(op: Op): boolean {
  return typeof VJPS[op] === "function";
}
