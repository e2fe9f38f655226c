// What needs Node: import from "@echo-ts/echo-model/node". Everything else runs in a browser too.
export { nodeFiles } from "./data/node-files.ts";
export { type EchoOnnx, exportEcho } from "./model/onnx-graphs.ts";
export { DECODE_LIMITS, type DecodeLimits, limitedDecoder } from "./speech/decode-process.ts";
export { diskCache } from "./speech/disk-cache.ts";
export { loadCheckpoint, SHIPPED_CHECKPOINT, saveCheckpoint } from "./train/checkpoint-files.ts";
export { runTraining, type TrainingOptions } from "./train/run-training.ts";
export type { TrainingEvent, TrainingSummary } from "./train/training-events.ts";
