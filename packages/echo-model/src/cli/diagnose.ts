// echo-asr diagnose: gradients, gates and attention of a model at initialisation, after some steps, and of a checkpoint.
import { join } from "node:path";
import { writeFileAtomic } from "@echo-ts/tensor/files";
import type { CAC } from "cac";
import { nodeFiles } from "../data/node-files.ts";
import type { FigureTable } from "../figures/figure.ts";
import type { EchoConfig } from "../settings/settings.ts";
import type { Example } from "../speech/collate.ts";
import { limitedDecoder } from "../speech/decode-process.ts";
import { diskCache } from "../speech/disk-cache.ts";
import { printable } from "../text/printable.ts";
import { newModel, restoreModel } from "../train/checkpoint.ts";
import { loadCheckpoint } from "../train/checkpoint-files.ts";
import { type Diagnosis, diagnoseModel } from "../train/diagnose-model.ts";
import { prepareTraining } from "../train/prepare-data.ts";
import { Trainer } from "../train/trainer.ts";
import { checkpointPath } from "./checkpoint-path.ts";
import { type DecodeOptions, decodeLimits, withDecodeOptions } from "./decode-limits.ts";
import { type EngineOptions, startEngine, withEngineOptions } from "./engine.ts";
import { FORCE_HELP, prepareReportFolder } from "./output-files.ts";
import { showWritten } from "./patterns.ts";
import { Progress, showProblems } from "./progress.ts";
import {
  numberOption,
  overridden,
  overridesOf,
  requireFolder,
  type SettingOptions,
  settingsFrom,
} from "./settings.ts";

interface DiagnoseOptions extends SettingOptions, EngineOptions, DecodeOptions {
  readonly data?: string;
  readonly steps?: string;
  readonly batches?: string;
  readonly out?: string;
  readonly force?: boolean;
  readonly cache?: string;
  readonly json?: boolean;
}

/** Adds `diagnose`. */
export function addDiagnose(cli: CAC, required: (value: string | undefined, name: string) => string): void {
  const command = cli
    .command("diagnose [checkpoint]", "Show gradients, gates and attention of a model")
    .usage(
      "diagnose [CHECKPOINT] --data DIR [--steps N] [--out DIR]\n\n" +
        "Looks at a fresh model of the same settings, at that model after N steps of training, and at the checkpoint, on the\n" +
        "same batches: gate/MLP gradient ratios by block, gradients of queries, keys and values, gradient norms by part,\n" +
        "gate openings and their correlation with voicing and pitch, entropy of attention; the seed's figures beside them.\n" +
        "Without CHECKPOINT the settings are those of --config, --preset or an4, and there is no third column.",
    )
    .option("--data <dir>", "folder of recordings, as for train")
    .option("--steps <n>", "steps of training before the second look, 0 for none (default 50)")
    .option("--batches <n>", "batches of each look (default 10)")
    .option(
      "--out <dir>",
      "folder for diagnosis.json, report.html and figures/; an earlier report there is replaced",
    )
    .option("--force", FORCE_HELP)
    .option("--config <file>", "JSON file with settings")
    .option("--preset <name>", "an4, digits, words or seed instead of a file")
    .option("--set <key=value>", "change a setting, such as data.format=fleurs; may be repeated")
    .option("--seed <n>", "the same as --set training.seed=n")
    .option("--cache <dir>", "keep features here for the next run")
    .option("--json", "the diagnoses as JSON")
    .example("  echo-asr diagnose shipped --data data/an4 --out out/diagnosis")
    .example(
      "  echo-asr diagnose --data data/fleurs --set data.format=fleurs --steps 1000 --out out/diagnosis",
    );
  withEngineOptions(withDecodeOptions(command)).action(
    async (path: string | undefined, options: DiagnoseOptions) => {
      const folder = required(options.data, "--data");
      const whole = (name: string, value: string | undefined, usual: number, least: number): number =>
        value === undefined
          ? usual
          : numberOption(
              name,
              value,
              `a whole number from ${least}`,
              (n) => Number.isInteger(n) && n >= least,
            );
      const counts = {
        steps: whole("--steps", options.steps, 50, 0),
        batches: whole("--batches", options.batches, 10, 1),
      };
      const settings = path === undefined ? settingsFrom(options) : null;
      if (options.out !== undefined)
        await prepareReportFolder(options.out, options.force === true, ["diagnosis.json"]);
      await startEngine(options);
      requireFolder(folder);
      const progress = new Progress(options.json === true);
      const { diagnoses, config } = await diagnose(path, settings, folder, options, counts, progress).finally(
        () => progress.stop(),
      );
      if (options.json) console.log(JSON.stringify({ checkpoint: path ?? null, config, diagnoses }));
      const { diagnosisSections, seedTable, writeReport } = await import("../figures/index.ts");
      if (!options.json) console.log(printable(tableText(seedTable(diagnoses)), true));
      if (options.out === undefined) return;
      const written = await writeReport(options.out, {
        title: "Diagnosis of gradients, gates and attention",
        text: `Made by echo-asr diagnose${path === undefined ? "" : ` of ${path}`}, ${counts.batches} batches, seed ${config.training.seed}.`,
        sections: diagnosisSections(diagnoses),
      });
      const json = new TextEncoder().encode(`${JSON.stringify({ config, diagnoses }, null, 1)}\n`);
      await writeFileAtomic(join(options.out, "diagnosis.json"), json);
      if (!options.json) showWritten(written);
    },
  );
}

