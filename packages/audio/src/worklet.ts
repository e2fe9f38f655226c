// `@echo-ts/audio/worklet`: FeatureStream as an AudioWorklet processor. The page adds this module to the worklet of its
// audio context and listens to the node's port. README, "Streaming", shows the page's side.
import { FeatureStream, type FeatureStreamOptions } from "./feature-stream.ts";

// What an AudioWorklet's global scope has; TypeScript's DOM library does not list it.
declare const sampleRate: number;
declare function registerProcessor(name: string, processor: new (options: WorkletOptions) => object): void;
declare const AudioWorkletProcessor: new () => { readonly port: { postMessage(message: unknown): void } };

interface WorkletOptions {
  readonly processorOptions?: Omit<FeatureStreamOptions, "sampleRate">;
}

/**
 * The processor "echo-features": posts `FeatureFrames` whose arrays are plain { data, shape } for each block of the input
 * that completes frames; several channels are mixed. `processorOptions` are those of `FeatureStream`.
 */
class FeatureProcessor extends AudioWorkletProcessor {
  readonly #features: FeatureStream;

  constructor(options: WorkletOptions) {
    super();
    this.#features = new FeatureStream({ ...options.processorOptions, sampleRate });
  }

  process(inputs: readonly (readonly Float32Array[])[]): boolean {
    const channels = inputs[0] ?? [];
    const [first] = channels;
    if (!first) return true;
    const mixed = new Float32Array(first.length);
    for (const channel of channels) {
      for (let i = 0; i < mixed.length; i++) mixed[i] = mixed[i]! + channel[i]! / channels.length;
    }
    const { logMel, normalized, ...rest } = this.#features.push(mixed);
    if (rest.f0.length > 0) {
      this.port.postMessage({
        ...rest,
        logMel: { data: logMel.data, shape: logMel.shape },
        normalized: { data: normalized.data, shape: normalized.shape },
      });
    }
    return true;
  }
}

registerProcessor("echo-features", FeatureProcessor);
