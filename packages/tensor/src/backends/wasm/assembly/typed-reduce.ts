// Sums, maxima, argmax and running sums of float64, int32 and bool, along the middle axis of a dense [outer, rows, n].
// Sums of float64 run in the order of the reference kernels: straight within blocks of 64, then by halves, so that
// they give the same bits. Sums of int32 wrap around, in any order. Read next: convert.ts.
import { ElementType } from "./contract";

const BLOCK: i32 = 64;

/** Where a sum over n elements is cut in two. */
@inline function halfOf(n: i32): i32 {
  return (n + 2 * BLOCK - 1) / (2 * BLOCK) * BLOCK;
}

/** Sum of up to BLOCK adjacent elements, in order. */
function sumBlock(x: usize, n: i32): f64 {
  let total: f64 = 0;
  for (let i = 0; i < n; i++) total += load<f64>(x + (i << 3));
  return total;
}

/** Four blocks at a time, because one sum waits for its own last addition. */
function sumFourBlocks(x: usize): f64 {
  let a: f64 = 0;
  let b: f64 = 0;
  let c: f64 = 0;
  let d: f64 = 0;
  for (let i = 0; i < BLOCK; i++) {
    a += load<f64>(x);
    b += load<f64>(x, 512);
    c += load<f64>(x, 1024);
    d += load<f64>(x, 1536);
    x += 8;
  }
  return a + b + (c + d);
}

/** Three blocks, of which the first two belong together. */
function sumThreeBlocks(x: usize): f64 {
  let a: f64 = 0;
  let b: f64 = 0;
  let c: f64 = 0;
  for (let i = 0; i < BLOCK; i++) {
    a += load<f64>(x);
    b += load<f64>(x, 512);
    c += load<f64>(x, 1024);
    x += 8;
  }
  return a + b + c;
}

function sumRow(x: usize, n: i32): f64 {
  if (n <= BLOCK) return sumBlock(x, n);
  if (n == 4 * BLOCK) return sumFourBlocks(x);
  if (n == 3 * BLOCK) return sumThreeBlocks(x);
  const half = halfOf(n);
  return sumRow(x, half) + sumRow(x + (<usize>half << 3), n - half);
}

/** x += y, rows of n float64. */
@inline function addRow(x: usize, y: usize, n: i32): void {
  const end = x + (<usize>n << 3);
  for (; x + 16 <= end; x += 16) {
    v128.store(x, f64x2.add(v128.load(x), v128.load(y)));
    y += 16;
  }
  if (x < end) store<f64>(x, load<f64>(x) + load<f64>(y));
}

/** Sums of n adjacent columns, row by row, with room for a row for each halving behind `spare`. */
function sumColumns(x: usize, rows: i32, n: i32, pitch: usize, out: usize, spare: usize): void {
  const bytes = <usize>n << 3;
  if (rows <= BLOCK) {
    memory.fill(out, 0, bytes);
    for (let r = 0; r < rows; r++) addRow(out, x + <usize>r * pitch, n);
    return;
  }
  const half = halfOf(rows);
  sumColumns(x, half, n, pitch, out, spare);
  sumColumns(x + <usize>half * pitch, rows - half, n, pitch, spare, spare + bytes);
  addRow(out, spare, n);
}

/** Columns summed together: thirty rows of so many fit into the scratch memory. */
const STRIP: i32 = 2048;

function sumDoubles(x: usize, rows: i32, n: i32, out: usize, scratch: usize): void {
  if (n == 1) {
    store<f64>(out, sumRow(x, rows));
    return;
  }
  const pitch = <usize>n << 3;
  for (let j = 0; j < n; j += STRIP) {
    const at = <usize>j << 3;
    sumColumns(x + at, rows, min(STRIP, n - j), pitch, out + at, scratch);
  }
}

/** Of two vectors, where the order does not matter. */
@inline function combine<T>(maximum: bool, a: v128, b: v128): v128 {
  return maximum ? v128.max<T>(a, b) : v128.add<T>(a, b);
}

@inline function combineOne<T>(maximum: bool, a: T, b: T): T {
  return maximum ? max<T>(a, b) : <T>(a + b);
}

