// The public surface of @echo-ts/tensor. Reading order: shape, view, op, tensor, apply, ops/, op-table,
// backend, backends/reference.

import "./default-backend.ts";

/** For differentiation engines and other packages that extend the ops. */
export { apply, NONE, scalar } from "./apply.ts";
/** Refusing wrong arguments by name. */
export {
  checkFunction,
  checkOptions,
  checkTensors,
  definedOptions,
  describeValue,
  nearestName,
  type OptionKind,
  type OptionKinds,
  unknownOption,
  wrongArgument,
} from "./arguments.ts";
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
  type StorageOwner,
  setBackend,
  type UpdateKernels,
  type View,
  withBackend,
} from "./backend.ts";
/** The gpu backend: started on demand. */
export { type GpuInfo, type GpuMode, type GpuOptions, gpuInfo, initGpu } from "./backends/gpu/index.ts";
/** The wasm backend's settings. */
export {
  configureWasm,
  initWasm,
  type WasmInfo,
  type WasmOptions,
  wasmAvailable,
  wasmInfo,
} from "./backends/wasm/index.ts";
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
export { assign, hostElements, isWhole, noteWrite } from "./inplace.ts";
/** Who gives memory back, and when. */
export { keep, lasting, Owner, onlyResult, outsideScopes, releasingResults, Scope } from "./memory.ts";
export type { NumberList } from "./nested.ts";
export { dtypeOfArray, type NumberArray } from "./numbers.ts";
/** What ran. */
export {
  type ComputedBy,
  type GradientEvent,
  type Observer,
  type OpEvent,
  observation,
  observe,
  tellGradient,
  tellOp,
  timed,
} from "./observe.ts";
export type { Definition, FusedRow, OpRow, PrimitiveRow, ViewRow } from "./op.ts";
export {
  type Family,
  type FusedOp,
  OPS,
  type Op,
  type OpOf,
  type OpParams,
  type Primitive,
  type ViewOp,
} from "./op-table.ts";
/** Computing with tensors. */
export * from "./ops/activation.ts";
export * from "./ops/attention.ts";
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
export * from "./ops/cross-entropy.ts";
export * from "./ops/ctc.ts";
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
export { type Nested, Tensor, type Trace } from "./tensor.ts";
/** Tensors as the bytes of files; paths: `@echo-ts/tensor/files`. */
export * from "./tensor-records.ts";
export type { AdamStep, SgdStep } from "./update.ts";
export type { SliceRange } from "./view.ts";
