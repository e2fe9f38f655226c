// 1-D convolution layers.

import {
  type Conv1dOptions,
  type ConvTranspose1dOptions,
  conv1d,
  convTranspose1d,
  ShapeError,
  type Tensor,
} from "@echo-ts/tensor";
import type { Parameter } from "../variable.ts";
import { drawn, fanInUniformInit, type Initializer, type ParameterOptions, parameter } from "./init.ts";
import { checkSizes } from "./linear.ts";
import { Module } from "./module.ts";

/** What both convolution layers can be told about their parameters. */
export interface ConvLayerOptions extends ParameterOptions {
  /** Add a bias (default true). */
  readonly bias?: boolean;
  /** Of weight and bias; default uniform within 1 / sqrt(fan in), as in PyTorch. */
  readonly init?: Initializer;
}

/**
 * 1-D convolution. PyTorch's `nn.Conv1d`: weight [outputs, inputs / groups, kernel], bias [outputs].
 *
 * x [B, inputs, T] -> [B, outputs, floor((T + 2 padding - dilation (kernel - 1) - 1) / stride) + 1]
 *
 * @throws ShapeError if a size is not a positive integer or the groups do not divide the channels
 * @example new Conv1d(80, 32, 3, { stride: 2, padding: 1 })
 */
export class Conv1d extends Module {
  readonly weight: Parameter;
  readonly bias: Parameter | null;
  readonly #options: Conv1dOptions;

  constructor(
    inputs: number,
    outputs: number,
    kernel: number,
    options: Conv1dOptions & ConvLayerOptions = {},
  ) {
    super();
    const { bias = true, groups = 1, dtype = "float32" } = options;
    checkChannels("Conv1d", inputs, outputs, kernel, groups);
    const init = options.init ?? fanInUniformInit((inputs / groups) * kernel);
    this.weight = parameter([outputs, inputs / groups, kernel], init, { dtype });
    this.bias = bias ? parameter([outputs], init, { dtype }) : null;
    this.#options = pickConvolution(options);
  }

  forward(x: Tensor): Tensor {
    return conv1d(x, drawn("Conv1d", "weight", this.weight), this.bias, this.#options);
  }
}

/**
 * Transposed 1-D convolution. PyTorch's `nn.ConvTranspose1d`: weight [inputs, outputs / groups, kernel].
 *
 * x [B, inputs, T] -> [B, outputs, (T - 1) stride - 2 padding + dilation (kernel - 1) + outputPadding + 1]
 *
 * @throws ShapeError if a size is not a positive integer or the groups do not divide the channels
 * @example new ConvTranspose1d(2, 3, 4, { stride: 2 }).initialize(7).forward(zeros([1, 2, 5])).shape // [1, 3, 12]
 */
export class ConvTranspose1d extends Module {
  readonly weight: Parameter;
  readonly bias: Parameter | null;
  readonly #options: ConvTranspose1dOptions;

  constructor(
    inputs: number,
    outputs: number,
    kernel: number,
    options: ConvTranspose1dOptions & ConvLayerOptions = {},
  ) {
    super();
    const { bias = true, groups = 1, dtype = "float32", outputPadding = 0 } = options;
    checkChannels("ConvTranspose1d", inputs, outputs, kernel, groups);
    // PyTorch takes the second axis for the inputs here too.
    const init = options.init ?? fanInUniformInit((outputs / groups) * kernel);
    this.weight = parameter([inputs, outputs / groups, kernel], init, { dtype });
    this.bias = bias ? parameter([outputs], init, { dtype }) : null;
    this.#options = { ...pickConvolution(options), outputPadding };
  }

  forward(x: Tensor): Tensor {
    return convTranspose1d(x, drawn("ConvTranspose1d", "weight", this.weight), this.bias, this.#options);
  }
}

function checkChannels(layer: string, inputs: number, outputs: number, kernel: number, groups: number): void {
  checkSizes(layer, { inputs, outputs, kernel, groups });
  if (inputs % groups !== 0 || outputs % groups !== 0) {
    throw new ShapeError(`${layer}: ${groups} groups do not divide ${inputs} inputs and ${outputs} outputs`);
  }
}

/** The op refuses parameters that it does not know, so the layer's own options stay behind. */
function pickConvolution({
  stride = 1,
  padding = 0,
  dilation = 1,
  groups = 1,
}: Conv1dOptions): Conv1dOptions {
  return { stride, padding, dilation, groups };
}
