// The butterfly passes of the Fourier transform on two transforms at once, one in each half of a vector (f64x2): the same
// operations in the same order as fft-passes.ts, so the results are the same bits. All arguments are byte addresses or
// counts; x and y are arrays of vectors, w the twiddles of the pass. frames.ts has what comes before and after.

@inline export function get(base: usize, i: i32): v128 {
  return v128.load(base + (<usize>i << 4));
}

@inline export function put(base: usize, i: i32, value: v128): void {
  v128.store(base + (<usize>i << 4), value);
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

/** Radix 2: m columns of stride s. */
export function radix2(w: usize, m: i32, s: i32, xr: usize, xi: usize, yr: usize, yi: usize): void {
  const sm = s * m;
  for (let p = 0; p < m; p++, w += 16) {
    const end = s * (p + 1);
    for (let a = s * p, o = 2 * s * p; a < end; a++, o++) {
      const ar = get(xr, a);
      const ai = get(xi, a);
      const br = get(xr, a + sm);
      const bi = get(xi, a + sm);
      put(yr, o, f64x2.add(ar, br));
      put(yi, o, f64x2.add(ai, bi));
      turn(f64x2.sub(ar, br), f64x2.sub(ai, bi), w, yr, yi, o + s);
    }
  }
}

/** Radix 3: m columns of stride s; `sin60` as the host computes it. */
export function radix3(
  w: usize, m: i32, s: i32, xr: usize, xi: usize, yr: usize, yi: usize, sin60: f64,
): void {
  const sm = s * m;
  const sin = f64x2.splat(sin60);
  const half = f64x2.splat(0.5);
  for (let p = 0; p < m; p++, w += 32) {
    const end = s * (p + 1);
    for (let a = s * p, o = 3 * s * p; a < end; a++, o++) {
      const br = get(xr, a + sm);
      const bi = get(xi, a + sm);
      const cr = get(xr, a + 2 * sm);
      const ci = get(xi, a + 2 * sm);
      const ar = get(xr, a);
      const ai = get(xi, a);
      const sumR = f64x2.add(br, cr);
      const sumI = f64x2.add(bi, ci);
      const diffR = f64x2.mul(sin, f64x2.sub(br, cr));
      const diffI = f64x2.mul(sin, f64x2.sub(bi, ci));
      const midR = f64x2.sub(ar, f64x2.mul(half, sumR));
      const midI = f64x2.sub(ai, f64x2.mul(half, sumI));
      put(yr, o, f64x2.add(ar, sumR));
      put(yi, o, f64x2.add(ai, sumI));
      turn(f64x2.add(midR, diffI), f64x2.sub(midI, diffR), w, yr, yi, o + s);
      turn(f64x2.sub(midR, diffI), f64x2.add(midI, diffR), w + 16, yr, yi, o + 2 * s);
    }
  }
}

/** x + a y + b z. */
@inline function mixed(x: v128, a: v128, y: v128, b: v128, z: v128): v128 {
  return f64x2.add(f64x2.add(x, f64x2.mul(a, y)), f64x2.mul(b, z));
}

/** Radix 5: m columns of stride s; `constants` holds cos 72, cos 144, sin 72, sin 144 degrees as the host computes them. */
export function radix5(
  w: usize, m: i32, s: i32, xr: usize, xi: usize, yr: usize, yi: usize, constants: usize,
): void {
  const sm = s * m;
  const c1 = v128.load64_splat(constants);
  const c2 = v128.load64_splat(constants, 8);
  const s1 = v128.load64_splat(constants, 16);
  const s2 = v128.load64_splat(constants, 24);
  for (let p = 0; p < m; p++, w += 64) {
    const end = s * (p + 1);
    for (let a = s * p, o = 5 * s * p; a < end; a++, o++) {
      const ar = get(xr, a);
      const ai = get(xi, a);
      const beR = f64x2.add(get(xr, a + sm), get(xr, a + 4 * sm));
      const beI = f64x2.add(get(xi, a + sm), get(xi, a + 4 * sm));
      const bmeR = f64x2.sub(get(xr, a + sm), get(xr, a + 4 * sm));
      const bmeI = f64x2.sub(get(xi, a + sm), get(xi, a + 4 * sm));
      const cdR = f64x2.add(get(xr, a + 2 * sm), get(xr, a + 3 * sm));
      const cdI = f64x2.add(get(xi, a + 2 * sm), get(xi, a + 3 * sm));
      const cmdR = f64x2.sub(get(xr, a + 2 * sm), get(xr, a + 3 * sm));
      const cmdI = f64x2.sub(get(xi, a + 2 * sm), get(xi, a + 3 * sm));
      put(yr, o, f64x2.add(f64x2.add(ar, beR), cdR));
      put(yi, o, f64x2.add(f64x2.add(ai, beI), cdI));
      const m1R = mixed(ar, c1, beR, c2, cdR);
      const m1I = mixed(ai, c1, beI, c2, cdI);
      const m2R = mixed(ar, c2, beR, c1, cdR);
      const m2I = mixed(ai, c2, beI, c1, cdI);
      const n1R = f64x2.add(f64x2.mul(s1, bmeR), f64x2.mul(s2, cmdR));
      const n1I = f64x2.add(f64x2.mul(s1, bmeI), f64x2.mul(s2, cmdI));
      const n2R = f64x2.sub(f64x2.mul(s2, bmeR), f64x2.mul(s1, cmdR));
      const n2I = f64x2.sub(f64x2.mul(s2, bmeI), f64x2.mul(s1, cmdI));
      turn(f64x2.add(m1R, n1I), f64x2.sub(m1I, n1R), w, yr, yi, o + s);
      turn(f64x2.add(m2R, n2I), f64x2.sub(m2I, n2R), w + 16, yr, yi, o + 2 * s);
      turn(f64x2.sub(m2R, n2I), f64x2.add(m2I, n2R), w + 32, yr, yi, o + 3 * s);
      turn(f64x2.sub(m1R, n1I), f64x2.add(m1I, n1R), w + 48, yr, yi, o + 4 * s);
    }
  }
}
