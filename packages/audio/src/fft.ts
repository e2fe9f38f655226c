// Fourier transforms of any size: `Fft` for complex data, `RealFft` for real signals. Sizes whose prime factors
// are small run as mixed-radix Stockham passes (fft-passes.ts), the others by Bluestein's chirp convolution.
// Both classes keep their tables and work space: make one per size, reuse it; a call allocates nothing.
import { parameterError, requireInteger } from "./errors.ts";
import { makePass, type Pass, runPass } from "./fft-passes.ts";

/** Above this prime factor Bluestein's three powers of two cost less than a butterfly by definition. */
const LARGEST_DIRECT_PRIME = 41;

/**
 * Complex discrete Fourier transform of one fixed size, X[k] = sum over i of x[i] exp(-2 pi i k / size).
 *
 * Float64 throughout; forward is unscaled, inverse divides by size (NumPy's convention).
 *
 * @example
 * const fft = new Fft(4);
 * const re = Float64Array.of(1, 2, 3, 4), im = new Float64Array(4);
 * fft.forward(re, im, re, im); // re = [10, -2, -2, -2], im = [0, 2, 0, -2]
 */
export class Fft {
  /** Number of points, >= 1. */
  readonly size: number;
  readonly #passes: readonly Pass[];
  readonly #workRe: Float64Array;
  readonly #workIm: Float64Array;
  readonly #bluestein: Bluestein | undefined;

  constructor(size: number) {
    this.size = requireInteger("Fft", "size", size, 1);
    const radices = factorise(size);
    this.#bluestein = radices.some((radix) => radix > LARGEST_DIRECT_PRIME) ? new Bluestein(size) : undefined;
    const passes: Pass[] = [];
    if (!this.#bluestein) {
      let stride = 1;
      for (const radix of radices) {
        passes.push(makePass(radix, size / stride, stride));
        stride *= radix;
      }
    }
    this.#passes = passes;
    this.#workRe = new Float64Array(this.#bluestein ? 0 : size);
    this.#workIm = new Float64Array(this.#bluestein ? 0 : size);
  }

  /**
   * Transforms (inRe, inIm) into (outRe, outIm). Only the first `size` entries are used; the output may be the
   * input (in place) but must not overlap it partly.
   *
   * @throws AudioError (`parameter`) if an array is shorter than `size`
   */
  forward(inRe: Float64Array, inIm: Float64Array, outRe: Float64Array, outIm: Float64Array): void {
    const n = this.size;
    if (inRe.length < n || inIm.length < n || outRe.length < n || outIm.length < n) {
      const lengths = [inRe.length, inIm.length, outRe.length, outIm.length].join(", ");
      throw parameterError("Fft", `arrays must hold at least ${n} values, got ${lengths}`);
    }
    if (this.#bluestein) this.#bluestein.transform(inRe, inIm, outRe, outIm);
    else this.#run(inRe, inIm, outRe, outIm);
  }

  /** The inverse of `forward`, scaled by 1 / size. Same arguments, same rules. */
  inverse(inRe: Float64Array, inIm: Float64Array, outRe: Float64Array, outIm: Float64Array): void {
    // Exchanging the real and imaginary parts on both sides conjugates the kernel.
    this.forward(inIm, inRe, outIm, outRe);
    const scale = 1 / this.size;
    for (let i = 0; i < this.size; i++) {
      outRe[i] = outRe[i]! * scale;
      outIm[i] = outIm[i]! * scale;
    }
  }

  #run(inRe: Float64Array, inIm: Float64Array, outRe: Float64Array, outIm: Float64Array): void {
    const passes = this.#passes;
    const workRe = this.#workRe;
    const workIm = this.#workIm;
    let fromRe = inRe;
    let fromIm = inIm;
    // Passes alternate between work and out so that the last one lands in out; an odd number of passes in
    // place would read and write the same arrays first, so that case starts from a copy.
    let toOut = passes.length % 2 === 1;
    if (toOut && (inRe === outRe || inRe === outIm)) {
      workRe.set(inRe.length === this.size ? inRe : inRe.subarray(0, this.size));
      workIm.set(inIm.length === this.size ? inIm : inIm.subarray(0, this.size));
      fromRe = workRe;
      fromIm = workIm;
    }
    if (passes.length === 0) {
      const re = inRe[0]!;
      outIm[0] = inIm[0]!;
      outRe[0] = re;
      return;
    }
    for (let i = 0; i < passes.length; i++) {
      const toRe = toOut ? outRe : workRe;
      const toIm = toOut ? outIm : workIm;
      runPass(passes[i]!, fromRe, fromIm, toRe, toIm);
      fromRe = toRe;
      fromIm = toIm;
      toOut = !toOut;
    }
  }
}

