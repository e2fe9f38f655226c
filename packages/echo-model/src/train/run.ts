// A training that runs: steps, evaluations, checkpoints, log. Everything it has to say of itself goes to the listener.
// Read first: run-folder.ts, run-log.ts. Read next: run-training.ts, which begins and ends it.
import { join } from "node:path";
import { setImmediate as turnOfTheLoop } from "node:timers/promises";
import { getBackend, withBackend } from "@echo-ts/tensor";
import { writeFileAtomic } from "@echo-ts/tensor/files";
import { type Evaluation, evaluateModel, type OutputKind } from "../evaluate/evaluate-model.ts";
import type { Echo } from "../model/model.ts";
import type { EchoConfig } from "../settings/settings.ts";
import { type Checkpoint, newModel, type TrainingProgress } from "./checkpoint.ts";
import { saveCheckpoint } from "./checkpoint-files.ts";
import { GradientWatch } from "./gradient-watch.ts";
import { startFrom } from "./initial-weights.ts";
import type { TrainingData } from "./prepare-data.ts";
import { replaceLast, type SavedRun } from "./run-folder.ts";
import type { RunIdentity } from "./run-identity.ts";
import { RunLog } from "./run-log.ts";
import { Trainer } from "./trainer.ts";
import type { TrainingEvent, TrainingSummary } from "./training-events.ts";

/** What a {@link Run} is made from. */
export interface RunParts {
  readonly config: EchoConfig;
  readonly outFolder: string;
  readonly onEvent: (event: TrainingEvent) => void;
  readonly data: TrainingData;
  readonly saved: SavedRun | null;
  readonly identity: RunIdentity;
  /** Log gradients by block now and then; default false. */
  readonly diagnostics?: boolean;
  /** Where the weights of a run without checkpoint come from; default drawn by the seed. */
  readonly init?: { readonly checkpoint: Checkpoint; readonly source: string };
}

/** One training, from its first step in this process to its last. */
export class Run {
  readonly trainer: Trainer;
  readonly #parts: RunParts;
  readonly #backend = getBackend();
  readonly #evaluations = new Map<string, Evaluation>();
  #best: TrainingProgress["best"] = { rate: null, step: 0, since: 0 };
  #evaluatedAt = -1;
  /** Step of last.safetensors, null before there is one. */
  #savedAt: number | null = null;
  #log!: RunLog;
  #cpuSeconds = 0;
  #utterances = 0;
  #inStep = false;
  #watch: GradientWatch | null = null;

  constructor(parts: RunParts) {
    this.#parts = parts;
    const { config, data } = parts;
    this.trainer = new Trainer(newModel(config, data.tokenizer), data.source, config, data.tokenizer.special);
    if (parts.diagnostics === true && this.#onHost) this.#watch = new GradientWatch(this.trainer);
  }

  /** The step that is being computed, or the last one. */
  get step(): number {
    return this.trainer.steps + (this.#inStep ? 1 : 0);
  }

  /** Whether `patience` evaluations have passed without a better one. It follows from what a checkpoint holds. */
  get #stoppedEarly(): boolean {
    const { patience } = this.#parts.config.training;
    return patience > 0 && this.#best.since >= patience;
  }

  /** Whether there are no more steps to take. */
  get done(): boolean {
    return this.trainer.progress >= 1 || this.#stoppedEarly;
  }

  /** @param changes - what differs from the process that wrote the checkpoint, for the log. */
  async start(changes: readonly string[]): Promise<void> {
    const { outFolder, config, saved, identity, onEvent, init, data } = this.#parts;
    const told = (text: string): void => onEvent({ kind: "note", text });
    let initial: object = {};
    if (saved === null && init !== undefined) {
      const { echo } = this.trainer;
      const { tokens, known } = await startFrom(echo, data.tokenizer, config, init.checkpoint, init.source);
      told(`weights of ${init.source}; it knows ${known} of the ${tokens} tokens`);
      initial = { init: init.source, tokens, known };
    }
    if (saved !== null) {
      this.trainer.echo.loadStateDict(saved.weights, { source: "last.safetensors" });
      this.trainer.restore(saved.training.trainer);
      this.#best = saved.training.best;
      this.#savedAt = this.trainer.steps;
    }
    this.#log = await RunLog.open(outFolder, saved?.training.trainer.step ?? null, told);
    const { data: _, ...computing } = identity;
    const node = process.version;
    this.#log.add({ kind: "start", step: this.trainer.steps, ...computing, node, changes, ...initial });
    await writeText(join(outFolder, "config.json"), `${JSON.stringify(config, null, 2)}\n`);
    // From now on there is a checkpoint to go on from: best.safetensors is never without one.
    if (saved === null || changes.length > 0) await this.#save();
  }

  /** One step, and the evaluation and the checkpoint that are due after it. */
  async takeStep(): Promise<void> {
    const { config, onEvent } = this.#parts;
    const { training } = config;
    const begun = process.cpuUsage();
    this.#inStep = true;
    const report = await this.trainer.step();
    this.#inStep = false;
    const { user, system } = process.cpuUsage(begun);
    const cpu = (user + system) / 1e6;
    this.#cpuSeconds += cpu;
    this.#utterances += report.utterances;
    const seen = this.#watch?.take(report.step) ?? null;
    if (seen !== null) this.#log.add({ kind: "diagnostics", ...seen });
    this.#log.add({ kind: "step", ...report, cpuSeconds: Math.round(cpu * 1000) / 1000 });
    onEvent({ kind: "step", report, progress: this.trainer.progress });
    const done = this.trainer.progress >= 1;
    const due = (every: number): boolean => every > 0 && report.step % every === 0;
    if (!done && due(training.evaluateEvery)) await this.#evaluate(false);
    if (!done && due(training.checkpointEvery)) await this.#saveAndTell();
    if (report.step % 20 === 0) await this.#log.flush();
    // Signals and timers of the caller get their turn, and the memory of tensors that were let go comes back.
    await turnOfTheLoop();
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
      const copy = newModel(this.#parts.config, this.#parts.data.tokenizer);
      copy.loadStateDict(weights);
      return copy;
    });
  }

