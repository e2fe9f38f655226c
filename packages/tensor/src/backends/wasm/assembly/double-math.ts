// Functions of float64 that NativeMath lacks, has slowly, or defines in another way. Read next: typed.ts.

// Adding and subtracting 1.5 * 2^52 rounds to the nearest integer, which is then also in the low bits.
const ROUND: f64 = 6755399441055744.0;
// Below -746 e^x is 0, above 710 it is Infinity; the scaling in two steps below needs no more.
const LOWEST: f64 = -746;
const HIGHEST: f64 = 710;

/** 2^i for integers i in [-1022, 1023]. */
@inline function pow2(i: v128): v128 {
  return i64x2.shl(i64x2.add(i, i64x2.splat(1023)), 52);
}

@inline function times(x: v128, y: v128, plus: f64): v128 {
  return f64x2.add(f64x2.mul(x, y), f64x2.splat(plus));
}

/**
 * e^x by e^(n ln 2 + r), |r| <= ln(2) / 2, and Taylor's series of e^r to r^13, whose rest is below 2^-57. Results
 * below the normal range are rounded once more; overflow gives Infinity, NaN stays.
 */
@inline export function exp(x: v128): v128 {
  x = f64x2.pmin(f64x2.pmax(x, f64x2.splat(LOWEST)), f64x2.splat(HIGHEST));
  const t = f64x2.add(f64x2.mul(x, f64x2.splat(1.4426950408889634)), f64x2.splat(ROUND));
  const n = f64x2.sub(t, f64x2.splat(ROUND));
  // ln 2 in two parts, the first of which has so many zeros at its end that n times it is exact.
  const high = f64x2.sub(x, f64x2.mul(n, f64x2.splat(6.93147180369123816490e-01)));
  const r = f64x2.sub(high, f64x2.mul(n, f64x2.splat(1.90821492927058770002e-10)));
  const s = f64x2.mul(r, r);
  const s2 = f64x2.mul(s, s);
  // Pairs of terms shorten the chain of dependent operations.
  const a = times(r, f64x2.splat(1.0 / 6), 0.5);
  const b = times(r, f64x2.splat(1.0 / 120), 1.0 / 24);
  const c = times(r, f64x2.splat(1.0 / 5040), 1.0 / 720);
  const d = times(r, f64x2.splat(1.0 / 362880), 1.0 / 40320);
  const e = times(r, f64x2.splat(1.0 / 39916800), 1.0 / 3628800);
  const f = times(r, f64x2.splat(1.0 / 6227020800), 1.0 / 479001600);
  const low = f64x2.add(a, f64x2.mul(b, s));
  const middle = f64x2.add(c, f64x2.mul(d, s));
  const upper = f64x2.add(e, f64x2.mul(f, s));
  const tail = f64x2.add(low, f64x2.mul(f64x2.add(middle, f64x2.mul(upper, s2)), s2));
  const y = f64x2.add(f64x2.add(f64x2.mul(tail, s), r), f64x2.splat(1));
  const i = i64x2.sub(t, f64x2.splat(ROUND));
  const half = i64x2.shr_s(i, 1);
  return f64x2.mul(f64x2.mul(y, pow2(half)), pow2(i64x2.sub(i, half)));
}

/** C's pow, see elementwise.ts. */
export function powDouble(x: usize, y: usize, z: usize, n: i32): void {
  for (let i = 0; i < n; i++) {
    const a = load<f64>(x + (i << 3));
    const b = load<f64>(y + (i << 3));
    const one = a == 1 || (a == -1 && abs(b) == f64.POSITIVE_INFINITY);
    store<f64>(z + (i << 3), one ? 1 : NativeMath.pow(a, b));
  }
}

/** x cut in two halves of 26 bits, of which this is the upper: products of halves are exact. Dekker 1971. */
@inline function upper(x: f64): f64 {
  const y = x * 134217729;
  return y - (y - x);
}

// Quotients below this have their whole part in a double; products of numbers in this range are exact in two doubles.
const WHOLE: f64 = 4503599627370496.0;
const LARGE: f64 = 1e200;
const SMALL: f64 = 1e-200;

/**
 * Remainder of a / b with the sign of b, exact: a - q b with the product as a sum of two doubles. The quotient may be
 * one too large or too small where a / b is next to an integer. NativeMath.mod goes bit by bit.
 */
@inline export function floorMod(a: f64, b: f64): f64 {
  const size = abs(b);
  const quotient = a / b;
  if (!(abs(quotient) < WHOLE && size < LARGE && size > SMALL)) {
    const r = NativeMath.mod(a, b);
    return r != 0 && (r < 0) != (b < 0) ? r + b : r;
  }
  const q = trunc(quotient);
  const p = q * b;
  const qh = upper(q);
  const bh = upper(b);
  const ql = q - qh;
  const bl = b - bh;
  let r = a - p - (qh * bh - p + qh * bl + ql * bh + ql * bl);
  // Now r lies in (-|b|, |b|) or just outside, and has the sign of a unless the quotient was one off.
  if (a < 0 ? r > 0 : r < 0) r += a < 0 ? -size : size;
  else if (abs(r) >= size) r += a < 0 ? size : -size;
  if (r == 0) return copysign<f64>(0, a);
  return (r < 0) != (b < 0) ? r + b : r;
}

/** Remainder with the sign of b. */
export function modDouble(x: usize, y: usize, z: usize, n: i32): void {
  for (let i = 0; i < n; i++) {
    store<f64>(z + (i << 3), floorMod(load<f64>(x + (i << 3)), load<f64>(y + (i << 3))));
  }
}

export function atan2Double(x: usize, y: usize, z: usize, n: i32): void {
  for (let i = 0; i < n; i++) {
    store<f64>(z + (i << 3), NativeMath.atan2(load<f64>(x + (i << 3)), load<f64>(y + (i << 3))));
  }
}
