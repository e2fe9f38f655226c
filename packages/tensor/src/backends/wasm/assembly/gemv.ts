// Products of few rows: a row of activations times a matrix of weights, as a decoder computes for every token. The
// weights are read once and used once or a few times, so packing them, as gemm.ts does, would cost more than the
// product. Each element of C adds the same terms in the same order as there: k in order within a block, then block by
// block. So a row has the same bits alone and among many.
//
// Weights [k, n] with dense rows run by `strip`: the sums of a strip of columns stay in the first-level cache, four
// rows of B a pass. Weights [n, k] with dense columns run by `eightColumns`: four terms of four columns are turned in
// registers, so that a vector holds the same term of four sums. What is left beside eights of columns is packed.
// Read next: the tile, then attention.ts.
import { Product } from "./contract";
import { multiplyAdd } from "./tile";

/** Most rows of A that come here where B has dense rows, and dense columns; from there on packing pays. */
const FEW_BY_ROWS: i32 = 4;
const FEW_BY_COLUMNS: i32 = 2;
/** Columns whose sums stay in the cache while the rows of B pass. */
const STRIP: i32 = 2048;

/** True if a product of this many rows begins here. */
export function isFew(task: Product, rows: i32): bool {
  if (task.rows || task.columns || task.aColumn != 1) return false;
  return task.bColumn == 1 ? rows <= FEW_BY_ROWS : task.bRow == 1 && rows <= FEW_BY_COLUMNS;
}

/** Columns to take at a time, all terms of which come before the next: the order in which B lies in memory. */
export function fewColumns(task: Product): i32 {
  return task.bColumn == 1 ? STRIP : 8;
}

/**
 * C = A B, or C += A B, of `m` rows, a block of `kc` terms and up to `n` columns; the addresses are those of the first
 * elements. Returns how many columns are done: all but fewer than eight.
 */
export function fewRows(
  task: Product, m: i32, kc: i32, n: i32, a: usize, b: usize, c: usize, add: bool, scratch: usize,
): i32 {
  const aRow = <usize>task.aRow << 2;
  const bColumn = <usize>task.bColumn << 2;
  const cRow = <usize>task.cRow << 2;
  n &= ~7;
  if (bColumn == 4) {
    strip(m, kc, n, a, aRow, b, <usize>task.bRow << 2, c, cRow, add, scratch);
    return n;
  }
  for (let j = 0; j < n; j += 8, b += bColumn * 8, c += 32) {
    for (let i = 0; i < m; i++) eightColumns(kc, a + i * aRow, b, bColumn, c + i * cRow, add, NEVER);
  }
  return n;
}

/** Rows of B lie `bRow` bytes apart; `sums` has room for m n elements. */
function strip(
  m: i32, kc: i32, n: i32, a: usize, aRow: usize, b: usize, bRow: usize, c: usize, cRow: usize, add: bool, sums: usize,
): void {
  const wide = <usize>n << 2;
  memory.fill(sums, 0, m * wide);
  let p = 0;
  for (; p + 4 <= kc; p += 4) {
    for (let i = 0; i < m; i++) addFour(sums + i * wide, wide, a + i * aRow, b, bRow);
    a += 16;
    b += bRow * 4;
  }
  for (; p < kc; p++) {
    for (let i = 0; i < m; i++) addOne(sums + i * wide, wide, a + i * aRow, b);
    a += 4;
    b += bRow;
  }
  for (let i = 0; i < m; i++) {
    for (let at: usize = 0; at < wide; at += 16) {
      const sum = v128.load(sums + i * wide + at);
      const to = c + i * cRow + at;
      v128.store(to, add ? f32x4.add(v128.load(to), sum) : sum);
    }
  }
}

