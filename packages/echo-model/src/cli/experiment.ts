// echo-asr experiment: settings and seeds compared, from one JSON file to a table.
import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import type { CAC } from "cac";
import { ConfigError } from "../errors.ts";
import type { ExperimentResults } from "../experiment/compare-variants.ts";
import { dataDigest } from "../experiment/data-digest.ts";
import { type Experiment, readExperiment } from "../experiment/experiment-file.ts";
import { type ExperimentJob, planRuns } from "../experiment/plan.ts";
import { type JobEvent, runInProcesses } from "../experiment/process-pool.ts";
import { resultsText } from "../experiment/result-files.ts";
import { runExperiment, statesOf } from "../experiment/run-experiment.ts";
import { PRESETS } from "../settings/presets.ts";
import { parseConfig } from "../settings/resolve.ts";
import { printable } from "../text/printable.ts";
import { type DecodeOptions, decodeLimits, withDecodeOptions } from "./decode-limits.ts";
import { type EngineOptions, startEngine, withEngineOptions } from "./engine.ts";
import { checkQueueOptions, onQueue, showQueue } from "./experiment-queue.ts";
import { Progress } from "./progress.ts";
import { fileProblem, numberOption, requireFolder } from "./settings.ts";
import { stopSignal } from "./stop-signal.ts";

interface ExperimentCommandOptions extends EngineOptions, DecodeOptions {
  readonly data?: string;
  readonly out?: string;
  readonly jobs?: string;
  readonly rerunChanged?: boolean;
  readonly plan?: boolean;
  readonly cache?: string;
  readonly queue?: string;
  readonly status?: boolean;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

const ENTRY: string = fileURLToPath(new URL("./experiment-process.js", import.meta.url));
const MOST_JOBS = 256;

/** Adds the command. */
export function addExperiment(cli: CAC, required: (value: string | undefined, name: string) => string): void {
  const command = cli
    .command("experiment <file>", "Compare settings over several seeds: runs, table, intervals")
    .usage(
      "experiment FILE --data DIR --out DIR [--jobs N]\n\n" +
        "FILE is JSON. This one trains two variants with three seeds each, and scores one of them twice:\n" +
        "  {\n" +
        '    "name": "Does f0 help?",\n' +
        '    "preset": "digits",\n' +
        '    "settings": {"training.maxSteps": 400},\n' +
        '    "seeds": [0, 1, 2],\n' +
        '    "baseline": "f0",\n' +
        '    "variants": [\n' +
        '      {"name": "f0"},\n' +
        '      {"name": "static", "settings": {"model.rotary.pitch": "static"}},\n' +
        '      {"name": "f0, told 300 Hz", "weightsOf": "f0", "pitchHz": 300}\n' +
        "    ]\n" +
        "  }\n" +
        '"config": "FILE.json" may stand for "preset"; with neither the settings are those of an4. "settings" hold for all\n' +
        'variants (echo-asr settings lists them). "baseline" is the first variant where it isn\'t named. Instead of variants, or\n' +
        'beside them, "axes": {"model.dims": [64, 128], "model.heads": [2, 4]} takes every combination. "outputs" (default\n' +
        '["ctc", "free"]) says what is scored, "data" names the folder, "about" is for the report.\n\n' +
        "OUT/runs/ gets a folder for each run, as echo-asr train makes it: f0-seed-0, f0-seed-1, ... The same command again\n" +
        "keeps runs that have finished, goes on from the last checkpoint of those that were interrupted or killed (in the\n" +
        "same bits), and tries failed ones once more. Runs whose settings or data have changed are named and refused.\n" +
        "OUT/results.txt, .csv and .json hold error rates by variant, intervals over seeds, and the difference from the\n" +
        "baseline with two intervals: over seeds, and over utterances (paired bootstrap). echo-asr report OUT draws them.\n" +
        "With --queue the runs are left to any number of echo-asr worker, and their checkpoints stay there.",
    )
    .option("--data <dir>", 'folder with manifest.jsonl and the recordings (default: "data" of FILE)')
    .option("--out <dir>", "folder of the experiment, created when missing")
    .option(
      "--jobs <n>",
      "runs at a time, each in a process of its own (default: cores, at most 8); never changes a result",
    )
    .option("--rerun-changed", "delete runs of OUT whose settings or data have changed, and make them again")
    .option("--plan", "list the runs and how far each is; nothing is run or written")
    .option("--cache <dir>", "keep features here for the next run (default: each run computes them)")
    .option(
      "--queue <url>",
      "leave the runs to the workers of this Redis server, such as redis://10.0.0.5:6379",
    )
    .option("--status", "show how far each run is on the queue; nothing is run or written")
    .option("--json", "one JSON object an event (run, end) on standard output, no progress line")
    .option("--quiet", "no progress line, only the table at the end")
    .example(
      "  echo-asr experiment experiments/digits-ablation.json --data data/fsdd --out out/ablation --plan",
    )
    .example(
      "  echo-asr experiment experiments/digits-ablation.json --data data/fsdd --out out/ablation --jobs 2",
    )
    .example("  echo-asr report out/ablation");
  withEngineOptions(withDecodeOptions(command)).action(
    async (file: string, options: ExperimentCommandOptions) => {
      checkQueueOptions(options);
      const out = required(options.out, "--out");
      const experiment = readExperiment(parseConfig(readText(file), file), file);
      const data = options.data ?? required(experiment.data ?? undefined, '--data, or "data" in the file,');
      // Wrong settings are found before anything large is read.
      await planRuns(experiment, baseOf(experiment), "");
      requireFolder(data);
      await startEngine(options); // says now what is wrong with the options; the processes start their own
      const jobs = await planRuns(experiment, baseOf(experiment), await dataDigest(data));
      if (options.plan) await showPlan(out, jobs);
      else if (options.status) await showQueue(jobs, options);
      else await runAll(experiment, jobs, data, out, options);
    },
  );
}

async function runAll(
  experiment: Experiment,
  jobs: readonly ExperimentJob[],
  data: string,
  out: string,
  options: ExperimentCommandOptions,
): Promise<void> {
  const processes = processesOf(options.jobs);
  const threads = options.threads ?? String(Math.max(1, Math.floor(availableParallelism() / processes)));
  const { backend, mode, cache, rerunChanged = false } = options;
  const progress = new RunsProgress(jobs.length, options);
  // A second signal ends this process at once, and the others with it.
  const stop = stopSignal(() =>
    progress.print("stopping after the current steps; once more to stop at once"),
  );
  try {
    const { results, kept } = await runExperiment({
      experiment,
      jobs,
      outFolder: out,
      rerunChanged,
      runJobs: (waiting, onEvent) => {
        progress.begin(jobs.length - waiting.length);
        if (options.queue !== undefined) return onQueue(options.queue, out, stop.signal)(waiting, onEvent);
        return runInProcesses(waiting, {
          entry: ENTRY,
          processes,
          engine: { threads, ...(backend !== undefined && { backend }), ...(mode !== undefined && { mode }) },
          surroundings: {
            outFolder: out,
            dataFolder: data,
            decodeLimits: decodeLimits(options),
            ...(cache !== undefined && { cacheFolder: cache }),
          },
          signal: stop.signal,
          onEvent,
        });
      },
      onEvent: (event) => progress.take(event),
    });
    progress.stop();
    showEnd(results, kept, out, options.json === true);
    if (stop.signal.aborted) {
      progress.print("interrupted; the same command goes on from here");
      process.exitCode = 130;
    } else if (results.failed.length > 0) process.exitCode = 1;
  } finally {
    progress.stop();
    stop.release();
  }
}

/** What the runs do, as a line or as JSON. */
class RunsProgress {
  readonly #total: number;
  readonly #json: boolean;
  readonly #line: Progress;
  readonly #shares = new Map<string, number>();
  #ended = 0;

