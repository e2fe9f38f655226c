// Modules: objects whose public fields are parameters, buffers and further modules. Names come from the
// fields, in snake_case, so that a state dict reads as PyTorch's does. Read next: linear.ts for a layer,
// state-dict.ts for saving and loading, init.ts for how parameters get their first values.

import { type NamedArrays, type RandomState, stream, Tensor } from "@echo-ts/tensor";
import { Parameter, zeroGrad } from "../variable.ts";
import { drawParameter } from "./init.ts";
import { findMembers, joinName } from "./members.ts";
import {
  applyStateDict,
  collectStateDict,
  type LoadReport,
  type LoadStateOptions,
  type StateDict,
} from "./state-dict.ts";
import { formatSummary } from "./summary.ts";

/** A module that maps one tensor to one tensor, so that it can stand in a {@link Sequential}. */
export interface Layer extends Module {
  forward(x: Tensor): Tensor;
}

/** A tensor or module held by a module, and its name relative to that module. */
export interface Member {
  readonly name: string;
  readonly value: Tensor | Module;
  /** Puts another tensor in its place; parameters are never replaced. */
  readonly replace: (value: Tensor) => void;
}

/**
 * Base class of everything with parameters.
 *
 * Every public field counts: a `Parameter` is a parameter, any other `Tensor` is a buffer (saved, not trained),
 * a `Module` is a child; arrays, Maps, Sets and object literals of these count element by element. The name is the
 * field's in snake_case, then the index or key: field `selfAttnLayers` gives `self_attn_layers.0`. Values that should
 * not be saved, such as caches, belong in `#private` fields, which nobody can look into: a layer in one is never
 * initialised, and refuses to compute.
 *
 * @example
 * class Mlp extends Module {
 *   readonly hidden = new Linear(2, 16);
 *   readonly output = new Linear(16, 2);
 *   forward(x: Tensor): Tensor {
 *     return this.output.forward(tanh(this.hidden.forward(x)));
 *   }
 * }
 * const model = new Mlp().initialize(7);
 * [...(await model.stateDict()).keys()] // ["hidden.weight", "hidden.bias", "output.weight", "output.bias"]
 */
export abstract class Module {
  /** True while training (the default); dropout looks at it. Set it by {@link train} and {@link eval}. */
  training = true;

  /** The name in state dicts of a field of this class; override it where snake_case is not what a file uses. */
  protected memberName(field: string): string {
    return field.replace(/(?<=[a-z0-9])[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  }

  /** Called by {@link initialize} on every module of the tree; layers that draw numbers make their stream here. */
  protected seed(_seed: string | number, _name: string): void {}

  /** The layer's random streams for {@link randomState}; none by default. */
  protected saveRandom(): RandomState | null {
    return null;
  }

  /** Takes back what {@link saveRandom} gave. */
  protected restoreRandom(_state: RandomState): void {}

  /**
   * The tensors and modules held by this module itself, in the order of its fields.
   *
   * @throws Error if a field's value is an object of another class that holds some
   */
  members(): Member[] {
    const isMember = (value: unknown): value is Tensor | Module =>
      value instanceof Tensor || value instanceof Module;
    return findMembers(this, (field) => this.memberName(field), isMember);
  }

  /**
   * This module and all modules below it with their dotted names (its own is ""), each once.
   *
   * @throws Error if a module is its own ancestor
   */
  namedModules(): [name: string, module: Module][] {
    const seen = new Set<Module>();
    return this.#allModules("", []).filter(([, module]) => {
      const first = !seen.has(module);
      seen.add(module);
      return first;
    });
  }

