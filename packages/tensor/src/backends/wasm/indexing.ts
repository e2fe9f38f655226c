// Kernels that copy or add by position or by index: pad, concat, gather and their adjoints.

import type { Kernel, Kernels, View } from "../../backend.ts";
import { BYTES_PER_ELEMENT } from "../../dtype.ts";
import { ShapeError } from "../../errors.ts";
import { type Shape, sizeOf } from "../../shape.ts";
import { getEngine } from "./engine.ts";
import { addressOf, all, around, copyView, denseAddress, releaseAll, split } from "./operands.ts";
import { arrayOf, type WasmStorage } from "./storage.ts";

const pad: Kernel<"pad"> = (out, [x], { widths, value }) => {
  const engine = getEngine();
  const { dtype } = out.storage;
  const bytes = BYTES_PER_ELEMENT[dtype];
  const to = addressOf(out);
  const count = sizeOf(out.shape);
  if (count === 0) return true;
  arrayOf(engine.arena, dtype)[to / bytes] = value;
  engine.kernels.fill!(bytes, to, count);
  if (sizeOf(x!.shape) === 0) return true;
  const temporaries: WasmStorage[] = [];
  const from = denseAddress(x!, temporaries);
  // The padded axes nearest to the front decide how long the runs are that stay together.
  let axis = Math.max(0, widths.length - 1);
  while (axis > 0 && widths[axis]![0] === 0 && widths[axis]![1] === 0) axis--;
  const run = sizeOf(x!.shape.slice(axis)) * bytes;
  const outRun = sizeOf(out.shape.slice(axis)) * bytes;
  const shift = (widths[axis]?.[0] ?? 0) * sizeOf(out.shape.slice(axis + 1)) * bytes;
  const outer = x!.shape.slice(0, axis);
  // Rows along axis - 1 are evenly spaced; the axes before it are walked here.
  const rows = axis === 0 ? 1 : outer[axis - 1]!;
  const index = new Array<number>(Math.max(axis - 1, 0)).fill(0);
  const groups = sizeOf(outer.slice(0, -1));
  for (let g = 0; g < (axis === 0 ? 1 : groups); g++) {
    let at = 0;
    for (let i = 0; i < axis; i++) {
      at = at * out.shape[i]! + widths[i]![0] + (i < axis - 1 ? index[i]! : 0);
    }
    engine.kernels.copyBlocks!(rows, run, from + g * rows * run, run, to + at * outRun + shift, outRun);
    for (let i = index.length - 1; i >= 0; i--) {
      if (++index[i]! < x!.shape[i]!) break;
      index[i] = 0;
    }
  }
  releaseAll(temporaries);
  return true;
};

const concat: Kernel<"concat"> = (out, inputs, { axis }) => {
  const { kernels } = getEngine();
  const bytes = BYTES_PER_ELEMENT[out.storage.dtype];
  const outer = sizeOf(out.shape.slice(0, axis));
  const outRun = sizeOf(out.shape.slice(axis)) * bytes;
  const temporaries: WasmStorage[] = [];
  let start = 0;
  for (const input of inputs) {
    const run = sizeOf(input.shape.slice(axis)) * bytes;
    if (outer > 0 && run > 0) {
      const from = denseAddress(input, temporaries);
      // Asked for anew each time: bringing many inputs back would push an output out that seems unused.
      kernels.copyBlocks!(outer, run, from, run, addressOf(out) + start, outRun);
      releaseAll(temporaries);
    }
    start += run;
  }
  return true;
};

/** Address of a dense index whose values were checked against the axis. */
function checkedIndex(
  op: string,
  index: View,
  size: number,
  axis: number,
  temporaries: WasmStorage[],
): number {
  const engine = getEngine();
  const address = denseAddress(index, temporaries);
  const bad = engine.kernels.badIndex!(address, sizeOf(index.shape), size);
  if (bad >= 0) {
    const value = engine.arena.int32[address / 4 + bad];
    releaseAll(temporaries);
    throw new ShapeError(
      `${op}: index ${value} at position ${bad} is out of range for axis ${axis} of size ${size}`,
    );
  }
  return address;
}

