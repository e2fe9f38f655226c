// Whether two tensors hold nearly the same numbers, as tests ask.

import { checkFlag, checkNumber } from "../arguments.ts";
import { isFloating } from "../dtype.ts";
import { BackendError } from "../errors.ts";
import type { Tensor } from "../tensor.ts";
import {
  abs,
  add,
  equal,
  isFinite,
  isNaN,
  lessEqual,
  logicalAnd,
  logicalOr,
  mul,
  sub,
} from "./elementwise.ts";
import { castTo, checkedTensor, pair, type TensorLike } from "./operands.ts";

/**
 * True where a and b differ by no more than atol + rtol |b|, or are the same infinity; bool, broadcasting. NumPy's and
 * PyTorch's isclose.
 *
 * @param rtol default 1e-5; atol default 1e-8
 * @param equalNaN let NaN be close to NaN; default false
 * @example isClose(tensor([1, 1]), tensor([1.000001, 1.1])).toArray() // [true, false]
 */
export function isClose(a: Tensor, b: TensorLike, rtol = 1e-5, atol = 1e-8, equalNaN = false): Tensor {
  const [p, q] = closePair("isClose", a, b, rtol, atol, equalNaN);
  return close(p, q, rtol, atol, equalNaN);
}

/**
 * Whether all elements are close, see `isClose`; true for none. NumPy's and PyTorch's allclose.
 *
 * @throws BackendError on backends that cannot be read at once
 * @example allClose(tensor([1, 2]), tensor([1, 2.000001])) // true
 */
export function allClose(a: Tensor, b: TensorLike, rtol = 1e-5, atol = 1e-8, equalNaN = false): boolean {
  const [p, q] = closePair("allClose", a, b, rtol, atol, equalNaN);
  if (!p.backend.host) {
    throw new BackendError(
      `allClose: backend "${p.backend.name}" cannot be read at once; await isClose(a, b).all().data() there`,
    );
  }
  return close(p, q, rtol, atol, equalNaN).dataSync().every(Boolean);
}

/** Both as floats, in which differences of int32 do not wrap. */
function closePair(
  op: string,
  a: Tensor,
  b: TensorLike,
  rtol: number,
  atol: number,
  equalNaN: boolean,
): [Tensor, Tensor] {
  checkedTensor(op, a);
  checkNumber(op, "rtol", rtol);
  checkNumber(op, "atol", atol);
  checkFlag(op, "equalNaN", equalNaN);
  const [p, q] = pair(op, a, b);
  return isFloating(p.dtype) ? [p, q] : [castTo(p, "float64"), castTo(q, "float64")];
}

function close(a: Tensor, b: Tensor, rtol: number, atol: number, equalNaN: boolean): Tensor {
  const difference = abs(sub(a, b));
  const near = logicalAnd(isFinite(difference), lessEqual(difference, add(mul(abs(b), rtol), atol)));
  const alike = logicalOr(near, equal(a, b));
  return equalNaN ? logicalOr(alike, logicalAnd(isNaN(a), isNaN(b))) : alike;
}
