// The page "Your ten words": ten cards with takes, training with its curve, and what the result hears. Read first:
// ten-words.ts (the training itself), worker.ts. The bundled takes need no microphone.
import "../layout/page.ts";
import { encodeWav } from "@echo-ts/audio";
import * as Plot from "@observablehq/plot";
import { download, Figure, pageColor } from "../figure/figure.ts";
import { at } from "../layout/elements.ts";
import { fetchFile } from "../layout/fetch-file.ts";
import { microphoneProblem, openMicrophone, RATE } from "../studio/microphone.ts";
import { TakesFigure } from "./takes-figure.ts";
import { type Progress, type Take, tarOf, trainingFolder } from "./ten-words.ts";
import type { News, Order } from "./worker.ts";

const WORDS = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"];
const TAKE_SECONDS = 1.6;

const worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module", name: "training" });
const send = (order: Order): void => worker.postMessage(order);
const figure = new Figure("learning-curve");
at("curve").append(figure.element);
const norms = new Figure("gradient-norm");
at("curve").append(norms.element);
const heardFigure = new TakesFigure(at("takes-seen"));
const state = at("state");
const trainButton = at<HTMLButtonElement>("train");
const pauseButton = at<HTMLButtonElement>("pause");
const listenButton = at<HTMLButtonElement>("listen");

/** The bundled takes of word i + 1: a person and three voices of a synthesiser. */
const bundledOf = (i: number): string[] => [
  `files/asterisk-alnum/wav/digits-${i + 1}.wav`,
  ...["awb", "rms", "slt"].map((voice) => `files/flite-words/wav/${voice}-${i + 1}.wav`),
];
/** The same word by a voice that is in no training. */
const heldOut = (i: number): string => `files/flite-words/wav/kal16-${i + 1}.wav`;
let takes: Take[] = [];
let checkpoint: Uint8Array<ArrayBuffer> | null = null;
let steps: Progress[] = [];
let paused = false;
const waiting = new Map<number, (heard: Extract<News, { kind: "heard" }>) => void>();

/** One card: its word, its takes, and a button to record another. */
const cards = WORDS.map((word, i) => {
  const card = document.createElement("li");
  const label = document.createElement("label");
  const input = document.createElement("input");
  input.value = word;
  input.size = 10;
  label.append(`Word ${i + 1} `, input);
  const count = document.createElement("span");
  count.className = "soft";
  const record = document.createElement("button");
  record.type = "button";
  record.textContent = "Record";
  record.setAttribute("aria-label", `Record word ${i + 1}`);
  card.append(label, record, count);
  at("cards").append(card);
  const own: { takes: Uint8Array[]; bundled: boolean } = { takes: [], bundled: true };
  const show = (): void => {
    const takes = own.takes.length === 1 ? "take" : "takes";
    count.textContent = own.bundled ? "4 bundled takes" : `${own.takes.length} own ${takes}`;
  };
  record.addEventListener("click", async () => {
    record.disabled = true;
    record.textContent = "Speak now";
    try {
      const bytes = await recordTake();
      if (own.bundled) Object.assign(own, { takes: [], bundled: false });
      own.takes.push(bytes);
    } catch (error) {
      at("problem").textContent = microphoneProblem(error);
    }
    record.disabled = false;
    record.textContent = "Record";
    show();
  });
  return { input, own, show };
});

/** TAKE_SECONDS of the microphone as a WAV file. */
async function recordTake(): Promise<Uint8Array> {
  at("problem").textContent = "";
  const wave = new Float32Array(Math.round(TAKE_SECONDS * RATE));
  let filled = 0;
  let close: (() => Promise<void>) | null = null;
  await new Promise<void>((resolve, reject) => {
    openMicrophone({
      frames: () => {},
      samples: ({ samples }) => {
        wave.set(samples.subarray(0, wave.length - filled), filled);
        filled = Math.min(wave.length, filled + samples.length);
        if (filled === wave.length) resolve();
      },
      lost: (reason) => reject(new Error(reason)),
    }).then((opened) => {
      close = opened;
    }, reject);
  });
  await (close as (() => Promise<void>) | null)?.();
  return encodeWav(wave, { sampleRate: RATE });
}

