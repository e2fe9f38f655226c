// Rows of what works element by element.

import type { Op, OpOf } from "@echo-ts/tensor/internal";
import type { Graph } from "../graph.ts";
import { DATA_TYPES, type OnnxType } from "../model-file.ts";
import type { OnnxCall, OnnxRows, Write } from "./row.ts";

/** One node of this type on the operands as they are. */
const plain =
  (type: string): Write<Op> =>
  ({ inputs }, graph) =>
    graph.node(type, inputs);

/** The same values in another type. */
export const castTo = (graph: Graph, x: string, to: OnnxType): string =>
  graph.node("Cast", [x], { to: DATA_TYPES[to] });

/** One node of this type on operands of which bool ones count as int32; `result` as the op's dtype if that is bool. */
export const counted =
  (type: string, backToBool = false): Write<Op> =>
  (call, graph) => {
    const operands = call.inputs.map((x, i) => (call.dtype(i) === "bool" ? castTo(graph, x, "int32") : x));
    const y = graph.node(type, operands);
    return backToBool && call.dtype() === "bool" ? castTo(graph, y, "bool") : y;
  };

/** Floats by this node; whole numbers are what they are. */
export const wholeUnlessFloat =
  (type: string): Write<Op> =>
  (call, graph) =>
    graph.node(call.dtype().startsWith("float") ? type : "Identity", call.inputs);

/** `where(condition, a, b)` of names. */
const choose = (graph: Graph, condition: string, a: string, b: string): string =>
  graph.node("Where", [condition, a, b]);

/** log1p, exact near 0: with u = 1 + x it is log(u) x / (u - 1). Kahan; Higham 2002, section 1.14.1. */
const log1p: Write<"log1p"> = (call, graph) => {
  const [x] = call.inputs as [string];
  const one = graph.numbers(call.dtype(), [1]);
  const u = graph.node("Add", [x, one]);
  const log = graph.node("Log", [u]);
  const less = graph.node("Sub", [u, one]);
  const scaled = graph.node("Mul", [log, graph.node("Div", [x, less])]);
  const infinite = graph.node("Equal", [x, graph.numbers(call.dtype(), [Number.POSITIVE_INFINITY])]);
  const far = choose(graph, infinite, x, scaled);
  return choose(graph, graph.node("Equal", [u, one]), x, far);
};

/** expm1, exact near 0: with u = e^x it is (u - 1) x / log(u). */
const expm1: Write<"expm1"> = (call, graph) => {
  const [x] = call.inputs as [string];
  const dtype = call.dtype();
  const one = graph.numbers(dtype, [1]);
  const u = graph.node("Exp", [x]);
  const less = graph.node("Sub", [u, one]);
  const scaled = graph.node("Mul", [less, graph.node("Div", [x, graph.node("Log", [u])])]);
  // Where u has left the range in which its logarithm is x, u - 1 is all there is.
  const magnitude = graph.node("Abs", [x]);
  const far = graph.node("Greater", [magnitude, graph.numbers(dtype, [dtype === "float64" ? 30 : 15])]);
  return choose(graph, graph.node("Equal", [u, one]), x, choose(graph, far, less, scaled));
};

/** In double precision, so that powers of two come out whole. */
const log2: Write<"log2"> = (call, graph) => {
  const x = castTo(graph, call.inputs[0]!, "float64");
  const y = graph.node("Div", [graph.node("Log", [x]), graph.numbers("float64", [Math.LN2])]);
  return call.dtype() === "float64" ? y : castTo(graph, y, "float32");
};

/** The angle by quadrants, signed zeros and infinities as in C. */
const atan2: Write<"atan2"> = (call, graph) => {
  const [y, x] = call.inputs as [string, string];
  const dtype = call.dtype();
  const number = (value: number): string => graph.numbers(dtype, [value]);
  const zero = number(0);
  const negative = (v: string): string =>
    graph.node("Or", [
      graph.node("Less", [v, zero]),
      graph.node("Less", [graph.node("Reciprocal", [v]), zero]),
    ]);
  const size = (v: string): string => graph.node("Abs", [v]);
  const same = graph.node("Equal", [size(y), size(x)]);
  // y / x, with 1 for two infinities and 0 for two zeros, where the quotient is no number.
  const bothZero = graph.node("And", [same, graph.node("Equal", [x, zero])]);
  const ratio = choose(
    graph,
    bothZero,
    zero,
    choose(graph, same, number(1), graph.node("Div", [size(y), size(x)])),
  );
  const first = graph.node("Atan", [ratio]); // in the first quadrant
  const upper = choose(graph, negative(x), graph.node("Sub", [number(Math.PI), first]), first);
  const signed = choose(graph, negative(y), graph.node("Neg", [upper]), upper);
  const missing = graph.node("Or", [graph.node("IsNaN", [y]), graph.node("IsNaN", [x])]);
  return choose(graph, missing, number(Number.NaN), signed);
};

