// Audio in blocks of equal length, decoded while the bytes arrive: memory stays flat however long the file is. WAV, FLAC
// and Ogg (FLAC, Opus) are read so; other formats are collected first, because their decoders want the whole file.
import { audioFormat, type DecodeOptions, decodeAudio, toMono } from "./decode.ts";
import { AudioError, parameterError, requireInteger, requirePositive } from "./errors.ts";
import type { BlockDecoder, DecodedBlock } from "./files/job.ts";
import { joined } from "./files/ogg.ts";
import { OggBlocks } from "./files/ogg-blocks.ts";
import { WavBlocks } from "./files/wav-blocks.ts";
import { FlacStream } from "./flac/flac-stream.ts";
import { checkOptions, type OptionKeys, requireBoolean } from "./options.ts";
import { Resampler } from "./resample.ts";
import { type AudioData, describeNonFinite } from "./samples.ts";

/** Options of `decodeBlocks`. */
export interface BlockOptions extends Omit<DecodeOptions, "maximumSamples"> {
  /** Seconds per block, > 0; the last block is shorter. Default 10. */
  readonly blockSeconds?: number;
  /** Seconds at the start that are passed over, >= 0. Default 0. */
  readonly offset?: number;
  /** Seconds to give at most, > 0. Default: all. */
  readonly duration?: number;
}

/** The keys of `BlockOptions`. */
export const BLOCK_KEYS: OptionKeys<BlockOptions> = {
  file: true,
  sampleRate: true,
  mono: true,
  nonFinite: true,
  method: true,
  blockSeconds: true,
  offset: true,
  duration: true,
};

/** One block. `warnings` of the last one tell what was wrong with the file. */
export interface AudioBlock extends AudioData {
  /** Where the block begins in the file, seconds. */
  readonly start: number;
}

/** Bytes looked at to tell the format. */
const HEAD = 64;

/**
 * Decodes audio in blocks while its bytes arrive.
 *
 * @param chunks the bytes of a file in order: a Node stream, a `fetch` body, an array of pieces
 * @returns blocks in order, each of `blockSeconds`; together they hold the samples of `decodeAudio`
 * @throws AudioError as `decodeAudio`
 *
 * @example
 * for await (const { channels, start } of decodeBlocks(response.body, { mono: true, sampleRate: 16000 })) use(channels[0], start);
 */
export async function* decodeBlocks(
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  options: BlockOptions = {},
): AsyncGenerator<AudioBlock, void, undefined> {
  checkOptions("decodeBlocks", options, BLOCK_KEYS);
  const place = options.file === undefined ? "" : `${options.file}: `;
  const cutter = new BlockCutter(options, place);
  let decoder: BlockDecoder | undefined;
  let head: Uint8Array[] = [];
  let held = 0;
  let whole = false;
  try {
    for await (const chunk of chunks) {
      if (decoder) {
        yield* cutter.take(await decoder.push(chunk), decoder);
        if (cutter.done) return;
        continue;
      }
      head.push(chunk);
      held += chunk.length;
      if (whole || held < HEAD) continue;
      const start = joined(head);
      decoder = decoderFor(start);
      whole = decoder === undefined;
      if (decoder) {
        head = [];
        yield* cutter.take(await decoder.push(start), decoder);
        if (cutter.done) return;
      }
    }
    decoder ??= await wholeFile(head, options);
    yield* cutter.take(await decoder.finish(), decoder);
    yield* cutter.finish(decoder);
  } catch (error) {
    if (error instanceof AudioError) throw error;
    const why = error instanceof Error ? error.message : String(error);
    throw new AudioError(`decodeBlocks: ${place}damaged or unreadable file: ${why}`, {
      reason: "format",
      file: options.file,
      cause: error,
    });
  }
}

function decoderFor(start: Uint8Array): BlockDecoder | undefined {
  const format = audioFormat(start);
  if (format === "flac") return new FlacBlocks();
  if (format === "wav") return new WavBlocks();
  return format === "ogg" ? OggBlocks.for(start) : undefined;
}

/** FLAC as it comes. */
class FlacBlocks implements BlockDecoder {
  readonly #stream = new FlacStream();
  get sampleRate(): number {
    return this.#stream.info?.sampleRate ?? 0;
  }
  get warnings(): readonly string[] {
    return this.#stream.warnings;
  }
  push(chunk: Uint8Array): DecodedBlock[] {
    return this.#stream.push(chunk);
  }
  finish(): DecodedBlock[] {
    return this.#stream.finish();
  }
}

/** Formats that are decoded at once when all bytes are there. */
async function wholeFile(parts: Uint8Array[], options: BlockOptions): Promise<BlockDecoder> {
  const { file, nonFinite } = options;
  const bytes = parts.length === 0 ? new Uint8Array(0) : joined(parts);
  const audio = await decodeAudio(bytes, { file, ...(nonFinite && { nonFinite }) });
  return { ...audio, push: () => [], finish: () => [audio] };
}

