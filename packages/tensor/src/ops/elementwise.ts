// Ops that treat each element alone: arithmetic, comparison, choice. Broadcasting follows NumPy.

import { apply, applyFused, type Definition, NONE } from "../apply.ts";
import { checkDtype, type DType, isFloating } from "../dtype.ts";
import { ShapeError } from "../errors.ts";
import type { Primitive } from "../op-params.ts";
import type { Tensor } from "../tensor.ts";
import { beside, castTo, floatingTensor, pair, type TensorLike } from "./operands.ts";

type Unary = Extract<
  Primitive,
  "neg" | "exp" | "expm1" | "log" | "log1p" | "sqrt" | "sin" | "cos" | "tanh" | "erf" | "floor"
>;
type Binary = Extract<
  Primitive,
  "add" | "sub" | "mul" | "div" | "pow" | "mod" | "atan2" | "maximum" | "less" | "equal"
>;

const floatingUnary = (op: Unary, x: Tensor): Tensor => apply(op, [floatingTensor(x)], NONE);

function binary(op: Binary, a: TensorLike, b: TensorLike, least: DType): Tensor {
  return apply(op, pair(op, a, b, least), NONE);
}

/**
 * The same values in another dtype. Floats are truncated towards zero for int32; anything but 0 is true for bool. Shape in = shape out.
 *
 * @example cast(tensor([-1.7, 2.3]), "int32").toArray() // [-1, 2]
 */
export function cast(x: Tensor, dtype: DType): Tensor {
  checkDtype("cast", dtype);
  return castTo(x, dtype);
}

/** -x, elementwise; bool counts as int32. */
export function neg(x: Tensor): Tensor {
  return apply("neg", [x.dtype === "bool" ? castTo(x, "int32") : x], NONE);
}

/** e to the x, elementwise. */
export function exp(x: Tensor): Tensor {
  return floatingUnary("exp", x);
}

/** e to the x minus 1, exact for small x. */
export function expm1(x: Tensor): Tensor {
  return floatingUnary("expm1", x);
}

/** Natural logarithm; -Infinity at 0, NaN below. */
export function log(x: Tensor): Tensor {
  return floatingUnary("log", x);
}

/** log(1 + x), exact for small x. */
export function log1p(x: Tensor): Tensor {
  return floatingUnary("log1p", x);
}

/** Logarithm to base 10. */
export function log10(x: Tensor): Tensor {
  return mul(log(x), Math.LOG10E);
}

/** Square root; NaN below 0. */
export function sqrt(x: Tensor): Tensor {
  return floatingUnary("sqrt", x);
}

/** Sine of radians. */
export function sin(x: Tensor): Tensor {
  return floatingUnary("sin", x);
}

/** Cosine of radians. */
export function cos(x: Tensor): Tensor {
  return floatingUnary("cos", x);
}

/** Tangent of radians: sin / cos. */
export function tan(x: Tensor): Tensor {
  return div(sin(x), cos(x));
}

/** Hyperbolic tangent. */
export function tanh(x: Tensor): Tensor {
  return floatingUnary("tanh", x);
}

/** Error function, 2/sqrt(pi) times the integral of e^(-t^2) from 0 to x. */
export function erf(x: Tensor): Tensor {
  return floatingUnary("erf", x);
}

/** Largest integer not above x; the identity on int32 and bool. Gradient 0. */
export function floor(x: Tensor): Tensor {
  return isFloating(x.dtype) ? apply("floor", [x], NONE) : x;
}

/** Smallest integer not below x. Gradient 0. */
export function ceil(x: Tensor): Tensor {
  return isFloating(x.dtype) ? neg(floor(neg(x))) : x;
}

/**
 * Nearest integer, halves to the even neighbour as in NumPy. Gradient 0.
 *
 * @example round(tensor([0.5, 1.5, -2.5])).toArray() // [0, 2, -2]
 */
export function round(x: Tensor): Tensor {
  if (!isFloating(x.dtype)) return x;
  const low = floor(x);
  const rest = sub(x, low);
  const lowIsEven = equal(mul(floor(mul(low, 0.5)), 2), low);
  const up = logicalOr(greater(rest, 0.5), logicalAnd(equal(rest, 0.5), logicalNot(lowIsEven)));
  return where(isFinite(x), where(up, add(low, 1), low), x);
}

/** -1, 0 or 1 with the sign of x; NaN stays. Gradient 0. */
export function sign(x: Tensor): Tensor {
  const y = x.dtype === "bool" ? castTo(x, "int32") : x;
  return where(greater(y, 0), 1, where(less(y, 0), -1, mul(y, 0)));
}

/**
 * a + b with broadcasting; bool counts as int32.
 *
 * @example add(tensor([[1], [2]]), tensor([10, 20])).toArray() // [[11, 21], [12, 22]]
 */
export function add(a: TensorLike, b: TensorLike): Tensor {
  return binary("add", a, b, "int32");
}

/** a - b with broadcasting; bool counts as int32. */
export function sub(a: TensorLike, b: TensorLike): Tensor {
  return binary("sub", a, b, "int32");
}

/** a times b with broadcasting; bool counts as int32. */
export function mul(a: TensorLike, b: TensorLike): Tensor {
  return binary("mul", a, b, "int32");
}

/**
 * a / b with broadcasting; integers divide in float32.
 *
 * @example div(arange(3), 2).toArray() // [0, 0.5, 1]
 */
