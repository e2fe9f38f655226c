// What users call, whatever the backend: the part that the entries @echo-ts/tensor and @echo-ts/tensor/reference
// share. What only packages that extend the ops need is in internal.ts. Reading order: shape, view, op, tensor, apply,
// ops/, op-table, backend, backends/reference.

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
  type MemoryInfo,
  memoryInfo,
  registerBackend,
  type Storage,
  setBackend,
  type View,
  withBackend,
} from "./backend.ts";
/** Making tensors. */
export * from "./create.ts";
export type { CreateOptions } from "./create-options.ts";
export * from "./create-random.ts";
/** Types and errors. */
export {
  BYTES_PER_ELEMENT,
  DTYPES,
  type DType,
  isFloating,
  promote,
  type TypedArray,
} from "./dtype.ts";
export { ArgumentError, BackendError, DtypeError, ShapeError } from "./errors.ts";
/** File formats as records of plain arrays; paths: `@echo-ts/tensor/files`. */
export type { ArrayData, ArrayDtype, ArrayRecord, ReadOptions } from "./formats/array-record.ts";
export { FormatError } from "./formats/format-error.ts";
export { type NpyWriteOptions, readNpy, writeNpy } from "./formats/npy.ts";
export { type NpzReadOptions, type NpzWriteOptions, readNpz, writeNpz } from "./formats/npz.ts";
export {
  type NamedArrays,
  readSafetensors,
  readSafetensorsHeader,
  type SafetensorsContent,
  type SafetensorsWriteOptions,
  writeSafetensors,
} from "./formats/safetensors.ts";
export { assign } from "./inplace.ts";
/** Who gives memory back, and when. */
export { keep, releasingResults } from "./memory.ts";
export type { NumberList } from "./nested.ts";
export { dtypeOfArray, type NumberArray } from "./numbers.ts";
/** What ran. */
export {
  type ComputedBy,
  type GradientEvent,
  type Observer,
  type OpEvent,
  observe,
} from "./observe.ts";
/** Computing with tensors. */
export * from "./ops/activation.ts";
export { type AttentionOptions, attention, type Causal, rotatePairs } from "./ops/attention.ts";
export * from "./ops/closeness.ts";
export {
  type Conv1dOptions,
  type ConvolutionOptions,
  type ConvTranspose1dOptions,
  conv1d,
  convTranspose1d,
  type Padding,
  type PaddingMode,
} from "./ops/convolution.ts";
export { type Conv2dOptions, conv2d, type Pair } from "./ops/convolution-2d.ts";
export * from "./ops/division.ts";
export * from "./ops/elementwise.ts";
export * from "./ops/fourier.ts";
export * from "./ops/indexing.ts";
export * from "./ops/joining.ts";
export * from "./ops/linear-algebra.ts";
export * from "./ops/normalization.ts";
export type { TensorLike } from "./ops/operands.ts";
export * from "./ops/parts.ts";
export * from "./ops/pooling.ts";
export * from "./ops/reduction.ts";
export * from "./ops/selection.ts";
export * from "./ops/shaping.ts";
export * from "./ops/transcendental.ts";
export { formatProfile, type ProfileLine, profile } from "./profile.ts";
export * from "./random.ts";
export { type Axes, formatShape, type Shape, sameShape } from "./shape.ts";
export { type Nested, Tensor } from "./tensor.ts";
/** Tensors as the bytes of files; paths: `@echo-ts/tensor/files`. */
export * from "./tensor-records.ts";
export type { SliceRange } from "./view.ts";
