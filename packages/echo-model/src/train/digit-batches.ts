// Endless random strings of spoken digits, in stages of growing length; and fixed sets of them to score.
import { stream } from "@echo-ts/tensor";
import type { Utterance } from "../data/utterance.ts";
import { DataError } from "../errors.ts";
import type { Example } from "../speech/collate.ts";
import { joinPieces, type Piece } from "../speech/join-clips.ts";
import {
  type DigitClip,
  type DigitStage,
  type DigitString,
  digitStage,
  digitText,
  drawRandomString,
  parseDigitStages,
} from "../study/digit-strings.ts";
import { augmentMel, augmentWave, withLevel } from "./augment.ts";
import {
  type BatchPosition,
  type BatchSource,
  type BatchSourceOptions,
  maskFill,
  transcriptOf,
} from "./batches.ts";

/** A recording of a digit with its file. */
export type DigitRecording = DigitClip & { readonly file: string };

/** Root mean square that strings are brought to before gain and noise: speakers differ by 22 dB. */
const LEVEL = 0.05;

/**
 * The digit recordings of a manifest: rows with `speaker`, `digit` and `index`.
 * @throws DataError naming a row that lacks one of them.
 */
export function digitRecordings(utterances: readonly Utterance[]): DigitRecording[] {
  return utterances.map(({ id, speaker, audio, row, source }) => {
    const { digit, index } = row;
    const where = `${source.file}:${source.line}`;
    if (speaker === undefined || typeof digit !== "number" || typeof index !== "number")
      throw new DataError(`${where}: data.format digits needs speaker, digit and index in every row`);
    if (audio.kind !== "file") throw new DataError(`${where}: data.format digits needs one file a row`);
    return { id, speaker, digit, index, file: audio.file };
  });
}

/** Endless random strings, in the stages of `digits.stages`, `batch.maxUtterances` at a time. */
export class DigitBatches implements BatchSource {
  readonly epochs = 0;
  readonly #options: BatchSourceOptions;
  readonly #recordings: readonly DigitRecording[];
  readonly #byId: ReadonlyMap<string, DigitRecording>;
  readonly #stages: readonly DigitStage[];
  #taken = 0;

  /** @throws RangeError for stages that cannot be read. */
  constructor(recordings: readonly DigitRecording[], options: BatchSourceOptions) {
    this.#options = options;
    this.#recordings = recordings;
    this.#byId = new Map(recordings.map((recording) => [recording.id, recording]));
    this.#stages = parseDigitStages(options.config.digits.stages);
  }

  get position(): BatchPosition {
    return { pass: 0, batch: this.#taken, used: 0 };
  }

  restore({ batch }: BatchPosition): void {
    this.#taken = batch;
  }

  async next(): Promise<readonly Example[]> {
    const { config, seed, store } = this.#options;
    const number = this.#taken++;
    const stage = digitStage(this.#stages, Math.floor(number / config.training.accumulate));
    const examples: Example[] = [];
    for (let i = 0; i < config.batch.maxUtterances; i++) {
      const random = stream(seed, `digits/${number}/${i}`);
      const string = drawRandomString(this.#recordings, stage, random, config.audio.sampleRate);
      const { speeds } = config.augment;
      const piece = await this.#join(string, speeds[random.integer(0, speeds.length)]!);
      const wave = augmentWave(withLevel(piece.wave, LEVEL), config.augment, random);
      const clean = store.extract(wave, piece.f0);
      const features = augmentMel(clean, config.audio.melBins, config.augment, random, maskFill(config));
      examples.push({ id: `digits-${number}-${i}`, ...this.#transcript(string), features });
    }
    return examples;
  }

  /**
   * Strings that depend on nothing but the recordings, `name` and their number, changed in no way but level: for
   * evaluation, the same for every seed.
   */
  async fixedSet(
    name: string,
    stage: Pick<DigitStage, "fewest" | "most">,
    count: number,
  ): Promise<(Example & { readonly speaker: string })[]> {
    const { store, config } = this.#options;
    const examples: (Example & { readonly speaker: string })[] = [];
    for (let i = 0; i < count; i++) {
      const random = stream("evaluation", `digits/${name}/${i}`);
      const string = drawRandomString(this.#recordings, stage, random, config.audio.sampleRate);
      const piece = await this.#join(string, 1);
      const features = store.extract(withLevel(piece.wave, LEVEL), piece.f0);
      const { speaker } = string;
      examples.push({ id: `${name}-${i}`, speaker, ...this.#transcript(string), features });
    }
    return examples;
  }

  /** The last stage: what the finished model is to be scored on. */
  get lastStage(): DigitStage {
    return this.#stages.at(-1)!;
  }

  async #join({ clips, gaps }: DigitString, speed: number): Promise<Piece> {
    const { store, config } = this.#options;
    const pieces = await Promise.all(clips.map((id) => store.piece(this.#byId.get(id)!.file, speed)));
    return joinPieces(pieces, gaps, config.audio.hopLength);
  }

  #transcript({ clips }: DigitString): Pick<Example, "text" | "tokens" | "phones"> {
    const text = digitText(clips.map((id) => this.#byId.get(id)!.digit));
    return transcriptOf({ text }, this.#options.tokenizer);
  }
}
