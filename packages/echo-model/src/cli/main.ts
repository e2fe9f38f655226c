#!/usr/bin/env node
// The command echo-asr. Exit codes: 0 done, 1 something about data, files or the run, 2 a wrong command line or
// configuration, 130 interrupted. Each command is in a file of its own.
import { cac } from "cac";
import { ConfigError } from "../errors.ts";
import { printable } from "../text/printable.ts";
import { VERSION } from "../version.ts";
import { addArchitecture } from "./architecture.ts";
import { closest, parseWords, takeLiterally } from "./arguments.ts";
import { addAttention } from "./attention.ts";
import { addCalibrate } from "./calibrate.ts";
import { addDiagnose } from "./diagnose.ts";
import { addEvaluate } from "./evaluate.ts";
import { addExperiment } from "./experiment.ts";
import { addExport } from "./export.ts";
import { addLanguageModel } from "./language-model.ts";
import { addListen } from "./listen.ts";
import { addFeatures, addInspect, addPitch, addSettings } from "./look.ts";
import { addPatterns } from "./patterns.ts";
import { addReport } from "./report.ts";
import { addTokenizer } from "./tokenizer.ts";
import { addTrain } from "./train.ts";
import { addTranscribe } from "./transcribe.ts";
import { addWorker } from "./worker.ts";

function required(value: string | undefined, name: string): string {
  if (value === undefined) throw new ConfigError([`${name} is missing; see --help`]);
  return String(value);
}

async function main(): Promise<void> {
  const cli = cac("echo-asr");
  addTrain(cli, required);
  addEvaluate(cli, required);
  addExperiment(cli, required);
  addWorker(cli, required);
  addTranscribe(cli);
  addListen(cli);
  addCalibrate(cli, required);
  addFeatures(cli);
  addPitch(cli);
  addInspect(cli);
  addPatterns(cli);
  addAttention(cli, required);
  addReport(cli);
  addArchitecture(cli, required);
  addDiagnose(cli, required);
  addLanguageModel(cli);
  addTokenizer(cli);
  addExport(cli);
  addSettings(cli);
  cli.help((sections) => [
    ...sections,
    ...(/checkpoint/i.test(cli.matchedCommand?.usageText ?? cli.matchedCommand?.rawName ?? "")
      ? [
          {
            title: "Checkpoints",
            body: "  the .safetensors file of a training, or shipped: the model that comes with the package",
          },
        ]
      : []),
    ...(cli.matchedCommand === undefined
      ? [
          {
            title: "Exit codes",
            body: "  0 done, 1 data or files, 2 command line or settings, 130 interrupted",
          },
        ]
      : []),
  ]);
  cli.version(VERSION);
  const { options } = parseWords(cli, process.argv);
  if (options.help || options.version) return;
  if (cli.matchedCommand === undefined) {
    const given = cli.args[0];
    if (given !== undefined) {
      const known = cli.commands.map(({ name }) => name);
      const suggestion = closest(given, known);
      const hint = suggestion === null ? "" : `; did you mean ${suggestion}?`;
      throw new ConfigError([
        `unknown command ${JSON.stringify(given)}, expected one of ${known.join(", ")}${hint}`,
      ]);
    }
    cli.outputHelp();
    process.exitCode = 2;
    return;
  }
  takeLiterally(cli, cli.matchedCommand, process.argv.slice(2));
  await cli.runMatchedCommand();
}

// A reader that leaves, such as head, ends the command as it ends others: 128 + SIGPIPE.
for (const stream of [process.stdout, process.stderr])
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit(141);
    throw error;
  });

main().catch((error: unknown) => {
  const shown = error instanceof Error ? error : new Error(String(error));
  // cac's own errors are about the command line too.
  const usage = shown instanceof ConfigError || shown.name === "CACError";
  const text = process.env.ECHO_TRACE ? (shown.stack ?? shown.message) : shown.message;
  process.stderr.write(`echo-asr: ${printable(text, true)}\n`);
  process.exitCode = usage ? 2 : 1;
});
