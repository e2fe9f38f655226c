// Matrix products of float64 and int32, called by matmul.ts for what is not float32. Batch entries are walked here; rows
// are shared among threads.

import type { View } from "../../backend.ts";
import { BYTES_PER_ELEMENT } from "../../dtype.ts";
import { broadcastStrides, sizeOf } from "../../shape.ts";
import { getEngine } from "./engine.ts";
import { ElementType, writeProduct } from "./generated/contract.ts";
import { addressOf, split } from "./operands.ts";

/** Rows that a thread takes at once, a multiple of the tile's height. */
const ROW_GRAIN = 4;

/** [.., m, k] @ [.., k, n] -> [.., m, n]. False for float32 and bool, and for mixed dtypes. */
export function matmulOf(out: View, a: View, b: View): boolean {
  const { dtype } = out.storage;
  if (a.storage.dtype !== dtype || b.storage.dtype !== dtype) return false;
  if (dtype !== "float64" && dtype !== "int32") return false;
  if (sizeOf(out.shape) === 0) return true;
  const engine = getEngine();
  const bytes = BYTES_PER_ELEMENT[dtype];
  const type = ElementType[dtype];
  const batchShape = out.shape.slice(0, -2);
  const [m, n] = out.shape.slice(-2) as [number, number];
  const k = a.shape[a.shape.length - 1]!;
  const aBatch = broadcastStrides(a.shape.slice(0, -2), a.strides.slice(0, -2), batchShape);
  const bBatch = broadcastStrides(b.shape.slice(0, -2), b.strides.slice(0, -2), batchShape);
  const [aRow, aColumn] = a.strides.slice(-2) as [number, number];
  const [bRow, bColumn] = b.strides.slice(-2) as [number, number];
  const [atA, atB, atC] = [addressOf(a), addressOf(b), addressOf(out)];
  for (let entry = 0; entry < sizeOf(batchShape); entry++) {
    let offsetA = 0;
    let offsetB = 0;
    for (let axis = batchShape.length - 1, rest = entry; axis >= 0; axis--) {
      const i = rest % batchShape[axis]!;
      rest = (rest - i) / batchShape[axis]!;
      offsetA += i * aBatch[axis]!;
      offsetB += i * bBatch[axis]!;
    }
    const task = writeProduct(engine.arena, engine.record, {
      k,
      a: atA + offsetA * bytes,
      aRow,
      aColumn,
      b: atB + offsetB * bytes,
      bRow,
      bColumn,
      c: atC + entry * m * n * bytes,
      cRow: n,
    });
    split(
      engine,
      "productOf",
      m,
      0.3 * k * n,
      (from, count, part) => [type, task, from, from + count, n, engine.pool.scratchOf(part)],
      ROW_GRAIN,
    );
  }
  return true;
}
