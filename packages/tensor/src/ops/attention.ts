// Scaled dot-product attention and the rotation of channel pairs that rotary position encoding is made of.

import { apply, fromTypedArray, NONE, scalar } from "../apply.ts";
import { checkOptions, checkTensors, type OptionKinds } from "../arguments.ts";
import type { Backend } from "../backend.ts";
import { toFloating } from "../dtype.ts";
import { DtypeError, ShapeError } from "../errors.ts";
import { type FusedRow, fused, type Operand, rows, sameDtype, unary } from "../op.ts";
import type { AttentionParams } from "../op-params.ts";
import { broadcastShapes, formatShape, type Shape, sameShape, sizeOf } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { add, equal, maskedFill, mul, sub, where } from "./elementwise.ts";
import { triu } from "./indexing.ts";
import { concat, stack } from "./joining.ts";
import { matmul } from "./linear-algebra.ts";
import normalization, { softmax } from "./normalization.ts";
import { alike } from "./operands.ts";
import { max, sum } from "./reduction.ts";
import { broadcastTo, flatten, reshape, slice, transpose } from "./shaping.ts";

interface GradParams extends AttentionParams {
  /** True if the fifth input is the weights; else it is the bias, if given. */
  readonly kept: boolean;
  /** True to append the gradient of a bias that all queries share: Tk more for each head. */
  readonly biasGrad: boolean;
}

interface Rows {
  readonly attention: FusedRow<AttentionParams>;
  readonly attentionWeights: FusedRow<AttentionParams>;
  readonly attend: FusedRow<AttentionParams>;
  readonly attentionGrad: FusedRow<GradParams>;
  readonly rotatePairs: FusedRow;
}

/** q [.., Tq, D], k, v [.., Tk, E] -> [.., Tq, E] */
const attended = ([q, , v]: readonly Operand[]): Shape => [
  ...q!.shape.slice(0, -1),
  v!.shape[v!.shape.length - 1]!,
];

const elements = ({ shape }: Operand): number => shape[shape.length - 2]! * shape[shape.length - 1]!;

const ROWS: Rows = rows<Rows>({
  // Inputs are q, k, v and, if given, the bias.
  attention: fused(
    { meaning: "softmax(scale q k^T + bias) v", shape: attended, dtype: sameDtype },
    ([q, k, v, bias], params) => matmul(attentionWeights(q!, k!, params, bias), v!),
  ),
  attentionWeights: fused(
    {
      meaning: "softmax(scale q k^T + bias)",
      shape: ([q, k]) => [...q!.shape.slice(0, -1), k!.shape[k!.shape.length - 2]!],
      dtype: sameDtype,
    },
    ([q, k, bias], { scale, causal }) => {
      let scores = mul(matmul(q!, transpose(k!)), scale); // [.., Tq, Tk]
      if (bias !== undefined) scores = add(scores, bias);
      if (causal) scores = maskedFill(scores, futureMask(scores), Number.NEGATIVE_INFINITY);
      return safeSoftmax(scores);
    },
  ),
  // q, k and the bias are not used: they are inputs so that the gradient rule, which computes all gradients at once, has them.
  attend: fused(
    {
      meaning:
        "weights v, from (q, k, v, attentionWeights of q, k and bias, bias): the second half of attention",
      shape: attended,
      dtype: sameDtype,
    },
    ([, , v, weights]) => matmul(weights!, v!),
  ),
  // gradient [.., Tq, E], q [.., Tq, D], k [.., Tk, D], v [.., Tk, E] and, if there are, weights [.., Tq, Tk] or the bias
  // -> [.., Tq D + Tk D + Tk E (+ Tk)], in one piece because the backward pass makes them together.
  attentionGrad: fused(
    {
      meaning:
        "gradients of attention's q, k, v and bias end to end, from (gradient, q, k, v, weights or bias)",
      shape: ([, q, k, v], { biasGrad }) => [
        ...q!.shape.slice(0, -2),
        elements(q!) + elements(k!) + elements(v!) + (biasGrad ? k!.shape[k!.shape.length - 2]! : 0),
      ],
      dtype: sameDtype,
    },
    ([g, q, k, v, more], { scale, causal, kept, biasGrad }) => {
      const weights = kept ? more! : attentionWeights(q!, k!, { scale, causal }, more);
      const direct = matmul(g!, transpose(v!)); // gradient of the weights
      const scores = apply(normalization.softmaxGrad, [direct, weights], { axis: weights.rank - 1 });
      const parts = [
        mul(matmul(scores, k!), scale),
        mul(matmul(transpose(scores), q!), scale),
        matmul(transpose(weights), g!),
      ].map((part) => flatten(part, -2));
      if (biasGrad) parts.push(sum(scores, -2));
      return concat(parts, -1);
    },
  ),
  rotatePairs: fused(
    unary("pairs (x[2i], x[2i+1]) turned by angles given as cosine and sine"),
    ([x, cosine, sine]) => {
      const axes = x!.shape.slice(0, -1).map(() => null);
      const even = slice(x!, [...axes, { step: 2 }]);
      const odd = slice(x!, [...axes, { start: 1, step: 2 }]);
      const turned = stack(
        [sub(mul(even, cosine!), mul(odd, sine!)), add(mul(even, sine!), mul(odd, cosine!))],
        -1,
      ); // [.., D / 2, 2]
      return reshape(turned, x!.shape);
    },
  ),
});
export default ROWS;

