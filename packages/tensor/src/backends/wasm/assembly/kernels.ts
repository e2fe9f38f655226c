// Everything but the matrix product, which is a module of its own (one per register tile).
export * from "./elementwise";
export * from "./reduce";
export * from "./softmax";
export * from "./norm";
export * from "./rotary";
export * from "./gather";
export * from "./optim";
export { copyTransposed } from "./strided";
export { attention, attentionGrad, attentionGradRows } from "./attention";
export * from "./conv1d";
export * from "./loss";
