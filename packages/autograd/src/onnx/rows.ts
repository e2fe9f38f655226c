// The table of rows: how each op of @echo-ts/tensor is written in ONNX, beside the table of gradient rules in
// ../vjps.ts. It is typed by the names of all ops, so an op without a row does not compile. "definition": the fused op
// is exported as the ops that it is defined by. Read next: rows/row.ts, then rows/elementwise.ts.

import type { Op } from "@echo-ts/tensor/internal";
import { ELEMENTWISE_ROWS } from "./rows/elementwise.ts";
import { FUSED_ROWS } from "./rows/fused.ts";
import { INDEXING_ROWS } from "./rows/indexing.ts";
import { REDUCTION_ROWS } from "./rows/reduction.ts";
import type { OnnxRow, OnnxRows, Write } from "./rows/row.ts";
import { SHAPING_ROWS } from "./rows/shaping.ts";

/** The table: one row for each op. */
export const ONNX_ROWS: OnnxRows<Op> = {
  ...ELEMENTWISE_ROWS,
  ...REDUCTION_ROWS,
  ...SHAPING_ROWS,
  ...INDEXING_ROWS,
  ...FUSED_ROWS,
};

/** True if the op is exported as the ops of its definition. */
export function exportsDefinition(op: Op): boolean {
  return ONNX_ROWS[op] === "definition";
}

/** The row of an op that has one of its own. */
export function rowOf<P extends Op>(op: P): Write<P> {
  const row: OnnxRow<never> = ONNX_ROWS[op as never];
  return row as Write<P>;
}