/**
 * Which keys a query may see, of Tq queries and Tk keys.
 *
 * - false: all
 * - true: query i the keys 0 .. i, so that the diagonal begins at the top left, as `is_causal` of PyTorch
 * - "bottom-right": query i the keys 0 .. i + Tk - Tq, so that the last query sees all keys, as for new tokens behind
 *   keys that were kept (PyTorch's `causal_lower_right`, FlashAttention). Queries before the first key see none and give 0
 *
 * Where Tq = Tk both are the same.
 */
export type Causal = boolean | "bottom-right";

/** Options of `attention`. */
export interface AttentionOptions {
  /**
   * Added to the scores before softmax; broadcasts to [.., Tq, Tk]. -Infinity forbids a key; a query that may see no
   * key gives 0.
   */
  readonly bias?: Tensor | null;
  /** Which keys a query may see; default all of them. */
  readonly causal?: Causal;
  /** Factor on the scores; default 1 / sqrt(D). */
  readonly scale?: number;
}

const ATTENTION_OPTIONS: OptionKinds<AttentionOptions> = {
  bias: "tensor or null",
  causal: [true, false, "bottom-right"],
  scale: "number",
};

/** The weights softmax(scale q k^T + bias) by which `attention` averages; arguments and errors as there. */
export function attentionWeights(q: Tensor, k: Tensor, params: AttentionParams, bias?: Tensor): Tensor {
  const inputs = bias === undefined ? [q, k] : [q, k, bias];
  return apply(ROWS.attentionWeights, inputs, params);
}

/**
 * Softmax along the last axis, where a row of nothing but -Infinity gives 0 with gradient 0 and not NaN: the weights of
 * a query that may see no key. PyTorch's attention does the same.
 *
 * scores [.., Tq, Tk] -> [.., Tq, Tk]
 *
 * @example safeSoftmax(tensor([[0, -Infinity], [-Infinity, -Infinity]])).toArray() // [[1, 0], [0, 0]]
 */
export function safeSoftmax(scores: Tensor): Tensor {
  checkTensors("safeSoftmax", { scores });
  if (scores.rank === 0 || scores.shape[scores.rank - 1] === 0) return softmax(scores);
  const none = equal(max(scores, -1, true), Number.NEGATIVE_INFINITY);
  // Such a row is made one of zeros first: a NaN that is only left out afterwards would still reach the gradient.
  return where(none, 0, softmax(where(none, 0, scores)));
}

/** True above the diagonal of [.., Tq, Tk]. */
function futureMask(scores: Tensor): Tensor {
  const [rows, columns] = scores.shape.slice(-2) as [number, number];
  return aboveDiagonal(rows, columns, 0, scores.backend);
}

/** bool [rows, columns], true where column > row + offset. */
function aboveDiagonal(rows: number, columns: number, offset: number, backend: Backend): Tensor {
  const one = fromTypedArray("bool", Uint8Array.of(1), [1, 1], backend);
  return triu(broadcastTo(one, [rows, columns]), offset + 1);
}

/** The bias with -Infinity where "bottom-right" forbids the key. */
function bottomRight(rows: number, columns: number, bias: Tensor | null, q: Tensor): Tensor {
  const future = aboveDiagonal(rows, columns, columns - rows, q.backend);
  return where(future, Number.NEGATIVE_INFINITY, bias ?? scalar(0, toFloating(q.dtype), q.backend));
}

/**
 * Elements of attention weights up to which a call keeps them for the backward pass: 16 MiB of float32. To compute them
 * again costs a fifth of both passes; to keep them takes memory that grows with the square of the time.
 */
const KEPT_WEIGHTS = 2 ** 22;
/** The same where the backward pass has no kernel that computes them again in blocks. */
const KEPT_BY_OPS = 2 ** 25;

/** True for a bias that is the same for each query. */
export function forAllQueries(bias: Tensor): boolean {
  return bias.rank < 2 || bias.shape[bias.rank - 2] === 1;
}

