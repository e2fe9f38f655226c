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

  /** Takes a chunk; returns the output samples that no later input can change. */
  push(chunk: ArrayLike<number>): ArrayLike<number> {
    if (this.factor === 1) return chunk;
    this.#hold(chunk);
    // Output k needs inputs up to k * factor + reach.
    return this.#outputs(Math.ceil((this.#heldStart + this.#heldLength - this.reach) / this.factor));
  }

  /** The outputs that reach beyond the end of the input. */
  finish(): ArrayLike<number> {
    if (this.factor === 1) return [];
    const end = this.#heldStart + this.#heldLength;
    this.#hold(new Float64Array(2 * this.reach + this.factor));
    return this.#outputs(Math.ceil(end / this.factor));
  }

  /** Outputs up to number `end`, exclusive. */
  #outputs(end: number): Float64Array {
    const { factor, reach } = this;
    const kernel = this.#kernel;
    const held = this.#held;
    const out = new Float64Array(Math.max(0, end - this.#next));
    let i = 0;
    while (i < out.length) {
      const from = (this.#next + i) * factor - reach - this.#heldStart;
      if (from < 0 || i + 4 > out.length) {
        // Zeros before the first sample.
        let sum = 0;
        for (let k = Math.max(0, -from); k < kernel.length; k++) sum += kernel[k]! * held[from + k]!;
        out[i++] = sum;
        continue;
      }
      // Four sums at a time: one alone would wait for each of its additions.
      let [a, b, c, d] = [0, 0, 0, 0];
      for (let k = 0, at = from; k < kernel.length; k++, at++) {
        const weight = kernel[k]!;
        a += weight * held[at]!;
        b += weight * held[at + factor]!;
        c += weight * held[at + 2 * factor]!;
        d += weight * held[at + 3 * factor]!;
      }
      out[i] = a;
      out[i + 1] = b;
      out[i + 2] = c;
      out[i + 3] = d;
      i += 4;
    }
    this.#next += out.length;
    return out;
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
