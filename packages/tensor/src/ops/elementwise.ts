// Ops that treat each element alone: arithmetic, comparison, choice. Broadcasting follows NumPy.
// Read next: activation.ts.

import { apply, NONE, scalar } from "../apply.ts";
import { checkNumber } from "../arguments.ts";
import { checkDtype, type DType, isFloating } from "../dtype.ts";
import { ShapeError } from "../errors.ts";
import {
  binary,
  bool,
  countable,
  type FusedRow,
  fused,
  type PrimitiveRow,
  primitive,
  rows,
  sameDtype,
  unary,
} from "../op.ts";
import { broadcastShapes } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import {
  type BinaryFunction,
  beside,
  castTo,
  checkedTensor,
  checkOperand,
  countableTensor,
  isTensor,
  onCountables,
  onFloats,
  onPairs,
  pair,
  type TensorLike,
  type UnaryFunction,
} from "./operands.ts";

interface Rows {
  readonly neg: PrimitiveRow;
  readonly exp: PrimitiveRow;
  readonly expm1: PrimitiveRow;
  readonly log: PrimitiveRow;
  readonly log1p: PrimitiveRow;
  readonly sqrt: PrimitiveRow;
  readonly sin: PrimitiveRow;
  readonly cos: PrimitiveRow;
  readonly tanh: PrimitiveRow;
  readonly erf: PrimitiveRow;
  readonly floor: PrimitiveRow;
  readonly add: PrimitiveRow;
  readonly sub: PrimitiveRow;
  readonly mul: PrimitiveRow;
  readonly div: PrimitiveRow;
  readonly pow: PrimitiveRow;
  readonly mod: PrimitiveRow;
  readonly atan2: PrimitiveRow;
  readonly maximum: PrimitiveRow;
  readonly less: PrimitiveRow;
  readonly equal: PrimitiveRow;
  readonly where: PrimitiveRow;
  readonly abs: FusedRow;
  readonly square: FusedRow;
  readonly reciprocal: FusedRow;
  readonly rsqrt: FusedRow;
  readonly minimum: FusedRow;
  readonly round: FusedRow;
}

const ROWS: Rows = rows<Rows>({
  neg: primitive(unary("-x", countable)),
  exp: primitive(unary("e to the x")),
  expm1: primitive(unary("e to the x, minus 1, exact near 0")),
  log: primitive(unary("natural logarithm")),
  log1p: primitive(unary("log(1 + x), exact near 0")),
  sqrt: primitive(unary("square root")),
  sin: primitive(unary("sine of radians")),
  cos: primitive(unary("cosine of radians")),
  tanh: primitive(unary("hyperbolic tangent")),
  erf: primitive(unary("error function")),
  floor: primitive(unary("largest integer not above x", sameDtype)),
  add: primitive(binary("a + b")),
  sub: primitive(binary("a - b")),
  mul: primitive(binary("a b")),
  div: primitive(binary("a / b")),
  pow: primitive(binary("a to the b")),
  mod: primitive(binary("remainder of a / b with the sign of b")),
  atan2: primitive(binary("angle of the point (b, a), radians")),
  maximum: primitive(binary("the larger one; NaN if either is")),
  less: primitive(binary("a < b", bool)),
  equal: primitive(binary("a = b", bool)),
  where: primitive({
    meaning: "a where the condition holds, else b",
    shape: ([condition, a, b], _params, op) =>
      broadcastShapes(op, condition!.shape, broadcastShapes(op, a!.shape, b!.shape)),
    dtype: (inputs) => inputs[1]!.dtype,
  }),

  abs: fused(unary("absolute value", countable), ([x]) => maximum(x!, neg(x!))),
  square: fused(unary("x x", countable), ([x]) => mul(x!, x!)),
  reciprocal: fused(unary("1 / x"), ([x]) => div(1, x!)),
  rsqrt: fused(unary("1 / sqrt(x)"), ([x]) => reciprocal(sqrt(x!))),
  // The maximum with the order reversed.
  minimum: fused(binary("the smaller one; NaN if either is"), ([a, b]) =>
    a!.dtype === "bool" ? less(logicalNot(a!), b!) : reversed(maximum(reversed(a!), reversed(b!))),
  ),
  // Of the absolute value, so that what becomes 0 keeps its sign.
  round: fused(unary("nearest integer, halves to the even one", sameDtype), ([x]) => {
    const size = abs(x!);
    const low = floor(size);
    const rest = sub(size, low);
    const half = mul(low, 0.5);
    const up = logicalOr(greater(rest, 0.5), logicalAnd(equal(rest, 0.5), less(floor(half), half)));
    const nearest = where(up, add(low, 1), low);
    return where(equal(x!, 0), x!, where(less(x!, 0), neg(nearest), nearest));
  }),
});
export default ROWS;

/**
 * The same values in another dtype. Floats are truncated towards zero for int32; anything but 0 is true for bool. Shape in = shape out.
 *
 * @example cast(tensor([-1.7, 2.3]), "int32").toArray() // [-1, 2]
 */
export function cast(x: Tensor, dtype: DType): Tensor {
  checkedTensor("cast", x);
  checkDtype("cast", dtype);
  return castTo(x, dtype);
}

