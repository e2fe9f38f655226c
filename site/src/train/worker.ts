// The training in a worker, with pause; and what the trained model makes of a recording.
import {
  decodeCheckpoint,
  decodeRecording,
  type Recognizer,
  recognizerOf,
  transcribe,
} from "@echo-ts/echo-model";
import { initWasm } from "@echo-ts/tensor";
import { type Progress, type Take, trainTenWords } from "./ten-words.ts";

/** What the page sends. */
export type Order =
  | { readonly kind: "train"; readonly takes: readonly Take[]; readonly steps?: number }
  | { readonly kind: "pause" }
  | { readonly kind: "go on" }
  | { readonly kind: "hear"; readonly id: number; readonly bytes: Uint8Array };

/** What comes back. */
export type News =
  | { readonly kind: "step"; readonly progress: Progress }
  | { readonly kind: "trained"; readonly checkpoint: Uint8Array<ArrayBuffer> }
  | { readonly kind: "heard"; readonly id: number; readonly text: string; readonly confidence: number | null }
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
  const { text, words } = await transcribe(recogniser, wave);
  port.postMessage({ kind: "heard", id, text, confidence: words[0]?.confidence ?? null });
}

port.onmessage = ({ data: order }) => {
  const failed = (error: unknown): void =>
    port.postMessage({ kind: "failed", text: error instanceof Error ? error.message : String(error) });
  if (order.kind === "train") train(order.takes, order.steps).catch(failed);
  else if (order.kind === "hear") hear(order.id, order.bytes).catch(failed);
  else if (order.kind === "pause") {
    paused = new Promise((resolve) => {
      goOn = resolve;
    });
  } else {
    paused = null;
    goOn();
  }
};
