// The ops that also hang on tensors as methods: `x.add(1).sum()`. Each is the free function of the same
// name with the tensor as its first argument, so it is documented there.

import * as activation from "./ops/activation.ts";
import * as elementwise from "./ops/elementwise.ts";
import * as indexing from "./ops/indexing.ts";
import * as algebra from "./ops/linear-algebra.ts";
import * as normalization from "./ops/normalization.ts";
import * as reduction from "./ops/reduction.ts";
import * as shaping from "./ops/shaping.ts";
import { Tensor } from "./tensor.ts";

const ELEMENTWISE = [
  "abs",
  "add",
  "cast",
  "ceil",
  "clamp",
  "cos",
  "div",
  "equal",
  "erf",
  "exp",
  "expm1",
  "floor",
  "greater",
  "greaterEqual",
  "isFinite",
  "isNaN",
  "less",
  "lessEqual",
  "log",
  "log1p",
  "logicalAnd",
  "logicalNot",
  "logicalOr",
  "maskedFill",
  "maximum",
  "minimum",
  "mod",
  "mul",
  "neg",
  "notEqual",
  "pow",
  "reciprocal",
  "round",
  "rsqrt",
  "sign",
  "sin",
  "sqrt",
  "square",
  "sub",
  "tan",
  "tanh",
] as const;
const ACTIVATION = ["gelu", "relu", "sigmoid", "silu", "softplus"] as const;
const REDUCTION = [
  "all",
  "any",
  "argmax",
  "argmin",
  "cumsum",
  "logSumExp",
  "max",
  "mean",
  "min",
  "norm",
  "prod",
  "std",
  "sum",
  "variance",
] as const;
const NORMALIZATION = ["logSoftmax", "softmax"] as const;
const ALGEBRA = ["matmul"] as const;
const INDEXING = ["argsort", "gather", "indexSelect", "scatterAdd", "sort", "topk", "tril", "triu"] as const;
const SHAPING = [
  "broadcastTo",
  "chunk",
  "contiguous",
  "flatten",
  "flip",
  "moveAxis",
  "narrow",
  "permute",
  "repeat",
  "reshape",
  "select",
  "slice",
  "split",
  "squeeze",
  "tile",
  "transpose",
  "unfold",
  "unsqueeze",
] as const;

type Method<F> = F extends (self: Tensor, ...rest: infer R) => infer Out ? (...rest: R) => Out : never;
type Methods<Functions, Name extends keyof Functions> = { readonly [N in Name]: Method<Functions[N]> };

/** The methods of a tensor: the listed functions, less their first argument. */
export type TensorMethods = Methods<typeof elementwise, (typeof ELEMENTWISE)[number]> &
  Methods<typeof activation, (typeof ACTIVATION)[number]> &
  Methods<typeof reduction, (typeof REDUCTION)[number]> &
  Methods<typeof normalization, (typeof NORMALIZATION)[number]> &
  Methods<typeof algebra, (typeof ALGEBRA)[number]> &
  Methods<typeof indexing, (typeof INDEXING)[number]> &
  Methods<typeof shaping, (typeof SHAPING)[number]>;

function install<Name extends string>(
  names: readonly Name[],
  functions: Readonly<Record<Name, unknown>>,
): void {
  for (const name of names) {
    const op = functions[name] as (self: Tensor, ...rest: unknown[]) => unknown;
    Object.defineProperty(Tensor.prototype, name, {
      configurable: true,
      writable: true,
      value: function (this: Tensor, ...rest: unknown[]) {
        return op(this, ...rest);
      },
    });
  }
}

/** Hangs the methods on the prototype; create.ts calls it once, before the first tensor can exist. */
export function installMethods(): void {
  install(ELEMENTWISE, elementwise);
  install(ACTIVATION, activation);
  install(REDUCTION, reduction);
  install(NORMALIZATION, normalization);
  install(ALGEBRA, algebra);
  install(INDEXING, indexing);
  install(SHAPING, shaping);
}
