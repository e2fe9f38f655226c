// Matrix product C = A B + bias for any row and column strides of A and B.
//
// The classic blocked scheme (Goto & van de Geijn 2008): B is packed in blocks of KC x NC into slivers NR
// columns wide, A in blocks of MC x KC into slivers MR rows high, and a register tile of MR x NR runs down
// each pair of slivers. Packing absorbs transposes, so there is one inner loop. KC is the same for every
// tile and each element of C sums its k terms in order within a block, then block by block: the result has
// the same bits for every tile size and every split of rows or columns over threads.
// Products of one to four rows are not packed. Read next: gemv.ts, then the tile, written out by scripts/wasm.mjs for
// each MR x NR.
import { Product } from "./contract";
import { fewColumns, fewRows, isFew } from "./gemv";
import { part, storePart, transpose4 } from "./lanes";
import { MR, NR, tile } from "./tile";

const KC: i32 = 256;
const MC: i32 = 96; // a multiple of every MR
const NC: i32 = 512; // a multiple of every NR

/** Bytes of scratch memory a call needs. */
export function scratchBytes(): i32 {
  return (KC * (MC + NC) + MR * NR) * 4 + 64;
}

/** Batch entries [t0, t1), rows [i0, i1) and columns [j0, j1) of a product. */
export function gemm(
  task: Product, t0: i32, t1: i32, i0: i32, i1: i32, j0: i32, j1: i32, scratch: usize,
): void {
  const k = task.k;
  const aRow = task.aRow;
  const aColumn = task.aColumn;
  const bRow = task.bRow;
  const bColumn = task.bColumn;
  const rows = task.rows;
  const columns = task.columns;
  const cRow = task.cRow;
  const accumulate = task.accumulate != 0;
  const bias = task.bias;
  const biasPerRow = task.biasPerRow != 0;
  const packedA = scratch;
  const packedB = packedA + ((KC * MC) << 2);
  const edge = packedB + ((KC * NC) << 2);
  const few = isFew(task, i1 - i0);
  const most = few ? fewColumns(task) : NC;
  for (let t = t0; t < t1; t++) {
    const a = task.a + (<usize>t * task.aBatch << 2);
    const b = task.b + (<usize>t * task.bBatch << 2);
    const c = task.c + (<usize>t * task.cBatch << 2);
    for (let j = j0; j < j1; j += most) {
      const nc = min(most, j1 - j);
      for (let p = 0; p < k || p == 0; p += KC) {
        const kc = min(KC, k - p);
        const add = p > 0 || accumulate;
        const done = few ? fewRows(task, i1 - i0, kc, nc, a + (i0 * aRow + p) * 4, b + (p * bRow + j * bColumn) * 4,
          c + (i0 * cRow + j) * 4, add, scratch) : 0;
        const left = nc - done;
        const from = j + done;
        if (left > 0) {
          packB(kc, left, b + (p * (rows ? 0 : bRow) + from * (columns ? 0 : bColumn)) * 4, bRow, bColumn,
            rows ? rows + (p << 2) : 0, columns ? columns + (from << 2) : 0, packedB);
        }
        for (let i = i0; i < i1; i += MC) {
          const mc = min(MC, i1 - i);
          const corner = c + (i * cRow + j) * 4;
          if (left > 0) {
            packA(mc, kc, a + (i * aRow + p * aColumn) * 4, aRow, aColumn, packedA);
            block(mc, left, kc, packedA, packedB, corner + (done << 2), cRow, add, edge);
          }
          // While the block is still in the cache.
          if (bias && p + KC >= k) addBias(mc, nc, corner, cRow, bias + ((biasPerRow ? i : j) << 2), biasPerRow);
        }
      }
    }
  }
}

/** Adds a row to each row of a block of C, or with `perRow` a column to each column. */
function addBias(m: i32, n: i32, c: usize, cRow: i32, bias: usize, perRow: bool): void {
  for (let i = 0; i < m; i++) {
    const rowBias: f32 = perRow ? load<f32>(bias + (i << 2)) : 0;
    for (let j = 0; j < n; j += 4) {
      const wide = min(4, n - j);
      const at = c + ((i * cRow + j) << 2);
      const more = perRow ? f32x4.splat(rowBias) : part(bias + (j << 2), wide);
      storePart(at, f32x4.add(part(at, wide), more), wide);
    }
  }
}

