// What attention layers look at: the weights of every head for one utterance, computed again from the queries and keys
// that each layer was given, with the parts that pitch and silence add to the scores. The fused op that the model uses keeps
// no weights. Shapes: H heads, Q queries, K keys, d width of a head. Pictures: ../figures/attention-figures.ts.
import { noGrad } from "@echo-ts/autograd";
import type { Tensor } from "@echo-ts/tensor";
import type { AttentionContext, EchoAttention } from "../model/attention.ts";
import type { EchoFeatures } from "../model/batch.ts";
import type { Echo } from "../model/model.ts";
import { pitchBias } from "../model/pitch-bias.ts";
import { logSilenceFactor, silenceBias } from "../model/silence.ts";
import { type NamedBlock, namedBlocks, watchCalls } from "./blocks.ts";

/** The weights of one attention layer for one utterance. */
export interface AttentionMap {
  /** "encoder 0 self", "cross 0 audio". */
  readonly name: string;
  readonly block: NamedBlock;
  readonly to: "self" | "audio";
  readonly heads: number;
  readonly queries: number;
  readonly keys: number;
  /** Row-major [H, Q, K]; each row sums to 1. */
  readonly weights: Float64Array;
  /** What pitch adds to the scores, [Q, K]; null without. */
  readonly pitchBias: Float64Array | null;
  /** What silence adds to the scores of each key, ln(fz) or 0: [K]; null without. */
  readonly silenceBias: Float64Array | null;
  /** The layer's factor on silent keys. */
  readonly silenceFactor: number;
  /** Entropy of each head's rows, divided by that of looking everywhere alike, mean over queries: [H], 0 to 1. */
  readonly entropy: readonly number[];
}

/**
 * The maps of every attention layer, for the first utterance of a batch of one.
 *
 * @param features of one utterance, from `collateFeatures`
 * @param ids bos and the tokens of its text, int32 [1, L]; null watches the encoder alone
 * @throws RangeError for several utterances, or the reference variant, whose scores are made in another way
 */
export function attentionMaps(echo: Echo, features: EchoFeatures, ids: Tensor | null): AttentionMap[] {
  if (echo.config.variant === "reference")
    throw new RangeError('attentionMaps: expected model.variant "corrected", got "reference"');
  const maps: AttentionMap[] = [];
  const watched = namedBlocks(echo).flatMap((block) => [
    ...watchLayer(block, "self", block.block.selfAttention, maps),
    ...(block.block.crossAttention === null
      ? []
      : watchLayer(block, "audio", block.block.crossAttention, maps)),
  ]);
  const wasTraining = echo.training;
  echo.eval();
  try {
    noGrad(() => {
      if (ids === null) echo.encode(features);
      else echo.forward(features, ids);
    });
  } finally {
    for (const stop of watched) stop();
    echo.train(wasTraining);
  }
  return maps;
}

function watchLayer(
  block: NamedBlock,
  to: AttentionMap["to"],
  layer: EchoAttention,
  maps: AttentionMap[],
): (() => void)[] {
  return [
    watchCalls(layer, "attend", (given) => {
      const [query, key, , context] = given as [Tensor, Tensor, Tensor, AttentionContext];
      maps.push(mapOf(block, to, layer, query, key, context));
    }),
  ];
}

function mapOf(
  block: NamedBlock,
  to: AttentionMap["to"],
  layer: EchoAttention,
  query: Tensor,
  key: Tensor,
  context: AttentionContext,
): AttentionMap {
  const [batch, heads, queries, width] = query.shape as [number, number, number, number];
  const keys = key.shape[2]!;
  if (batch !== 1) throw new RangeError(`attentionMaps: expected one utterance, got ${batch}`);
  const { pitch, silent, causal } = context;
  const numbers = (x: Tensor): Float64Array => Float64Array.from(x.dataSync());
  const pitched = pitch === null ? null : numbers(pitchBias(pitch, layer.rotary.pitchScale));
  const silenced =
    silent === null ? null : numbers(silenceBias(silent, layer.silence, layer.config.zeroKeys));
  const [q, k] = [numbers(query), numbers(key)];
  const weights = new Float64Array(heads * queries * keys);
  const entropy = new Array<number>(heads).fill(0);
  for (let h = 0; h < heads; h++) {
    for (let i = 0; i < queries; i++) {
      const seen = causal ? i + 1 + (keys - queries) : keys;
      const row = weights.subarray((h * queries + i) * keys, (h * queries + i + 1) * keys);
      for (let j = 0; j < seen; j++) {
        let dot = 0;
        const [a, b] = [(h * queries + i) * width, (h * keys + j) * width];
        for (let c = 0; c < width; c++) dot += q[a + c]! * k[b + c]!;
        row[j] = dot / Math.sqrt(width) + (pitched?.[i * keys + j] ?? 0) + (silenced?.[j] ?? 0);
      }
      softmaxInPlace(row.subarray(0, seen));
      entropy[h]! += relativeEntropy(row.subarray(0, seen)) / queries;
    }
  }
  return {
    name: `${block.name} ${to}`,
    block,
    to,
    heads,
    queries,
    keys,
    weights,
    pitchBias: pitched,
    silenceBias: silenced,
    silenceFactor: Math.exp(logSilenceFactor(layer.silence, layer.config.zeroKeys).item()),
    entropy,
  };
}

function softmaxInPlace(row: Float64Array): void {
  const most = row.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  let sum = 0;
  for (let j = 0; j < row.length; j++) {
    row[j] = Math.exp(row[j]! - most);
    sum += row[j]!;
  }
  for (let j = 0; j < row.length; j++) row[j]! /= sum;
}

/** Entropy of a distribution over that of the uniform one: 0 looks at one key, 1 at all alike. A single key gives 0. */
export function relativeEntropy(weights: Float64Array): number {
  if (weights.length < 2) return 0;
  const sum = weights.reduce((total, w) => (w > 0 ? total - w * Math.log(w) : total), 0);
  return sum / Math.log(weights.length);
}
