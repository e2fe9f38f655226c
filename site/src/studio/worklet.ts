// What runs in the audio thread: the audio package's features, and a processor that hands on the samples.
import "@echo-ts/audio/worklet";

declare function registerProcessor(name: string, processor: new () => object): void;
declare const AudioWorkletProcessor: new () => {
  readonly port: { postMessage(message: unknown, transfer: Transferable[]): void };
};
/** Frame at which the quantum that is processed begins. */
declare const currentFrame: number;

/** Samples that are handed on at once: 0.128 s at 16 kHz. */
const CHUNK = 2048;

/** The processor "echo-samples": posts chunks of mono samples, each with the frames that were skipped before it. */
class SampleProcessor extends AudioWorkletProcessor {
  #chunk = new Float32Array(CHUNK);
  #filled = 0;
  #next: number | null = null;
  #skipped = 0;

  process(inputs: readonly (readonly Float32Array[])[]): boolean {
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
      if (this.#filled < CHUNK) continue;
      const message = { samples: this.#chunk, skipped: this.#skipped, clock: Date.now() };
      this.port.postMessage(message, [this.#chunk.buffer]);
      this.#chunk = new Float32Array(CHUNK);
      this.#filled = 0;
      this.#skipped = 0;
    }
    return true;
  }
}

registerProcessor("echo-samples", SampleProcessor);
