// The butterfly passes of fft.ts: Stockham's self-sorting form, decimation in frequency, so no bit reversal.
// A pass of radix r takes a transform of `size` interleaved `stride` times (size * stride = n) to one of
// size / r interleaved r * stride times. Passes read (xr, xi) and write (yr, yi); twiddles hold the powers
// w^p, w^2p ... w^(r-1)p of w = exp(-2 pi i / size) as pairs (cos, sin) for p = 0 ... size / r - 1.

/** One prepared pass: its radix, geometry and twiddle factors. */
export interface Pass {
  readonly radix: number;
  readonly size: number;
  readonly stride: number;
  readonly twiddles: Float64Array;
  /** cos and sin of 2 pi j / radix, for the generic radix only. */
  readonly roots: Float64Array;
}

/** Prepares one pass; see the file header for the meaning of the arguments. */
export function makePass(radix: number, size: number, stride: number): Pass {
  const columns = size / radix;
  const twiddles = new Float64Array(2 * (radix - 1) * columns);
  for (let p = 0, t = 0; p < columns; p++) {
    for (let k = 1; k < radix; k++) {
      const angle = (-2 * Math.PI * ((p * k) % size)) / size;
      twiddles[t++] = Math.cos(angle);
      twiddles[t++] = Math.sin(angle);
    }
  }
  const roots = new Float64Array(2 * radix);
  for (let j = 0; j < radix; j++) {
    roots[2 * j] = Math.cos((-2 * Math.PI * j) / radix);
    roots[2 * j + 1] = Math.sin((-2 * Math.PI * j) / radix);
  }
  return { radix, size, stride, twiddles, roots };
}

/** Runs one pass from (xr, xi) to (yr, yi); the two pairs must not overlap. */
export function runPass(
  pass: Pass,
  xr: Float64Array,
  xi: Float64Array,
  yr: Float64Array,
  yi: Float64Array,
): void {
  const { radix, size, stride } = pass;
  if (radix === 4) {
    if (size === 4) radix4Last(stride, xr, xi, yr, yi);
    else if (stride === 1) radix4First(pass.twiddles, size >> 2, xr, xi, yr, yi);
    else radix4(pass.twiddles, size >> 2, stride, xr, xi, yr, yi);
  } else if (radix === 8 && size === 8) radix8Last(stride, xr, xi, yr, yi);
  else if (radix === 8) radix8(pass.twiddles, size >> 3, stride, xr, xi, yr, yi);
  else if (radix === 2) radix2(pass, xr, xi, yr, yi);
  else if (radix === 3) radix3(pass, xr, xi, yr, yi);
  else if (radix === 5) radix5(pass, xr, xi, yr, yi);
  else radixAny(pass, xr, xi, yr, yi);
}

function radix4First(
  w: Float64Array,
  m: number,
  xr: Float64Array,
  xi: Float64Array,
  yr: Float64Array,
  yi: Float64Array,
): void {
  for (let p = 0, t = 0, o = 0; p < m; p++, t += 6, o += 4) {
    const p1 = p + m;
    const p2 = p1 + m;
    const p3 = p2 + m;
    const acR = xr[p]! + xr[p2]!;
    const acI = xi[p]! + xi[p2]!;
    const amcR = xr[p]! - xr[p2]!;
    const amcI = xi[p]! - xi[p2]!;
    const bdR = xr[p1]! + xr[p3]!;
    const bdI = xi[p1]! + xi[p3]!;
    const bmdR = xr[p1]! - xr[p3]!;
    const bmdI = xi[p1]! - xi[p3]!;
    yr[o] = acR + bdR;
    yi[o] = acI + bdI;
    const r1 = amcR + bmdI;
    const i1 = amcI - bmdR;
    const w1r = w[t]!;
    const w1i = w[t + 1]!;
    yr[o + 1] = r1 * w1r - i1 * w1i;
    yi[o + 1] = r1 * w1i + i1 * w1r;
    const r2 = acR - bdR;
    const i2 = acI - bdI;
    const w2r = w[t + 2]!;
    const w2i = w[t + 3]!;
    yr[o + 2] = r2 * w2r - i2 * w2i;
    yi[o + 2] = r2 * w2i + i2 * w2r;
    const r3 = amcR - bmdI;
    const i3 = amcI + bmdR;
    const w3r = w[t + 4]!;
    const w3i = w[t + 5]!;
    yr[o + 3] = r3 * w3r - i3 * w3i;
    yi[o + 3] = r3 * w3i + i3 * w3r;
  }
}

