// Optimiser steps in place over flat buffers, elements [from, to); from is a multiple of 4.
import { AdamUpdate, SgdUpdate } from "./contract";
import { part, storePart } from "./lanes";

/** AdamW (Loshchilov and Hutter 2019) in PyTorch's order of operations: decay, moments, step. */
export function adamw(from: i32, to: i32, task: AdamUpdate): void {
  const weights = task.weights;
  const gradient = task.gradient;
  const mean = task.mean;
  const square = task.square;
  const keep = f32x4.splat(<f32>(1 - task.learningRate * task.weightDecay));
  const b1 = f32x4.splat(<f32>task.beta1);
  const b2 = f32x4.splat(<f32>task.beta2);
  const c1 = f32x4.splat(<f32>(1 - task.beta1));
  const c2 = f32x4.splat(<f32>(1 - task.beta2));
  const step = f32x4.splat(<f32>(task.learningRate / task.correction1));
  const root = f32x4.splat(<f32>sqrt<f64>(task.correction2));
  const eps = f32x4.splat(<f32>task.epsilon);
  let i = from;
  for (; i + 4 <= to; i += 4) {
    const at = <usize>i << 2;
    const g = v128.load(gradient + at);
    const m1 = f32x4.add(f32x4.mul(b1, v128.load(mean + at)), f32x4.mul(c1, g));
    const v1 = f32x4.add(f32x4.mul(b2, v128.load(square + at)), f32x4.mul(c2, f32x4.mul(g, g)));
    v128.store(mean + at, m1);
    v128.store(square + at, v1);
    const below = f32x4.add(f32x4.div(f32x4.sqrt(v1), root), eps);
    const w = f32x4.mul(v128.load(weights + at), keep);
    v128.store(weights + at, f32x4.sub(w, f32x4.mul(step, f32x4.div(m1, below))));
  }
  if (i < to) {
    const wide = to - i;
    const at = <usize>i << 2;
    const g = part(gradient + at, wide);
    const m1 = f32x4.add(f32x4.mul(b1, part(mean + at, wide)), f32x4.mul(c1, g));
    const v1 = f32x4.add(f32x4.mul(b2, part(square + at, wide)), f32x4.mul(c2, f32x4.mul(g, g)));
    storePart(mean + at, m1, wide);
    storePart(square + at, v1, wide);
    const below = f32x4.add(f32x4.div(f32x4.sqrt(v1), root), eps);
    const w = f32x4.mul(part(weights + at, wide), keep);
    storePart(weights + at, f32x4.sub(w, f32x4.mul(step, f32x4.div(m1, below))), wide);
  }
}

/** SGD: velocity = momentum velocity + g, w -= lr velocity, with g = gradient + decay w. */
export function sgd(from: i32, to: i32, task: SgdUpdate): void {
  const weights = task.weights;
  const gradient = task.gradient;
  const velocity = task.velocity;
  const rate = f32x4.splat(<f32>task.learningRate);
  const keep = f32x4.splat(<f32>task.momentum);
  const pull = f32x4.splat(<f32>task.weightDecay);
  for (let i = from; i < to; i += 4) {
    const wide = min(4, to - i);
    const at = <usize>i << 2;
    const w = part(weights + at, wide);
    let g = f32x4.add(part(gradient + at, wide), f32x4.mul(pull, w));
    if (velocity) {
      g = f32x4.add(f32x4.mul(keep, part(velocity + at, wide)), g);
      storePart(velocity + at, g, wide);
    }
    storePart(weights + at, f32x4.sub(w, f32x4.mul(rate, g)), wide);
  }
}
