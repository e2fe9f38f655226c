// STFT and mel spectrogram over chunks of any size: the frames are, bit for bit, those of the whole signal.
import type { FloatArray } from "./float-array.ts";
import { padSamples } from "./frame.ts";
import { MEL_SPECTROGRAM_KEYS, type MelSpectrogramOptions, MelTransform } from "./mel.ts";
import { checkOptions } from "./options.ts";
import { monoOf, type Signal } from "./signal.ts";
import {
  type ComplexSpectrogram,
  columnsView,
  FrameTransform,
  planStft,
  STFT_KEYS,
  type StftOptions,
  type StftPlan,
  store,
} from "./stft.ts";

type Visit = (padded: Float32Array, offset: number, index: number) => void;

/** Collects chunks and hands out every complete frame, with the padding the plan asks for at both ends. */
class FrameFeed {
  readonly #plan: StftPlan;
  #buffer: Float32Array = new Float32Array(0);
  #length = 0;
  /** Where the next frame starts in the buffer; may lie behind its end when hops are long. */
  #next = 0;
  #started = false;

  constructor(plan: StftPlan) {
    this.#plan = plan;
  }

  /** Takes samples; `begin` hears how many frames are ready, then `visit` sees each. */
  push(chunk: Float32Array, begin: (frames: number) => void, visit: Visit): void {
    const { padding, padMode } = this.#plan;
    this.#append(chunk);
    // A mirrored start needs the samples it mirrors.
    if (!this.#started && (padMode === "constant" || padding === 0 || this.#length > padding)) this.#start();
    this.#emit(begin, visit);
  }

  /** Ends the signal: pads behind it, hands out the last frames, and is ready for a new signal. */
  flush(begin: (frames: number) => void, visit: Visit): void {
    const { padding, padMode } = this.#plan;
    if (!this.#started && this.#length > 0) {
      const whole = padSamples(
        "StftStream",
        this.#buffer.subarray(0, this.#length),
        padding,
        padding,
        padMode,
      );
      this.#buffer = whole;
      this.#length = whole.length;
      this.#started = true;
    } else if (this.#started && padding > 0) {
      const tail = this.#buffer.slice(Math.max(0, this.#length - padding - 1), this.#length);
      this.#append(padSamples("StftStream", tail, 0, padding, padMode).subarray(tail.length));
    }
    this.#emit(begin, visit);
    this.#length = 0;
    this.#next = 0;
    this.#started = false;
  }

  #start(): void {
    if (this.#length === 0) return;
    const { padding, padMode } = this.#plan;
    this.#buffer = padSamples("StftStream", this.#buffer.subarray(0, this.#length), padding, 0, padMode);
    this.#length = this.#buffer.length;
    this.#started = true;
  }

  #append(chunk: Float32Array): void {
    const needed = this.#length + chunk.length;
    if (needed > this.#buffer.length) {
      const larger = new Float32Array(2 * needed);
      larger.set(this.#buffer.subarray(0, this.#length));
      this.#buffer = larger;
    }
    this.#buffer.set(chunk, this.#length);
    this.#length = needed;
  }

  #emit(begin: (frames: number) => void, visit: Visit): void {
    const { fftSize, hopLength, padding } = this.#plan;
    const room = this.#started ? this.#length - this.#next - fftSize : -1;
    const frames = room < 0 ? 0 : 1 + Math.floor(room / hopLength);
    begin(frames);
    for (let i = 0; i < frames; i++) visit(this.#buffer, this.#next + i * hopLength, i);
    this.#next += frames * hopLength;
    // The last padding + 1 samples stay: a mirrored end is made of them.
    const drop = Math.min(this.#next, this.#length - padding - 1);
    if (this.#started && drop > 0) {
      this.#buffer.copyWithin(0, drop, this.#length);
      this.#length -= drop;
      this.#next -= drop;
    }
  }
}

/**
 * `stft` over chunks: pushes return the frames completed so far, `flush` the last ones.
 *
 * All frames together equal `stft` of all samples together, to the last bit. A signal too short for one frame
 * gives no frame instead of an error. After `flush` the object is ready for a new signal.
 *
 * @example
 * const stream = new StftStream({ fftSize: 512, hopLength: 128 });
 * for (const chunk of chunks) use(stream.push(chunk)); // { re, im }: [257, new frames]
 * use(stream.flush());
 */
export class StftStream {
  readonly #transform: FrameTransform;
  readonly #feed: FrameFeed;

  /** @throws AudioError (`parameter`) for bad options, as `stft` */
  constructor(options: StftOptions = {}) {
    this.#transform = new FrameTransform(
      planStft("StftStream", checkOptions("StftStream", options, STFT_KEYS)),
    );
    this.#feed = new FrameFeed(this.#transform.plan);
  }

  /** Takes the next samples of one channel; returns the frames they complete, shape [bins, frames >= 0]. */
  push(chunk: Signal): ComplexSpectrogram {
    const samples = monoOf("StftStream", chunk);
    return this.#collect((begin, visit) => this.#feed.push(samples, begin, visit));
  }

  /** Ends the signal and returns its last frames, shape [bins, frames >= 0]. */
  flush(): ComplexSpectrogram {
    return this.#collect((begin, visit) => this.#feed.flush(begin, visit));
  }

  #collect(run: (begin: (frames: number) => void, visit: Visit) => void): ComplexSpectrogram {
    const transform = this.#transform;
    const { bins } = transform.plan;
    let re = new Float32Array(0);
    let im = new Float32Array(0);
    run(
      (frames) => {
        re = new Float32Array(frames * bins);
        im = new Float32Array(frames * bins);
      },
      (padded, offset, index) => {
        transform.run(padded, offset);
        store(transform.re, re, index * bins);
        store(transform.im, im, index * bins);
      },
    );
    return { re: columnsView(re, bins), im: columnsView(im, bins) };
  }
}

/**
 * `melSpectrogram` over chunks, with the same promise as `StftStream`.
 *
 * The log-mel presets are normalised by the maximum of the whole utterance, so they have no streaming form;
 * stream the mel power and normalise when the utterance is complete.
 *
 * @example
 * const stream = new MelStream({ sampleRate: 16000, fftSize: 1024, hopLength: 128 });
 * use(stream.push(chunk)); // [128, new frames]
 */
export class MelStream {
  readonly #mel: MelTransform;
  readonly #feed: FrameFeed;

  /** @throws AudioError (`parameter`) for bad options, as `melSpectrogram` */
  constructor(options: MelSpectrogramOptions) {
    this.#mel = new MelTransform("MelStream", checkOptions("MelStream", options, MEL_SPECTROGRAM_KEYS));
    this.#feed = new FrameFeed(this.#mel.transform.plan);
  }

  /** Takes the next samples of one channel; returns the frames they complete, shape [melBins, frames >= 0]. */
  push(chunk: Signal): FloatArray {
    const samples = monoOf("MelStream", chunk);
    return this.#collect((begin, visit) => this.#feed.push(samples, begin, visit));
  }

  /** Ends the signal and returns its last frames, shape [melBins, frames >= 0]. */
  flush(): FloatArray {
    return this.#collect((begin, visit) => this.#feed.flush(begin, visit));
  }

  #collect(run: (begin: (frames: number) => void, visit: Visit) => void): FloatArray {
    const { melBins } = this.#mel.bank;
    let out = new Float32Array(0);
    run(
      (frames) => {
        out = new Float32Array(frames * melBins);
      },
      (padded, offset, index) => {
        this.#mel.run(padded, offset, 1, "linear", out, index * melBins);
      },
    );
    return columnsView(out, melBins);
  }
}
