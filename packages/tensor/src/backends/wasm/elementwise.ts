// Elementwise kernels on float32, plus `where` and copies on every dtype. Other dtypes go to the reference
// kernels. The numbers are those of assembly/elementwise.ts.

import type { Kernel, Kernels } from "../../backend.ts";
import type { Op, OpParams } from "../../op-table.ts";
import { sizeOf } from "../../shape.ts";
import { getEngine } from "./engine.ts";
import { addressOf, copyView, denseAddress, layoutOf, PARALLEL_NS, releaseAll, split } from "./operands.ts";
import type { WasmStorage } from "./storage.ts";

function unary<P extends Op>(
  op: number,
  cost: number,
  parameter: (p: OpParams[P]) => number = () => 0,
): Kernel<P> {
  return (out, inputs, params) => {
    const x = inputs[0]!;
    if (out.storage.dtype !== "float32" || x.storage.dtype !== "float32") return false;
    const engine = getEngine();
    const layout = layoutOf(engine, x, out.shape, 0);
    if (layout < 0) return false;
    const count = sizeOf(out.shape);
    const from = addressOf(x);
    const to = addressOf(out);
    const p = parameter(params);
    if (engine.pool.threads === 1 || count * cost < PARALLEL_NS) {
      engine.kernels.unary!(op, 0, count, from, layout, to, p, engine.scratch);
      return true;
    }
    split(engine, "unary", count, cost, (start, n, part) => [
      op,
      start,
      n,
      from,
      layout,
      to,
      p,
      engine.pool.scratchOf(part),
    ]);
    return true;
  };
}

function binary<P extends Op>(op: number, cost: number, name: "binary" | "compare" = "binary"): Kernel<P> {
  return (out, inputs) => {
    const a = inputs[0]!;
    const b = inputs[1]!;
    if (a.storage.dtype !== "float32" || b.storage.dtype !== "float32") return false;
    const engine = getEngine();
    const p = layoutOf(engine, a, out.shape, 0);
    const q = layoutOf(engine, b, out.shape, 1);
    if (p < 0 || q < 0) return false;
    const count = sizeOf(out.shape);
    const x = addressOf(a);
    const y = addressOf(b);
    const to = addressOf(out);
    if (engine.pool.threads === 1 || count * cost < PARALLEL_NS) {
      engine.kernels[name]!(op, 0, count, x, p, y, q, to, engine.scratch);
      return true;
    }
    split(engine, name, count, cost, (start, n, part) => [
      op,
      start,
      n,
      x,
      p,
      y,
      q,
      to,
      engine.pool.scratchOf(part),
    ]);
    return true;
  };
}

/** Elements of four bytes: float32 and int32. */
const where: Kernel<"where"> = (out, [condition, a, b]) => {
  const { dtype } = out.storage;
  if (dtype !== "float32" && dtype !== "int32") return false;
  const engine = getEngine();
  const c = layoutOf(engine, condition!, out.shape, 0);
  const p = layoutOf(engine, a!, out.shape, 1);
  const q = layoutOf(engine, b!, out.shape, 2);
  if (c < 0 || p < 0 || q < 0) return false;
  const from = [addressOf(condition!), c, addressOf(a!), p, addressOf(b!), q, addressOf(out)] as const;
  split(engine, "where", sizeOf(out.shape), 0.4, (start, n, part) => [
    start,
    n,
    ...from,
    engine.pool.scratchOf(part),
  ]);
  return true;
};

const TYPE_NUMBER = { float32: 0, int32: 1, bool: 2, float64: 3 } as const;

/** Copies, and conversions to float32 and float64. */
const cast: Kernel<"cast"> = (out, inputs) => {
  const x = inputs[0]!;
  const from = x.storage.dtype;
  const to = out.storage.dtype;
  if (from === to) return copyView(x, addressOf(out));
  if (to !== "float32" && to !== "float64") return false;
  const temporaries: WasmStorage[] = [];
  const source = denseAddress(x, temporaries);
  const types = [TYPE_NUMBER[from], TYPE_NUMBER[to]] as const;
  const target = addressOf(out);
  split(getEngine(), "convert", sizeOf(out.shape), 0.5, (start, n) => [...types, start, n, source, target]);
  releaseAll(temporaries);
  return true;
};

/** The elementwise part of the backend's kernel table. */
export const elementwise: Kernels = {
  neg: unary<"neg">(0, 0.2),
  exp: unary<"exp">(1, 1),
  expm1: unary<"expm1">(2, 1.2),
  log: unary<"log">(3, 1.5),
  log1p: unary<"log1p">(4, 4),
  sqrt: unary<"sqrt">(5, 0.5),
  sin: unary<"sin">(6, 3),
  cos: unary<"cos">(7, 3),
  tanh: unary<"tanh">(8, 2),
  erf: unary<"erf">(9, 2),
  floor: unary<"floor">(10, 0.2),
  abs: unary<"abs">(11, 0.2),
  square: unary<"square">(12, 0.2),
  reciprocal: unary<"reciprocal">(13, 0.5),
  rsqrt: unary<"rsqrt">(14, 1),
  sigmoid: unary<"sigmoid">(15, 1.5),
  relu: unary<"relu">(16, 0.2),
  softplus: unary<"softplus">(17, 5),
  gelu: unary<"gelu">(18, 3),
  geluTanh: unary<"geluTanh">(19, 1.5),
  silu: unary<"silu">(20, 1.5),
  elu: unary<"elu">(21, 1.5, (p) => p.alpha),
  leakyRelu: unary<"leakyRelu">(22, 0.2, (p) => p.slope),
  add: binary<"add">(0, 0.2),
  sub: binary<"sub">(1, 0.2),
  mul: binary<"mul">(2, 0.2),
  div: binary<"div">(3, 0.5),
  maximum: binary<"maximum">(4, 0.2),
  minimum: binary<"minimum">(5, 0.2),
  pow: binary<"pow">(12, 40),
  mod: binary<"mod">(13, 10),
  atan2: binary<"atan2">(14, 40),
  less: binary<"less">(0, 0.2, "compare"),
  equal: binary<"equal">(1, 0.2, "compare"),
  reluGrad: binary<"reluGrad">(6, 0.3),
  geluTanhGrad: binary<"geluTanhGrad">(7, 2),
  geluGrad: binary<"geluGrad">(8, 4),
  siluGrad: binary<"siluGrad">(9, 2),
  tanhGrad: binary<"tanhGrad">(10, 0.3),
  sigmoidGrad: binary<"sigmoidGrad">(11, 0.3),
  where,
  cast,
};