/** Runs the register tile over one packed block; tiles that stick out go through `edge`. */
function block(
  mc: i32, nc: i32, kc: i32, packedA: usize, packedB: usize, c: usize, ldc: i32, add: bool, edge: usize,
): void {
  for (let j = 0; j < nc; j += NR) {
    const sliverB = packedB + ((j * kc) << 2);
    const wide = min(NR, nc - j);
    for (let i = 0; i < mc; i += MR) {
      const sliverA = packedA + ((i * kc) << 2);
      const high = min(MR, mc - i);
      const corner = c + (i * ldc + j) * 4;
      if (wide == NR && high == MR) {
        tile(kc, sliverA, sliverB, corner, ldc << 2, add);
        continue;
      }
      tile(kc, sliverA, sliverB, edge, NR << 2, false);
      for (let y = 0; y < high; y++) {
        for (let x = 0; x < wide; x++) {
          const to = corner + (y * ldc + x) * 4;
          const value = load<f32>(edge + ((y * NR + x) << 2));
          store<f32>(to, add ? load<f32>(to) + value : value);
        }
      }
    }
  }
}

/** Slivers of MR rows, stored column by column; rows past the end are zero. */
function packA(mc: i32, kc: i32, a: usize, aRow: i32, aCol: i32, to: usize): void {
  const row = <usize>aRow << 2;
  const col = <usize>aCol << 2;
  for (let i = 0; i < mc; i += MR) {
    const from = a + <usize>i * row;
    let p = 0;
    if (i + MR <= mc && aCol == 1) {
      for (; p + 4 <= kc; p += 4) packColumns(from + (p << 2), row, to + ((p * MR) << 2));
    } else if (i + MR <= mc && aRow == 1) {
      for (; p < kc; p++) packRow(from + <usize>p * col, to + ((p * MR) << 2));
    }
    const high = min(MR, mc - i);
    for (; p < kc; p++) {
      for (let y = 0; y < MR; y++) {
        const value: f32 = y < high ? load<f32>(from + <usize>y * row + <usize>p * col) : 0;
        store<f32>(to + ((p * MR + y) << 2), value);
      }
    }
    to += (MR * kc) << 2;
  }
}

/** MR rows of four columns each, turned; the two rows past four are stored by halves. */
@inline function packColumns(from: usize, row: usize, to: usize): void {
  transpose4(v128.load(from), v128.load(from + row), v128.load(from + row * 2), v128.load(from + row * 3), to, MR << 2);
  if (MR == 6) {
    const r0 = v128.load(from + row * 4);
    const r1 = v128.load(from + row * 5);
    const lo = i32x4.shuffle(r0, r1, 0, 4, 1, 5);
    const hi = i32x4.shuffle(r0, r1, 2, 6, 3, 7);
    v128.store64_lane(to, lo, 0, 16);
    v128.store64_lane(to, lo, 1, 40);
    v128.store64_lane(to, hi, 0, 64);
    v128.store64_lane(to, hi, 1, 88);
  }
}

/** One column of MR adjacent elements. */
@inline function packRow(from: usize, to: usize): void {
  v128.store(to, v128.load(from));
  if (MR == 6) store<u64>(to, load<u64>(from, 16), 16);
}

/** Slivers of NR columns, stored row by row; columns past the end are zero. */
function packB(kc: i32, nc: i32, b: usize, bRow: i32, bCol: i32, rows: usize, cols: usize, to: usize): void {
  const row = <usize>bRow << 2;
  const col = <usize>bCol << 2;
  for (let j = 0; j < nc; j += NR) {
    const full = j + NR <= nc;
    let p = 0;
    if (full && !cols && bCol == 1) {
      const from = b + (j << 2);
      let q = to;
      for (; p < kc; p++) {
        const at = from + (rows ? <usize>load<i32>(rows + (p << 2)) << 2 : <usize>p * row);
        v128.store(q, v128.load(at));
        v128.store(q, v128.load(at, 16), 16);
        if (NR == 16) {
          v128.store(q, v128.load(at, 32), 32);
          v128.store(q, v128.load(at, 48), 48);
        }
        q += NR << 2;
      }
    } else if (full && !rows && bRow == 1) {
      for (; p + 4 <= kc; p += 4) {
        for (let x = 0; x < NR; x += 4) {
          const q = to + ((p * NR + x) << 2);
          const f0 = b + (p << 2) + column(j + x, col, cols);
          const f1 = b + (p << 2) + column(j + x + 1, col, cols);
          const f2 = b + (p << 2) + column(j + x + 2, col, cols);
          const f3 = b + (p << 2) + column(j + x + 3, col, cols);
          transpose4(v128.load(f0), v128.load(f1), v128.load(f2), v128.load(f3), q, NR << 2);
        }
      }
    }
    const wide = min(NR, nc - j);
    for (; p < kc; p++) {
      const from = b + (rows ? <usize>load<i32>(rows + (p << 2)) << 2 : <usize>p * row);
      for (let x = 0; x < NR; x++) {
        const value: f32 = x < wide ? load<f32>(from + column(j + x, col, cols)) : 0;
        store<f32>(to + ((p * NR + x) << 2), value);
      }
    }
    to += (NR * kc) << 2;
  }
}

@inline function column(j: i32, col: usize, cols: usize): usize {
  return cols ? <usize>load<i32>(cols + (j << 2)) << 2 : <usize>j * col;
}
