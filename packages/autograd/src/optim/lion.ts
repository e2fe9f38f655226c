// Lion: steps of one size in the direction of a sign.

import type { Tensor } from "@echo-ts/tensor";
import { checkOptions, type OptionKinds } from "@echo-ts/tensor/internal";
import type { Parameter } from "../variable.ts";
import { checkSetting, type ParameterGroup, type Trainable } from "./groups.ts";
import { hostArray, Optimizer, type OptimizerOptions } from "./optimizer.ts";
import type { Slots } from "./slots.ts";

/** Settings of {@link Lion}, per group. */
export interface LionSettings {
  /** Shares of the momentum in the step and in the next momentum, in [0, 1); default [0.9, 0.99]. */
  betas: readonly [number, number];
  /** The weights shrink by learningRate times this; default 0. */
  weightDecay: number;
}

/** Options of {@link Lion}. */
export interface LionOptions extends Partial<LionSettings>, OptimizerOptions {
  /** Default 1e-4; a third to a tenth of what AdamW needs. */
  readonly learningRate?: number;
}

const LION_OPTIONS: OptionKinds<LionOptions> = {
  learningRate: "number",
  betas: "array",
  weightDecay: "number",
  checkGradients: "boolean",
};

type LionGroup = ParameterGroup<LionSettings>;

/**
 * Lion. Chen et al. 2023, algorithm 2: keeps one moment, half the memory of Adam.
 *
 * @throws Error for no parameters or one twice, RangeError for settings out of range
 */
export class Lion extends Optimizer<LionSettings> {
  static readonly className: string = "Lion";
  constructor(trainable: Trainable<LionSettings>, options: LionOptions = {}) {
    checkOptions("Lion", options, LION_OPTIONS);
    const { learningRate = 1e-4, betas = [0.9, 0.99], weightDecay = 0 } = options;
    super(trainable, { learningRate, betas, weightDecay }, options);
  }

  /** First beta of the first group: what a momentum schedule changes. */
  get momentum(): number {
    return this.groups[0]!.betas[0];
  }

  /** Sets the first beta of every group, such as by {@link oneCycleMomentum}. @throws RangeError outside [0, 1) */
  set momentum(momentum: number) {
    checkSetting("Lion", "momentum", momentum, 0, 1);
    for (const group of this.groups) group.betas = [momentum, group.betas[1]];
  }

  protected checkSettings({ betas, weightDecay }: LionGroup): void {
    checkSetting("Lion", "betas[0]", betas[0], 0, 1);
    checkSetting("Lion", "betas[1]", betas[1], 0, 1);
    checkSetting("Lion", "weightDecay", weightDecay, 0, Number.POSITIVE_INFINITY);
  }

  protected slotNames(): readonly string[] {
    return ["exp_avg"];
  }

  protected update(parameter: Parameter, gradient: Tensor, { values }: Slots, group: LionGroup): void {
    const { learningRate, weightDecay } = group;
    const [beta1, beta2] = group.betas;
    const weights = hostArray(parameter);
    const g = hostArray(gradient);
    const momentum = hostArray(values[0]!);
    const shrink = 1 - learningRate * weightDecay;
    for (let i = 0; i < weights.length; i++) {
      const direction = Math.sign(beta1 * momentum[i]! + (1 - beta1) * g[i]!);
      momentum[i] = beta2 * momentum[i]! + (1 - beta2) * g[i]!;
      weights[i] = weights[i]! * shrink - learningRate * direction;
    }
  }
}
