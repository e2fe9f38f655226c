// RMS and layer normalisation of rows of n adjacent elements, forward and backward.
// With r = 1 / sqrt(mean(x^2) + eps) and h = g w:  dx = r h - x r^3 mean(h x),  dw = sum over rows of g x r.
// Layer norm is the same on the centred row, less the mean of h. Read next: rotary.ts.
import { STATS_BYTES } from "./contract";
import { part, storePart, sumLanes } from "./lanes";
import { dotRow } from "./softmax";

/** y = x r w */
export function rmsNormRows(from: i32, to: i32, x: usize, n: i32, w: usize, epsilon: f32, y: usize): void {
  for (let row = from; row < to; row++) {
    const at = <usize>row * n << 2;
    const r: f32 = <f32>1 / sqrt<f32>(dotRow(x + at, x + at, n) / <f32>n + epsilon);
    const factor = f32x4.splat(r);
    let i = 0;
    for (; i + 8 <= n; i += 8) {
      const p = <usize>i << 2;
      const q = at + p;
      v128.store(y + q, f32x4.mul(f32x4.mul(v128.load(x + q), factor), v128.load(w + p)));
      v128.store(y + q, f32x4.mul(f32x4.mul(v128.load(x + q, 16), factor), v128.load(w + p, 16)), 16);
    }
    for (; i < n; i++) {
      const p = <usize>i << 2;
      store<f32>(y + at + p, load<f32>(x + at + p) * r * load<f32>(w + p));
    }
  }
}

// The mean of a row stands as two numbers, its first element and the mean of what the others are more or less: so
// a row of equal elements has a spread of exactly 0, and one with a large mean keeps the digits of its spread.

/** Mean of x - first over a row. */
@inline function driftOf(x: usize, n: i32, first: f32): f32 {
  const f = f32x4.splat(first);
  let a = i32x4.splat(0);
  let b = a;
  let i = 0;
  for (; i + 8 <= n; i += 8) {
    a = f32x4.add(a, f32x4.sub(v128.load(x + (<usize>i << 2)), f));
    b = f32x4.add(b, f32x4.sub(v128.load(x + (<usize>i << 2), 16), f));
  }
  let total = sumLanes(f32x4.add(a, b));
  for (; i < n; i++) total += load<f32>(x + (i << 2)) - first;
  return total / <f32>n;
}

/** Sum of squares of a row about its mean. */
@inline function spreadOf(x: usize, n: i32, first: f32, drift: f32): f32 {
  const f = f32x4.splat(first);
  const d = f32x4.splat(drift);
  let a = i32x4.splat(0);
  let i = 0;
  for (; i + 4 <= n; i += 4) {
    const c = f32x4.sub(f32x4.sub(v128.load(x + (<usize>i << 2)), f), d);
    a = f32x4.add(a, f32x4.mul(c, c));
  }
  let total = sumLanes(a);
  for (; i < n; i++) {
    const c = load<f32>(x + (i << 2)) - first - drift;
    total += c * c;
  }
  return total;
}

/** y = (x - mean) r w + b */
export function layerNormRows(
  from: i32, to: i32, x: usize, n: i32, w: usize, b: usize, epsilon: f32, y: usize,
): void {
  for (let row = from; row < to; row++) {
    const at = <usize>row * n << 2;
    const first = load<f32>(x + at);
    const drift = driftOf(x + at, n, first);
    const r = f32x4.splat(<f32>1 / sqrt<f32>(spreadOf(x + at, n, first, drift) / <f32>n + epsilon));
    const f = f32x4.splat(first);
    const d = f32x4.splat(drift);
    for (let i = 0; i < n; i += 4) {
      const wide = min(4, n - i);
      const p = <usize>i << 2;
      const h = f32x4.mul(f32x4.sub(f32x4.sub(part(x + at + p, wide), f), d), r);
      storePart(y + at + p, f32x4.add(f32x4.mul(h, part(w + p, wide)), part(b + p, wide)), wide);
    }
  }
}

