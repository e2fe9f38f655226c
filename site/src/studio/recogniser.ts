// The model in the worker: loaded from a checkpoint, run with its parts switched on or off, watched while it runs.

import { noGrad } from "@echo-ts/autograd";
import {
  type Checkpoint,
  collateFeatures,
  ctcFrameScores,
  decodeCheckpoint,
  type EchoConfig,
  extractFeatures,
  inputOf,
  newModel,
  type Recognizer,
  recognizerOf,
  TranscribeStream,
  transcribe,
} from "@echo-ts/echo-model";
import { attentionMaps, gateTracks, hopsPerFrame } from "@echo-ts/echo-model/study";
import { initWasm, tensor, wasmInfo } from "@echo-ts/tensor";
import { beamTree } from "./beam-tree.ts";
import { explainAttention } from "./explain-attention.ts";
import type { GateOpenings, LayerMap, Loaded, Recognised, Requests, Switches } from "./messages.ts";

let checkpoint: Checkpoint | null = null;
let stream: TranscribeStream | null = null;
const variants = new Map<string, Recognizer>();

/** Attention matrices grow with the square of the length. */
const MOST_SECONDS = 20;

function loaded(): Checkpoint {
  if (checkpoint === null) throw new Error("studio: no model is loaded yet; load one first");
  return checkpoint;
}

/** Reads a checkpoint and starts the engine. */
export async function load({ bytes, name }: Requests["load"]["take"]): Promise<Loaded> {
  const begun = performance.now();
  await initWasm();
  const read = await decodeCheckpoint(new Uint8Array(bytes), name);
  checkpoint = read;
  stream = null;
  variants.clear();
  const switches = switchesOf(read.config);
  const { echo, tokenizer } = recogniserWith(switches);
  const { dims, heads, rotary } = read.config.model;
  return {
    parameters: echo.parameterCount(),
    vocabulary: Array.from({ length: tokenizer.vocabSize }, (_, id) => tokenizer.tokenOf(id)),
    headWidth: dims / heads,
    rotary,
    switches,
    threads: wasmInfo().threads,
    milliseconds: performance.now() - begun,
  };
}

const switchesOf = ({ model }: EchoConfig): Switches => ({
  rotary: model.rotary.pitch,
  pitchBias: model.pitchBias,
  zeroKeys: model.zeroKeys.enabled,
});

/** The checkpoint's weights in a model whose switches stand as asked. */
function recogniserWith({ rotary, pitchBias, zeroKeys }: Switches): Recognizer {
  const key = `${rotary} ${pitchBias} ${zeroKeys}`;
  const known = variants.get(key);
  if (known !== undefined) return known;
  const { config, ...rest } = loaded();
  const model: EchoConfig["model"] = {
    ...config.model,
    rotary: { ...config.model.rotary, pitch: rotary },
    pitchBias,
    zeroKeys: { ...config.model.zeroKeys, enabled: zeroKeys },
  };
  const made = recognizerOf({ config: { ...config, model }, ...rest });
  variants.set(key, made);
  return made;
}

/** Words, attention and the CTC lattice of a recording. */
export async function recognise({ wave, switches }: Requests["recognise"]["take"]): Promise<Recognised> {
  const recogniser = recogniserWith(switches);
  const { echo, tokenizer, config } = recogniser;
  const input = inputOf(config);
  const begun = performance.now();
  const { text, words } = await transcribe(recogniser, wave);
  const transcribed = performance.now();
  const seen = wave.subarray(0, MOST_SECONDS * input.sampleRate);
  const features = extractFeatures(seen, input);
  const batch = collateFeatures([features], input);
  const encodeBegun = performance.now();
  const encoded = noGrad(() => echo.encode(batch));
  await encoded.get(echo.mainFeature)!.frames.data();
  const encodedAt = performance.now();
  const scores = (await ctcFrameScores(echo, encoded))[0]!;
  const scored = performance.now();
  const hops = hopsPerFrame(echo, { feature: echo.mainFeature });
  const silent = Array.from({ length: scores.frames }, (_, t) => features.silent[t * hops] === 1);
  const tokens = tokenizer.encode(text);
  const inputIds = tensor([[tokenizer.special.bos, ...tokens]], { dtype: "int32" });
  const spelled = ["(begin)", ...tokens.map((id) => tokenizer.tokenOf(id))];
  const layers = attentionMaps(echo, batch, inputIds)
    .filter(({ block, to }) => (block.kind === "encoder" ? to === "self" : to === "audio"))
    .map(
      ({ block, to, heads, queries, keys, weights }): LayerMap => ({
        name: to === "self" ? block.name : `decoder ${block.layer} to the sound`,
        heads,
        queries,
        keys,
        weights: Float32Array.from(weights),
        tokens: to === "self" ? null : spelled,
        onSilence: massOn(silent, weights, heads * queries),
      }),
    );
  return {
    text,
    words,
    layers,
    gates: gatesOf(recogniser, batch, inputIds),
    f0: Float32Array.from({ length: scores.frames }, (_, t) => features.f0[t * hops]!),
    beam: beamTree(scores).map((node) => ({
      ...node,
      name: node.token < 0 ? "" : tokenizer.tokenOf(node.token),
    })),
    secondsPerFrame: (hops * input.hopLength) / input.sampleRate,
    silentFrames: silent.filter(Boolean).length / silent.length,
    lattice: latticeOf(scores.values, scores.frames, scores.vocabulary, (id) =>
      id === 0 ? "(blank)" : tokenizer.tokenOf(id),
    ),
    milliseconds: {
      encoder: encodedAt - encodeBegun,
      ctc: scored - encodedAt,
      transcribe: transcribed - begun,
    },
  };
}

