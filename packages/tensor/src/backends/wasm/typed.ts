// The elementwise kernels on float64, int32 and bool, called by elementwise.ts for what is not float32: which
// operations there are in which dtype, and the calls. Read next: typed-rows.ts.

import type { View } from "../../backend.ts";
import type { DType } from "../../dtype.ts";
import { sizeOf } from "../../shape.ts";
import { getEngine } from "./engine.ts";
import { type Binary, type Compare, ElementType, type Unary } from "./generated/contract.ts";
import { addressOf, layoutOf, split } from "./operands.ts";

type Names = Readonly<Partial<Record<DType, readonly string[]>>>;

/** Operations on one operand by dtype. */
const UNARY: Names = {
  float64: [
    ...["neg", "exp", "expm1", "log", "log1p", "sqrt", "sin", "cos", "tanh"],
    ...["floor", "abs", "square", "reciprocal", "rsqrt", "round"],
  ],
  int32: ["neg", "abs", "square"],
};

/** Operations on two operands by dtype; pow of int32 is left to the reference kernel. */
const BINARY: Names = {
  float64: ["add", "sub", "mul", "div", "maximum", "minimum", "pow", "mod", "atan2"],
  int32: ["add", "sub", "mul", "maximum", "minimum", "mod"],
  bool: ["maximum", "minimum"],
};

/** out = f(x). False, having written nothing, for a dtype without a kernel of this operation. */
export function unaryOf(op: keyof typeof Unary, number: number, cost: number, out: View, x: View): boolean {
  const { dtype } = x.storage;
  if (out.storage.dtype !== dtype || !UNARY[dtype]?.includes(op)) return false;
  const engine = getEngine();
  const layout = layoutOf(engine, x, out.shape, 0);
  if (layout < 0) return false;
  const from = addressOf(x);
  const to = addressOf(out);
  const type = ElementType[dtype];
  split(engine, "unaryOf", sizeOf(out.shape), 4 * cost, (start, n, part) => [
    type,
    number,
    start,
    n,
    from,
    layout,
    to,
    engine.pool.scratchOf(part),
  ]);
  return true;
}

/** out = f(a, b), or a comparison, as `unaryOf`. */
export function binaryOf(
  op: keyof typeof Binary | keyof typeof Compare,
  kernel: "binaryOf" | "compareOf",
  number: number,
  cost: number,
  out: View,
  a: View,
  b: View,
): boolean {
  const { dtype } = a.storage;
  if (b.storage.dtype !== dtype) return false;
  if (kernel === "binaryOf" && !BINARY[dtype]?.includes(op)) return false;
  const engine = getEngine();
  const p = layoutOf(engine, a, out.shape, 0);
  const q = layoutOf(engine, b, out.shape, 1);
  if (p < 0 || q < 0) return false;
  const operands = [addressOf(a), p, addressOf(b), q, addressOf(out)] as const;
  const type = ElementType[dtype];
  split(engine, kernel, sizeOf(out.shape), 2 * cost, (start, n, part) => [
    type,
    number,
    start,
    n,
    ...operands,
    engine.pool.scratchOf(part),
  ]);
  return true;
}
