// One stretch of a recording to timed words: features, gate, encoder, decoder, alignment. Read first: features.ts,
// encode-utterances.ts, decode/ctc-search.ts. Read next: transcribe.ts (whole recordings), transcribe-stream.ts.
import type { TextScorer } from "../language/text-scorer.ts";
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
import { onePassDecode } from "./decode/one-pass-search.ts";
import { phoneFrameScores, rescoredByPhones } from "./decode/phone-scores.ts";
import { type Encoded, selectRows } from "./decode/stepper.ts";
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
  /** Scores texts beside the sound, in the searches ctcBeam and joint; `withLanguage` makes one. */
  readonly scorer?: TextScorer;
}

/**
 * Words of one stretch, in seconds from its start; none when it holds no speech (`decode.speechGate`).
 * @param wave - [N] samples at `config.audio.sampleRate`, no longer than the model's context.
 */
export async function recognizeStretch(recognizer: Recognizer, wave: Float32Array): Promise<TimedWord[]> {
  return (await recognizeTexts(recognizer, wave)).words;
}

/** A text that a search has found, with the score it was ranked by (`Hypothesis`). */
export interface RankedText {
  readonly text: string;
  readonly score: number;
}

/**
 * The same with all texts that the search kept, best first and each once: as many as `decode.beam` for ctcBeam, beam,
 * joint and onePass, one for the greedy methods, none without speech.
 * @param wave - [N] samples at `config.audio.sampleRate`, no longer than the model's context.
 */
export async function recognizeTexts(
  recognizer: Recognizer,
  wave: Float32Array,
): Promise<{ readonly words: TimedWord[]; readonly texts: readonly RankedText[] }> {
  const { echo, config, tokenizer, calibration } = recognizer;
  const input = inputOf(config);
  const features = extractFeatures(wave, input);
  if (config.decode.speechGate && !holdsSpeech(wave, features, input.sampleRate))
    return { words: [], texts: [] };
  const encoded = encodeUtterances(echo, [features], input);
  const scores = echo.ctcHead === null ? null : (await ctcFrameScores(echo, encoded))[0]!;
  const found = await bestTexts(recognizer, encoded, 0, scores);
  const { tokens } = found[0] ?? { tokens: [] };
  const texts = new Map<string, RankedText>();
  for (const { tokens, score } of found) {
    const text = tokenizer.decode(tokens);
    if (!texts.has(text)) texts.set(text, { text, score });
  }
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
    return { words: wordTimes(shared, tokenizer, seconds / frames), texts: [...texts.values()] };
  }
  const certain = spans.map((span) => ({ ...span, confidence: tokenConfidence(scores, span) }));
  const words = wordTimes(certain, tokenizer, seconds / frames).map((word) => ({
    ...word,
    ...(word.confidence !== undefined && { confidence: calibrated(word.confidence, calibration) }),
  }));
  return { words: spokenBounds(words, wave, input.sampleRate), texts: [...texts.values()] };
}

/**
 * Texts of utterance `row` of an encoded batch by `decode.method`, best first: as many as the beam holds, or one.
 * @param scores - of CTC for this utterance; null without a CTC head, which leaves attention.
 */
export async function bestTexts(
  { echo, tokenizer, config, scorer }: Pick<Recognizer, "echo" | "tokenizer" | "config" | "scorer">,
  encoded: Encoded,
  row: number,
  scores: FrameScores | null,
): Promise<readonly Hypothesis[]> {
  const { method, beam: beamSize, lengthPenalty, ctcWeight, phoneWeight, maxTokens: wanted } = config.decode;
  const ids = tokenizer.special;
  const maxTokens = Math.min(wanted, echo.config.textContext);
  const help = scorer === undefined ? {} : { scorer };
  const secondOpinion = async (texts: readonly Hypothesis[]): Promise<readonly Hypothesis[]> => {
    const { pronunciations } = tokenizer;
    if (pronunciations === null || phoneWeight === 0) return texts;
    const phones = await phoneFrameScores(encoded.get(echo.mainFeature)!, row);
    return phones === null ? texts : rescoredByPhones(texts, phones, pronunciations, phoneWeight);
  };
  if (scores !== null)
    switch (method) {
      case "ctcGreedy":
        return [ctcGreedyDecode(scores)];
      case "ctcBeam":
        return secondOpinion(ctcBeamDecode(scores, { beamSize, ...help }));
      case "joint":
        return secondOpinion(
          await jointDecode(echo, encoded, row, scores, { beamSize, ctcWeight, ids, ...help }),
        );
      case "onePass":
        return onePassDecode(echo, encoded, row, scores, { beamSize, ctcWeight, maxTokens, ids, ...help });
    }
  const one = selectRows(encoded, [row]);
  if (method === "beam")
    return (await beamDecode(echo, one, { maxTokens, ids, beamSize, lengthPenalty }))[0]!;
  return greedyDecode(echo, one, { maxTokens, ids });
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
