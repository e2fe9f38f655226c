// The recordings that are named on the command line: read, and decoded within limits. Read next: decode-limits.ts.
import { readFile } from "node:fs/promises";
import { buffer } from "node:stream/consumers";
import { DataError } from "../errors.ts";
import { limitedDecoder } from "../speech/decode-process.ts";
import { printable } from "../text/printable.ts";
import { STANDARD_INPUT } from "./arguments.ts";
import { type DecodeOptions, decodeLimits } from "./decode-limits.ts";
import { fileProblem } from "./settings.ts";

/** Bytes of a recording, from standard input if its name is "-"; throws DataError naming the file. */
export async function readRecording(file: string): Promise<Uint8Array> {
  if (file === STANDARD_INPUT) {
    if (process.stdin.isTTY)
      throw new DataError(
        "-: standard input is a terminal, expected a recording, as in: cat a.wav | echo-asr ...",
      );
    return buffer(process.stdin);
  }
  try {
    return await readFile(file);
  } catch (error) {
    throw new DataError(`${file}: ${fileProblem(error)}`, { cause: error });
  }
}

/** Samples of a recording in [-1, 1], decoded within the limits of the options; says what is damaged. */
export async function decodeFile(
  file: string,
  sampleRate: number,
  options: DecodeOptions,
): Promise<Float32Array> {
  const decoder = limitedDecoder(decodeLimits(options));
  return decoder(await readRecording(file), file, sampleRate, warnOf(file));
}

/** For decoders: says on standard error what is damaged; the rest of the recording is used. */
export function warnOf(file: string): (warning: string) => void {
  return (warning) => process.stderr.write(`warning: ${printable(`${file}: ${warning}`)}\n`);
}
