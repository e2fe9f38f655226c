// Activation functions, each defined by a composition that a backend may replace by one kernel.

import { applyFused, type Definition, NONE } from "../apply.ts";
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
import { floatingTensor } from "./operands.ts";

/** Definition of `sigmoid`: the exponential is only taken of negative numbers, so it cannot overflow. */
export const defineSigmoid: Definition<"sigmoid"> = ([x]) => {
  const decay = exp(neg(abs(x!)));
  const high = div(1, add(1, decay));
  return where(less(x!, 0), mul(decay, high), high);
};

/** 1 / (1 + e^-x), without overflow on either side. */
export function sigmoid(x: Tensor): Tensor {
  return applyFused("sigmoid", [floatingTensor(x)], NONE, defineSigmoid);
}

/** Definition of `sigmoidGrad`: g y (1 - y). */
export const defineSigmoidGrad: Definition<"sigmoidGrad"> = ([g, y]) => mul(g!, mul(y!, sub(1, y!)));

/** Gradient of sigmoid from the gradient and the output of the forward pass. */
export function sigmoidGrad(gradient: Tensor, output: Tensor): Tensor {
  return applyFused("sigmoidGrad", [gradient, output], NONE, defineSigmoidGrad);
}

/** Definition of `tanhGrad`: g (1 - y^2). */
export const defineTanhGrad: Definition<"tanhGrad"> = ([g, y]) => mul(g!, sub(1, mul(y!, y!)));

/** Gradient of tanh from the gradient and the output of the forward pass. */
export function tanhGrad(gradient: Tensor, output: Tensor): Tensor {
  return applyFused("tanhGrad", [gradient, output], NONE, defineTanhGrad);
}

/** Definition of `relu`; `where` rather than `maximum`, so that the gradient at 0 is 0. */
export const defineRelu: Definition<"relu"> = ([x]) =>
  where(less(x!, 0), 0, where(greater(x!, 0), x!, mul(x!, 0)));

/**
 * x where positive, else 0; NaN stays. Gradient 0 at 0, as in PyTorch.
 *
 * @example relu(tensor([-1, 2])).toArray() // [0, 2]
 */
export function relu(x: Tensor): Tensor {
  return applyFused("relu", [x], NONE, defineRelu);
}

/** Definition of `reluGrad`: g where the output is positive, else 0. */
export const defineReluGrad: Definition<"reluGrad"> = ([g, y]) => where(greater(y!, 0), g!, 0);

/** Gradient of relu from the gradient and the output of the forward pass. */
export function reluGrad(gradient: Tensor, output: Tensor): Tensor {
  return applyFused("reluGrad", [gradient, output], NONE, defineReluGrad);
}

const SOFTPLUS_LINEAR_ABOVE = 20;

/** Definition of `softplus`. */
export const defineSoftplus: Definition<"softplus"> = ([x]) =>
  where(greater(x!, SOFTPLUS_LINEAR_ABOVE), x!, log1p(exp(minimum(x!, SOFTPLUS_LINEAR_ABOVE))));

/** log(1 + e^x), and x itself above 20, as in PyTorch. */
export function softplus(x: Tensor): Tensor {
  return applyFused("softplus", [floatingTensor(x)], NONE, defineSoftplus);
}

/** Definition of `gelu`: x Phi(x). Hendrycks and Gimpel 2016. */
export const defineGelu: Definition<"gelu"> = ([x]) => mul(mul(x!, 0.5), add(erf(mul(x!, Math.SQRT1_2)), 1));

/** Gaussian error linear unit, exact form x Phi(x). Hendrycks and Gimpel 2016. */
export function gelu(x: Tensor): Tensor {
  return applyFused("gelu", [floatingTensor(x)], NONE, defineGelu);
}

const ONE_OVER_SQRT_2_PI = 1 / Math.sqrt(2 * Math.PI);

