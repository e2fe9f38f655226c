// What runs in the audio thread: the audio package's features, and a processor that hands on the samples.
import "@echo-ts/audio/worklet";
import type { LiveSamples } from "./microphone.ts";

declare function registerProcessor(name: string, processor: new () => object): void;
declare const AudioWorkletProcessor: new () => {
  readonly port: {
    onmessage: ((event: MessageEvent) => void) | null;
    postMessage(message: LiveSamples & { readonly last: boolean }, transfer: Transferable[]): void;
  };
};
/** Frame at which the quantum that is processed begins. */
declare const currentFrame: number;

/** Samples that are handed on at once: 0.128 s at 16 kHz. */
const CHUNK = 2048;

/**
 * The processor "echo-samples": posts chunks of mono samples, each with its place and the frames that were skipped before
 * it. Any message from the page asks for what has come since the last chunk; it is the last thing that is posted.
 */
class SampleProcessor extends AudioWorkletProcessor {
  #chunk = new Float32Array(CHUNK);
  #filled = 0;
  #posted = 0;
  #next: number | null = null;
  #skipped = 0;
  #ended = false;

  constructor() {
    super();
    this.port.onmessage = () => {
      if (!this.#ended) this.#post(true);
      this.#ended = true;
    };
  }

  process(inputs: readonly (readonly Float32Array[])[]): boolean {
    if (this.#ended) return false;
    const channels = inputs[0] ?? [];
    const count = channels[0]?.length ?? 0;
    if (count > 0) {
      // Before the first sound there is nothing to miss.
      this.#skipped += currentFrame - (this.#next ?? currentFrame);
      this.#next = currentFrame + count;
    }
    for (let i = 0; i < count; i++) {
      let sum = 0;
      for (const channel of channels) sum += channel[i]!;
      this.#chunk[this.#filled++] = sum / channels.length;
      if (this.#filled === CHUNK) this.#post(false);
    }
    return true;
  }

  #post(last: boolean): void {
    const samples = last ? this.#chunk.slice(0, this.#filled) : this.#chunk;
    const message = { samples, first: this.#posted, skipped: this.#skipped, clock: Date.now(), last };
    this.#posted += samples.length;
    this.port.postMessage(message, [samples.buffer]);
    this.#chunk = new Float32Array(CHUNK);
    this.#filled = 0;
    this.#skipped = 0;
  }
}

registerProcessor("echo-samples", SampleProcessor);
