// A learning rate that looks at a metric: it falls when the metric stops improving.

import { checkOptions, definedOptions, type OptionKinds, wrongArgument } from "@echo-ts/tensor/internal";
import { checkFinite, checkSteps } from "./schedule.ts";

/** Options of {@link PlateauSchedule}. */
export interface PlateauOptions {
  readonly initial: number;
  /** Whether a smaller ("min", default) or larger ("max") metric is better. */
  readonly mode?: "min" | "max";
  /** What the learning rate is multiplied by on a plateau, in (0, 1); default 0.1. */
  readonly factor?: number;
  /** Metrics without improvement that are put up with; default 10. */
  readonly patience?: number;
  /** Change that counts as an improvement, as a share of the best metric's magnitude; default 1e-4. */
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

const PLATEAU_OPTIONS: OptionKinds<PlateauOptions> = {
  initial: "number",
  mode: ["min", "max"],
  factor: "number",
  patience: "number",
  threshold: "number",
  cooldown: "number",
  floor: "number",
};

/**
 * Lowers the learning rate when a metric stops improving. PyTorch's `ReduceLROnPlateau` with a relative threshold,
 * except for negative metrics such as log likelihoods: there PyTorch's best (1 - threshold) lies on the wrong side
 * of the best, so that a worse metric counts as an improvement.
 *
 * @throws RangeError for options out of range
 * @example optimizer.learningRate = plateau.update(validationLoss)
 */
export class PlateauSchedule {
  readonly #options: Required<PlateauOptions>;
  #state: PlateauState;

  constructor(options: PlateauOptions) {
    checkOptions("PlateauSchedule", options, PLATEAU_OPTIONS);
    const defaults = {
      mode: "min",
      factor: 0.1,
      patience: 10,
      threshold: 1e-4,
      cooldown: 0,
      floor: 0,
    } as const;
    const { initial } = options;
    this.#options = { ...defaults, ...definedOptions(options), initial };
    const { factor, patience, threshold, cooldown, floor } = this.#options;
    if (!(factor > 0 && factor < 1)) {
      throw new RangeError(`PlateauSchedule: factor must be in (0, 1), got ${factor}`);
    }
    checkSteps("PlateauSchedule", "patience", patience, 0);
    checkSteps("PlateauSchedule", "cooldown", cooldown, 0);
    checkFinite("PlateauSchedule", { initial, floor });
    if (!(threshold >= 0 && threshold < Number.POSITIVE_INFINITY)) {
      throw new RangeError(`PlateauSchedule: threshold must be a number of at least 0, got ${threshold}`);
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
   * @throws RangeError if the metric is NaN, ArgumentError if it is no number
   */
  update(metric: number): number {
    if (typeof metric !== "number") throw wrongArgument("PlateauSchedule", "the metric", "a number", metric);
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
    const share = best < 0 ? -threshold : threshold;
    return mode === "min" ? metric < best * (1 - share) : metric > best * (1 + share);
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
