// What the host may call, apart from the matrix product, which is a module of its own (one per register
// tile). The build writes the signature of each into generated/contract.ts. Read next: core.ts, contract.ts.
export * from "./core";
export { attention, attentionGrad, attentionGradRows } from "./attention";
export { depthwise, depthwiseWeightGrad, flipWeights, padRows, tapOffsets } from "./conv1d";
export { crossEntropy, crossEntropyGrad } from "./loss";
export { adamw, sgd } from "./optim";
export { rotatePairs } from "./rotary";
export { binaryOf, compareOf, unaryOf, whereBytes, whereWide } from "./typed";
export { productOf } from "./typed-gemm";
export { argmaxMiddleOf, cumsumMiddleOf, reduceMiddleOf } from "./typed-reduce";
