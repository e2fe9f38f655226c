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
import { type AttentionContext, EchoAttention, type KeyValueCache, NO_CONTEXT } from "./attention.ts";
import {
  CrossModalGate,
  FeatureGate,
  MemoryGate,
  type Modalities,
  meanOverTime,
  mlpGate,
  runningMean,
  TokenGate,
} from "./gates.ts";
import { type ModelDtype, Projection } from "./projection.ts";
import { ReferenceAttention } from "./reference-attention.ts";

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

/** x + attention, then with the audio, then x + gate * MLP. // Residual */
export class EchoBlock extends Module {
  readonly blendXa: Parameter | null; // blend_xa []
  readonly attna: EchoAttention;
  readonly attnb: EchoAttention | null;
  readonly mlp: Sequential;
  readonly mlpGate: Sequential | null = null;
  readonly tokenGate: TokenGate | null = null;
  readonly featureGate: FeatureGate | null = null;
  readonly memoryGate: MemoryGate | null = null;
  readonly crossModalGate: CrossModalGate | null = null;
  readonly lna: RMSNorm;
  readonly lnb: RMSNorm | null;
  readonly lnc: RMSNorm;
  readonly drop: Dropout;
  readonly #residualCross: boolean;

  /**
   * @param cross whether the block attends to audio; the reference gives every block these weights, used or not
   */
  constructor(config: ModelConfig, cross: boolean, activation: ActivationName, dtype: ModelDtype) {
    super();
    const { dims, gate, memorySize, normEpsilon: epsilon, variant } = config;
    const Attention = variant === "reference" ? ReferenceAttention : EchoAttention;
    const withCross = cross || variant === "reference";
    this.blendXa = withCross ? parameter([], constantInit(BLEND_START), { dtype }) : null;
    this.attna = new Attention(config, dtype);
    this.attnb = withCross ? new Attention(config, dtype) : null;
    this.mlp = new Sequential(
      new Projection(dims, dims * MLP_FACTOR, dtype),
      new Activation(activation),
      new Projection(dims * MLP_FACTOR, dims, dtype),
    );
    if (gate === "mlp") this.mlpGate = mlpGate(dims, dtype);
    if (gate === "token") this.tokenGate = new TokenGate(dims, dtype);
    if (gate === "feature") this.featureGate = new FeatureGate(dims, dtype);
    if (gate === "memory") this.memoryGate = new MemoryGate(dims, memorySize, dtype);
    if (gate === "crossModal") this.crossModalGate = new CrossModalGate(dims, dtype);
    this.lna = new RMSNorm(dims, { epsilon, dtype });
    this.lnb = withCross ? new RMSNorm(dims, { epsilon, dtype }) : null;
    this.lnc = new RMSNorm(dims, { epsilon, dtype });
    this.drop = new Dropout(config.residualDropout);
    this.#residualCross = config.residualCross;
  }

  /** [B, T, D] -> [B, T, D] */
  forward(input: Tensor, context: BlockContext, cache: BlockCache | null = null): Tensor {
    const normed = this.lna.forward(input);
    let x = add(
      input,
      this.drop.forward(this.attna.forward(normed, null, context.self, cache?.self ?? null)),
    );
    if (context.cross !== null) x = this.#attendToAudio(x, context.cross, cache?.cross ?? null);
    const n = this.lnc.forward(x);
    return add(x, this.drop.forward(this.#gated(n, context)));
  }

  #attendToAudio(x: Tensor, cross: NonNullable<BlockContext["cross"]>, cache: KeyValueCache | null): Tensor {
    const attnb = this.attnb!;
    const n = this.lnb!.forward(x);
    const heard =
      cache === null
        ? attnb.forward(n, cross.source, cross.context)
        : attnb.forwardWith(n, cache, cross.context);
    if (this.#residualCross) return add(x, this.drop.forward(heard));
    const blend = sigmoid(this.blendXa!);
    return add(mul(blend, x), mul(sub(1, blend), heard)); // b x + (1 - b) c
  }

  #gated(n: Tensor, { self, cross, modalities }: BlockContext): Tensor {
    if (this.crossModalGate !== null && modalities !== null)
      return this.crossModalGate.forward(n, modalities);
    const out = this.mlp.forward(n);
    if (this.mlpGate !== null) return mul(this.mlpGate.forward(n), out);
    if (this.tokenGate !== null) return mul(this.tokenGate.forward(n), out);
    if (this.memoryGate !== null) return mul(this.memoryGate.forward(n), out);
    if (this.featureGate !== null) {
      return mul(this.featureGate.forward(n, this.#seen(n, self, cross)), out);
    }
    return out;
  }

  /** What the feature gate averages: the audio, or the block's own sequence as far as it may look. */
  #seen(n: Tensor, self: AttentionContext, cross: BlockContext["cross"]): Tensor {
    if (cross !== null) return meanOverTime(cross.source, cross.context.padding);
    const mayLookAhead = !self.causal || this.attna instanceof ReferenceAttention;
    return mayLookAhead ? meanOverTime(n, self.padding) : runningMean(n);
  }
}

/** A block context of full self-attention without positions, for blocks that stand alone. */
export const PLAIN_BLOCK: BlockContext = { self: NO_CONTEXT, cross: null, modalities: null };
