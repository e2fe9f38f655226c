// How a golden case of a whole model is read: its configuration and its features.

import { type EchoFeatures, type ModelConfig, resolveConfig } from "@echo-ts/echo-model";
import { cast } from "@echo-ts/tensor";
import { type GoldenCase, input } from "./golden-echo.ts";

export type Floating = "float32" | "float64";

const GATES: Record<string, string> = {
  mlp: "mlp",
  token: "token",
  feat: "feature",
  memory: "memory",
  cross_modal: "crossModal",
  none: "none",
};

/** The configuration that a case's parameters describe. */
export function configOf(p: GoldenCase["params"]): ModelConfig {
  const pitch = p.f0_rotary === false ? "static" : "utterance";
  return resolveConfig({
    model: {
      variant: p.variant,
      vocabSize: p.vocab ?? 40,
      textContext: p.text_ctx ?? 16,
      dims: p.dims ?? 32,
      heads: p.head ?? 2,
      audioLayers: p.audio_layers ?? 1,
      textLayers: p.text_layers ?? 1,
      features:
        p.features ?? (p.gate === "cross_modal" ? ["spectrogram", "waveform", "pitch"] : ["spectrogram"]),
      activation: p.act ?? "swish",
      gate: GATES[p.gate ?? "mlp"],
      memorySize: p.memory_size ?? 512,
      dropout: 0,
      residualDropout: 0,
      ctcHead: false,
      rotary: { pitch, cross: p.cross_rotary ?? true },
      pitchBias: p.pitch_bias ?? false,
      zeroKeys: { enabled: p.zero_scale ?? true },
      spectrogramStem: { kernel: 3, stride: p.spec_stride ?? 1 },
      stemNorm: p.stem_norm ?? false,
      residualCross: p.residual_cross ?? false,
    },
    decode: { maxTokens: 13, method: "greedy" },
    loss: { ctcWeight: 0 },
  }).model;
}

/** The features of a case. */
export function featuresOf(c: GoldenCase, dtype: Floating): EchoFeatures {
  const given = (name: string): boolean => c.in[name] !== undefined;
  return {
    spectrogram: input(c, "spectrogram", dtype),
    ...(given("waveform") ? { waveform: input(c, "waveform", dtype) } : {}),
    ...(given("pitch") ? { pitch: input(c, "pitch", dtype) } : {}),
    ...(given("f0") ? { f0: input(c, "f0", dtype) } : {}),
    ...(given("lens") ? { lengths: [...input(c, "lens", dtype).dataSync()] } : {}),
    ...(given("zero") ? { silent: cast(input(c, "zero", dtype), "bool") } : {}),
  };
}
