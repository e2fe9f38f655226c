// Matrix products: views of any strides go to the kernel as they are, since packing absorbs transposes.
// Products of float64 and int32 go through typed-matmul.ts. Read next: typed-matmul.ts, rows.ts.

import type { Kernel, Kernels, View } from "../../backend.ts";
import { broadcastStrides, type Shape, sizeOf } from "../../shape.ts";
import { type Engine, getEngine } from "./engine.ts";
import { type Arguments, type Product, writeProduct } from "./generated/contract.ts";
import { addressOf, all } from "./operands.ts";
import { otherDtypes } from "./other-dtypes.ts";

/** How many products, and how large their results are. */
export interface ProductSizes {
  readonly batch: number;
  readonly m: number;
  readonly n: number;
}

const PARALLEL_FLOPS = 2_000_000;
const ROW_GRAIN = 12; // a multiple of every tile's height

/**
 * C [batch, m, n] = A B, as the record says. Work is cut by batch entries when there are enough, else by
 * rows, else by columns.
 */
export function product(engine: Engine, { batch, m, n }: ProductSizes, record: Product): void {
  if (m === 0 || n === 0 || batch === 0) return;
  // A single column is a single row the other way round, and rows are not packed (assembly/gemv.ts).
  if (n === 1 && m > 1 && record.cRow === 1 && !record.rows && !record.columns) {
    product(engine, { batch, m: 1, n: m }, turned(record, m));
    return;
  }
  const { pool } = engine;
  const { threads } = pool;
  const task = writeProduct(engine.arena, engine.record, record);
  // One part is the rule for small products, where a list of parts would cost as much as the product.
  if (threads === 1 || 2 * batch * m * n * record.k < PARALLEL_FLOPS) {
    engine.kernels.gemm(task, 0, batch, 0, m, 0, n, engine.scratch);
    return;
  }
  const parts: Arguments<"gemm">[] = [];
  if (batch >= 2 * threads || (batch >= threads && batch % threads === 0)) {
    cut(batch, threads, 1, (from, to) => {
      parts.push([task, from, to, 0, m, 0, n, pool.scratchOf(parts.length)]);
    });
    pool.run("gemm", parts);
    return;
  }
  // Few batch entries: each is shared by all threads.
  for (let t = 0; t < batch; t++) {
    parts.length = 0;
    if (m >= n || m >= 8 * ROW_GRAIN) {
      cut(m, threads, ROW_GRAIN, (from, to) => {
        parts.push([task, t, t + 1, from, to, 0, n, pool.scratchOf(parts.length)]);
      });
    } else {
      cut(n, threads, 16, (from, to) => {
        parts.push([task, t, t + 1, 0, m, from, to, pool.scratchOf(parts.length)]);
      });
    }
    pool.run("gemm", parts);
  }
}

/** The product of a single column as one of a single row: C^T = B^T A^T, with the same terms in the same order. */
function turned(record: Product, m: number): Product {
  const { k, a, aRow, aColumn, aBatch = 0, b, bRow, bColumn, bBatch = 0, c, cBatch = 0 } = record;
  const { accumulate = 0, bias = 0, biasPerRow = 0 } = record;
  return {
    k,
    a: b,
    aRow: bColumn,
    aColumn: bRow,
    aBatch: bBatch,
    b: a,
    bRow: aColumn,
    bColumn: aRow,
    bBatch: aBatch,
    c,
    cRow: m,
    cBatch,
    accumulate,
    bias,
    biasPerRow: 1 - biasPerRow,
  };
}

/** Cuts [0, count) into at most `parts` runs that start at multiples of `grain`. */
export function cut(
  count: number,
  parts: number,
  grain: number,
  each: (from: number, to: number) => void,
): void {
  const step = Math.ceil(count / parts / grain) * grain;
  for (let from = 0; from < count; from += step) each(from, Math.min(count, from + step));
}

/** The batch axes of A and B merged into one where the strides allow it: [count, step of A, step of B]. */
function mergedBatch(
  shape: Shape,
  a: readonly number[],
  b: readonly number[],
): [number, number, number] | null {
  let count = 1;
  let stepA = 0;
  let stepB = 0;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    const size = shape[axis]!;
    if (size === 1) continue;
    if (count === 1) {
      stepA = a[axis]!;
      stepB = b[axis]!;
    } else if (a[axis] !== stepA * count || b[axis] !== stepB * count) {
      return null;
    }
    count *= size;
  }
  return [count, stepA, stepB];
}

function batchStrides(view: View, shape: Shape): readonly number[] {
  return broadcastStrides(view.shape.slice(0, -2), view.strides.slice(0, -2), shape);
}