worker.onmessage = ({ data: news }: MessageEvent<News>) => {
  switch (news.kind) {
    case "step":
      steps.push(news.progress);
      showCurve();
      showNorms();
      break;
    case "trained":
      checkpoint = news.checkpoint;
      void finish();
      break;
    case "seen":
      heardFigure.show(news.seen);
      break;
    case "words":
      for (const { word, confidence } of news.words)
        at("heard").append(
          `${word}${confidence === undefined ? "" : ` (${Math.round(100 * confidence)} %)`} `,
        );
      break;
    case "heard":
      waiting.get(news.id)?.(news);
      waiting.delete(news.id);
      break;
    case "failed":
      state.textContent = `The training failed: ${news.text}`;
      trainButton.disabled = false;
  }
};

function showCurve(): void {
  const last = steps.at(-1)!;
  state.textContent = `Step ${last.step} of ${last.steps}, loss ${last.loss.toFixed(3)}.`;
  figure.show({
    title: "The loss falls while it learns",
    text: "Loss of each step: CTC and cross entropy, half each. Zero would be certain of every word.",
    read: (x) => {
      const step = steps[Math.round(x) - 1];
      return step === undefined ? null : `step ${step.step}: loss ${step.loss.toFixed(4)}`;
    },
    alt: `Loss by step, now ${last.loss.toFixed(3)} at step ${last.step}.`,
    plot: () => ({
      height: 240,
      x: { label: "step", domain: [0, last.steps] },
      y: { label: "loss", zero: true },
      marks: [
        Plot.line(steps, { x: "step", y: "loss", stroke: pageColor("--ours"), strokeWidth: 2.5 }),
        Plot.ruleY([0]),
      ],
    }),
    table: () => ({
      columns: ["step", "loss", "gradient norm"],
      rows: steps.map(({ step, loss, gradientNorm }) => [step, loss, gradientNorm]),
    }),
  });
}

function showNorms(): void {
  const last = steps.at(-1)!;
  norms.show({
    title: "The gradient shrinks as there is less to mend",
    text: "Norm of the gradient over all weights, before it is clipped. The axis is logarithmic.",
    read: (x) => {
      const step = steps[Math.round(x) - 1];
      return step === undefined ? null : `step ${step.step}: norm ${step.gradientNorm.toPrecision(4)}`;
    },
    alt: `Gradient norm by step, now ${last.gradientNorm.toPrecision(3)}.`,
    plot: () => ({
      height: 170,
      x: { label: "step", domain: [0, last.steps] },
      y: { label: "norm", type: "log", tickFormat: "~g", ticks: 4 },
      marks: [
        Plot.line(steps, { x: "step", y: "gradientNorm", stroke: pageColor("--ours"), strokeWidth: 1.5 }),
      ],
    }),
    table: () => ({
      columns: ["step", "gradient norm"],
      rows: steps.map(({ step, gradientNorm }) => [step, gradientNorm]),
    }),
  });
}

let nextId = 0;
const hear = (bytes: Uint8Array): Promise<Extract<News, { kind: "heard" }>> =>
  new Promise((resolve) => {
    const id = nextId++;
    waiting.set(id, resolve);
    send({ kind: "hear", id, bytes });
  });

/** What the trained model hears in every take. */
async function finish(): Promise<void> {
  pauseButton.disabled = true;
  trainButton.disabled = false;
  for (const id of ["save-checkpoint", "save-takes", "listen"]) at<HTMLButtonElement>(id).disabled = false;
  const rows: string[] = [];
  let right = 0;
  for (const { word, bytes } of takes) {
    const { text } = await hear(bytes);
    if (text === word) right++;
    else rows.push(`${word} was heard as ${text || "nothing"}`);
  }
  state.textContent = `Trained. Of its own ${takes.length} takes it hears ${right} right${rows.length > 0 ? `; ${rows.join(", ")}` : ""}. ${await heldOutResult()}`;
  performance.mark("echo-trained");
}

