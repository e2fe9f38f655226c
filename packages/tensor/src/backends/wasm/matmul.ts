// Matrix products: views of any strides go to the kernel as they are, since packing absorbs transposes.

import type { Kernel, Kernels, View } from "../../backend.ts";
import { broadcastStrides, type Shape, sizeOf } from "../../shape.ts";
import { type Engine, getEngine } from "./engine.ts";
import { addressOf, all } from "./operands.ts";

/** Numbers of assembly/epilogue.ts. */
export const ACTIVATIONS = { none: 0, relu: 1, geluTanh: 2, gelu: 3, silu: 4, tanh: 5, sigmoid: 6 } as const;

/** One strided matrix, and its distance from one batch entry to the next, in elements. */
export interface MatrixOperand {
  readonly address: number;
  readonly row: number;
  readonly column: number;
  readonly batch: number;
  /** Address of int32 offsets that replace `row` (B only), or 0. */
  readonly rows?: number;
  /** Address of int32 offsets that replace `column` (B only), or 0. */
  readonly columns?: number;
}

/** What is done to a product as it is stored. */
export interface ProductOptions {
  readonly accumulate?: boolean;
  readonly activation?: number;
  /** Address of a bias, one value per column, or per row with `biasPerRow`. */
  readonly bias?: number;
  readonly biasPerRow?: boolean;
  /** Address of a dense matrix like C, added after the activation. */
  readonly residual?: number;
  /** Address of a dense matrix like C that receives the value before the activation. */
  readonly pre?: number;
}

const PARALLEL_FLOPS = 2_000_000;
const ROW_GRAIN = 12; // a multiple of every tile's height

/**
 * C [batch, m, n] = A B with the options applied; C is dense with row stride `ldc`.
 * Work is cut by batch entries when there are enough, else by rows, else by columns.
 */
