// The Node entry, `@echo-ts/audio/node`: the same functions on files. The main entry imports nothing of Node.
import { readFile, writeFile } from "node:fs/promises";
import { type DecodeOptions, decodeAudio } from "./decode.ts";
import { AudioError } from "./errors.ts";
import type { AudioData } from "./samples.ts";
import type { Signal } from "./signal.ts";
import { encodeWav, type WavWriteOptions } from "./wav-write.ts";

/**
 * Reads and decodes an audio file: WAV, FLAC, MP3, Ogg (Vorbis, Opus), M4A.
 *
 * @param path file to read
 * @throws AudioError: `io` when it cannot be read, otherwise as `decodeAudio`; the message names the file
 *
 * @example
 * const { channels, sampleRate } = await readAudio("speech.wav", { mono: true, sampleRate: 16000 });
 */
export async function readAudio(path: string, options: Omit<DecodeOptions, "file"> = {}): Promise<AudioData> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch (error) {
    throw ioError("readAudio", path, error);
  }
  return decodeAudio(bytes, { ...options, file: path });
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
