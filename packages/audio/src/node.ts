// The Node entry, `@echo-ts/audio/node`: the same functions on files. The main entry imports nothing of Node.
import { open, readFile, writeFile } from "node:fs/promises";
import { type AudioBlock, type BlockOptions, decodeBlocks } from "./blocks.ts";
import { DECODE_KEYS, type DecodeOptions, decodeAudio } from "./decode.ts";
import { AudioError } from "./errors.ts";
import { MOST_SAMPLES, SampleCollector } from "./files/collector.ts";
import { checkOptions, type OptionKeys } from "./options.ts";
import type { AudioData } from "./samples.ts";
import type { Signal } from "./signal.ts";
import { encodeWav, type WavWriteOptions } from "./wav-write.ts";

/** Options of `readAudio`. */
export interface ReadOptions extends Omit<DecodeOptions, "file"> {
  /** Seconds at the start that are passed over, >= 0. Default 0. */
  readonly offset?: number;
  /** Seconds to read at most, > 0. Default: to the end. */
  readonly duration?: number;
}

/**
 * Reads and decodes an audio file: WAV, FLAC, MP3, Ogg (Vorbis, Opus, FLAC), WebM (Opus), M4A, AIFF, CAF.
 *
 * With `offset` or `duration`, WAV, FLAC and Ogg (FLAC, Opus) are decoded as far as needed and only the part asked for is
 * kept, so files of any size can be read in parts.
 *
 * @param path file to read
 * @throws AudioError: `io` when it cannot be read, otherwise as `decodeAudio`; the message names the file
 *
 * @example
 * const { channels, sampleRate } = await readAudio("speech.wav", { mono: true, sampleRate: 16000 });
 * const minute = await readAudio("meeting.flac", { offset: 1800, duration: 60 });
 */
export async function readAudio(path: string, options: ReadOptions = {}): Promise<AudioData> {
  checkOptions("readAudio", options, READ_KEYS);
  const { offset, duration, ...rest } = options;
  if (offset !== undefined || duration !== undefined) return readPart(path, options);
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch (error) {
    throw ioError("readAudio", path, error);
  }
  return decodeAudio(bytes, { ...rest, file: path });
}

const READ_KEYS: OptionKeys<ReadOptions> = { ...DECODE_KEYS, offset: true, duration: true };

async function readPart(path: string, options: ReadOptions): Promise<AudioData> {
  const { maximumSamples = MOST_SAMPLES, ...rest } = options;
  const samples = new SampleCollector(`${path}: `, path, maximumSamples);
  let last: AudioBlock | undefined;
  for await (const block of readAudioBlocks(path, rest)) {
    samples.add(block.channels, block.frames);
    last = block;
  }
  return {
    sampleRate: last?.sampleRate ?? 0,
    channels: samples.finish(),
    frames: samples.frames,
    warnings: last?.warnings ?? [],
  };
}

/**
 * Reads an audio file in blocks: memory stays flat however long it is. See `decodeBlocks` for formats and options.
 *
 * @param path file to read, of any size
 * @returns blocks in order, each of `blockSeconds` (default 10), the last one shorter and with the file's warnings
 * @throws AudioError: `io` when it cannot be read, otherwise as `decodeAudio`
 *
 * @example
 * for await (const { channels, start } of readAudioBlocks("day.wav", { mono: true, sampleRate: 16000 })) {
 *   console.log(start, channels[0].length); // 0 160000, 10 160000, ...
 * }
 */
export async function* readAudioBlocks(
  path: string,
  options: Omit<BlockOptions, "file"> = {},
): AsyncGenerator<AudioBlock, void, undefined> {
  yield* decodeBlocks(piecesOf(path), { ...options, file: path });
}

/** Bytes read at once. */
const PIECE = 1 << 20;

async function* piecesOf(path: string): AsyncGenerator<Uint8Array, void, undefined> {
  const failed = (error: unknown) => ioError("readAudioBlocks", path, error);
  const file = await open(path).catch((error: unknown) => {
    throw failed(error);
  });
  try {
    for (;;) {
      const { bytesRead, buffer } = await file
        .read(new Uint8Array(PIECE), 0, PIECE)
        .catch((error: unknown) => {
          throw failed(error);
        });
      if (bytesRead === 0) return;
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await file.close();
  }
}

/**
 * Writes a WAV file; see `encodeWav` for the codings.
 *
 * @throws AudioError: `io` when it cannot be written, otherwise as `encodeWav`
 */
export async function writeWav(path: string, signal: Signal, options: WavWriteOptions): Promise<void> {
  const bytes = encodeWav(signal, options);
  try {
    await writeFile(path, bytes);
  } catch (error) {
    throw ioError("writeWav", path, error);
  }
}

function ioError(operation: string, path: string, cause: unknown): AudioError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new AudioError(`${operation}: ${path}: ${why}`, { reason: "io", file: path, cause });
}