export function product(
  engine: Engine,
  m: number,
  n: number,
  k: number,
  a: MatrixOperand,
  b: MatrixOperand,
  c: number,
  ldc: number,
  batch: number,
  cBatch: number,
  options: ProductOptions = {},
): void {
  if (m === 0 || n === 0 || batch === 0) return;
  const { accumulate = false, activation = 0, bias = 0, biasPerRow = false, residual = 0, pre = 0 } = options;
  const flags = (accumulate ? 1 : 0) | (biasPerRow ? 2 : 0) | (activation << 8);
  const { pool } = engine;
  const rows = b.rows ?? 0;
  const columns = b.columns ?? 0;
  const { threads } = pool;
  // One part is the rule for small products, where building its arguments would cost as much as the product.
  if (threads === 1 || 2 * batch * m * n * k < PARALLEL_FLOPS) {
    // biome-ignore format: as in assembly/gemm.ts
    engine.kernels.gemm!(
      m, n, k, a.address, a.row, a.column, b.address, b.row, b.column, rows, columns,
      c, ldc, batch, a.batch, b.batch, cBatch, flags, bias, residual, pre, pool.scratchOf(0),
    );
    return;
  }
  const shifted = (address: number, by: number): number => (address === 0 ? 0 : address + by * 4);
  const part = (
    t0: number,
    t1: number,
    i0: number,
    i1: number,
    j0: number,
    j1: number,
    index: number,
  ): number[] => {
    const corner = t0 * cBatch + i0 * ldc + j0;
    return [
      i1 - i0,
      j1 - j0,
      k,
      a.address + (t0 * a.batch + i0 * a.row) * 4,
      a.row,
      a.column,
      b.address + (t0 * b.batch + (columns === 0 ? j0 * b.column : 0)) * 4,
      b.row,
      b.column,
      rows,
      shifted(columns, j0),
      c + corner * 4,
      ldc,
      t1 - t0,
      a.batch,
      b.batch,
      cBatch,
      flags,
      shifted(bias, biasPerRow ? i0 : j0),
      shifted(residual, corner),
      shifted(pre, corner),
      pool.scratchOf(index),
    ];
  };
  const parts: number[][] = [];
  if (batch >= 2 * threads || (batch >= threads && batch % threads === 0)) {
    cut(batch, threads, 1, (from, to) => parts.push(part(from, to, 0, m, 0, n, parts.length)));
    pool.run("gemm", parts);
    return;
  }
  // Few batch entries: each is shared by all threads.
  for (let t = 0; t < batch; t++) {
    parts.length = 0;
    if (m >= n || m >= 8 * ROW_GRAIN) {
      cut(m, threads, ROW_GRAIN, (from, to) => parts.push(part(t, t + 1, from, to, 0, n, parts.length)));
    } else {
      cut(n, threads, 16, (from, to) => parts.push(part(t, t + 1, 0, m, from, to, parts.length)));
    }
    pool.run("gemm", parts);
  }
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

const matmul: Kernel<"matmul"> = (out, [a, b]) => {
  if (!all("float32", [out, a!, b!])) return false;
  const engine = getEngine();
  if (a!.shape.length === 2 && b!.shape.length === 2) {
    const left = { address: addressOf(a!), row: a!.strides[0]!, column: a!.strides[1]!, batch: 0 };
    const right = { address: addressOf(b!), row: b!.strides[0]!, column: b!.strides[1]!, batch: 0 };
    const columns = b!.shape[1]!;
    product(engine, a!.shape[0]!, columns, a!.shape[1]!, left, right, addressOf(out), columns, 1, 0);
    return true;
  }
  const rank = out.shape.length;
  const m = out.shape[rank - 2]!;
  const n = out.shape[rank - 1]!;
  const k = a!.shape[a!.shape.length - 1]!;
  const batchShape = out.shape.slice(0, -2);
  const stridesA = batchStrides(a!, batchShape);
  const stridesB = batchStrides(b!, batchShape);
  const [aRow, aColumn] = a!.strides.slice(-2) as [number, number];
  const [bRow, bColumn] = b!.strides.slice(-2) as [number, number];
  const to = addressOf(out);
  const merged = mergedBatch(batchShape, stridesA, stridesB);
  if (merged !== null) {
    const [count, stepA, stepB] = merged;
    // One B for all: the batch is only more rows, if A's rows follow on.
    if (stepB === 0 && stepA === m * aRow) {
      const left = { address: addressOf(a!), row: aRow, column: aColumn, batch: 0 };
      const right = { address: addressOf(b!), row: bRow, column: bColumn, batch: 0 };
      product(engine, count * m, n, k, left, right, to, n, 1, 0);
      return true;
    }
    const left = { address: addressOf(a!), row: aRow, column: aColumn, batch: stepA };
    const right = { address: addressOf(b!), row: bRow, column: bColumn, batch: stepB };
    product(engine, m, n, k, left, right, to, n, count, m * n);
    return true;
  }
  // The last batch axis runs inside the kernel, the ones before it here.
  const inner = batchShape[batchShape.length - 1]!;
  const outerShape = batchShape.slice(0, -1);
  const index = new Array<number>(outerShape.length).fill(0);
  let atA = 0;
  let atB = 0;
  const last = batchShape.length - 1;
  for (let i = 0; i < sizeOf(outerShape); i++) {
    const left = { address: addressOf(a!) + atA * 4, row: aRow, column: aColumn, batch: stridesA[last]! };
    const right = { address: addressOf(b!) + atB * 4, row: bRow, column: bColumn, batch: stridesB[last]! };
    product(engine, m, n, k, left, right, to + i * inner * m * n * 4, n, inner, m * n);
    for (let axis = index.length - 1; axis >= 0; axis--) {
      atA += stridesA[axis]!;
      atB += stridesB[axis]!;
      if (++index[axis]! < outerShape[axis]!) break;
      atA -= stridesA[axis]! * outerShape[axis]!;
      atB -= stridesB[axis]! * outerShape[axis]!;
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
  const [m, row] = rows;
  const k = weight!.shape[1]!;
  const n = weight!.shape[0]!;
  const left = { address: addressOf(x!), row, column: x!.strides[x!.strides.length - 1]!, batch: 0 };
  const right = {
    address: addressOf(weight!),
    row: weight!.strides[1]!,
    column: weight!.strides[0]!,
    batch: 0,
  };
  const added = bias === undefined ? 0 : addressOf(bias);
  product(getEngine(), m, n, k, left, right, addressOf(out), n, 1, 0, { bias: added });
  return true;
};

/** The matrix part of the backend's kernel table. */
export const matrices: Kernels = {
  matmul,
  linear,
  attend: (out, [, , v, weights]) => matmul(out, [weights!, v!], {}),
};
