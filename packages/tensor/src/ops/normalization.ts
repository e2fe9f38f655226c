// Softmax and the norms, each defined by a composition that a backend may replace by one kernel.

import { applyFused, type Definition, scalar } from "../apply.ts";
import { toFloating } from "../dtype.ts";
import { ShapeError } from "../errors.ts";
import { formatShape, normalizeAxis, sameShape } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { add, div, exp, isFinite, log, mul, rsqrt, square, sub, where } from "./elementwise.ts";
import { alike, floatingTensor } from "./operands.ts";
import { max, mean, sum } from "./reduction.ts";
import { broadcastTo } from "./shaping.ts";

/** x minus its maximum along an axis; an infinite maximum counts as 0, so that a row of -Infinity gives NaN from 0 / 0 and not from the subtraction. */
function shifted(x: Tensor, axis: number): Tensor {
  if (x.shape[axis] === 0) return x;
  const top = max(x, axis, true);
  return sub(x, where(isFinite(top), top, 0));
}

/** Definition of `softmax`. */
export const defineSoftmax: Definition<"softmax"> = ([x], { axis }) => {
  const weights = exp(shifted(x!, axis));
  return div(weights, sum(weights, axis, true));
};

/**
 * e^x over its sum along an axis. Entries of -Infinity get weight 0; a row of nothing else gives NaN, as in PyTorch.
 *
 * @param axis default the last one
 * @example softmax(zeros([2, 4])).toArray()[0] // [0.25, 0.25, 0.25, 0.25]
 */
export function softmax(x: Tensor, axis = -1): Tensor {
  const params = { axis: normalizeAxis("softmax", axis, x.rank) };
  return applyFused("softmax", [floatingTensor(x)], params, defineSoftmax);
}

/** Definition of `softmaxGrad`: with y = softmax(x), dL/dx = y (g - sum(g y)). */
export const defineSoftmaxGrad: Definition<"softmaxGrad"> = ([gradient, output], { axis }) =>
  mul(output!, sub(gradient!, sum(mul(gradient!, output!), axis, true)));

/** Gradient of softmax from the gradient and the output of the forward pass. */
export function softmaxGrad(gradient: Tensor, output: Tensor, axis = -1): Tensor {
  const params = { axis: normalizeAxis("softmaxGrad", axis, output.rank) };
  return applyFused("softmaxGrad", alike([gradient, output], "float32"), params, defineSoftmaxGrad);
}

/** Definition of `logSoftmax`. */
export const defineLogSoftmax: Definition<"logSoftmax"> = ([x], { axis }) => {
  const low = shifted(x!, axis);
  return sub(low, log(sum(exp(low), axis, true)));
};

/**
 * Logarithm of softmax along an axis, without forming the softmax.
 *
 * @param axis default the last one
 * @example logSoftmax(tensor([0, -Infinity])).toArray() // [0, -Infinity]
 */
export function logSoftmax(x: Tensor, axis = -1): Tensor {
  const params = { axis: normalizeAxis("logSoftmax", axis, x.rank) };
  return applyFused("logSoftmax", [floatingTensor(x)], params, defineLogSoftmax);
}

/** Definition of `logSoftmaxGrad`: with y = logSoftmax(x), dL/dx = g - e^y sum(g). */
export const defineLogSoftmaxGrad: Definition<"logSoftmaxGrad"> = ([gradient, output], { axis }) =>
  sub(gradient!, mul(exp(output!), sum(gradient!, axis, true)));

/** Gradient of logSoftmax from the gradient and the output of the forward pass. */
export function logSoftmaxGrad(gradient: Tensor, output: Tensor, axis = -1): Tensor {
  const params = { axis: normalizeAxis("logSoftmaxGrad", axis, output.rank) };
  return applyFused("logSoftmaxGrad", alike([gradient, output], "float32"), params, defineLogSoftmaxGrad);
}

/** The parameter of a norm over the last axes of x, or `value` everywhere if there is none. */
function affine(op: string, name: string, x: Tensor, given: Tensor | null, value: number): Tensor {
  if (given === null) return broadcastTo(scalar(value, toFloating(x.dtype), x.backend), x.shape.slice(-1));
  const expected = x.shape.slice(-1);
  if (!sameShape(given.shape, expected)) {
    throw new ShapeError(
      `${op}: ${name} ${formatShape(given.shape)} does not fit input ${formatShape(x.shape)}, expected ${formatShape(expected)}`,
    );
  }
  return given;
}

/** Definition of `rmsNorm`. */
export const defineRmsNorm: Definition<"rmsNorm"> = ([x, weight], { epsilon }) =>
  mul(mul(x!, rsqrt(add(mean(square(x!), -1, true), epsilon))), weight!);

/**
 * x over its root mean square along the last axis, times a weight. Zhang and Sennrich 2019.
 *
 * x [.., D], weight [D] -> [.., D]
 *
 * @param weight default all ones
 * @param epsilon added to the mean square, default 1e-6
 * @throws ShapeError if x has rank 0 or the weight does not fit
 * @example rmsNorm(tensor([3, -3]), null, 0).toArray() // [1, -1]
 */
