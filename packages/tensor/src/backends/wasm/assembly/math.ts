// Vector elementary functions on four floats. Over the whole range, NaN, infinities and denormals included,
// they stay within 1 ulp (exp, log), 1.5 (expm1, log1p, sin, cos, erf) and 2.5 (tanh). Polynomial coefficients are minimax fits made for these
// kernels. They live in linear memory: V8 rebuilds a splatted literal in every loop iteration, while a
// broadcast load is one instruction. Read next: elementwise.ts.

@inline export function at(table: usize, i: i32): v128 {
  return v128.load32_splat(table + (<usize>i << 2));
}

// Adding and subtracting 1.5 * 2^23 rounds to the nearest integer, which is then also in the low bits.
const ROUND: f32 = 12582912.0;
const EXP = memory.data<f32>([
  1.4426950408889634, ROUND, 0.693359375, -2.12194440e-4, // log2(e), rounder, ln 2 in two parts
  0.0013813144760206342, 0.008369418792426586, 0.04166845604777336, 0.16666515171527863, 0.4999999403953552,
  1.0, -104.0, 89.0, 0.5, 2.0, -20.0,
], 16);
const EXP_BITS = memory.data<i32>([127, 0x4b400000, 126], 16);

/** 2^i for integers i in [-126, 127]. */
@inline function pow2(i: v128): v128 {
  return i32x4.shl(i32x4.add(i, at(EXP_BITS, 0)), 23);
}

/** e^r - 1 - r for |r| <= ln(2) / 2. Pairs of terms shorten the chain of dependent operations. */
@inline function expTail(r: v128): v128 {
  const s = f32x4.mul(r, r);
  const low = f32x4.add(f32x4.mul(at(EXP, 7), r), at(EXP, 8));
  const high = f32x4.add(f32x4.mul(at(EXP, 5), r), at(EXP, 6));
  return f32x4.mul(s, f32x4.add(low, f32x4.mul(s, f32x4.add(high, f32x4.mul(s, at(EXP, 4))))));
}

/** e^x = 2^n e^r with n = round(x / ln 2). The power of two is applied in two halves, so that results
 * below the normal range are rounded once, and overflow gives infinity. */
@inline export function exp(x: v128): v128 {
  x = f32x4.pmin(f32x4.pmax(x, at(EXP, 10)), at(EXP, 11));
  const t = f32x4.add(f32x4.mul(x, at(EXP, 0)), at(EXP, 1));
  const n = f32x4.sub(t, at(EXP, 1));
  const r = f32x4.sub(f32x4.sub(x, f32x4.mul(n, at(EXP, 2))), f32x4.mul(n, at(EXP, 3)));
  const y = f32x4.add(f32x4.add(expTail(r), r), at(EXP, 9));
  const i = i32x4.sub(t, at(EXP_BITS, 1));
  const half = i32x4.shr_s(i, 1);
  return f32x4.mul(f32x4.mul(y, pow2(half)), pow2(i32x4.sub(i, half)));
}

const BOUND = memory.data<f32>([-87.0, 88.0], 16);

/** e^x for the activations: x is brought into [-87, 88], where one scaling is enough. */
@inline export function expBounded(x: v128): v128 {
  x = f32x4.pmin(f32x4.pmax(x, at(BOUND, 0)), at(BOUND, 1));
  const t = f32x4.add(f32x4.mul(x, at(EXP, 0)), at(EXP, 1));
  const n = f32x4.sub(t, at(EXP, 1));
  const r = f32x4.sub(f32x4.sub(x, f32x4.mul(n, at(EXP, 2))), f32x4.mul(n, at(EXP, 3)));
  const y = f32x4.add(f32x4.add(expTail(r), r), at(EXP, 9));
  return i32x4.add(y, i32x4.shl(t, 23)); // the rounder's own bits leave the word on the left
}

const FLOOR = memory.data<f32>([-88.0], 16);

