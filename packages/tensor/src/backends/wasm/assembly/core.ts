// The kernels of the small entry: elementwise operations, copies, reductions, softmax and norms on float32, with what
// moves elements of any dtype. A module of its own, compiled for size; kernels.ts has these too. Read next: kernels.ts.
export { convert } from "./convert";
export { binary, compare, copy, unary, where } from "./elementwise";
export { badIndex, copyBlocks, fill, fold, gather, indexAdd, indexSelect, scatterAdd } from "./gather";
export { layerNormRows, normGradRows, normStats, normWeightGrad, rmsNormRows } from "./norm";
export {
  argmaxMiddle, cumsumMiddle, maxMiddle, maxRows, squareParts, sumMiddle, sumOfParts, sumParts, sumRows,
} from "./reduce";
export { logSoftmaxGradRows, logSoftmaxRows, softmaxGradRows, softmaxRows } from "./softmax";
export { copyTransposed } from "./strided";
