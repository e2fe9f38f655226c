// The front page. Read first: messages.ts (what the worker gives), then sound-figure.ts and model-figures.ts (what is
// shown). Read next: recording-panel.ts (files and the microphone), model-panel.ts (words and switches), rotary-lab.ts.
import "../layout/page.ts";
import { download } from "../figure/figure.ts";
import { TimeCursor } from "../figure/time-axis.ts";
import { at } from "../layout/elements.ts";
import { listenForEscape, showPlace } from "./address.ts";
import type { Heard } from "./messages.ts";
import { ModelPanel } from "./model-panel.ts";
import { Player } from "./player.ts";
import { RecordingPanel } from "./recording-panel.ts";
import type { RotaryLab } from "./rotary-lab.ts";
import { SoundFigures } from "./sound-figure.ts";
import { StudioWorker } from "./worker-client.ts";

const worker = new StudioWorker();
const player = new Player();
const cursor = new TimeCursor();
const sound = new SoundFigures(at("sound-figures"), cursor, (wave, hop, band) =>
  worker.ask("explainMel", { wave, hop, band }),
);
// It needs tensors, so it comes after the first picture.
let rotary: RotaryLab | null = null;
let latest: Heard | null = null;

const play = at<HTMLButtonElement>("play");
const time = at<HTMLInputElement>("time");
const clock = at<HTMLOutputElement>("clock");
player.onMove = (seconds) => {
  cursor.move(seconds);
  time.value = String(seconds);
  clock.textContent = `${seconds.toFixed(2)} s`;
};
player.onState = (playing) => {
  play.textContent = playing ? "Pause" : "Play";
};
cursor.onSeek = (seconds) => player.seek(seconds);
time.addEventListener("input", () => player.seek(Number(time.value)));
play.addEventListener("click", () => (player.playing ? player.pause() : player.play()));

const model = new ModelPanel({ worker, cursor, player });

/** Shows a recording in every part of the page. */
function show(heard: Heard, name: string): void {
  const seconds = heard.wave.length / heard.sampleRate;
  player.load(heard.wave, heard.sampleRate);
  cursor.seconds = seconds;
  time.max = String(seconds);
  sound.show(heard, name);
  latest = heard;
  rotary?.setUtterance(heard.f0, heard.hopSeconds);
  at("flow-sound").textContent =
    `[${heard.wave.length}] samples, ${heard.milliseconds.decode.toFixed(0)} ms to decode`;
  at("flow-mel").textContent =
    `[${heard.bands}, ${heard.hops}] + [${heard.hops}], ${heard.milliseconds.features.toFixed(0)} ms`;
  void model.recognise(heard);
}

const recordings = new RecordingPanel({
  worker,
  onHeard: show,
  modelReady: () => model.ready(),
  onPitch: (hz) => rotary?.setLivePitch(hz),
});
model.onChangedSound = show;
at("live-drive").addEventListener("click", () => rotary?.followMicrophone());
at("keep").addEventListener("click", async () => {
  if (latest === null) return;
  const { encodeWav } = await import("@echo-ts/audio");
  const { wave, sampleRate } = latest;
  download(new Blob([Uint8Array.from(encodeWav(wave, { sampleRate }))], { type: "audio/wav" }), "echo.wav");
});

await recordings.first();
performance.mark("echo-first-recording");
// The page stands; now the rest and the model may come, unless the visitor's device asks to save data.
const { connection } = navigator as { connection?: { readonly saveData?: boolean } };
if (connection?.saveData === true) model.offer();
else await model.ready().catch(() => {});
const lab = await import("./rotary-lab.ts");
rotary = new lab.RotaryLab(at("rotary-lab"));
if (latest !== null) rotary.setUtterance((latest as Heard).f0, (latest as Heard).hopSeconds);
showPlace();
listenForEscape(at("flow"));
