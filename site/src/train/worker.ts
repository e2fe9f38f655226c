// The training in a worker, with pause; and what the trained model makes of a recording.
import {
  decodeCheckpoint,
  decodeRecording,
  extractFeatures,
  inputOf,
  type Recognizer,
  recognizerOf,
  resolveConfig,
  type TimedWord,
  TranscribeStream,
  transcribe,
} from "@echo-ts/echo-model";
import { initWasm } from "@echo-ts/tensor";
import type { SeenTake } from "./takes-figure.ts";
import { type Progress, type Take, TEN_WORDS, trainTenWords } from "./ten-words.ts";

/** What the page sends. */
export type Order =
  | { readonly kind: "train"; readonly takes: readonly Take[]; readonly steps?: number }
  | { readonly kind: "pause" }
  | { readonly kind: "go on" }
  | { readonly kind: "look"; readonly takes: readonly Take[] }
  | { readonly kind: "listen"; readonly samples: Float32Array; readonly end: boolean }
  | { readonly kind: "hear"; readonly id: number; readonly bytes: Uint8Array };

/** What comes back. */
export type News =
  | { readonly kind: "step"; readonly progress: Progress }
  | { readonly kind: "trained"; readonly checkpoint: Uint8Array<ArrayBuffer> }
  | { readonly kind: "seen"; readonly seen: readonly SeenTake[] }
  | { readonly kind: "words"; readonly words: readonly TimedWord[] }
  | { readonly kind: "heard"; readonly id: number; readonly text: string }
  | { readonly kind: "failed"; readonly text: string };

const port = globalThis as unknown as {
  onmessage: (event: MessageEvent<Order>) => void;
  postMessage(news: News): void;
};

let recogniser: Recognizer | null = null;
let paused: Promise<void> | null = null;
let goOn: () => void = () => {};

async function train(takes: readonly Take[], steps?: number): Promise<void> {
  await initWasm();
  const checkpoint = await trainTenWords(
    takes,
    async (progress) => {
      port.postMessage({ kind: "step", progress });
      // Messages of the page get their turn, and with them the pause.
      await new Promise((resolve) => setTimeout(resolve));
      await paused;
    },
    steps,
  );
  recogniser = recognizerOf(await decodeCheckpoint(checkpoint, "what was trained"));
  port.postMessage({ kind: "trained", checkpoint });
}

async function hear(id: number, bytes: Uint8Array): Promise<void> {
  if (recogniser === null) throw new Error("nothing is trained yet");
  const wave = await decodeRecording(bytes, "the take", recogniser.config.audio.sampleRate);
  const { text } = await transcribe(recogniser, wave);
  port.postMessage({ kind: "heard", id, text });
}

/** The features of takes, as the training computes them. */
async function look(takes: readonly Take[]): Promise<void> {
  const input = inputOf(resolveConfig(TEN_WORDS));
  const seen = await Promise.all(
    takes.map(async ({ word, bytes }) => {
      const { mel, frames } = extractFeatures(await decodeRecording(bytes, word, input.sampleRate), input);
      return { word, mel: Float32Array.from(mel), bands: mel.length / frames };
    }),
  );
  port.postMessage({ kind: "seen", seen });
}

let stream: TranscribeStream | null = null;

/** Words of the microphone as they become final. */
async function listen(samples: Float32Array, end: boolean): Promise<void> {
  if (recogniser === null) throw new Error("nothing is trained yet");
  stream ??= new TranscribeStream(recogniser);
  const words = [...(await stream.push(samples)), ...(end ? await stream.finish() : [])];
  if (end) stream = null;
  if (words.length > 0) port.postMessage({ kind: "words", words });
}

// One after another: the microphone's chunks must stay in order.
let last: Promise<void> = Promise.resolve();

port.onmessage = ({ data: order }) => {
  const failed = (error: unknown): void =>
    port.postMessage({ kind: "failed", text: error instanceof Error ? error.message : String(error) });
  if (order.kind === "train") train(order.takes, order.steps).catch(failed);
  else if (order.kind === "hear") hear(order.id, order.bytes).catch(failed);
  else if (order.kind === "look") look(order.takes).catch(failed);
  else if (order.kind === "listen") last = last.then(() => listen(order.samples, order.end)).catch(failed);
  else if (order.kind === "pause") {
    paused = new Promise((resolve) => {
      goOn = resolve;
    });
  } else {
    paused = null;
    goOn();
  }
};
