// The Python original, faults included, for study and comparison: "@echo-ts/echo-model/reference". Models of either
// variant are made by buildEcho of the main entry.
export * from "./pitch.ts";
export * from "./reference-attention.ts";
export * from "./reference-echo.ts";
export * from "./reference-wer.ts";
