// Optimisers, clipping and learning-rate schedules. Reading order: optimizer, slots, sgd, adam, clip, schedule, averaging.

export { Adam, type AdamOptions, type AdamSettings, AdamW } from "./adam.ts";
export { WeightAverage, type WeightAverageOptions, type WeightAverageState } from "./averaging.ts";
export { type ClipOptions, clipGradNorm, clipGradValue } from "./clip.ts";
export type { GroupOptions, GroupSettings, ParameterGroup, Trainable } from "./groups.ts";
export { Lion, type LionOptions, type LionSettings } from "./lion.ts";
export {
  type CycleOptions,
  type OneCycleMomentumOptions,
  type OneCycleOptions,
  oneCycleMomentum,
  oneCycleSchedule,
} from "./one-cycle.ts";
export { Optimizer, type OptimizerOptions, type OptimizerState } from "./optimizer.ts";
export { type PlateauOptions, PlateauSchedule, type PlateauState } from "./plateau.ts";
export {
  type CosineScheduleOptions,
  constantSchedule,
  cosineSchedule,
  type LinearScheduleOptions,
  linearSchedule,
  type Schedule,
  type StepScheduleOptions,
  stepSchedule,
} from "./schedule.ts";
export { SGD, type SgdOptions, type SgdSettings } from "./sgd.ts";
export type { Slots } from "./slots.ts";
