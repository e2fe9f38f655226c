// The page "Whisper": the visitor's model files, a recording, and the text with its times. Read first: run-whisper.ts (what is
// computed), model-files.ts (which files are needed).
import "../layout/page.ts";
import { decodeByBrowser } from "../layout/decode-by-browser.ts";
import { at } from "../layout/elements.ts";
import { fetchFile } from "../layout/fetch-file.ts";
import { Player } from "../studio/player.ts";
import type { Figures, News, Opened, Order } from "./messages.ts";
import { droppedFiles, type ModelFiles, problemOf, withFiles } from "./model-files.ts";

/** A bundled recording, as build/files.mjs lists them. */
interface Bundled {
  readonly file: string;
  readonly name: string;
  readonly text: string;
}

const RATE = 16000;
const MOST_FILE_BYTES = 2e8;
const SOUND = /\.(wav|flac|mp3|m4a|aac|ogg|opus|oga|webm|aiff?|caf)$/i;

const state = at("state");
const startButton = at<HTMLButtonElement>("start");
const stopButton = at<HTMLButtonElement>("stop");
const playButton = at<HTMLButtonElement>("play");
const bundledChoice = at<HTMLSelectElement>("bundled");
const languageChoice = at<HTMLSelectElement>("language");
const player = new Player();

