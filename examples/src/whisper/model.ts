// Whisper's network (Radford et al. 2022) as a tree of modules with the names of Hugging Face's model.safetensors, so
// that loadStateDict takes such a file as it is, and functions that run it. In shapes, with whisper-tiny's values:
// d = d_model 384, H heads 6, D = d / H, M mel bands 80, S = 1500 encoded frames of 20 ms, T tokens, V = 51865 known ones.
// Read next: decode.ts (tokens from logits), open.ts (the files), transcribe.ts (audio of any length).
import * as nn from "@echo-ts/autograd";
import { concat, gelu, linear, type Tensor, tensor, zeros } from "@echo-ts/tensor";

/** The numbers of config.json that are used here, by the file's names. */
export type WhisperConfig = Readonly<Record<(typeof CONFIG_KEYS)[number], number>>;
// biome-ignore format: a list of names
export const CONFIG_KEYS = [
  "d_model", "num_mel_bins", "vocab_size", "max_source_positions", "max_target_positions",
  "encoder_layers", "encoder_attention_heads", "encoder_ffn_dim", "decoder_layers", "decoder_attention_heads",
  "decoder_ffn_dim", "decoder_start_token_id", "eos_token_id", "pad_token_id",
] as const;

const attention = (d: number, heads: number) => ({
  heads,
  q_proj: new nn.Linear(d, d),
  k_proj: new nn.Linear(d, d, { bias: false }),
  v_proj: new nn.Linear(d, d),
  out_proj: new nn.Linear(d, d),
});
const layer = (d: number, hidden: number, heads: number, decodes: boolean) => ({
  self_attn: attention(d, heads),
  self_attn_layer_norm: new nn.LayerNorm(d),
  ...(decodes && { encoder_attn: attention(d, heads), encoder_attn_layer_norm: new nn.LayerNorm(d) }),
  fc1: new nn.Linear(d, hidden),
  fc2: new nn.Linear(hidden, d),
  final_layer_norm: new nn.LayerNorm(d),
});
const encoder = ({ d_model: d, encoder_ffn_dim: hidden, ...sizes }: WhisperConfig) => ({
  conv1: new nn.Conv1d(sizes.num_mel_bins, d, 3, { padding: 1 }),
  conv2: new nn.Conv1d(d, d, 3, { padding: 1, stride: 2 }),
  embed_positions: { weight: zeros([sizes.max_source_positions, d]) }, // sinusoids of the file: saved, not trained
  layers: repeat(sizes.encoder_layers, () => layer(d, hidden, sizes.encoder_attention_heads, false)),
  layer_norm: new nn.LayerNorm(d),
});
const decoder = ({ d_model: d, decoder_ffn_dim: hidden, ...sizes }: WhisperConfig) => ({
  embed_tokens: new nn.Embedding(sizes.vocab_size, d),
  embed_positions: new nn.Embedding(sizes.max_target_positions, d),
  layers: repeat(sizes.decoder_layers, () => layer(d, hidden, sizes.decoder_attention_heads, true)),
  layer_norm: new nn.LayerNorm(d),
});
const repeat = <L>(length: number, layer: () => L): L[] => Array.from({ length }, layer);
type Attention = ReturnType<typeof attention>;
type Layer = ReturnType<typeof layer>;

/** Keys and values of what attention looks at, each [B, H, T, D]. */
type Seen = readonly [keys: Tensor, values: Tensor];
type Memory = { past: Seen | null; readonly audio: Seen }; // of a decoder layer: the tokens so far and the audio
/** What the decoder has seen, and how many tokens of it. */
export type DecoderCache = { length: number; readonly layers: readonly Memory[] };

/** Encoder, decoder and the output projection, which is the table of tokens once more (tied). */
export class Whisper extends nn.Module {
  readonly model: { encoder: ReturnType<typeof encoder>; decoder: ReturnType<typeof decoder> };
  readonly #config: WhisperConfig;

  constructor(config: WhisperConfig) {
    super();
    this.model = { encoder: encoder(config), decoder: decoder(config) };
    this.#config = config;
  }