/** First element, drift of the mean from it (both 0 for RMS norm) and r of each row, for the weights' gradient. */
export function normStats(from: i32, to: i32, centred: i32, x: usize, n: i32, epsilon: f32, stats: usize): void {
  for (let row = from; row < to; row++) {
    const at = <usize>row * n << 2;
    const first: f32 = centred ? load<f32>(x + at) : 0;
    const drift: f32 = centred ? driftOf(x + at, n, first) : 0;
    const square = centred ? spreadOf(x + at, n, first, drift) : dotRow(x + at, x + at, n);
    const to = stats + <usize>row * STATS_BYTES;
    store<f32>(to, first);
    store<f32>(to, drift, 4);
    store<f32>(to, <f32>1 / sqrt<f32>(square / <f32>n + epsilon), 8);
  }
}

/** Gradient of either norm by its input; `centred` is 1 for layer norm, 0 for RMS norm. */
export function normGradRows(
  from: i32, to: i32, centred: i32, g: usize, x: usize, n: i32, w: usize, epsilon: f32, dx: usize,
): void {
  for (let row = from; row < to; row++) {
    const at = <usize>row * n << 2;
    const first: f32 = centred ? load<f32>(x + at) : 0;
    const drift: f32 = centred ? driftOf(x + at, n, first) : 0;
    const square = centred ? spreadOf(x + at, n, first, drift) : dotRow(x + at, x + at, n);
    const r: f32 = <f32>1 / sqrt<f32>(square / <f32>n + epsilon);
    const f = f32x4.splat(first);
    const d = f32x4.splat(drift);
    let hx = i32x4.splat(0); // sum of h (x - mean)
    let hs = i32x4.splat(0); // sum of h
    for (let i = 0; i < n; i += 4) {
      const wide = min(4, n - i);
      const p = <usize>i << 2;
      const h = f32x4.mul(part(g + at + p, wide), part(w + p, wide));
      hx = f32x4.add(hx, f32x4.mul(h, f32x4.sub(f32x4.sub(part(x + at + p, wide), f), d)));
      hs = f32x4.add(hs, h);
    }
    const dot = sumLanes(hx);
    const sum = sumLanes(hs);
    const slope = f32x4.splat(r * r * (dot / <f32>n));
    const level = f32x4.splat(centred ? sum / <f32>n : 0);
    const factor = f32x4.splat(r);
    for (let i = 0; i < n; i += 4) {
      const wide = min(4, n - i);
      const p = <usize>i << 2;
      const h = f32x4.mul(part(g + at + p, wide), part(w + p, wide));
      const c = f32x4.sub(f32x4.sub(part(x + at + p, wide), f), d);
      storePart(dx + at + p, f32x4.mul(factor, f32x4.sub(f32x4.sub(h, level), f32x4.mul(c, slope))), wide);
    }
  }
}

const BLOCK: i32 = 128;

/** dw[j] = sum over rows of g (x - mean) r, columns [from, to) (a multiple of 4 unless at the end). */
export function normWeightGrad(
  from: i32, to: i32, rows: i32, g: usize, x: usize, n: i32, stats: usize, dw: usize,
): void {
  for (let j = from; j < to; j += 4) {
    const wide = min(4, to - j);
    const column = <usize>j << 2;
    let total = i32x4.splat(0);
    for (let block = 0; block < rows; block += BLOCK) {
      const stop = min(rows, block + BLOCK);
      let a = i32x4.splat(0);
      for (let row = block; row < stop; row++) {
        const at = (<usize>row * n << 2) + column;
        const kept = stats + <usize>row * STATS_BYTES;
        const c = f32x4.sub(f32x4.sub(part(x + at, wide), v128.load32_splat(kept)), v128.load32_splat(kept, 4));
        a = f32x4.add(a, f32x4.mul(part(g + at, wide), f32x4.mul(c, v128.load32_splat(kept, 8))));
      }
      total = f32x4.add(total, a);
    }
    storePart(dw + column, total, wide);
  }
}
