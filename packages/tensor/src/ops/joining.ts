// Ops that build a larger tensor from smaller ones: pad, concat, stack, roll.

import { apply, fromTypedArray } from "../apply.ts";
import { wrongArgument } from "../arguments.ts";
import { promote, promoteNumber } from "../dtype.ts";
import { ShapeError } from "../errors.ts";
import { type PrimitiveRow, primitive, rows, sameDtype } from "../op.ts";
import type { AxisParams } from "../op-params.ts";
import { axisOrOnly, checkShape, formatShape, normalizeAxis, replaceAxis, sameShape } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { indexSelect } from "./indexing.ts";
import { alike, castTo, checkedTensor } from "./operands.ts";
import { narrow, unsqueeze } from "./shaping.ts";

interface PadParams {
  /** Before and after, one entry per axis. */
  readonly widths: readonly (readonly [number, number])[];
  readonly value: number;
}

interface Rows {
  readonly pad: PrimitiveRow<PadParams>;
  readonly concat: PrimitiveRow<AxisParams>;
}

const ROWS: Rows = rows<Rows>({
  pad: primitive({
    meaning: "a border of one value",
    shape: ([x], { widths }) => x!.shape.map((n, i) => n + widths[i]![0] + widths[i]![1]),
    dtype: sameDtype,
  }),
  concat: primitive({
    meaning: "tensors joined along an axis",
    shape: (inputs, { axis }) =>
      replaceAxis(inputs[0]!.shape, axis, [inputs.reduce((n, input) => n + input.shape[axis]!, 0)]),
    dtype: sameDtype,
  }),
});
export default ROWS;

/** How a border is filled. */
export type PadMode = "constant" | "reflect" | "replicate" | "circular";

const PAD_MODES: readonly PadMode[] = ["constant", "reflect", "replicate", "circular"];

/**
 * A border around x.
 *
 * @param widths [before, after] for each of the last axes, outermost first; as many as are given
 * @param mode "constant" (default; `value`, default 0), "reflect" (without the edge), "replicate" (the edge) or
 *   "circular" (from the other end)
 * @throws ShapeError if a reflected border is not smaller than its axis, or a circular one larger; ArgumentError for
 *   arguments of another kind
 * @example pad(x, [[1, 2]]) // one zero before and two after, along the last axis
 */
export function pad(
  x: Tensor,
  widths: readonly (readonly [number, number])[],
  mode: PadMode = "constant",
  value = 0,
): Tensor {
  checkedTensor("pad", x);
  if (!Array.isArray(widths) || widths.some((width) => !Array.isArray(width) || width.length !== 2)) {
    throw wrongArgument("pad", "widths", "a list of [before, after] such as [[1, 1]]", widths);
  }
  if (!PAD_MODES.includes(mode)) {
    throw wrongArgument("pad", "mode", PAD_MODES.map((name) => `"${name}"`).join(" or "), mode);
  }
  if (typeof value !== "number") throw wrongArgument("pad", "value", "a number", value);
  if (widths.length > x.rank)
    throw new ShapeError(`pad: ${widths.length} axes for a tensor of rank ${x.rank}`);
  for (const width of widths) checkShape("pad", width);
  const lead = x.rank - widths.length;
  const all = x.shape.map((_, i): readonly [number, number] => (i < lead ? [0, 0] : widths[i - lead]!));
  if (mode === "constant") return apply(ROWS.pad, [fitting(x, value)], { widths: all, value });
  let out = x;
  all.forEach(([before, after], axis) => {
    if (before === 0 && after === 0) return;
    const n = x.shape[axis]!;
    const least =
      mode === "reflect" ? Math.max(before, after) + 1 : mode === "circular" ? Math.max(before, after) : 1;
    if (n < least) {
      throw new ShapeError(
        `pad: a ${mode} border of [${before}, ${after}] needs a longer axis ${axis} than ${n}`,
      );
    }
    const from = Int32Array.from({ length: before + n + after }, (_, i) => {
      const at = i - before;
      if (mode === "replicate") return Math.min(Math.max(at, 0), n - 1);
      if (mode === "circular") return (at + n) % n;
      return at < 0 ? -at : at >= n ? 2 * n - 2 - at : at;
    });
    out = indexSelect(out, axis, fromTypedArray("int32", from, [from.length], x.backend));
  });
  return out;
}

/** x in a dtype that holds the value as well: what `where(mask, value, x)` would give, but bool keeps 0 and 1. */
function fitting(x: Tensor, value: number): Tensor {
  if (x.dtype === "bool" && (value === 0 || value === 1)) return x;
  return castTo(x, promote(x.dtype, promoteNumber(x.dtype, value)));
}

/** Refuses concat(a, b) in place of concat([a, b]). */
function checkList(op: string, tensors: readonly Tensor[]): void {
  if (!Array.isArray(tensors)) throw wrongArgument(op, "tensors", "a list such as [a, b]", tensors);
  for (const x of tensors) if (x?.storage === undefined) throw wrongArgument(op, "each entry", "a tensor", x);
}

/**
 * Tensors joined along an axis; dtypes are promoted to a common one.
 *
 * @throws ShapeError if the other axes differ
 * @example concat([ones([2, 3]), zeros([1, 3])]).shape // [3, 3]
 */
export function concat(tensors: readonly Tensor[], axis = 0): Tensor {
  checkList("concat", tensors);
  const first = tensors[0];
  if (first === undefined) throw new ShapeError("concat: expected at least one tensor, got none");
  const at = normalizeAxis("concat", axis, first.rank);
  for (const x of tensors) {
    if (x.rank !== first.rank || x.shape.some((n, i) => i !== at && n !== first.shape[i])) {
      throw new ShapeError(
        `concat: shapes differ beside axis ${at}: ${formatShape(first.shape)} and ${formatShape(x.shape)}`,
      );
    }
  }
  return apply(ROWS.concat, alike(tensors), { axis: at });
}

/**
 * Tensors of one shape joined along a new axis.
 *
 * @example stack([arange(2), arange(2)], 1).toArray() // [[0, 0], [1, 1]]
 */
export function stack(tensors: readonly Tensor[], axis = 0): Tensor {
  checkList("stack", tensors);
  const first = tensors[0];
  if (first === undefined) throw new ShapeError("stack: expected at least one tensor, got none");
  for (const x of tensors) {
    if (!sameShape(x.shape, first.shape)) {
      throw new ShapeError(`stack: shapes differ: ${formatShape(first.shape)} and ${formatShape(x.shape)}`);
    }
  }
  const at = normalizeAxis("stack", axis, first.rank + 1);
  return concat(
    tensors.map((x) => unsqueeze(x, at)),
    at,
  );
}

/**
 * x shifted along an axis, what leaves at one end entering at the other.
 *
 * @example roll(arange(4), 1, 0).toArray() // [3, 0, 1, 2]
 */
export function roll(x: Tensor, shift: number, axis: number): Tensor {
  const at = axisOrOnly("roll", axis, checkedTensor("roll", x).rank);
  if (!Number.isInteger(shift)) throw new ShapeError(`roll: shift must be an integer, got ${shift}`);
  if (x.rank === 0) return x;
  const n = x.shape[at]!;
  if (n === 0) return x;
  const cut = ((-shift % n) + n) % n;
  return concat([narrow(x, at, cut, n - cut), narrow(x, at, 0, cut)], at);
}
