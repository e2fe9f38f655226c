// Conditions between fields. Each names the field to change, what was expected and what was got.
import type { EchoConfig } from "./fields.ts";

/** Collects what is wrong between fields that are each fine by themselves; empty when nothing is. */
export function crossCheck(config: EchoConfig): string[] {
  const problems: string[] = [];
  const require = (holds: boolean, problem: string): void => {
    if (!holds) problems.push(problem);
  };
  checkModel(config, require);
  checkVariant(config, require);
  checkAudio(config, require);
  checkRun(config, require);
  return problems;
}

type Require = (holds: boolean, problem: string) => void;

function checkModel({ model }: EchoConfig, require: Require): void {
  const { dims, heads, rotary, features } = model;
  const headWidth = dims / heads;
  require(Number.isInteger(
    headWidth,
  ), `model.dims: must be divisible by model.heads, expected a multiple of ${heads}, got ${dims}`);
  require(!Number.isInteger(headWidth) ||
    headWidth % 2 ===
      0, `model.dims: channels are rotated in pairs, expected an even dims / heads, got ${dims} / ${heads} = ${headWidth}`);
  const multiple = features.includes("waveform") ? 8 : model.gate === "feature" ? 4 : 2;
  const reason = { 8: "the waveform stem", 4: "the feature gate", 2: "sinusoids" }[multiple];
  require(dims % multiple ===
    0, `model.dims: ${reason} divides it by ${multiple}, expected a multiple of ${multiple}, got ${dims}`);
  require(model.gate !== "crossModal" ||
    features.length ===
      3, `model.gate: crossModal weighs three streams, expected model.features to hold spectrogram, waveform and pitch, got ${features.join(", ")}`);
  ascending(
    require,
    "model.rotary.minPitchHz",
    rotary.minPitchHz,
    "model.rotary.maxPitchHz",
    rotary.maxPitchHz,
  );
  ascending(require, "model.rotary.minTheta", rotary.minTheta, "model.rotary.maxTheta", rotary.maxTheta);
  const { floor, initial, ceiling } = model.zeroKeys;
  require(floor <= initial &&
    initial <=
      ceiling, `model.zeroKeys.initial: must lie between floor and ceiling, expected ${floor} to ${ceiling}, got ${initial}`);
}

function checkVariant({ model, loss }: EchoConfig, require: Require): void {
  if (model.variant === "reference") {
    const only = (name: string, value: unknown, expected: unknown): void =>
      require(value ===
        expected, `model.${name}: the reference variant has no such option, expected ${expected}, got ${value}; use variant "corrected"`);
    only("stemNorm", model.stemNorm, false);
    only("residualCross", model.residualCross, false);
    only("ctcHead", model.ctcHead, false);
    only("residualDropout", model.residualDropout, 0);
    only("rotary.cross", model.rotary.cross, true);
    only("rotary.spacing", model.rotary.spacing, "geometric");
    require(model.rotary.pitch === "utterance" ||
      model.rotary.pitch ===
        "static", `model.rotary.pitch: the reference variant knows utterance and static, got ${model.rotary.pitch}; use variant "corrected"`);
    require(model.gate !==
      "none", 'model.gate: the reference variant always has a gate, got none; use variant "corrected"');
  }
  require(loss.ctcWeight === 0 ||
    model.ctcHead, `loss.ctcWeight: there is no CTC output to train, expected 0 or model.ctcHead true, got ${loss.ctcWeight}`);
}

function checkAudio({ audio }: EchoConfig, require: Require): void {
  const { sampleRate, pitch } = audio;
  const nyquist = sampleRate / 2;
  const atMost = (name: string, value: number, limit: number, what: string): void =>
    require(value <= limit, `audio.${name}: must not be above ${what}, expected <= ${limit}, got ${value}`);
  atMost("windowLength", audio.windowLength, audio.fftSize, "audio.fftSize");
  atMost("hopLength", audio.hopLength, audio.windowLength, "audio.windowLength");
  atMost("maxFrequencyHz", audio.maxFrequencyHz, nyquist, "half the sample rate");
  atMost("pitch.maxHz", pitch.maxHz, nyquist, "half the sample rate");
  atMost("melBins", audio.melBins, audio.fftSize / 2 + 1, "the number of frequency bins");
  ascending(
    require,
    "audio.minFrequencyHz",
    audio.minFrequencyHz,
    "audio.maxFrequencyHz",
    audio.maxFrequencyHz,
  );
  ascending(require, "audio.pitch.minHz", pitch.minHz, "audio.pitch.maxHz", pitch.maxHz);
  const periods = (2 * sampleRate) / pitch.minHz;
  require(pitch.frameLength >
    periods, `audio.pitch.frameLength: must hold more than two periods of audio.pitch.minHz, expected > ${Math.ceil(periods)}, got ${pitch.frameLength}`);
}

function checkRun(config: EchoConfig, require: Require): void {
  const { audio, text, data, batch, curriculum, training, optimizer, model, decode } = config;
  require(text.tokenizer !== "bpe" ||
    text.tokenizerFile !==
      "", "text.tokenizerFile: the bpe tokenizer needs a tokenizer.json, expected its path, got nothing");
  ascending(require, "data.minSeconds", data.minSeconds, "data.maxSeconds", data.maxSeconds);
  const longest = Math.floor((data.maxSeconds * audio.sampleRate) / audio.hopLength) + 1;
  require(batch.maxFrames >=
    longest, `batch.maxFrames: must hold one utterance of data.maxSeconds, expected >= ${longest}, got ${batch.maxFrames}`);
  require(model.variant === "reference" ||
    model.audioContext >=
      longest, `model.audioContext: must hold one utterance of data.maxSeconds, expected >= ${longest}, got ${model.audioContext}`);
  require(curriculum.startFrames <=
    curriculum.endFrames, `curriculum.startFrames: must not be above curriculum.endFrames, expected <= ${curriculum.endFrames}, got ${curriculum.startFrames}`);
  require(training.epochs > 0 ||
    training.maxSteps >
      0, "training.epochs: the run has no length, expected training.epochs or training.maxSteps above 0, got 0 and 0");
  require(training.maxSteps === 0 ||
    optimizer.warmupSteps <
      training.maxSteps, `optimizer.warmupSteps: the warm-up must end before the run, expected < ${training.maxSteps}, got ${optimizer.warmupSteps}`);
  require(model.ctcHead ||
    !["ctcGreedy", "ctcBeam", "joint"].includes(
      decode.method,
    ), `decode.method: ${decode.method} needs model.ctcHead true, expected greedy or beam, got ${decode.method}`);
  require(decode.maxTokens <
    model.textContext, `decode.maxTokens: must be below model.textContext, expected < ${model.textContext}, got ${decode.maxTokens}`);
}

function ascending(require: Require, lowName: string, low: number, highName: string, high: number): void {
  require(low < high, `${lowName}: must be below ${highName}, expected < ${high}, got ${low}`);
}
