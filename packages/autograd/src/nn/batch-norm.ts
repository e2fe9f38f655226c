// Batch norm, which standardises each channel over the batch, and group norm, which does so within each example.

import {
  add,
  assign,
  type CreateOptions,
  div,
  formatShape,
  layerNorm,
  mean,
  mul,
  ones,
  permute,
  releasingResults,
  reshape,
  rsqrt,
  ShapeError,
  sub,
  type Tensor,
  variance,
  zeros,
} from "@echo-ts/tensor";
import { checkOptions, type OptionKinds } from "@echo-ts/tensor/internal";
import { noGrad, type Parameter } from "../variable.ts";
import { onesInit, PARAMETER_OPTIONS, type ParameterOptions, parameter, zerosInit } from "./init.ts";
import { checkSizes } from "./linear.ts";
import { Module } from "./module.ts";

/** Options that {@link BatchNorm} and {@link GroupNorm} share. */
export interface ChannelNormOptions extends ParameterOptions {
  /** Added to the variance; default 1e-5. */
  readonly epsilon?: number;
  /** Learn a weight and a bias for each channel (default true). */
  readonly affine?: boolean;
}

/** Options of {@link BatchNorm}. */
export interface BatchNormOptions extends ChannelNormOptions {
  /**
   * Share of the newest batch in the running statistics, in [0, 1]; default 0.1. With null they are the plain mean
   * over all batches. (PyTorch's meaning of the word: what optimisers call momentum is 1 minus this.)
   */
  readonly momentum?: number | null;
  /** Keep running statistics and use them in evaluation (default true); else the batch's own are always used. */
  readonly trackRunningStats?: boolean;
}

const CHANNEL_NORM_OPTIONS: OptionKinds<ChannelNormOptions> = {
  ...PARAMETER_OPTIONS,
  epsilon: "number",
  affine: "boolean",
};
const BATCH_NORM_OPTIONS: OptionKinds<BatchNormOptions> = {
  ...CHANNEL_NORM_OPTIONS,
  momentum: "number or null",
  trackRunningStats: "boolean",
};

/**
 * Standardises each channel over all examples and positions of the batch while training, and by running
 * statistics in evaluation. Ioffe and Szegedy 2015; PyTorch's `nn.BatchNorm1d`, `2d` and `3d` in one, with their
 * names: weight [C] from ones, bias [C] from zeros, running_mean [C], running_var [C] (of the variance with
 * correction 1) and num_batches_tracked [] (int32).
 *
 * x [B, C, ..] -> [B, C, ..]
 *
 * @throws ShapeError if C is not a positive integer; RangeError for options out of range
 * @example new BatchNorm(3).initialize(7).forward(zeros([4, 3, 5])).shape // [4, 3, 5]
 */
export class BatchNorm extends Module {
  readonly weight: Parameter | null;
  readonly bias: Parameter | null;
  runningMean: Tensor | null;
  runningVar: Tensor | null;
  numBatchesTracked: Tensor | null;
  readonly #channels: number;
  readonly #epsilon: number;
  readonly #momentum: number | null;

  constructor(channels: number, options: BatchNormOptions = {}) {
    super();
    checkSizes("BatchNorm", { channels });
    checkOptions("BatchNorm", options, BATCH_NORM_OPTIONS);
    const { dtype = "float32", affine = true, momentum = 0.1, trackRunningStats = true } = options;
    if (momentum !== null && !(momentum >= 0 && momentum <= 1)) {
      throw new RangeError(`BatchNorm: momentum must be in [0, 1] or null, got ${momentum}`);
    }
    this.weight = affine ? parameter([channels], onesInit, { dtype }) : null;
    this.bias = affine ? parameter([channels], zerosInit, { dtype }) : null;
    const buffer = (make: (shape: number[], options: CreateOptions) => Tensor): Tensor | null =>
      trackRunningStats ? make([channels], { dtype }) : null;
    this.runningMean = buffer(zeros);
    this.runningVar = buffer(ones);
    this.numBatchesTracked = trackRunningStats ? zeros([], { dtype: "int32" }) : null;
    this.#channels = channels;
    this.#epsilon = checkedEpsilon("BatchNorm", options.epsilon);
    this.#momentum = momentum;
  }

