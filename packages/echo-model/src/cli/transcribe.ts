// echo-asr transcribe
import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { basename, extname, join } from "node:path";
import { writeFileAtomic } from "@echo-ts/tensor/files";
import type { CAC } from "cac";
import { ConfigError } from "../errors.ts";
import type { EchoConfig } from "../settings/settings.ts";
import { limitedDecoder } from "../speech/decode-process.ts";
import type { Recognizer } from "../speech/recognize-stretch.ts";
import type { RecordingDecoder } from "../speech/recording.ts";
import { groupCues, holdCues, toSrt, toTranscriptJson, toVtt } from "../speech/subtitles.ts";
import { type Transcript, transcribe } from "../speech/transcribe.ts";
import { printable } from "../text/printable.ts";
import { recognizerOf } from "../train/checkpoint.ts";
import { loadCheckpoint } from "../train/checkpoint-files.ts";
import { STANDARD_INPUT } from "./arguments.ts";
import { checkpointPath } from "./checkpoint-path.ts";
import { type DecodeOptions, decodeLimits, withDecodeOptions } from "./decode-limits.ts";
import { type EngineOptions, startEngine, withEngineOptions } from "./engine.ts";
import { helped, type LanguageOptions, withLanguageOptions } from "./language.ts";
import { readRecording, warnOf } from "./recording-file.ts";
import { numberOption, overridden, overridesOf, type SettingOptions } from "./settings.ts";

interface TranscribeOptions extends SettingOptions, EngineOptions, DecodeOptions, LanguageOptions {
  readonly nBest?: string;
  readonly checkpoint?: string;
  readonly format?: string;
  readonly outDir?: string;
  readonly force?: boolean;
  readonly json?: boolean;
}

const FORMATS = ["text", "json", "srt", "vtt"];

/** Adds the command. */
export function addTranscribe(cli: CAC): void {
  const command = cli
    .command("transcribe [...files]", "Write down what is said in recordings")
    .usage(
      "transcribe FILE... [--checkpoint FILE] [--format text|json|srt|vtt]\n\n" +
        "Reads WAV, FLAC, MP3, Ogg (Vorbis, Opus) and M4A at any sample rate. Without --checkpoint the one that comes\n" +
        "with the package is used: it knows 98 English words (letters, numbers, months, control words), nothing else.\n" +
        "FILE may be -, which reads a recording from standard input.\n" +
        "A file that cannot be read is reported, the others are still transcribed, and the exit code is 1.",
    )
    .option("--checkpoint <file>", "model to use")
    .option("--format <name>", "text (default), json (one line a file, word times in seconds), srt or vtt")
    .option("--out-dir <dir>", "write FILE.txt, .json, .srt or .vtt there instead of standard output")
    .option("--force", "overwrite files that exist in the folder of --out-dir")
    .option(
      "--n-best <n>",
      "with json: the n best texts of each stretch (decodes by CTC beam, of decode.beam texts)",
    )
    .option("--set <key=value>", "change a setting, such as decode.method=joint; may be repeated")
    .option("--json", "the same as --format json")
    .example("  echo-asr transcribe speech.wav --format srt > speech.srt")
    .example("  ffmpeg -i film.mkv -f wav - | echo-asr transcribe -")
    .example("  echo-asr transcribe *.wav --hot-words 'rubout,go forward' --n-best 3 --json")
    .example("  echo-asr transcribe talk.mp3 --checkpoint runs/mine/best.safetensors --json");
  withLanguageOptions(withEngineOptions(withDecodeOptions(command))).action(
    async (files: string[], options: TranscribeOptions) => {
      const format = options.json ? "json" : (options.format ?? "text");
      const decoder = limitedDecoder(decodeLimits(options));
      if (!FORMATS.includes(format))
        throw new ConfigError([`--format: expected one of ${FORMATS.join(", ")}, got ${format}`]);
      const nBest =
        options.nBest === undefined
          ? 0
          : numberOption("--n-best", options.nBest, "a whole number from 1 to 1000", (n) => {
              return Number.isInteger(n) && n >= 1 && n <= 1000;
            });
      if (nBest > 0 && format !== "json")
        throw new ConfigError([`--n-best: expected --format json, got ${format}`]);
      if (files.length === 0) throw new ConfigError(["transcribe: expected at least one FILE, got none"]);
      if (files.filter((file) => file === STANDARD_INPUT).length > 1)
        throw new ConfigError(["transcribe: expected - once, standard input is read to its end"]);
      checkOutputs(files, format, options.outDir, options.force === true);
      await startEngine(options);
      const checkpoint = await loadCheckpoint(checkpointPath(options.checkpoint));
      const wanted = overridden(checkpoint.config, overridesOf(options));
      const config = nBest === 0 ? wanted : searching(wanted, nBest);
      const recognizer = await helped(recognizerOf({ ...checkpoint, config }), options);
      if (options.outDir !== undefined) await mkdir(options.outDir, { recursive: true });
      for (const file of files) {
        const text = await transcribeFile(file, decoder, recognizer, format, nBest).catch(
          (error: unknown) => {
            // Of several files the others are still wanted.
            if (files.length === 1 || !(error instanceof Error)) throw error;
            process.stderr.write(`echo-asr: ${printable(error.message, true)}\n`);
            process.exitCode = 1;
            return null;
          },
        );
        if (text === null) continue;
        if (options.outDir === undefined) {
          if (files.length > 1 && format === "text") process.stdout.write(`${printable(file)}: `);
          process.stdout.write(text);
          continue;
        }
        await writeFileAtomic(join(options.outDir, outputName(file, format)), new TextEncoder().encode(text));
      }
    },
  );
}

