// Gradient rules of the ops that treat each element alone: g is the gradient of the output y, x or a and b are the inputs.

import {
  add,
  cast,
  cos,
  cosh,
  div,
  equal,
  exp,
  greaterEqual,
  isFinite,
  less,
  log,
  logicalAnd,
  mul,
  neg,
  pow,
  round,
  sign,
  sin,
  sinh,
  sqrt,
  square,
  sub,
  type Tensor,
  where,
} from "@echo-ts/tensor";
import { apply, NONE, OPS, type OpOf } from "@echo-ts/tensor/internal";
import { sumTo, type Vjps, zerosOf } from "./rule.ts";

const TWO_OVER_SQRT_PI = 2 / Math.sqrt(Math.PI);

/** g where a wins over b, half of it where they tie, as in PyTorch; `aLoses` is a < b or a > b. */
function winner(g: Tensor, a: Tensor, b: Tensor, aLoses: Tensor): Tensor {
  return where(aLoses, 0, where(equal(a, b), mul(g, 0.5), g));
}

// Where a rule leaves a value out, what computes it gets other operands there too: its own derivatives would be NaN.

/** d(a^b)/da, which is 0 for b = 0 even at a = 0. */
function powBase(g: Tensor, a: Tensor, b: Tensor): Tensor {
  const constant = equal(b, 0);
  return where(constant, 0, mul(g, mul(b, pow(a, where(constant, 0, sub(b, 1))))));
}

/** d(a^b)/db, which is 0 at a = 0 for b >= 0, where log(a) is not finite. */
function powExponent(g: Tensor, y: Tensor, a: Tensor, b: Tensor): Tensor {
  const flat = logicalAnd(equal(a, 0), greaterEqual(b, 0));
  return where(flat, 0, mul(g, mul(y, log(where(flat, 1, a)))));
}

/** a / b rounded down, as the remainder y of the division has it: the quotient itself may round up to the next integer. */
function wholeQuotient(a: Tensor, b: Tensor, y: Tensor): Tensor {
  const byInfinity = where(equal(a, y), 0, -1);
  return where(isFinite(b), round(div(sub(a, y), b)), byInfinity);
}

/** sqrt((1 - x) (1 + x)), exact near -1 and 1. */
function cosineOf(x: Tensor): Tensor {
  return sqrt(mul(sub(1, x), add(x, 1)));
}

