// Adam and AdamW: the same moments, two kinds of weight decay.

import type { Tensor } from "@echo-ts/tensor";
import { type AdamStep, checkOptions, definedOptions, type OptionKinds } from "@echo-ts/tensor/internal";
import type { Parameter } from "../variable.ts";
import { checkSetting, type ParameterGroup, type Trainable } from "./groups.ts";
import { hostArray, Optimizer, type OptimizerOptions, optimizerName } from "./optimizer.ts";
import type { Slots } from "./slots.ts";

/** Settings of {@link Adam} and {@link AdamW}, per group. */
export interface AdamSettings {
  /** Shares that the running means of the gradient and of its square keep, in [0, 1); default [0.9, 0.999]. */
  betas: readonly [number, number];
  /** Added to the root of the mean square; default 1e-8. */
  epsilon: number;
  /** Default 0 for Adam (added to the gradient), 0.01 for AdamW (shrinks the weights). */
  weightDecay: number;
  /** Divide by the largest mean square so far, so that steps do not grow again; default false. */
  amsgrad: boolean;
}

/** Options of {@link Adam} and {@link AdamW}. */
export interface AdamOptions extends Partial<AdamSettings>, OptimizerOptions {
  /** Default 1e-3. */
  readonly learningRate?: number;
}

const ADAM_OPTIONS: OptionKinds<AdamOptions> = {
  learningRate: "number",
  betas: "array",
  epsilon: "number",
  weightDecay: "number",
  amsgrad: "boolean",
  checkGradients: "boolean",
};

type AdamGroup = ParameterGroup<AdamSettings>;

/**
 * Adam. Kingma and Ba 2015, algorithm 1; PyTorch's `optim.Adam`, with weight decay added to the gradient. With
 * `amsgrad`, Reddi et al. 2018: sqrt(largest mean square so far) in place of sqrt(mean square).
 *
 * @throws Error for no parameters or one twice, RangeError for settings out of range
 * @example const optimizer = new Adam(model, { learningRate: 3e-4 })
 */
export class Adam extends Optimizer<AdamSettings> {
  static readonly className: string = "Adam";
  /** True where weight decay shrinks the weights instead of entering the gradient. */
  protected readonly decoupled: boolean = false;

  constructor(trainable: Trainable<AdamSettings>, options: AdamOptions = {}) {
    checkOptions(new.target.name, options, ADAM_OPTIONS);
    const {
      learningRate = 1e-3,
      betas = [0.9, 0.999],
      epsilon = 1e-8,
      weightDecay = 0,
      amsgrad = false,
    } = options;
    super(trainable, { learningRate, betas, epsilon, weightDecay, amsgrad }, options);
  }

  /** First beta of the first group: what a momentum schedule changes. */
  get momentum(): number {
    return this.groups[0]!.betas[0];
  }

  /** Sets the first beta of every group, such as by {@link oneCycleMomentum}. @throws RangeError outside [0, 1) */
  set momentum(momentum: number) {
    checkSetting(optimizerName(this), "momentum", momentum, 0, 1);
    for (const group of this.groups) group.betas = [momentum, group.betas[1]];
  }

  protected checkSettings({ betas, epsilon, weightDecay }: AdamGroup): void {
    const { name } = this.constructor;
    checkSetting(name, "betas[0]", betas[0], 0, 1);
    checkSetting(name, "betas[1]", betas[1], 0, 1);
    checkSetting(name, "epsilon", epsilon, 0, Number.POSITIVE_INFINITY);
    checkSetting(name, "weightDecay", weightDecay, 0, Number.POSITIVE_INFINITY);
  }

  protected slotNames({ amsgrad }: AdamGroup): readonly string[] {
    return amsgrad ? ["exp_avg", "exp_avg_sq", "max_exp_avg_sq"] : ["exp_avg", "exp_avg_sq"];
  }

