// Scaled dot-product attention per head, on the matrix product of the other module. Query rows go in blocks,
// so that a block of scores stays in the cache between the product that makes it, the softmax, and the
// product that uses it; likewise in the backward pass, which computes the weights again where they were not kept. So the
// memory that either takes grows with the number of keys, not with its square.
// Read next: conv1d.ts.
import { Attention, Product, QUERY_BLOCK, SCRATCH_RECORD } from "./contract";
import { part, storePart } from "./lanes";
import { expShifted, scaleRow, softmaxGradRow, topOf } from "./softmax";

@external("gemm", "gemm")
export declare function gemm(
  task: Product, t0: i32, t1: i32, i0: i32, i1: i32, j0: i32, j1: i32, scratch: usize,
): void;

/** One product of dense or strided rows: C [m, n] = A B, or C += A B. */
@inline function product(
  m: i32, n: i32, k: i32, a: usize, aRow: i32, aColumn: i32, b: usize, bRow: i32, bColumn: i32, c: usize, cRow: i32,
  accumulate: bool, scratch: usize,
): void {
  const task = changetype<Product>(scratch + SCRATCH_RECORD);
  task.k = k;
  task.a = a;
  task.aRow = aRow;
  task.aColumn = aColumn;
  task.aBatch = 0;
  task.b = b;
  task.bRow = bRow;
  task.bColumn = bColumn;
  task.bBatch = 0;
  task.rows = 0;
  task.columns = 0;
  task.c = c;
  task.cRow = cRow;
  task.cBatch = 0;
  task.accumulate = accumulate ? 1 : 0;
  task.bias = 0;
  task.biasPerRow = 0;
  gemm(task, 0, 1, 0, m, 0, n, scratch);
}

/** Where a head's matrix begins: 0 to 4 for q, k, v, the bias and the gradient of the output. */
@inline function offset(task: Attention, head: i32, which: i32): usize {
  return <usize>load<i32>(task.offsets + ((head * 5 + which) << 2)) << 2;
}

/** z = scale s + bias over a row of n. */
@inline function scoreRow(s: usize, n: i32, scale: f32, bias: usize): void {
  const f = f32x4.splat(scale);
  let i = 0;
  for (; i + 4 <= n; i += 4) {
    const at = <usize>i << 2;
    v128.store(s + at, f32x4.add(f32x4.mul(v128.load(s + at), f), v128.load(bias + at)));
  }
  for (; i < n; i++) store<f32>(s + (i << 2), load<f32>(s + (i << 2)) * scale + load<f32>(bias + (i << 2)));
}

/**
 * Weights of query rows [row, row + m) by their first `seen` keys, computed in `scores`, then row by row, `keys`
 * elements apart, in `to`. Scores come in strips of a few columns, weights row by row: only these suit the memory.
 * With `whole` a row is followed by zeros up to its last key, else up to the last one seen.
 */
function blockOfWeights(
  task: Attention, head: i32, row: i32, m: i32, seen: i32, scores: usize, to: usize, whole: bool, scratch: usize,
): void {
  const keys = task.keys;
  const q = task.q + offset(task, head, 0) + (<usize>row * task.qRow << 2);
  const k = task.k + offset(task, head, 1);
  product(m, seen, task.depth, q, task.qRow, 1, k, 1, task.kRow, scores, keys, false, scratch);
  for (let i = 0; i < m; i++) {
    const line = scores + (<usize>i * keys << 2);
    const p = to + (<usize>i * keys << 2);
    const n = task.causal ? min(seen, row + i + 1) : seen;
    let factor = task.scale;
    if (task.bias) {
      scoreRow(line, n, factor, task.bias + offset(task, head, 3) + (<usize>(row + i) * task.biasRow << 2));
      factor = 1;
    } else if (factor < 0) {
      scaleRow(line, n, factor);
      factor = 1;
    }
    // Rounding keeps the order, so the largest score may be scaled afterwards.
    const total = expShifted(line, n, true, factor, topOf(line, n) * factor, p);
    // The sum is 0 where every key is forbidden: the row of weights then is 0 too.
    scaleRow(p, n, total == 0 ? <f32>0 : <f32>1 / total);
    memory.fill(p + (<usize>n << 2), 0, <usize>((whole ? keys : seen) - n) << 2);
  }
}

