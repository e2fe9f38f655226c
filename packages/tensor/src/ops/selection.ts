// Parts of a tensor that are picked by truth, by rank or by place on a diagonal: nonzero, maskedSelect, median,
// diagonal, diag. Compositions of indexing.ts and shaping.ts, gradients included.

import { fromTypedArray, scalar } from "../apply.ts";
import { checkFlag, checkTensors, wrongArgument } from "../arguments.ts";
import { isFloating, type TypedArray } from "../dtype.ts";
import { BackendError, DtypeError, ShapeError } from "../errors.ts";
import { axisOrOnly, broadcastShapes, formatShape, normalizeAxis } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { equal, isNaN, sub, where } from "./elementwise.ts";
import { argsort, gather, indexSelect } from "./indexing.ts";
import { pad } from "./joining.ts";
import { checkedTensor, counting } from "./operands.ts";
import { broadcastTo, narrow, permute, reshape, slice, squeeze, unsqueeze } from "./shaping.ts";

/** The elements, which decide how large the result is. @throws BackendError where they cannot be read at once */
function valuesAtOnce(op: string, x: Tensor): TypedArray {
  if (!x.backend.host) {
    throw new BackendError(
      `${op}: the shape of the result depends on values, which backend "${x.backend.name}" cannot read at once; compute it on another: await toBackend(x, "wasm")`,
    );
  }
  return x.dataSync();
}

/** int32 places, in row-major order, of the elements that are not 0. */
function placesOf(op: string, x: Tensor): Int32Array {
  const values = valuesAtOnce(op, x);
  const places: number[] = [];
  for (let i = 0; i < values.length; i++) if (values[i] !== 0) places.push(i);
  return Int32Array.from(places);
}

/**
 * Where x is not 0 (NaN is not), in row-major order: int32 [count, rank], one row of indices for each. PyTorch's
 * nonzero; NumPy's argwhere. A tensor of rank 0 gives [1, 0] or [0, 0].
 *
 * @throws BackendError on backends that cannot be read at once, since the count depends on values
 * @example nonzero(tensor([[0, 5], [7, 0]])).toArray() // [[0, 1], [1, 0]]
 */
export function nonzero(x: Tensor): Tensor {
  checkedTensor("nonzero", x);
  const places = placesOf("nonzero", x);
  const rank = x.rank;
  const out = new Int32Array(places.length * rank);
  places.forEach((place, row) => {
    let rest = place;
    for (let axis = rank - 1; axis >= 0; axis--) {
      out[row * rank + axis] = rest % x.shape[axis]!;
      rest = Math.floor(rest / x.shape[axis]!);
    }
  });
  return fromTypedArray("int32", out, [places.length, rank], x.backend);
}

/**
 * The elements of x where the mask holds, in row-major order: x and mask broadcast, the result is [count]. NumPy's
 * x[mask]; PyTorch's masked_select. The gradient goes to the elements that were picked.
 *
 * @param mask bool
 * @throws DtypeError for another mask; ShapeError if the two do not broadcast; BackendError as for `nonzero`
 * @example maskedSelect(tensor([3, 1, 2]), tensor([true, false, true])).toArray() // [3, 2]
 */
export function maskedSelect(x: Tensor, mask: Tensor): Tensor {
  checkTensors("maskedSelect", { x, mask });
  if (mask.dtype !== "bool") {
    throw new DtypeError(
      `maskedSelect: the mask must be bool, got ${mask.dtype}; compare, as in greater(x, 0)`,
    );
  }
  const shape = broadcastShapes("maskedSelect", x.shape, mask.shape);
  const places = placesOf("maskedSelect", broadcastTo(mask, shape));
  const flat = reshape(broadcastTo(x, shape), [-1]);
  return indexSelect(flat, 0, fromTypedArray("int32", places, [places.length], x.backend));
}

/**
 * The middle of the sorted values along an axis, the lower one of two, as PyTorch's median (NumPy takes their mean);
 * NaN if any is. The gradient goes to the element that was picked, the first of equal ones.
 *
 * x [.., n, ..] -> [.., ..], or [.., 1, ..] with keepDims
 *
 * @param axis all axes flattened when left out; the median of nothing is then NaN
 * @throws ShapeError if the axis is empty
 * @example median(tensor([[4, 1, 3, 2], [5, 9, 7, 5]]), 1).toArray() // [2, 5]
 */
