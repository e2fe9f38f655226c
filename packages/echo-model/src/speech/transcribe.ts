// From a recording to timed words: cut into stretches where it is long, each recognised by itself.
// Read first: stretches.ts, recognize-stretch.ts. Read next: transcribe-stream.ts; subtitles are made in subtitles.ts.
import type { TimedWord } from "./decode/word-times.ts";
import { type RankedText, type Recognizer, recognizeTexts } from "./recognize-stretch.ts";
import { requireAudible } from "./recording.ts";
import { cutIntoStretches } from "./stretches.ts";

/** A recognised recording. */
export interface Transcript {
  readonly text: string;
  /** Words in order, in seconds from the start. Without a CTC head they share their stretch evenly. */
  readonly words: readonly TimedWord[];
  /** Length of the recording. */
  readonly seconds: number;
  /** The stretches in which it was recognised, with the texts that the search found for each, best first. */
  readonly stretches: readonly RecognizedStretch[];
}

/** A part of a recording, in seconds, and what may have been said in it. */
export interface RecognizedStretch {
  readonly start: number;
  readonly end: number;
  /** None where the speech gate heard no speech. */
  readonly texts: readonly RankedText[];
}

/** Longest stretch that is recognised at once when the recogniser doesn't say how long training's utterances were. */
const USUAL_SECONDS = 10;

/** Longest stretch in seconds that a recogniser takes at once: what training saw, within the model's context. */
export function stretchSeconds({ config, longestSeconds = USUAL_SECONDS }: Recognizer): number {
  const { sampleRate, hopLength } = config.audio;
  return Math.min(longestSeconds, ((config.model.audioContext - 1) * hopLength) / sampleRate);
}

/**
 * Recognises a recording by `decode.method` of the configuration. One that is longer than what training saw is cut at
 * its pauses; silence and noise give no words (`decode.speechGate`).
 *
 * @param wave - mono samples at `config.audio.sampleRate`.
 * @returns text and timed words; an empty text when nothing was recognised.
 * @throws DataError for samples that are NaN, infinite or beyond 2^31.
 * @example
 * (await transcribe(recognizerOf(checkpoint), wave)).text; // "go forward"
 */
export async function transcribe(recognizer: Recognizer, wave: Float32Array): Promise<Transcript> {
  requireAudible("transcribe", wave);
  const { echo, config } = recognizer;
  const { sampleRate } = config.audio;
  const wasTraining = echo.training;
  echo.eval();
  const words: TimedWord[] = [];
  const stretches: RecognizedStretch[] = [];
  for (const { start, end } of cutIntoStretches(wave, {
    sampleRate,
    maxSeconds: stretchSeconds(recognizer),
  })) {
    const found = await recognizeTexts(recognizer, wave.subarray(start, end));
    words.push(...moved(found.words, start / sampleRate));
    stretches.push({ start: start / sampleRate, end: end / sampleRate, texts: found.texts });
  }
  echo.train(wasTraining);
  const text = words.map(({ word }) => word).join(" ");
  return { text, words, seconds: wave.length / sampleRate, stretches };
}

/** Words whose stretch starts `offset` seconds into the recording. */
export function moved(words: readonly TimedWord[], offset: number): TimedWord[] {
  return words.map((word) => ({ ...word, start: word.start + offset, end: word.end + offset }));
}
