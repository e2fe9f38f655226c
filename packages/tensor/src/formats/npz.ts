// NumPy's .npz format: a zip archive with one .npy file per array. The archive's directory is read here, strictly
// and with a bound on what it may unpack to; inflating and packing is fflate's work. Zip layout: PKWARE's APPNOTE.
import { inflateSync, zipSync } from "fflate";
import type { ArrayRecord, ReadOptions } from "./array-record.ts";
import { checkBytes, checkObject, type Refuse, refuser } from "./format-error.ts";
import { readNpyWith, writeNpyWith } from "./npy.ts";
import type { NamedArrays } from "./safetensors.ts";

/** Options of {@link readNpz}. */
export interface NpzReadOptions extends ReadOptions {
  /** The most bytes that all arrays together may unpack to, default 2 GiB. */
  readonly maxBytes?: number;
}

/** Options of {@link writeNpz}. */
export interface NpzWriteOptions {
  /** Deflate the arrays like `savez_compressed`, default false (stored, like `savez`). */
  readonly compressed?: boolean;
  /** The name of the file for error messages, default "bytes". */
  readonly source?: string;
}

interface ZipEntry {
  readonly name: string;
  readonly method: number;
  readonly crc: number;
  readonly packedSize: number;
  readonly size: number;
  readonly start: number;
}

/** Deflate makes at most 258 bytes from two bits: an entry that claims more is refused. */
const MAX_DEFLATE_RATIO = 1032;
const DEFAULT_MAX_BYTES = 2 ** 31;

/**
 * Read a .npz archive (stored or deflated, as `numpy.savez` and `savez_compressed` write it).
 *
 * Refused: archives that unpack to more than `maxBytes` or claim more than deflate can produce, entries that
 * share bytes, damaged ones (checksums are verified), repeated names, encryption, other compressions, zip64
 * sizes, and everything that {@link readNpy} refuses.
 *
 * @param bytes the whole file. @param options as for readNpy, and `maxBytes`.
 * @returns name (without `.npy`) -> array, in the order of the archive.
 * @throws FormatError naming the source and the array.
 */
export function readNpz(bytes: Uint8Array, options: NpzReadOptions = {}): Map<string, ArrayRecord> {
  checkBytes("readNpz", bytes);
  const refuse: Refuse = refuser("readNpz", options.source ?? "bytes", "array");
  const maxBytes = options.maxBytes ?? DEFAULT_MAX_BYTES;
  const entries = readDirectory(bytes, refuse);
  const total = entries.reduce((sum, { size }) => sum + size, 0);
  if (total > maxBytes)
    refuse(`unpacks to ${total} bytes, expected at most ${maxBytes}; raise maxBytes to read it`);
  const packed = entries.reduce((sum, { packedSize }) => sum + packedSize, 0);
  if (packed > bytes.length)
    refuse(`entries of ${packed} bytes in a file of ${bytes.length}: they share bytes`);
  const arrays = new Map<string, ArrayRecord>();
  for (const entry of entries) {
    if (!entry.name.endsWith(".npy")) refuse("the entry is no .npy file", entry.name);
    const key = entry.name.slice(0, -4);
    if (arrays.has(key)) refuse("appears twice", key);
    arrays.set(key, readNpyWith(unpack(bytes, entry, refuse, key), options, refuse, key));
  }
  return arrays;
}

function unpack(bytes: Uint8Array, entry: ZipEntry, refuse: Refuse, key: string): Uint8Array {
  const { method, packedSize, size, start, crc } = entry;
  const packed = bytes.subarray(start, start + packedSize);
  let unpacked = packed;
  if (method === 8) {
    if (size > packedSize * MAX_DEFLATE_RATIO)
      refuse(`claims ${size} bytes from ${packedSize}, more than deflate can hold`, key);
    try {
      // One byte of room more than claimed shows whether there is more.
      unpacked = inflateSync(packed, { out: new Uint8Array(size + 1) });
    } catch (error) {
      refuse(`cannot be inflated: ${error instanceof Error ? error.message : error}`, key);
    }
  } else if (method !== 0) {
    refuse(`compression method ${method}, expected 0 (stored) or 8 (deflated)`, key);
  }
  if (unpacked.length !== size)
    refuse(`unpacks to ${unpacked.length > size ? "more" : unpacked.length} bytes, expected ${size}`, key);
  const found = crc32(unpacked);
  if (found !== crc) refuse(`checksum ${hex(found)}, expected ${hex(crc)}: the data is damaged`, key);
  return unpacked;
}

