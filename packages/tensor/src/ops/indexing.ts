// Ops that read or write by index: gather and its adjoint, scatter, whole-slice selection, sorting, masks by position.
// Read next: selection.ts.

import { apply, scalar } from "../apply.ts";
import { checkFlag, checkNumber, checkTensors, wrongArgument } from "../arguments.ts";
import { ShapeError } from "../errors.ts";
import { firstShape, int32, type PrimitiveRow, primitive, rows, sameDtype } from "../op.ts";
import type { AxisParams } from "../op-params.ts";
import { axisOrOnly, broadcastShapes, formatShape, replaceAxis, type Shape, sameShape } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { alongAxis } from "./along-axis.ts";
import { add, equal, less, where } from "./elementwise.ts";
import { alike, beside, castTo, checkedTensor, checkIndex, counting } from "./operands.ts";
import { broadcastTo, reshape, unsqueeze } from "./shaping.ts";

interface SortParams extends AxisParams {
  readonly descending: boolean;
  /** NaN comes last otherwise. */
  readonly nanFirst: boolean;
  /** How many positions are wanted, from the first in order. */
  readonly count: number;
}

interface Rows {
  readonly gather: PrimitiveRow<AxisParams>;
  readonly scatterAdd: PrimitiveRow<AxisParams>;
  readonly scatter: PrimitiveRow<AxisParams>;
  readonly indexSelect: PrimitiveRow<AxisParams>;
  readonly indexAdd: PrimitiveRow<AxisParams>;
  readonly argsort: PrimitiveRow<SortParams>;
}

const ROWS: Rows = rows<Rows>({
  gather: primitive({
    meaning: "out[.., i, ..] = x[.., index[.., i, ..], ..] along an axis",
    shape: ([_x, index]) => index!.shape,
    dtype: sameDtype,
  }),
  scatterAdd: primitive({
    meaning: "x with source added at index along an axis: the adjoint of gather",
    shape: firstShape,
    dtype: sameDtype,
  }),
  scatter: primitive({
    meaning: "x with source in place of its elements at index along an axis",
    shape: firstShape,
    dtype: sameDtype,
  }),
  indexSelect: primitive({
    meaning: "whole slices of x picked along an axis by an index of any shape",
    shape: ([x, index], { axis }) => replaceAxis(x!.shape, axis, index!.shape),
    dtype: sameDtype,
  }),
  indexAdd: primitive({
    meaning: "x with whole slices added along an axis: the adjoint of indexSelect",
    shape: firstShape,
    dtype: sameDtype,
  }),
  argsort: primitive({
    meaning: "indices that sort along an axis, stable, NaN at one end",
    shape: ([x], { axis, count }) => (x!.shape.length === 0 ? [] : replaceAxis(x!.shape, axis, [count])),
    dtype: int32,
  }),
});
export default ROWS;

/** Refuses what is no int32 tensor, as from calls that give the index before the axis. */
function checkPlaces(op: string, index: Tensor): void {
  if (index?.storage === undefined)
    throw wrongArgument(op, "index", "an int32 tensor, behind x and axis", index);
  checkIndex(op, index);
}

function checkSameBut(op: string, a: Shape, b: Shape, axis: number): void {
  if (a.length !== b.length || a.some((n, i) => i !== axis && b[i]! > n)) {
    throw new ShapeError(
      `${op}: index shape ${formatShape(b)} does not fit ${formatShape(a)} beside axis ${axis}`,
    );
  }
}

/** Tensors that must all have one rank, a single number as a list of one. */
const asLists = (tensors: readonly Tensor[]): readonly Tensor[] =>
  tensors.every((x) => x.rank === 0) ? tensors.map((x) => reshape(x, [1])) : tensors;

/**
 * Picks along one axis by an index for each output element: out[i][j] = x[index[i][j]][j] for axis 0.
 * PyTorch's gather.
 *
 * @param index int32, rank of x; its shape is the result's
 * @throws ShapeError if an index is outside the axis
 * @example gather(tensor([[1, 2], [3, 4]]), 1, tensor([[1], [0]], { dtype: "int32" })).toArray() // [[2], [3]]
 */
export function gather(x: Tensor, axis: number, index: Tensor): Tensor {
  checkedTensor("gather", x);
  checkPlaces("gather", index);
  const at = axisOrOnly("gather", axis, x.rank);
  const [from, places] = asLists([x, index]) as [Tensor, Tensor];
  checkSameBut("gather", from.shape, places.shape, at);
  return reshape(apply(ROWS.gather, [from, places], { axis: at }), index.shape);
}

/**
 * `gather` with NumPy's name and broadcasting: x and index stretch where one of them has size 1, but along the axis.
 *
 * @example takeAlongAxis(tensor([[1, 2], [3, 4]]), 1, tensor([[1], [0]], { dtype: "int32" })).toArray() // [[2], [3]]
 */
