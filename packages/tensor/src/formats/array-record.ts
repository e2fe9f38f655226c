// What the file formats exchange: a dtype, a shape and a flat typed array in row-major order.
// Read next: safetensors.ts, npy.ts and npz.ts, which fill and store these records.
import { describeValue } from "../arguments.ts";
import type { Refuse } from "./format-error.ts";
import { bfloat16ToFloat32, float16ToFloat32, float32ToBfloat16, float32ToFloat16 } from "./half.ts";

/** Element types of stored arrays, by their NumPy names (and bfloat16). */
export type ArrayDtype =
  | "bool"
  | "int8"
  | "uint8"
  | "int16"
  | "uint16"
  | "int32"
  | "uint32"
  | "int64"
  | "uint64"
  | "float16"
  | "bfloat16"
  | "float32"
  | "float64";

/** The typed arrays that hold the elements; bool is a Uint8Array of 0 and 1, 16-bit floats are bit patterns. */
export type ArrayData =
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array
  | Float32Array
  | Float64Array;

/** An array as a file holds it: row-major elements, one per product of the shape. */
export interface ArrayRecord {
  /** The meaning of the elements. */
  readonly dtype: ArrayDtype;
  /** Sizes of the axes; `[]` is a single number. */
  readonly shape: readonly number[];
  /** The elements, last axis fastest. */
  readonly data: ArrayData;
}

/** How a reader maps element types that JavaScript arithmetic does not have. */
export interface ReadOptions {
  /** The name of the file for error messages, default "bytes". */
  readonly source?: string;
  /**
   * 64-bit integers: "int32" (default) gives an Int32Array and refuses values outside int32, "bigint" gives a
   * BigInt64Array or BigUint64Array.
   */
  readonly int64?: "int32" | "bigint";
  /** 16-bit floats: "float32" (default) widens them exactly, "raw" gives the bit patterns as Uint16Array. */
  readonly half?: "float32" | "raw";
}

interface Layout {
  readonly bytes: number;
  readonly make: (buffer: ArrayBuffer) => ArrayData;
}

const LAYOUTS: Readonly<Record<ArrayDtype, Layout>> = {
  bool: { bytes: 1, make: (buffer) => new Uint8Array(buffer) },
  int8: { bytes: 1, make: (buffer) => new Int8Array(buffer) },
  uint8: { bytes: 1, make: (buffer) => new Uint8Array(buffer) },
  int16: { bytes: 2, make: (buffer) => new Int16Array(buffer) },
  uint16: { bytes: 2, make: (buffer) => new Uint16Array(buffer) },
  int32: { bytes: 4, make: (buffer) => new Int32Array(buffer) },
  uint32: { bytes: 4, make: (buffer) => new Uint32Array(buffer) },
  int64: { bytes: 8, make: (buffer) => new BigInt64Array(buffer) },
  uint64: { bytes: 8, make: (buffer) => new BigUint64Array(buffer) },
  float16: { bytes: 2, make: (buffer) => new Uint16Array(buffer) },
  bfloat16: { bytes: 2, make: (buffer) => new Uint16Array(buffer) },
  float32: { bytes: 4, make: (buffer) => new Float32Array(buffer) },
  float64: { bytes: 8, make: (buffer) => new Float64Array(buffer) },
};

const HOST_BIG_ENDIAN = new Uint8Array(new Uint16Array([1]).buffer)[0] === 0;

/** NumPy's limit on the number of axes; both readers and writers refuse more. */
export const MAX_RANK = 64;

/** Bytes per stored element. */
export function itemSize(dtype: ArrayDtype): number {
  return LAYOUTS[dtype].bytes;
}

/**
 * The product of the sizes, or undefined when it passes 2^53 - 1 on the way (also before a zero size).
 *
 * @param shape non-negative integers.
 */
export function elementCount(shape: readonly number[]): number | undefined {
  let count = 1;
  for (const size of shape) {
    count *= size;
    if (!Number.isSafeInteger(count)) return undefined;
  }
  return count;
}

/**
 * Stored bytes to a typed array of its own: copied, so any alignment will do and the file can be released.
 *
 * @param bytes a multiple of the item size. @param bigEndian byte order of the file, default little-endian.
 */
export function decodeElements(bytes: Uint8Array, dtype: ArrayDtype, bigEndian = false): ArrayData {
  const copy = new Uint8Array(bytes.length);
  copy.set(bytes);
  if (bigEndian !== HOST_BIG_ENDIAN) reverseItems(copy, itemSize(dtype));
  return LAYOUTS[dtype].make(copy.buffer);
}

