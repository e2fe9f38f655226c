// From a data folder and a configuration to what a training needs: tokenizer, source of batches, sets to score.

import { checkOptions, type OptionKinds } from "@echo-ts/tensor/internal";
import { checkUtterances } from "../data/check-utterances.ts";
import type { FileAccess } from "../data/file-access.ts";
import {
  type DataSet,
  describeProblem,
  failOnProblems,
  listProblems,
  type RowProblem,
  type Utterance,
} from "../data/utterance.ts";
import { DataError } from "../errors.ts";
import type { EvaluationExample } from "../evaluate/evaluate-model.ts";
import { inputOf } from "../settings/resolve.ts";
import type { EchoConfig } from "../settings/settings.ts";
import type { FeatureCache } from "../speech/feature-cache.ts";
import { FeatureStore } from "../speech/feature-store.ts";
import { hopCount } from "../speech/features.ts";
import type { RecordingDecoder } from "../speech/recording.ts";
import { splitDigits } from "../study/digit-strings.ts";
import type { Tokenizer } from "../text/tokenizer.ts";
import { type BatchSource, isDecodable, PassBatches } from "./batches.ts";
import { buildTokenizer, normalizationOf } from "./build-tokenizer.ts";
import { type DataIdentity, identifyData } from "./data-identity.ts";
import { DigitBatches, digitRecordings } from "./digit-batches.ts";
import { evaluationExamples } from "./evaluation-examples.ts";
import { loadDataSet } from "./load-data-set.ts";

/** Strings of digits in each evaluation set. */
const DIGIT_STRINGS = 320;

/** What happens while data is prepared, for a progress line. */
export interface PreparationProgress {
  readonly what: "checking" | "features";
  readonly done: number;
  readonly total: number;
}

/** Settings of {@link prepareTraining} and {@link prepareEvaluation}. */
export interface PrepareOptions {
  readonly cache?: FeatureCache;
  /** Default `decodeRecording`, without limits of time. */
  readonly decoder?: RecordingDecoder;
  /** Bytes of features that are kept in memory where a cache has them too, default 1 GiB. */
  readonly featureMemoryBytes?: number;
  readonly onProgress?: (progress: PreparationProgress) => void;
}

/** Data of a training. */
export interface TrainingData {
  readonly tokenizer: Tokenizer;
  readonly source: BatchSource;
  /** Sets to score, by name. */
  readonly evaluation: ReadonlyMap<string, readonly EvaluationExample[]>;
  /** Rows that could not be used. */
  readonly problems: readonly RowProblem[];
  /** Utterances (digits: recordings) trained on. */
  readonly size: number;
  /** Hashes of what is trained on and scored. */
  readonly identity: DataIdentity;
  /** Longest utterance trained on, in seconds; a recogniser cuts longer recordings. */
  readonly longestSeconds?: number;
  /** What the user should know of the data, such as what was held out. */
  readonly notes: readonly string[];
}

const PREPARE_OPTIONS: OptionKinds<PrepareOptions> = {
  cache: "object",
  decoder: "function",
  featureMemoryBytes: "number",
  onProgress: "function",
};

/**
 * Reads, checks and prepares everything a training needs.
 *
 * @param options - `tokenizer`: of a checkpoint that is to be continued; made from the training texts otherwise.
 * @throws DataError when nothing is left to train on, or, with `data.badRows` "fail", for any bad row.
 */
export async function prepareTraining(
  files: FileAccess,
  config: EchoConfig,
  options: PrepareOptions & { readonly tokenizer?: Tokenizer | undefined } = {},
): Promise<TrainingData> {
  checkOptions("prepareTraining", options, { ...PREPARE_OPTIONS, tokenizer: "object" });
  const store = storeOf(files, config, options);
  const { format, trainSplit, evaluateSplit } = config.data;
  if (format === "digits") return prepareDigits(files, config, store, options);
  const train = await checked(files, config, trainSplit, options);
  if (train.utterances.length === 0) throw noRows("training", trainSplit, train.problems);
  const tokenizer = options.tokenizer ?? (await buildTokenizer(files, config, train.utterances));
  const { onProgress } = options;
  const total = train.utterances.length;
  const batches = { store, tokenizer, config, seed: config.training.seed };
  const problems = [...train.problems];
  const source = await PassBatches.prepare(
    train.utterances,
    batches,
    (done) => onProgress?.({ what: "features", done, total }),
    (problem) => problems.push(problem),
  );
  const heldOut = await checked(files, config, evaluateSplit, {});
  problems.push(...heldOut.problems);
  const scored: Utterance[] = [];
  const examples = await evaluationExamples(store, tokenizer, heldOut.utterances, config, problems, {
    onProgress: (done) => onProgress?.({ what: "features", done, total: heldOut.utterances.length }),
    onUsed: (utterance) => scored.push(utterance),
  });
  if (config.data.badRows === "fail") failOnProblems(distinct(problems));
  return {
    tokenizer,
    source,
    evaluation: new Map([[evaluateSplit, examples]]),
    problems: distinct(problems),
    size: source.utterances.length,
    identity: await identifyData(
      store,
      source.utterances,
      new Map([[evaluateSplit, scored]]),
      tokenizer.pronunciations,
    ),
    notes: train.note === undefined ? [] : [train.note],
    longestSeconds: ((source.longestFrames - 1) * config.audio.hopLength) / config.audio.sampleRate,
  };
}

/**
 * Reads and prepares the sets that a finished model is scored on.
 * @param options - `split`: of manifests and corpora, default `data.evaluateSplit`; "all" takes every row.
 */
