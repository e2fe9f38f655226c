// Making tensors: from numbers, arrays and typed arrays, filled or counted, and moving them between backends.
// Random ones: create-random.ts; from ndarrays: ndarray.ts.

import { fromTypedArray } from "./apply.ts";
import { definedOptions, wrongArgument } from "./arguments.ts";
import { type Backend, backendNamed } from "./backend.ts";
import { registerReference } from "./backends/reference/index.ts";
import { type CreateOptions, checkCreateOptions } from "./create-options.ts";
import { startDebugging } from "./debug.ts";
import { isFloating, isInt32, newArray } from "./dtype.ts";
import { allocationError, DtypeError, ShapeError } from "./errors.ts";
import { installMethods } from "./methods.ts";
import { flatten } from "./nested.ts";
import { checkHolds, elementsAs, type NumberArray, numberDtype } from "./numbers.ts";
import { checkShape, formatShape, type Shape, sizeOf } from "./shape.ts";
import { type Nested, Tensor } from "./tensor.ts";

installMethods();
registerReference();
startDebugging();

const NO_OPTIONS: TensorOptions = {};

/** Options of `tensor`. */
export interface TensorOptions extends CreateOptions {
  /** For typed arrays; default one axis. */
  readonly shape?: Shape;
}

/** What `tensor` accepts: a number, nested arrays of numbers or booleans, or a typed array. */
export type TensorData = Nested<number> | Nested<boolean> | NumberArray;

/**
 * Makes a tensor from a number, nested arrays, or a typed array or Buffer (copied). Numbers become float32, booleans alone
 * bool, typed arrays what `dtypeOfArray` says.
 *
 * @throws ArgumentError for unknown options; ShapeError if nested arrays are ragged or the shape does not fit; DtypeError
 *   for NaN and numbers outside int32 where that is asked for
 * @example tensor([[1, 2], [3, 4]]).shape // [2, 2]
 */
export function tensor(data: TensorData, options: TensorOptions = NO_OPTIONS): Tensor {
  if (options !== NO_OPTIONS) checkCreateOptions("tensor", options, { shape: "array" });
  if (ArrayBuffer.isView(data)) {
    const dtype = numberDtype("tensor", data, options.dtype);
    const shape = options.shape ?? [data.length];
    checkFits("tensor", shape, data.length);
    return fromTypedArray(dtype, elementsAs("tensor", data, dtype), shape, options.backend);
  }
  const { shape, flat } = flatten("tensor", data);
  const truths = flat.length > 0 && flat.every((value) => typeof value === "boolean");
  const dtype = options.dtype ?? (truths ? "bool" : "float32");
  const target = options.shape ?? shape;
  checkFits("tensor", target, flat.length);
  return fromTypedArray(dtype, elementsAs("tensor", flat, dtype), target, options.backend);
}

function checkFits(op: string, shape: Shape, length: number): void {
  checkShape(op, shape);
  if (sizeOf(shape) !== length) {
    throw new ShapeError(`${op}: ${length} elements do not fit the shape ${formatShape(shape)}`);
  }
}

/**
 * A tensor of one value.
 *
 * @throws ShapeError for sizes that are not non-negative integers
 * @example full([2, 3], 0.5).sum().item() // 3
 */
export function full(shape: Shape, value: number | boolean, options: CreateOptions = {}): Tensor {
  return filled("full", shape, typeof value === "boolean" ? Number(value) : value, options);
}

function filled(op: string, shape: Shape, value: number, options: CreateOptions): Tensor {
  checkShape(op, shape);
  if (typeof value !== "number") throw wrongArgument(op, "value", "a number", value);
  checkCreateOptions(op, options);
  const dtype = options.dtype ?? "float32";
  checkHolds(op, "value", value, dtype);
  try {
    const data = newArray(dtype, sizeOf(shape));
    if (value !== 0) data.fill(dtype === "bool" ? 1 : value);
    return fromTypedArray(dtype, data, shape, options.backend);
  } catch (error) {
    throw allocationError(op, error);
  }
}

/**
 * A tensor of zeros, see `full`.
 *
 * @example zeros([2, 3]).toArray() // [[0, 0, 0], [0, 0, 0]]
 */
export function zeros(shape: Shape, options: CreateOptions = {}): Tensor {
  return filled("zeros", shape, 0, options);
}

/**
 * A tensor of ones, see `full`.
 *
 * @example ones([2], { dtype: "bool" }).toArray() // [true, true]
 */
