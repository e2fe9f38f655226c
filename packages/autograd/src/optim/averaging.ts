// Averages of a model's weights over the training: exponential (EMA) or equal (SWA).

import {
  type ArrayRecord,
  add,
  assign,
  copy,
  formatShape,
  mul,
  sub,
  type Tensor,
  tensor,
} from "@echo-ts/tensor";
import { checkOptions, lasting, wrongArgument } from "@echo-ts/tensor/internal";
import { Module } from "../nn/module.ts";
import { readRecords } from "../nn/state-dict.ts";
import { noGrad, type Parameter } from "../variable.ts";

/** Options of {@link WeightAverage}. */
export interface WeightAverageOptions {
  /**
   * Share of the average that an update keeps, in [0, 1), such as 0.999 (EMA). Null, the default, weighs all
   * updates alike (SWA).
   */
  readonly decay?: number | null;
}

/** What a {@link WeightAverage} remembers; all but `arrays` is plain JSON. */
export interface WeightAverageState {
  /** Updates so far. */
  readonly updates: number;
  /** Dotted name of the parameter -> average. */
  readonly arrays: ReadonlyMap<string, ArrayRecord>;
}

/**
 * Keeps an average of a model's parameters, which often generalises better than the last weights. Buffers, such as
 * the running statistics of batch norm, are not averaged: run some training batches through the model with the
 * averages in place to have them fit.
 *
 * With `decay`: average = decay average + (1 - decay) weights (Polyak and Juditsky 1992 in its exponential form).
 * Without: the mean of the weights at all updates (stochastic weight averaging, Izmailov et al. 2018). The first
 * update takes the weights as they are. PyTorch's `optim.swa_utils.AveragedModel`.
 *
 * @throws RangeError for a decay outside [0, 1)
 * @example
 * const average = new WeightAverage(model, { decay: 0.999 });
 * // after each optimizer.step():
 * average.update();
 * // evaluate with the averages, then go on training:
 * average.swap();
 * evaluate(model);
 * average.swap();
 */
export class WeightAverage {
  readonly #parameters: readonly (readonly [name: string, parameter: Parameter])[];
  readonly #averages: readonly Tensor[];
  readonly #decay: number | null;
  #updates = 0;
  #swapped = false;

  constructor(model: Module, options: WeightAverageOptions = {}) {
    if (!(model instanceof Module)) throw wrongArgument("WeightAverage", "model", "a module", model);
    checkOptions("WeightAverage", options, { decay: "number or null" });
    const { decay = null } = options;
    if (decay !== null && !(decay >= 0 && decay < 1)) {
      throw new RangeError(`WeightAverage: decay must be in [0, 1) or null, got ${decay}`);
    }
    this.#decay = decay;
    this.#parameters = model.namedParameters();
    this.#averages = this.#parameters.map(([, parameter]) => lasting.adopt(noGrad(() => copy(parameter))));
  }

  /** Updates so far. */
  get updates(): number {
    return this.#updates;
  }

  /**
   * Takes the model's present weights into the average.
   *
   * @throws Error while the averages are swapped in
   */
  update(): void {
    if (this.#swapped) {
      throw new Error("WeightAverage.update: the model holds the averages; call swap() before training on");
    }
    const share = this.#updates === 0 ? 1 : this.#decay === null ? 1 / (this.#updates + 1) : 1 - this.#decay;
    noGrad(() => {
      this.#parameters.forEach(([, parameter], i) => {
        const average = this.#averages[i]!;
        assign(average, share === 1 ? parameter : add(average, mul(sub(parameter, average), share)));
      });
    });
    this.#updates++;
  }

  /** Exchanges the model's weights and the averages; a second call puts them back. */
  swap(): void {
    noGrad(() => {
      this.#parameters.forEach(([, parameter], i) => {
        const weights = copy(parameter);
        parameter.assign(this.#averages[i]!);
        assign(this.#averages[i]!, weights);
      });
    });
    this.#swapped = !this.#swapped;
  }

  /**
   * A copy of the averages as of the time of the call, for a checkpoint.
   *
   * @throws Error while they are swapped in
   */
  async state(): Promise<WeightAverageState> {
    if (this.#swapped)
      throw new Error("WeightAverage.state: the model holds the averages; call swap() before");
    const updates = this.#updates;
    const arrays = await readRecords(this.#parameters.map(([name], i) => [name, this.#averages[i]!]));
    return { updates, arrays };
  }

  /**
   * Goes on from a saved state.
   *
   * @throws Error naming what does not fit; nothing is changed then
   */
  restore({ updates, arrays }: WeightAverageState): void {
    if (!Number.isInteger(updates) || updates < 0) {
      throw new Error(`WeightAverage.restore: updates is ${updates}, expected 0 or more`);
    }
    const names = new Set(this.#parameters.map(([name]) => name));
    for (const name of arrays.keys()) {
      if (!names.has(name)) throw new Error(`WeightAverage.restore: "${name}" is unexpected`);
    }
    const records = this.#parameters.map(([name, { shape }]) => {
      const record = arrays.get(name);
      if (record === undefined) throw new Error(`WeightAverage.restore: "${name}" is missing`);
      if (formatShape(record.shape) !== formatShape(shape)) {
        throw new Error(
          `WeightAverage.restore: "${name}" is ${formatShape(record.shape)}, expected ${formatShape(shape)}`,
        );
      }
      return record;
    });
    records.forEach(({ data, shape }, i) => {
      const { dtype, backend } = this.#averages[i]!;
      assign(this.#averages[i]!, tensor(data as Float32Array | Float64Array, { dtype, shape, backend }));
    });
    this.#updates = updates;
    this.#swapped = false;
  }
}
