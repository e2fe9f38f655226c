// The table of ops: for each what it computes, and the shape and dtype of its result.
// Primitives need a kernel on the reference backend; fused ops are defined by a composition of other ops
// (fused.ts) that a backend may override with a kernel. Read next: tensor.ts, apply.ts.

import { type DType, toFloating } from "./dtype.ts";
import type { FusedOp, Op, OpParams, Primitive, ReduceParams, ViewOp, WindowParams } from "./op-params.ts";
import { broadcastShapes, reducedShape, type Shape } from "./shape.ts";

/** What a rule of the table sees of an input. */
export interface Operand {
  readonly shape: Shape;
  readonly dtype: DType;
}

/** Shape and dtype of an op's result, and its meaning in one line. */
export interface OpSpec<P extends Op> {
  readonly kind: "primitive" | "fused";
  readonly meaning: string;
  shape(inputs: readonly Operand[], params: OpParams[P]): Shape;
  dtype(inputs: readonly Operand[], params: OpParams[P]): DType;
}

const first = (inputs: readonly Operand[]): Shape => inputs[0]!.shape;
const sameDtype = (inputs: readonly Operand[]): DType => inputs[0]!.dtype;
const floating = (inputs: readonly Operand[]): DType => toFloating(inputs[0]!.dtype);
const bool = (): DType => "bool";
const int32 = (): DType => "int32";
const countable = (inputs: readonly Operand[]): DType =>
  inputs[0]!.dtype === "bool" ? "int32" : inputs[0]!.dtype;

type Spec = Omit<OpSpec<Op>, "kind">;

const unary = (meaning: string, dtype: (inputs: readonly Operand[]) => DType = floating): Spec => ({
  meaning,
  shape: first,
  dtype,
});

const binary = (op: Op, meaning: string, dtype: (inputs: readonly Operand[]) => DType): Spec => ({
  meaning,
  shape: (inputs) => broadcastShapes(op, inputs[0]!.shape, inputs[1]!.shape),
  dtype,
});

const lastAxis = (meaning: string): Spec => ({
  meaning,
  shape: (inputs) => first(inputs).slice(-1),
  dtype: floating,
});

const arithmetic = (inputs: readonly Operand[]): DType => inputs[0]!.dtype;

const reduce = <P extends "sum" | "max">(
  meaning: string,
  dtype: (inputs: readonly Operand[]) => DType,
): Omit<OpSpec<P>, "kind"> => ({
  meaning,
  shape: (inputs, params: ReduceParams) => reducedShape(inputs[0]!.shape, params.axes, params.keepDims),
  dtype,
});

const primitive = <P extends Primitive | ViewOp>(spec: Omit<OpSpec<P>, "kind">): OpSpec<P> => ({
  kind: "primitive",
  ...spec,
});

const fused = <P extends FusedOp>(spec: Omit<OpSpec<P>, "kind">): OpSpec<P> => ({ kind: "fused", ...spec });

/** `shape` with the entry of one axis replaced by other entries. */
function replaceAxis(shape: Shape, axis: number, by: Shape): Shape {
  return [...shape.slice(0, axis), ...by, ...shape.slice(axis + 1)];
}

/** Number of sliding windows along an axis of `length` elements. */
export function windowCount(length: number, params: Omit<WindowParams, "axis">): number {
  return Math.floor((length - (params.size - 1) * params.dilation - 1) / params.step) + 1;
}