function radix4(
  w: Float64Array,
  m: number,
  s: number,
  xr: Float64Array,
  xi: Float64Array,
  yr: Float64Array,
  yi: Float64Array,
): void {
  const sm = s * m;
  for (let p = 0; p < m; p++) {
    const t = 6 * p;
    const w1r = w[t]!;
    const w1i = w[t + 1]!;
    const w2r = w[t + 2]!;
    const w2i = w[t + 3]!;
    const w3r = w[t + 4]!;
    const w3i = w[t + 5]!;
    const end = s * (p + 1);
    for (let a = s * p, o = 4 * s * p; a < end; a++, o++) {
      const b = a + sm;
      const c = b + sm;
      const d = c + sm;
      const acR = xr[a]! + xr[c]!;
      const acI = xi[a]! + xi[c]!;
      const amcR = xr[a]! - xr[c]!;
      const amcI = xi[a]! - xi[c]!;
      const bdR = xr[b]! + xr[d]!;
      const bdI = xi[b]! + xi[d]!;
      const bmdR = xr[b]! - xr[d]!;
      const bmdI = xi[b]! - xi[d]!;
      const o1 = o + s;
      const o2 = o1 + s;
      const o3 = o2 + s;
      yr[o] = acR + bdR;
      yi[o] = acI + bdI;
      const r1 = amcR + bmdI;
      const i1 = amcI - bmdR;
      yr[o1] = r1 * w1r - i1 * w1i;
      yi[o1] = r1 * w1i + i1 * w1r;
      const r2 = acR - bdR;
      const i2 = acI - bdI;
      yr[o2] = r2 * w2r - i2 * w2i;
      yi[o2] = r2 * w2i + i2 * w2r;
      const r3 = amcR - bmdI;
      const i3 = amcI + bmdR;
      yr[o3] = r3 * w3r - i3 * w3i;
      yi[o3] = r3 * w3i + i3 * w3r;
    }
  }
}

function radix4Last(s: number, xr: Float64Array, xi: Float64Array, yr: Float64Array, yi: Float64Array): void {
  for (let a = 0; a < s; a++) {
    const b = a + s;
    const c = b + s;
    const d = c + s;
    const acR = xr[a]! + xr[c]!;
    const acI = xi[a]! + xi[c]!;
    const amcR = xr[a]! - xr[c]!;
    const amcI = xi[a]! - xi[c]!;
    const bdR = xr[b]! + xr[d]!;
    const bdI = xi[b]! + xi[d]!;
    const bmdR = xr[b]! - xr[d]!;
    const bmdI = xi[b]! - xi[d]!;
    yr[a] = acR + bdR;
    yi[a] = acI + bdI;
    yr[b] = amcR + bmdI;
    yi[b] = amcI - bmdR;
    yr[c] = acR - bdR;
    yi[c] = acI - bdI;
    yr[d] = amcR - bmdI;
    yi[d] = amcI + bmdR;
  }
}

