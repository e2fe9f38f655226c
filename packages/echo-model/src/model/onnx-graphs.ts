// The model as ONNX graphs: encoder with CTC head, decoder, and one step of the decoder with what it remembers. The host's
// part of a forward pass (masks, the mean pitch, rotary angles, silence on the encoder's clock) stands here once more in
// ops, so that the graphs take lengths, f0 and silence as they are. docs/onnx.md lists inputs and results.
// Shapes: B utterances, T hops, T' frames of a stream, L tokens, H heads, d head width, P past tokens.

import { noGrad } from "@echo-ts/autograd";
import { exportOnnx, OnnxError, type OnnxOptions } from "@echo-ts/autograd/onnx";
import {
  add,
  arange,
  cast,
  cos,
  div,
  exp,
  full,
  greater,
  indexSelect,
  less,
  log,
  logicalAnd,
  maximum,
  minimum,
  mul,
  narrow,
  sin,
  sum,
  type Tensor,
  tensor,
  unsqueeze,
  where,
  zeros,
} from "@echo-ts/tensor";
import type { FeatureName } from "../settings/settings.ts";
import type { AttentionContext, KeyValueCache } from "./attention.ts";
import type { BlockCache } from "./block.ts";
import type { DecoderCache } from "./decoder.ts";
import type { EncodedStream } from "./encoder.ts";
import { paddingMask } from "./frame-lengths.ts";
import type { Echo } from "./model.ts";
import { Positions } from "./rotary-module.ts";

/** Tensors by the names that they have in a file. */
type Named = Record<string, Tensor>;

/** The three files of a model. */
export interface EchoOnnx {
  /** Features to encoded streams and CTC scores. */
  readonly encoder: Uint8Array<ArrayBuffer>;
  /** Tokens and encoded streams to scores of the next token at each position. */
  readonly decoder: Uint8Array<ArrayBuffer>;
  /** One token and what is remembered to scores and what is remembered then; null where the gate needs the whole text. */
  readonly step: Uint8Array<ArrayBuffer> | null;
}

/** Sizes of the example that graphs are traced with; any that are at least 2 would do. */
const EXAMPLE = { batch: 2, hops: 40, tokens: 6, frames: 10, past: 5 };

/** What the graphs do not know how to compute without the host. */
function checkExportable({ config }: Echo): void {
  const refuse = (setting: string, value: unknown): never => {
    throw new OnnxError(`exportEcho: model.${setting} ${JSON.stringify(value)} cannot be exported yet`);
  };
  const { rotary, variant, pitchBias, gate } = config;
  if (variant === "reference") refuse("variant", variant);
  if (pitchBias) refuse("pitchBias", pitchBias);
  if (gate === "crossModal") refuse("gate", gate);
  if (rotary.pitch === "frames") refuse("rotary.pitch", rotary.pitch);
  if (rotary.spacing !== "geometric") refuse("rotary.spacing", rotary.spacing);
  if (rotary.learned.includes("frequencies") || rotary.learned.includes("theta")) {
    refuse("rotary.learned", rotary.learned);
  }
}

/** Mean of the voiced f0 [B, T] within each length, in double precision; 0 where nothing is voiced: [B]. */
function voicedMeans(f0: Tensor, lengths: Tensor): Tensor {
  const hz = cast(f0, "float64");
  const within = less(arange(f0.shape[1]!), unsqueeze(lengths, 1));
  const voiced = logicalAnd(greater(hz, 0), within);
  return div(sum(where(voiced, hz, 0), 1), maximum(sum(cast(voiced, "float64"), 1), 1));
}

const MEL_BREAK_HZ = 700;

