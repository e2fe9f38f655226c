// Layers one after the other.

import type { Tensor } from "@echo-ts/tensor";
import { type Layer, Module } from "./module.ts";

/**
 * Applies layers in order. PyTorch's `nn.Sequential`: the state dict names them 0, 1, 2, ...
 *
 * @throws RangeError if there is no layer
 * @example new Sequential(new Linear(2, 16), new Activation("tanh"), new Linear(16, 2)).initialize(7)
 */
export class Sequential extends Module {
  readonly layers: readonly Layer[];

  constructor(...layers: Layer[]) {
    super();
    if (layers.length === 0) throw new RangeError("Sequential: expected at least one layer, got none");
    this.layers = layers;
  }

  forward(x: Tensor): Tensor {
    let out = x;
    for (const layer of this.layers) out = layer.forward(out);
    return out;
  }

  protected override memberName(field: string): string {
    return field === "layers" ? "" : super.memberName(field);
  }
}
