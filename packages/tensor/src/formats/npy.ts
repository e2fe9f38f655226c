// NumPy's .npy format: a magic string, a Python dict literal that names dtype, order and shape, then the
// elements. Layout as in NumPy's NEP 1 and numpy.lib.format. Read next: npz.ts (several arrays in one file).
import {
  type ArrayData,
  type ArrayDtype,
  type ArrayRecord,
  checkRecord,
  decodeElements,
  elementCount,
  encodeElements,
  itemSize,
  MAX_RANK,
  type ReadOptions,
  readableRecord,
  storableData,
} from "./array-record.ts";
import { checkBytes, checkObject, quoteKey, type Refuse, refuser } from "./format-error.ts";

/** Options of {@link writeNpy}. */
export interface NpyWriteOptions {
  /** Store the first axis fastest (column-major), default false. */
  readonly fortranOrder?: boolean;
  /** The name of the file for error messages, default "bytes". */
  readonly source?: string;
}

interface NpyHeader {
  readonly descr: string;
  readonly fortranOrder: boolean;
  readonly shape: readonly number[];
}

const MAGIC = "\x93NUMPY";

/** NumPy's own limit for headers of files that it has no reason to trust. */
const MAX_HEADER_BYTES = 10_000;

/** NumPy leaves room so that the longest axis can grow to this many digits in place. */
const GROWTH_DIGITS = 21;

const DESCRS: ReadonlyMap<string, ArrayDtype> = new Map([
  ["b1", "bool"],
  ["i1", "int8"],
  ["u1", "uint8"],
  ["i2", "int16"],
  ["u2", "uint16"],
  ["i4", "int32"],
  ["u4", "uint32"],
  ["i8", "int64"],
  ["u8", "uint64"],
  ["f2", "float16"],
  ["f4", "float32"],
  ["f8", "float64"],
]);

/** Why an element type of NumPy cannot be read, by the letter of its kind. */
const REFUSED_KINDS: ReadonlyMap<string, string> = new Map([
  ["O", "Python objects are pickles, which could run code; save a numeric dtype"],
  ["V", "raw records have no numeric meaning; save the fields one by one"],
  ["U", "text is no number"],
  ["S", "byte strings are no numbers"],
  ["a", "byte strings are no numbers"],
  ["M", "dates have no counterpart; save them as integers"],
  ["m", "time differences have no counterpart; save them as integers"],
  ["c", "complex numbers have no counterpart; save real and imaginary parts"],
  ["f", "this float size has no counterpart; save float64 or float32"],
]);

/**
 * Read a .npy file of format version 1, 2 or 3, either byte order, C or Fortran order; the result is always
 * in C (row-major) order.
 *
 * @param bytes the whole file. @param options names the source and maps float16 and 64-bit integers.
 * @throws FormatError for damaged files, more or fewer bytes than the shape needs, and dtypes without a
 *   counterpart (objects, structured, complex, text, dates, long double).
 * @example
 * readNpy(bytes) // { dtype: "float32", shape: [2, 3], data: Float32Array(6) }
 */
export function readNpy(bytes: Uint8Array, options: ReadOptions = {}): ArrayRecord {
  checkBytes("readNpy", bytes);
  return readNpyWith(bytes, options, refuser("readNpy", options.source ?? "bytes"));
}

/** {@link readNpy} for an array inside another file: `key` names it in messages. */
export function readNpyWith(
  bytes: Uint8Array,
  options: ReadOptions,
  refuseFile: Refuse,
  key?: string,
): ArrayRecord {
  const refuse: Refuse = (reason) => refuseFile(reason, key);
  const { header, dataStart } = readHeader(bytes, refuse);
  const { descr, fortranOrder, shape } = header;
  const { dtype, bigEndian } = parseDescr(descr, refuse);
  const count = elementCount(shape);
  const needed = (count ?? Number.POSITIVE_INFINITY) * itemSize(dtype);
  const found = bytes.length - dataStart;
  if (found < needed) refuse(`${found} bytes of data, expected ${needed} for ${dtype} [${shape.join(", ")}]`);
  if (found > needed)
    refuse(`${found - needed} bytes follow the array; is this several arrays in one file? Use .npz for that`);
  const stored = decodeElements(bytes.subarray(dataStart), dtype, bigEndian);
  const data = fortranOrder ? reorder(stored, shape, "toRowMajor") : stored;
  return readableRecord({ dtype, shape, data }, options, refuse);
}

