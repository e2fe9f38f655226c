// A tensor cut into parts along an axis, or repeated along axes: compositions of the views in shaping.ts.

import { wrongArgument } from "../arguments.ts";
import { ShapeError } from "../errors.ts";
import { axisOrOnly, checkShape, formatShape, normalizeAxis } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { checkedTensor } from "./operands.ts";
import { broadcastTo, narrow, reshape, select, unsqueeze } from "./shaping.ts";

/**
 * x cut along an axis into parts of the given sizes, or into parts of one size (the last may be shorter). Views.
 *
 * @throws ShapeError if the sizes do not add up to the axis
 * @example split(arange(5), [2, 3], 0)[1].toArray() // [2, 3, 4]
 */
export function split(x: Tensor, sizes: number | readonly number[], axis = 0): Tensor[] {
  checkedTensor("split", x);
  const at = normalizeAxis("split", axis, x.rank);
  const n = x.shape[at]!;
  if (typeof sizes === "number" && (!Number.isInteger(sizes) || sizes < 1)) {
    throw new ShapeError(`split: the size of a part must be a positive integer, got ${sizes}`);
  }
  if (typeof sizes !== "number" && !Array.isArray(sizes)) {
    throw wrongArgument("split", "sizes", "a number or a list such as [2, 3]", sizes);
  }
  const list =
    typeof sizes === "number"
      ? Array.from({ length: Math.max(1, Math.ceil(n / sizes)) }, (_, i) => Math.min(sizes, n - i * sizes))
      : sizes;
  const total = list.reduce((sum, size) => sum + size, 0);
  if (total !== n)
    throw new ShapeError(`split: sizes ${formatShape(list)} add up to ${total}, expected ${n}`);
  let start = 0;
  return list.map((size) => {
    const part = narrow(x, at, start, size);
    start += size;
    return part;
  });
}

/**
 * x cut along an axis into `count` parts, as even as PyTorch's chunk makes them. Views.
 *
 * @example chunk(arange(5), 2).map((part) => part.size) // [3, 2]
 */
export function chunk(x: Tensor, count: number, axis = 0): Tensor[] {
  checkedTensor("chunk", x);
  if (!Number.isInteger(count) || count < 1) {
    throw new ShapeError(`chunk: the number of parts must be a positive integer, got ${count}`);
  }
  const at = normalizeAxis("chunk", axis, x.rank);
  return split(x, Math.max(1, Math.ceil(x.shape[at]! / count)), at);
}

/**
 * The positions of an axis, which is dropped, one tensor each. PyTorch's unbind. Views.
 *
 * @param axis default 0
 * @example unbind(tensor([[1, 2], [3, 4]]), 1)[0].toArray() // [1, 3]
 */
export function unbind(x: Tensor, axis = 0): Tensor[] {
  checkedTensor("unbind", x);
  if (x.rank === 0) throw new ShapeError("unbind: a tensor of rank 0 has no axis to take apart");
  const at = normalizeAxis("unbind", axis, x.rank);
  return Array.from({ length: x.shape[at]! }, (_, i) => select(x, at, i));
}

/**
 * x repeated as a whole, `counts` times along the last axes (more counts than axes add axes). NumPy's tile.
 *
 * @example tile(tensor([1, 2]), [2]).toArray() // [1, 2, 1, 2]
 */
export function tile(x: Tensor, counts: readonly number[]): Tensor {
  checkedTensor("tile", x);
  checkShape("tile", counts);
  const rank = Math.max(x.rank, counts.length);
  const sizes = [...new Array<number>(rank - x.rank).fill(1), ...x.shape];
  const times = [...new Array<number>(rank - counts.length).fill(1), ...counts];
  const spread = broadcastTo(
    reshape(
      x,
      sizes.flatMap((n) => [1, n]),
    ),
    sizes.flatMap((n, i) => [times[i]!, n]),
  );
  return reshape(
    spread,
    sizes.map((n, i) => n * times[i]!),
  );
}

/**
 * Each position of an axis repeated `count` times in a row. NumPy's repeat.
 *
 * @example repeat(tensor([1, 2]), 2, 0).toArray() // [1, 1, 2, 2]
 */
export function repeat(x: Tensor, count: number, axis: number): Tensor {
  checkShape("repeat", [count]);
  const at = axisOrOnly("repeat", axis, checkedTensor("repeat", x).rank);
  if (x.rank === 0) return broadcastTo(x, [count]);
  const spread = x.shape.flatMap((n, i) => (i === at ? [n, count] : [n]));
  const shape = x.shape.map((n, i) => (i === at ? n * count : n));
  return reshape(broadcastTo(unsqueeze(x, at + 1), spread), shape);
}
