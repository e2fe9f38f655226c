// Configurations with a name: the recipes the specification measured, and the seed's own.
import type { ConfigInput } from "./resolve.ts";

/** The AN4 recipe: 4 encoder blocks, 1 + 1 decoder blocks, 40 ms frames, CTC weight 0.7, 80 epochs. It is the defaults. */
export const AN4_PRESET: ConfigInput = {};

/**
 * The digit-string recipe: 8 kHz strings of 3 to 7 digits, 2 encoder blocks, 2 + 2 decoder blocks, CTC weight 0.3,
 * 1200 steps. Curriculum boundaries are our choice: the measurements name the stages, not the steps.
 */
export const DIGITS_PRESET: ConfigInput = {
  model: {
    audioLayers: 2,
    textLayers: 2,
    dropout: 0,
    residualDropout: 0,
    residualCross: false,
    spectrogramStem: { kernel: 3, stride: 2 },
  },
  audio: {
    sampleRate: 8000,
    hopLength: 128,
    maxFrequencyHz: 4000,
    normalize: "scaled",
    pitch: { frameLength: 512 },
  },
  data: { format: "digits" },
  batch: { maxFrames: 100000, maxUtterances: 16, lengthJitter: 0 },
  curriculum: { epochs: 0 },
  augment: {
    gainDb: 6,
    noiseDb: 20,
    melStretch: 0,
    melShift: 0,
    frequencyMasks: 0,
    timeMasks: 0,
  },
  loss: { ctcWeight: 0.3, labelSmoothing: 0 },
  optimizer: { learningRate: 1e-3, beta2: 0.999, weightDecay: 0.01, warmupSteps: 100 },
  training: { epochs: 0, maxSteps: 1200 },
};

/** A few words of one's own from some twenty recordings of each, best started from a trained model (`train --init`). */
export const WORDS_PRESET: ConfigInput = {
  curriculum: { epochs: 0 },
  optimizer: { warmupShare: 0.1 },
  training: { epochs: 60, evaluateEvery: 100, checkpointEvery: 100 },
};

/** The Python original as its repository ran it: 52.7 M parameters at a vocabulary of 1000, FLEURS, batch 1. */
export const SEED_PRESET: ConfigInput = {
  model: { variant: "reference" },
  data: { format: "fleurs" },
};

/** Presets by the name the command line takes. */
export const PRESETS: Readonly<Record<"an4" | "digits" | "words" | "seed", ConfigInput>> = {
  an4: AN4_PRESET,
  digits: DIGITS_PRESET,
  words: WORDS_PRESET,
  seed: SEED_PRESET,
};
