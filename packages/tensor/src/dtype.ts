// The four element types, the typed arrays that hold them, and the promotion rules.

import { BackendError, DtypeError } from "./errors.ts";
import { checkTensorBytes } from "./tensor-bytes.ts";

/**
 * Element type of a tensor. `bool` is stored as one byte per element holding 0 or 1. Arithmetic of `int32` (sums and
 * running sums, products, powers, matrix products, what is added at an index) wraps around modulo 2^32 on every backend,
 * as int32 does in C and NumPy; `mean`, `variance` and `std` of int32 are float64. For larger sums, cast first.
 */
export type DType = "float32" | "float64" | "int32" | "bool";

/** The typed array that holds elements of each dtype. */
export interface ArrayOf {
  float32: Float32Array;
  float64: Float64Array;
  int32: Int32Array;
  bool: Uint8Array;
}

/** Any typed array that a tensor's storage may be made of. */
export type TypedArray = ArrayOf[DType];

/** Every dtype, from the narrowest to the widest in promotion order. */
export const DTYPES: readonly DType[] = ["bool", "int32", "float32", "float64"];

const RANK: Readonly<Record<DType, number>> = { bool: 0, int32: 1, float32: 2, float64: 3 };

/** Bytes taken by one element. */
export const BYTES_PER_ELEMENT: Readonly<Record<DType, number>> = {
  bool: 1,
  int32: 4,
  float32: 4,
  float64: 8,
};

/** Throws DtypeError for names that plain JavaScript lets through, such as "float16". */
export function checkDtype(op: string, dtype: DType): void {
  if (!Object.hasOwn(RANK, dtype)) {
    throw new DtypeError(`${op}: unknown dtype "${dtype}", expected one of: ${DTYPES.join(", ")}`);
  }
}

/** The constructors of the arrays that hold elements of each dtype. */
export const ARRAYS: {
  readonly float32: Float32ArrayConstructor;
  readonly float64: Float64ArrayConstructor;
  readonly int32: Int32ArrayConstructor;
  readonly bool: Uint8ArrayConstructor;
} = { float32: Float32Array, float64: Float64Array, int32: Int32Array, bool: Uint8Array };

/**
 * Makes a zeroed typed array for a tensor of `length` elements of `dtype`.
 *
 * @param op who asks for it, for errors
 * @throws DtypeError for an unknown dtype; BackendError if there is no room for so many elements,
 * or `maximumBytes` of configureWasm forbids them
 * @example newArray("int32", 3) // Int32Array [0, 0, 0]
 */
export function newArray<D extends DType>(dtype: D, length: number, op?: string): ArrayOf[D];
export function newArray(dtype: DType, length: number, op = "allocate"): TypedArray {
  checkDtype(op, dtype);
  checkTensorBytes(length * BYTES_PER_ELEMENT[dtype], op);
  try {
    return new ARRAYS[dtype](length);
  } catch (error) {
    throw new BackendError(
      `${op}: out of memory: ${length} elements of ${dtype} asked for (${(error as Error).message}); use smaller batches, or let tensors go`,
    );
  }
}

/**
 * The common dtype of two operands: the wider one in the order bool < int32 < float32 < float64.
 * As in PyTorch, and unlike NumPy, int32 with float32 gives float32.
 *
 * @example promote("int32", "float32") // "float32"
 */
export function promote(a: DType, b: DType): DType {
  return RANK[a] >= RANK[b] ? a : b;
}

/** The dtype that a JavaScript number takes beside a tensor: it never widens a float, and turns an integer tensor to float32 only when it is not an integer itself. */
export function promoteNumber(dtype: DType, value: number): DType {
  if (RANK[dtype] >= RANK.float32) return dtype;
  return isInt32(value) ? "int32" : "float32";
}

/** True for integers that int32 can hold. */
export function isInt32(value: number): boolean {
  return Number.isInteger(value) && value >= -(2 ** 31) && value < 2 ** 31;
}

/** The dtype in which functions such as `exp` compute: float64 for float64, else float32. */
export function toFloating(dtype: DType): DType {
  return dtype === "float64" ? "float64" : "float32";
}

/**
 * True for float32 and float64.
 *
 * @example isFloating("int32") // false
 */
export function isFloating(dtype: DType): boolean {
  return RANK[dtype] >= RANK.float32;
}
