// Frames of a signal to spectra and back, two frames at once, one in each half of a vector (f64x2): the same operations in
// the same order as RealFft, MelBank and istft, so the results are the same bits. All arguments are byte addresses or
// counts. The hosts are stft-kernel.ts and istft-kernel.ts; passes.ts has the transform proper, twins.ts two complex ones.
import { get, put } from "./passes";

export { radix2, radix3, radix4, radix4Last, radix5, radix8, radix8Last } from "./passes";
export { evenPowers, framePowers, mix } from "./twins";

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

/** |X|^2 of all bins, those of the two frames side by side: `out` is an array of vectors. */
export function finishPairs(zr: usize, zi: usize, cos: usize, sin: usize, half: i32, out: usize): void {
  const half05 = f64x2.splat(0.5);
  const z0r = get(zr, 0);
  const z0i = get(zi, 0);
  const first = f64x2.add(z0r, z0i);
  const last = f64x2.sub(z0r, z0i);
  put(out, 0, f64x2.mul(first, first));
  put(out, half, f64x2.mul(last, last));
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
    const kRe = f64x2.add(evenRe, turnedRe);
    const kIm = f64x2.add(evenIm, turnedIm);
    const mRe = f64x2.sub(evenRe, turnedRe);
    const mIm = f64x2.sub(turnedIm, evenIm);
    put(out, k, f64x2.add(f64x2.mul(kRe, kRe), f64x2.mul(kIm, kIm)));
    put(out, m, f64x2.add(f64x2.mul(mRe, mRe), f64x2.mul(mIm, mIm)));
  }
}

/** The host's Math.log10, for the few values whose rounding to a float is a close call. */
@external("env", "log10")
declare function hostLog10(x: f64): f64;

/** Well beyond the error of the polynomial in `logs` (8e-12), far below the distance of two floats. */
const DOUBT: f64 = 5e-11;

/** log10 of two positive, finite values, with an error below 8e-12 for those within 1e-30 ... 1e30 and not much beyond. */
@inline function roughLogs(x: v128): v128 {
  const one = f64x2.splat(1);
  // x = m 2^e with m in sqrt(1/2) ... sqrt(2); the exponent becomes a double by way of 2^52 + e.
  const raw = v128.or(i64x2.shr_u(x, 52), i64x2.splat(0x4330000000000000));
  const m1 = v128.or(v128.and(x, i64x2.splat(0x000fffffffffffff)), i64x2.splat(0x3ff0000000000000));
  const large = f64x2.gt(m1, f64x2.splat(1.4142135623730951));
  const m = v128.bitselect(f64x2.mul(m1, f64x2.splat(0.5)), m1, large);
  const e = f64x2.add(f64x2.sub(raw, f64x2.splat(4503599627370496.0 + 1023)), v128.and(large, one));
  // log m = 2 artanh((m - 1) / (m + 1)).
  const t = f64x2.div(f64x2.sub(m, one), f64x2.add(m, one));
  const z = f64x2.mul(t, t);
  const z2 = f64x2.mul(z, z);
  const low4 = f64x2.add(f64x2.splat(1.0 / 5), f64x2.mul(f64x2.splat(1.0 / 7), z));
  const low8 = f64x2.add(f64x2.splat(1.0 / 9), f64x2.mul(f64x2.splat(1.0 / 11), z));
  const tail = f64x2.mul(z2, f64x2.add(low4, f64x2.mul(z2, low8)));
  const p = f64x2.add(f64x2.add(one, f64x2.mul(f64x2.splat(1.0 / 3), z)), tail);
  const scaled = f64x2.mul(f64x2.mul(p, t), f64x2.splat(0.8685889638065036));
  return f64x2.add(f64x2.mul(e, f64x2.splat(0.3010299956639812)), scaled);
}

/** Whether the floats that two doubles round to are certain for all values so near to them, x being finite. */
@inline function certain(low: v128, high: v128, x: v128): bool {
  // NaN fails the first comparison, infinity the second.
  return i32x4.all_true(f32x4.eq(low, high)) && i64x2.all_true(f64x2.lt(x, f64x2.splat(1e300)));
}

/**
 * log10 of two positive values, rounded to floats as Math.log10 followed by rounding gives them: a polynomial decides
 * wherever its error cannot matter.
 */
@inline function logs(x: v128): v128 {
  const y = roughLogs(x);
  const low = f32x4.demote_f64x2_zero(f64x2.sub(y, f64x2.splat(DOUBT)));
  const high = f32x4.demote_f64x2_zero(f64x2.add(y, f64x2.splat(DOUBT)));
  return certain(low, high, x) ? low : f32x4.demote_f64x2_zero(exactLogs(x));
}

function exactLogs(x: v128): v128 {
  const first = f64x2.splat(hostLog10(f64x2.extract_lane(x, 0)));
  return f64x2.replace_lane(first, 1, hostLog10(f64x2.extract_lane(x, 1)));
}

