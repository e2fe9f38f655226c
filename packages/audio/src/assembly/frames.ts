// The steps of a real Fourier transform on two frames at once, one in each half of a vector (f64x2): the same
// operations in the same order as fft-passes.ts and RealFft, so the results are the same bits.
// All arguments are byte addresses; x and y are arrays of vectors. The host (stft-kernel.ts) runs the loop.

@inline function get(base: usize, i: i32): v128 {
  return v128.load(base + (<usize>i << 4));
}

@inline function put(base: usize, i: i32, value: v128): void {
  v128.store(base + (<usize>i << 4), value);
}

/** Two floats at a and b as a vector of doubles. */
@inline function pair(a: usize, b: usize): v128 {
  return f64x2.promote_low_f32x4(v128.load32_lane(b, v128.load32_zero(a), 1));
}

/** z[k] = windowed samples 2 k + i (2 k + 1) of the frames at a and b, k < half. */
export function pack(a: usize, b: usize, window: usize, zr: usize, zi: usize, half: i32): void {
  for (let k = 0; k < half; k++) {
    put(zr, k, f64x2.mul(pair(a, b), v128.load64_splat(window)));
    put(zi, k, f64x2.mul(pair(a + 4, b + 4), v128.load64_splat(window, 8)));
    a += 8;
    b += 8;
    window += 16;
  }
}

/** Radix 4: m columns of stride s. */
export function radix4(w: usize, m: i32, s: i32, xr: usize, xi: usize, yr: usize, yi: usize): void {
  const sm = s * m;
  for (let p = 0; p < m; p++, w += 48) {
    const w1r = v128.load64_splat(w, 0);
    const w1i = v128.load64_splat(w, 8);
    const w2r = v128.load64_splat(w, 16);
    const w2i = v128.load64_splat(w, 24);
    const w3r = v128.load64_splat(w, 32);
    const w3i = v128.load64_splat(w, 40);
    const end = s * (p + 1);
    for (let a = s * p, o = 4 * s * p; a < end; a++, o++) {
      const b = a + sm;
      const c = b + sm;
      const d = c + sm;
      const ar = get(xr, a);
      const ai = get(xi, a);
      const br = get(xr, b);
      const bi = get(xi, b);
      const cr = get(xr, c);
      const ci = get(xi, c);
      const dr = get(xr, d);
      const di = get(xi, d);
      const acR = f64x2.add(ar, cr);
      const amcR = f64x2.sub(ar, cr);
      const acI = f64x2.add(ai, ci);
      const amcI = f64x2.sub(ai, ci);
      const bdR = f64x2.add(br, dr);
      const bmdR = f64x2.sub(br, dr);
      const bdI = f64x2.add(bi, di);
      const bmdI = f64x2.sub(bi, di);
      put(yr, o, f64x2.add(acR, bdR));
      put(yi, o, f64x2.add(acI, bdI));
      const r1 = f64x2.add(amcR, bmdI);
      const i1 = f64x2.sub(amcI, bmdR);
      const r2 = f64x2.sub(acR, bdR);
      const i2 = f64x2.sub(acI, bdI);
      const r3 = f64x2.sub(amcR, bmdI);
      const i3 = f64x2.add(amcI, bmdR);
      put(yr, o + 1 * s, f64x2.sub(f64x2.mul(r1, w1r), f64x2.mul(i1, w1i)));
      put(yi, o + 1 * s, f64x2.add(f64x2.mul(r1, w1i), f64x2.mul(i1, w1r)));
      put(yr, o + 2 * s, f64x2.sub(f64x2.mul(r2, w2r), f64x2.mul(i2, w2i)));
      put(yi, o + 2 * s, f64x2.add(f64x2.mul(r2, w2i), f64x2.mul(i2, w2r)));
      put(yr, o + 3 * s, f64x2.sub(f64x2.mul(r3, w3r), f64x2.mul(i3, w3i)));
      put(yi, o + 3 * s, f64x2.add(f64x2.mul(r3, w3i), f64x2.mul(i3, w3r)));
    }
  }
}

