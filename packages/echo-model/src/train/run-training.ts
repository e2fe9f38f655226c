// A whole training in a folder, for Node: data, steps, evaluations, checkpoints, log; resumed where it was killed.
//   OUT/config.json       the complete configuration
//   OUT/last.safetensors  model and everything needed to go on     OUT/best.safetensors  model with the best rate
//   OUT/log.jsonl, log.csv, events.out.tfevents.*                  OUT/summary.json      final figures
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { getBackend, withBackend } from "@echo-ts/tensor";
import { writeFileAtomic } from "@echo-ts/tensor/files";
import { nodeFiles } from "../data/node-files.ts";
import type { RowProblem } from "../data/utterance.ts";
import { CheckpointError } from "../errors.ts";
import { type Evaluation, evaluateModel, type OutputKind } from "../evaluate/evaluate-model.ts";
import type { Echo } from "../model/model.ts";
import type { EchoConfig } from "../settings/settings.ts";
import { diskCache } from "../speech/disk-cache.ts";
import { type Checkpoint, newModel, type TrainingProgress } from "./checkpoint.ts";
import { loadCheckpoint, saveCheckpoint } from "./checkpoint-files.ts";
import { prepareOutputFolder } from "./output-folder.ts";
import { type PreparationProgress, prepareTraining, type TrainingData } from "./prepare-data.ts";
import { RunLog } from "./run-log.ts";
import { type StepReport, Trainer } from "./trainer.ts";

/** What happens during a training, for progress lines. */
export type TrainingEvent =
  | ({ readonly kind: "preparation" } & PreparationProgress)
  | {
      readonly kind: "start";
      readonly step: number;
      readonly size: number;
      readonly parameters: number;
      readonly problems: readonly RowProblem[];
    }
  | { readonly kind: "step"; readonly report: StepReport; readonly progress: number }
  | {
      readonly kind: "evaluation";
      readonly step: number;
      readonly set: string;
      readonly evaluation: Evaluation;
    }
  | { readonly kind: "checkpoint"; readonly step: number; readonly path: string };

/** Settings of {@link runTraining}. */
export interface TrainingOptions {
  /** A complete configuration. */
  readonly config: EchoConfig;
  /** Folder of recordings and lists. */
  readonly dataFolder: string;
  /** Folder of the run; created when missing. */
  readonly outFolder: string;
  /** Go on from OUT/last.safetensors; from the beginning when there is none yet. Default false. */
  readonly resume?: boolean;
  /** Folder for features, default none: they are computed at every start. */
  readonly cacheFolder?: string;
  readonly onEvent?: (event: TrainingEvent) => void;
  /** Aborting it ends the training after the current step, with a checkpoint. While data is still being prepared, `runTraining`
   * throws the signal's reason instead. */
  readonly signal?: AbortSignal;
}

/** How a training ended. */
export interface TrainingSummary {
  readonly outcome: "finished" | "stopped early" | "interrupted";
  readonly steps: number;
  readonly epochs: number;
  /** Best error rate of the evaluations and its step; rate null when nothing was evaluated. */
  readonly best: { readonly rate: number | null; readonly step: number };
  /** Last evaluation of each set. */
  readonly evaluations: ReadonlyMap<string, Evaluation>;
  /** CPU seconds of the steps of this process, data included, evaluation not. */
  readonly cpuSeconds: number;
  readonly utterances: number;
}

/**
 * Trains a model on the current backend. In host memory the result depends on configuration, seed and data only: not on
 * threads, and not on whether the run was killed and resumed. On a GPU the steps are taken there and evaluations in host
 * memory, on the wasm backend: a step of decoding is too small to pay for the way.
 *
 * @throws ConfigError, DataError, TrainingError, CheckpointError (also when OUT holds another run), FileError.
 * @example
 * await runTraining({ config: resolveConfig(AN4_PRESET), dataFolder: "data/an4", outFolder: "runs/an4" });
 */
