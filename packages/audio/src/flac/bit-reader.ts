// Reads numbers of any width from bytes, most significant bit first. Read flac-frame.ts next.

/** Thrown where the bytes end before the frame does: more may come, or the file is cut. */
export class EndOfBytes extends Error {}

/** A position in bytes, counted in bits. Reading beyond the end throws `EndOfBytes`. */
export class BitReader {
  readonly #bytes: Uint8Array;
  readonly #end: number;
  /** The bit that is read next, from the start of the bytes. */
  position = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#end = 8 * bytes.length;
  }

  /** An unsigned number of 0 ... 32 bits. */
  unsigned(width: number): number {
    const start = this.position;
    if (start + width > this.#end) throw new EndOfBytes();
    this.position = start + width;
    if (width === 0) return 0;
    const value = this.#window(start);
    const shift = start & 7;
    if (shift + width <= 32) return (value << shift) >>> (32 - width);
    // The last bits stand in the fifth byte.
    const rest = shift + width - 32;
    const high = (value & (0xffffffff >>> shift)) >>> 0;
    return high * 2 ** rest + (this.#bytes[(start >>> 3) + 4]! >>> (8 - rest));
  }

  /** A number of 1 ... 33 bits in two's complement. */
  signed(width: number): number {
    if (width === 0) return 0;
    if (width <= 32) {
      const value = this.unsigned(width);
      return value >= 2 ** (width - 1) ? value - 2 ** width : value;
    }
    const sign = this.unsigned(width - 32);
    return this.unsigned(32) - sign * 2 ** 32;
  }

  /** Counts zeros up to the next one, and passes it. */
  unary(): number {
    let count = 0;
    for (;;) {
      const start = this.position;
      if (start >= this.#end) throw new EndOfBytes();
      const shift = start & 7;
      const zeros = Math.clz32(this.#window(start) << shift);
      const known = 32 - shift;
      if (zeros < known) {
        this.position = start + zeros + 1;
        if (this.position > this.#end) throw new EndOfBytes();
        return count + zeros;
      }
      count += known;
      this.position = start + known;
    }
  }

  /** Fills values from ... to with Rice codes: quotient in unary, `parameter` bits, signs alternating. */
  rice(values: Int32Array | Float64Array, from: number, to: number, parameter: number): void {
    for (let i = from; i < to; i++) {
      const code = ((this.unary() << parameter) | this.unsigned(parameter)) >>> 0;
      values[i] = (code >>> 1) ^ -(code & 1);
    }
  }

  /** Moves to the next whole byte. */
  align(): void {
    this.position = (this.position + 7) & ~7;
  }

  /** The 32 bits from the byte that holds bit `start` on; zeros behind the end. */
  #window(start: number): number {
    const bytes = this.#bytes;
    const at = start >>> 3;
    if (at + 3 < bytes.length) {
      return (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!;
    }
    return (
      (bytes[at]! << 24) | ((bytes[at + 1] ?? 0) << 16) | ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0)
    );
  }
}