/** Radix 4 without twiddles, where the transform has size 4. */
export function radix4Last(s: i32, xr: usize, xi: usize, yr: usize, yi: usize): void {
  const sm = s;
  {
    const end = s;
    for (let a = 0, o = 0; a < end; a++, o++) {
      const b = a + sm;
      const c = b + sm;
      const d = c + sm;
      const ar = get(xr, a);
      const ai = get(xi, a);
      const br = get(xr, b);
      const bi = get(xi, b);
      const cr = get(xr, c);
      const ci = get(xi, c);
      const dr = get(xr, d);
      const di = get(xi, d);
      const acR = f64x2.add(ar, cr);
      const amcR = f64x2.sub(ar, cr);
      const acI = f64x2.add(ai, ci);
      const amcI = f64x2.sub(ai, ci);
      const bdR = f64x2.add(br, dr);
      const bmdR = f64x2.sub(br, dr);
      const bdI = f64x2.add(bi, di);
      const bmdI = f64x2.sub(bi, di);
      put(yr, o, f64x2.add(acR, bdR));
      put(yi, o, f64x2.add(acI, bdI));
      const r1 = f64x2.add(amcR, bmdI);
      const i1 = f64x2.sub(amcI, bmdR);
      const r2 = f64x2.sub(acR, bdR);
      const i2 = f64x2.sub(acI, bdI);
      const r3 = f64x2.sub(amcR, bmdI);
      const i3 = f64x2.add(amcI, bmdR);
      put(yr, o + 1 * s, r1);
      put(yi, o + 1 * s, i1);
      put(yr, o + 2 * s, r2);
      put(yi, o + 2 * s, i2);
      put(yr, o + 3 * s, r3);
      put(yi, o + 3 * s, i3);
    }
  }
}

/** Stores (r + i j) times the twiddle at w. */
@inline function turn(r: v128, i: v128, w: usize, yr: usize, yi: usize, at: i32): void {
  const c = v128.load64_splat(w);
  const s = v128.load64_splat(w, 8);
  put(yr, at, f64x2.sub(f64x2.mul(r, c), f64x2.mul(i, s)));
  put(yi, at, f64x2.add(f64x2.mul(r, s), f64x2.mul(i, c)));
}

