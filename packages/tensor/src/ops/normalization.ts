// Softmax and the norms, each defined by a composition that a backend may replace by one kernel, and their
// gradients.

import { apply, scalar } from "../apply.ts";
import { checkNumber, wrongArgument } from "../arguments.ts";
import { toFloating } from "../dtype.ts";
import { ShapeError } from "../errors.ts";
import { type FusedRow, floating, fused, type Rule, rows, unary } from "../op.ts";
import type { AxisParams } from "../op-params.ts";
import { formatShape, normalizeAxis, sameShape } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { alongAxis } from "./along-axis.ts";
import { add, div, equal, exp, log, mul, rsqrt, square, sub, where } from "./elementwise.ts";
import { alike, checkedTensor, floatingTensor } from "./operands.ts";
import { max, mean, sum } from "./reduction.ts";
import { broadcastTo } from "./shaping.ts";

interface NormParams {
  /** Added to the mean square or variance. */
  readonly epsilon: number;
}

interface Rows {
  readonly softmax: FusedRow<AxisParams>;
  readonly softmaxGrad: FusedRow<AxisParams>;
  readonly logSoftmax: FusedRow<AxisParams>;
  readonly logSoftmaxGrad: FusedRow<AxisParams>;
  readonly rmsNorm: FusedRow<NormParams>;
  readonly rmsNormGrad: FusedRow<NormParams>;
  readonly rmsNormWeightGrad: FusedRow<NormParams>;
  readonly layerNorm: FusedRow<NormParams>;
  readonly layerNormGrad: FusedRow<NormParams>;
  readonly layerNormWeightGrad: FusedRow<NormParams>;
}

/** Rule of a gradient that is summed over all rows: [.., D] -> [D]. */
const lastAxis = (meaning: string): Rule<unknown> => ({
  meaning,
  shape: ([x]) => x!.shape.slice(-1),
  dtype: floating,
});

const ROWS: Rows = rows<Rows>({
  softmax: fused(unary("e^x over its sum along an axis"), ([x], { axis }) => {
    const weights = exp(shifted(x!, axis));
    return div(weights, sum(weights, axis, true));
  }),
  // With y = softmax(x), dL/dx = y (g - sum(g y)).
  softmaxGrad: fused(unary("gradient of softmax from (gradient, output)"), ([g, y], { axis }) =>
    mul(y!, sub(g!, sum(mul(g!, y!), axis, true))),
  ),
  logSoftmax: fused(unary("logarithm of softmax"), ([x], { axis }) => {
    const low = shifted(x!, axis);
    return sub(low, log(sum(exp(low), axis, true)));
  }),
  // With y = logSoftmax(x), dL/dx = g - e^y sum(g).
  logSoftmaxGrad: fused(unary("gradient of logSoftmax from (gradient, output)"), ([g, y], { axis }) =>
    sub(g!, mul(exp(y!), sum(g!, axis, true))),
  ),

  rmsNorm: fused(
    unary("x over its root mean square along the last axis, times a weight"),
    ([x, weight], { epsilon }) => mul(mul(x!, overRms(x!, epsilon)), weight!),
  ),
  // With r = 1 / rms(x) and h = g w: r h - x r^3 mean(h x).
  rmsNormGrad: fused(
    unary("gradient of rmsNorm's input from (gradient, input, weight)"),
    ([g, x, weight], { epsilon }) => {
      const r = overRms(x!, epsilon);
      const h = mul(g!, weight!);
      const along = mul(mean(mul(h, x!), -1, true), mul(square(r), r));
      return sub(mul(h, r), mul(x!, along));
    },
  ),
  // The sum over rows of g times the normalised x.
  rmsNormWeightGrad: fused(
    lastAxis("gradient of rmsNorm's weight from (gradient, input)"),
    ([g, x], { epsilon }) => sum(mul(g!, mul(x!, overRms(x!, epsilon))), leading(x!)),
  ),

  layerNorm: fused(
    unary("x standardised along the last axis, times a weight, plus a bias"),
    ([x, weight, bias], { epsilon }) => add(mul(standardized(x!, epsilon)[0], weight!), bias!),
  ),
  // With z the standardised x and h = g w: r (h - mean(h) - z mean(h z)).
  layerNormGrad: fused(
    unary("gradient of layerNorm's input from (gradient, input, weight)"),
    ([g, x, weight], { epsilon }) => {
      const [z, r] = standardized(x!, epsilon);
      const h = mul(g!, weight!);
      const along = mul(z, mean(mul(h, z), -1, true));
      return mul(sub(sub(h, mean(h, -1, true)), along), r);
    },
  ),
  // The sum over rows of g times the standardised x.
  layerNormWeightGrad: fused(
    lastAxis("gradient of layerNorm's weight from (gradient, input)"),
    ([g, x], { epsilon }) => sum(mul(g!, standardized(x!, epsilon)[0]), leading(x!)),
  ),
});
export default ROWS;

