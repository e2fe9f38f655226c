// Where training batches come from: passes over a data set (here) or endless random digit strings
// (digit-batches.ts). A source knows its position as plain JSON and goes on from it exactly.
// Read first: batch-plan.ts. Read next: trainer.ts.
import { type RandomStream, stream } from "@echo-ts/tensor";
import { checkLength, sameLength } from "../data/check-utterances.ts";
import { listProblems, type RowProblem, type Utterance } from "../data/utterance.ts";
import { DataError } from "../errors.ts";
import type { EchoConfig } from "../settings/settings.ts";
import type { Example } from "../speech/collate.ts";
import type { FeatureStore } from "../speech/feature-store.ts";
import { hopCount, type UtteranceFeatures } from "../speech/features.ts";
import { joinPieces } from "../speech/join-clips.ts";
import { DamagedAudioError } from "../speech/recording.ts";
import { normalizeText } from "../text/normalize.ts";
import type { Tokenizer } from "../text/tokenizer.ts";
import { augmentMel, augmentWave, changesSamples } from "./augment.ts";
import { type PlannedUtterance, planPass } from "./batch-plan.ts";

/** Where a source of batches stands; plain JSON. */
export interface BatchPosition {
  /** Passes begun, from 0; 0 for endless sources. */
  readonly pass: number;
  /** Batches taken from this pass. */
  readonly batch: number;
  /** Utterances used before this pass. */
  readonly used: number;
}

/** A source of training batches. */
export interface BatchSource {
  /** The next batch. */
  next(): Promise<readonly Example[]>;
  /** Utterances handed out so far, divided by the size of the data set; 0 for endless sources. */
  readonly epochs: number;
  readonly position: BatchPosition;
  /** Goes on from a position as if the batches before it had just been taken. */
  restore(position: BatchPosition): void;
}

/** What a source is made from. */
export interface BatchSourceOptions {
  readonly store: FeatureStore;
  readonly tokenizer: Tokenizer;
  readonly config: EchoConfig;
  readonly seed: string | number;
}

const JOIN_GAP_SECONDS = 0.2;

/** What a masked cell of the spectrogram holds: the mean of a band, or the floor of a scaled spectrogram. */
export function maskFill(config: EchoConfig): number {
  return config.audio.normalize === "bands" ? 0 : -1;
}

type Transcript = Pick<Example, "text" | "tokens" | "phones">;

/** Normalised text of an utterance, its tokens and, with a lexicon, its phones. */
export function transcriptOf({ text }: Pick<Utterance, "text">, tokenizer: Tokenizer): Transcript {
  const { normalization, pronunciations } = tokenizer;
  const normalized = normalizeText(text, normalization);
  const tokens = tokenizer.encode(normalized);
  return { text: normalized, tokens, ...(pronunciations && { phones: pronunciations.spell(tokens) }) };
}

/**
 * Whether an utterance's audio can be decoded whole, is as long as its header or its list says, and as `data` allows;
 * some headers do not tell.
 * @param compute - does the work and returns the number of hops.
 * @param onProblem - is told why not; without it what `compute` throws is thrown.
 */
export async function isDecodable(
  { source, seconds: stated }: Utterance,
  compute: () => Promise<number>,
  { audio, data }: Pick<EchoConfig, "audio" | "data">,
  onProblem?: (problem: RowProblem) => void,
): Promise<boolean> {
  try {
    const hop = audio.hopLength / audio.sampleRate;
    const seconds = ((await compute()) - 1) * hop;
    // What a header told was checked to the sample; this is counted in hops, so two of them are not held against it.
    const { minSeconds, maxSeconds } = data;
    const within = seconds > minSeconds - 2 * hop && seconds < maxSeconds + 2 * hop;
    const length = sameLength(seconds, stated, `its header or ${source.file}`);
    const refusal = length ?? (within ? null : checkLength(seconds, data));
    if (refusal !== null) onProblem?.({ ...source, ...refusal });
    return refusal === null;
  } catch (error) {
    if (!(error instanceof DataError) || onProblem === undefined) throw error;
    const kind = error instanceof DamagedAudioError ? "damaged-audio" : "unreadable-audio";
    onProblem({ ...source, kind, message: error.message });
    return false;
  }
}

/** Passes over a data set. Make one with {@link PassBatches.prepare}. */
export class PassBatches implements BatchSource {
  readonly #options: BatchSourceOptions;
  readonly #utterances: readonly Utterance[];
  readonly #texts: readonly Transcript[];
  readonly #frames: readonly ReadonlyMap<number, number>[];
  readonly #speakers = new Map<string | undefined, number[]>();
  #position: BatchPosition = { pass: 0, batch: 0, used: 0 };
  #plan: PlannedUtterance[][] | null = null;

  private constructor(
    utterances: readonly Utterance[],
    frames: readonly ReadonlyMap<number, number>[],
    options: BatchSourceOptions,
  ) {
    this.#options = options;
    this.#utterances = utterances;
    this.#frames = frames;
    this.#texts = utterances.map((utterance) => transcriptOf(utterance, options.tokenizer));
    utterances.forEach(({ speaker }, i) => {
      const own = this.#speakers.get(speaker);
      if (own === undefined) this.#speakers.set(speaker, [i]);
      else own.push(i);
    });
  }

