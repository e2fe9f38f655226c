// The public surface of @echo-ts/audio, in reading order.

// Errors
export { AudioError, type AudioErrorOptions, type AudioErrorReason } from "./errors.ts";
// Windows and transforms
export { Fft, RealFft } from "./fft.ts";
// Test signals
export {
  chirp,
  harmonics,
  type SynthOptions,
  tone,
  uniformStream,
  whiteNoise,
} from "./synth.ts";
export { besselI0, makeWindow, type WindowName, type WindowOptions, type WindowSpec } from "./window.ts";
