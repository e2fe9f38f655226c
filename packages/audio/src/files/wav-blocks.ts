// WAV decoded while it arrives; files of more than 4 GiB (RF64) too. wav.ts reads whole files and explains the format.
import { AudioError, type AudioErrorReason } from "../errors.ts";
import { deinterleave } from "../samples.ts";
import { readFormat, type WavFormat } from "../wav.ts";
import { type AdpcmFormat, decodeAdpcm, framesIn } from "./adpcm.ts";
import { type BlockDecoder, type DecodedBlock, hasText } from "./job.ts";
import { joined } from "./ogg.ts";

/** A header longer than this is not one. */
const LONGEST_HEADER = 1 << 24;

/** WAV, chunk by chunk. The format must stand before the samples, as it nearly always does. */
export class WavBlocks implements BlockDecoder {
  readonly warnings: string[] = [];
  #bytes: Uint8Array = new Uint8Array(0);
  #format: WavFormat | undefined;
  #littleEndian = true;
  /** Bytes of samples still to come; infinite when the header does not say. */
  #left = -1;
  #size64: number | undefined;
  /** Samples per channel by the fact chunk, which ADPCM files have, and those decoded so far. */
  #told: number | undefined;
  #frames = 0;
  /** Where the next chunk starts in #bytes, before the samples. */
  #at = 12;

  get sampleRate(): number {
    return this.#format?.sampleRate ?? 0;
  }

  push(chunk: Uint8Array): DecodedBlock[] {
    this.#bytes = this.#bytes.length === 0 ? chunk : joined([this.#bytes, chunk]);
    if (this.#left < 0 && !this.#readHeader()) {
      if (this.#bytes.length > LONGEST_HEADER) throw new Error("no samples within its first 16 MiB");
      return [];
    }
    const format = this.#format!;
    const there = Math.min(this.#bytes.length, this.#left);
    const frames = Math.floor(there / format.blockAlign);
    const used = frames * format.blockAlign;
    const { encoding, channels, blockAlign: stride, adpcm } = format;
    if (adpcm !== null) return this.#pushAdpcm(adpcm, there, there === this.#left);
    const block = deinterleave(this.#bytes.subarray(0, used), {
      encoding: encoding!,
      channels,
      frames,
      stride,
      littleEndian: this.#littleEndian,
    });
    this.#left -= used;
    this.#bytes = this.#left > 0 ? this.#bytes.slice(used) : new Uint8Array(0);
    return frames > 0 ? [{ channels: block, frames }] : [];
  }

  /** Whole blocks of ADPCM, and at the end of the samples what there is of the last. */
  #pushAdpcm(format: AdpcmFormat, there: number, ended: boolean): DecodedBlock[] {
    const whole = there - (there % format.blockAlign);
    const used = ended ? there : whole;
    const decoded = decodeAdpcm(this.#bytes.subarray(0, used), format, this.warnings);
    if (ended && used > whole) this.warnings.push("the last block is cut");
    this.#left -= used;
    this.#bytes = this.#left > 0 ? this.#bytes.slice(used) : new Uint8Array(0);
    this.#frames += decoded.frames;
    const filling = ended && this.#told !== undefined ? this.#frames - this.#told : 0;
    const cut =
      filling > 0 && filling < framesIn(format, format.blockAlign) ? Math.min(filling, decoded.frames) : 0;
    const frames = decoded.frames - cut;
    if (frames === 0) return [];
    return [{ channels: decoded.channels.map((channel) => channel.subarray(0, frames)), frames }];
  }

  finish(): DecodedBlock[] {
    if (this.#left < 0) throw new Error("it ends before its samples");
    const adpcm = this.#format?.adpcm ?? null;
    const last = adpcm !== null && this.#left > 0 ? this.#pushAdpcm(adpcm, this.#bytes.length, true) : [];
    if (this.#left > 0 && Number.isFinite(this.#left)) {
      this.warnings.push(
        `the file ends ${this.#left} bytes before the end of the samples that its header claims`,
      );
    }
    return last;
  }

  /** Reads chunk heads up to the samples; false when more bytes are needed. */
  #readHeader(): boolean {
    const bytes = this.#bytes;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#littleEndian = !hasText(bytes, 0, "RIFX");
    const littleEndian = this.#littleEndian;
    while (this.#at + 8 <= bytes.length) {
      const size = view.getUint32(this.#at + 4, littleEndian);
      const start = this.#at + 8;
      if (hasText(bytes, this.#at, "data")) {
        if (!this.#format)
          throw new Error("the samples stand before the fmt chunk; read the file as a whole");
        const known = size === 0xffffffff ? this.#size64 : size === 0 ? undefined : size;
        this.#left = known ?? Number.POSITIVE_INFINITY;
        this.#bytes = bytes.subarray(start);
        return true;
      }
      if (start + size > bytes.length) return false;
      if (hasText(bytes, this.#at, "ds64") && size >= 16)
        this.#size64 = Number(view.getBigUint64(start + 8, true));
      if (hasText(bytes, this.#at, "fact") && size >= 4) this.#told = view.getUint32(start, littleEndian);
      if (hasText(bytes, this.#at, "fmt ")) {
        const fail = (reason: AudioErrorReason, message: string) =>
          new AudioError(`decodeBlocks: ${message}`, { reason });
        this.#format = readFormat(view, { start, end: start + size }, littleEndian, fail);
      }
      this.#at = start + size + (size % 2);
    }
    return false;
  }
}
