// Turns what users pass to ops, tensors or numbers, into tensors of one dtype; the op that converts is
// declared here. Read next: elementwise.ts.

import { apply, fromTypedArray, NONE, scalar } from "../apply.ts";
import { describeValue, wrongArgument } from "../arguments.ts";
import { type DType, isFloating, newArray, promote, promoteNumber, toFloating } from "../dtype.ts";
import { DtypeError } from "../errors.ts";
import { flatten, type NumberList } from "../nested.ts";
import { type FusedRow, firstShape, type PrimitiveRow, primitive, rows } from "../op.ts";
import type { Tensor } from "../tensor.ts";

interface Rows {
  readonly cast: PrimitiveRow<{ readonly dtype: DType }>;
}

const ROWS: Rows = rows<Rows>({
  cast: primitive({
    meaning: "the same values in another dtype, row-major",
    shape: firstShape,
    dtype: (_inputs, params) => params.dtype,
  }),
});
export default ROWS;

/** An operand: a tensor, or a number or nested list of numbers that takes the dtype of the tensor beside it. */
export type TensorLike = Tensor | number | NumberList;

/** The same values in another dtype; the same tensor if it has that dtype already. */
export function castTo(x: Tensor, dtype: DType): Tensor {
  return x.dtype === dtype ? x : copyAs(x, dtype);
}

/** A dense row-major copy in storage of its own. */
export function copyAs(x: Tensor, dtype: DType): Tensor {
  return apply(ROWS.cast, [x], { dtype });
}

/** bool becomes int32. */
export function countableTensor(x: Tensor): Tensor {
  return x.dtype === "bool" ? castTo(x, "int32") : x;
}

/** x, unless plain JavaScript passed something else. @throws ArgumentError */
export function checkedTensor(op: string, x: Tensor): Tensor {
  if (x?.storage === undefined) throw wrongArgument(op, "x", "a tensor", x);
  return x;
}

/** float64 stays, everything else becomes float32. */
export function floatingTensor(x: Tensor): Tensor {
  return isFloating(x.dtype) ? x : castTo(x, "float32");
}

/** What users call an op by that takes one tensor and no parameters. */
export type UnaryFunction = (x: Tensor) => Tensor;

/** The function of an op on floats; integers become float32. */
export function onFloats(row: PrimitiveRow | FusedRow): UnaryFunction {
  return (x) => apply(row, [floatingTensor(checkedTensor(row.name, x))], NONE);
}

/** The function of an op on floats and int32; bool becomes int32. */
export function onCountables(row: PrimitiveRow | FusedRow): UnaryFunction {
  return (x) => apply(row, [countableTensor(checkedTensor(row.name, x))], NONE);
}

/** Tensors brought to one dtype, at least `least`. */
export function alike(tensors: readonly Tensor[], least: DType = "bool"): readonly Tensor[] {
  if (allFloating(tensors, tensors[0]?.dtype, least)) return tensors;
  const dtype = tensors.map((x) => x.dtype).reduce(promote, least);
  return tensors.map((x) => castTo(x, dtype));
}

/** True if every tensor has this dtype and it is a float that `least` does not widen: the usual case. */
function allFloating(tensors: readonly Tensor[], dtype: DType | undefined, least: DType): boolean {
  if (dtype === undefined || !isFloating(dtype) || least === "float64") return false;
  for (let i = 0; i < tensors.length; i++) if (tensors[i]!.dtype !== dtype) return false;
  return true;
}

/** A number or list as a tensor beside `other`. */
export function beside(value: number | NumberList, other: Tensor, op = "tensor"): Tensor {
  if (typeof value === "number") return scalar(value, promoteNumber(other.dtype, value), other.backend);
  const { shape, flat } = flatten(op, value);
  const dtype = flat.reduce<DType>(
    (known, one) => (typeof one === "boolean" ? known : promoteNumber(known, one)),
    other.dtype,
  );
  return fromTypedArray(
    dtype,
    newArray(dtype, flat.length).map((_, i) => Number(flat[i])),
    shape,
    other.backend,
  );
}

/** True unless it is a number or a list. */
export function isTensor(value: TensorLike): value is Tensor {
  return (value as Tensor).storage !== undefined;
}

/**
 * Two operands brought to one dtype.
 *
 * @param least `int32` for arithmetic (bool counts as 0 and 1), `float32` for true division
 * @throws DtypeError if neither is a tensor, or one is neither a tensor nor numbers
 */
export function pair(op: string, a: TensorLike, b: TensorLike, least: DType = "bool"): [Tensor, Tensor] {
  checkOperand(op, a);
  checkOperand(op, b);
  if (!isTensor(a) && !isTensor(b)) {
    const [first, second] = [a, b].map(describeValue);
    const got = typeof a === "number" && typeof b === "number" ? "the numbers " : "";
    throw new DtypeError(`${op}: expected at least one tensor, got ${got}${first} and ${second}`);
  }
  const p = isTensor(a) ? a : beside(a, b as Tensor, op);
  const q = isTensor(b) ? b : beside(b, a as Tensor, op);
  if (p.dtype === q.dtype && (least === "bool" || isFloating(p.dtype))) return [p, q];
  let dtype = promote(promote(p.dtype, q.dtype), least);
  if (least === "float32") dtype = toFloating(dtype);
  return [castTo(p, dtype), castTo(q, dtype)];
}

/** Throws DtypeError for what plain JavaScript lets through. */
export function checkOperand(op: string, value: TensorLike): void {
  if (typeof value === "number" || (value as Tensor)?.storage !== undefined || Array.isArray(value)) return;
  throw new DtypeError(
    `${op}: expected tensors, numbers or lists of numbers, got ${value === null ? "null" : typeof value}`,
  );
}

/** Throws DtypeError unless the tensor holds int32 indices. */
export function checkIndex(op: string, index: Tensor): void {
  if (index?.dtype !== "int32") {
    throw new DtypeError(`${op}: indices must be int32, got ${index?.dtype ?? typeof index}`);
  }
}

/** What users call an op by that takes two operands, which broadcast. */
export type BinaryFunction = (a: TensorLike, b: TensorLike) => Tensor;

/** The function of an op on two operands, which are brought to one dtype of at least `least`. */
export function onPairs(row: PrimitiveRow | FusedRow, least: DType): BinaryFunction {
  return (a, b) => apply(row, pair(row.name, a, b, least), NONE);
}

/** int32 numbers 0 .. n-1 on the backend of `like`. */
export function counting(n: number, like: Tensor): Tensor {
  return fromTypedArray(
    "int32",
    Int32Array.from({ length: n }, (_, i) => i),
    [n],
    like.backend,
  );
}
