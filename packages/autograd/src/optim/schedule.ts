// Learning rates as functions of the step. Read next: one-cycle.ts, and plateau.ts for one that looks at a metric.

import { checkOptions } from "@echo-ts/tensor/internal";

/**
 * A learning rate for each step, counted from 0, or another setting that is a number, such as the momentum. It
 * remembers nothing, so a resumed training needs the step only.
 *
 * @example
 * optimizer.learningRate = schedule(step);
 * optimizer.momentum = linearSchedule({ from: 0.85, to: 0.95, steps: 500 })(step);
 */
export type Schedule = (step: number) => number;

/**
 * The same learning rate always.
 *
 * @example constantSchedule(0.1)(1000) // 0.1
 */
export function constantSchedule(learningRate: number): Schedule {
  return () => learningRate;
}

/** Options of {@link linearSchedule}. */
export interface LinearScheduleOptions {
  readonly from: number;
  readonly to: number;
  /** Steps from one to the other; `to` afterwards. */
  readonly steps: number;
}

/** A straight line. @throws RangeError unless steps is at least 1 */
export function linearSchedule(options: LinearScheduleOptions): Schedule {
  checkOptions("linearSchedule", options, { from: "number", to: "number", steps: "number" });
  const { from, to, steps } = options;
  checkFinite("linearSchedule", { from, to });
  checkSteps("linearSchedule", "steps", steps, 1);
  return (step) => from + (to - from) * Math.min(1, step / steps);
}

/** Options of {@link cosineSchedule}. */
export interface CosineScheduleOptions {
  /** The largest learning rate. */
  readonly peak: number;
  /** Steps that rise from 0 to the peak; default 0. The very first of them has learning rate 0. */
  readonly warmupSteps?: number;
  /** All steps, warm-up included. */
  readonly steps: number;
  /** The learning rate at the end and afterwards; default 0. */
  readonly floor?: number;
}

/**
 * A linear rise, then half a cosine down. Loshchilov and Hutter 2017 without restarts:
 * peak s / W for s < W, then floor + (peak - floor) (1 + cos(pi (s - W) / (N - W))) / 2.
 *
 * @throws RangeError unless 0 <= warmupSteps < steps
 */
export function cosineSchedule(options: CosineScheduleOptions): Schedule {
  checkOptions("cosineSchedule", options, {
    peak: "number",
    warmupSteps: "number",
    steps: "number",
    floor: "number",
  });
  const { peak, warmupSteps = 0, steps, floor = 0 } = options;
  checkFinite("cosineSchedule", { peak, floor });
  checkSteps("cosineSchedule", "warmupSteps", warmupSteps, 0);
  checkSteps("cosineSchedule", "steps", steps, warmupSteps + 1);
  return (step) => {
    if (step < warmupSteps) return (peak * step) / warmupSteps;
    const done = Math.min(1, (step - warmupSteps) / (steps - warmupSteps));
    return floor + (peak - floor) * 0.5 * (1 + Math.cos(Math.PI * done));
  };
}

/** Options of {@link stepSchedule}. */
export interface StepScheduleOptions {
  readonly initial: number;
  /** Steps between two changes. */
  readonly every: number;
  /** What the learning rate is multiplied by then; default 0.1. */
  readonly factor?: number;
}

/** A staircase. PyTorch's `StepLR`. @throws RangeError unless every is at least 1 */
export function stepSchedule(options: StepScheduleOptions): Schedule {
  checkOptions("stepSchedule", options, { initial: "number", every: "number", factor: "number" });
  const { initial, every, factor = 0.1 } = options;
  checkFinite("stepSchedule", { initial, factor });
  checkSteps("stepSchedule", "every", every, 1);
  return (step) => initial * factor ** Math.floor(step / every);
}

/** Refuses numbers of steps that are not integers of at least `least`. @throws RangeError */
export function checkSteps(schedule: string, name: string, value: number, least: number): void {
  if (Number.isInteger(value) && value >= least) return;
  throw new RangeError(`${schedule}: ${name} must be an integer of at least ${least}, got ${value}`);
}

/** Refuses values that are not finite numbers, by name. @throws RangeError */
export function checkFinite(schedule: string, values: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(values)) {
    if (Number.isFinite(value)) continue;
    throw new RangeError(`${schedule}: ${name} must be a finite number, got ${value}`);
  }
}
