// Parameter groups: what an optimiser can be made for, and the settings of each part.
// Read next: optimizer.ts.

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

/** The groups that a {@link Trainable} stands for. */
export function toGroups<Settings>(trainable: Trainable<Settings>): GroupOptions<Settings>[] {
  if (trainable instanceof Module) return [{ parameters: trainable } as GroupOptions<Settings>];
  const items = [...trainable];
  const isGroup = (item: Parameter | GroupOptions<Settings>): item is GroupOptions<Settings> =>
    !(item instanceof Parameter) && "parameters" in item && !(item instanceof Module);
  if (items.length > 0 && items.every(isGroup)) return items;
  return [{ parameters: items as Parameter[] } as unknown as GroupOptions<Settings>];
}

/** Without the keys whose value is undefined, which would hide a default. */
export function definedOnly<T extends object>(options: T): Partial<T> {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as Partial<T>;
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