/** Forward for heads [h0, h1) and query rows [r0, r1), r0 a multiple of QUERY_BLOCK. */
export function attention(h0: i32, h1: i32, r0: i32, r1: i32, task: Attention, scores: usize, scratch: usize): void {
  const keys = task.keys;
  const width = task.width;
  for (let head = h0; head < h1; head++) {
    const v = task.v + offset(task, head, 2);
    for (let row = r0; row < r1; row += QUERY_BLOCK) {
      const m = min(QUERY_BLOCK, r1 - row);
      const seen = task.causal ? min(keys, row + m) : keys;
      const kept = task.weights != 0;
      const first = kept ? task.weights + ((<usize>head * task.queries + row) * keys << 2) : scores;
      blockOfWeights(task, head, row, m, seen, scores, first, kept, scratch);
      const out = task.out + ((<usize>head * task.queries + row) * width << 2);
      if (task.out) product(m, width, seen, first, keys, 1, v, task.vRow, 1, out, width, false, scratch);
    }
  }
}

/** Elements of a block of scores in the backward pass: with the weights beside it, it stays in a second-level
 * cache of 1 MiB. */
const GRAD_BLOCK: i32 = 98304;
/** But no fewer query rows than this: adding short blocks up costs more than a faster cache saves. */
const GRAD_ROWS: i32 = 192;

/** Query rows per block of the backward pass; by the sizes alone, because sums over blocks depend on it. */
export function attentionGradRows(queries: i32, keys: i32): i32 {
  const most = max(GRAD_BLOCK / keys, GRAD_ROWS);
  const blocks = (queries + most - 1) / most;
  return ((queries + blocks - 1) / blocks + 3) & ~3;
}

/** Adds the m rows of n columns at `s`, `step` bytes apart, to the row at `to`. */
function addRows(m: i32, n: i32, s: usize, step: usize, to: usize): void {
  for (let j = 0; j < n; j += 4) {
    const wide = min(4, n - j);
    let at = s + (<usize>j << 2);
    let sum = part(at, wide);
    for (let i = 1; i < m; i++) {
      at += step;
      sum = f32x4.add(sum, part(at, wide));
    }
    storePart(to + (<usize>j << 2), f32x4.add(part(to + (<usize>j << 2), wide), sum), wide);
  }
}

/**
 * Gradients for heads [h0, h1). Weights that were not kept are computed again, block by block, so that no array of
 * queries by keys is ever whole. `scores` has room for two blocks of attentionGradRows(queries, keys) rows of keys.
 */
export function attentionGrad(h0: i32, h1: i32, task: Attention, scores: usize, scratch: usize): void {
  const queries = task.queries;
  const keys = task.keys;
  const depth = task.depth;
  const width = task.width;
  const qRow = task.qRow;
  const gRow = task.gRow;
  const rows = attentionGradRows(queries, keys);
  const again = task.weights == 0;
  const each = queries * depth + keys * (depth + width) + (task.biasGrad ? keys : 0);
  for (let head = h0; head < h1; head++) {
    const k = task.k + offset(task, head, 1);
    const v = task.v + offset(task, head, 2);
    const dq = task.out + (<usize>head * each << 2);
    const dk = dq + (<usize>queries * depth << 2);
    const dv = dk + (<usize>keys * depth << 2);
    const dBias = dv + (<usize>keys * width << 2);
    memory.fill(dk, 0, <usize>(each - queries * depth) << 2);
    for (let row = 0; row < queries; row += rows) {
      const m = min(rows, queries - row);
      // Whole eights, so that sums along a row run as over all keys.
      const seen = task.causal ? min(keys, (row + m + 7) & ~7) : keys;
      const g = task.g + offset(task, head, 4) + (<usize>row * gRow << 2);
      const q = task.q + offset(task, head, 0) + (<usize>row * qRow << 2);
      let p = scores + (<usize>rows * keys << 2);
      if (again) blockOfWeights(task, head, row, m, seen, scores, p, false, scratch);
      else p = task.weights + ((<usize>head * queries + row) * keys << 2);
      product(m, seen, width, g, gRow, 1, v, 1, task.vRow, scores, keys, false, scratch);
      // This reads the weights row by row, so that the cache has them for the product that does not.
      for (let i = 0; i < m; i++) {
        const at = <usize>i * keys << 2;
        softmaxGradRow(scores + at, p + at, seen, scores + at);
      }
      product(seen, width, m, p, 1, keys, g, gRow, 1, dv, width, true, scratch);
      product(m, depth, seen, scores, keys, 1, k, task.kRow, 1, dq + (<usize>row * depth << 2), depth, false, scratch);
      product(seen, depth, m, scores, 1, keys, q, qRow, 1, dk, depth, true, scratch);
      if (task.biasGrad) addRows(m, seen, scores, <usize>keys << 2, dBias);
    }
    // dq and dk lie end to end.
    scaleRow(dq, (queries + keys) * depth, task.scale);
  }
}
