// The public surface of @echo-ts/autograd. Reading order: node, sweep, variable, vjps, functional, losses, nn, optim, data.

export { detectAnomaly } from "./anomaly.ts";
export * from "./ctc.ts";
export * from "./data/index.ts";
export { GradientError } from "./errors.ts";
export * from "./functional.ts";
export { type GradcheckOptions, type GradcheckReport, gradcheck } from "./gradcheck.ts";
export * from "./losses.ts";
export * from "./nn/index.ts";
export * from "./optim/index.ts";
export { type BackwardOptions, backward } from "./sweep.ts";
export * from "./variable.ts";
export { type Rule, VJPS, type Vjp } from "./vjps.ts";
