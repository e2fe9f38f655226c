// The safetensors format: 8 bytes of header length, a JSON header, then the elements of all tensors without a
// gap. Reads as strictly as the format's own library and writes the same bytes as it does.
// Read next: safetensors-header.ts (the grammar), array-record.ts (the elements).
import {
  type ArrayDtype,
  type ArrayRecord,
  checkRecord,
  decodeElements,
  elementCount,
  encodeElements,
  itemSize,
  type ReadOptions,
  readableRecord,
  storableData,
} from "./array-record.ts";
import { checkBytes, checkObject, type Refuse, refuser } from "./format-error.ts";
import {
  type HeaderEntry,
  hasLoneSurrogate,
  parseHeader,
  type SafetensorsHeader,
} from "./safetensors-header.ts";

/** The contents of a safetensors file. */
export interface SafetensorsContent {
  /** Name -> array, in the order of the header. */
  readonly tensors: ReadonlyMap<string, ArrayRecord>;
  /** The free-text pairs of `__metadata__`; empty when the file has none. */
  readonly metadata: ReadonlyMap<string, string>;
}

/** Names and arrays to store, as a map or a plain object. */
export type NamedArrays = ReadonlyMap<string, ArrayRecord> | Readonly<Record<string, ArrayRecord>>;

/** Options of {@link writeSafetensors}. */
export interface SafetensorsWriteOptions {
  /** Free text stored under `__metadata__`, such as `{ format: "pt" }`. */
  readonly metadata?: ReadonlyMap<string, string> | Readonly<Record<string, string>>;
  /** The name of the file for error messages, default "bytes". */
  readonly source?: string;
}

/** The largest header that is read, in bytes: the limit of the format's own library. */
export const MAX_HEADER_BYTES = 100_000_000;

/** Names in the file, in ascending order of the library's `Dtype`: the writer stores the last ones first. */
const DTYPES: ReadonlyMap<string, ArrayDtype> = new Map([
  ["BOOL", "bool"],
  ["U8", "uint8"],
  ["I8", "int8"],
  ["I16", "int16"],
  ["U16", "uint16"],
  ["F16", "float16"],
  ["BF16", "bfloat16"],
  ["I32", "int32"],
  ["U32", "uint32"],
  ["F32", "float32"],
  ["F64", "float64"],
  ["I64", "int64"],
  ["U64", "uint64"],
]);
const FILE_NAMES: ReadonlyMap<ArrayDtype, string> = new Map(
  [...DTYPES].map(([fileName, dtype]): [ArrayDtype, string] => [dtype, fileName]),
);
const RANKS: ReadonlyMap<ArrayDtype, number> = new Map(
  [...DTYPES.values()].map((dtype, rank) => [dtype, rank]),
);

/**
 * Read a whole safetensors file from memory.
 *
 * Refused: a header above 100 MB or longer than the file, text that is not UTF-8 or not this JSON grammar,
 * repeated keys, numbers that are not plain integers below 2^53, unknown dtypes (the 4-, 6- and 8-bit floats
 * among them), sizes that do not fit shape and dtype, and data that does not cover the rest of the file exactly
 * (holes, overlaps, missing or trailing bytes). Memory is taken only for bytes that the file really has. As in the
 * format's own library `__metadata__` may be null, and fields of a tensor that are not known are passed over.
 *
 * @param bytes the file. @param options names the source and maps 16-bit floats and 64-bit integers.
 * @throws FormatError naming the source and the tensor.
 * @example
 * const { tensors } = readSafetensors(bytes);
 * tensors.get("encoder.weight")?.shape // [512, 512]
 */
export function readSafetensors(bytes: Uint8Array, options: ReadOptions = {}): SafetensorsContent {
  checkBytes("readSafetensors", bytes);
  const refuse: Refuse = refuser("readSafetensors", options.source ?? "bytes");
  const { header, dataStart } = readHeader(bytes, refuse);
  const tensors = new Map<string, ArrayRecord>();
  for (const [name, { dtype: fileName, shape, begin, end }] of header.entries) {
    const dtype = DTYPES.get(fileName)!;
    const data = decodeElements(bytes.subarray(dataStart + begin, dataStart + end), dtype);
    tensors.set(name, readableRecord({ dtype, shape, data }, options, refuse, name));
  }
  return { tensors, metadata: header.metadata };
}

/**
 * The checked header alone: names, dtypes as the file spells them, shapes and offsets.
 *
 * @param bytes the whole file. @param source its name for error messages.
 * @throws FormatError as {@link readSafetensors} does, short of the elements.
 */
export function readSafetensorsHeader(bytes: Uint8Array, source = "bytes"): SafetensorsHeader {
  checkBytes("readSafetensorsHeader", bytes);
  return readHeader(bytes, refuser("readSafetensorsHeader", source)).header;
}

function readHeader(bytes: Uint8Array, refuse: Refuse): { header: SafetensorsHeader; dataStart: number } {
  if (bytes.length < 8) refuse(`${bytes.length} bytes, expected at least 8 for the header's length`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, 8);
  const length = view.getUint32(0, true) + view.getUint32(4, true) * 2 ** 32;
  if (length > MAX_HEADER_BYTES)
    refuse(`header of ${length} bytes, expected at most ${MAX_HEADER_BYTES}; is this a safetensors file?`);
  const dataStart = 8 + length;
  if (dataStart > bytes.length) refuse(`header of ${length} bytes in a file of ${bytes.length}`);
  let text = "";
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes.subarray(8, dataStart));
  } catch {
    refuse("header: not valid UTF-8");
  }
  const header = parseHeader(text, refuse);
  checkLayout(header.entries, bytes.length - dataStart, refuse);
  return { header, dataStart };
}

