// The settings of one step of an optimiser, as `UpdateKernels` of backend.ts gets them.

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
