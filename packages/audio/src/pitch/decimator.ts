// Lowers the sample rate by a whole factor for the pitch tracker, chunk by chunk. Used by pitch-stream.ts.

/** Lobes of the sinc on each side, in output samples; the cut-off sits a little below the new Nyquist rate. */
const LOBES = 8;
const CUTOFF = 0.9;

/**
 * Keeps every `factor`-th sample after a linear-phase low-pass. Output k lies at input sample k * factor.
 *
 * The result does not depend on how the input is cut into chunks: each output is one sum in a fixed order, over
 * zeros beyond both ends.
 */
export class Decimator {
  readonly factor: number;
  readonly #kernel: Float64Array;
  /** Input samples that an output looks ahead. */
  readonly reach: number;
  #held: Float64Array;
  #heldStart = 0;
  #heldLength = 0;
  #next = 0;

  constructor(factor: number) {
    this.factor = factor;
    this.reach = factor === 1 ? 0 : LOBES * factor;
    const kernel = new Float64Array(2 * this.reach + 1).fill(1);
    for (let i = -this.reach; i <= this.reach && factor > 1; i++) {
      const x = (Math.PI * CUTOFF * i) / factor;
      const sinc = i === 0 ? 1 : Math.sin(x) / x;
      kernel[i + this.reach] = sinc * (0.5 + 0.5 * Math.cos((Math.PI * i) / (this.reach + 1)));
    }
    let sum = 0;
    for (const value of kernel) sum += value;
    this.#kernel = kernel.map((value) => value / sum);
    this.#held = new Float64Array(4 * kernel.length);
  }

  /** Takes a chunk; calls `emit` for every output sample that no later input can change. */
  push(chunk: ArrayLike<number>, emit: (value: number) => void): void {
    if (this.factor === 1) {
      for (let i = 0; i < chunk.length; i++) emit(chunk[i]!);
      return;
    }
    this.#hold(chunk);
    const end = this.#heldStart + this.#heldLength;
    while (this.#next * this.factor + this.reach < end) emit(this.#at(this.#next++));
  }

  /** Emits the outputs that reach beyond the end of the input. */
  finish(emit: (value: number) => void): void {
    if (this.factor === 1) return;
    const end = this.#heldStart + this.#heldLength;
    this.#hold(new Float64Array(2 * this.reach + this.factor));
    while (this.#next * this.factor < end) emit(this.#at(this.#next++));
  }

  #at(index: number): number {
    const from = index * this.factor - this.reach - this.#heldStart;
    const kernel = this.#kernel;
    const held = this.#held;
    const first = Math.max(0, -from);
    let sum = 0;
    for (let i = first; i < kernel.length; i++) sum += kernel[i]! * held[from + i]!;
    return sum;
  }

  #hold(chunk: ArrayLike<number>): void {
    // Drop what no output needs any more, then append.
    const keepFrom = Math.max(this.#heldStart, this.#next * this.factor - this.reach);
    const drop = Math.min(keepFrom - this.#heldStart, this.#heldLength);
    const kept = this.#heldLength - drop;
    if (kept + chunk.length > this.#held.length) {
      const larger = new Float64Array(2 * (kept + chunk.length));
      larger.set(this.#held.subarray(drop, this.#heldLength));
      this.#held = larger;
    } else this.#held.copyWithin(0, drop, this.#heldLength);
    for (let i = 0; i < chunk.length; i++) this.#held[kept + i] = chunk[i]!;
    this.#heldStart += drop;
    this.#heldLength = kept + chunk.length;
  }
}
