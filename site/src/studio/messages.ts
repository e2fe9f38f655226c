// What the studio and its worker say to each other. Each request names its kind and gets one answer.
import type { EchoConfig, TimedWord } from "@echo-ts/echo-model";

/** A recording as it was heard. Hops are `hopSeconds` apart. */
export interface Heard {
  /** Mono, at `sampleRate`. */
  readonly wave: Float32Array;
  readonly sampleRate: number;
  readonly hopSeconds: number;
  /** Normalised log-mel, row-major [bands, hops]. */
  readonly mel: Float32Array;
  readonly bands: number;
  readonly hops: number;
  /** Hz per hop, 0 = unvoiced. */
  readonly f0: Float32Array;
  /** 1 where a hop is silent. */
  readonly silent: Uint8Array;
  readonly milliseconds: { readonly decode: number; readonly features: number };
}

/** What of the model is switched. */
export interface Switches {
  readonly rotary: EchoConfig["model"]["rotary"]["pitch"];
  readonly pitchBias: boolean;
  readonly zeroKeys: boolean;
}

/** One attention layer of the encoder. */
export interface LayerMap {
  readonly name: string;
  readonly heads: number;
  /** T, frames of the encoder. */
  readonly frames: number;
  /** Row-major [heads, T, T]: how much a frame (row) takes from each frame (column). */
  readonly weights: Float32Array;
  /** Share of the attention that silent frames receive, mean over rows and heads. */
  readonly onSilence: number;
}

/** What the model makes of a recording. */
export interface Recognised {
  readonly text: string;
  readonly words: readonly TimedWord[];
  readonly layers: readonly LayerMap[];
  readonly secondsPerFrame: number;
  /** Share of the encoder's frames that are silent. */
  readonly silentFrames: number;
  /** Likely tokens: their names, and probabilities row-major [tokens, T]. */
  readonly lattice: { readonly tokens: readonly string[]; readonly probabilities: Float32Array };
  readonly milliseconds: { readonly encoder: number; readonly ctc: number; readonly transcribe: number };
}

/** The model that was loaded. */
export interface Loaded {
  readonly parameters: number;
  readonly vocabulary: readonly string[];
  readonly headWidth: number;
  readonly rotary: EchoConfig["model"]["rotary"];
  readonly switches: Switches;
  readonly threads: number;
  readonly milliseconds: number;
}

/** Requests by their kind, with what they take and give. */
export interface Requests {
  hear: { take: { bytes: ArrayBuffer; name: string }; give: Heard };
  load: { take: { bytes: ArrayBuffer; name: string }; give: Loaded };
  recognise: { take: { wave: Float32Array; switches: Switches }; give: Recognised };
  /** Silence is put into the pause nearest to the middle, `seconds` long. */
  insertSilence: { take: { wave: Float32Array; seconds: number }; give: { wave: Float32Array } };
  /** The next samples of the microphone; `end` closes the stream. */
  listen: { take: { samples: Float32Array; end: boolean }; give: { words: readonly TimedWord[] } };
}

/** A request on its way. */
export interface Request<K extends keyof Requests = keyof Requests> {
  readonly id: number;
  readonly kind: K;
  readonly take: Requests[K]["take"];
}

/** The answer: what was asked for, or why there is none. */
export interface Answer {
  readonly id: number;
  readonly give?: unknown;
  readonly failed?: string;
}