export async function runTraining(options: TrainingOptions): Promise<TrainingSummary> {
  const { config, outFolder, onEvent = () => {}, signal } = options;
  await prepareOutputFolder(outFolder);
  if (options.cacheFolder !== undefined) await prepareOutputFolder(options.cacheFolder, []);
  const lastPath = join(outFolder, "last.safetensors");
  const saved = await savedRun(lastPath, options);
  const data = await prepareTraining(nodeFiles(options.dataFolder), config, {
    tokenizer: saved?.tokenizer,
    ...(options.cacheFolder !== undefined && { cache: diskCache(options.cacheFolder) }),
    onProgress: (progress) => {
      signal?.throwIfAborted();
      onEvent({ kind: "preparation", ...progress });
    },
  });
  if (saved?.training && saved.training.dataDigest !== data.digest)
    throw new CheckpointError(
      `checkpoint: ${lastPath}: trained on other data (ids or texts differ); use another --out`,
    );
  const run = new Run(options, data, saved);
  await run.start();
  onEvent({
    kind: "start",
    step: run.trainer.steps,
    size: data.size,
    parameters: run.trainer.echo.parameterCount(),
    problems: data.problems,
  });
  while (run.trainer.progress < 1 && signal?.aborted !== true && !run.stoppedEarly) await run.step();
  return run.end(signal?.aborted === true && run.trainer.progress < 1);
}

/** The checkpoint to go on from, or null; refuses to overwrite a run, or to go on with other settings. */
async function savedRun(path: string, { resume, config }: TrainingOptions): Promise<Checkpoint | null> {
  const exists = await stat(path).then(
    () => true,
    () => false,
  );
  if (!exists) return null;
  if (!resume)
    throw new CheckpointError(`checkpoint: ${path} exists; go on with --resume or choose another --out`);
  const checkpoint = await loadCheckpoint(path);
  if (checkpoint.training === null)
    throw new CheckpointError(`checkpoint: ${path} holds no training state, it cannot be resumed`);
  if (JSON.stringify(checkpoint.config) !== JSON.stringify(config))
    throw new CheckpointError(
      `checkpoint: ${path} was made with other settings; resume with the same ones (see config.json beside it)`,
    );
  return checkpoint;
}

class Run {
  readonly trainer: Trainer;
  stoppedEarly = false;
  readonly #options: TrainingOptions;
  readonly #data: TrainingData;
  readonly #saved: Checkpoint | null;
  readonly #backend = getBackend();
  readonly #evaluations = new Map<string, Evaluation>();
  #best: TrainingProgress["best"] = { rate: null, step: 0, since: 0 };
  #evaluatedAt = -1;
  #log!: RunLog;
  #cpuSeconds = 0;
  #utterances = 0;

  constructor(options: TrainingOptions, data: TrainingData, saved: Checkpoint | null) {
    this.#options = options;
    this.#data = data;
    this.#saved = saved;
    const { config } = options;
    this.trainer = new Trainer(newModel(config, data.tokenizer), data.source, config, data.tokenizer.special);
  }

