// Arrays of numbers of every kind that JavaScript has, as the elements of a dtype: which dtype they get, and what is
// refused. Read next: create.ts.

import { describeValue } from "./arguments.ts";
import { type ArrayOf, type DType, isInt32, newArray, type TypedArray } from "./dtype.ts";
import { DtypeError } from "./errors.ts";

/** Every typed array, Node's Buffer among them; a Float16Array is taken where the engine has one. */
export type NumberArray =
  | Int8Array
  | Uint8Array
  | Uint8ClampedArray
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array
  | Float32Array
  | Float64Array;

/** The dtype whose elements each typed array holds; "fit" where they must be looked at. */
const DTYPE_OF: Readonly<Record<string, DType | "fit">> = {
  Int8Array: "int32",
  Uint8Array: "int32",
  Uint8ClampedArray: "int32",
  Int16Array: "int32",
  Uint16Array: "int32",
  Int32Array: "int32",
  Uint32Array: "fit",
  BigInt64Array: "fit",
  BigUint64Array: "fit",
  Float16Array: "float32",
  Float32Array: "float32",
  Float64Array: "float64",
};

/** "Uint8Array" for a Buffer too. */
const kindOf = (array: ArrayBufferView): string =>
  (array as ArrayBufferView & { readonly [Symbol.toStringTag]: string })[Symbol.toStringTag];

/**
 * The dtype that the elements of a typed array get in `tensor` and `fromNdarray` when none is asked for: float64 and
 * float32 as they are, float32 for Float16Array, int32 for every array of integers. Of a Uint32Array with numbers that
 * int32 does not hold it is float32, which rounds above 2^24. Bytes are numbers: bool is for who asks for it.
 *
 * @throws DtypeError for arrays of 64-bit integers that int32 does not hold, and for what is no typed array
 * @example dtypeOfArray(Uint8Array.of(0, 255)) // "int32"
 */
export function dtypeOfArray(array: ArrayBufferView): DType {
  return numberDtype("dtypeOfArray", array);
}

/** The dtype that is asked for, or else `dtypeOfArray`, in the name of the function that the user called. */
export function numberDtype(op: string, array: ArrayBufferView, asked?: DType): DType {
  if (!ArrayBuffer.isView(array) || array instanceof DataView) {
    throw new DtypeError(`${op}: expected a typed array, got ${describeValue(array)}`);
  }
  const kind = kindOf(array);
  const dtype = DTYPE_OF[kind];
  if (dtype === undefined) throw new DtypeError(`${op}: no dtype holds the elements of a ${kind}`);
  if (asked !== undefined) return asked;
  if (dtype !== "fit") return dtype;
  const outside = (array as unknown as readonly (number | bigint)[]).find((value) => !isInt32(Number(value)));
  if (outside === undefined) return "int32";
  if (kind === "Uint32Array") return "float32";
  throw new DtypeError(
    `${op}: a ${kind} with ${outside}, which int32 does not hold; ask for { dtype: "float64" }, exact up to 2^53`,
  );
}

/**
 * A fresh array of a dtype with these elements. For int32 fractions are cut off; for bool everything but 0 is 1.
 *
 * @param op the function that the user called, for the message
 * @throws DtypeError for NaN and numbers that int32 does not hold, as in NumPy 2
 */
export function elementsAs<D extends DType>(
  op: string,
  values: NumberArray | readonly (number | boolean)[],
  dtype: D,
): ArrayOf[D];
export function elementsAs(
  op: string,
  values: NumberArray | readonly (number | boolean)[],
  dtype: DType,
): TypedArray {
  const out = newArray(dtype, values.length, op);
  // Arrays whose elements are the dtype's own need no look at each.
  if (ArrayBuffer.isView(values) && kindOf(values) === out[Symbol.toStringTag] && dtype !== "bool") {
    out.set(values as TypedArray);
    return out;
  }
  for (let i = 0; i < values.length; i++) {
    const value = Number(values[i]);
    if (dtype === "int32" && !isInt32(Math.trunc(value))) throw outsideInt32(op, `element ${i}`, value);
    out[i] = dtype === "bool" ? Number(value !== 0) : value;
  }
  return out;
}

/** Refuses a number for elements of a dtype that does not hold it. */
export function checkHolds(op: string, name: string, value: number, dtype: DType): void {
  if (dtype === "int32" && !isInt32(Math.trunc(value))) throw outsideInt32(op, name, value);
}

function outsideInt32(op: string, name: string, value: number): DtypeError {
  return new DtypeError(
    `${op}: ${name} is ${value}, which int32 does not hold (-2147483648 to 2147483647); use float64`,
  );
}
