// Trustworthy error rates of a model on a set: free-running, CTC and teacher-forced, with the audio-zeroed control
// beside them, intervals, and groups of speakers. Read first: ../text/error-rates.ts, decode-batches.ts.
import { stream } from "@echo-ts/tensor";
import { checkOptions, type OptionKinds } from "@echo-ts/tensor/internal";
import type { TextScorer } from "../language/text-scorer.ts";
import type { Echo } from "../model/model.ts";
import { type InputSettings, inputOf } from "../settings/resolve.ts";
import type { EchoConfig } from "../settings/settings.ts";
import { extractFeatures } from "../speech/features.ts";
import { derivedFeatures, readFeatures, type StoredFeatures } from "../speech/stored-features.ts";
import { bootstrapRate, type Interval } from "../study/bootstrap.ts";
import {
  type ErrorRate,
  pitchRange,
  scoreCorpus,
  scoreGroups,
  scoreText,
  type TextScore,
} from "../text/error-rates.ts";
import type { Tokenizer } from "../text/tokenizer.ts";
import { type DecodableExample, type DecodedTexts, decodeBatches } from "./decode-batches.ts";

/** An utterance to score, with what it can be grouped by. */
export interface EvaluationExample extends DecodableExample {
  readonly speaker?: string | undefined;
  readonly sex?: string | undefined;
}

/** The ways to read a model's output; `ctc`, `free` and `search` (`decode.method`) are recognition, `forced` is not. */
export type OutputKind = "ctc" | "free" | "search" | "forced";

/** Figures of one kind of output. */
export interface OutputScore extends TextScore {
  /** Interval of the word error rate: utterances resampled. */
  readonly interval: Interval;
  /** Word error rates by speaker, sex and pitch range; empty unless asked for. */
  readonly groups: Readonly<Record<"speaker" | "sex" | "pitch", ReadonlyMap<string, ErrorRate>>>;
}

/** Figures of a model on a set. */
export interface Evaluation {
  readonly utterances: number;
  readonly scores: ReadonlyMap<OutputKind, OutputScore>;
  /** Word error rates when every recording is replaced by digital silence; empty unless asked for. */
  readonly zeroed: ReadonlyMap<OutputKind, ErrorRate>;
  /** Texts of each utterance. */
  readonly texts: readonly (DecodedTexts & { readonly id: string; readonly reference: string })[];
}

/** Settings of {@link evaluateModel}. */
export interface EvaluationOptions {
  /** Default ctc, free and forced; "ctc" is left out without a CTC head. */
  readonly kinds?: readonly OutputKind[];
  /** Takes part in the search of kind "search"; `withLanguage` makes one. */
  readonly scorer?: TextScorer;
  /** Score silence too, default false. */
  readonly zeroed?: boolean;
  /** Group by speaker, sex and pitch, default false. */
  readonly groups?: boolean;
  /** Called after each batch and awaited: it may let the event loop turn. */
  readonly onProgress?: (done: number, total: number) => void | Promise<void>;
}

const EVALUATION_OPTIONS: OptionKinds<EvaluationOptions> = {
  kinds: "array",
  scorer: "object",
  zeroed: "boolean",
  groups: "boolean",
  onProgress: "function",
};

/**
 * Scores a model. Texts are compared as the tokenizer normalises them; words outside its vocabulary stay in the
 * reference and count as errors.
 */