  async #evaluate(final: boolean): Promise<void> {
    const { config, outFolder, data, onEvent } = this.#parts;
    const step = this.trainer.steps;
    const echo = await this.#evaluated();
    let errors = 0;
    let total = 0;
    for (const [set, examples] of data.evaluation) {
      const kinds: OutputKind[] = final ? ["ctc", "free", "forced"] : ["ctc", "free"];
      const options = { kinds, zeroed: final, groups: final, onProgress: () => turnOfTheLoop() };
      const evaluation = await evaluateModel(echo, data.tokenizer, examples, config, options);
      this.#evaluations.set(set, evaluation);
      this.#log.add({ kind: "evaluation", step, set, ...(final && { final }), ...ratesOf(evaluation) });
      onEvent({ kind: "evaluation", step, set, evaluation });
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
      return;
    }
    this.#best = { rate, step, since: 0 };
    const { training: _, ...checkpoint } = await this.#checkpoint();
    await saveCheckpoint(join(outFolder, "best.safetensors"), { ...checkpoint, training: null });
  }

  async #checkpoint(ended?: TrainingProgress["ended"]): Promise<SavedRun> {
    const { config, data, identity } = this.#parts;
    const metrics: Record<string, unknown> = { step: this.trainer.steps };
    if (data.longestSeconds !== undefined) metrics.longestSeconds = data.longestSeconds;
    if (this.#evaluatedAt === this.trainer.steps)
      for (const [set, evaluation] of this.#evaluations) metrics[set] = ratesOf(evaluation);
    const trainer = await this.trainer.state();
    const dataDigest = identity.data.texts;
    return {
      config,
      tokenizer: data.tokenizer,
      metrics,
      weights: await this.trainer.echo.stateDict(),
      training: { trainer, best: this.#best, dataDigest, identity, ...(ended !== undefined && { ended }) },
    };
  }

  async #save(ended?: TrainingProgress["ended"]): Promise<string> {
    const { config, outFolder } = this.#parts;
    await this.#log.flush();
    const checkpoint = await this.#checkpoint(ended);
    const path = await replaceLast(outFolder, checkpoint, this.#savedAt, config.training.keepCheckpoints);
    this.#savedAt = this.trainer.steps;
    return path;
  }

  async #saveAndTell(ended?: TrainingProgress["ended"]): Promise<void> {
    const path = await this.#save(ended);
    this.#parts.onEvent({ kind: "checkpoint", step: this.trainer.steps, path });
  }

  /** Evaluates (unless interrupted), writes table and summary, and last of all the checkpoint that says it has ended. */
  async end(interrupted: boolean): Promise<TrainingSummary> {
    const { outFolder } = this.#parts;
    if (!interrupted) await this.#evaluate(true);
    const outcome = this.trainer.progress < 1 ? "stopped early" : "finished";
    const { epochs } = this.trainer.source;
    const summary: TrainingSummary = {
      outcome: interrupted ? "interrupted" : outcome,
      steps: this.trainer.steps,
      epochs,
      best: { rate: this.#best.rate, step: this.#best.step },
      evaluations: this.#evaluations,
      cpuSeconds: this.#cpuSeconds,
      utterances: this.#utterances,
      hadEnded: false,
    };
    await this.#log.writeTable();
    const figures = Object.fromEntries([...this.#evaluations].map(([set, found]) => [set, ratesOf(found)]));
    const { hadEnded: _, ...written } = summary;
    const text = JSON.stringify({ ...written, evaluations: figures }, null, 2);
    await writeText(join(outFolder, "summary.json"), `${text}\n`);
    if (!interrupted) await this.#saveAndTell({ outcome, epochs });
    else if (this.#savedAt !== this.trainer.steps) await this.#saveAndTell();
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
