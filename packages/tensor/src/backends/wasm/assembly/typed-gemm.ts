// Matrix products of float64 and int32. Each sum runs along k in order, from 0, so that float64 has the bits of the
// reference kernel; int32 wraps around. B is packed by panels of 32 bytes of columns, A is read where it lies.
// Read next: convert.ts.
import { ElementType, Product } from "./contract";

/** Steps of k that are packed together: a panel of them stays in the first-level cache. */
const DEPTH: i32 = 512;
const PANEL: usize = 16384;

@inline function step<T>(sum: v128, factor: v128, b: v128): v128 {
  return v128.add<T>(sum, v128.mul<T>(factor, b));
}

/** Four rows of A times a panel, added to four rows of C, or replacing them. */
@inline function fourRows<T>(
  depth: i32, a: usize, aRow: usize, aColumn: usize, panel: usize, c: usize, cRow: usize, fresh: bool,
): void {
  const c1 = c + cRow;
  const c2 = c1 + cRow;
  const c3 = c2 + cRow;
  const zero = i32x4.splat(0);
  let s00 = fresh ? zero : v128.load(c);
  let s01 = fresh ? zero : v128.load(c, 16);
  let s10 = fresh ? zero : v128.load(c1);
  let s11 = fresh ? zero : v128.load(c1, 16);
  let s20 = fresh ? zero : v128.load(c2);
  let s21 = fresh ? zero : v128.load(c2, 16);
  let s30 = fresh ? zero : v128.load(c3);
  let s31 = fresh ? zero : v128.load(c3, 16);
  let a1 = a + aRow;
  let a2 = a1 + aRow;
  let a3 = a2 + aRow;
  for (let p = 0; p < depth; p++) {
    const b0 = v128.load(panel);
    const b1 = v128.load(panel, 16);
    let f = v128.splat<T>(load<T>(a));
    s00 = step<T>(s00, f, b0);
    s01 = step<T>(s01, f, b1);
    f = v128.splat<T>(load<T>(a1));
    s10 = step<T>(s10, f, b0);
    s11 = step<T>(s11, f, b1);
    f = v128.splat<T>(load<T>(a2));
    s20 = step<T>(s20, f, b0);
    s21 = step<T>(s21, f, b1);
    f = v128.splat<T>(load<T>(a3));
    s30 = step<T>(s30, f, b0);
    s31 = step<T>(s31, f, b1);
    panel += 32;
    a += aColumn;
    a1 += aColumn;
    a2 += aColumn;
    a3 += aColumn;
  }
  v128.store(c, s00);
  v128.store(c, s01, 16);
  v128.store(c1, s10);
  v128.store(c1, s11, 16);
  v128.store(c2, s20);
  v128.store(c2, s21, 16);
  v128.store(c3, s30);
  v128.store(c3, s31, 16);
}

/** The same for one row. */
@inline function oneRow<T>(depth: i32, a: usize, aColumn: usize, panel: usize, c: usize, fresh: bool): void {
  let s0 = fresh ? i32x4.splat(0) : v128.load(c);
  let s1 = fresh ? i32x4.splat(0) : v128.load(c, 16);
  for (let p = 0; p < depth; p++) {
    const f = v128.splat<T>(load<T>(a));
    s0 = step<T>(s0, f, v128.load(panel));
    s1 = step<T>(s1, f, v128.load(panel, 16));
    panel += 32;
    a += aColumn;
  }
  v128.store(c, s0);
  v128.store(c, s1, 16);
}

/** Columns [0, wide) of `depth` rows of B, the rest of the panel zero. */
@inline function pack<T>(depth: i32, wide: i32, b: usize, bRow: usize, bColumn: usize, panel: usize): void {
  if (wide < <i32>(32 / sizeof<T>())) memory.fill(panel, 0, <usize>depth << 5);
  for (let p = 0; p < depth; p++) {
    for (let w = 0; w < wide; w++) store<T>(panel + <usize>w * sizeof<T>(), load<T>(b + <usize>w * bColumn));
    panel += 32;
    b += bRow;
  }
}

@inline function rowsOf<T>(task: Product, from: i32, to: i32, n: i32, scratch: usize): void {
  const size = sizeof<T>();
  const width = <i32>(32 / size);
  const k = task.k;
  const aRow = <usize>task.aRow * size;
  const aColumn = <usize>task.aColumn * size;
  const bRow = <usize>task.bRow * size;
  const bColumn = <usize>task.bColumn * size;
  const cRow = <usize>task.cRow * size;
  const edge = scratch + PANEL; // a whole tile, where C has fewer columns left
  if (k == 0) memory.fill(task.c + <usize>from * cRow, 0, <usize>(to - from) * cRow);
  for (let j = 0; j < n; j += width) {
    const wide = min(width, n - j);
    const part = <usize>wide * size;
    for (let p = 0; p < k; p += DEPTH) {
      const depth = min(DEPTH, k - p);
      pack<T>(depth, wide, task.b + <usize>p * bRow + <usize>j * bColumn, bRow, bColumn, scratch);
      for (let i = from; i < to; i += 4) {
        const high = min(4, to - i);
        const a = task.a + <usize>i * aRow + <usize>p * aColumn;
        const c = task.c + <usize>i * cRow + <usize>j * size;
        if (high == 4 && wide == width) {
          fourRows<T>(depth, a, aRow, aColumn, scratch, c, cRow, p == 0);
          continue;
        }
        for (let r = 0; r < high; r++) {
          const row = c + <usize>r * cRow;
          if (p > 0) memory.copy(edge, row, part);
          oneRow<T>(depth, a + <usize>r * aRow, aColumn, scratch, edge, p == 0);
          memory.copy(row, edge, part);
        }
      }
    }
  }
}

/** C [m, n] = A B for rows [from, to), float64 or int32; batches, bias and tables of offsets of the record are not read. */
export function productOf(type: i32, task: Product, from: i32, to: i32, n: i32, scratch: usize): void {
  if (type == ElementType.float64) rowsOf<f64>(task, from, to, n, scratch);
  else rowsOf<i32>(task, from, to, n, scratch);
}
