// Ops that fold axes into one value. Axes default to all of them, count from the end when negative, and
// are dropped unless `keepDims`. Sums run in a fixed order, see backends/reference/reduce.ts.

import { apply } from "../apply.ts";
import { checkFlag, checkNumber, checkTensors } from "../arguments.ts";
import { ShapeError } from "../errors.ts";
import {
  countable,
  type FusedRow,
  fused,
  int32,
  type Operand,
  type PrimitiveRow,
  primitive,
  rows,
  sameDtype,
  unary,
} from "../op.ts";
import type { AxisParams, ReduceParams } from "../op-params.ts";
import {
  type Axes,
  axisOrOnly,
  broadcastShapes,
  formatShape,
  normalizeAxes,
  reducedShape,
  replaceAxis,
  type Shape,
} from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { alongAxis } from "./along-axis.ts";
import {
  abs,
  add,
  div,
  equal,
  exp,
  isFinite,
  log,
  logicalNot,
  maximum,
  mul,
  pow,
  reversed,
  sqrt,
  square,
  sub,
  truth,
  where,
} from "./elementwise.ts";
import { pad } from "./joining.ts";
import { alike, castTo, checkedTensor, countableTensor, floatingTensor } from "./operands.ts";
import { broadcastTo, narrow, reshape, squeeze } from "./shaping.ts";

interface Rows {
  readonly sum: PrimitiveRow<ReduceParams>;
  readonly max: PrimitiveRow<ReduceParams>;
  readonly argmax: PrimitiveRow<AxisParams>;
  readonly cumsum: FusedRow<AxisParams>;
}

const reduced = ([x]: readonly Operand[], { axes, keepDims }: ReduceParams): Shape =>
  reducedShape(x!.shape, axes, keepDims);

const ROWS: Rows = rows<Rows>({
  sum: primitive({ meaning: "sum over axes", shape: reduced, dtype: countable }),
  max: primitive({ meaning: "largest value over axes; NaN if any is", shape: reduced, dtype: sameDtype }),
  argmax: primitive({
    meaning: "index of the first largest value along an axis",
    shape: ([x], { axis }) => replaceAxis(x!.shape, axis, []),
    dtype: int32,
  }),
  // After step k each place holds the sum of the last 2^k places. Hillis and Steele 1986.
  cumsum: fused(unary("running sum along an axis", countable), ([x], { axis }) => {
    let out = x!;
    const n = out.shape[axis]!;
    for (let shift = 1; shift < n; shift *= 2) {
      out = add(out, pad(narrow(out, axis, 0, n - shift), widthsAt(out, axis, shift, 0)));
    }
    return out;
  }),
});
export default ROWS;

/** The parameters of a reduction that the user called `op`, once they are of the right kinds. */
function reduceParams(op: string, x: Tensor, axes: Axes, keepDims: boolean): ReduceParams {
  checkedTensor(op, x);
  checkFlag(op, "keepDims", keepDims);
  return { axes: normalizeAxes(op, axes, x.rank), keepDims };
}

const count = (x: Tensor, axes: readonly number[]): number => axes.reduce((n, axis) => n * x.shape[axis]!, 1);

/**
 * Sum over axes; bool and int32 sum in int32. The sum of nothing is 0.
 *
 * @example sum(ones([2, 3]), 0).toArray() // [2, 2, 2]
 */
export function sum(x: Tensor, axes?: Axes, keepDims = false): Tensor {
  const params = reduceParams("sum", x, axes, keepDims);
  return apply(ROWS.sum, [countableTensor(x)], params);
}

/** x as statistics take it: int32, whose sums float32 would round, becomes float64; bool becomes float32. */
function statisticTensor(x: Tensor): Tensor {
  return x.dtype === "int32" ? castTo(x, "float64") : floatingTensor(x);
}

/**
 * Mean over axes; int32 averages in float64 as in NumPy, bool in float32. The mean of nothing is NaN.
 *
 * @example mean(tensor([[1, 3], [5, 7]]), 1).toArray() // [2, 6]
 */
export function mean(x: Tensor, axes?: Axes, keepDims = false): Tensor {
  const { axes: list } = reduceParams("mean", x, axes, keepDims);
  return div(sum(statisticTensor(x), list, keepDims), count(x, list));
}

/**
 * Product over axes, by halves. The product of nothing is 1.
 *
 * @example prod(tensor([2, 3, 4])).item() // 24
 */
export function prod(x: Tensor, axes?: Axes, keepDims = false): Tensor {
  const { axes: list } = reduceParams("prod", x, axes, keepDims);
  let out = countableTensor(x);
  for (const axis of list) {
    if (out.shape[axis] === 0) out = pad(out, widthsAt(out, axis, 0, 1), "constant", 1);
    for (let n = out.shape[axis]!; n > 1; n = out.shape[axis]!) {
      if (n % 2 === 1) out = pad(out, widthsAt(out, axis, 0, 1), "constant", 1);
      const half = Math.ceil(n / 2);
      out = mul(narrow(out, axis, 0, half), narrow(out, axis, half, half));
    }
  }
  return keepDims ? out : squeeze(out, list);
}

