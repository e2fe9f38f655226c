// Fourier transforms of any size in double precision: complex ones as mixed-radix Stockham passes (fft-passes.ts), or by
// Bluestein's chirp convolution where a prime factor is large; real ones by a complex one of half the size. Tables and
// work space are kept by size. Read next: fft-passes.ts, fourier.ts.

import { Pass } from "./fft-passes.ts";

/** Above this prime factor Bluestein's transforms of a power of two cost less than a butterfly by definition. */
const LARGEST_DIRECT_PRIME = 41;

/** Radices in running order: fours, a two, then odd primes. */
function factorise(size: number): number[] {
  const radices: number[] = [];
  let rest = size;
  for (const radix of [4, 2]) {
    for (; rest % radix === 0; rest /= radix) radices.push(radix);
  }
  for (let prime = 3; rest > 1; prime += 2) {
    if (prime * prime > rest) prime = rest;
    for (; rest % prime === 0; rest /= prime) radices.push(prime);
  }
  return radices;
}

/** X[k] = sum over i of x[i] exp(-2 pi i k / size), in place. */
export interface ComplexTransform {
  run(re: Float64Array, im: Float64Array): void;
}

class MixedRadix implements ComplexTransform {
  private readonly passes: readonly Pass[];
  private readonly workRe: Float64Array;
  private readonly workIm: Float64Array;

  constructor(size: number, radices: readonly number[]) {
    let stride = 1;
    this.passes = radices.map((radix) => {
      const pass = new Pass(radix, size / stride / radix, stride);
      stride *= radix;
      return pass;
    });
    this.workRe = new Float64Array(size);
    this.workIm = new Float64Array(size);
  }

  run(re: Float64Array, im: Float64Array): void {
    const { passes, workRe, workIm } = this;
    let inPlace = true;
    for (const pass of passes) {
      if (inPlace) pass.run(re, im, workRe, workIm);
      else pass.run(workRe, workIm, re, im);
      inPlace = !inPlace;
    }
    if (inPlace) return;
    re.set(workRe);
    im.set(workIm);
  }
}

/** A transform as a circular convolution with a chirp. Bluestein 1970. */
class Chirp implements ComplexTransform {
  private readonly size: number;
  private readonly inner: ComplexTransform;
  private readonly chirpRe: Float64Array;
  private readonly chirpIm: Float64Array;
  private readonly kernelRe: Float64Array;
  private readonly kernelIm: Float64Array;
  private readonly re: Float64Array;
  private readonly im: Float64Array;

  constructor(size: number) {
    const padded = 2 ** Math.ceil(Math.log2(2 * size - 1));
    this.size = size;
    this.inner = complexTransform(padded);
    this.chirpRe = new Float64Array(size);
    this.chirpIm = new Float64Array(size);
    this.re = new Float64Array(padded);
    this.im = new Float64Array(padded);
    this.kernelRe = new Float64Array(padded);
    this.kernelIm = new Float64Array(padded);
    // i^2 modulo 2 size, kept by differences: exact for any size.
    for (let i = 0, square = 0; i < size; i++) {
      const angle = (Math.PI * square) / size;
      this.chirpRe[i] = Math.cos(angle);
      this.chirpIm[i] = -Math.sin(angle);
      const mirror = (padded - i) % padded;
      this.kernelRe[i] = this.kernelRe[mirror] = this.chirpRe[i]! / padded;
      this.kernelIm[i] = this.kernelIm[mirror] = -this.chirpIm[i]! / padded;
      square = (square + 2 * i + 1) % (2 * size);
    }
    this.inner.run(this.kernelRe, this.kernelIm);
  }

  run(outRe: Float64Array, outIm: Float64Array): void {
    const { size, chirpRe, chirpIm, kernelRe, kernelIm } = this;
    const re = this.re.fill(0);
    const im = this.im.fill(0);
    for (let i = 0; i < size; i++) {
      re[i] = outRe[i]! * chirpRe[i]! - outIm[i]! * chirpIm[i]!;
      im[i] = outRe[i]! * chirpIm[i]! + outIm[i]! * chirpRe[i]!;
    }
    this.inner.run(re, im);
    for (let i = 0; i < re.length; i++) {
      const r = re[i]!;
      re[i] = r * kernelRe[i]! - im[i]! * kernelIm[i]!;
      im[i] = r * kernelIm[i]! + im[i]! * kernelRe[i]!;
    }
    this.inner.run(im, re); // exchanged parts: the inverse transform
    for (let i = 0; i < size; i++) {
      outRe[i] = re[i]! * chirpRe[i]! - im[i]! * chirpIm[i]!;
      outIm[i] = re[i]! * chirpIm[i]! + im[i]! * chirpRe[i]!;
    }
  }
}