/** Angles bent by the mean pitch, as rotary.ts computes them: cosines and sines [B, 1, T', d / 2]. */
function bentPositions({ config }: Echo, f0: Tensor, lengths: Tensor, count: number): Positions {
  const { minTheta, maxTheta, minPitchHz, maxPitchHz, referencePitchHz } = config.rotary;
  const pairs = config.dims / config.heads / 2;
  const mean = minimum(maximum(voicedMeans(f0, lengths), minPitchHz), maxPitchHz);
  const factor = div(log(add(div(mean, MEL_BREAK_HZ), 1)), Math.log1p(referencePitchHz / MEL_BREAK_HZ));
  const theta = add(mul(factor, maxTheta - minTheta), minTheta); // [B]
  const exponents = tensor(Float64Array.from({ length: pairs }, (_, i) => -i / pairs));
  const frequencies = exp(mul(unsqueeze(log(theta), 1), exponents)); // [B, d / 2]
  const at = unsqueeze(arange(0, count, 1, { dtype: "float64" }), 1); // [T', 1]
  const angles = mul(at, unsqueeze(unsqueeze(frequencies, 1), 1)); // [B, 1, T', d / 2]
  const positions = new Positions(count);
  positions.shared = { cosine: cast(cos(angles), "float32"), sine: cast(sin(angles), "float32") };
  return positions;
}

/** Silence per hop on the clock of `count` frames, a whole number of hops apart: [B, T] -> [B, T']. */
function silenceOnClock(silent: Tensor, count: number, stride: number): Tensor {
  const index = minimum(arange(0, count * stride, stride), silent.shape[1]! - 1);
  return indexSelect(silent, 1, index);
}

/** The encoder on tensors alone: the streams, with padding and silence as masks that are always there. */
function encode(echo: Echo, inputs: Named): Map<FeatureName, EncodedStream> {
  const { config, input } = echo;
  const { lengths, f0, silent } = inputs as { lengths: Tensor; f0?: Tensor; silent?: Tensor };
  const streams = new Map<FeatureName, EncodedStream>();
  for (const [feature, [stem, ...blocks]] of echo.encoder.streams) {
    const x = inputs[feature]!;
    const real = feature === "waveform" ? minimum(mul(lengths, input.hopLength), x.shape[2]!) : lengths;
    const { frames, lengths: count } = stem.forward(x, real);
    const clock = frames.shape[1]!;
    const padding = paddingMask(count!, clock, frames);
    const flags =
      feature === "spectrogram" && silent !== undefined ? silenceOnClock(silent, clock, stem.stride) : null;
    const bends = config.rotary.pitch === "utterance";
    const positions = bends ? bentPositions(echo, f0!, lengths, clock) : new Positions(clock);
    const place = config.rotary.pitch === "none" ? null : positions;
    const self: AttentionContext = {
      queries: place,
      keys: place,
      padding,
      silent: flags,
      pitch: null,
      bias: null,
      causal: false,
    };
    const y = echo.encoder.stack(blocks, frames, { self, cross: null, modalities: null }).frames;
    streams.set(feature, {
      frames: y,
      middle: null,
      phoneLogits: null,
      lengths: null,
      padding,
      silent: flags,
    });
  }
  return streams;
}

/** What is known of each stream when text is decoded: `FEATURE.padding`, `FEATURE.silent`. */
function streamInputs(inputs: Named, echo: Echo): Map<FeatureName, EncodedStream> {
  return new Map(
    echo.config.features.map((feature) => {
      const padding = inputs[`${feature}.padding`]!;
      const silent = inputs[`${feature}.silent`] ?? null;
      // A step with remembered keys and values does not look at the frames.
      const frames = inputs[`${feature}.frames`] ?? inputs[`${feature}.0.cross.key`]!;
      return [feature, { frames, middle: null, phoneLogits: null, lengths: null, padding, silent }];
    }),
  );
}

const cacheNames = (prefix: string): [string, string] => [`${prefix}.key`, `${prefix}.value`];

function readCache(inputs: Named, prefix: string): KeyValueCache {
  const [key, value] = cacheNames(prefix);
  return { key: inputs[key]!, value: inputs[value]! };
}

function writeCache(results: Named, prefix: string, cache: KeyValueCache | null): void {
  if (cache === null) return;
  const [key, value] = cacheNames(prefix);
  results[key] = cache.key;
  results[value] = cache.value;
}

