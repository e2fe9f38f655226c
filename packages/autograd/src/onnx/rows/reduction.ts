// Rows of sums, maxima, running sums and matrix products.

import type { Op, OpOf } from "@echo-ts/tensor/internal";
import type { Graph } from "../graph.ts";
import { castTo } from "./elementwise.ts";
import type { OnnxCall, OnnxRows, Write } from "./row.ts";

/** True where an element is NaN. */
export const isMissing = (graph: Graph, x: string): string => graph.node("IsNaN", [x]);

const isFloat = (call: OnnxCall<Op>): boolean => call.dtype().startsWith("float");

const sum: Write<"sum"> = (call, graph) => {
  const axes = call.fixed("axes");
  if (axes.length === 0) return graph.node("Identity", call.inputs);
  return graph.node("ReduceSum", [...call.inputs, graph.list(axes)], {
    keepdims: Number(call.fixed("keepDims")),
  });
};

/** Runtimes differ in what they make of NaN, so that NaN is looked for by itself. */
const max: Write<"max"> = (call, graph) => {
  const [axes, keepdims] = [call.fixed("axes"), Number(call.fixed("keepDims"))];
  if (axes.length === 0) return graph.node("Identity", call.inputs);
  const given = call.inputs[0]!;
  const x = call.dtype() === "bool" ? castTo(graph, given, "int32") : given;
  const top = graph.node("ReduceMax", [x], { axes, keepdims });
  if (call.dtype() === "bool") return castTo(graph, top, "bool");
  if (!isFloat(call)) return top;
  const missing = castTo(graph, isMissing(graph, x), "int32");
  const any = castTo(graph, graph.node("ReduceMax", [missing], { axes, keepdims }), "bool");
  return graph.node("Where", [any, graph.numbers(call.dtype(), [Number.NaN]), top]);
};

/** NaN counts as the largest. */
const argmax: Write<"argmax"> = (call, graph) => {
  const axis = call.fixed("axis");
  const first = (x: string): string => graph.node("ArgMax", [x], { axis, keepdims: 0, select_last_index: 0 });
  const given = call.inputs[0]!;
  if (!isFloat(call))
    return castTo(graph, first(call.dtype() === "bool" ? castTo(graph, given, "int32") : given), "int32");
  const missing = castTo(graph, isMissing(graph, given), "int32");
  const any = castTo(graph, graph.node("ReduceMax", [missing], { axes: [axis], keepdims: 0 }), "bool");
  return castTo(graph, graph.node("Where", [any, first(missing), first(given)]), "int32");
};

const cumsum: Write<"cumsum"> = (call, graph) =>
  graph.node("CumSum", [call.inputs[0]!, graph.numbers("int32", [call.fixed("axis")])]);

const linear: Write<"linear"> = ({ inputs: [x, weight, bias] }, graph) => {
  const y = graph.node("MatMul", [x!, graph.node("Transpose", [weight!], { perm: [1, 0] })]);
  return bias === undefined ? y : graph.node("Add", [y, bias]);
};

/** Rows of reductions and products. */
export const REDUCTION_ROWS: OnnxRows<OpOf<"reduction" | "linearAlgebra">> = {
  sum,
  max,
  argmax,
  cumsum,
  matmul: ({ inputs }, graph) => graph.node("MatMul", inputs),
  linear,
};
