// The frames of an MP3 file, counted from their headers (ISO 11172-3, 13818-3): how many channels, whether the file is
// whole. The samples come from a decoder that is installed beside this package: codecs.ts.
import { hasText } from "./job.ts";

/** What the headers say. */
export interface Mp3Outline {
  /** Byte of the first frame. */
  readonly start: number;
  readonly channels: number;
  readonly warnings: readonly string[];
}

interface Header {
  readonly length: number;
  readonly channels: number;
  readonly mpeg1: boolean;
  /** Version, layer and rate, which stay the same in a file. */
  readonly kind: number;
}

const RATES: readonly number[] = [44100, 48000, 32000];
/** Kilobits per second of layer III, by index: MPEG 1, then 2 and 2.5. */
const KILOBITS: readonly (readonly number[])[] = [
  [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
  [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
];

function readHeader(bytes: Uint8Array, at: number): Header | undefined {
  const [a, b, c, d] = [bytes[at]!, bytes[at + 1]!, bytes[at + 2]!, bytes[at + 3]!];
  const version = (b >> 3) & 3;
  const rate = RATES[(c >> 2) & 3];
  if (a !== 0xff || b < 0xe0 || version === 1 || ((b >> 1) & 3) !== 1 || rate === undefined) return undefined;
  const mpeg1 = version === 3;
  const kilobits = KILOBITS[mpeg1 ? 0 : 1]![c >> 4];
  if (!kilobits) return undefined; // free format and the reserved value
  const hertz = rate >> (mpeg1 ? 0 : version === 2 ? 1 : 2);
  const length = Math.floor(((mpeg1 ? 144 : 72) * 1000 * kilobits) / hertz) + ((c >> 1) & 1);
  return { length, channels: d >> 6 === 3 ? 1 : 2, mpeg1, kind: (b & 0xfe) * 256 + (c & 0x0c) };
}

/** The first place from `from` on, within `reach` bytes, where two frames of one kind follow each other. */
export function findMp3(bytes: Uint8Array, from: number, reach: number): number | undefined {
  const end = Math.min(bytes.length - 4, from + reach);
  for (let at = from; at <= end; at++) {
    if (bytes[at] !== 0xff) continue;
    const header = readHeader(bytes, at);
    if (!header) continue;
    const next = at + header.length;
    if (next >= bytes.length - 4 || readHeader(bytes, next)?.kind === header.kind) return at;
  }
  return undefined;
}

/** Bytes of an ID3v2 tag at `at`, 0 if there is none. */
export function tagLength(bytes: Uint8Array, at = 0): number {
  if (!hasText(bytes, at, "ID3") || bytes.length < at + 10) return 0;
  const size = [6, 7, 8, 9].reduce((sum, i) => sum * 128 + (bytes[at + i]! & 0x7f), 0);
  return 10 + size + ((bytes[at + 5]! & 0x10) === 0 ? 0 : 10);
}

/** Walks the frames from byte `from` on; undefined when there are none. */
export function outlineMp3(bytes: Uint8Array, from: number): Mp3Outline | undefined {
  const start = findMp3(bytes, from, 1 << 20);
  if (start === undefined) return undefined;
  const first = readHeader(bytes, start)!;
  const warnings: string[] = [];
  let junk = 0;
  let frames = 0;
  let at = start;
  while (at + 4 <= bytes.length && !isTail(bytes, at)) {
    const header = readHeader(bytes, at);
    if (header === undefined || header.kind !== first.kind) {
      const next = findMp3(bytes, at + 1, 1 << 20) ?? bytes.length;
      junk += next - at;
      at = next;
      continue;
    }
    if (at + header.length > bytes.length) {
      warnings.push("the file ends within its last frame");
      break;
    }
    frames++;
    at += header.length;
  }
  if (junk > 0) warnings.push(`${junk} bytes between the frames are no MP3 and were passed over`);
  const announced = announcedFrames(bytes, start, first);
  // The frame that holds the announcement is no sound.
  if (announced !== undefined && frames - 1 < announced) {
    warnings.push(`the file has ${frames - 1} of the ${announced} MP3 frames that its header announces`);
  }
  return { start, channels: first.channels, warnings };
}

/** The number of frames that a Xing or Info header gives. */
function announcedFrames(bytes: Uint8Array, start: number, first: Header): number | undefined {
  const side = first.mpeg1 ? (first.channels === 1 ? 17 : 32) : first.channels === 1 ? 9 : 17;
  const at = start + 4 + side;
  if (!hasText(bytes, at, "Xing") && !hasText(bytes, at, "Info")) return undefined;
  if (((bytes[at + 7] ?? 0) & 1) === 0) return undefined;
  return [8, 9, 10, 11].reduce((sum, i) => sum * 256 + (bytes[at + i] ?? 0), 0);
}

/** Tags behind the frames. */
function isTail(bytes: Uint8Array, at: number): boolean {
  return ["TAG", "APETAGEX", "LYRICSBEGIN", "ID3"].some((text) => hasText(bytes, at, text));
}
