// The graph as it is being written: nodes, constants (each once), and sizes as int64 tensors. The rows of rows/ call
// it. Read next: rows.ts.

import type { DType } from "@echo-ts/tensor";
import {
  type Attribute,
  bytesOf,
  type InitializerRecord,
  type NodeRecord,
  type OnnxType,
  type ValueRecord,
} from "./model-file.ts";
import { OnnxError } from "./onnx-error.ts";
import { type Expression, isFixed, type PerTrace, type Symbol, Symbols } from "./sizes.ts";

const ARRAYS = {
  float32: (values: readonly number[]) => Float32Array.from(values),
  float64: (values: readonly number[]) => Float64Array.from(values),
  int32: (values: readonly number[]) => Int32Array.from(values),
  bool: (values: readonly number[]) => Uint8Array.from(values),
  int64: (values: readonly number[]) => BigInt64Array.from(values, BigInt),
} as const;

const sameBytes = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((byte, i) => byte === b[i]);

/** Nodes, initializers and sizes of a graph. */
export class Graph {
  readonly nodes: NodeRecord[] = [];
  readonly initializers: InitializerRecord[] = [];
  readonly values: ValueRecord[] = [];
  readonly symbols: Symbols = new Symbols();
  /** The op that is being written, for messages. */
  writing = "";
  readonly #constants = new Map<string, InitializerRecord[]>();
  readonly #sizes = new Map<string, string>();
  readonly #taken = new Set<string>();

  /** A name that nothing has yet: the wish, or the wish and a number. */
  fresh(wish: string): string {
    let name = wish;
    for (let i = 1; this.#taken.has(name); i++) name = `${wish}_${i}`;
    this.#taken.add(name);
    return name;
  }

  /** Adds a node. @returns the name of its output, or of the one of its `count` outputs that is wanted */
  node(
    type: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, Attribute>> = {},
    count = 1,
    wanted = 0,
  ): string {
    const outputs = Array.from({ length: count }, () => this.fresh(type.toLowerCase()));
    this.nodes.push({ type, inputs, outputs, attributes });
    return outputs[wanted]!;
  }

  /** A tensor whose bytes go into the file; equal ones are one. */
  constant(type: OnnxType, shape: readonly number[], data: Uint8Array): string {
    const key = `${type} [${shape}]`;
    const alike = this.#constants.get(key) ?? [];
    const found = alike.find((one) => sameBytes(one.data, data));
    if (found !== undefined) return found.name;
    const record = { name: this.fresh("constant"), type, shape, data: data.slice() };
    this.initializers.push(record);
    this.#constants.set(key, [...alike, record]);
    return record.name;
  }

  /** Constants of a type and shape; rank 0 unless given. */
  numbers(type: DType | "int64", values: readonly number[], shape: readonly number[] = []): string {
    return this.constant(type, shape, bytesOf(ARRAYS[type](values)));
  }

  /** A list of whole numbers, int64 [n]: what ONNX takes for shapes, axes and positions. */
  list(values: readonly number[]): string {
    return this.numbers("int64", values, [values.length]);
  }

  /**
   * A list of sizes or positions, each given for every trace: int64 [n].
   *
   * @param what they are, for the message: "axis 1 of the result"
   * @throws OnnxError if one does not follow from the sizes of axes
   */
  sizes(numbers: readonly PerTrace[], what: (i: number) => string): string {
    if (numbers.every(isFixed)) return this.list(numbers.map((n) => n[0]!));
    const parts = numbers.map((n, i) => this.#size(this.expressed(n, () => what(i))));
    return parts.length === 1 ? parts[0]! : this.node("Concat", parts, { axis: 0 });
  }

  /** How a number follows from sizes. @throws OnnxError if it does not */
  expressed(numbers: PerTrace, what: () => string): Expression {
    const found = this.symbols.express(numbers);
    if (found !== null) return found;
    throw new OnnxError(
      `exportOnnx: ${this.writing}: ${what()} is ${numbers.join(", ")} in calls with different sizes, which is no whole multiple of an axis plus a number; make that axis fixed`,
    );
  }

  /** An expression as int64 [1]. */
  #size(expression: Expression): string {
    if (expression.kind === "constant") return this.list([expression.value]);
    const { factor } = expression;
    const offset = expression.kind === "affine" ? expression.offset : 0;
    const symbols = expression.kind === "affine" ? [expression.symbol] : [expression.left, expression.right];
    const key = `${symbols.map(({ name }) => name)} ${factor} ${offset}`;
    const known = this.#sizes.get(key);
    if (known !== undefined) return known;
    let size = symbols.map((symbol) => this.#read(symbol)).reduce((a, b) => this.node("Mul", [a, b]));
    if (factor !== 1) size = this.node("Mul", [size, this.list([factor])]);
    if (offset !== 0) size = this.node("Add", [size, this.list([offset])]);
    this.#sizes.set(key, size);
    return size;
  }

  #read({ name, value, axis }: Symbol): string {
    const known = this.#sizes.get(name);
    if (known !== undefined) return known;
    const size = this.node("Shape", [value], { start: axis, end: axis + 1 });
    this.#sizes.set(name, size);
    return size;
  }

  /** Notes the type and shape of a value under its name, and makes its axes known as symbols. */
  declare(
    name: string,
    type: DType,
    axes: readonly PerTrace[],
    symbols: readonly (string | undefined)[] = [],
  ): ValueRecord {
    axes.forEach((sizes, axis) => {
      this.symbols.add(sizes, name, axis, symbols[axis]);
    });
    const shape = axes.map((sizes) => (isFixed(sizes) ? sizes[0]! : this.symbols.find(sizes)!.name));
    return { name, type, shape };
  }
}