/** Radix 8: m columns of stride s. */
export function radix8(w: usize, m: i32, s: i32, xr: usize, xi: usize, yr: usize, yi: usize): void {
  const sm = s * m;
  for (let p = 0; p < m; p++, w += 112) {
    const end = s * (p + 1);
    for (let k = s * p, o = 8 * s * p; k < end; k++, o++) {
      const a0r = f64x2.add(get(xr, k + 0 * sm), get(xr, k + 4 * sm));
      const b0r = f64x2.sub(get(xr, k + 0 * sm), get(xr, k + 4 * sm));
      const a0i = f64x2.add(get(xi, k + 0 * sm), get(xi, k + 4 * sm));
      const b0i = f64x2.sub(get(xi, k + 0 * sm), get(xi, k + 4 * sm));
      const a1r = f64x2.add(get(xr, k + 1 * sm), get(xr, k + 5 * sm));
      const b1r = f64x2.sub(get(xr, k + 1 * sm), get(xr, k + 5 * sm));
      const a1i = f64x2.add(get(xi, k + 1 * sm), get(xi, k + 5 * sm));
      const b1i = f64x2.sub(get(xi, k + 1 * sm), get(xi, k + 5 * sm));
      const a2r = f64x2.add(get(xr, k + 2 * sm), get(xr, k + 6 * sm));
      const b2r = f64x2.sub(get(xr, k + 2 * sm), get(xr, k + 6 * sm));
      const a2i = f64x2.add(get(xi, k + 2 * sm), get(xi, k + 6 * sm));
      const b2i = f64x2.sub(get(xi, k + 2 * sm), get(xi, k + 6 * sm));
      const a3r = f64x2.add(get(xr, k + 3 * sm), get(xr, k + 7 * sm));
      const b3r = f64x2.sub(get(xr, k + 3 * sm), get(xr, k + 7 * sm));
      const a3i = f64x2.add(get(xi, k + 3 * sm), get(xi, k + 7 * sm));
      const b3i = f64x2.sub(get(xi, k + 3 * sm), get(xi, k + 7 * sm));
      const c0r = f64x2.add(a0r, a2r);
      const c1r = f64x2.add(a1r, a3r);
      const d0r = f64x2.sub(a0r, a2r);
      const d1r = f64x2.sub(a1r, a3r);
      const c0i = f64x2.add(a0i, a2i);
      const c1i = f64x2.add(a1i, a3i);
      const d0i = f64x2.sub(a0i, a2i);
      const d1i = f64x2.sub(a1i, a3i);
      const e0r = f64x2.add(b0r, b2i);
      const e0i = f64x2.sub(b0i, b2r);
      const e1r = f64x2.sub(b0r, b2i);
      const e1i = f64x2.add(b0i, b2r);
      const f0r = f64x2.mul(f64x2.splat(Math.SQRT1_2), f64x2.add(f64x2.sub(f64x2.add(b1r, b1i), b3r), b3i));
      const f0i = f64x2.mul(f64x2.splat(Math.SQRT1_2), f64x2.sub(f64x2.sub(f64x2.sub(b1i, b1r), b3i), b3r));
      const f1r = f64x2.mul(f64x2.splat(Math.SQRT1_2), f64x2.sub(f64x2.add(f64x2.add(b1r, b1i), b3r), b3i));
      const f1i = f64x2.mul(f64x2.splat(Math.SQRT1_2), f64x2.add(f64x2.add(f64x2.sub(b1i, b1r), b3i), b3r));
      put(yr, o + 0 * s, f64x2.add(c0r, c1r));
      put(yi, o + 0 * s, f64x2.add(c0i, c1i));
      turn(f64x2.add(e0r, f0r), f64x2.add(e0i, f0i), w + 0, yr, yi, o + 1 * s);
      turn(f64x2.add(d0r, d1i), f64x2.sub(d0i, d1r), w + 16, yr, yi, o + 2 * s);
      turn(f64x2.add(e1r, f1i), f64x2.sub(e1i, f1r), w + 32, yr, yi, o + 3 * s);
      turn(f64x2.sub(c0r, c1r), f64x2.sub(c0i, c1i), w + 48, yr, yi, o + 4 * s);
      turn(f64x2.sub(e0r, f0r), f64x2.sub(e0i, f0i), w + 64, yr, yi, o + 5 * s);
      turn(f64x2.sub(d0r, d1i), f64x2.add(d0i, d1r), w + 80, yr, yi, o + 6 * s);
      turn(f64x2.sub(e1r, f1i), f64x2.add(e1i, f1r), w + 96, yr, yi, o + 7 * s);
    }
  }
}

