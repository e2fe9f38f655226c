// Random tensors. Every draw comes from a named stream (random.ts), so equal seeds and names give equal
// tensors, whatever else is drawn; the values do not depend on the backend.

import { fromTypedArray } from "./apply.ts";
import { checkOptions, describeValue } from "./arguments.ts";
import { type CreateOptions, checkCreateOptions } from "./create-options.ts";
import { isFloating, newArray } from "./dtype.ts";
import { DtypeError } from "./errors.ts";
import { RandomStream } from "./random.ts";
import { checkShape, type Shape, sizeOf } from "./shape.ts";
import type { Tensor } from "./tensor.ts";

function filled(
  op: string,
  shape: Shape,
  options: CreateOptions,
  source: RandomStream,
  fill: (out: Float32Array | Float64Array) => void,
): Tensor {
  checkShape(op, shape);
  checkStream(op, source);
  checkCreateOptions(op, options);
  const dtype = options.dtype ?? "float32";
  if (!isFloating(dtype)) throw new DtypeError(`${op}: expected float32 or float64, got ${dtype}`);
  const data = newArray(dtype as "float32" | "float64", sizeOf(shape), op);
  fill(data);
  return fromTypedArray(dtype, data, shape, options.backend);
}

/** Throws TypeError for a forgotten stream, or arguments in another order. */
function checkStream(op: string, source: RandomStream): void {
  if (!(source instanceof RandomStream)) {
    throw new TypeError(`${op}: expected a stream such as stream(7, "${op}"), got ${describeValue(source)}`);
  }
}

/**
 * Numbers drawn uniformly from [low, high).
 *
 * @param low default 0
 * @param high default 1
 * @throws RangeError unless low < high and both are finite
 * @example randomUniform([2, 3], stream(7, "noise"))
 */
export function randomUniform(
  shape: Shape,
  source: RandomStream,
  low = 0,
  high = 1,
  options: CreateOptions = {},
): Tensor {
  return filled("randomUniform", shape, options, source, (out) => source.fillUniform(out, low, high));
}

/**
 * Normal deviates.
 *
 * @param mean default 0
 * @param std standard deviation, default 1
 * @throws RangeError if mean or std is not finite, or std is negative
 * @example randomNormal([512, 64], stream(7, "init/query"), 0, 0.02)
 */
export function randomNormal(
  shape: Shape,
  source: RandomStream,
  mean = 0,
  std = 1,
  options: CreateOptions = {},
): Tensor {
  return filled("randomNormal", shape, options, source, (out) => source.fillNormal(out, mean, std));
}

/**
 * 1 with probability p, else 0; bool unless another dtype is asked for.
 *
 * @param p in [0, 1]
 * @throws RangeError if p is outside
 * @example bernoulli([4], 0.5, stream(7, "mask")).dtype // "bool"
 */
export function bernoulli(
  shape: Shape,
  p: number,
  source: RandomStream,
  options: CreateOptions = {},
): Tensor {
  checkShape("bernoulli", shape);
  checkStream("bernoulli", source);
  checkCreateOptions("bernoulli", options);
  const dtype = options.dtype ?? "bool";
  const data = source.fillBernoulli(newArray(dtype, sizeOf(shape), "bernoulli"), p);
  return fromTypedArray(dtype, data, shape, options.backend);
}

/**
 * The numbers 0 .. n-1 in random order, int32.
 *
 * @throws RangeError unless n is an integer in [0, 2^31)
 * @example indexSelect(rows, 0, permutation(rows.shape[0], stream(7, "shuffle")))
 */
export function permutation(
  n: number,
  source: RandomStream,
  options: Omit<CreateOptions, "dtype"> = {},
): Tensor {
  checkStream("permutation", source);
  checkOptions("permutation", options, { backend: "object" });
  return fromTypedArray("int32", source.permutation(n), [n], options.backend);
}