  /** As {@link namedModules}, but a module held in two places is listed under both names. */
  #allModules(name: string, ancestors: readonly Module[]): [string, Module][] {
    if (ancestors.includes(this)) {
      throw new Error(
        `Module: "${name}" holds its own ancestor; keep references to parents in #private fields`,
      );
    }
    const below = this.members().flatMap(({ name: own, value }) =>
      value instanceof Module ? value.#allModules(joinName(name, own), [...ancestors, this]) : [],
    );
    return [[name, this], ...below];
  }

  /** All tensors of the tree with dotted names; one held in two places (tied weights) is listed under both. */
  namedTensors(): Member[] {
    return this.#allModules("", []).flatMap(([prefix, module]) =>
      module
        .members()
        .filter(({ value }) => value instanceof Tensor)
        .map((member) => ({ ...member, name: joinName(prefix, member.name) })),
    );
  }

  /** The parameters with their dotted names, each once, under its first name. */
  namedParameters(): [name: string, parameter: Parameter][] {
    const first = new Map<Parameter, string>();
    for (const { name, value } of this.namedTensors()) {
      if (value instanceof Parameter && !first.has(value)) first.set(value, name);
    }
    return [...first].map(([value, name]) => [name, value]);
  }

  /** The parameters, each once. */
  parameters(): Parameter[] {
    return this.namedParameters().map(([, value]) => value);
  }

  /** The buffers with their dotted names: tensors that are saved but not trained. */
  namedBuffers(): [name: string, buffer: Tensor][] {
    return this.namedTensors().flatMap(({ name, value }): [string, Tensor][] =>
      value instanceof Tensor && !(value instanceof Parameter) ? [[name, value]] : [],
    );
  }

  /** Number of trained values, tied ones counted once. */
  parameterCount(): number {
    return this.parameters().reduce((count, { size }) => count + size, 0);
  }

  /**
   * Draws all parameters that were declared with an initialiser, each from the stream `init/NAME` of its dotted
   * name, names the parameters, and gives layers such as dropout the streams they draw from. Call it on the
   * whole model: below another root the names, and so the draws, are others.
   *
   * @param seed any text or finite number
   * @returns this
   */
  initialize(seed: string | number): this {
    const named = this.namedParameters();
    checkDistinct(named.map(([name]) => name));
    for (const [name, value] of named) {
      value.name = name;
      drawParameter(value, stream(seed, `init/${name}`));
    }
    for (const [name, module] of this.namedModules()) module.seed(seed, name);
    return this;
  }

  /** The states of all random streams of the tree, for a checkpoint; plain JSON. */
  randomState(): Record<string, RandomState> {
    const states: Record<string, RandomState> = {};
    for (const [name, module] of this.namedModules()) {
      const state = module.saveRandom();
      if (state !== null) states[name] = state;
    }
    return states;
  }

  /**
   * Continues the random streams where {@link randomState} was taken.
   *
   * @throws RangeError if a state is damaged, or not one for each stream
   */
  restoreRandomState(states: Readonly<Record<string, RandomState>>): void {
    const drawing = this.namedModules().filter(([, module]) => module.saveRandom() !== null);
    const expected = drawing.map(([name]) => name);
    const missing = expected.filter((name) => !Object.hasOwn(states, name));
    const unexpected = Object.keys(states).filter((name) => !expected.includes(name));
    if (missing.length + unexpected.length > 0) {
      const list = (names: string[]): string => names.map((name) => `"${name}"`).join(", ") || "none";
      throw new RangeError(`restoreRandomState: missing: ${list(missing)}; unexpected: ${list(unexpected)}`);
    }
    for (const [name, module] of drawing) module.restoreRandom(states[name]!);
  }

  /** Sets the training mode of the whole tree. @param mode default true. @returns this */
  train(mode = true): this {
    for (const [, module] of this.namedModules()) module.training = mode;
    return this;
  }

  /** Sets the whole tree to evaluation: no dropout. @returns this */
  eval(): this {
    return this.train(false);
  }

  /** Forgets the gradients of all parameters. */
  zeroGrad(): void {
    zeroGrad(this.parameters());
  }

  /** Copies of all parameters and buffers under their dotted names, in PyTorch's layouts, as of the time of the call. */
  stateDict(): Promise<StateDict> {
    return collectStateDict(this);
  }

  /**
   * Copies named arrays into the parameters and buffers; nothing is changed if they do not fit.
   *
   * @param arrays such as `await stateDict()` or `readSafetensors(bytes).tensors`
   * @throws Error that lists missing, unexpected and mis-shaped entries
   */
  loadStateDict(arrays: NamedArrays, options: LoadStateOptions = {}): LoadReport {
    return applyStateDict(this, arrays, options);
  }

  /** A table of all modules: name, class, shapes and number of parameters. */
  summary(): string {
    return formatSummary(this);
  }
}

/** Two parameters of one name would be drawn alike and could not be saved. */
function checkDistinct(names: readonly string[]): void {
  const seen = new Set<string>();
  for (const name of names) {
    if (seen.has(name)) {
      throw new Error(
        `initialize: two parameters are named "${name}"; give one of the fields another memberName`,
      );
    }
    seen.add(name);
  }
}
