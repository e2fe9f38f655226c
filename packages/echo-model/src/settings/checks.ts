// Conditions between settings that are each fine by themselves. A check returns a sentence that names the setting to
// change, what was expected and what was got, or false. It may read any setting: reading one that has no usable value,
// which was reported already, throws, and resolve.ts then passes the check over.
import type { EchoConfig } from "./settings.ts";

/** One condition: what is wrong, or false. */
export type Check = (config: EchoConfig) => string | false;

function valueAt(config: EchoConfig, path: string): unknown {
  return path
    .split(".")
    .reduce<unknown>((group, key) => (group as Readonly<Record<string, unknown>>)[key], config);
}

function numberAt(config: EchoConfig, path: string): number {
  const value = valueAt(config, path);
  if (typeof value !== "number") throw new TypeError(`checks: ${path} is no number, got ${value}`);
  return value;
}

const ascending =
  (low: string, high: string): Check =>
  (config) => {
    const [a, b] = [numberAt(config, low), numberAt(config, high)];
    return a >= b && `${low}: must be below ${high}, expected < ${b}, got ${a}`;
  };

const atMost =
  (path: string, what: string, limitOf: (audio: EchoConfig["audio"]) => number): Check =>
  (config) => {
    const [value, limit] = [numberAt(config, path), limitOf(config.audio)];
    return value > limit && `${path}: must not be above ${what}, expected <= ${limit}, got ${value}`;
  };

const notInReference =
  (path: string, expected: unknown): Check =>
  (config) => {
    const value = valueAt(config, path);
    return (
      config.model.variant === "reference" &&
      value !== expected &&
      `${path}: the reference variant has no such option, expected ${expected}, got ${value}; use variant "corrected"`
    );
  };

/** Hops of an utterance of data.maxSeconds. */
const longest = ({ audio, data }: EchoConfig): number =>
  Math.floor((data.maxSeconds * audio.sampleRate) / audio.hopLength) + 1;

