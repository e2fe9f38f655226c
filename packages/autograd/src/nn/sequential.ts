// Layers one after the other.

import { ArgumentError, type Tensor } from "@echo-ts/tensor";
import { describeValue } from "@echo-ts/tensor/internal";
import { type Layer, Module } from "./module.ts";

/**
 * Applies layers in order. PyTorch's `nn.Sequential`: the state dict names them 0, 1, 2, ...
 *
 * @throws RangeError if there is no layer, ArgumentError for what is none
 * @example new Sequential(new Linear(2, 16), new Activation("tanh"), new Linear(16, 2)).initialize(7)
 */
export class Sequential extends Module {
  readonly layers: readonly Layer[];

  constructor(...layers: Layer[]) {
    super();
    if (layers.length === 0) throw new RangeError("Sequential: expected at least one layer, got none");
    layers.forEach((layer, i) => {
      if (layer instanceof Module && typeof layer.forward === "function") return;
      const remedy = Array.isArray(layer) ? "; spread the list: new Sequential(...layers)" : "";
      throw new ArgumentError(
        `Sequential: layer ${i} must be a module with forward(x), got ${describeValue(layer)}${remedy}`,
      );
    });
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
