// How one attention weight comes about: the vectors that a layer was given, and each step to the weight.
import { collateFeatures, extractFeatures, inputOf, type Recognizer, transcribe } from "@echo-ts/echo-model";
import { attentionMaps, namedBlocks, watchCalls } from "@echo-ts/echo-model/study";
import { type Tensor, tensor } from "@echo-ts/tensor";
import type { Explained, Requests } from "./messages.ts";

/** The element (query, key) of a head of the layer that the page shows as number `layer`. */
export async function explainAttention(
  recogniser: Recognizer,
  { wave, layer, head, query, key }: Requests["explain"]["take"],
): Promise<Explained> {
  const { echo, tokenizer, config } = recogniser;
  const input = inputOf(config);
  const batch = collateFeatures([extractFeatures(wave, input)], input);
  const { text } = await transcribe(recogniser, wave);
  const ids = tensor([[tokenizer.special.bos, ...tokenizer.encode(text)]], { dtype: "int32" });
  // The layers in the page's order: each encoder block to itself, each cross block of the decoder to the sound.
  const blocks = namedBlocks(echo).filter(({ kind }) => kind !== "text");
  const block = blocks[layer]!;
  const watched = block.kind === "encoder" ? block.block.selfAttention : block.block.crossAttention!;
  let given: readonly Tensor[] = [];
  const stop = watchCalls(watched, "attend", (seen) => {
    given = seen.slice(0, 2) as Tensor[];
  });
  const map = attentionMaps(echo, batch, ids).find(
    ({ block: of, to }) => of.name === block.name && to === (block.kind === "encoder" ? "self" : "audio"),
  )!;
  stop();
  const { heads, queries, keys, weights, pitchBias, silenceBias } = map;
  const width = given[0]!.shape[3]!;
  const [q, k] = given.map((x) => x.dataSync() as Float32Array) as [Float32Array, Float32Array];
  const vector = (of: Float32Array, count: number, at: number): Float32Array =>
    of.slice((head * count + at) * width, (head * count + at + 1) * width);
  const [a, b] = [vector(q, queries, query), vector(k, keys, key)];
  const pitch = pitchBias?.[query * keys + key] ?? 0;
  const silence = silenceBias?.[key] ?? 0;
  const score = a.reduce((sum, x, i) => sum + x * b[i]!, 0) / Math.sqrt(width) + pitch + silence;
  const weight = weights[(Math.min(head, heads - 1) * queries + query) * keys + key]!;
  return { query: a, key: b, pitch, silence, score, logSum: score - Math.log(weight), weight };
}