/** -x, elementwise; bool counts as int32. */
export const neg: UnaryFunction = onCountables(ROWS.neg);

/** e to the x, elementwise. */
export const exp: UnaryFunction = onFloats(ROWS.exp);

/** e to the x minus 1, exact for small x. */
export const expm1: UnaryFunction = onFloats(ROWS.expm1);

/** Natural logarithm; -Infinity at 0, NaN below. */
export const log: UnaryFunction = onFloats(ROWS.log);

/** log(1 + x), exact for small x. */
export const log1p: UnaryFunction = onFloats(ROWS.log1p);

/** Logarithm to base 10. */
export function log10(x: Tensor): Tensor {
  return mul(log(x), Math.LOG10E);
}

/** Square root; NaN below 0. */
export const sqrt: UnaryFunction = onFloats(ROWS.sqrt);

/** Sine of radians. */
export const sin: UnaryFunction = onFloats(ROWS.sin);

/** Cosine of radians. */
export const cos: UnaryFunction = onFloats(ROWS.cos);

/** Tangent of radians: sin / cos. */
export function tan(x: Tensor): Tensor {
  return div(sin(x), cos(x));
}

/** Hyperbolic tangent. */
export const tanh: UnaryFunction = onFloats(ROWS.tanh);

/** Error function, 2/sqrt(pi) times the integral of e^(-t^2) from 0 to x. */
export const erf: UnaryFunction = onFloats(ROWS.erf);

/** Largest integer not above x; the identity on int32 and bool. Gradient 0. */
export function floor(x: Tensor): Tensor {
  checkedTensor("floor", x);
  return isFloating(x.dtype) ? apply(ROWS.floor, [x], NONE) : x;
}

/** Smallest integer not below x. Gradient 0. */
export function ceil(x: Tensor): Tensor {
  checkedTensor("ceil", x);
  return isFloating(x.dtype) ? neg(floor(neg(x))) : x;
}

/**
 * Nearest integer, halves to the even neighbour and the sign kept (-0.2 gives -0), as in NumPy. Gradient 0.
 *
 * @example round(tensor([0.5, 1.5, -2.5])).toArray() // [0, 2, -2]
 */
export function round(x: Tensor): Tensor {
  checkedTensor("round", x);
  return isFloating(x.dtype) ? apply(ROWS.round, [x], NONE) : x;
}

/** -1, 0 or 1 with the sign of x; NaN stays. Gradient 0. */
export function sign(x: Tensor): Tensor {
  checkedTensor("sign", x);
  const y = countableTensor(x);
  return where(greater(y, 0), 1, where(less(y, 0), -1, mul(y, 0)));
}

/**
 * a + b with broadcasting; bool counts as int32.
 *
 * @example add(tensor([[1], [2]]), tensor([10, 20])).toArray() // [[11, 21], [12, 22]]
 */
export const add: BinaryFunction = onPairs(ROWS.add, "int32");

/** a - b with broadcasting; bool counts as int32. */
export const sub: BinaryFunction = onPairs(ROWS.sub, "int32");

/** a times b with broadcasting; bool counts as int32. */
export const mul: BinaryFunction = onPairs(ROWS.mul, "int32");

/**
 * a / b with broadcasting; integers divide in float32.
 *
 * @example div(arange(3), 2).toArray() // [0, 0.5, 1]
 */
export const div: BinaryFunction = onPairs(ROWS.div, "float32");

/**
 * a to the power b with broadcasting. Two integers give an int32: powers beyond it wrap, fractions become 0.
 *
 * @example pow(2, arange(4)).toArray() // [1, 2, 4, 8]
 */
export const pow: BinaryFunction = onPairs(ROWS.pow, "int32");

/**
 * Remainder of a / b with the sign of b, as in NumPy and Python.
 *
 * @example mod(tensor([-7, 7]), 3).toArray() // [2, 1]
 */
export const mod: BinaryFunction = onPairs(ROWS.mod, "int32");

/** Angle in radians of the point (x = b, y = a), in (-pi, pi]. */
export const atan2: BinaryFunction = onPairs(ROWS.atan2, "float32");

/** The larger of a and b; NaN if either is. At ties the gradient is halved, as in PyTorch. */
export const maximum: BinaryFunction = onPairs(ROWS.maximum, "bool");

/** x with its order reversed, and back: -x for floats, -1 - x for int32, which has no -(-2^31). */
export function reversed(x: Tensor): Tensor {
  checkedTensor("reversed", x);
  return x.dtype === "int32" ? sub(-1, x) : neg(x);
}

/** The smaller of a and b; NaN if either is. At ties the gradient is halved, as in PyTorch. */
export const minimum: BinaryFunction = onPairs(ROWS.minimum, "bool");

/** a < b, bool. */
export const less: BinaryFunction = onPairs(ROWS.less, "bool");

/**
 * a = b, bool; NaN equals nothing.
 *
 * @example equal(arange(3), 1).toArray() // [false, true, false]
 */
export const equal: BinaryFunction = onPairs(ROWS.equal, "bool");

