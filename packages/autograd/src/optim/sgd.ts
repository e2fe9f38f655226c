// Stochastic gradient descent.

import type { Tensor } from "@echo-ts/tensor";
import { checkOptions, type OptionKinds, type SgdStep } from "@echo-ts/tensor/internal";
import type { Parameter } from "../variable.ts";
import { checkSetting, type ParameterGroup, type Trainable } from "./groups.ts";
import { hostArray, Optimizer, type OptimizerOptions } from "./optimizer.ts";
import type { Slots } from "./slots.ts";

/** Settings of {@link SGD}, per group. */
export interface SgdSettings {
  /** Share of the velocity that is kept, in [0, 1); default 0. */
  momentum: number;
  /** What the gradient loses where it enters the velocity, in [0, 1); default 0. */
  dampening: number;
  /** Look ahead by the momentum; default false. */
  nesterov: boolean;
  /** L2 penalty: this times the weights is added to the gradient; default 0. */
  weightDecay: number;
}

/** Options of {@link SGD}. */
export interface SgdOptions extends Partial<SgdSettings>, OptimizerOptions {
  readonly learningRate: number;
}

const SGD_OPTIONS: OptionKinds<SgdOptions> = {
  learningRate: "number",
  momentum: "number",
  dampening: "number",
  nesterov: "boolean",
  weightDecay: "number",
  checkGradients: "boolean",
};

type SgdGroup = ParameterGroup<SgdSettings>;

/**
 * Stochastic gradient descent with momentum. PyTorch's `optim.SGD`:
 * g += weightDecay w; velocity = momentum velocity + (1 - dampening) g (the first time, g itself);
 * w -= learningRate velocity, or learningRate (g + momentum velocity) with Nesterov's momentum.
 *
 * The momentum may be switched on and off between steps (`optimizer.groups[0].momentum = 0.9`): the velocity begins
 * with the first gradient that comes after, and is kept while it is off.
 *
 * @throws Error for no parameters or one twice, RangeError for settings out of range
 * @example const optimizer = new SGD(model, { learningRate: 0.1, momentum: 0.9 })
 */
export class SGD extends Optimizer<SgdSettings> {
  static readonly className: string = "SGD";
  constructor(trainable: Trainable<SgdSettings>, options: SgdOptions) {
    checkOptions("SGD", options, SGD_OPTIONS);
    const { learningRate, momentum = 0, dampening = 0, nesterov = false, weightDecay = 0 } = options;
    super(trainable, { learningRate, momentum, dampening, nesterov, weightDecay }, options);
  }

  /** Momentum of the first group. */
  get momentum(): number {
    return this.groups[0]!.momentum;
  }

  /** Sets the momentum of every group, such as by {@link oneCycleMomentum}. @throws RangeError outside [0, 1) */
  set momentum(momentum: number) {
    checkSetting("SGD", "momentum", momentum, 0, 1);
    for (const group of this.groups) group.momentum = momentum;
  }

  protected checkSettings({ momentum, dampening, nesterov, weightDecay }: SgdGroup): void {
    checkSetting("SGD", "momentum", momentum, 0, 1);
    checkSetting("SGD", "dampening", dampening, 0, 1);
    checkSetting("SGD", "weightDecay", weightDecay, 0, Number.POSITIVE_INFINITY);
    if (nesterov && (momentum === 0 || dampening !== 0)) {
      throw new RangeError("SGD: nesterov needs a momentum above 0 and no dampening");
    }
  }

  protected slotNames({ momentum }: SgdGroup): readonly string[] {
    return momentum === 0 ? [] : ["momentum_buffer"];
  }

  protected update(parameter: Parameter, gradient: Tensor, slots: Slots, group: SgdGroup): void {
    const { learningRate, momentum, nesterov, weightDecay } = group;
    const gradientFactor = slots.fresh ? 1 : 1 - group.dampening;
    const step: SgdStep = { learningRate, momentum, gradientFactor, nesterov, weightDecay };
    const velocity = slots.values[0] ?? null;
    if (parameter.backend.updates?.sgd?.(parameter, gradient, velocity, step)) return;
    stepSgd(hostArray(parameter), hostArray(gradient), velocity === null ? null : hostArray(velocity), step);
  }
}

type Floats = Float32Array | Float64Array;

/** The rule, element by element. */
function stepSgd(weights: Floats, gradient: Floats, velocity: Floats | null, step: SgdStep): void {
  const { learningRate, momentum, gradientFactor, nesterov, weightDecay } = step;
  for (let i = 0; i < weights.length; i++) {
    const w = weights[i]!;
    let g = gradient[i]! + weightDecay * w;
    if (velocity !== null) {
      const v = momentum * velocity[i]! + gradientFactor * g;
      velocity[i] = v;
      g = nesterov ? g + momentum * v : v;
    }
    weights[i] = w - learningRate * g;
  }
}