/** Radices in running order: odd primes first, then fours, then eights (or a single two). */
export function factorise(size: number): number[] {
  const odd: number[] = [];
  let rest = size;
  let twos = 0;
  while (rest % 2 === 0) {
    rest /= 2;
    twos++;
  }
  for (let prime = 3; rest > 1; prime += 2) {
    if (prime * prime > rest) prime = rest;
    while (rest % prime === 0) {
      odd.push(prime);
      rest /= prime;
    }
  }
  // As many eights as possible: they touch memory least often. The rest of the twos is fours, or a single two.
  const fours = twos === 1 ? 0 : (2 * twos) % 3;
  const eights = (twos - 2 * fours) / 3;
  const even = twos === 1 ? [2] : [...new Array<number>(fours).fill(4), ...new Array<number>(eights).fill(8)];
  return [...odd, ...even];
}

/** Transform of any size as a circular convolution with a chirp, on a power of two >= 2 size - 1. */
class Bluestein {
  readonly #size: number;
  readonly #fft: Fft;
  readonly #chirpRe: Float64Array;
  readonly #chirpIm: Float64Array;
  readonly #kernelRe: Float64Array;
  readonly #kernelIm: Float64Array;
  readonly #re: Float64Array;
  readonly #im: Float64Array;

  constructor(size: number) {
    const padded = 2 ** Math.ceil(Math.log2(2 * size - 1));
    this.#size = size;
    this.#fft = new Fft(padded);
    this.#chirpRe = new Float64Array(size);
    this.#chirpIm = new Float64Array(size);
    this.#kernelRe = new Float64Array(padded);
    this.#kernelIm = new Float64Array(padded);
    this.#re = new Float64Array(padded);
    this.#im = new Float64Array(padded);
    // i^2 mod 2 size, kept by differences: exact for any size.
    for (let i = 0, square = 0; i < size; i++) {
      const angle = (Math.PI * square) / size;
      this.#chirpRe[i] = Math.cos(angle);
      this.#chirpIm[i] = -Math.sin(angle);
      square = (square + 2 * i + 1) % (2 * size);
    }
    for (let i = 0; i < size; i++) {
      const mirror = (padded - i) % padded;
      this.#kernelRe[i] = this.#kernelRe[mirror] = this.#chirpRe[i]!;
      this.#kernelIm[i] = this.#kernelIm[mirror] = -this.#chirpIm[i]!;
    }
    this.#fft.forward(this.#kernelRe, this.#kernelIm, this.#kernelRe, this.#kernelIm);
  }