function readHeader(bytes: Uint8Array, refuse: Refuse): { header: NpyHeader; dataStart: number } {
  const magic = String.fromCharCode(...bytes.subarray(0, 6));
  if (magic !== MAGIC) refuse(`starts with ${quoteKey(magic)}, expected "\\x93NUMPY"; is this a .npy file?`);
  if (bytes.length < 12) refuse(`${bytes.length} bytes end inside the header`);
  const major = bytes[6]!;
  const minor = bytes[7]!;
  if (minor !== 0 || major < 1 || major > 3)
    refuse(`format version ${major}.${minor}, expected 1.0, 2.0 or 3.0`);
  const lengthBytes = major === 1 ? 2 : 4;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const length = major === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  if (length > MAX_HEADER_BYTES) refuse(`header of ${length} bytes, expected at most ${MAX_HEADER_BYTES}`);
  const dataStart = 8 + lengthBytes + length;
  if (dataStart > bytes.length) refuse(`header of ${length} bytes in a file of ${bytes.length}`);
  const raw = bytes.subarray(8 + lengthBytes, dataStart);
  // Only dtype field names could be anything but ASCII, and structured dtypes are refused in any case.
  const text = new TextDecoder(major === 3 ? "utf-8" : "latin1").decode(raw);
  return { header: parseDict(text, refuse), dataStart };
}

