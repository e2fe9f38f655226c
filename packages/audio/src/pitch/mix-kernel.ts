// The wasm form of what candidates.ts does to four spectra: mixes and their autocorrelations, with the same bits.
import { TwinFft } from "./twin-fft.ts";

/** Autocorrelations of four frames: lag k of frames 0, 2, 1, 3 is re[2 k], re[2 k + 1], im[2 k], im[2 k + 1]. */
export interface Correlations {
  readonly re: Float64Array;
  readonly im: Float64Array;
  /** Shares of the power that were kept, of frames 0, 2, 1, 3. */
  readonly excess: Float64Array;
}

/** The arrays of one tracker in wasm memory. */
export class MixKernel {
  readonly #twins: TwinFft;
  readonly #bins: number;
  readonly #powers: readonly Float32Array[];
  readonly #band: Float64Array;
  readonly #subtracted: Float64Array;
  readonly #clarity: Float64Array;
  readonly #roots: Float64Array;
  readonly #excess: Float64Array;

  private constructor(twins: TwinFft, bins: number, band: Float64Array) {
    const { memory, size } = twins;
    this.#twins = twins;
    this.#bins = bins;
    this.#powers = [0, 1, 2, 3].map(() => memory.floats(size / 2 + 1));
    this.#band = memory.doubles(bins);
    this.#band.set(band.subarray(0, bins));
    this.#subtracted = memory.doubles(bins);
    this.#clarity = memory.doubles(bins);
    this.#roots = memory.doubles(2 * bins);
    this.#excess = memory.doubles(4);
  }

  /** For transforms of `size` and the first `bins` bins, weighed by `band`; undefined where there is no wasm. */
  static open(size: number, bins: number, band: Float64Array): MixKernel | undefined {
    const twins = TwinFft.open(size, 48 * size);
    return twins ? new MixKernel(twins, bins, band) : undefined;
  }

  /** Sets what the frames that follow share: see `CandidateFinder`. */
  prepare(subtracted: Float64Array, clarity: Float64Array): void {
    this.#subtracted.set(subtracted);
    this.#clarity.set(clarity);
  }

  /** Autocorrelations of four frames; valid until the next call. */
  correlate(frames: readonly { readonly power: Float32Array }[], whitening: number): Correlations {
    const { wasm, input, size } = this.#twins;
    for (let i = 0; i < 4; i++) this.#powers[i]!.set(frames[i]!.power);
    const [a, b, c, d] = this.#powers.map((power) => power.byteOffset) as [number, number, number, number];
    const [band, subtracted, clarity, roots] = [
      this.#band.byteOffset,
      this.#subtracted.byteOffset,
      this.#clarity.byteOffset,
      this.#roots.byteOffset,
    ];
    const excess = this.#excess.byteOffset;
    const bins = this.#bins;
    wasm.mix(a, c, bins, band, subtracted, clarity, whitening, roots, input[0], size, excess);
    wasm.mix(b, d, bins, band, subtracted, clarity, whitening, roots, input[1], size, excess + 16);
    const [re, im] = this.#twins.at(this.#twins.run());
    return { re, im, excess: this.#excess };
  }
}
