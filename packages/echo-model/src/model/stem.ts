// The stems: convolutions that turn a spectrogram, a waveform or a pitch track into D-wide frames on the
// encoder's clock, plus sinusoidal positions and a norm. Padding stays zero through every convolution, so an
// utterance comes out the same alone and in a batch.
// Shapes: B utterances, C channels in, T hops or samples in, T' frames out, D width.

import {
  Activation,
  type ActivationName,
  Conv1d,
  Dropout,
  Module,
  RMSNorm,
  Sequential,
} from "@echo-ts/autograd";
import { add, cast, logicalNot, mul, type Tensor, transpose, unsqueeze } from "@echo-ts/tensor";
import type { FeatureName, ModelConfig } from "../settings/settings.ts";
import { convolvedLengths, type FrameLengths, type Lengths, paddingMask } from "./frame-lengths.ts";
import { originalName } from "./original-names.ts";
import type { ModelDtype } from "./projection.ts";
import { sinusoids } from "./sinusoids.ts";

/** One convolution of a stem, followed by the activation. */
interface ConvShape {
  readonly inputs: number;
  readonly outputs: number;
  readonly kernel: number;
  readonly stride?: number;
  readonly padding: number;
  readonly groups?: number;
}

/** Frames out, and how many of each utterance are real (null: all, and nothing is masked). */
export interface StemOutput<L extends Lengths = FrameLengths> {
  readonly frames: Tensor; // [B, T', D]
  readonly lengths: L | null;
}

/** Convolutions in order, each followed by the activation, with padding set to zero again after each. */
function convolve<L extends Lengths>(
  x: Tensor,
  layers: Sequential,
  shapes: readonly ConvShape[],
  lengths: L | null,
): [Tensor, L | null] {
  let out = zeroPadding(x, lengths);
  let real = lengths;
  shapes.forEach(({ kernel, stride = 1, padding }, i) => {
    out = layers.layers[2 * i]!.forward(out);
    out = layers.layers[2 * i + 1]!.forward(out);
    if (real !== null) real = convolvedLengths(real, kernel, stride, padding);
    out = zeroPadding(out, real);
  });
  return [out, real];
}

/** [B, C, T] with frames at or after each utterance's length set to 0. */
function zeroPadding(x: Tensor, lengths: Lengths | null): Tensor {
  const padding = lengths === null ? null : paddingMask(lengths, x.shape[2]!, x);
  return padding === null ? x : mul(x, unsqueeze(cast(logicalNot(padding), x.dtype), 1));
}

function convolutions(
  shapes: readonly ConvShape[],
  activation: ActivationName,
  dtype: ModelDtype,
): Sequential {
  return new Sequential(
    ...shapes.flatMap(({ inputs, outputs, kernel, stride = 1, padding, groups = 1 }) => [
      new Conv1d(inputs, outputs, kernel, { stride, padding, groups, dtype }),
      new Activation(activation),
    ]),
  );
}

/** What all stems share: how frames are finished. */
export abstract class Stem extends Module {
  /** Input steps (hops, or samples for the waveform) per frame out. */
  abstract readonly stride: number;
  readonly drop: Dropout;

  constructor(config: ModelConfig) {
    super();
    this.drop = new Dropout(config.dropout);
  }

  /** [B, C, T] -> [B, T', D] */
  abstract forward<L extends Lengths>(x: Tensor, lengths: L | null): StemOutput<L>;

  /** Norm (if configured), positions, dropout, norm: [B, D, T'] -> [B, T', D]. */
  protected finish(x: Tensor, stemNorm: RMSNorm | null, lastNorm: RMSNorm): Tensor {
    let out = transpose(x); // [B, T', D]
    if (stemNorm !== null) out = stemNorm.forward(out);
    const [, frames, dims] = out.shape as [number, number, number];
    out = add(out, sinusoids(frames, dims, lastNorm.weight.dtype, out.backend));
    return lastNorm.forward(this.drop.forward(out));
  }
}

/** Settings that differ between the spectrogram and the pitch stem. */
export interface FeatureStemShape {
  readonly channels: number;
  readonly kernel: number;
  readonly stride: number;
  readonly activation: ActivationName;
}

/** Stem of the spectrogram (C = melBins) and of the pitch track (C = 1). // FeatureEncoder */
export class FeatureStem extends Stem {
  readonly stride: number;
  readonly convolutions: Sequential;
  readonly stemNorm: RMSNorm | null;
  readonly lastNorm: RMSNorm;
  readonly #shapes: readonly ConvShape[];

