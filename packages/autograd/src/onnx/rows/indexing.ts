// Rows of what reads or writes by index. An index outside its axis is refused by @echo-ts/tensor; what a runtime does
// with one is its own affair, and negative ones count from the end there.

import type { OpOf } from "@echo-ts/tensor/internal";
import type { Graph } from "../graph.ts";
import type { PerTrace } from "../sizes.ts";
import { castTo } from "./elementwise.ts";
import { isMissing } from "./reduction.ts";
import type { OnnxRows, Write } from "./row.ts";

/**
 * x with `source` added along an axis at an index of any shape.
 *
 * @param flat the shape of `source` with the axes of the index as one
 */
export function addAt(
  graph: Graph,
  x: string,
  index: string,
  source: string,
  flat: { readonly axis: number; readonly shape: readonly PerTrace[] },
): string {
  const { axis, shape } = flat;
  const target = graph.sizes(shape, (i) => `axis ${i} of what is added`);
  const added = graph.node("Reshape", [source, target], { allowzero: 1 });
  const column = shape.map((_, i) => (i === axis ? -1 : 1));
  const line = graph.node("Reshape", [index, graph.list([-1])]);
  const spread = graph.node("Expand", [graph.node("Reshape", [line, graph.list(column)]), target]);
  return graph.node("ScatterElements", [x, spread, added], { axis, reduction: "add" });
}

const indexAdd: Write<"indexAdd"> = (call, graph) => {
  const axis = call.fixed("axis");
  const [x, index, source] = call.inputs as [string, string, string];
  const count = call.shape(1).reduce<PerTrace>(
    (product, sizes) => product.map((n, k) => n * sizes[k]!),
    call.number(() => 1),
  );
  const shape = call.shape().map((sizes, i) => (i === axis ? count : sizes));
  return addAt(graph, x, index, source, { axis, shape });
};

/** Stable: ONNX puts the lower index first among equal elements. */
function order(graph: Graph, x: string, count: string, axis: number, largest: 0 | 1): string {
  return graph.node("TopK", [x, count], { axis, largest, sorted: 1 }, 2, 1);
}

const argsort: Write<"argsort"> = (call, graph) => {
  const [x] = call.inputs as [string];
  if (call.rank() === 0) return graph.numbers("int32", [0]);
  const axis = call.fixed("axis");
  const largest = call.fixed("descending") ? 1 : 0;
  const wanted = graph.sizes([call.number(({ count }) => count)], () => "the number of positions");
  if (!call.dtype().startsWith("float")) {
    const numbers = call.dtype() === "bool" ? castTo(graph, x, "int32") : x;
    return castTo(graph, order(graph, numbers, wanted, axis, largest), "int32");
  }
  // NaN has no place among numbers: first all by value with 0 in its stead, then, stably, NaN to its end.
  const all = graph.sizes([call.size(axis)], () => "the axis");
  const missing = isMissing(graph, x);
  const filled = graph.node("Where", [missing, graph.numbers(call.dtype(), [0]), x]);
  const byValue = order(graph, filled, all, axis, largest);
  const flags = graph.node("GatherElements", [castTo(graph, missing, "int32"), byValue], { axis });
  const byKind = order(graph, flags, wanted, axis, call.fixed("nanFirst") ? 1 : 0);
  return castTo(graph, graph.node("GatherElements", [byValue, byKind], { axis }), "int32");
};

const scattered =
  (reduction: "add" | "none"): Write<"scatter" | "scatterAdd"> =>
  (call, graph) =>
    graph.node("ScatterElements", call.inputs, { axis: call.fixed("axis"), reduction });

/** Rows of gathering, scattering and sorting. */
export const INDEXING_ROWS: OnnxRows<OpOf<"indexing">> = {
  gather: (call, graph) => graph.node("GatherElements", call.inputs, { axis: call.fixed("axis") }),
  scatterAdd: scattered("add"),
  scatter: scattered("none"),
  indexSelect: (call, graph) => graph.node("Gather", call.inputs, { axis: call.fixed("axis") }),
  indexAdd,
  argsort,
};
