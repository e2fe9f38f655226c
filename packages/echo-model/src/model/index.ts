// The parts of the network, for those who build another one from them: "@echo-ts/echo-model/model".
// Reading order: rotary, pitch-bias, silence, attention, gates, block, stem, encoder, decoder, model.
export * from "./attention.ts";
export * from "./batch.ts";
export * from "./block.ts";
export * from "./decoder.ts";
export * from "./encoder.ts";
export * from "./gates.ts";
export * from "./model.ts";
export * from "./pitch-bias.ts";
export * from "./pitch-track.ts";
export * from "./projection.ts";
export * from "./rotary.ts";
export * from "./rotary-module.ts";
export * from "./silence.ts";
export * from "./sinusoids.ts";
export * from "./stem.ts";