export function rmsNorm(x: Tensor, weight: Tensor | null = null, epsilon = 1e-6): Tensor {
  normalizeAxis("rmsNorm", -1, x.rank);
  const inputs = alike([x, affine("rmsNorm", "weight", x, weight, 1)], "float32");
  return applyFused("rmsNorm", inputs, { epsilon }, defineRmsNorm);
}

/** All leading axes, those a norm's weight is shared along. */
const leading = (x: Tensor): number[] => x.shape.slice(1).map((_, i) => i);

/** Definition of `rmsNormGrad`: with r = 1 / rms(x) and h = g w, r h - x r^3 mean(h x). */
export const defineRmsNormGrad: Definition<"rmsNormGrad"> = ([g, x, weight], { epsilon }) => {
  const r = rsqrt(add(mean(square(x!), -1, true), epsilon));
  const h = mul(g!, weight!);
  const along = mul(mean(mul(h, x!), -1, true), mul(square(r), r));
  return sub(mul(h, r), mul(x!, along));
};

/** Gradient of rmsNorm's input. g and x [.., D], weight [D] -> [.., D] */
export function rmsNormGrad(gradient: Tensor, x: Tensor, weight: Tensor, epsilon: number): Tensor {
  return applyFused("rmsNormGrad", [gradient, x, weight], { epsilon }, defineRmsNormGrad);
}

/** Definition of `rmsNormWeightGrad`: the sum over rows of g times the normalised x. */
export const defineRmsNormWeightGrad: Definition<"rmsNormWeightGrad"> = ([g, x], { epsilon }) =>
  sum(mul(g!, mul(x!, rsqrt(add(mean(square(x!), -1, true), epsilon)))), leading(x!));

/** Gradient of rmsNorm's weight. g and x [.., D] -> [D] */
export function rmsNormWeightGrad(gradient: Tensor, x: Tensor, epsilon: number): Tensor {
  return applyFused("rmsNormWeightGrad", [gradient, x], { epsilon }, defineRmsNormWeightGrad);
}

/** x less its mean, over its standard deviation, and 1 over that deviation. */
function standardized(x: Tensor, epsilon: number): [Tensor, Tensor] {
  const centred = sub(x, mean(x, -1, true));
  const r = rsqrt(add(mean(square(centred), -1, true), epsilon));
  return [mul(centred, r), r];
}

/** Definition of `layerNorm`. */
export const defineLayerNorm: Definition<"layerNorm"> = ([x, weight, bias], { epsilon }) =>
  add(mul(standardized(x!, epsilon)[0], weight!), bias!);

/**
 * x standardised along the last axis, times a weight, plus a bias. Ba, Kiros and Hinton 2016. To standardise
 * over several axes, flatten them first: `layerNorm(flatten(x, -2), ...)`.
 *
 * x [.., D], weight [D], bias [D] -> [.., D]
 *
 * @param weight default all ones
 * @param bias default all zeros
 * @param epsilon added to the variance, default 1e-5
 * @throws ShapeError if x has rank 0 or the weight or bias does not fit
 * @example layerNorm(tensor([1, 3]), null, null, 0).toArray() // [-1, 1]
 */
export function layerNorm(
  x: Tensor,
  weight: Tensor | null = null,
  bias: Tensor | null = null,
  epsilon = 1e-5,
): Tensor {
  normalizeAxis("layerNorm", -1, x.rank);
  const scale = affine("layerNorm", "weight", x, weight, 1);
  const shift = affine("layerNorm", "bias", x, bias, 0);
  return applyFused("layerNorm", alike([x, scale, shift], "float32"), { epsilon }, defineLayerNorm);
}

/** Definition of `layerNormGrad`: with z the standardised x and h = g w, r (h - mean(h) - z mean(h z)). */
export const defineLayerNormGrad: Definition<"layerNormGrad"> = ([g, x, weight], { epsilon }) => {
  const [z, r] = standardized(x!, epsilon);
  const h = mul(g!, weight!);
  const along = mul(z, mean(mul(h, z), -1, true));
  return mul(sub(sub(h, mean(h, -1, true)), along), r);
};

/** Gradient of layerNorm's input. g and x [.., D], weight [D] -> [.., D] */
export function layerNormGrad(gradient: Tensor, x: Tensor, weight: Tensor, epsilon: number): Tensor {
  return applyFused("layerNormGrad", [gradient, x, weight], { epsilon }, defineLayerNormGrad);
}

/** Definition of `layerNormWeightGrad`: the sum over rows of g times the standardised x. */
export const defineLayerNormWeightGrad: Definition<"layerNormWeightGrad"> = ([g, x], { epsilon }) =>
  sum(mul(g!, standardized(x!, epsilon)[0]), leading(x!));

/** Gradient of layerNorm's weight. g and x [.., D] -> [D] */
export function layerNormWeightGrad(gradient: Tensor, x: Tensor, epsilon: number): Tensor {
  return applyFused("layerNormWeightGrad", [gradient, x], { epsilon }, defineLayerNormWeightGrad);
}