/** e^x for x <= 0, exactly 0 below -87.7: there the exponent field is empty, and the product 0. */
@inline export function expNegative(x: v128): v128 {
  x = f32x4.pmax(x, at(FLOOR, 0));
  const t = f32x4.add(f32x4.mul(x, at(EXP, 0)), at(EXP, 1));
  const n = f32x4.sub(t, at(EXP, 1));
  const r = f32x4.sub(f32x4.sub(x, f32x4.mul(n, at(EXP, 2))), f32x4.mul(n, at(EXP, 3)));
  const y = f32x4.add(f32x4.add(expTail(r), r), at(EXP, 9));
  return f32x4.mul(y, i32x4.shl(i32x4.add(t, at(EXP_BITS, 0)), 23));
}

/** e^x - 1 without cancellation: 2 (2^(n-1) (e^r - 1) + (2^(n-1) - 1/2)). */
@inline export function expm1(x: v128): v128 {
  const c = f32x4.pmin(f32x4.pmax(x, at(EXP, 14)), at(EXP, 11));
  const t = f32x4.add(f32x4.mul(c, at(EXP, 0)), at(EXP, 1));
  const n = f32x4.sub(t, at(EXP, 1));
  const r = f32x4.sub(f32x4.sub(c, f32x4.mul(n, at(EXP, 2))), f32x4.mul(n, at(EXP, 3)));
  const e = f32x4.add(expTail(r), r);
  const s = i32x4.shl(i32x4.add(i32x4.sub(t, at(EXP_BITS, 1)), at(EXP_BITS, 2)), 23); // 2^(n-1)
  const y = f32x4.mul(f32x4.add(f32x4.mul(s, e), f32x4.sub(s, at(EXP, 12))), at(EXP, 13));
  return v128.bitselect(x, y, f32x4.lt(f32x4.abs(x), at(TINY, 0))); // keeps denormals and -0
}
const TINY = memory.data<f32>([5.9604645e-8], 16);

const LOG = memory.data<f32>([
  0.0674663782119751, -0.11675651371479034, 0.11888162791728973, -0.1240558922290802, 0.14219552278518677,
  -0.1666799634695053, 0.2000211924314499, -0.25000008940696716, 0.3333331346511841,
  0.693359375, -2.12194440e-4, 1.0, 0.5, 1.1754943508222875e-38, 8388608.0, 23.0,
], 16);
const LOG_BITS = memory.data<i32>([0x3f3504f3, 0xff800000, 0x7f800000], 16);

/** ln x = e ln 2 + ln(1 + f), the mantissa taken in [sqrt(1/2), sqrt(2)). */
@inline export function log(x: v128): v128 {
  const small = f32x4.lt(x, at(LOG, 13));
  const scaled = v128.bitselect(f32x4.mul(x, at(LOG, 14)), x, small);
  const shift = i32x4.shr_s(i32x4.sub(scaled, at(LOG_BITS, 0)), 23);
  const f = f32x4.sub(i32x4.sub(scaled, i32x4.shl(shift, 23)), at(LOG, 11));
  const e = f32x4.sub(f32x4.convert_i32x4_s(shift), v128.and(small, at(LOG, 15)));
  const ff = f32x4.mul(f, f);
  const p0 = f32x4.add(f32x4.mul(at(LOG, 7), f), at(LOG, 8));
  const p2 = f32x4.add(f32x4.mul(at(LOG, 5), f), at(LOG, 6));
  const p4 = f32x4.add(f32x4.mul(at(LOG, 3), f), at(LOG, 4));
  const p6 = f32x4.add(f32x4.add(f32x4.mul(at(LOG, 1), f), at(LOG, 2)), f32x4.mul(ff, at(LOG, 0)));
  const f4 = f32x4.mul(ff, ff);
  const p = f32x4.add(f32x4.add(p0, f32x4.mul(p2, ff)), f32x4.mul(f4, f32x4.add(p4, f32x4.mul(p6, ff))));
  let y = f32x4.add(f32x4.mul(f32x4.mul(ff, f), p), f32x4.mul(e, at(LOG, 10)));
  y = f32x4.sub(y, f32x4.mul(ff, at(LOG, 12)));
  y = f32x4.add(f32x4.add(y, f), f32x4.mul(e, at(LOG, 9)));
  const zero = i32x4.splat(0);
  const regular = v128.and(f32x4.gt(x, zero), f32x4.lt(x, at(LOG_BITS, 2)));
  let odd = v128.or(x, f32x4.lt(x, zero)); // negative: NaN; NaN and infinity stay
  odd = v128.bitselect(at(LOG_BITS, 1), odd, f32x4.eq(x, zero));
  return v128.bitselect(y, odd, regular);
}

