// The one-cycle policy: the learning rate rises once and falls once, the momentum the other way round.

import { checkOptions, type OptionKinds } from "@echo-ts/tensor/internal";
import { checkFinite, checkSteps, type Schedule } from "./schedule.ts";

/** Options that {@link oneCycleSchedule} and {@link oneCycleMomentum} share. */
export interface CycleOptions {
  /** All steps of the training; the last values stay afterwards. */
  readonly steps: number;
  /** Share of the steps until the turn, in (0, 1); default 0.3. */
  readonly riseShare?: number;
  /** Along half a cosine (default) or a straight line. */
  readonly shape?: "cosine" | "linear";
}

/** Options of {@link oneCycleSchedule}. */
export interface OneCycleOptions extends CycleOptions {
  /** The largest learning rate. */
  readonly peak: number;
  /** The first learning rate is peak / startDivisor; default 25. */
  readonly startDivisor?: number;
  /** The last one is the first / endDivisor; default 1e4. */
  readonly endDivisor?: number;
}

/** Options of {@link oneCycleMomentum}. */
export interface OneCycleMomentumOptions extends CycleOptions {
  /** The momentum where the learning rate is largest; default 0.85. */
  readonly low?: number;
  /** The momentum at both ends; default 0.95. */
  readonly high?: number;
}

const CYCLE_OPTIONS = { steps: "number", riseShare: "number", shape: ["cosine", "linear"] } as const;
const ONE_CYCLE_OPTIONS: OptionKinds<OneCycleOptions> = {
  ...CYCLE_OPTIONS,
  peak: "number",
  startDivisor: "number",
  endDivisor: "number",
};
const MOMENTUM_OPTIONS: OptionKinds<OneCycleMomentumOptions> = {
  ...CYCLE_OPTIONS,
  low: "number",
  high: "number",
};

/**
 * One rise to the peak and one long fall. Smith and Topin 2019; PyTorch's `OneCycleLR` in its two-phase form: the
 * peak is at step riseShare steps - 1, the end at step steps - 1.
 *
 * @throws RangeError for numbers out of range
 * @example oneCycleSchedule({ peak: 1, steps: 100 })(29) // 1
 */
export function oneCycleSchedule(options: OneCycleOptions): Schedule {
  checkOptions("oneCycleSchedule", options, ONE_CYCLE_OPTIONS);
  const { peak, startDivisor = 25, endDivisor = 1e4 } = options;
  checkFinite("oneCycleSchedule", { peak });
  for (const [name, value] of Object.entries({ startDivisor, endDivisor })) {
    if (!(value > 0)) throw new RangeError(`oneCycleSchedule: ${name} must be above 0, got ${value}`);
  }
  const start = peak / startDivisor;
  return cycle("oneCycleSchedule", options, start, peak, start / endDivisor);
}

/**
 * The momentum beside {@link oneCycleSchedule}: down while the learning rate rises, up while it falls. PyTorch's
 * `OneCycleLR` with `cycle_momentum`.
 *
 * @throws RangeError for numbers out of range
 * @example
 * optimizer.learningRate = rate(step);
 * optimizer.momentum = momentum(step); // of SGD, or the first beta of Adam, AdamW and Lion
 */
export function oneCycleMomentum(options: OneCycleMomentumOptions): Schedule {
  checkOptions("oneCycleMomentum", options, MOMENTUM_OPTIONS);
  const { low = 0.85, high = 0.95 } = options;
  checkFinite("oneCycleMomentum", { low, high });
  return cycle("oneCycleMomentum", options, high, low, high);
}

/** From `start` to `turn` and on to `end`. */
function cycle(
  name: string,
  { steps, riseShare = 0.3, shape = "cosine" }: CycleOptions,
  start: number,
  turn: number,
  end: number,
): Schedule {
  checkSteps(name, "steps", steps, 2);
  if (!(riseShare > 0 && riseShare < 1)) {
    throw new RangeError(`${name}: riseShare must be in (0, 1), got ${riseShare}`);
  }
  const top = riseShare * steps - 1;
  const last = steps - 1;
  const between = (from: number, to: number, share: number): number =>
    shape === "linear"
      ? from + (to - from) * share
      : to + ((from - to) / 2) * (1 + Math.cos(Math.PI * share));
  return (step) => {
    if (step >= last) return end;
    return top > 0 && step <= top
      ? between(start, turn, step / top)
      : between(turn, end, (step - top) / (last - top));
  };
}
