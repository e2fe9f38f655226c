// A made-up language for tests: three words, each a tone of its own, spoken by two "speakers" of different pitch.
// Small enough for a tiny model to learn by heart within seconds.
import { encodeWav, tone } from "@echo-ts/audio";
import { applyOverrides, type EchoConfig, resolveConfig } from "@echo-ts/echo-model";
import { configureWasm, setBackend } from "@echo-ts/tensor";

// A model this small only waits for a second thread.
configureWasm({ threads: 1 });
setBackend("wasm");

const RATE = 4000; // Hz
const WORDS = { low: 250, mid: 500, high: 1000 } as const; // Hz
const TEXTS = ["low", "mid", "high", "low high", "high mid", "mid low", "high low mid", "mid mid"];

type Word = keyof typeof WORDS;

function speak(text: string, factor: number): Float32Array {
  const gap = new Float32Array(0.06 * RATE);
  const parts = text
    .split(" ")
    .flatMap((word) => [
      gap,
      tone(WORDS[word as Word] * factor, { seconds: 0.15, sampleRate: RATE, amplitude: 0.5 }),
    ]);
  const wave = new Float32Array([...parts, gap].reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of [...parts, gap]) {
    wave.set(part, at);
    at += part.length;
  }
  return wave;
}

/** Files of the data folder: manifest.jsonl and wav/*.wav; the rows of speaker b are also the split "dev". */
export function syntheticFiles(): Record<string, string | Uint8Array> {
  const files: Record<string, string | Uint8Array> = {};
  const rows: object[] = [];
  for (const [speaker, factor] of [
    ["a", 1],
    ["b", 1.1],
  ] as const) {
    TEXTS.forEach((text, i) => {
      const id = `${speaker}${i}`;
      files[`wav/${id}.wav`] = encodeWav(speak(text, factor), { sampleRate: RATE });
      const sex = speaker === "a" ? "male" : "female";
      rows.push({ id, file: `wav/${id}.wav`, text, speaker, sex, split: speaker === "b" ? "dev" : "train" });
    });
  }
  files["manifest.jsonl"] = rows.map((row) => `${JSON.stringify(row)}\n`).join("");
  return files;
}

/** Settings of a tiny model for {@link syntheticFiles}; `overrides` as for --set. */
export const TINY: object = {
  model: {
    dims: 16,
    heads: 2,
    audioLayers: 1,
    textLayers: 1,
    textContext: 16,
    audioContext: 400,
    dropout: 0.1,
    residualDropout: 0.1,
    spectrogramStem: { kernel: 3, stride: 2 },
  },
  audio: {
    sampleRate: RATE,
    fftSize: 128,
    windowLength: 128,
    hopLength: 40,
    melBins: 12,
    maxFrequencyHz: 2000,
    pitch: { minHz: 100, maxHz: 900, frameLength: 256 },
  },
  data: { maxSeconds: 2 },
  batch: { maxFrames: 400, maxUtterances: 4 },
  curriculum: { epochs: 1, startFrames: 30, endFrames: 80 },
  augment: { speeds: [1, 1.05], frequencyMasks: 1, frequencyMaskBins: 2, timeMasks: 1, timeMaskFrames: 3 },
  optimizer: { learningRate: 0.01, warmupSteps: 5 },
  training: { epochs: 0, maxSteps: 12, evaluateEvery: 5, checkpointEvery: 3 },
  decode: { maxTokens: 8 },
};

/** The complete configuration with overrides such as "training.seed=3". */
export function tinyConfig(...overrides: string[]): EchoConfig {
  return resolveConfig(applyOverrides(TINY, overrides));
}
