// Rows of views, joining, and windows.

import type { OpOf } from "@echo-ts/tensor/internal";
import type { Graph } from "../graph.ts";
import { isFixed, type PerTrace } from "../sizes.ts";
import { addAt } from "./indexing.ts";
import type { OnnxRows, Write } from "./row.ts";

const sameNumbers = (a: PerTrace, b: PerTrace | undefined): boolean => a.every((n, k) => n === b?.[k]);

const axisOfResult = (i: number): string => `axis ${i} of the result`;

/** A target's axes as numbers where the file can say them without looking at sizes, or null. */
function reshapeTarget(target: readonly PerTrace[], source: readonly PerTrace[]): number[] | null {
  const known = target.map((sizes, i) => {
    if (isFixed(sizes)) return sizes[0]!;
    return sameNumbers(sizes, source[i]) ? 0 : -1; // 0: as in the operand; -1: whatever is left
  });
  return known.filter((n) => n === -1).length <= 1 ? known : null;
}

const reshape: Write<"reshape"> = (call, graph) => {
  const rank = call.number(({ shape }) => shape.length)[0]!;
  const target = Array.from({ length: rank }, (_, i) => call.number(({ shape }) => shape[i]!));
  const x = call.inputs[0]!;
  const empty = target.some((sizes) => isFixed(sizes) && sizes[0] === 0);
  const known = empty ? null : reshapeTarget(target, call.shape());
  if (known !== null) return graph.node("Reshape", [x, graph.list(known)]);
  return graph.node("Reshape", [x, graph.sizes(target, axisOfResult)], { allowzero: 1 });
};

const permute: Write<"permute"> = (call, graph) =>
  graph.node("Transpose", call.inputs, { perm: [...call.fixed("order")] });

const broadcastTo: Write<"broadcastTo"> = (call, graph) => {
  const rank = call.number(({ shape }) => shape.length)[0]!;
  const target = Array.from({ length: rank }, (_, i) => call.number(({ shape }) => shape[i]!));
  const lead = rank - call.rank();
  const source = call.shape();
  // 1 where the operand has the size already.
  const wanted = target.map((sizes, i) =>
    sameNumbers(sizes, source[i - lead]) ? sizes.map(() => 1) : sizes,
  );
  return graph.node("Expand", [call.inputs[0]!, graph.sizes(wanted, axisOfResult)]);
};

/** Stands for "past the first element" where a slice runs backwards. */
const BEFORE_FIRST = -(2 ** 53) + 1;

const slice: Write<"slice"> = (call, graph) => {
  const axes: number[] = [];
  const starts: PerTrace[] = [];
  const ends: PerTrace[] = [];
  const steps: PerTrace[] = [];
  for (let axis = 0; axis < call.rank(); axis++) {
    const start = call.number(({ slices }) => slices[axis]!.start);
    const step = call.number(({ slices }) => slices[axis]!.step);
    const length = call.number(({ slices }) => slices[axis]!.length);
    const whole =
      start.every((n) => n === 0) && step.every((n) => n === 1) && sameNumbers(length, call.size(axis));
    if (whole) continue;
    axes.push(axis);
    starts.push(start);
    steps.push(step);
    ends.push(
      start.map((from, k) => {
        const last = from + (length[k]! - 1) * step[k]!;
        if (length[k] === 0) return from;
        return step[k]! > 0 ? last + 1 : last === 0 ? BEFORE_FIRST : last - 1;
      }),
    );
  }
  if (axes.length === 0) return graph.node("Identity", call.inputs);
  const list = (numbers: readonly PerTrace[], what: string): string =>
    graph.sizes(numbers, (i) => `the ${what} of axis ${axes[i]}`);
  const parts = [list(starts, "start"), list(ends, "end"), graph.list(axes), list(steps, "step")];
  return graph.node("Slice", [call.inputs[0]!, ...parts]);
};

