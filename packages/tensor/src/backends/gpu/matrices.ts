// Matrix products, and attention made of them. gpu.js has no memory that threads share, so there are no tiles; on
// WebGPU a thread computes four elements of a row (wide-product.ts), elsewhere one. Read next: wide-product.ts.

import type { Kernels, View } from "../../backend.ts";
import { broadcastStrides, type Shape, sizeOf } from "../../shape.ts";
import type { Device } from "./device.ts";
import { dense, type Strided, slotOf, strided } from "./kernel-text.ts";
import { joinAll } from "./moving.ts";
import { softmaxInto } from "./rows.ts";
import { kernel, place, temporary } from "./run.ts";
import { EXACT_LIMIT, type Slot } from "./slot.ts";
import { type ProductSteps, type ScoreOptions, wideProduct } from "./wide-product.ts";

/** The left factor [.., m, k] seen from the places [.., m, n] of the product, or the right one [.., k, n]. */
function factor(view: View, batch: Shape, side: "left" | "right"): Strided {
  const strides = [...broadcastStrides(view.shape.slice(0, -2), view.strides.slice(0, -2), batch)];
  const [row, column] = view.strides.slice(-2) as [number, number];
  strides.push(...(side === "left" ? [row, 0] : [0, column]));
  return { slot: slotOf(view), offset: view.offset, strides };
}

const dot = (before: string): string => `
let total = 0.5;
total = 0;
for (let j = 0; j < inner; j++) { total = total + x0[p0 + j * stepA] * x1[p1 + j * stepB]; }
${before}`;

/** Fills `out` [.., m, n] with products of rows of a and columns of b; `steps` lead along the inner axis. */
function product(
  device: Device,
  out: Slot,
  shape: Shape,
  inputs: readonly Strided[],
  steps: ProductSteps,
): void {
  if (wideProduct(device, out, shape, inputs, steps)) return;
  const biased = inputs.length === 3;
  const text = dot(biased ? "return total + x2[p2];" : "return total;");
  place(device, out, shape, inputs, biased ? "matmulBias" : "matmul", text, { ...steps });
}

/** Scores scale q k^T + bias of [.., Tq, Tk], -Infinity where a key is behind its query and may not be seen. */
function scores(
  device: Device,
  out: Slot,
  shape: Shape,
  [q, k, bias]: readonly [View, View, View | undefined],
  options: ScoreOptions,
): void {
  const { scale, causal, firstRow } = options;
  const batch = shape.slice(0, -2);
  const inputs = [factor(q, batch, "left"), factor({ ...k, ...swapped(k) }, batch, "right")];
  if (bias !== undefined) inputs.push(strided(bias, shape));
  const steps = {
    inner: q.shape[q.shape.length - 1]!,
    stepA: q.strides[q.strides.length - 1]!,
    stepB: k.strides[k.strides.length - 1]!,
  };
  if (wideProduct(device, out, shape, inputs, steps, options)) return;
  const rank = shape.length;
  const mask = causal ? `if (c${rank - 1} > c${rank - 2} + firstRow) { return 0 - inf; }` : "";
  const end = `return total * scale${bias === undefined ? "" : " + x2[p2]"};`;
  const integers = causal ? { ...steps, firstRow } : { ...steps };
  place(device, out, shape, inputs, `scores/${causal}`, mask + dot(end), integers, { scale });
}

/** Shape and strides with the last two axes swapped. */
function swapped({ shape, strides }: View): Pick<View, "shape" | "strides"> {
  const swap = (list: readonly number[]): number[] => [
    ...list.slice(0, -2),
    list[list.length - 1]!,
    list[list.length - 2]!,
  ];
  return { shape: swap(shape), strides: swap(strides) };
}

