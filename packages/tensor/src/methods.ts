// The functions that are also methods: `x.add(1).sum()`. Every function of the files below whose first argument
// is a tensor is a method of that tensor, and is documented where it stands.

import * as activation from "./ops/activation.ts";
import * as closeness from "./ops/closeness.ts";
import * as division from "./ops/division.ts";
import * as elementwise from "./ops/elementwise.ts";
import * as indexing from "./ops/indexing.ts";
import * as joining from "./ops/joining.ts";
import * as algebra from "./ops/linear-algebra.ts";
import * as normalization from "./ops/normalization.ts";
import * as parts from "./ops/parts.ts";
import * as reduction from "./ops/reduction.ts";
import * as selection from "./ops/selection.ts";
import * as shaping from "./ops/shaping.ts";
import * as transcendental from "./ops/transcendental.ts";
import { Tensor } from "./tensor.ts";

type Functions = typeof activation &
  typeof closeness &
  typeof division &
  typeof elementwise &
  typeof indexing &
  typeof joining &
  typeof algebra &
  typeof normalization &
  typeof reduction &
  typeof selection &
  typeof shaping &
  typeof transcendental &
  typeof parts;

/** What those files export besides: functions whose first argument is a condition or no tensor, and building blocks. */
const OTHERS = [
  "broadcastAll",
  "concat",
  "default",
  "einsum",
  "reversed",
  "stack",
  "truth",
  "where",
] as const;

type Name = Exclude<keyof Functions, (typeof OTHERS)[number]>;
type Method<F> = F extends (self: Tensor, ...rest: infer R) => infer Out ? (...rest: R) => Out : never;

/** The methods of a tensor: the functions, less their first argument. */
export type TensorMethods = { readonly [N in Name]: Method<Functions[N]> } & {
  /**
   * The axes in reverse order, as NumPy's T: the transpose of a matrix. A view.
   *
   * @example zeros([2, 3]).T.shape // [3, 2]
   */
  readonly T: Tensor;
};

/** An export that is no function of a tensor does not compile here: add it to `OTHERS`. */
const FUNCTIONS: { readonly [N in Name]: (self: Tensor, ...rest: never[]) => unknown } = {
  ...activation,
  ...closeness,
  ...division,
  ...elementwise,
  ...indexing,
  ...joining,
  ...algebra,
  ...normalization,
  ...reduction,
  ...selection,
  ...shaping,
  ...transcendental,
  ...parts,
};

/** Adds the methods to the prototype; create.ts calls it once, before the first tensor can exist. */
export function installMethods(): void {
  Object.defineProperty(Tensor.prototype, "T", {
    configurable: true,
    get(this: Tensor) {
      return shaping.permute(
        this,
        this.shape.map((_, i) => this.rank - 1 - i),
      );
    },
  });
  const others: readonly string[] = OTHERS;
  for (const [name, value] of Object.entries(FUNCTIONS)) {
    if (others.includes(name)) continue;
    const op = value as (self: Tensor, ...rest: unknown[]) => unknown;
    Object.defineProperty(Tensor.prototype, name, {
      configurable: true,
      writable: true,
      value: function (this: Tensor, ...rest: unknown[]) {
        return op(this, ...rest);
      },
    });
  }
}