let files: ModelFiles = new Map();
let model: Opened | null = null;
let wave: Float32Array | null = null;
let running = false;
let bundled: readonly Bundled[] = [];
let worker: Worker | null = null;

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`;
const clock = (seconds: number): string => `${seconds.toFixed(2)} s`;

/** What waits for the worker's next answer, of whatever kind it asked for. */
let answered: ((news: News) => void) | null = null;

/** The worker's answer to an order; what it tells in between goes to `onNews`. */
function ask(order: Order, transfer: Transferable[] = []): Promise<News> {
  worker ??= startWorker();
  const asked = worker;
  return new Promise((resolve) => {
    answered = resolve;
    asked.postMessage(order, transfer);
  });
}

function startWorker(): Worker {
  const started = new Worker(new URL("./worker.ts", import.meta.url), { type: "module", name: "whisper" });
  started.onmessage = ({ data: news }: MessageEvent<News>) => {
    if (news.kind === "heard")
      state.textContent = `Window ${news.window} of 30 s: ${news.tokens === 0 ? "the encoder listens" : `${news.tokens} decoder steps so far`}.`;
    else if (news.kind === "piece") addPiece(news);
    else answered?.(news);
  };
  started.onerror = ({ message }) =>
    answered?.({ kind: "failed", of: "open", text: `the worker failed (${message}); reload the page` });
  return started;
}

// One order at a time: opening, decoding and transcribing wait for each other.
let last: Promise<void> = Promise.resolve();
const inTurn = (work: () => Promise<void>): void => {
  last = last.then(work).finally(showButtons);
};

function showButtons(): void {
  startButton.disabled = running || model === null || wave === null;
  stopButton.disabled = !running;
  playButton.disabled = wave === null;
  if (running || at("pieces").childElementCount > 0) return;
  state.textContent =
    model === null ? "First choose a model." : wave === null ? "First choose a recording." : "Ready.";
}

async function takeModelFiles(chosen: readonly File[]): Promise<void> {
  files = withFiles(files, chosen);
  at("have").replaceChildren(
    ...[...files.values()].map(({ name, size }) => {
      const item = document.createElement("li");
      item.textContent = `${name}, ${size < 1e5 ? `${(size / 1e3).toFixed(1)} kB` : megabytes(size)}`;
      return item;
    }),
  );
  const problem = problemOf(
    files,
    chosen.map(({ name }) => name),
  );
  at("model-problem").textContent = problem ?? "";
  if (problem === null) await openModel();
}

async function openModel(): Promise<void> {
  model = null;
  at("model-state").textContent = "The model is read.";
  const news = await ask({ kind: "open", files });
  if (news.kind === "opened") {
    model = news;
    at("model-state").textContent =
      `Opened in ${(news.milliseconds / 1000).toFixed(1)} s: ${news.weights < 1e6 ? news.weights : `${(news.weights / 1e6).toFixed(1)} million`} trained weights, ` +
      `${news.encoderLayers} encoder and ${news.decoderLayers} decoder layers of width ${news.width}, ${news.tokens} tokens. ` +
      `wasm holds ${megabytes(news.bytes)}; ${news.threads === 1 ? "one thread" : `${news.threads} threads`}.`;
    languageChoice.replaceChildren(
      new Option("found by the model", ""),
      ...news.languages.map((code) => new Option(code, code)),
    );
    const multilingual = news.languages.length > 0;
    languageChoice.disabled = !multilingual;
    at<HTMLInputElement>("translate").disabled = !multilingual;
  } else if (news.kind === "failed") {
    at("model-state").textContent = "The model was not opened.";
    at("model-problem").textContent = news.text;
  }
}

/** Decodes a recording: by our decoders, and what they do not read by the browser's. */
async function takeSound(bytes: ArrayBuffer, name: string, said: string): Promise<void> {
  at("sound-problem").textContent = "";
  at("said").textContent = "";
  wave = null;
  const copy = bytes.slice(0);
  const news = await ask({ kind: "decode", bytes, name }, [bytes]);
  if (news.kind === "decoded") wave = news.wave;
  else wave = await decodeByBrowser(copy, RATE).catch(() => null);
  if (wave === null) {
    at("sound-problem").textContent = news.kind === "failed" ? news.text : "the recording could not be read";
    return;
  }
  player.load(wave, RATE);
  at("said").textContent = `${clock(wave.length / RATE)} of sound. ${said}`;
}

async function takeSoundFile(file: File): Promise<void> {
  if (file.size > MOST_FILE_BYTES)
    at("sound-problem").textContent =
      `${file.name} has ${megabytes(file.size)}; this page takes up to 200 MB`;
  else await takeSound(await file.arrayBuffer(), file.name, `Your file ${file.name}.`);
}

async function takeBundled(): Promise<void> {
  try {
    if (bundled.length === 0) {
      bundled = JSON.parse(new TextDecoder().decode(await fetchFile("files/recordings/index.json")));
      bundledChoice.replaceChildren(...bundled.map(({ name }) => new Option(name)));
    }
    const { file, text } = bundled[Math.max(0, bundledChoice.selectedIndex)]!;
    await takeSound(await fetchFile(`files/recordings/${file}`), file, `What is said: ${text}.`);
  } catch (error) {
    at("sound-problem").textContent = error instanceof Error ? error.message : String(error);
  }
}

function addPiece({ start, end, text }: { start: number; end: number; text: string }): void {
  const item = document.createElement("li");
  const play = document.createElement("button");
  play.type = "button";
  play.textContent = `${start.toFixed(2)} – ${clock(end)}`;
  play.setAttribute("aria-label", `Play ${play.textContent}`);
  play.addEventListener("click", () => {
    player.pause();
    player.seek(start);
    player.play(end);
  });
  item.append(play, text);
  at("pieces").append(item);
  if (wave !== null) at<HTMLProgressElement>("progress").value = (end * RATE) / wave.length;
}

async function transcribe(): Promise<void> {
  if (model === null || wave === null) return;
  running = true;
  showButtons();
  at("pieces").replaceChildren();
  at("figures").textContent = "";
  at<HTMLProgressElement>("progress").value = 0;
  state.textContent = "The first window is prepared.";
  const options = {
    language: languageChoice.value === "" ? null : languageChoice.value,
    timestamps: at<HTMLInputElement>("timestamps").checked,
    translate: at<HTMLInputElement>("translate").checked,
  };
  const news = await ask({ kind: "transcribe", wave, options });
  running = false;
  if (news.kind === "done") showEnd(news);
  else if (news.kind === "failed") state.textContent = `Stopped: ${news.text}`;
}

function showEnd(news: Figures): void {
  const { seconds, windows, tokens, milliseconds, encoderMilliseconds, decoderMilliseconds, bytes } = news;
  at<HTMLProgressElement>("progress").value = 1;
  state.textContent =
    at("pieces").childElementCount > 0 ? "Done." : "Done: the model heard nothing that is text.";
  at("figures").textContent =
    `${clock(seconds)} of sound in ${(milliseconds / 1000).toFixed(1)} s: ${(encoderMilliseconds / 1000 / windows).toFixed(1)} s for the encoder ` +
    `of each window of 30 s, ${(decoderMilliseconds / tokens).toFixed(0)} ms for each of ${tokens} decoder steps. wasm holds ${megabytes(bytes)}.`;
}

/** Ends the worker, whose calculation cannot be interrupted, and opens the model again in a new one. */
function stop(): void {
  worker?.terminate();
  worker = null;
  answered?.({ kind: "failed", of: "transcribe", text: "as you asked; the model is opened again" });
  inTurn(openModel);
}

for (const id of ["files", "folder"]) {
  const input = at<HTMLInputElement>(id);
  input.addEventListener("change", () => {
    const chosen = [...(input.files ?? [])];
    inTurn(() => takeModelFiles(chosen));
  });
}
const soundInput = at<HTMLInputElement>("sound");
soundInput.addEventListener("change", () => {
  const [chosen] = soundInput.files ?? [];
  if (chosen !== undefined) inTurn(() => takeSoundFile(chosen));
});
bundledChoice.addEventListener("change", () => inTurn(takeBundled));
addEventListener("dragover", (event) => event.preventDefault());
addEventListener("drop", (event) => {
  event.preventDefault();
  if (event.dataTransfer === null) return;
  const dropped = droppedFiles(event.dataTransfer);
  inTurn(async () => {
    const all = await dropped;
    const sound = all.find(({ name }) => SOUND.test(name));
    if (sound !== undefined) await takeSoundFile(sound);
    const rest = all.filter((file) => file !== sound);
    if (rest.length > 0) await takeModelFiles(rest);
  });
});
startButton.addEventListener("click", () => inTurn(transcribe));
stopButton.addEventListener("click", stop);
player.onState = (playing) => {
  playButton.textContent = playing ? "Pause" : "Play";
};
playButton.addEventListener("click", () => (player.playing ? player.pause() : player.play()));
inTurn(takeBundled);