/**
 * softmax(scale q k^T + bias) v. Vaswani et al. 2017; PyTorch's scaled_dot_product_attention.
 *
 * q [.., Tq, D], k [.., Tk, D], v [.., Tk, E] -> [.., Tq, E]
 *
 * @throws ShapeError if the sizes do not fit; DtypeError for a bool bias
 * @example attention(zeros([1, 3, 8]), zeros([1, 5, 8]), ones([1, 5, 2])).shape // [1, 3, 2]
 * @example attention(zeros([2, 1]), zeros([3, 1]), tensor([[6], [0], [9]]), { causal: "bottom-right" }).toArray() // [[3], [5]]
 */
export function attention(q: Tensor, k: Tensor, v: Tensor, options: AttentionOptions = {}): Tensor {
  checkTensors("attention", { q, k, v });
  checkOptions("attention", options, ATTENTION_OPTIONS);
  const fits =
    q.rank >= 2 &&
    k.rank === q.rank &&
    v.rank === q.rank &&
    q.shape[q.rank - 1] === k.shape[k.rank - 1] &&
    k.shape[k.rank - 2] === v.shape[v.rank - 2] &&
    sameShape(q.shape.slice(0, -2), k.shape.slice(0, -2)) &&
    sameShape(k.shape.slice(0, -2), v.shape.slice(0, -2));
  if (!fits) {
    throw new ShapeError(
      `attention: expected q [.., Tq, D], k [.., Tk, D], v [.., Tk, E], got ${formatShape(q.shape)}, ${formatShape(k.shape)}, ${formatShape(v.shape)}`,
    );
  }
  const scores = [...q.shape.slice(0, -1), k.shape[k.rank - 2]!];
  const { scale = 1 / Math.sqrt(q.shape[q.rank - 1]!) } = options;
  let { bias = null, causal = false } = options;
  if (bias !== null && !sameShape(broadcastShapes("attention", bias.shape, scores), scores)) {
    throw new ShapeError(
      `attention: bias ${formatShape(bias.shape)} does not broadcast to ${formatShape(scores)}`,
    );
  }
  if (bias?.dtype === "bool") {
    throw new DtypeError(
      "attention: the bias is added to the scores, got bool; turn a mask into one with where(mask, 0, -Infinity)",
    );
  }
  if (causal === "bottom-right") {
    const [rows, columns] = scores.slice(-2) as [number, number];
    causal = rows === columns;
    if (!causal && rows !== 1) bias = bottomRight(rows, columns, bias, q);
  }
  const inputs = alike(bias === null ? [q, k, v] : [q, k, v, bias], "float32");
  const params = { scale, causal };
  if (inputs.some((input) => input.trace !== null)) {
    const [left, right, values, added] = inputs as [Tensor, Tensor, Tensor, Tensor | undefined];
    // On backends without a kernel for the backward pass, the ops of the definition are recorded one by one; and
    // everywhere for a bias with a gradient for each query, which is as large as the weights.
    const whole = q.backend.kernels.attentionGrad !== undefined;
    const largest = whole ? KEPT_WEIGHTS : KEPT_BY_OPS;
    if (added?.trace && !(whole && forAllQueries(added))) return ROWS.attention.definition(inputs, params);
    if (sizeOf(scores) <= largest) {
      if (!whole) return ROWS.attention.definition(inputs, params);
      const weights = attentionWeights(left, right, params, added);
      return apply(ROWS.attend, [left, right, values, weights, ...(added ? [added] : [])], params);
    }
  }
  return apply(ROWS.attention, inputs, params);
}

/**
 * Turns each pair of channels (x[2i], x[2i+1]) as a complex number by an angle given as cosine and sine
 * (their scale scales the pair). Rotary position encoding: Su et al. 2021, interleaved pairs.
 *
 * x [.., D], cosine and sine broadcast to [.., D / 2] -> [.., D]
 *
 * @throws ShapeError if D is odd or the angles do not broadcast
 * @example rotatePairs(tensor([1, 0]), tensor([0]), tensor([1])).toArray() // [0, 1]
 */
export function rotatePairs(x: Tensor, cosine: Tensor, sine: Tensor): Tensor {
  checkTensors("rotatePairs", { x, cosine, sine });
  const half = [...x.shape.slice(0, -1), x.shape[x.rank - 1]! / 2];
  const fits =
    Number.isInteger(half[half.length - 1]) &&
    sameShape(cosine.shape, sine.shape) &&
    sameShape(broadcastShapes("rotatePairs", cosine.shape, half), half);
  if (!fits) {
    throw new ShapeError(
      `rotatePairs: angles ${formatShape(cosine.shape)} do not fit the pairs of ${formatShape(x.shape)}`,
    );
  }
  return apply(ROWS.rotatePairs, alike([x, cosine, sine], "float32"), NONE);
}