export function median(x: Tensor, axis?: number, keepDims = false): Tensor {
  checkedTensor("median", x);
  checkFlag("median", "keepDims", keepDims);
  const at = axis === undefined ? 0 : axisOrOnly("median", axis, x.rank);
  const whole = axis === undefined || x.rank === 0;
  const y = whole ? reshape(x, [x.size]) : x;
  const n = y.shape[at]!;
  const shape = x.shape.map(() => 1);
  if (n === 0) {
    if (whole && isFloating(x.dtype)) {
      return broadcastTo(scalar(Number.NaN, x.dtype, x.backend), keepDims ? shape : []);
    }
    throw new ShapeError(`median: nothing to choose from along axis ${at} of shape ${formatShape(x.shape)}`);
  }
  const order = argsort(y, at); // NaN comes last
  let index = narrow(order, at, Math.floor((n - 1) / 2), 1);
  if (isFloating(y.dtype)) {
    const last = narrow(order, at, n - 1, 1);
    index = where(isNaN(gather(y, at, last)), last, index);
  }
  const out = gather(y, at, index);
  if (whole) return reshape(out, keepDims ? shape : []);
  return keepDims ? out : squeeze(out, at);
}

function checkOffset(op: string, offset: number): void {
  if (!Number.isInteger(offset)) throw wrongArgument(op, "offset", "an integer", offset);
}

/**
 * The elements of two axes whose second index is the first plus `offset`; the diagonal becomes the last axis. NumPy's
 * and PyTorch's diagonal. A view where the two axes lie end to end in row-major order.
 *
 * x [.., m, .., n, ..] -> [.., .., .., length]
 *
 * @param offset default 0; above the main diagonal when positive, below when negative
 * @throws ShapeError if x has fewer than two axes, or both axes are the same
 * @example diagonal(tensor([[1, 2, 3], [4, 5, 6]]), 1).toArray() // [2, 6]
 */
export function diagonal(x: Tensor, offset = 0, axis1 = 0, axis2 = 1): Tensor {
  checkedTensor("diagonal", x);
  checkOffset("diagonal", offset);
  if (x.rank < 2) {
    throw new ShapeError(`diagonal: expected rank 2 or more, got shape ${formatShape(x.shape)}`);
  }
  const a = normalizeAxis("diagonal", axis1, x.rank);
  const b = normalizeAxis("diagonal", axis2, x.rank);
  if (a === b) throw new ShapeError(`diagonal: expected two axes, got axis ${a} twice`);
  const rest = x.shape.map((_, i) => i).filter((i) => i !== a && i !== b);
  const [rows, columns] = [x.shape[a]!, x.shape[b]!];
  const length = Math.min(rows + Math.min(offset, 0), columns - Math.max(offset, 0));
  const lead = rest.map((i) => x.shape[i]!);
  const flat = reshape(permute(x, [...rest, a, b]), [...lead, rows * columns]);
  if (length <= 0) return narrow(flat, -1, 0, 0);
  const start = offset > 0 ? offset : -offset * columns;
  const step = columns + 1;
  return slice(flat, [...lead.map(() => null), { start, stop: start + (length - 1) * step + 1, step }]);
}

/**
 * The diagonal of a matrix, or the square matrix with a vector on its diagonal and 0 elsewhere. NumPy's and PyTorch's diag.
 *
 * x [m, n] -> [length]; x [n] -> [n + |offset|, n + |offset|]
 *
 * @param offset default 0; above the main diagonal when positive, below when negative
 * @throws ShapeError for other ranks
 * @example diag(tensor([1, 2])).toArray() // [[1, 0], [0, 2]]
 */
export function diag(x: Tensor, offset = 0): Tensor {
  checkedTensor("diag", x);
  checkOffset("diag", offset);
  if (x.rank === 2) return diagonal(x, offset);
  if (x.rank !== 1) {
    throw new ShapeError(
      `diag: expected a vector or a matrix, got shape ${formatShape(x.shape)}; diagonal takes any rank`,
    );
  }
  const [above, below] = [Math.max(offset, 0), Math.max(-offset, 0)];
  const column = unsqueeze(pad(x, [[below, above]]), 1); // the value of each row
  const places = counting(column.shape[0]!, x);
  const onDiagonal = equal(sub(places, unsqueeze(places, 1)), offset);
  return where(onDiagonal, column, scalar(0, x.dtype, x.backend));
}
