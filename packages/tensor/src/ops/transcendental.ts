// Transcendental functions beside those of elementwise.ts: inverse, hyperbolic, and the logarithm to base 2. Each
// treats one element alone and answers with a float; outside its domain the answer is NaN.

import { type PrimitiveRow, primitive, rows, unary } from "../op.ts";
import { onFloats, type UnaryFunction } from "./operands.ts";

interface Rows {
  readonly asin: PrimitiveRow;
  readonly acos: PrimitiveRow;
  readonly atan: PrimitiveRow;
  readonly sinh: PrimitiveRow;
  readonly cosh: PrimitiveRow;
  readonly asinh: PrimitiveRow;
  readonly acosh: PrimitiveRow;
  readonly atanh: PrimitiveRow;
  readonly log2: PrimitiveRow;
}

const ROWS: Rows = rows<Rows>({
  asin: primitive(unary("angle whose sine is x")),
  acos: primitive(unary("angle whose cosine is x")),
  atan: primitive(unary("angle whose tangent is x")),
  sinh: primitive(unary("hyperbolic sine")),
  cosh: primitive(unary("hyperbolic cosine")),
  asinh: primitive(unary("inverse of the hyperbolic sine")),
  acosh: primitive(unary("inverse of the hyperbolic cosine")),
  atanh: primitive(unary("inverse of the hyperbolic tangent")),
  log2: primitive(unary("logarithm to base 2, exact for powers of 2")),
});
export default ROWS;

/**
 * The angle in [-pi/2, pi/2] whose sine is x; NaN outside [-1, 1]. Its gradient is infinite at -1 and 1.
 *
 * @example asin(tensor([0, -0, 2])).toArray() // [0, -0, NaN]
 */
export const asin: UnaryFunction = onFloats(ROWS.asin);

/**
 * The angle in [0, pi] whose cosine is x; NaN outside [-1, 1]. Its gradient is infinite at -1 and 1.
 *
 * @example acos(tensor([1, 2])).toArray() // [0, NaN]
 */
export const acos: UnaryFunction = onFloats(ROWS.acos);

/**
 * The angle in [-pi/2, pi/2] whose tangent is x; see `atan2` for all four quadrants.
 *
 * @example atan(tensor([0])).toArray() // [0]
 */
export const atan: UnaryFunction = onFloats(ROWS.atan);

/**
 * Hyperbolic sine, (e^x - e^-x) / 2.
 *
 * @example sinh(tensor([0])).toArray() // [0]
 */
export const sinh: UnaryFunction = onFloats(ROWS.sinh);

/**
 * Hyperbolic cosine, (e^x + e^-x) / 2.
 *
 * @example cosh(tensor([0])).toArray() // [1]
 */
export const cosh: UnaryFunction = onFloats(ROWS.cosh);

/**
 * The number whose hyperbolic sine is x.
 *
 * @example asinh(tensor([0])).toArray() // [0]
 */
export const asinh: UnaryFunction = onFloats(ROWS.asinh);

/**
 * The number of at least 0 whose hyperbolic cosine is x; NaN below 1. Its gradient is infinite at 1.
 *
 * @example acosh(tensor([1, 0])).toArray() // [0, NaN]
 */
export const acosh: UnaryFunction = onFloats(ROWS.acosh);

/**
 * The number whose hyperbolic tangent is x: infinite at -1 and 1, NaN beyond.
 *
 * @example atanh(tensor([0, 1])).toArray() // [0, Infinity]
 */
export const atanh: UnaryFunction = onFloats(ROWS.atanh);

/**
 * Logarithm to base 2, exact for powers of 2; -Infinity at 0, NaN below.
 *
 * @example log2(tensor([8, 0.5, 0])).toArray() // [3, -1, -Infinity]
 */
export const log2: UnaryFunction = onFloats(ROWS.log2);
