// Activation functions by name, and as a layer.

import {
  elu,
  gelu,
  geluTanh,
  leakyRelu,
  relu,
  sigmoid,
  silu,
  softplus,
  softshrink,
  type Tensor,
  tanh,
  tanhshrink,
} from "@echo-ts/tensor";
import { Module } from "./module.ts";

/** Names that {@link activation} knows: PyTorch's, in snake_case. */
export type ActivationName =
  | "gelu"
  | "gelu_tanh"
  | "relu"
  | "sigmoid"
  | "tanh"
  | "swish"
  | "silu"
  | "tanhshrink"
  | "softplus"
  | "softshrink"
  | "leaky_relu"
  | "elu"
  | "identity";

const ACTIVATIONS: Readonly<Record<ActivationName, (x: Tensor) => Tensor>> = {
  gelu,
  gelu_tanh: geluTanh,
  relu,
  sigmoid,
  tanh,
  swish: silu,
  silu,
  tanhshrink,
  softplus,
  // These take a second argument with PyTorch's default; a caller such as map() must not fill it.
  softshrink: (x) => softshrink(x),
  leaky_relu: (x) => leakyRelu(x),
  elu: (x) => elu(x),
  identity: (x) => x,
};

/** All activation names. */
export const ACTIVATION_NAMES: readonly ActivationName[] = Object.keys(ACTIVATIONS) as ActivationName[];

/**
 * An activation function by its name, with PyTorch's defaults: gelu is the exact one, softplus has beta 1 and
 * is linear above 20, softshrink has lambda 0.5, leaky_relu slope 0.01, elu alpha 1. swish is silu.
 *
 * @throws RangeError for an unknown name, listing the known ones
 * @example activation("relu")(tensor([-1, 2])).toArray() // [0, 2]
 */
export function activation(name: string): (x: Tensor) => Tensor {
  if (!Object.hasOwn(ACTIVATIONS, name)) {
    throw new RangeError(
      `activation: unknown name "${name}", expected one of: ${ACTIVATION_NAMES.join(", ")}`,
    );
  }
  return ACTIVATIONS[name as ActivationName];
}

/**
 * An activation function as a layer, for {@link Sequential}.
 *
 * @throws RangeError for an unknown name
 */
export class Activation extends Module {
  readonly name: ActivationName;
  readonly #apply: (x: Tensor) => Tensor;

  constructor(name: ActivationName) {
    super();
    this.#apply = activation(name);
    this.name = name;
  }

  forward(x: Tensor): Tensor {
    return this.#apply(x);
  }
}