/** ln(1 + x) = ln u + (x - (u - 1)) / u with u = 1 + x rounded: the second term repairs the rounding. */
@inline export function log1p(x: v128): v128 {
  const one = at(LOG, 11);
  const u = f32x4.add(x, one);
  const lost = f32x4.sub(x, f32x4.sub(u, one));
  const y = f32x4.add(log(u), f32x4.div(lost, u));
  const plain = v128.and(f32x4.gt(u, i32x4.splat(0)), f32x4.lt(u, at(LOG_BITS, 2)));
  const r = v128.bitselect(y, log(u), plain);
  return v128.bitselect(x, r, f32x4.lt(f32x4.abs(x), at(TINY, 0)));
}

const ONES = memory.data<f32>([1.0, 2.0, 0.5, 10.0, -1.0, 0.0, 3.0], 16);
const SIGN = memory.data<i32>([0x80000000], 16);

/** tanh x = t / (t + 2) with t = e^(2|x|) - 1, the sign put back. */
@inline export function tanh(x: v128): v128 {
  const sign = v128.and(x, at(SIGN, 0));
  const a = f32x4.pmin(f32x4.abs(x), at(ONES, 3));
  const t = expm1(f32x4.add(a, a));
  return v128.or(f32x4.div(t, f32x4.add(t, at(ONES, 1))), sign);
}

/** 1 / (1 + e^-x) */
@inline export function sigmoid(x: v128): v128 {
  return f32x4.div(at(ONES, 0), f32x4.add(at(ONES, 0), exp(f32x4.neg(x))));
}

/** ln(1 + e^x) = max(x, 0) + ln(1 + e^-|x|) */
@inline export function softplus(x: v128): v128 {
  return f32x4.add(relu(x), log1p(expNegative(f32x4.neg(f32x4.abs(x)))));
}

/** max(x, 0); NaN stays. */
@inline export function relu(x: v128): v128 {
  return f32x4.pmax(x, at(ONES, 5));
}

/** x sigmoid(x); the numerator stops where the quotient has long been 0. */
@inline export function silu(x: v128): v128 {
  return f32x4.div(f32x4.pmax(x, at(LOWEST, 0)), f32x4.add(at(ONES, 0), expBounded(f32x4.neg(x))));
}
const LOWEST = memory.data<f32>([-90.0], 16);

const ERF = memory.data<f32>([
  8.31680663395673e-05, -0.0008130021742545068, 0.005199907813221216, -0.026858942583203316,
  0.11283687502145767, -0.37612631916999817, 0.12837916612625122,
  1.1231410098844208e-05, -0.00032280487357638776, 0.003642462892457843, -0.023762071505188942,
  0.10623688995838165, 0.6351513266563416, 0.12864848971366882,
  0.93, 4.0, 0.7071067811865476,
], 16);

/** erf x: an odd polynomial up to 0.93, above it 1 - exp(-t (1 + p(t))) with t = |x|. */
@inline export function erf(x: v128): v128 {
  const t = f32x4.pmin(f32x4.abs(x), at(ERF, 15));
  const s = f32x4.mul(t, t);
  let q = f32x4.add(f32x4.mul(at(ERF, 0), s), at(ERF, 1));
  q = f32x4.add(f32x4.mul(q, s), at(ERF, 2));
  q = f32x4.add(f32x4.mul(q, s), at(ERF, 3));
  q = f32x4.add(f32x4.mul(q, s), at(ERF, 4));
  q = f32x4.add(f32x4.mul(q, s), at(ERF, 5));
  q = f32x4.add(f32x4.mul(q, s), at(ERF, 6));
  const near = f32x4.add(f32x4.mul(q, t), t);
  let p = f32x4.add(f32x4.mul(at(ERF, 7), t), at(ERF, 8));
  p = f32x4.add(f32x4.mul(p, t), at(ERF, 9));
  p = f32x4.add(f32x4.mul(p, t), at(ERF, 10));
  p = f32x4.add(f32x4.mul(p, t), at(ERF, 11));
  p = f32x4.add(f32x4.mul(p, t), at(ERF, 12));
  p = f32x4.add(f32x4.mul(p, t), at(ERF, 13));
  const far = f32x4.sub(at(ONES, 0), expNegative(f32x4.neg(f32x4.add(f32x4.mul(p, t), t))));
  const y = v128.bitselect(far, near, f32x4.gt(t, at(ERF, 14)));
  return v128.or(y, v128.and(x, at(SIGN, 0)));
}

