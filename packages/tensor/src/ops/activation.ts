// Activation functions, each defined by a composition that a backend may replace by one kernel, and the
// gradients of those that have a kernel for it. Read next: reduction.ts.

import { apply, NONE } from "../apply.ts";
import { checkNumber } from "../arguments.ts";
import { countable, type FusedRow, fused, rows, unary } from "../op.ts";
import type { Tensor } from "../tensor.ts";
import {
  abs,
  add,
  div,
  erf,
  exp,
  expm1,
  greater,
  less,
  log1p,
  minimum,
  mul,
  neg,
  sub,
  tanh,
  where,
} from "./elementwise.ts";
import { checkedTensor, floatingTensor, onFloats, type UnaryFunction } from "./operands.ts";

interface Rows {
  readonly sigmoid: FusedRow;
  readonly relu: FusedRow;
  readonly softplus: FusedRow;
  readonly gelu: FusedRow;
  readonly geluTanh: FusedRow;
  readonly silu: FusedRow;
  readonly elu: FusedRow<{ readonly alpha: number }>;
  readonly leakyRelu: FusedRow<{ readonly slope: number }>;
  readonly sigmoidGrad: FusedRow;
  readonly tanhGrad: FusedRow;
  readonly reluGrad: FusedRow;
  readonly geluGrad: FusedRow;
  readonly geluTanhGrad: FusedRow;
  readonly siluGrad: FusedRow;
}

const SOFTPLUS_LINEAR_ABOVE = 20;
const ONE_OVER_SQRT_2_PI = 1 / Math.sqrt(2 * Math.PI);
const SQRT_2_OVER_PI = Math.sqrt(2 / Math.PI);
const GELU_CUBIC = 0.044715;

const ROWS: Rows = rows<Rows>({
  // The exponential is only taken of negative numbers, so it cannot overflow.
  sigmoid: fused(unary("1 / (1 + e^-x)"), ([x]) => {
    const decay = exp(neg(abs(x!)));
    const high = div(1, add(1, decay));
    return where(less(x!, 0), mul(decay, high), high);
  }),
  // `where` rather than `maximum`, so that the gradient at 0 is 0.
  relu: fused(unary("x where positive, else 0", countable), ([x]) =>
    where(less(x!, 0), 0, where(greater(x!, 0), x!, mul(x!, 0))),
  ),
  softplus: fused(unary("log(1 + e^x), x above 20"), ([x]) =>
    where(greater(x!, SOFTPLUS_LINEAR_ABOVE), x!, log1p(exp(minimum(x!, SOFTPLUS_LINEAR_ABOVE)))),
  ),
  gelu: fused(unary("x Phi(x)"), ([x]) => mul(mul(x!, 0.5), add(erf(mul(x!, Math.SQRT1_2)), 1))),
  geluTanh: fused(unary("gelu by its tanh approximation"), ([x]) => {
    const inner = mul(mul(x!, SQRT_2_OVER_PI), add(mul(mul(x!, x!), GELU_CUBIC), 1));
    return mul(mul(x!, 0.5), add(tanh(inner), 1));
  }),
  silu: fused(unary("x sigmoid(x)"), ([x]) => mul(x!, sigmoid(x!))),
  elu: fused(unary("x where positive, else alpha (e^x - 1)"), ([x], { alpha }) =>
    where(greater(x!, 0), x!, mul(expm1(minimum(x!, 0)), alpha)),
  ),
  leakyRelu: fused(unary("x where positive, else slope x"), ([x], { slope }) =>
    where(greater(x!, 0), x!, mul(x!, slope)),
  ),

  sigmoidGrad: fused(unary("gradient of sigmoid from (gradient, output): g y (1 - y)"), ([g, y]) =>
    mul(g!, mul(y!, sub(1, y!))),
  ),
  tanhGrad: fused(unary("gradient of tanh from (gradient, output): g (1 - y^2)"), ([g, y]) =>
    mul(g!, sub(1, mul(y!, y!))),
  ),
  reluGrad: fused(unary("gradient of relu from (gradient, output): g where y is positive"), ([g, y]) =>
    where(greater(y!, 0), g!, 0),
  ),
  geluGrad: fused(unary("gradient of gelu from (gradient, input): g (Phi(x) + x phi(x))"), ([g, x]) => {
    const cumulative = mul(add(erf(mul(x!, Math.SQRT1_2)), 1), 0.5);
    const density = mul(exp(mul(mul(x!, x!), -0.5)), ONE_OVER_SQRT_2_PI);
    return mul(g!, add(cumulative, mul(x!, density)));
  }),
  // With t = tanh(u(x)): g ((1 + t) / 2 + x (1 - t^2) u'(x) / 2).
  geluTanhGrad: fused(unary("gradient of geluTanh from (gradient, input)"), ([g, x]) => {
    const squared = mul(x!, x!);
    const t = tanh(mul(mul(x!, SQRT_2_OVER_PI), add(mul(squared, GELU_CUBIC), 1)));
    const slope = mul(add(mul(squared, 3 * GELU_CUBIC), 1), SQRT_2_OVER_PI);
    const bend = mul(mul(x!, sub(1, mul(t, t))), slope);
    return mul(g!, mul(add(add(t, 1), bend), 0.5));
  }),
  // With s = sigmoid(x): g s (1 + x (1 - s)).
  siluGrad: fused(unary("gradient of silu from (gradient, input)"), ([g, x]) => {
    const s = sigmoid(x!);
    return mul(g!, mul(s, add(mul(x!, sub(1, s)), 1)));
  }),
});
export default ROWS;

