// What all optimisers share: parameter groups, the loop over parameters, state that is saved and restored.
// The rules themselves are in sgd.ts, adam.ts and lion.ts.

import {
  type ArrayRecord,
  BackendError,
  contiguous,
  type Storage,
  type Tensor,
  tensor,
  zerosLike,
} from "@echo-ts/tensor";
import { GradientError } from "../errors.ts";
import { Module } from "../nn/module.ts";
import { noGrad, Parameter, zeroGrad } from "../variable.ts";
import { isAllFinite } from "./clip.ts";
import { checkSetting, definedOnly, type ParameterGroup, type Trainable, toGroups } from "./groups.ts";

/** Options of every optimiser. */
export interface OptimizerOptions {
  /**
   * Look for NaN and infinity in all gradients before anything is written (default true). Costs one pass over
   * the gradients; `clipGradNorm` looks too. Gradients on a GPU are not looked at, for that would wait for
   * them: await `clipGradNormAsync` instead.
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
  /** "PARAMETER.SLOT" -> values, such as "encoder.weight.exp_avg"; ready for a safetensors file. */
  readonly arrays: ReadonlyMap<string, ArrayRecord>;
}

/** What is remembered for one parameter. */
export interface Slots {
  /** Updates so far, this one included. */
  steps: number;
  /** One tensor per slot name, shaped like the parameter. */
  readonly values: readonly Tensor[];
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
  readonly #slots = new Map<Parameter, Slots>();

  /**
   * @throws Error for no parameters, the same parameter twice, or one that was never initialised
   */
  constructor(
    trainable: Trainable<Settings>,
    defaults: Settings & { learningRate: number },
    { checkGradients = true }: OptimizerOptions = {},
  ) {
    const options = toGroups(trainable);
    this.groups = options.map(({ parameters, ...own }) => {
      const learningRateScale = own.learningRateScale ?? 1;
      const learningRate = own.learningRate ?? defaults.learningRate * learningRateScale;
      const list = this.#adopt(parameters);
      return { ...defaults, ...definedOnly(own), learningRate, learningRateScale, parameters: list };
    });
    this.#checkGradients = checkGradients;
    if (this.#keys.size === 0) {
      throw new Error(
        `${this.#name}: expected at least one parameter, got none; pass a module, model.parameters() or groups of them`,
      );
    }
    for (const group of this.groups) {
      checkSetting(this.#name, "learningRate", group.learningRate, 0, Number.POSITIVE_INFINITY);
      this.checkSettings(group);
    }
  }

  get #name(): string {
    return this.constructor.name;
  }

  /** Throws for settings out of range. */
  protected abstract checkSettings(group: ParameterGroup<Settings>): void;

  /** Names of the tensors kept for each parameter of the group, as PyTorch calls them. */
  protected abstract slotNames(group: ParameterGroup<Settings>): readonly string[];

  /** Writes one parameter in place. The gradient's storage is dense, and of the parameter's dtype and length. */
  protected abstract update(
    parameter: Parameter,
    gradient: Storage,
    slots: Slots,
    group: ParameterGroup<Settings>,
  ): void;

  /** Takes the parameters of one group in, names them, and refuses what cannot be trained. */
  #adopt(parameters: Module | Iterable<Parameter>): Parameter[] {
    const named =
      parameters instanceof Module
        ? parameters.namedParameters()
        : Array.from(parameters, (p): [string, Parameter] => [p.name, p]);
    for (const [name, parameter] of named) {
      if (!(parameter instanceof Parameter)) {
        throw new TypeError(`${this.#name}: expected Parameters, got ${typeOf(parameter)}`);
      }
      if (parameter.name === "") parameter.name = name;
      const index = this.#keys.size;
      if (this.#keys.has(parameter)) {
        throw new Error(`${this.#name}: parameter "${parameter.name || index}" appears twice`);
      }
      // `parameter` leaves NaN where nothing was drawn yet: all or nothing, so one element tells.
      if (parameter.backend.host && parameter.size > 0 && Number.isNaN(parameter.storage.data[0])) {
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
   * @throws GradientError if a gradient is not finite (naming the parameter; nothing is written), or none exists
   */
  step(): void {
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
        const slots = this.#slotsOf(parameter, group);
        slots.steps++;
        this.update(parameter, denseStorage(parameter, grad), slots, group);
        parameter.storage.version++;
      }
    }
  }

