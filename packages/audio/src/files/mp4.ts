// MPEG-4 files (m4a, mp4): the tables of the sound track, checked against the sizes of their boxes before anything is
// built from them (ISO 14496-12). FLAC and Opus are decoded here, AAC and ALAC by an installed decoder: codecs.ts.
import { decodeFlac } from "../flac/flac.ts";
import { type Decoded, type DecodeJob, hasText } from "./job.ts";
import { joined } from "./ogg.ts";
import { decodeOpus, OPUS_RATE } from "./opus.ts";

/** The sound track of a file. */
export interface Mp4Track {
  /** Four letters: mp4a, alac, fLaC, Opus ... */
  readonly coding: string;
  readonly channels: number;
  /** Seconds, as the track's header says; 0: unknown. */
  readonly seconds: number;
  /** Where each packet stands in the file. */
  readonly packets: readonly { readonly at: number; readonly size: number }[];
  /** The sample entry: its boxes hold the decoder's settings. */
  readonly entry: Box;
}

interface Box {
  readonly type: string;
  /** First byte of the content, and the one behind it. */
  readonly start: number;
  readonly end: number;
}

/** A box nested deeper is forged: every level copies nothing, but costs time. */
const DEEPEST = 12;

/**
 * Reads and checks the tables.
 *
 * @throws Error naming the table that does not fit its box or the file
 */
export function readMp4(bytes: Uint8Array): Mp4Track {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  checkRuns(bytes, view);
  const moov = boxes(view, 0, bytes.length).find((box) => box.type === "moov");
  if (!moov) throw new Error("no moov box is in it: the file is cut or was never finished");
  for (const trak of boxes(view, moov.start, moov.end).filter((box) => box.type === "trak")) {
    const track = readTrack(bytes, view, trak);
    if (track) return track;
  }
  throw new Error("no sound track is in it");
}

function boxes(view: DataView, from: number, to: number): Box[] {
  const found: Box[] = [];
  for (let at = from; at + 8 <= to; ) {
    const small = view.getUint32(at);
    const large =
      small === 1 && at + 16 <= to ? view.getUint32(at + 8) * 2 ** 32 + view.getUint32(at + 12) : 0;
    const head = small === 1 ? 16 : 8;
    const size = small === 1 ? large : small === 0 ? to - at : small;
    if (size < head) break;
    const type = [4, 5, 6, 7].map((i) => String.fromCharCode(view.getUint8(at + i))).join("");
    found.push({ type, start: at + head, end: Math.min(at + size, to) });
    at += size;
  }
  return found;
}

function inside(view: DataView, parent: Box, path: readonly string[]): Box | undefined {
  let box: Box | undefined = parent;
  for (const type of path) box = box && boxes(view, box.start, box.end).find((child) => child.type === type);
  return box;
}

function readTrack(bytes: Uint8Array, view: DataView, trak: Box): Mp4Track | undefined {
  const handler = inside(view, trak, ["mdia", "hdlr"]);
  if (!handler || !hasText(bytes, handler.start + 8, "soun")) return undefined;
  const table = inside(view, trak, ["mdia", "minf", "stbl"]);
  if (!table) throw new Error("the sound track has no stbl box");
  const description = inside(view, table, ["stsd"]);
  const entry = description && boxes(view, description.start + 8, description.end)[0];
  if (!entry || entry.end - entry.start < 28) throw new Error("the stsd box is damaged");
  const header = inside(view, trak, ["mdia", "mdhd"]);
  return {
    coding: entry.type,
    channels: view.getUint16(entry.start + 16),
    seconds: header ? durationOf(view, header) : 0,
    packets: readPackets(bytes, view, table),
    entry,
  };
}

function durationOf(view: DataView, { start, end }: Box): number {
  const wide = view.getUint8(start) === 1;
  if (end - start < (wide ? 32 : 20)) throw new Error("the mdhd box is damaged");
  const scale = view.getUint32(start + (wide ? 20 : 12));
  const duration = wide
    ? view.getUint32(start + 24) * 2 ** 32 + view.getUint32(start + 28)
    : view.getUint32(start + 16);
  return scale === 0 || duration >= 0xffffffff ? 0 : duration / scale;
}

/** The entries of a table, of `size` bytes each, that begins with their number. */
function entriesOf(
  view: DataView,
  table: Box,
  type: string,
  size: number,
  at = 4,
): { count: number; start: number } | undefined {
  const box = inside(view, table, [type]);
  if (!box) return undefined;
  const room = box.end - box.start - at - 4;
  const count = room >= 0 ? view.getUint32(box.start + at) : -1;
  if (count < 0 || count * size > room)
    throw new Error(
      `the ${type} box claims ${count} entries, it has room for ${Math.max(0, Math.floor(room / size))}`,
    );
  return { count, start: box.start + at + 4 };
}

