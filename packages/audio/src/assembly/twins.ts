// What the pitch trackers do before and after two complex transforms that run side by side, each of them of two real
// frames (one as real, one as imaginary part): the same operations in the same order as autocorrelation.ts,
// spectrum-frames.ts and candidates.ts, so the results are the same bits. The host is twin-fft.ts. All arguments are byte
// addresses or counts; xr and xi are arrays of n vectors.
import { get, put } from "./passes";

/** In place, from a transform to what transforms back to autocorrelations: the powers of the one and the other frame. */
export function evenPowers(xr: usize, xi: usize, n: i32): void {
  const quarter = f64x2.splat(0.25);
  for (let k = 0, m = 0; k <= n - k; k++, m = n - k) {
    const kr = get(xr, k);
    const ki = get(xi, k);
    const mr = get(xr, m);
    const mi = get(xi, m);
    const evenRe = f64x2.add(kr, mr);
    const evenIm = f64x2.sub(ki, mi);
    const oddRe = f64x2.sub(kr, mr);
    const oddIm = f64x2.add(ki, mi);
    const a = f64x2.mul(quarter, f64x2.add(f64x2.mul(evenRe, evenRe), f64x2.mul(evenIm, evenIm)));
    const b = f64x2.mul(quarter, f64x2.add(f64x2.mul(oddRe, oddRe), f64x2.mul(oddIm, oddIm)));
    put(xr, k, a);
    put(xr, m, a);
    put(xi, k, b);
    put(xi, m, b);
  }
}

/** Bins 1 ... n / 2 of the powers of four frames, as floats: of the first transform to a and b, of the second to c and d. */
export function framePowers(xr: usize, xi: usize, n: i32, a: usize, b: usize, c: usize, d: usize): void {
  const quarter = f64x2.splat(0.25);
  const half = n / 2;
  for (let k = 1; k <= half; k++) {
    const m = n - k;
    const kr = get(xr, k);
    const ki = get(xi, k);
    const mr = get(xr, m);
    const mi = get(xi, m);
    const evenRe = f64x2.add(kr, mr);
    const evenIm = f64x2.sub(ki, mi);
    const oddRe = f64x2.sub(kr, mr);
    const oddIm = f64x2.add(ki, mi);
    const at = <usize>k << 2;
    const even = f64x2.add(f64x2.mul(evenRe, evenRe), f64x2.mul(evenIm, evenIm));
    const ac = f32x4.demote_f64x2_zero(f64x2.mul(quarter, even));
    v128.store32_lane(a + at, ac, 0);
    v128.store32_lane(c + at, ac, 1);
    const odd = f64x2.add(f64x2.mul(oddRe, oddRe), f64x2.mul(oddIm, oddIm));
    const bd = f32x4.demote_f64x2_zero(f64x2.mul(quarter, odd));
    v128.store32_lane(b + at, bd, 0);
    v128.store32_lane(d + at, bd, 1);
  }
}

/**
 * One part (real or imaginary) of the mixes of candidates.ts: of the powers of two frames, floats at a and b, to the even
 * array x of n vectors. `roots` has room for `bins` vectors. Returns nothing; the shares of the power that were kept go to
 * `excess`, one vector.
 */
export function mix(
  a: usize, b: usize, bins: i32, band: usize, subtracted: usize, clarity: usize, whitening: f64,
  roots: usize, x: usize, n: i32, excess: usize,
): void {
  const zero = f64x2.splat(0);
  const tiny = f64x2.splat(1e-30);
  let total = zero;
  let plain = zero;
  let compressed = zero;
  for (let k = 1; k < bins; k++) {
    const at = <usize>k << 3;
    const float = <usize>k << 2;
    const p = f64x2.promote_low_f32x4(v128.load32_lane(b + float, v128.load32_zero(a + float), 1));
    const weighted = f64x2.mul(v128.load64_splat(band + at), p);
    const kept = f64x2.div(f64x2.mul(weighted, p), f64x2.add(p, v128.load64_splat(subtracted + at)));
    const root = f64x2.mul(f64x2.sqrt(p), v128.load64_splat(clarity + at));
    total = f64x2.add(total, weighted);
    plain = f64x2.add(plain, kept);
    compressed = f64x2.add(compressed, root);
    put(x, k, kept);
    put(roots, k, root);
  }
  const plainScale = f64x2.div(f64x2.splat(1 - whitening), f64x2.add(plain, tiny));
  const compressedScale = f64x2.div(f64x2.splat(whitening), f64x2.add(compressed, tiny));
  put(x, 0, zero);
  for (let k = 1; k < bins; k++) {
    const value = f64x2.add(f64x2.mul(plainScale, get(x, k)), f64x2.mul(compressedScale, get(roots, k)));
    put(x, k, value);
    put(x, n - k, value);
  }
  for (let k = bins; k <= n - bins; k++) put(x, k, zero);
  v128.store(excess, f64x2.div(plain, f64x2.add(total, tiny)));
}
