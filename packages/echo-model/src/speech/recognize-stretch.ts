// One stretch of a recording to timed words: features, gate, encoder, decoder, alignment. Read first: features.ts,
// encode-utterances.ts, decode/ctc-search.ts. Read next: transcribe.ts (whole recordings), transcribe-stream.ts.
import type { Echo } from "../model/model.ts";
import { inputOf } from "../settings/resolve.ts";
import type { EchoConfig } from "../settings/settings.ts";
import type { Tokenizer } from "../text/tokenizer.ts";
import { ctcBeamDecode } from "./decode/ctc-beam.ts";
import {
  ctcAlign,
  ctcFrameScores,
  ctcGreedyDecode,
  type FrameScores,
  type TokenSpan,
} from "./decode/ctc-search.ts";
import { beamDecode, greedyDecode, type Hypothesis } from "./decode/decoder-search.ts";
import { jointDecode } from "./decode/joint-search.ts";
import type { Encoded } from "./decode/stepper.ts";
import { type TimedWord, wordTimes } from "./decode/word-times.ts";
import { encodeUtterances } from "./encode-utterances.ts";
import { extractFeatures } from "./features.ts";
import { holdsSpeech } from "./speech-gate.ts";
import { spokenBounds } from "./word-bounds.ts";
import { type Calibration, calibrated, tokenConfidence } from "./word-confidence.ts";

/** A model with what belongs to it: what a checkpoint holds; `recognizerOf` makes one. */
export interface Recognizer {
  readonly echo: Echo;
  readonly tokenizer: Tokenizer;
  readonly config: EchoConfig;
  /** Longest utterance of the training in seconds: longer recordings are cut. Default 10. */
  readonly longestSeconds?: number;
  /** Turns CTC's own certainty into a probability; without it `confidence` is that certainty. */
  readonly calibration?: Calibration;
}

/**
 * Words of one stretch, in seconds from its start; none when it holds no speech (`decode.speechGate`).
 * @param wave - [N] samples at `config.audio.sampleRate`, no longer than the model's context.
 */
export async function recognizeStretch(recognizer: Recognizer, wave: Float32Array): Promise<TimedWord[]> {
  const { echo, tokenizer, config, calibration } = recognizer;
  const input = inputOf(config);
  const features = extractFeatures(wave, input);
  if (config.decode.speechGate && !holdsSpeech(wave, features, input.sampleRate)) return [];
  const encoded = encodeUtterances(echo, [features], input);
  const scores = echo.ctcHead === null ? null : (await ctcFrameScores(echo, encoded))[0]!;
  const { tokens } = await decode(echo, tokenizer, encoded, scores, config.decode);
  const seconds = wave.length / input.sampleRate;
  const frames = scores?.frames ?? encoded.get(echo.mainFeature)!.frames.shape[1]!;
  const spans = scores === null ? null : alignment(scores, tokens);
  if (scores === null || spans === null) {
    // Where no alignment exists the words share the time evenly.
    const shared = tokens.map((token, i) => ({
      token,
      start: (i * frames) / tokens.length,
      end: ((i + 1) * frames) / tokens.length,
    }));
    return wordTimes(shared, tokenizer, seconds / frames);
  }
  const certain = spans.map((span) => ({ ...span, confidence: tokenConfidence(scores, span) }));
  const words = wordTimes(certain, tokenizer, seconds / frames).map((word) => ({
    ...word,
    ...(word.confidence !== undefined && { confidence: calibrated(word.confidence, calibration) }),
  }));
  return spokenBounds(words, wave, input.sampleRate);
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
function alignment(scores: FrameScores, tokens: readonly number[]): TokenSpan[] | null {
  try {
    return ctcAlign(scores, tokens);
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}
