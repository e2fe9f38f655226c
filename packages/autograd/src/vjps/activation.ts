// Gradient rules of the activation functions. A rule is used where a kernel computes the op as a whole;
// "composition" ops are differentiated through their definition. Read next: structural.ts.

import { exp, greater, minimum, mul, sigmoid, where } from "@echo-ts/tensor";
import { apply, NONE, OPS, type OpOf } from "@echo-ts/tensor/internal";
import type { Vjps } from "./rule.ts";

const SOFTPLUS_LINEAR_ABOVE = 20;

/** Rules of the activation functions. */
export const ACTIVATION_VJPS: Vjps<OpOf<"activation">> = {
  sigmoid: (g, { output: y }) => [apply(OPS.sigmoidGrad, [g, y], NONE)],
  relu: (g, { output: y }) => [apply(OPS.reluGrad, [g, y], NONE)],
  softplus: (g, { inputs: [x] }) => [where(greater(x!, SOFTPLUS_LINEAR_ABOVE), g, mul(g, sigmoid(x!)))],
  gelu: (g, { inputs: [x] }) => [apply(OPS.geluGrad, [g, x!], NONE)],
  geluTanh: (g, { inputs: [x] }) => [apply(OPS.geluTanhGrad, [g, x!], NONE)],
  silu: (g, { inputs: [x] }) => [apply(OPS.siluGrad, [g, x!], NONE)],
  // alpha e^x by exp and not as y + alpha, which rounds to 0 where y is close to -alpha.
  elu: (g, { inputs: [x], params: { alpha } }) => [
    where(greater(x!, 0), g, mul(g, mul(exp(minimum(x!, 0)), alpha))),
  ],
  leakyRelu: (g, { inputs: [x], params: { slope } }) => [where(greater(x!, 0), g, mul(g, slope))],

  sigmoidGrad: "composition",
  tanhGrad: "composition",
  reluGrad: (g, { inputs: [_g, output] }, needs) => [
    needs[0] ? apply(OPS.reluGrad, [g, output!], NONE) : null,
    null,
  ],
  geluGrad: "composition",
  geluTanhGrad: "composition",
  siluGrad: "composition",
};
