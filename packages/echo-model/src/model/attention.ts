// Echo's attention, corrected: queries and keys turned by pitch-aware rotary angles; pitch bias and silence
// factor added to the scores; padding and future keys forbidden. The faulty original is ../reference/reference-attention.ts.
// Shapes: B utterances, H heads, D width, d = D / H, Tq queries, Tk keys.

import { Module, type Parameter } from "@echo-ts/autograd";
import {
  add,
  attention,
  cast,
  concat,
  maskedFill,
  permute,
  reshape,
  type Tensor,
  zeros,
} from "@echo-ts/tensor";
import type { ModelConfig } from "../settings/settings.ts";
import { originalName } from "./original-names.ts";
import { type PitchDistances, pitchBias } from "./pitch-bias.ts";
import { type ModelDtype, Projection } from "./projection.ts";
import { type Positions, Rotary, rotate } from "./rotary-module.ts";
import { silenceBias, silenceParameter } from "./silence.ts";

/** What one call of an attention layer is told beside its inputs. */
export interface AttentionContext {
  /** Positions of the queries, or null for no rotary. */
  readonly queries: Positions | null;
  /** Positions of the keys; the queries' own in self-attention. */
  readonly keys: Positions | null;
  /** True where a key is padding: bool [B, Tk]. */
  readonly padding: Tensor | null;
  /** True where a key is silent: bool [B, Tk]. */
  readonly silent: Tensor | null;
  /** Pitch distances between queries and keys. */
  readonly pitch: PitchDistances | null;
  /** Anything else to add to the scores; broadcasts to [B, H, Tq, Tk]. */
  readonly bias: Tensor | null;
  /** Forbid keys after the query. */
  readonly causal: boolean;
}

/** A context with nothing in it: full attention without positions. */
export const NO_CONTEXT: AttentionContext = {
  queries: null,
  keys: null,
  padding: null,
  silent: null,
  pitch: null,
  bias: null,
  causal: false,
};

/** Keys and values that a layer has seen so far, each [B, H, T, d]; filled step by step while decoding. */
export interface KeyValueCache {
  key: Tensor;
  value: Tensor;
}

/** Multi-head attention. // MultiheadA */
export class EchoAttention extends Module {
  readonly query: Projection;
  readonly key: Projection; // without bias
  readonly value: Projection;
  readonly output: Projection;
  readonly rotary: Rotary;
  /** Behind the factor on silent keys; see silence.ts. */
  readonly silence: Parameter; // []
  readonly heads: number;
  readonly config: ModelConfig;

  constructor(config: ModelConfig, dtype: ModelDtype) {
    super();
    const { dims, heads, rotary, zeroKeys } = config;
    this.query = new Projection(dims, dims, dtype);
    this.key = new Projection(dims, dims, dtype, false);
    this.value = new Projection(dims, dims, dtype);
    this.output = new Projection(dims, dims, dtype);
    this.rotary = new Rotary(dims / heads, rotary, dtype);
    this.silence = silenceParameter(zeroKeys, dtype);
    this.heads = heads;
    this.config = config;
  }

  protected override memberName(field: string): string {
    return originalName("attention", field) ?? super.memberName(field);
  }

  /**
   * x [B, Tq, D] attends to `source` [B, Tk, D] (default itself) -> [B, Tq, D].
   *
   * @param cache for step-by-step decoding: new keys are appended to it and attended to
   */
  forward(
    x: Tensor,
    source: Tensor | null,
    context: AttentionContext,
    cache: KeyValueCache | null = null,
  ): Tensor {
    const query = this.rotated(this.split(this.query.forward(x)), context.queries); // [B, H, Tq, d]
    let { key, value } = this.keysAndValues(source ?? x, context.keys); // [B, H, Tk, d]
    if (cache !== null) {
      key = concat([cache.key, key], 2);
      value = concat([cache.value, value], 2);
      cache.key = key;
      cache.value = value;
    }
    return this.attend(query, key, value, context);
  }

  /** As `forward` for queries alone, with keys and values computed before by `keysAndValues`. */
  forwardWith(x: Tensor, { key, value }: KeyValueCache, context: AttentionContext): Tensor {
    return this.attend(this.rotated(this.split(this.query.forward(x)), context.queries), key, value, context);
  }

  /** Rotated keys, and values: each [B, H, Tk, d]. */
  keysAndValues(source: Tensor, positions: Positions | null): KeyValueCache {
    return {
      key: this.rotated(this.split(this.key.forward(source)), positions),
      value: this.split(this.value.forward(source)),
    };
  }

  /** A cache that has seen nothing: keys and values of no positions. */
  emptyCache(batch: number): KeyValueCache {
    const { dtype, backend } = this.silence;
    const none = zeros([batch, this.heads, 0, this.config.dims / this.heads], { dtype, backend });
    return { key: none, value: none };
  }

  protected attend(query: Tensor, key: Tensor, value: Tensor, context: AttentionContext): Tensor {
    const width = query.shape[3]!;
    const bias = this.scoreBias(context);
    const out = attention(query, key, value, { bias, causal: context.causal, scale: 1 / Math.sqrt(width) });
    return this.output.forward(this.merge(out)); // [B, Tq, D]
  }

  /** Everything that is added to the scores, or null: broadcasts to [B, H, Tq, Tk]. */
  protected scoreBias({ padding, silent, pitch, bias }: AttentionContext): Tensor | null {
    const parts: Tensor[] = bias === null ? [] : [bias];
    if (pitch !== null) parts.push(pitchBias(pitch, this.rotary.pitchScale));
    if (silent !== null) parts.push(silenceBias(silent, this.silence, this.config.zeroKeys));
    if (padding !== null) parts.push(forbidden(padding, this.silence));
    return parts.length === 0 ? null : parts.reduce((sum, part) => add(sum, part));
  }

  /** [B, T, D] -> [B, H, T, d] */
  protected split(x: Tensor): Tensor {
    const [batch, frames, dims] = x.shape as [number, number, number];
    return permute(reshape(x, [batch, frames, this.heads, dims / this.heads]), [0, 2, 1, 3]);
  }

  /** [B, H, T, d] -> [B, T, D] */
  protected merge(x: Tensor): Tensor {
    const [batch, heads, frames, width] = x.shape as [number, number, number, number];
    return reshape(permute(x, [0, 2, 1, 3]), [batch, frames, heads * width]);
  }

  protected rotated(x: Tensor, positions: Positions | null): Tensor {
    return positions === null ? x : rotate(x, this.rotary.rotation(positions, x));
  }
}

/** -Infinity at padding, else 0: [B, 1, 1, Tk]. */
function forbidden(padding: Tensor, like: Tensor): Tensor {
  const [batch, keys] = padding.shape as [number, number];
  const flat = reshape(cast(padding, "bool"), [batch, 1, 1, keys]);
  const none = zeros(flat.shape, { dtype: like.dtype, backend: like.backend });
  return maskedFill(none, flat, Number.NEGATIVE_INFINITY);
}
