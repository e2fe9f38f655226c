// The definitions of all fused ops in one table: fallback, test oracle, and what a differentiation engine
// goes through where it has no rule of its own. Each stands beside the function users call, in ops/.

import type { Definition } from "./apply.ts";
import type { FusedOp } from "./op-params.ts";
import {
  defineElu,
  defineGelu,
  defineGeluGrad,
  defineGeluTanh,
  defineGeluTanhGrad,
  defineLeakyRelu,
  defineRelu,
  defineReluGrad,
  defineSigmoid,
  defineSigmoidGrad,
  defineSilu,
  defineSiluGrad,
  defineSoftplus,
  defineTanhGrad,
} from "./ops/activation.ts";
import {
  defineAttend,
  defineAttention,
  defineAttentionGrad,
  defineAttentionWeights,
  defineRotatePairs,
} from "./ops/attention.ts";
import { defineConv1d, defineConv1dInputGrad, defineConv1dWeightGrad } from "./ops/convolution.ts";
import { defineCrossEntropy, defineCrossEntropyGrad } from "./ops/cross-entropy.ts";
import { defineCtcLoss, defineCtcLossGrad } from "./ops/ctc.ts";
import { defineAbs, defineMinimum, defineReciprocal, defineRsqrt, defineSquare } from "./ops/elementwise.ts";
import { defineIrfft, defineRfft } from "./ops/fourier.ts";
import { defineLinear } from "./ops/linear-algebra.ts";
import {
  defineLayerNorm,
  defineLayerNormGrad,
  defineLayerNormWeightGrad,
  defineLogSoftmax,
  defineLogSoftmaxGrad,
  defineRmsNorm,
  defineRmsNormGrad,
  defineRmsNormWeightGrad,
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
  attentionWeights: defineAttentionWeights,
  attend: defineAttend,
  crossEntropy: defineCrossEntropy,
  ctcLoss: defineCtcLoss,
  sigmoidGrad: defineSigmoidGrad,
  tanhGrad: defineTanhGrad,
  reluGrad: defineReluGrad,
  geluGrad: defineGeluGrad,
  geluTanhGrad: defineGeluTanhGrad,
  siluGrad: defineSiluGrad,
  rmsNormGrad: defineRmsNormGrad,
  rmsNormWeightGrad: defineRmsNormWeightGrad,
  layerNormGrad: defineLayerNormGrad,
  layerNormWeightGrad: defineLayerNormWeightGrad,
  conv1dInputGrad: defineConv1dInputGrad,
  conv1dWeightGrad: defineConv1dWeightGrad,
  attentionGrad: defineAttentionGrad,
  crossEntropyGrad: defineCrossEntropyGrad,
  ctcLossGrad: defineCtcLossGrad,
};
