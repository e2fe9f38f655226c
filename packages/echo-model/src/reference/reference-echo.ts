// The Python original, faults included: what it does otherwise than ../model, part by part. It is built with the same
// settings (`model.variant: "reference"`) and its weights have the original's names. REFERENCE.md says how each part
// was found out. Read first: ../model/model.ts; reference-attention.ts has the heart of it.
import { type ActivationName, type Member, Module, RMSNorm } from "@echo-ts/autograd";
import type { Tensor } from "@echo-ts/tensor";
import type { AttentionContext, EchoAttention } from "../model/attention.ts";
import { CheckedBatch, type EchoFeatures, type InputShape } from "../model/batch.ts";
import { EchoBlock } from "../model/block.ts";
import { Decoder } from "../model/decoder.ts";
import { Encoder } from "../model/encoder.ts";
import { meanOverTime } from "../model/gates.ts";
import { Echo, type EchoOptions } from "../model/model.ts";
import type { PitchDistances } from "../model/pitch-bias.ts";
import type { PitchTrack } from "../model/pitch-track.ts";
import type { ModelDtype } from "../model/projection.ts";
import { Rotary } from "../model/rotary-module.ts";
import { FeatureStem, featureShape, type Stem, WaveformStem } from "../model/stem.ts";
import type { FeatureName, ModelConfig } from "../settings/settings.ts";
import { referencePitchDistances, SharedPitchTrack } from "./pitch.ts";
import { ReferenceAttention } from "./reference-attention.ts";

/** A block that always has the weights of cross-attention, used or not, and whose mask hides nothing. */
export class ReferenceBlock extends EchoBlock {
  constructor(config: ModelConfig, _cross: boolean, activation: ActivationName, dtype: ModelDtype) {
    super(config, true, activation, dtype);
  }

  protected override attention(config: ModelConfig, dtype: ModelDtype): EchoAttention {
    return new ReferenceAttention(config, dtype);
  }

  protected override ownMean(n: Tensor, self: AttentionContext): Tensor {
    return meanOverTime(n, self.padding);
  }
}

/** A stem with a norm that is saved and never used. */
export class ReferenceFeatureStem extends FeatureStem {
  protected override stemNormFor({ dims, normEpsilon }: ModelConfig, dtype: ModelDtype): RMSNorm {
    return new RMSNorm(dims, { epsilon: normEpsilon, dtype });
  }

  protected override finish(x: Tensor, _stemNorm: RMSNorm | null, lastNorm: RMSNorm): Tensor {
    return super.finish(x, null, lastNorm);
  }
}

class ReferenceEncoder extends Encoder {
  protected override stem(feature: FeatureName, melBins: number, dtype: ModelDtype): Stem {
    const { config } = this;
    // Two stems look the activation up by the wrong key and fall back to GELU.
    const activation = feature === "pitch" ? config.activation : "gelu";
    return feature === "waveform"
      ? new WaveformStem(config, activation, dtype)
      : new ReferenceFeatureStem(config, { ...featureShape(feature, config, melBins), activation }, dtype);
  }

  protected override block(dtype: ModelDtype): EchoBlock {
    return new ReferenceBlock(this.config, false, this.config.activation, dtype);
  }

  /** Its own test for silence is in the attention. */
  protected override silenceFlags(): Tensor | null {
    return null;
  }

  protected override bendingTrack({ rows, lengths }: PitchTrack): PitchTrack {
    return new SharedPitchTrack(rows, lengths);
  }

  protected override pitchDistances(f0: PitchTrack, _onClock: PitchTrack, frames: Tensor): PitchDistances {
    return referencePitchDistances(f0, frames.shape[1]!, frames);
  }

  /** Its cross-modal gates are given nothing to mix in the encoder. */
  protected override get mixesStreams(): boolean {
    return false;
  }
}

class ReferenceDecoder extends Decoder {
  /** GELU, whatever the configured activation. */
  protected override block(cross: boolean, dtype: ModelDtype): EchoBlock {
    return new ReferenceBlock(this.config, cross, "gelu", dtype);
  }

  /** The blocks that attend to audio have no mask at all. */
  protected override selfContextOfCross(text: AttentionContext): AttentionContext {
    return { ...text, causal: false };
  }
}

/** Rotaries that the original holds and never uses. */
class UnusedRotaries extends Module {
  readonly rotaryEncoder: Rotary;
  readonly rotaryDecoder: Rotary;

  constructor({ dims, heads, rotary }: ModelConfig, dtype: ModelDtype) {
    super();
    this.rotaryEncoder = new Rotary(dims / heads, rotary, dtype);
    this.rotaryDecoder = new Rotary(dims / heads, rotary, dtype);
  }
}

/** The bug-compatible model. */
export class ReferenceEcho extends Echo {
  readonly shared: UnusedRotaries;

  constructor(config: ModelConfig, input: InputShape, options: EchoOptions = {}) {
    super(config, input, options);
    const { seed = 0, dtype = "float32" } = options;
    this.shared = new UnusedRotaries(config, dtype);
    this.initialize(seed); // again, with the part that was added: draws go by name, so the others stay the same
  }

  /** In the order of the original's files, which optimiser states go by. */
  override members(): Member[] {
    const isShared = ({ value }: Member): number => Number(value === this.shared);
    return super.members().sort((a, b) => isShared(b) - isShared(a));
  }

  protected override makeEncoder(dtype: ModelDtype): Encoder {
    return new ReferenceEncoder(this.config, this.input, dtype);
  }

  protected override makeDecoder(dtype: ModelDtype): Decoder {
    return new ReferenceDecoder(this.config, dtype);
  }

  /** Padding is not masked, and the length of the audio is not looked at. */
  protected override checkedBatch(features: EchoFeatures): CheckedBatch {
    return new CheckedBatch(features, this.config.features, this.input, false);
  }

  /** Without a causal mask every token depends on all that follow. */
  override get decodesInSteps(): boolean {
    return false;
  }
}