  /**
   * Computes (or takes from the cache) the features of all utterances at all speeds.
   * @param onProgress - called with the number of utterances done.
   * @param onProblem - called for a recording that cannot be decoded or whose header hid that it is too long or too
   * short; it is left out. Without it the first such recording throws.
   * @throws DataError when no utterance is left.
   */
  static async prepare(
    utterances: readonly Utterance[],
    options: BatchSourceOptions,
    onProgress?: (done: number) => void,
    onProblem?: (problem: RowProblem) => void,
  ): Promise<PassBatches> {
    const { store, config } = options;
    const samplesChange = changesSamples(config.augment);
    const usable: Utterance[] = [];
    const refused: RowProblem[] = [];
    const refuse = (problem: RowProblem): void => {
      refused.push(problem);
      onProblem?.(problem);
    };
    const frames: Map<number, number>[] = [];
    const framesAt = async (utterance: Utterance, speed: number): Promise<number> => {
      if (!samplesChange) return (await store.features(utterance, speed)).frames;
      const { wave } = await store.wholePiece(utterance, speed);
      return hopCount(wave.length, config.audio.hopLength);
    };
    for (const [i, utterance] of utterances.entries()) {
      const own = new Map<number, number>();
      const compute = async (): Promise<number> => {
        for (const speed of config.augment.speeds) own.set(speed, await framesAt(utterance, speed));
        const [speed, count] = own.entries().next().value!;
        return count * speed;
      };
      if (await isDecodable(utterance, compute, config, onProblem && refuse)) {
        usable.push(utterance);
        frames.push(own);
      }
      if (!samplesChange) store.forgetPieces();
      onProgress?.(i + 1);
    }
    if (usable.length === 0) {
      const reasons = refused.length > 0 ? `:\n${listProblems(refused)}` : "";
      throw new DataError(`training: no utterance can be used, expected at least one${reasons}`);
    }
    return new PassBatches(usable, frames, options);
  }

  /** Hops of the longest utterance at the slowest speed; joined ones may be longer. */
  get longestFrames(): number {
    return Math.max(...this.#frames.flatMap((bySpeed) => [...bySpeed.values()]));
  }

  /** The utterances of a pass, without those that could not be decoded. */
  get utterances(): readonly Utterance[] {
    return this.#utterances;
  }

  get epochs(): number {
    const { batch, used } = this.#position;
    const taken = this.#plan?.slice(0, batch).reduce((sum, items) => sum + items.length, 0) ?? 0;
    return (used + taken) / this.#utterances.length;
  }

  get position(): BatchPosition {
    return this.#position;
  }

  restore(position: BatchPosition): void {
    this.#position = { ...position };
    this.#plan = this.#planOf(position);
  }

  async next(): Promise<readonly Example[]> {
    this.#plan ??= this.#planOf(this.#position);
    if (this.#position.batch >= this.#plan.length) {
      const { pass, used } = this.#position;
      const taken = this.#plan.reduce((sum, items) => sum + items.length, 0);
      this.#position = { pass: pass + 1, batch: 0, used: used + taken };
      this.#plan = this.#planOf(this.#position);
    }
    const { pass, batch, used } = this.#position;
    const items = this.#plan[batch]!;
    this.#position = { pass, batch: batch + 1, used };
    return Promise.all(items.map((item) => this.#example(item, pass)));
  }

  #planOf({ pass, used }: BatchPosition): PlannedUtterance[][] {
    const { seed, config } = this.#options;
    const { sampleRate, hopLength } = config.audio;
    return planPass({
      seed,
      pass,
      used,
      config,
      size: this.#utterances.length,
      framesOf: (index, speed) => this.#frames[index]!.get(speed)!,
      partnersOf: (index) =>
        this.#speakers.get(this.#utterances[index]!.speaker)!.filter((other) => other !== index),
      longest: Math.min(
        hopCount((config.data.maxSeconds - JOIN_GAP_SECONDS) * sampleRate, hopLength),
        config.augment.concatenateFrames || Number.POSITIVE_INFINITY,
      ),
    });
  }

  async #example({ index, speed, partner }: PlannedUtterance, pass: number): Promise<Example> {
    const { config, seed } = this.#options;
    // One stream for each utterance and pass: what is drawn does not depend on the order of batches.
    const random = stream(seed, `augment/${pass}/${index}`);
    const clean = await this.#features(index, speed, partner, random);
    const features = augmentMel(clean, config.audio.melBins, config.augment, random, maskFill(config));
    const own = { id: this.#utterances[index]!.id, ...this.#texts[index]!, features };
    if (partner === null) return own;
    const other = this.#texts[partner]!;
    return {
      features,
      id: `${own.id}+${this.#utterances[partner]!.id}`,
      text: `${own.text} ${other.text}`,
      tokens: [...own.tokens, ...other.tokens],
      ...(own.phones !== undefined && { phones: [...own.phones, ...(other.phones ?? [])] }),
    };
  }

  async #features(
    index: number,
    speed: number,
    partner: number | null,
    random: RandomStream,
  ): Promise<UtteranceFeatures> {
    const { store, config } = this.#options;
    const utterance = this.#utterances[index]!;
    if (!changesSamples(config.augment)) return store.features(utterance, speed);
    let piece = await store.wholePiece(utterance, speed);
    if (partner !== null) {
      const other = await store.wholePiece(this.#utterances[partner]!, speed);
      const gap = Math.round(JOIN_GAP_SECONDS * config.audio.sampleRate);
      piece = joinPieces([piece, other], [0, gap, 0], config.audio.hopLength);
    }
    return store.extract(augmentWave(piece.wave, config.augment, random), piece.f0);
  }
}
