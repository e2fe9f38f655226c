// echo-asr report: one offline HTML file on a run or a checkpoint.
import { stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { CAC } from "cac";
import { nodeFiles } from "../data/node-files.ts";
import { DataError } from "../errors.ts";
import { type Evaluation, evaluateModel } from "../evaluate/evaluate-model.ts";
import type { WrittenReport } from "../figures/write-report.ts";
import { limitedDecoder } from "../speech/decode-process.ts";
import { diskCache } from "../speech/disk-cache.ts";
import type { Recognizer } from "../speech/recognize-stretch.ts";
import { restoreModel } from "../train/checkpoint.ts";
import { loadCheckpoint } from "../train/checkpoint-files.ts";
import { prepareEvaluation } from "../train/prepare-data.ts";
import { checkpointPath } from "./checkpoint-path.ts";
import { type DecodeOptions, decodeLimits, withDecodeOptions } from "./decode-limits.ts";
import { type EngineOptions, startEngine, withEngineOptions } from "./engine.ts";
import { FORCE_HELP, prepareReportFolder } from "./output-files.ts";
import { showWritten } from "./patterns.ts";
import { Progress } from "./progress.ts";
import { decodeFile } from "./recording-file.ts";
import { overridden, overridesOf, requireFolder, type SettingOptions } from "./settings.ts";

interface ReportOptions extends SettingOptions, EngineOptions, DecodeOptions {
  readonly data?: string;
  readonly split?: string;
  readonly recording?: string;
  readonly out?: string;
  readonly force?: boolean;
  readonly cache?: string;
}

/** Adds `report`. */
export function addReport(cli: CAC): void {
  const command = cli
    .command("report <run>", "Write one HTML file on a run or a checkpoint")
    .usage(
      "report DIR|CHECKPOINT [--data DIR] [--recording FILE] [--out DIR]\n\n" +
        "DIR is the folder of a training or of an experiment. Writes report.html, which needs nothing beside it, and figures/\n" +
        "with each figure as SVG and its numbers as JSON. Of a training: settings, error rates, learning curves, gradients (train\n" +
        "--diagnostics, or diagnosis.json of echo-asr diagnose --out DIR), architecture, rotary patterns; with --data also scores\n" +
        "and which words are taken for which; with --recording spectrogram, pitch, words, attention and gates of that recording.\n" +
        "Of an experiment: error rates of all variants and seeds, differences from the baseline with intervals, learning curves;\n" +
        "it takes no other option than --out.",
    )
    .option("--data <dir>", "folder with manifest.jsonl and the recordings to score")
    .option("--split <name>", "split to score (default: that of the training's evaluations)")
    .option("--set <key=value>", "change a setting for scoring, such as data.format=strings; may be repeated")
    .option("--recording <file>", "a recording to look at, 20 s at most")
    .option(
      "--out <dir>",
      "folder to write to (default: the run's; report for the shipped model); an earlier report there is replaced",
    )
    .option("--force", FORCE_HELP)
    .option("--cache <dir>", "keep features here for the next run")
    .example("  echo-asr report runs/an4 --data data/an4 --recording speech.wav")
    .example("  echo-asr report out/ablation")
    .example("  echo-asr report shipped --out out/report");
  withEngineOptions(withDecodeOptions(command)).action(async (run: string, options: ReportOptions) => {
    await startEngine(options);
    if (options.data !== undefined) requireFolder(options.data);
    const progress = new Progress(false);
    showWritten(await reportRun(run, options, progress).finally(() => progress.stop()));
  });
}

/**
 * Writes the report of a run folder or checkpoint.
 * @throws DataError where there is neither.
 */
export async function reportRun(
  name: string,
  options: ReportOptions,
  progress: Progress,
): Promise<WrittenReport> {
  const run = checkpointPath(name);
  const isFolder = await stat(run).then(
    (found) => found.isDirectory(),
    () => {
      throw new DataError(`report: ${run} does not exist, expected the folder of a run or a checkpoint`);
    },
  );
  if (isFolder) {
    const { experimentReport, readExperimentFolder, writeReport } = await import("../figures/index.ts");
    const found = await readExperimentFolder(run);
    if (found !== null) {
      await prepareReportFolder(options.out ?? run, options.force === true);
      return writeReport(options.out ?? run, experimentReport(found));
    }
  }
  const path = isFolder ? await checkpointIn(run) : run;
  const out = options.out ?? (isFolder ? run : name === "shipped" ? "report" : join(dirname(run), "report"));
  await prepareReportFolder(out, options.force === true);
  const checkpoint = await loadCheckpoint(path);
  const config = overridden(checkpoint.config, overridesOf(options));
  const { tokenizer } = checkpoint;
  const recognizer: Recognizer = { echo: restoreModel({ ...checkpoint, config }), tokenizer, config };
  const { readRunFolder, runReportSections, writeReport } = await import("../figures/index.ts");
  // The log and the summary are the run's; a diagnosis may lie where the report goes.
  const beside = await readRunFolder(isFolder ? run : out, isFolder);
  const { recording } = options;
  const evaluations =
    options.data === undefined ? new Map() : await evaluationsOf(recognizer, options.data, options, progress);
  const wave = recording === undefined ? null : await decodeFile(recording, config.audio.sampleRate, options);
  const sections = await runReportSections({
    checkpoint,
    recognizer,
    ...beside,
    evaluations,
    recording: wave === null ? null : { name: basename(recording!), wave },
  });
  return writeReport(out, {
    title: `Report of ${basename(run)}`,
    text: `Made by echo-asr report; weights of ${basename(path)}.`,
    sections,
  });
}

async function checkpointIn(folder: string): Promise<string> {
  for (const name of ["best.safetensors", "last.safetensors"]) {
    const path = join(folder, name);
    if (await stat(path).catch(() => null)) return path;
  }
  throw new DataError(
    `report: ${folder} holds no best.safetensors, last.safetensors or results.json; name the folder of a training or an experiment, or a checkpoint`,
  );
}

async function evaluationsOf(
  { echo, tokenizer, config }: Recognizer,
  folder: string,
  { split, cache, ...limits }: ReportOptions,
  progress: Progress,
): Promise<Map<string, Evaluation>> {
  const { evaluation } = await prepareEvaluation(nodeFiles(folder), config, tokenizer, {
    ...(split !== undefined && { split }),
    ...(cache !== undefined && { cache: diskCache(cache) }),
    decoder: limitedDecoder(decodeLimits(limits)),
    onProgress: ({ what, done, total }) => progress.update(what, done, total, { unit: "utterances" }),
  });
  const found = new Map<string, Evaluation>();
  for (const [name, examples] of evaluation)
    found.set(
      name,
      await evaluateModel(echo, tokenizer, examples, config, {
        zeroed: true,
        groups: true,
        onProgress: (done, total) => progress.update(`scoring ${name}`, done, total, { unit: "utterances" }),
      }),
    );
  return found;
}
