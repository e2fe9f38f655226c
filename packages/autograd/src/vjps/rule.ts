// What a gradient rule is, and what several of them need.

import { broadcastTo, reshape, type Shape, sameShape, sum, type Tensor } from "@echo-ts/tensor";
import { type FusedOp, type Op, type OpParams, scalar } from "@echo-ts/tensor/internal";

/** A call of an op in the forward pass. */
export interface OpCall<P extends Op> {
  readonly output: Tensor;
  readonly inputs: readonly Tensor[];
  readonly params: OpParams[P];
}

/**
 * The vector-Jacobian product of an op: from the gradient of its output, the gradients of its inputs (each
 * of its input's shape). Entries that `needs` does not ask for may be null.
 */
export type Vjp<P extends Op> = (
  gradient: Tensor,
  call: OpCall<P>,
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

/** Zeros of x's shape, dtype and backend, at the cost of one element. */
export function zerosOf(x: Tensor): Tensor {
  return broadcastTo(scalar(0, x.dtype, x.backend), x.shape);
}

/** All leading axes laid end to end: [.., D] -> [N, D]. */
export function flatRows(x: Tensor): Tensor {
  const width = x.shape[x.rank - 1]!;
  let count = 1;
  for (let i = 0; i < x.rank - 1; i++) count *= x.shape[i]!;
  return x.rank === 2 ? x : reshape(x, [count, width]);
}
