// Scaled dot-product attention per head, on the matrix product of the other module. Query rows go in blocks,
// so that a block of scores stays in the cache between the product that makes it, the softmax, and the
// product that uses it; likewise in the backward pass, which starts from the probabilities.
// Read next: conv1d.ts.
import { Attention, AttentionGrad, Product, QUERY_BLOCK, SCRATCH_RECORD } from "./contract";
import { dotRow, expShifted, scaleRow, topOf } from "./softmax";

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

@inline function offset(task: Attention, head: i32, which: i32): usize {
  return <usize>load<i32>(task.offsets + (((head << 2) + which) << 2)) << 2;
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

/** Forward for heads [h0, h1) and query rows [r0, r1), r0 a multiple of QUERY_BLOCK. */
export function attention(h0: i32, h1: i32, r0: i32, r1: i32, task: Attention, scores: usize, scratch: usize): void {
  const keys = task.keys;
  const width = task.width;
  for (let head = h0; head < h1; head++) {
    const k = task.k + offset(task, head, 1);
    const v = task.v + offset(task, head, 2);
    for (let row = r0; row < r1; row += QUERY_BLOCK) {
      const m = min(QUERY_BLOCK, r1 - row);
      const seen = task.causal ? min(keys, row + m) : keys;
      const kept = task.weights != 0;
      // Scores come in strips of a few columns, probabilities row by row: only these suit the memory.
      const first = kept ? task.weights + ((<usize>head * task.queries + row) * keys << 2) : scores;
      const q = task.q + offset(task, head, 0) + (<usize>row * task.qRow << 2);
      product(m, seen, task.depth, q, task.qRow, 1, k, 1, task.kRow, scores, keys, false, scratch);
      const out = task.out + ((<usize>head * task.queries + row) * width << 2);
      for (let i = 0; i < m; i++) {
        const line = scores + (<usize>i * keys << 2);
        const p = first + (<usize>i * keys << 2);
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
        memory.fill(p + (<usize>n << 2), 0, <usize>((kept ? keys : seen) - n) << 2);
      }
      if (task.out) product(m, width, seen, first, keys, 1, v, task.vRow, 1, out, width, false, scratch);
    }
  }
}

/** Elements of a block of scores in the backward pass: with the probabilities beside it, it stays in a
 * second-level cache of 1 MiB. */
const GRAD_BLOCK: i32 = 98304;
/** But no fewer query rows than this: adding short blocks up costs more than a faster cache saves. */
const GRAD_ROWS: i32 = 192;

/** Query rows per block of the backward pass; by the sizes alone, because sums over blocks depend on it. */
export function attentionGradRows(queries: i32, keys: i32): i32 {
  const most = max(GRAD_BLOCK / keys, GRAD_ROWS);
  const blocks = (queries + most - 1) / most;
  return ((queries + blocks - 1) / blocks + 3) & ~3;
}

/** s = factor p (s - sum(s p)) over a row of n: the gradient of the scores before scaling. */
@inline function scoreGradRow(s: usize, p: usize, n: i32, factor: f32): void {
  const total = dotRow(s, p, n);
  const t = f32x4.splat(total);
  const f = f32x4.splat(factor);
  let i = 0;
  for (; i + 8 <= n; i += 8) {
    const at = <usize>i << 2;
    v128.store(s + at, f32x4.mul(f32x4.mul(v128.load(p + at), f), f32x4.sub(v128.load(s + at), t)));
    v128.store(s + at, f32x4.mul(f32x4.mul(v128.load(p + at, 16), f), f32x4.sub(v128.load(s + at, 16), t)), 16);
  }
  for (; i < n; i++) {
    const at = <usize>i << 2;
    store<f32>(s + at, load<f32>(p + at) * factor * (load<f32>(s + at) - total));
  }
}

/** Gradients of q, k and v for heads [h0, h1); `scores` has room for attentionGradRows(queries, keys) rows of keys. */
export function attentionGrad(h0: i32, h1: i32, task: AttentionGrad, scores: usize, scratch: usize): void {
  const queries = task.queries;
  const keys = task.keys;
  const depth = task.depth;
  const width = task.width;
  const gRow = task.gRow;
  const qRow = task.qRow;
  const kRow = task.kRow;
  const vRow = task.vRow;
  const rows = attentionGradRows(queries, keys);
  for (let head = h0; head < h1; head++) {
    const at = task.offsets + (head << 4);
    const gHead = task.g + (<usize>load<i32>(at) << 2);
    const qHead = task.q + (<usize>load<i32>(at, 4) << 2);
    const kHead = task.k + (<usize>load<i32>(at, 8) << 2);
    const vHead = task.v + (<usize>load<i32>(at, 12) << 2);
    const dq = task.out + (<usize>head * (queries * depth + keys * (depth + width)) << 2);
    const dk = dq + (<usize>queries * depth << 2);
    const dv = dk + (<usize>keys * depth << 2);
    for (let row = 0; row < queries; row += rows) {
      const m = min(rows, queries - row);
      const add = row > 0;
      const p = task.weights + ((<usize>head * queries + row) * keys << 2);
      const gRows = gHead + (<usize>row * gRow << 2);
      const qRows = qHead + (<usize>row * qRow << 2);
      product(m, keys, width, gRows, gRow, 1, vHead, 1, vRow, scores, keys, false, scratch);
      // This reads the probabilities row by row, so that the cache has them for the product that does not.
      for (let i = 0; i < m; i++) scoreGradRow(scores + (<usize>i * keys << 2), p + (<usize>i * keys << 2), keys, task.scale);
      product(keys, width, m, p, 1, keys, gRows, gRow, 1, dv, width, add, scratch);
      product(m, depth, keys, scores, keys, 1, kHead, kRow, 1, dq + (<usize>row * depth << 2), depth, false, scratch);
      product(keys, depth, m, scores, 1, keys, qRows, qRow, 1, dk, depth, add, scratch);
    }
  }
}