function readPackets(bytes: Uint8Array, view: DataView, table: Box): { at: number; size: number }[] {
  const sizesBox = inside(view, table, ["stsz"]);
  if (!sizesBox || sizesBox.end - sizesBox.start < 12) throw new Error("the stsz box is damaged or missing");
  const uniform = view.getUint32(sizesBox.start + 4);
  const total = view.getUint32(sizesBox.start + 8);
  if (uniform > 0 && total * uniform > bytes.length)
    throw new Error(`the stsz box claims ${total} packets of ${uniform} bytes`);
  const sizes = uniform > 0 ? undefined : entriesOf(view, table, "stsz", 4, 8);
  const times = entriesOf(view, table, "stts", 8);
  let timed = 0;
  for (let i = 0; times && i < times.count; i++) timed += view.getUint32(times.start + 8 * i);
  if (timed > total) throw new Error(`the stts box times ${timed} packets, the stsz box has ${total}`);
  const narrow = entriesOf(view, table, "stco", 4);
  const wide = narrow ? undefined : entriesOf(view, table, "co64", 8);
  const chunks = narrow ?? wide;
  const runs = entriesOf(view, table, "stsc", 12);
  if (!chunks || !runs) throw new Error("the stco or stsc box is missing");
  const packets: { at: number; size: number }[] = [];
  for (let chunk = 0, run = 0; chunk < chunks.count && packets.length < total; chunk++) {
    const firstOf = (index: number) => view.getUint32(runs.start + 12 * index);
    while (run + 1 < runs.count && firstOf(run + 1) <= chunk + 1) run++;
    if (runs.count === 0) break;
    const perChunk = view.getUint32(runs.start + 12 * run + 4);
    let at = narrow
      ? view.getUint32(chunks.start + 4 * chunk)
      : view.getUint32(chunks.start + 8 * chunk) * 2 ** 32 + view.getUint32(chunks.start + 8 * chunk + 4);
    for (let i = 0; i < perChunk && packets.length < total; i++) {
      const size = sizes ? view.getUint32(sizes.start + 4 * packets.length) : uniform;
      packets.push({ at, size });
      at += size;
    }
  }
  return packets;
}

/** Files in fragments list their packets in trun boxes; their counts must fit too. */
function checkRuns(bytes: Uint8Array, view: DataView): void {
  const visit = (from: number, to: number, depth: number) => {
    if (depth > DEEPEST) throw new Error("its boxes are nested too deep");
    for (const box of boxes(view, from, to)) {
      if (box.type === "moof" || box.type === "traf") visit(box.start, box.end, depth + 1);
      if (box.type !== "trun" || box.end - box.start < 8) continue;
      const flags = view.getUint32(box.start);
      const count = view.getUint32(box.start + 4);
      const fields = [0x100, 0x200, 0x400, 0x800].filter((flag) => (flags & flag) !== 0).length;
      if (count * 4 * fields > box.end - box.start || count > bytes.length) {
        throw new Error(`a trun box claims ${count} packets, which it has no room for`);
      }
    }
  };
  visit(0, bytes.length, 0);
}

/** Decodes the track when it is FLAC or Opus; undefined for other codings. */
export async function decodeMp4Here(
  bytes: Uint8Array,
  track: Mp4Track,
  job: DecodeJob,
): Promise<Decoded | undefined> {
  if (track.coding !== "fLaC" && track.coding !== "Opus") return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const settings = boxes(view, track.entry.start + 28, track.entry.end);
  const cut = track.packets.filter(({ at, size }) => at + size > bytes.length).length;
  const parts = track.packets.map(({ at, size }) => bytes.subarray(at, at + size));
  const warnings = cut > 0 ? [`${cut} packets lie beyond the end of the file`] : [];
  if (track.coding === "fLaC") {
    const box = settings.find(({ type }) => type === "dfLa");
    if (!box) throw new Error("the FLAC track has no dfLa box");
    const head = bytes.subarray(box.start + 4, box.end);
    const decoded = decodeFlac(joined([Uint8Array.of(0x66, 0x4c, 0x61, 0x43), head, ...parts]), job);
    return { ...decoded, warnings: [...warnings, ...decoded.warnings] };
  }
  const box = settings.find(({ type }) => type === "dOps");
  if (!box) throw new Error("the Opus track has no dOps box");
  const packets = parts.map((data) => ({ data, granule: undefined, afterGap: false }));
  const header = opusHeader(bytes.subarray(box.start, box.end));
  const decoded = await decodeOpus(header, packets, job);
  const frames = decoded.channels[0]?.length ?? 0;
  // The duration counts the samples that are skipped at the start; what lies behind it fills the last packet.
  const announced = Math.round(track.seconds * OPUS_RATE) - (header[10]! + 256 * header[11]!);
  const padded = announced > 0 && frames > announced && frames - announced < 5760;
  const channels = padded ? decoded.channels.map((channel) => channel.slice(0, announced)) : decoded.channels;
  return { ...decoded, channels, warnings: [...warnings, ...decoded.warnings] };
}

/** The dOps box as the header of an Ogg stream: the same fields, of the other byte order. */
function opusHeader(box: Uint8Array): Uint8Array {
  if (box.length < 11) throw new Error("the dOps box is cut");
  const out = new Uint8Array(8 + box.length);
  for (const [i, letter] of [..."OpusHead"].entries()) out[i] = letter.charCodeAt(0);
  out.set(box, 8);
  out[8] = 1;
  const view = new DataView(out.buffer);
  const from = new DataView(box.buffer, box.byteOffset, box.byteLength);
  view.setUint16(10, from.getUint16(2), true);
  view.setUint32(12, from.getUint32(4), true);
  view.setInt16(16, from.getInt16(8), true);
  return out;
}
