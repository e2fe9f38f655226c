// The entry @echo-ts/tensor/ndarray: to and from the npm package of that name. An entry of its own, because that package
// compiles its accessors from strings, which strict pages bar, and most programs never need it.

import type { NdArray } from "ndarray";
import ndarray from "ndarray";
import "./create.ts";
import { wrongArgument } from "./arguments.ts";
import { type Backend, getBackend } from "./backend.ts";
import { type CreateOptions, checkCreateOptions } from "./create-options.ts";
import { ARRAYS, type TypedArray } from "./dtype.ts";
import { DtypeError, ShapeError } from "./errors.ts";
import { checkOpen, keep } from "./memory.ts";
import { elementsAs, type NumberArray, numberDtype } from "./numbers.ts";
import { formatShape, rowMajorStrides } from "./shape.ts";
import { Tensor } from "./tensor.ts";

/** The typed arrays under an ndarray whose elements are numbers. */
type HostArray = Exclude<NumberArray, BigInt64Array | BigUint64Array>;

/**
 * An ndarray as a tensor. Without copying where the backend computes on host arrays (`reference`) and a dtype is stored in
 * such an array; then later writes to the ndarray are the caller's own risk. Otherwise its data are copied, and converted
 * as `tensor` does.
 *
 * @param options dtype: default by the kind of array, see `dtypeOfArray`; a Uint8Array of bool wants `{ dtype: "bool" }`
 * @throws DtypeError if no dtype holds its elements; ShapeError if shape, stride and offset lead outside the data
 * @example fromNdarray(ndarray(Float32Array.of(1, 2, 3, 4), [2, 2]).transpose(1, 0)).toArray() // [[1, 3], [2, 4]]
 */
export function fromNdarray(array: NdArray<HostArray>, options: CreateOptions = {}): Tensor {
  checkCreateOptions("fromNdarray", options);
  checkNdarray(array);
  const { data, shape, stride, offset } = array;
  const backend: Backend = options.backend ?? getBackend();
  const dtype = numberDtype("fromNdarray", data, options.dtype);
  const own = data instanceof ARRAYS[dtype] && !(dtype === "bool" && data.some((value) => Number(value) > 1));
  const elements = own ? (data as TypedArray) : elementsAs("fromNdarray", data, dtype);
  return new Tensor(backend.upload(dtype, elements), shape.slice(), stride.slice(), offset);
}

/** Refuses what is no ndarray over a typed array, and layouts that lead outside of it. */
function checkNdarray(array: NdArray<HostArray>): void {
  const fields: unknown[] = [array?.shape, array?.stride];
  if (!fields.every(Array.isArray) || typeof array.offset !== "number") {
    throw wrongArgument("fromNdarray", "array", "an ndarray", array);
  }
  const { data, shape, stride, offset } = array;
  if (!ArrayBuffer.isView(data)) {
    throw new DtypeError("fromNdarray: expected an ndarray over a typed array; convert its data first");
  }
  const whole = [...shape, ...stride, offset].every(Number.isInteger) && shape.every((n) => n >= 0);
  let [first, last] = [offset, offset];
  for (const [axis, size] of shape.entries()) {
    const reach = (size - 1) * stride[axis]!;
    if (reach < 0) first += reach;
    else last += reach;
  }
  const inside = shape.includes(0) || (first >= 0 && last < data.length);
  if (!whole || shape.length !== stride.length || !inside) {
    throw new ShapeError(
      `fromNdarray: shape ${formatShape(shape)}, stride ${formatShape(stride)} and offset ${offset} lead outside the ${data.length} elements`,
    );
  }
}

/**
 * The tensor as an ndarray: over the same memory where a storage is one array (`reference`), then treat it as
 * read-only, because it shows the tensor and every view of it; a row-major copy on backends whose memory may
 * move (`wasm`, which grows and reuses it).
 *
 * @throws BackendError if its memory was given back; EvalError in a page whose policy bars evaluating strings, which
 *   the package does
 * @example (await toNdarray(tensor([[1, 2], [3, 4]]))).get(1, 0) // 3
 */
export async function toNdarray(x: Tensor): Promise<NdArray<TypedArray>> {
  const shape = x.shape.slice();
  checkOpen("toNdarray", x);
  const data = x.backend.host ? x.storage.data : null;
  // A backend that gives a new array at each access may move the elements away from the old one.
  if (data === null || x.storage.data !== data) return ndarray(await x.data(), shape, rowMajorStrides(shape));
  keep(x);
  return ndarray(data, shape, x.strides.slice(), x.offset);
}
