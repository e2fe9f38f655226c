// What every decoder is given and gives. Read decode.ts for who calls whom.

/** One file to decode: how errors name it, and how much it may unpack to. */
export interface DecodeJob {
  /** "" or "a.flac: ", for messages. */
  readonly place: string;
  readonly file: string | undefined;
  /** Most values over all channels. */
  readonly maximumSamples: number;
}

/** What a decoder gives. */
export interface Decoded {
  readonly channels: Float32Array[];
  readonly sampleRate: number;
  /** What was wrong with the file but could be read around. */
  readonly warnings: string[];
}

/** Whether ASCII `text` stands at `at`. */
export function hasText(bytes: Uint8Array, at: number, text: string): boolean {
  for (let i = 0; i < text.length; i++) if (bytes[at + i] !== text.charCodeAt(i)) return false;
  return true;
}

/** A decoder fed chunk by chunk. */
export interface BlockDecoder {
  readonly sampleRate: number;
  readonly warnings: readonly string[];
  push(chunk: Uint8Array): DecodedBlock[] | Promise<DecodedBlock[]>;
  finish(): DecodedBlock[] | Promise<DecodedBlock[]>;
}

/** Samples as a decoder gives them: one array per channel. */
export interface DecodedBlock {
  readonly channels: readonly Float32Array[];
  readonly frames: number;
}
