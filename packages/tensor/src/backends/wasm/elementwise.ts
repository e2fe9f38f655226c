// Elementwise kernels: on float32 here, on the other dtypes through other-dtypes.ts; `where`, copies and conversions on
// every dtype. Read next: other-dtypes.ts, matmul.ts.

import type { Kernel, Kernels } from "../../backend.ts";
import { BYTES_PER_ELEMENT } from "../../dtype.ts";
import type { Op, OpParams } from "../../op-table.ts";
import { sizeOf } from "../../shape.ts";
import { getEngine } from "./engine.ts";
import { Binary, Compare, ElementType, Unary } from "./generated/contract.ts";
import { kernelSet } from "./kernel-set.ts";
import { addressOf, copyView, layoutOf, PARALLEL_NS, split } from "./operands.ts";
import { otherDtypes } from "./other-dtypes.ts";
import { inWorkspace } from "./workspace.ts";

function unary<P extends Op & keyof typeof Unary>(
  op: P,
  cost: number,
  parameter: (p: OpParams[P]) => number = () => 0,
): Kernel<P> {
  const number = Unary[op];
  return (out, inputs, params) => {
    const x = inputs[0]!;
    if (out.storage.dtype !== "float32" || x.storage.dtype !== "float32") {
      return otherDtypes.unaryOf(op, number, cost, out, x);
    }
    const engine = getEngine();
    const layout = layoutOf(engine, x, out.shape, 0);
    if (layout < 0) return false;
    const count = sizeOf(out.shape);
    const from = addressOf(x);
    const to = addressOf(out);
    const p = parameter(params);
    const { kernels, pool } = engine;
    if (pool.threads === 1 || count * cost < PARALLEL_NS) {
      kernels.unary(number, 0, count, from, layout, to, p, engine.scratch);
      return true;
    }
    split(engine, "unary", count, cost, (start, n, part) => [
      number,
      start,
      n,
      from,
      layout,
      to,
      p,
      pool.scratchOf(part),
    ]);
    return true;
  };
}

/** An operation on two operands: `number` is its number in the kernel called `kernel`. */
function pairwise<P extends Op & (keyof typeof Binary | keyof typeof Compare)>(
  op: P,
  kernel: "binary" | "compare",
  number: number,
  cost: number,
): Kernel<P> {
  return (out, inputs) => {
    const a = inputs[0]!;
    const b = inputs[1]!;
    if (a.storage.dtype !== "float32" || b.storage.dtype !== "float32") {
      return otherDtypes.binaryOf(op, `${kernel}Of`, number, cost, out, a, b);
    }
    const engine = getEngine();
    const p = layoutOf(engine, a, out.shape, 0);
    const q = layoutOf(engine, b, out.shape, 1);
    if (p < 0 || q < 0) return false;
    const count = sizeOf(out.shape);
    const x = addressOf(a);
    const y = addressOf(b);
    const to = addressOf(out);
    const { kernels, pool } = engine;
    if (pool.threads === 1 || count * cost < PARALLEL_NS) {
      kernels[kernel](number, 0, count, x, p, y, q, to, engine.scratch);
      return true;
    }
    split(engine, kernel, count, cost, (start, n, part) => [
      number,
      start,
      n,
      x,
      p,
      y,
      q,
      to,
      pool.scratchOf(part),
    ]);
    return true;
  };
}

const binary = <P extends Op & keyof typeof Binary>(op: P, cost: number): Kernel<P> =>
  pairwise(op, "binary", Binary[op], cost);
const compare = <P extends Op & keyof typeof Compare>(op: P, cost: number): Kernel<P> =>
  pairwise(op, "compare", Compare[op], cost);

/** The kernel of `where` for elements of so many bytes. */
const WHERE = { 1: "whereBytes", 4: "where", 8: "whereWide" } as const;

const where: Kernel<"where"> = (out, [condition, a, b]) => {
  const engine = getEngine();
  const c = layoutOf(engine, condition!, out.shape, 0);
  const p = layoutOf(engine, a!, out.shape, 1);
  const q = layoutOf(engine, b!, out.shape, 2);
  if (c < 0 || p < 0 || q < 0) return false;
  if (out.storage.dtype !== "float32" && kernelSet().name === "small") return false;
  const kernel: "where" = WHERE[BYTES_PER_ELEMENT[out.storage.dtype] as 1 | 4 | 8] as "where"; // of one signature
  const from = [addressOf(condition!), c, addressOf(a!), p, addressOf(b!), q, addressOf(out)] as const;
  split(engine, kernel, sizeOf(out.shape), 0.4, (start, n, part) => [
    start,
    n,
    ...from,
    engine.pool.scratchOf(part),
  ]);
  return true;
};

/** Copies and conversions. */
const cast: Kernel<"cast"> = (out, inputs) => {
  const x = inputs[0]!;
  const from = x.storage.dtype;
  const to = out.storage.dtype;
  if (from === to) return copyView(x, addressOf(out));
  const engine = getEngine();
  return inWorkspace(engine, (workspace) => {
    const types = [ElementType[from], ElementType[to]] as const;
    const source = workspace.dense(x);
    const target = addressOf(out);
    split(engine, "convert", sizeOf(out.shape), 0.5, (start, n) => [...types, start, n, source, target]);
    return true;
  });
};

/** The elementwise part of the backend's kernel table. */
export const elementwise: Kernels = {
  neg: unary("neg", 0.2),
  exp: unary("exp", 1),
  expm1: unary("expm1", 1.2),
  log: unary("log", 1.5),
  log1p: unary("log1p", 4),
  sqrt: unary("sqrt", 0.5),
  sin: unary("sin", 3),
  cos: unary("cos", 3),
  tanh: unary("tanh", 2),
  erf: unary("erf", 2),
  floor: unary("floor", 0.2),
  abs: unary("abs", 0.2),
  square: unary("square", 0.2),
  reciprocal: unary("reciprocal", 0.5),
  rsqrt: unary("rsqrt", 1),
  round: unary("round", 0.2),
  sigmoid: unary("sigmoid", 1.5),
  relu: unary("relu", 0.2),
  softplus: unary("softplus", 5),
  gelu: unary("gelu", 3),
  geluTanh: unary("geluTanh", 1.5),
  silu: unary("silu", 1.5),
  elu: unary("elu", 1.5, (p) => p.alpha),
  leakyRelu: unary("leakyRelu", 0.2, (p) => p.slope),
  add: binary("add", 0.2),
  sub: binary("sub", 0.2),
  mul: binary("mul", 0.2),
  div: binary("div", 0.5),
  maximum: binary("maximum", 0.2),
  minimum: binary("minimum", 0.2),
  pow: binary("pow", 40),
  mod: binary("mod", 10),
  atan2: binary("atan2", 40),
  less: compare("less", 0.2),
  equal: compare("equal", 0.2),
  reluGrad: binary("reluGrad", 0.3),
  geluTanhGrad: binary("geluTanhGrad", 2),
  geluGrad: binary("geluGrad", 4),
  siluGrad: binary("siluGrad", 2),
  tanhGrad: binary("tanhGrad", 0.3),
  sigmoidGrad: binary("sigmoidGrad", 0.3),
  where,
  cast,
};
