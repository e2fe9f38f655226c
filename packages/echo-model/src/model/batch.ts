// A batch as the model takes it, checked: which features, how long each utterance is, its pitch, its silence.
// Shapes: B utterances, T hops.

import { formatShape, ShapeError, type Tensor } from "@echo-ts/tensor";
import type { AudioConfig, FeatureName } from "../settings/settings.ts";
import { checkLengths, type FrameLengths } from "./frame-lengths.ts";
import { PitchTrack } from "./pitch-track.ts";

/** What the model must know of the `audio` group: bands of the spectrogram, and samples per hop. */
export type InputShape = Pick<AudioConfig, "melBins" | "hopLength">;

/** What `Echo.forward` and `Echo.encode` take. Give the features that the model was configured with. */
export interface EchoFeatures {
  /** Log-mel spectrogram [B, M, T]. */
  readonly spectrogram?: Tensor;
  /** Samples [B, 1, N]. */
  readonly waveform?: Tensor;
  /** Pitch in Hz as an input feature [B, 1, T]. */
  readonly pitch?: Tensor;
  /** f0 in Hz per hop, 0 = unvoiced: [B, T]. Bends the rotary angles and makes the pitch bias. */
  readonly f0?: Tensor;
  /** Real hops of each utterance; all of them when left out. The reference variant ignores it. */
  readonly lengths?: FrameLengths;
  /** True where a hop is silent: bool [B, T]. */
  readonly silent?: Tensor;
}

/** Checked features with their lengths on each clock. */
export class CheckedBatch {
  readonly f0: PitchTrack | null;
  readonly silent: Tensor | null;
  readonly batch: number;
  readonly hops: number;
  readonly #features: EchoFeatures;
  readonly #lengths: FrameLengths | null;
  readonly #hopLength: number;

  /**
   * @param input bands of the spectrogram, samples per hop
   * @param masked whether padding is masked (the Python original does not)
   * @throws ShapeError naming the feature or utterance that does not fit
   */
  constructor(features: EchoFeatures, wanted: readonly FeatureName[], input: InputShape, masked: boolean) {
    this.#features = features;
    const { melBins, hopLength } = input;
    this.#hopLength = hopLength;
    for (const name of wanted) {
      const x = features[name];
      if (x === undefined)
        throw new ShapeError(`echo: the model needs the feature "${name}", got ${named(features)}`);
      if (x.rank !== 3)
        throw new ShapeError(`echo: "${name}" must be [B, channels, T], got ${formatShape(x.shape)}`);
      if (x.size === 0) throw new ShapeError(`echo: "${name}" is empty: ${formatShape(x.shape)}`);
    }
    const bands = features.spectrogram?.shape[1];
    if (wanted.includes("spectrogram") && bands !== melBins) {
      throw new ShapeError(`echo: the model takes ${melBins} mel bands, got ${bands}`);
    }
    const main = features[wanted[0]!]!;
    this.batch = main.shape[0]!;
    this.hops = wanted[0] === "waveform" ? Math.ceil(main.shape[2]! / hopLength) : main.shape[2]!;
    for (const name of wanted) {
      if (features[name]!.shape[0] !== this.batch) {
        throw new ShapeError(
          `echo: "${name}" holds ${features[name]!.shape[0]} utterances, expected ${this.batch}`,
        );
      }
    }
    const lengths = features.lengths ?? new Array<number>(this.batch).fill(this.hops);
    checkLengths("echo", lengths, this.batch, this.hops);
    this.#lengths = masked ? lengths : null;
    this.silent = features.silent ?? null;
    if (this.silent !== null) this.#checkPerHop("silent", this.silent);
    if (features.f0 !== undefined) this.#checkPerHop("f0", features.f0);
    this.f0 = features.f0 === undefined ? null : PitchTrack.fromTensor(features.f0, lengths);
  }

  #checkPerHop(name: string, x: Tensor): void {
    if (x.rank !== 2 || x.shape[0] !== this.batch || x.shape[1] !== this.hops) {
      throw new ShapeError(
        `echo: ${name} must hold one value per hop, ${formatShape([this.batch, this.hops])}, got ${formatShape(x.shape)}`,
      );
    }
  }

  /** One feature, [B, channels, T]. */
  feature(name: FeatureName): Tensor {
    return this.#features[name]!;
  }

  /** Real steps of each utterance on a feature's own clock: hops, or samples for the waveform. */
  lengthsOf(name: FeatureName): FrameLengths | null {
    if (this.#lengths === null || name !== "waveform") return this.#lengths;
    const samples = this.feature("waveform").shape[2]!;
    return this.#lengths.map((hops) => Math.min(hops * this.#hopLength, samples));
  }
}

function named(features: EchoFeatures): string {
  const given = Object.entries(features).flatMap(([name, x]) => (x === undefined ? [] : [name]));
  return given.length === 0 ? "nothing" : given.join(", ");
}