/** A typed array to little-endian bytes; on little-endian machines a view of the same memory. */
export function encodeElements(data: ArrayData): Uint8Array {
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  if (!HOST_BIG_ENDIAN) return bytes;
  const copy = bytes.slice();
  reverseItems(copy, data.BYTES_PER_ELEMENT);
  return copy;
}

function reverseItems(bytes: Uint8Array, size: number): void {
  if (size === 1) return;
  for (let start = 0; start < bytes.length; start += size) bytes.subarray(start, start + size).reverse();
}

/**
 * A record as read from a file, mapped to what the options ask for; refuses 64-bit integers outside int32 and
 * bool bytes other than 0 and 1.
 */
export function readableRecord(
  record: ArrayRecord,
  options: ReadOptions,
  refuse: Refuse,
  key?: string,
): ArrayRecord {
  const { dtype, shape, data } = record;
  if (dtype === "bool") {
    const bad = (data as Uint8Array).findIndex((value) => value > 1);
    if (bad >= 0) refuse(`element ${bad} is ${data[bad]}, expected 0 or 1 for bool`, key);
  }
  if ((dtype === "float16" || dtype === "bfloat16") && options.half !== "raw") {
    const widen = dtype === "float16" ? float16ToFloat32 : bfloat16ToFloat32;
    return { dtype: "float32", shape, data: widen(data as Uint16Array) };
  }
  if ((data instanceof BigInt64Array || data instanceof BigUint64Array) && options.int64 !== "bigint") {
    const bad = data.findIndex((value: bigint) => value > 2147483647n || value < -2147483648n);
    if (bad >= 0)
      refuse(`element ${bad} is ${data[bad]}, outside int32; read it with { int64: "bigint" }`, key);
    return { dtype: "int32", shape, data: Int32Array.from(data, Number) };
  }
  return record;
}

/** Refuses what is no record, such as a tensor in the place of one. */
export function checkRecord(record: ArrayRecord, refuse: Refuse, key?: string): void {
  const fits =
    typeof record === "object" &&
    record !== null &&
    Array.isArray(record.shape) &&
    ArrayBuffer.isView(record.data);
  if (!fits) refuse(`expected a record { dtype, shape, data }, got ${describeValue(record)}`, key);
}

/**
 * The typed array to store for a record: checks shape, dtype and length, and rounds float32 data of a float16
 * or bfloat16 record to 16 bits. A finite value that float16 cannot hold is refused, not turned to infinity.
 */
export function storableData(record: ArrayRecord, refuse: Refuse, key?: string): ArrayData {
  const { dtype, shape, data } = record;
  const layout: Layout | undefined = Object.hasOwn(LAYOUTS, dtype) ? LAYOUTS[dtype] : undefined;
  if (layout === undefined)
    return refuse(`unknown dtype ${quote(dtype)}, expected one of ${Object.keys(LAYOUTS).join(", ")}`, key);
  const bad = shape.find((size) => !Number.isSafeInteger(size) || size < 0);
  if (bad !== undefined)
    refuse(`shape [${shape.join(", ")}] has the size ${bad}, expected integers >= 0`, key);
  if (shape.length > MAX_RANK) refuse(`${shape.length} axes, expected at most ${MAX_RANK}`, key);
  const count = elementCount(shape);
  if (data.length !== count)
    refuse(
      `${data.length} elements, expected ${count ?? "fewer than 2^53"} for shape [${shape.join(", ")}]`,
      key,
    );
  if ((dtype === "float16" || dtype === "bfloat16") && data instanceof Float32Array)
    return dtype === "bfloat16" ? float32ToBfloat16(data) : checkedFloat16(data, refuse, key);
  const expected = layout.make(new ArrayBuffer(0)).constructor;
  if (data.constructor !== expected)
    refuse(`data is a ${data.constructor.name}, expected ${expected.name} for dtype ${dtype}`, key);
  if (dtype === "bool") readableRecord(record, {}, refuse, key);
  return data;
}

function checkedFloat16(data: Float32Array, refuse: Refuse, key?: string): Uint16Array {
  const bad = data.findIndex((value) => Number.isFinite(value) && Math.abs(value) >= 65520);
  if (bad >= 0) refuse(`element ${bad} is ${data[bad]}, beyond float16's largest value 65504`, key);
  return float32ToFloat16(data);
}

function quote(value: unknown): string {
  return JSON.stringify(value) ?? String(value);
}
