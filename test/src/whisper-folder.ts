// A Whisper folder as Hugging Face has them, made up: two layers of random weights, and a byte-level tokenizer with
// Whisper's special tokens in Whisper's order.
import { toSafetensors } from "@echo-ts/autograd";
import { Whisper, type WhisperConfig } from "../../examples/dist/whisper/model.js";
import { byteLevelFile } from "./echo-model/bpe-files.js";

const TIMES = 1501;
const SPECIALS = [
  "<|endoftext|>",
  "<|startoftranscript|>",
  "<|en|>",
  "<|de|>",
  "<|translate|>",
  "<|transcribe|>",
  "<|startoflm|>",
  "<|startofprev|>",
  "<|nospeech|>",
  "<|notimestamps|>",
  ...Array.from({ length: TIMES }, (_, i) => `<|${(i / 50).toFixed(2)}|>`),
];

interface TokenizerFile {
  readonly model: { readonly vocab: Record<string, number> };
  readonly added_tokens: { readonly id: number; readonly content: string; readonly special: boolean }[];
}

/** tokenizer.json: the 256 bytes and three merges from id 0 on, then the special tokens. */
function tokenizerFile(): TokenizerFile {
  const { model, ...rest } = byteLevelFile(["th", "he", "Ġt"]) as TokenizerFile;
  const pieces = Object.keys(model.vocab).filter((piece) => !["<pad>", "<s>", "</s>"].includes(piece));
  const vocab = Object.fromEntries(pieces.map((piece, id) => [piece, id]));
  const added_tokens = SPECIALS.map((content, i) => ({ id: pieces.length + i, content, special: i < 10 }));
  return { ...rest, model: { ...model, vocab }, added_tokens };
}

/** Ids of the special tokens, by name. */
export const idOf = (token: string): number =>
  tokenizerFile().added_tokens.find(({ content }) => content === token)!.id;

/** The contents of the folder's files. */
export async function whisperFolder(): Promise<Record<string, Uint8Array>> {
  const config: WhisperConfig = {
    d_model: 16,
    num_mel_bins: 80,
    vocab_size: idOf("<|30.00|>") + 1,
    max_source_positions: 1500,
    max_target_positions: 32,
    encoder_layers: 1,
    encoder_attention_heads: 2,
    encoder_ffn_dim: 32,
    decoder_layers: 2,
    decoder_attention_heads: 4,
    decoder_ffn_dim: 32,
    decoder_start_token_id: idOf("<|startoftranscript|>"),
    eos_token_id: idOf("<|endoftext|>"),
    pad_token_id: idOf("<|endoftext|>"),
  };
  const bytes = (value: object): Uint8Array => new TextEncoder().encode(JSON.stringify(value));
  return {
    "config.json": bytes({ ...config, model_type: "whisper", activation_function: "gelu" }),
    "generation_config.json": bytes({
      is_multilingual: true,
      suppress_tokens: [],
      begin_suppress_tokens: [idOf("<|endoftext|>")],
      max_initial_timestamp_index: 50,
    }),
    "tokenizer.json": bytes(tokenizerFile()),
    "model.safetensors": await toSafetensors(new Whisper(config).initialize("whisper")),
  };
}
