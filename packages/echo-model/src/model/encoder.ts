// The encoder: one stack of blocks for each input feature, all told of the speaker's pitch.
// Shapes: B utterances, T hops, T' frames of a stream, D width.

import { Linear, Module } from "@echo-ts/autograd";
import { add, indexSelect, softmax, type Tensor, tensor } from "@echo-ts/tensor";
import type { FeatureName, ModelConfig } from "../settings/settings.ts";
import type { AttentionContext } from "./attention.ts";
import type { CheckedBatch, InputShape } from "./batch.ts";
import { type BlockContext, EchoBlock } from "./block.ts";
import { ConvolutionModule } from "./convolution-module.ts";
import { type FrameLengths, paddingMask } from "./frame-lengths.ts";
import type { Modalities } from "./gates.ts";
import { originalName } from "./original-names.ts";
import { type PitchDistances, pitchDistances } from "./pitch-bias.ts";
import type { PitchTrack } from "./pitch-track.ts";
import type { ModelDtype } from "./projection.ts";
import { Positions } from "./rotary-module.ts";
import { silenceAtFrames } from "./silence.ts";
import { type Stem, type StemOutput, stemFor } from "./stem.ts";

/** What one stack makes of its feature. */
export interface EncodedStream {
  readonly frames: Tensor; // [B, T', D]
  /** What the block in the middle of the stack gave, for a CTC loss there: [B, T', D]; null while decoding. */
  readonly middle: Tensor | null;
  /** Scores of the blank and each phone, of the frames in the middle: [B, T', phones + 1]; null without that output. */
  readonly phoneLogits: Tensor | null;
  /** Real frames of each utterance; null if nothing is masked. */
  readonly lengths: FrameLengths | null;
  /** True where a frame is padding, bool [B, T']; null if none is. */
  readonly padding: Tensor | null;
  /** True where a frame is silent, bool [B, T']; null for streams without silence flags. */
  readonly silent: Tensor | null;
}

/** Stems and blocks of all features. // AudioEncoder */
export class Encoder extends Module {
  /** Feature -> its stem, then its blocks. */
  readonly streams: Map<FeatureName, [Stem, ...EchoBlock[]]> = new Map();
  /** Output for phones after the middle block of the first feature. */
  readonly phoneHead: Linear | null; // [phones + 1, D]
  /** What its probabilities add to the frames: self-conditioned CTC, Nozaki and Komatsu 2021. */
  readonly phoneFeedback: Linear | null; // [D, phones + 1]
  protected readonly config: ModelConfig;
  readonly #hopLength: number;

  /** @param input channels of the spectrogram, and samples per hop: the clock of spectrogram and f0 */
  constructor(config: ModelConfig, { melBins, hopLength }: InputShape, dtype: ModelDtype) {
    super();
    this.config = config;
    this.#hopLength = hopLength;
    for (const feature of config.features) {
      const blocks = Array.from({ length: config.audioLayers }, () => this.block(dtype));
      this.streams.set(feature, [this.stem(feature, melBins, dtype), ...blocks]);
    }
    const { phones, phoneFeedback, dims } = config;
    this.phoneHead = phones > 0 ? new Linear(dims, phones + 1, { dtype }) : null;
    this.phoneFeedback = phones > 0 && phoneFeedback ? new Linear(phones + 1, dims, { dtype }) : null;
  }

  protected stem(feature: FeatureName, melBins: number, dtype: ModelDtype): Stem {
    return stemFor(feature, this.config, melBins, dtype);
  }

  protected block(dtype: ModelDtype): EchoBlock {
    const { activation, convolutionKernel } = this.config;
    const convolution = convolutionKernel > 0 ? new ConvolutionModule(this.config, dtype) : null;
    return new EchoBlock(this.config, false, activation, dtype, convolution);
  }

  protected override memberName(field: string): string {
    return originalName("encoder", field) ?? super.memberName(field);
  }

