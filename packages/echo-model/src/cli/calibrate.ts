// echo-asr calibrate
import type { CAC } from "cac";
import { nodeFiles } from "../data/node-files.ts";
import { heldOutConfidence, judgeWords } from "../evaluate/judge-words.ts";
import { inputOf } from "../settings/resolve.ts";
import { limitedDecoder } from "../speech/decode-process.ts";
import { fitCalibration, reliability } from "../speech/word-confidence.ts";
import { printable } from "../text/printable.ts";
import { restoreModel } from "../train/checkpoint.ts";
import { loadCheckpoint, saveCheckpoint } from "../train/checkpoint-files.ts";
import { prepareEvaluation } from "../train/prepare-data.ts";
import { checkpointPath } from "./checkpoint-path.ts";
import { type DecodeOptions, decodeLimits, withDecodeOptions } from "./decode-limits.ts";
import { type EngineOptions, startEngine, withEngineOptions } from "./engine.ts";
import { checkOutputFile, FORCE_HELP } from "./output-files.ts";
import { Progress, showProblems } from "./progress.ts";
import { overridden, overridesOf, requireFolder, type SettingOptions } from "./settings.ts";

interface CalibrateOptions extends SettingOptions, EngineOptions, DecodeOptions {
  readonly data?: string;
  readonly split?: string;
  readonly out?: string;
  readonly force?: boolean;
  readonly json?: boolean;
}

/** Adds the command. */
export function addCalibrate(cli: CAC, required: (value: string | undefined, name: string) => string): void {
  const command = cli
    .command("calibrate <checkpoint>", "Make the confidence of words mean what it says")
    .usage(
      "calibrate CHECKPOINT --data DIR [--split NAME] [--out FILE [--force]]\n\n" +
        "Fits two numbers on recordings that were not trained on, so that of the words with confidence 0.8 four of five\n" +
        "are right, and shows how well that holds for speakers the fit has not seen. With --out a copy of the checkpoint\n" +
        "is written that holds them; transcribe --json and the subtitles' words then have calibrated confidences.",
    )
    .option("--data <dir>", "folder with manifest.jsonl and the recordings")
    .option("--split <name>", "split to fit on (default: that of the training's evaluations)")
    .option("--set <key=value>", "change a setting, such as data.format=strings; may be repeated")
    .option("--out <file>", "write the calibrated checkpoint there")
    .option("--force", FORCE_HELP)
    .option("--json", "one JSON object on standard output")
    .example(
      "  echo-asr calibrate runs/an4/last.safetensors --data data/an4 --split dev --out an4.safetensors",
    );
  withEngineOptions(withDecodeOptions(command)).action(async (path: string, options: CalibrateOptions) => {
    const folder = required(options.data, "--data");
    if (options.out !== undefined) await checkOutputFile("--out", options.out, options.force === true);
    await startEngine(options);
    requireFolder(folder);
    const progress = new Progress(options.json === true);
    try {
      await calibrate(path, folder, options, progress);
    } finally {
      progress.stop();
    }
  });
}

async function calibrate(
  path: string,
  folder: string,
  options: CalibrateOptions,
  progress: Progress,
): Promise<void> {
  const checkpoint = await loadCheckpoint(checkpointPath(path));
  const config = overridden(checkpoint.config, overridesOf(options));
  const { tokenizer } = checkpoint;
  const { evaluation, problems } = await prepareEvaluation(nodeFiles(folder), config, tokenizer, {
    ...(options.split !== undefined && { split: options.split }),
    decoder: limitedDecoder(decodeLimits(options)),
    onProgress: ({ what, done, total }) => progress.update(what, done, total, { unit: "utterances" }),
  });
  showProblems(problems, progress);
  const examples = [...evaluation.values()].flat();
  const echo = restoreModel({ ...checkpoint, config });
  const words = await judgeWords(echo, tokenizer, examples, inputOf(config), (done) =>
    progress.update("recognising", done, examples.length, { unit: "utterances" }),
  );
  progress.stop();
  const calibration = fitCalibration(words);
  const table = reliability(heldOutConfidence(words));
  if (options.out !== undefined)
    await saveCheckpoint(options.out, {
      ...checkpoint,
      metrics: { ...checkpoint.metrics, calibration },
    });
  if (options.json) {
    console.log(JSON.stringify({ checkpoint: path, words: words.length, calibration, heldOut: table }));
    return;
  }
  const percent = (share: number): string =>
    (Number.isNaN(share) ? "-" : (100 * share).toFixed(1)).padStart(6);
  console.log(`${words.length} words; each speaker's confidences by a fit without that speaker:`);
  console.log("confidence     words   mean %   right %");
  for (const { from, to, words: count, confidence, right } of table)
    console.log(
      `${from.toFixed(2)} - ${to.toFixed(2)} ${String(count).padStart(7)}   ${percent(confidence)}    ${percent(right)}`,
    );
  console.log(
    `slope ${calibration.slope.toFixed(3)}, offset ${calibration.offset.toFixed(3)}, fitted on all`,
  );
  if (options.out !== undefined) console.log(`written: ${printable(options.out)}`);
}
