// Writing a function of tensors as an ONNX file: it is called a few times, at different sizes, while its ops are watched;
// the calls are laid over one another; every op is written by its row. Reading order: trace.ts, align.ts, sizes.ts,
// graph.ts, rows.ts, constants.ts.

import { flip, formatShape, indexSelect, mul, type Storage, Tensor, tensor } from "@echo-ts/tensor";
import {
  checkFunction,
  checkOptions,
  type Op,
  type OpParams,
  type OptionKinds,
  wrongArgument,
} from "@echo-ts/tensor/internal";
import { withRecording } from "../engine.ts";
import { Module } from "../nn/module.ts";
import { type Aligned, align, opOf } from "./align.ts";
import { type Plan, writeConstant } from "./constants.ts";
import { Graph } from "./graph.ts";
import { bytesOf, type ValueRecord, writeModel } from "./model-file.ts";
import { OnnxError } from "./onnx-error.ts";
import { OnnxCall, type Operand } from "./rows/row.ts";
import { rowOf } from "./rows.ts";
import { type Call, type Inputs, type Outputs, sizesOf, traceCall, type Weight } from "./trace.ts";

/** Options of `exportOnnx`. */
export interface OnnxOptions {
  /**
   * The axes whose size may differ from call to call, by input and axis: `{ x: { 0: "batch", 1: "time" } }`. Axes of
   * one name have one size. The example needs at least 2 there. All others are fixed to the example's sizes.
   */
  readonly dynamicAxes?: Readonly<Record<string, Readonly<Record<number, string>>>>;
  /**
   * The largest size of a named axis, for functions that make tables on the host, such as positions: the file then has
   * the whole table, and a call uses its beginning.
   */
  readonly largest?: Readonly<Record<string, number>>;
  /** Tensors to name in the file: a module, whose weights get their state-dict names, or tensors by name. */
  readonly weights?: Module | Readonly<Record<string, Tensor>>;
  /** Name of the graph, default "graph". */
  readonly name?: string;
  /** Free text kept in the file. */
  readonly metadata?: Readonly<Record<string, string>>;
}

const OPTIONS: OptionKinds<OnnxOptions> = {
  dynamicAxes: "any",
  largest: "any",
  weights: "any",
  name: "string",
  metadata: "any",
};

/** By how much each named axis is longer in the traces after the first: no two alike, and no one a multiple of another. */
const LONGER = [
  [1, 3, 7],
  [2, 11, 5],
  [13, 4, 17],
  [6, 19, 10],
  [23, 8, 14],
  [9, 29, 21],
] as const;

/**
 * Writes a function of tensors as an ONNX file (operator set 17), for onnxruntime and every other runtime of that format.
 *
 * The function is called up to six times: with the inputs as they are, with their values turned around, and with the
 * named axes longer. It must compute the same ops each time, and must not read values on the host: a branch, a loop
 * whose length depends on a named axis, and a tensor that was made from an input's values are refused. Sizes that
 * follow from named axes are computed in the graph: each is checked in all of the calls. Fused ops without an
 * equal in ONNX are written as the ops of their definition. int32 and bool stay what they are.
 *
 * @param fn takes the inputs as an object of the same names, returns a tensor (named "output") or an object of them.
 *   Switch dropout off first: `model.eval()`
 * @param inputs an example of each input, in host memory
 * @returns the bytes of the file
 * @throws OnnxError naming the op or the axis, if the function cannot be written; ArgumentError for wrong arguments
 * @example
 * const bytes = await exportOnnx(({ x }) => layer.forward(x), { x: zeros([2, 3]) }, {
 *   dynamicAxes: { x: { 0: "batch" } },
 *   weights: layer,
 * });
 */
