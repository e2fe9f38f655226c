// Layer norm and RMS norm over the last axis.

import { layerNorm, rmsNorm, type Tensor, zerosLike } from "@echo-ts/tensor";
import { checkOptions, type OptionKinds } from "@echo-ts/tensor/internal";
import type { Parameter } from "../variable.ts";
import { onesInit, PARAMETER_OPTIONS, type ParameterOptions, parameter, zerosInit } from "./init.ts";
import { checkSizes } from "./linear.ts";
import { Module } from "./module.ts";

/** Options of the norm layers. */
export interface NormOptions extends ParameterOptions {
  /** Added to the variance or mean square; default 1e-5 for LayerNorm, 1e-6 for RMSNorm. */
  readonly epsilon?: number;
}

/** Options of {@link LayerNorm}. */
export interface LayerNormOptions extends NormOptions {
  /** Add a bias (default true). */
  readonly bias?: boolean;
}

const NORM_OPTIONS: OptionKinds<NormOptions> = { ...PARAMETER_OPTIONS, epsilon: "number" };
const LAYER_NORM_OPTIONS: OptionKinds<LayerNormOptions> = { ...NORM_OPTIONS, bias: "boolean" };

/**
 * Standardises the last axis. PyTorch's `nn.LayerNorm`: weight [width] from ones, bias [width] from zeros.
 *
 * x [.., width] -> [.., width]
 *
 * @example new LayerNorm(2).initialize(7).forward(zeros([5, 2])).shape // [5, 2]
 */
export class LayerNorm extends Module {
  readonly weight: Parameter;
  readonly bias: Parameter | null;
  /** Stands in for the bias that the op wants. */
  readonly #zeros: Tensor | null;
  readonly #epsilon: number;

  constructor(width: number, options: LayerNormOptions = {}) {
    super();
    checkSizes("LayerNorm", { width });
    checkOptions("LayerNorm", options, LAYER_NORM_OPTIONS);
    const { dtype = "float32", bias = true } = options;
    this.weight = parameter([width], onesInit, { dtype });
    this.bias = bias ? parameter([width], zerosInit, { dtype }) : null;
    this.#zeros = this.bias === null ? zerosLike(this.weight) : null;
    this.#epsilon = options.epsilon ?? 1e-5;
  }

  forward(x: Tensor): Tensor {
    return layerNorm(x, this.weight, this.bias ?? this.#zeros!, this.#epsilon);
  }
}

/**
 * Divides the last axis by its root mean square. PyTorch's `nn.RMSNorm`: weight [width] from ones.
 *
 * x [.., width] -> [.., width]
 *
 * @example new RMSNorm(2).initialize(7).forward(zeros([5, 2])).shape // [5, 2]
 */
export class RMSNorm extends Module {
  readonly weight: Parameter;
  readonly #epsilon: number;

  constructor(width: number, options: NormOptions = {}) {
    super();
    checkSizes("RMSNorm", { width });
    checkOptions("RMSNorm", options, NORM_OPTIONS);
    this.weight = parameter([width], onesInit, { dtype: options.dtype ?? "float32" });
    this.#epsilon = options.epsilon ?? 1e-6;
  }

  forward(x: Tensor): Tensor {
    return rmsNorm(x, this.weight, this.#epsilon);
  }
}
