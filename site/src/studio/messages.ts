// What the studio and its worker say to each other. Each request names its kind and gets one answer.
import type { EchoConfig, TimedWord } from "@echo-ts/echo-model";
import type { BeamNode } from "./beam-tree.ts";

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

/** One attention layer: of the encoder to itself, or of the decoder to the sound. */
export interface LayerMap {
  /** "encoder 0", "decoder 0 to the sound". */
  readonly name: string;
  readonly heads: number;
  readonly queries: number;
  /** Frames of the encoder. */
  readonly keys: number;
  /** Row-major [heads, queries, keys]: how much a query (row) takes from each frame (column). */
  readonly weights: Float32Array;
  /** Names of the queries where they are tokens; null where they are frames. */
  readonly tokens: readonly string[] | null;
  /** Share of the attention that silent frames receive, mean over rows and heads. */
  readonly onSilence: number;
}

/** How far the gate of a block opens, 0 to 1, at each frame of the encoder or each token of the decoder. */
export interface GateOpenings {
  /** "encoder 0", "text 0", "cross 0". */
  readonly name: string;
  readonly onFrames: boolean;
  readonly openings: Float32Array;
  /** Mean opening of the same gate in a model of the same shape that has not been trained. */
  readonly untrained: number;
}

/** What the model makes of a recording. */
export interface Recognised {
  readonly text: string;
  readonly words: readonly TimedWord[];
  readonly layers: readonly LayerMap[];
  readonly gates: readonly GateOpenings[];
  /** Hz at each frame of the encoder, 0 = unvoiced. */
  readonly f0: Float32Array;
  /** Texts that the prefix beam kept, frame by frame. */
  readonly beam: readonly (BeamNode & { readonly name: string })[];
  readonly secondsPerFrame: number;
  /** Share of the encoder's frames that are silent. */
  readonly silentFrames: number;
  /** Likely tokens: their names, and probabilities row-major [tokens, T]. */
  readonly lattice: { readonly tokens: readonly string[]; readonly probabilities: Float32Array };
  readonly milliseconds: { readonly encoder: number; readonly ctc: number; readonly transcribe: number };
}

/** One weight of an attention layer, step by step. */
export interface Explained {
  /** Query and key, after the rotary turn: [width of a head]. */
  readonly query: Float32Array;
  readonly key: Float32Array;
  /** What pitch and silence add to the score. */
  readonly pitch: number;
  readonly silence: number;
  /** Score of the element, and the log of the sum of exp(score) over its row. */
  readonly score: number;
  readonly logSum: number;
  readonly weight: number;
}

/** One value of the spectrogram, step by step. */
export interface ExplainedMel {
  /** Samples under the window, and the sample that it is centred on. */
  readonly samples: number;
  readonly centre: number;
  readonly fftSize: number;
  /** The frequencies under the band's filter: power of the frame there, and the filter's weight. */
  readonly under: readonly { readonly hz: number; readonly power: number; readonly weight: number }[];
  /** Sum of power times weight. */
  readonly power: number;
  /** log10 of the power, not below the floor. */
  readonly log: number;
  /** Mean of the band's logarithms over the recording, and the spread of all bands around their means. */
  readonly mean: number;
  readonly spread: number;
  /** What the model is given. */
  readonly value: number;
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
  /** How one weight of an attention layer comes about; `layer` counts as in `Recognised.layers`. */
  explain: {
    take: { wave: Float32Array; switches: Switches; layer: number; head: number; query: number; key: number };
    give: Explained;
  };
  /** How one value of the spectrogram comes about. */
  explainMel: { take: { wave: Float32Array; hop: number; band: number }; give: ExplainedMel };
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