export function div(a: TensorLike, b: TensorLike): Tensor {
  return binary("div", a, b, "float32");
}

/**
 * a to the power b with broadcasting. Two integers give an int32: powers beyond it wrap, fractions become 0.
 *
 * @example pow(2, arange(4)).toArray() // [1, 2, 4, 8]
 */
export function pow(a: TensorLike, b: TensorLike): Tensor {
  return binary("pow", a, b, "int32");
}

/**
 * Remainder of a / b with the sign of b, as in NumPy and Python.
 *
 * @example mod(tensor([-7, 7]), 3).toArray() // [2, 1]
 */
export function mod(a: TensorLike, b: TensorLike): Tensor {
  return binary("mod", a, b, "int32");
}

/** Angle in radians of the point (x = b, y = a), in (-pi, pi]. */
export function atan2(a: TensorLike, b: TensorLike): Tensor {
  return binary("atan2", a, b, "float32");
}

/** The larger of a and b; NaN if either is. At ties the gradient is halved, as in PyTorch. */
export function maximum(a: TensorLike, b: TensorLike): Tensor {
  return binary("maximum", a, b, "bool");
}

/** x with its order reversed, and back: -x for floats, -1 - x for int32, which has no -(-2^31). */
export function reversed(x: Tensor): Tensor {
  return x.dtype === "int32" ? sub(-1, x) : neg(x);
}

/** Definition of `minimum`: the maximum with the order reversed. */
export const defineMinimum: Definition<"minimum"> = ([a, b]) =>
  a!.dtype === "bool" ? logicalAnd(a!, b!) : reversed(maximum(reversed(a!), reversed(b!)));

/** The smaller of a and b; NaN if either is. At ties the gradient is halved, as in PyTorch. */
export function minimum(a: TensorLike, b: TensorLike): Tensor {
  return applyFused("minimum", pair("minimum", a, b), NONE, defineMinimum);
}

/** a < b, bool. */
export function less(a: TensorLike, b: TensorLike): Tensor {
  return binary("less", a, b, "bool");
}

/**
 * a = b, bool; NaN equals nothing.
 *
 * @example equal(arange(3), 1).toArray() // [false, true, false]
 */
export function equal(a: TensorLike, b: TensorLike): Tensor {
  return binary("equal", a, b, "bool");
}

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
  return castTo(x, "bool");
}

/** True where x is 0 or false. */
export function logicalNot(x: Tensor): Tensor {
  return equal(truth(x), 0);
}

/** True where both are not 0. */
export function logicalAnd(a: Tensor, b: Tensor): Tensor {
  return equal(add(truth(a), truth(b)), 2);
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
  return isFloating(x.dtype) ? less(abs(x), Number.POSITIVE_INFINITY) : equal(x, x);
}

/**
 * a where the condition holds, else b; all three broadcast.
 *
 * @example where(greater(x, 0), x, 0)
 */
export function where(condition: Tensor, a: TensorLike, b: TensorLike): Tensor {
  const [p, q] =
    typeof a === "number" && typeof b === "number"
      ? pair("where", beside(a, castTo(condition, "float32")), b)
      : pair("where", a, b);
  return apply("where", [truth(condition), p, q], NONE);
}

/**
 * x with `value` wherever the mask holds; the mask broadcasts to x.
 *
 * @example maskedFill(tensor([1, 2]), tensor([true, false]), 0).toArray() // [0, 2]
 */
export function maskedFill(x: Tensor, mask: Tensor, value: number): Tensor {
  return where(mask, value, x);
}

/**
 * x limited to [min, max]; either may be left out. The gradient passes where min <= x <= max, as in PyTorch.
 *
 * @throws ShapeError if min is above max
 * @example clamp(tensor([-5, 0, 5]), -1, 1).toArray() // [-1, 0, 1]
 */
export function clamp(x: Tensor, min: number | null = null, max: number | null = null): Tensor {
  if (min !== null && max !== null && min > max) {
    throw new ShapeError(`clamp: min ${min} is above max ${max}`);
  }
  let out = x;
  if (min !== null) out = where(less(out, min), min, out);
  if (max !== null) out = where(greater(out, max), max, out);
  return out;
}

/** Definition of `abs`. */
export const defineAbs: Definition<"abs"> = ([x]) => maximum(x!, neg(x!));

/** Absolute value; gradient 0 at 0. */
export function abs(x: Tensor): Tensor {
  return applyFused("abs", [x.dtype === "bool" ? castTo(x, "int32") : x], NONE, defineAbs);
}

/** Definition of `square`. */
export const defineSquare: Definition<"square"> = ([x]) => mul(x!, x!);

/** x times x. */
export function square(x: Tensor): Tensor {
  return applyFused("square", [x.dtype === "bool" ? castTo(x, "int32") : x], NONE, defineSquare);
}

/** Definition of `reciprocal`. */
export const defineReciprocal: Definition<"reciprocal"> = ([x]) => div(1, x!);

/** 1 / x. */
export function reciprocal(x: Tensor): Tensor {
  return applyFused("reciprocal", [floatingTensor(x)], NONE, defineReciprocal);
}

/** Definition of `rsqrt`. */
export const defineRsqrt: Definition<"rsqrt"> = ([x]) => reciprocal(sqrt(x!));

/** 1 / sqrt(x). */
export function rsqrt(x: Tensor): Tensor {
  return applyFused("rsqrt", [floatingTensor(x)], NONE, defineRsqrt);
}
