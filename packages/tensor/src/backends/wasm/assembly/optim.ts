// Optimiser steps in place over flat buffers, elements [from, to); from is a multiple of 4.
// AdamW is Loshchilov and Hutter 2019 in PyTorch's order of operations: decay, moments, step.
import { part, storePart } from "./lanes";

/**
 * One AdamW step.
 *
 * @param lr, beta1, beta2, epsilon, decay as in PyTorch
 * @param correction1, correction2 1 - beta1^t and 1 - beta2^t
 * @param gradScale factor on the gradient (clipping, loss scaling)
 */
export function adamw(
  from: i32, to: i32, weights: usize, grad: usize, m: usize, v: usize, lr: f64, beta1: f64, beta2: f64, epsilon: f64,
  decay: f64, correction1: f64, correction2: f64, gradScale: f64,
): void {
  const keep = f32x4.splat(<f32>(1 - lr * decay));
  const b1 = f32x4.splat(<f32>beta1);
  const b2 = f32x4.splat(<f32>beta2);
  const c1 = f32x4.splat(<f32>(1 - beta1));
  const c2 = f32x4.splat(<f32>(1 - beta2));
  const step = f32x4.splat(<f32>(lr / correction1));
  const root = f32x4.splat(<f32>sqrt<f64>(correction2));
  const eps = f32x4.splat(<f32>epsilon);
  const scale = f32x4.splat(<f32>gradScale);
  let i = from;
  for (; i + 4 <= to; i += 4) {
    const at = <usize>i << 2;
    const g = f32x4.mul(v128.load(grad + at), scale);
    const m1 = f32x4.add(f32x4.mul(b1, v128.load(m + at)), f32x4.mul(c1, g));
    const v1 = f32x4.add(f32x4.mul(b2, v128.load(v + at)), f32x4.mul(c2, f32x4.mul(g, g)));
    v128.store(m + at, m1);
    v128.store(v + at, v1);
    const below = f32x4.add(f32x4.div(f32x4.sqrt(v1), root), eps);
    const w = f32x4.mul(v128.load(weights + at), keep);
    v128.store(weights + at, f32x4.sub(w, f32x4.mul(step, f32x4.div(m1, below))));
  }
  if (i < to) {
    const wide = to - i;
    const at = <usize>i << 2;
    const g = f32x4.mul(part(grad + at, wide), scale);
    const m1 = f32x4.add(f32x4.mul(b1, part(m + at, wide)), f32x4.mul(c1, g));
    const v1 = f32x4.add(f32x4.mul(b2, part(v + at, wide)), f32x4.mul(c2, f32x4.mul(g, g)));
    storePart(m + at, m1, wide);
    storePart(v + at, v1, wide);
    const below = f32x4.add(f32x4.div(f32x4.sqrt(v1), root), eps);
    const w = f32x4.mul(part(weights + at, wide), keep);
    storePart(weights + at, f32x4.sub(w, f32x4.mul(step, f32x4.div(m1, below))), wide);
  }
}

/**
 * One SGD step: velocity = momentum velocity + g, w -= lr velocity, with g = gradScale grad + decay w.
 *
 * @param velocity 0 for plain SGD
 */
export function sgd(
  from: i32, to: i32, weights: usize, grad: usize, velocity: usize, lr: f64, momentum: f64, decay: f64, gradScale: f64,
): void {
  const rate = f32x4.splat(<f32>lr);
  const keep = f32x4.splat(<f32>momentum);
  const pull = f32x4.splat(<f32>decay);
  const scale = f32x4.splat(<f32>gradScale);
  for (let i = from; i < to; i += 4) {
    const wide = min(4, to - i);
    const at = <usize>i << 2;
    const w = part(weights + at, wide);
    let g = f32x4.add(f32x4.mul(part(grad + at, wide), scale), f32x4.mul(pull, w));
    if (velocity) {
      g = f32x4.add(f32x4.mul(keep, part(velocity + at, wide)), g);
      storePart(velocity + at, g, wide);
    }
    storePart(weights + at, f32x4.sub(w, f32x4.mul(rate, g)), wide);
  }
}
