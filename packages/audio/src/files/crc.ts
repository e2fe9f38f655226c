// Cyclic redundancy checks of the containers: most significant bit first, initial value 0, by table.

/** Makes the function that updates a check of `width` bits over bytes from ... to. */
function checkOf(
  width: 8 | 16 | 32,
  polynomial: number,
): (bytes: Uint8Array, from: number, to: number) => number {
  const table = new Int32Array(256);
  for (let byte = 0; byte < 256; byte++) {
    // Kept at the top of 32 bits, so that one loop serves every width.
    let value = byte << 24;
    for (let i = 0; i < 8; i++) value = value < 0 ? (value << 1) ^ (polynomial << (32 - width)) : value << 1;
    table[byte] = value;
  }
  return (bytes, from, to) => {
    let value = 0;
    for (let i = from; i < to; i++) value = (value << 8) ^ table[(value >>> 24) ^ bytes[i]!]!;
    return value >>> (32 - width);
  };
}

/** FLAC's check of a frame header (RFC 9639, section 9.1.8). */
export const crc8: (bytes: Uint8Array, from: number, to: number) => number = checkOf(8, 0x07);
/** FLAC's check of a frame (RFC 9639, section 9.3). */
export const crc16: (bytes: Uint8Array, from: number, to: number) => number = checkOf(16, 0x8005);
/** Ogg's check of a page, whose own four bytes count as 0 (RFC 3533, section 6). */
export const crc32: (bytes: Uint8Array, from: number, to: number) => number = checkOf(32, 0x04c11db7);
