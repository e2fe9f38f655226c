// One pass of a Stockham transform: butterflies of one radix over the whole array, sorted on the way, so that no
// reordering by bits is needed. Van Loan 1992, Computational Frameworks for the Fast Fourier Transform.

const SIN_3 = Math.sqrt(3) / 2;
const COS_5 = [Math.cos((2 * Math.PI) / 5), Math.cos((4 * Math.PI) / 5)] as const;
const SIN_5 = [Math.sin((2 * Math.PI) / 5), Math.sin((4 * Math.PI) / 5)] as const;

/**
 * Takes x[q + stride (p + count k)] for k = 0 ... radix - 1 to y[q + stride (radix p + j)], for all p < count and
 * q < stride: the transform over k, times exp(-2 pi i p j / (radix count)).
 */
export class Pass {
  private readonly radix: number;
  private readonly count: number;
  private readonly stride: number;
  /** The factors for p and j, at p radix + j. */
  private readonly cos: Float64Array;
  private readonly sin: Float64Array;
  /** exp(-2 pi i j / radix). */
  private readonly rootRe: Float64Array;
  private readonly rootIm: Float64Array;
  private readonly termRe: Float64Array;
  private readonly termIm: Float64Array;

  constructor(radix: number, count: number, stride: number) {
    this.radix = radix;
    this.count = count;
    this.stride = stride;
    const size = radix * count;
    const angle = (i: number): number => {
      const p = Math.floor(i / radix);
      return (-2 * Math.PI * ((p * (i % radix)) % size)) / size;
    };
    this.cos = Float64Array.from({ length: size }, (_, i) => Math.cos(angle(i)));
    this.sin = Float64Array.from({ length: size }, (_, i) => Math.sin(angle(i)));
    const root = (j: number): number => (-2 * Math.PI * j) / radix;
    this.rootRe = Float64Array.from({ length: radix }, (_, j) => Math.cos(root(j)));
    this.rootIm = Float64Array.from({ length: radix }, (_, j) => Math.sin(root(j)));
    this.termRe = new Float64Array(radix);
    this.termIm = new Float64Array(radix);
  }

  run(xr: Float64Array, xi: Float64Array, yr: Float64Array, yi: Float64Array): void {
    if (this.radix === 4) this.fours(xr, xi, yr, yi);
    else if (this.radix === 2) this.twos(xr, xi, yr, yi);
    else if (this.radix === 3) this.threes(xr, xi, yr, yi);
    else if (this.radix === 5) this.fives(xr, xi, yr, yi);
    else this.any(xr, xi, yr, yi);
  }

  private twos(xr: Float64Array, xi: Float64Array, yr: Float64Array, yi: Float64Array): void {
    const { count, stride, cos, sin } = this;
    const far = stride * count;
    for (let p = 0; p < count; p++) {
      const c = cos[2 * p + 1]!;
      const s = sin[2 * p + 1]!;
      for (let a = stride * p, y = 2 * stride * p, end = a + stride; a < end; a++, y++) {
        const dr = xr[a]! - xr[a + far]!;
        const di = xi[a]! - xi[a + far]!;
        yr[y] = xr[a]! + xr[a + far]!;
        yi[y] = xi[a]! + xi[a + far]!;
        yr[y + stride] = dr * c - di * s;
        yi[y + stride] = dr * s + di * c;
      }
    }
  }

  private threes(xr: Float64Array, xi: Float64Array, yr: Float64Array, yi: Float64Array): void {
    const { count, stride, cos, sin } = this;
    const far = stride * count;
    for (let p = 0; p < count; p++) {
      const c1 = cos[3 * p + 1]!;
      const s1 = sin[3 * p + 1]!;
      const c2 = cos[3 * p + 2]!;
      const s2 = sin[3 * p + 2]!;
      for (let a = stride * p, y = 3 * stride * p, end = a + stride; a < end; a++, y++) {
        const b = a + far;
        const c = b + far;
        const sumRe = xr[b]! + xr[c]!;
        const sumIm = xi[b]! + xi[c]!;
        const turnRe = SIN_3 * (xi[b]! - xi[c]!);
        const turnIm = SIN_3 * (xr[c]! - xr[b]!);
        const midRe = xr[a]! - 0.5 * sumRe;
        const midIm = xi[a]! - 0.5 * sumIm;
        yr[y] = xr[a]! + sumRe;
        yi[y] = xi[a]! + sumIm;
        const r1 = midRe + turnRe;
        const i1 = midIm + turnIm;
        const r2 = midRe - turnRe;
        const i2 = midIm - turnIm;
        yr[y + stride] = r1 * c1 - i1 * s1;
        yi[y + stride] = r1 * s1 + i1 * c1;
        yr[y + 2 * stride] = r2 * c2 - i2 * s2;
        yi[y + 2 * stride] = r2 * s2 + i2 * c2;
      }
    }
  }