const matmul: Kernel<"matmul"> = (out, [left, right]) => {
  if (!all("float32", [out, left!, right!])) return otherDtypes.matmulOf(out, left!, right!);
  const engine = getEngine();
  if (left!.shape.length === 2 && right!.shape.length === 2) {
    const [m, k] = left!.shape as [number, number];
    const n = right!.shape[1]!;
    product(
      engine,
      { batch: 1, m, n },
      {
        k,
        a: addressOf(left!),
        aRow: left!.strides[0]!,
        aColumn: left!.strides[1]!,
        b: addressOf(right!),
        bRow: right!.strides[0]!,
        bColumn: right!.strides[1]!,
        c: addressOf(out),
        cRow: n,
      },
    );
    return true;
  }
  const [m, n] = out.shape.slice(-2) as [number, number];
  const k = left!.shape[left!.shape.length - 1]!;
  const batchShape = out.shape.slice(0, -2);
  const stridesA = batchStrides(left!, batchShape);
  const stridesB = batchStrides(right!, batchShape);
  const [aRow, aColumn] = left!.strides.slice(-2) as [number, number];
  const [bRow, bColumn] = right!.strides.slice(-2) as [number, number];
  const a = addressOf(left!);
  const b = addressOf(right!);
  const c = addressOf(out);
  // Written out each time: V8 builds records by spreading several times more slowly.
  const merged = mergedBatch(batchShape, stridesA, stridesB);
  if (merged !== null) {
    const [batch, aBatch, bBatch] = merged;
    // One B for all: the batch is only more rows, if A's rows follow on.
    if (bBatch === 0 && aBatch === m * aRow) {
      product(engine, { batch: 1, m: batch * m, n }, { k, a, aRow, aColumn, b, bRow, bColumn, c, cRow: n });
      return true;
    }
    const cBatch = m * n;
    product(
      engine,
      { batch, m, n },
      { k, a, aRow, aColumn, aBatch, b, bRow, bColumn, bBatch, c, cRow: n, cBatch },
    );
    return true;
  }
  // The last batch axis runs inside the kernel, the ones before it here.
  const last = batchShape.length - 1;
  const batch = batchShape[last]!;
  const aBatch = stridesA[last]!;
  const bBatch = stridesB[last]!;
  const cBatch = m * n;
  const outerShape = batchShape.slice(0, -1);
  const index = new Array<number>(outerShape.length).fill(0);
  let atA = a;
  let atB = b;
  for (let i = 0; i < sizeOf(outerShape); i++) {
    const atC = c + i * batch * cBatch * 4;
    product(
      engine,
      { batch, m, n },
      { k, a: atA, aRow, aColumn, aBatch, b: atB, bRow, bColumn, bBatch, c: atC, cRow: n, cBatch },
    );
    for (let axis = index.length - 1; axis >= 0; axis--) {
      atA += stridesA[axis]! * 4;
      atB += stridesB[axis]! * 4;
      if (++index[axis]! < outerShape[axis]!) break;
      atA -= stridesA[axis]! * outerShape[axis]! * 4;
      atB -= stridesB[axis]! * outerShape[axis]! * 4;
      index[axis] = 0;
    }
  }
  return true;
};

/** x [.., in] times the transposed weight [out, in], the bias added as the product is stored. */
const linear: Kernel<"linear"> = (out, [x, weight, bias]) => {
  const inputs = bias === undefined ? [x!, weight!] : [x!, weight!, bias];
  if (!all("float32", inputs)) return false;
  const rows = mergedBatch(x!.shape.slice(0, -1), x!.strides.slice(0, -1), x!.strides.slice(0, -1));
  if (rows === null || (bias !== undefined && bias.strides[0] !== 1 && bias.shape[0] !== 1)) return false;
  const [m, aRow] = rows;
  const [n, k] = weight!.shape as [number, number];
  product(
    getEngine(),
    { batch: 1, m, n },
    {
      k,
      a: addressOf(x!),
      aRow,
      aColumn: x!.strides[x!.strides.length - 1]!,
      b: addressOf(weight!),
      bRow: weight!.strides[1]!,
      bColumn: weight!.strides[0]!,
      c: addressOf(out),
      cRow: n,
      bias: bias === undefined ? 0 : addressOf(bias),
    },
  );
  return true;
};

/** The matrix part of the backend's kernel table. */
export const matrices: Kernels = {
  matmul,
  linear,
  attend: (out, [, , v, weights]) => matmul(out, [weights!, v!], {}),
};
