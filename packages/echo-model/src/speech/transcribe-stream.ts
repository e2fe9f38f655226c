// Recognises speech while it comes in: a microphone, a pipe. Stretches are those of a whole recording (stretches.ts), so
// the text is the same. Read first: transcribe.ts.
import type { TimedWord } from "./decode/word-times.ts";
import { type Recognizer, recognizeStretch } from "./recognize-stretch.ts";
import { requireAudible } from "./recording.ts";
import { type Stretch, StretchCutter } from "./stretches.ts";
import { moved, stretchSeconds } from "./transcribe.ts";

/**
 * Words of a signal that is still coming in. A stretch is recognised when the speaker pauses for 0.2 s and goes on, or
 * pauses for 0.6 s, or has spoken for as long as training's longest utterance; its words are then final. The words are
 * those of `transcribe` for a recording that is longer than that utterance, however the samples are cut into chunks.
 *
 * @example
 * const stream = new TranscribeStream(recognizerOf(checkpoint));
 * for await (const chunk of microphone) for (const { word } of await stream.push(chunk)) show(word);
 * for (const { word } of await stream.finish()) show(word);
 */
export class TranscribeStream {
  readonly #recognizer: Recognizer;
  readonly #cutter: StretchCutter;
  /** Samples that are not recognised yet; the first is sample `#from` of the signal. */
  #waiting = new Float32Array(0);
  #from = 0;

  constructor(recognizer: Recognizer) {
    this.#recognizer = recognizer;
    recognizer.echo.eval();
    this.#cutter = new StretchCutter({
      sampleRate: recognizer.config.audio.sampleRate,
      maxSeconds: stretchSeconds(recognizer),
    });
  }

  /**
   * Takes the next mono samples at `config.audio.sampleRate`; await it before the next.
   * @returns words that are final now, in seconds from the start of the signal.
   * @throws DataError for samples that are NaN, infinite or beyond 2^31.
   */
  async push(chunk: Float32Array): Promise<TimedWord[]> {
    requireAudible("TranscribeStream", chunk);
    const joined = new Float32Array(this.#waiting.length + chunk.length);
    joined.set(this.#waiting);
    joined.set(chunk, this.#waiting.length);
    this.#waiting = joined;
    return this.#recognize(this.#cutter.push(chunk));
  }

  /** Ends the signal; returns its last words. */
  async finish(): Promise<TimedWord[]> {
    return this.#recognize(this.#cutter.finish());
  }

  async #recognize(stretches: readonly Stretch[]): Promise<TimedWord[]> {
    const { sampleRate } = this.#recognizer.config.audio;
    const words: TimedWord[] = [];
    for (const { start, end } of stretches) {
      const wave = this.#waiting.slice(start - this.#from, end - this.#from);
      words.push(...moved(await recognizeStretch(this.#recognizer, wave), start / sampleRate));
    }
    const { openFrom } = this.#cutter;
    this.#waiting = this.#waiting.slice(openFrom - this.#from);
    this.#from = openFrom;
    return words;
  }
}
