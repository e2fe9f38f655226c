// What the host may call, apart from the matrix product, which is a module of its own (one per register
// tile). The build writes the signature of each into generated/contract.ts. Read next: contract.ts.
export { attention, attentionGrad, attentionGradRows } from "./attention";
export { depthwise, depthwiseWeightGrad, flipWeights, padRows, tapOffsets } from "./conv1d";
export { convert } from "./convert";
export { binary, compare, copy, unary, where } from "./elementwise";
export { badIndex, copyBlocks, fill, fold, gather, indexAdd, indexSelect, scatterAdd } from "./gather";
export { crossEntropy, crossEntropyGrad } from "./loss";
export { layerNormRows, normGradRows, normStats, normWeightGrad, rmsNormRows } from "./norm";
export { adamw, sgd } from "./optim";
export {
  argmaxMiddle, cumsumMiddle, maxMiddle, maxRows, squareParts, sumMiddle, sumOfParts, sumParts, sumRows,
} from "./reduce";
export { rotatePairs } from "./rotary";
export { logSoftmaxGradRows, logSoftmaxRows, softmaxGradRows, softmaxRows } from "./softmax";
export { copyTransposed } from "./strided";
export { binaryOf, compareOf, unaryOf, whereBytes, whereWide } from "./typed";
export { productOf } from "./typed-gemm";
export { argmaxMiddleOf, cumsumMiddleOf, reduceMiddleOf } from "./typed-reduce";
