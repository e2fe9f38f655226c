// Options of every command that decodes recordings: how long one may take, and how much memory.
import type { Command } from "cac";
import { DECODE_LIMITS, type DecodeLimits } from "../speech/decode-process.ts";
import { numberOption } from "./settings.ts";

/** Values of the options. */
export interface DecodeOptions {
  readonly decodeSeconds?: string;
  readonly decodeMegabytes?: string;
}

/** Adds --decode-seconds and --decode-megabytes to a command. */
export function withDecodeOptions(command: Command): Command {
  const { seconds, megabytes } = DECODE_LIMITS;
  return command
    .option(
      "--decode-seconds <n>",
      `longest decoding of one compressed recording, beside 10 s for each MB of it (default ${seconds})`,
    )
    .option(
      "--decode-megabytes <n>",
      `most memory for decoding one recording (default ${megabytes}); its samples may take half of it`,
    );
}

/** The limits that the options state. Throws ConfigError for values that make no sense. */
export function decodeLimits({ decodeSeconds, decodeMegabytes }: DecodeOptions): DecodeLimits {
  return {
    ...(decodeSeconds !== undefined && {
      seconds: numberOption("--decode-seconds", decodeSeconds, "seconds above 0", (n) => n > 0),
    }),
    ...(decodeMegabytes !== undefined && {
      megabytes: numberOption(
        "--decode-megabytes",
        decodeMegabytes,
        "a whole number of megabytes above 0",
        (n) => Number.isInteger(n) && n > 0,
      ),
    }),
  };
}
