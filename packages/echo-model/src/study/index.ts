// What the experiments needed: corpora, digit strings, intervals, gradient diagnostics, TensorBoard files and pictures
// made of text: "@echo-ts/echo-model/study".
export * from "./attention-maps.ts";
export * from "./blocks.ts";
export * from "./bootstrap.ts";
export * from "./confusions.ts";
export * from "./corpora.ts";
export * from "./digit-strings.ts";
export * from "./gate-openings.ts";
export * from "./gradient-diagnostics.ts";
export * from "./gradient-norms.ts";
export * from "./mean-interval.ts";
export * from "./module-trace.ts";
export * from "./rotary-patterns.ts";
export * from "./tensorboard.ts";
export * from "./terminal-plot.ts";
export * from "./tf-record.ts";