/** Of the address (?steps=24); undefined leaves them to TEN_WORDS. */
function stepsWanted(): number | undefined {
  const wanted = Number(new URLSearchParams(location.search).get("steps"));
  return wanted > 0 ? wanted : undefined;
}

const fetchTake = async (path: string): Promise<Uint8Array> => new Uint8Array(await fetchFile(path));

/** Bundled takes are fetched when they are first needed: the page opens without a network too. */
async function fetchBundled(): Promise<void> {
  await Promise.all(
    cards.map(async ({ own }, i) => {
      if (own.bundled && own.takes.length === 0)
        own.takes.push(...(await Promise.all(bundledOf(i).map(fetchTake))));
    }),
  );
}

/** Says how many words of the held-out voice are heard right, where its words are those that were trained. */
async function heldOutResult(): Promise<string> {
  if (cards.some(({ input, own }, i) => !own.bundled || input.value.trim().toLowerCase() !== WORDS[i]))
    return "Say your words to it: takes that it was not trained on are the test that counts.";
  let right = 0;
  for (const [i, word] of WORDS.entries()) {
    const { text } = await hear(await fetchTake(heldOut(i)));
    if (text === word) right++;
  }
  return `Of the ten words by a voice that it never heard it hears ${right} right: four voices are few.`;
}

trainButton.addEventListener("click", async () => {
  at("problem").textContent = "";
  trainButton.disabled = true;
  try {
    await fetchBundled();
  } catch (error) {
    at("problem").textContent = `${(error as Error).message}; or record a take of every word`;
    trainButton.disabled = false;
    return;
  }
  takes = cards.flatMap(({ input, own }) =>
    own.takes.map((bytes) => ({ word: input.value.trim().toLowerCase(), bytes })),
  );
  send({
    kind: "look",
    takes: takes.filter(({ word }, i) => takes.findIndex((one) => one.word === word) === i),
  });
  steps = [];
  pauseButton.disabled = false;
  state.textContent = "The takes are prepared.";
  const wanted = stepsWanted();
  send({ kind: "train", takes, ...(wanted !== undefined && { steps: wanted }) });
});
pauseButton.addEventListener("click", () => {
  paused = !paused;
  pauseButton.textContent = paused ? "Go on" : "Pause";
  send({ kind: paused ? "pause" : "go on" });
});
/** Closes the microphone while it listens. */
let closeListening: (() => Promise<void>) | null = null;

/** Words are printed as they are said, until the button is pressed again; silence prints nothing. */
async function listen(): Promise<void> {
  at("heard").textContent = "";
  at("problem").textContent = "";
  const ended = (): void => {
    closeListening = null;
    listenButton.textContent = "Listen to me";
    send({ kind: "listen", samples: new Float32Array(0), end: true });
  };
  const close = await openMicrophone({
    frames: () => {},
    samples: ({ samples }) => send({ kind: "listen", samples, end: false }),
    lost: (reason) => {
      at("problem").textContent = reason;
      ended();
    },
  });
  closeListening = async () => {
    await close();
    ended();
  };
  listenButton.textContent = "Stop listening";
}
listenButton.addEventListener("click", async () => {
  if (closeListening !== null) return closeListening();
  listenButton.disabled = true;
  await listen().catch((error: unknown) => {
    at("problem").textContent = microphoneProblem(error);
  });
  listenButton.disabled = false;
});
at("save-checkpoint").addEventListener("click", () => {
  if (checkpoint !== null) download(new Blob([checkpoint]), "ten-words.safetensors");
});
at("save-takes").addEventListener("click", () =>
  download(new Blob([tarOf(trainingFolder(takes, stepsWanted()))]), "ten-words.tar"),
);

for (const { show } of cards) show();
trainButton.disabled = false;
state.textContent = "Forty bundled takes are ready, four of each word.";