/** Every block of the decoder with the name of its cache: `text.0`, `spectrogram.0`. */
function blockNames({ decoder }: Echo): string[] {
  const streams = [...decoder.streams].flatMap(([feature, blocks]) =>
    blocks.map((_, i) => `${feature}.${i}`),
  );
  return [...decoder.textBlocks.map((_, i) => `text.${i}`), ...streams];
}

/** One step: the cache of the inputs, advanced by the token. */
function step(echo: Echo, inputs: Named): Named {
  const { decoder, config } = echo;
  const past = inputs["text.0.key"] ?? inputs[`${config.features[0]}.0.key`]!;
  const length = past.shape[2]!;
  const cacheOf = (name: string): BlockCache => ({
    self: readCache(inputs, name),
    cross: inputs[`${name}.cross.key`] === undefined ? null : readCache(inputs, `${name}.cross`),
  });
  const whole = new Positions(config.textContext);
  const positions = new Positions(1);
  if (config.rotary.pitch !== "none") {
    const block = decoder.textBlocks[0] ?? decoder.streams.get(config.features[0]!)![0]!;
    const { cosine, sine } = block.selfAttention.rotary.rotation(whole, past);
    positions.shared = { cosine: narrow(cosine, 2, length, 1), sine: narrow(sine, 2, length, 1) };
  }
  const cache: DecoderCache = {
    length,
    positions,
    self: decoder.textBlocks.map((_, i) => cacheOf(`text.${i}`)),
    streams: new Map(
      [...decoder.streams].map(([feature, blocks]) => [
        feature,
        blocks.map((_, i) => cacheOf(`${feature}.${i}`)),
      ]),
    ),
  };
  const logits = decoder.forward(inputs.ids!, streamInputs(inputs, echo), cache);
  const results: Named = { logits };
  cache.self.forEach(({ self }, i) => {
    writeCache(results, `next.text.${i}`, self);
  });
  for (const [feature, blocks] of cache.streams) {
    blocks.forEach(({ self }, i) => {
      writeCache(results, `next.${feature}.${i}`, self);
    });
  }
  return results;
}

const batchFirst = (
  names: readonly string[],
  axes: Record<number, string>,
): Record<string, Record<number, string>> =>
  Object.fromEntries(names.map((name) => [name, { 0: "batch", ...axes }]));

/**
 * Writes a model as three ONNX files. Weights have their state-dict names. The settings, and what else `metadata` holds,
 * are in each file's metadata.
 *
 * @param echo in host memory; it is set to evaluate
 * @throws OnnxError naming a setting that cannot be exported: pitch bias, f0 per frame, learned or mel-spaced
 *   rotary frequencies, the cross-modal gate, the reference variant
 */
