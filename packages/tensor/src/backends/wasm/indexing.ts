// Kernels that copy or add by position or by index: pad, concat, gather and their adjoints.
// Read next: attention.ts.

import type { Kernel, Kernels, View } from "../../backend.ts";
import { BYTES_PER_ELEMENT } from "../../dtype.ts";
import { ShapeError } from "../../errors.ts";
import { type Shape, sizeOf } from "../../shape.ts";
import { getEngine } from "./engine.ts";
import { addressOf, all, around, copyView, split } from "./operands.ts";
import { arrayOf } from "./storage.ts";
import { inWorkspace, type Workspace } from "./workspace.ts";

const pad: Kernel<"pad"> = (out, [x], { widths, value }) => {
  const engine = getEngine();
  const { dtype } = out.storage;
  const bytes = BYTES_PER_ELEMENT[dtype];
  const to = addressOf(out);
  const count = sizeOf(out.shape);
  if (count === 0) return true;
  arrayOf(engine.arena, dtype)[to / bytes] = value;
  engine.kernels.fill(bytes, to, count);
  if (sizeOf(x!.shape) === 0) return true;
  return inWorkspace(engine, (workspace) => {
    const from = workspace.dense(x!);
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
    const groups = axis === 0 ? 1 : sizeOf(outer.slice(0, -1));
    for (let g = 0; g < groups; g++) {
      let at = 0;
      for (let i = 0; i < axis; i++) {
        at = at * out.shape[i]! + widths[i]![0] + (i < axis - 1 ? index[i]! : 0);
      }
      engine.kernels.copyBlocks(rows, run, from + g * rows * run, run, to + at * outRun + shift, outRun);
      for (let i = index.length - 1; i >= 0; i--) {
        if (++index[i]! < x!.shape[i]!) break;
        index[i] = 0;
      }
    }
    return true;
  });
};

const concat: Kernel<"concat"> = (out, inputs, { axis }) => {
  const engine = getEngine();
  const bytes = BYTES_PER_ELEMENT[out.storage.dtype];
  const outer = sizeOf(out.shape.slice(0, axis));
  const outRun = sizeOf(out.shape.slice(axis)) * bytes;
  let start = 0;
  for (const input of inputs) {
    const run = sizeOf(input.shape.slice(axis)) * bytes;
    if (outer > 0 && run > 0) {
      inWorkspace(engine, (workspace) => {
        const from = workspace.dense(input);
        // Asked for anew each time: bringing many inputs back would push an output out that seems unused.
        engine.kernels.copyBlocks(outer, run, from, run, addressOf(out) + start, outRun);
      });
    }
    start += run;
  }
  return true;
};

/** Address of a dense index whose values were checked against the axis. */
function checkedIndex(workspace: Workspace, op: string, index: View, size: number, axis: number): number {
  const { kernels, arena } = getEngine();
  const address = workspace.dense(index);
  const bad = kernels.badIndex(address, sizeOf(index.shape), size);
  if (bad >= 0) {
    const value = arena.int32[address / 4 + bad];
    throw new ShapeError(
      `${op}: index ${value} at position ${bad} is out of range for axis ${axis} of size ${size}`,
    );
  }
  return address;
}

const indexSelect: Kernel<"indexSelect"> = (out, [x, index], { axis }) => {
  const engine = getEngine();
  return inWorkspace(engine, (workspace) => {
    const [outer, size, inner] = around(x!.shape, axis);
    const picks = checkedIndex(workspace, "indexSelect", index!, size, axis);
    const from = workspace.dense(x!);
    const bytes = BYTES_PER_ELEMENT[out.storage.dtype];
    const count = sizeOf(index!.shape);
    engine.kernels.indexSelect(bytes, outer, size, inner, from, picks, count, addressOf(out));
    return true;
  });
};

const indexAdd: Kernel<"indexAdd"> = (out, [x, index, source], { axis }) => {
  if (!all("float32", [out, x!, source!])) return false;
  const engine = getEngine();
  return inWorkspace(engine, (workspace) => {
    const [outer, size, inner] = around(x!.shape, axis);
    const picks = checkedIndex(workspace, "indexAdd", index!, size, axis);
    const from = workspace.dense(source!);
    const count = sizeOf(index!.shape);
    const to = addressOf(out);
    copyView(x!, to);
    const rest = [outer, size, inner, picks, count, from, to] as const;
    split(engine, "indexAdd", inner, 0.5 * outer * count, (j, n) => [j, j + n, ...rest], 16);
    return true;
  });
};

/** True if index covers all of x beside the axis, so that both are plain [outer, size, inner]. */
function covers(shape: Shape, index: Shape, axis: number): boolean {
  return shape.every((size, i) => i === axis || size === index[i]);
}

const gather: Kernel<"gather"> = (out, [x, index], { axis }) => {
  if (!covers(x!.shape, index!.shape, axis)) return false;
  const engine = getEngine();
  return inWorkspace(engine, (workspace) => {
    const [outer, size, inner] = around(x!.shape, axis);
    const picks = checkedIndex(workspace, "gather", index!, size, axis);
    const from = workspace.dense(x!);
    const bytes = BYTES_PER_ELEMENT[out.storage.dtype];
    engine.kernels.gather(bytes, outer, size, inner, from, picks, index!.shape[axis]!, addressOf(out));
    return true;
  });
};

const scatterAdd: Kernel<"scatterAdd"> = (out, [x, index, source], { axis }) => {
  if (!all("float32", [out, x!, source!]) || !covers(x!.shape, index!.shape, axis)) return false;
  const engine = getEngine();
  return inWorkspace(engine, (workspace) => {
    const [outer, size, inner] = around(x!.shape, axis);
    const picks = checkedIndex(workspace, "scatterAdd", index!, size, axis);
    const from = workspace.dense(source!);
    const to = addressOf(out);
    copyView(x!, to);
    engine.kernels.scatterAdd(outer, size, inner, picks, index!.shape[axis]!, from, to);
    return true;
  });
};

const fold: Kernel<"fold"> = (out, [x], { axis, size, step, dilation, length }) => {
  if (!all("float32", [out, x!])) return false;
  const engine = getEngine();
  return inWorkspace(engine, (workspace) => {
    const from = workspace.dense(x!);
    const [outer, count] = around(x!.shape, axis);
    const inner = sizeOf(x!.shape.slice(axis + 1, -1));
    const rest = [from, count, size, inner, step, dilation, length, addressOf(out)] as const;
    split(engine, "fold", outer, count * size * inner, (o, n) => [o, o + n, ...rest], 1);
    return true;
  });
};

/** The indexing part of the backend's kernel table. */
export const indexing: Kernels = { pad, concat, indexSelect, indexAdd, gather, scatterAdd, fold };
