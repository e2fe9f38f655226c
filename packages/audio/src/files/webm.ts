// WebM and Matroska with Opus, as browsers' MediaRecorder writes it (RFC 9559; blocks of unknown length included).
// The first Opus track counts. Read opus.ts next.
import { type Decoded, type DecodeJob, hasText } from "./job.ts";
import { decodeOpus, OPUS_RATE, type OpusPacket } from "./opus.ts";

// Element numbers of the Matroska format.
const SEGMENT = 0x18538067;
const TRACKS = 0x1654ae6b;
const TRACK = 0xae;
const TRACK_NUMBER = 0xd7;
const CODEC = 0x86;
const CODEC_PRIVATE = 0x63a2;
const CLUSTER = 0x1f43b675;
const BLOCK_GROUP = 0xa0;
const BLOCK = 0xa1;
const SIMPLE_BLOCK = 0xa3;
const DISCARD = 0x75a2;
/** Elements that hold others which are of use here. */
const OPENED: ReadonlySet<number> = new Set([SEGMENT, TRACKS, TRACK, CLUSTER, BLOCK_GROUP]);

interface Track {
  number: number;
  codec: string;
  header: Uint8Array;
}

interface Found {
  readonly tracks: Track[];
  readonly blocks: { data: Uint8Array; track: number }[];
  /** Nanoseconds to cut at the end of the last block. */
  discard: number;
  cut: boolean;
}

/** Decodes a WebM file. */
export async function decodeWebm(bytes: Uint8Array, job: DecodeJob): Promise<Decoded> {
  const found: Found = { tracks: [], blocks: [], discard: 0, cut: false };
  walk(bytes, 0, bytes.length, found);
  const track = found.tracks.find(({ codec }) => codec === "A_OPUS");
  if (!track) {
    const codecs = found.tracks.map(({ codec }) => codec).join(", ") || "none";
    throw new Error(`no Opus track is in it (tracks: ${codecs})`);
  }
  const packets: OpusPacket[] = found.blocks
    .filter((block) => block.track === track.number)
    .map(({ data }) => ({ data, granule: undefined, afterGap: false }));
  const decoded = await decodeOpus(track.header, packets, job);
  const drop = Math.min(Math.round((found.discard * OPUS_RATE) / 1e9), decoded.channels[0]?.length ?? 0);
  const channels =
    drop > 0 ? decoded.channels.map((channel) => channel.slice(0, channel.length - drop)) : decoded.channels;
  const warnings = found.cut ? [...decoded.warnings, "the file ends within a block"] : decoded.warnings;
  return { ...decoded, channels, warnings };
}

/** Visits the elements from ... to. */
function walk(bytes: Uint8Array, from: number, to: number, found: Found): void {
  for (let at = from; at < to; ) {
    const id = readVariable(bytes, at, to, true);
    const size = id && readVariable(bytes, at + id.length, to, false);
    if (!id || !size) {
      found.cut = true;
      return;
    }
    const start = at + id.length + size.length;
    // Live recordings leave sizes open: such an element goes on to the end, its children are found on the way.
    const open = size.value < 0;
    const end = open ? to : start + size.value;
    if (OPENED.has(id.value)) {
      if (id.value === TRACK) found.tracks.push({ number: 0, codec: "", header: new Uint8Array(0) });
      // Children are visited in one flat walk, so that clusters of unknown size need no end.
      if (open || end > to) {
        if (end > to) found.cut = true;
        at = start;
        continue;
      }
      walk(bytes, start, end, found);
    } else if (end > to) {
      found.cut = true;
      return;
    } else take(id.value, bytes.subarray(start, end), found);
    at = end;
  }
}

function take(id: number, data: Uint8Array, found: Found): void {
  const track = found.tracks.at(-1);
  if (id === SIMPLE_BLOCK || id === BLOCK) takeBlock(data, found);
  else if (id === DISCARD) found.discard = data.reduce((value, byte) => value * 256 + byte, 0);
  else if (track && id === TRACK_NUMBER) track.number = data.reduce((value, byte) => value * 256 + byte, 0);
  else if (track && id === CODEC)
    track.codec = String.fromCharCode(...data.subarray(0, 40)).replaceAll("\0", "");
  else if (track && id === CODEC_PRIVATE) track.header = data;
}

function takeBlock(data: Uint8Array, found: Found): void {
  const track = readVariable(data, 0, data.length, false);
  if (!track || data.length < track.length + 3) return;
  const body = track.length + 3;
  for (const packet of laced(data, body, (data[body - 1]! >> 1) & 3)) {
    found.blocks.push({ data: packet, track: track.value });
    found.discard = 0;
  }
}

/** The packets of one block: alone, or laced in one of three ways. */
function laced(data: Uint8Array, at: number, lacing: number): Uint8Array[] {
  if (lacing === 0) return [data.subarray(at)];
  const count = data[at]! + 1;
  let next = at + 1;
  const sizes: number[] = [];
  if (lacing === 2) {
    const size = Math.floor((data.length - next) / count);
    for (let i = 0; i < count - 1; i++) sizes.push(size);
  }
  for (let i = 0; i < count - 1 && lacing !== 2; i++) {
    if (lacing === 1) {
      let size = 0;
      while (data[next] === 255) size += data[next++]!;
      sizes.push(size + (data[next++] ?? 0));
      continue;
    }
    const coded = readVariable(data, next, data.length, false);
    if (!coded) return [];
    next += coded.length;
    // The first size stands itself, the others as signed differences.
    sizes.push(i === 0 ? coded.value : sizes[i - 1]! + coded.value - (2 ** (7 * coded.length - 1) - 1));
  }
  const packets: Uint8Array[] = [];
  for (const size of sizes) {
    if (size < 0 || next + size > data.length) return packets;
    packets.push(data.subarray(next, next + size));
    next += size;
  }
  packets.push(data.subarray(next));
  return packets;
}

/** A number whose leading zeros tell its length; -1 for the unknown size (all ones). */
function readVariable(bytes: Uint8Array, at: number, end: number, keepMark: boolean) {
  const first = bytes[at] ?? 0;
  const length = Math.clz32(first << 24) + 1;
  if (at >= end || length > 8 || at + length > end) return undefined;
  let value = keepMark ? first : first & (0xff >> length);
  let ones = value === 0xff >> length;
  for (let i = 1; i < length; i++) {
    value = value * 256 + bytes[at + i]!;
    ones &&= bytes[at + i] === 255;
  }
  return { value: ones && !keepMark ? -1 : value, length };
}

/** Whether bytes begin as WebM or Matroska does. */
export function isWebm(bytes: Uint8Array): boolean {
  return hasText(bytes, 0, "\u001aE\u00df\u00a3");
}