/** The dict literal: exactly the keys descr, fortran_order and shape, each once, in any order. */
function parseDict(text: string, refuse: Refuse): NpyHeader {
  const body = /^\s*\{(.*)\}\s*$/s.exec(text)?.[1];
  if (body === undefined) return refuse(`header ${quoteKey(text)} is not a Python dict`);
  const values = new Map<string, string>();
  let at = 0;
  while (body.slice(at).trim() !== "") {
    // A text, a tuple, a list (of a structured dtype, told apart below) or True/False behind each key.
    const member = /\s*(['"])(\w+)\1\s*:\s*('[^']*'|"[^"]*"|\([^()]*\)|\[.*\]|\w+)\s*(?:,|$)/sy;
    member.lastIndex = at;
    const match = member.exec(body);
    const name = match?.[2];
    const value = match?.[3];
    if (name === undefined || value === undefined)
      return refuse(`header: cannot read ${quoteKey(body.slice(at).trim())}`);
    if (values.has(name)) refuse(`header: the key ${quoteKey(name)} appears twice`);
    values.set(name, value);
    at = member.lastIndex;
  }
  const keys = [...values.keys()].sort().join(", ");
  if (keys !== "descr, fortran_order, shape")
    refuse(`header has the keys ${keys || "(none)"}, expected descr, fortran_order, shape`);
  const descr = values.get("descr")!;
  if (descr.startsWith("[")) refuse("structured dtypes have no counterpart; save the fields one by one");
  if (!/^(['"]).*\1$/.test(descr)) refuse(`header: descr is ${quoteKey(descr)}, expected a text`);
  const order = values.get("fortran_order")!;
  if (order !== "True" && order !== "False")
    refuse(`header: fortran_order is ${quoteKey(order)}, expected True or False`);
  return {
    descr: descr.slice(1, -1),
    fortranOrder: order === "True",
    shape: parseShape(values.get("shape")!, refuse),
  };
}

function parseShape(text: string, refuse: Refuse): number[] {
  const inner = /^\(\s*((?:\d+\s*,\s*)*)(\d*)\s*\)$/.exec(text);
  // "(3)" is a number in Python, not a tuple.
  if (inner === null || (inner[1] === "" && inner[2] !== ""))
    return refuse(`header: shape is ${quoteKey(text)}, expected a tuple of sizes such as (2, 3)`);
  const shape = (text.match(/\d+/g) ?? []).map(Number);
  if (shape.length > MAX_RANK) refuse(`header: ${shape.length} axes, expected at most ${MAX_RANK}`);
  const bad = shape.find((size) => !Number.isSafeInteger(size));
  if (bad !== undefined) refuse(`header: the size ${bad} is not an integer below 2^53`);
  return shape;
}

function parseDescr(descr: string, refuse: Refuse): { dtype: ArrayDtype; bigEndian: boolean } {
  const order = /^[<>|=]/.exec(descr)?.[0] ?? "=";
  const kind = descr.replace(/^[<>|=]/, "");
  const dtype = DESCRS.get(kind);
  if (dtype === undefined) {
    const reason = REFUSED_KINDS.get(kind[0] ?? "") ?? `expected one of ${[...DESCRS.keys()].join(", ")}`;
    return refuse(`dtype ${quoteKey(descr)} is not supported: ${reason}`);
  }
  if (order === "|" && itemSize(dtype) > 1) refuse(`dtype ${quoteKey(descr)} does not say its byte order`);
  return { dtype, bigEndian: order === ">" };
}

/**
 * Store one array as a .npy file, format version 1.0, little-endian: the bytes that NumPy 2 writes.
 *
 * @param record the array; float16 may hold a Float32Array, which is rounded; bfloat16 has no .npy dtype.
 * @param options order of the elements.
 * @throws FormatError when the data fits neither shape nor dtype.
 */
export function writeNpy(record: ArrayRecord, options: NpyWriteOptions = {}): Uint8Array<ArrayBuffer> {
  checkObject("writeNpy", "record", record);
  checkObject("writeNpy", "options", options);
  return writeNpyWith(record, options, refuser("writeNpy", options.source ?? "bytes"));
}

/** {@link writeNpy} for an array inside another file: `key` names it in messages. */
export function writeNpyWith(
  record: ArrayRecord,
  options: NpyWriteOptions,
  refuse: Refuse,
  key?: string,
): Uint8Array<ArrayBuffer> {
  checkRecord(record, refuse, key);
  const { dtype, shape } = record;
  const kind = [...DESCRS].find(([, name]) => name === dtype)?.[0];
  const rowMajor = storableData(record, refuse, key);
  if (kind === undefined)
    return refuse(`dtype ${dtype} has no .npy counterpart; convert to float32 first`, key);
  // NumPy calls an array that is contiguous either way C order.
  const bothOrders = shape.includes(0) || shape.filter((size) => size !== 1).length < 2;
  const fortranOrder = options.fortranOrder === true && !bothOrders;
  const stored = encodeElements(fortranOrder ? reorder(rowMajor, shape, "toColumnMajor") : rowMajor);
  const descr = `${itemSize(dtype) === 1 ? "|" : "<"}${kind}`;
  const tuple = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(", ")})`;
  const dict = `{'descr': '${descr}', 'fortran_order': ${fortranOrder ? "True" : "False"}, 'shape': ${tuple}, }`;
  const growing = fortranOrder ? shape.at(-1) : shape[0];
  const spare = growing === undefined ? 0 : Math.max(0, GROWTH_DIGITS - String(growing).length);
  // The elements start at a multiple of 64; like NumPy, a header that already fits gets 64 more.
  const used = 10 + dict.length + spare + 1;
  const length = dict.length + spare + (64 - (used % 64)) + 1;
  const out = new Uint8Array(10 + length + stored.length);
  const text = `${MAGIC}\x01\x00${String.fromCharCode(length & 0xff, length >>> 8)}${dict.padEnd(length - 1)}\n`;
  for (let i = 0; i < text.length; i++) out[i] = text.charCodeAt(i);
  out.set(stored, text.length);
  return out;
}

/** The same array with its elements in the other order; `shape` is the array's shape either way. */
function reorder(
  data: ArrayData,
  shape: readonly number[],
  direction: "toRowMajor" | "toColumnMajor",
): ArrayData {
  const out = data.slice();
  const index = shape.map(() => 0);
  const columnStrides: number[] = [];
  let stride = 1;
  for (const size of shape) {
    columnStrides.push(stride);
    stride *= size;
  }
  let column = 0;
  for (let row = 0; row < data.length; row++) {
    if (direction === "toRowMajor") out[row] = data[column]!;
    else out[column] = data[row]!;
    // Step to the next element in row-major order, carrying into earlier axes.
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      column += columnStrides[axis]!;
      index[axis]!++;
      if (index[axis]! < shape[axis]!) break;
      column -= columnStrides[axis]! * shape[axis]!;
      index[axis] = 0;
    }
  }
  return out;
}
