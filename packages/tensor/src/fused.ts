// The definitions of all fused ops in one table: fallback, test oracle, and what a differentiation engine
// goes through where it has no rule of its own. Each stands beside the function users call, in ops/.

import type { Definition } from "./apply.ts";
import type { FusedOp } from "./op-params.ts";
import {
  defineElu,
  defineGelu,
  defineGeluTanh,
  defineLeakyRelu,
  defineRelu,
  defineSigmoid,
  defineSilu,
  defineSoftplus,
} from "./ops/activation.ts";
import { defineAttention, defineRotatePairs } from "./ops/attention.ts";
import { defineConv1d } from "./ops/convolution.ts";
import { defineAbs, defineMinimum, defineReciprocal, defineRsqrt, defineSquare } from "./ops/elementwise.ts";
import { defineIrfft, defineRfft } from "./ops/fourier.ts";
import { defineLinear } from "./ops/linear-algebra.ts";
import {
  defineLayerNorm,
  defineLogSoftmax,
  defineLogSoftmaxGrad,
  defineRmsNorm,
  defineSoftmax,
  defineSoftmaxGrad,
} from "./ops/normalization.ts";
import { defineCumsum } from "./ops/reduction.ts";

/** For each fused op the composition that defines it. */
export const DEFINITIONS: { readonly [F in FusedOp]: Definition<F> } = {
  abs: defineAbs,
  square: defineSquare,
  reciprocal: defineReciprocal,
  rsqrt: defineRsqrt,
  minimum: defineMinimum,
  sigmoid: defineSigmoid,
  relu: defineRelu,
  softplus: defineSoftplus,
  gelu: defineGelu,
  geluTanh: defineGeluTanh,
  silu: defineSilu,
  elu: defineElu,
  leakyRelu: defineLeakyRelu,
  cumsum: defineCumsum,
  softmax: defineSoftmax,
  softmaxGrad: defineSoftmaxGrad,
  logSoftmax: defineLogSoftmax,
  logSoftmaxGrad: defineLogSoftmaxGrad,
  rmsNorm: defineRmsNorm,
  layerNorm: defineLayerNorm,
  linear: defineLinear,
  conv1d: defineConv1d,
  rotatePairs: defineRotatePairs,
  attention: defineAttention,
  rfft: defineRfft,
  irfft: defineIrfft,
};
