// What an op is: a row that says what it computes, the shape and dtype of its result, and how it is
// composed of other ops if it is. Each family of ops/ declares its rows with the functions below; op-table.ts
// puts all rows into one table. Read next: op-params.ts, tensor.ts, apply.ts, then ops/elementwise.ts.

import { type DType, toFloating } from "./dtype.ts";
import type { Op } from "./op-table.ts";
import { broadcastShapes, type Shape } from "./shape.ts";
import type { Tensor } from "./tensor.ts";

/** What a rule sees of an input. */
export interface Operand {
  readonly shape: Shape;
  readonly dtype: DType;
}

/** The parameters of an op that takes none. */
export type None = Readonly<Record<string, never>>;

/** Meaning of an op in one line, and the shape and dtype of its result. */
export interface Rule<P> {
  readonly meaning: string;
  /** @param op the name for error messages */
  shape(inputs: readonly Operand[], params: P, op: string): Shape;
  dtype(inputs: readonly Operand[], params: P): DType;
}

/** How a fused op is composed of other ops: its meaning, its fallback, and its test oracle. */
export type Definition<P> = (inputs: readonly Tensor[], params: P) => Tensor;

/** One row of the table of ops. */
export interface OpRow<P> extends Rule<P> {
  readonly name: Op;
  readonly kind: "primitive" | "view" | "fused";
  /** Fused ops only. */
  readonly definition: Definition<P> | null;
}

/** An op with a kernel on the reference backend, which other backends may fall back to. */
export interface PrimitiveRow<P = None> extends OpRow<P> {
  readonly kind: "primitive";
  readonly definition: null;
}

/** An op that gives the storage of its input another layout, without a kernel. */
export interface ViewRow<P = None> extends OpRow<P> {
  readonly kind: "view";
  readonly definition: null;
}

/** An op defined by a composition of other ops, which a backend may replace by one kernel. */
export interface FusedRow<P = None> extends OpRow<P> {
  readonly kind: "fused";
  readonly definition: Definition<P>;
}

/** A row whose name `rows` fills in; every row has the same fields in the same order, which keeps the funnel fast. */
function row<K extends OpRow<P>["kind"], D, P>(
  kind: K,
  { meaning, shape, dtype }: Rule<P>,
  definition: D,
): Rule<P> & { readonly name: Op; readonly kind: K; readonly definition: D } {
  return { name: "" as Op, kind, meaning, shape, dtype, definition };
}

/** The row of a primitive. */
export function primitive<P>(rule: Rule<P>): PrimitiveRow<P> {
  return row("primitive", rule, null);
}

/** The row of a view. */
export function view<P>(rule: Rule<P>): ViewRow<P> {
  return row("view", rule, null);
}

/** The row of a fused op. */
export function fused<P>(rule: Rule<NoInfer<P>>, definition: Definition<P>): FusedRow<P> {
  return row("fused", rule, definition);
}

/** The rows of a family, each named by its key. */
export function rows<R extends object>(family: R): Readonly<R> {
  for (const [name, one] of Object.entries(family)) one.name = name;
  return family;
}

/** Shape rule: that of the first input. */
export const firstShape = (inputs: readonly Operand[]): Shape => inputs[0]!.shape;
/** Dtype rule: that of the first input. */
export const sameDtype = (inputs: readonly Operand[]): DType => inputs[0]!.dtype;
/** Dtype rule: float64 for float64, else float32. */
export const floating = (inputs: readonly Operand[]): DType => toFloating(inputs[0]!.dtype);
/** Dtype rule: int32 for bool, else that of the first input. */
export const countable = (inputs: readonly Operand[]): DType =>
  inputs[0]!.dtype === "bool" ? "int32" : inputs[0]!.dtype;
/** Dtype rule: bool. */
export const bool = (): DType => "bool";
/** Dtype rule: int32. */
export const int32 = (): DType => "int32";

type DtypeRule = (inputs: readonly Operand[]) => DType;

/** Rule of an op whose result has the shape of its first input; the dtype is `floating` unless given. */
export function unary(meaning: string, dtype: DtypeRule = floating): Rule<unknown> {
  return { meaning, shape: firstShape, dtype };
}

/** Rule of an op whose two inputs broadcast. */
export function binary(meaning: string, dtype: DtypeRule = sameDtype): Rule<unknown> {
  return {
    meaning,
    shape: (inputs, _params, op) => broadcastShapes(op, inputs[0]!.shape, inputs[1]!.shape),
    dtype,
  };
}
