// The public surface of @echo-ts/audio, in reading order.

// Arrays, frames, spectrograms
export { type FloatArray, type Signal, toRowMajor } from "./array.ts";
// Units
export {
  amplitudeToDb,
  type DbOptions,
  dbToAmplitude,
  dbToPower,
  deEmphasis,
  fftFrequencies,
  frameTimes,
  hzToMel,
  type MelScale,
  melFrequencies,
  melToHz,
  powerToDb,
  preEmphasis,
} from "./convert.ts";
// Errors
export { AudioError, type AudioErrorOptions, type AudioErrorReason } from "./errors.ts";
// Windows and transforms
export { Fft, RealFft } from "./fft.ts";
export { frame, type PadMode, pad } from "./frame.ts";
// Mel features
export {
  ECHO_LOG_MEL,
  echoLogMel,
  WHISPER_LOG_MEL,
  WHISPER_SAMPLES,
  type WhisperOptions,
  whisperLogMel,
} from "./log-mel.ts";
export {
  type MelBankOptions,
  type MelSpectrogramOptions,
  melCentres,
  melFilterbank,
  melSpectrogram,
} from "./mel.ts";
// Pitch
export { type MpmOptions, type MpmTrack, mpm } from "./pitch/mpm.ts";
export { type PyinOptions, type PyinTrack, pyin } from "./pitch/pyin.ts";
export { type YinOptions, yin } from "./pitch/yin.ts";
export {
  type ComplexSpectrogram,
  type IstftOptions,
  istft,
  type StftOptions,
  spectrogram,
  stft,
} from "./stft.ts";
// The same over chunks
export { MelStream, StftStream } from "./stream.ts";
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
