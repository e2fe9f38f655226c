// FLAC fed byte by byte: metadata, frames, the search for the next frame after a damaged one, and the checks of count
// and digest at the end. decodeFlac (flac.ts) runs it on a whole file; block readers feed it chunks.
import { EndOfBytes } from "./bit-reader.ts";
import { BadFrame, type Frame, readFrame, readFrameHeader, type StreamInfo } from "./flac-frame.ts";
import { Md5 } from "./md5.ts";

/** Samples that came out of a stream: one array per channel, all equally long. */
export interface FlacBlock {
  readonly channels: Float32Array[];
  readonly frames: number;
}

/** No frame is longer than this many bytes: 65535 samples, 8 channels, 33 bits, and heads. */
const LONGEST_FRAME = 65535 * 8 * 5 + 4096;
/** A gap longer than this in seconds is taken for a damaged number, not for lost frames. */
const LONGEST_GAP = 60;

/** Decodes chunk by chunk. A frame that breaks its check becomes silence of its length and a warning. */
export class FlacStream {
  readonly warnings: string[] = [];
  #info: StreamInfo | undefined;
  #bytes: Uint8Array = new Uint8Array(0);
  /** Position of #bytes in the file. */
  #offset = 0;
  #metadata = true;
  #md5: Md5 | undefined;
  /** Samples per channel so far, silence included. */
  #frames = 0;
  #damaged = 0;
  #firstDamage = "";

  /** What STREAMINFO says, once it was read. */
  get info(): StreamInfo | undefined {
    return this.#info;
  }

  /** Samples per channel that came out. */
  get frames(): number {
    return this.#frames;
  }

  /** Takes the next bytes (from the marker `fLaC` on); returns the blocks that are complete. */
  push(chunk: Uint8Array): FlacBlock[] {
    this.#append(chunk);
    return this.#run(false);
  }

  /** Ends the file: the last blocks, then the checks, whose outcome is in `warnings`. */
  finish(): FlacBlock[] {
    const blocks = this.#run(true);
    const info = this.#info;
    if (!info) return blocks;
    if (this.#damaged > 0) {
      const what = this.#damaged === 1 ? "1 frame is" : `${this.#damaged} frames are`;
      this.warnings.push(`${what} damaged and became silence, the first at ${this.#firstDamage}`);
    }
    if (info.total > 0 && this.#frames < info.total) {
      this.warnings.push(
        `the file ends after ${this.#frames} of the ${info.total} frames that its header announces`,
      );
    } else if (this.#damaged === 0 && this.#md5 && info.md5 !== "0".repeat(32)) {
      const digest = this.#md5.digest();
      if (digest !== info.md5)
        this.warnings.push("the samples do not have the MD5 digest that the header announces");
    }
    return blocks;
  }

