// Linear autocorrelation of frames by FFT, two frames per transform, and four at once where there is wasm. Used by yin.ts,
// pyin.ts and mpm.ts. Read next: difference.ts.
import { Fft } from "../fft.ts";
import { TwinFft } from "./twin-fft.ts";

/** Smallest 2^a, 3 * 2^a or 5 * 2^a >= `minimum`: sizes whose transforms are fast. */
export function fastFftSize(minimum: number): number {
  let best = Number.POSITIVE_INFINITY;
  for (const factor of [1, 3, 5]) {
    best = Math.min(best, factor * 2 ** Math.max(0, Math.ceil(Math.log2(minimum / factor))));
  }
  return best;
}

/**
 * r[k] = sum over i of x[i] x[i + k] inside one frame, for lags 0 ... `maxLag`.
 *
 * Two real frames travel as the real and imaginary part of one complex signal, and so do their (real, even)
 * power spectra on the way back: two transforms serve two frames. Frames are zero-padded, so nothing wraps.
 * A frame of zeros gets exact zeros, whatever the frame beside it leaves there by rounding.
 */
export class FrameAutocorrelation {
  readonly frameLength: number;
  readonly maxLag: number;
  readonly #fft: Fft;
  readonly #re: Float64Array;
  readonly #im: Float64Array;
  readonly #twins: TwinFft | undefined;

  constructor(frameLength: number, maxLag: number) {
    this.frameLength = frameLength;
    this.maxLag = maxLag;
    const size = fastFftSize(frameLength + maxLag);
    this.#fft = new Fft(size);
    this.#re = new Float64Array(size);
    this.#im = new Float64Array(size);
    this.#twins = TwinFft.open(size);
  }

  /** Frames a and b of shape [frameLength] -> their autocorrelations, each of shape [maxLag + 1]. */
  run(a: Float64Array, b: Float64Array, outA: Float64Array, outB: Float64Array): void {
    const re = this.#re.fill(0);
    const im = this.#im.fill(0);
    re.set(a);
    im.set(b);
    const n = re.length;
    this.#fft.forward(re, im, re, im);
    // A[k] = (Z[k] + conj Z[-k]) / 2 and B[k] = (Z[k] - conj Z[-k]) / 2i.
    for (let k = 0, m = 0; k <= n - k; k++, m = n - k) {
      const evenRe = re[k]! + re[m]!;
      const evenIm = im[k]! - im[m]!;
      const oddRe = re[k]! - re[m]!;
      const oddIm = im[k]! + im[m]!;
      const powerA = 0.25 * (evenRe * evenRe + evenIm * evenIm);
      const powerB = 0.25 * (oddRe * oddRe + oddIm * oddIm);
      re[k] = re[m] = powerA;
      im[k] = im[m] = powerB;
    }
    this.#fft.forward(re, im, re, im);
    const scale = 1 / n;
    for (let k = 0; k <= this.maxLag; k++) {
      outA[k] = re[k]! * scale;
      outB[k] = im[k]! * scale;
    }
    if (isSilent(a)) outA.fill(0);
    if (isSilent(b)) outB.fill(0);
  }

  /** The same for four frames, as `run` gives it for the first and the last two. */
  runFour(frames: readonly Float64Array[], out: readonly Float64Array[]): void {
    const [a, b, c, d] = frames as [Float64Array, Float64Array, Float64Array, Float64Array];
    const [outA, outB, outC, outD] = out as [Float64Array, Float64Array, Float64Array, Float64Array];
    const twins = this.#twins;
    if (!twins) {
      this.run(a, b, outA, outB);
      this.run(c, d, outC, outD);
      return;
    }
    const { re, im, wasm, size } = twins;
    for (let i = 0, k = 0; i < a.length; i++, k += 2) {
      re[k] = a[i]!;
      re[k + 1] = c[i]!;
      im[k] = b[i]!;
      im[k + 1] = d[i]!;
    }
    re.fill(0, 2 * a.length);
    im.fill(0, 2 * a.length);
    const spectrum = twins.run();
    wasm.evenPowers(...spectrum, size);
    twins.again(spectrum);
    const [real, imaginary] = twins.at(twins.run());
    const scale = 1 / size;
    everySecond(real, 0, scale, outA);
    everySecond(imaginary, 0, scale, outB);
    everySecond(real, 1, scale, outC);
    everySecond(imaginary, 1, scale, outD);
    for (let i = 0; i < 4; i++) if (isSilent(frames[i]!)) out[i]!.fill(0);
  }
}

/** Copies every second value, from the first or the second on. */
function everySecond(values: Float64Array, first: 0 | 1, scale: number, out: Float64Array): void {
  for (let k = 0, i: number = first; k < out.length; k++, i += 2) out[k] = values[i]! * scale;
}

/** Whether every sample is 0. */
function isSilent(frame: Float64Array): boolean {
  for (let i = 0; i < frame.length; i++) if (frame[i] !== 0) return false;
  return true;
}