interface Window {
  readonly size: number;
  readonly step: number;
  readonly dilation: number;
}

/** Positions of the elements of windows, int64 [windows, size]. @param count the number of windows, int64 [1] */
function windowIndex(graph: Graph, count: string, { size, step, dilation }: Window): string {
  const taps = Array.from({ length: size }, (_, i) => i * dilation);
  const limit = graph.node("Squeeze", [count]);
  const numbers = graph.node("Range", [graph.numbers("int64", [0]), limit, graph.numbers("int64", [1])]);
  const first = graph.node("Mul", [numbers, graph.numbers("int64", [step])]);
  const column = graph.node("Unsqueeze", [first, graph.list([1])]);
  return graph.node("Add", [column, graph.list(taps)]);
}

/** How many windows fit an axis: floor((size - reach) / step) + 1. */
function windowCount(graph: Graph, size: PerTrace, { size: taps, step, dilation }: Window): string {
  const reach = (taps - 1) * dilation + 1;
  if (isFixed(size)) return graph.list([Math.floor((size[0]! - reach) / step) + 1]);
  const room = graph.sizes([size.map((n) => n - reach)], () => "the axis less a window");
  return graph.node("Add", [graph.node("Div", [room, graph.list([step])]), graph.list([1])]);
}

/** [.., windows, size, ..] with the window's own axis last, and back. */
const movedLast = (rank: number, from: number): number[] => [
  ...Array.from({ length: rank }, (_, i) => i).filter((i) => i !== from),
  from,
];

const unfold: Write<"unfold"> = (call, graph) => {
  const axis = call.fixed("axis");
  const window = { size: call.fixed("size"), step: call.fixed("step"), dilation: call.fixed("dilation") };
  const windows = graph.node(
    "Gather",
    [call.inputs[0]!, windowIndex(graph, windowCount(graph, call.size(axis), window), window)],
    { axis },
  );
  return graph.node("Transpose", [windows], { perm: movedLast(call.rank() + 1, axis + 1) });
};

const fold: Write<"fold"> = (call, graph) => {
  const axis = call.fixed("axis");
  const window = { size: call.fixed("size"), step: call.fixed("step"), dilation: call.fixed("dilation") };
  const rank = call.rank();
  const order = Array.from({ length: rank - 1 }, (_, i) => i);
  order.splice(axis + 1, 0, rank - 1);
  const windows = graph.node("Transpose", call.inputs, { perm: order }); // [.., windows, size, ..]
  const shape = call.shape().slice(0, -1);
  const index = windowIndex(
    graph,
    graph.sizes([shape[axis]!], () => "the number of windows"),
    window,
  );
  const length = call.number((params) => params.length);
  const whole = shape.map((sizes, i) => (i === axis ? length : sizes));
  const zero = graph.numbers(call.dtype(), [0]);
  const zeros = graph.node("Expand", [zero, graph.sizes(whole, axisOfResult)]);
  const flat = shape.map((sizes, i) => (i === axis ? sizes.map((n) => n * window.size) : sizes));
  return addAt(graph, zeros, index, windows, { axis, shape: flat });
};

const pad: Write<"pad"> = (call, graph) => {
  const widths = call.fixed("widths");
  const pads = [...widths.map(([before]) => before), ...widths.map(([, after]) => after)];
  if (pads.every((n) => n === 0)) return graph.node("Identity", call.inputs);
  return graph.node("Pad", [
    call.inputs[0]!,
    graph.list(pads),
    graph.numbers(call.dtype(), [call.fixed("value")]),
  ]);
};

/** Rows of what moves elements without an index. */
export const SHAPING_ROWS: OnnxRows<OpOf<"shaping" | "joining">> = {
  reshape,
  permute,
  broadcastTo,
  slice,
  unfold,
  fold,
  pad,
  concat: (call, graph) => graph.node("Concat", call.inputs, { axis: call.fixed("axis") }),
};
