// Gradient rules of the fused ops, used where a backend computes them by a kernel. "composition" ops are
// differentiated through their definition.

import {
  add,
  attentionGrad,
  attentionWeights,
  conv1d,
  conv1dInputGrad,
  conv1dWeightGrad,
  crossEntropyGrad,
  ctcLossGrad,
  cumsum,
  type FusedOp,
  flip,
  geluGrad,
  geluTanhGrad,
  greater,
  layerNormGrad,
  layerNormWeightGrad,
  linear,
  logSoftmaxGrad,
  matmul,
  mul,
  narrow,
  neg,
  reluGrad,
  reshape,
  rmsNormGrad,
  rmsNormWeightGrad,
  rotatePairs,
  sigmoid,
  sigmoidGrad,
  sign,
  siluGrad,
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

/** Gradients of attention's q, k and v from that of its output: views of one result. */
function attentionGradients(
  g: Tensor,
  [q, k, v, weights]: readonly Tensor[],
  scale: number,
  needs: readonly boolean[],
): (Tensor | null)[] {
  if (!needs[0] && !needs[1]) return [null, null, matmul(transpose(weights!), g)];
  const together = attentionGrad(g, q!, k!, v!, weights!, scale);
  let start = 0;
  return [q!, k!, v!].map((x) => {
    const length = x.shape[x.rank - 2]! * x.shape[x.rank - 1]!;
    const part = reshape(narrow(together, together.rank - 1, start, length), x.shape);
    start += length;
    return part;
  });
}

/** Rules of the fused ops. */
export const FUSED_VJPS: Vjps<Exclude<FusedOp, "minimum">> = {
  abs: (g, _y, [x]) => [mul(g, sign(x!))],
  square: (g, _y, [x]) => [mul(g, mul(x!, 2))],
  reciprocal: (g, y) => [neg(mul(g, square(y)))],
  rsqrt: (g, y) => [mul(g, mul(mul(square(y), y), -0.5))],
  sigmoid: (g, y) => [sigmoidGrad(g, y)],
  relu: (g, y) => [reluGrad(g, y)],
  softplus: (g, _y, [x]) => [where(greater(x!, SOFTPLUS_LINEAR_ABOVE), g, mul(g, sigmoid(x!)))],
  gelu: (g, _y, [x]) => [geluGrad(g, x!)],
  geluTanh: (g, _y, [x]) => [geluTanhGrad(g, x!)],
  silu: (g, _y, [x]) => [siluGrad(g, x!)],
  elu: (g, y, [x], { alpha }) => [where(greater(x!, 0), g, mul(g, add(y, alpha)))],
  leakyRelu: (g, _y, [x], { slope }) => [where(greater(x!, 0), g, mul(g, slope))],
  cumsum: (g, _y, _x, { axis }) => [flip(cumsum(flip(g, axis), axis), axis)],
  softmax: (g, y, _x, { axis }) => [softmaxGrad(g, y, axis)],
  logSoftmax: (g, y, _x, { axis }) => [logSoftmaxGrad(g, y, axis)],
  rmsNorm: (g, _y, [x, weight], { epsilon }, needs) => [
    needs[0] ? rmsNormGrad(g, x!, weight!, epsilon) : null,
    needs[1] ? rmsNormWeightGrad(g, x!, epsilon) : null,
  ],
  layerNorm: (g, _y, [x, weight], { epsilon }, needs) => [
    needs[0] ? layerNormGrad(g, x!, weight!, epsilon) : null,
    needs[1] ? layerNormWeightGrad(g, x!, epsilon) : null,
    needs[2] ? sum(rows(g), 0) : null,
  ],
  linear: (g, _y, [x, weight], _p, needs) => [
    needs[0] ? linear(g, transpose(weight!)) : null,
    needs[1] ? matmul(transpose(rows(g)), rows(x!)) : null,
    needs[2] ? sum(rows(g), 0) : null,
  ],
  conv1d: (g, _y, [x, weight], params, needs) => [
    needs[0] ? conv1dInputGrad(g, weight!, { ...params, length: x!.shape[2]! }) : null,
    needs[1] ? conv1dWeightGrad(g, x!, { ...params, taps: weight!.shape[2]! }) : null,
    needs[2] ? sum(g, [0, 2]) : null,
  ],
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
  attentionWeights: (g, y, [q, k, bias], params, needs) => {
    const scores = softmaxGrad(g, y, y.rank - 1); // gradient of scale q k^T + bias
    return [
      needs[0] ? mul(matmul(scores, k!), params.scale) : null,
      needs[1] ? mul(matmul(transpose(scores), q!), params.scale) : null,
      needs[2] ? sumTo(scores, bias!.shape) : null,
    ];
  },
  attention: (g, _y, [q, k, v, bias], params, needs) => {
    // The weights are computed again rather than kept: [.., Tq, Tk] is the largest array of attention.
    const weights = attentionWeights(q!, k!, params, bias);
    const whole = g.backend.kernels.attentionGrad !== undefined;
    if (!needs[3] && whole) return attentionGradients(g, [q!, k!, v!, weights], params.scale, needs);
    const dv = needs[2] ? matmul(transpose(weights), g) : null;
    if (!needs[0] && !needs[1] && !needs[3]) return [null, null, dv];
    const scores = softmaxGrad(matmul(g, transpose(v!)), weights, weights.rank - 1);
    return [
      needs[0] ? mul(matmul(scores, k!), params.scale) : null,
      needs[1] ? mul(matmul(transpose(scores), q!), params.scale) : null,
      dv,
      needs[3] ? sumTo(scores, bias!.shape) : null,
    ];
  },
  attend: (g, _y, inputs, { scale }, needs) => [...attentionGradients(g, inputs, scale, needs), null],
  rfft: "composition",
  irfft: "composition",
  crossEntropy: (g, _y, [logits, targets, weights], params) => [
    crossEntropyGrad(g, logits!, targets!, weights ?? null, params),
  ],
  ctcLoss: (g, _y, inputs, params) => [ctcLossGrad(g, inputs, params)],

  softmaxGrad: "composition",
  logSoftmaxGrad: "composition",
  sigmoidGrad: "composition",
  tanhGrad: "composition",
  reluGrad: (g, _y, [_g, output], _p, needs) => [needs[0] ? reluGrad(g, output!) : null, null],
  geluGrad: "composition",
  geluTanhGrad: "composition",
  siluGrad: "composition",
  rmsNormGrad: "composition",
  rmsNormWeightGrad: "composition",
  layerNormGrad: "composition",
  layerNormWeightGrad: "composition",
  conv1dInputGrad: (g, _y, [x, weight], { length: _, ...params }, needs) => [
    needs[0] ? conv1d(g, weight!, null, params) : null,
    needs[1] ? conv1dWeightGrad(x!, g, { ...params, taps: weight!.shape[2]! }) : null,
  ],
  conv1dWeightGrad: (g, _y, [out, x], { taps: _, ...params }, needs) => [
    needs[0] ? conv1d(x!, g, null, params) : null,
    needs[1] ? conv1dInputGrad(out!, g, { ...params, length: x!.shape[2]! }) : null,
  ],
  attentionGrad: "composition",
  crossEntropyGrad: "composition",
  ctcLossGrad: "composition",
};
