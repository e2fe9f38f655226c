// Kernels along one axis: reductions, softmax, norms. A view that is not dense is copied first. Reductions of what is
// not float32 go through typed-rows.ts. Read next: typed-rows.ts, indexing.ts.

import type { Kernel, Kernels } from "../../backend.ts";
import { type Shape, sizeOf } from "../../shape.ts";
import { type Engine, getEngine } from "./engine.ts";
import { PART, STATS_BYTES } from "./generated/contract.ts";
import { addressOf, all, around, split } from "./operands.ts";
import { otherDtypes } from "./other-dtypes.ts";
import { inWorkspace, type Workspace } from "./workspace.ts";

type Around = readonly [outer: number, size: number, inner: number];

/** Sum or maximum over the middle of a dense [outer, size, inner]. */
function reduceMiddle(engine: Engine, maximum: boolean, x: number, sizes: Around, out: number): void {
  const [outer, size, inner] = sizes;
  if (inner > 1) {
    const kernel = maximum ? "maxMiddle" : "sumMiddle";
    const cost = 0.2 * outer * size;
    split(engine, kernel, inner, cost, (from, n) => [from, from + n, x, outer, size, inner, out], 16);
    return;
  }
  if (!maximum && outer === 1 && size > PART) {
    inWorkspace(engine, (workspace) => {
      const count = Math.ceil(size / PART);
      const parts = workspace.take(count * 8);
      split(engine, "sumParts", count, 0.1 * PART, (from, n) => [from, from + n, x, size, parts], 1);
      engine.kernels.sumOfParts(parts, count, out);
    });
    return;
  }
  const kernel = maximum ? "maxRows" : "sumRows";
  split(engine, kernel, outer, 0.2 * size, (from, n) => [from, from + n, x, size, out], 16);
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
    if (sizeOf(x.shape) === 0) return false;
    if (!all("float32", [out, x])) return otherDtypes.reduceOf(maximum, out, x, axes);
    const engine = getEngine();
    return inWorkspace(engine, (workspace) => {
      const from = workspace.dense(x);
      const [first, last] = [axes[0], axes[axes.length - 1]];
      if (first !== undefined && last === first + axes.length - 1) {
        const sizes: [number, number, number] = [1, 1, 1];
        for (let i = 0; i < x.shape.length; i++) sizes[i < first ? 0 : i <= last! ? 1 : 2]! *= x.shape[i]!;
        reduceMiddle(engine, maximum, from, sizes, addressOf(out));
      } else {
        reduceRuns(engine, workspace, maximum, from, x.shape, axes, addressOf(out));
      }
      return true;
    });
  };
}

/** From the innermost run of axes outwards; each but the last goes to the workspace. */
function reduceRuns(
  engine: Engine,
  workspace: Workspace,
  maximum: boolean,
  x: number,
  xShape: Shape,
  axes: readonly number[],
  out: number,
): void {
  const runs = runsOf(axes).reverse();
  if (runs.length === 0) runs.push([xShape.length, xShape.length - 1]);
  let from = x;
  let shape = xShape;
  runs.forEach(([first, last], i) => {
    const sizes = around(shape, first, last);
    const to = i === runs.length - 1 ? out : workspace.take(sizes[0] * sizes[2] * 4);
    reduceMiddle(engine, maximum, from, sizes, to);
    shape = [...shape.slice(0, first), ...shape.slice(last + 1)];
    from = to;
  });
}

/** A kernel on [outer, size, inner] around one axis, cut along the outer one. */
function alongAxis<P extends "argmax" | "cumsum">(kernel: "argmaxMiddle" | "cumsumMiddle"): Kernel<P> {
  return (out, [x], { axis }) => {
    if (!all("float32", [x!])) return otherDtypes.alongAxisOf(`${kernel}Of`, out, x!, axis);
    const engine = getEngine();
    return inWorkspace(engine, (workspace) => {
      const from = workspace.dense(x!);
      const [outer, size, inner] = around(x!.shape, axis);
      const to = addressOf(out);
      split(engine, kernel, outer, size * inner, (o, n) => [o, o + n, from, size, inner, to], 1);
      return true;
    });
  };
}

/** Rows of the last axis: how many, and their size. */
function rowsOf(shape: Shape): [count: number, size: number] {
  return [sizeOf(shape.slice(0, -1)), shape[shape.length - 1]!];
}

/** Softmax or its logarithm along the last axis; other axes go to the composition. */
function softmax<P extends "softmax" | "logSoftmax">(kernel: "softmaxRows" | "logSoftmaxRows"): Kernel<P> {
  return (out, [x], { axis }) => {
    if (axis !== out.shape.length - 1 || !all("float32", [x!, out])) return false;
    const [count, size] = rowsOf(out.shape);
    if (size === 0 || count === 0) return true;
    const engine = getEngine();
    return inWorkspace(engine, (workspace) => {
      const from = workspace.dense(x!);
      const to = addressOf(out);
      split(engine, kernel, count, 1.5 * size, (r, n) => [r, r + n, from, size, to], 1);
      return true;
    });
  };
}