/** Radix 8 at every place but the last: as `radix8Last`, with the outputs turned by their twiddles. */
function radix8(
  w: Float64Array,
  m: number,
  s: number,
  xr: Float64Array,
  xi: Float64Array,
  yr: Float64Array,
  yi: Float64Array,
): void {
  const sm = s * m;
  for (let p = 0; p < m; p++) {
    const t = 14 * p;
    const end = s * (p + 1);
    for (let k0 = s * p, o = 8 * s * p; k0 < end; k0++, o++) {
      const k1 = k0 + sm;
      const k2 = k1 + sm;
      const k3 = k2 + sm;
      const k4 = k3 + sm;
      const k5 = k4 + sm;
      const k6 = k5 + sm;
      const k7 = k6 + sm;
      const a0r = xr[k0]! + xr[k4]!;
      const a0i = xi[k0]! + xi[k4]!;
      const b0r = xr[k0]! - xr[k4]!;
      const b0i = xi[k0]! - xi[k4]!;
      const a2r = xr[k2]! + xr[k6]!;
      const a2i = xi[k2]! + xi[k6]!;
      const b2r = xr[k2]! - xr[k6]!;
      const b2i = xi[k2]! - xi[k6]!;
      const a1r = xr[k1]! + xr[k5]!;
      const a1i = xi[k1]! + xi[k5]!;
      const b1r = xr[k1]! - xr[k5]!;
      const b1i = xi[k1]! - xi[k5]!;
      const a3r = xr[k3]! + xr[k7]!;
      const a3i = xi[k3]! + xi[k7]!;
      const b3r = xr[k3]! - xr[k7]!;
      const b3i = xi[k3]! - xi[k7]!;
      const c0r = a0r + a2r;
      const c0i = a0i + a2i;
      const c1r = a1r + a3r;
      const c1i = a1i + a3i;
      yr[o] = c0r + c1r;
      yi[o] = c0i + c1i;
      const d0r = a0r - a2r;
      const d0i = a0i - a2i;
      const d1r = a1r - a3r;
      const d1i = a1i - a3i;
      const e0r = b0r + b2i;
      const e0i = b0i - b2r;
      const e1r = b0r - b2i;
      const e1i = b0i + b2r;
      const f0r = Math.SQRT1_2 * (b1r + b1i - b3r + b3i);
      const f0i = Math.SQRT1_2 * (b1i - b1r - b3i - b3r);
      const f1r = Math.SQRT1_2 * (b1r + b1i + b3r - b3i);
      const f1i = Math.SQRT1_2 * (b1i - b1r + b3i + b3r);
      const g1r = e0r + f0r;
      const g1i = e0i + f0i;
      yr[o + 1 * s] = g1r * w[t + 0]! - g1i * w[t + 1]!;
      yi[o + 1 * s] = g1r * w[t + 1]! + g1i * w[t + 0]!;
      const g2r = d0r + d1i;
      const g2i = d0i - d1r;
      yr[o + 2 * s] = g2r * w[t + 2]! - g2i * w[t + 3]!;
      yi[o + 2 * s] = g2r * w[t + 3]! + g2i * w[t + 2]!;
      const g3r = e1r + f1i;
      const g3i = e1i - f1r;
      yr[o + 3 * s] = g3r * w[t + 4]! - g3i * w[t + 5]!;
      yi[o + 3 * s] = g3r * w[t + 5]! + g3i * w[t + 4]!;
      const g4r = c0r - c1r;
      const g4i = c0i - c1i;
      yr[o + 4 * s] = g4r * w[t + 6]! - g4i * w[t + 7]!;
      yi[o + 4 * s] = g4r * w[t + 7]! + g4i * w[t + 6]!;
      const g5r = e0r - f0r;
      const g5i = e0i - f0i;
      yr[o + 5 * s] = g5r * w[t + 8]! - g5i * w[t + 9]!;
      yi[o + 5 * s] = g5r * w[t + 9]! + g5i * w[t + 8]!;
      const g6r = d0r - d1i;
      const g6i = d0i + d1r;
      yr[o + 6 * s] = g6r * w[t + 10]! - g6i * w[t + 11]!;
      yi[o + 6 * s] = g6r * w[t + 11]! + g6i * w[t + 10]!;
      const g7r = e1r - f1i;
      const g7i = e1i + f1r;
      yr[o + 7 * s] = g7r * w[t + 12]! - g7i * w[t + 13]!;
      yi[o + 7 * s] = g7r * w[t + 13]! + g7i * w[t + 12]!;
    }
  }
}