const indexSelect: Kernel<"indexSelect"> = (out, [x, index], { axis }) => {
  const temporaries: WasmStorage[] = [];
  const [outer, size, inner] = around(x!.shape, axis);
  const picks = checkedIndex("indexSelect", index!, size, axis, temporaries);
  const from = denseAddress(x!, temporaries);
  const bytes = BYTES_PER_ELEMENT[out.storage.dtype];
  const count = sizeOf(index!.shape);
  getEngine().kernels.indexSelect!(bytes, outer, size, inner, from, picks, count, addressOf(out));
  releaseAll(temporaries);
  return true;
};

const indexAdd: Kernel<"indexAdd"> = (out, [x, index, source], { axis }) => {
  if (!all("float32", [out, x!, source!])) return false;
  const temporaries: WasmStorage[] = [];
  const [outer, size, inner] = around(x!.shape, axis);
  const picks = checkedIndex("indexAdd", index!, size, axis, temporaries);
  const from = denseAddress(source!, temporaries);
  const count = sizeOf(index!.shape);
  const to = addressOf(out);
  copyView(x!, to);
  const rest = [outer, size, inner, picks, count, from, to] as const;
  split(getEngine(), "indexAdd", inner, 0.5 * outer * count, (j, n) => [j, j + n, ...rest], 16);
  releaseAll(temporaries);
  return true;
};

/** True if index covers all of x beside the axis, so that both are plain [outer, size, inner]. */
function covers(shape: Shape, index: Shape, axis: number): boolean {
  return shape.every((size, i) => i === axis || size === index[i]);
}

const gather: Kernel<"gather"> = (out, [x, index], { axis }) => {
  if (BYTES_PER_ELEMENT[out.storage.dtype] !== 4 || !covers(x!.shape, index!.shape, axis)) return false;
  const temporaries: WasmStorage[] = [];
  const [outer, size, inner] = around(x!.shape, axis);
  const picks = checkedIndex("gather", index!, size, axis, temporaries);
  const from = denseAddress(x!, temporaries);
  getEngine().kernels.gather!(outer, size, inner, from, picks, index!.shape[axis]!, addressOf(out));
  releaseAll(temporaries);
  return true;
};

const scatterAdd: Kernel<"scatterAdd"> = (out, [x, index, source], { axis }) => {
  if (!all("float32", [out, x!, source!]) || !covers(x!.shape, index!.shape, axis)) return false;
  const temporaries: WasmStorage[] = [];
  const [outer, size, inner] = around(x!.shape, axis);
  const picks = checkedIndex("scatterAdd", index!, size, axis, temporaries);
  const from = denseAddress(source!, temporaries);
  const to = addressOf(out);
  copyView(x!, to);
  getEngine().kernels.scatterAdd!(outer, size, inner, picks, index!.shape[axis]!, from, to);
  releaseAll(temporaries);
  return true;
};

const fold: Kernel<"fold"> = (out, [x], { axis, size, step, dilation, length }) => {
  if (!all("float32", [out, x!])) return false;
  const temporaries: WasmStorage[] = [];
  const from = denseAddress(x!, temporaries);
  const [outer, count] = around(x!.shape, axis);
  const inner = sizeOf(x!.shape.slice(axis + 1, -1));
  const to = addressOf(out);
  const rest = [from, count, size, inner, step, dilation, length, to] as const;
  split(getEngine(), "fold", outer, count * size * inner, (o, n) => [o, o + n, ...rest], 1);
  releaseAll(temporaries);
  return true;
};

/** The indexing part of the backend's kernel table. */
export const indexing: Kernels = { pad, concat, indexSelect, indexAdd, gather, scatterAdd, fold };