export async function exportEcho(
  echo: Echo,
  metadata: Readonly<Record<string, string>> = {},
): Promise<EchoOnnx> {
  checkExportable(echo);
  echo.eval();
  const { config, input } = echo;
  const { batch, hops, tokens, frames, past } = EXAMPLE;
  const common: OnnxOptions = {
    weights: echo,
    metadata: { "echo.model": JSON.stringify(config), ...metadata },
  };
  const hears = config.zeroKeys.enabled && config.features.includes("spectrogram");
  const { textContext: text, audioContext: audio } = config;

  const sounds: Named = {};
  for (const feature of config.features) {
    const size = feature === "waveform" ? hops * input.hopLength : hops;
    sounds[feature] = ramp([batch, feature === "spectrogram" ? input.melBins : 1, size]);
  }
  sounds.lengths = tensor([hops, hops - 7], { dtype: "int32" });
  if (config.rotary.pitch === "utterance")
    sounds.f0 = mul(cast(greater(ramp([batch, hops]), 0), "float32"), 150);
  if (hears) sounds.silent = greater(ramp([batch, hops]), 0.5);
  const soundAxes: Record<string, Record<number, string>> = batchFirst(["lengths"], {});
  for (const name of Object.keys(sounds)) {
    if (name === "f0" || name === "silent") soundAxes[name] = { 0: "batch", 1: "hops" };
    else if (name !== "lengths")
      soundAxes[name] = { 0: "batch", 2: name === "waveform" ? "samples" : "hops" };
  }
  const onHops = Object.values(soundAxes).some((axes) => Object.values(axes).includes("hops"));
  const longest: Record<string, number> = onHops ? { hops: audio } : {};
  if (config.features.includes("waveform")) longest.samples = audio * input.hopLength;
  const encoder = await exportOnnx(
    (inputs: Named) => {
      const encoded = encode(echo, inputs);
      const results: Named = {};
      const ctc = echo.ctcLogits(encoded);
      if (ctc !== null) results.ctc = ctc;
      for (const [feature, stream] of encoded) {
        results[`${feature}.frames`] = stream.frames;
        results[`${feature}.padding`] = stream.padding!;
        if (stream.silent !== null) results[`${feature}.silent`] = stream.silent;
      }
      for (const [feature, blocks] of echo.decoder.startCache(encoded).streams) {
        blocks.forEach(({ cross }, i) => {
          writeCache(results, `${feature}.${i}.cross`, cross);
        });
      }
      return results;
    },
    sounds,
    { ...common, name: "encoder", dynamicAxes: soundAxes, largest: longest },
  );

  const heard: Named = {};
  const heardAxes: Record<string, Record<number, string>> = {};
  const remembered: Named = {};
  const rememberedAxes: Record<string, Record<number, string>> = {};
  const most: Record<string, number> = {};
  const width = config.dims / config.heads;
  const cacheInput = (prefix: string, size: number, symbol: string): void => {
    for (const name of cacheNames(prefix)) {
      remembered[name] = ramp([batch, config.heads, size, width]);
      rememberedAxes[name] = { 0: "batch", 2: symbol };
    }
  };
  config.features.forEach((feature, k) => {
    const symbol = `${feature}_frames`;
    const size = frames + k;
    heard[`${feature}.frames`] = ramp([batch, size, config.dims]);
    heard[`${feature}.padding`] = zeros([batch, size], { dtype: "bool" });
    heardAxes[`${feature}.frames`] = { 0: "batch", 1: symbol };
    const masks = [`${feature}.padding`];
    if (hears && feature === "spectrogram") masks.push(`${feature}.silent`);
    for (const name of masks) {
      heard[name] = greater(ramp([batch, size]), 0.8);
      heardAxes[name] = { 0: "batch", 1: symbol };
      remembered[name] = heard[name]!;
      rememberedAxes[name] = heardAxes[name]!;
    }
    echo.decoder.streams.get(feature)!.forEach((_, i) => {
      cacheInput(`${feature}.${i}.cross`, size, symbol);
    });
    const stride = echo.encoder.streams.get(feature)![0].stride;
    most[symbol] = Math.floor((feature === "waveform" ? audio * input.hopLength : audio) / stride) + 1;
  });
  const ids = full([batch, tokens], 1, { dtype: "int32" });
  const decoder = await exportOnnx(
    (inputs: Named) => ({ logits: echo.decoder.forward(inputs.ids!, streamInputs(inputs, echo)) }),
    { ids, ...heard },
    {
      ...common,
      name: "decoder",
      dynamicAxes: { ids: { 0: "batch", 1: "tokens" }, ...heardAxes },
      largest: { tokens: text, ...most },
    },
  );
  if (!echo.decodesInSteps) return { encoder, decoder, step: null };
  for (const name of blockNames(echo)) cacheInput(name, past, "past");
  const one = await exportOnnx(
    (inputs: Named) => noGrad(() => step(echo, inputs)),
    { ids: full([batch, 1], 1, { dtype: "int32" }), ...remembered },
    { ...common, name: "step", dynamicAxes: { ids: { 0: "batch" }, ...rememberedAxes } },
  );
  return { encoder, decoder, step: one };
}

/** Numbers from -1 to 1 in no order: an example whose values are all different. */
function ramp(shape: readonly number[]): Tensor {
  const size = shape.reduce((n, m) => n * m, 1);
  const values = Float32Array.from({ length: size }, (_, i) => Math.sin(i * i + 1));
  return tensor(values, { shape });
}
