// Recordings to features, once: waves and f0 tracks of recordings, features of utterances, each kept by what it
// depends on. Strings of recordings are put together here. Read next: feature-cache.ts, ../train/batches.ts.
import type { ArrayRecord } from "@echo-ts/tensor";
import type { FileAccess } from "../data/file-access.ts";
import type { Utterance } from "../data/utterance.ts";
import { DataError } from "../errors.ts";
import type { InputSettings } from "../settings/resolve.ts";
import { contentHash, type FeatureCache, NO_CACHE, textHash } from "./feature-cache.ts";
import { FeatureMemory } from "./feature-memory.ts";
import { extractFeatures, hopCount, trackF0, type UtteranceFeatures } from "./features.ts";
import { joinPieces, type Piece } from "./join-clips.ts";
import {
  changeSpeed,
  changeSpeedOfF0,
  decodeRecording,
  type RecordingDecoder,
  refuseDamaged,
} from "./recording.ts";

/** Features of about 4 hours at the defaults. */
const MEMORY_BYTES = 2 ** 30;
/** Changes with the meaning of the stored arrays, so that old cache folders are not misread. */
const CACHE_VERSION = 3;

/** Bytes of the largest recording that is read. */
const MOST_BYTES = 2 ** 31;

/** Loads recordings of a data folder and keeps what was computed from them. */
export class FeatureStore {
  readonly input: InputSettings;
  readonly #files: FileAccess;
  readonly #cache: FeatureCache;
  readonly #decoder: RecordingDecoder;
  readonly #features: FeatureMemory;
  readonly #pieces = new Map<string, Promise<Piece>>();
  readonly #bytes = new Map<string, Promise<Uint8Array<ArrayBuffer>>>();
  readonly #hashes = new Map<string, string>();

  /**
   * @param input - of `inputOf`.
   * @param cache - default none: features are computed once a run and all kept in memory.
   * @param decoder - default {@link decodeRecording}; with `limitedDecoder` no recording takes too long or too much.
   * @param memoryBytes - how much of what the cache has is kept in memory too, default 1 GiB; features that no cache has
   * (there is none, or the model reads the waveform) are kept whatever they take.
   */
  constructor(
    files: FileAccess,
    input: InputSettings,
    cache: FeatureCache = NO_CACHE,
    decoder: RecordingDecoder = decodeRecording,
    memoryBytes: number = MEMORY_BYTES,
  ) {
    this.#files = files;
    this.#decoder = decoder;
    this.input = input;
    this.#cache = cache;
    this.#features = new FeatureMemory(this.#isCached ? memoryBytes : Number.POSITIVE_INFINITY);
  }