function widthsAt(x: Tensor, axis: number, before: number, after: number): [number, number][] {
  return x.shape.map((_, i): [number, number] => (i === axis ? [before, after] : [0, 0]));
}

/** Refuses to reduce nothing where there is no neutral element. */
function checkNotEmpty(op: string, x: Tensor, axes: readonly number[]): void {
  if (count(x, axes) === 0) {
    throw new ShapeError(
      `${op}: nothing to reduce over axes ${formatShape(axes)} of shape ${formatShape(x.shape)}`,
    );
  }
}

/**
 * Largest value over axes; NaN if any is. Among equal largest values the gradient is split evenly.
 *
 * @example max(tensor([[1, 3], [7, 5]]), 1, true).toArray() // [[3], [7]]
 */
export function max(x: Tensor, axes?: Axes, keepDims = false): Tensor {
  const params = reduceParams("max", x, axes, keepDims);
  checkNotEmpty("max", x, params.axes);
  return apply(ROWS.max, [x], params);
}

/** Smallest value over axes; NaN if any is. Among equal smallest values the gradient is split evenly. */
export function min(x: Tensor, axes?: Axes, keepDims = false): Tensor {
  const { axes: list } = reduceParams("min", x, axes, keepDims);
  if (x.dtype === "bool") return all(x, list, keepDims);
  checkNotEmpty("min", x, list);
  return reversed(max(reversed(x), list, keepDims));
}

/**
 * int32 index of the first largest value along an axis; a NaN counts as largest. All axes flattened when left out.
 *
 * x [.., n, ..] -> [.., ..], or [.., 1, ..] with keepDims
 *
 * @example argmax(tensor([[1, 3], [7, 5]]), 1).toArray() // [1, 0]
 */
export function argmax(x: Tensor, axis?: number, keepDims = false): Tensor {
  return indexOfLargest("argmax", checkedTensor("argmax", x), axis, keepDims);
}

function indexOfLargest(op: string, x: Tensor, axis: number | undefined, keepDims: boolean): Tensor {
  checkFlag(op, "keepDims", keepDims);
  const y = axis === undefined || x.rank === 0 ? reshape(x, [x.size]) : x;
  const at = axis === undefined ? 0 : axisOrOnly(op, axis, x.rank);
  checkNotEmpty(op, y, [at]);
  const index = apply(ROWS.argmax, [y], { axis: at });
  if (!keepDims) return index;
  return reshape(
    index,
    x.shape.map((n, i) => (axis === undefined || i === at ? 1 : n)),
  );
}

/** int32 index of the first smallest value along an axis; a NaN counts as smallest. Otherwise as `argmax`. */
export function argmin(x: Tensor, axis?: number, keepDims = false): Tensor {
  return indexOfLargest("argmin", reversed(checkedTensor("argmin", x)), axis, keepDims);
}

/**
 * Variance over axes; int32 in float64, bool in float32.
 *
 * @param correction what is subtracted from the count in the divisor: 1 (default, as in PyTorch) or 0 (NumPy)
 * @example variance(tensor([1, 2, 3])).item() // 1
 */
export function variance(x: Tensor, axes?: Axes, keepDims = false, correction = 1): Tensor {
  const { axes: list } = reduceParams("variance", x, axes, keepDims);
  checkNumber("variance", "correction", correction);
  const y = statisticTensor(x);
  const rough = sub(y, mean(y, list, true));
  // The mean was rounded: centring once more leaves equal elements a deviation of 0, however large they are.
  const deviation = sub(rough, mean(rough, list, true));
  return div(sum(square(deviation), list, keepDims), Math.max(0, count(x, list) - correction));
}

/** Standard deviation over axes; see `variance`. Its gradient is 0 where the deviation is 0, as in PyTorch. */
export function std(x: Tensor, axes?: Axes, keepDims = false, correction = 1): Tensor {
  const { axes: list } = reduceParams("std", x, axes, keepDims);
  checkNumber("std", "correction", correction);
  return unlessZero(variance(x, list, keepDims, correction), sqrt);
}

/** f(x), but 0 with gradient 0 where x is 0: roots have an infinite slope there, and 0 times that is NaN. */
function unlessZero(x: Tensor, f: (x: Tensor) => Tensor): Tensor {
  const zero = equal(x, 0);
  // f must not see the zeros: a gradient that is only left out afterwards would be NaN already.
  return where(zero, 0, f(where(zero, 1, x)));
}