  /** @throws ShapeError for another number of channels, or one value a channel while training */
  forward(x: Tensor): Tensor {
    checkChannels("BatchNorm", x, this.#channels);
    const { runningMean, runningVar } = this;
    if (!this.training && runningMean !== null && runningVar !== null) {
      const scale = noGrad(() => rsqrt(add(runningVar, this.#epsilon)));
      const centred = sub(x, alongChannels(runningMean, x.rank));
      return scaledAndShifted(mul(centred, alongChannels(scale, x.rank)), this.weight, this.bias);
    }
    // [B, C, ..] -> [C, B ..]: then each channel is a row, and its standardising is layer norm's.
    const order = [1, 0, ...x.shape.slice(2).map((_, i) => i + 2)];
    const swapped = permute(x, order);
    const rows = reshape(swapped, [this.#channels, x.size / this.#channels]);
    if (rows.shape[1]! < 2) {
      throw new ShapeError(
        `BatchNorm: expected more than one value a channel while training, got ${formatShape(x.shape)}; use a larger batch, or eval()`,
      );
    }
    if (this.training) this.#track(rows);
    const standardised = reshape(layerNorm(rows, null, null, this.#epsilon), swapped.shape);
    return scaledAndShifted(permute(standardised, order), this.weight, this.bias);
  }

  /** Takes the statistics of a batch, one channel a row, into the running ones. */
  #track(rows: Tensor): void {
    const { runningMean, runningVar, numBatchesTracked } = this;
    if (runningMean === null || runningVar === null || numBatchesTracked === null) return;
    noGrad(() =>
      releasingResults(() => {
        assign(numBatchesTracked, add(numBatchesTracked, 1));
        const share = this.#momentum ?? div(1, numBatchesTracked.cast(runningMean.dtype));
        assign(runningMean, mixed(runningMean, mean(rows, 1), share));
        assign(runningVar, mixed(runningVar, variance(rows, 1), share));
      }),
    );
  }
}

/** old (1 - share) + fresh share */
function mixed(old: Tensor, fresh: Tensor, share: number | Tensor): Tensor {
  const kept = typeof share === "number" ? 1 - share : sub(1, share);
  return add(mul(old, kept), mul(fresh, share));
}

/**
 * Standardises groups of channels of each example over their channels and positions; the batch does not matter.
 * Wu and He 2018; PyTorch's `nn.GroupNorm`: weight [C] from ones, bias [C] from zeros. One group is layer norm
 * over everything, as many groups as channels is instance norm.
 *
 * x [B, C, ..] -> [B, C, ..]
 *
 * @throws ShapeError if a size is not a positive integer or the groups do not divide the channels
 * @example new GroupNorm(2, 6).initialize(7).forward(zeros([4, 6, 5])).shape // [4, 6, 5]
 */
export class GroupNorm extends Module {
  readonly weight: Parameter | null;
  readonly bias: Parameter | null;
  readonly #groups: number;
  readonly #channels: number;
  readonly #epsilon: number;

  constructor(groups: number, channels: number, options: ChannelNormOptions = {}) {
    super();
    checkSizes("GroupNorm", { groups, channels });
    checkOptions("GroupNorm", options, CHANNEL_NORM_OPTIONS);
    if (channels % groups !== 0) {
      throw new ShapeError(`GroupNorm: ${groups} groups do not divide ${channels} channels`);
    }
    const { dtype = "float32", affine = true } = options;
    this.weight = affine ? parameter([channels], onesInit, { dtype }) : null;
    this.bias = affine ? parameter([channels], zerosInit, { dtype }) : null;
    this.#groups = groups;
    this.#channels = channels;
    this.#epsilon = checkedEpsilon("GroupNorm", options.epsilon);
  }

  /** @throws ShapeError for another number of channels */
  forward(x: Tensor): Tensor {
    checkChannels("GroupNorm", x, this.#channels);
    const perGroup = x.size / Math.max(1, x.shape[0]! * this.#groups);
    const rows = reshape(x, [x.shape[0]!, this.#groups, perGroup]);
    const standardised = reshape(layerNorm(rows, null, null, this.#epsilon), x.shape);
    return scaledAndShifted(standardised, this.weight, this.bias);
  }
}

function checkChannels(layer: string, x: Tensor, channels: number): void {
  if (x.rank >= 2 && x.shape[1] === channels) return;
  throw new ShapeError(`${layer}: expected input [B, ${channels}, ..], got ${formatShape(x.shape)}`);
}

function checkedEpsilon(layer: string, epsilon = 1e-5): number {
  if (epsilon >= 0 && epsilon < Number.POSITIVE_INFINITY) return epsilon;
  throw new RangeError(`${layer}: epsilon must be a number of at least 0, got ${epsilon}`);
}

/** [C] -> [C, 1, ..], to go with [B, C, ..] of this rank */
function alongChannels(values: Tensor, rank: number): Tensor {
  return reshape(values, [values.size, ...new Array<number>(rank - 2).fill(1)]);
}

function scaledAndShifted(x: Tensor, weight: Tensor | null, bias: Tensor | null): Tensor {
  const scaled = weight === null ? x : mul(x, alongChannels(weight, x.rank));
  return bias === null ? scaled : add(scaled, alongChannels(bias, x.rank));
}
