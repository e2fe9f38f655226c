// Convolution layers.

import {
  type Conv1dOptions,
  type Conv2dOptions,
  type ConvTranspose1dOptions,
  conv1d,
  conv2d,
  convTranspose1d,
  type Pair,
  ShapeError,
  type Tensor,
} from "@echo-ts/tensor";
import { checkOptions, definedOptions, type OptionKinds, wrongArgument } from "@echo-ts/tensor/internal";
import type { Parameter } from "../variable.ts";
import {
  drawn,
  fanInUniformInit,
  type Initializer,
  PARAMETER_OPTIONS,
  type ParameterOptions,
  parameter,
} from "./init.ts";
import { checkSizes } from "./linear.ts";
import { Module } from "./module.ts";

/** What all convolution layers can be told about their parameters. */
export interface ConvLayerOptions extends ParameterOptions {
  /** Add a bias (default true). */
  readonly bias?: boolean;
  /** Of weight and bias; default uniform within 1 / sqrt(fan in), as in PyTorch. */
  readonly init?: Initializer;
}

const LAYER_OPTIONS: OptionKinds<ConvLayerOptions> = {
  ...PARAMETER_OPTIONS,
  bias: "boolean",
  init: "function",
};
// The op looks at the numbers themselves.
const CONV_OPTIONS = {
  ...LAYER_OPTIONS,
  stride: "any",
  padding: "any",
  paddingMode: "any",
  dilation: "any",
  groups: "any",
} as const;
const CONV_TRANSPOSE_OPTIONS: OptionKinds<ConvTranspose1dOptions & ConvLayerOptions> = {
  ...LAYER_OPTIONS,
  stride: "any",
  padding: "any",
  dilation: "any",
  groups: "any",
  outputPadding: "any",
};

/** The options of the op: it refuses those of the layer. */
function withoutLayerOptions<Options extends ConvLayerOptions>(
  options: Options,
): Omit<Options, keyof ConvLayerOptions> {
  const { dtype: _, bias: __, init: ___, ...own } = options;
  return definedOptions(own) as Omit<Options, keyof ConvLayerOptions>;
}

/**
 * 1-D convolution. PyTorch's `nn.Conv1d`: weight [outputs, inputs / groups, kernel], bias [outputs].
 *
 * x [B, inputs, T] -> [B, outputs, floor((T + 2 padding - dilation (kernel - 1) - 1) / stride) + 1]; padding "same"
 * keeps T, "causal" lets no output see a later input
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
    checkOptions<Conv1dOptions & ConvLayerOptions>("Conv1d", options, CONV_OPTIONS);
    const { bias = true, groups = 1, dtype = "float32" } = options;
    checkChannels("Conv1d", inputs, outputs, { kernel }, groups);
    const init = options.init ?? fanInUniformInit((inputs / groups) * kernel);
    this.weight = parameter([outputs, inputs / groups, kernel], init, { dtype });
    this.bias = bias ? parameter([outputs], init, { dtype }) : null;
    this.#options = withoutLayerOptions(options);
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
    checkOptions("ConvTranspose1d", options, CONV_TRANSPOSE_OPTIONS);
    const { bias = true, groups = 1, dtype = "float32" } = options;
    checkChannels("ConvTranspose1d", inputs, outputs, { kernel }, groups);
    // PyTorch takes the second axis for the inputs here too.
    const init = options.init ?? fanInUniformInit((outputs / groups) * kernel);
    this.weight = parameter([inputs, outputs / groups, kernel], init, { dtype });
    this.bias = bias ? parameter([outputs], init, { dtype }) : null;
    this.#options = withoutLayerOptions(options);
  }

  forward(x: Tensor): Tensor {
    return convTranspose1d(x, drawn("ConvTranspose1d", "weight", this.weight), this.bias, this.#options);
  }
}

/**
 * 2-D convolution. PyTorch's `nn.Conv2d`: weight [outputs, inputs / groups, height, width], bias [outputs].
 *
 * x [B, inputs, H, W] -> [B, outputs, H', W'], see `conv2d`
 *
 * @param kernel its size: one number, or [height, width]
 * @throws ShapeError if a size is not a positive integer or the groups do not divide the channels
 * @example new Conv2d(1, 8, 3, { padding: "same" }).initialize(7).forward(zeros([2, 1, 5, 4])).shape // [2, 8, 5, 4]
 */
export class Conv2d extends Module {
  readonly weight: Parameter;
  readonly bias: Parameter | null;
  readonly #options: Conv2dOptions;

  constructor(inputs: number, outputs: number, kernel: Pair, options: Conv2dOptions & ConvLayerOptions = {}) {
    super();
    checkOptions<Conv2dOptions & ConvLayerOptions>("Conv2d", options, CONV_OPTIONS);
    const { bias = true, groups = 1, dtype = "float32" } = options;
    if (typeof kernel !== "number" && !Array.isArray(kernel)) {
      throw wrongArgument("Conv2d", "kernel", "a number or a pair such as [3, 5]", kernel);
    }
    const [height, width] = typeof kernel === "number" ? [kernel, kernel] : kernel;
    checkChannels("Conv2d", inputs, outputs, { height, width }, groups);
    const init = options.init ?? fanInUniformInit((inputs / groups) * height * width);
    this.weight = parameter([outputs, inputs / groups, height, width], init, { dtype });
    this.bias = bias ? parameter([outputs], init, { dtype }) : null;
    this.#options = withoutLayerOptions(options);
  }

  forward(x: Tensor): Tensor {
    return conv2d(x, drawn("Conv2d", "weight", this.weight), this.bias, this.#options);
  }
}

function checkChannels(
  layer: string,
  inputs: number,
  outputs: number,
  kernel: Readonly<Record<string, number>>,
  groups: number,
): void {
  checkSizes(layer, { inputs, outputs, ...kernel, groups });
  if (inputs % groups !== 0 || outputs % groups !== 0) {
    throw new ShapeError(`${layer}: ${groups} groups do not divide ${inputs} inputs and ${outputs} outputs`);
  }
}
