// Where a long recording is cut: at its pauses, into stretches no longer than the model saw in training. Works while the
// samples come in, so that a stream is cut like the whole. Read next: speech-gate.ts (which stretches hold speech),
// transcribe.ts.
import { checkOptions, type OptionKinds } from "@echo-ts/tensor/internal";
import { blockLength, levelDb, speechThreshold } from "./levels.ts";

/** A stretch of a recording, in samples. */
export interface Stretch {
  readonly start: number;
  readonly end: number;
}

/** Options of {@link StretchCutter}. */
export interface StretchOptions {
  /** Hz. */
  readonly sampleRate: number;
  /** Longest stretch in seconds. */
  readonly maxSeconds: number;
}

const STRETCH_OPTIONS: OptionKinds<StretchOptions> = { sampleRate: "number", maxSeconds: "number" };

/** A gap of this many blocks of 10 ms between words is a pause ... */
const PAUSE_BLOCKS = 20;
/** ... and after so many blocks of it the stretch ends without waiting for the next word. */
const END_BLOCKS = 60;
/** Speech starts at least so many blocks into a stretch that is cut off. */
const LEAST_BLOCKS = 50;
/** Kept before the first and after the last sound of a stretch. */
const MARGIN_BLOCKS = 20;
/** Blocks whose levels tell how loud speech and background are: the last 10 s. */
const MEMORY_BLOCKS = 1000;
/** The threshold between pause and speech is looked up anew after so many blocks. */
const THRESHOLD_BLOCKS = 10;

/**
 * Cuts a recording while it comes in. The samples are taken in blocks of 10 ms; a block is quiet when its level lies
 * below a threshold: 6 dB above the 10th percentile of the last 10 seconds, within 6 ... 35 dB below their 95th. A
 * stretch ends in a pause of 0.2 s, or, when nobody pauses for `maxSeconds`, at the quietest place of its second half.
 * Silence at its ends is trimmed to 0.2 s, and a stretch without a loud block is left out.
 *
 * Every partition of the samples into chunks gives the same stretches.
 *
 * @example
 * const cutter = new StretchCutter({ sampleRate: 16000, maxSeconds: 6.4 });
 * for await (const chunk of microphone) for (const { start, end } of cutter.push(chunk)) recognise(start, end);
 * cutter.finish();
 */
export class StretchCutter {
  readonly #block: number;
  readonly #longest: number;
  /** Level of each block in dB full scale. */
  readonly #levels: number[] = [];
  #samples = 0;
  #energy = 0;
  #inBlock = 0;
  #threshold = Number.NEGATIVE_INFINITY;
  /** First block of the stretch that is open. */
  #start = 0;
  /** First block of the quiet run that is going on, -1 when it is loud. */
  #quietFrom = -1;
  #heard = false;

  /** @throws RangeError for a rate or a length that is not positive */
  constructor(options: StretchOptions) {
    checkOptions("StretchCutter", options, STRETCH_OPTIONS);
    const { sampleRate, maxSeconds } = options;
    if (!(sampleRate > 0) || !(maxSeconds > 0))
      throw new RangeError(
        `StretchCutter: sampleRate and maxSeconds must be positive, got ${sampleRate} and ${maxSeconds}`,
      );
    this.#block = blockLength(sampleRate);
    this.#longest = Math.max(2 * MARGIN_BLOCKS, Math.floor((maxSeconds * sampleRate) / this.#block));
  }

  /** Sample at which the open stretch starts: what came before it is no longer needed. */
  get openFrom(): number {
    return this.#start * this.#block;
  }

