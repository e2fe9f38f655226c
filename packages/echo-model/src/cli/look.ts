// echo-asr features, pitch, inspect, settings: commands that show something.
import { saveNpy } from "@echo-ts/tensor/files";
import type { CAC } from "cac";
import { ConfigError } from "../errors.ts";
import { medianPitch } from "../evaluate/evaluate-model.ts";
import { configHelp } from "../settings/help.ts";
import { changedSettings, inputOf } from "../settings/resolve.ts";
import { extractFeatures, trackRecording } from "../speech/features.ts";
import { pitchPlot, shadePlot } from "../study/terminal-plot.ts";
import { printable } from "../text/printable.ts";
import { restoreModel } from "../train/checkpoint.ts";
import { loadCheckpoint } from "../train/checkpoint-files.ts";
import { toCsv } from "../train/event-log.ts";
import { checkpointPath } from "./checkpoint-path.ts";
import { type DecodeOptions, withDecodeOptions } from "./decode-limits.ts";
import { startEngine } from "./engine.ts";
import { checkOutputFile, FORCE_HELP } from "./output-files.ts";
import { decodeFile } from "./recording-file.ts";
import { type SettingOptions, settingsFrom } from "./settings.ts";

/** Tokens that inspect prints. */
const MOST_TOKENS = 1000;

interface LookOptions extends SettingOptions, DecodeOptions {
  readonly out?: string;
  readonly force?: boolean;
  readonly format?: string;
  readonly json?: boolean;
}

const settingOptions = (command: ReturnType<CAC["command"]>): ReturnType<CAC["command"]> =>
  withDecodeOptions(command)
    .option("--config <file>", "JSON file with settings; the audio group counts")
    .option("--preset <name>", "an4, digits, words or seed instead of a file")
    .option("--set <key=value>", "change a setting, such as audio.melBins=80; may be repeated");

/** Adds `features`. */
export function addFeatures(cli: CAC): void {
  settingOptions(cli.command("features <file>", "Show the log-mel spectrogram that the model reads"))
    .usage(
      "features FILE [--out FILE.npy [--force]]\n\nPrints length, range, silent frames and a picture (time across, frequency up, louder is darker).",
    )
    .option("--out <file>", "write the array as .npy: float32 [mel bands, frames]")
    .option("--force", FORCE_HELP)
    .option("--json", "shape and statistics as JSON, no picture")
    .example("  echo-asr features speech.wav")
    .example("  echo-asr features speech.wav --set audio.normalize=scaled --out speech.npy")
    .action(async (file: string, options: LookOptions) => {
      const audio = inputOf(settingsFrom(options));
      if (options.out !== undefined) await checkOutputFile("--out", options.out, options.force === true);
      const wave = await decodeFile(file, audio.sampleRate, options);
      const { mel, f0, silent, frames } = extractFeatures(wave, audio);
      if (options.out !== undefined)
        await saveNpy(options.out, { dtype: "float32", shape: [audio.melBins, frames], data: mel });
      const facts = {
        file,
        seconds: wave.length / audio.sampleRate,
        shape: [audio.melBins, frames],
        minimum: mel.reduce((a, b) => Math.min(a, b)),
        maximum: mel.reduce((a, b) => Math.max(a, b)),
        silentFrames: silent.reduce((a, b) => a + b, 0),
        medianPitchHz: medianPitch(f0) ?? null,
      };
      if (options.json) return console.log(JSON.stringify(facts));
      console.log(
        `${printable(file)}: ${facts.seconds.toFixed(2)} s, ${audio.melBins} mel bands x ${frames} frames`,
      );
      console.log(
        `values ${facts.minimum.toFixed(2)} to ${facts.maximum.toFixed(2)}, ${facts.silentFrames} silent frames`,
      );
      console.log(shadePlot(mel, audio.melBins, frames));
    });
}