async function diagnose(
  path: string | undefined,
  settings: EchoConfig | null,
  folder: string,
  options: DiagnoseOptions,
  counts: { readonly steps: number; readonly batches: number },
  progress: Progress,
): Promise<{ diagnoses: Diagnosis[]; config: EchoConfig }> {
  const checkpoint = path === undefined ? null : await loadCheckpoint(checkpointPath(path));
  const config = settings ?? overridden(checkpoint!.config, overridesOf(options));
  const data = await prepareTraining(nodeFiles(folder), config, {
    tokenizer: checkpoint?.tokenizer,
    decoder: limitedDecoder(decodeLimits(options)),
    ...(options.cache !== undefined && { cache: diskCache(options.cache) }),
    onProgress: ({ what, done, total }) => progress.update(what, done, total, { unit: "utterances" }),
  });
  showProblems(data.problems, progress);
  const { tokenizer, source } = data;
  const start = source.position;
  const batches: (readonly Example[])[] = [];
  for (let i = 0; i < counts.batches; i++) batches.push(await source.next());
  source.restore(start);
  const echo = newModel(config, tokenizer);
  const { special } = tokenizer;
  const diagnoses = [diagnoseModel(echo, batches, config, special, { phase: "at initialisation", step: 0 })];
  if (counts.steps > 0) {
    const trainer = new Trainer(echo, source, config, special);
    while (trainer.steps < counts.steps && trainer.progress < 1) {
      const { step, loss } = await trainer.step();
      progress.update("training", step, counts.steps, { unit: "steps", notes: [`loss ${loss.toFixed(3)}`] });
    }
    const { steps } = trainer;
    diagnoses.push(
      diagnoseModel(echo, batches, config, special, { phase: `after ${steps} steps`, step: steps }),
    );
  }
  if (checkpoint !== null) {
    const step = Number(checkpoint.metrics.step ?? checkpoint.training?.trainer.step ?? 0);
    const trained = restoreModel({ ...checkpoint, config });
    diagnoses.push(
      diagnoseModel(trained, batches, config, special, { phase: `checkpoint, step ${step}`, step }),
    );
  }
  return { diagnoses, config };
}

/** A table as text, columns below each other. */
export function tableText({ columns, rows }: FigureTable): string {
  const cells = [columns, ...rows.map((row) => row.map((cell) => String(cell ?? "-")))];
  const widths = columns.map((_, i) => Math.max(...cells.map((row) => row[i]!.length)));
  return cells
    .map((row) =>
      row
        .map((cell, i) => cell.padEnd(widths[i]!))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}
