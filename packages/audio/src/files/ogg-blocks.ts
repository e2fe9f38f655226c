// Ogg with FLAC or Opus, decoded while it arrives. Vorbis is decoded whole: ogg-audio.ts.
import { FlacStream } from "../flac/flac-stream.ts";
import { type BlockDecoder, type DecodedBlock, hasText } from "./job.ts";
import { type OggPacket, OggStream } from "./ogg.ts";
import { OPUS_RATE, OpusStream } from "./opus.ts";

/** Ogg FLAC or Ogg Opus, chunk by chunk. */
export class OggBlocks implements BlockDecoder {
  readonly #pages = new OggStream();
  readonly #flac: FlacStream | undefined;
  #opus: OpusStream | undefined;
  #packets = 0;
  /** The last packet is kept back: where the stream ends, it is trimmed. */
  #held: OggPacket | undefined;
  #warnings: string[] = [];

  private constructor(flac: boolean) {
    if (flac) this.#flac = new FlacStream();
  }

  /** The decoder for a file with this start; undefined for Vorbis and others. */
  static for(start: Uint8Array): OggBlocks | undefined {
    const packet = 27 + (start[26] ?? 0);
    if (hasText(start, packet, "\u007fFLAC")) return new OggBlocks(true);
    return hasText(start, packet, "OpusHead") ? new OggBlocks(false) : undefined;
  }

  get sampleRate(): number {
    return this.#flac ? (this.#flac.info?.sampleRate ?? 0) : OPUS_RATE;
  }

  get warnings(): readonly string[] {
    return this.#warnings;
  }

  async push(chunk: Uint8Array): Promise<DecodedBlock[]> {
    const blocks: DecodedBlock[] = [];
    for (const packet of this.#pages.push(chunk)) {
      const number = this.#packets++;
      if (this.#flac) blocks.push(...this.#flac.push(number === 0 ? packet.data.subarray(9) : packet.data));
      else if (number === 0) this.#opus = await OpusStream.open(packet.data);
      else if (number > 1) {
        if (this.#held) blocks.push(...this.#opus!.decode(this.#held, false));
        this.#held = packet;
      }
    }
    return blocks;
  }

  finish(): DecodedBlock[] {
    const pages = this.#pages.finish();
    const blocks = this.#flac
      ? this.#flac.finish()
      : this.#held && this.#opus
        ? this.#opus.decode(this.#held, true)
        : [];
    this.#warnings = [...pages, ...(this.#flac?.warnings ?? this.#opus?.close() ?? [])];
    this.#opus = undefined;
    return blocks;
  }
}