/** Remainder with the sign of a; of integers, 0 for a divisor of 0. */
const fmod: Write<"fmod"> = (call, graph) => remainder(call, graph, 1);

/** Remainder with the sign of b. */
function floorMod(call: OnnxCall<"mod" | "floorDivide">, graph: Graph): string {
  if (call.dtype() === "int32") return remainder(call, graph, 0);
  const b = call.inputs[1]!;
  const zero = graph.numbers(call.dtype(), [0]);
  const rest = remainder(call, graph, 1);
  const signs = graph.node("Xor", [graph.node("Less", [rest, zero]), graph.node("Less", [b, zero])]);
  const some = graph.node("Not", [graph.node("Equal", [rest, zero])]);
  return choose(graph, graph.node("And", [signs, some]), graph.node("Add", [rest, b]), rest);
}

function remainder(call: OnnxCall<"mod" | "floorDivide" | "fmod">, graph: Graph, fmod: 0 | 1): string {
  const [a, b] = call.inputs as [string, string];
  if (call.dtype() !== "int32") return graph.node("Mod", [a, b], { fmod });
  const zero = graph.numbers("int32", [0]);
  const none = graph.node("Equal", [b, zero]);
  const divisor = choose(graph, none, graph.numbers("int32", [1]), b);
  return choose(graph, none, zero, graph.node("Mod", [a, divisor], { fmod }));
}

/** The exact remainder taken off first, so that rounding never carries the quotient over a whole number. */
const floorDivide: Write<"floorDivide"> = (call, graph) => {
  const [a, b] = call.inputs as [string, string];
  const whole = graph.node("Sub", [a, floorMod(call, graph)]);
  if (call.dtype() !== "int32") {
    const quotient = graph.node("Round", [graph.node("Div", [whole, b])]);
    const zero = graph.node("Equal", [b, graph.numbers(call.dtype(), [0])]);
    return choose(graph, zero, graph.node("Div", [a, b]), quotient);
  }
  const none = graph.node("Equal", [b, graph.numbers("int32", [0])]);
  const divisor = choose(graph, none, graph.numbers("int32", [1]), b);
  return choose(graph, none, graph.numbers("int32", [0]), graph.node("Div", [whole, divisor]));
};

/** ONNX chooses among numbers only. */
const where: Write<"where"> = (call, graph) => {
  const [condition, a, b] = call.inputs as [string, string, string];
  if (call.dtype(1) !== "bool") return choose(graph, condition, a, b);
  const chosen = choose(graph, condition, castTo(graph, a, "int32"), castTo(graph, b, "int32"));
  return castTo(graph, chosen, "bool");
};

const cast: Write<"cast"> = (call, graph) => castTo(graph, call.inputs[0]!, call.fixed("dtype"));

const square: Write<"square"> = ({ inputs: [x] }, graph) => graph.node("Mul", [x!, x!]);

const rsqrt: Write<"rsqrt"> = ({ inputs }, graph) => graph.node("Reciprocal", [graph.node("Sqrt", inputs)]);

/** Rows of what works element by element. */
export const ELEMENTWISE_ROWS: OnnxRows<OpOf<"elementwise" | "transcendental" | "division" | "operands">> = {
  neg: plain("Neg"),
  exp: plain("Exp"),
  expm1,
  log: plain("Log"),
  log1p,
  sqrt: plain("Sqrt"),
  sin: plain("Sin"),
  cos: plain("Cos"),
  tanh: plain("Tanh"),
  erf: plain("Erf"),
  floor: wholeUnlessFloat("Floor"),
  asin: plain("Asin"),
  acos: plain("Acos"),
  atan: plain("Atan"),
  sinh: plain("Sinh"),
  cosh: plain("Cosh"),
  asinh: plain("Asinh"),
  acosh: plain("Acosh"),
  atanh: plain("Atanh"),
  log2,
  add: plain("Add"),
  sub: plain("Sub"),
  mul: plain("Mul"),
  div: plain("Div"),
  pow: plain("Pow"),
  mod: floorMod,
  floorDivide,
  fmod,
  atan2,
  maximum: counted("Max", true),
  minimum: counted("Min", true),
  less: counted("Less"),
  equal: counted("Equal"),
  where,
  cast,
  abs: plain("Abs"),
  square,
  reciprocal: plain("Reciprocal"),
  rsqrt,
  round: wholeUnlessFloat("Round"),
};
