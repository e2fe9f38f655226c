// The TFRecord container: length, masked checksum of the length, data, masked checksum of the data.
// Layout from TensorFlow's record_writer; CRC-32C from RFC 3720. Used by tensorboard.ts.
import { DataError } from "../errors.ts";

const CASTAGNOLI_REVERSED = 0x82f63b78;
const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ CASTAGNOLI_REVERSED : crc >>> 1;
  return crc;
});

/**
 * CRC-32C (Castagnoli) of bytes, as an unsigned integer.
 * @example
 * crc32c(new TextEncoder().encode("123456789")); // 0xe3069283
 */
export function crc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = (crc >>> 8) ^ TABLE[(crc ^ byte) & 0xff]!;
  return (crc ^ 0xffffffff) >>> 0;
}

/** The rotated and shifted checksum that record files store, so that a checksum of checksums stays useful. */
export function maskedCrc32c(bytes: Uint8Array): number {
  const crc = crc32c(bytes);
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}

const HEADER = 12; // bytes: 8 of length, 4 of checksum
const FOOTER = 4;

/** Frames one record: 16 bytes longer than `data`. */
export function frameRecord(data: Uint8Array): Uint8Array {
  const out = new Uint8Array(HEADER + data.length + FOOTER);
  const view = new DataView(out.buffer);
  view.setBigUint64(0, BigInt(data.length), true);
  view.setUint32(8, maskedCrc32c(out.subarray(0, 8)), true);
  out.set(data, HEADER);
  view.setUint32(HEADER + data.length, maskedCrc32c(data), true);
  return out;
}

/**
 * Reads the records of a file back.
 * @param bytes - the file. A last record that was cut off (a killed run) ends the reading without an error.
 * @throws DataError when a checksum does not fit.
 */
export function readRecords(bytes: Uint8Array): Uint8Array[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const records: Uint8Array[] = [];
  let at = 0;
  while (at + HEADER <= bytes.length) {
    check(view.getUint32(at + 8, true), bytes.subarray(at, at + 8), records.length, "length");
    const end = BigInt(at + HEADER + FOOTER) + view.getBigUint64(at, true);
    if (end > BigInt(bytes.length)) break;
    const data = bytes.subarray(at + HEADER, Number(end) - FOOTER);
    check(view.getUint32(Number(end) - FOOTER, true), data, records.length, "data");
    records.push(data);
    at = Number(end);
  }
  return records;
}

function check(stored: number, bytes: Uint8Array, record: number, part: string): void {
  const computed = maskedCrc32c(bytes);
  if (stored !== computed)
    throw new DataError(
      `readRecords: record ${record}: checksum of its ${part} does not fit, expected 0x${computed.toString(16)}, got 0x${stored.toString(16)}`,
    );
}