export function takeAlongAxis(x: Tensor, axis: number, index: Tensor): Tensor {
  const op = "takeAlongAxis";
  checkedTensor(op, x);
  checkPlaces(op, index);
  const at = axisOrOnly(op, axis, x.rank);
  if (index.rank !== x.rank) {
    throw new ShapeError(
      `${op}: index must have the rank of x, got ${formatShape(index.shape)} for ${formatShape(x.shape)}`,
    );
  }
  if (x.rank === 0) return gather(x, at, index);
  const others = (shape: Shape): Shape => replaceAxis(shape, at, [1]);
  const common = broadcastShapes(op, others(x.shape), others(index.shape));
  const spread = (y: Tensor): Tensor => broadcastTo(y, replaceAxis(common, at, [y.shape[at]!]));
  return gather(spread(x), at, spread(index));
}

/**
 * x with `source` added at the places that `index` names along an axis; repeated places accumulate in
 * row-major order, bool counts as int32. PyTorch's scatter_add, as a new tensor.
 *
 * @param index int32; same shape as source
 * @example scatterAdd(zeros([3]), 0, tensor([2, 2], { dtype: "int32" }), ones([2])).toArray() // [0, 0, 2]
 */
export function scatterAdd(x: Tensor, axis: number, index: Tensor, source: Tensor): Tensor {
  checkTensors("scatterAdd", { x, source });
  checkPlaces("scatterAdd", index);
  const at = axisOrOnly("scatterAdd", axis, x.rank);
  if (formatShape(index.shape) !== formatShape(source.shape)) {
    throw new ShapeError(
      `scatterAdd: index ${formatShape(index.shape)} and source ${formatShape(source.shape)} differ in shape`,
    );
  }
  const [total, places, added] = asLists([x, index, source]) as [Tensor, Tensor, Tensor];
  checkSameBut("scatterAdd", total.shape, places.shape, at);
  const [to, from] = alike([total, added], "int32");
  return reshape(apply(ROWS.scatterAdd, [to!, places, from!], { axis: at }), x.shape);
}

/**
 * x with `source` in place of the elements that `index` names along an axis: out[index[i][j]][j] = source[i][j] for
 * axis 0. Where a place is named twice, the last one in row-major order stays, and the gradient goes to that one.
 * PyTorch's scatter, as a new tensor.
 *
 * @param index int32, rank of x; no larger than x beside the axis
 * @param source same shape as index, or a number for all places
 * @throws ShapeError if an index is outside the axis, or the shapes do not fit
 * @example scatter(zeros([3]), 0, tensor([2, 0], { dtype: "int32" }), tensor([5, 7])).toArray() // [7, 0, 5]
 */
export function scatter(x: Tensor, axis: number, index: Tensor, source: Tensor | number): Tensor {
  checkedTensor("scatter", x);
  checkPlaces("scatter", index);
  const at = axisOrOnly("scatter", axis, x.rank);
  checkSameBut("scatter", x.shape, index.shape, at);
  const values = typeof source === "number" ? broadcastTo(filler(source, x), index.shape) : source;
  if (values?.storage === undefined) throw wrongArgument("scatter", "source", "a tensor or a number", source);
  if (!sameShape(index.shape, values.shape)) {
    throw new ShapeError(
      `scatter: index ${formatShape(index.shape)} and source ${formatShape(values.shape)} differ in shape`,
    );
  }
  const [into, from] = alike([x, values]);
  return apply(ROWS.scatter, [into!, index, from!], { axis: at });
}

/** The number beside x; 0 and 1 leave bool what it is. */
function filler(value: number, x: Tensor): Tensor {
  return x.dtype === "bool" && (value === 0 || value === 1)
    ? scalar(value, "bool", x.backend)
    : beside(value, x);
}

/**
 * Whole slices of x picked along an axis: x [.., N, ..], index of any shape S -> [.., S, ..]. With axis 0
 * and a matrix this is an embedding look-up.
 *
 * @throws ShapeError if an index is outside the axis
 * @example indexSelect(tensor([[1, 2], [3, 4]]), 0, tensor([1, 1], { dtype: "int32" })).toArray() // [[3, 4], [3, 4]]
 */
export function indexSelect(x: Tensor, axis: number, index: Tensor): Tensor {
  checkedTensor("indexSelect", x);
  checkPlaces("indexSelect", index);
  const at = axisOrOnly("indexSelect", axis, x.rank);
  return apply(ROWS.indexSelect, [...asLists([x]), index], { axis: at });
}

