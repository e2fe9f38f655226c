// Safetensors files put together by hand, right and wrong ones.

/** A file from a header text (or its bytes) and data bytes; `length` overrides the stated header length. */
export function file(header: string | Uint8Array, data: ArrayLike<number> = [], length?: bigint): Uint8Array {
  const text = typeof header === "string" ? new TextEncoder().encode(header) : header;
  const out = new Uint8Array(8 + text.length + data.length);
  new DataView(out.buffer).setBigUint64(0, length ?? BigInt(text.length), true);
  out.set(text, 8);
  out.set(data, 8 + text.length);
  return out;
}

/** The header entry of one tensor, its data at [begin, end). */
export const entry = (dtype: string, shape: number[], begin: number, end: number): string =>
  JSON.stringify({ dtype, shape, data_offsets: [begin, end] });
/** The bytes of float32 values. */
export const float32 = (...values: number[]): Uint8Array => new Uint8Array(new Float32Array(values).buffer);
