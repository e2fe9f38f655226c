// Optimiser steps on the device: each moment and the weights are one kernel that fills new memory, because a
// kernel of gpu.js cannot write what it reads. All inputs are taken before the first of them is replaced.

import type { UpdateKernels, View } from "../../backend.ts";
import type { Strided } from "./kernel-text.ts";
import { type Floats, map } from "./run.ts";
import type { Slot } from "./slot.ts";
import type { GpuStorage } from "./storage.ts";

const flat = (slot: Slot): Strided => ({ slot, offset: 0, strides: [1] });

/** Replaces the elements of `target` by the value of `text`; a is the first input, b the second, ... */
function rewrite(target: View, inputs: readonly Slot[], name: string, text: string, floats: Floats): Slot {
  const storage = target.storage as GpuStorage;
  // The inputs may hold the target's present slot: counted as used until the kernel is queued.
  for (const input of inputs) input.users++;
  const out = storage.beginWrite();
  map(storage.device, out, [storage.length], inputs.map(flat), name, text, floats);
  for (const input of inputs) storage.device.drop(input);
  return out;
}

const slotOf = ({ storage }: View): Slot => (storage as GpuStorage).slot;

const takes = (...views: (View | null)[]): boolean =>
  views.every((view) => view === null || (view.storage.dtype === "float32" && view.storage.length > 0));

/** The in-place steps that the gpu backend computes itself. */
export const updates: UpdateKernels = {
  sgd(weights, gradient, velocity, step) {
    if (!takes(weights, gradient, velocity)) return false;
    const { learningRate, momentum, gradientFactor, nesterov, weightDecay } = step;
    const [w, g] = [slotOf(weights), slotOf(gradient)];
    if (velocity === null) {
      const text = "return a - rate * (b + decay * a);";
      rewrite(weights, [w, g], "sgd", text, { rate: learningRate, decay: weightDecay });
      return true;
    }
    const moving = "return momentum * c + factor * (b + decay * a);";
    const floats = { momentum, factor: gradientFactor, decay: weightDecay };
    const v = rewrite(velocity, [w, g, slotOf(velocity)], "sgdVelocity", moving, floats);
    const [name, text] = nesterov
      ? ["sgdNesterov", "return a - rate * (b + decay * a + momentum * c);"]
      : ["sgdMomentum", "return a - rate * c;"];
    rewrite(weights, [w, g, v], name, text, { rate: learningRate, decay: weightDecay, momentum });
    return true;
  },

  adam(weights, gradient, mean, square, step) {
    if (!takes(weights, gradient, mean, square)) return false;
    const { beta1, beta2, epsilon, correction1 } = step;
    const shrink = step.decoupled ? 1 - step.learningRate * step.weightDecay : 1;
    const penalty = step.decoupled ? 0 : step.weightDecay;
    const rate = step.learningRate / correction1;
    const root = Math.sqrt(step.correction2);
    const [w, g] = [slotOf(weights), slotOf(gradient)];
    const m = rewrite(
      mean,
      [slotOf(mean), g, w],
      "adamMean",
      "return keep * a + fresh * (b + penalty * c);",
      { keep: beta1, fresh: 1 - beta1, penalty },
    );
    const s = rewrite(
      square,
      [slotOf(square), g, w],
      "adamSquare",
      "const h = b + penalty * c;\nreturn keep * a + fresh * h * h;",
      { keep: beta2, fresh: 1 - beta2, penalty },
    );
    const text = "return a * shrink - rate * b / (Math.sqrt(c) / root + epsilon);";
    rewrite(weights, [w, m, s], "adamStep", text, { shrink, rate, root, epsilon });
    return true;
  },
};
