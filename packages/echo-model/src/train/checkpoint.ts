// A checkpoint is one safetensors file: weights under PyTorch's names; configuration, tokenizer and, for a
// training that is to go on, its state in the metadata; a SHA-256 over every byte. One file, so that writing it
// is one atomic step. Files by path are in checkpoint-files.ts.
import type { OptimizerState } from "@echo-ts/autograd";
import { type ArrayRecord, FormatError, readSafetensors, writeSafetensors } from "@echo-ts/tensor";
import { checkOptions } from "@echo-ts/tensor/internal";
import { CheckpointError } from "../errors.ts";
import type { Echo } from "../model/model.ts";
import { buildEcho } from "../reference/build-echo.ts";
import { resolveConfig } from "../settings/resolve.ts";
import type { EchoConfig } from "../settings/settings.ts";
import { contentHash } from "../speech/feature-cache.ts";
import type { Recognizer } from "../speech/recognize-stretch.ts";
import { restoreTokenizer } from "../text/restore-tokenizer.ts";
import type { Tokenizer } from "../text/tokenizer.ts";
import { checkCheckpointSize } from "./checkpoint-size.ts";
import type { RunIdentity } from "./run-identity.ts";
import type { TrainerState } from "./trainer.ts";

/** What a training remembers beside the model. */
export interface TrainingProgress {
  readonly trainer: TrainerState;
  /** Best error rate so far, its step, and evaluations since without a better one. */
  readonly best: { readonly rate: number | null; readonly step: number; readonly since: number };
  /** SHA-256 of the ids and texts trained on; all that checkpoints of before say of their data. */
  readonly dataDigest: string;
  /** What the run depends on beside its settings; a resumed training must have the same. Not in checkpoints of before. */
  readonly identity?: RunIdentity;
  /** How the run has ended; not there while it goes on. */
  readonly ended?: { readonly outcome: "finished" | "stopped early"; readonly epochs: number };
}

/** The contents of a checkpoint. */
export interface Checkpoint {
  readonly config: EchoConfig;
  readonly tokenizer: Tokenizer;
  /** Name -> array, as `Module.stateDict` gives them. */
  readonly weights: ReadonlyMap<string, ArrayRecord>;
  /** Null in checkpoints that are only for use. */
  readonly training: TrainingProgress | null;
  /** Figures worth keeping with the weights, such as `{ step: 500, wer: 0.154 }`. */
  readonly metrics: Readonly<Record<string, unknown>>;
}

const VERSION = "1";
const OPTIMIZER = "optimizer.";
const NO_HASH = "0".repeat(64);
const HASH_KEY = "echo.sha256";

/**
 * Bytes of a checkpoint; equal contents give equal bytes.
 * @param options.half - store the weights as float16, at half the size; default false.
 */
export async function encodeCheckpoint(
  { config, tokenizer, weights, training, metrics }: Checkpoint,
  options: { readonly half?: boolean } = {},
): Promise<Uint8Array<ArrayBuffer>> {
  checkOptions("encodeCheckpoint", options, { half: "boolean" });
  const arrays = new Map<string, ArrayRecord>();
  for (const [name, record] of weights)
    arrays.set(name, options.half && record.dtype === "float32" ? { ...record, dtype: "float16" } : record);
  const metadata: Record<string, string> = {
    format: "pt",
    "echo.version": VERSION,
    "echo.config": JSON.stringify(config),
    "echo.tokenizer": JSON.stringify(tokenizer.toJSON()),
    "echo.metrics": JSON.stringify(metrics),
    [HASH_KEY]: NO_HASH,
  };
  if (training !== null) {
    const { arrays: moments, ...optimizer } = training.trainer.optimizer;
    for (const [name, record] of moments) arrays.set(OPTIMIZER + name, record);
    const trainer = { ...training.trainer, optimizer };
    metadata["echo.training"] = JSON.stringify({ ...training, trainer });
  }
  const bytes = writeSafetensors(arrays, { metadata });
  const hash = await contentHash(bytes);
  bytes.set(new TextEncoder().encode(hash), hashPlace(bytes));
  return bytes;
}

/**
 * Reads a checkpoint back.
 * @param source - the file's name, for messages.
 * @throws CheckpointError naming the file when it is damaged (its checksum differs), no checkpoint of ours, or of
 * another version.
 */