/** GELU: x Phi(x) with the error function. */
@inline export function gelu(x: v128): v128 {
  const half = f32x4.mul(x, at(ONES, 2));
  return f32x4.add(half, f32x4.mul(half, erf(f32x4.mul(x, at(ERF, 16)))));
}

// 2 sqrt(2 / pi), that times 0.044715, and three times the latter
const GELU_TANH = memory.data<f32>([1.5957691216057308, 0.07135481282556, 0.21406443847668, 12.0, -12.0], 16);

/** The tanh form of GELU: 0.5 x (1 + tanh u) = x sigmoid(2u), u = sqrt(2/pi) (x + 0.044715 x^3). */
@inline export function geluTanh(x: v128): v128 {
  const u = f32x4.mul(x, f32x4.add(at(GELU_TANH, 0), f32x4.mul(at(GELU_TANH, 1), f32x4.mul(x, x))));
  return f32x4.div(f32x4.pmax(x, at(LOWEST, 0)), f32x4.add(at(ONES, 0), expBounded(f32x4.neg(u))));
}

/** d geluTanh / dx = s + x s (1 - s) (2u)', s = sigmoid(2u). */
@inline export function geluTanhSlope(x: v128): v128 {
  x = f32x4.pmin(f32x4.pmax(x, at(GELU_TANH, 4)), at(GELU_TANH, 3));
  const xx = f32x4.mul(x, x);
  const u = f32x4.mul(x, f32x4.add(at(GELU_TANH, 0), f32x4.mul(at(GELU_TANH, 1), xx)));
  const s = f32x4.div(at(ONES, 0), f32x4.add(at(ONES, 0), expBounded(f32x4.neg(u))));
  const w = f32x4.mul(x, f32x4.add(at(GELU_TANH, 0), f32x4.mul(at(GELU_TANH, 2), xx)));
  return f32x4.add(s, f32x4.mul(f32x4.mul(s, f32x4.sub(at(ONES, 0), s)), w));
}

const NORMAL = memory.data<f32>([0.3989422804014327, -0.5], 16);

/** d gelu / dx = Phi(x) + x phi(x). */
@inline export function geluSlope(x: v128): v128 {
  x = f32x4.pmin(f32x4.pmax(x, at(GELU_RANGE, 0)), at(GELU_RANGE, 1));
  const cdf = f32x4.add(at(ONES, 2), f32x4.mul(at(ONES, 2), erf(f32x4.mul(x, at(ERF, 16)))));
  const pdf = f32x4.mul(at(NORMAL, 0), expNegative(f32x4.mul(f32x4.mul(x, x), at(NORMAL, 1))));
  return f32x4.add(cdf, f32x4.mul(x, pdf));
}
const GELU_RANGE = memory.data<f32>([-30.0, 30.0], 16);

/** d silu / dx = s (1 + x (1 - s)). */
@inline export function siluSlope(x: v128): v128 {
  const s = sigmoid(x);
  const one = at(ONES, 0);
  // (1 - s) underflows before x overflows; the clamp keeps infinity times zero away.
  const c = f32x4.pmin(f32x4.pmax(x, at(SILU_RANGE, 0)), at(SILU_RANGE, 1));
  return f32x4.mul(s, f32x4.add(one, f32x4.mul(c, f32x4.sub(one, s))));
}
const SILU_RANGE = memory.data<f32>([-200.0, 200.0], 16);

const TRIG = memory.data<f32>([
  -0.00019839272135868669, 0.008333329111337662, -0.1666666716337204, 2.717745246627601e-06, // sin
  2.4429429686279036e-05, -0.0013887283857911825, 0.04166664555668831, // cos
  1.0, 0.5,
], 16);
const TRIG_BITS = memory.data<i32>([1, 2, 0x49800000], 16); // the last is 2^20 as a float
const PI = memory.data<f64>([
  0.6366197723675814, 0.6366197723675814, // 2 / pi
  1.5707963267341256, 1.5707963267341256, // pi / 2, first 33 bits
  6.077100506506192e-11, 6.077100506506192e-11, // and the rest
], 16);