/** The table: one row for each op. */
export const OPS: { readonly [P in Op]: OpSpec<P> } = {
  neg: primitive(unary("-x", countable)),
  exp: primitive(unary("e to the x")),
  expm1: primitive(unary("e to the x, minus 1, exact near 0")),
  log: primitive(unary("natural logarithm")),
  log1p: primitive(unary("log(1 + x), exact near 0")),
  sqrt: primitive(unary("square root")),
  sin: primitive(unary("sine of radians")),
  cos: primitive(unary("cosine of radians")),
  tanh: primitive(unary("hyperbolic tangent")),
  erf: primitive(unary("error function")),
  floor: primitive(unary("largest integer not above x", sameDtype)),
  cast: primitive({
    meaning: "the same values in another dtype, row-major",
    shape: first,
    dtype: (_, p) => p.dtype,
  }),
  add: primitive(binary("add", "a + b", arithmetic)),
  sub: primitive(binary("sub", "a - b", arithmetic)),
  mul: primitive(binary("mul", "a b", arithmetic)),
  div: primitive(binary("div", "a / b", arithmetic)),
  pow: primitive(binary("pow", "a to the b", arithmetic)),
  mod: primitive(binary("mod", "remainder of a / b with the sign of b", arithmetic)),
  atan2: primitive(binary("atan2", "angle of the point (b, a), radians", arithmetic)),
  maximum: primitive(binary("maximum", "the larger one; NaN if either is", sameDtype)),
  less: primitive(binary("less", "a < b", bool)),
  equal: primitive(binary("equal", "a = b", bool)),
  where: primitive({
    meaning: "a where the condition holds, else b",
    shape: (inputs) =>
      broadcastShapes(
        "where",
        inputs[0]!.shape,
        broadcastShapes("where", inputs[1]!.shape, inputs[2]!.shape),
      ),
    dtype: (inputs) => inputs[1]!.dtype,
  }),
  sum: primitive(reduce("sum over axes", countable)),
  max: primitive(reduce("largest value over axes; NaN if any is", sameDtype)),
  argmax: primitive({
    meaning: "index of the first largest value along an axis",
    shape: (inputs, { axis }) => replaceAxis(first(inputs), axis, []),
    dtype: int32,
  }),
  matmul: primitive({
    meaning: "matrix product of the last two axes, the others broadcast",
    shape: ([a, b]) => {
      const p = a!.shape;
      const q = b!.shape;
      if (p.length === 2 && q.length === 2) return [p[0]!, q[1]!];
      const batch = broadcastShapes("matmul", p.slice(0, -2), q.slice(0, -2));
      return [...batch, p[p.length - 2]!, q[q.length - 1]!];
    },
    dtype: sameDtype,
  }),
  reshape: primitive({
    meaning: "the same elements in another shape",
    shape: (_, p) => p.shape,
    dtype: sameDtype,
  }),
  permute: primitive({
    meaning: "axes in another order",
    shape: (inputs, { order }) => order.map((axis) => first(inputs)[axis]!),
    dtype: sameDtype,
  }),
  broadcastTo: primitive({ meaning: "axes of size 1 stretched", shape: (_, p) => p.shape, dtype: sameDtype }),
  slice: primitive({
    meaning: "every step-th element of a range, per axis",
    shape: (_, { slices }) => slices.map((s) => s.length),
    dtype: sameDtype,
  }),
  unfold: primitive({
    meaning: "sliding windows along an axis, as a new last axis",
    shape: (inputs, p) => [
      ...replaceAxis(first(inputs), p.axis, [windowCount(first(inputs)[p.axis]!, p)]),
      p.size,
    ],
    dtype: sameDtype,
  }),
  fold: primitive({
    meaning: "overlapping windows added back: the adjoint of unfold",
    shape: (inputs, p) => replaceAxis(first(inputs).slice(0, -1), p.axis, [p.length]),
    dtype: sameDtype,
  }),
  pad: primitive({
    meaning: "a border of one value",
    shape: (inputs, { widths }) => first(inputs).map((n, i) => n + widths[i]![0] + widths[i]![1]),
    dtype: sameDtype,
  }),
  concat: primitive({
    meaning: "tensors joined along an axis",
    shape: (inputs, { axis }) =>
      replaceAxis(first(inputs), axis, [inputs.reduce((n, input) => n + input.shape[axis]!, 0)]),
    dtype: sameDtype,
  }),
  gather: primitive({
    meaning: "out[.., i, ..] = x[.., index[.., i, ..], ..] along an axis",
    shape: (inputs) => inputs[1]!.shape,
    dtype: sameDtype,
  }),
  scatterAdd: primitive({
    meaning: "x with source added at index along an axis: the adjoint of gather",
    shape: first,
    dtype: sameDtype,
  }),
  indexSelect: primitive({
    meaning: "whole slices of x picked along an axis by an index of any shape",
    shape: (inputs, { axis }) => replaceAxis(first(inputs), axis, inputs[1]!.shape),
    dtype: sameDtype,
  }),
  indexAdd: primitive({
    meaning: "x with whole slices added along an axis: the adjoint of indexSelect",
    shape: first,
    dtype: sameDtype,
  }),
  argsort: primitive({
    meaning: "indices that sort along an axis, stable, NaN last",
    shape: first,
    dtype: int32,
  }),

  abs: fused(unary("absolute value", countable)),
  square: fused(unary("x x", countable)),
  reciprocal: fused(unary("1 / x")),
  rsqrt: fused(unary("1 / sqrt(x)")),
  minimum: fused(binary("minimum", "the smaller one; NaN if either is", sameDtype)),
  sigmoid: fused(unary("1 / (1 + e^-x)")),
  relu: fused(unary("x where positive, else 0", countable)),
  softplus: fused(unary("log(1 + e^x), x above 20")),
  gelu: fused(unary("x Phi(x)")),
  geluTanh: fused(unary("gelu by its tanh approximation")),
  silu: fused(unary("x sigmoid(x)")),
  elu: fused(unary("x where positive, else alpha (e^x - 1)")),
  leakyRelu: fused(unary("x where positive, else slope x")),
  cumsum: fused(unary("running sum along an axis", countable)),
  softmax: fused(unary("e^x over its sum along an axis")),
  softmaxGrad: fused(unary("gradient of softmax from (gradient, output)")),
  logSoftmax: fused(unary("logarithm of softmax")),
  logSoftmaxGrad: fused(unary("gradient of logSoftmax from (gradient, output)")),
  rmsNorm: fused(unary("x over its root mean square along the last axis, times a weight")),
  layerNorm: fused(unary("x standardised along the last axis, times a weight, plus a bias")),
  linear: fused({
    meaning: "x W^T + b with W [out, in]",
    shape: (inputs) => [...first(inputs).slice(0, -1), inputs[1]!.shape[0]!],
    dtype: sameDtype,
  }),
  conv1d: fused({
    meaning: "1-D convolution [B, C, T] with [out, C / groups, k]",
    shape: ([x, w], p) => [
      x!.shape[0]!,
      w!.shape[0]!,
      windowCount(x!.shape[2]! + 2 * p.padding, { size: w!.shape[2]!, step: p.stride, dilation: p.dilation }),
    ],
    dtype: sameDtype,
  }),
  rotatePairs: fused(unary("pairs (x[2i], x[2i+1]) turned by angles given as cosine and sine")),
  attention: fused({
    meaning: "softmax(scale q k^T + bias) v",
    shape: ([q, , v]) => [...q!.shape.slice(0, -1), v!.shape[v!.shape.length - 1]!],
    dtype: sameDtype,
  }),
  rfft: fused({
    meaning: "spectrum of a real signal along the last axis, [.., size/2 + 1, 2] as real and imaginary part",
    shape: (inputs, { size }) => [...first(inputs).slice(0, -1), Math.floor(size / 2) + 1, 2],
    dtype: floating,
  }),
  irfft: fused({
    meaning: "real signal of a spectrum [.., size/2 + 1, 2]",
    shape: (inputs, { size }) => [...first(inputs).slice(0, -2), size],
    dtype: floating,
  }),
  attentionWeights: fused({
    meaning: "softmax(scale q k^T + bias)",
    shape: ([q, k]) => [...q!.shape.slice(0, -1), k!.shape[k!.shape.length - 2]!],
    dtype: sameDtype,
  }),
  attend: fused({
    meaning: "weights v, from (q, k, v, attentionWeights of q and k): the second half of attention",
    shape: ([q, , v]) => [...q!.shape.slice(0, -1), v!.shape[v!.shape.length - 1]!],
    dtype: sameDtype,
  }),
  crossEntropy: fused({
    meaning: "loss of each row of logits [N, V] against labels [N], with class weights if given",
    shape: (inputs) => [first(inputs)[0]!],
    dtype: sameDtype,
  }),
  ctcLoss: fused({
    meaning: "CTC loss [N] of log probabilities [T, N, V], targets [N, S], input and target lengths [N]",
    shape: (inputs) => [first(inputs)[1]!],
    dtype: sameDtype,
  }),

  sigmoidGrad: fused(unary("gradient of sigmoid from (gradient, output)")),
  tanhGrad: fused(unary("gradient of tanh from (gradient, output)")),
  reluGrad: fused(unary("gradient of relu from (gradient, output)")),
  geluGrad: fused(unary("gradient of gelu from (gradient, input)")),
  geluTanhGrad: fused(unary("gradient of geluTanh from (gradient, input)")),
  siluGrad: fused(unary("gradient of silu from (gradient, input)")),
  rmsNormGrad: fused(unary("gradient of rmsNorm's input from (gradient, input, weight)")),
  rmsNormWeightGrad: fused(lastAxis("gradient of rmsNorm's weight from (gradient, input)")),
  layerNormGrad: fused(unary("gradient of layerNorm's input from (gradient, input, weight)")),
  layerNormWeightGrad: fused(lastAxis("gradient of layerNorm's weight from (gradient, input)")),
  conv1dInputGrad: fused({
    meaning: "gradient of conv1d's input from (gradient, weight): the transposed convolution",
    shape: ([g, w], { groups, length }) => [g!.shape[0]!, w!.shape[1]! * groups, length],
    dtype: sameDtype,
  }),
  conv1dWeightGrad: fused({
    meaning: "gradient of conv1d's weight from (gradient, input)",
    shape: ([g, x], { groups, taps }) => [g!.shape[1]!, x!.shape[1]! / groups, taps],
    dtype: sameDtype,
  }),
  attentionGrad: fused({
    meaning: "gradients of attention's q, k and v end to end, from (gradient, q, k, v, attentionWeights)",
    shape: ([, q, k, v]) => {
      const elements = (x: Operand): number => x.shape[x.shape.length - 2]! * x.shape[x.shape.length - 1]!;
      return [...q!.shape.slice(0, -2), elements(q!) + elements(k!) + elements(v!)];
    },
    dtype: sameDtype,
  }),
  crossEntropyGrad: fused({
    meaning: "gradient of crossEntropy's logits from (gradient, logits, labels, weights)",
    shape: (inputs) => inputs[1]!.shape,
    dtype: sameDtype,
  }),
  ctcLossGrad: fused({
    meaning: "gradient of ctcLoss's log probabilities from (gradient, and ctcLoss's inputs)",
    shape: (inputs) => inputs[1]!.shape,
    dtype: sameDtype,
  }),
};
