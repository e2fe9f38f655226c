// The residual block of encoder and decoder: attention to itself, attention to the audio (decoder only), and
// a gated MLP, each on a normalised input. Read next: encoder.ts, decoder.ts.
// Shapes: B utterances, T positions, S audio frames, D width.

import {
  Activation,
  type ActivationName,
  constantInit,
  Dropout,
  Module,
  type Parameter,
  parameter,
  RMSNorm,
  Sequential,
} from "@echo-ts/autograd";
import { add, mul, sigmoid, sub, type Tensor } from "@echo-ts/tensor";
import type { ModelConfig } from "../settings/settings.ts";
import { type AttentionContext, EchoAttention, type KeyValueCache } from "./attention.ts";
import type { ConvolutionModule } from "./convolution-module.ts";
import {
  CrossModalGate,
  FeatureGate,
  type Gate,
  gateFor,
  type Modalities,
  meanOverTime,
  runningMean,
} from "./gates.ts";
import { originalName } from "./original-names.ts";
import { type ModelDtype, Projection } from "./projection.ts";

const MLP_FACTOR = 4;
const BLEND_START = 0.5;

/** What a block is told beside its input. */
export interface BlockContext {
  readonly self: AttentionContext;
  /** The audio to attend to, [B, S, D], and how. */
  readonly cross: { readonly source: Tensor; readonly context: AttentionContext } | null;
  /** Streams for the cross-modal gate, on this block's clock. */
  readonly modalities: Modalities | null;
}

/** Caches of one block while decoding step by step. */
export interface BlockCache {
  readonly self: KeyValueCache;
  readonly cross: KeyValueCache | null;
}

/** x + attention, then with the audio, + convolution if there is one, + gate * MLP. // Residual */
export class EchoBlock extends Module {
  readonly audioBlend: Parameter | null; // []
  readonly selfAttention: EchoAttention;
  readonly crossAttention: EchoAttention | null;
  readonly convolution: ConvolutionModule | null;
  readonly mlp: Sequential;
  readonly gate: Gate | null;
  readonly selfNorm: RMSNorm;
  readonly crossNorm: RMSNorm | null;
  readonly mlpNorm: RMSNorm;
  readonly drop: Dropout;
  readonly #config: ModelConfig;

  /**
   * @param cross whether the block attends to audio
   * @param convolution what stands between attention and MLP, in encoder blocks that have one
   */
  constructor(
    config: ModelConfig,
    cross: boolean,
    activation: ActivationName,
    dtype: ModelDtype,
    convolution: ConvolutionModule | null = null,
  ) {
    super();
    const { dims, normEpsilon: epsilon } = config;
    this.#config = config;
    this.audioBlend = cross ? parameter([], constantInit(BLEND_START), { dtype }) : null;
    this.selfAttention = this.attention(config, dtype);
    this.crossAttention = cross ? this.attention(config, dtype) : null;
    this.convolution = convolution;
    this.mlp = new Sequential(
      new Projection(dims, dims * MLP_FACTOR, dtype),
      new Activation(activation),
      new Projection(dims * MLP_FACTOR, dims, dtype),
    );
    this.gate = gateFor(config, dtype);
    this.selfNorm = new RMSNorm(dims, { epsilon, dtype });
    this.crossNorm = cross ? new RMSNorm(dims, { epsilon, dtype }) : null;
    this.mlpNorm = new RMSNorm(dims, { epsilon, dtype });
    this.drop = new Dropout(config.residualDropout);
  }

  protected attention(config: ModelConfig, dtype: ModelDtype): EchoAttention {
    return new EchoAttention(config, dtype);
  }

  protected override memberName(field: string): string {
    if (field === "gate") return originalName("gate", this.#config.gate) ?? field;
    return originalName("block", field) ?? super.memberName(field);
  }

  /** [B, T, D] -> [B, T, D] */
  forward(input: Tensor, context: BlockContext, cache: BlockCache | null = null): Tensor {
    const normed = this.selfNorm.forward(input);
    let x = add(
      input,
      this.drop.forward(this.selfAttention.forward(normed, null, context.self, cache?.self ?? null)),
    );
    if (context.cross !== null) x = this.#attendToAudio(x, context.cross, cache?.cross ?? null);
    if (this.convolution !== null) x = add(x, this.convolution.forward(x, context.self.padding));
    const n = this.mlpNorm.forward(x);
    return add(x, this.drop.forward(this.#gated(n, context)));
  }

  #attendToAudio(x: Tensor, cross: NonNullable<BlockContext["cross"]>, cache: KeyValueCache | null): Tensor {
    const attention = this.crossAttention!;
    const n = this.crossNorm!.forward(x);
    const heard =
      cache === null
        ? attention.forward(n, cross.source, cross.context)
        : attention.forwardWith(n, cache, cross.context);
    if (this.#config.residualCross) return add(x, this.drop.forward(heard));
    const blend = sigmoid(this.audioBlend!);
    return add(mul(blend, x), mul(sub(1, blend), heard)); // b x + (1 - b) c
  }

  #gated(n: Tensor, context: BlockContext): Tensor {
    const { gate } = this;
    if (gate instanceof CrossModalGate && context.modalities !== null)
      return gate.forward(n, context.modalities);
    const out = this.mlp.forward(n);
    if (gate === null || gate instanceof CrossModalGate) return out;
    const factor = gate instanceof FeatureGate ? gate.forward(n, this.#seen(n, context)) : gate.forward(n);
    return mul(factor, out);
  }

  /** What the feature gate averages: the audio, or the block's own sequence. */
  #seen(n: Tensor, { self, cross }: BlockContext): Tensor {
    return cross === null ? this.ownMean(n, self) : meanOverTime(cross.source, cross.context.padding);
  }

  /** Mean of the block's own sequence, as far as each position may look. */
  protected ownMean(n: Tensor, self: AttentionContext): Tensor {
    return self.causal ? runningMean(n) : meanOverTime(n, self.padding);
  }
}
