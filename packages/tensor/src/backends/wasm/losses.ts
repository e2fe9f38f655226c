// Cross entropy. Read next: updates.ts.

import type { Kernel, Kernels, View } from "../../backend.ts";
import { ShapeError } from "../../errors.ts";
import type { CrossEntropyParams } from "../../op-params.ts";
import { sizeOf } from "../../shape.ts";
import { getEngine } from "./engine.ts";
import { writeCrossEntropy } from "./generated/contract.ts";
import { addressOf, split } from "./operands.ts";
import { inWorkspace } from "./workspace.ts";

/** Throws for a label outside the classes, unless it is the one to ignore. */
function checkLabels(
  labels: View,
  address: number,
  classes: number,
  { ignoreIndex }: CrossEntropyParams,
): void {
  const { arena } = getEngine();
  const count = sizeOf(labels.shape);
  for (let i = 0; i < count; i++) {
    const label = arena.int32[address / 4 + i]!;
    if ((label < 0 || label >= classes) && label !== ignoreIndex) {
      throw new ShapeError(
        `gather: index ${label} at position ${i} is out of range for axis 1 of size ${classes}`,
      );
    }
  }
}

/** Both ops: the loss has inputs (logits, labels, weights), its gradient has the rows' gradient before them. */
function kernelOf<P extends "crossEntropy" | "crossEntropyGrad">(name: P): Kernel<P> {
  const first = name === "crossEntropy" ? 0 : 1;
  return (out, inputs, params) => {
    const logits = inputs[first]!;
    const labels = inputs[first + 1]!;
    const weights = inputs[first + 2];
    const [rows, classes] = logits.shape as [number, number];
    if (logits.storage.dtype !== "float32" || labels.storage.dtype !== "int32" || classes === 0) return false;
    if (weights !== undefined && weights.storage.dtype !== "float32") return false;
    const engine = getEngine();
    return inWorkspace(engine, (workspace) => {
      const index = workspace.dense(labels);
      checkLabels(labels, index, classes, params);
      const task = writeCrossEntropy(engine.arena, engine.record, {
        logits: workspace.dense(logits),
        classes,
        labels: index,
        weights: weights === undefined ? 0 : workspace.dense(weights),
        smoothing: params.labelSmoothing,
        ignores: params.ignoreIndex === null ? 0 : 1,
        ignored: params.ignoreIndex ?? 0,
        g: first === 0 ? 0 : workspace.dense(inputs[0]!),
        out: addressOf(out),
      });
      const kernel: "crossEntropy" | "crossEntropyGrad" = name;
      split(engine, kernel, rows, 1.5 * classes, (r, n) => [r, r + n, task], 1);
      return true;
    });
  };
}

/** The loss part of the backend's kernel table. */
export const losses: Kernels = {
  crossEntropy: kernelOf("crossEntropy"),
  crossEntropyGrad: kernelOf("crossEntropyGrad"),
};