  transform(inRe: Float64Array, inIm: Float64Array, outRe: Float64Array, outIm: Float64Array): void {
    const re = this.#re.fill(0);
    const im = this.#im.fill(0);
    const size = this.#size;
    for (let i = 0; i < size; i++) {
      const c = this.#chirpRe[i]!;
      const s = this.#chirpIm[i]!;
      re[i] = inRe[i]! * c - inIm[i]! * s;
      im[i] = inRe[i]! * s + inIm[i]! * c;
    }
    this.#fft.forward(re, im, re, im);
    for (let i = 0; i < re.length; i++) {
      const r = re[i]!;
      re[i] = r * this.#kernelRe[i]! - im[i]! * this.#kernelIm[i]!;
      im[i] = r * this.#kernelIm[i]! + im[i]! * this.#kernelRe[i]!;
    }
    this.#fft.inverse(re, im, re, im);
    for (let i = 0; i < size; i++) {
      const c = this.#chirpRe[i]!;
      const s = this.#chirpIm[i]!;
      outRe[i] = re[i]! * c - im[i]! * s;
      outIm[i] = re[i]! * s + im[i]! * c;
    }
  }
}

/**
 * Fourier transform of a real signal of one fixed size: size real values to size / 2 + 1 complex bins.
 *
 * An even size runs as a complex transform of half the size plus one sweep that separates even and odd
 * samples; an odd size runs as a complex transform with zero imaginary part.
 *
 * @example
 * const fft = new RealFft(4);
 * const re = new Float64Array(fft.bins), im = new Float64Array(fft.bins);
 * fft.forward(Float64Array.of(1, 2, 3, 4), re, im); // re = [10, -2, -2], im = [0, 2, 0]
 */
export class RealFft {
  /** Number of real samples, >= 1. */
  readonly size: number;
  /** Number of bins, floor(size / 2) + 1. */
  readonly bins: number;
  readonly #half: number;
  readonly #fft: Fft;
  readonly #re: Float64Array;
  readonly #im: Float64Array;
  readonly #cos: Float64Array;
  readonly #sin: Float64Array;

