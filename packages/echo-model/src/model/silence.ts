// Zero-value processing: frames that the audio side calls silent keep only a small share of attention. The
// factor fz multiplies a silent key's attention weight before the weights are renormalised, which is the same
// as adding ln(fz) to its score. It is learned per layer, within [floor, ceiling].

import { constantInit, type Parameter, parameter } from "@echo-ts/autograd";
import { cast, clamp, log, mul, reshape, softplus, type Tensor, tensor } from "@echo-ts/tensor";
import type { ModelConfig } from "../settings/settings.ts";
import { trackAtFrames } from "./frame-lengths.ts";
import type { ModelDtype } from "./projection.ts";

/** Settings of the silence factor. */
export type SilenceConfig = ModelConfig["zeroKeys"];

/** The learned number behind the factor: softplus of it is the factor. // fzero */
export function silenceParameter({ initial }: SilenceConfig, dtype: ModelDtype): Parameter {
  return parameter([], constantInit(Math.log(Math.expm1(initial))), { dtype });
}

/** ln(fz) of a layer: []. */
export function logSilenceFactor(silence: Tensor, { floor, ceiling }: SilenceConfig): Tensor {
  return log(clamp(softplus(silence), floor, ceiling));
}

/** What silent keys add to scores: ln(fz) where silent, else 0: [B, 1, 1, Tk]. */
export function silenceBias(silent: Tensor, silence: Tensor, config: SilenceConfig): Tensor {
  const [batch, frames] = silent.shape as [number, number];
  const flags = reshape(cast(silent, silence.dtype), [batch, 1, 1, frames]);
  return mul(flags, logSilenceFactor(silence, config));
}

/**
 * Silence flags per hop on an encoder's clock: frame i takes the flag of hop floor(i * stride).
 *
 * @param silent bool [B, hops]
 * @returns bool [B, frames]
 */
export function silenceAtFrames(silent: Tensor, frames: number, stride: number): Tensor {
  const flags = silent.dataSync();
  const [batch, hops] = silent.shape as [number, number];
  const out = new Uint8Array(batch * frames);
  for (let b = 0; b < batch; b++)
    out.set(trackAtFrames(flags.subarray(b * hops, (b + 1) * hops), frames, stride), b * frames);
  return tensor(out, { shape: [batch, frames], dtype: "bool", backend: silent.backend });
}