/** sums += a[0] b[0] + .. + a[3] b[3], one after the other; a multiple of 32 bytes. */
function addFour(sums: usize, bytes: usize, a: usize, b0: usize, bRow: usize): void {
  const a0 = v128.load32_splat(a);
  const a1 = v128.load32_splat(a, 4);
  const a2 = v128.load32_splat(a, 8);
  const a3 = v128.load32_splat(a, 12);
  const b1 = b0 + bRow;
  const b2 = b1 + bRow;
  const b3 = b2 + bRow;
  for (let at: usize = 0; at < bytes; at += 32) {
    let x = multiplyAdd(v128.load(sums + at), a0, v128.load(b0 + at));
    let y = multiplyAdd(v128.load(sums + at, 16), a0, v128.load(b0 + at, 16));
    x = multiplyAdd(x, a1, v128.load(b1 + at));
    y = multiplyAdd(y, a1, v128.load(b1 + at, 16));
    x = multiplyAdd(x, a2, v128.load(b2 + at));
    y = multiplyAdd(y, a2, v128.load(b2 + at, 16));
    v128.store(sums + at, multiplyAdd(x, a3, v128.load(b3 + at)));
    v128.store(sums + at, multiplyAdd(y, a3, v128.load(b3 + at, 16)), 16);
  }
}

/** sums += a[0] b */
function addOne(sums: usize, bytes: usize, a: usize, b: usize): void {
  const a0 = v128.load32_splat(a);
  for (let at: usize = 0; at < bytes; at += 16) {
    v128.store(sums + at, multiplyAdd(v128.load(sums + at), a0, v128.load(b + at)));
  }
}

/** The sums of four columns after four more terms. */
@inline function fourTerms(sum: v128, a: usize, b: usize, step: usize): v128 {
  const r0 = v128.load(b);
  const r1 = v128.load(b + step);
  const r2 = v128.load(b + step * 2);
  const r3 = v128.load(b + step * 3);
  const x = i32x4.shuffle(r0, r1, 0, 4, 1, 5);
  const y = i32x4.shuffle(r0, r1, 2, 6, 3, 7);
  const z = i32x4.shuffle(r2, r3, 0, 4, 1, 5);
  const w = i32x4.shuffle(r2, r3, 2, 6, 3, 7);
  sum = multiplyAdd(sum, v128.load32_splat(a), i64x2.shuffle(x, z, 0, 2));
  sum = multiplyAdd(sum, v128.load32_splat(a, 4), i64x2.shuffle(x, z, 1, 3));
  sum = multiplyAdd(sum, v128.load32_splat(a, 8), i64x2.shuffle(y, w, 0, 2));
  return multiplyAdd(sum, v128.load32_splat(a, 12), i64x2.shuffle(y, w, 1, 3));
}

/** The sums of four columns after one more term. */
@inline function oneTerm(sum: v128, a: usize, b: usize, step: usize): v128 {
  let x = v128.load32_zero(b);
  x = v128.load32_lane(b + step, x, 1);
  x = v128.load32_lane(b + step * 2, x, 2);
  return multiplyAdd(sum, v128.load32_splat(a), v128.load32_lane(b + step * 3, x, 3));
}

/** An offset at which no four terms begin. */
const NEVER: usize = 1;

/**
 * One row of A and eight columns of B, `step` bytes apart: two chains of additions run beside each other. The way out
 * between them is never taken; it ends a basic block, whose loads V8 would move to its top, which takes more registers
 * than there are (as in the tile, see scripts/wasm.mjs): 25 GB/s of weights instead of 17.
 */
function eightColumns(kc: i32, a: usize, b: usize, step: usize, c: usize, add: bool, never: usize): void {
  let sum0 = i32x4.splat(0);
  let sum1 = i32x4.splat(0);
  const second = b + step * 4;
  const whole = <usize>(kc & ~3) << 2;
  let at: usize = 0;
  if (whole > 0) do {
    sum0 = fourTerms(sum0, a + at, b + at, step);
    if (at == never) break;
    sum1 = fourTerms(sum1, a + at, second + at, step);
    at += 16;
  } while (at < whole);
  for (; at < <usize>kc << 2; at += 4) {
    sum0 = oneTerm(sum0, a + at, b + at, step);
    sum1 = oneTerm(sum1, a + at, second + at, step);
  }
  v128.store(c, add ? f32x4.add(v128.load(c), sum0) : sum0);
  v128.store(c, add ? f32x4.add(v128.load(c, 16), sum1) : sum1, 16);
}