  /** Takes the next samples; returns the stretches that are now complete, in order. */
  push(chunk: Float32Array): Stretch[] {
    const done: Stretch[] = [];
    for (const sample of chunk) {
      this.#energy += sample * sample;
      this.#inBlock++;
      if (this.#inBlock < this.#block) continue;
      this.#endBlock();
      const cut = this.#cut();
      if (cut !== null) done.push(...this.#close(cut));
    }
    this.#samples += chunk.length;
    return done;
  }

  /** Ends the recording; returns the last stretch, if there is one. */
  finish(): Stretch[] {
    if (this.#inBlock > 0) this.#endBlock();
    return this.#close(this.#levels.length).map(({ start, end }) => ({
      start,
      end: Math.min(end, this.#samples),
    }));
  }

  #endBlock(): void {
    this.#levels.push(levelDb(this.#energy, this.#inBlock));
    this.#energy = 0;
    this.#inBlock = 0;
  }

  /** Block at which the open stretch ends, null while it goes on. */
  #cut(): number | null {
    const now = this.#levels.length - 1;
    if (now % THRESHOLD_BLOCKS === 0) this.#threshold = speechThreshold(this.#levels.slice(-MEMORY_BLOCKS));
    const loud = this.#levels[now]! > this.#threshold;
    const quietFrom = this.#quietFrom;
    if (loud) {
      this.#quietFrom = -1;
      const first = !this.#heard;
      this.#heard = true;
      const paused = quietFrom >= 0 && now - quietFrom >= PAUSE_BLOCKS;
      if (!first && paused && quietFrom - this.#start >= LEAST_BLOCKS) return (quietFrom + now) >> 1;
    } else if (quietFrom < 0) {
      this.#quietFrom = now;
    } else if (this.#heard && now - quietFrom >= END_BLOCKS && quietFrom - this.#start >= LEAST_BLOCKS) {
      return quietFrom + (END_BLOCKS >> 1);
    }
    if (now + 1 - this.#start < this.#longest) return null;
    return this.#heard ? this.#quietest(now) : now + 1 - MARGIN_BLOCKS;
  }

  /** The quietest tenth of a second in the second half of the open stretch. */
  #quietest(now: number): number {
    let best = now;
    let least = Number.POSITIVE_INFINITY;
    for (let at = this.#start + (this.#longest >> 1); at + 5 <= now; at++) {
      let sum = 0;
      for (let i = at - 5; i <= at + 5; i++) sum += this.#levels[i]!;
      if (sum < least) {
        least = sum;
        best = at;
      }
    }
    return best;
  }

  /** Ends the open stretch before block `cut` and opens the next there. */
  #close(cut: number): Stretch[] {
    const from = this.#start;
    this.#start = cut;
    // What lies behind the cut has been heard already; whether it was loud is asked again.
    this.#heard = this.#levels.slice(cut).some((level) => level > this.#threshold);
    if (this.#quietFrom >= 0) this.#quietFrom = Math.max(this.#quietFrom, cut);
    const levels = this.#levels.slice(from, cut);
    const recent = this.#levels.slice(Math.max(0, cut - MEMORY_BLOCKS), cut);
    const limit = speechThreshold(recent, levels);
    const first = levels.findIndex((level) => level > limit);
    if (first < 0) return [];
    const last = levels.findLastIndex((level) => level > limit);
    const start = Math.max(0, first - MARGIN_BLOCKS);
    const end = Math.min(levels.length, last + 1 + MARGIN_BLOCKS);
    return [{ start: (from + start) * this.#block, end: (from + end) * this.#block }];
  }
}

/**
 * Stretches of a whole recording: itself when it is no longer than `maxSeconds`, else what {@link StretchCutter} finds.
 * @returns in order; none when a long recording is silent.
 * @example cutIntoStretches(wave, { sampleRate: 16000, maxSeconds: 6.4 })
 */
export function cutIntoStretches(wave: Float32Array, options: StretchOptions): Stretch[] {
  checkOptions("cutIntoStretches", options, STRETCH_OPTIONS);
  if (wave.length <= options.maxSeconds * options.sampleRate) return [{ start: 0, end: wave.length }];
  const cutter = new StretchCutter(options);
  return [...cutter.push(wave), ...cutter.finish()];
}
