// Rows of the fused ops. ONNX has a few of them itself, with the same meaning; the others are exported as the ops of
// their definition, which a runtime fuses again as it likes.

import type { OpOf } from "@echo-ts/tensor/internal";
import type { OnnxRows, Write } from "./row.ts";

const conv1d: Write<"conv1d"> = (call, graph) => {
  const padding = call.fixed("padding");
  return graph.node("Conv", call.inputs, {
    kernel_shape: [call.fixedSize(2, 1)],
    strides: [call.fixed("stride")],
    pads: [padding, padding],
    dilations: [call.fixed("dilation")],
    group: call.fixed("groups"),
  });
};

const alongAxis =
  (type: string): Write<"softmax" | "logSoftmax"> =>
  (call, graph) =>
    graph.node(type, call.inputs, { axis: call.fixed("axis") });

/** Rows of the fused ops. */
export const FUSED_ROWS: OnnxRows<
  OpOf<"activation" | "normalization" | "attention" | "convolution" | "fourier" | "crossEntropy" | "ctc">
> = {
  sigmoid: ({ inputs }, graph) => graph.node("Sigmoid", inputs),
  relu: ({ inputs }, graph) => graph.node("Relu", inputs),
  softplus: ({ inputs }, graph) => graph.node("Softplus", inputs),
  gelu: "definition",
  geluTanh: "definition",
  silu: "definition",
  elu: "definition",
  leakyRelu: "definition",
  sigmoidGrad: "definition",
  tanhGrad: "definition",
  reluGrad: "definition",
  geluGrad: "definition",
  geluTanhGrad: "definition",
  siluGrad: "definition",
  softmax: alongAxis("Softmax"),
  softmaxGrad: "definition",
  logSoftmax: alongAxis("LogSoftmax"),
  logSoftmaxGrad: "definition",
  rmsNorm: "definition",
  rmsNormGrad: "definition",
  rmsNormWeightGrad: "definition",
  layerNorm: "definition",
  layerNormGrad: "definition",
  layerNormWeightGrad: "definition",
  attention: "definition",
  attentionWeights: "definition",
  attend: "definition",
  attentionGrad: "definition",
  rotatePairs: "definition",
  conv1d,
  conv1dInputGrad: "definition",
  conv1dWeightGrad: "definition",
  rfft: "definition",
  irfft: "definition",
  crossEntropy: "definition",
  crossEntropyGrad: "definition",
  ctcLoss: "definition",
  ctcLossGrad: "definition",
};
