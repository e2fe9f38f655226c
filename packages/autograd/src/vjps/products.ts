// Gradient rules of products of tensors: matrices, convolution, attention, Fourier transforms; see activation.ts.

import {
  add,
  conv1d,
  div,
  irfft,
  linear,
  matmul,
  mul,
  narrow,
  neg,
  reshape,
  rfft,
  rotatePairs,
  slice,
  sub,
  sum,
  type Tensor,
  tensor,
  transpose,
} from "@echo-ts/tensor";
import {
  apply,
  attentionWeights,
  forAllQueries,
  OPS,
  type OpOf,
  type OpParams,
} from "@echo-ts/tensor/internal";
import { flatRows, sumTo, type Vjps, zerosOf } from "./rule.ts";

/** Every second channel of the last axis. */
function everySecond(x: Tensor, start: 0 | 1): Tensor {
  return slice(x, [...x.shape.slice(1).map(() => null), { start, step: 2 }]);
}

/** What a bin counts in `irfft` of this size: once at both ends, else twice, over the size; [bins, 1]. */
function binWeights(size: number, like: Tensor): Tensor {
  const bins = Math.floor(size / 2) + 1;
  const weights = Float64Array.from({ length: bins }, (_, k) => (k === 0 || 2 * k === size ? 1 : 2) / size);
  return tensor(weights, { shape: [bins, 1], dtype: like.dtype, backend: like.backend });
}

/**
 * Gradients of attention's q, k, v and of a bias for all queries: views of one result.
 *
 * @param more the weights, if they were `kept`, else the bias, if there is one
 * @param bias the bias, if its gradient is wanted
 */
function attentionGradients(
  g: Tensor,
  [q, k, v]: readonly [Tensor, Tensor, Tensor],
  { more, kept, bias }: { more: Tensor | undefined; kept: boolean; bias: Tensor | null },
  params: OpParams["attention"],
): (Tensor | null)[] {
  const inputs = more === undefined ? [g, q, k, v] : [g, q, k, v, more];
  const together = apply(OPS.attentionGrad, inputs, { ...params, kept, biasGrad: bias !== null });
  let start = 0;
  const part = (shape: readonly number[]): Tensor => {
    const length = shape[shape.length - 2]! * shape[shape.length - 1]!;
    const own = narrow(together, together.rank - 1, start, length);
    start += length;
    return reshape(own, shape);
  };
  const gradients = [q, k, v].map((x) => part(x.shape));
  const row = [...q.shape.slice(0, -2), 1, k.shape[k.rank - 2]!];
  return bias === null ? gradients : [...gradients, sumTo(part(row), bias.shape)];
}

const inputGrad = (g: Tensor, weight: Tensor, params: OpParams["conv1dInputGrad"]): Tensor =>
  apply(OPS.conv1dInputGrad, [g, weight], params);
const weightGrad = (g: Tensor, x: Tensor, params: OpParams["conv1dWeightGrad"]): Tensor =>
  apply(OPS.conv1dWeightGrad, [g, x], params);

/** dL/db of a @ b. A matrix shared by a whole batch is one product over all rows at once. */
function rightFactor(g: Tensor, a: Tensor, b: Tensor): Tensor {
  if (b.rank > 2 || a.rank === 2) return sumTo(matmul(transpose(a), g), b.shape);
  const rows = (x: Tensor): Tensor =>
    reshape(x, [x.size / Math.max(1, x.shape[x.rank - 1]!), x.shape[x.rank - 1]!]);
  if (a.size === 0 || g.size === 0) return zerosOf(b);
  return matmul(transpose(rows(a)), rows(g));
}

/** Rules of the products. */
export const PRODUCT_VJPS: Vjps<OpOf<"linearAlgebra" | "convolution" | "attention" | "fourier">> = {
  matmul: (g, { inputs: [a, b] }, needs) => [
    needs[0] ? sumTo(matmul(g, transpose(b!)), a!.shape) : null,
    needs[1] ? rightFactor(g, a!, b!) : null,
  ],
  linear: (g, { inputs: [x, weight] }, needs) => [
    needs[0] ? linear(g, transpose(weight!)) : null,
    needs[1] ? matmul(transpose(flatRows(g)), flatRows(x!)) : null,
    needs[2] ? sum(flatRows(g), 0) : null,
  ],
  conv1d: (g, { inputs: [x, weight], params }, needs) => [
    needs[0] ? inputGrad(g, weight!, { ...params, length: x!.shape[2]! }) : null,
    needs[1] ? weightGrad(g, x!, { ...params, taps: weight!.shape[2]! }) : null,
    needs[2] ? sum(g, [0, 2]) : null,
  ],
  rotatePairs: (g, { inputs: [x, cosine, sine] }, needs) => {
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
  attentionWeights: (g, { output: y, inputs: [q, k, bias], params }, needs) => {
    const scores = apply(OPS.softmaxGrad, [g, y], { axis: y.rank - 1 }); // gradient of scale q k^T + bias
    return [
      needs[0] ? mul(matmul(scores, k!), params.scale) : null,
      needs[1] ? mul(matmul(transpose(scores), q!), params.scale) : null,
      needs[2] ? sumTo(scores, bias!.shape) : null,
    ];
  },
  attention: (g, { inputs, params }, needs) => {
    const [q, k, v, bias] = inputs;
    const whole = g.backend.kernels.attentionGrad !== undefined;
    if (whole && (!needs[3] || forAllQueries(bias!))) {
      const more = { more: bias, kept: false, bias: needs[3] ? bias! : null };
      return attentionGradients(g, [q!, k!, v!], more, params);
    }
    // The weights are computed again rather than kept: [.., Tq, Tk] is the largest array of attention.
    const weights = attentionWeights(q!, k!, params, bias);
    const dv = needs[2] ? matmul(transpose(weights), g) : null;
    if (!needs[0] && !needs[1] && !needs[3]) return [null, null, dv];
    const direct = matmul(g, transpose(v!)); // gradient of the weights
    const scores = apply(OPS.softmaxGrad, [direct, weights], { axis: weights.rank - 1 });
    return [
      needs[0] ? mul(matmul(scores, k!), params.scale) : null,
      needs[1] ? mul(matmul(transpose(scores), q!), params.scale) : null,
      dv,
      needs[3] ? sumTo(scores, bias!.shape) : null,
    ];
  },
  attend: (g, { inputs: [q, k, v, weights, bias], params }, needs) => {
    const more = { more: weights, kept: true, bias: needs[4] ? bias! : null };
    const [dq, dk, dv, dBias = null] = attentionGradients(g, [q!, k!, v!], more, params);
    return [dq!, dk!, dv!, null, dBias];
  },
  // The adjoint of either transform is the other, with each bin weighted as the inverse weights it.
  rfft: (g, { params: { size } }) => [irfft(div(g, binWeights(size, g)), size)],
  irfft: (g, { params: { size } }) => [mul(rfft(g, size), binWeights(size, g))],

  conv1dInputGrad: (g, { inputs: [x, weight], params: { length: _, ...params } }, needs) => [
    needs[0] ? conv1d(g, weight!, null, params) : null,
    needs[1] ? weightGrad(x!, g, { ...params, taps: weight!.shape[2]! }) : null,
  ],
  conv1dWeightGrad: (g, { inputs: [out, x], params: { taps: _, ...params } }, needs) => [
    needs[0] ? conv1d(x!, g, null, params) : null,
    needs[1] ? inputGrad(out!, g, { ...params, length: x!.shape[2]! }) : null,
  ],
  attentionGrad: "composition",
};