function radix8Last(s: number, xr: Float64Array, xi: Float64Array, yr: Float64Array, yi: Float64Array): void {
  for (let k0 = 0; k0 < s; k0++) {
    const k1 = k0 + s;
    const k2 = k1 + s;
    const k3 = k2 + s;
    const k4 = k3 + s;
    const k5 = k4 + s;
    const k6 = k5 + s;
    const k7 = k6 + s;
    const a0r = xr[k0]! + xr[k4]!;
    const a0i = xi[k0]! + xi[k4]!;
    const b0r = xr[k0]! - xr[k4]!;
    const b0i = xi[k0]! - xi[k4]!;
    const a2r = xr[k2]! + xr[k6]!;
    const a2i = xi[k2]! + xi[k6]!;
    const b2r = xr[k2]! - xr[k6]!;
    const b2i = xi[k2]! - xi[k6]!;
    const a1r = xr[k1]! + xr[k5]!;
    const a1i = xi[k1]! + xi[k5]!;
    const b1r = xr[k1]! - xr[k5]!;
    const b1i = xi[k1]! - xi[k5]!;
    const a3r = xr[k3]! + xr[k7]!;
    const a3i = xi[k3]! + xi[k7]!;
    const b3r = xr[k3]! - xr[k7]!;
    const b3i = xi[k3]! - xi[k7]!;
    const c0r = a0r + a2r;
    const c0i = a0i + a2i;
    const c1r = a1r + a3r;
    const c1i = a1i + a3i;
    yr[k0] = c0r + c1r;
    yi[k0] = c0i + c1i;
    yr[k4] = c0r - c1r;
    yi[k4] = c0i - c1i;
    const d0r = a0r - a2r;
    const d0i = a0i - a2i;
    const d1r = a1r - a3r;
    const d1i = a1i - a3i;
    yr[k2] = d0r + d1i;
    yi[k2] = d0i - d1r;
    yr[k6] = d0r - d1i;
    yi[k6] = d0i + d1r;
    // The odd outputs: b1 and b3 turned by -45 and -135 degrees.
    const e0r = b0r + b2i;
    const e0i = b0i - b2r;
    const e1r = b0r - b2i;
    const e1i = b0i + b2r;
    const f0r = Math.SQRT1_2 * (b1r + b1i - b3r + b3i);
    const f0i = Math.SQRT1_2 * (b1i - b1r - b3i - b3r);
    const f1r = Math.SQRT1_2 * (b1r + b1i + b3r - b3i);
    const f1i = Math.SQRT1_2 * (b1i - b1r + b3i + b3r);
    yr[k1] = e0r + f0r;
    yi[k1] = e0i + f0i;
    yr[k5] = e0r - f0r;
    yi[k5] = e0i - f0i;
    yr[k3] = e1r + f1i;
    yi[k3] = e1i - f1r;
    yr[k7] = e1r - f1i;
    yi[k7] = e1i + f1r;
  }
}

function radix2(pass: Pass, xr: Float64Array, xi: Float64Array, yr: Float64Array, yi: Float64Array): void {
  const { stride: s, twiddles: w } = pass;
  const m = pass.size / 2;
  for (let p = 0; p < m; p++) {
    const wr = w[2 * p]!;
    const wi = w[2 * p + 1]!;
    for (let q = 0; q < s; q++) {
      const a = s * p + q;
      const b = a + s * m;
      const o = 2 * s * p + q;
      const r = xr[a]! - xr[b]!;
      const i = xi[a]! - xi[b]!;
      yr[o] = xr[a]! + xr[b]!;
      yi[o] = xi[a]! + xi[b]!;
      yr[o + s] = r * wr - i * wi;
      yi[o + s] = r * wi + i * wr;
    }
  }
}

/** sin 60 degrees; like those below for the fast form too, which must use the same values. */
export const SIN_60: number = Math.sqrt(3) / 2;

function radix3(pass: Pass, xr: Float64Array, xi: Float64Array, yr: Float64Array, yi: Float64Array): void {
  const { stride: s, twiddles: w } = pass;
  const m = pass.size / 3;
  for (let p = 0; p < m; p++) {
    const w1r = w[4 * p]!;
    const w1i = w[4 * p + 1]!;
    const w2r = w[4 * p + 2]!;
    const w2i = w[4 * p + 3]!;
    for (let q = 0; q < s; q++) {
      const a = s * p + q;
      const b = a + s * m;
      const c = b + s * m;
      const o = 3 * s * p + q;
      const sumR = xr[b]! + xr[c]!;
      const sumI = xi[b]! + xi[c]!;
      const diffR = SIN_60 * (xr[b]! - xr[c]!);
      const diffI = SIN_60 * (xi[b]! - xi[c]!);
      const midR = xr[a]! - 0.5 * sumR;
      const midI = xi[a]! - 0.5 * sumI;
      yr[o] = xr[a]! + sumR;
      yi[o] = xi[a]! + sumI;
      const r1 = midR + diffI;
      const i1 = midI - diffR;
      yr[o + s] = r1 * w1r - i1 * w1i;
      yi[o + s] = r1 * w1i + i1 * w1r;
      const r2 = midR - diffI;
      const i2 = midI + diffR;
      yr[o + 2 * s] = r2 * w2r - i2 * w2i;
      yi[o + 2 * s] = r2 * w2i + i2 * w2r;
    }
  }
}

