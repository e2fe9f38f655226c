// Ops along one axis: a single number (rank 0) counts as a list of one there. Read next: reduction.ts.

import { axisOrOnly } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { checkedTensor } from "./operands.ts";
import { reshape } from "./shaping.ts";

/**
 * f(x, axis) with the axis counted from the start; for a single number f of a list of one, as a single number again.
 *
 * @param op the function that the user called, for messages
 * @throws ArgumentError, ShapeError
 */
export function alongAxis(
  op: string,
  x: Tensor,
  axis: number,
  f: (x: Tensor, axis: number) => Tensor,
): Tensor {
  const at = axisOrOnly(op, axis, checkedTensor(op, x).rank);
  return x.rank > 0 ? f(x, at) : reshape(f(reshape(x, [1]), at), []);
}
