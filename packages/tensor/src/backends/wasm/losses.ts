// Cross entropy and CTC. CTC runs in double precision along a recurrence too short for vectors: the loops of
// the reference backend serve here too, on the arena's memory.

import type { Kernel, Kernels, View } from "../../backend.ts";
import { ShapeError } from "../../errors.ts";
import type { CrossEntropyParams } from "../../op-params.ts";
import { sizeOf } from "../../shape.ts";
import { ctcLoss, ctcLossGrad } from "../reference/ctc.ts";
import { getEngine } from "./engine.ts";
import { addressOf, denseAddress, releaseAll, split } from "./operands.ts";
import type { WasmStorage } from "./storage.ts";

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
    const temporaries: WasmStorage[] = [];
    const index = denseAddress(labels, temporaries);
    checkLabels(labels, index, classes, params);
    const before = first === 0 ? [] : [denseAddress(inputs[0]!, temporaries)];
    const { ignoreIndex, labelSmoothing } = params;
    const rest = [
      ...before,
      denseAddress(logits, temporaries),
      classes,
      index,
      weights === undefined ? 0 : denseAddress(weights, temporaries),
      labelSmoothing,
      ignoreIndex === null ? 0 : 1,
      ignoreIndex ?? 0,
      addressOf(out),
    ];
    split(getEngine(), name, rows, 1.5 * classes, (r, n) => [r, r + n, ...rest], 1);
    releaseAll(temporaries);
    return true;
  };
}

/** The loss part of the backend's kernel table. */
export const losses: Kernels = {
  crossEntropy: kernelOf("crossEntropy"),
  crossEntropyGrad: kernelOf("crossEntropyGrad"),
  ctcLoss,
  ctcLossGrad,
};
