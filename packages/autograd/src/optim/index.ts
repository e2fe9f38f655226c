// Optimisers, clipping and learning-rate schedules. Reading order: optimizer, sgd, adam, clip, schedule.

export { Adam, type AdamOptions, type AdamSettings, AdamW } from "./adam.ts";
export { type ClipOptions, clipGradNorm, clipGradNormAsync, clipGradValue } from "./clip.ts";
export type { GroupOptions, GroupSettings, ParameterGroup, Trainable } from "./groups.ts";
export { Lion, type LionOptions, type LionSettings } from "./lion.ts";
export { Optimizer, type OptimizerOptions, type OptimizerState, type Slots } from "./optimizer.ts";
export {
  type CosineScheduleOptions,
  constantSchedule,
  cosineSchedule,
  type LinearScheduleOptions,
  linearSchedule,
  type PlateauOptions,
  PlateauSchedule,
  type PlateauState,
  type Schedule,
  type StepScheduleOptions,
  stepSchedule,
} from "./schedule.ts";
export { SGD, type SgdOptions, type SgdSettings } from "./sgd.ts";
