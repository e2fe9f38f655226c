// Opens a Hugging Face Whisper folder, in Node or in a page. Errors name the file and what in it is missing or wrong.
// Read next: transcribe.ts.
import { BpeTokenizer, parseConfig } from "@echo-ts/echo-model";
import { readSafetensors } from "@echo-ts/tensor";
import type { SpecialIds } from "./decode.ts";
import { CONFIG_KEYS, Whisper, type WhisperConfig } from "./model.ts";

/** What this network is built for; a file that says otherwise is refused. */
const FIXED = { activation_function: "gelu", scale_embedding: false, tie_word_embeddings: true };

/** The text of config.json, checked. */
export function readConfig(text: string): WhisperConfig {
  const config = parseConfig(text, "config.json") as Record<string, unknown>;
  const refuse = (key: string, expected: unknown): never => {
    throw new Error(`config.json: ${key}: expected ${expected}, got ${JSON.stringify(config[key])}`);
  };
  for (const [key, only] of Object.entries(FIXED)) if ((config[key] ?? only) !== only) refuse(key, only);
  for (const key of CONFIG_KEYS)
    if (!(Number.isInteger(config[key]) && Number(config[key]) >= 0)) refuse(key, "a whole number");
  return config as WhisperConfig;
}

/** The network with the weights of model.safetensors; names and shapes must fit. */
export function loadModel(config: WhisperConfig, weights: Uint8Array): Whisper {
  const source = "model.safetensors";
  const tensors = new Map(readSafetensors(weights, { source }).tensors);
  tensors.delete("proj_out.weight"); // embed_tokens once more, in older files
  const model = new Whisper(config).eval();
  model.loadStateDict(tensors, { source });
  return model;
}

/** A model with its tokenizer. */
export type OpenWhisper = Awaited<ReturnType<typeof openWhisper>>;

/** @param read gives the contents of a file of the folder; null for generation_config.json, which older folders lack */
export async function openWhisper(read: (name: string) => Promise<Uint8Array | null>) {
  const text = async (name: string) => new TextDecoder().decode((await read(name)) ?? undefined);
  const config = readConfig(await text("config.json"));
  const more = "generation_config.json";
  const settings: Record<string, unknown> = { ...config, ...parseConfig((await text(more)) || "{}", more) };
  const tokenizer = BpeTokenizer.fromJson(await text("tokenizer.json"));
  const { shift } = tokenizer; // Echo's own specials take the first ids
  const encode = (words: string): number[] => tokenizer.encode(words).map((id) => id - shift);
  const idOf = (token: string): number => {
    const [id, ...more] = encode(token);
    if (id === undefined || more.length > 0) throw new Error(`tokenizer.json: expected the token ${token}`);
    return id;
  };
  const firstTime = idOf("<|notimestamps|>") + 1;
  if (firstTime >= config.vocab_size)
    throw new Error(`config.json: vocab_size: expected more than ${firstTime}, got ${config.vocab_size}`);
  const ids: SpecialIds = {
    end: config.eos_token_id,
    noTimestamps: firstTime - 1,
    firstTime,
    suppress: (settings.suppress_tokens ?? []) as number[],
    suppressFirst: (settings.begin_suppress_tokens ?? []) as number[],
    latestFirstTime: (settings.max_initial_timestamp_index ?? null) as number | null,
  };
  return {
    model: loadModel(config, (await read("model.safetensors"))!),
    config,
    ids,
    /** English-only models are asked for neither language nor task. */
    multilingual: (settings.is_multilingual ?? config.vocab_size >= 51865) as boolean,
    encode,
    /** The text of tokens; timestamps and other specials are left out. */
    decode: (said: readonly number[]): string =>
      tokenizer.decode(said.filter((id) => id < ids.end).map((id) => id + shift)),
    idOf, // the id of a special token such as "<|en|>"
    tokenOf: (id: number): string => tokenizer.tokenOf(id + shift),
  };
}