/** log of the sum of e^x over axes, without overflow; -Infinity where all are, and for nothing. */
export function logSumExp(x: Tensor, axes?: Axes, keepDims = false): Tensor {
  const { axes: list } = reduceParams("logSumExp", x, axes, keepDims);
  const y = floatingTensor(x);
  if (count(x, list) === 0) return log(sum(exp(y), list, keepDims));
  const top = max(y, list, true);
  // An infinite maximum would give Infinity - Infinity, NaN; with 0 in its place the sum of exp is infinite or 0.
  const finiteTop = where(isFinite(top), top, 0);
  const total = add(log(sum(exp(sub(y, finiteTop)), list, true)), finiteTop);
  return keepDims ? total : reshape(total, reducedShape(x.shape, list, false));
}

/**
 * True where any element over the axes is not 0. False for nothing.
 *
 * @example any(tensor([[false, true], [false, false]]), 1).toArray() // [true, false]
 */
export function any(x: Tensor, axes?: Axes, keepDims = false): Tensor {
  const { axes: list } = reduceParams("any", x, axes, keepDims);
  const mask = truth(x);
  if (count(x, list) === 0) return truth(sum(mask, list, keepDims)); // nothing has no largest element
  return apply(ROWS.max, [mask], { axes: list, keepDims });
}

/**
 * True where all elements over the axes are not 0. True for nothing.
 *
 * @example all(tensor([[true, true], [false, true]]), 1).toArray() // [true, false]
 */
export function all(x: Tensor, axes?: Axes, keepDims = false): Tensor {
  const { axes: list } = reduceParams("all", x, axes, keepDims);
  return logicalNot(any(logicalNot(x), list, keepDims));
}

/**
 * Vector norm over axes: (sum |x|^p)^(1/p). The gradient of a norm of 0 is 0, as in PyTorch.
 *
 * @param p 2 by default; any positive number, or Infinity for the largest |x|
 * @example norm(tensor([3, 4])).item() // 5
 */
export function norm(x: Tensor, axes?: Axes, keepDims = false, p = 2): Tensor {
  axes = reduceParams("norm", x, axes, keepDims).axes;
  checkNumber("norm", "p", p);
  if (!(p > 0)) throw new ShapeError(`norm: the order must be positive, got ${p}`);
  const y = floatingTensor(x);
  if (p === Number.POSITIVE_INFINITY) return max(abs(y), axes, keepDims);
  if (p === 1) return sum(abs(y), axes, keepDims);
  if (p === 2) return unlessZero(sum(square(y), axes, keepDims), sqrt);
  const powers = unlessZero(abs(y), (lengths) => pow(lengths, p));
  return unlessZero(sum(powers, axes, keepDims), (total) => pow(total, 1 / p));
}

/**
 * Running sum along an axis: out[i] = x[0] + ... + x[i].
 *
 * @example cumsum(arange(4)).toArray() // [0, 1, 3, 6]
 */
export function cumsum(x: Tensor, axis = -1): Tensor {
  return alongAxis("cumsum", x, axis, (y, at) => apply(ROWS.cumsum, [countableTensor(y)], { axis: at }));
}

/**
 * Running product along an axis: out[i] = x[0] ... x[i]. By the steps of `cumsum`, so that the gradient is right at zeros.
 *
 * @param axis default the last one
 * @example cumprod(tensor([1, 2, 3, 4])).toArray() // [1, 2, 6, 24]
 */
export function cumprod(x: Tensor, axis = -1): Tensor {
  let out = countableTensor(checkedTensor("cumprod", x));
  const at = axisOrOnly("cumprod", axis, x.rank);
  const n = out.shape[at] ?? 1;
  for (let shift = 1; shift < n; shift *= 2) {
    const before = narrow(out, at, 0, n - shift);
    out = mul(out, pad(before, widthsAt(out, at, shift, 0), "constant", 1));
  }
  return out;
}

/**
 * Cosine of the angle between a and b along an axis; norms below `epsilon` count as epsilon. a and b broadcast.
 *
 * @example cosineSimilarity(tensor([1, 0]), tensor([0, 2])).item() // 0
 */
export function cosineSimilarity(first: Tensor, second: Tensor, axis = -1, epsilon = 1e-8): Tensor {
  checkTensors("cosineSimilarity", { first, second });
  checkNumber("cosineSimilarity", "epsilon", epsilon);
  const shape = broadcastShapes("cosineSimilarity", first.shape, second.shape);
  axisOrOnly("cosineSimilarity", axis, shape.length);
  const [a, b] = alike([broadcastTo(first, shape), broadcastTo(second, shape)], "float32") as [
    Tensor,
    Tensor,
  ];
  const lengths = mul(maximum(norm(a, axis), epsilon), maximum(norm(b, axis), epsilon));
  return div(sum(mul(a, b), axis), lengths);
}