  constructor(size: number) {
    this.size = requireInteger("RealFft", "size", size, 1);
    this.bins = Math.floor(size / 2) + 1;
    this.#half = size % 2 === 0 ? size / 2 : 0;
    const inner = this.#half || size;
    this.#fft = new Fft(inner);
    this.#re = new Float64Array(inner);
    this.#im = new Float64Array(inner);
    const quarter = Math.floor(this.#half / 2) + 1;
    this.#cos = Float64Array.from({ length: quarter }, (_, k) => Math.cos((-2 * Math.PI * k) / size));
    this.#sin = Float64Array.from({ length: quarter }, (_, k) => Math.sin((-2 * Math.PI * k) / size));
  }

  /**
   * Transforms `size` samples of `signal`, starting at `offset`, into bins 0 ... size / 2.
   *
   * @param signal real samples; at least offset + size of them
   * @param re real parts out, at least `bins` long
   * @param im imaginary parts out, at least `bins` long
   * @throws AudioError (`parameter`) if an array is too short
   */
  forward(signal: Float32Array | Float64Array, re: Float64Array, im: Float64Array, offset = 0): void {
    this.#require(signal.length - offset, re.length, im.length);
    const zr = this.#re;
    const zi = this.#im;
    if (this.#half) {
      for (let k = 0, i = offset; k < zr.length; k++, i += 2) {
        zr[k] = signal[i]!;
        zi[k] = signal[i + 1]!;
      }
    } else {
      for (let k = 0; k < zr.length; k++) zr[k] = signal[offset + k]!;
      zi.fill(0);
    }
    this.#finish(re, im);
  }

  /** As `forward`, of signal * window: the samples are multiplied while they are read. */
  forwardWindowed(
    signal: Float32Array,
    offset: number,
    window: Float64Array,
    re: Float64Array,
    im: Float64Array,
  ): void {
    this.#require(Math.min(signal.length - offset, window.length), re.length, im.length);
    const zr = this.#re;
    const zi = this.#im;
    if (this.#half) {
      for (let k = 0, w = 0, i = offset; k < zr.length; k++, i += 2, w += 2) {
        zr[k] = signal[i]! * window[w]!;
        zi[k] = signal[i + 1]! * window[w + 1]!;
      }
    } else {
      for (let k = 0; k < zr.length; k++) zr[k] = signal[offset + k]! * window[k]!;
      zi.fill(0);
    }
    this.#finish(re, im);
  }

  /**
   * The inverse of `forward`, scaled by 1 / size: bins back to `size` samples. The imaginary parts of the first
   * bin, and of the last bin of an even size, are ignored (a real signal has none).
   *
   * @throws AudioError (`parameter`) if an array is too short
   */
  inverse(re: Float64Array, im: Float64Array, signal: Float64Array): void {
    this.#require(signal.length, re.length, im.length);
    const zr = this.#re;
    const zi = this.#im;
    const half = this.#half;
    if (!half) {
      zr[0] = re[0]!;
      zi[0] = 0;
      for (let k = 1; k < this.bins; k++) {
        zr[k] = re[k]!;
        zi[k] = im[k]!;
        zr[this.size - k] = re[k]!;
        zi[this.size - k] = -im[k]!;
      }
      this.#fft.inverse(zr, zi, zr, zi);
      for (let k = 0; k < zr.length; k++) signal[k] = zr[k]!;
      return;
    }
    zr[0] = 0.5 * (re[0]! + re[half]!);
    zi[0] = 0.5 * (re[0]! - re[half]!);
    for (let k = 1; k <= half >> 1; k++) {
      const m = half - k;
      const evenRe = 0.5 * (re[k]! + re[m]!);
      const evenIm = 0.5 * (im[k]! - im[m]!);
      const turnedRe = 0.5 * (re[k]! - re[m]!);
      const turnedIm = 0.5 * (im[k]! + im[m]!);
      const c = this.#cos[k]!;
      const s = -this.#sin[k]!;
      const oddRe = turnedRe * c - turnedIm * s;
      const oddIm = turnedRe * s + turnedIm * c;
      zr[k] = evenRe - oddIm;
      zi[k] = evenIm + oddRe;
      zr[m] = evenRe + oddIm;
      zi[m] = oddRe - evenIm;
    }
    this.#fft.inverse(zr, zi, zr, zi);
    for (let k = 0; k < half; k++) {
      signal[2 * k] = zr[k]!;
      signal[2 * k + 1] = zi[k]!;
    }
  }

  #finish(re: Float64Array, im: Float64Array): void {
    const zr = this.#re;
    const zi = this.#im;
    const half = this.#half;
    this.#fft.forward(zr, zi, zr, zi);
    if (!half) {
      for (let k = 0; k < this.bins; k++) {
        re[k] = zr[k]!;
        im[k] = zi[k]!;
      }
      im[0] = 0;
      return;
    }
    re[0] = zr[0]! + zi[0]!;
    re[half] = zr[0]! - zi[0]!;
    im[0] = 0;
    im[half] = 0;
    const cos = this.#cos;
    const sin = this.#sin;
    // With z = even + i odd: X[k] = E + w^k O and X[half - k] = conj(E - w^k O).
    for (let k = 1, m = half - 1; k <= m; k++, m--) {
      const evenRe = 0.5 * (zr[k]! + zr[m]!);
      const evenIm = 0.5 * (zi[k]! - zi[m]!);
      const oddRe = 0.5 * (zi[k]! + zi[m]!);
      const oddIm = 0.5 * (zr[m]! - zr[k]!);
      const c = cos[k]!;
      const s = sin[k]!;
      const turnedRe = oddRe * c - oddIm * s;
      const turnedIm = oddRe * s + oddIm * c;
      re[k] = evenRe + turnedRe;
      im[k] = evenIm + turnedIm;
      re[m] = evenRe - turnedRe;
      im[m] = turnedIm - evenIm;
    }
  }

  #require(samples: number, re: number, im: number): void {
    if (samples >= this.size && re >= this.bins && im >= this.bins) return;
    const want = `${this.size} samples and ${this.bins} bins`;
    throw parameterError("RealFft", `needs ${want}, got ${samples} samples and ${Math.min(re, im)} bins`);
  }
}