/** The central directory at the end of the archive, each entry checked against its local header. */
function readDirectory(bytes: Uint8Array, refuse: Refuse): ZipEntry[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const end = findEnd(view, refuse);
  const count = view.getUint16(end + 10, true);
  let at = view.getUint32(end + 16, true);
  if (count === 0xffff || at === 0xffffffff) refuse("zip64 archives are not supported; use .safetensors");
  if (view.getUint16(end + 4, true) !== 0 || view.getUint16(end + 8, true) !== count)
    refuse("the archive is split over several disks");
  const entries: ZipEntry[] = [];
  for (let i = 0; i < count; i++) {
    if (at + 46 > end || view.getUint32(at, true) !== 0x02014b50) refuse(`directory entry ${i} is damaged`);
    const nameLength = view.getUint16(at + 28, true);
    const next = at + 46 + nameLength + view.getUint16(at + 30, true) + view.getUint16(at + 32, true);
    if (next > end) refuse(`directory entry ${i} is damaged`);
    let name = "";
    try {
      name = new TextDecoder("utf-8", { fatal: true }).decode(bytes.subarray(at + 46, at + 46 + nameLength));
    } catch {
      refuse(`directory entry ${i}: the name is not UTF-8`);
    }
    if (view.getUint16(at + 8, true) & 1) refuse("the entry is encrypted", name);
    const packedSize = view.getUint32(at + 20, true);
    const size = view.getUint32(at + 24, true);
    const local = view.getUint32(at + 42, true);
    if (packedSize === 0xffffffff || size === 0xffffffff || local === 0xffffffff)
      refuse("zip64 sizes are not supported; use .safetensors", name);
    if (local + 30 > end || view.getUint32(local, true) !== 0x04034b50) refuse("has no local header", name);
    const start = local + 30 + view.getUint16(local + 26, true) + view.getUint16(local + 28, true);
    if (start + packedSize > end) refuse(`data ends at ${start + packedSize}, beyond the directory`, name);
    const method = view.getUint16(at + 10, true);
    entries.push({ name, method, crc: view.getUint32(at + 16, true), packedSize, size, start });
    at = next;
  }
  return entries;
}

/** The end record: 22 bytes, and a comment of up to 65535 behind it. */
function findEnd(view: DataView, refuse: Refuse): number {
  const last = view.byteLength - 22;
  for (let at = last; at >= Math.max(0, last - 0xffff); at--) {
    if (view.getUint32(at, true) === 0x06054b50 && view.getUint16(at + 20, true) === last - at) return at;
  }
  return refuse("no zip directory at the end of the file; is this a .npz file, and complete?");
}

/**
 * Store named arrays as a .npz archive that `numpy.load` reads; equal contents give equal bytes.
 *
 * @param arrays names (without `.npy`) and arrays. @param options `compressed` to deflate.
 * @throws FormatError when an array's data fits neither shape nor dtype, or a name is empty.
 */
export function writeNpz(arrays: NamedArrays, options: NpzWriteOptions = {}): Uint8Array {
  checkObject("writeNpz", "arrays", arrays);
  checkObject("writeNpz", "options", options);
  const refuse: Refuse = refuser("writeNpz", options.source ?? "bytes", "array");
  const files: Record<string, Uint8Array> = {};
  for (const [key, record] of arrays instanceof Map ? arrays : Object.entries(arrays)) {
    if (key === "") refuse("the name is empty", key);
    files[`${key}.npy`] = writeNpyWith(record, {}, refuse, key);
  }
  // The oldest time a zip can state: the hour of writing is no part of the contents.
  return zipSync(files, { level: options.compressed ? 6 : 0, mtime: new Date(1980, 0, 1) });
}

const CRC_TABLE: Uint32Array = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  return crc >>> 0;
});

function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (let i = 0; i < bytes.length; i++) crc = (crc >>> 8) ^ CRC_TABLE[(crc ^ bytes[i]!) & 0xff]!;
  return (crc ^ 0xffffffff) >>> 0;
}

function hex(value: number): string {
  return value.toString(16).padStart(8, "0");
}