/** The tensors, taken in the order of their offsets, must tile the data exactly. */
function checkLayout(entries: ReadonlyMap<string, HeaderEntry>, dataBytes: number, refuse: Refuse): void {
  let position = 0;
  const inOrder = [...entries].sort(([, a], [, b]) => a.begin - b.begin || a.end - b.end);
  for (const [name, { dtype: fileName, shape, begin, end }] of inOrder) {
    const dtype = DTYPES.get(fileName);
    if (dtype === undefined) {
      const known = [...DTYPES.keys()].join(", ");
      refuse(
        `dtype ${JSON.stringify(fileName.slice(0, 20))} is not supported, expected one of ${known}`,
        name,
      );
    }
    if (end < begin) refuse(`data_offsets [${begin}, ${end}] run backwards`, name);
    if (begin > position) refuse(`data starts at ${begin}, expected ${position}: a hole in the file`, name);
    if (begin < position)
      refuse(`data starts at ${begin}, expected ${position}: overlaps another tensor`, name);
    const needed = (elementCount(shape) ?? Number.POSITIVE_INFINITY) * itemSize(dtype);
    if (end - begin !== needed)
      refuse(`${end - begin} bytes of data, expected ${needed} for ${fileName} [${shape.join(", ")}]`, name);
    if (end > dataBytes)
      refuse(`data ends at ${end}, but the file has only ${dataBytes} bytes of data`, name);
    position = end;
  }
  if (position !== dataBytes) refuse(`${dataBytes - position} bytes follow the last tensor, expected none`);
}

/**
 * Store named arrays as a safetensors file, byte for byte as the format's own library does: tensors sorted by
 * dtype (64-bit first, bool last: U64 I64 F64 F32 U32 I32 BF16 F16 U16 I16 I8 U8 BOOL), then by name; compact
 * JSON, padded with spaces to a multiple of 8. Metadata is sorted by key, so equal contents give equal bytes.
 *
 * @param tensors names and arrays; float16 and bfloat16 records may hold a Float32Array, which is rounded.
 * @param options metadata, and the source's name for error messages.
 * @throws FormatError when a record's data fits neither its shape nor its dtype, or a name cannot be stored.
 * @example
 * writeSafetensors({ weight: { dtype: "float32", shape: [2], data: new Float32Array([1, 2]) } })
 */
export function writeSafetensors(
  tensors: NamedArrays,
  options: SafetensorsWriteOptions = {},
): Uint8Array<ArrayBuffer> {
  checkObject("writeSafetensors", "tensors", tensors);
  checkObject("writeSafetensors", "options", options);
  const refuse: Refuse = refuser("writeSafetensors", options.source ?? "bytes");
  const entries = toEntries(tensors);
  for (const [key, record] of entries) checkRecord(record, refuse, key);
  const records = entries.sort(
    ([a, x], [b, y]) => (RANKS.get(y.dtype) ?? 0) - (RANKS.get(x.dtype) ?? 0) || compareCodePoints(a, b),
  );
  const header: string[] = [];
  const metadata = toEntries(options.metadata ?? {}).sort(([a], [b]) => compareCodePoints(a, b));
  if (metadata.length > 0) {
    for (const [key, value] of metadata) {
      if (typeof value !== "string") refuse(`metadata ${JSON.stringify(key)} is not a text`);
      if (hasLoneSurrogate(key + value)) refuse(`metadata ${JSON.stringify(key)} has a lone surrogate`);
    }
    const pairs = metadata.map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`);
    header.push(`"__metadata__":{${pairs.join(",")}}`);
  }
  const chunks: Uint8Array[] = [];
  let position = 0;
  for (const [name, record] of records) {
    if (name === "__metadata__") refuse("this name is reserved", name);
    if (hasLoneSurrogate(name)) refuse("the name has a lone surrogate", name);
    const chunk = encodeElements(storableData(record, refuse, name));
    const fileName = FILE_NAMES.get(record.dtype)!;
    const offsets = `[${position},${position + chunk.length}]`;
    header.push(
      `${JSON.stringify(name)}:{"dtype":"${fileName}","shape":[${record.shape.join(",")}],"data_offsets":${offsets}}`,
    );
    chunks.push(chunk);
    position += chunk.length;
  }
  const text = new TextEncoder().encode(`{${header.join(",")}}`);
  const length = Math.ceil(text.length / 8) * 8;
  if (length > MAX_HEADER_BYTES) refuse(`header of ${length} bytes, expected at most ${MAX_HEADER_BYTES}`);
  const out = new Uint8Array(8 + length + position);
  new DataView(out.buffer).setUint32(0, length, true);
  out.fill(0x20, 8, 8 + length).set(text, 8);
  let at = 8 + length;
  for (const chunk of chunks) {
    out.set(chunk, at);
    at += chunk.length;
  }
  return out;
}

function toEntries<T>(named: ReadonlyMap<string, T> | Readonly<Record<string, T>>): [string, T][] {
  return named instanceof Map ? [...named] : Object.entries(named);
}

/** The order of UTF-8 bytes, which the library sorts by; plain `<` would put surrogate pairs before U+E000. */
function compareCodePoints(a: string, b: string): number {
  const shared = Math.min(a.length, b.length);
  for (let i = 0; i < shared; i++) {
    if (a[i] !== b[i]) return unitRank(a.charCodeAt(i)) - unitRank(b.charCodeAt(i));
  }
  return a.length - b.length;
}

function unitRank(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}
