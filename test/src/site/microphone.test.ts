// The microphone in Chromium, by its fake device that plays a bundled recording: what is shown while one speaks, that the
// page keeps every sample that reaches its audio thread, and what is said when there is no microphone. Read first:
// open-site.ts, live-samples.test.ts.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { decodeWav, encodeWav, resample } from "@echo-ts/audio";
import type { Page as Tab } from "playwright-core";
import t from "tap";
import { launchChromium, skipWithoutChromium } from "../browser/chromium.ts";
import { openSite, until } from "./open-site.ts";
import { losesNothing, stopAndSave, tapScript } from "./tapped-microphone.ts";

t.setTimeout(700_000);

const RATE = 16000;
const quiet = new Float32Array(RATE);
const digits = [1, 4, 2].map(
  (digit) =>
    decodeWav(readFileSync(join(import.meta.dirname, `../../../data/asterisk-alnum/wav/digits-${digit}.wav`)))
      .channels[0]!,
);
/** One, four, two, with a second of silence around each, which the device plays over and over; and where each begins. */
const spoken = Float32Array.from(
  [quiet, ...digits.flatMap((wave) => [wave, quiet]), quiet].flatMap((x) => [...x]),
);
const begins = digits.map((_, i) => digits.slice(0, i).reduce((sum, wave) => sum + wave.length + RATE, RATE));

/** Where the middle of `piece` lies in `wave`, and how alike the two are there: cosine, 1 for the same shape. */
function find(piece: Float32Array, wave: Float32Array): { at: number; likeness: number } {
  const length = 2000;
  const start = (piece.length - length) >> 1;
  const middle = piece.subarray(start, start + length);
  const sums = new Float64Array(wave.length + 1);
  for (let i = 0; i < wave.length; i++) sums[i + 1] = sums[i]! + wave[i]! ** 2;
  const size = Math.sqrt(middle.reduce((sum, value) => sum + value * value, 0));
  let best = { at: 0, likeness: -1 };
  for (let at = 0; at + length <= wave.length; at++) {
    let product = 0;
    for (let i = 0; i < length; i++) product += middle[i]! * wave[at + i]!;
    const likeness = product / (size * Math.sqrt(sums[at + length]! - sums[at]!) + 1e-9);
    if (likeness > best.likeness) best = { at: at - start, likeness };
  }
  return best;
}

const ready = (tab: Tab) => until(tab, "document.querySelector('#rotary-lab svg') !== null");

