// Linear layers as the reference builds them: Xavier-uniform weights, zero bias, and one more level in the
// name (`q.linear.weight`), kept so that its weights load.

import { Linear, Module, xavierUniformInit, zerosInit } from "@echo-ts/autograd";
import type { Tensor } from "@echo-ts/tensor";

/** Element type of the model's parameters. */
export type ModelDtype = "float32" | "float64";

/** x W^T + b: [.., inputs] -> [.., outputs]. // Linear */
export class Projection extends Module {
  readonly linear: Linear;

  constructor(inputs: number, outputs: number, dtype: ModelDtype, bias = true) {
    super();
    this.linear = new Linear(inputs, outputs, {
      bias,
      dtype,
      weightInit: xavierUniformInit(),
      biasInit: zerosInit,
    });
  }

  forward(x: Tensor): Tensor {
    return this.linear.forward(x);
  }
}
