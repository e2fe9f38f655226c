// The encoder: one stack of blocks for each input feature, all told of the speaker's pitch.
// Shapes: B utterances, T hops, T' frames of a stream, D width.

import { Module } from "@echo-ts/autograd";
import { indexSelect, type Tensor, tensor } from "@echo-ts/tensor";
import type { FeatureName, ModelConfig } from "../settings/settings.ts";
import type { AttentionContext } from "./attention.ts";
import type { EchoInput } from "./batch.ts";
import { EchoBlock } from "./block.ts";
import { type FrameLengths, paddingMask } from "./frame-lengths.ts";
import type { Modalities } from "./gates.ts";
import { type PitchDistances, pitchDistances, referencePitchDistances } from "./pitch-bias.ts";
import type { PitchTrack } from "./pitch-track.ts";
import type { ModelDtype } from "./projection.ts";
import { Positions } from "./rotary-module.ts";
import { silenceAtFrames } from "./silence.ts";
import { FeatureStem, type Stem, type StemOutput, WaveformStem } from "./stem.ts";

/** What one stack makes of its feature. */
export interface EncodedStream {
  readonly frames: Tensor; // [B, T', D]
  /** Real frames of each utterance; null if nothing is masked (reference variant). */
  readonly lengths: FrameLengths | null;
  /** True where a frame is padding, bool [B, T']; null if none is. */
  readonly padding: Tensor | null;
  /** True where a frame is silent, bool [B, T']; null for streams without silence flags. */
  readonly silent: Tensor | null;
}

/** Stems and blocks of all features. // AudioEncoder */
export class Encoder extends Module {
  /** Feature -> its stem, then its blocks. */
  readonly processors: Map<FeatureName, [Stem, ...EchoBlock[]]> = new Map();
  readonly #config: ModelConfig;
  readonly #hopLength: number;

  /**
   * @param melBins channels of the spectrogram
   * @param hopLength samples per hop, the clock of spectrogram and f0
   */
  constructor(config: ModelConfig, melBins: number, hopLength: number, dtype: ModelDtype) {
    super();
    this.#config = config;
    this.#hopLength = hopLength;
    const activation = config.activation;
    for (const feature of config.features) {
      const blocks = Array.from(
        { length: config.audioLayers },
        () => new EchoBlock(config, false, activation, dtype),
      );
      this.processors.set(feature, [stemFor(feature, config, melBins, dtype), ...blocks]);
    }
  }

  /** Encodes every configured feature of a batch. */
  forward(input: EchoInput): Map<FeatureName, EncodedStream> {
    const stems = new Map<FeatureName, StemOutput>();
    for (const [feature, [stem]] of this.processors) {
      stems.set(feature, stem.forward(input.feature(feature), input.lengthsOf(feature)));
    }
    const encoded = new Map<FeatureName, EncodedStream>();
    for (const [feature, [stem, ...blocks]] of this.processors) {
      const { frames, lengths } = stems.get(feature)!;
      const count = frames.shape[1]!;
      const padding = lengths === null ? null : paddingMask(lengths, count, frames);
      const hops = this.#hopsPerFrame(feature, stem);
      const silent = this.#silentFrames(feature, input, count, hops);
      const self = this.#selfContext(input, frames, lengths, hops, { padding, silent });
      const modalities = this.#modalities(stems, count, hops);
      let x = frames;
      for (const block of blocks) x = block.forward(x, { self, cross: null, modalities });
      encoded.set(feature, { frames: x, lengths, padding, silent });
    }
    return encoded;
  }

  #silentFrames(feature: FeatureName, { silent }: EchoInput, frames: number, hops: number): Tensor | null {
    const wanted =
      feature === "spectrogram" && this.#config.zeroKeys.enabled && this.#config.variant === "corrected";
    return wanted && silent !== null ? silenceAtFrames(silent, frames, hops) : null;
  }

  #selfContext(
    { f0 }: EchoInput,
    frames: Tensor,
    lengths: FrameLengths | null,
    hops: number,
    masks: Pick<AttentionContext, "padding" | "silent">,
  ): AttentionContext {
    const { rotary, variant } = this.#config;
    const count = frames.shape[1]!;
    const bends = f0 !== null && (rotary.pitch === "utterance" || rotary.pitch === "frames");
    const onClock = f0?.atFrames(count, hops, lengths ?? f0.rows.map(() => count)) ?? null;
    // The utterance's mean is taken over hops; only per-frame pitch needs the encoder's own clock.
    const track = !bends ? null : rotary.pitch === "frames" && variant === "corrected" ? onClock : f0;
    const positions = rotary.pitch === "none" ? null : new Positions(count, track, variant === "reference");
    return {
      queries: positions,
      keys: positions,
      ...masks,
      pitch: this.#distances(f0, onClock, count, frames),
      bias: null,
      causal: false,
    };
  }

  #distances(
    f0: PitchTrack | null,
    onClock: PitchTrack | null,
    count: number,
    like: Tensor,
  ): PitchDistances | null {
    if (!this.#config.pitchBias || f0 === null) return null;
    if (this.#config.variant === "corrected") return pitchDistances(onClock!, like);
    return referencePitchDistances(f0.cut(count), like);
  }

  #hopsPerFrame(feature: FeatureName, stem: Stem): number {
    return feature === "waveform" ? stem.stride / this.#hopLength : stem.stride;
  }

  /** The three stems on the clock of a stream with `hops` hops per frame, for the cross-modal gate. */
  #modalities(stems: ReadonlyMap<FeatureName, StemOutput>, count: number, hops: number): Modalities | null {
    if (this.#config.gate !== "crossModal" || stems.size < 3 || this.#config.variant === "reference")
      return null;
    const onClock = (feature: FeatureName): Tensor => {
      const ratio = hops / this.#hopsPerFrame(feature, this.processors.get(feature)![0]);
      return atClock(stems.get(feature)!.frames, count, ratio);
    };
    return { spectrogram: onClock("spectrogram"), waveform: onClock("waveform"), pitch: onClock("pitch") };
  }
}

/** [B, S, D] -> [B, frames, D], frame i taken from floor(i * ratio), or the last one. */
function atClock(x: Tensor, frames: number, ratio: number): Tensor {
  const last = x.shape[1]! - 1;
  if (ratio === 1 && last === frames - 1) return x;
  const index = Int32Array.from({ length: frames }, (_, i) => Math.min(Math.floor(i * ratio), last));
  return indexSelect(x, tensor(index, { backend: x.backend }), 1);
}

function stemFor(feature: FeatureName, config: ModelConfig, melBins: number, dtype: ModelDtype): Stem {
  const activation = config.activation;
  // The reference looks the activation up by the wrong key in two stems and falls back to exact GELU.
  const misread = config.variant === "reference" ? "gelu" : activation;
  switch (feature) {
    case "spectrogram":
      return new FeatureStem(
        config,
        { channels: melBins, ...config.spectrogramStem, activation: misread },
        dtype,
      );
    case "waveform":
      return new WaveformStem(config, misread, dtype);
    case "pitch":
      return new FeatureStem(config, { channels: 1, ...config.pitchStem, activation }, dtype);
  }
}