t.test("the microphone", { skip: skipWithoutChromium, timeout: 680_000 }, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "echo-microphone-"));
  const microphone = join(folder, "microphone.wav");
  writeFileSync(microphone, encodeWav(resample(spoken, RATE, 48000), { sampleRate: 48000 }));
  const site = await openSite([
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
    `--use-file-for-fake-audio-capture=${microphone}`,
    "--autoplay-policy=no-user-gesture-required",
  ]);
  t.teardown(async () => {
    await site.close();
    rmSync(folder, { recursive: true });
  });

  await t.test("wave, pitch and words as they come; the band follows", async (t) => {
    const { tab, problems } = await site.open("", {}, "plain", tapScript());
    await ready(tab);
    const still = await tab.textContent("#band-widths");
    await tab.click("#microphone");
    await until(tab, "Number.parseFloat(document.querySelector('#live-pitch').textContent) > 100");
    t.equal(await tab.textContent("#band-widths"), still, "the band waits until it is asked to follow");
    await tab.click("#live-drive");
    await until(tab, `document.querySelector("#band-widths").textContent !== ${JSON.stringify(still)}`);
    const hz = Number.parseFloat((await tab.textContent("#live-pitch"))!);
    t.ok(hz > 100 && hz < 320, `${hz} Hz: a woman's voice`);
    // The page is busy for a while: the audio thread goes on.
    await tab.evaluate("{ const end = performance.now() + 700; while (performance.now() < end); }");
    await until(tab, "/four|one|two/.test(document.querySelector('#live-words').textContent)");
    await until(tab, "Number.parseFloat(document.querySelector('#live-gaps').textContent) > 16");
    // A fake device on a busy machine is late itself, so that the sound and not the clock is what counts here.
    t.comment(`the page says: ${await tab.textContent("#live-gaps")}`);
    // Between two digits the wave is flat: the next one reaches into the top of its strip.
    await until(
      tab,
      `(() => {
        const canvas = document.querySelector("#live-canvas");
        const copy = new OffscreenCanvas(canvas.width, 20).getContext("2d", { willReadFrequently: true });
        copy.drawImage(canvas, 0, 0);
        const { data } = copy.getImageData(0, 0, canvas.width, 20);
        return data.filter((value, i) => i % 4 === 3 && value > 0).length > 20;
      })()`,
    );
    t.same(await site.audit(tab), [], "axe-core finds nothing while it listens");
    t.comment(`heard: ${await tab.textContent("#live-words")}`);
    const { kept, tapped } = await stopAndSave(tab);
    losesNothing(t, kept, tapped);
    // The first digit where a whole round follows, and the others in that round.
    const first = find(digits[0]!, kept.subarray(0, kept.length - spoken.length));
    const round = kept.subarray(first.at, first.at + spoken.length);
    const found = [
      first,
      ...digits.slice(1).map((digit) => {
        const { at, likeness } = find(digit, round);
        return { at: first.at + at, likeness };
      }),
    ];
    const distances = found.map(({ at }, i) => at - found[0]!.at - (begins[i]! - begins[0]!));
    // Reported, not judged: what is missing or put in here was so in what Chromium gave the audio thread, as the check above
    // shows. Where a machine is too busy to run that thread in time, Chromium drops what its queue between a device and the
    // thread has no room for, and puts silence in where the queue is empty; its trace names both ("FIFO full", "underrun").
    t.comment(`samples by which the digits moved against each other: ${distances.join(", ")}`);
    t.comment(`likeness of each: ${found.map(({ likeness }) => likeness.toFixed(3)).join(", ")}`);
    t.same(problems, []);
    await tab.context().close();
  });

  await t.test("the device goes, or fails: what is said, and what was said stays", async (t) => {
    const { tab } = await site.open("");
    await ready(tab);
    await tab.evaluate(`{
      const { mediaDevices } = navigator;
      const open = mediaDevices.getUserMedia.bind(mediaDevices);
      mediaDevices.getUserMedia = async (asked) => (globalThis.opened = await open(asked));
    }`);
    await tab.click("#microphone");
    await until(tab, "Number.parseFloat(document.querySelector('#live-gaps').textContent) > 1");
    // What a browser does when a microphone is unplugged: its track ends.
    await tab.evaluate(`for (const track of globalThis.opened.getTracks()) {
      track.stop();
      track.dispatchEvent(new Event("ended"));
    }`);
    await until(tab, "/of your microphone/.test(document.querySelector('#said').textContent)");
    t.match(await tab.textContent("#problem"), /The microphone is gone\. Plug it in again/);
    t.equal(await tab.textContent("#microphone"), "Use the microphone", "it can be used again");
    for (const [name, words] of [
      ["NotReadableError", /another program may have it/],
      ["NotSupportedError", /cannot take the microphone's sound at 16 kHz/],
      ["SecurityError", /on https and on this machine only/],
      ["AbortError", /The microphone failed .*Drop a recording instead/],
    ] as const) {
      await tab.evaluate(`document.querySelector("#problem").textContent = "";
        navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException("", "${name}"))`);
      await tab.click("#microphone");
      await until(tab, "document.querySelector('#problem').textContent !== ''");
      t.match(await tab.textContent("#problem"), words, name);
    }
    await tab.context().close();
  });

  for (const [what, flags, words] of [
    ["refused", ["--use-fake-device-for-media-stream"], /was refused\. Allow it/],
    ["not there", ["--use-fake-ui-for-media-stream"], /No microphone was found\. Plug one in/],
  ] as const) {
    await t.test(`a microphone that is ${what}, on both pages that take one`, async (t) => {
      const browser = await launchChromium(flags);
      t.teardown(() => browser.close());
      const tab = await browser.newPage();
      await tab.goto(site.address(""));
      await ready(tab);
      await tab.click("#microphone");
      await until(tab, "document.querySelector('#problem').textContent !== ''");
      t.match(await tab.textContent("#problem"), words);
      await tab.goto(site.address("train/"));
      await tab.click("#cards button");
      await until(tab, "document.querySelector('#problem').textContent !== ''");
      t.match(await tab.textContent("#problem"), words);
    });
  }
});
