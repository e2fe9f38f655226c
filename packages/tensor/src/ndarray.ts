// The entry @echo-ts/tensor/ndarray: to and from the npm package of that name. An entry of its own, because that package
// compiles its accessors from strings, which strict pages bar, and most programs never need it.

import type { NdArray } from "ndarray";
import ndarray from "ndarray";
import "./create.ts";
import { checkOptions } from "./arguments.ts";
import { type Backend, getBackend } from "./backend.ts";
import { dtypeOfArray, type TypedArray } from "./dtype.ts";
import { DtypeError } from "./errors.ts";
import { checkOpen, keep } from "./memory.ts";
import { rowMajorStrides } from "./shape.ts";
import { Tensor } from "./tensor.ts";

/**
 * Adopts an ndarray (github.com/scijs/ndarray) without copying where the backend computes on host arrays
 * (`reference`); other backends copy its data. Later writes to the ndarray are the caller's own risk.
 *
 * @throws DtypeError if no dtype is stored in its kind of array, or a bool array holds more than 0 and 1
 * @example fromNdarray(ndarray(Float32Array.of(1, 2, 3, 4), [2, 2]).transpose(1, 0)).toArray() // [[1, 3], [2, 4]]
 */
export function fromNdarray(
  array: NdArray<TypedArray>,
  options: { readonly backend?: Backend } = {},
): Tensor {
  checkOptions("fromNdarray", options, { backend: "object" });
  const backend = options.backend ?? getBackend();
  const dtype = dtypeOfArray(array.data);
  if (dtype === "bool" && array.data.some((value) => value > 1)) {
    throw new DtypeError(
      "fromNdarray: a Uint8Array is read as bool, expected only 0 and 1; convert other data to Int32Array",
    );
  }
  const storage = backend.upload(dtype, array.data);
  return new Tensor(storage, array.shape.slice(), array.stride.slice(), array.offset);
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
