// Opens the visitor's model and transcribes, by the files of examples/src/whisper, and tells the page what they do while
// they do it. Read first: ../../../examples/src/whisper/model.ts.
import { initWasm, memoryInfo, wasmInfo } from "@echo-ts/tensor";
import { type OpenWhisper, openWhisper } from "../../../examples/dist/whisper/open.js";
import { transcribe } from "../../../examples/dist/whisper/transcribe.js";
import type { News, Options } from "./messages.ts";

const SAMPLE_RATE = 16000;

const tell = (news: News): void =>
  (globalThis as unknown as { postMessage(news: News): void }).postMessage(news);

let whisper: OpenWhisper | null = null;
let progress = { windows: 0, tokens: 0, encoderMilliseconds: 0, decoderMilliseconds: 0 };

/** Opens a model and tells the page what it is. */
export async function open(files: ReadonlyMap<string, File>): Promise<void> {
  const begun = performance.now();
  await initWasm();
  whisper = null;
  const opened = await openWhisper(async (name) => {
    const file = files.get(name);
    return file === undefined ? null : new Uint8Array(await file.arrayBuffer());
  });
  watch(opened);
  whisper = opened;
  const { model, config } = opened;
  tell({
    kind: "opened",
    weights: model.parameterCount(),
    encoderLayers: config.encoder_layers,
    decoderLayers: config.decoder_layers,
    width: config.d_model,
    tokens: config.vocab_size,
    languages: languagesOf(opened),
    threads: wasmInfo().threads,
    milliseconds: performance.now() - begun,
    bytes: memoryInfo()?.reserved ?? 0,
  });
}

/** Languages are the tokens between the start and the first task. */
function languagesOf({ multilingual, config, idOf, tokenOf }: OpenWhisper): string[] {
  if (!multilingual) return [];
  const first = config.decoder_start_token_id + 1;
  return Array.from({ length: idOf("<|translate|>") - first }, (_, i) => tokenOf(first + i).slice(2, -2));
}

/** Counts windows and tokens, and tells the page, when the example calls the model. */
function watch({ model }: OpenWhisper): void {
  const encode = model.encode.bind(model);
  const decode = model.decode.bind(model);
  model.encode = (mel) => {
    progress.windows++;
    tell({ kind: "heard", window: progress.windows, tokens: progress.tokens });
    const begun = performance.now();
    const encoded = encode(mel);
    progress.encoderMilliseconds += performance.now() - begun;
    return encoded;
  };
  model.decode = (tokens, cache) => {
    const begun = performance.now();
    const logits = decode(tokens, cache);
    progress.decoderMilliseconds += performance.now() - begun;
    progress.tokens++;
    tell({ kind: "heard", window: progress.windows, tokens: progress.tokens });
    return logits;
  };
}

/** Transcribes, and tells the page each piece of text and in the end what it took. */
export async function run(wave: Float32Array, { language, timestamps, translate }: Options): Promise<void> {
  if (whisper === null) throw new Error("whisper: no model is open yet; choose its files first");
  progress = { windows: 0, tokens: 0, encoderMilliseconds: 0, decoderMilliseconds: 0 };
  const begun = performance.now();
  const pieces = transcribe(whisper, wave, {
    language: language ?? undefined,
    task: translate ? "translate" : "transcribe",
    ...(timestamps && { timestamps }),
  });
  for await (const piece of pieces) tell({ kind: "piece", ...piece });
  tell({
    kind: "done",
    ...progress,
    seconds: wave.length / SAMPLE_RATE,
    milliseconds: performance.now() - begun,
    bytes: memoryInfo()?.reserved ?? 0,
  });
}
