// The public surface of @echo-ts/autograd. Reading order: engine, node, tape, sweep, backward, variable, vjps, functional, losses, nn, optim, data.

/** Keeps a result of a step, or a gradient, for later steps. */
export { keep } from "@echo-ts/tensor";
export { detectAnomaly } from "./anomaly.ts";
export { type BackwardOptions, backward } from "./backward.ts";
export * from "./ctc.ts";
export { type CustomGradient, customGradient } from "./custom-gradient.ts";
export * from "./data/index.ts";
export { graphText, toDot } from "./draw-graph.ts";
export { GradientError } from "./errors.ts";
export * from "./functional.ts";
export { type GradcheckOptions, type GradcheckReport, gradcheck } from "./gradcheck.ts";
export * from "./losses.ts";
export * from "./nn/index.ts";
export * from "./optim/index.ts";
export { constant } from "./tape.ts";
export * from "./variable.ts";
export { type OpCall, type Rule, VJPS, type Vjp } from "./vjps.ts";