  constructor(total: number, { json = false, quiet = false }: ExperimentCommandOptions) {
    this.#total = total;
    this.#json = json;
    this.#line = new Progress(json || quiet);
  }

  begin(kept: number): void {
    this.#ended = kept;
    if (kept > 0) this.print(`${kept} of ${this.#total} runs have finished before`);
  }

  take(event: JobEvent): void {
    const { kind, job } = event;
    if (kind === "progress") this.#shares.set(job.name, event.share);
    else if (kind === "started") this.#shares.set(job.name, 0);
    else if (kind === "resumed") this.print(`${job.name}: goes on from the checkpoint of step ${event.step}`);
    else {
      this.#shares.delete(job.name);
      if (kind !== "interrupted") this.#ended++;
    }
    if (kind !== "progress" && kind !== "resumed" && this.#json)
      printLine({
        kind: "run",
        run: job.name,
        folder: job.folder,
        outcome: kind,
        ...(kind === "failed" && { message: event.message }),
      });
    if (kind === "failed") this.print(`${job.name}: failed: ${event.message}`);
    if (kind === "finished") this.print(`${job.name}: finished`);
    const running = [...this.#shares];
    const value = this.#ended + running.reduce((sum, [, share]) => sum + share, 0);
    const notes = running.map(([name, share]) => `${name} ${Math.floor(100 * share)} %`);
    const details = {
      unit: "runs",
      count: value,
      notes: [`${this.#ended} of ${this.#total} ended`, ...notes],
    };
    this.#line.update("experiment", value, this.#total, details);
  }

  print(text: string): void {
    this.#line.print(printable(text, true));
  }

  stop(): void {
    this.#line.stop();
  }
}

function showEnd(results: ExperimentResults, kept: number, out: string, json: boolean): void {
  const { failed, missing, folders } = results;
  if (json) printLine({ kind: "end", finished: folders.length, kept, failed, missing });
  else console.log(`${printable(resultsText(results), true)}\ntable: ${out}/results.txt, .csv, .json`);
}

async function showPlan(out: string, jobs: readonly ExperimentJob[]): Promise<void> {
  for (const { job, state } of await statesOf(out, jobs)) {
    const text = state.kind === "changed" ? `changed: ${state.reason}` : state.kind;
    console.log(printable(`${job.folder}: ${text}`, true));
  }
}

function processesOf(jobs: string | undefined): number {
  if (jobs === undefined) return Math.min(8, availableParallelism());
  const accepts = (n: number): boolean => Number.isInteger(n) && n >= 1 && n <= MOST_JOBS;
  return numberOption("--jobs", jobs, `a whole number from 1 to ${MOST_JOBS}`, accepts);
}

/** The settings that the experiment's file starts from. */
function baseOf({ base }: Experiment): unknown {
  if (base === null) return {};
  if ("config" in base) return parseConfig(readText(base.config), base.config);
  return PRESETS[base.preset as keyof typeof PRESETS];
}

function readText(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new ConfigError([`${file}: ${fileProblem(error)}`]);
  }
}

function printLine(record: object): void {
  console.log(JSON.stringify(record));
}