/** softmax(scores) v for queries whose scores can be counted; `shape` is the result's. */
function attend(
  device: Device,
  out: Slot,
  shape: Shape,
  [q, k, v, bias]: readonly [View, View, View, View | undefined],
  options: ScoreOptions,
): void {
  const keys = k.shape[k.shape.length - 2]!;
  const square = [...shape.slice(0, -1), keys]; // [.., Tq, Tk]
  const size = sizeOf(square);
  const [raw, weights] = [temporary(size), temporary(size)];
  scores(device, raw, square, [q, k, bias], options);
  softmaxInto(device, weights, square, dense(raw, square), square.length - 1, true);
  const left = dense(weights, square);
  const rows = { ...left, strides: [...left.strides.slice(0, -1), 0] };
  product(device, out, shape, [rows, factor(v, shape.slice(0, -2), "right")], {
    inner: keys,
    stepA: 1,
    stepB: v.strides[v.strides.length - 2]!,
  });
  device.drop(raw);
  device.drop(weights);
}

/** `count` places of a view along an axis. */
const narrowed = (view: View, axis: number, start: number, count: number): View => ({
  ...view,
  shape: view.shape.map((size, i) => (i === axis ? count : size)),
  offset: view.offset + start * view.strides[axis]!,
});

/** A view broadcast to `shape`. */
const spread = (view: View, shape: Shape): View => ({
  ...view,
  shape,
  strides: broadcastStrides(view.shape, view.strides, shape),
});

/** Kernels of products. */
export const matrixKernels: Kernels = {
  matmul: kernel<"matmul">((device, out, [a, b], _params, slot) => {
    const batch = out.shape.slice(0, -2);
    product(device, slot, out.shape, [factor(a!, batch, "left"), factor(b!, batch, "right")], {
      inner: a!.shape[a!.shape.length - 1]!,
      stepA: a!.strides[a!.strides.length - 1]!,
      stepB: b!.strides[b!.strides.length - 2]!,
    });
    return true;
  }),

  linear: kernel<"linear">((device, out, [x, weight, bias], _params, slot) => {
    const rank = out.shape.length;
    const rows: Strided = {
      slot: slotOf(x!),
      offset: x!.offset,
      strides: [...x!.strides.slice(0, -1), 0],
    };
    const columns = new Array<number>(rank).fill(0);
    columns[rank - 1] = weight!.strides[0]!;
    const inputs = [rows, { slot: slotOf(weight!), offset: weight!.offset, strides: columns }];
    if (bias !== undefined) inputs.push(strided(bias, out.shape));
    product(device, slot, out.shape, inputs, {
      inner: weight!.shape[1]!,
      stepA: x!.strides[rank - 1]!,
      stepB: weight!.strides[1]!,
    });
    return true;
  }),

  attentionWeights: kernel<"attentionWeights">((device, out, [q, k, bias], params, slot) => {
    const raw = temporary(out.storage.length);
    scores(device, raw, out.shape, [q!, k!, bias], { ...params, firstRow: 0 });
    softmaxInto(device, slot, out.shape, dense(raw, out.shape), out.shape.length - 1, true);
    device.drop(raw);
    return true;
  }),

  attention: kernel<"attention">((device, out, [q, k, v, bias], params, slot) => {
    const { shape } = out;
    const rank = shape.length;
    const queries = shape[rank - 2]!;
    const perQuery = sizeOf(shape.slice(0, -2)) * k!.shape[rank - 2]!;
    if (perQuery > EXACT_LIMIT) return false;
    // All scores at once, if they can be counted; else those of some queries after the other.
    const most = Math.floor(EXACT_LIMIT / perQuery);
    if (queries <= most) {
      attend(device, slot, shape, [q!, k!, v!, bias], { ...params, firstRow: 0 });
      return true;
    }
    const parts: { slot: Slot; shape: Shape }[] = [];
    for (let firstRow = 0; firstRow < queries; firstRow += most) {
      const count = Math.min(most, queries - firstRow);
      const part = [...shape.slice(0, -2), count, shape[rank - 1]!];
      const rows = narrowed(q!, rank - 2, firstRow, count);
      const added =
        bias === undefined
          ? undefined
          : narrowed(
              spread(bias, [...part.slice(0, -2), queries, k!.shape[rank - 2]!]),
              rank - 2,
              firstRow,
              count,
            );
      const own = temporary(sizeOf(part));
      attend(device, own, part, [rows, k!, v!, added], { ...params, firstRow });
      parts.push({ slot: own, shape: part });
    }
    joinAll(device, slot, shape, parts, rank - 2);
    for (const part of parts) device.drop(part.slot);
    return true;
  }),
};
