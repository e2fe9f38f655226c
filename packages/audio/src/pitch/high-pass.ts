// A Butterworth high-pass against mains hum and rumble, chunk by chunk. Used by pitch-stream.ts.

/** Q of the two second-order sections of a fourth-order Butterworth filter. */
const SECTION_Q = [0.541196100146197, 1.3065629648763766];

interface Section {
  readonly b: number;
  readonly a1: number;
  readonly a2: number;
  z1: number;
  z2: number;
}

/** Fourth order, 24 dB per octave, -3 dB at the cut-off; keeps its state between chunks. */
export class HighPass {
  readonly #sections: readonly Section[];

  /** @param cutoff Hz, > 0 and < sampleRate / 2 */
  constructor(cutoff: number, sampleRate: number) {
    const k = Math.tan((Math.PI * cutoff) / sampleRate);
    this.#sections = SECTION_Q.map((q) => {
      const norm = 1 / (1 + k / q + k * k);
      return { b: norm, a1: 2 * (k * k - 1) * norm, a2: (1 - k / q + k * k) * norm, z1: 0, z2: 0 };
    });
  }

  /** Filters a chunk into a new array. */
  run(chunk: ArrayLike<number>): Float64Array {
    const out = Float64Array.from(chunk);
    for (const section of this.#sections) {
      const { b, a1, a2 } = section;
      let { z1, z2 } = section;
      for (let i = 0; i < out.length; i++) {
        const x = out[i]!;
        const y = b * x + z1;
        z1 = -2 * b * x - a1 * y + z2;
        z2 = b * x - a2 * y;
        out[i] = y;
      }
      section.z1 = z1;
      section.z2 = z2;
    }
    return out;
  }
}