/** x - n pi / 2 of the two low floats, in double precision; n is left in `quadrants`. */
@inline function reduced(x: v128, n: v128): v128 {
  return f64x2.sub(f64x2.sub(x, f64x2.mul(n, v128.load(PI, 16))), f64x2.mul(n, v128.load(PI, 32)));
}

/** sin(x + quarter pi / 2). The argument is reduced in double precision up to 2^20; the few lanes above
 * take the scalar library function, which carries pi to enough digits for every float. */
@inline function sinQuarter(x: v128, quarter: i32): v128 {
  if (v128.any_true(f32x4.ge(f32x4.abs(x), at(TRIG_BITS, 2)))) return sinHuge(x, quarter);
  return sinReduced(x, quarter);
}

@inline function sinReduced(x: v128, quarter: i32): v128 {
  const lo = f64x2.promote_low_f32x4(x);
  const hi = f64x2.promote_low_f32x4(i8x16.shuffle(x, x, 8, 9, 10, 11, 12, 13, 14, 15, 8, 9, 10, 11, 12, 13, 14, 15));
  const nlo = f64x2.nearest(f64x2.mul(lo, v128.load(PI)));
  const nhi = f64x2.nearest(f64x2.mul(hi, v128.load(PI)));
  const rlo = f32x4.demote_f64x2_zero(reduced(lo, nlo));
  const rhi = f32x4.demote_f64x2_zero(reduced(hi, nhi));
  const r = i64x2.shuffle(rlo, rhi, 0, 2);
  const n = i64x2.shuffle(i32x4.trunc_sat_f64x2_s_zero(nlo), i32x4.trunc_sat_f64x2_s_zero(nhi), 0, 2);
  const q = i32x4.add(n, i32x4.splat(quarter));
  const s = f32x4.mul(r, r);
  let p = f32x4.add(f32x4.mul(at(TRIG, 3), s), at(TRIG, 0));
  p = f32x4.add(f32x4.mul(p, s), at(TRIG, 1));
  p = f32x4.add(f32x4.mul(p, s), at(TRIG, 2));
  const sine = f32x4.add(r, f32x4.mul(f32x4.mul(r, s), p));
  let c = f32x4.add(f32x4.mul(at(TRIG, 4), s), at(TRIG, 5));
  c = f32x4.add(f32x4.mul(c, s), at(TRIG, 6));
  const cosine = f32x4.add(f32x4.sub(at(TRIG, 7), f32x4.mul(s, at(TRIG, 8))), f32x4.mul(f32x4.mul(s, s), c));
  const odd = i32x4.eq(v128.and(q, at(TRIG_BITS, 0)), at(TRIG_BITS, 0));
  const flip = i32x4.shl(v128.and(q, at(TRIG_BITS, 1)), 30);
  return v128.xor(v128.bitselect(cosine, sine, odd), flip);
}

function sinHuge(x: v128, quarter: i32): v128 {
  let y = sinReduced(x, quarter);
  y = f32x4.replace_lane(y, 0, sinLane(f32x4.extract_lane(x, 0), f32x4.extract_lane(y, 0), quarter));
  y = f32x4.replace_lane(y, 1, sinLane(f32x4.extract_lane(x, 1), f32x4.extract_lane(y, 1), quarter));
  y = f32x4.replace_lane(y, 2, sinLane(f32x4.extract_lane(x, 2), f32x4.extract_lane(y, 2), quarter));
  return f32x4.replace_lane(y, 3, sinLane(f32x4.extract_lane(x, 3), f32x4.extract_lane(y, 3), quarter));
}

function sinLane(x: f32, y: f32, quarter: i32): f32 {
  if (abs(x) < 1048576.0) return y;
  return <f32>(quarter ? NativeMath.cos(x) : NativeMath.sin(x));
}

@inline export function sin(x: v128): v128 {
  return v128.bitselect(x, sinQuarter(x, 0), f32x4.lt(f32x4.abs(x), at(TINY, 0))); // keeps -0
}

@inline export function cos(x: v128): v128 {
  return sinQuarter(x, 1);
}
