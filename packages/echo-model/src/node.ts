// What needs Node: import from "@echo-ts/echo-model/node". Everything else runs in a browser too.
export * from "./data/node-files.ts";
export * from "./speech/disk-cache.ts";
export * from "./train/checkpoint-files.ts";
export * from "./train/run-log.ts";
export * from "./train/run-training.ts";
