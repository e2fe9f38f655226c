// Optimiser steps on float32 parameters.

import type { UpdateKernels, View } from "../../backend.ts";
import { isContiguous, sizeOf } from "../../shape.ts";
import { getEngine } from "./engine.ts";
import { PART, writeAdamUpdate, writeSgdUpdate } from "./generated/contract.ts";
import { split } from "./operands.ts";
import type { WasmStorage } from "./storage.ts";
import { inWorkspace } from "./workspace.ts";

/** Nanoseconds per element, to choose the number of threads. */
const COST = 1;

/** The in-place steps that the wasm backend computes itself. */
export const updates: UpdateKernels = {
  sgd(weights, gradient, velocity, step) {
    const { learningRate, momentum, weightDecay } = step;
    const { dtype, length } = weights.storage;
    if (dtype !== "float32" || step.nesterov || step.gradientFactor !== 1) return false;
    const engine = getEngine();
    const task = writeSgdUpdate(engine.arena, engine.record, {
      learningRate,
      momentum,
      weightDecay,
      weights: addressOf(weights),
      gradient: addressOf(gradient),
      velocity: velocity === null ? 0 : addressOf(velocity),
    });
    split(engine, "sgd", length, COST, (start, n) => [start, start + n, task]);
    return true;
  },
  adam(weights, gradient, mean, square, step) {
    const { dtype, length } = weights.storage;
    if (dtype !== "float32" || !(step.decoupled || step.weightDecay === 0)) return false;
    const engine = getEngine();
    const task = writeAdamUpdate(engine.arena, engine.record, {
      learningRate: step.learningRate,
      beta1: step.beta1,
      beta2: step.beta2,
      epsilon: step.epsilon,
      weightDecay: step.weightDecay,
      correction1: step.correction1,
      correction2: step.correction2,
      weights: addressOf(weights),
      gradient: addressOf(gradient),
      mean: addressOf(mean),
      square: addressOf(square),
    });
    split(engine, "adamw", length, COST, (start, n) => [start, start + n, task]);
    return true;
  },
  sumOfSquares(gradient) {
    const { storage, shape, strides, offset } = gradient;
    if (storage.dtype !== "float32" || !isContiguous(shape, strides)) return null;
    const engine = getEngine();
    const length = sizeOf(shape);
    return inWorkspace(engine, (workspace) => {
      const count = Math.ceil(length / PART);
      const parts = workspace.take(count * 8);
      const from = (storage as WasmStorage).address + offset * 4;
      split(engine, "squareParts", count, 0.3 * PART, (i, n) => [i, i + n, from, length, parts], 1);
      let total = 0;
      for (let i = 0; i < count; i++) total += engine.arena.float64[parts / 8 + i]!;
      return total;
    });
  },
};

function addressOf({ storage }: View): number {
  return (storage as WasmStorage).address;
}
