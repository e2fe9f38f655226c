// Parameter groups: what an optimiser can be made for, and the settings of each part.
// Read next: optimizer.ts.

import { ArgumentError } from "@echo-ts/tensor";
import { checkOptions, describeValue, type OptionKind, type OptionKinds } from "@echo-ts/tensor/internal";
import { Module } from "../nn/module.ts";
import { Parameter } from "../variable.ts";

/** What every group has. */
export interface GroupSettings {
  /** Size of a step; schedules write it, see `Optimizer.learningRate`. */
  learningRate: number;
  /** What the optimiser's learning rate is multiplied by in this group; default 1. */
  learningRateScale: number;
}

/** Settings shared by some parameters, with these. */
export type ParameterGroup<Settings> = Settings &
  GroupSettings & { readonly parameters: readonly Parameter[] };

/** Parameters and the settings in which they differ from the optimiser's. */
export type GroupOptions<Settings> = Partial<Settings & GroupSettings> & {
  readonly parameters: Module | Iterable<Parameter>;
};

/** What an optimiser can be made for: a module, parameters, or groups of them. */
export type Trainable<Settings> = Module | Iterable<Parameter> | Iterable<GroupOptions<Settings>>;

/**
 * The groups that a {@link Trainable} stands for.
 *
 * @throws ArgumentError for anything else
 */
export function toGroups<Settings>(
  optimizer: string,
  trainable: Trainable<Settings>,
): GroupOptions<Settings>[] {
  if (trainable instanceof Module) return [{ parameters: trainable } as GroupOptions<Settings>];
  if (typeof trainable !== "object" || trainable === null || !(Symbol.iterator in trainable)) {
    throw new ArgumentError(
      `${optimizer}: expected a module, a list of parameters or a list of groups, got ${describeValue(trainable)}`,
    );
  }
  const items = [...trainable];
  const isGroup = (item: Parameter | GroupOptions<Settings>): item is GroupOptions<Settings> =>
    typeof item === "object" &&
    item !== null &&
    !(item instanceof Parameter) &&
    "parameters" in item &&
    !(item instanceof Module);
  if (items.length > 0 && items.every(isGroup)) return items;
  return [{ parameters: items as Parameter[] } as unknown as GroupOptions<Settings>];
}

/**
 * Refuses settings of a group that the optimiser does not have.
 *
 * @param defaults the optimiser's settings: a group's are of the same kinds
 * @throws ArgumentError
 */
export function checkGroup<Settings extends object>(
  optimizer: string,
  group: GroupOptions<Settings>,
  defaults: Settings & { learningRate: number },
): void {
  const kinds: Record<string, OptionKind> = {};
  for (const [key, value] of Object.entries<unknown>({ ...defaults })) {
    const kind = Array.isArray(value) ? "array" : typeof value;
    kinds[key] = kind === "number" || kind === "boolean" || kind === "array" ? kind : "any";
  }
  const own = { learningRate: "number", learningRateScale: "number", parameters: "any" } as const;
  checkOptions<object>(`${optimizer} group`, group, { ...kinds, ...own } as OptionKinds<object>);
}

/**
 * Refuses a setting outside [low, high) by name; NaN too.
 *
 * @throws RangeError
 */
export function checkSetting(
  optimizer: string,
  name: string,
  value: number,
  low: number,
  high: number,
): void {
  if (typeof value === "number" && value >= low && value < high) return;
  const limit = high === Number.POSITIVE_INFINITY ? `of at least ${low}` : `in [${low}, ${high})`;
  throw new RangeError(`${optimizer}: ${name} must be a number ${limit}, got ${value}`);
}
