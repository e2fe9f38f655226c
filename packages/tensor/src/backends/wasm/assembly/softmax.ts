// Softmax and its relatives on rows of n adjacent elements, rows [from, to).
// Sums run in float32 over eight lanes; the order depends on n only. Read next: norm.ts.
import { maxLanes, part, storePart, sumLanes } from "./lanes";
import { expNegative } from "./math";

const ZERO: f32 = 0;
const NONE: f32 = NaN;

/** x factor if wanted, less the shift. */
@inline function shifted(x: v128, scaled: bool, factor: v128, shift: v128): v128 {
  return f32x4.sub(scaled ? f32x4.mul(x, factor) : x, shift);
}

/** y = e^(x - top), or e^(x factor - top) if `scaled`, and the sum of y. */
@inline export function expShifted(x: usize, n: i32, scaled: bool, factor: f32, top: f32, y: usize): f32 {
  const shift = f32x4.splat(top);
  const f = f32x4.splat(factor);
  let a = i32x4.splat(0);
  let b = a;
  const whole = <usize>(n & ~7) << 2;
  let at: usize = 0;
  // The test stands at the end so that V8 takes the addresses of the constants out of the loop.
  if (whole) do {
    const p = expNegative(shifted(v128.load(x + at), scaled, f, shift));
    const q = expNegative(shifted(v128.load(x + at, 16), scaled, f, shift));
    v128.store(y + at, p);
    v128.store(y + at, q, 16);
    a = f32x4.add(a, p);
    b = f32x4.add(b, q);
    at += 32;
  } while (at < whole);
  let total = sumLanes(f32x4.add(a, b));
  for (let i = n & ~7; i < n; i += 4) {
    const wide = min(4, n - i);
    const p = expNegative(shifted(part(x + at, wide), scaled, f, shift));
    storePart(y + at, p, wide);
    total += f32x4.extract_lane(p, 0);
    if (wide > 1) total += f32x4.extract_lane(p, 1);
    if (wide > 2) total += f32x4.extract_lane(p, 2);
    if (wide > 3) total += f32x4.extract_lane(p, 3);
    at += 16;
  }
  return total;
}

/** The shift of a row: its maximum; 0 for a row of -Infinity, and NaN where Infinity occurs, because Infinity over
 * Infinity is none. A NaN in the row may be passed over, as e^(x - top) and so the sum is NaN whatever the shift;
 * the maximum that sees it takes eight instructions for one. */
@inline export function topOf(x: usize, n: i32): f32 {
  let best = load<f32>(x);
  let at: usize = 0;
  const whole = <usize>(n & ~15) << 2;
  if (whole) {
    let a = v128.load(x);
    let b = a;
    let c = a;
    let d = a;
    do {
      a = f32x4.pmax(a, v128.load(x + at));
      b = f32x4.pmax(b, v128.load(x + at, 16));
      c = f32x4.pmax(c, v128.load(x + at, 32));
      d = f32x4.pmax(d, v128.load(x + at, 48));
      at += 64;
    } while (at < whole);
    // The last sixteen once more, for what is left over: one by one they cost mispredicted branches.
    const last = x + (<usize>(n - 16) << 2);
    a = f32x4.pmax(a, v128.load(last));
    b = f32x4.pmax(b, v128.load(last, 16));
    c = f32x4.pmax(c, v128.load(last, 32));
    d = f32x4.pmax(d, v128.load(last, 48));
    best = maxLanes(f32x4.pmax(f32x4.pmax(a, b), f32x4.pmax(c, d)));
    at = <usize>n << 2;
  }
  for (; at < <usize>n << 2; at += 4) best = max(best, load<f32>(x + at));
  return best == -Infinity ? ZERO : best == Infinity ? NONE : best;
}

/** x = x factor over n adjacent elements. */
@inline export function scaleRow(x: usize, n: i32, factor: f32): void {
  const f = f32x4.splat(factor);
  let i = 0;
  for (; i + 8 <= n; i += 8) {
    const at = x + (<usize>i << 2);
    v128.store(at, f32x4.mul(v128.load(at), f));
    v128.store(at, f32x4.mul(v128.load(at, 16), f), 16);
  }
  for (; i < n; i++) store<f32>(x + (i << 2), load<f32>(x + (i << 2)) * factor);
}

