// Neural-network modules. Reading order: module, init, linear, state-dict, attention.

export { ACTIVATION_NAMES, Activation, type ActivationName, activation } from "./activation.ts";
export {
  type AttentionMasks,
  MultiheadAttention,
  type MultiheadAttentionOptions,
  type ScaledDotProductOptions,
  scaledDotProductAttention,
} from "./attention.ts";
export { BatchNorm, type BatchNormOptions, type ChannelNormOptions, GroupNorm } from "./batch-norm.ts";
export { Conv1d, Conv2d, type ConvLayerOptions, ConvTranspose1d } from "./convolution.ts";
export { Dropout } from "./dropout.ts";
export {
  constantInit,
  fanInUniformInit,
  fans,
  type Initializer,
  type KaimingOptions,
  kaimingNormalInit,
  kaimingUniformInit,
  nonlinearityGain,
  normalInit,
  onesInit,
  type ParameterOptions,
  parameter,
  truncatedNormalInit,
  uniformInit,
  xavierNormalInit,
  xavierUniformInit,
  zerosInit,
} from "./init.ts";
export { Embedding, type EmbeddingOptions, Linear, type LinearOptions } from "./linear.ts";
export { type Layer, type Member, Module } from "./module.ts";
export { LayerNorm, type LayerNormOptions, type NormOptions, RMSNorm } from "./normalization.ts";
export {
  GRU,
  type GRUOutput,
  LSTM,
  type LSTMOutput,
  type RecurrentOptions,
} from "./recurrent.ts";
export {
  type CellOptions,
  type CellParameters,
  GRUCell,
  gruStep,
  LSTMCell,
  type LSTMState,
  lstmStep,
} from "./recurrent-cells.ts";
export { Sequential } from "./sequential.ts";
export {
  fromSafetensors,
  type LoadReport,
  type LoadStateOptions,
  type StateDict,
  toSafetensors,
} from "./state-dict.ts";