/** 1 / (1 + e^-x), without overflow on either side. */
export const sigmoid: UnaryFunction = onFloats(ROWS.sigmoid);

/**
 * x where positive, else 0; NaN stays. Gradient 0 at 0, as in PyTorch.
 *
 * @example relu(tensor([-1, 2])).toArray() // [0, 2]
 */
export function relu(x: Tensor): Tensor {
  return apply(ROWS.relu, [x], NONE);
}

/** log(1 + e^x), and x itself above 20, as in PyTorch. */
export const softplus: UnaryFunction = onFloats(ROWS.softplus);

/** Gaussian error linear unit, exact form x Phi(x). Hendrycks and Gimpel 2016. */
export const gelu: UnaryFunction = onFloats(ROWS.gelu);

/** Gaussian error linear unit by its tanh approximation, PyTorch's `approximate="tanh"`. */
export const geluTanh: UnaryFunction = onFloats(ROWS.geluTanh);

/** x sigmoid(x), also called swish. */
export const silu: UnaryFunction = onFloats(ROWS.silu);

/**
 * x where positive, else alpha (e^x - 1).
 *
 * @param alpha limit below, default 1
 */
export function elu(x: Tensor, alpha = 1): Tensor {
  checkedTensor("elu", x);
  checkNumber("elu", "alpha", alpha);
  return apply(ROWS.elu, [floatingTensor(x)], { alpha });
}

/**
 * x where positive, else slope x.
 *
 * @param slope default 0.01
 * @example leakyRelu(tensor([-2, 2]), 0.5).toArray() // [-1, 2]
 */
export function leakyRelu(x: Tensor, slope = 0.01): Tensor {
  checkedTensor("leakyRelu", x);
  checkNumber("leakyRelu", "slope", slope);
  return apply(ROWS.leakyRelu, [floatingTensor(x)], { slope });
}

/**
 * x pulled towards 0 by lambda, and 0 within it.
 *
 * @param lambda default 0.5
 * @example softshrink(tensor([-2, 0.25, 2])).toArray() // [-1.5, 0, 1.5]
 */
export function softshrink(x: Tensor, lambda = 0.5): Tensor {
  return where(greater(x, lambda), sub(x, lambda), where(less(x, -lambda), add(x, lambda), mul(x, 0)));
}

/** x - tanh(x). */
export function tanhshrink(x: Tensor): Tensor {
  return sub(x, tanh(x));
}
