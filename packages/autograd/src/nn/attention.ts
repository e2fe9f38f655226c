// Attention with masks in one convention, and multi-head attention in PyTorch's layout.

import {
  any,
  attention,
  type Backend,
  broadcastTo,
  type Causal,
  chunk,
  DtypeError,
  equal,
  formatShape,
  keep,
  linear,
  logicalAnd,
  logicalNot,
  logicalOr,
  matmul,
  max,
  mul,
  narrow,
  permute,
  reshape,
  ShapeError,
  softmax,
  type Tensor,
  tensor,
  transpose,
  where,
} from "@echo-ts/tensor";
import { checkOptions, checkTensors, type OptionKinds, scalar } from "@echo-ts/tensor/internal";
import { constant } from "../tape.ts";
import type { Parameter } from "../variable.ts";
import { Dropout } from "./dropout.ts";
import {
  drawn,
  PARAMETER_OPTIONS,
  type ParameterOptions,
  parameter,
  xavierUniformInit,
  zerosInit,
} from "./init.ts";
import { checkSizes, Linear } from "./linear.ts";
import { Module } from "./module.ts";

/** What each query may attend to. */
export interface AttentionMasks {
  /** bool, true = may attend; broadcasts to [.., Tq, Tk]. A query that may attend to nothing gives 0. */
  readonly mask?: Tensor | null;
  /** Added to the scores before softmax, with gradient; broadcasts to [.., Tq, Tk]. */
  readonly bias?: Tensor | null;
  /** Forbid keys behind the query, counted from the first key or the last ("bottom-right"); default false. */
  readonly causal?: Causal;
}

/** Options of {@link scaledDotProductAttention}. */
export interface ScaledDotProductOptions extends AttentionMasks {
  /** Factor on the scores; default 1 / sqrt(D). */
  readonly scale?: number;
  /** Applied to the attention weights. */
  readonly dropout?: Dropout | null;
}

const MASKS: OptionKinds<AttentionMasks> = {
  mask: "tensor or null",
  bias: "tensor or null",
  causal: [true, false, "bottom-right"],
};
const ATTENTION_OPTIONS: OptionKinds<ScaledDotProductOptions> = {
  ...MASKS,
  scale: "number",
  dropout: "object or null",
};

/**
 * softmax(scale q k^T + bias) v over the keys that may be attended to. PyTorch's function of this name.
 *
 * q [.., Tq, D], k [.., Tk, D], v [.., Tk, E] -> [.., Tq, E]
 *
 * @throws ShapeError if sizes do not fit, DtypeError if the mask is not bool
 */
export function scaledDotProductAttention(
  q: Tensor,
  k: Tensor,
  v: Tensor,
  options: ScaledDotProductOptions = {},
): Tensor {
  checkTensors("scaledDotProductAttention", { q, k, v });
  checkOptions("scaledDotProductAttention", options, ATTENTION_OPTIONS);
  const {
    mask = null,
    bias = null,
    causal = false,
    scale = 1 / Math.sqrt(q.shape[q.rank - 1] ?? 1),
  } = options;
  const dropout = options.dropout?.training && options.dropout.p > 0 ? options.dropout : null;
  if (mask === null && dropout === null) return attention(q, k, v, { bias, causal, scale });
  if (mask !== null && mask.dtype !== "bool") {
    throw new DtypeError(
      `scaledDotProductAttention: the mask must be bool (true = may attend), got ${mask.dtype}; pass numbers to add to the scores as bias`,
    );
  }
  const [queries, keys] = [q.shape[q.rank - 2] ?? 0, k.shape[k.rank - 2] ?? 0];
  const offset = causal === "bottom-right" ? keys - queries : 0;
  const past = causal === false ? null : pastMask(queries, keys, offset, q.backend);
  if (mask === null) {
    const open = past === null ? bias : withMask(() => past, bias, q);
    return attend(q, k, v, open, scale, dropout);
  }
  const allowed = (): Tensor => (past === null ? mask : logicalAnd(mask, past));
  // A row without any key would be 0 / 0: let it attend to all, then take the result away.
  const rows = (): Tensor => {
    const keys = allowed();
    return logicalOr(keys, logicalNot(any(keys, -1, true)));
  };
  const out = attend(q, k, v, withMask(rows, bias, q), scale, dropout);
  const some = constant(() => any(allowed(), -1, true)); // [.., Tq, 1]
  return where(broadcastTo(some, [...out.shape.slice(0, -1), 1]), out, 0);
}

