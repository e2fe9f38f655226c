// The convolution of an encoder block, between attention and MLP: it sees the neighbours that attention weighs only by
// content. After Gulati et al. 2020, "Conformer", with RMS norm where the paper has layer and batch norm.
// Shapes: B utterances, T frames, D width, K kernel.
import { Conv1d, Dropout, Module, RMSNorm } from "@echo-ts/autograd";
import {
  cast,
  chunk,
  logicalNot,
  mul,
  sigmoid,
  silu,
  type Tensor,
  transpose,
  unsqueeze,
} from "@echo-ts/tensor";
import type { ModelConfig } from "../settings/settings.ts";
import { type ModelDtype, Projection } from "./projection.ts";

/** Norm, linear to 2 D, gated linear unit, depthwise convolution over K frames, norm, SiLU, linear, dropout. */
export class ConvolutionModule extends Module {
  readonly norm: RMSNorm;
  readonly expand: Projection; // [2 D, D]
  readonly depthwise: Conv1d; // [D, 1, K]
  readonly depthwiseNorm: RMSNorm;
  readonly reduce: Projection; // [D, D]
  readonly drop: Dropout;

  constructor(config: ModelConfig, dtype: ModelDtype) {
    super();
    const { dims, convolutionKernel: kernel, normEpsilon: epsilon } = config;
    this.norm = new RMSNorm(dims, { epsilon, dtype });
    this.expand = new Projection(dims, 2 * dims, dtype);
    this.depthwise = new Conv1d(dims, dims, kernel, { padding: (kernel - 1) / 2, groups: dims, dtype });
    this.depthwiseNorm = new RMSNorm(dims, { epsilon, dtype });
    this.reduce = new Projection(dims, dims, dtype);
    this.drop = new Dropout(config.residualDropout);
  }

  /**
   * What is added to the block's input: [B, T, D] -> [B, T, D].
   *
   * @param padding true where a frame is padding, bool [B, T]; such frames enter the convolution as zeros, so that an
   *   utterance comes out the same alone and in a batch
   */
  forward(x: Tensor, padding: Tensor | null): Tensor {
    const [value, gate] = chunk(this.expand.forward(this.norm.forward(x)), 2, -1) as [Tensor, Tensor];
    let frames = mul(value, sigmoid(gate)); // [B, T, D]
    if (padding !== null) frames = mul(frames, unsqueeze(cast(logicalNot(padding), frames.dtype), 2));
    const near = transpose(this.depthwise.forward(transpose(frames))); // over [B, D, T]
    return this.drop.forward(this.reduce.forward(silu(this.depthwiseNorm.forward(near))));
  }
}