/** Gate openings of the model, beside those of the same model with fresh weights. */
function gatesOf(
  { echo, tokenizer, config }: Recognizer,
  batch: Parameters<typeof gateTracks>[1],
  ids: Parameters<typeof gateTracks>[2],
): GateOpenings[] {
  const fresh = gateTracks(newModel(config, tokenizer), batch, ids);
  return gateTracks(echo, batch, ids).map(({ block, openings, f0 }, i) => ({
    name: block.name,
    onFrames: f0 !== null,
    openings: Float32Array.from(openings),
    untrained: fresh[i]!.openings.reduce((sum, opening) => sum + opening, 0) / fresh[i]!.openings.length,
  }));
}

/** Share of the weights [rows, T] that stand in columns of silent frames. */
function massOn(silent: readonly boolean[], weights: Float64Array, rows: number): number {
  let sum = 0;
  for (let row = 0; row < rows; row++)
    for (let t = 0; t < silent.length; t++) if (silent[t]) sum += weights[row * silent.length + t]!;
  return sum / rows;
}

/** One attention weight, step by step. */
export const explain = (take: Requests["explain"]["take"]): Promise<Requests["explain"]["give"]> =>
  explainAttention(recogniserWith(take.switches), {
    ...take,
    wave: take.wave.subarray(0, MOST_SECONDS * loaded().config.audio.sampleRate),
  });

const MOST_TOKENS = 14;

/** The tokens that are likely anywhere, in the order in which they are likeliest, the blank first. */
function latticeOf(
  values: Float32Array,
  frames: number,
  vocabulary: number,
  nameOf: (id: number) => string,
): Recognised["lattice"] {
  const best = Array.from({ length: vocabulary }, (_, id) => {
    let at = 0;
    for (let t = 1; t < frames; t++) if (values[t * vocabulary + id]! > values[at * vocabulary + id]!) at = t;
    return { id, at, value: values[at * vocabulary + id]! };
  });
  const likely = best
    .filter(({ id, value }) => id !== 0 && value > Math.log(0.01))
    .sort((a, b) => b.value - a.value)
    .slice(0, MOST_TOKENS - 1)
    .sort((a, b) => a.at - b.at);
  const rows = [best[0]!, ...likely];
  const probabilities = new Float32Array(rows.length * frames);
  rows.forEach(({ id }, row) => {
    for (let t = 0; t < frames; t++) probabilities[row * frames + t] = Math.exp(values[t * vocabulary + id]!);
  });
  return { tokens: rows.map(({ id }) => nameOf(id)), probabilities };
}

/** The recording with digital silence in the quiet place nearest to its middle. */
export async function insertSilence({
  wave,
  seconds,
}: Requests["insertSilence"]["take"]): Promise<{ wave: Float32Array }> {
  const rate = loaded().config.audio.sampleRate;
  const step = Math.round(rate / 100);
  let place = Math.floor(wave.length / 2);
  let quietest = Number.POSITIVE_INFINITY;
  for (let at = Math.floor(wave.length / 4); at < (3 * wave.length) / 4; at += step) {
    let energy = 0;
    for (let i = at; i < Math.min(at + 4 * step, wave.length); i++) energy += wave[i]! ** 2;
    if (energy >= quietest) continue;
    quietest = energy;
    place = at + 2 * step;
  }
  const gap = Math.round(seconds * rate);
  const out = new Float32Array(wave.length + gap);
  out.set(wave.subarray(0, place));
  out.set(wave.subarray(place), place + gap);
  return { wave: out };
}

/** Words of the microphone's signal as they become final. */
export async function listen({
  samples,
  end,
}: Requests["listen"]["take"]): Promise<Requests["listen"]["give"]> {
  stream ??= new TranscribeStream(recogniserWith(switchesOf(loaded().config)));
  const words = await stream.push(samples);
  if (!end) return { words };
  const rest = await stream.finish();
  stream = null;
  return { words: [...words, ...rest] };
}
