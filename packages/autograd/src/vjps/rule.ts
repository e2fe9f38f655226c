// What a gradient rule is, and the adjoint of broadcasting that most rules need.

import {
  type FusedOp,
  type Op,
  type OpParams,
  reshape,
  type Shape,
  sameShape,
  sum,
  type Tensor,
} from "@echo-ts/tensor";

/**
 * The vector-Jacobian product of an op: from the gradient of its output, the gradients of its inputs (each
 * of its input's shape). Entries that `needs` does not ask for may be null.
 */
export type Vjp<P extends Op> = (
  gradient: Tensor,
  output: Tensor,
  inputs: readonly Tensor[],
  params: OpParams[P],
  needs: readonly boolean[],
) => readonly (Tensor | null)[];

/** A rule; "composition": differentiate the op's definition instead; "none": the op has no gradient. */
export type Rule<P extends Op> = Vjp<P> | "none" | (P extends FusedOp ? "composition" : never);

/** One rule for each of some ops. */
export type Vjps<P extends Op> = { readonly [K in P]: Rule<K> };

/** Sums x over the axes along which `shape` was stretched to x's shape: the adjoint of broadcasting. */
export function sumTo(x: Tensor, shape: Shape): Tensor {
  if (sameShape(x.shape, shape)) return x;
  const lead = x.rank - shape.length;
  const axes: number[] = [];
  for (let i = 0; i < x.rank; i++) if (i < lead || shape[i - lead] !== x.shape[i]) axes.push(i);
  return reshape(sum(x, axes, true), shape);
}
