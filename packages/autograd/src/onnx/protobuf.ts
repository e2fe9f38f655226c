// Writing protobuf: the wire format's two kinds of field that ONNX needs, numbers and bytes. A message is a list of
// chunks that is put together once, so that weights are copied a single time. Read next: model-file.ts.
// https://protobuf.dev/programming-guides/encoding/

const VARINT = 0;
const BYTES = 2;
const FIXED32 = 5;

/** 64-bit two's complement, seven bits a byte, the low ones first. */
function varint(value: number | bigint): Uint8Array {
  const out: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  while (rest > 0x7fn) {
    out.push(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  }
  out.push(Number(rest));
  return Uint8Array.from(out);
}

const TEXT = new TextEncoder();

/** One protobuf message, field by field. */
export class Message {
  readonly #chunks: Uint8Array[] = [];
  #length = 0;

  #push(...chunks: readonly Uint8Array[]): this {
    for (const chunk of chunks) {
      this.#chunks.push(chunk);
      this.#length += chunk.length;
    }
    return this;
  }

  /** An integer: int32, int64, bool or enum. */
  int(field: number, value: number | bigint): this {
    return this.#push(varint((field << 3) | VARINT), varint(value));
  }

  /** A float, 32 bits. */
  float(field: number, value: number): this {
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setFloat32(0, value, true);
    return this.#push(varint((field << 3) | FIXED32), bytes);
  }

  /** Text, raw bytes, or a message inside this one. */
  bytes(field: number, value: string | Uint8Array | Message): this {
    const content = typeof value === "string" ? TEXT.encode(value) : value;
    const length = content instanceof Message ? content.#length : content.length;
    this.#push(varint((field << 3) | BYTES), varint(length));
    return content instanceof Message ? this.#push(...content.#chunks) : this.#push(content);
  }

  /** The message as one array. */
  finish(): Uint8Array<ArrayBuffer> {
    const out = new Uint8Array(this.#length);
    let at = 0;
    for (const chunk of this.#chunks) {
      out.set(chunk, at);
      at += chunk.length;
    }
    return out;
  }
}
