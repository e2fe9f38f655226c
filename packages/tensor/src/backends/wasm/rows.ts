// Kernels along one axis: reductions, softmax, norms. A view that is not dense is copied first.

import type { Kernel, Kernels, View } from "../../backend.ts";
import { type Shape, sizeOf } from "../../shape.ts";
import { type Engine, getEngine } from "./engine.ts";
import { addressOf, all, around, denseAddress, layoutOf, releaseAll, split } from "./operands.ts";
import { allocateStorage, type WasmStorage } from "./storage.ts";

/** Elements per partial sum of a long row. */
export const PART = 65536; // as in assembly/reduce.ts

/** Sum or maximum over the middle of a dense [outer, size, inner]. */
function reduceMiddle(
  engine: Engine,
  maximum: boolean,
  x: number,
  [outer, size, inner]: readonly [number, number, number],
  out: number,
): void {
  if (inner > 1) {
    const name = maximum ? "maxMiddle" : "sumMiddle";
    split(
      engine,
      name,
      inner,
      0.2 * outer * size,
      (from, n) => [from, from + n, x, outer, size, inner, out],
      16,
    );
    return;
  }
  if (!maximum && outer === 1 && size > PART) {
    const count = Math.ceil(size / PART);
    const parts = engine.arena.allocate(count * 8);
    split(engine, "sumParts", count, 0.1 * PART, (from, n) => [from, from + n, x, size, parts.offset], 1);
    engine.kernels.sumOfParts!(parts.offset, count, out);
    engine.arena.release(parts, parts.generation);
    return;
  }
  const name = maximum ? "maxRows" : "sumRows";
  split(engine, name, outer, 0.2 * size, (from, n) => [from, from + n, x, size, out], 16);
}

/** The runs of neighbouring axes in an ascending list: [0, 1, 3] -> [[0, 1], [3, 3]]. */
function runsOf(axes: readonly number[]): [number, number][] {
  const runs: [number, number][] = [];
  for (const axis of axes) {
    const last = runs[runs.length - 1];
    if (last !== undefined && last[1] === axis - 1) last[1] = axis;
    else runs.push([axis, axis]);
  }
  return runs;
}

function reduction<P extends "sum" | "max">(maximum: boolean): Kernel<P> {
  return (out, inputs, { axes }) => {
    const x = inputs[0]!;
    if (!all("float32", [out, x]) || sizeOf(x.shape) === 0) return false;
    const engine = getEngine();
    const temporaries: WasmStorage[] = [];
    let from = denseAddress(x, temporaries);
    let shape: Shape = x.shape;
    const [first, last] = [axes[0], axes[axes.length - 1]];
    if (first !== undefined && last === first + axes.length - 1) {
      const sizes: [number, number, number] = [1, 1, 1];
      for (let i = 0; i < shape.length; i++) sizes[i < first ? 0 : i <= last ? 1 : 2] *= shape[i]!;
      reduceMiddle(engine, maximum, from, sizes, addressOf(out));
      if (temporaries.length > 0) releaseAll(temporaries);
      return true;
    }
    // From the innermost run of axes outwards; each but the last goes to a temporary.
    const runs = runsOf(axes).reverse();
    if (runs.length === 0) runs.push([shape.length, shape.length - 1]);
    runs.forEach(([first, last], i) => {
      const sizes = around(shape, first, last);
      let to = addressOf(out);
      if (i < runs.length - 1) {
        const storage = allocateStorage(x.storage.backend, "float32", sizes[0] * sizes[2]);
        temporaries.push(storage);
        to = storage.address;
      }
      reduceMiddle(engine, maximum, from, sizes, to);
      shape = [...shape.slice(0, first), ...shape.slice(last + 1)];
      from = to;
    });
    releaseAll(temporaries);
    return true;
  };
}

/** A kernel on [outer, size, inner] around one axis, cut along the outer one. */
function alongAxis<P extends "argmax" | "cumsum">(name: string): Kernel<P> {
  return (out, [x], { axis }) => {
    if (!all("float32", [x!])) return false;
    const temporaries: WasmStorage[] = [];
    const from = denseAddress(x!, temporaries);
    const [outer, size, inner] = around(x!.shape, axis);
    const to = addressOf(out);
    split(getEngine(), name, outer, size * inner, (o, n) => [o, o + n, from, size, inner, to], 1);
    releaseAll(temporaries);
    return true;
  };
}

/** A kernel on rows along the last axis with one or two inputs; other axes go to the composition. */
function rowwise<P extends "softmax" | "logSoftmax" | "softmaxGrad" | "logSoftmaxGrad">(
  name: string,
  cost: number,
): Kernel<P> {
  return (out, inputs, { axis }) => {
    if (axis !== out.shape.length - 1 || !all("float32", inputs) || out.storage.dtype !== "float32")
      return false;
    const size = out.shape[axis]!;
    const rows = sizeOf(out.shape.slice(0, -1));
    if (size === 0 || rows === 0) return true;
    const temporaries: WasmStorage[] = [];
    const from = inputs.map((input) => denseAddress(input, temporaries));
    const to = addressOf(out);
    split(getEngine(), name, rows, cost * size, (r, n) => [r, r + n, ...from, size, to], 1);
    releaseAll(temporaries);
    return true;
  };
}

