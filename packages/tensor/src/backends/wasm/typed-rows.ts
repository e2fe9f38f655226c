// The kernels along axes on float64, int32 and bool, called by rows.ts for what is not float32. Read next: indexing.ts.

import type { View } from "../../backend.ts";
import { BYTES_PER_ELEMENT } from "../../dtype.ts";
import { sizeOf } from "../../shape.ts";
import { getEngine } from "./engine.ts";
import { ElementType } from "./generated/contract.ts";
import { addressOf, around, copyView, split } from "./operands.ts";
import { inWorkspace } from "./workspace.ts";

/** Sum or maximum over axes, the last first: each but the first listed one goes to the workspace. */
export function reduceOf(maximum: boolean, out: View, x: View, axes: readonly number[]): boolean {
  const { dtype } = x.storage;
  if (out.storage.dtype !== dtype || (dtype === "bool" && !maximum)) return false;
  if (axes.length === 0) return copyView(x, addressOf(out));
  const engine = getEngine();
  const type = ElementType[dtype];
  return inWorkspace(engine, (workspace) => {
    let from = workspace.dense(x);
    const shape = [...x.shape];
    for (let i = axes.length - 1; i >= 0; i--) {
      const axis = axes[i]!;
      const [outer, size, inner] = around(shape, axis);
      const to = i === 0 ? addressOf(out) : workspace.take(outer * inner * BYTES_PER_ELEMENT[dtype]);
      const source = from;
      split(
        engine,
        "reduceMiddleOf",
        outer,
        0.5 * size * inner,
        (o, n, part) => [
          type,
          maximum ? 1 : 0,
          o,
          o + n,
          source,
          size,
          inner,
          to,
          engine.pool.scratchOf(part),
        ],
        1,
      );
      shape[axis] = 1;
      from = to;
    }
    return true;
  });
}

/** The index of the largest element, or running sums, along an axis. */
export function alongAxisOf(
  kernel: "argmaxMiddleOf" | "cumsumMiddleOf",
  out: View,
  x: View,
  axis: number,
): boolean {
  const { dtype } = x.storage;
  if (kernel === "cumsumMiddleOf" && dtype === "bool") return false;
  const engine = getEngine();
  const type = ElementType[dtype];
  return inWorkspace(engine, (workspace) => {
    const from = workspace.dense(x);
    const [outer, size, inner] = around(x.shape, axis);
    if (sizeOf(x.shape) === 0) return true;
    const to = addressOf(out);
    split(engine, kernel, outer, size * inner, (o, n) => [type, o, o + n, from, size, inner, to], 1);
    return true;
  });
}
