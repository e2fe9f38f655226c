// The AudioWorklet processor of @echo-ts/audio in Chromium: bundled as a user would, on a rendered signal to the bit, and
// on a microphone that the browser plays a bundled recording into. Without Chromium it is skipped.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { decodeWav, encodeWav, FeatureStream, resample, trackPitch } from "@echo-ts/audio";
import type { Page as Tab } from "playwright-core";
import t from "tap";
import { bundle, launchChromium, skipWithoutChromium } from "./chromium.ts";

t.setTimeout(300_000); // on a busy machine the browser takes its time

const RATE = 16000;
const DIGITS = [1, 4, 20];

/** What the processor posts, as plain lists. */
interface Posted {
  readonly first: number;
  readonly f0: readonly number[];
  readonly speech: readonly number[];
  readonly normalized: readonly number[];
}

/** Spoken digits of the bundled voice with half a second of silence before and behind each, at 16 kHz. */
function recording(): Float32Array {
  const quiet = new Float32Array(RATE / 2);
  const parts = DIGITS.flatMap((digit) => {
    const file = new URL(`../../../data/asterisk-alnum/wav/digits-${digit}.wav`, import.meta.url);
    return [quiet, decodeWav(readFileSync(file)).channels[0]!];
  });
  const all = [...parts, quiet, quiet];
  const out = new Float32Array(all.reduce((n, part) => n + part.length, 0));
  let at = 0;
  for (const part of all) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

// The page's side, as the README has it; the functions below run in the page.
const START = `
  globalThis.collect = (node) => {
    const posted = [];
    node.port.onmessage = ({ data }) => posted.push({
      first: data.first,
      f0: Array.from(data.f0),
      speech: Array.from(data.speech),
      normalized: Array.from(data.normalized.data),
    });
    return posted;
  };
  globalThis.render = async (samples) => {
    const context = new OfflineAudioContext(1, samples.length, ${RATE});
    await context.audioWorklet.addModule("worklet.js");
    const buffer = context.createBuffer(1, samples.length, ${RATE});
    buffer.copyToChannel(Float32Array.from(samples), 0);
    const source = new AudioBufferSourceNode(context, { buffer });
    const node = new AudioWorkletNode(context, "echo-features");
    const posted = collect(node);
    source.connect(node);
    source.start();
    await context.startRendering();
    for (let count = -1; count !== posted.length; ) {
      count = posted.length;
      await new Promise((done) => setTimeout(done, 300));
    }
    return posted;
  };
  globalThis.listen = async (seconds) => {
    const context = new AudioContext({ sampleRate: ${RATE} });
    await context.audioWorklet.addModule("worklet.js");
    const plain = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
    const microphone = await navigator.mediaDevices.getUserMedia({ audio: plain });
    const source = context.createMediaStreamSource(microphone);
    const node = new AudioWorkletNode(context, "echo-features", { processorOptions: { pitch: { fmin: 70 } } });
    const posted = collect(node);
    source.connect(node);
    await new Promise((done) => setTimeout(done, seconds * 1000));
    await context.close();
    return posted;
  };
`;

const frames = (posted: readonly Posted[], key: "f0" | "speech" | "normalized"): number[] =>
  posted.flatMap((piece) => piece[key]);

/** Voiced frames of each word: 40 unvoiced ones, a third of a second, stand between two words. */
function wordsOf(f0: Float32Array): number[][] {
  const words: number[][] = [];
  f0.forEach((hz, i) => {
    if (hz === 0) return;
    const last = words.at(-1)?.at(-1) ?? Number.NEGATIVE_INFINITY;
    if (i - last > 40) words.push([]);
    words.at(-1)!.push(i);
  });
  return words;
}

/** Frames that follow one another without a gap, from frame 0. */
function areConsecutive(posted: readonly Posted[]): boolean {
  let next = 0;
  for (const { first, f0 } of posted) {
    if (first !== next) return false;
    next += f0.length;
  }
  return next > 0;
}

t.test(
  "the AudioWorklet processor in Chromium",
  { skip: skipWithoutChromium, timeout: 300_000 },
  async (t) => {
    const { outputFiles } = await bundle('import "@echo-ts/audio/worklet";');
    t.equal(outputFiles.length, 1, "a worklet is one file: nothing in it comes on demand");
    const server = createServer(({ url }, response) => {
      response.setHeader("Content-Type", url === "/worklet.js" ? "text/javascript" : "text/html");
      response.end(url === "/worklet.js" ? outputFiles[0]!.contents : "<title>worklet</title>");
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const folder = mkdtempSync(join(tmpdir(), "echo-microphone-"));
    const spoken = recording();
    const microphone = join(folder, "microphone.wav");
    writeFileSync(microphone, encodeWav(resample(spoken, RATE, 48000), { sampleRate: 48000 }));
    const browser = await launchChromium([
      "--use-fake-ui-for-media-stream",
      "--use-fake-device-for-media-stream",
      `--use-file-for-fake-audio-capture=${microphone}%noloop`,
      "--autoplay-policy=no-user-gesture-required",
    ]);
    t.teardown(async () => {
      await browser.close();
      server.close();
      rmSync(folder, { recursive: true });
    });
    const tab: Tab = await browser.newPage();
    await tab.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    await tab.evaluate(START);

    t.test("gives the bits of FeatureStream on a rendered signal", async (t) => {
      const samples = spoken.subarray(0, 128 * 200);
      const posted: Posted[] = await tab.evaluate(`render(${JSON.stringify(Array.from(samples))})`);
      t.ok(areConsecutive(posted));
      const stream = new FeatureStream({ sampleRate: RATE });
      const wanted = Array.from({ length: samples.length / 128 }, (_, i) =>
        stream.push(samples.subarray(128 * i, 128 * (i + 1))),
      );
      t.same(
        frames(posted, "f0"),
        wanted.flatMap(({ f0 }) => Array.from(f0)),
      );
      t.ok(frames(posted, "f0").some((f0) => f0 > 0));
      t.same(
        frames(posted, "speech"),
        wanted.flatMap(({ speech }) => Array.from(speech)),
      );
      const normalized = frames(posted, "normalized");
      const bits = wanted.flatMap((piece) => Array.from(piece.normalized.data));
      t.equal(normalized.length, bits.length);
      t.equal(normalized.filter((value, i) => value !== bits[i]).length, 0, "values that differ");
    });

    t.test("hears the voice in a microphone", async (t) => {
      const posted: Posted[] = await tab.evaluate(`listen(${spoken.length / RATE + 2})`);
      t.ok(areConsecutive(posted));
      const heard = frames(posted, "f0");
      const { f0 } = trackPitch(spoken, { sampleRate: RATE, hopLength: 128, fmin: 70, lookahead: 0.3 });
      // The microphone starts some time before or after the page listens, and a busy machine may lose a block of samples
      // between two words: for each word the shift with the most frames that agree.
      const agreeing = (word: readonly number[], shift: number): number =>
        word.filter((i) => Math.abs(heard[i + shift]! / f0[i]! - 1) < 0.03).length;
      const shifts = Array.from({ length: 500 }, (_, i) => i - 250);
      const words = wordsOf(f0);
      t.equal(words.length, DIGITS.length);
      for (const word of words) {
        const best = Math.max(...shifts.map((shift) => agreeing(word, shift)));
        t.ok(best > 0.9 * word.length, `f0 within 3 % in ${best} of ${word.length} voiced frames`);
      }
      const speech = frames(posted, "speech");
      t.ok(speech.includes(1) && speech.includes(0), "speech and pauses");
    });
  },
);
