// The training behind "Your ten words", without a page: the same function runs in the page's worker and in Node. It takes
// the steps that `echo-asr train` takes on the same folder with the same settings, and gives the same weights.
import {
  type ConfigInput,
  type EchoConfig,
  encodeCheckpoint,
  memoryFiles,
  newModel,
  prepareTraining,
  resolveConfig,
  Trainer,
} from "@echo-ts/echo-model";

/** One take of a word: a WAV file. */
export interface Take {
  readonly word: string;
  readonly bytes: Uint8Array;
}

/** What a step of the training has to say. */
export interface Progress {
  readonly step: number;
  readonly steps: number;
  readonly loss: number;
  readonly gradientNorm: number;
}

/** A small Echo for ten words: half the width of the default, half its encoder blocks, no augmentation but speed. */
export const TEN_WORDS: ConfigInput = {
  model: { dims: 64, audioLayers: 2, textContext: 32, dropout: 0, residualDropout: 0 },
  data: { trainSplit: "all", evaluateSplit: "all" },
  batch: { maxFrames: 1600 },
  curriculum: { epochs: 0 },
  augment: { melStretch: 0, melShift: 0, frequencyMasks: 0, timeMasks: 0 },
  loss: { ctcWeight: 0.5, labelSmoothing: 0 },
  optimizer: { learningRate: 3e-3, warmupSteps: 20 },
  training: { epochs: 0, maxSteps: 120, evaluateEvery: 0, checkpointEvery: 0 },
  decode: { maxTokens: 8 },
};

/** The files of the training: the list, the settings and the takes, as a folder for `echo-asr train` holds them. */
export function trainingFolder(takes: readonly Take[], steps?: number): Record<string, string | Uint8Array> {
  const rows = takes.map(({ word }, i) => ({
    id: `take-${String(i).padStart(3, "0")}`,
    file: `wav/take-${String(i).padStart(3, "0")}.wav`,
    text: word,
    speaker: "you",
    split: "all",
  }));
  const files: Record<string, string | Uint8Array> = {
    "manifest.jsonl": rows.map((row) => `${JSON.stringify(row)}\n`).join(""),
    "ten-words.json": `${JSON.stringify(withSteps(steps), null, 2)}\n`,
  };
  for (const [i, { file }] of rows.entries()) files[file] = takes[i]!.bytes;
  return files;
}

const withSteps = (steps: number | undefined): ConfigInput =>
  steps === undefined
    ? TEN_WORDS
    : { ...TEN_WORDS, training: { ...(TEN_WORDS.training as object), maxSteps: steps } };

/**
 * Trains on the takes; returns the bytes of a checkpoint that `echo-asr transcribe --checkpoint` reads.
 *
 * @param afterStep is told what a step did and awaited before the next: a pause is a promise that waits
 * @param steps default 120
 */
export async function trainTenWords(
  takes: readonly Take[],
  afterStep: (progress: Progress) => Promise<void>,
  steps?: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const config: EchoConfig = resolveConfig(withSteps(steps));
  const data = await prepareTraining(memoryFiles(trainingFolder(takes, steps)), config);
  const trainer = new Trainer(newModel(config, data.tokenizer), data.source, config, data.tokenizer.special);
  while (trainer.progress < 1) {
    const { step, loss, gradientNorm } = await trainer.step();
    await afterStep({ step, steps: config.training.maxSteps, loss, gradientNorm });
  }
  return encodeCheckpoint({
    config,
    tokenizer: data.tokenizer,
    weights: await trainer.echo.stateDict(),
    training: null,
    metrics: { step: trainer.steps, longestSeconds: data.longestSeconds },
  });
}

/** The files as one tar archive, which every system unpacks: `tar xf ten-words.tar`. */
export function tarOf(files: Readonly<Record<string, string | Uint8Array>>): Uint8Array<ArrayBuffer> {
  const encoder = new TextEncoder();
  const parts = Object.entries(files).flatMap(([name, content]) => {
    const bytes = typeof content === "string" ? encoder.encode(content) : content;
    const header = new Uint8Array(512);
    const write = (at: number, text: string): void => header.set(encoder.encode(text), at);
    write(0, name);
    write(100, "0000644\0");
    write(108, "0000000\0");
    write(116, "0000000\0");
    write(124, `${bytes.length.toString(8).padStart(11, "0")}\0`);
    write(136, "00000000000\0");
    write(148, "        ");
    write(156, "0");
    write(257, "ustar\0");
    write(263, "00");
    const sum = header.reduce((total, byte) => total + byte, 0);
    write(148, `${sum.toString(8).padStart(6, "0")}\0 `);
    return [header, bytes, new Uint8Array((512 - (bytes.length % 512)) % 512)];
  });
  const all = [...parts, new Uint8Array(1024)];
  const out = new Uint8Array(all.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of all) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}
