// Gradient rules of the fused ops, used where a backend computes them by a kernel. "composition" ops are
// differentiated through their definition.

import {
  add,
  cumsum,
  type FusedOp,
  flip,
  greater,
  linear,
  logSoftmaxGrad,
  matmul,
  mul,
  neg,
  reshape,
  rotatePairs,
  sigmoid,
  sign,
  slice,
  softmaxGrad,
  square,
  sub,
  sum,
  type Tensor,
  transpose,
  where,
} from "@echo-ts/tensor";
import { sumTo, type Vjps } from "./rule.ts";

const SOFTPLUS_LINEAR_ABOVE = 20;

/** All leading axes laid end to end: [.., D] -> [N, D]. */
function rows(x: Tensor): Tensor {
  const width = x.shape[x.rank - 1]!;
  let count = 1;
  for (let i = 0; i < x.rank - 1; i++) count *= x.shape[i]!;
  return x.rank === 2 ? x : reshape(x, [count, width]);
}

/** Every second channel of the last axis. */
function everySecond(x: Tensor, start: 0 | 1): Tensor {
  return slice(x, [...x.shape.slice(1).map(() => null), { start, step: 2 }]);
}

/** Rules of the fused ops. */
export const FUSED_VJPS: Vjps<Exclude<FusedOp, "minimum">> = {
  abs: (g, _y, [x]) => [mul(g, sign(x!))],
  square: (g, _y, [x]) => [mul(g, mul(x!, 2))],
  reciprocal: (g, y) => [neg(mul(g, square(y)))],
  rsqrt: (g, y) => [mul(g, mul(mul(square(y), y), -0.5))],
  sigmoid: (g, y) => [mul(g, mul(y, sub(1, y)))],
  relu: (g, y) => [where(greater(y, 0), g, 0)],
  softplus: (g, _y, [x]) => [where(greater(x!, SOFTPLUS_LINEAR_ABOVE), g, mul(g, sigmoid(x!)))],
  gelu: "composition",
  geluTanh: "composition",
  silu: "composition",
  elu: (g, y, [x], { alpha }) => [where(greater(x!, 0), g, mul(g, add(y, alpha)))],
  leakyRelu: (g, _y, [x], { slope }) => [where(greater(x!, 0), g, mul(g, slope))],
  cumsum: (g, _y, _x, { axis }) => [flip(cumsum(flip(g, axis), axis), axis)],
  softmax: (g, y, _x, { axis }) => [softmaxGrad(g, y, axis)],
  softmaxGrad: "composition",
  logSoftmax: (g, y, _x, { axis }) => [logSoftmaxGrad(g, y, axis)],
  logSoftmaxGrad: "composition",
  rmsNorm: "composition",
  layerNorm: "composition",
  linear: (g, _y, [x, weight], _p, needs) => [
    needs[0] ? linear(g, transpose(weight!)) : null,
    needs[1] ? matmul(transpose(rows(g)), rows(x!)) : null,
    needs[2] ? sum(rows(g), 0) : null,
  ],
  conv1d: "composition",
  rotatePairs: (g, _y, [x, cosine, sine], _p, needs) => {
    // Turning back is the adjoint of turning; the angles see each pair as a complex product.
    const dx = needs[0] ? rotatePairs(g, cosine!, neg(sine!)) : null;
    if (!needs[1] && !needs[2]) return [dx, null, null];
    const [a, b] = [everySecond(x!, 0), everySecond(x!, 1)];
    const [p, q] = [everySecond(g, 0), everySecond(g, 1)];
    return [
      dx,
      needs[1] ? sumTo(add(mul(p, a), mul(q, b)), cosine!.shape) : null,
      needs[2] ? sumTo(sub(mul(q, a), mul(p, b)), sine!.shape) : null,
    ];
  },
  attention: "composition",
  rfft: "composition",
  irfft: "composition",
};