/** Cuts what a decoder gives into blocks, with offset, duration, mixing and another rate. */
class BlockCutter {
  done = false;
  readonly #options: BlockOptions;
  readonly #place: string;
  readonly #blockSeconds: number;
  #rate = 0;
  #resamplers: Resampler[] = [];
  #skip = 0;
  #left = Number.POSITIVE_INFINITY;
  #blockFrames = 0;
  #held: DecodedBlock[] = [];
  #heldFrames = 0;
  /** Samples given so far, at the new rate. */
  #given = 0;
  #seen = 0;

  constructor(options: BlockOptions, place: string) {
    this.#options = options;
    this.#place = place;
    this.#blockSeconds = requirePositive("decodeBlocks", "blockSeconds", options.blockSeconds ?? 10);
    const { offset = 0, duration } = options;
    if (!(offset >= 0)) throw parameterError("decodeBlocks", `offset must be >= 0 s, got ${offset}`);
    if (duration !== undefined) requirePositive("decodeBlocks", "duration", duration);
    if (options.sampleRate !== undefined) requireInteger("decodeBlocks", "sampleRate", options.sampleRate, 1);
    requireBoolean("decodeBlocks", "mono", options.mono ?? false);
  }

  *take(blocks: readonly DecodedBlock[], decoder: BlockDecoder): Generator<AudioBlock, void, undefined> {
    for (const block of blocks) {
      if (this.done) return;
      if (this.#rate === 0) this.#begin(decoder.sampleRate);
      const from = Math.min(this.#skip, block.frames);
      this.#skip -= from;
      const to = from + Math.min(block.frames - from, this.#left);
      this.#left -= to - from;
      this.#seen += block.frames;
      if (to > from) this.#hold(block.channels.map((channel) => channel.subarray(from, to)));
      yield* this.#emit(this.#blockFrames);
      if (this.#left <= 0) {
        yield* this.finish(decoder);
        this.done = true;
      }
    }
  }

  /** The rest, however short, and the warnings. */
  *finish(decoder: BlockDecoder): Generator<AudioBlock, void, undefined> {
    if (this.#seen === 0) throw new Error("no samples were found in it");
    const rest = this.#resamplers.map((resampler) => resampler.flush());
    if (rest.length > 0) this.#store(rest);
    yield* this.#emit(this.#blockFrames);
    if (this.#heldFrames > 0 || decoder.warnings.length > 0 || this.#given === 0)
      yield this.#cut(this.#heldFrames, decoder.warnings);
  }

  #begin(rate: number): void {
    const { sampleRate = rate, offset = 0, duration, method = "high" } = this.#options;
    this.#rate = sampleRate;
    this.#skip = Math.round(offset * rate);
    if (duration !== undefined) this.#left = Math.round(duration * rate);
    this.#blockFrames = Math.max(1, Math.round(this.#blockSeconds * sampleRate));
    if (sampleRate !== rate) this.#resamplers = [new Resampler(rate, sampleRate, { method })];
  }

  #hold(channels: Float32Array[]): void {
    if (this.#options.nonFinite === "refuse") {
      const bad = describeNonFinite(channels);
      if (bad)
        throw new AudioError(
          `decodeBlocks: ${this.#place}${bad} (counted from ${(this.#given / this.#rate).toFixed(2)} s)`,
          { reason: "nonfinite", file: this.#options.file },
        );
    }
    const mixed = this.#options.mono ? [toMono(channels)] : channels;
    const [first] = this.#resamplers;
    if (!first) {
      this.#store(mixed.map((channel) => channel.slice()));
      return;
    }
    while (this.#resamplers.length < mixed.length) {
      const { method = "high" } = this.#options;
      this.#resamplers.push(new Resampler(first.fromRate, first.toRate, { method }));
    }
    this.#store(mixed.map((channel, c) => this.#resamplers[c]!.push(channel)));
  }

  #store(channels: Float32Array[]): void {
    const frames = channels[0]?.length ?? 0;
    if (frames === 0) return;
    this.#held.push({ channels, frames });
    this.#heldFrames += frames;
  }

  *#emit(frames: number): Generator<AudioBlock, void, undefined> {
    while (frames > 0 && this.#heldFrames >= frames) yield this.#cut(frames, []);
  }

  #cut(frames: number, warnings: readonly string[]): AudioBlock {
    const count = this.#held[0]?.channels.length ?? 1;
    const channels = Array.from({ length: count }, () => new Float32Array(frames));
    for (let at = 0; at < frames; ) {
      const block = this.#held[0]!;
      const taken = Math.min(block.frames, frames - at);
      for (const [c, channel] of channels.entries()) channel.set(block.channels[c]!.subarray(0, taken), at);
      at += taken;
      if (taken === block.frames) this.#held.shift();
      else
        this.#held[0] = {
          channels: block.channels.map((channel) => channel.subarray(taken)),
          frames: block.frames - taken,
        };
    }
    const start = (this.#options.offset ?? 0) + this.#given / this.#rate;
    this.#heldFrames -= frames;
    this.#given += frames;
    return { sampleRate: this.#rate, channels, frames, warnings, start };
  }
}