export function ones(shape: Shape, options: CreateOptions = {}): Tensor {
  return filled("ones", shape, 1, options);
}

function filledLike(op: string, x: Tensor, value: number, options: CreateOptions): Tensor {
  if (!(x instanceof Tensor)) throw wrongArgument(op, "x", "a tensor", x);
  checkCreateOptions(op, options);
  return filled(op, x.shape, value, { dtype: x.dtype, backend: x.backend, ...definedOptions(options) });
}

/**
 * A tensor of one value with the shape, dtype and backend of x.
 *
 * @example fullLike(arange(2), 7).toArray() // [7, 7]
 */
export function fullLike(x: Tensor, value: number, options: CreateOptions = {}): Tensor {
  return filledLike("fullLike", x, value, options);
}

/** Zeros with the shape, dtype and backend of x. */
export function zerosLike(x: Tensor, options: CreateOptions = {}): Tensor {
  return filledLike("zerosLike", x, 0, options);
}

/** Ones with the shape, dtype and backend of x. */
export function onesLike(x: Tensor, options: CreateOptions = {}): Tensor {
  return filledLike("onesLike", x, 1, options);
}

/**
 * Numbers from `start` (inclusive) to `stop` (exclusive), `step` apart; `arange(n)` counts from 0.
 * int32 if start, stop and step are integers that int32 holds, else float32.
 *
 * @throws ShapeError if the step is 0 or not finite; DtypeError for bool
 * @example arange(2, 8, 2).toArray() // [2, 4, 6]
 */
export function arange(start: number, stop?: number, step = 1, options: CreateOptions = {}): Tensor {
  checkCreateOptions("arange", options);
  const [from, to] = stop === undefined ? [0, start] : [start, stop];
  if (!(Number.isFinite(from) && Number.isFinite(to) && Number.isFinite(step)) || step === 0) {
    throw new ShapeError(`arange: expected finite bounds and a non-zero step, got ${from}, ${to}, ${step}`);
  }
  const dtype = options.dtype ?? ([from, to, step].every(isInt32) ? "int32" : "float32");
  if (dtype === "bool") throw new DtypeError("arange: bool cannot count, expected a numeric dtype");
  const data = newArray(dtype, Math.max(0, Math.ceil((to - from) / step)), "arange");
  for (let i = 0; i < data.length; i++) data[i] = from + i * step;
  checkHolds("arange", "start", from, dtype);
  if (data.length > 0) checkHolds("arange", "the last number", from + (data.length - 1) * step, dtype);
  return fromTypedArray(dtype, data, [data.length], options.backend);
}

/**
 * `count` evenly spaced numbers from `start` to `stop`, both included.
 *
 * @throws DtypeError for int32 and bool
 * @example linspace(0, 1, 5).toArray() // [0, 0.25, 0.5, 0.75, 1]
 */
export function linspace(start: number, stop: number, count: number, options: CreateOptions = {}): Tensor {
  checkCreateOptions("linspace", options);
  checkShape("linspace", [count]);
  const dtype = options.dtype ?? "float32";
  if (!isFloating(dtype)) throw new DtypeError(`linspace: expected float32 or float64, got ${dtype}`);
  const data = newArray(dtype, count, "linspace");
  for (let i = 0; i < count; i++) data[i] = start + ((stop - start) * i) / Math.max(1, count - 1);
  if (count > 1) data[count - 1] = stop; // exactly, without a rounding error
  return fromTypedArray(dtype, data, [count], options.backend);
}

/**
 * The identity matrix [n, m], ones where row and column agree.
 *
 * @example eye(2, 3).toArray() // [[1, 0, 0], [0, 1, 0]]
 */
export function eye(n: number, m: number = n, options: CreateOptions = {}): Tensor {
  checkCreateOptions("eye", options);
  checkShape("eye", [n, m]);
  const data = newArray(options.dtype ?? "float32", n * m, "eye");
  for (let i = 0; i < Math.min(n, m); i++) data[i * m + i] = 1;
  return fromTypedArray(options.dtype ?? "float32", data, [n, m], options.backend);
}

/**
 * The tensor's values on another backend; the tensor itself if it lives there already.
 *
 * @example await toBackend(x, "reference")
 */
export async function toBackend(x: Tensor, backend: string | Backend): Promise<Tensor> {
  if (!(x instanceof Tensor)) throw wrongArgument("toBackend", "x", "a tensor", x);
  const target = backendNamed("toBackend", backend);
  return x.backend === target ? x : fromTypedArray(x.dtype, await x.data(), x.shape, target);
}