/** Rules of the elementwise ops. */
export const ELEMENTWISE_VJPS: Vjps<OpOf<"elementwise" | "operands" | "transcendental" | "division">> = {
  neg: (g) => [neg(g)],
  exp: (g, { output: y }) => [mul(g, y)],
  expm1: (g, { output: y }) => [mul(g, add(y, 1))],
  log: (g, { inputs: [x] }) => [div(g, x!)],
  log1p: (g, { inputs: [x] }) => [div(g, add(x!, 1))],
  sqrt: (g, { output: y }) => [div(g, mul(y, 2))],
  sin: (g, { inputs: [x] }) => [mul(g, cos(x!))],
  cos: (g, { inputs: [x] }) => [neg(mul(g, sin(x!)))],
  tanh: (g, { output: y }) => [apply(OPS.tanhGrad, [g, y], NONE)],
  erf: (g, { inputs: [x] }) => [mul(g, mul(exp(neg(square(x!))), TWO_OVER_SQRT_PI))],
  floor: (_g, { output: y }) => [zerosOf(y)],
  round: (_g, { output: y }) => [zerosOf(y)],
  asin: (g, { inputs: [x] }) => [div(g, cosineOf(x!))],
  acos: (g, { inputs: [x] }) => [neg(div(g, cosineOf(x!)))],
  atan: (g, { inputs: [x] }) => [div(g, add(square(x!), 1))],
  sinh: (g, { inputs: [x] }) => [mul(g, cosh(x!))],
  cosh: (g, { inputs: [x] }) => [mul(g, sinh(x!))],
  asinh: (g, { inputs: [x] }) => [div(g, sqrt(add(square(x!), 1)))],
  acosh: (g, { inputs: [x] }) => [div(g, sqrt(mul(sub(x!, 1), add(x!, 1))))],
  atanh: (g, { inputs: [x] }) => [div(g, mul(sub(1, x!), add(x!, 1)))],
  log2: (g, { inputs: [x] }) => [div(g, mul(x!, Math.LN2))],
  abs: (g, { inputs: [x] }) => [mul(g, sign(x!))],
  square: (g, { inputs: [x] }) => [mul(g, mul(x!, 2))],
  reciprocal: (g, { output: y }) => [neg(mul(g, square(y)))],
  rsqrt: (g, { output: y }) => [mul(g, mul(mul(square(y), y), -0.5))],
  cast: (g, { inputs: [x] }) => [cast(g, x!.dtype)],

  add: (g, { inputs: [a, b] }, needs) => [
    needs[0] ? sumTo(g, a!.shape) : null,
    needs[1] ? sumTo(g, b!.shape) : null,
  ],
  sub: (g, { inputs: [a, b] }, needs) => [
    needs[0] ? sumTo(g, a!.shape) : null,
    needs[1] ? neg(sumTo(g, b!.shape)) : null,
  ],
  mul: (g, { inputs: [a, b] }, needs) => [
    needs[0] ? sumTo(mul(g, b!), a!.shape) : null,
    needs[1] ? sumTo(mul(g, a!), b!.shape) : null,
  ],
  div: (g, { output: y, inputs: [a, b] }, needs) => [
    needs[0] ? sumTo(div(g, b!), a!.shape) : null,
    needs[1] ? sumTo(neg(div(mul(g, y), b!)), b!.shape) : null,
  ],
  pow: (g, { output: y, inputs: [a, b] }, needs) => [
    needs[0] ? sumTo(powBase(g, a!, b!), a!.shape) : null,
    needs[1] ? sumTo(powExponent(g, y, a!, b!), b!.shape) : null,
  ],
  mod: (g, { output: y, inputs: [a, b] }, needs) => [
    needs[0] ? sumTo(g, a!.shape) : null,
    needs[1] ? sumTo(neg(mul(g, wholeQuotient(a!, b!, y))), b!.shape) : null,
  ],
  floorDivide: (_g, { inputs: [a, b] }) => [zerosOf(a!), zerosOf(b!)],
  fmod: (g, { output: y, inputs: [a, b] }, needs) => [
    needs[0] ? sumTo(g, a!.shape) : null,
    // a = quotient b + y, with a whole quotient: rounded, because a - y is not exact.
    needs[1] ? sumTo(neg(mul(g, round(div(sub(a!, y), b!)))), b!.shape) : null,
  ],
  atan2: (g, { inputs: [a, b] }, needs) => {
    // At the origin, and where the squares underflow, the angle has no slope to speak of: 0, as in PyTorch.
    const squares = add(square(a!), square(b!));
    const none = equal(squares, 0);
    const scaled = where(none, 0, div(g, where(none, 1, squares)));
    return [
      needs[0] ? sumTo(mul(scaled, b!), a!.shape) : null,
      needs[1] ? sumTo(neg(mul(scaled, a!)), b!.shape) : null,
    ];
  },
  maximum: (g, { inputs: [a, b] }, needs) => [
    needs[0] ? sumTo(winner(g, a!, b!, less(a!, b!)), a!.shape) : null,
    needs[1] ? sumTo(winner(g, a!, b!, less(b!, a!)), b!.shape) : null,
  ],
  minimum: (g, { inputs: [a, b] }, needs) => [
    needs[0] ? sumTo(winner(g, a!, b!, less(b!, a!)), a!.shape) : null,
    needs[1] ? sumTo(winner(g, a!, b!, less(a!, b!)), b!.shape) : null,
  ],
  less: "none",
  equal: "none",
  where: (g, { inputs: [condition, a, b] }, needs) => [
    null,
    needs[1] ? sumTo(where(condition!, g, 0), a!.shape) : null,
    needs[2] ? sumTo(where(condition!, 0, g), b!.shape) : null,
  ],
};
