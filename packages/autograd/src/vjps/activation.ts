// Gradient rules of the activation functions. A rule is used where a kernel computes the op as a whole;
// "composition" ops are differentiated through their definition. Read next: structural.ts.

import { add, apply, greater, mul, NONE, OPS, type OpOf, sigmoid, where } from "@echo-ts/tensor";
import type { Vjps } from "./rule.ts";

const SOFTPLUS_LINEAR_ABOVE = 20;

/** Rules of the activation functions. */
export const ACTIVATION_VJPS: Vjps<OpOf<"activation">> = {
  sigmoid: (g, y) => [apply(OPS.sigmoidGrad, [g, y], NONE)],
  relu: (g, y) => [apply(OPS.reluGrad, [g, y], NONE)],
  softplus: (g, _y, [x]) => [where(greater(x!, SOFTPLUS_LINEAR_ABOVE), g, mul(g, sigmoid(x!)))],
  gelu: (g, _y, [x]) => [apply(OPS.geluGrad, [g, x!], NONE)],
  geluTanh: (g, _y, [x]) => [apply(OPS.geluTanhGrad, [g, x!], NONE)],
  silu: (g, _y, [x]) => [apply(OPS.siluGrad, [g, x!], NONE)],
  elu: (g, y, [x], { alpha }) => [where(greater(x!, 0), g, mul(g, add(y, alpha)))],
  leakyRelu: (g, _y, [x], { slope }) => [where(greater(x!, 0), g, mul(g, slope))],

  sigmoidGrad: "composition",
  tanhGrad: "composition",
  reluGrad: (g, _y, [_g, output], _p, needs) => [
    needs[0] ? apply(OPS.reluGrad, [g, output!], NONE) : null,
    null,
  ],
  geluGrad: "composition",
  geluTanhGrad: "composition",
  siluGrad: "composition",
};
