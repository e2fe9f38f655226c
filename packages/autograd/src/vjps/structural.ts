// Gradient rules of reductions, views, copies and indexing. Most are the op's adjoint:
// scatterAdd for gather, fold for unfold.

import {
  arange,
  broadcastTo,
  cast,
  cumsum,
  div,
  equal,
  flip,
  fold,
  gather,
  indexAdd,
  indexSelect,
  isNaN,
  logicalOr,
  narrow,
  pad,
  permute,
  reshape,
  type Shape,
  scatter,
  scatterAdd,
  slice,
  sum,
  type Tensor,
  unfold,
  unsqueeze,
  where,
} from "@echo-ts/tensor";
import { type OpOf, type OpParams, scalar } from "@echo-ts/tensor/internal";
import { sumTo, type Vjps, zerosOf } from "./rule.ts";

/** A reduced tensor with its dropped axes back as size 1. */
function withAxes(x: Tensor, like: Tensor, { axes, keepDims }: OpParams["sum"]): Tensor {
  if (keepDims) return x;
  return reshape(
    x,
    like.shape.map((n, i) => (axes.includes(i) ? 1 : n)),
  );
}

/** Among equal largest values the gradient is split evenly, among NaNs too where there are any: PyTorch's max. */
function maxGradient(g: Tensor, y: Tensor, x: Tensor, params: OpParams["max"]): Tensor {
  // Nothing equals NaN; where x is NaN, so is the maximum.
  const isTop = logicalOr(equal(x, withAxes(y, x, params)), isNaN(x));
  const count = sum(cast(isTop, x.dtype), params.axes, true);
  return where(isTop, div(withAxes(g, x, params), count), 0);
}

/** Puts a slice back where it was cut from, among zeros. */
function unslice(g: Tensor, x: Tensor, { slices }: OpParams["slice"]): Tensor {
  if (g.size === 0) return zerosOf(x);
  let out = g;
  const widths = slices.map(({ start, step, length }, axis): [number, number] => {
    const first = step > 0 ? start : start + (length - 1) * step;
    const reach = (length - 1) * Math.abs(step) + 1;
    if (step < 0) out = slice(out, [...x.shape.slice(0, axis).map(() => null), { step: -1 }]);
    // Windows of one element, |step| apart, leave zeros between them.
    if (Math.abs(step) > 1) out = fold(unsqueeze(out, out.rank), axis, reach, Math.abs(step));
    return [first, x.shape[axis]! - first - reach];
  });
  return widths.some(([before, after]) => before > 0 || after > 0) ? pad(out, widths) : out;
}

/** True where nothing later in row-major order was written over the element that scatter wrote. */
function stays(shape: Shape, index: Tensor, axis: number): Tensor {
  const { backend } = index;
  const order = reshape(arange(0, index.size, 1, { backend }), index.shape);
  const last = scatter(broadcastTo(scalar(-1, "int32", backend), shape), axis, index, order);
  return equal(gather(last, axis, index), order);
}

/** Rules of everything that moves or folds elements. */
export const STRUCTURAL_VJPS: Vjps<OpOf<"reduction" | "shaping" | "joining" | "indexing">> = {
  sum: (g, { inputs: [x], params }) => [broadcastTo(withAxes(g, x!, params), x!.shape)],
  max: (g, { output: y, inputs: [x], params }) => [maxGradient(g, y, x!, params)],
  argmax: "none",
  cumsum: (g, { params: { axis } }) => [flip(cumsum(flip(g, axis), axis), axis)],
  reshape: (g, { inputs: [x] }) => [reshape(g, x!.shape)],
  permute: (g, { params: { order } }) => {
    const inverse = new Array<number>(order.length);
    for (let i = 0; i < order.length; i++) inverse[order[i]!] = i;
    return [permute(g, inverse)];
  },
  broadcastTo: (g, { inputs: [x] }) => [sumTo(g, x!.shape)],
  slice: (g, { inputs: [x], params }) => [unslice(g, x!, params)],
  unfold: (g, { inputs: [x], params: { axis, step, dilation } }) => [
    fold(g, axis, x!.shape[axis]!, step, dilation),
  ],
  fold: (g, { inputs: [x], params: { axis, size, step, dilation } }) => {
    if (x!.size === 0) return [zerosOf(x!)];
    // The length may have room for more windows than were folded: the rest is cut off.
    return [narrow(unfold(g, axis, size, step, dilation), axis, 0, x!.shape[axis]!)];
  },
  pad: (g, { inputs: [x], params: { widths } }) => [
    slice(
      g,
      widths.map(([before], axis) => ({ start: before, stop: before + x!.shape[axis]! })),
    ),
  ],
  concat: (g, { inputs, params: { axis } }, needs) => {
    let start = 0;
    return inputs.map((x, i) => {
      const from = start;
      start += x.shape[axis]!;
      return needs[i] ? narrow(g, axis, from, x.shape[axis]!) : null;
    });
  },
  gather: (g, { inputs: [x, index], params: { axis } }) => [scatterAdd(zerosOf(x!), axis, index!, g)],
  scatterAdd: (g, { inputs: [_x, index], params: { axis } }, needs) => [
    g,
    null,
    needs[2] ? gather(g, axis, index!) : null,
  ],
  scatter: (g, { inputs: [x, index], params: { axis } }, needs) => [
    needs[0] ? scatter(g, axis, index!, 0) : null,
    null,
    needs[2] ? where(stays(x!.shape, index!, axis), gather(g, axis, index!), 0) : null,
  ],
  indexSelect: (g, { inputs: [x, index], params: { axis } }) => [indexAdd(zerosOf(x!), axis, index!, g)],
  indexAdd: (g, { inputs: [_x, index], params: { axis } }, needs) => [
    g,
    null,
    needs[2] ? indexSelect(g, axis, index!) : null,
  ],
  argsort: "none",
};
