// Tells from a file's first bytes whether it is audio and, where the header says so, how long it is: a cheap check
// of thousands of rows before training. Decoding proper is @echo-ts/audio's.

/** What a header says. */
export interface AudioHeader {
  readonly format: "wav" | "flac" | "sphere" | "mp3" | "ogg" | "m4a";
  /** Hz, when the header holds it. */
  readonly sampleRate: number | null;
  /** Length, when the header holds it. */
  readonly seconds: number | null;
}

/** Bytes of a file that {@link readAudioHeader} wants: enough for any usual chunk before the samples. */
export const HEADER_BYTES = 4096;

/**
 * Reads the header of WAV (also RF64), FLAC, NIST SPHERE, MP3, Ogg or M4A.
 * @param bytes - the file's first {@link HEADER_BYTES} bytes, or all when it is shorter.
 * @param size - the file's size in bytes.
 * @returns what the header says, or a sentence about what is wrong with it.
 */
export function readAudioHeader(bytes: Uint8Array, size: number): AudioHeader | string {
  if (size === 0) return "the file is empty";
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const ascii = (from: number, length: number): string =>
    String.fromCharCode(...bytes.subarray(from, from + length));
  const unknown = { sampleRate: null, seconds: null };
  if (ascii(0, 4) === "RIFF" || ascii(0, 4) === "RF64") return readWav(view, ascii, size);
  if (ascii(0, 4) === "fLaC") return readFlac(view);
  if (ascii(0, 7) === "NIST_1A") return readSphere(ascii(0, Math.min(bytes.length, 1024)));
  if (ascii(0, 4) === "OggS") return { format: "ogg", ...unknown };
  if (ascii(4, 4) === "ftyp") return { format: "m4a", ...unknown };
  // MP3: an ID3 tag, or a frame header (11 set bits, then a version and a layer that are not the reserved ones).
  const [first, second] = bytes;
  const frame =
    first === 0xff && second! >> 5 === 7 && ((second! >> 3) & 3) !== 1 && ((second! >> 1) & 3) !== 0;
  if (ascii(0, 3) === "ID3" || frame) return { format: "mp3", ...unknown };
  return `no known audio format begins with the bytes ${hex(bytes.subarray(0, 4))}`;
}

function readWav(
  view: DataView,
  ascii: (from: number, length: number) => string,
  size: number,
): AudioHeader | string {
  if (ascii(8, 4) !== "WAVE") return "RIFF without WAVE";
  let at = 12;
  let sampleRate = 0;
  let bytesPerFrame = 0;
  while (at + 8 <= view.byteLength) {
    const id = ascii(at, 4);
    const length = view.getUint32(at + 4, true);
    if (id === "fmt ") {
      if (length < 16 || at + 24 > view.byteLength)
        return `fmt chunk of ${length} bytes, expected at least 16`;
      sampleRate = view.getUint32(at + 12, true);
      bytesPerFrame = view.getUint16(at + 20, true);
      if (sampleRate === 0 || bytesPerFrame === 0)
        return `sample rate ${sampleRate} Hz and ${bytesPerFrame} bytes a frame, expected both above 0`;
    } else if (id === "data") {
      if (bytesPerFrame === 0) return "data chunk before the fmt chunk";
      const present = size - at - 8;
      const unknown = isUnknownLength(length);
      if (!unknown && length > present)
        return `cut off: ${length} bytes of samples in its header, ${present} in the file`;
      const declared = unknown ? present : length;
      return { format: "wav", sampleRate, seconds: Math.floor(declared / bytesPerFrame) / sampleRate };
    }
    at += 8 + length + (length % 2);
  }
  // A long chunk before the samples hides them; the rate is known, the length is not.
  if (bytesPerFrame > 0 && at < size) return { format: "wav", sampleRate, seconds: null };
  return bytesPerFrame > 0 ? "no data chunk" : "no fmt chunk";
}

/**
 * Whether the size of a WAV's data chunk says only that its writer, at the end of a pipe, could not know it: 0, 2^32 - 1
 * (ffmpeg) or close below 2^31 (SoX). What the file holds counts then.
 */
export function isUnknownLength(bytes: number): boolean {
  return bytes === 0 || bytes === 0xffffffff || (bytes >= 0x7ffff000 && bytes <= 0x7fffffff);
}

function readFlac(view: DataView): AudioHeader | string {
  if (view.byteLength < 42) return "FLAC header cut off";
  // STREAMINFO from byte 8: at its 10th byte, 20 bits of rate, 3 of channels, 5 of depth, 36 of sample count.
  const rate = (view.getUint32(18) >>> 12) & 0xfffff;
  if (rate === 0) return "FLAC sample rate 0 Hz, expected above 0";
  const samples = (view.getUint8(21) & 15) * 2 ** 32 + view.getUint32(22);
  return { format: "flac", sampleRate: rate, seconds: samples === 0 ? null : samples / rate };
}

function readSphere(header: string): AudioHeader | string {
  const value = (key: string): number => Number(new RegExp(`^${key} -i (\\d+)`, "m").exec(header)?.[1] ?? 0);
  const sampleRate = value("sample_rate");
  if (sampleRate === 0) return "SPHERE header without sample_rate";
  const samples = value("sample_count");
  return { format: "sphere", sampleRate, seconds: samples === 0 ? null : samples / sampleRate };
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(" ");
}
