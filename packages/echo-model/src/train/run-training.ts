// A whole training in a folder, for Node: data, steps, evaluations, checkpoints, log; resumed where it was killed.
//   OUT/config.json       the complete configuration
//   OUT/last.safetensors  model and everything needed to go on     OUT/best.safetensors  model with the best rate
//   OUT/step-N.safetensors  the checkpoints before the last        OUT/summary.json      final figures
//   OUT/log.jsonl, log.csv, events.out.tfevents.*                  OUT/run.lock          which process writes there
// Read first: run.ts (the steps), run-folder.ts, run-lock.ts, run-identity.ts.
import { checkOptions, type OptionKinds } from "@echo-ts/tensor/internal";
import { nodeFiles } from "../data/node-files.ts";
import type { EchoConfig } from "../settings/settings.ts";
import { type DecodeLimits, limitedDecoder } from "../speech/decode-process.ts";
import { diskCache } from "../speech/disk-cache.ts";
import type { Tokenizer } from "../text/tokenizer.ts";
import type { Checkpoint } from "./checkpoint.ts";
import { prepareOutputFolder } from "./output-folder.ts";
import { prepareTraining } from "./prepare-data.ts";
import { Run } from "./run.ts";
import { checkBest, removeLeftovers, type SavedRun, savedRun } from "./run-folder.ts";
import { changesSince, currentIdentity, refuseChanges } from "./run-identity.ts";
import { lockRun } from "./run-lock.ts";
import type { TrainingEvent, TrainingSummary } from "./training-events.ts";

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
  /** Go on although data, backend, arithmetic or version of this package are not those of the checkpoint. Default false. */
  readonly acceptChanges?: boolean;
  /** Folder for features, default none: they are computed at every start. */
  readonly cacheFolder?: string;
  /** What decoding one recording may take in time and memory. */
  readonly decodeLimits?: DecodeLimits;
  /** Log gradients by block in the first ten steps and in ten of every fifty, default false; not on a GPU. Changes no bit. */
  readonly diagnostics?: boolean;
  /** A checkpoint that a new run takes its first weights from, with its path for messages; default none. */
  readonly init?: { readonly checkpoint: Checkpoint; readonly source: string };
  readonly onEvent?: (event: TrainingEvent) => void;
  /** Aborting it ends the training after the current step, with a checkpoint. While data is still being prepared, `runTraining`
   * throws the signal's reason instead. */
  readonly signal?: AbortSignal;
}

const TRAINING_OPTIONS: OptionKinds<TrainingOptions> = {
  config: "object",
  dataFolder: "string",
  outFolder: "string",
  resume: "boolean",
  acceptChanges: "boolean",
  cacheFolder: "string",
  decodeLimits: "object",
  diagnostics: "boolean",
  init: "object",
  onEvent: "function",
  signal: "object",
};

/**
 * Trains a model on the current backend. In host memory the result depends on configuration, seed and data only: not on
 * threads, and not on whether the run was killed and resumed. On a GPU the steps are taken there and evaluations in host
 * memory, on the wasm backend: a step of decoding is too small to pay for the way.
 *
 * A run that has ended stays as it is: resuming it computes and writes nothing.
 *
 * @throws ConfigError, DataError (also when another process trains into OUT), TrainingError, CheckpointError (also when OUT
 *   holds another run, or the data, the backend, its arithmetic or the version of this package have changed), FileError.
 * @example
 * await runTraining({ config: resolveConfig(AN4_PRESET), dataFolder: "data/an4", outFolder: "runs/an4" });
 */
export async function runTraining(options: TrainingOptions): Promise<TrainingSummary> {
  checkOptions("runTraining", options, TRAINING_OPTIONS);
  const { outFolder, cacheFolder } = options;
  await prepareOutputFolder(outFolder);
  if (cacheFolder !== undefined) await prepareOutputFolder(cacheFolder, []);
  const lock = await lockRun(outFolder);
  try {
    await removeLeftovers(outFolder);
    return await train(options);
  } finally {
    await lock.release();
  }
}

async function train(options: TrainingOptions): Promise<TrainingSummary> {
  const { config, outFolder, cacheFolder, onEvent = () => {}, signal } = options;
  const saved = await savedRun(outFolder, config, options.resume === true);
  if (saved?.training.ended !== undefined) return endedBefore(saved);
  const bestIsMissing = saved === null ? null : await checkBest(outFolder, saved.training);
  if (bestIsMissing !== null) onEvent({ kind: "note", text: bestIsMissing });
  let run: Run | null = null;
  const onAbort = (): void => onEvent({ kind: "stopping", step: run?.step ?? 0 });
  signal?.addEventListener("abort", onAbort);
  try {
    const data = await prepareTraining(nodeFiles(options.dataFolder), config, {
      tokenizer: saved?.tokenizer ?? inherited(options),
      decoder: limitedDecoder(options.decodeLimits),
      ...(cacheFolder !== undefined && { cache: diskCache(cacheFolder) }),
      onProgress: (progress) => {
        signal?.throwIfAborted();
        onEvent({ kind: "preparation", ...progress });
      },
    });
    const identity = currentIdentity(data.identity);
    const changes = saved === null ? [] : changesSince(saved.training, identity);
    if (options.acceptChanges !== true) refuseChanges(outFolder, changes);
    for (const text of changes) onEvent({ kind: "note", text });
    const diagnostics = options.diagnostics === true;
    for (const text of data.notes) onEvent({ kind: "note", text });
    const { init } = options;
    const parts = { config, outFolder, onEvent, data, saved, identity, diagnostics };
    run = new Run({ ...parts, ...(init !== undefined && { init }) });
    await run.start(changes);
    onEvent({
      kind: "start",
      step: run.trainer.steps,
      size: data.size,
      parameters: run.trainer.echo.parameterCount(),
      problems: data.problems,
    });
    while (!run.done && signal?.aborted !== true) await run.takeStep();
    return await run.end(signal?.aborted === true && run.trainer.progress < 1);
  } finally {
    signal?.removeEventListener("abort", onAbort);
  }
}

/** Pieces of words come from the checkpoint to start from; words and characters from the training's own texts. */
function inherited({ config, init }: TrainingOptions): Tokenizer | undefined {
  const tokenizer = init?.checkpoint.tokenizer;
  return config.text.tokenizer === "bpe" && tokenizer?.kind === "bpe" ? tokenizer : undefined;
}

function endedBefore({ training }: SavedRun): TrainingSummary {
  const { trainer, best, ended } = training;
  return {
    outcome: ended!.outcome,
    steps: trainer.step,
    epochs: ended!.epochs,
    best: { rate: best.rate, step: best.step },
    evaluations: new Map(),
    cpuSeconds: 0,
    utterances: 0,
    hadEnded: true,
  };
}
