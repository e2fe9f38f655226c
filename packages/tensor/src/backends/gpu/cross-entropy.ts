// Cross entropy and its gradient, from the maximum and the sum of exponentials of each row of logits. A label
// outside the classes gives NaN. Read next: matrices.ts.

import type { Kernels, View } from "../../backend.ts";
import { type Strided, slotOf, strided } from "./kernel-text.ts";
import { exponentials, type Statistic } from "./rows.ts";
import { kernel, place, reduce, SUM, temporary } from "./run.ts";
import type { Slot } from "./slot.ts";

/** Stands for "no label is ignored". */
const NO_LABEL = -0.5;

/** Kernels of cross entropy. */
export const crossEntropyKernels: Kernels = {
  crossEntropy: kernel<"crossEntropy">((device, _out, [logits, labels, weights], params, slot) => {
    const [rows, classes] = logits!.shape as [number, number];
    const { top, total } = exponentials(device, logits!.shape, strided(logits!), 1);
    const perRow = ({ strided: s }: Statistic): Strided => ({ ...s, strides: [s.strides[0]!] });
    const row: Strided = { slot: slotOf(logits!), offset: logits!.offset, strides: [logits!.strides[0]!] };
    const operands = [row, strided(labels!), perRow(top), perRow(total)];
    if (weights !== undefined) operands.push({ slot: slotOf(weights), offset: weights.offset, strides: [0] });
    const weigh = (at: string): string => (weights === undefined ? "1" : `x4[p4 + ${at} * perWeight]`);
    const text = `
const label = x1[p1];
if (label === ignored) { return 0; }
if (label < 0) { return nan; }
if (label >= classes) { return nan; }
const shift = x2[p2] + Math.log(x3[p3]);
const loss = (shift - x0[p0 + label * perClass]) * ${weigh("label")};
if (smoothing <= 0) { return loss; }
let spread = 0.5;
spread = 0;
for (let j = 0; j < classes; j++) {
  spread = spread + (shift - x0[p0 + j * perClass]) * ${weigh("j")};
}
return loss * (1 - smoothing) + spread * smoothing / classes;`;
    place(
      device,
      slot,
      [rows],
      operands,
      "crossEntropy",
      text,
      {
        classes,
        perClass: logits!.strides[1]!,
        ...(weights === undefined ? {} : { perWeight: weights.strides[0]! }),
      },
      { smoothing: params.labelSmoothing, ignored: params.ignoreIndex ?? NO_LABEL },
    );
    device.drop(top.slot);
    device.drop(total.slot);
    return true;
  }),

  crossEntropyGrad: kernel<"crossEntropyGrad">((device, out, [g, logits, labels, weights], params, slot) => {
    const { shape } = out;
    const [rows, classes] = shape as [number, number];
    const { top, total } = exponentials(device, logits!.shape, strided(logits!), 1);
    const perRow = (view: View): Strided => ({ ...strided(view), strides: [view.strides[0]!, 0] });
    const operands = [perRow(g!), strided(logits!), perRow(labels!), top.strided, total.strided];
    let sum: Slot | null = null;
    if (weights !== undefined) {
      // The sum of q over the classes: smoothing spreads the sum of all weights.
      sum = temporary(1);
      reduce(device, sum, [classes], 0, [strided(weights)], "sum", SUM, "a");
      operands.push(strided(weights, shape), { slot: sum, offset: 0, strides: [0, 0] });
    }
    const own = weights === undefined ? "1" : "x5[p5]";
    const labelWeight = weights === undefined ? "1" : "x5[p5 + (label - c1) * perWeight]";
    const all = weights === undefined ? "classes" : "x6[p6]";
    const text = `
const label = x2[p2];
if (label === ignored) { return 0; }
if (label < 0) { return nan; }
if (label >= classes) { return nan; }
const probability = Math.exp(x1[p1] - x3[p3]) / x4[p4];
let q = smoothing / classes * ${own};
if (label === c1) { q = q + (1 - smoothing) * ${own}; }
const mass = (1 - smoothing) * ${labelWeight} + smoothing / classes * ${all};
return x0[p0] * (probability * mass - q);`;
    place(
      device,
      slot,
      [rows, classes],
      operands,
      "crossEntropyGrad",
      text,
      { classes, ...(weights === undefined ? {} : { perWeight: weights.strides[0]! }) },
      { smoothing: params.labelSmoothing, ignored: params.ignoreIndex ?? NO_LABEL },
    );
    device.drop(top.slot);
    device.drop(total.slot);
    if (sum !== null) device.drop(sum);
    return true;
  }),
};
