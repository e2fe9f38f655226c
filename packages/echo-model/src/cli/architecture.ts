// echo-asr architecture: the flow of data of any configuration, as a diagram and a table.
import { basename } from "node:path";
import type { CAC } from "cac";
import { buildEcho } from "../reference/build-echo.ts";
import { restoreModel } from "../train/checkpoint.ts";
import { loadCheckpoint } from "../train/checkpoint-files.ts";
import { checkpointPath } from "./checkpoint-path.ts";
import { startEngine } from "./engine.ts";
import { FORCE_HELP, prepareReportFolder } from "./output-files.ts";
import { showWritten } from "./patterns.ts";
import { numberOption, type SettingOptions, settingsFrom } from "./settings.ts";

interface ArchitectureOptions extends SettingOptions {
  readonly out?: string;
  readonly force?: boolean;
  readonly vocabulary?: string;
}

/** Adds `architecture`. */
export function addArchitecture(
  cli: CAC,
  required: (value: string | undefined, name: string) => string,
): void {
  cli
    .command("architecture [checkpoint]", "Draw the flow of data through a model")
    .usage(
      "architecture [CHECKPOINT | --config FILE | --preset NAME] --out DIR\n\n" +
        "Builds the model, traces one forward pass, and draws shapes, parameter counts and where f0 enters; the table has\n" +
        "every module. Without a checkpoint the weights are fresh and the vocabulary is --vocabulary.",
    )
    .option(
      "--out <dir>",
      "folder for report.html and figures/, created when missing; an earlier report there is replaced",
    )
    .option("--force", FORCE_HELP)
    .option("--vocabulary <n>", "tokens, where the settings do not say (default 100)")
    .option("--config <file>", "JSON file with settings")
    .option("--preset <name>", "an4, digits, words or seed instead of a file")
    .option(
      "--set <key=value>",
      "change a setting, such as model.features=spectrogram,pitch; may be repeated",
    )
    .example("  echo-asr architecture --preset an4 --set model.pitchBias=true --out out/architecture")
    .action(async (path: string | undefined, options: ArchitectureOptions) => {
      const out = required(options.out, "--out");
      const vocabulary =
        options.vocabulary === undefined
          ? 100
          : numberOption(
              "--vocabulary",
              options.vocabulary,
              "a whole number from 4",
              (n) => Number.isInteger(n) && n >= 4,
            );
      await prepareReportFolder(out, options.force === true);
      await startEngine({ threads: "1" });
      const checkpoint = path === undefined ? null : await loadCheckpoint(checkpointPath(path));
      const config = checkpoint?.config ?? settingsFrom(options);
      const vocabSize = config.model.vocabSize || vocabulary;
      const echo =
        checkpoint === null
          ? buildEcho({ ...config.model, vocabSize }, config.audio, { seed: config.training.seed })
          : restoreModel(checkpoint);
      const { architectureFigure, writeReport } = await import("../figures/index.ts");
      const title =
        path === undefined ? "The architecture of a configuration" : `The architecture of ${basename(path)}`;
      const sections = [{ heading: "Flow of data", figures: [architectureFigure(echo, config)] }];
      showWritten(await writeReport(out, { title, text: "Made by echo-asr architecture.", sections }));
    });
}