  #slotsOf(parameter: Parameter, group: ParameterGroup<Settings>): Slots {
    let slots = this.#slots.get(parameter);
    if (slots === undefined) {
      const values = this.slotNames(group).map(() => keptZeros(parameter));
      slots = { steps: 0, values };
      this.#slots.set(parameter, slots);
    }
    return slots;
  }

  /**
   * A copy of all settings and slots; with it and the parameters training goes on as if never interrupted.
   *
   * @throws BackendError on backends that cannot be read at once; there `stateAsync` gives it
   */
  state(): OptimizerState {
    const { slots, ...state } = this.#snapshot();
    const arrays = new Map<string, ArrayRecord>();
    for (const [name, values] of slots) {
      const { dtype, shape, backend } = values;
      if (!backend.host) {
        throw new BackendError(
          `${this.#name}.state: "${name}" is on backend "${backend.name}", which cannot be read at once; use await stateAsync()`,
        );
      }
      arrays.set(name, { dtype, shape: [...shape], data: values.dataSync() });
    }
    return { ...state, arrays };
  }

  /** `state` for every backend, a GPU too: the state at the time of the call, once it has been read. */
  async stateAsync(): Promise<OptimizerState> {
    const { slots, ...state } = this.#snapshot();
    const arrays = await Promise.all(
      slots.map(async ([name, values]): Promise<[string, ArrayRecord]> => {
        const { dtype, shape } = values;
        return [name, { dtype, shape: [...shape], data: await values.data() }];
      }),
    );
    return { ...state, arrays: new Map(arrays) };
  }

  /** The state, its arrays still tensors. */
  #snapshot(): Omit<OptimizerState, "arrays"> & { readonly slots: [string, Tensor][] } {
    const steps: Record<string, number> = {};
    const slots: [string, Tensor][] = [];
    const groups = this.groups.map((group) => {
      const { parameters, ...settings } = group;
      for (const parameter of parameters) {
        const own = this.#slots.get(parameter);
        if (own === undefined) continue;
        const key = this.#keys.get(parameter)!;
        steps[key] = own.steps;
        this.slotNames(group).forEach((slot, i) => {
          slots.push([`${key}.${slot}`, own.values[i]!]);
        });
      }
      // Copied: the caller may wait before using them, and the group's change meanwhile.
      return {
        settings: { ...settings },
        parameters: parameters.map((parameter) => this.#keys.get(parameter)!),
      };
    });
    return { optimizer: this.#name, groups, steps, slots };
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
    const restored = new Map<Parameter, Slots>();
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
        const values = this.slotNames(settings).map((slot) => {
          const name = `${key}.${slot}`;
          const record = state.arrays.get(name);
          used.add(name);
          if (record === undefined) return refuse(`"${name}" is missing`);
          const { shape, dtype } = record;
          if (dtype !== parameter.dtype || shape.join() !== parameter.shape.join()) {
            const expected = `${parameter.dtype} [${parameter.shape.join(", ")}]`;
            return refuse(`"${name}" is ${dtype} [${shape.join(", ")}], expected ${expected}`);
          }
          return keptCopy(parameter, record);
        });
        restored.set(parameter, { steps, values });
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

function typeOf(value: unknown): string {
  return value === null ? "null" : typeof value === "object" ? value.constructor.name : typeof value;
}

/** A tensor that lives as long as the optimiser; no tape may give its memory back. */
function keptZeros(parameter: Parameter): Tensor {
  const zeros = noGrad(() => zerosLike(parameter));
  zeros.storage.pinned = true;
  zeros.storage.backend.hold?.(zeros.storage);
  return zeros;
}

function keptCopy(parameter: Parameter, { data, shape }: ArrayRecord): Tensor {
  const { dtype, backend } = parameter;
  const copy = tensor(data as Float32Array | Float64Array, { dtype, shape, backend });
  copy.storage.pinned = true;
  return copy;
}

/** The gradient's elements as a storage of their own, in the parameter's dtype. */
function denseStorage(parameter: Parameter, grad: Tensor): Storage {
  const { storage } = grad;
  if (grad.isContiguous && storage.length === parameter.size && storage.dtype === parameter.dtype)
    return storage;
  return noGrad(() => {
    const cast = contiguous(grad.cast(parameter.dtype));
    return cast.storage.length === cast.size ? cast.storage : cast.add(0).storage;
  });
}

/**
 * The elements of storages in host memory, for the plain loops.
 *
 * @throws BackendError where the memory cannot be reached
 */
export function hostArray(storage: Storage): Float32Array | Float64Array {
  if (!storage.backend.host) {
    throw new BackendError(
      `optimizer: parameters on backend "${storage.backend.name}" cannot be updated in place; train on a backend that computes in host memory, such as wasm or reference`,
    );
  }
  return storage.data as Float32Array | Float64Array;
}
