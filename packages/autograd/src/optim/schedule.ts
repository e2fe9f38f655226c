// Learning rates as functions of the step, and one that looks at a metric.

/**
 * A learning rate for each step, counted from 0. It remembers nothing, so a resumed training needs the step only.
 *
 * @example optimizer.learningRate = schedule(step)
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
export function linearSchedule({ from, to, steps }: LinearScheduleOptions): Schedule {
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
export function cosineSchedule({ peak, warmupSteps = 0, steps, floor = 0 }: CosineScheduleOptions): Schedule {
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
export function stepSchedule({ initial, every, factor = 0.1 }: StepScheduleOptions): Schedule {
  checkSteps("stepSchedule", "every", every, 1);
  return (step) => initial * factor ** Math.floor(step / every);
}

function checkSteps(schedule: string, name: string, value: number, least: number): void {
  if (Number.isInteger(value) && value >= least) return;
  throw new RangeError(`${schedule}: ${name} must be an integer of at least ${least}, got ${value}`);
}

/** Options of {@link PlateauSchedule}. */
export interface PlateauOptions {
  readonly initial: number;
  /** Whether a smaller ("min", default) or larger ("max") metric is better. */
  readonly mode?: "min" | "max";
  /** What the learning rate is multiplied by on a plateau, in (0, 1); default 0.1. */
  readonly factor?: number;
  /** Metrics without improvement that are put up with; default 10. */
  readonly patience?: number;
  /** Relative change that counts as an improvement; default 1e-4. */
  readonly threshold?: number;
  /** Metrics after a reduction during which none are counted; default 0. */
  readonly cooldown?: number;
  /** The learning rate stays at or above this; default 0. */
  readonly floor?: number;
}

/** What a {@link PlateauSchedule} remembers: plain JSON. */
export interface PlateauState {
  readonly learningRate: number;
  /** The best metric so far, or null before the first. */
  readonly best: number | null;
  readonly badMetrics: number;
  readonly cooldownLeft: number;
}

/**
 * Lowers the learning rate when a metric stops improving. PyTorch's `ReduceLROnPlateau` with a relative threshold.
 *
 * @throws RangeError for a factor outside (0, 1)
 * @example optimizer.learningRate = plateau.update(validationLoss)
 */
export class PlateauSchedule {
  readonly #options: Required<PlateauOptions>;
  #state: PlateauState;

  constructor(options: PlateauOptions) {
    const defaults = {
      mode: "min",
      factor: 0.1,
      patience: 10,
      threshold: 1e-4,
      cooldown: 0,
      floor: 0,
    } as const;
    this.#options = { ...defaults, ...options };
    const { factor, initial } = this.#options;
    if (!(factor > 0 && factor < 1)) {
      throw new RangeError(`PlateauSchedule: factor must be in (0, 1), got ${factor}`);
    }
    this.#state = { learningRate: initial, best: null, badMetrics: 0, cooldownLeft: 0 };
  }

  get learningRate(): number {
    return this.#state.learningRate;
  }

  /**
   * Takes a new metric in.
   *
   * @returns the learning rate from now on
   * @throws RangeError if the metric is NaN
   */
  update(metric: number): number {
    if (Number.isNaN(metric)) throw new RangeError("PlateauSchedule: the metric is NaN");
    const { factor, patience, cooldown, floor } = this.#options;
    let { learningRate, best, badMetrics, cooldownLeft } = this.#state;
    if (best === null || this.#improves(metric, best)) {
      best = metric;
      badMetrics = 0;
    } else badMetrics++;
    if (cooldownLeft > 0) {
      cooldownLeft--;
      badMetrics = 0;
    }
    if (badMetrics > patience) {
      learningRate = Math.max(learningRate * factor, floor);
      cooldownLeft = cooldown;
      badMetrics = 0;
    }
    this.#state = { learningRate, best, badMetrics, cooldownLeft };
    return learningRate;
  }

  #improves(metric: number, best: number): boolean {
    const { mode, threshold } = this.#options;
    return mode === "min" ? metric < best * (1 - threshold) : metric > best * (1 + threshold);
  }

  /** For a checkpoint. */
  state(): PlateauState {
    return this.#state;
  }

  /** Goes on from a saved state. */
  restore(state: PlateauState): void {
    this.#state = { ...state };
  }
}