  constructor(
    config: ModelConfig,
    { channels, kernel, stride, activation }: FeatureStemShape,
    dtype: ModelDtype,
  ) {
    super(config);
    const { dims, normEpsilon: epsilon } = config;
    this.stride = stride;
    this.#shapes = [
      { inputs: channels, outputs: dims, kernel, stride, padding: Math.floor(kernel / 2) },
      { inputs: dims, outputs: dims, kernel: 5, padding: 2 },
      { inputs: dims, outputs: dims, kernel: 3, padding: 1, groups: dims },
    ];
    this.convolutions = convolutions(this.#shapes, activation, dtype);
    this.stemNorm = this.stemNormFor(config, dtype);
    this.lastNorm = new RMSNorm(dims, { epsilon, dtype });
  }

  protected stemNormFor({ stemNorm, dims, normEpsilon }: ModelConfig, dtype: ModelDtype): RMSNorm | null {
    return stemNorm ? new RMSNorm(dims, { epsilon: normEpsilon, dtype }) : null;
  }

  protected override memberName(field: string): string {
    return originalName("featureStem", field) ?? super.memberName(field);
  }

  forward<L extends Lengths>(x: Tensor, lengths: L | null): StemOutput<L> {
    const [out, real] = convolve(x, this.convolutions, this.#shapes, lengths);
    return { frames: this.finish(out, this.stemNorm, this.lastNorm), lengths: real };
  }
}

/** Samples per frame of the waveform stem: 8 * 4 * 5. */
export const WAVEFORM_STRIDE = 160;

/** Stem of the raw waveform, [B, 1, samples]. // WaveformEncoder */
export class WaveformStem extends Stem {
  readonly stride: number = WAVEFORM_STRIDE;
  readonly downsampling: Sequential;
  readonly convolutions: Sequential;
  readonly stemNorm: RMSNorm | null;
  readonly lastNorm: RMSNorm;
  readonly #down: readonly ConvShape[];
  readonly #keep: readonly ConvShape[];

  constructor(config: ModelConfig, activation: ActivationName, dtype: ModelDtype) {
    super(config);
    const { dims, normEpsilon: epsilon } = config;
    const [eighth, quarter] = [Math.floor(dims / 8), Math.floor(dims / 4)];
    this.#down = [
      { inputs: 1, outputs: eighth, kernel: 15, stride: 8, padding: 7 },
      { inputs: eighth, outputs: quarter, kernel: 7, stride: 4, padding: 3 },
      { inputs: quarter, outputs: dims, kernel: 9, stride: 5, padding: 4 },
    ];
    this.#keep = [
      { inputs: dims, outputs: dims, kernel: 3, padding: 1, groups: eighth },
      { inputs: dims, outputs: dims, kernel: 1, padding: 0 },
    ];
    this.downsampling = convolutions(this.#down, activation, dtype);
    this.convolutions = convolutions(this.#keep, activation, dtype);
    this.stemNorm = config.stemNorm ? new RMSNorm(dims, { epsilon, dtype }) : null;
    this.lastNorm = new RMSNorm(dims, { epsilon, dtype });
  }

  protected override memberName(field: string): string {
    return originalName("waveformStem", field) ?? super.memberName(field);
  }

  forward<L extends Lengths>(x: Tensor, lengths: L | null): StemOutput<L> {
    const [slow, between] = convolve(x, this.downsampling, this.#down, lengths);
    const [out, real] = convolve(slow, this.convolutions, this.#keep, between);
    return { frames: this.finish(out, this.stemNorm, this.lastNorm), lengths: real };
  }
}

/** The stem of a feature. @param melBins channels of the spectrogram */
export function stemFor(feature: FeatureName, config: ModelConfig, melBins: number, dtype: ModelDtype): Stem {
  const { activation } = config;
  return feature === "waveform"
    ? new WaveformStem(config, activation, dtype)
    : new FeatureStem(config, { ...featureShape(feature, config, melBins), activation }, dtype);
}

/** Channels, kernel and stride of the stem of a feature that comes hop by hop. */
export function featureShape(
  feature: "spectrogram" | "pitch",
  { spectrogramStem, pitchStem }: ModelConfig,
  melBins: number,
): Omit<FeatureStemShape, "activation"> {
  return feature === "pitch" ? { channels: 1, ...pitchStem } : { channels: melBins, ...spectrogramStem };
}
