// What all optimisers share: parameter groups, the loop over parameters, state that is saved and restored.
// The rules themselves are in sgd.ts, adam.ts and lion.ts; what is kept for a parameter in slots.ts.

import { ArgumentError, type ArrayRecord, BackendError, copy, type Tensor } from "@echo-ts/tensor";
import { definedOptions, describeValue, hostElements, isWhole, noteWrite } from "@echo-ts/tensor/internal";
import { GradientError } from "../errors.ts";
import { Module } from "../nn/module.ts";
import { readRecords } from "../nn/state-dict.ts";
import { noGrad, Parameter, zeroGrad } from "../variable.ts";
import { isAllFinite } from "./clip.ts";
import { checkGroup, checkSetting, type ParameterGroup, type Trainable, toGroups } from "./groups.ts";
import { ParameterSlots, type Slots } from "./slots.ts";

/** Options of every optimiser. */
export interface OptimizerOptions {
  /**
   * Look for NaN and infinity in all gradients before anything is written (default true). Costs one pass over
   * the gradients; `clipGradNorm` looks too. Gradients on a GPU are not looked at, for that would wait for
   * them: await `clipGradNorm` instead.
   */
  readonly checkGradients?: boolean;
}

/** Everything an optimiser remembers. All but `arrays` is plain JSON. */
export interface OptimizerState {
  /** Class of the optimiser, such as "AdamW". */
  readonly optimizer: string;
  /** Settings of each group, and the keys of its parameters. */
  readonly groups: readonly {
    readonly settings: Readonly<Record<string, unknown>>;
    readonly parameters: readonly string[];
  }[];
  /** Steps taken by each parameter that was updated so far. */
  readonly steps: Readonly<Record<string, number>>;
  /**
   * The slots of parameters that have others than their group's settings ask for, because a setting such as the
   * momentum was switched on or off after their last step; absent where there are none.
   */
  readonly slots?: Readonly<Record<string, readonly string[]>>;
  /** "PARAMETER.SLOT" -> values, such as "encoder.weight.exp_avg"; ready for a safetensors file. */
  readonly arrays: ReadonlyMap<string, ArrayRecord>;
}

/** Own name of a class: `className` where it has one, which a minifier leaves as it is, else what it is called. */
export function optimizerName({ constructor }: object): string {
  const own = Object.getOwnPropertyDescriptor(constructor, "className");
  return typeof own?.value === "string" ? own.value : constructor.name;
}

/**
 * Base class of the optimisers. Subclasses name their slots and write one parameter in `update`.
 *
 * @typeParam Settings what a group can set apart from the learning rate
 */
export abstract class Optimizer<Settings extends object> {
  /** The groups; their settings may be changed between steps. */
  readonly groups: readonly ParameterGroup<Settings>[];
  readonly #checkGradients: boolean;
  readonly #keys = new Map<Parameter, string>();
  readonly #taken = new Set<string>();
  readonly #slots = new Map<Parameter, ParameterSlots>();

  /**
   * @throws Error for no parameters, the same parameter twice, or one that was never initialised
   */
  constructor(
    trainable: Trainable<Settings>,
    defaults: Settings & { learningRate: number },
    { checkGradients = true }: OptimizerOptions = {},
  ) {
    this.groups = toGroups(this.#name, trainable).map((options) => {
      checkGroup(this.#name, options, defaults);
      const { parameters, ...own } = options;
      const learningRateScale = own.learningRateScale ?? 1;
      const scaled =
        learningRateScale === 1 ? defaults.learningRate : defaults.learningRate * learningRateScale;
      const learningRate = own.learningRate ?? scaled;
      const list = this.#adopt(parameters);
      // Sealed: a setting that does not exist, such as `lr`, cannot be written.
      return Object.seal({
        ...defaults,
        ...definedOptions(own),
        learningRate,
        learningRateScale,
        parameters: list,
      });
    });
    this.#checkGradients = checkGradients;
    if (this.#keys.size === 0) {
      throw new Error(
        `${this.#name}: expected at least one parameter, got none; pass a module, model.parameters() or groups of them`,
      );
    }
    this.#checkGroups();
  }

  #checkGroups(): void {
    for (const group of this.groups) {
      checkSetting(this.#name, "learningRate", group.learningRate, 0, Number.POSITIVE_INFINITY);
      checkSetting(this.#name, "learningRateScale", group.learningRateScale, 0, Number.POSITIVE_INFINITY);
      this.checkSettings(group);
    }
  }

  get #name(): string {
    return optimizerName(this);
  }

