// The public surface of @echo-ts/audio, in reading order. Reading and writing files by path is in node.ts.
// biome-ignore-all assist/source/organizeImports: the groups below are in reading order, not by file name

// Errors and warnings
export { AudioError, type AudioErrorOptions, type AudioErrorReason } from "./errors.ts";
export { onWarning } from "./warn.ts";

// Files: bytes to samples and back
export {
  type AudioData,
  decodePcm,
  describeNonFinite,
  type NonFinitePolicy,
  type PcmOptions,
  type SampleEncoding,
} from "./samples.ts";
export { decodeWav, type WavData, type WavEncoding, type WavOptions } from "./wav.ts";
export { encodeWav, type WavWriteOptions } from "./wav-write.ts";
export { type AudioFormat, audioFormat, type DecodeOptions, decodeAudio, toMono } from "./decode.ts";
export { type AudioBlock, type BlockOptions, decodeBlocks } from "./blocks.ts";

// Sample rate
export { type ResampleOptions, Resampler, type ResamplerOptions, resample } from "./resample.ts";
export type { ResampleMethod } from "./resample-filter.ts";

// Arrays, windows, transforms
export { FloatArray, type FloatView } from "./float-array.ts";
export { type Signal, stackChannels } from "./signal.ts";
export { type SameKind, toRowMajor } from "./array.ts";
export { besselI0, makeWindow, type WindowName, type WindowOptions, type WindowSpec } from "./window.ts";
export { Fft, RealFft } from "./fft.ts";
export { frame, type PadMode, pad } from "./frame.ts";

// Spectrograms
export {
  type ComplexSpectrogram,
  type IstftOptions,
  istft,
  type StftOptions,
  spectrogram,
  stft,
} from "./stft.ts";
export { MelStream, StftStream } from "./stream.ts";

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

// Mel features
export {
  type MelBankOptions,
  type MelSpectrogramOptions,
  melCentres,
  melFilterbank,
  melSpectrogram,
} from "./mel.ts";
export {
  ECHO_LOG_MEL,
  echoLogMel,
  WHISPER_LOG_MEL,
  WHISPER_SAMPLES,
  type WhisperOptions,
  type WhisperWindow,
  whisperLogMel,
  whisperLogMelWindows,
} from "./log-mel.ts";

export { type KaldiOptions, kaldiFbank } from "./kaldi.ts";
export { type DeltaOptions, dctMatrix, delta, type MfccOptions, mfcc } from "./mfcc.ts";

// One number or one flag per frame
export {
  type FrameOptions,
  rms,
  type SpectralOptions,
  spectralCentroid,
  spectralFlatness,
  spectralRolloff,
  zeroCrossingRate,
} from "./spectral.ts";
export {
  type SilentFramesOptions,
  silentFrames,
  type VoiceActivity,
  type VoiceActivityOptions,
  voiceActivity,
} from "./silence.ts";

// Pitch
export {
  type AutocorrelationPitchOptions,
  type AutocorrelationPitchTrack,
  autocorrelationPitch,
} from "./pitch/autocorrelation-pitch.ts";
export { type MpmOptions, type MpmTrack, mpm } from "./pitch/mpm.ts";
export { type PyinOptions, type PyinTrack, pyin } from "./pitch/pyin.ts";
export { PitchStream, type PitchStreamOptions, type PitchTrack } from "./pitch/pitch-stream.ts";
export {
  joinTracks,
  PITCH_METHODS,
  type PitchMethod,
  type TrackPitchOptions,
  trackPitch,
} from "./pitch/track-pitch.ts";
export { type PitchScore, PitchTally } from "./pitch/score.ts";
export { type PitchStatistics, pitchStatistics } from "./pitch/statistics.ts";
export { TRACKER_DEFAULTS, type TrackerSettings } from "./pitch/tracker-settings.ts";
export { type YinOptions, yin } from "./pitch/yin.ts";

// Voice measures, with Praat's definitions
export { type FormantOptions, type FormantTrack, formants } from "./voice/formants.ts";
export { type GlottalPulseOptions, glottalPulses } from "./voice/glottal-pulses.ts";
export { type HarmonicityOptions, type HarmonicityTrack, harmonicity } from "./voice/harmonicity.ts";
export { type IntensityOptions, type IntensityTrack, intensity } from "./voice/intensity.ts";
export { lpc } from "./voice/linear-prediction.ts";
export {
  type Jitter,
  jitter,
  type PeriodOptions,
  type Shimmer,
  type ShimmerOptions,
  shimmer,
} from "./voice/perturbation.ts";

// All features of a signal that is still coming in
export { type FeatureFrames, FeatureStream, type FeatureStreamOptions } from "./feature-stream.ts";

// From features back to sound
export {
  type GriffinLimOptions,
  griffinLim,
  type InverseMelOptions,
  melToSpectrogram,
} from "./inverse.ts";

// Test signals
export { chirp, harmonics, type SynthOptions, tone, uniformStream, whiteNoise } from "./synth.ts";
