// Ogg pages to packets (RFC 3533): each page's check and number, and the last page's mark, are looked at. The first
// logical stream counts. Fed chunk by chunk. Read ogg-audio.ts next.
import { crc32 } from "./crc.ts";
import { hasText } from "./job.ts";

/** One packet, and the granule position of the page it ends on when it is the last to end there. */
export interface OggPacket {
  readonly data: Uint8Array;
  /** Samples of the stream up to the end of this packet, when the page says so. */
  readonly granule: number | undefined;
  /** Pages before this packet were lost or damaged. */
  readonly afterGap: boolean;
}

/** Splits a file into the packets of its first logical stream. */
export class OggStream {
  #bytes: Uint8Array = new Uint8Array(0);
  #serial: number | undefined;
  #number = 0;
  #partial: Uint8Array[] = [];
  #gap = false;
  #ended = false;
  #badPages = 0;
  #lostPages = 0;
  #skippedBytes = 0;
  #foreign = false;

  /** Takes the next bytes; returns the packets that are complete. */
  push(chunk: Uint8Array): OggPacket[] {
    const both = new Uint8Array(this.#bytes.length + chunk.length);
    both.set(this.#bytes);
    both.set(chunk, this.#bytes.length);
    let at = 0;
    const packets: OggPacket[] = [];
    while (at + 27 <= both.length) {
      if (!hasText(both, at, "OggS")) {
        at++;
        this.#skippedBytes++;
        continue;
      }
      const segments = both[at + 26]!;
      const body = at + 27 + segments;
      if (body > both.length) break;
      let end = body;
      for (let s = 0; s < segments; s++) end += both[at + 27 + s]!;
      if (end > both.length) break;
      const page = both.slice(at, end);
      if (this.#takePage(page, packets)) at = end;
      else at += 4;
    }
    this.#bytes = both.slice(at);
    return packets;
  }

  /** What was wrong, once all bytes were pushed. */
  finish(): string[] {
    const warnings: string[] = [];
    const pages = (count: number) => (count === 1 ? "1 page" : `${count} pages`);
    if (this.#badPages > 0)
      warnings.push(`${pages(this.#badPages)} of the Ogg stream broke their check and were left out`);
    if (this.#lostPages > 0) warnings.push(`${pages(this.#lostPages)} of the Ogg stream are missing`);
    if (!this.#ended) warnings.push("the file ends before the last page of its stream");
    else if (this.#foreign) warnings.push("a second stream in the file was ignored");
    else if (this.#bytes.length + this.#skippedBytes > 0) {
      warnings.push(
        `${this.#bytes.length + this.#skippedBytes} bytes between or behind the pages were ignored`,
      );
    }
    return warnings;
  }

  /** False when the check fails: the sync word may have been chance. */
  #takePage(page: Uint8Array, packets: OggPacket[]): boolean {
    const view = new DataView(page.buffer, page.byteOffset, page.byteLength);
    const check = view.getUint32(22, true);
    view.setUint32(22, 0, true);
    if (crc32(page, 0, page.length) !== check) {
      this.#badPages++;
      return false;
    }
    const flags = page[5]!;
    const serial = view.getUint32(14, true);
    this.#serial ??= serial;
    if (serial !== this.#serial || this.#ended) {
      this.#foreign = true;
      return true;
    }
    const number = view.getUint32(18, true);
    if (number !== this.#number) {
      this.#lostPages += Math.max(0, number - this.#number - this.#badPages);
      this.#gap = true;
      this.#partial = [];
    }
    this.#number = number + 1;
    this.#ended = (flags & 4) !== 0;
    const high = view.getInt32(10, true);
    const granule = high < 0 ? undefined : high * 2 ** 32 + view.getUint32(6, true);
    this.#split(page, (flags & 1) !== 0, granule, packets);
    return true;
  }

  #split(page: Uint8Array, continued: boolean, granule: number | undefined, packets: OggPacket[]): void {
    const segments = page[26]!;
    let at = 27 + segments;
    let start = at;
    let orphan = continued && this.#partial.length === 0;
    const ended: Uint8Array[] = [];
    for (let s = 0; s < segments; s++) {
      const size = page[27 + s]!;
      at += size;
      if (size === 255) continue;
      if (!orphan) ended.push(joined([...this.#partial, page.subarray(start, at)]));
      orphan = false;
      this.#partial = [];
      start = at;
    }
    if (start < at && !orphan) this.#partial.push(page.subarray(start, at));
    for (const [i, data] of ended.entries()) {
      packets.push({ data, granule: i === ended.length - 1 ? granule : undefined, afterGap: this.#gap });
      this.#gap = false;
    }
  }
}

/** One array from parts. */
export function joined(parts: readonly Uint8Array[]): Uint8Array {
  if (parts.length === 1) return parts[0]!;
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
