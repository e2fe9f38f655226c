// Opus packets to samples, by libopus (the package opus-decoder). Containers: ogg-audio.ts, webm.ts, mp4.ts.
import { SampleCollector } from "./collector.ts";
import { type Decoded, type DecodeJob, hasText } from "./job.ts";

/** Opus always decodes to this rate, in Hz. */
export const OPUS_RATE = 48000;

/** A packet; `granule` is the number of samples up to its end, the skipped ones included, when known. */
export interface OpusPacket {
  readonly data: Uint8Array;
  readonly granule: number | undefined;
  readonly afterGap: boolean;
}

interface OpusHead {
  readonly channels: number;
  readonly preSkip: number;
  readonly gain: number;
  readonly streams: number;
  readonly coupled: number;
  readonly mapping: number[];
}

/** The identification header (RFC 7845, section 5.1). */
function readHead(bytes: Uint8Array): OpusHead {
  if (!hasText(bytes, 0, "OpusHead") || bytes.length < 19) throw new Error("no Opus header in it");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const channels = bytes[9]!;
  const family = bytes[18]!;
  if (channels === 0) throw new Error("the Opus header claims 0 channels");
  const head = { channels, preSkip: view.getUint16(10, true), gain: view.getInt16(16, true) / 256 };
  if (family === 0) {
    if (channels > 2) throw new Error(`an Opus header with ${channels} channels and no mapping`);
    return { ...head, streams: 1, coupled: channels - 1, mapping: channels === 2 ? [0, 1] : [0] };
  }
  if (bytes.length < 21 + channels) throw new Error("the Opus header is cut");
  return {
    ...head,
    streams: bytes[19]!,
    coupled: bytes[20]!,
    mapping: [...bytes.subarray(21, 21 + channels)],
  };
}

/** What is used of the package's decoder. */
interface FrameDecoder {
  decodeFrame(packet: Uint8Array): { channelData: Float32Array[]; errors: readonly unknown[] };
  free(): void;
}

/** Decodes packet after packet; `skip` samples at the start are dropped. */
export class OpusStream {
  readonly channels: number;
  readonly #decoder: FrameDecoder;
  readonly #scale: number;
  readonly #preSkip: number;
  #skip: number;
  /** Samples decoded, the skipped ones included. */
  #position = 0;
  #bad = 0;
  #filled = 0;

  private constructor(decoder: FrameDecoder, head: OpusHead) {
    this.#decoder = decoder;
    this.channels = head.channels;
    this.#preSkip = head.preSkip;
    this.#skip = head.preSkip;
    this.#scale = 10 ** (head.gain / 20);
  }

  /** A stream for the given header. */
  static async open(header: Uint8Array): Promise<OpusStream> {
    const head = readHead(header);
    const { OpusDecoder } = await import("opus-decoder");
    const decoder = new OpusDecoder({
      channels: head.channels,
      streamCount: head.streams,
      coupledStreamCount: head.coupled,
      channelMappingTable: head.mapping,
      preSkip: 0,
    });
    await decoder.ready;
    return new OpusStream(decoder as unknown as FrameDecoder, head);
  }

  /** The samples of one packet. `last` trims them to the granule, as the end of a stream asks for. */
  decode(packet: OpusPacket, last: boolean): { channels: Float32Array[]; frames: number }[] {
    const blocks: { channels: Float32Array[]; frames: number }[] = [];
    const { channelData, errors } = this.#decoder.decodeFrame(packet.data);
    if (errors.length > 0) this.#bad++;
    let frames = channelData[0]?.length ?? 0;
    if (packet.afterGap && packet.granule !== undefined) {
      const gap = packet.granule - frames - this.#position;
      if (gap > 0 && gap < 60 * OPUS_RATE) {
        this.#filled += gap;
        this.#emit(
          Array.from({ length: this.channels }, () => new Float32Array(gap)),
          gap,
          blocks,
        );
      }
    }
    if (last && packet.granule !== undefined && packet.granule < this.#position + frames) {
      frames = Math.max(0, packet.granule - this.#position);
    }
    this.#emit(channelData, frames, blocks);
    return blocks;
  }

  /** Frees the decoder; returns what was wrong. */
  close(): string[] {
    this.#decoder.free();
    const warnings: string[] = [];
    if (this.#bad > 0) warnings.push(`${this.#bad} Opus packets are damaged and were left out`);
    if (this.#filled > 0) warnings.push(`${this.#filled} samples were lost with them and became silence`);
    return warnings;
  }

  /** Samples that a whole stream with this last granule has. */
  expected(granule: number): number {
    return Math.max(0, granule - this.#preSkip);
  }

  #emit(
    channels: readonly Float32Array[],
    frames: number,
    blocks: { channels: Float32Array[]; frames: number }[],
  ): void {
    const skipped = Math.min(this.#skip, frames);
    this.#skip -= skipped;
    this.#position += frames;
    if (frames === skipped) return;
    const scale = this.#scale;
    const kept = channels.map((channel) => {
      const part = channel.slice(skipped, frames);
      if (scale !== 1) for (let i = 0; i < part.length; i++) part[i] = part[i]! * scale;
      return part;
    });
    blocks.push({ channels: kept, frames: frames - skipped });
  }
}

/** Decodes all packets of a stream. */
export async function decodeOpus(
  header: Uint8Array,
  packets: readonly OpusPacket[],
  job: DecodeJob,
): Promise<Decoded> {
  const stream = await OpusStream.open(header);
  const samples = new SampleCollector(job.place, job.file, job.maximumSamples);
  let warnings: string[];
  try {
    for (const [i, packet] of packets.entries()) {
      for (const block of stream.decode(packet, i === packets.length - 1))
        samples.add(block.channels, block.frames);
    }
    const granule = packets.at(-1)?.granule;
    if (granule !== undefined && samples.frames < stream.expected(granule)) {
      const announced = stream.expected(granule);
      const what = `${samples.frames} samples were found where the last page announces ${announced}`;
      warnings = [...stream.close(), what];
    } else warnings = stream.close();
  } catch (error) {
    stream.close();
    throw error;
  }
  return { channels: samples.finish(), sampleRate: OPUS_RATE, warnings };
}