/** One row of n adjacent elements, n >= 1. */
@inline function foldRow<T>(maximum: bool, x: usize, n: i32): T {
  const end = x + <usize>n * sizeof<T>();
  let best = load<T>(x);
  if (<usize>n * sizeof<T>() >= 64) {
    let a = v128.load(x);
    let b = v128.load(x, 16);
    x += 32;
    for (; x + 32 <= end; x += 32) {
      a = combine<T>(maximum, a, v128.load(x));
      b = combine<T>(maximum, b, v128.load(x, 16));
    }
    a = combine<T>(maximum, a, b);
    best = v128.extract_lane<T>(a, 0);
    best = combineOne<T>(maximum, best, v128.extract_lane<T>(a, 1));
    if (sizeof<T>() <= 4) {
      best = combineOne<T>(maximum, best, v128.extract_lane<T>(a, 2));
      best = combineOne<T>(maximum, best, v128.extract_lane<T>(a, 3));
    }
    if (sizeof<T>() == 1) {
      // The other twelve bytes, in three folds of a vector.
      a = combine<T>(maximum, a, i8x16.shuffle(a, a, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7));
      a = combine<T>(maximum, a, i8x16.shuffle(a, a, 4, 5, 6, 7, 0, 1, 2, 3, 4, 5, 6, 7, 0, 1, 2, 3));
      for (let i = 0; i < 4; i++) {
        best = combineOne<T>(maximum, best, v128.extract_lane<T>(a, 0));
        a = i8x16.shuffle(a, a, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0);
      }
    }
  } else {
    x += sizeof<T>();
  }
  for (; x < end; x += sizeof<T>()) best = combineOne<T>(maximum, best, load<T>(x));
  return best;
}

/** All columns of a matrix, row by row into the output, which stays in the cache. */
@inline function foldColumns<T>(maximum: bool, x: usize, rows: i32, n: i32, out: usize): void {
  const bytes = <usize>n * sizeof<T>();
  memory.copy(out, x, bytes);
  for (let r = 1; r < rows; r++) {
    x += bytes;
    let at: usize = 0;
    for (; at + 16 <= bytes; at += 16) {
      v128.store(out + at, combine<T>(maximum, v128.load(out + at), v128.load(x + at)));
    }
    for (; at < bytes; at += sizeof<T>()) {
      store<T>(out + at, combineOne<T>(maximum, load<T>(out + at), load<T>(x + at)));
    }
  }
}

@inline function fold<T>(maximum: bool, x: usize, rows: i32, n: i32, out: usize): void {
  if (n == 1) store<T>(out, foldRow<T>(maximum, x, rows));
  else foldColumns<T>(maximum, x, rows, n, out);
}

/** out[o, j] = the sum of x[o, :, j], or the maximum, for o in [from, to); rows >= 1. No sums of bool. */
export function reduceMiddleOf(
  type: i32, maximum: bool, from: i32, to: i32, x: usize, rows: i32, n: i32, out: usize, scratch: usize,
): void {
  for (let o = from; o < to; o++) {
    const at = <usize>o * rows * n;
    const y = <usize>o * n;
    if (type == ElementType.float64) {
      if (maximum) fold<f64>(true, x + (at << 3), rows, n, out + (y << 3));
      else sumDoubles(x + (at << 3), rows, n, out + (y << 3), scratch);
    } else if (type == ElementType.int32) {
      if (maximum) fold<i32>(true, x + (at << 2), rows, n, out + (y << 2));
      else fold<i32>(false, x + (at << 2), rows, n, out + (y << 2));
    } else {
      fold<u8>(true, x + at, rows, n, out + y);
    }
  }
}

@inline function argmaxOf<T>(x: usize, rows: i32, n: i32): i32 {
  const pitch = <usize>n * sizeof<T>();
  let best = load<T>(x);
  let where: i32 = 0;
  for (let r = 1; r < rows && best == best; r++) {
    x += pitch;
    const value = load<T>(x);
    if (value > best || value != value) {
      best = value;
      where = r;
    }
  }
  return where;
}

/** Index of the first largest element along the middle axis of [outer, rows, n]; NaN counts as largest. */
export function argmaxMiddleOf(type: i32, from: i32, to: i32, x: usize, rows: i32, n: i32, out: usize): void {
  for (let o = from; o < to; o++) {
    for (let j = 0; j < n; j++) {
      const at = <usize>o * rows * n + j;
      let where: i32 = 0;
      if (type == ElementType.float64) where = argmaxOf<f64>(x + (at << 3), rows, n);
      else if (type == ElementType.int32) where = argmaxOf<i32>(x + (at << 2), rows, n);
      else where = argmaxOf<u8>(x + at, rows, n);
      store<i32>(out + ((<usize>o * n + j) << 2), where);
    }
  }
}

@inline function runningSum<T>(x: usize, rows: i32, n: i32, out: usize): void {
  const pitch = <usize>n * sizeof<T>();
  let total: T = 0;
  for (let at: usize = 0, end = <usize>rows * pitch; at < end; at += pitch) {
    total += load<T>(x + at);
    store<T>(out + at, total);
  }
}

/** Running sum along the middle axis of [outer, rows, n], float64 or int32. */
export function cumsumMiddleOf(type: i32, from: i32, to: i32, x: usize, rows: i32, n: i32, out: usize): void {
  for (let o = from; o < to; o++) {
    for (let j = 0; j < n; j++) {
      const at = <usize>o * rows * n + j;
      if (type == ElementType.float64) runningSum<f64>(x + (at << 3), rows, n, out + (at << 3));
      else runningSum<i32>(x + (at << 2), rows, n, out + (at << 2));
    }
  }
}