/** Adds `pitch`. */
export function addPitch(cli: CAC): void {
  settingOptions(cli.command("pitch <file>", "Track the pitch of a recording"))
    .usage(
      "pitch FILE [--format plot|table|csv|json]\n\n" +
        "f0 in Hz every audio.hopLength samples (10 ms by default), 0 where unvoiced; periodicity from 0 to 1.",
    )
    .option("--format <name>", "plot (default), table, csv or json")
    .option("--json", "the same as --format json")
    .example("  echo-asr pitch speech.wav")
    .example("  echo-asr pitch speech.wav --set audio.pitch.method=pyin --format csv > speech.csv")
    .action(async (file: string, options: LookOptions) => {
      const format = options.json ? "json" : (options.format ?? "plot");
      if (!["plot", "table", "csv", "json"].includes(format))
        throw new ConfigError([`--format: expected plot, table, csv or json, got ${format}`]);
      const { audio } = settingsFrom(options);
      const wave = await decodeFile(file, audio.sampleRate, options);
      const { f0, periodicity } = trackRecording(wave, audio);
      const rows = Array.from(f0, (hz, t) => ({
        seconds: Math.round(((t * audio.hopLength) / audio.sampleRate) * 1e4) / 1e4,
        hz: Math.round(hz * 100) / 100,
        periodicity: Math.round(periodicity[t]! * 1e3) / 1e3,
      }));
      const voiced = rows.filter(({ hz }) => hz > 0).length;
      const median = medianPitch(f0);
      if (format === "csv") return void process.stdout.write(toCsv(rows));
      if (format === "json")
        return console.log(
          JSON.stringify({ file, voiced, frames: rows.length, medianHz: median ?? null, rows }),
        );
      if (format === "table")
        for (const { seconds, hz, periodicity: share } of rows)
          console.log(
            `${seconds.toFixed(3).padStart(9)} s ${hz.toFixed(1).padStart(8)} Hz ${share.toFixed(2)}`,
          );
      else console.log(pitchPlot(f0));
      const middle = median === undefined ? "" : `, median ${median.toFixed(1)} Hz`;
      console.log(`${voiced} of ${rows.length} frames voiced${middle}`);
    });
}

/** Adds `inspect`. */
export function addInspect(cli: CAC): void {
  cli
    .command("inspect <checkpoint>", "Show what a checkpoint holds")
    .usage(
      "inspect CHECKPOINT\n\n" +
        "Size, training state, figures, the settings that are not the defaults, the vocabulary (id and token) and the table\n" +
        "of modules. A vocabulary of thousands is cut short; --json has every token.",
    )
    .option("--json", "settings, figures, sizes and tokens as JSON")
    .example("  echo-asr inspect runs/an4/best.safetensors")
    .action(async (path: string, options: { readonly json?: boolean }) => {
      await startEngine({ threads: "1" });
      const checkpoint = await loadCheckpoint(checkpointPath(path));
      const { config, tokenizer, metrics, training } = checkpoint;
      const echo = restoreModel(checkpoint);
      const changed = Object.fromEntries(changedSettings(config));
      const step = training?.trainer.step ?? null;
      const facts = {
        path,
        parameters: echo.parameterCount(),
        vocabulary: tokenizer.vocabSize,
        step,
        metrics,
      };
      const tokens = Array.from({ length: tokenizer.vocabSize }, (_, id) => tokenizer.tokenOf(id));
      if (options.json) return console.log(JSON.stringify({ ...facts, tokens, config, changed }));
      console.log(
        `${printable(path)}: ${facts.parameters} parameters, ${tokenizer.kind} tokenizer of ${facts.vocabulary} ids`,
      );
      console.log(
        training === null ? "for use only (no training state)" : `can be resumed from step ${step}`,
      );
      console.log(`figures: ${printable(JSON.stringify(metrics))}`);
      console.log("settings that are not the defaults:");
      for (const [key, value] of Object.entries(changed))
        console.log(`  ${key} = ${printable(JSON.stringify(value))}`);
      console.log(printable(vocabularyText(tokens), true));
      console.log(echo.summary());
    });
}

/** Ids and tokens, as many a line as fit into 100 characters; what would not show on paper is quoted. */
function vocabularyText(tokens: readonly string[]): string {
  const lines = ["vocabulary:"];
  let line = "";
  for (const [id, token] of tokens.slice(0, MOST_TOKENS).entries()) {
    const entry = `${id} ${/^[^\s"\p{C}]+$/u.test(token) ? token : JSON.stringify(token)}`;
    if (line !== "" && line.length + entry.length > 96) {
      lines.push(`  ${line}`);
      line = "";
    }
    line += line === "" ? entry : `  ${entry}`;
  }
  lines.push(`  ${line}`);
  if (tokens.length > MOST_TOKENS) lines.push(`  ... and ${tokens.length - MOST_TOKENS} more`);
  return lines.join("\n");
}

/** Adds `settings`. */
export function addSettings(cli: CAC): void {
  cli
    .command("settings [group]", "List every setting with its default and meaning")
    .usage("settings [GROUP]\n\nGROUP is a prefix such as model, model.rotary or training.")
    .example("  echo-asr settings augment")
    .action((group: string | undefined) => {
      const text = configHelp(group ?? "");
      if (text === "") throw new ConfigError([`settings: no setting begins with ${JSON.stringify(group)}`]);
      console.log(text);
    });
}
