// What the page and its worker say to each other.

/** What the page sends. */
export type Order =
  | { readonly kind: "open"; readonly files: ReadonlyMap<string, File> }
  | { readonly kind: "decode"; readonly bytes: ArrayBuffer; readonly name: string }
  | { readonly kind: "transcribe"; readonly wave: Float32Array; readonly options: Options };

/** How to transcribe; a language of null is found by the model. */
export interface Options {
  readonly language: string | null;
  readonly timestamps: boolean;
  readonly translate: boolean;
}

/** What comes back: an answer to each order, and news of a transcription before it. */
export type News =
  | ({ readonly kind: "opened" } & Opened)
  | { readonly kind: "decoded"; readonly wave: Float32Array }
  | { readonly kind: "piece"; readonly start: number; readonly end: number; readonly text: string }
  | { readonly kind: "heard"; readonly window: number; readonly tokens: number }
  | ({ readonly kind: "done" } & Figures)
  | { readonly kind: "failed"; readonly of: Order["kind"]; readonly text: string };

/** The model that was opened. */
export interface Opened {
  readonly weights: number;
  readonly encoderLayers: number;
  readonly decoderLayers: number;
  readonly width: number;
  readonly tokens: number;
  /** Codes such as "en"; none for a model of English only. */
  readonly languages: readonly string[];
  readonly threads: number;
  readonly milliseconds: number;
  readonly bytes: number;
}

/** What a transcription took. Bytes are the whole memory of wasm, the weights included. */
export interface Figures {
  readonly seconds: number;
  readonly windows: number;
  readonly tokens: number;
  readonly milliseconds: number;
  readonly encoderMilliseconds: number;
  readonly decoderMilliseconds: number;
  readonly bytes: number;
}
