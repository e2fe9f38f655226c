// The five ways to gate a block's MLP: one sigmoid (the default), and the four below. Each gives a factor in (0, 1) per position, [B, T, 1], except the
// cross-modal gate, which replaces the MLP's result by a mixture of the three streams.
// Shapes: B utterances, T positions, D width, M memory rows.

import { Activation, Module, normalInit, type Parameter, parameter, Sequential } from "@echo-ts/autograd";
import {
  add,
  arange,
  broadcastTo,
  cast,
  concat,
  cumsum,
  div,
  logicalNot,
  matmul,
  mean,
  mul,
  sigmoid,
  softmax,
  sum,
  type Tensor,
  transpose,
  unsqueeze,
} from "@echo-ts/tensor";
import type { ModelConfig } from "../settings/settings.ts";
import { originalName } from "./original-names.ts";
import { type ModelDtype, Projection } from "./projection.ts";

/** The streams that the cross-modal gate mixes, each [B, T, D]. // modalities */
export interface Modalities {
  readonly spectrogram: Tensor;
  readonly waveform: Tensor;
  readonly pitch: Tensor;
}

const sigmoidGate = (dims: number, dtype: ModelDtype): Sequential =>
  new Sequential(new Projection(dims, 1, dtype), new Activation("sigmoid"));

/** A gate of any kind. */
export type Gate = Sequential | TokenGate | FeatureGate | MemoryGate | CrossModalGate;

/** The gate that `model.gate` names; null for "none". */
export function gateFor({ gate, dims, memorySize }: ModelConfig, dtype: ModelDtype): Gate | null {
  switch (gate) {
    case "mlp":
      return sigmoidGate(dims, dtype);
    case "token":
      return new TokenGate(dims, dtype);
    case "feature":
      return new FeatureGate(dims, dtype);
    case "memory":
      return new MemoryGate(dims, memorySize, dtype);
    case "crossModal":
      return new CrossModalGate(dims, dtype);
    case "none":
      return null;
  }
}

/** Four sigmoid gates, mixed by a softmax over token kinds. // multihead token gate */
export class TokenGate extends Module {
  readonly gateProjections: Sequential[];
  readonly typeClassifier: Sequential;

  constructor(dims: number, dtype: ModelDtype, kinds = 4) {
    super();
    this.gateProjections = Array.from({ length: kinds }, () => sigmoidGate(dims, dtype));
    this.typeClassifier = new Sequential(new Projection(dims, kinds, dtype));
  }

  /** [B, T, D] -> [B, T, 1] */
  forward(x: Tensor): Tensor {
    const kinds = softmax(this.typeClassifier.forward(x)); // [B, T, 4]
    const gates = concat(
      this.gateProjections.map((gate) => gate.forward(x)),
      -1,
    ); // [B, T, 4]
    return sum(mul(gates, kinds), -1, true);
  }
}

/** A gate that sees the mean of the audio (in cross blocks) or of the sequence itself. // feature_gate */
export class FeatureGate extends Module {
  readonly projection: Projection;
  readonly gate: Sequential;

  constructor(dims: number, dtype: ModelDtype) {
    super();
    const quarter = Math.floor(dims / 4);
    this.projection = new Projection(dims, quarter, dtype);
    this.gate = new Sequential(
      new Projection(dims + quarter, Math.floor(dims / 2), dtype),
      new Activation("silu"),
      new Projection(Math.floor(dims / 2), 1, dtype),
      new Activation("sigmoid"),
    );
  }

  protected override memberName(field: string): string {
    return originalName("featureGate", field) ?? super.memberName(field);
  }

  /**
   * x [B, T, D], seen [B, 1 or T, D] (see `meanOverTime`, `runningMean`) -> [B, T, 1]
   */
  forward(x: Tensor, seen: Tensor): Tensor {
    const [batch, positions] = x.shape as [number, number, number];
    const summary = this.projection.forward(seen); // [B, 1 or T, D / 4]
    const spread = broadcastTo(summary, [batch, positions, summary.shape[2]!]);
    return this.gate.forward(concat([x, spread], -1));
  }
}

/** Mean over the frames that are not padding (bool [B, S], true = padding): [B, S, D] -> [B, 1, D]. */
export function meanOverTime(x: Tensor, padding: Tensor | null): Tensor {
  if (padding === null) return mean(x, 1, true);
  const real = unsqueeze(cast(logicalNot(padding), x.dtype), 2); // [B, S, 1]
  return div(sum(mul(x, real), 1, true), sum(real, 1, true));
}

/** Mean of each position and those before it, so that a causal block stays causal: [B, T, D] -> [B, T, D]. */
export function runningMean(x: Tensor): Tensor {
  const counts = arange(1, x.shape[1]! + 1, 1, { dtype: x.dtype, backend: x.backend });
  return div(cumsum(x, 1), unsqueeze(counts, 1));
}

/** Half a sigmoid gate of the position, half the answer of a learned memory. // memory_gate */
export class MemoryGate extends Module {
  readonly memoryKey: Parameter; // [M, D]
  readonly memoryValue: Parameter; // [M, 1]
  readonly gateProjection: Sequential;
  readonly #dims: number;

  constructor(dims: number, memorySize: number, dtype: ModelDtype) {
    super();
    this.memoryKey = parameter([memorySize, dims], normalInit(), { dtype });
    this.memoryValue = parameter([memorySize, 1], normalInit(), { dtype });
    this.gateProjection = new Sequential(
      new Projection(dims, Math.floor(dims / 2), dtype),
      new Activation("silu"),
      new Projection(Math.floor(dims / 2), 1, dtype),
      new Activation("sigmoid"),
    );
    this.#dims = dims;
  }

  /** [B, T, D] -> [B, T, 1] */
  forward(x: Tensor): Tensor {
    const weights = softmax(div(matmul(x, transpose(this.memoryKey)), Math.sqrt(this.#dims))); // [B, T, M]
    const recalled = sigmoid(matmul(weights, this.memoryValue)); // [B, T, 1]
    return mul(add(this.gateProjection.forward(x), recalled), 0.5);
  }
}

/** Each stream weighed by a gate of the position, then all three mixed. // cross_modal_gate */
export class CrossModalGate extends Module {
  readonly spectrogram: Sequential;
  readonly waveform: Sequential;
  readonly pitch: Sequential;
  readonly integration: Projection;

  constructor(dims: number, dtype: ModelDtype) {
    super();
    this.spectrogram = sigmoidGate(dims, dtype);
    this.waveform = sigmoidGate(dims, dtype);
    this.pitch = sigmoidGate(dims, dtype);
    this.integration = new Projection(3 * dims, dims, dtype);
  }

  protected override memberName(field: string): string {
    return originalName("crossModalGate", field) ?? super.memberName(field);
  }

  /** x [B, T, D] -> [B, T, D] */
  forward(x: Tensor, { spectrogram, waveform, pitch }: Modalities): Tensor {
    const streams = [
      mul(this.spectrogram.forward(x), spectrogram),
      mul(this.waveform.forward(x), waveform),
      mul(this.pitch.forward(x), pitch),
    ];
    return this.integration.forward(concat(streams, -1));
  }
}
