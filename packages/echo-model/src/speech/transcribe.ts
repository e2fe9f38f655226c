// From a recording to timed words: cut at pauses where it is long, features, decoding, alignment.
// Read first: recording.ts, features.ts, collate.ts, decode/ctc-search.ts. Subtitles are made in subtitles.ts.
import type { Echo } from "../model/model.ts";
import { inputOf } from "../settings/resolve.ts";
import type { EchoConfig } from "../settings/settings.ts";
import type { Tokenizer } from "../text/tokenizer.ts";
import { ctcBeamDecode } from "./decode/ctc-beam.ts";
import { ctcAlign, ctcFrameScores, ctcGreedyDecode, type FrameScores } from "./decode/ctc-search.ts";
import { beamDecode, greedyDecode, type Hypothesis } from "./decode/decoder-search.ts";
import { jointDecode } from "./decode/joint-search.ts";
import type { Encoded } from "./decode/stepper.ts";
import { type TimedWord, wordTimes } from "./decode/word-times.ts";
import { encodeUtterances } from "./encode-utterances.ts";
import { extractFeatures } from "./features.ts";
import { cutAtPauses, requireAudible } from "./recording.ts";

/** A model with what belongs to it: what a checkpoint holds. */
export interface Recognizer {
  readonly echo: Echo;
  readonly tokenizer: Tokenizer;
  readonly config: EchoConfig;
}

/** A recognised recording. */
export interface Transcript {
  readonly text: string;
  /** Words in order, in seconds from the start. Without a CTC head they share their stretch evenly. */
  readonly words: readonly TimedWord[];
  /** Length of the recording. */
  readonly seconds: number;
}

/** Longest stretch that is recognised at once; the model's context may be shorter. */
const MAX_SECONDS = 20;

/**
 * Recognises a recording by `decode.method` of the configuration.
 *
 * @param wave - mono samples at `config.audio.sampleRate`.
 * @returns text and timed words; an empty text when nothing was recognised.
 * @throws DataError for samples that are NaN, infinite or beyond 2^31.
 * @example
 * (await transcribe({ echo, tokenizer, config }, wave)).text; // "go forward"
 */
export async function transcribe(
  { echo, tokenizer, config }: Recognizer,
  wave: Float32Array,
): Promise<Transcript> {
  requireAudible("transcribe", wave);
  const { sampleRate, hopLength } = config.audio;
  const limit = Math.min(MAX_SECONDS, ((config.model.audioContext - 1) * hopLength) / sampleRate);
  const wasTraining = echo.training;
  echo.eval();
  const words: TimedWord[] = [];
  for (const { start, end } of cutAtPauses(wave, sampleRate, limit)) {
    const offset = start / sampleRate;
    const found = await transcribeStretch({ echo, tokenizer, config }, wave.subarray(start, end));
    for (const word of found) words.push({ ...word, start: word.start + offset, end: word.end + offset });
  }
  echo.train(wasTraining);
  return { text: words.map(({ word }) => word).join(" "), words, seconds: wave.length / sampleRate };
}

async function transcribeStretch(
  { echo, tokenizer, config }: Recognizer,
  wave: Float32Array,
): Promise<TimedWord[]> {
  const input = inputOf(config);
  const features = extractFeatures(wave, input);
  const encoded = encodeUtterances(echo, [features], input);
  const scores = echo.ctcHead === null ? null : (await ctcFrameScores(echo, encoded))[0]!;
  const { tokens } = await decode(echo, tokenizer, encoded, scores, config.decode);
  const seconds = wave.length / input.sampleRate;
  const frames = scores?.frames ?? encoded.get(echo.mainFeature)!.frames.shape[1]!;
  const spans = scores === null ? null : alignment(scores, tokens);
  // Where no alignment exists the words share the time evenly.
  const shared = tokens.map((token, i) => ({
    token,
    start: (i * frames) / tokens.length,
    end: ((i + 1) * frames) / tokens.length,
  }));
  return wordTimes(spans ?? shared, tokenizer, seconds / frames);
}

async function decode(
  echo: Echo,
  tokenizer: Tokenizer,
  encoded: Encoded,
  scores: FrameScores | null,
  { method, beam: beamSize, lengthPenalty, ctcWeight, maxTokens: wanted }: EchoConfig["decode"],
): Promise<Hypothesis> {
  const ids = tokenizer.special;
  const maxTokens = Math.min(wanted, echo.config.textContext);
  const none: Hypothesis = { tokens: [], score: 0 };
  if (method === "beam")
    return (await beamDecode(echo, encoded, { maxTokens, ids, beamSize, lengthPenalty }))[0]![0] ?? none;
  if (scores === null || method === "greedy")
    return (await greedyDecode(echo, encoded, { maxTokens, ids }))[0]!;
  switch (method) {
    case "ctcBeam":
      return ctcBeamDecode(scores, { beamSize })[0] ?? none;
    case "joint":
      return (await jointDecode(echo, encoded, 0, scores, { beamSize, ctcWeight, ids }))[0] ?? none;
    default:
      return ctcGreedyDecode(scores);
  }
}

/** Spans of the tokens, or null when they do not fit into the frames. */
function alignment(
  scores: FrameScores,
  tokens: readonly number[],
): { token: number; start: number; end: number }[] | null {
  try {
    return ctcAlign(scores, tokens);
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}