  #append(chunk: Uint8Array): void {
    if (this.#bytes.length === 0) {
      this.#bytes = chunk;
      return;
    }
    const both = new Uint8Array(this.#bytes.length + chunk.length);
    both.set(this.#bytes);
    both.set(chunk, this.#bytes.length);
    this.#bytes = both;
  }

  #drop(count: number): void {
    this.#bytes = this.#bytes.subarray(count);
    this.#offset += count;
  }

  #run(last: boolean): FlacBlock[] {
    const blocks: FlacBlock[] = [];
    while (this.#metadata) if (!this.#readMetadata(last)) return blocks;
    const info = this.#info!;
    while (this.#bytes.length > 0 && !(info.total > 0 && this.#frames >= info.total)) {
      let frame: Frame;
      try {
        frame = readFrame(this.#bytes, info);
      } catch (error) {
        if (error instanceof EndOfBytes && !last && this.#bytes.length < LONGEST_FRAME) return blocks;
        if (!(error instanceof EndOfBytes || error instanceof BadFrame)) throw error;
        if (this.#skipDamage(last)) continue;
        if (last) this.#closeDamaged(error instanceof EndOfBytes, blocks);
        return blocks;
      }
      if (frame.header.channels !== info.channels) {
        throw new BadFrame(
          `the number of channels changes from ${info.channels} to ${frame.header.channels}`,
        );
      }
      this.#fillGap(frame, blocks);
      blocks.push(this.#convert(frame));
      this.#drop(frame.length);
    }
    if (last) this.#judgeRest();
    return blocks;
  }

  /** One metadata block; false when more bytes are needed. */
  #readMetadata(last: boolean): boolean {
    const at = this.#info === undefined && this.#offset === 0 ? 4 : 0; // the marker stands in front of the first
    const bytes = this.#bytes;
    if (bytes.length < at + 4) return this.#cutMetadata(last);
    const type = bytes[at]! & 0x7f;
    const length = (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!;
    if (bytes.length < at + 4 + length) return this.#cutMetadata(last);
    if (type === 0 && length >= 34) this.#info = readStreamInfo(bytes.subarray(at + 4, at + 4 + length));
    if (!this.#info) throw new BadFrame("the first block is not STREAMINFO");
    this.#metadata = (bytes[at]! & 0x80) === 0;
    this.#drop(at + 4 + length);
    if (!this.#metadata && this.#info.bits <= 32) this.#md5 = new Md5();
    return true;
  }

  #cutMetadata(last: boolean): false {
    if (last) throw new BadFrame("it ends within its header");
    return false;
  }

  /** Goes to the next place where a frame starts that holds its check; false when there is none yet. */
  #skipDamage(last: boolean): boolean {
    if (isTag(this.#bytes)) return false;
    const start = this.#offset;
    for (let at = 1; at + 1 < this.#bytes.length; at++) {
      if (this.#bytes[at] !== 0xff || (this.#bytes[at + 1]! & 0xfe) !== 0xf8) continue;
      const rest = this.#bytes.subarray(at);
      try {
        readFrameHeader(rest, this.#info!);
        readFrame(rest, this.#info!);
      } catch (error) {
        if (!(error instanceof EndOfBytes || error instanceof BadFrame)) throw error;
        if (error instanceof EndOfBytes && !last) {
          this.#drop(at);
          this.#noteDamage(start);
          return false;
        }
        continue;
      }
      this.#drop(at);
      this.#noteDamage(start);
      return true;
    }
    return false;
  }

  /** What lies behind the last frame that could be read: a tag, a frame that is cut, or a damaged one. */
  #closeDamaged(cut: boolean, blocks: FlacBlock[]): void {
    const info = this.#info!;
    const missing = info.total - this.#frames;
    if (!isTag(this.#bytes)) {
      if (!cut) this.#noteDamage(this.#offset);
      else if (info.total === 0) this.warnings.push("the file ends within a frame");
      // A damaged last frame has no other behind it that would show how long it was.
      if (!cut && missing > 0 && missing <= info.maxBlock) this.#pushSilence(missing, blocks);
    }
    this.#drop(this.#bytes.length);
  }

  #pushSilence(frames: number, blocks: FlacBlock[]): void {
    blocks.push({
      channels: Array.from({ length: this.#info!.channels }, () => new Float32Array(frames)),
      frames,
    });
    this.#frames += frames;
  }

  #noteDamage(offset: number): void {
    if (this.#damaged++ === 0) {
      const seconds = (this.#frames / Math.max(1, this.#info!.sampleRate)).toFixed(2);
      this.#firstDamage = `byte ${offset} (${seconds} s)`;
    }
  }

  /** Silence for the samples between the last frame and this one, where frames were lost. */
  #fillGap(frame: Frame, blocks: FlacBlock[]): void {
    const info = this.#info!;
    const gap = frame.header.first - this.#frames;
    if (this.#damaged === 0 || gap <= 0 || gap > LONGEST_GAP * Math.max(8000, info.sampleRate)) return;
    this.#pushSilence(info.total > 0 ? Math.min(gap, info.total - this.#frames) : gap, blocks);
  }

  #convert(frame: Frame): FlacBlock {
    const { header } = frame;
    const info = this.#info!;
    if (
      header.sampleRate !== info.sampleRate &&
      !this.warnings.some((warning) => warning.startsWith("the rate"))
    ) {
      this.warnings.push(
        `the rate changes from ${info.sampleRate} to ${header.sampleRate} Hz within the file`,
      );
    }
    const frames = info.total > 0 ? Math.min(header.block, info.total - this.#frames) : header.block;
    const scale = 2 ** (1 - header.bits);
    const channels = frame.channels.map((samples) => {
      const out = new Float32Array(frames);
      for (let i = 0; i < frames; i++) out[i] = samples[i]! * scale;
      return out;
    });
    this.#frames += frames;
    this.#md5?.update(packed(frame, frames, Math.ceil(header.bits / 8)));
    return { channels, frames };
  }

  /** Bytes behind the last frame: tags are common, anything else is mentioned. */
  #judgeRest(): void {
    const rest = this.#bytes.length;
    if (rest > 0 && !isTag(this.#bytes))
      this.warnings.push(`${rest} bytes behind the last frame were ignored`);
    this.#drop(rest);
  }
}

/** ID3v1 and APE tags are written behind files of any kind. */
function isTag(bytes: Uint8Array): boolean {
  const text = String.fromCharCode(...bytes.subarray(0, 8));
  return (
    (text.startsWith("TAG") && bytes.length <= 128 + 227) || text === "APETAGEX" || text.startsWith("ID3")
  );
}

function readStreamInfo(bytes: Uint8Array): StreamInfo {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const packedFields = view.getUint32(10);
  return {
    minBlock: view.getUint16(0),
    maxBlock: view.getUint16(2),
    sampleRate: packedFields >>> 12,
    channels: ((packedFields >>> 9) & 7) + 1,
    bits: ((packedFields >>> 4) & 31) + 1,
    total: (packedFields & 15) * 2 ** 32 + view.getUint32(14),
    md5: Array.from(bytes.subarray(18, 34), (byte) => byte.toString(16).padStart(2, "0")).join(""),
  };
}

/** Interleaved little-endian integers of whole bytes: what the digest is taken of. */
function packed(frame: Frame, frames: number, size: number): Uint8Array {
  const { channels } = frame;
  const out = new Uint8Array(frames * channels.length * size);
  for (let i = 0, at = 0; i < frames; i++) {
    for (let c = 0; c < channels.length; c++) {
      let value = channels[c]![i]! | 0;
      for (let b = 0; b < size; b++, value >>= 8) out[at++] = value;
    }
  }
  return out;
}
