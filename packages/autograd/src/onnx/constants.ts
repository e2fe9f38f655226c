// Tensors that the function made on the host. Those that are the same in every trace go into the file as they are.
// Those that depend on the sizes alone are written as what makes them: a number that follows from a size, one value
// everywhere, numbers in steps, or the beginning of a table that was made for the largest size. Anything else is
// refused, because nothing says what it would be for another call. Read next: export-onnx.ts.

import type { DType, TypedArray } from "@echo-ts/tensor";
import type { Graph } from "./graph.ts";
import { bytesOf, DATA_TYPES } from "./model-file.ts";
import { OnnxError } from "./onnx-error.ts";
import { type Expression, isFixed, type PerTrace } from "./sizes.ts";
import { type Constant, sizesOf, type Value } from "./trace.ts";

/** Which traces there are, beside those of other sizes. */
export interface Plan {
  /** The trace whose values differ from the first one's, and whose sizes do not. */
  readonly turned: number;
  /** The trace at the largest sizes, or null. */
  readonly largest: number | null;
}

/** A constant in each trace. */
interface Made {
  readonly dtype: DType;
  readonly shape: readonly PerTrace[];
  readonly data: readonly TypedArray[];
}

const dataOf = ({ from }: Value): TypedArray => (from as Constant).data;

const sameValues = (a: TypedArray, b: TypedArray): boolean =>
  a.length === b.length && a.every((x, i) => Object.is(x, b[i]));

/**
 * Writes a constant.
 *
 * @param consumer what uses it, for messages
 * @throws OnnxError if it follows neither from sizes nor from nothing
 */
export function writeConstant(graph: Graph, values: readonly Value[], plan: Plan, consumer: string): string {
  const made: Made = { dtype: values[0]!.dtype, shape: sizesOf(values), data: values.map(dataOf) };
  const first = made.data[0]!;
  if (!sameValues(first, made.data[plan.turned]!)) {
    throw new OnnxError(
      `exportOnnx: ${consumer} takes a tensor that was made on the host from the values of an input; compute it with ops, or make it an input`,
    );
  }
  const shape = made.shape.map((sizes) => sizes[0]!);
  if (made.shape.every(isFixed) && made.data.every((one) => sameValues(one, first))) {
    return graph.constant(made.dtype, shape, bytesOf(first));
  }
  const written =
    singleNumber(graph, made) ??
    uniform(graph, made) ??
    progression(graph, made) ??
    beginning(graph, made, plan);
  if (written !== null) return written;
  const remedy =
    plan.largest === null && longAxis(made) !== null
      ? "; if it is the beginning of a table, say how long that may get: { largest: { name: size } }"
      : "; compute it with ops, or make it an input";
  throw new OnnxError(
    `exportOnnx: ${consumer} takes a tensor that was made on the host and depends on the size of an axis in a way that is not known${remedy}`,
  );
}

/** An expression as a tensor of the dtype, rank 0 or, if given, of a shape of ones. */
function asNumber(
  graph: Graph,
  expression: Expression,
  numbers: PerTrace,
  dtype: DType,
  rank: number,
): string {
  if (expression.kind === "constant")
    return graph.numbers(dtype, [expression.value], new Array(rank).fill(1));
  const size = graph.node("Cast", [graph.sizes([numbers], () => "a number")], { to: DATA_TYPES[dtype] });
  return graph.node("Reshape", [size, graph.list(new Array<number>(rank).fill(1))]);
}

/** One element that follows from a size, such as the divisor of a mean, or its inverse. */
function singleNumber(graph: Graph, { dtype, shape, data }: Made): string | null {
  if (data.some(({ length }) => length !== 1) || !shape.every(isFixed)) return null;
  const numbers = data.map((one) => one[0]!);
  const whole = graph.symbols.express(numbers);
  if (whole !== null) return asNumber(graph, whole, numbers, dtype, shape.length);
  const inverses = numbers.map((n) => Math.round(1 / n));
  const round = dtype === "float32" ? Math.fround : (x: number): number => x;
  const inverse = graph.symbols.express(inverses);
  if (inverse === null || numbers.some((n, k) => n !== round(1 / inverses[k]!))) return null;
  return graph.node("Reciprocal", [asNumber(graph, inverse, inverses, dtype, shape.length)]);
}

/** The same value everywhere, in a shape that follows from sizes. */
function uniform(graph: Graph, { dtype, shape, data }: Made): string | null {
  const value = data.find(({ length }) => length > 0)?.[0] ?? 0;
  if (!data.every((one) => one.every((x) => Object.is(x, value)))) return null;
  return graph.node("Expand", [
    graph.numbers(dtype, [value]),
    graph.sizes(shape, (i) => `axis ${i} of a constant`),
  ]);
}

/** A list of numbers one step apart, such as positions. */
function progression(graph: Graph, { dtype, shape, data }: Made): string | null {
  if (shape.length !== 1 || data.some(({ length }) => length < 2) || dtype === "bool") return null;
  const step = data[0]![1]! - data[0]![0]!;
  const starts = data.map((one) => one[0]!);
  if (!data.every((one, k) => one.every((x, i) => x === starts[k]! + i * step))) return null;
  const start = graph.symbols.express(starts);
  if (start === null) return null;
  const limit = graph.node("Squeeze", [graph.sizes(shape, () => "the length of a list of positions")]);
  const counted = graph.node("Range", [graph.numbers("int64", [0]), limit, graph.numbers("int64", [1])]);
  let list = graph.node("Cast", [counted], { to: DATA_TYPES[dtype] });
  if (step !== 1) list = graph.node("Mul", [list, graph.numbers(dtype, [step])]);
  if (start.kind === "constant" && start.value === 0) return list;
  return graph.node("Add", [list, asNumber(graph, start, starts, dtype, 0)]);
}

/** The one axis whose size differs, or null. */
function longAxis({ shape }: Made): number | null {
  const varying = shape.flatMap((sizes, axis) => (isFixed(sizes) ? [] : [axis]));
  return varying.length === 1 ? varying[0]! : null;
}

/** The beginning of a table that was made for the largest size, such as rotary angles. */
function beginning(graph: Graph, made: Made, { largest }: Plan): string | null {
  const axis = longAxis(made);
  if (axis === null || largest === null) return null;
  const { dtype, shape, data } = made;
  const table = data[largest]!;
  const inner = shape.slice(axis + 1).reduce((n, sizes) => n * sizes[0]!, 1);
  const rows = shape[axis]![largest]!;
  const isBeginning = data.every((one, k) => {
    const width = shape[axis]![k]! * inner;
    return one.every((x, i) => Object.is(x, table[Math.floor(i / width) * rows * inner + (i % width)]));
  });
  if (!isBeginning || shape[axis]!.some((n) => n > rows)) return null;
  const whole = graph.constant(
    dtype,
    shape.map((sizes) => sizes[largest]!),
    bytesOf(table),
  );
  const end = graph.sizes([shape[axis]!], () => `axis ${axis} of a table`);
  return graph.node("Slice", [whole, graph.list([0]), end, graph.list([axis])]);
}