/** Radix 8 without twiddles, where the transform has size 8. */
export function radix8Last(s: i32, xr: usize, xi: usize, yr: usize, yi: usize): void {
  const sm = s;
  {
    for (let k = 0, o = 0; k < s; k++, o++) {
      const a0r = f64x2.add(get(xr, k + 0 * sm), get(xr, k + 4 * sm));
      const b0r = f64x2.sub(get(xr, k + 0 * sm), get(xr, k + 4 * sm));
      const a0i = f64x2.add(get(xi, k + 0 * sm), get(xi, k + 4 * sm));
      const b0i = f64x2.sub(get(xi, k + 0 * sm), get(xi, k + 4 * sm));
      const a1r = f64x2.add(get(xr, k + 1 * sm), get(xr, k + 5 * sm));
      const b1r = f64x2.sub(get(xr, k + 1 * sm), get(xr, k + 5 * sm));
      const a1i = f64x2.add(get(xi, k + 1 * sm), get(xi, k + 5 * sm));
      const b1i = f64x2.sub(get(xi, k + 1 * sm), get(xi, k + 5 * sm));
      const a2r = f64x2.add(get(xr, k + 2 * sm), get(xr, k + 6 * sm));
      const b2r = f64x2.sub(get(xr, k + 2 * sm), get(xr, k + 6 * sm));
      const a2i = f64x2.add(get(xi, k + 2 * sm), get(xi, k + 6 * sm));
      const b2i = f64x2.sub(get(xi, k + 2 * sm), get(xi, k + 6 * sm));
      const a3r = f64x2.add(get(xr, k + 3 * sm), get(xr, k + 7 * sm));
      const b3r = f64x2.sub(get(xr, k + 3 * sm), get(xr, k + 7 * sm));
      const a3i = f64x2.add(get(xi, k + 3 * sm), get(xi, k + 7 * sm));
      const b3i = f64x2.sub(get(xi, k + 3 * sm), get(xi, k + 7 * sm));
      const c0r = f64x2.add(a0r, a2r);
      const c1r = f64x2.add(a1r, a3r);
      const d0r = f64x2.sub(a0r, a2r);
      const d1r = f64x2.sub(a1r, a3r);
      const c0i = f64x2.add(a0i, a2i);
      const c1i = f64x2.add(a1i, a3i);
      const d0i = f64x2.sub(a0i, a2i);
      const d1i = f64x2.sub(a1i, a3i);
      const e0r = f64x2.add(b0r, b2i);
      const e0i = f64x2.sub(b0i, b2r);
      const e1r = f64x2.sub(b0r, b2i);
      const e1i = f64x2.add(b0i, b2r);
      const f0r = f64x2.mul(f64x2.splat(Math.SQRT1_2), f64x2.add(f64x2.sub(f64x2.add(b1r, b1i), b3r), b3i));
      const f0i = f64x2.mul(f64x2.splat(Math.SQRT1_2), f64x2.sub(f64x2.sub(f64x2.sub(b1i, b1r), b3i), b3r));
      const f1r = f64x2.mul(f64x2.splat(Math.SQRT1_2), f64x2.sub(f64x2.add(f64x2.add(b1r, b1i), b3r), b3i));
      const f1i = f64x2.mul(f64x2.splat(Math.SQRT1_2), f64x2.add(f64x2.add(f64x2.sub(b1i, b1r), b3i), b3r));
      put(yr, o + 0 * s, f64x2.add(c0r, c1r));
      put(yi, o + 0 * s, f64x2.add(c0i, c1i));
      put(yr, o + 1 * s, f64x2.add(e0r, f0r));
      put(yi, o + 1 * s, f64x2.add(e0i, f0i));
      put(yr, o + 2 * s, f64x2.add(d0r, d1i));
      put(yi, o + 2 * s, f64x2.sub(d0i, d1r));
      put(yr, o + 3 * s, f64x2.add(e1r, f1i));
      put(yi, o + 3 * s, f64x2.sub(e1i, f1r));
      put(yr, o + 4 * s, f64x2.sub(c0r, c1r));
      put(yi, o + 4 * s, f64x2.sub(c0i, c1i));
      put(yr, o + 5 * s, f64x2.sub(e0r, f0r));
      put(yi, o + 5 * s, f64x2.sub(e0i, f0i));
      put(yr, o + 6 * s, f64x2.sub(d0r, d1i));
      put(yi, o + 6 * s, f64x2.add(d0i, d1r));
      put(yr, o + 7 * s, f64x2.sub(e1r, f1i));
      put(yi, o + 7 * s, f64x2.add(e1i, f1r));
    }
  }
}

@inline function floats(a: usize, b: usize, k: i32, value: v128): void {
  const low = f32x4.demote_f64x2_zero(value);
  v128.store32_lane(a + (<usize>k << 2), low, 0);
  v128.store32_lane(b + (<usize>k << 2), low, 1);
}