async function transcribeFile(
  file: string,
  decoder: RecordingDecoder,
  recognizer: Recognizer,
  format: string,
  nBest: number,
): Promise<string> {
  const bytes = await readRecording(file);
  const wave = await decoder(bytes, file, recognizer.config.audio.sampleRate, warnOf(file));
  return render(file, await transcribe(recognizer, wave), format, nBest);
}

function render(file: string, { text, words, stretches }: Transcript, format: string, nBest: number): string {
  if (format === "text") return `${text}\n`;
  const cues = groupCues(words);
  if (format === "json") {
    const found = stretches.map((stretch) => ({ ...stretch, texts: stretch.texts.slice(0, nBest) }));
    const more = nBest === 0 ? {} : { stretches: found };
    return `${JSON.stringify({ file, ...JSON.parse(toTranscriptJson(cues)), ...more })}\n`;
  }
  return format === "srt" ? toSrt(holdCues(cues)) : toVtt(holdCues(cues));
}

/** The configuration with a search that keeps at least `texts` texts. */
function searching(config: EchoConfig, texts: number): EchoConfig {
  const { method, beam } = config.decode;
  if (method === "greedy")
    throw new ConfigError(["--n-best: decode.method greedy finds one text; set decode.method=beam"]);
  const search = method === "ctcGreedy" ? "ctcBeam" : method;
  return { ...config, decode: { ...config.decode, method: search, beam: Math.max(beam, texts) } };
}

function outputName(file: string, format: string): string {
  const name = file === STANDARD_INPUT ? "stdin" : basename(file, extname(file));
  return `${name}.${format === "text" ? "txt" : format}`;
}

/** Throws ConfigError when the texts of several files would run into each other, or replace files that exist. */
function checkOutputs(
  files: readonly string[],
  format: string,
  outDir: string | undefined,
  force: boolean,
): void {
  if (outDir === undefined) {
    if (files.length > 1 && (format === "srt" || format === "vtt"))
      throw new ConfigError([
        `--format ${format}: ${files.length} files need --out-dir, a file of subtitles each`,
      ]);
    return;
  }
  const first = new Map<string, string>();
  for (const file of files) {
    const name = outputName(file, format);
    const other = first.get(name);
    if (other !== undefined)
      throw new ConfigError([`--out-dir: ${other} and ${file} would both be written to ${name}`]);
    first.set(name, file);
  }
  const existing = [...first.keys()].map((name) => join(outDir, name)).filter((path) => existsSync(path));
  if (existing.length === 0 || force) return;
  const more = existing.length > 1 ? ` and ${existing.length - 1} more` : "";
  throw new ConfigError([`--out-dir: ${existing[0]}${more} exists; --force overwrites`]);
}
