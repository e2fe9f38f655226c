// What a row is, and the call that it writes.

import type { DType, Shape } from "@echo-ts/tensor";
import type { FusedOp, Op, OpParams } from "@echo-ts/tensor/internal";
import type { Graph } from "../graph.ts";
import { OnnxError } from "../onnx-error.ts";
import { isFixed, type PerTrace } from "../sizes.ts";

/** What a row sees of an operand in a trace. */
export interface Operand {
  readonly shape: Shape;
  readonly dtype: DType;
}

/** Writes a call of an op. @returns the name of the result */
export type Write<P extends Op> = (call: OnnxCall<P>, graph: Graph) => string;

/** How an op is written; "definition": as the ops of its definition. */
export type OnnxRow<P extends Op> = Write<P> | (P extends FusedOp ? "definition" : never);

/** One row for each of some ops. */
export type OnnxRows<P extends Op> = { readonly [K in P]: OnnxRow<K> };

/** A call of an op: its operands by name, and what it was told in each trace. */
export class OnnxCall<P extends Op> {
  readonly op: P;
  /** Names of the operands. */
  readonly inputs: readonly string[];
  readonly #operands: readonly (readonly Operand[])[];
  readonly #params: readonly OpParams[P][];

  /** @param operands and params: one entry for each trace */
  constructor(
    op: P,
    inputs: readonly string[],
    operands: readonly (readonly Operand[])[],
    params: readonly OpParams[P][],
  ) {
    this.op = op;
    this.inputs = inputs;
    this.#operands = operands;
    this.#params = params;
  }

  /** Dtype of an operand. */
  dtype(input = 0): DType {
    return this.#operands[0]![input]!.dtype;
  }

  /** Number of axes of an operand. */
  rank(input = 0): number {
    return this.#operands[0]![input]!.shape.length;
  }

  /** Size of an operand's axis. */
  size(axis: number, input = 0): PerTrace {
    return this.#operands.map((operands) => operands[input]!.shape[axis]!);
  }

  /** Sizes of all axes of an operand. */
  shape(input = 0): PerTrace[] {
    return Array.from({ length: this.rank(input) }, (_, axis) => this.size(axis, input));
  }

  /** A parameter that is the same in every trace. @throws OnnxError if it is not */
  fixed<K extends keyof OpParams[P]>(name: K): OpParams[P][K] {
    const values = this.#params.map((params) => params[name]);
    const texts = values.map((value) => JSON.stringify(value));
    if (texts.every((text) => text === texts[0])) return values[0]!;
    throw new OnnxError(
      `exportOnnx: ${this.op}: ${String(name)} depends on the size of an axis: ${[...new Set(texts)].join(" and ")}; make that axis fixed`,
    );
  }

  /** A number of the parameters, for each trace. */
  number(read: (params: OpParams[P]) => number): PerTrace {
    return this.#params.map(read);
  }

  /** The size of an axis that must be the same in every trace. @throws OnnxError if it is not */
  fixedSize(axis: number, input = 0): number {
    const sizes = this.size(axis, input);
    if (isFixed(sizes)) return sizes[0]!;
    throw new OnnxError(
      `exportOnnx: ${this.op}: axis ${axis} of input ${input} must be a fixed one, got sizes ${sizes.join(", ")}`,
    );
  }
}