/** The transform of a size, with tables of its own. */
export function complexTransform(size: number): ComplexTransform {
  const radices = factorise(size);
  return radices.some((radix) => radix > LARGEST_DIRECT_PRIME)
    ? new Chirp(size)
    : new MixedRadix(size, radices);
}

/** Transforms between `size` real samples and floor(size / 2) + 1 bins, real and imaginary parts side by side. */
export class RealTransform {
  private readonly size: number;
  /** size / 2 for an even size, where samples are taken in pairs as one complex number; else 0. */
  private readonly half: number;
  private readonly inner: ComplexTransform;
  private readonly re: Float64Array;
  private readonly im: Float64Array;
  private readonly cos: Float64Array;
  private readonly sin: Float64Array;

  constructor(size: number) {
    this.size = size;
    this.half = size % 2 === 0 ? size / 2 : 0;
    const points = this.half || size;
    this.inner = complexTransform(points);
    this.re = new Float64Array(points);
    this.im = new Float64Array(points);
    const turn = (k: number): number => (2 * Math.PI * k) / size;
    this.cos = Float64Array.from({ length: this.half + 1 }, (_, k) => Math.cos(turn(k)));
    this.sin = Float64Array.from({ length: this.half + 1 }, (_, k) => Math.sin(turn(k)));
  }

  /** Bins of the samples x[from], ..., written to y from `to` on. */
  forward(x: Float32Array | Float64Array, from: number, y: Float32Array | Float64Array, to: number): void {
    const { size, half, re, im, cos, sin } = this;
    if (half === 0) {
      for (let i = 0; i < size; i++) re[i] = x[from + i]!;
      im.fill(0);
      this.inner.run(re, im);
      for (let k = 0; 2 * k <= size; k++) {
        y[to + 2 * k] = re[k]!;
        y[to + 2 * k + 1] = k === 0 ? 0 : im[k]!;
      }
      return;
    }
    for (let i = 0, p = from; i < half; i++, p += 2) {
      re[i] = x[p]!;
      im[i] = x[p + 1]!;
    }
    this.inner.run(re, im);
    // With E and O the spectra of even and odd samples, which are those of the pairs split by their symmetry:
    // X[k] = E[k] + w^k O[k], w = exp(-2 pi i / size).
    y[to] = re[0]! + im[0]!;
    y[to + 1] = 0;
    y[to + size] = re[0]! - im[0]!;
    y[to + size + 1] = 0;
    for (let k = 1; 2 * k <= half; k++) {
      const m = half - k;
      const evenRe = 0.5 * (re[k]! + re[m]!);
      const evenIm = 0.5 * (im[k]! - im[m]!);
      const oddRe = 0.5 * (im[k]! + im[m]!);
      const oddIm = 0.5 * (re[m]! - re[k]!);
      const turnedRe = oddRe * cos[k]! + oddIm * sin[k]!;
      const turnedIm = oddIm * cos[k]! - oddRe * sin[k]!;
      y[to + 2 * k] = evenRe + turnedRe;
      y[to + 2 * k + 1] = evenIm + turnedIm;
      // The bin that mirrors k, conj(E[k] - w^k O[k]).
      y[to + 2 * m] = evenRe - turnedRe;
      y[to + 2 * m + 1] = turnedIm - evenIm;
    }
  }

  /** Samples of bins, the inverse of `forward`; imaginary parts that no real signal has are not read. */
  inverse(x: Float32Array | Float64Array, from: number, y: Float32Array | Float64Array, to: number): void {
    const { size, half, re, im, cos, sin } = this;
    const part = (k: number): number => (k === 0 || k === half ? 0 : x[from + 2 * k + 1]!);
    if (half === 0) {
      re[0] = x[from]! / size;
      im[0] = 0;
      for (let k = 1; 2 * k <= size; k++) {
        re[k] = re[size - k] = x[from + 2 * k]! / size;
        im[k] = x[from + 2 * k + 1]! / size;
        im[size - k] = -im[k]!;
      }
      this.inner.run(im, re); // exchanged parts: the inverse transform
      for (let i = 0; i < size; i++) y[to + i] = re[i]!;
      return;
    }
    for (let k = 0; k < half; k++) {
      const m = half - k;
      const kRe = x[from + 2 * k]!;
      const mRe = x[from + 2 * m]!;
      const kIm = part(k);
      const mIm = part(m);
      const turnedRe = kRe - mRe;
      const turnedIm = kIm + mIm;
      const oddRe = turnedRe * cos[k]! - turnedIm * sin[k]!;
      const oddIm = turnedRe * sin[k]! + turnedIm * cos[k]!;
      re[k] = (kRe + mRe - oddIm) / size;
      im[k] = (kIm - mIm + oddRe) / size;
    }
    this.inner.run(im, re);
    for (let i = 0, p = to; i < half; i++, p += 2) {
      y[p] = re[i]!;
      y[p + 1] = im[i]!;
    }
  }
}
