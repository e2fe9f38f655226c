// echo-asr train
import type { CAC } from "cac";
import { describeProblem } from "../data/utterance.ts";
import { evaluationJson, evaluationText } from "../report/evaluation-table.ts";
import { runTraining, type TrainingEvent } from "../training/run-training.ts";
import { type EngineOptions, startEngine, withEngineOptions } from "./engine.ts";
import { Progress } from "./progress.ts";
import { requireFolder, type SettingOptions, settingsFrom } from "./settings.ts";

interface TrainOptions extends SettingOptions, EngineOptions {
  readonly data?: string;
  readonly out?: string;
  readonly resume?: boolean;
  readonly cache?: string;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

/** Adds the command. */
export function addTrain(cli: CAC, required: (value: string | undefined, name: string) => string): void {
  const command = cli
    .command("train", "Train a model on a folder of recordings with transcripts")
    .usage(
      "train --data DIR --out DIR [--preset NAME | --config FILE] [--set key.path=value ...]\n\n" +
        "DIR holds manifest.jsonl, one JSON object a line: id, file, text, and speaker, sex, split if known.\n" +
        "data.format reads other layouts. OUT gets best.safetensors and last.safetensors (model, configuration,\n" +
        "tokenizer, everything to go on), log.jsonl, log.csv, TensorBoard events, config.json, summary.json.\n" +
        "A run that was interrupted or killed goes on with --resume and ends in the same bits.\n" +
        "All settings with their meaning: echo-asr settings",
    )
    .option("--data <dir>", "folder with manifest.jsonl and the recordings")
    .option("--out <dir>", "folder of the run, created when missing")
    .option("--config <file>", "JSON file with the settings that differ from the defaults")
    .option("--preset <name>", "an4, digits or seed instead of a file")
    .option("--set <key=value>", "change one setting, such as model.dims=256; may be repeated")
    .option("--seed <n>", "the same as --set training.seed=n")
    .option("--resume", "go on where the last checkpoint of OUT stands")
    .option("--cache <dir>", "keep features here for the next run")
    .option("--json", "one JSON object an event on standard output, no progress line")
    .option("--quiet", "no progress line")
    .example("  echo-asr train --preset an4 --data data/an4 --out runs/an4")
    .example("  echo-asr train --preset an4 --data data/an4 --out runs/an4 --resume");
  withEngineOptions(command).action(async (options: TrainOptions) => {
    const dataFolder = required(options.data, "--data");
    const outFolder = required(options.out, "--out");
    const config = settingsFrom(options);
    requireFolder(dataFolder);
    startEngine(options);
    const stop = new AbortController();
    const onSignal = (): void => stop.abort();
    process.once("SIGINT", onSignal).once("SIGTERM", onSignal);
    const progress = new Progress(options.json === true || options.quiet === true);
    const summary = await runTraining({
      config,
      dataFolder,
      outFolder,
      resume: options.resume === true,
      ...(options.cache !== undefined && { cacheFolder: options.cache }),
      signal: stop.signal,
      onEvent: (event) => (options.json ? printJson(event) : show(event, progress)),
    });
    progress.stop();
    process.removeListener("SIGINT", onSignal).removeListener("SIGTERM", onSignal);
    const { outcome, steps, epochs, best, cpuSeconds, utterances, evaluations } = summary;
    if (options.json) printLine({ kind: "end", outcome, steps, epochs, best, cpuSeconds, utterances });
    else {
      for (const [set, evaluation] of evaluations) console.log(evaluationText(set, evaluation));
      const rate = cpuSeconds > 0 ? (utterances / cpuSeconds).toFixed(1) : "-";
      console.log(
        `${outcome} after ${steps} steps (${epochs.toFixed(1)} epochs), ${cpuSeconds.toFixed(0)} CPU s, ${rate} utterances per CPU s`,
      );
      if (best.rate !== null)
        console.log(`best word error rate ${(100 * best.rate).toFixed(1)} % in step ${best.step}`);
    }
    if (outcome === "interrupted") process.exitCode = 130;
  });
}

function show(event: TrainingEvent, progress: Progress): void {
  switch (event.kind) {
    case "preparation":
      progress.update(event.what, event.done, event.total);
      break;
    case "start": {
      const { size, parameters, step, problems } = event;
      for (const problem of problems.slice(0, 10)) progress.print(`left out: ${describeProblem(problem)}`);
      if (problems.length > 10) progress.print(`left out: ${problems.length - 10} more rows`);
      progress.print(`${size} utterances, ${parameters} parameters${step > 0 ? `, from step ${step}` : ""}`);
      break;
    }
    case "step": {
      const { step, loss, learningRate, gradientNorm, epochs } = event.report;
      const figures = `loss ${loss.toFixed(3)}, rate ${learningRate.toExponential(1)}, norm ${gradientNorm.toFixed(1)}`;
      const where = epochs > 0 ? `step ${step}, epoch ${epochs.toFixed(1)}` : `step ${step}`;
      progress.update("training", event.progress, 1, `${where}, ${figures}`);
      break;
    }
    case "evaluation": {
      const rates = [...event.evaluation.scores].map(
        ([kind, { words }]) => `${kind} ${(100 * words.rate).toFixed(1)} %`,
      );
      progress.print(`step ${event.step}, ${event.set}: WER ${rates.join(", ")}`);
      break;
    }
    case "checkpoint":
      break;
  }
}

function printJson(event: TrainingEvent): void {
  if (event.kind === "preparation") return;
  if (event.kind !== "evaluation") printLine(event);
  else {
    const { texts, ...figures } = evaluationJson(event.evaluation);
    printLine({ kind: event.kind, step: event.step, set: event.set, ...figures });
  }
}

function printLine(record: object): void {
  console.log(JSON.stringify(record));
}