  get #isCached(): boolean {
    return this.#cache !== NO_CACHE && !this.input.features.includes("waveform");
  }

  /** Bytes of features in memory. */
  get heldBytes(): number {
    return this.#features.heldBytes;
  }

  /**
   * Features of an utterance at a speed.
   * @throws DataError naming a recording that is missing, damaged or cannot be decoded.
   */
  features(utterance: Utterance, speed = 1): Promise<UtteranceFeatures> {
    return this.#features.get(`${utterance.id}@${speed}`, () => this.#cached(utterance, speed));
  }

  /** Samples and f0 of a recording at a speed, kept in memory. */
  piece(file: string, speed = 1): Promise<Piece> {
    const key = `${file}@${speed}`;
    const found = this.#pieces.get(key);
    if (found !== undefined) return found;
    const made = speed === 1 ? this.#decode(file) : this.#faster(file, speed);
    this.#pieces.set(key, made);
    return made;
  }

  /** Samples and f0 of an utterance at a speed; strings of recordings are joined, their gaps keep their length. */
  async wholePiece({ audio }: Utterance, speed = 1): Promise<Piece> {
    if (audio.kind === "file") return this.piece(audio.file, speed);
    const pieces = await Promise.all(audio.files.map((file) => this.piece(file, speed)));
    const scale = this.input.sampleRate / audio.sampleRate;
    const gaps = audio.gaps.map((gap) => Math.round(gap * scale));
    return joinPieces(pieces, gaps, this.input.hopLength);
  }

  /** Features of samples that are not (or no longer) those of a recording: joined, noisy. */
  extract(wave: Float32Array, f0?: Float32Array): UtteranceFeatures {
    return extractFeatures(wave, this.input, f0);
  }

  /** Forgets the waves; features stay. */
  forgetPieces(): void {
    this.#pieces.clear();
    this.#bytes.clear();
  }

  async #cached(utterance: Utterance, speed: number): Promise<UtteranceFeatures> {
    const compute = async (): Promise<UtteranceFeatures> => {
      const { wave, f0 } = await this.wholePiece(utterance, speed);
      return this.extract(wave, f0);
    };
    if (!this.#isCached) return compute();
    const key = await this.#keyOf(utterance, speed);
    const stored = featuresOf(await this.#cache.get(key), this.input.melBins);
    if (stored !== null) return stored;
    const features = await compute();
    await this.#cache.set(key, recordsOf(features, this.input.melBins));
    return features;
  }

  /** SHA-256 of each recording of an utterance, and how they are put together; plain JSON. */
  async contentOf({ audio }: Utterance): Promise<readonly [string[], object | null]> {
    const files = audio.kind === "file" ? [audio.file] : audio.files;
    const contents: string[] = [];
    for (const file of files) contents.push(await this.#hashOf(file));
    return [contents, audio.kind === "clips" ? { gaps: audio.gaps, rate: audio.sampleRate } : null];
  }

  async #keyOf(utterance: Utterance, speed: number): Promise<string> {
    const [contents, gaps] = await this.contentOf(utterance);
    const { features: _, silenceDecades, ...settings } = this.input;
    return textHash(JSON.stringify([CACHE_VERSION, contents, gaps, settings, silenceDecades, speed]));
  }

  async #decode(file: string): Promise<Piece> {
    const bytes = await this.#read(file);
    const wave = await this.#decoder(bytes, file, this.input.sampleRate, refuseDamaged(file));
    return { wave, f0: trackF0(wave, this.input) };
  }

  async #faster(file: string, speed: number): Promise<Piece> {
    const { wave, f0 } = await this.piece(file, 1);
    const faster = changeSpeed(wave, speed);
    const frames = hopCount(faster.length, this.input.hopLength);
    return { wave: faster, f0: changeSpeedOfF0(f0, speed, frames) };
  }

  #read(file: string): Promise<Uint8Array<ArrayBuffer>> {
    const found = this.#bytes.get(file);
    if (found !== undefined) return found;
    const made = this.#readAndHash(file);
    this.#bytes.set(file, made);
    return made;
  }

  async #readAndHash(file: string): Promise<Uint8Array<ArrayBuffer>> {
    const bytes = await readWhole(this.#files, file);
    const hash = await contentHash(bytes);
    const before = this.#hashes.get(file) ?? hash;
    if (before !== hash)
      throw new DataError(
        `features: ${file} has changed since it was first read, expected the same contents`,
      );
    this.#hashes.set(file, hash);
    return bytes;
  }

  async #hashOf(file: string): Promise<string> {
    if (!this.#hashes.has(file)) await this.#read(file);
    return this.#hashes.get(file)!;
  }
}

async function readWhole(files: FileAccess, file: string): Promise<Uint8Array<ArrayBuffer>> {
  const found = await files.readHead(file, MOST_BYTES);
  if (found.kind === "missing") throw new DataError(`features: ${file} does not exist in the data folder`);
  if (found.kind === "outside") throw new DataError(`features: ${file} lies outside the data folder`);
  if (found.kind === "unreadable") throw new DataError(`features: ${file} cannot be read: ${found.reason}`);
  if (found.size > MOST_BYTES)
    throw new DataError(`features: ${file} has ${found.size} bytes, expected at most ${MOST_BYTES} (2 GiB)`);
  return new Uint8Array(found.bytes);
}

function recordsOf(features: UtteranceFeatures, melBins: number): Record<string, ArrayRecord> {
  const { mel, f0, silent, frames } = features;
  return {
    mel: { dtype: "float32", shape: [melBins, frames], data: mel },
    f0: { dtype: "float32", shape: [frames], data: f0 },
    silent: { dtype: "uint8", shape: [frames], data: silent },
  };
}

/** The features in a cache entry, or null when it holds something else. */
function featuresOf(
  arrays: ReadonlyMap<string, ArrayRecord> | null,
  melBins: number,
): UtteranceFeatures | null {
  const mel = arrays?.get("mel")?.data;
  const f0 = arrays?.get("f0")?.data;
  const silent = arrays?.get("silent")?.data;
  if (!(mel instanceof Float32Array && f0 instanceof Float32Array && silent instanceof Uint8Array))
    return null;
  const frames = f0.length;
  if (mel.length !== melBins * frames || silent.length !== frames) return null;
  return { mel, f0, silent, frames };
}
