// The names of all ops and the parameters each takes. Adding an op starts with a line in `OpParams`; the
// compiler then names every table that lacks a row for it. Read next: op-table.ts.

import type { DType } from "./dtype.ts";
import type { Shape } from "./shape.ts";
import type { ResolvedSlice } from "./view.ts";

/** Reduction over some axes. */
export interface ReduceParams {
  /** Counted from the start, ascending. */
  readonly axes: readonly number[];
  readonly keepDims: boolean;
}

/** Sliding windows along an axis, see `unfoldView`. */
export interface WindowParams {
  readonly axis: number;
  readonly size: number;
  readonly step: number;
  readonly dilation: number;
}

/** 1-D convolution as in PyTorch. */
export interface Conv1dParams {
  readonly stride: number;
  readonly padding: number;
  readonly dilation: number;
  readonly groups: number;
}

/** Scaled dot-product attention. */
export interface AttentionParams {
  /** Factor on the scores. */
  readonly scale: number;
  /** Let query i see the keys 0 .. i only. */
  readonly causal: boolean;
}

/** Cross entropy of class indices. */
export interface CrossEntropyParams {
  /** Rows with this label count nothing; null for none. */
  readonly ignoreIndex: number | null;
  /** Share of the target spread evenly over all classes. */
  readonly labelSmoothing: number;
}

/** Connectionist temporal classification. */
export interface CtcParams {
  /** Class that stands for "no label". */
  readonly blank: number;
}

/** One axis, counted from the start. */
export interface AxisParams {
  readonly axis: number;
}

type None = Readonly<Record<string, never>>;

/** Parameters of every op. */
export interface OpParams {
  // Elementwise, one input
  neg: None;
  exp: None;
  expm1: None;
  log: None;
  log1p: None;
  sqrt: None;
  sin: None;
  cos: None;
  tanh: None;
  erf: None;
  floor: None;
  cast: { readonly dtype: DType };
  // Elementwise, two inputs that broadcast
  add: None;
  sub: None;
  mul: None;
  div: None;
  pow: None;
  mod: None;
  atan2: None;
  maximum: None;
  less: None;
  equal: None;
  // Elementwise, three inputs
  where: None;
  // Reductions
  sum: ReduceParams;
  max: ReduceParams;
  argmax: AxisParams;
  // Linear algebra
  matmul: None;
  // Views: the same storage under another layout, no kernel
  reshape: { readonly shape: Shape };
  permute: { readonly order: readonly number[] };
  broadcastTo: { readonly shape: Shape };
  slice: { readonly slices: readonly ResolvedSlice[] };
  unfold: WindowParams;
  // Copies
  fold: WindowParams & { readonly length: number };
  pad: { readonly widths: readonly (readonly [number, number])[]; readonly value: number };
  concat: AxisParams;
  // Indexing
  gather: AxisParams;
  scatterAdd: AxisParams;
  indexSelect: AxisParams;
  indexAdd: AxisParams;
  argsort: AxisParams & { readonly descending: boolean };

  // Fused: a definition in fused.ts, a kernel where it pays
  abs: None;
  square: None;
  reciprocal: None;
  rsqrt: None;
  minimum: None;
  sigmoid: None;
  relu: None;
  softplus: None;
  gelu: None;
  geluTanh: None;
  silu: None;
  elu: { readonly alpha: number };
  leakyRelu: { readonly slope: number };
  cumsum: AxisParams;
  softmax: AxisParams;
  softmaxGrad: AxisParams;
  logSoftmax: AxisParams;
  logSoftmaxGrad: AxisParams;
  rmsNorm: { readonly epsilon: number };
  layerNorm: { readonly epsilon: number };
  linear: None;
  conv1d: Conv1dParams;
  rotatePairs: None;
  attention: AttentionParams;
  rfft: { readonly size: number };
  irfft: { readonly size: number };
  attentionWeights: AttentionParams;
  attend: { readonly scale: number };
  crossEntropy: CrossEntropyParams;
  ctcLoss: CtcParams;
  // Gradients of fused ops, from (gradient, what the forward pass knew)
  sigmoidGrad: None;
  tanhGrad: None;
  reluGrad: None;
  geluGrad: None;
  geluTanhGrad: None;
  siluGrad: None;
  rmsNormGrad: { readonly epsilon: number };
  rmsNormWeightGrad: { readonly epsilon: number };
  layerNormGrad: { readonly epsilon: number };
  layerNormWeightGrad: { readonly epsilon: number };
  conv1dInputGrad: Conv1dParams & { readonly length: number };
  conv1dWeightGrad: Conv1dParams & { readonly taps: number };
  attentionGrad: { readonly scale: number };
  crossEntropyGrad: CrossEntropyParams;
  ctcLossGrad: CtcParams;
}

/** Name of an op. */
export type Op = keyof OpParams;

/** Ops that only give the same storage another layout. */
export type ViewOp = "reshape" | "permute" | "broadcastTo" | "slice" | "unfold";

/** Ops defined by a composition. */
export type FusedOp =
  | "abs"
  | "square"
  | "reciprocal"
  | "rsqrt"
  | "minimum"
  | "sigmoid"
  | "relu"
  | "softplus"
  | "gelu"
  | "geluTanh"
  | "silu"
  | "elu"
  | "leakyRelu"
  | "cumsum"
  | "softmax"
  | "softmaxGrad"
  | "logSoftmax"
  | "logSoftmaxGrad"
  | "rmsNorm"
  | "layerNorm"
  | "linear"
  | "conv1d"
  | "rotatePairs"
  | "attention"
  | "rfft"
  | "irfft"
  | "attentionWeights"
  | "attend"
  | "crossEntropy"
  | "ctcLoss"
  | "sigmoidGrad"
  | "tanhGrad"
  | "reluGrad"
  | "geluGrad"
  | "geluTanhGrad"
  | "siluGrad"
  | "rmsNormGrad"
  | "rmsNormWeightGrad"
  | "layerNormGrad"
  | "layerNormWeightGrad"
  | "conv1dInputGrad"
  | "conv1dWeightGrad"
  | "attentionGrad"
  | "crossEntropyGrad"
  | "ctcLossGrad";

/** Ops that every backend computes by a kernel or by falling back to the reference kernels. */
export type Primitive = Exclude<Op, ViewOp | FusedOp>;