/** a > b, bool. */
export function greater(a: TensorLike, b: TensorLike): Tensor {
  return less(b, a);
}

/** a <= b, bool; false if either is NaN. */
export function lessEqual(a: TensorLike, b: TensorLike): Tensor {
  return maximum(less(a, b), equal(a, b));
}

/** a >= b, bool; false if either is NaN. */
export function greaterEqual(a: TensorLike, b: TensorLike): Tensor {
  return lessEqual(b, a);
}

/** a is not b, bool; true if either is NaN. */
export function notEqual(a: TensorLike, b: TensorLike): Tensor {
  return logicalNot(equal(a, b));
}

/** True where x is not 0. */
export function truth(x: Tensor): Tensor {
  checkedTensor("truth", x);
  return castTo(x, "bool");
}

/** True where x is 0 or false. */
export function logicalNot(x: Tensor): Tensor {
  return equal(truth(x), scalar(0, "bool", x.backend));
}

/** True where both are not 0. */
export function logicalAnd(a: Tensor, b: Tensor): Tensor {
  return minimum(truth(a), truth(b));
}

/** True where either is not 0. */
export function logicalOr(a: Tensor, b: Tensor): Tensor {
  return maximum(truth(a), truth(b));
}

/** True where exactly one is not 0. */
export function logicalXor(a: Tensor, b: Tensor): Tensor {
  return notEqual(truth(a), truth(b));
}

/** True where x is NaN. */
export function isNaN(x: Tensor): Tensor {
  return notEqual(x, x);
}

/** True where x is neither NaN nor infinite. */
export function isFinite(x: Tensor): Tensor {
  checkedTensor("isFinite", x);
  return isFloating(x.dtype) ? less(abs(x), Number.POSITIVE_INFINITY) : equal(x, x);
}

/**
 * a where the condition holds, else b; all three broadcast.
 *
 * @example where(greater(x, 0), x, 0)
 */
export function where(condition: Tensor, a: TensorLike, b: TensorLike): Tensor {
  checkedTensor("where", condition);
  checkOperand("where", a);
  checkOperand("where", b);
  const [p, q] =
    !isTensor(a) && !isTensor(b)
      ? pair("where", beside(a, castTo(condition, "float32"), "where"), b)
      : pair("where", a, b);
  return apply(ROWS.where, [truth(condition), p, q], NONE);
}

/**
 * x with `value` wherever the mask holds; the mask broadcasts to x.
 *
 * @example maskedFill(tensor([1, 2]), tensor([true, false]), 0).toArray() // [0, 2]
 */
export function maskedFill(x: Tensor, mask: Tensor, value: number): Tensor {
  checkedTensor("maskedFill", x);
  return where(mask, value, x);
}

/**
 * x limited to [min, max]; either may be left out. The gradient passes where min <= x <= max, as in PyTorch.
 *
 * @throws ShapeError if min is above max
 * @example clamp(tensor([-5, 0, 5]), -1, 1).toArray() // [-1, 0, 1]
 */
export function clamp(x: Tensor, min: number | null = null, max: number | null = null): Tensor {
  checkedTensor("clamp", x);
  if (min !== null) checkNumber("clamp", "min", min);
  if (max !== null) checkNumber("clamp", "max", max);
  if (min !== null && max !== null && min > max) {
    throw new ShapeError(`clamp: min ${min} is above max ${max}`);
  }
  let out = x;
  if (min !== null) out = where(less(out, min), min, out);
  if (max !== null) out = where(greater(out, max), max, out);
  return out;
}

/**
 * x with numbers in place of NaN and infinities, where the gradient is 0; integers stay as they are.
 *
 * @param nan default 0
 * @param positive for Infinity, default the largest finite number of the dtype
 * @param negative for -Infinity, default the smallest
 * @example nanToNum(tensor([NaN, Infinity, 1]), 0, 9).toArray() // [0, 9, 1]
 */
export function nanToNum(
  x: Tensor,
  nan = 0,
  positive: number | null = null,
  negative: number | null = null,
): Tensor {
  checkedTensor("nanToNum", x);
  const largest = x.dtype === "float64" ? Number.MAX_VALUE : LARGEST_FLOAT32;
  const [high, low] = [positive ?? largest, negative ?? -largest];
  for (const [name, value] of Object.entries({ nan, positive: high, negative: low })) {
    checkNumber("nanToNum", name, value);
  }
  if (!isFloating(x.dtype)) return x;
  const finite = where(equal(x, Number.POSITIVE_INFINITY), high, where(isNaN(x), nan, x));
  return where(equal(x, Number.NEGATIVE_INFINITY), low, finite);
}

const LARGEST_FLOAT32 = (2 - 2 ** -23) * 2 ** 127;

/** Absolute value; gradient 0 at 0. */
export const abs: UnaryFunction = onCountables(ROWS.abs);

/** x times x. */
export const square: UnaryFunction = onCountables(ROWS.square);

/** 1 / x. */
export const reciprocal: UnaryFunction = onFloats(ROWS.reciprocal);

/** 1 / sqrt(x). */
export const rsqrt: UnaryFunction = onFloats(ROWS.rsqrt);