export async function exportOnnx<I extends Inputs>(
  fn: (inputs: I) => Outputs,
  inputs: I,
  options: OnnxOptions = {},
): Promise<Uint8Array<ArrayBuffer>> {
  checkFunction("exportOnnx", "fn", fn);
  checkOptions("exportOnnx", options, OPTIONS);
  checkInputs(inputs);
  const { dynamicAxes = {}, largest = {}, name = "graph", metadata = {} } = options;
  const symbols = checkedAxes(inputs, dynamicAxes, largest);
  const sizes = plannedSizes(symbols, largest);
  const plan: Plan = { turned: 1, largest: Object.keys(largest).length > 0 ? sizes.length - 1 : null };
  const weights = namedWeights(options.weights);
  const examples = sizes.map((wanted, k) => resized(inputs, dynamicAxes, wanted, k === plan.turned));
  const traces = examples.map((example) => traceCall(fn, example as I, weights));
  const describe = (k: number): string =>
    k === plan.turned
      ? "its values are turned around"
      : [...sizes[k]!].map(([symbol, size]) => `${symbol} is ${size}`).join(" and ") || "it is called first";
  const { order, outputs } = align(traces, describe);
  const graph = new Graph();
  const inputRecords = Object.entries(inputs).map(([input, { shape, dtype }]) => {
    const axes = shape.map((_, axis) => examples.map((example) => example[input]!.shape[axis]!));
    return graph.declare(
      graph.fresh(input),
      dtype,
      axes,
      shape.map((_, axis) => dynamicAxes[input]?.[axis]),
    );
  });
  for (const output of outputs.keys()) {
    if (graph.fresh(output) === output) continue;
    throw new OnnxError(
      `exportOnnx: a result has the name of the input "${output}"; names in a file are given once`,
    );
  }
  const names = await writeValues(graph, order, plan);
  const outputRecords = [...outputs].map(([output, value]): ValueRecord => {
    // A result may be an input, or another result's value: it gets its own name by a node of its own.
    graph.nodes.push({ type: "Identity", inputs: [names.get(value)!], outputs: [output], attributes: {} });
    return graph.declare(output, value.values[0]!.dtype, sizesOf(value.values));
  });
  return writeModel({
    name,
    nodes: graph.nodes,
    initializers: graph.initializers,
    inputs: inputRecords,
    outputs: outputRecords,
    values: graph.values,
    metadata,
  });
}

/** Writes every value. @returns their names */
async function writeValues(
  graph: Graph,
  order: readonly Aligned[],
  plan: Plan,
): Promise<Map<Aligned, string>> {
  const names = new Map<Aligned, string>();
  const consumers = new Map<Aligned, string>();
  for (const value of order) {
    for (const [i, input] of value.inputs.entries()) {
      if (!consumers.has(input)) consumers.set(input, `${opOf(value)}: input ${i}`);
    }
  }
  for (const value of order) {
    const { from, dtype, shape } = value.values[0]!;
    if (from.kind === "input") names.set(value, from.name);
    else if (from.kind === "weight") {
      const name = graph.fresh(from.name);
      graph.initializers.push({ name, type: dtype, shape, data: bytesOf(await from.tensor.data()) });
      names.set(value, name);
    } else if (from.kind === "constant") {
      names.set(value, writeConstant(graph, value.values, plan, consumers.get(value) ?? "a result"));
    } else {
      names.set(value, writeCall(graph, from.op, value, names));
    }
  }
  return names;
}

function writeCall<P extends Op>(
  graph: Graph,
  op: P,
  value: Aligned,
  names: ReadonlyMap<Aligned, string>,
): string {
  const calls = value.values.map(({ from }) => from as Call);
  const operands = calls.map(({ inputs }) => inputs as readonly Operand[]);
  const params = calls.map((call) => call.params as OpParams[P]);
  graph.writing = op;
  const inputs = value.inputs.map((input) => names.get(input)!);
  const name = rowOf(op)(new OnnxCall(op, inputs, operands, params), graph);
  graph.values.push(graph.declare(name, value.values[0]!.dtype, sizesOf(value.values)));
  return name;
}

function checkInputs(inputs: Inputs): void {
  const named = typeof inputs === "object" && inputs !== null && !(inputs instanceof Tensor);
  if (!named) throw wrongArgument("exportOnnx", "inputs", "an object of named tensors", inputs);
  for (const [name, x] of Object.entries(inputs)) {
    if (!(x instanceof Tensor)) throw wrongArgument("exportOnnx", `inputs.${name}`, "a tensor", x);
    if (!x.backend.host) {
      throw new OnnxError(
        `exportOnnx: input "${name}" is on ${x.backend.name}; move it and the model with toBackend`,
      );
    }
  }
}