/** The fifth roots of 1. */
export const COS_72: number = Math.cos((2 * Math.PI) / 5);
export const COS_144: number = Math.cos((4 * Math.PI) / 5);
export const SIN_72: number = Math.sin((2 * Math.PI) / 5);
export const SIN_144: number = Math.sin((4 * Math.PI) / 5);

function radix5(pass: Pass, xr: Float64Array, xi: Float64Array, yr: Float64Array, yi: Float64Array): void {
  const { stride: s, twiddles: w } = pass;
  const m = pass.size / 5;
  for (let p = 0; p < m; p++) {
    const t = 8 * p;
    for (let q = 0; q < s; q++) {
      const a = s * p + q;
      const b = a + s * m;
      const c = b + s * m;
      const d = c + s * m;
      const e = d + s * m;
      const o = 5 * s * p + q;
      const beR = xr[b]! + xr[e]!;
      const beI = xi[b]! + xi[e]!;
      const bmeR = xr[b]! - xr[e]!;
      const bmeI = xi[b]! - xi[e]!;
      const cdR = xr[c]! + xr[d]!;
      const cdI = xi[c]! + xi[d]!;
      const cmdR = xr[c]! - xr[d]!;
      const cmdI = xi[c]! - xi[d]!;
      yr[o] = xr[a]! + beR + cdR;
      yi[o] = xi[a]! + beI + cdI;
      const m1R = xr[a]! + COS_72 * beR + COS_144 * cdR;
      const m1I = xi[a]! + COS_72 * beI + COS_144 * cdI;
      const m2R = xr[a]! + COS_144 * beR + COS_72 * cdR;
      const m2I = xi[a]! + COS_144 * beI + COS_72 * cdI;
      const n1R = SIN_72 * bmeR + SIN_144 * cmdR;
      const n1I = SIN_72 * bmeI + SIN_144 * cmdI;
      const n2R = SIN_144 * bmeR - SIN_72 * cmdR;
      const n2I = SIN_144 * bmeI - SIN_72 * cmdI;
      const r1 = m1R + n1I;
      const i1 = m1I - n1R;
      yr[o + s] = r1 * w[t]! - i1 * w[t + 1]!;
      yi[o + s] = r1 * w[t + 1]! + i1 * w[t]!;
      const r2 = m2R + n2I;
      const i2 = m2I - n2R;
      yr[o + 2 * s] = r2 * w[t + 2]! - i2 * w[t + 3]!;
      yi[o + 2 * s] = r2 * w[t + 3]! + i2 * w[t + 2]!;
      const r3 = m2R - n2I;
      const i3 = m2I + n2R;
      yr[o + 3 * s] = r3 * w[t + 4]! - i3 * w[t + 5]!;
      yi[o + 3 * s] = r3 * w[t + 5]! + i3 * w[t + 4]!;
      const r4 = m1R - n1I;
      const i4 = m1I + n1R;
      yr[o + 4 * s] = r4 * w[t + 6]! - i4 * w[t + 7]!;
      yi[o + 4 * s] = r4 * w[t + 7]! + i4 * w[t + 6]!;
    }
  }
}

/** Any radix by its definition: radix^2 products per butterfly, for the odd primes from 7 on. */
function radixAny(pass: Pass, xr: Float64Array, xi: Float64Array, yr: Float64Array, yi: Float64Array): void {
  const { radix, stride: s, twiddles: w, roots } = pass;
  const m = pass.size / radix;
  for (let p = 0; p < m; p++) {
    for (let q = 0; q < s; q++) {
      const a = s * p + q;
      const o = radix * s * p + q;
      for (let k = 0; k < radix; k++) {
        let r = xr[a]!;
        let i = xi[a]!;
        for (let j = 1, root = k; j < radix; j++) {
          const cos = roots[2 * root]!;
          const sin = roots[2 * root + 1]!;
          const x = a + j * s * m;
          r += xr[x]! * cos - xi[x]! * sin;
          i += xr[x]! * sin + xi[x]! * cos;
          root += k;
          if (root >= radix) root -= radix;
        }
        const t = 2 * ((radix - 1) * p + k - 1);
        const wr = k === 0 ? 1 : w[t]!;
        const wi = k === 0 ? 0 : w[t + 1]!;
        yr[o + k * s] = r * wr - i * wi;
        yi[o + k * s] = r * wi + i * wr;
      }
    }
  }
}
