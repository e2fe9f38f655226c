// Walking strided views row by row: the loop under every reference kernel. Read next: elementwise.ts.

import type { View } from "../../backend.ts";
import type { TypedArray } from "../../dtype.ts";
import { broadcastStrides, type Shape } from "../../shape.ts";

/** A view with its array taken out of the storage once. */
export interface Operand {
  readonly data: TypedArray;
  readonly offset: number;
  readonly strides: readonly number[];
}

/** The operand read as if it had the larger shape `shape`. */
export function operand(view: View, shape: Shape = view.shape): Operand {
  return {
    data: view.storage.data,
    offset: view.offset,
    strides: broadcastStrides(view.shape, view.strides, shape),
  };
}

/**
 * Calls `row` for each row (last axis) of `shape` in row-major order. `at[k]` is then the position of the
 * row's first element in operand k, `count` the row's length, `steps[k]` the distance of its elements.
 */
export function eachRow(
  shape: Shape,
  operands: readonly Operand[],
  row: (at: readonly number[], count: number, steps: readonly number[]) => void,
): void {
  const rank = shape.length;
  if (shape.includes(0)) return;
  const at = operands.map((o) => o.offset);
  if (rank === 0) {
    row(
      at,
      1,
      operands.map(() => 1),
    );
    return;
  }
  const last = rank - 1;
  const steps = operands.map((o) => o.strides[last]!);
  const index = new Array<number>(last).fill(0);
  for (;;) {
    row(at, shape[last]!, steps);
    let axis = last - 1;
    for (; axis >= 0; axis--) {
      for (let k = 0; k < at.length; k++) at[k]! += operands[k]!.strides[axis]!;
      if (++index[axis]! < shape[axis]!) break;
      for (let k = 0; k < at.length; k++) at[k]! -= operands[k]!.strides[axis]! * shape[axis]!;
      index[axis] = 0;
    }
    if (axis < 0) return;
  }
}