  private fours(xr: Float64Array, xi: Float64Array, yr: Float64Array, yi: Float64Array): void {
    const { count, stride, cos, sin } = this;
    const far = stride * count;
    for (let p = 0; p < count; p++) {
      const c1 = cos[4 * p + 1]!;
      const s1 = sin[4 * p + 1]!;
      const c2 = cos[4 * p + 2]!;
      const s2 = sin[4 * p + 2]!;
      const c3 = cos[4 * p + 3]!;
      const s3 = sin[4 * p + 3]!;
      for (let a = stride * p, y = 4 * stride * p, end = a + stride; a < end; a++, y++) {
        const b = a + far;
        const c = b + far;
        const d = c + far;
        const evenRe = xr[a]! + xr[c]!;
        const evenIm = xi[a]! + xi[c]!;
        const leftRe = xr[a]! - xr[c]!;
        const leftIm = xi[a]! - xi[c]!;
        const oddRe = xr[b]! + xr[d]!;
        const oddIm = xi[b]! + xi[d]!;
        const turnRe = xi[b]! - xi[d]!;
        const turnIm = xr[d]! - xr[b]!;
        yr[y] = evenRe + oddRe;
        yi[y] = evenIm + oddIm;
        const r1 = leftRe + turnRe;
        const i1 = leftIm + turnIm;
        const r2 = evenRe - oddRe;
        const i2 = evenIm - oddIm;
        const r3 = leftRe - turnRe;
        const i3 = leftIm - turnIm;
        yr[y + stride] = r1 * c1 - i1 * s1;
        yi[y + stride] = r1 * s1 + i1 * c1;
        yr[y + 2 * stride] = r2 * c2 - i2 * s2;
        yi[y + 2 * stride] = r2 * s2 + i2 * c2;
        yr[y + 3 * stride] = r3 * c3 - i3 * s3;
        yi[y + 3 * stride] = r3 * s3 + i3 * c3;
      }
    }
  }

  private fives(xr: Float64Array, xi: Float64Array, yr: Float64Array, yi: Float64Array): void {
    const { count, stride, cos, sin } = this;
    const far = stride * count;
    for (let p = 0; p < count; p++) {
      const t = 5 * p;
      for (let a = stride * p, y = 5 * stride * p, end = a + stride; a < end; a++, y++) {
        const b = a + far;
        const c = b + far;
        const d = c + far;
        const e = d + far;
        const sumRe1 = xr[b]! + xr[e]!;
        const sumIm1 = xi[b]! + xi[e]!;
        const sumRe2 = xr[c]! + xr[d]!;
        const sumIm2 = xi[c]! + xi[d]!;
        const difRe1 = xr[b]! - xr[e]!;
        const difIm1 = xi[b]! - xi[e]!;
        const difRe2 = xr[c]! - xr[d]!;
        const difIm2 = xi[c]! - xi[d]!;
        const re1 = xr[a]! + COS_5[0] * sumRe1 + COS_5[1] * sumRe2;
        const im1 = xi[a]! + COS_5[0] * sumIm1 + COS_5[1] * sumIm2;
        const re2 = xr[a]! + COS_5[1] * sumRe1 + COS_5[0] * sumRe2;
        const im2 = xi[a]! + COS_5[1] * sumIm1 + COS_5[0] * sumIm2;
        const turnRe1 = SIN_5[0] * difIm1 + SIN_5[1] * difIm2;
        const turnIm1 = SIN_5[0] * difRe1 + SIN_5[1] * difRe2;
        const turnRe2 = SIN_5[1] * difIm1 - SIN_5[0] * difIm2;
        const turnIm2 = SIN_5[1] * difRe1 - SIN_5[0] * difRe2;
        yr[y] = xr[a]! + sumRe1 + sumRe2;
        yi[y] = xi[a]! + sumIm1 + sumIm2;
        this.turned(yr, yi, y + stride, re1 + turnRe1, im1 - turnIm1, cos[t + 1]!, sin[t + 1]!);
        this.turned(yr, yi, y + 2 * stride, re2 + turnRe2, im2 - turnIm2, cos[t + 2]!, sin[t + 2]!);
        this.turned(yr, yi, y + 3 * stride, re2 - turnRe2, im2 + turnIm2, cos[t + 3]!, sin[t + 3]!);
        this.turned(yr, yi, y + 4 * stride, re1 - turnRe1, im1 + turnIm1, cos[t + 4]!, sin[t + 4]!);
      }
    }
  }

  /** Writes (re + i im)(c + i s). */
  private turned(
    yr: Float64Array,
    yi: Float64Array,
    at: number,
    re: number,
    im: number,
    c: number,
    s: number,
  ): void {
    yr[at] = re * c - im * s;
    yi[at] = re * s + im * c;
  }

  /** Any other prime, by definition. */
  private any(xr: Float64Array, xi: Float64Array, yr: Float64Array, yi: Float64Array): void {
    const { radix, count, stride, cos, sin, rootRe, rootIm, termRe, termIm } = this;
    const far = stride * count;
    for (let p = 0; p < count; p++) {
      for (let q = 0; q < stride; q++) {
        for (let k = 0; k < radix; k++) {
          termRe[k] = xr[q + stride * p + far * k]!;
          termIm[k] = xi[q + stride * p + far * k]!;
        }
        for (let j = 0; j < radix; j++) {
          let re = termRe[0]!;
          let im = termIm[0]!;
          for (let k = 1, w = j; k < radix; k++) {
            re += termRe[k]! * rootRe[w]! - termIm[k]! * rootIm[w]!;
            im += termRe[k]! * rootIm[w]! + termIm[k]! * rootRe[w]!;
            w += j;
            if (w >= radix) w -= radix;
          }
          const factor = radix * p + j;
          this.turned(yr, yi, q + stride * (radix * p + j), re, im, cos[factor]!, sin[factor]!);
        }
      }
    }
  }
}
