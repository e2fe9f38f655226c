// echo-asr transcribe
import { mkdir, readFile } from "node:fs/promises";
import { basename, extname, join } from "node:path";
import { writeFileAtomic } from "@echo-ts/tensor/files";
import type { CAC } from "cac";
import { ConfigError, DataError } from "../errors.ts";
import { decodeRecording } from "../features.ts";
import { groupCues, toSrt, toTranscriptJson, toVtt } from "../report/subtitles.ts";
import { restoreModel } from "../training/checkpoint.ts";
import { loadCheckpoint, SHIPPED_CHECKPOINT } from "../training/checkpoint-files.ts";
import { type Transcript, transcribe } from "../transcribe.ts";
import { type EngineOptions, startEngine, withEngineOptions } from "./engine.ts";
import { overridden, overridesOf, type SettingOptions } from "./settings.ts";

interface TranscribeOptions extends SettingOptions, EngineOptions {
  readonly checkpoint?: string;
  readonly format?: string;
  readonly outDir?: string;
  readonly json?: boolean;
}

const FORMATS = ["text", "json", "srt", "vtt"];

/** Adds the command. */
export function addTranscribe(cli: CAC): void {
  const command = cli
    .command("transcribe [...files]", "Write down what is said in recordings")
    .usage(
      "transcribe FILE... [--checkpoint FILE] [--format text|json|srt|vtt]\n\n" +
        "Reads WAV, FLAC, MP3, Ogg and M4A at any sample rate. Without --checkpoint the one that comes with the\n" +
        "package is used: it knows 98 English words (letters, numbers, months, control words) and nothing else.",
    )
    .option("--checkpoint <file>", "model to use")
    .option("--format <name>", "text (default), json (with word times), srt or vtt")
    .option("--out-dir <dir>", "write FILE.txt, .json, .srt or .vtt there instead of standard output")
    .option("--set <key=value>", "change a setting, such as decode.method=joint; may be repeated")
    .option("--json", "the same as --format json")
    .example("  echo-asr transcribe speech.wav --format srt > speech.srt")
    .example("  echo-asr transcribe *.wav --set decode.method=ctcBeam");
  withEngineOptions(command).action(async (files: string[], options: TranscribeOptions) => {
    const format = options.json ? "json" : (options.format ?? "text");
    if (!FORMATS.includes(format))
      throw new ConfigError([`--format: expected one of ${FORMATS.join(", ")}, got ${format}`]);
    if (files.length === 0) throw new ConfigError(["transcribe: expected at least one FILE, got none"]);
    startEngine(options);
    const checkpoint = await loadCheckpoint(options.checkpoint ?? SHIPPED_CHECKPOINT);
    const config = overridden(checkpoint.config, overridesOf(options));
    const { tokenizer } = checkpoint;
    const recognizer = { echo: restoreModel({ ...checkpoint, config }), tokenizer, config };
    if (options.outDir !== undefined) await mkdir(options.outDir, { recursive: true });
    for (const file of files) {
      const bytes = await readRecording(file);
      const wave = await decodeRecording(bytes, file, config.audio.sampleRate);
      const text = render(transcribe(recognizer, wave), format);
      if (options.outDir === undefined) {
        if (files.length > 1 && format === "text") process.stdout.write(`${file}: `);
        process.stdout.write(text);
        continue;
      }
      const ending = format === "text" ? "txt" : format;
      const name = `${basename(file, extname(file))}.${ending}`;
      await writeFileAtomic(join(options.outDir, name), new TextEncoder().encode(text));
    }
  });
}

function render({ text, words }: Transcript, format: string): string {
  if (format === "text") return `${text}\n`;
  const cues = groupCues(words);
  return format === "json" ? toTranscriptJson(cues) : format === "srt" ? toSrt(cues) : toVtt(cues);
}

/** Bytes of a recording; throws DataError naming the file. */
export async function readRecording(file: string): Promise<Uint8Array> {
  try {
    return await readFile(file);
  } catch (error) {
    throw new DataError(error instanceof Error ? error.message : String(error), { cause: error });
  }
}
