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
import type { ModelDtype } from "./projection.ts";
import { Positions } from "./rotary-module.ts";

const POSITION_STD = 0.02;
const BLEND_START = 0.5;

/** What step-by-step decoding remembers: how many tokens were seen, and each block's keys and values. */
export interface DecoderCache {
  length: number;
  readonly self: readonly BlockCache[];
  readonly streams: ReadonlyMap<FeatureName, readonly BlockCache[]>;
}

/** // TextDecoder */
export class Decoder extends Module {
  readonly positionalEmbedding: Parameter; // [textContext, D]
  readonly tokenEmbedding: Embedding; // [V, D]
  readonly selfAttnLayers: EchoBlock[];
  readonly processors: Map<FeatureName, EchoBlock[]> = new Map();
  readonly featureBlend: Map<FeatureName, Parameter> = new Map();
  readonly lnDec: RMSNorm;
  readonly drop: Dropout;
  readonly #config: ModelConfig;

  constructor(config: ModelConfig, dtype: ModelDtype) {
    super();
    const { dims, textContext, textLayers, vocabSize, embeddingStd, normEpsilon: epsilon } = config;
    // The reference decodes with GELU whatever the configured activation.
    const activation = config.variant === "reference" ? "gelu" : config.activation;
    this.positionalEmbedding = parameter([textContext, dims], normalInit(0, POSITION_STD), { dtype });
    this.tokenEmbedding = new Embedding(vocabSize, dims, { dtype, weightInit: firstRowZero(embeddingStd) });
    this.selfAttnLayers = Array.from(
      { length: textLayers },
      () => new EchoBlock(config, false, activation, dtype),
    );
    for (const feature of config.features) {
      this.processors.set(
        feature,
        Array.from({ length: textLayers }, () => new EchoBlock(config, true, activation, dtype)),
      );
      this.featureBlend.set(feature, parameter([], constantInit(BLEND_START), { dtype }));
    }
    this.lnDec = new RMSNorm(dims, { epsilon, dtype });
    this.drop = new Dropout(config.dropout);
    this.#config = config;
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
    const positions = narrow(this.positionalEmbedding, 0, start, count); // [L, D]
    let x = this.drop.forward(add(this.tokenEmbedding.forward(ids), positions)); // [B, L, D]
    const text = this.#textContext(start, count);
    this.selfAttnLayers.forEach((block, i) => {
      x = block.forward(x, { self: text, cross: null, modalities: null }, cache?.self[i] ?? null);
    });
    for (const [feature, blocks] of this.processors) {
      const stream = streams.get(feature)!;
      const cross = { source: stream.frames, context: this.#crossContext(text, stream) };
      const self = this.#config.variant === "reference" ? { ...text, causal: false } : text;
      let y = x;
      blocks.forEach((block, i) => {
        y = block.forward(y, { self, cross, modalities: null }, cache?.streams.get(feature)?.[i] ?? null);
      });
      const blend = sigmoid(this.featureBlend.get(feature)!);
      x = add(mul(blend, y), mul(sub(1, blend), x)); // a y + (1 - a) x
    }
    if (cache !== null) cache.length = start + count;
    return matmul(this.lnDec.forward(x), transpose(this.tokenEmbedding.weight));
  }

  /** A cache for decoding these streams token by token; holds the keys and values of the audio already. */
  startCache(streams: ReadonlyMap<FeatureName, EncodedStream>): DecoderCache {
    const batch = [...streams.values()][0]!.frames.shape[0]!;
    const empty = (block: EchoBlock): BlockCache => ({ self: block.attna.emptyCache(batch), cross: null });
    const perStream = new Map<FeatureName, readonly BlockCache[]>();
    for (const [feature, blocks] of this.processors) {
      const { frames } = streams.get(feature)!;
      const keys = this.#crossPositions(frames.shape[1]!);
      perStream.set(
        feature,
        blocks.map((block) => ({ ...empty(block), cross: block.attnb!.keysAndValues(frames, keys) })),
      );
    }
    return { length: 0, self: this.selfAttnLayers.map(empty), streams: perStream };
  }

  #textContext(start: number, count: number): AttentionContext {
    const rotary = this.#config.rotary.pitch !== "none";
    const positions = rotary ? new Positions(count, null, false, start) : null;
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
    const { cross, pitch } = this.#config.rotary;
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