/** Definition of `geluGrad`: g (Phi(x) + x phi(x)). */
export const defineGeluGrad: Definition<"geluGrad"> = ([g, x]) => {
  const cumulative = mul(add(erf(mul(x!, Math.SQRT1_2)), 1), 0.5);
  const density = mul(exp(mul(mul(x!, x!), -0.5)), ONE_OVER_SQRT_2_PI);
  return mul(g!, add(cumulative, mul(x!, density)));
};

/** Gradient of gelu from the gradient and the input of the forward pass. */
export function geluGrad(gradient: Tensor, input: Tensor): Tensor {
  return applyFused("geluGrad", [gradient, input], NONE, defineGeluGrad);
}

const GELU_CUBIC = 0.044715;
const SQRT_2_OVER_PI = Math.sqrt(2 / Math.PI);

/** Definition of `geluTanh`. */
export const defineGeluTanh: Definition<"geluTanh"> = ([x]) => {
  const inner = mul(mul(x!, SQRT_2_OVER_PI), add(mul(mul(x!, x!), GELU_CUBIC), 1));
  return mul(mul(x!, 0.5), add(tanh(inner), 1));
};

/** Definition of `geluTanhGrad`: with t = tanh(u(x)), g ((1 + t) / 2 + x (1 - t^2) u'(x) / 2). */
export const defineGeluTanhGrad: Definition<"geluTanhGrad"> = ([g, x]) => {
  const squared = mul(x!, x!);
  const t = tanh(mul(mul(x!, SQRT_2_OVER_PI), add(mul(squared, GELU_CUBIC), 1)));
  const slope = mul(add(mul(squared, 3 * GELU_CUBIC), 1), SQRT_2_OVER_PI);
  const bend = mul(mul(x!, sub(1, mul(t, t))), slope);
  return mul(g!, mul(add(add(t, 1), bend), 0.5));
};

/** Gradient of geluTanh from the gradient and the input of the forward pass. */
export function geluTanhGrad(gradient: Tensor, input: Tensor): Tensor {
  return applyFused("geluTanhGrad", [gradient, input], NONE, defineGeluTanhGrad);
}

/** Gaussian error linear unit by its tanh approximation, PyTorch's `approximate="tanh"`. */
export function geluTanh(x: Tensor): Tensor {
  return applyFused("geluTanh", [floatingTensor(x)], NONE, defineGeluTanh);
}

/** Definition of `silu`. */
export const defineSilu: Definition<"silu"> = ([x]) => mul(x!, sigmoid(x!));

/** x sigmoid(x), also called swish. */
export function silu(x: Tensor): Tensor {
  return applyFused("silu", [floatingTensor(x)], NONE, defineSilu);
}

/** Definition of `siluGrad`: with s = sigmoid(x), g s (1 + x (1 - s)). */
export const defineSiluGrad: Definition<"siluGrad"> = ([g, x]) => {
  const s = sigmoid(x!);
  return mul(g!, mul(s, add(mul(x!, sub(1, s)), 1)));
};

/** Gradient of silu from the gradient and the input of the forward pass. */
export function siluGrad(gradient: Tensor, input: Tensor): Tensor {
  return applyFused("siluGrad", [gradient, input], NONE, defineSiluGrad);
}

/** Definition of `elu`. */
export const defineElu: Definition<"elu"> = ([x], { alpha }) =>
  where(greater(x!, 0), x!, mul(expm1(minimum(x!, 0)), alpha));

/**
 * x where positive, else alpha (e^x - 1).
 *
 * @param alpha limit below, default 1
 */
export function elu(x: Tensor, alpha = 1): Tensor {
  return applyFused("elu", [floatingTensor(x)], { alpha }, defineElu);
}

/** Definition of `leakyRelu`. */
export const defineLeakyRelu: Definition<"leakyRelu"> = ([x], { slope }) =>
  where(greater(x!, 0), x!, mul(x!, slope));

/**
 * x where positive, else slope x.
 *
 * @param slope default 0.01
 * @example leakyRelu(tensor([-2, 2]), 0.5).toArray() // [-1, 2]
 */
export function leakyRelu(x: Tensor, slope = 0.01): Tensor {
  return applyFused("leakyRelu", [floatingTensor(x)], { slope }, defineLeakyRelu);
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