/** x with whole slices of `source` added at `index` along an axis: the adjoint of `indexSelect`. Bool counts as int32. */
export function indexAdd(x: Tensor, axis: number, index: Tensor, source: Tensor): Tensor {
  checkedTensor("indexAdd", x);
  checkPlaces("indexAdd", index);
  const at = axisOrOnly("indexAdd", axis, x.rank);
  checkTensors("indexAdd", { source });
  const [total] = asLists([x]) as [Tensor];
  const expected = replaceAxis(total.shape, at, index.shape);
  if (formatShape(expected) !== formatShape(source.shape)) {
    throw new ShapeError(
      `indexAdd: source must be ${formatShape(expected)}, got ${formatShape(source.shape)}`,
    );
  }
  const [to, from] = alike([total, source], "int32");
  return reshape(apply(ROWS.indexAdd, [to!, index, from!], { axis: at }), x.shape);
}

/**
 * 1 where the class is the index, else 0: int32 [..] -> float32 [.., classes].
 *
 * @throws ShapeError if an index is outside 0 .. classes-1
 * @example oneHot(tensor([2, 0], { dtype: "int32" }), 3).toArray() // [[0, 0, 1], [1, 0, 0]]
 */
export function oneHot(index: Tensor, classes: number): Tensor {
  checkIndex("oneHot", index);
  if (index.backend.host) {
    const outside = (index.dataSync() as Int32Array).find((i) => i < 0 || i >= classes);
    if (outside !== undefined) {
      throw new ShapeError(`oneHot: index ${outside} is out of range for ${classes} classes`);
    }
  }
  return castTo(equal(unsqueeze(index, index.rank), counting(classes, index)), "float32");
}

/**
 * Zero above the diagonal: keeps elements with column - row <= diagonal in the last two axes.
 *
 * @example tril(ones([2, 2])).toArray() // [[1, 0], [1, 1]]
 */
export function tril(x: Tensor, diagonal = 0): Tensor {
  checkedTensor("tril", x);
  checkNumber("tril", "diagonal", diagonal);
  return where(triangle(x, diagonal, "tril"), x, scalar(0, x.dtype, x.backend));
}

/** Zero below the diagonal: keeps elements with column - row >= diagonal in the last two axes. */
export function triu(x: Tensor, diagonal = 0): Tensor {
  checkedTensor("triu", x);
  checkNumber("triu", "diagonal", diagonal);
  return where(triangle(x, diagonal - 1, "triu"), scalar(0, x.dtype, x.backend), x);
}

/** True where column - row <= diagonal. */
function triangle(x: Tensor, diagonal: number, op: string): Tensor {
  if (x.rank < 2) throw new ShapeError(`${op}: expected rank 2 or more, got shape ${formatShape(x.shape)}`);
  const rows = unsqueeze(counting(x.shape[x.rank - 2]!, x), 1);
  const columns = counting(x.shape[x.rank - 1]!, x);
  return less(columns, add(rows, Math.floor(diagonal) + 1));
}

/**
 * Indices that sort x along an axis, stable; NaN comes last either way.
 *
 * @param axis default the last one
 * @example argsort(tensor([3, 1, 2])).toArray() // [1, 2, 0]
 */
export function argsort(x: Tensor, axis = -1, descending = false): Tensor {
  return order("argsort", x, axis, descending);
}

function order(op: string, x: Tensor, axis: number, descending: boolean): Tensor {
  checkFlag(op, "descending", descending);
  return alongAxis(op, x, axis, (y, at) =>
    apply(ROWS.argsort, [y], { axis: at, descending, nanFirst: false, count: y.shape[at]! }),
  );
}

/** Values sorted along an axis, and the indices that sort them. */
export function sort(x: Tensor, axis = -1, descending = false): { values: Tensor; indices: Tensor } {
  const indices = order("sort", x, axis, descending);
  return { values: gather(x, axis, indices), indices };
}

/**
 * The k largest values along an axis, largest first, and where they stand. A NaN counts as largest, as it does for `max`
 * and `argmax`.
 *
 * @param largest false for the k smallest, smallest first
 * @throws ShapeError if the axis holds fewer than k
 * @example topk(tensor([3, 1, 2]), 2).values.toArray() // [3, 2]
 */
export function topk(x: Tensor, k: number, axis = -1, largest = true): { values: Tensor; indices: Tensor } {
  checkedTensor("topk", x);
  checkFlag("topk", "largest", largest);
  const at = axisOrOnly("topk", axis, x.rank);
  const size = x.shape[at] ?? 1;
  if (!Number.isInteger(k) || k < 0 || k > size) {
    throw new ShapeError(`topk: k must be between 0 and ${size}, the size of axis ${at}, got ${k}`);
  }
  if (x.rank === 0) {
    const { values, indices } = topk(reshape(x, [1]), k, 0, largest);
    return k === 0 ? { values, indices } : { values: reshape(values, []), indices: reshape(indices, []) };
  }
  const params = { axis: at, descending: largest, nanFirst: largest, count: k };
  const indices = apply(ROWS.argsort, [x], params);
  return { values: gather(x, at, indices), indices };
}