  protected update(parameter: Parameter, gradient: Tensor, { steps, values }: Slots, group: AdamGroup): void {
    const { learningRate, betas, epsilon, weightDecay } = group;
    const [beta1, beta2] = betas;
    const step: AdamStep = {
      learningRate,
      beta1,
      beta2,
      epsilon,
      weightDecay,
      decoupled: this.decoupled,
      correction1: 1 - beta1 ** steps,
      correction2: 1 - beta2 ** steps,
    };
    const [mean, square, largest] = values as readonly [Tensor, Tensor, Tensor?];
    if (largest !== undefined) {
      stepAmsgrad(
        hostArray(parameter),
        hostArray(gradient),
        hostArray(mean),
        hostArray(square),
        hostArray(largest),
        step,
      );
      return;
    }
    if (parameter.backend.updates?.adam?.(parameter, gradient, mean, square, step)) return;
    stepAdam(hostArray(parameter), hostArray(gradient), hostArray(mean), hostArray(square), step);
  }
}

/**
 * Adam with decoupled weight decay: the weights shrink by learningRate weightDecay, whatever the gradient.
 * Loshchilov and Hutter 2019, algorithm 2; PyTorch's `optim.AdamW`.
 *
 * @throws Error for no parameters or one twice, RangeError for settings out of range
 * @example
 * const optimizer = new AdamW([
 *   { parameters: matrices },
 *   { parameters: biases, weightDecay: 0 },
 * ], { learningRate: 1e-3, weightDecay: 0.01 });
 */
export class AdamW extends Adam {
  static override readonly className: string = "AdamW";
  protected override readonly decoupled: boolean = true;

  constructor(trainable: Trainable<AdamSettings>, options: AdamOptions = {}) {
    checkOptions(new.target.name, options, ADAM_OPTIONS);
    super(trainable, { weightDecay: 0.01, ...definedOptions(options) });
  }
}

type Floats = Float32Array | Float64Array;

/** The rule, element by element, in PyTorch's order: decay, moments, step. */
function stepAdam(weights: Floats, gradient: Floats, mean: Floats, square: Floats, step: AdamStep): void {
  const { beta1, beta2, epsilon, correction1 } = step;
  const shrink = step.decoupled ? 1 - step.learningRate * step.weightDecay : 1;
  const penalty = step.decoupled ? 0 : step.weightDecay;
  const rate = step.learningRate / correction1;
  const root = Math.sqrt(step.correction2);
  for (let i = 0; i < weights.length; i++) {
    const w = weights[i]!;
    const g = gradient[i]! + penalty * w;
    const m = beta1 * mean[i]! + (1 - beta1) * g;
    const s = beta2 * square[i]! + (1 - beta2) * g * g;
    mean[i] = m;
    square[i] = s;
    weights[i] = w * shrink - (rate * m) / (Math.sqrt(s) / root + epsilon);
  }
}

/** `stepAdam`, dividing by the root of the largest mean square so far. PyTorch corrects that one by the bias too. */
function stepAmsgrad(
  weights: Floats,
  gradient: Floats,
  mean: Floats,
  square: Floats,
  largest: Floats,
  step: AdamStep,
): void {
  const { beta1, beta2, epsilon, correction1 } = step;
  const shrink = step.decoupled ? 1 - step.learningRate * step.weightDecay : 1;
  const penalty = step.decoupled ? 0 : step.weightDecay;
  const rate = step.learningRate / correction1;
  const root = Math.sqrt(step.correction2);
  for (let i = 0; i < weights.length; i++) {
    const w = weights[i]!;
    const g = gradient[i]! + penalty * w;
    const m = beta1 * mean[i]! + (1 - beta1) * g;
    const s = beta2 * square[i]! + (1 - beta2) * g * g;
    const l = Math.max(largest[i]!, s);
    mean[i] = m;
    square[i] = s;
    largest[i] = l;
    weights[i] = w * shrink - (rate * m) / (Math.sqrt(l) / root + epsilon);
  }
}