/**
 * x minus its maximum along an axis; a maximum of -Infinity counts as 0, so that a row of nothing else gives NaN from
 * 0 / 0 and not from the subtraction. Infinity in a row makes the whole row NaN, as in PyTorch.
 */
function shifted(x: Tensor, axis: number): Tensor {
  if (x.shape[axis] === 0) return x;
  const top = max(x, axis, true);
  return sub(x, where(equal(top, -Infinity), 0, top));
}

/**
 * e^x over its sum along an axis. Entries of -Infinity get weight 0; a row of nothing else gives NaN, as in PyTorch.
 *
 * @param axis default the last one
 * @example softmax(zeros([2, 4])).toArray()[0] // [0.25, 0.25, 0.25, 0.25]
 */
export function softmax(x: Tensor, axis = -1): Tensor {
  return alongAxis("softmax", x, axis, (y, at) => apply(ROWS.softmax, [floatingTensor(y)], { axis: at }));
}

/**
 * Logarithm of softmax along an axis, without forming the softmax.
 *
 * @param axis default the last one
 * @example logSoftmax(tensor([0, -Infinity])).toArray() // [0, -Infinity]
 */
export function logSoftmax(x: Tensor, axis = -1): Tensor {
  return alongAxis("logSoftmax", x, axis, (y, at) =>
    apply(ROWS.logSoftmax, [floatingTensor(y)], { axis: at }),
  );
}

/** Refuses options in the place of tensors, and x of rank 0. */
function checkNorm(
  op: string,
  x: Tensor,
  parameters: Readonly<Record<string, Tensor | null>>,
  epsilon: number,
): void {
  checkedTensor(op, x);
  for (const name in parameters) {
    const value = parameters[name];
    if (value !== null && value?.storage === undefined) {
      throw wrongArgument(op, name, "a tensor or null", value);
    }
  }
  checkNumber(op, "epsilon", epsilon);
  normalizeAxis(op, -1, x.rank);
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
  checkNorm("rmsNorm", x, { weight }, epsilon);
  const inputs = alike([x, affine("rmsNorm", "weight", x, weight, 1)], "float32");
  return apply(ROWS.rmsNorm, inputs, { epsilon });
}

/** 1 over the root mean square of the last axis. */
function overRms(x: Tensor, epsilon: number): Tensor {
  return rsqrt(add(mean(square(x), -1, true), epsilon));
}

/** All leading axes, those a norm's weight is shared along. */
const leading = (x: Tensor): number[] => x.shape.slice(1).map((_, i) => i);

/** x less its mean, over its standard deviation, and 1 over that deviation. */
function standardized(x: Tensor, epsilon: number): [Tensor, Tensor] {
  const rough = sub(x, mean(x, -1, true));
  const centred = sub(rough, mean(rough, -1, true)); // the mean was rounded, see `variance`
  const r = rsqrt(add(mean(square(centred), -1, true), epsilon));
  return [mul(centred, r), r];
}

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
  checkNorm("layerNorm", x, { weight, bias }, epsilon);
  const scale = affine("layerNorm", "weight", x, weight, 1);
  const shift = affine("layerNorm", "bias", x, bias, 0);
  return apply(ROWS.layerNorm, alike([x, scale, shift], "float32"), { epsilon });
}
