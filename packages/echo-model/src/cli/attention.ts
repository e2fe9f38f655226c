// echo-asr attention: what a model sees in one recording, as figures and a report.
import { basename } from "node:path";
import type { CAC } from "cac";
import { DataError } from "../errors.ts";
import { restoreModel } from "../train/checkpoint.ts";
import { loadCheckpoint } from "../train/checkpoint-files.ts";
import { checkpointPath } from "./checkpoint-path.ts";
import { type DecodeOptions, withDecodeOptions } from "./decode-limits.ts";
import { startEngine } from "./engine.ts";
import { FORCE_HELP, prepareReportFolder } from "./output-files.ts";
import { showWritten } from "./patterns.ts";
import { decodeFile } from "./recording-file.ts";

interface AttentionOptions extends DecodeOptions {
  readonly checkpoint?: string;
  readonly out?: string;
  readonly force?: boolean;
}

/** Adds `attention`. */
export function addAttention(cli: CAC, required: (value: string | undefined, name: string) => string): void {
  withDecodeOptions(cli.command("attention <file>", "Show what a model sees in a recording"))
    .usage(
      "attention FILE --out DIR [--checkpoint FILE]\n\n" +
        "Writes DIR/report.html and DIR/figures: waveform, log-mel with pitch and the recognised words, attention of every\n" +
        "layer and head, what silent frames receive, gate openings, rotation along the pitch and the pitch bias.\n" +
        "The recording may have 20 seconds. Without --checkpoint the one that comes with the package is used.",
    )
    .option("--checkpoint <file>", "model to use")
    .option(
      "--out <dir>",
      "folder for report.html and figures/, created when missing; an earlier report there is replaced",
    )
    .option("--force", FORCE_HELP)
    .example("  echo-asr attention speech.wav --out out/attention")
    .action(async (file: string, options: AttentionOptions) => {
      const out = required(options.out, "--out");
      await prepareReportFolder(out, options.force === true);
      await startEngine({ threads: "1" });
      const path = checkpointPath(options.checkpoint);
      const checkpoint = await loadCheckpoint(path);
      const { config, tokenizer } = checkpoint;
      const wave = await decodeFile(file, config.audio.sampleRate, options);
      const { MOST_SECONDS, recordingSections, writeReport } = await import("../figures/index.ts");
      const seconds = wave.length / config.audio.sampleRate;
      if (seconds > MOST_SECONDS)
        throw new DataError(
          `${file}: expected at most ${MOST_SECONDS} s, got ${seconds.toFixed(1)} s; cut it`,
        );
      const recognizer = { echo: restoreModel(checkpoint), tokenizer, config };
      const name = basename(file);
      const sections = await recordingSections(recognizer, wave, name);
      const text = `Made by echo-asr attention, model ${basename(path)}.`;
      showWritten(await writeReport(out, { title: `What the model sees in ${name}`, text, sections }));
    });
}
