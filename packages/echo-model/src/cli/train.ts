// echo-asr train
import { join } from "node:path";
import type { CAC } from "cac";
import { TrainingError } from "../errors.ts";
import { evaluationJson, evaluationText } from "../evaluate/evaluation-table.ts";
import type { ConfigInput } from "../settings/resolve.ts";
import { printable } from "../text/printable.ts";
import type { Checkpoint } from "../train/checkpoint.ts";
import { loadCheckpoint } from "../train/checkpoint-files.ts";
import { runTraining } from "../train/run-training.ts";
import type { TrainingEvent } from "../train/training-events.ts";
import { checkpointPath } from "./checkpoint-path.ts";
import { type DecodeOptions, decodeLimits, withDecodeOptions } from "./decode-limits.ts";
import { type EngineOptions, startEngine, withEngineOptions } from "./engine.ts";
import { prepareReportFolder } from "./output-files.ts";
import { showWritten } from "./patterns.ts";
import { Progress, showProblems } from "./progress.ts";
import { reportRun } from "./report.ts";
import { requireFolder, type SettingOptions, settingsFrom } from "./settings.ts";
import { stopSignal } from "./stop-signal.ts";

interface TrainOptions extends SettingOptions, EngineOptions, DecodeOptions {
  readonly data?: string;
  readonly out?: string;
  readonly init?: string;
  readonly resume?: boolean;
  readonly acceptChanges?: boolean;
  readonly cache?: string;
  readonly diagnostics?: boolean;
  readonly report?: boolean;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

/** Adds the command. */
export function addTrain(cli: CAC, required: (value: string | undefined, name: string) => string): void {
  const command = cli
    .command("train", "Train a model on a folder of recordings with transcripts")
    .usage(
      "train --data DIR --out DIR [--preset NAME | --config FILE] [--set key.path=value ...]\n\n" +
        "DIR holds manifest.jsonl, one JSON object a line, such as\n" +
        '  {"id": "a1", "file": "wav/a1.wav", "text": "go on", "speaker": "x", "sex": "female", "split": "train"}\n' +
        "of which id, file and text are needed. Trained on are the rows of data.trainSplit (train), scored those of\n" +
        "data.evaluateSplit (dev); the split all takes every row. Where no row names a split a tenth of the speakers, or of\n" +
        "the rows, is held out to be scored (data.holdOut). data.format reads AN4, LibriSpeech, FLEURS and\n" +
        "Common Voice as they come. Rows that cannot be used are named and left out (data.badRows=fail: refused).\n" +
        "OUT gets best.safetensors and last.safetensors (model, configuration, tokenizer, everything to go on),\n" +
        "log.jsonl, log.csv, TensorBoard events, config.json, summary.json; training.keepCheckpoints says how many checkpoints\n" +
        "before the last stay as step-N.safetensors. One process at a time trains into OUT.\n" +
        "A run that was interrupted (Ctrl-C, exit code 130) or killed goes on with --resume and ends in the same bits; it\n" +
        "must have the same settings, recordings, texts, backend, arithmetic and version. One that has ended stays as it is.\n" +
        "Without --preset and --config the settings are those of an4. All of them: echo-asr settings",
    )
    .option("--data <dir>", "folder with manifest.jsonl and the recordings")
    .option("--out <dir>", "folder of the run, created when missing")
    .option("--config <file>", "JSON file with the settings that differ from the defaults")
    .option("--preset <name>", "an4, digits, words or seed instead of a file")
    .option("--set <key=value>", "change one setting, such as model.dims=256; may be repeated")
    .option("--seed <n>", "the same as --set training.seed=n (default 0)")
    .option(
      "--init <checkpoint>",
      "start from its weights (shipped: those of the model that comes with the package) and settings, length and curriculum of the training and names of the data aside, over which --preset and --config are laid; the vocabulary may be another one",
    )
    .option("--resume", "go on where the last checkpoint of OUT stands")
    .option(
      "--accept-changes",
      "go on with --resume although recordings, texts, backend, arithmetic or version have changed",
    )
    .option(
      "--cache <dir>",
      "keep features here for the next run, and beyond 1 GiB during this one (default: compute them at every start)",
    )
    .option(
      "--diagnostics",
      "log gradients by block in the first ten steps and in ten of every fifty; changes no bit of the training",
    )
    .option("--report", "end with OUT/report.html: curves, gradients, architecture (see echo-asr report)")
    .option(
      "--json",
      "one JSON object an event (preparation, start, step, evaluation, checkpoint, end) on standard output, no progress line",
    )
    .option("--quiet", "no progress line, only the summary at the end")
    .example("  echo-asr train --preset an4 --data data/an4 --out runs/an4")
    .example("  echo-asr train --preset an4 --data data/an4 --out runs/an4 --resume")
    .example("  echo-asr train --preset words --init shipped --data my-words --out runs/mine")
    .example(
      "  echo-asr train --data LibriSpeech --out runs/libri --set data.format=librispeech --set data.trainSplit=train-clean-100 --set data.evaluateSplit=dev-clean",
    );
  withEngineOptions(withDecodeOptions(command)).action(async (options: TrainOptions) => {
    const dataFolder = required(options.data, "--data");
    const outFolder = required(options.out, "--out");
    const source = options.init === undefined ? undefined : checkpointPath(options.init);
    const init = source === undefined ? null : { checkpoint: await loadCheckpoint(source), source };
    const config = settingsFrom(options, init === null ? {} : startingSettings(init.checkpoint));
    const limits = decodeLimits(options);
    requireFolder(dataFolder);
    if (options.report === true) await prepareReportFolder(outFolder, null);
    await startEngine(options, true);
    const tooEarly = new TrainingError("training: interrupted before the first step; nothing was changed");
    const progress = new Progress(options.json === true || options.quiet === true);
    // A second signal ends the process at once, and --resume then goes on from the last checkpoint.
    const stop = stopSignal(() => {}, tooEarly);
    const summary = await runTraining({
      config,
      dataFolder,
      outFolder,
      resume: options.resume === true,
      acceptChanges: options.acceptChanges === true,
      decodeLimits: limits,
      diagnostics: options.diagnostics === true,
      ...(options.cache !== undefined && { cacheFolder: options.cache }),
      ...(init !== null && { init }),
      signal: stop.signal,
      onEvent: (event) => (options.json ? printJson(event) : show(event, progress)),
    })
      .catch((error: unknown) => {
        if (error !== tooEarly) throw error;
        process.exitCode = 130;
        progress.print(tooEarly.message);
        return null;
      })
      .finally(() => {
        progress.stop();
        stop.release();
      });
    if (summary === null) return;
    const { outcome, steps, epochs, best, cpuSeconds, utterances, evaluations, hadEnded } = summary;
    if (options.json)
      printLine({ kind: "end", outcome, steps, epochs, best, cpuSeconds, utterances, hadEnded });
    else if (hadEnded)
      console.log(`${outcome} after ${steps} steps (${epochs.toFixed(1)} epochs) before: nothing to do`);
    else {
      for (const [set, evaluation] of evaluations)
        console.log(printable(evaluationText(set, evaluation), true));
      const rate = cpuSeconds > 0 ? (utterances / cpuSeconds).toFixed(1) : "-";
      console.log(
        `${outcome} after ${steps} steps (${epochs.toFixed(1)} epochs), ${cpuSeconds.toFixed(0)} CPU s, ${rate} utterances per CPU s`,
      );
      if (best.rate !== null)
        console.log(`best word error rate ${(100 * best.rate).toFixed(1)} % in step ${best.step}`);
    }
    if (outcome !== "interrupted") {
      if (options.report) {
        const written = await reportRun(outFolder, { force: true }, progress).finally(() => progress.stop());
        if (!options.json) showWritten(written);
      }
      if (!options.json && !hadEnded) console.log(nextSteps(outFolder, options.report === true));
      return;
    }
    progress.print("--resume goes on from here");
    process.exitCode = 130;
  });
}

/** What a checkpoint hands on to a training that starts from it: all but the length of a run and the names in its data folder. */
function startingSettings({ config, tokenizer }: Pick<Checkpoint, "config" | "tokenizer">): ConfigInput {
  const { training: _length, curriculum: _curriculum, ...kept } = config;
  const { minSeconds, maxSeconds, maxCharacters, badRows, holdOut } = config.data;
  const data = { minSeconds, maxSeconds, maxCharacters, badRows, holdOut };
  const phones = config.model.phones || (tokenizer.pronunciations?.phones.length ?? 0);
  const text = { ...config.text, lexicon: "" };
  return { ...kept, text, model: { ...config.model, vocabSize: 0, phones }, data };
}

function nextSteps(outFolder: string, reported: boolean): string {
  const best = join(outFolder, "best.safetensors");
  const more = reported ? "" : `\n      echo-asr report ${outFolder}`;
  return `next: echo-asr transcribe RECORDING --checkpoint ${best}${more}`;
}

function stoppingWhen(step: number): string {
  return step === 0 ? "before the first step" : `after step ${step}`;
}

/** Error rates of the last evaluation, for the progress line. */
let lastRates: readonly string[] = [];

const percent = (rate: number): string => `${(100 * rate).toFixed(1)} %`;

function show(event: TrainingEvent, progress: Progress): void {
  switch (event.kind) {
    case "preparation":
      progress.update(event.what, event.done, event.total, { unit: "utterances" });
      break;
    case "start": {
      const { size, parameters, step, problems } = event;
      showProblems(problems, progress);
      progress.print(`${size} utterances, ${parameters} parameters${step > 0 ? `, from step ${step}` : ""}`);
      break;
    }
    case "step": {
      const { step, loss, learningRate, gradientNorm, epochs } = event.report;
      const notes = [`loss ${loss.toFixed(3)}`, `step ${step}`];
      if (epochs > 0) notes.push(`epoch ${epochs.toFixed(1)}`);
      notes.push(...lastRates);
      notes.push(`gradient ${gradientNorm.toFixed(1)}`, `learning rate ${learningRate.toExponential(1)}`);
      progress.update("training", event.progress, 1, { unit: "steps", count: step, notes });
      break;
    }
    case "evaluation": {
      const rates = [...event.evaluation.scores].map(
        ([kind, { words, characters }]) => `${kind} ${percent(words.rate)} (CER ${percent(characters.rate)})`,
      );
      lastRates = [...event.evaluation.scores]
        .slice(0, 1)
        .map(([kind, { words }]) => `WER ${kind} ${percent(words.rate)}`);
      progress.print(`step ${event.step}, ${event.set}: WER ${rates.join(", ")}`);
      break;
    }
    case "stopping":
      progress.print(`stopping ${stoppingWhen(event.step)}; once more to stop at once`);
      break;
    case "note":
      progress.print(`note: ${event.text}`);
      break;
    case "checkpoint":
      break;
  }
}

/** Milliseconds between two events of the preparation: of a large data set it has many thousands. */
const PREPARATION_PAUSE = 1000;
let preparationTold = 0;

function printJson(event: TrainingEvent): void {
  if (event.kind === "preparation" && event.done < event.total) {
    const now = performance.now();
    if (now - preparationTold < PREPARATION_PAUSE) return;
    preparationTold = now;
  }
  if (event.kind !== "evaluation") printLine(event);
  else {
    const { texts, ...figures } = evaluationJson(event.evaluation);
    printLine({ kind: event.kind, step: event.step, set: event.set, ...figures });
  }
}

function printLine(record: object): void {
  console.log(JSON.stringify(record));
}