/** All conditions, in the order in which they are reported. */
export const CHECKS: readonly Check[] = [
  // The model.
  ({ model: { dims, heads } }) =>
    dims % heads !== 0 &&
    `model.dims: must be divisible by model.heads, expected a multiple of ${heads}, got ${dims}`,
  ({ model: { dims, heads } }) =>
    (dims / heads) % 2 === 1 &&
    `model.dims: channels are rotated in pairs, expected an even dims / heads, got ${dims} / ${heads} = ${dims / heads}`,
  ({ model: { dims, features, gate } }) => {
    const multiple = features.includes("waveform") ? 8 : gate === "feature" ? 4 : 2;
    const reason = { 8: "the waveform stem", 4: "the feature gate", 2: "sinusoids" }[multiple];
    return (
      dims % multiple !== 0 &&
      `model.dims: ${reason} divides it by ${multiple}, expected a multiple of ${multiple}, got ${dims}`
    );
  },
  ({ model: { gate, features } }) =>
    gate === "crossModal" &&
    features.length !== 3 &&
    `model.gate: crossModal weighs three streams, expected model.features to hold spectrogram, waveform and pitch, got ${features.join(", ")}`,
  ascending("model.rotary.minPitchHz", "model.rotary.maxPitchHz"),
  ascending("model.rotary.minTheta", "model.rotary.maxTheta"),
  ({ model: { zeroKeys } }) =>
    (zeroKeys.floor > zeroKeys.initial || zeroKeys.initial > zeroKeys.ceiling) &&
    `model.zeroKeys.initial: must lie between floor and ceiling, expected ${zeroKeys.floor} to ${zeroKeys.ceiling}, got ${zeroKeys.initial}`,
  ({ model: { convolutionKernel: kernel } }) =>
    kernel !== 0 &&
    kernel % 2 === 0 &&
    `model.convolutionKernel: an even kernel has no middle frame, expected 0 or an odd number, got ${kernel}`,

  // The reference variant.
  notInReference("model.convolutionKernel", 0),
  notInReference("model.phones", 0),
  notInReference("text.lexicon", ""),
  notInReference("model.stemNorm", false),
  notInReference("model.residualCross", false),
  notInReference("model.ctcHead", false),
  notInReference("model.residualDropout", 0),
  notInReference("model.rotary.cross", true),
  notInReference("model.rotary.spacing", "geometric"),
  ({ model: { variant, rotary } }) =>
    variant === "reference" &&
    !["utterance", "static"].includes(rotary.pitch) &&
    `model.rotary.pitch: the reference variant knows utterance and static, got ${rotary.pitch}; use variant "corrected"`,
  ({ model: { variant, gate } }) =>
    variant === "reference" &&
    gate === "none" &&
    'model.gate: the reference variant always has a gate, got none; use variant "corrected"',
  ({ model, loss: { ctcWeight } }) =>
    ctcWeight !== 0 &&
    !model.ctcHead &&
    `loss.ctcWeight: there is no CTC output to train, expected 0 or model.ctcHead true, got ${ctcWeight}`,

  // Audio.
  atMost("audio.windowLength", "audio.fftSize", ({ fftSize }) => fftSize),
  atMost("audio.hopLength", "audio.windowLength", ({ windowLength }) => windowLength),
  atMost("audio.maxFrequencyHz", "half the sample rate", ({ sampleRate }) => sampleRate / 2),
  atMost("audio.pitch.maxHz", "half the sample rate", ({ sampleRate }) => sampleRate / 2),
  atMost("audio.melBins", "the number of frequency bins", ({ fftSize }) => fftSize / 2 + 1),
  ascending("audio.minFrequencyHz", "audio.maxFrequencyHz"),
  ascending("audio.pitch.minHz", "audio.pitch.maxHz"),
  ({ audio: { sampleRate, pitch } }) => {
    const periods = (2 * sampleRate) / pitch.minHz;
    return (
      pitch.frameLength <= periods &&
      `audio.pitch.frameLength: must hold more than two periods of audio.pitch.minHz, expected > ${Math.ceil(periods)}, got ${pitch.frameLength}`
    );
  },

  // Data, run and decoding.
  ({ text }) =>
    text.tokenizer === "bpe" &&
    text.tokenizerFile === "" &&
    "text.tokenizerFile: the bpe tokenizer needs a tokenizer.json, expected its path, got nothing",
  ({ text }) =>
    text.lexicon !== "" &&
    text.tokenizer !== "word" &&
    `text.tokenizer: a lexicon spells words, expected word with text.lexicon, got ${text.tokenizer}`,
  ({ text, loss, model }) =>
    text.lexicon !== "" &&
    (loss.middleCtcWeight === 0 || loss.ctcWeight === 0 || !model.ctcHead) &&
    `loss.middleCtcWeight: nothing would train the phones of text.lexicon, expected more than 0 (0.3 is usual), with loss.ctcWeight above 0, got ${loss.middleCtcWeight} and ${loss.ctcWeight}`,
  ascending("data.minSeconds", "data.maxSeconds"),
  (config) =>
    config.batch.maxFrames < longest(config) &&
    `batch.maxFrames: must hold one utterance of data.maxSeconds, expected >= ${longest(config)}, got ${config.batch.maxFrames}`,
  (config) =>
    config.model.variant === "corrected" &&
    config.model.audioContext < longest(config) &&
    `model.audioContext: must hold one utterance of data.maxSeconds, expected >= ${longest(config)}, got ${config.model.audioContext}`,
  ({ curriculum: { startFrames, endFrames } }) =>
    startFrames > endFrames &&
    `curriculum.startFrames: must not be above curriculum.endFrames, expected <= ${endFrames}, got ${startFrames}`,
  ({ training }) =>
    training.epochs === 0 &&
    training.maxSteps === 0 &&
    "training.epochs: the run has no length, expected training.epochs or training.maxSteps above 0, got 0 and 0",
  ({ training: { maxSteps }, optimizer: { warmupSteps, warmupShare } }) =>
    warmupShare === 0 &&
    maxSteps > 0 &&
    warmupSteps >= maxSteps &&
    `optimizer.warmupSteps: the warm-up must end before the run, expected < ${maxSteps}, got ${warmupSteps}; optimizer.warmupShare=0.1 takes a tenth of any run`,
  ({ model: { ctcHead }, decode: { method } }) =>
    !ctcHead &&
    !["greedy", "beam"].includes(method) &&
    `decode.method: ${method} needs model.ctcHead true, expected greedy or beam, got ${method}`,
  ({ model: { textContext }, decode: { maxTokens } }) =>
    maxTokens > textContext &&
    `decode.maxTokens: must not exceed model.textContext, expected <= ${textContext}, got ${maxTokens}`,
];
