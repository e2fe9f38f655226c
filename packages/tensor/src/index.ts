// The public surface of @echo-ts/tensor. Reading order: shape, view, op-params, op-table, tensor, apply,
// ops/, fused, backend, backends/reference.

/** Types and errors. */
export {
  BYTES_PER_ELEMENT,
  type DType,
  DTYPES,
  dtypeOfArray,
  isFloating,
  promote,
  type TypedArray,
} from "./dtype.ts";
export { BackendError, DtypeError, ShapeError } from "./errors.ts";
export { type Axes, formatShape, type Shape } from "./shape.ts";
export { type Nested, Tensor, type Trace } from "./tensor.ts";
export type { SliceRange } from "./view.ts";

/** Making tensors. */
export * from "./create.ts";
export * from "./random.ts";

/** Computing with tensors. */
export * from "./ops/activation.ts";
export * from "./ops/attention.ts";
export * from "./ops/convolution.ts";
export * from "./ops/elementwise.ts";
export * from "./ops/fourier.ts";
export * from "./ops/indexing.ts";
export * from "./ops/joining.ts";
export * from "./ops/linear-algebra.ts";
export * from "./ops/normalization.ts";
export * from "./ops/reduction.ts";
export * from "./ops/shaping.ts";

/** Backends. */
export {
  type Backend,
  explain,
  type FallbackReport,
  findBackend,
  getBackend,
  type Kernel,
  type Kernels,
  listBackends,
  registerBackend,
  setBackend,
  type Storage,
  type View,
  withBackend,
} from "./backend.ts";

/** For differentiation engines and other packages that extend the ops. */
export { apply, applyFused, type Definition, scalar } from "./apply.ts";
export { DEFINITIONS } from "./fused.ts";
export type { FusedOp, Op, OpParams, Primitive, ViewOp } from "./op-params.ts";
export { OPS, type OpSpec } from "./op-table.ts";
export type { TensorLike } from "./ops/operands.ts";