export async function decodeCheckpoint(bytes: Uint8Array, source: string): Promise<Checkpoint> {
  const refuse = (reason: string, cause?: unknown): never => {
    throw new CheckpointError(`checkpoint: ${source}: ${reason}`, { cause });
  };
  let content: ReturnType<typeof readSafetensors>;
  try {
    content = readSafetensors(bytes, { source });
  } catch (error) {
    if (error instanceof FormatError) return refuse(`damaged: ${error.message}`, error);
    throw error;
  }
  const { metadata, tensors } = content;
  const stored = metadata.get(HASH_KEY);
  const place = hashPlace(bytes);
  if (stored === undefined || place < 0)
    return refuse("no Echo checkpoint (its metadata has no echo.sha256); echo-asr train writes one");
  const blank = new Uint8Array(bytes);
  blank.set(new TextEncoder().encode(NO_HASH), place);
  const found = await contentHash(blank);
  if (found !== stored)
    refuse(`damaged: its SHA-256 is ${found.slice(0, 12)}..., expected ${stored.slice(0, 12)}...`);
  const version = metadata.get("echo.version");
  if (version !== VERSION) refuse(`version ${version}, expected ${VERSION}`);
  try {
    return parts(metadata, tensors);
  } catch (error) {
    return refuse(error instanceof Error ? error.message : String(error), error);
  }
}

function parts(metadata: ReadonlyMap<string, string>, tensors: ReadonlyMap<string, ArrayRecord>): Checkpoint {
  const json = (key: string): unknown => {
    const text = metadata.get(key);
    if (text === undefined) throw new Error(`its metadata has no ${key}`);
    return JSON.parse(text);
  };
  const weights = new Map<string, ArrayRecord>();
  const moments = new Map<string, ArrayRecord>();
  for (const [name, record] of tensors) {
    if (name.startsWith(OPTIMIZER)) moments.set(name.slice(OPTIMIZER.length), record);
    else weights.set(name, record);
  }
  let training: TrainingProgress | null = null;
  if (metadata.has("echo.training")) {
    const saved = json("echo.training") as TrainingProgress;
    const optimizer: OptimizerState = { ...saved.trainer.optimizer, arrays: moments };
    training = { ...saved, trainer: { ...saved.trainer, optimizer } };
  }
  const config = resolveConfig(json("echo.config"));
  const tokenizer = restoreTokenizer(json("echo.tokenizer"));
  checkCheckpointSize(config, tokenizer.vocabSize, weights);
  return {
    config,
    tokenizer,
    metrics: json("echo.metrics") as Record<string, unknown>,
    weights,
    training,
  };
}

/** Offset of the 64 digits of the checksum, -1 when there are none; the writer puts metadata first. */
function hashPlace(bytes: Uint8Array): number {
  const key = new TextEncoder().encode(`"${HASH_KEY}":"`);
  const length = new DataView(bytes.buffer, bytes.byteOffset, 8).getUint32(0, true);
  const end = Math.min(bytes.length, 8 + length) - key.length - NO_HASH.length;
  for (let at = 8; at <= end; at++) {
    let k = 0;
    while (k < key.length && bytes[at + k] === key[k]) k++;
    if (k === key.length) return at + k;
  }
  return -1;
}

/** A model with the weights of a checkpoint, ready for use (`eval`). Throws Error naming weights that do not fit. */
export function restoreModel({ config, weights, tokenizer }: Checkpoint): Echo {
  const echo = newModel(config, tokenizer);
  echo.loadStateDict(weights, { source: "checkpoint" });
  return echo.eval();
}

/**
 * What `transcribe` needs, of a checkpoint: the model, and what training and calibration noted in its figures.
 * @throws Error naming weights that do not fit
 * @example (await transcribe(recognizerOf(await loadCheckpoint(path)), wave)).text
 */
export function recognizerOf(checkpoint: Checkpoint): Recognizer {
  const { tokenizer, config, metrics } = checkpoint;
  const { longestSeconds, calibration } = metrics as Partial<Recognizer>;
  return {
    echo: restoreModel(checkpoint),
    tokenizer,
    config,
    ...(isPositive(longestSeconds) && { longestSeconds }),
    ...(Number.isFinite(calibration?.slope) &&
      Number.isFinite(calibration?.offset) && { calibration: calibration! }),
  };
}

function isPositive(value: unknown): value is number {
  return typeof value === "number" && value > 0 && Number.isFinite(value);
}

/** A fresh model for a configuration and a tokenizer; `training.seed` draws its weights. */
export function newModel(config: EchoConfig, tokenizer: Tokenizer): Echo {
  const vocabSize = config.model.vocabSize || tokenizer.vocabSize;
  const phones = config.model.phones || (tokenizer.pronunciations?.phones.length ?? 0);
  const model = { ...config.model, vocabSize, phones };
  return buildEcho(model, config.audio, { seed: config.training.seed });
}
