// Sums and maxima. The order of every sum is fixed by the shape alone: float32 lanes within a run of 256
// elements, float64 across runs; so it does not matter how many threads share the work.
// Read next: softmax.ts.
import { PART } from "./contract";
import { maxLanes, sumLanes } from "./lanes";

const RUN: i32 = 256; // PART is a multiple of it

/** Sum of up to RUN adjacent elements. */
function sumRun(x: usize, n: i32): f64 {
  let a = i32x4.splat(0);
  let b = a;
  let c = a;
  let d = a;
  const end = x + (<usize>n << 2);
  const whole = x + (<usize>(n & ~15) << 2);
  while (x < whole) {
    a = f32x4.add(a, v128.load(x));
    b = f32x4.add(b, v128.load(x, 16));
    c = f32x4.add(c, v128.load(x, 32));
    d = f32x4.add(d, v128.load(x, 48));
    x += 64;
  }
  let total = <f64>sumLanes(f32x4.add(f32x4.add(a, b), f32x4.add(c, d)));
  for (; x < end; x += 4) total += load<f32>(x);
  return total;
}

/** Sum of up to PART adjacent elements. */
function sumPart(x: usize, n: i32): f64 {
  let total: f64 = 0;
  for (let i = 0; i < n; i += RUN) total += sumRun(x + (<usize>i << 2), min(RUN, n - i));
  return total;
}

/** Partial sums [from, to) of one long row, as float64. */
export function sumParts(from: i32, to: i32, x: usize, n: i32, parts: usize): void {
  for (let i = from; i < to; i++) {
    store<f64>(parts + (i << 3), sumPart(x + (<usize>i * PART << 2), min(PART, n - i * PART)));
  }
}

/** The total of `count` partial sums. */
export function sumOfParts(parts: usize, count: i32, out: usize): void {
  let total: f64 = 0;
  for (let i = 0; i < count; i++) total += load<f64>(parts + (i << 3));
  store<f32>(out, <f32>total);
}

/** out[r] = sum of row r, rows of n adjacent elements. */
export function sumRows(from: i32, to: i32, x: usize, n: i32, out: usize): void {
  for (let r = from; r < to; r++) {
    const row = x + (<usize>r * n << 2);
    let total: f64 = 0;
    for (let i = 0; i < n; i += PART) total += sumPart(row + (<usize>i << 2), min(PART, n - i));
    store<f32>(out + (<usize>r << 2), <f32>total);
  }
}

/** out[r] = maximum of row r; NaN if any element is. */
export function maxRows(from: i32, to: i32, x: usize, n: i32, out: usize): void {
  for (let r = from; r < to; r++) store<f32>(out + (<usize>r << 2), maxRow(x + (<usize>r * n << 2), n));
}

export function maxRow(x: usize, n: i32): f32 {
  const end = x + (<usize>n << 2);
  let best = load<f32>(x);
  if (n >= 8) {
    let a = v128.load(x);
    let b = v128.load(x, 16);
    x += 32;
    for (; x + 32 <= end; x += 32) {
      a = f32x4.max(a, v128.load(x));
      b = f32x4.max(b, v128.load(x, 16));
    }
    best = maxLanes(f32x4.max(a, b));
  }
  for (; x < end; x += 4) best = max(best, load<f32>(x));
  return best;
}

const ROWS: i32 = 128;

@inline function combine(maximum: bool, a: v128, b: v128): v128 {
  return maximum ? f32x4.max(a, b) : f32x4.add(a, b);
}

/** One strip of columns: four vectors down the rows, in blocks of ROWS rows. */
@inline function strip(maximum: bool, x: usize, rows: i32, pitch: usize, out: usize): void {
  let a = v128.load(x);
  let b = v128.load(x, 16);
  let c = v128.load(x, 32);
  let d = v128.load(x, 48);
  let row = 1;
  let next = x + pitch;
  let ta = a;
  let tb = b;
  let tc = c;
  let td = d;
  let first = true;
  while (true) {
    const stop = min(rows, (row / ROWS + 1) * ROWS);
    for (; row < stop; row++) {
      a = combine(maximum, a, v128.load(next));
      b = combine(maximum, b, v128.load(next, 16));
      c = combine(maximum, c, v128.load(next, 32));
      d = combine(maximum, d, v128.load(next, 48));
      next += pitch;
    }
    ta = first ? a : combine(maximum, ta, a);
    tb = first ? b : combine(maximum, tb, b);
    tc = first ? c : combine(maximum, tc, c);
    td = first ? d : combine(maximum, td, d);
    first = false;
    if (row >= rows) break;
    a = v128.load(next);
    b = v128.load(next, 16);
    c = v128.load(next, 32);
    d = v128.load(next, 48);
    next += pitch;
    row++;
  }
  v128.store(out, ta);
  v128.store(out, tb, 16);
  v128.store(out, tc, 32);
  v128.store(out, td, 48);
}

