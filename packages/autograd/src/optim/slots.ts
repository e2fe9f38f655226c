// What an optimiser remembers for one parameter: how often it was updated, and tensors of its shape by name.
// Read next: sgd.ts.

import { type ArrayRecord, type Tensor, tensor, zerosLike } from "@echo-ts/tensor";
import { lasting } from "@echo-ts/tensor/internal";
import { noGrad, type Parameter } from "../variable.ts";

/** What a rule is given for one parameter. */
export interface Slots {
  /** Updates so far, this one included. */
  readonly steps: number;
  /** One tensor per slot name, shaped like the parameter. */
  readonly values: readonly Tensor[];
  /** True if some of the values were made for this step and are zeros: at the first one, or where a setting asks for more. */
  readonly fresh: boolean;
}

/** {@link Slots}, and tensors kept from when the settings asked for others. */
export class ParameterSlots implements Slots {
  steps: number;
  values: readonly Tensor[] = [];
  fresh: boolean = false;
  /** Every tensor that was ever needed, in the order in which they were. */
  readonly tensors: Map<string, Tensor> = new Map();
  readonly #parameter: Parameter;
  /** Names of `values`. */
  #names: readonly string[] = [];

  constructor(parameter: Parameter, steps = 0) {
    this.#parameter = parameter;
    this.steps = steps;
  }

  /**
   * Counts a step and gives it the slots of these names. The settings may have changed since the last one: what
   * is new begins at zero, what is not needed now is kept.
   */
  beginStep(names: readonly string[]): void {
    this.steps++;
    this.fresh = false;
    if (names.length === this.#names.length && names.every((name, i) => name === this.#names[i])) return;
    this.values = names.map((name) => {
      const known = this.tensors.get(name);
      if (known !== undefined) return known;
      this.fresh = true;
      const made = lasting.adopt(noGrad(() => zerosLike(this.#parameter)));
      this.tensors.set(name, made);
      return made;
    });
    this.#names = names;
  }

  /** Takes a saved slot back. */
  put(name: string, { data, shape }: ArrayRecord): void {
    const { dtype, backend } = this.#parameter;
    const copy = tensor(data as Float32Array | Float64Array, { dtype, shape, backend });
    this.tensors.set(name, lasting.adopt(copy));
  }
}