  /** log-mel [B, M, 2 S] -> [B, S, d] */
  encode(mel: Tensor): Tensor {
    const { conv1, conv2, embed_positions, layers, layer_norm } = this.model.encoder;
    let x = gelu(conv2.forward(gelu(conv1.forward(mel))))
      .transpose()
      .add(embed_positions.weight);
    for (const layer of layers) x = run(layer, x, null);
    return layer_norm.forward(x);
  }

  /** A cache for encoded audio [B, S, d]: the audio's keys and values, and no tokens yet. */
  startCache(encoded: Tensor): DecoderCache {
    const { layers } = this.model.decoder;
    return { length: 0, layers: layers.map((it) => ({ past: null, audio: see(it.encoder_attn!, encoded) })) };
  }

  /** Tokens int32 [B, T] behind those in the cache, which takes them in -> logits of the token after each, [B, T, V] */
  decode(tokens: Tensor, cache: DecoderCache): Tensor {
    const { embed_tokens, embed_positions, layers, layer_norm } = this.model.decoder;
    const positions = embed_positions.weight.narrow(0, cache.length, tokens.shape[1]!);
    let x = embed_tokens.forward(tokens).add(positions);
    for (const [i, layer] of layers.entries()) x = run(layer, x, cache.layers[i]!);
    cache.length += tokens.shape[1]!;
    return linear(layer_norm.forward(x), embed_tokens.weight);
  }

  /** Mean cross entropy of the labels, a list of token ids for each row, all of one length; -100 counts nothing. */
  loss(mel: Tensor, labels: number[][]): Tensor {
    const { decoder_start_token_id: start, pad_token_id: pad } = this.#config;
    // The decoder sees the start token and all labels but the last: each position is to say what comes next.
    const seen = labels.map((row) => [start, ...row.slice(0, -1)].map((id) => (id === -100 ? pad : id)));
    const logits = this.decode(tensor(seen, { dtype: "int32" }), this.startCache(this.encode(mel)));
    return nn.crossEntropyLoss(logits, tensor(labels, { dtype: "int32" }), { ignoreIndex: -100 });
  }
}

/** One layer, [B, T, d] -> [B, T, d]. With a memory, the decoder's, it looks back only, and at the audio. */
function run(layer: Layer, x: Tensor, memory: Memory | null): Tensor {
  const { self_attn, self_attn_layer_norm, encoder_attn, encoder_attn_layer_norm, fc1, fc2 } = layer;
  const normed = self_attn_layer_norm.forward(x);
  let seen = see(self_attn, normed);
  if (memory?.past) seen = [concat([memory.past[0], seen[0]], 2), concat([memory.past[1], seen[1]], 2)];
  if (memory) memory.past = seen;
  x = x.add(attend(self_attn, normed, seen, memory ? "bottom-right" : false));
  if (memory) x = x.add(attend(encoder_attn!, encoder_attn_layer_norm!.forward(x), memory.audio, false));
  return x.add(fc2.forward(gelu(fc1.forward(layer.final_layer_norm.forward(x)))));
}

/** [B, T, d] -> keys and values of these positions */
const see = (a: Attention, x: Tensor): Seen => [split(a.k_proj.forward(x), a), split(a.v_proj.forward(x), a)];

/** [B, T, d] -> [B, T, d]; `causal`: the last query sees all keys, the one before all but the last, and so on. */
function attend(a: Attention, x: Tensor, [keys, values]: Seen, causal: "bottom-right" | false): Tensor {
  const q = split(a.q_proj.forward(x), a);
  const heard = nn.scaledDotProductAttention(q, keys, values, { causal });
  return a.out_proj.forward(heard.permute([0, 2, 1, 3]).reshape(x.shape));
}

/** [B, T, d] -> [B, H, T, D] */
const split = (x: Tensor, { heads }: Attention): Tensor =>
  x.reshape([x.shape[0]!, x.shape[1]!, heads, x.shape[2]! / heads]).permute([0, 2, 1, 3]);