export async function evaluateModel(
  echo: Echo,
  tokenizer: Tokenizer,
  examples: readonly EvaluationExample[],
  config: EchoConfig,
  options: EvaluationOptions = {},
): Promise<Evaluation> {
  checkOptions("evaluateModel", options, EVALUATION_OPTIONS);
  const wanted = options.kinds ?? ["ctc", "free", "forced"];
  const kinds = wanted.filter((kind) => kind !== "ctc" || echo.ctcHead !== null);
  const input = inputOf(config);
  const choice = {
    ctc: kinds.includes("ctc"),
    free: kinds.includes("free"),
    forced: kinds.includes("forced"),
    maxTokens: config.decode.maxTokens,
    search: kinds.includes("search")
      ? { config, ...(options.scorer !== undefined && { scorer: options.scorer }) }
      : null,
  };
  const total = examples.length * (options.zeroed ? 2 : 1);
  const decode = (list: readonly DecodableExample[], before: number): Promise<DecodedTexts[]> =>
    decodeBatches(echo, tokenizer, list, input, choice, (done) => options.onProgress?.(before + done, total));
  const decoded = await decode(examples, 0);
  const scores = new Map<OutputKind, OutputScore>();
  const groups = options.groups ? await groupsOf(examples) : null;
  for (const kind of kinds) scores.set(kind, scoreKind(examples, decoded, kind, groups));
  const zeroed = new Map<OutputKind, ErrorRate>();
  if (options.zeroed) {
    const silence = await decode(
      examples.map((example) => silenced(example, input)),
      examples.length,
    );
    for (const kind of kinds) zeroed.set(kind, scoreCorpus(pairs(examples, silence, kind)).words);
  }
  return {
    utterances: examples.length,
    scores,
    zeroed,
    texts: examples.map(({ id, text }, i) => ({ id, reference: text, ...decoded[i]! })),
  };
}

function pairs(
  examples: readonly DecodableExample[],
  decoded: readonly DecodedTexts[],
  kind: OutputKind,
): { reference: string; hypothesis: string }[] {
  return examples.map(({ text }, i) => ({ reference: text, hypothesis: decoded[i]![kind] ?? "" }));
}

/** What an utterance is grouped by. */
type Groups = Readonly<Record<"speaker" | "sex" | "pitch", string | undefined>>;

async function groupsOf(examples: readonly EvaluationExample[]): Promise<Groups[]> {
  const groups: Groups[] = [];
  for (const { speaker, sex, features } of examples) {
    const { f0 } = await readFeatures(features);
    groups.push({ speaker, sex, pitch: pitchRange(medianPitch(f0)) });
  }
  return groups;
}

/** @param groups - of each example; null for no groups. */
function scoreKind(
  examples: readonly EvaluationExample[],
  decoded: readonly DecodedTexts[],
  kind: OutputKind,
  groups: readonly Groups[] | null,
): OutputScore {
  const rows = pairs(examples, decoded, kind).map((pair, i) => ({ ...pair, groups: groups?.[i] }));
  const by = (name: keyof Groups): Map<string, ErrorRate> => {
    if (groups === null) return new Map();
    const scores = scoreGroups(rows, (row) => row.groups?.[name]);
    return new Map([...scores].map(([group, score]) => [group, score.words]));
  };
  return {
    ...scoreCorpus(rows),
    interval: bootstrapRate(
      rows.map((row) => scoreText(row).words),
      { random: stream("evaluation", `bootstrap/${kind}`) },
    ),
    groups: {
      speaker: by("speaker"),
      sex: by("sex"),
      pitch: by("pitch"),
    },
  };
}

/** The same utterance with a recording of digital silence. */
function silenced(example: DecodableExample, input: InputSettings): DecodableExample {
  const { frames } = example.features;
  const features: StoredFeatures = {
    frames,
    read: async () => {
      const wave = new Float32Array((frames - 1) * input.hopLength + 1);
      return extractFeatures(wave, input, new Float32Array(frames));
    },
  };
  return { ...example, features };
}

/** The same utterance with this pitch in Hz in every frame, whatever the speaker's. */
export function withPitch(example: EvaluationExample, hz: number): EvaluationExample {
  const f0 = new Float32Array(example.features.frames).fill(hz);
  return { ...example, features: derivedFeatures(example.features, (features) => ({ ...features, f0 })) };
}

/** Median of the voiced frames in Hz; undefined when there is none. */
export function medianPitch(f0: Float32Array): number | undefined {
  const voiced = f0.filter((hz) => hz > 0).sort();
  return voiced[voiced.length >> 1];
}
