// Puts a witness into the page's audio thread, beside the page's own worklet, that keeps every sample the thread is given;
// and where a wave is named plays that in place of the microphone. Read next: live-samples.test.ts.
import { readFileSync } from "node:fs";
import { decodeWav, encodeWav } from "@echo-ts/audio";
import type { Page as Tab } from "playwright-core";
import type { Test } from "tap";
import { until } from "./open-site.ts";

const RATE = 16000;

/** What passed through a page while it listened to its microphone. */
export interface Tapped {
  /** What the audio thread was given, by the witness. */
  readonly taken: Float32Array;
  /** Frame at which each quantum begins. */
  readonly frames: readonly number[];
  /** Frame that was being processed, or a later one, when the button was pressed that stops listening. */
  readonly stopFrame: number;
  /** Samples that the page sent to the worker that recognises them, in the order of sending. */
  readonly sent: Float32Array;
  /** First hop and number of hops of each message of the worklet "echo-features". */
  readonly hops: readonly (readonly [first: number, count: number])[];
}

const WITNESS = `registerProcessor("witness", class extends AudioWorkletProcessor {
  quanta = [];
  frames = [];
  constructor() {
    super();
    this.port.onmessage = () => this.port.postMessage({ quanta: this.quanta, frames: this.frames });
  }
  process([[samples]]) {
    if (samples === undefined) return true;
    this.frames.push(currentFrame);
    this.quanta.push(samples.slice());
    return true;
  }
});`;

/**
 * Script that runs before a page's own; the page's policy must be off for the witness.
 *
 * @param played 16-bit samples at 16 kHz that are played over and over in place of the device
 */
export const tapScript = (played?: Int16Array): string => `(() => {
  const tapped = (globalThis.tapped = { sent: [], hops: [], stopFrame: 0 });
  const { addModule } = AudioWorklet.prototype;
  AudioWorklet.prototype.addModule = async function (address) {
    await addModule.call(this, address);
    const witness = new Blob([${JSON.stringify(WITNESS)}], { type: "text/javascript" });
    await addModule.call(this, URL.createObjectURL(witness));
  };
  const played = ${played === undefined ? "null" : `[${played.join(",")}]`};
  globalThis.AudioContext = class extends AudioContext {
    createMediaStreamSource(stream) {
      tapped.context = this;
      this.witness = new AudioWorkletNode(this, "witness");
      const source = played === null ? super.createMediaStreamSource(stream) : this.createKnownSource();
      source.connect(this.witness);
      return source;
    }
    createKnownSource() {
      const buffer = this.createBuffer(1, played.length, this.sampleRate);
      buffer.copyToChannel(Float32Array.from(played, (value) => value / 32768), 0);
      const source = new AudioBufferSourceNode(this, { buffer, loop: true });
      source.start();
      return source;
    }
    async close() {
      const { port } = this.witness;
      tapped.witness = new Promise((resolve) => { port.onmessage = ({ data }) => resolve(data); });
      port.postMessage("give");
      await tapped.witness;
      return super.close();
    }
  };
  globalThis.AudioWorkletNode = class extends AudioWorkletNode {
    constructor(context, name, options) {
      super(context, name, options);
      if (name === "echo-features")
        this.port.addEventListener("message", ({ data }) => tapped.hops.push([data.first, data.f0.length]));
    }
  };
  const { postMessage } = Worker.prototype;
  Worker.prototype.postMessage = function (message, ...rest) {
    if (message.kind === "listen") tapped.sent.push(message.take.samples.slice());
    return postMessage.call(this, message, ...rest);
  };
})()`;

/** Expression that presses the button which stops listening, and notes the frame. */
const STOP = `{
  tapped.stopFrame = Math.round(tapped.context.currentTime * 16000);
  document.querySelector("#microphone").click();
}`;

/** What was tapped, after the microphone was closed. */
async function tappedOf(tab: Tab): Promise<Tapped> {
  const { taken, sent, ...rest } = (await tab.evaluate(`tapped.witness.then(({ quanta, frames }) => {
    const text = async (parts) => {
      const reader = new FileReader();
      reader.readAsDataURL(new Blob(parts));
      await new Promise((resolve) => { reader.onload = resolve; });
      return reader.result.split(",")[1] ?? "";
    };
    return Promise.all([text(quanta), text(tapped.sent)]).then(([taken, sent]) => ({
      taken, sent, frames, stopFrame: tapped.stopFrame, hops: tapped.hops,
    }));
  })`)) as Omit<Tapped, "taken" | "sent"> & { readonly taken: string; readonly sent: string };
  const samples = (text: string): Float32Array => {
    const bytes = Uint8Array.from(Buffer.from(text, "base64"));
    return new Float32Array(bytes.buffer);
  };
  return { ...rest, taken: samples(taken), sent: samples(sent) };
}

/** How many samples of `part` are those of `whole` from `at` on, until the first that differs. */
function equalFrom(part: Float32Array, whole: Float32Array, at: number): number {
  let same = 0;
  while (same < part.length && part[same] === whole[at + same]) same++;
  return same;
}

/** Where `part` lies in `whole`, and how many of its samples are there one after the other. */
export function place(part: Float32Array, whole: Float32Array, step: number): { at: number; same: number } {
  let best = { at: -1, same: 0 };
  for (let at = 0; at < whole.length && best.same < part.length; at += step) {
    const same = equalFrom(part, whole, at);
    if (same > best.same) best = { at, same };
  }
  return best;
}

/** What the page keeps in a WAV file of 16 bits. */
const in16Bits = (wave: Float32Array): Float32Array =>
  decodeWav(encodeWav(wave, { sampleRate: RATE })).channels[0]!;

/** Stops listening; what the page then offers for saving, and what was tapped. */
export async function stopAndSave(tab: Tab): Promise<{ kept: Float32Array; tapped: Tapped }> {
  await tab.evaluate(STOP);
  await until(tab, "/of your microphone/.test(document.querySelector('#said').textContent)");
  const [given] = await Promise.all([tab.waitForEvent("download"), tab.click("#keep")]);
  const kept = decodeWav(readFileSync((await given.path())!)).channels[0]!;
  return { kept, tapped: await tappedOf(tab) };
}

/** From the audio thread on no sample is lost, doubled or out of its order: bit by bit. */
export function losesNothing(
  t: Test,
  kept: Float32Array,
  { taken, frames, stopFrame, sent, hops }: Tapped,
): void {
  const { at, same } = place(kept, in16Bits(taken), 128);
  t.equal(same, kept.length, "the page keeps what the audio thread was given, sample by sample");
  const end = frames[(at + kept.length) / 128 - 1]! + 128;
  t.ok(end >= stopFrame, `up to the press of the button: frame ${end} of ${stopFrame}`);
  const tail = Math.min(sent.length, kept.length);
  t.ok(tail > RATE, `${sent.length} samples went to the recogniser`);
  t.equal(
    equalFrom(in16Bits(sent.subarray(sent.length - tail)), kept, kept.length - tail),
    tail,
    "the recogniser is sent the same samples",
  );
  const torn = hops.filter(([first], i) => i > 0 && first !== hops[i - 1]![0] + hops[i - 1]![1]);
  t.same(torn, [], "the features come hop by hop");
}