  /** Throws for settings out of range. */
  protected abstract checkSettings(group: ParameterGroup<Settings>): void;

  /** Names of the tensors kept for each parameter of the group, as PyTorch calls them. */
  protected abstract slotNames(group: ParameterGroup<Settings>): readonly string[];

  /** Writes one parameter in place. The gradient is dense, the whole of its storage, in the parameter's dtype. */
  protected abstract update(
    parameter: Parameter,
    gradient: Tensor,
    slots: Slots,
    group: ParameterGroup<Settings>,
  ): void;

  /** Takes the parameters of one group in, names them, and refuses what cannot be trained. */
  #adopt(parameters: Module | Iterable<Parameter>): Parameter[] {
    const named =
      parameters instanceof Module
        ? parameters.namedParameters()
        : Array.from(parameters, (p): [string, Parameter] => [p?.name, p]);
    for (const [name, parameter] of named) {
      if (!(parameter instanceof Parameter)) {
        throw new ArgumentError(`${this.#name}: expected Parameters, got ${describeValue(parameter)}`);
      }
      if (parameter.name === "") parameter.name = name;
      const index = this.#keys.size;
      if (this.#keys.has(parameter)) {
        throw new Error(`${this.#name}: parameter "${parameter.name || index}" appears twice`);
      }
      // `parameter` leaves NaN where nothing was drawn yet: all or nothing, so one element tells.
      if (parameter.backend.host && parameter.size > 0 && Number.isNaN(hostArray(parameter)[0])) {
        throw new Error(
          `${this.#name}: parameter "${parameter.name || index}" holds NaN; call model.initialize(seed) or load weights first`,
        );
      }
      const unique = parameter.name !== "" && !this.#taken.has(parameter.name);
      this.#keys.set(parameter, unique ? parameter.name : `${parameter.name}#${index}`);
      this.#taken.add(parameter.name);
    }
    return named.map(([, parameter]) => parameter);
  }

  /** Learning rate of the first group, without its scale. */
  get learningRate(): number {
    const { learningRate, learningRateScale } = this.groups[0]!;
    return learningRateScale === 0 ? 0 : learningRate / learningRateScale;
  }

  /** Sets the learning rate of every group, each times the group's `learningRateScale`. */
  set learningRate(rate: number) {
    checkSetting(this.#name, "learningRate", rate, 0, Number.POSITIVE_INFINITY);
    for (const group of this.groups) group.learningRate = rate * group.learningRateScale;
  }

  /** Forgets the gradients of all parameters and gives their memory back. */
  zeroGrad(): void {
    for (const { parameters } of this.groups) zeroGrad(parameters);
  }

  /**
   * Updates every parameter that has a gradient, in place: parameters stay the same objects. The gradients stay
   * too, until `zeroGrad`.
   *
   * @throws GradientError if a gradient is not finite (naming the parameter; nothing is written), or none exists;
   *   RangeError if a group's settings were changed to something out of range
   */
  step(): void {
    this.#checkGroups();
    let found = false;
    for (const { parameters } of this.groups) {
      for (const parameter of parameters) {
        const { grad } = parameter;
        if (grad === null) continue;
        found = true;
        if (this.#checkGradients && grad.backend.host && !isAllFinite(grad)) {
          throw new GradientError(
            `${this.#name}: the gradient of "${this.#keys.get(parameter)}" is not finite; nothing was updated. detectAnomaly(() => ...) names the op it came from`,
          );
        }
      }
    }
    if (!found) {
      throw new GradientError(
        `${this.#name}: no parameter has a gradient; call loss.backward() before step()`,
      );
    }
    for (const group of this.groups) {
      for (const parameter of group.parameters) {
        const { grad } = parameter;
        if (grad === null) continue;
        const slots = this.#slots.get(parameter) ?? new ParameterSlots(parameter);
        this.#slots.set(parameter, slots);
        slots.beginStep(this.slotNames(group));
        this.update(parameter, wholeGradient(parameter, grad), slots, group);
        noteWrite(parameter);
      }
    }
  }

  /**
   * A copy of all settings and slots, as of the time of the call; with it and the parameters training goes on as if
   * never interrupted.
   */
  async state(): Promise<OptimizerState> {
    const { tensors, ...state } = this.#snapshot();
    return { ...state, arrays: await readRecords(tensors) };
  }

  /** The state, its arrays still tensors. */
  #snapshot(): Omit<OptimizerState, "arrays"> & { readonly tensors: [string, Tensor][] } {
    const steps: Record<string, number> = {};
    const slots: [string, Tensor][] = [];
    const others: Record<string, readonly string[]> = {};
    const groups = this.groups.map((group) => {
      const { parameters, ...settings } = group;
      for (const parameter of parameters) {
        const own = this.#slots.get(parameter);
        if (own === undefined) continue;
        const key = this.#keys.get(parameter)!;
        steps[key] = own.steps;
        const names = [...own.tensors.keys()];
        if (names.join() !== this.slotNames(group).join()) others[key] = names;
        for (const [slot, values] of own.tensors) slots.push([`${key}.${slot}`, values]);
      }
      // Copied: the caller may wait before using them, and the group's change meanwhile.
      return {
        settings: { ...settings },
        parameters: parameters.map((parameter) => this.#keys.get(parameter)!),
      };
    });
    const state = { optimizer: this.#name, groups, steps, tensors: slots };
    return Object.keys(others).length === 0 ? state : { ...state, slots: others };
  }

  /**
   * Takes a state back. The groups must hold the same parameters in the same order; their settings are replaced.
   *
   * @throws Error naming what does not fit; nothing is changed then
   */
  restore(state: OptimizerState): void {
    const refuse = (reason: string): never => {
      throw new Error(`${this.#name}.restore: ${reason}`);
    };
    if (state.optimizer !== this.#name) refuse(`the state is that of ${state.optimizer}`);
    if (state.groups.length !== this.groups.length) {
      refuse(`expected ${this.groups.length} parameter groups, got ${state.groups.length}`);
    }
    const restored = new Map<Parameter, ParameterSlots>();
    const used = new Set<string>();
    this.groups.forEach((group, g) => {
      const saved = state.groups[g]!;
      const keys = group.parameters.map((parameter) => this.#keys.get(parameter)!);
      const differs = keys.findIndex((key, i) => key !== saved.parameters[i]);
      if (differs >= 0 || keys.length !== saved.parameters.length) {
        const at = differs >= 0 ? differs : keys.length;
        refuse(
          `group ${g}, parameter ${at}: expected "${keys[at] ?? "no more"}", got "${saved.parameters[at] ?? "no more"}"`,
        );
      }
      const settings = { ...group, ...saved.settings } as ParameterGroup<Settings>;
      group.parameters.forEach((parameter, i) => {
        const key = keys[i]!;
        const steps = state.steps[key];
        if (steps === undefined) return;
        if (!Number.isInteger(steps) || steps < 1)
          refuse(`steps of "${key}" is ${steps}, expected 1 or more`);
        const slots = new ParameterSlots(parameter, steps);
        for (const slot of state.slots?.[key] ?? this.slotNames(settings)) {
          const name = `${key}.${slot}`;
          const record = state.arrays.get(name) ?? refuse(`"${name}" is missing`);
          used.add(name);
          const { shape, dtype } = record;
          if (dtype !== parameter.dtype || shape.join() !== parameter.shape.join()) {
            const expected = `${parameter.dtype} [${parameter.shape.join(", ")}]`;
            refuse(`"${name}" is ${dtype} [${shape.join(", ")}], expected ${expected}`);
          }
          slots.put(slot, record);
        }
        restored.set(parameter, slots);
      });
    });
    for (const name of state.arrays.keys()) if (!used.has(name)) refuse(`"${name}" is unexpected`);
    this.groups.forEach((group, g) => {
      Object.assign(group, state.groups[g]!.settings);
    });
    this.#slots.clear();
    for (const [parameter, slots] of restored) this.#slots.set(parameter, slots);
  }
}

/** The gradient with memory of its own, in the parameter's dtype. */
function wholeGradient(parameter: Parameter, grad: Tensor): Tensor {
  if (isWhole(grad) && grad.dtype === parameter.dtype) return grad;
  return noGrad(() => copy(grad.cast(parameter.dtype)));
}

/**
 * The elements of a parameter, its gradient or its slots in host memory, for the plain loops.
 *
 * @throws BackendError where the memory cannot be reached
 */
export function hostArray(x: Tensor): Float32Array | Float64Array {
  if (!x.backend.host) {
    throw new BackendError(
      `optimizer: parameters on backend "${x.backend.name}" cannot be updated in place; train on a backend that computes in host memory, such as wasm or reference`,
    );
  }
  return hostElements(x) as Float32Array | Float64Array;
}