function norm<P extends "rmsNorm" | "layerNorm">(name: string): Kernel<P> {
  return (out, inputs, { epsilon }) => {
    if (!all("float32", inputs)) return false;
    const size = out.shape[out.shape.length - 1]!;
    const rows = sizeOf(out.shape.slice(0, -1));
    if (size === 0 || rows === 0) return true;
    const temporaries: WasmStorage[] = [];
    const [x, ...affine] = inputs.map((input) => denseAddress(input, temporaries));
    const to = addressOf(out);
    split(getEngine(), name, rows, 0.5 * size, (r, n) => [r, r + n, x!, size, ...affine, epsilon, to], 1);
    releaseAll(temporaries);
    return true;
  };
}

/** Gradient of a norm's input. */
function normGrad<P extends "rmsNormGrad" | "layerNormGrad">(centred: 0 | 1): Kernel<P> {
  return (out, inputs, { epsilon }) => {
    if (!all("float32", inputs)) return false;
    const size = out.shape[out.shape.length - 1]!;
    const count = sizeOf(out.shape.slice(0, -1));
    if (size === 0 || count === 0) return true;
    const temporaries: WasmStorage[] = [];
    const [g, x, weight] = inputs.map((input) => denseAddress(input, temporaries)) as [
      number,
      number,
      number,
    ];
    const rest = [centred, g, x, size, weight, epsilon, addressOf(out)] as const;
    split(getEngine(), "normGradRows", count, size, (r, n) => [r, r + n, ...rest], 1);
    releaseAll(temporaries);
    return true;
  };
}

/** Gradient of a norm's weight: statistics by rows first, then sums by columns. */
function normWeightGrad<P extends "rmsNormWeightGrad" | "layerNormWeightGrad">(centred: 0 | 1): Kernel<P> {
  return (out, inputs, { epsilon }) => {
    if (!all("float32", inputs)) return false;
    const { shape } = inputs[1]!;
    const size = shape[shape.length - 1]!;
    const count = sizeOf(shape.slice(0, -1));
    if (size === 0 || count === 0) return false;
    const engine = getEngine();
    const temporaries: WasmStorage[] = [];
    const [g, x] = inputs.map((input) => denseAddress(input, temporaries)) as [number, number];
    const stats = engine.arena.allocate(count * 8);
    const common = [centred, x, size, epsilon, stats.offset] as const;
    split(engine, "normStats", count, 0.3 * size, (r, n) => [r, r + n, ...common], 1);
    const rest = [count, g, x, size, stats.offset, addressOf(out)] as const;
    split(engine, "normWeightGrad", size, 0.4 * count, (j, n) => [j, j + n, ...rest], 16);
    engine.arena.release(stats, stats.generation);
    releaseAll(temporaries);
    return true;
  };
}

const rotatePairs: Kernel<"rotatePairs"> = (out, inputs) => {
  if (!all("float32", inputs)) return false;
  const [x, cosine, sine] = inputs as readonly [View, View, View];
  const engine = getEngine();
  const half = [...out.shape.slice(0, -1), out.shape[out.shape.length - 1]! / 2];
  const temporaries: WasmStorage[] = [];
  const c = layoutOf(engine, cosine, half, 0);
  const s = layoutOf(engine, sine, half, 1);
  if (c < 0 || s < 0) return false;
  const from = denseAddress(x, temporaries);
  const angles = [addressOf(cosine), c, addressOf(sine), s] as const;
  const to = addressOf(out);
  split(engine, "rotatePairs", sizeOf(half), 1, (start, n, part) => [
    start,
    n,
    from,
    ...angles,
    to,
    engine.pool.scratchOf(part),
  ]);
  releaseAll(temporaries);
  return true;
};

/** The row part of the backend's kernel table. */
export const rows: Kernels = {
  sum: reduction<"sum">(false),
  max: reduction<"max">(true),
  argmax: alongAxis<"argmax">("argmaxMiddle"),
  cumsum: alongAxis<"cumsum">("cumsumMiddle"),
  softmax: rowwise<"softmax">("softmaxRows", 1.5),
  logSoftmax: rowwise<"logSoftmax">("logSoftmaxRows", 1.5),
  softmaxGrad: rowwise<"softmaxGrad">("softmaxGradRows", 0.5),
  logSoftmaxGrad: rowwise<"logSoftmaxGrad">("logSoftmaxGradRows", 1.5),
  rmsNorm: norm<"rmsNorm">("rmsNormRows"),
  layerNorm: norm<"layerNorm">("layerNormRows"),
  rmsNormGrad: normGrad<"rmsNormGrad">(0),
  layerNormGrad: normGrad<"layerNormGrad">(1),
  rmsNormWeightGrad: normWeightGrad<"rmsNormWeightGrad">(0),
  layerNormWeightGrad: normWeightGrad<"layerNormWeightGrad">(1),
  rotatePairs,
};
