// The decoding half of pYIN: a Viterbi search over pitch bins, voiced and unvoiced, with a banded transition.
// Read with pyin.ts; pitch-path-kernel.ts has the fast form of a step.
import { PathKernel } from "./pitch-path-kernel.ts";

/** numpy.finfo(float64).tiny: what librosa adds before taking logarithms. */
const TINY = 2.2250738585072014e-308;
const LOG_TINY = Math.log(TINY);

/** Log transition probabilities between pitch bins, only the band that is not zero. */
export interface Band {
  readonly width: number;
  /** First source bin of each destination's band. */
  readonly first: Int32Array;
  /** Row j holds log P(first[j] + m -> j), -Infinity where there is no such move. */
  readonly logs: Float64Array;
}

/** Triangular moves of `width` bins, each source's moves summing to 1 (librosa `transition_local`, no wrap). */
function triangularBand(bins: number, width: number): Band {
  const half = Math.floor(width / 2);
  const reach = 2 * half + 1;
  const first = Int32Array.from({ length: bins }, (_, j) => j - half);
  const logs = new Float64Array(bins * reach).fill(Number.NEGATIVE_INFINITY);
  const padding = Math.floor((bins - width) / 2);
  for (let i = 0; i < bins; i++) {
    const moves: [number, number][] = [];
    let sum = 0;
    for (let m = 0; m < width; m++) {
      // scipy.signal.windows.triang, centred on the source by padding and rolling as librosa does.
      const rank = Math.min(m, width - 1 - m);
      const weight = width % 2 === 1 ? (2 * (rank + 1)) / (width + 1) : (2 * rank + 1) / width;
      const j = (padding + m + Math.floor(bins / 2) + i + 1) % bins;
      if (j < i - half || j > i + half) continue;
      moves.push([j, weight]);
      sum += weight;
    }
    for (const [j, weight] of moves) logs[j * reach + (i - first[j]!)] = Math.log(weight / sum);
  }
  return { width: reach, first, logs };
}

/** Finds the most probable path; fed one frame of observation probabilities at a time. */
export class PitchPath {
  readonly #bins: number;
  readonly #band: Band;
  readonly #logStay: number;
  readonly #logSwitch: number;
  readonly #pointers: Uint16Array[] = [];
  #value: Float64Array;
  #next: Float64Array;
  readonly #padded: Float64Array;
  readonly #fromVoiced: Float64Array;
  readonly #fromUnvoiced: Float64Array;
  /** Logs of the observations, for the kernel. */
  readonly #observed: Float64Array;
  readonly #voicedSource: Int32Array;
  readonly #unvoicedSource: Int32Array;
  readonly #kernel: PathKernel | undefined;
  #started = false;

  constructor(bins: number, width: number, switchProbability: number) {
    this.#bins = bins;
    this.#band = triangularBand(bins, width);
    this.#logStay = Math.log(1 - switchProbability);
    this.#logSwitch = Math.log(switchProbability);
    this.#value = new Float64Array(2 * bins);
    this.#next = new Float64Array(2 * bins);
    this.#padded = new Float64Array(bins + this.#band.width);
    this.#fromVoiced = new Float64Array(bins);
    this.#fromUnvoiced = new Float64Array(bins);
    this.#observed = new Float64Array(bins);
    this.#voicedSource = new Int32Array(bins);
    this.#unvoicedSource = new Int32Array(bins);
    this.#kernel = PathKernel.open(bins, this.#band, this.#logStay, this.#logSwitch);
  }

  /** Adds a frame: probabilities of the voiced bins, and the one probability shared by all unvoiced bins. */
  push(voiced: Float64Array, unvoiced: number): void {
    const bins = this.#bins;
    const logUnvoiced = Math.log(unvoiced + TINY);
    const next = this.#next;
    if (!this.#started) {
      this.#started = true;
      const prior = Math.log(1 / (2 * bins) + TINY);
      for (let j = 0; j < bins; j++) {
        next[j] = Math.log(voiced[j]! + TINY) + prior;
        next[bins + j] = logUnvoiced + prior;
      }
    } else this.#advance(voiced, logUnvoiced);
    this.#next = this.#value;
    this.#value = next;
  }

  #advance(voiced: Float64Array, logUnvoiced: number): void {
    const bins = this.#bins;
    const value = this.#value;
    const next = this.#next;
    // Moves outside the band are not impossible in librosa, they have probability TINY.
    let top = 0;
    for (let i = 1; i < 2 * bins; i++) if (value[i]! > value[top]!) top = i;
    const leap = value[top]! + LOG_TINY;
    if (this.#kernel) {
      this.#observed.fill(LOG_TINY);
      for (let j = 0; j < bins; j++) if (voiced[j] !== 0) this.#observed[j] = Math.log(voiced[j]! + TINY);
      this.#pointers.push(this.#kernel.advance(value, this.#observed, logUnvoiced, leap, top, next));
      return;
    }
    this.#bandMaximum(0, this.#fromVoiced, this.#voicedSource);
    this.#bandMaximum(bins, this.#fromUnvoiced, this.#unvoicedSource);
    const pointers = new Uint16Array(2 * bins);
    for (let j = 0; j < bins; j++) {
      const a = this.#fromVoiced[j]!;
      const b = this.#fromUnvoiced[j]!;
      const voicedStay = a + this.#logStay;
      const voicedSwitch = b + this.#logSwitch;
      let best = Math.max(voicedStay, voicedSwitch);
      let from = voicedStay >= voicedSwitch ? this.#voicedSource[j]! : this.#unvoicedSource[j]!;
      if (leap > best) {
        best = leap;
        from = top;
      }
      const observed = voiced[j]!;
      next[j] = best + (observed === 0 ? LOG_TINY : Math.log(observed + TINY));
      pointers[j] = from;
      const unvoicedSwitch = a + this.#logSwitch;
      const unvoicedStay = b + this.#logStay;
      best = Math.max(unvoicedSwitch, unvoicedStay);
      from = unvoicedSwitch >= unvoicedStay ? this.#voicedSource[j]! : this.#unvoicedSource[j]!;
      if (leap > best) {
        best = leap;
        from = top;
      }
      next[bins + j] = best + logUnvoiced;
      pointers[bins + j] = from;
    }
    this.#pointers.push(pointers);
  }

  /** For every bin the best source of one kind: max over the band of value + log move, and where it is. */
  #bandMaximum(offset: number, best: Float64Array, source: Int32Array): void {
    const { width, logs } = this.#band;
    const bins = this.#bins;
    const half = (width - 1) / 2;
    const padded = this.#padded.fill(Number.NEGATIVE_INFINITY);
    for (let i = 0; i < bins; i++) padded[half + i] = this.#value[offset + i]!;
    for (let j = 0; j < bins; j++) {
      let top = Number.NEGATIVE_INFINITY;
      let at = 0;
      const row = j * width;
      for (let m = 0; m < width; m++) {
        const score = padded[j + m]! + logs[row + m]!;
        if (score > top) {
          top = score;
          at = m;
        }
      }
      best[j] = top;
      source[j] = offset + j - half + at;
    }
  }

  /** The best state of every frame pushed: bin j voiced is j, bin j unvoiced is bins + j. */
  decode(): Int32Array {
    const states = new Int32Array(this.#pointers.length + (this.#started ? 1 : 0));
    let state = 0;
    for (let i = 1; i < this.#value.length; i++) if (this.#value[i]! > this.#value[state]!) state = i;
    for (let frame = states.length - 1; frame >= 0; frame--) {
      states[frame] = state;
      if (frame > 0) state = this.#pointers[frame - 1]![state]!;
    }
    return states;
  }
}