/** The bias where the mask is true, -Infinity elsewhere. */
function withMask(mask: () => Tensor, bias: Tensor | null, q: Tensor): Tensor {
  if (bias !== null) return where(constant(mask), bias, Number.NEGATIVE_INFINITY);
  return constant(() => where(mask(), scalar(0, q.dtype, q.backend), Number.NEGATIVE_INFINITY));
}

const PAST_MASKS_KEPT = 32;
const pastMasks = new WeakMap<Backend, Map<string, Tensor>>();

/** bool [Tq, Tk], true where the key is not more than `offset` behind the query. The most recent sizes are kept. */
function pastMask(queries: number, keys: number, offset: number, backend: Backend): Tensor {
  let known = pastMasks.get(backend);
  if (known === undefined) {
    known = new Map();
    pastMasks.set(backend, known);
  }
  const key = `${queries},${keys},${offset}`;
  let mask = known.get(key);
  if (mask === undefined) {
    const values = Uint8Array.from({ length: queries * keys }, (_, i) =>
      i % keys <= Math.floor(i / keys) + offset ? 1 : 0,
    );
    mask = keep(tensor(values, { shape: [queries, keys], dtype: "bool", backend }));
    if (known.size >= PAST_MASKS_KEPT) known.delete(known.keys().next().value!);
    known.set(key, mask);
  }
  return mask;
}

function attend(
  q: Tensor,
  k: Tensor,
  v: Tensor,
  bias: Tensor | null,
  scale: number,
  dropout: Dropout | null,
): Tensor {
  if (dropout === null) return attention(q, k, v, { bias, scale });
  const scores = mul(matmul(q, transpose(k)), scale); // [.., Tq, Tk]
  const weights = allowedSoftmax(bias === null ? scores : scores.add(bias));
  return matmul(dropout.forward(weights), v);
}

/** tensor's `safeSoftmax` with the mask of rows that allow nothing as a constant of the step, which the graph gives back. */
function allowedSoftmax(scores: Tensor): Tensor {
  if (scores.shape[scores.rank - 1] === 0) return softmax(scores);
  const none = constant(() => equal(max(scores, -1, true), Number.NEGATIVE_INFINITY));
  // Such a row is made one of zeros first: a NaN that is only left out afterwards would still reach the gradient.
  return where(none, 0, softmax(where(none, 0, scores)));
}

/** Options of {@link MultiheadAttention}. */
export interface MultiheadAttentionOptions extends ParameterOptions {
  /** Biases on all projections (default true). */
  readonly bias?: boolean;
  /** Probability with which attention weights are dropped while training; default 0. */
  readonly dropout?: number;
  /** Width of the keys, default `width`. */
  readonly keyWidth?: number;
  /** Width of the values, default `width`. */
  readonly valueWidth?: number;
}

const MULTIHEAD_OPTIONS: OptionKinds<MultiheadAttentionOptions> = {
  ...PARAMETER_OPTIONS,
  bias: "boolean",
  dropout: "number",
  keyWidth: "number",
  valueWidth: "number",
};

/**
 * Multi-head attention. Vaswani et al. 2017; PyTorch's `nn.MultiheadAttention` with `batch_first`, its names
 * and layouts: in_proj_weight [3 width, width] and in_proj_bias [3 width] (query, key, value one below the other),
 * out_proj.weight, out_proj.bias; with other key or value widths q_proj_weight, k_proj_weight, v_proj_weight.
 *
 * Masks here are true where attention is allowed; PyTorch's module has it the other way round.
 *
 * query [B, Tq, width], key [B, Tk, keyWidth], value [B, Tk, valueWidth] -> [B, Tq, width]
 *
 * @throws ShapeError if the heads do not divide the width
 */