/** Gradient of softmax or its logarithm from the gradient and the output, along the last axis. */
function softmaxGrad<P extends "softmaxGrad" | "logSoftmaxGrad">(
  kernel: "softmaxGradRows" | "logSoftmaxGradRows",
  cost: number,
): Kernel<P> {
  return (out, inputs, { axis }) => {
    if (axis !== out.shape.length - 1 || !all("float32", inputs) || out.storage.dtype !== "float32")
      return false;
    const [count, size] = rowsOf(out.shape);
    if (size === 0 || count === 0) return true;
    const engine = getEngine();
    return inWorkspace(engine, (workspace) => {
      const g = workspace.dense(inputs[0]!);
      const y = workspace.dense(inputs[1]!);
      const to = addressOf(out);
      split(engine, kernel, count, cost * size, (r, n) => [r, r + n, g, y, size, to], 1);
      return true;
    });
  };
}

const rmsNorm: Kernel<"rmsNorm"> = (out, inputs, { epsilon }) => {
  if (!all("float32", inputs)) return false;
  const [count, size] = rowsOf(out.shape);
  if (size === 0 || count === 0) return true;
  const engine = getEngine();
  return inWorkspace(engine, (workspace) => {
    const x = workspace.dense(inputs[0]!);
    const weight = workspace.dense(inputs[1]!);
    const to = addressOf(out);
    split(engine, "rmsNormRows", count, 0.5 * size, (r, n) => [r, r + n, x, size, weight, epsilon, to], 1);
    return true;
  });
};

const layerNorm: Kernel<"layerNorm"> = (out, inputs, { epsilon }) => {
  if (!all("float32", inputs)) return false;
  const [count, size] = rowsOf(out.shape);
  if (size === 0 || count === 0) return true;
  const engine = getEngine();
  return inWorkspace(engine, (workspace) => {
    const x = workspace.dense(inputs[0]!);
    const affine = [workspace.dense(inputs[1]!), workspace.dense(inputs[2]!)] as const;
    const to = addressOf(out);
    split(
      engine,
      "layerNormRows",
      count,
      0.5 * size,
      (r, n) => [r, r + n, x, size, ...affine, epsilon, to],
      1,
    );
    return true;
  });
};

/** Gradient of a norm's input. */
function normGrad<P extends "rmsNormGrad" | "layerNormGrad">(centred: 0 | 1): Kernel<P> {
  return (out, inputs, { epsilon }) => {
    if (!all("float32", inputs)) return false;
    const [count, size] = rowsOf(out.shape);
    if (size === 0 || count === 0) return true;
    const engine = getEngine();
    return inWorkspace(engine, (workspace) => {
      const g = workspace.dense(inputs[0]!);
      const x = workspace.dense(inputs[1]!);
      const weight = workspace.dense(inputs[2]!);
      const rest = [centred, g, x, size, weight, epsilon, addressOf(out)] as const;
      split(engine, "normGradRows", count, size, (r, n) => [r, r + n, ...rest], 1);
      return true;
    });
  };
}

/** Gradient of a norm's weight: statistics by rows first, then sums by columns. */
function normWeightGrad<P extends "rmsNormWeightGrad" | "layerNormWeightGrad">(centred: 0 | 1): Kernel<P> {
  return (out, inputs, { epsilon }) => {
    if (!all("float32", inputs)) return false;
    const [count, size] = rowsOf(inputs[1]!.shape);
    if (size === 0 || count === 0) return false;
    const engine = getEngine();
    return inWorkspace(engine, (workspace) => {
      const g = workspace.dense(inputs[0]!);
      const x = workspace.dense(inputs[1]!);
      const stats = workspace.take(count * STATS_BYTES);
      const common = [centred, x, size, epsilon, stats] as const;
      split(engine, "normStats", count, 0.3 * size, (r, n) => [r, r + n, ...common], 1);
      const rest = [count, g, x, size, stats, addressOf(out)] as const;
      split(engine, "normWeightGrad", size, 0.4 * count, (j, n) => [j, j + n, ...rest], 16);
      return true;
    });
  };
}

/** The row part of the backend's kernel table. */
export const rows: Kernels = {
  sum: reduction<"sum">(false),
  max: reduction<"max">(true),
  argmax: alongAxis<"argmax">("argmaxMiddle"),
  cumsum: alongAxis<"cumsum">("cumsumMiddle"),
  softmax: softmax<"softmax">("softmaxRows"),
  logSoftmax: softmax<"logSoftmax">("logSoftmaxRows"),
  softmaxGrad: softmaxGrad<"softmaxGrad">("softmaxGradRows", 0.5),
  logSoftmaxGrad: softmaxGrad<"logSoftmaxGrad">("logSoftmaxGradRows", 1.5),
  rmsNorm,
  layerNorm,
  rmsNormGrad: normGrad<"rmsNormGrad">(0),
  layerNormGrad: normGrad<"layerNormGrad">(1),
  rmsNormWeightGrad: normWeightGrad<"rmsNormWeightGrad">(0),
  layerNormWeightGrad: normWeightGrad<"layerNormWeightGrad">(1),
};
