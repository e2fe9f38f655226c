// What an optimiser asks of a backend: one step on one parameter, written in place. A backend that has no
// kernel for it leaves it out; @echo-ts/autograd then runs its plain loop on the host array.

import type { View } from "./backend.ts";

/** One step of stochastic gradient descent; see `SGD` in @echo-ts/autograd. */
export interface SgdStep {
  readonly learningRate: number;
  readonly momentum: number;
  /** Factor on the gradient where it enters the velocity: 1 - dampening, and 1 at the first step. */
  readonly gradientFactor: number;
  readonly nesterov: boolean;
  /** L2: this times the weights is added to the gradient. */
  readonly weightDecay: number;
}

/** One step of Adam or AdamW; see there in @echo-ts/autograd. */
export interface AdamStep {
  readonly learningRate: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  readonly weightDecay: number;
  /** Shrink the weights themselves (AdamW) instead of adding to the gradient (Adam). */
  readonly decoupled: boolean;
  /** 1 - beta1^t. */
  readonly correction1: number;
  /** 1 - beta2^t. */
  readonly correction2: number;
}

/**
 * In-place steps that a backend computes itself. All views are dense (the whole of their storage), equally long and
 * of one dtype; weights and state are written, the gradient is not. Returns false, having written nothing, for a
 * case it does not take.
 */
export interface UpdateKernels {
  /** velocity = momentum velocity + gradientFactor g, weights -= learningRate velocity; null without momentum. */
  sgd?(weights: View, gradient: View, velocity: View | null, step: SgdStep): boolean;
  /** Moments and weights, in PyTorch's order: decay, moments, step. */
  adam?(weights: View, gradient: View, mean: View, square: View, step: AdamStep): boolean;
  /** Sum of the squares of a gradient's elements in double precision, for norms; null for a view it does not take. */
  sumOfSquares?(gradient: View): number | null;
}