export async function prepareEvaluation(
  files: FileAccess,
  config: EchoConfig,
  tokenizer: Tokenizer,
  options: PrepareOptions & { readonly split?: string } = {},
): Promise<Pick<TrainingData, "evaluation" | "problems">> {
  checkOptions("prepareEvaluation", options, { ...PREPARE_OPTIONS, split: "string" });
  const { split: named, ...rest } = options;
  if (config.data.format === "digits") return prepareTraining(files, config, { ...rest, tokenizer });
  const store = storeOf(files, config, options);
  const split = named ?? config.data.evaluateSplit;
  const { utterances, problems: refused } = await checked(files, config, split, options);
  const { onProgress } = options;
  const problems = [...refused];
  const examples = await evaluationExamples(store, tokenizer, utterances, config, problems, {
    onProgress: (done) => onProgress?.({ what: "features", done, total: utterances.length }),
  });
  if (config.data.badRows === "fail") failOnProblems(problems);
  if (examples.length === 0) throw noRows("evaluation", split, problems);
  return { evaluation: new Map([[split, examples]]), problems };
}

function storeOf(files: FileAccess, config: EchoConfig, options: PrepareOptions): FeatureStore {
  const { cache, decoder, featureMemoryBytes } = options;
  return new FeatureStore(files, inputOf(config), cache, decoder, featureMemoryBytes);
}

/** Each problem once: both splits of a manifest meet the lines that cannot be read, and the splits may overlap. */
function distinct(problems: readonly RowProblem[]): RowProblem[] {
  return [...new Map(problems.map((problem) => [describeProblem(problem), problem])).values()];
}

function noRows(what: string, split: string, problems: readonly RowProblem[]): DataError {
  const reasons = problems.length > 0 ? `:\n${listProblems(problems)}` : "";
  return new DataError(`${what}: no row of split ${JSON.stringify(split)} can be used${reasons}`);
}

async function prepareDigits(
  files: FileAccess,
  config: EchoConfig,
  store: FeatureStore,
  options: PrepareOptions & { readonly tokenizer?: Tokenizer | undefined },
): Promise<TrainingData> {
  const { utterances, problems } = await decodable(
    await checked(files, config, "all", options),
    store,
    config,
    options,
  );
  const { trainSpeakers, unseenSpeakers, heldOut } = config.digits;
  const all = digitRecordings(utterances);
  const splits = splitDigits(all, trainSpeakers, unseenSpeakers, heldOut);
  const fileOf = new Map(all.map(({ id, file }) => [id, file]));
  const withFiles = (clips: typeof splits.train) =>
    clips.map((clip) => ({ ...clip, file: fileOf.get(clip.id)! }));
  const tokenizer = options.tokenizer ?? (await buildTokenizer(files, config, utterances));
  const batches = { store, tokenizer, config, seed: config.training.seed };
  const source = new DigitBatches(withFiles(splits.train), batches);
  const evaluation = new Map<string, readonly EvaluationExample[]>();
  for (const name of ["seen", "unseen"] as const) {
    if (splits[name].length === 0) continue;
    const strings = new DigitBatches(withFiles(splits[name]), batches);
    evaluation.set(name, await strings.fixedSet(name, source.lastStage, DIGIT_STRINGS));
  }
  const trained = new Set(splits.train.map(({ id }) => id));
  const size = splits.train.length;
  const parts = { seen: splits.seen, unseen: splits.unseen };
  const sets = new Map(
    Object.entries(parts).map(([name, clips]) => {
      const ids = new Set(clips.map(({ id }) => id));
      return [name, utterances.filter(({ id }) => ids.has(id))];
    }),
  );
  const identity = await identifyData(
    store,
    utterances.filter(({ id }) => trained.has(id)),
    sets,
    tokenizer.pronunciations,
  );
  return { tokenizer, source, evaluation, problems, size, identity, notes: [] };
}

/** Decodes all digits, which stay in memory: a recording that is damaged is found now, not in the middle of the run. */
async function decodable(
  { utterances, problems: earlier }: DataSet,
  store: FeatureStore,
  config: EchoConfig,
  { onProgress }: PrepareOptions,
): Promise<DataSet> {
  const problems = [...earlier];
  const usable: Utterance[] = [];
  for (const [i, utterance] of utterances.entries()) {
    const compute = async (): Promise<number> =>
      hopCount((await store.wholePiece(utterance)).wave.length, config.audio.hopLength);
    if (await isDecodable(utterance, compute, config, (problem) => problems.push(problem)))
      usable.push(utterance);
    onProgress?.({ what: "features", done: i + 1, total: utterances.length });
  }
  if (config.data.badRows === "fail") failOnProblems(problems);
  return { utterances: usable, problems };
}

async function checked(
  files: FileAccess,
  config: EchoConfig,
  split: string,
  { onProgress }: PrepareOptions,
): Promise<DataSet> {
  const { format, file, badRows, minSeconds, maxSeconds, maxCharacters } = config.data;
  const { holdOut: share, trainSplit: train, evaluateSplit: evaluate } = config.data;
  const read = await loadDataSet(files, {
    format: format,
    file,
    ...(split !== "all" && { split }),
    ...(share > 0 && { holdOut: { share, train, evaluate } }),
  });
  if (badRows === "fail") failOnProblems(read.problems);
  const found = await checkUtterances(read, files, {
    minSeconds,
    maxSeconds,
    maxCharacters,
    badRows: badRows,
    normalization: normalizationOf(config),
    onProgress: (done, total) => onProgress?.({ what: "checking", done, total }),
  });
  return read.note === undefined ? found : { ...found, note: read.note };
}
