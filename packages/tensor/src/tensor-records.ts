// Tensors to and from the arrays of the file formats, and whole files of named tensors as bytes. formats/
// decides what a file may hold and what is refused. Read next: files.ts, which takes paths.

import { fromTypedArray } from "./apply.ts";
import { checkOptions, checkTensors, type OptionKinds, wrongArgument } from "./arguments.ts";
import type { Backend } from "./backend.ts";
import { getBackend } from "./backend.ts";
import type { DType, TypedArray } from "./dtype.ts";
import { DtypeError } from "./errors.ts";
import type { ArrayRecord } from "./formats/array-record.ts";
import { readNpy, writeNpy } from "./formats/npy.ts";
import { readNpz, writeNpz } from "./formats/npz.ts";
import { readSafetensors, writeSafetensors } from "./formats/safetensors.ts";
import type { Tensor } from "./tensor.ts";

/** Names and tensors, as a map or a plain object. */
export type NamedTensors = ReadonlyMap<string, Tensor> | Readonly<Record<string, Tensor>>;

/** Options of reading tensors. */
export interface LoadOptions {
  /** Where the tensors shall live, default the current backend. */
  readonly backend?: Backend;
  /** The name of the file for error messages, default "bytes". */
  readonly source?: string;
}

const LOAD_OPTIONS: OptionKinds<LoadOptions> = { backend: "object", source: "string" };

/** Options of writing tensors. */
export interface SaveOptions {
  /** How float32 tensors are stored: as they are (default), or rounded to 16 bits. */
  readonly float32As?: "float32" | "float16" | "bfloat16";
  /** Free text stored beside the tensors of a safetensors file. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** Deflate the arrays of an .npz archive, default false. */
  readonly compressed?: boolean;
}

const SAVE_OPTIONS: OptionKinds<SaveOptions> = {
  float32As: ["float32", "float16", "bfloat16"],
  metadata: "object",
  compressed: "boolean",
};

/**
 * A record of the file formats as a tensor, which may adopt the record's array. Small integers (8 and 16 bits, signed or not) become int32.
 *
 * @throws DtypeError for element types without a dtype here: 64-bit and unsigned 32-bit integers, raw 16-bit floats
 */
export function tensorFromRecord(record: ArrayRecord, options: LoadOptions = {}): Tensor {
  checkOptions("tensorFromRecord", options, LOAD_OPTIONS);
  if (typeof record !== "object" || record === null) {
    throw wrongArgument("tensorFromRecord", "record", "an object { dtype, shape, data }", record);
  }
  const [dtype, data] = elements(record);
  return fromTypedArray(dtype, data, record.shape, options.backend ?? getBackend());
}

function elements({ dtype, data }: ArrayRecord): [DType, TypedArray] {
  if (data instanceof Float32Array) return ["float32", data];
  if (data instanceof Float64Array) return ["float64", data];
  if (data instanceof Int32Array) return ["int32", data];
  if (dtype === "bool") return ["bool", data as Uint8Array];
  if (dtype === "int8" || dtype === "uint8" || dtype === "int16" || dtype === "uint16") {
    return ["int32", Int32Array.from(data as Int8Array)];
  }
  throw new DtypeError(
    `tensorFromRecord: ${dtype} has no dtype here, expected bool, float32, float64 or an integer that int32 holds`,
  );
}

/** A tensor as a record of the file formats: its elements in row-major order, in memory of their own. */
export async function recordFromTensor(x: Tensor, options: SaveOptions = {}): Promise<ArrayRecord> {
  checkOptions("recordFromTensor", options, SAVE_OPTIONS);
  checkTensors("recordFromTensor", { x });
  const dtype = x.dtype === "float32" ? (options.float32As ?? "float32") : x.dtype;
  return { dtype, shape: x.shape, data: await x.data() };
}

const fromRecords = (records: ReadonlyMap<string, ArrayRecord>, options: LoadOptions): Map<string, Tensor> =>
  new Map([...records].map(([name, record]) => [name, tensorFromRecord(record, options)]));

async function toRecords(tensors: NamedTensors, options: SaveOptions): Promise<Map<string, ArrayRecord>> {
  if (typeof tensors !== "object" || tensors === null) {
    throw wrongArgument("saving tensors", "tensors", "a Map or an object of tensors by name", tensors);
  }
  const entries: Iterable<[string, Tensor]> = tensors instanceof Map ? tensors : Object.entries(tensors);
  const records = new Map<string, ArrayRecord>();
  for (const [name, x] of entries) records.set(name, await recordFromTensor(x, options));
  return records;
}

/**
 * The tensors of a safetensors file, by name, in the order of its header; 16-bit floats are widened to float32.
 *
 * @param bytes the whole file
 * @throws FormatError naming file, tensor and reason when the file is refused
 * @example const weight = decodeSafetensors(bytes).get("encoder.weight")
 */
export function decodeSafetensors(bytes: Uint8Array, options: LoadOptions = {}): Map<string, Tensor> {
  checkOptions("decodeSafetensors", options, LOAD_OPTIONS);
  return fromRecords(readSafetensors(bytes, { source: options.source ?? "bytes" }).tensors, options);
}

/**
 * Named tensors as the bytes of a safetensors file; equal tensors give equal bytes.
 *
 * @example decodeSafetensors(await encodeSafetensors({ x: arange(3) })).get("x").toArray() // [0, 1, 2]
 */
export async function encodeSafetensors(
  tensors: NamedTensors,
  options: SaveOptions = {},
): Promise<Uint8Array<ArrayBuffer>> {
  checkOptions("encodeSafetensors", options, SAVE_OPTIONS);
  const { metadata = {} } = options;
  return writeSafetensors(await toRecords(tensors, options), { metadata });
}

/** The tensor of a NumPy .npy file, in C or Fortran order; see `decodeSafetensors`. */
export function decodeNpy(bytes: Uint8Array, options: LoadOptions = {}): Tensor {
  checkOptions("decodeNpy", options, LOAD_OPTIONS);
  return tensorFromRecord(readNpy(bytes, { source: options.source ?? "bytes" }), options);
}

/**
 * A tensor as the bytes of a NumPy .npy file.
 *
 * @example decodeNpy(await encodeNpy(arange(3))).toArray() // [0, 1, 2]
 */
export async function encodeNpy(x: Tensor, options: SaveOptions = {}): Promise<Uint8Array<ArrayBuffer>> {
  checkOptions("encodeNpy", options, SAVE_OPTIONS);
  return writeNpy(await recordFromTensor(x, options));
}

/** The tensors of a NumPy .npz archive, by name; see `decodeSafetensors`. */
export function decodeNpz(bytes: Uint8Array, options: LoadOptions = {}): Map<string, Tensor> {
  checkOptions("decodeNpz", options, LOAD_OPTIONS);
  return fromRecords(readNpz(bytes, { source: options.source ?? "bytes" }), options);
}

/**
 * Named tensors as the bytes of a NumPy .npz archive.
 *
 * @example decodeNpz(await encodeNpz({ x: arange(3) })).get("x").toArray() // [0, 1, 2]
 */
export async function encodeNpz(tensors: NamedTensors, options: SaveOptions = {}): Promise<Uint8Array> {
  checkOptions("encodeNpz", options, SAVE_OPTIONS);
  const { compressed = false } = options;
  return writeNpz(await toRecords(tensors, options), { compressed });
}
