// A FLAC writer for tests, without compression. Nothing here needs Node, so that browsers run it too.

/** Samples per frame; the last frame may be shorter. */
const FLAC_BLOCK = 512;

/** A FLAC file of 16-bit mono at 16 kHz with uncompressed (verbatim) frames, made by hand after RFC 9639. */
export function flacFile(samples: Int16Array): Uint8Array {
  const bits: number[] = [];
  const put = (value: number, width: number) => {
    for (let i = width - 1; i >= 0; i--) bits.push(Math.floor(value / 2 ** i) % 2);
  };
  const bytesFrom = (start: number) => {
    const out: number[] = [];
    for (let i = start; i < bits.length; i += 8) out.push(Number.parseInt(bits.slice(i, i + 8).join(""), 2));
    return out;
  };
  const crc = (bytes: number[], polynomial: number, width: number) => {
    let value = 0;
    for (const byte of bytes) {
      value ^= byte << (width - 8);
      for (let i = 0; i < 8; i++) value = value & (1 << (width - 1)) ? (value << 1) ^ polynomial : value << 1;
      value &= 2 ** width - 1;
    }
    return value;
  };
  put(0x664c6143, 32); // fLaC
  put(0x80, 8); // last metadata block, STREAMINFO
  put(34, 24);
  put(FLAC_BLOCK, 16);
  put(FLAC_BLOCK, 16);
  put(0, 48); // frame sizes unknown
  put(16000, 20);
  put(0, 3); // one channel
  put(15, 5); // 16 bits
  put(samples.length, 36);
  for (let i = 0; i < 16; i++) put(0, 8); // no MD5
  for (let start = 0, number = 0; start < samples.length; start += FLAC_BLOCK, number++) {
    const block = samples.subarray(start, start + FLAC_BLOCK);
    const frame = bits.length;
    put(0xfff8, 16); // sync, fixed block size
    put(0b0111, 4); // block size - 1 in 16 bits below
    put(0b0101, 4); // 16 kHz
    put(0b00001000, 8); // mono, 16 bits
    put(number, 8);
    put(block.length - 1, 16);
    put(crc(bytesFrom(frame), 0x07, 8), 8);
    put(0b00000010, 8); // verbatim subframe
    for (const sample of block) put(sample & 0xffff, 16);
    put(crc(bytesFrom(frame), 0x8005, 16), 16);
  }
  return Uint8Array.from(bytesFrom(0));
}
