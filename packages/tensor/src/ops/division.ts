// Division with whole quotients, and its remainder: floorDivide and fmod, and trunc, the rounding towards zero. `mod`,
// the remainder with the divisor's sign, stands in elementwise.ts.

import { binary, type PrimitiveRow, primitive, rows } from "../op.ts";
import type { Tensor } from "../tensor.ts";
import { ceil, floor, less, where } from "./elementwise.ts";
import { type BinaryFunction, checkedTensor, onPairs } from "./operands.ts";

interface Rows {
  readonly floorDivide: PrimitiveRow;
  readonly fmod: PrimitiveRow;
}

const ROWS: Rows = rows<Rows>({
  floorDivide: primitive(binary("largest whole number not above a / b")),
  fmod: primitive(binary("remainder of a / b with the sign of a")),
});
export default ROWS;

/**
 * The largest whole number not above a / b, by the exact remainder as in Python and PyTorch: 1 by 0.1 is 9, because
 * 0.1 is a little more than a tenth. Two integers give an int32; an integer divided by 0 gives 0, as in NumPy, where
 * PyTorch throws. Gradient 0.
 *
 * @example floorDivide(tensor([-7, 7]), 2).toArray() // [-4, 3]
 */
export const floorDivide: BinaryFunction = onPairs(ROWS.floorDivide, "int32");

/**
 * Remainder of a / b with the sign of a, exact, as C's fmod, NumPy's and PyTorch's; `mod` has the sign of b. An
 * integer divided by 0 leaves 0, as in NumPy, where PyTorch throws.
 *
 * @example fmod(tensor([-7, 7]), 3).toArray() // [-1, 1]
 */
export const fmod: BinaryFunction = onPairs(ROWS.fmod, "int32");

/**
 * The whole part of x: rounded towards zero; the identity on int32 and bool. Gradient 0.
 *
 * @example trunc(tensor([-1.7, 1.7])).toArray() // [-1, 1]
 */
export function trunc(x: Tensor): Tensor {
  checkedTensor("trunc", x);
  // NaN and infinities pass through either.
  return where(less(x, 0), ceil(x), floor(x));
}
