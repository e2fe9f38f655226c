// The learning rate of a step, and how far a run is: pure functions of the settings, the step and the epochs.
import type { EchoConfig } from "../settings/settings.ts";

/**
 * Share of a run that is done, 0 to 1: by epochs, by steps, or whichever is further when both are set.
 * @param steps - steps done. @param epochs - utterances used divided by the size of the data set.
 */
export function progressOf(
  { epochs: allEpochs, maxSteps }: Pick<EchoConfig["training"], "epochs" | "maxSteps">,
  steps: number,
  epochs: number,
): number {
  const byEpochs = allEpochs > 0 ? epochs / allEpochs : 0;
  const bySteps = maxSteps > 0 ? steps / maxSteps : 0;
  return Math.min(1, Math.max(byEpochs, bySteps));
}

/**
 * The learning rate of the step after `steps` steps: a linear warm-up, then the schedule over the whole run.
 *
 * @param progress - of {@link progressOf}.
 * @example learningRateAt(resolveConfig().optimizer, resolveConfig().training, 99, 0.01); // half of 1.5e-3
 */
export function learningRateAt(
  { learningRate, schedule, warmupSteps, warmupShare }: EchoConfig["optimizer"],
  { epochs, maxSteps }: Pick<EchoConfig["training"], "epochs" | "maxSteps">,
  steps: number,
  progress: number,
): number {
  if (warmupShare > 0) {
    // How far the run will be after the step; before the first one a step's length is not known.
    const reached = steps > 0 ? (progress * (steps + 1)) / steps : warmupShare / 100;
    if (reached < warmupShare) return (learningRate * reached) / warmupShare;
  } else if (steps < warmupSteps) return (learningRate * (steps + 1)) / warmupSteps;
  if (schedule === "constant") return learningRate;
  const done = decayDone();
  return schedule === "linear"
    ? learningRate * (1 - done)
    : learningRate * 0.5 * (1 + Math.cos(Math.PI * done));

  /** Share of the run after the warm-up that is done. */
  function decayDone(): number {
    if (warmupShare > 0) return Math.max(0, progress - warmupShare) / (1 - warmupShare);
    // A run counted in steps knows where its warm-up ends; one counted in epochs does not.
    return epochs === 0 && maxSteps > 0 ? (steps - warmupSteps) / (maxSteps - warmupSteps) : progress;
  }
}
