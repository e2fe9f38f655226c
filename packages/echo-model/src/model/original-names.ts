// The names that weights have in files: those of the Python original, so that its state dicts load here and ours load
// there. Where a part of the model is called something else in the code, the two names stand here and nowhere else;
// what is not listed is called by its field in snake_case.

/** Class -> field -> name in a state dict. */
const ORIGINAL_NAMES = {
  attention: {
    query: "q",
    key: "k",
    value: "v",
    output: "o",
    rotary: "rope",
    silence: "fzero",
  },
  rotary: { frequencies: "inv_freq" },
  block: {
    audioBlend: "blend_xa",
    selfAttention: "attna",
    crossAttention: "attnb",
    selfNorm: "lna",
    crossNorm: "lnb",
    mlpNorm: "lnc",
  },
  gate: {
    mlp: "mlp_gate",
    token: "token_gate",
    feature: "feature_gate",
    memory: "memory_gate",
    crossModal: "cross_modal_gate",
  },
  featureGate: { projection: "feature_proj" },
  crossModalGate: { spectrogram: "spec_gate", waveform: "wave_gate", pitch: "pitch_gate" },
  featureStem: { convolutions: "encoder", stemNorm: "norm", lastNorm: "_norm" },
  waveformStem: { downsampling: "downsample", convolutions: "encoder", lastNorm: "norm" },
  encoder: { streams: "processors" },
  decoder: {
    positions: "positional_embedding",
    tokens: "token_embedding",
    textBlocks: "self_attn_layers",
    streams: "processors",
    streamBlend: "feature_blend",
    lastNorm: "ln_dec",
  },
} as const;

/** The name in state dicts of a field, or undefined where it is the field's own. */
export function originalName(part: keyof typeof ORIGINAL_NAMES, field: string): string | undefined {
  const names: Readonly<Record<string, string>> = ORIGINAL_NAMES[part];
  return names[field];
}
