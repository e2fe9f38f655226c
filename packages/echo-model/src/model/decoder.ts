// The text decoder: token and position embeddings, blocks over the text alone, then for each audio stream
// blocks that also attend to it, blended in. The output layer is the token embedding itself.
// Shapes: B utterances, L tokens, S audio frames, D width, V vocabulary.

import {
  constantInit,
  Dropout,
  Embedding,
  Module,
  normalInit,
  type Parameter,
  parameter,
  RMSNorm,
} from "@echo-ts/autograd";
import { add, matmul, mul, narrow, sigmoid, sub, type Tensor, transpose } from "@echo-ts/tensor";
import type { FeatureName, ModelConfig } from "../settings/settings.ts";
import type { AttentionContext } from "./attention.ts";
import { type BlockCache, EchoBlock } from "./block.ts";
import type { EncodedStream } from "./encoder.ts";
import { originalName } from "./original-names.ts";
import type { ModelDtype } from "./projection.ts";
import { Positions } from "./rotary-module.ts";

const POSITION_STD = 0.02;
const BLEND_START = 0.5;

/** What step-by-step decoding remembers: how many tokens were seen, and each block's keys and values. */
export interface DecoderCache {
  length: number;
  /** Positions of the tokens to come, where somebody made them before; else the decoder does. */
  readonly positions?: Positions;
  readonly self: readonly BlockCache[];
  readonly streams: ReadonlyMap<FeatureName, readonly BlockCache[]>;
}

/** // TextDecoder */
export class Decoder extends Module {
  readonly positions: Parameter; // [textContext, D]
  readonly tokens: Embedding; // [V, D]
  /** Blocks that see the text alone. */
  readonly textBlocks: EchoBlock[];
  /** Feature -> the blocks that attend to its stream. */
  readonly streams: Map<FeatureName, EchoBlock[]> = new Map();
  readonly streamBlend: Map<FeatureName, Parameter> = new Map();
  readonly lastNorm: RMSNorm;
  readonly drop: Dropout;
  protected readonly config: ModelConfig;

  constructor(config: ModelConfig, dtype: ModelDtype) {
    super();
    this.config = config;
    const { dims, textContext, textLayers, vocabSize, embeddingStd, normEpsilon: epsilon } = config;
    this.positions = parameter([textContext, dims], normalInit(0, POSITION_STD), { dtype });
    this.tokens = new Embedding(vocabSize, dims, { dtype, weightInit: firstRowZero(embeddingStd) });
    this.textBlocks = Array.from({ length: textLayers }, () => this.block(false, dtype));
    for (const feature of config.features) {
      this.streams.set(
        feature,
        Array.from({ length: textLayers }, () => this.block(true, dtype)),
      );
      this.streamBlend.set(feature, parameter([], constantInit(BLEND_START), { dtype }));
    }
    this.lastNorm = new RMSNorm(dims, { epsilon, dtype });
    this.drop = new Dropout(config.dropout);
  }

  protected block(cross: boolean, dtype: ModelDtype): EchoBlock {
    return new EchoBlock(this.config, cross, this.config.activation, dtype);
  }

  protected override memberName(field: string): string {
    return originalName("decoder", field) ?? super.memberName(field);
  }

  /**
   * Logits of the next token at every position: ids int32 [B, L] -> [B, L, V].
   *
   * @param cache from `startCache`: ids are then the tokens after those seen, and the cache advances
   */
  forward(
    ids: Tensor,
    streams: ReadonlyMap<FeatureName, EncodedStream>,
    cache: DecoderCache | null = null,
  ): Tensor {
    const start = cache?.length ?? 0;
    const count = ids.shape[1]!;
    const positions = narrow(this.positions, 0, start, count); // [L, D]
    let x = this.drop.forward(add(this.tokens.forward(ids), positions)); // [B, L, D]
    const text = this.#textContext(start, count, cache?.positions);
    this.textBlocks.forEach((block, i) => {
      x = block.forward(x, { self: text, cross: null, modalities: null }, cache?.self[i] ?? null);
    });
    for (const [feature, blocks] of this.streams) {
      const stream = streams.get(feature)!;
      const cross = { source: stream.frames, context: this.#crossContext(text, stream) };
      const self = this.selfContextOfCross(text);
      let y = x;
      blocks.forEach((block, i) => {
        y = block.forward(y, { self, cross, modalities: null }, cache?.streams.get(feature)?.[i] ?? null);
      });
      const blend = sigmoid(this.streamBlend.get(feature)!);
      x = add(mul(blend, y), mul(sub(1, blend), x)); // a y + (1 - a) x
    }
    if (cache !== null) cache.length = start + count;
    return matmul(this.lastNorm.forward(x), transpose(this.tokens.weight));
  }

  /** A cache for decoding these streams token by token; holds the keys and values of the audio already. */
  startCache(streams: ReadonlyMap<FeatureName, EncodedStream>): DecoderCache {
    const batch = [...streams.values()][0]!.frames.shape[0]!;
    const empty = (block: EchoBlock): BlockCache => ({
      self: block.selfAttention.emptyCache(batch),
      cross: null,
    });
    const perStream = new Map<FeatureName, readonly BlockCache[]>();
    for (const [feature, blocks] of this.streams) {
      const { frames } = streams.get(feature)!;
      const keys = this.#crossPositions(frames.shape[1]!);
      perStream.set(
        feature,
        blocks.map((block) => ({
          ...empty(block),
          cross: block.crossAttention!.keysAndValues(frames, keys),
        })),
      );
    }
    return { length: 0, self: this.textBlocks.map(empty), streams: perStream };
  }

  #textContext(start: number, count: number, given?: Positions): AttentionContext {
    const rotary = this.config.rotary.pitch !== "none";
    const positions = rotary ? (given ?? new Positions(count, null, start)) : null;
    // One new token may see everything before it; only several at once need the mask.
    const causal = count > 1;
    return {
      queries: positions,
      keys: positions,
      padding: null,
      silent: null,
      pitch: null,
      bias: null,
      causal,
    };
  }

  /** How the blocks that attend to audio attend to the text. */
  protected selfContextOfCross(text: AttentionContext): AttentionContext {
    return text;
  }

  #crossContext(text: AttentionContext, { frames, padding, silent }: EncodedStream): AttentionContext {
    const rotary = this.#crossPositions(frames.shape[1]!);
    return {
      queries: rotary === null ? null : text.queries,
      keys: rotary,
      padding,
      silent,
      pitch: null,
      bias: null,
      causal: false,
    };
  }

  #crossPositions(frames: number): Positions | null {
    const { cross, pitch } = this.config.rotary;
    return cross && pitch !== "none" ? new Positions(frames) : null;
  }
}

function firstRowZero(std: number): ReturnType<typeof normalInit> {
  const normal = normalInit(0, std);
  return (out, shape, random) => {
    normal(out, shape, random);
    out.fill(0, 0, shape[1]);
  };
}
