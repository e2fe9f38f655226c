// What needs Node: import from "@echo-ts/echo-model/node". Everything else runs in a browser too.
export * from "./data/node-files.ts";
export * from "./features/disk-cache.ts";
export * from "./training/checkpoint-files.ts";
export * from "./training/run-log.ts";
export * from "./training/run-training.ts";
