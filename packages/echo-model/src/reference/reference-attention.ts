// The Python reference's attention, faults included, for parity and teaching: its mask adds 1 to allowed keys
// instead of forbidding the others, so it is not causal, and its zero test compares a rotated key's first
// channel with 0, multiplying such scores by 0.001 (which does not suppress them). Use ../model/attention.ts.

import { constantInit, type Parameter, parameter } from "@echo-ts/autograd";
import {
  add,
  cast,
  clamp,
  equal,
  matmul,
  mul,
  narrow,
  softmax,
  softplus,
  type Tensor,
  tensor,
  transpose,
  where,
} from "@echo-ts/tensor";
import { type AttentionContext, EchoAttention } from "../model/attention.ts";
import { pitchBias } from "../model/pitch-bias.ts";
import type { ModelDtype } from "../model/projection.ts";
import type { ModelConfig } from "../settings/settings.ts";

const SILENCE_START = 1e-4;

/** Bug-compatible attention. */
export class ReferenceAttention extends EchoAttention {
  override readonly silence: Parameter; // [] ; the clamp below leaves it without a gradient

  constructor(config: ModelConfig, dtype: ModelDtype) {
    super(config, dtype);
    this.silence = parameter([], constantInit(SILENCE_START), { dtype });
  }

  protected override attend(query: Tensor, key: Tensor, value: Tensor, context: AttentionContext): Tensor {
    const width = query.shape[3]!;
    const half = width ** -0.25; // on q and on k
    let scores = matmul(mul(query, half), transpose(mul(key, half))); // [B, H, Tq, Tk]
    if (context.pitch !== null) scores = add(scores, pitchBias(context.pitch, this.rotary.pitchScale));
    const factor = this.zeroFactor(key); // [B, H, 1, Tk]
    if (context.causal) scores = add(scores, mul(lowerOnes(scores), factor));
    scores = mul(scores, factor);
    return this.output.forward(this.merge(matmul(softmax(scores), value)));
  }

  /** 1 for each key, or the clamped factor (always 0.001) where the rotated key's channel 0 is exactly 0. */
  private zeroFactor(key: Tensor): Tensor {
    const first = transpose(narrow(key, 3, 0, 1)); // [B, H, 1, Tk]
    const { floor, ceiling } = this.config.zeroKeys;
    return where(equal(first, 0), clamp(softplus(this.silence), floor, ceiling), 1);
  }
}

/** 1 on and below the diagonal, 0 above: [Tq, Tk]. */
function lowerOnes(scores: Tensor): Tensor {
  const [rows, columns] = scores.shape.slice(-2) as [number, number];
  const ones = Uint8Array.from({ length: rows * columns }, (_, i) =>
    Number(i % columns <= Math.floor(i / columns)),
  );
  return cast(tensor(ones, { shape: [rows, columns], dtype: "bool", backend: scores.backend }), scores.dtype);
}