export class MultiheadAttention extends Module {
  readonly inProjWeight: Parameter | null = null;
  readonly qProjWeight: Parameter | null = null;
  readonly kProjWeight: Parameter | null = null;
  readonly vProjWeight: Parameter | null = null;
  readonly inProjBias: Parameter | null;
  readonly outProj: Linear;
  readonly dropout: Dropout;
  readonly #width: number;
  readonly #heads: number;

  constructor(width: number, heads: number, options: MultiheadAttentionOptions = {}) {
    super();
    checkOptions("MultiheadAttention", options, MULTIHEAD_OPTIONS);
    const { dtype = "float32", bias = true, keyWidth = width, valueWidth = width } = options;
    checkSizes("MultiheadAttention", { width, heads, keyWidth, valueWidth });
    if (width % heads !== 0) {
      throw new ShapeError(`MultiheadAttention: ${heads} heads do not divide the width ${width}`);
    }
    this.#width = width;
    this.#heads = heads;
    if (keyWidth === width && valueWidth === width) {
      this.inProjWeight = parameter([3 * width, width], xavierUniformInit(), { dtype });
    } else {
      this.qProjWeight = parameter([width, width], xavierUniformInit(), { dtype });
      this.kProjWeight = parameter([width, keyWidth], xavierUniformInit(), { dtype });
      this.vProjWeight = parameter([width, valueWidth], xavierUniformInit(), { dtype });
    }
    this.inProjBias = bias ? parameter([3 * width], zerosInit, { dtype }) : null;
    this.outProj = new Linear(width, width, { dtype, bias, biasInit: zerosInit });
    this.dropout = new Dropout(options.dropout ?? 0);
  }

  /**
   * @param key default the query. @param value default the key.
   * @param masks mask and bias broadcast to [B, heads, Tq, Tk]; a padding mask is [B, 1, 1, Tk]
   */
  forward(query: Tensor, key: Tensor = query, value: Tensor = key, masks: AttentionMasks = {}): Tensor {
    checkTensors("MultiheadAttention", { query, key, value });
    checkOptions("MultiheadAttention", masks, MASKS);
    drawn("MultiheadAttention", "inProjWeight", this.inProjWeight ?? this.qProjWeight);
    for (const [name, x] of Object.entries({ query, key, value })) {
      if (x.rank !== 3) {
        throw new ShapeError(
          `MultiheadAttention: ${name} must be [B, T, width], got ${formatShape(x.shape)}`,
        );
      }
    }
    const [q, k, v] = this.#project(query, key, value);
    const out = scaledDotProductAttention(this.#split(q), this.#split(k), this.#split(v), {
      ...masks,
      dropout: this.dropout,
    }); // [B, H, Tq, D]
    const merged = reshape(permute(out, [0, 2, 1, 3]), [query.shape[0]!, query.shape[1]!, this.#width]);
    return this.outProj.forward(merged);
  }

  #project(query: Tensor, key: Tensor, value: Tensor): [Tensor, Tensor, Tensor] {
    const { inProjWeight, inProjBias } = this;
    if (inProjWeight !== null && query === key && key === value) {
      return chunk(linear(query, inProjWeight, inProjBias), 3, -1) as [Tensor, Tensor, Tensor];
    }
    const rows = (x: Parameter, part: number): Tensor => narrow(x, 0, part * this.#width, this.#width);
    const weights =
      inProjWeight !== null
        ? [0, 1, 2].map((part) => rows(inProjWeight, part))
        : [this.qProjWeight!, this.kProjWeight!, this.vProjWeight!];
    return [query, key, value].map((x, part) =>
      linear(x, weights[part]!, inProjBias === null ? null : rows(inProjBias, part)),
    ) as [Tensor, Tensor, Tensor];
  }

  /** [B, T, width] -> [B, H, T, D] */
  #split(x: Tensor): Tensor {
    const [batch, frames] = x.shape as [number, number];
    return permute(reshape(x, [batch, frames, this.#heads, this.#width / this.#heads]), [0, 2, 1, 3]);
  }
}
