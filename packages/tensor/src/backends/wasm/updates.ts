// Optimiser steps on float32 parameters; the numbers are those of assembly/optim.ts.

import type { View } from "../../backend.ts";
import { isContiguous, sizeOf } from "../../shape.ts";
import type { UpdateKernels } from "../../update.ts";
import { getEngine } from "./engine.ts";
import { split } from "./operands.ts";
import { PART } from "./rows.ts";
import type { WasmStorage } from "./storage.ts";

/** Nanoseconds per element, to choose the number of threads. */
const COST = 1;

/** The in-place steps that the wasm backend computes itself. */
export const updates: UpdateKernels = {
  sgd(weights, gradient, velocity, step) {
    const { learningRate, momentum, weightDecay } = step;
    const { dtype, length } = weights.storage;
    if (dtype !== "float32" || step.nesterov || step.gradientFactor !== 1) return false;
    const [w, g] = [addressOf(weights), addressOf(gradient)];
    const v = velocity === null ? 0 : addressOf(velocity);
    split(getEngine(), "sgd", length, COST, (start, n) => [
      start,
      start + n,
      w,
      g,
      v,
      learningRate,
      momentum,
      weightDecay,
      1,
    ]);
    return true;
  },
  adam(weights, gradient, mean, square, step) {
    const { dtype, length } = weights.storage;
    if (dtype !== "float32" || !(step.decoupled || step.weightDecay === 0)) return false;
    const [w, g, m, s] = [addressOf(weights), addressOf(gradient), addressOf(mean), addressOf(square)];
    split(getEngine(), "adamw", length, COST, (start, n) => [
      start,
      start + n,
      w,
      g,
      m,
      s,
      step.learningRate,
      step.beta1,
      step.beta2,
      step.epsilon,
      step.weightDecay,
      step.correction1,
      step.correction2,
      1,
    ]);
    return true;
  },
  sumOfSquares(gradient) {
    const { storage, shape, strides, offset } = gradient;
    if (storage.dtype !== "float32" || !isContiguous(shape, strides)) return null;
    const engine = getEngine();
    const length = sizeOf(shape);
    const count = Math.ceil(length / PART);
    const parts = engine.arena.allocate(count * 8);
    const from = addressOf(gradient) + offset * 4;
    split(engine, "squareParts", count, 0.3 * PART, (i, n) => [i, i + n, from, length, parts.offset], 1);
    let total = 0;
    for (let i = 0; i < count; i++) total += engine.arena.float64[parts.offset / 8 + i]!;
    engine.arena.release(parts, parts.generation);
    return total;
  },
};

function addressOf({ storage }: View): number {
  return (storage as WasmStorage).address;
}
