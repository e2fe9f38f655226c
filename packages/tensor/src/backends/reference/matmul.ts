// The matrix product, as plain as it can be while reading both matrices row by row.

import type { Kernel } from "../../backend.ts";
import { broadcastStrides, sizeOf } from "../../shape.ts";

/**
 * [.., m, k] @ [.., k, n] -> [.., m, n]. Each output row is a sum of rows of b, accumulated in double
 * precision in the order of k; those of int32 wrap around.
 */
export const matmul: Kernel<"matmul"> = (out, [a, b]) => {
  const rank = out.shape.length;
  const batchShape = out.shape.slice(0, -2);
  const [m, n] = out.shape.slice(-2) as [number, number];
  const k = a!.shape[a!.shape.length - 1]!;
  const aBatch = broadcastStrides(a!.shape.slice(0, -2), a!.strides.slice(0, -2), batchShape);
  const bBatch = broadcastStrides(b!.shape.slice(0, -2), b!.strides.slice(0, -2), batchShape);
  const [aRow, aColumn] = a!.strides.slice(-2) as [number, number];
  const [bRow, bColumn] = b!.strides.slice(-2) as [number, number];
  const x = a!.storage.data;
  const y = b!.storage.data;
  const z = out.storage.data;
  const whole = out.storage.dtype === "int32";
  const total = whole ? new Int32Array(n) : new Float64Array(n);
  const batches = sizeOf(batchShape);
  for (let batch = 0; batch < batches; batch++) {
    let aStart = a!.offset;
    let bStart = b!.offset;
    for (let axis = rank - 3, rest = batch; axis >= 0; axis--) {
      const i = rest % batchShape[axis]!;
      rest = (rest - i) / batchShape[axis]!;
      aStart += i * aBatch[axis]!;
      bStart += i * bBatch[axis]!;
    }
    for (let i = 0; i < m; i++) {
      total.fill(0);
      for (let p = 0; p < k; p++) {
        const factor = x[aStart + i * aRow + p * aColumn]!;
        const row = bStart + p * bRow;
        if (whole) for (let j = 0; j < n; j++) total[j]! += Math.imul(factor, y[row + j * bColumn]!);
        else for (let j = 0; j < n; j++) total[j]! += factor * y[row + j * bColumn]!;
      }
      z.set(total, (batch * m + i) * n);
    }
  }
  return true;
};
