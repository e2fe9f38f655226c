// From a recording to timed words: cut into stretches where it is long, each recognised by itself.
// Read first: stretches.ts, recognize-stretch.ts. Read next: transcribe-stream.ts; subtitles are made in subtitles.ts.
import type { TimedWord } from "./decode/word-times.ts";
import { type Recognizer, recognizeStretch } from "./recognize-stretch.ts";
import { requireAudible } from "./recording.ts";
import { cutIntoStretches } from "./stretches.ts";

/** A recognised recording. */
export interface Transcript {
  readonly text: string;
  /** Words in order, in seconds from the start. Without a CTC head they share their stretch evenly. */
  readonly words: readonly TimedWord[];
  /** Length of the recording. */
  readonly seconds: number;
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
  for (const { start, end } of cutIntoStretches(wave, { sampleRate, maxSeconds: stretchSeconds(recognizer) }))
    words.push(...moved(await recognizeStretch(recognizer, wave.subarray(start, end)), start / sampleRate));
  echo.train(wasTraining);
  return { text: words.map(({ word }) => word).join(" "), words, seconds: wave.length / sampleRate };
}

/** Words whose stretch starts `offset` seconds into the recording. */
export function moved(words: readonly TimedWord[], offset: number): TimedWord[] {
  return words.map((word) => ({ ...word, start: word.start + offset, end: word.end + offset }));
}