/** y = e^x / sum(e^x) */
export function softmaxRows(from: i32, to: i32, x: usize, n: i32, y: usize): void {
  for (let r = from; r < to; r++) {
    const row = <usize>r * n << 2;
    const total = expShifted(x + row, n, false, 1, topOf(x + row, n), y + row);
    scaleRow(y + row, n, <f32>1 / total);
  }
}

/** y = x - top - ln(sum(e^(x - top))) */
export function logSoftmaxRows(from: i32, to: i32, x: usize, n: i32, y: usize): void {
  for (let r = from; r < to; r++) {
    const row = <usize>r * n << 2;
    const top = topOf(x + row, n);
    const total = expShifted(x + row, n, false, 1, top, y + row);
    const less = f32x4.splat(<f32>NativeMath.log(<f64>total));
    const shift = f32x4.splat(top);
    for (let i = 0; i < n; i += 4) {
      const wide = min(4, n - i);
      const at = row + (<usize>i << 2);
      storePart(y + at, f32x4.sub(f32x4.sub(part(x + at, wide), shift), less), wide);
    }
  }
}

/** Dot product of two rows. */
@inline export function dotRow(x: usize, y: usize, n: i32): f32 {
  let a = i32x4.splat(0);
  let b = a;
  let i = 0;
  for (; i + 8 <= n; i += 8) {
    const at = <usize>i << 2;
    a = f32x4.add(a, f32x4.mul(v128.load(x + at), v128.load(y + at)));
    b = f32x4.add(b, f32x4.mul(v128.load(x + at, 16), v128.load(y + at, 16)));
  }
  let total = sumLanes(f32x4.add(a, b));
  for (; i < n; i++) total += load<f32>(x + (i << 2)) * load<f32>(y + (i << 2));
  return total;
}

/** Sum of a row. */
@inline export function sumRow(x: usize, n: i32): f32 {
  let a = i32x4.splat(0);
  let b = a;
  let i = 0;
  for (; i + 8 <= n; i += 8) {
    a = f32x4.add(a, v128.load(x + (<usize>i << 2)));
    b = f32x4.add(b, v128.load(x + (<usize>i << 2), 16));
  }
  let total = sumLanes(f32x4.add(a, b));
  for (; i < n; i++) total += load<f32>(x + (i << 2));
  return total;
}

/** dx = y (g - sum(g y)) over a row, from gradient g and output y. */
export function softmaxGradRow(g: usize, y: usize, n: i32, dx: usize): void {
  const total = dotRow(g, y, n);
  const t = f32x4.splat(total);
  let at: usize = 0;
  const whole = <usize>(n & ~7) << 2;
  for (; at < whole; at += 32) {
    v128.store(dx + at, f32x4.mul(v128.load(y + at), f32x4.sub(v128.load(g + at), t)));
    v128.store(dx + at, f32x4.mul(v128.load(y + at, 16), f32x4.sub(v128.load(g + at, 16), t)), 16);
  }
  for (; at < <usize>n << 2; at += 4) store<f32>(dx + at, load<f32>(y + at) * (load<f32>(g + at) - total));
}

/** The same for rows [from, to). */
export function softmaxGradRows(from: i32, to: i32, g: usize, y: usize, n: i32, dx: usize): void {
  for (let r = from; r < to; r++) {
    const row = <usize>r * n << 2;
    softmaxGradRow(g + row, y + row, n, dx + row);
  }
}

/** dx = g - e^y sum(g) from gradient g and output y. */
export function logSoftmaxGradRows(from: i32, to: i32, g: usize, y: usize, n: i32, dx: usize): void {
  for (let r = from; r < to; r++) {
    const row = <usize>r * n << 2;
    const total = f32x4.splat(sumRow(g + row, n));
    for (let i = 0; i < n; i += 4) {
      const wide = min(4, n - i);
      const at = row + (<usize>i << 2);
      storePart(dx + at, f32x4.sub(part(g + at, wide), f32x4.mul(expNegative(part(y + at, wide)), total)), wide);
    }
  }
}
