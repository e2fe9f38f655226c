// From views to what kernels take: an address, and a layout that is dense, one repeated element, or a
// record of sizes and strides written into memory (assembly/strided.ts reads it). Read next: workspace.ts.

import type { View } from "../../backend.ts";
import { BYTES_PER_ELEMENT, type DType } from "../../dtype.ts";
import type { Shape } from "../../shape.ts";
import { sizeOf } from "../../shape.ts";
import { type Engine, getEngine } from "./engine.ts";
import { type Arguments, DENSE, type KernelName, MAX_RANK, SCALAR } from "./generated/contract.ts";
import type { WasmStorage } from "./storage.ts";

/** Bytes of a layout record; there is room for four. */
const LAYOUT_BYTES = 128;

/** Address of a view's first element. */
export function addressOf(view: View): number {
  const storage = view.storage as WasmStorage;
  return storage.address + view.offset * BYTES_PER_ELEMENT[storage.dtype];
}

const sizes = new Array<number>(MAX_RANK).fill(0);
const strides = new Array<number>(MAX_RANK).fill(0);

/**
 * The layout of `view` stretched to `shape`: DENSE, SCALAR or the address of a record; -1 when it has too many
 * axes that do not merge.
 *
 * @param slot which of the four records to use if one is needed
 */
export function layoutOf(engine: Engine, view: View, shape: Shape, slot: number): number {
  const lead = shape.length - view.shape.length;
  let rank = 0; // merged axes so far, the innermost first
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    const size = shape[axis]!;
    if (size === 1) continue;
    const own = axis - lead;
    const stride = own < 0 || view.shape[own] === 1 ? 0 : view.strides[own]!;
    if (rank > 0 && stride === strides[rank - 1]! * sizes[rank - 1]!) {
      sizes[rank - 1]! *= size;
      continue;
    }
    if (rank === MAX_RANK) return -1;
    sizes[rank] = size;
    strides[rank] = stride;
    rank++;
  }
  if (rank === 0) return SCALAR;
  if (rank === 1 && strides[0] === 1) return DENSE;
  if (rank === 1 && strides[0] === 0) return SCALAR;
  const address = engine.layouts + slot * LAYOUT_BYTES;
  const { int32 } = engine.arena;
  const at = address / 4;
  int32[at] = rank;
  for (let i = 0; i < rank; i++) {
    int32[at + 1 + i] = sizes[rank - 1 - i]!;
    int32[at + 1 + MAX_RANK + i] = strides[rank - 1 - i]!;
  }
  return address;
}

/** Copies a view's elements, row-major, to an address. False when the view has too many axes. */
export function copyView(view: View, to: number): boolean {
  const engine = getEngine();
  const count = sizeOf(view.shape);
  if (count === 0) return true;
  const layout = layoutOf(engine, view, view.shape, 3);
  if (layout < 0) return copySlowly(view, to);
  const bytes = BYTES_PER_ELEMENT[view.storage.dtype];
  const from = addressOf(view);
  if (layout === SCALAR && count > 1) {
    engine.kernels.copyBlocks(1, bytes, from, 0, to, 0);
    engine.kernels.fill(bytes, to, count);
    return true;
  }
  const dense = layout === SCALAR ? DENSE : layout;
  if (dense !== DENSE && bytes === 4 && isTransposed(engine, dense)) {
    const rows = engine.arena.int32[dense / 4 + engine.arena.int32[dense / 4]! - 1]!;
    split(engine, "copyTransposed", rows, count / rows, (r, n) => [r, r + n, from, dense, to], 16);
    return true;
  }
  split(engine, "copy", count, 1, (start, n) => [bytes, start, n, from, dense, to]);
  return true;
}

/** True for a record whose last axis but one is the dense one. */
function isTransposed({ arena: { int32 } }: Engine, record: number): boolean {
  const at = record / 4;
  const rank = int32[at]!;
  const stride = (axis: number): number => int32[at + 1 + MAX_RANK + axis]!;
  return rank >= 2 && stride(rank - 1) > 1 && stride(rank - 2) === 1;
}

/** Views of more than eight axes that do not merge: element by element. */
function copySlowly(view: View, to: number): boolean {
  const bytes = BYTES_PER_ELEMENT[view.storage.dtype];
  const { kernels } = getEngine();
  const index = new Array<number>(view.shape.length).fill(0);
  let from = addressOf(view);
  const count = sizeOf(view.shape);
  for (let i = 0; i < count; i++) {
    kernels.copyBlocks(1, bytes, from, 0, to + i * bytes, 0);
    for (let axis = index.length - 1; axis >= 0; axis--) {
      from += view.strides[axis]! * bytes;
      if (++index[axis]! < view.shape[axis]!) break;
      from -= view.strides[axis]! * view.shape[axis]! * bytes;
      index[axis] = 0;
    }
  }
  return true;
}

/** Work worth handing to other threads, in elements of a one-nanosecond operation. */
export const PARALLEL_NS = 40_000;
/** Parts of elementwise work start at multiples of this, for the kernels' padded steps. */
const GRAIN = 1024;

/**
 * Runs a kernel over [0, count), on several threads when that is worth it.
 *
 * @param cost estimated nanoseconds per element
 * @param args arguments for elements [start, start + n), run as part `part`
 */
export function split<K extends KernelName>(
  engine: Engine,
  kernel: K,
  count: number,
  cost: number,
  args: (start: number, n: number, part: number) => Arguments<K>,
  grain: number = GRAIN,
): void {
  const { pool } = engine;
  if (pool.threads === 1 || count * cost < PARALLEL_NS) {
    (engine.kernels[kernel] as (...args: Arguments<K>) => unknown)(...args(0, count, 0));
    return;
  }
  const step = Math.ceil(count / pool.threads / grain) * grain;
  const parts: Arguments<K>[] = [];
  for (let start = 0; start < count; start += step) {
    parts.push(args(start, Math.min(step, count - start), parts.length));
  }
  pool.run(kernel, parts);
}

/** A shape seen as [outer, size, inner] around one axis or a run of axes. */
export function around(shape: Shape, first: number, last: number = first): [number, number, number] {
  return [sizeOf(shape.slice(0, first)), sizeOf(shape.slice(first, last + 1)), sizeOf(shape.slice(last + 1))];
}

/** True if every view is of this dtype. */
export function all(dtype: DType, views: readonly View[]): boolean {
  for (let i = 0; i < views.length; i++) if (views[i]!.storage.dtype !== dtype) return false;
  return true;
}
