// echo-asr listen
import { Resampler } from "@echo-ts/audio";
import type { CAC } from "cac";
import { ConfigError } from "../errors.ts";
import type { TimedWord } from "../speech/decode/word-times.ts";
import { TranscribeStream } from "../speech/transcribe-stream.ts";
import { recognizerOf } from "../train/checkpoint.ts";
import { loadCheckpoint } from "../train/checkpoint-files.ts";
import { checkpointPath } from "./checkpoint-path.ts";
import { type EngineOptions, startEngine, withEngineOptions } from "./engine.ts";
import { helped, type LanguageOptions, withLanguageOptions } from "./language.ts";
import { numberOption, overridden, overridesOf, type SettingOptions } from "./settings.ts";

interface ListenOptions extends SettingOptions, EngineOptions, LanguageOptions {
  readonly checkpoint?: string;
  readonly rate?: string;
  readonly json?: boolean;
}

/** Adds the command. */
export function addListen(cli: CAC): void {
  const command = cli
    .command("listen", "Write down what comes in on standard input, while it comes in")
    .usage(
      "listen [--rate HZ] [--checkpoint FILE] < SAMPLES\n\n" +
        "Reads raw 16-bit little-endian mono samples, as arecord, sox and ffmpeg write them, and prints each stretch of\n" +
        "speech as a line when the speaker pauses, or has spoken for as long as the longest utterance of the training.",
    )
    .option("--rate <hz>", "sample rate of the input (default 16000)")
    .option("--checkpoint <file>", "model to use (default: the one that comes with the package)")
    .option("--set <key=value>", "change a setting, such as decode.method=joint; may be repeated")
    .option("--json", "one JSON object a line: a word with its times in seconds and its confidence")
    .example("  echo-asr listen --rate 8000 < samples.raw")
    .example("  arecord -q -f S16_LE -r 16000 -c 1 -t raw | echo-asr listen")
    .example("  ffmpeg -v error -i talk.mp3 -f s16le -ac 1 -ar 16000 - | echo-asr listen --json");
  withLanguageOptions(withEngineOptions(command)).action(async (options: ListenOptions) => {
    const rate = numberOption(
      "--rate",
      options.rate ?? "16000",
      "a sample rate of 1000 to 384000 Hz",
      (hz) => {
        return hz >= 1000 && hz <= 384000;
      },
    );
    if (process.stdin.isTTY)
      throw new ConfigError([
        "listen: expected samples on standard input, got a terminal; for example arecord -q -f S16_LE -r 16000 -t raw | echo-asr listen",
      ]);
    await startEngine(options);
    const checkpoint = await loadCheckpoint(checkpointPath(options.checkpoint));
    const config = overridden(checkpoint.config, overridesOf(options));
    const stream = new TranscribeStream(await helped(recognizerOf({ ...checkpoint, config }), options));
    const wanted = config.audio.sampleRate;
    const resampler = rate === wanted ? null : new Resampler(rate, wanted);
    for await (const samples of samplesOf(process.stdin)) {
      const heard = resampler === null ? samples : resampler.push(samples);
      print(await stream.push(Float32Array.from(heard)), options.json === true);
    }
    if (resampler !== null)
      print(await stream.push(Float32Array.from(resampler.flush())), options.json === true);
    print(await stream.finish(), options.json === true);
  });
}

/** Samples in [-1, 1) of a stream of 16-bit little-endian bytes; an odd last byte is left out. */
async function* samplesOf(bytes: AsyncIterable<Buffer>): AsyncGenerator<Float32Array> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of bytes) {
    const all = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    const count = all.length >> 1;
    yield Float32Array.from({ length: count }, (_, i) => all.readInt16LE(2 * i) / 32768);
    rest = all.subarray(2 * count);
  }
}

function print(words: readonly TimedWord[], json: boolean): void {
  if (words.length === 0) return;
  const lines = json ? words.map((word) => JSON.stringify(word)) : [words.map(({ word }) => word).join(" ")];
  process.stdout.write(`${lines.join("\n")}\n`);
}