/** max(10 log10(max(floor, x)) - shift, lowest) of an even count of floats at x, to floats at `out`; floor > 1e-290. */
export function decibels(x: usize, count: i32, floor: f64, shift: f64, lowest: f64, out: usize): void {
  const ten = f64x2.splat(10);
  const doubt = f64x2.splat(20 * DOUBT);
  const least = f64x2.splat(floor);
  const by = f64x2.splat(shift);
  const bottom = f64x2.splat(lowest);
  for (const end = x + (<usize>count << 2); x < end; x += 8, out += 8) {
    const value = f64x2.max(least, f64x2.promote_low_f32x4(v128.load64_zero(x)));
    const y = f64x2.sub(f64x2.mul(ten, roughLogs(value)), by);
    const low = f32x4.demote_f64x2_zero(f64x2.max(f64x2.sub(y, doubt), bottom));
    let result = f32x4.demote_f64x2_zero(f64x2.max(f64x2.add(y, doubt), bottom));
    if (!certain(low, result, value)) {
      result = f32x4.demote_f64x2_zero(f64x2.max(f64x2.sub(f64x2.mul(ten, exactLogs(value)), by), bottom));
    }
    v128.store64_lane(out, result, 0);
  }
}

/**
 * Mel bands of two frames whose powers lie side by side: band m is the sum of the weights at[m] ... at[m + 1] - 1 times
 * the bins from first[m] on. Floats to a and b; where `log` is not 0, log10 of the values, of 1e-10 at least.
 */
export function melBands(
  power: usize, weights: usize, first: usize, at: usize, bands: i32, log: i32, a: usize, b: usize,
): void {
  const floor = f64x2.splat(1e-10);
  let w = weights;
  for (let m = 0; m < bands; m++, first += 4, at += 4, a += 4, b += 4) {
    const end = weights + (<usize>load<i32>(at, 4) << 3);
    let sum = f64x2.splat(0);
    for (let x = power + (<usize>load<i32>(first) << 4); w < end; w += 8, x += 16) {
      sum = f64x2.add(sum, f64x2.mul(v128.load64_splat(w), v128.load(x)));
    }
    const out = log != 0 ? logs(f64x2.max(sum, floor)) : f32x4.demote_f64x2_zero(sum);
    v128.store32_lane(a, out, 0);
    v128.store32_lane(b, out, 1);
  }
}

/** The reverse of `finish`: bins as floats at a, b (real) and ai, bi (imaginary) to the transform of half the size. */
export function unfinish(
  a: usize, b: usize, ai: usize, bi: usize, cos: usize, sin: usize, half: i32, zr: usize, zi: usize,
): void {
  const half05 = f64x2.splat(0.5);
  const end = <usize>half << 2;
  const first = pair(a, b);
  const last = pair(a + end, b + end);
  put(zr, 0, f64x2.mul(half05, f64x2.add(first, last)));
  put(zi, 0, f64x2.mul(half05, f64x2.sub(first, last)));
  for (let k = 1, m = half - 1; k <= m; k++, m--) {
    const atK = <usize>k << 2;
    const atM = <usize>m << 2;
    const kr = pair(a + atK, b + atK);
    const ki = pair(ai + atK, bi + atK);
    const mr = pair(a + atM, b + atM);
    const mi = pair(ai + atM, bi + atM);
    const evenRe = f64x2.mul(half05, f64x2.add(kr, mr));
    const evenIm = f64x2.mul(half05, f64x2.sub(ki, mi));
    const turnedRe = f64x2.mul(half05, f64x2.sub(kr, mr));
    const turnedIm = f64x2.mul(half05, f64x2.add(ki, mi));
    const c = v128.load64_splat(cos + (<usize>k << 3));
    const s = f64x2.neg(v128.load64_splat(sin + (<usize>k << 3)));
    const oddRe = f64x2.sub(f64x2.mul(turnedRe, c), f64x2.mul(turnedIm, s));
    const oddIm = f64x2.add(f64x2.mul(turnedRe, s), f64x2.mul(turnedIm, c));
    put(zr, k, f64x2.sub(evenRe, oddIm));
    put(zi, k, f64x2.add(evenIm, oddRe));
    put(zr, m, f64x2.add(evenRe, oddIm));
    put(zi, m, f64x2.sub(oddRe, evenIm));
  }
}

/** Adds a frame (0 or 1) of z, scaled and windowed, to the doubles at `sum`. */
export function overlap(
  zr: usize, zi: usize, half: i32, scale: f64, window: usize, frame: i32, sum: usize,
): void {
  const factor = f64x2.splat(scale);
  zr += <usize>frame << 3;
  zi += <usize>frame << 3;
  const end = zr + (<usize>half << 4);
  for (; zr < end; zr += 16, zi += 16, window += 16, sum += 16) {
    const piece = f64x2.mul(v128.load64_lane(zi, v128.load64_zero(zr), 1), factor);
    v128.store(sum, f64x2.add(v128.load(sum), f64x2.mul(v128.load(window), piece)));
  }
}