  get #onEvent(): (event: TrainingEvent) => void {
    return this.#options.onEvent ?? (() => {});
  }

  async start(): Promise<void> {
    const { outFolder, config } = this.#options;
    const training = this.#saved?.training ?? null;
    if (this.#saved !== null && training !== null) {
      this.trainer.echo.loadStateDict(this.#saved.weights, { source: "last.safetensors" });
      this.trainer.restore(training.trainer);
      this.#best = training.best;
    }
    this.#log = await RunLog.open(outFolder, training?.trainer.step ?? null);
    await writeText(join(outFolder, "config.json"), `${JSON.stringify(config, null, 2)}\n`);
  }

  async step(): Promise<void> {
    const { training } = this.#options.config;
    const begun = process.cpuUsage();
    const report = await this.trainer.step();
    const { user, system } = process.cpuUsage(begun);
    const cpu = (user + system) / 1e6;
    this.#cpuSeconds += cpu;
    this.#utterances += report.utterances;
    this.#log.add({ kind: "step", ...report, cpuSeconds: Math.round(cpu * 1000) / 1000 });
    this.#onEvent({ kind: "step", report, progress: this.trainer.progress });
    const done = this.trainer.progress >= 1;
    const due = (every: number): boolean => every > 0 && report.step % every === 0;
    if (!done && due(training.evaluateEvery)) await this.#evaluate(false);
    if (!done && due(training.checkpointEvery)) await this.#save();
    if (report.step % 20 === 0) await this.#log.flush();
  }

  get #onHost(): boolean {
    return this.#backend.host;
  }

  /** The model to evaluate: the one that is trained, or its copy in host memory. */
  async #evaluated(): Promise<Echo> {
    const { echo } = this.trainer;
    if (this.#onHost) return echo;
    const weights = await echo.stateDict();
    return withBackend("wasm", () => {
      const copy = newModel(this.#options.config, this.#data.tokenizer);
      copy.loadStateDict(weights);
      return copy;
    });
  }

  async #evaluate(final: boolean): Promise<void> {
    const { config, outFolder } = this.#options;
    const step = this.trainer.steps;
    const echo = await this.#evaluated();
    let errors = 0;
    let total = 0;
    for (const [set, examples] of this.#data.evaluation) {
      const kinds: OutputKind[] = final ? ["ctc", "free", "forced"] : ["ctc", "free"];
      const options = { kinds, zeroed: final, groups: final };
      const evaluation = await evaluateModel(echo, this.#data.tokenizer, examples, config, options);
      this.#evaluations.set(set, evaluation);
      this.#log.add({ kind: "evaluation", step, set, ...ratesOf(evaluation) });
      this.#onEvent({ kind: "evaluation", step, set, evaluation });
      const { words } = evaluation.scores.get(judgedKind(config))!;
      errors += words.errors;
      total += words.total;
    }
    await this.#log.flush();
    this.#evaluatedAt = step;
    if (total === 0) return;
    const rate = errors / total;
    if (this.#best.rate !== null && rate >= this.#best.rate) {
      this.#best = { ...this.#best, since: this.#best.since + 1 };
      const { patience } = config.training;
      if (!final && patience > 0 && this.#best.since >= patience) this.stoppedEarly = true;
      return;
    }
    this.#best = { rate, step, since: 0 };
    await saveCheckpoint(join(outFolder, "best.safetensors"), await this.#checkpoint(false));
  }

  async #checkpoint(withTraining: boolean): Promise<Checkpoint> {
    const { config } = this.#options;
    const { tokenizer, digest } = this.#data;
    const metrics: Record<string, unknown> = { step: this.trainer.steps };
    if (this.#evaluatedAt === this.trainer.steps)
      for (const [set, evaluation] of this.#evaluations) metrics[set] = ratesOf(evaluation);
    const progress = { trainer: await this.trainer.state(), best: this.#best, dataDigest: digest };
    return {
      config,
      tokenizer,
      metrics,
      weights: await this.trainer.echo.stateDict(),
      training: withTraining ? progress : null,
    };
  }

  async #save(): Promise<void> {
    const path = join(this.#options.outFolder, "last.safetensors");
    await this.#log.flush();
    await saveCheckpoint(path, await this.#checkpoint(true));
    this.#onEvent({ kind: "checkpoint", step: this.trainer.steps, path });
  }

  async end(interrupted: boolean): Promise<TrainingSummary> {
    if (!interrupted) await this.#evaluate(true);
    await this.#save();
    await this.#log.writeTable();
    const summary: TrainingSummary = {
      outcome: interrupted ? "interrupted" : this.stoppedEarly ? "stopped early" : "finished",
      steps: this.trainer.steps,
      epochs: this.trainer.source.epochs,
      best: { rate: this.#best.rate, step: this.#best.step },
      evaluations: this.#evaluations,
      cpuSeconds: this.#cpuSeconds,
      utterances: this.#utterances,
    };
    const figures = Object.fromEntries([...this.#evaluations].map(([set, found]) => [set, ratesOf(found)]));
    const text = JSON.stringify({ ...summary, evaluations: figures }, null, 2);
    await writeText(join(this.#options.outFolder, "summary.json"), `${text}\n`);
    return summary;
  }
}

/** Word and character error rates by kind, and those of silence: flat, for logs. */
export function ratesOf({ scores, zeroed }: Evaluation): Record<string, number> {
  const rates: Record<string, number> = {};
  for (const [kind, { words, characters }] of scores) {
    rates[kind] = words.rate;
    rates[`${kind}Cer`] = characters.rate;
  }
  for (const [kind, { rate }] of zeroed) rates[`${kind}Zeroed`] = rate;
  return rates;
}

/** The output that decides which checkpoint is best: the one that `decode.method` will use. */
function judgedKind({ model, decode }: EchoConfig): OutputKind {
  return model.ctcHead && decode.method.startsWith("ctc") ? "ctc" : "free";
}

async function writeText(path: string, text: string): Promise<void> {
  await writeFileAtomic(path, new TextEncoder().encode(text));
}
