// Gradient rules of softmax, the norms and the losses made of them; see activation.ts.

import { sum } from "@echo-ts/tensor";
import { apply, OPS, type OpOf } from "@echo-ts/tensor/internal";
import { flatRows, type Vjps } from "./rule.ts";

/** Rules of softmax, the norms and the losses. */
export const NORMALIZATION_VJPS: Vjps<OpOf<"normalization" | "crossEntropy" | "ctc">> = {
  softmax: (g, { output: y, params: { axis } }) => [apply(OPS.softmaxGrad, [g, y], { axis })],
  logSoftmax: (g, { output: y, params: { axis } }) => [apply(OPS.logSoftmaxGrad, [g, y], { axis })],
  rmsNorm: (g, { inputs: [x, weight], params }, needs) => [
    needs[0] ? apply(OPS.rmsNormGrad, [g, x!, weight!], params) : null,
    needs[1] ? apply(OPS.rmsNormWeightGrad, [g, x!], params) : null,
  ],
  layerNorm: (g, { inputs: [x, weight], params }, needs) => [
    needs[0] ? apply(OPS.layerNormGrad, [g, x!, weight!], params) : null,
    needs[1] ? apply(OPS.layerNormWeightGrad, [g, x!], params) : null,
    needs[2] ? sum(flatRows(g), 0) : null,
  ],
  crossEntropy: (g, { inputs, params }) => [apply(OPS.crossEntropyGrad, [g, ...inputs], params)],
  ctcLoss: (g, { inputs, params }) => [apply(OPS.ctcLossGrad, [g, ...inputs], params)],

  softmaxGrad: "composition",
  logSoftmaxGrad: "composition",
  rmsNormGrad: "composition",
  rmsNormWeightGrad: "composition",
  layerNormGrad: "composition",
  layerNormWeightGrad: "composition",
  crossEntropyGrad: "composition",
  ctcLossGrad: "composition",
};
