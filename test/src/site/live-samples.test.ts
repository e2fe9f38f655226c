// No sample of the microphone is lost between the audio thread and what the page keeps: known samples are played in place
// of the microphone while the page is blocked again and again, and compared bit by bit with the file that the page saves,
// with what it sends to the recogniser, and with what a witness in the audio thread was given. Read first:
// tapped-microphone.ts.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { decodeWav } from "@echo-ts/audio";
import t from "tap";
import { skipWithoutChromium } from "../browser/chromium.ts";
import { openSite, until } from "./open-site.ts";
import { losesNothing, place, stopAndSave, tapScript } from "./tapped-microphone.ts";

t.setTimeout(500_000);

const spoken = [1, 4, 2].flatMap((digit) => [
  ...decodeWav(
    readFileSync(join(import.meta.dirname, `../../../data/asterisk-alnum/wav/digits-${digit}.wav`)),
  ).channels[0]!,
  ...new Float32Array(16000),
]);

/** Three spoken digits in 16 bits, with noise of three bits that tells every place from every other. */
function unlikeAnywhere(): Int16Array {
  let state = 1;
  return Int16Array.from(spoken, (sample) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.round(sample * 32760) + (state >>> 29);
  });
}

t.test(
  "known samples arrive bit by bit while the page is busy",
  { skip: skipWithoutChromium, timeout: 480_000 },
  async (t) => {
    const site = await openSite([
      "--use-fake-ui-for-media-stream",
      "--use-fake-device-for-media-stream",
      "--autoplay-policy=no-user-gesture-required",
    ]);
    t.teardown(() => site.close());
    const played = unlikeAnywhere();
    const { tab, problems } = await site.open("", {}, "plain", tapScript(played));
    await until(tab, "document.querySelector('#rotary-lab svg') !== null");
    await tab.click("#microphone");
    for (const [seconds, milliseconds] of [
      [1, 700],
      [3, 1500],
      [6, 900],
    ]) {
      await until(tab, `Number.parseFloat(document.querySelector("#live-gaps").textContent) > ${seconds}`);
      await tab.evaluate(
        `{ const end = performance.now() + ${milliseconds}; while (performance.now() < end); }`,
      );
    }
    await until(tab, 'Number.parseFloat(document.querySelector("#live-gaps").textContent) > 8');
    t.comment(`the page says: ${await tab.textContent("#live-gaps")}`);
    const { kept, tapped } = await stopAndSave(tab);
    const { frames } = tapped;
    const torn = frames.filter((frame, i) => i > 0 && frame !== frames[i - 1]! + 128);
    t.same(torn, [], "the audio thread had every quantum");
    losesNothing(t, kept, tapped);
    const wave = Float32Array.from(played, (value) => value / 32768);
    const { at } = place(kept.subarray(0, 2000), wave, 1);
    const wrong = kept.findIndex((value, i) => value !== wave[(at + i) % wave.length]);
    t.equal(wrong, -1, `${kept.length} samples from ${at} on are those that were played`);
    t.same(problems, []);
  },
);