@inline function squares(a: usize, b: usize, k: i32, r: v128, i: v128): void {
  const power = f64x2.add(f64x2.mul(r, r), f64x2.mul(i, i));
  v128.store64_lane(a + (<usize>k << 3), power, 0);
  v128.store64_lane(b + (<usize>k << 3), power, 1);
}

/** All bins of both frames, as floats: real parts to a and b, imaginary parts to ai and bi. */
export function finish(
  zr: usize, zi: usize, cos: usize, sin: usize, half: i32, a: usize, b: usize, ai: usize, bi: usize,
): void {
  const half05 = f64x2.splat(0.5);
  const zero = f64x2.splat(0);
  const z0r = get(zr, 0);
  const z0i = get(zi, 0);
  floats(a, b, 0, f64x2.add(z0r, z0i));
  floats(ai, bi, 0, zero);
  floats(a, b, half, f64x2.sub(z0r, z0i));
  floats(ai, bi, half, zero);
  for (let k = 1, m = half - 1; k <= m; k++, m--) {
    const kr = get(zr, k);
    const ki = get(zi, k);
    const mr = get(zr, m);
    const mi = get(zi, m);
    const evenRe = f64x2.mul(half05, f64x2.add(kr, mr));
    const evenIm = f64x2.mul(half05, f64x2.sub(ki, mi));
    const oddRe = f64x2.mul(half05, f64x2.add(ki, mi));
    const oddIm = f64x2.mul(half05, f64x2.sub(mr, kr));
    const c = v128.load64_splat(cos + (<usize>k << 3));
    const s = v128.load64_splat(sin + (<usize>k << 3));
    const turnedRe = f64x2.sub(f64x2.mul(oddRe, c), f64x2.mul(oddIm, s));
    const turnedIm = f64x2.add(f64x2.mul(oddRe, s), f64x2.mul(oddIm, c));
    floats(a, b, k, f64x2.add(evenRe, turnedRe));
    floats(ai, bi, k, f64x2.add(evenIm, turnedIm));
    floats(a, b, m, f64x2.sub(evenRe, turnedRe));
    floats(ai, bi, m, f64x2.sub(turnedIm, evenIm));
  }
}

/** |X|^2 of all bins of both frames, as doubles, to a and b. */
export function finishPower(zr: usize, zi: usize, cos: usize, sin: usize, half: i32, a: usize, b: usize): void {
  const half05 = f64x2.splat(0.5);
  const zero = f64x2.splat(0);
  const z0r = get(zr, 0);
  const z0i = get(zi, 0);
  squares(a, b, 0, f64x2.add(z0r, z0i), zero);
  squares(a, b, half, f64x2.sub(z0r, z0i), zero);
  for (let k = 1, m = half - 1; k <= m; k++, m--) {
    const kr = get(zr, k);
    const ki = get(zi, k);
    const mr = get(zr, m);
    const mi = get(zi, m);
    const evenRe = f64x2.mul(half05, f64x2.add(kr, mr));
    const evenIm = f64x2.mul(half05, f64x2.sub(ki, mi));
    const oddRe = f64x2.mul(half05, f64x2.add(ki, mi));
    const oddIm = f64x2.mul(half05, f64x2.sub(mr, kr));
    const c = v128.load64_splat(cos + (<usize>k << 3));
    const s = v128.load64_splat(sin + (<usize>k << 3));
    const turnedRe = f64x2.sub(f64x2.mul(oddRe, c), f64x2.mul(oddIm, s));
    const turnedIm = f64x2.add(f64x2.mul(oddRe, s), f64x2.mul(oddIm, c));
    squares(a, b, k, f64x2.add(evenRe, turnedRe), f64x2.add(evenIm, turnedIm));
    squares(a, b, m, f64x2.sub(evenRe, turnedRe), f64x2.sub(turnedIm, evenIm));
  }
}