/** The same for one column, in the same order of additions. */
@inline function thinStrip(maximum: bool, x: usize, rows: i32, pitch: usize, out: usize): void {
  let total: f32 = 0;
  for (let block = 0; block < rows; block += ROWS) {
    const stop = min(rows, block + ROWS);
    let a = load<f32>(x + <usize>block * pitch);
    for (let row = block + 1; row < stop; row++) {
      const value = load<f32>(x + <usize>row * pitch);
      a = maximum ? max(a, value) : a + value;
    }
    total = block == 0 ? a : maximum ? max(total, a) : total + a;
  }
  store<f32>(out, total);
}

@inline function columns(maximum: bool, from: i32, to: i32, x: usize, rows: i32, n: i32, out: usize): void {
  const pitch = <usize>n << 2;
  let j = from;
  for (; j + 16 <= to; j += 16) strip(maximum, x + (<usize>j << 2), rows, pitch, out + (<usize>j << 2));
  for (; j < to; j++) thinStrip(maximum, x + (<usize>j << 2), rows, pitch, out + (<usize>j << 2));
}

/** out[o, j] = sum over the middle axis of [outer, rows, n], for columns [from, to). */
export function sumMiddle(from: i32, to: i32, x: usize, outer: i32, rows: i32, n: i32, out: usize): void {
  for (let o = 0; o < outer; o++) {
    columns(false, from, to, x + (<usize>o * rows * n << 2), rows, n, out + (<usize>o * n << 2));
  }
}

/** out[o, j] = maximum over the middle axis of [outer, rows, n], for columns [from, to). */
export function maxMiddle(from: i32, to: i32, x: usize, outer: i32, rows: i32, n: i32, out: usize): void {
  for (let o = 0; o < outer; o++) {
    columns(true, from, to, x + (<usize>o * rows * n << 2), rows, n, out + (<usize>o * n << 2));
  }
}

/** Index of the first largest element along the middle axis of [outer, rows, n]; NaN counts as largest. */
export function argmaxMiddle(from: i32, to: i32, x: usize, rows: i32, n: i32, out: usize): void {
  for (let o = from; o < to; o++) {
    for (let j = 0; j < n; j++) {
      const base = x + ((<usize>o * rows * n + j) << 2);
      let best = load<f32>(base);
      let where: i32 = 0;
      for (let r = 1; r < rows && best == best; r++) {
        const value = load<f32>(base + (<usize>r * n << 2));
        if (value > best || value != value) {
          best = value;
          where = r;
        }
      }
      store<i32>(out + ((<usize>o * n + j) << 2), where);
    }
  }
}

/** Running sum along the middle axis of [outer, rows, n], in float64. */
export function cumsumMiddle(from: i32, to: i32, x: usize, rows: i32, n: i32, out: usize): void {
  for (let o = from; o < to; o++) {
    for (let j = 0; j < n; j++) {
      let at = (<usize>o * rows * n + j) << 2;
      let total: f64 = 0;
      for (let r = 0; r < rows; r++) {
        total += load<f32>(x + at);
        store<f32>(out + at, <f32>total);
        at += <usize>n << 2;
      }
    }
  }
}

/** Sum of squares of adjacent elements, in float64, for gradient-norm clipping: parts [from, to). */
export function squareParts(from: i32, to: i32, x: usize, n: i32, parts: usize): void {
  for (let i = from; i < to; i++) {
    const stop = min(PART, n - i * PART);
    const base = x + (<usize>i * PART << 2);
    let a = f64x2.splat(0);
    let b = a;
    let j = 0;
    for (; j + 4 <= stop; j += 4) {
      const v = v128.load(base + (<usize>j << 2));
      const lo = f64x2.promote_low_f32x4(v);
      const hi = f64x2.promote_low_f32x4(i64x2.shuffle(v, v, 1, 1));
      a = f64x2.add(a, f64x2.mul(lo, lo));
      b = f64x2.add(b, f64x2.mul(hi, hi));
    }
    a = f64x2.add(a, b);
    let total = f64x2.extract_lane(a, 0) + f64x2.extract_lane(a, 1);
    for (; j < stop; j++) {
      const value = <f64>load<f32>(base + (<usize>j << 2));
      total += value * value;
    }
    store<f64>(parts + (i << 3), total);
  }
}