/** The named axes with their sizes in the example. */
function checkedAxes(
  inputs: Inputs,
  dynamicAxes: NonNullable<OnnxOptions["dynamicAxes"]>,
  largest: Readonly<Record<string, number>>,
): Map<string, number> {
  const symbols = new Map<string, number>();
  for (const [input, axes] of Object.entries(dynamicAxes)) {
    const x = inputs[input];
    if (x === undefined) {
      throw new OnnxError(
        `exportOnnx: dynamicAxes names the input "${input}", expected one of ${Object.keys(inputs).join(", ")}`,
      );
    }
    for (const [axis, symbol] of Object.entries(axes)) {
      const size = x.shape[Number(axis)];
      const where = `axis ${axis} of input "${input}" ${formatShape(x.shape)}`;
      if (size === undefined)
        throw new OnnxError(`exportOnnx: dynamicAxes names ${where}, which has no such axis`);
      if (size < 2) {
        throw new OnnxError(
          `exportOnnx: ${where} is to be dynamic and has size ${size}; give an example with 2 or more, since 1 would be stretched`,
        );
      }
      const known = symbols.get(symbol);
      if (known !== undefined && known !== size) {
        throw new OnnxError(`exportOnnx: ${where} is named "${symbol}", which has size ${known} elsewhere`);
      }
      symbols.set(symbol, size);
    }
  }
  for (const [symbol, size] of Object.entries(largest)) {
    const example = symbols.get(symbol);
    if (example === undefined || !Number.isInteger(size) || size < example) {
      throw new OnnxError(
        `exportOnnx: largest.${symbol} is ${size}, expected the name of a dynamic axis and a size from that of the example, ${example ?? "which has none"}`,
      );
    }
  }
  if (symbols.size > LONGER.length) {
    throw new OnnxError(
      `exportOnnx: expected at most ${LONGER.length} names of dynamic axes, got ${symbols.size}`,
    );
  }
  return symbols;
}

/** The sizes of the named axes in each trace: twice those of the example, longer ones, the largest. */
function plannedSizes(
  symbols: ReadonlyMap<string, number>,
  largest: Readonly<Record<string, number>>,
): ReadonlyMap<string, number>[] {
  const names = [...symbols];
  const bounded = (name: string, size: number): number => Math.min(size, largest[name] ?? size);
  const longer = (k: number): Map<string, number> =>
    new Map(names.map(([name, size], i) => [name, bounded(name, size + LONGER[i]![k]!)]));
  const traces =
    names.length === 0 ? [symbols, symbols] : [symbols, symbols, longer(0), longer(1), longer(2)];
  if (Object.keys(largest).length > 0)
    traces.push(new Map(names.map(([name, size]) => [name, largest[name] ?? size])));
  return traces;
}

/** Inputs of other sizes: repeated from their beginning along the named axes. Turned: other values in the same sizes. */
function resized(
  inputs: Inputs,
  dynamicAxes: NonNullable<OnnxOptions["dynamicAxes"]>,
  sizes: ReadonlyMap<string, number>,
  turned: boolean,
): Inputs {
  const entries = Object.entries(inputs).map(([name, given]): [string, Tensor] => {
    let x = given;
    for (const [key, symbol] of Object.entries(dynamicAxes[name] ?? {})) {
      const axis = Number(key);
      const index = Int32Array.from({ length: sizes.get(symbol)! }, (_, i) => i % given.shape[axis]!);
      x = indexSelect(x, axis, tensor(index, { backend: x.backend }));
    }
    if (turned) {
      for (let axis = 0; axis < x.rank; axis++) x = flip(x, axis);
      if (x.dtype !== "bool" && x.dtype !== "int32") x = mul(x, 0.75);
    }
    return [
      name,
      x.trace === null
        ? new Tensor(x.storage, x.shape, x.strides, x.offset)
        : withRecording(false, () => x.clone()),
    ];
  });
  return Object.fromEntries(entries);
}

/** Tensors by their storages. */
function namedWeights(given: OnnxOptions["weights"]): Map<Storage, Weight> {
  const named =
    given === undefined
      ? []
      : given instanceof Module
        ? given.namedTensors().map(({ name, value }): [string, unknown] => [name, value])
        : Object.entries(given);
  const weights = new Map<Storage, Weight>();
  for (const [name, value] of named) {
    if (!(value instanceof Tensor)) throw wrongArgument("exportOnnx", `weights.${name}`, "a tensor", value);
    if (!weights.has(value.storage)) weights.set(value.storage, { kind: "weight", name, tensor: value });
  }
  return weights;
}
