// Small files that unpack to much, for tests of limits. Made by hand after RFC 9639 (FLAC).

/** CRC of FLAC's frames: 8 bits of polynomial 0x07 or 16 of 0x8005. */
export function flacCrc(bytes: readonly number[], polynomial: number, width: number): number {
  let value = 0;
  for (const byte of bytes) {
    value ^= byte << (width - 8);
    for (let i = 0; i < 8; i++) value = value & (1 << (width - 1)) ? (value << 1) ^ polynomial : value << 1;
    value &= 2 ** width - 1;
  }
  return value;
}

/** A frame of 65,535 equal samples in 16 bytes. */
function constantFrame(number: number): number[] {
  const utf8 = number < 128 ? [number] : [0xc0 | (number >> 6), 0x80 | (number & 63)];
  if (number >= 2048) throw new RangeError("constantFrame: expected fewer than 2048 frames");
  const head = [0xff, 0xf8, 0b0111_0101, 0b0000_1000, ...utf8, 0xff, 0xfe];
  const frame = [...head, flacCrc(head, 0x07, 8), 0, 0, 0];
  const check = flacCrc(frame, 0x8005, 16);
  return [...frame, check >> 8, check & 255];
}

/**
 * A FLAC file of 16 kHz mono whose header leaves its length open.
 * @param frames - of 65,535 samples each; 2,000 of them take 30 kB and unpack to half a gigabyte.
 */
export function flacBomb(frames: number): Uint8Array {
  const info = [0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0x03, 0xe8, 0x00, 0xf0, 0, 0, 0, 0];
  const header = [0x66, 0x4c, 0x61, 0x43, 0x80, 0, 0, 34, ...info, ...new Array<number>(16).fill(0)];
  return Uint8Array.from([
    ...header,
    ...Array.from({ length: frames }, (_, number) => constantFrame(number)).flat(),
  ]);
}