  /** Encodes every configured feature of a batch. */
  forward(input: CheckedBatch): Map<FeatureName, EncodedStream> {
    const stems = new Map<FeatureName, StemOutput>();
    for (const [feature, [stem]] of this.streams) {
      stems.set(feature, stem.forward(input.feature(feature), input.lengthsOf(feature)));
    }
    const encoded = new Map<FeatureName, EncodedStream>();
    const main = this.config.features[0];
    for (const [feature, [stem, ...blocks]] of this.streams) {
      const { frames, lengths } = stems.get(feature)!;
      const count = frames.shape[1]!;
      const padding = lengths === null ? null : paddingMask(lengths, count, frames);
      const hops = this.#hopsPerFrame(feature, stem);
      const flags = feature === "spectrogram" ? this.silenceFlags(input) : null;
      const silent = flags === null ? null : silenceAtFrames(flags, count, hops);
      const self = this.#selfContext(input, frames, lengths, hops, { padding, silent });
      const modalities = this.#modalities(stems, count, hops);
      const context = { self, cross: null, modalities };
      encoded.set(feature, {
        ...this.stack(blocks, frames, context, feature === main),
        lengths,
        padding,
        silent,
      });
    }
    return encoded;
  }

  /** The blocks of a stream, one after the other. @param withPhones - of the first feature */
  stack(
    blocks: readonly EchoBlock[],
    frames: Tensor,
    context: BlockContext,
    withPhones = true,
  ): Pick<EncodedStream, "frames" | "middle" | "phoneLogits"> {
    let x = frames;
    let middle = frames;
    let phoneLogits: Tensor | null = null;
    for (const [i, block] of blocks.entries()) {
      x = block.forward(x, context);
      if (i + 1 !== Math.ceil(blocks.length / 2)) continue;
      middle = x;
      if (!withPhones || this.phoneHead === null) continue;
      phoneLogits = this.phoneHead.forward(x);
      if (this.phoneFeedback !== null) x = add(x, this.phoneFeedback.forward(softmax(phoneLogits)));
    }
    return { frames: x, middle, phoneLogits };
  }

  #selfContext(
    { f0 }: CheckedBatch,
    frames: Tensor,
    lengths: FrameLengths | null,
    hops: number,
    masks: Pick<AttentionContext, "padding" | "silent">,
  ): AttentionContext {
    const { rotary, pitchBias } = this.config;
    const count = frames.shape[1]!;
    const onClock = f0?.atFrames(count, hops, lengths ?? f0.rows.map(() => count)) ?? null;
    const bends = rotary.pitch === "utterance" || rotary.pitch === "frames";
    const track = bends && f0 !== null ? this.bendingTrack(f0, onClock!) : null;
    const positions = rotary.pitch === "none" ? null : new Positions(count, track);
    return {
      queries: positions,
      keys: positions,
      ...masks,
      pitch: pitchBias && f0 !== null ? this.pitchDistances(f0, onClock!, frames) : null,
      bias: null,
      causal: false,
    };
  }

  /** Which hops are silent, for the factor on silent keys; null to leave it off. */
  protected silenceFlags({ silent }: CheckedBatch): Tensor | null {
    return this.config.zeroKeys.enabled ? silent : null;
  }

  /** The f0 that bends the angles: the utterance's mean is taken over hops, f0 per frame on the encoder's clock. */
  protected bendingTrack(f0: PitchTrack, onClock: PitchTrack): PitchTrack {
    return this.config.rotary.pitch === "frames" ? onClock : f0;
  }

  /** Pitch distances between the frames [B, T', D]. */
  protected pitchDistances(_f0: PitchTrack, onClock: PitchTrack, frames: Tensor): PitchDistances {
    return pitchDistances(onClock, frames);
  }

  /** Whether the cross-modal gates of the encoder are given the three stems. */
  protected get mixesStreams(): boolean {
    return this.config.gate === "crossModal" && this.streams.size === 3;
  }

  #hopsPerFrame(feature: FeatureName, stem: Stem): number {
    return feature === "waveform" ? stem.stride / this.#hopLength : stem.stride;
  }

  /** The three stems on the clock of a stream with `hops` hops per frame, for the cross-modal gate. */
  #modalities(stems: ReadonlyMap<FeatureName, StemOutput>, count: number, hops: number): Modalities | null {
    if (!this.mixesStreams) return null;
    const onClock = (feature: FeatureName): Tensor => {
      const ratio = hops / this.#hopsPerFrame(feature, this.streams.get(feature)![0]);
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
  return indexSelect(x, 1, tensor(index, { backend: x.backend }));
}
