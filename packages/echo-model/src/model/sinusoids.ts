// Fixed sinusoidal positions, added to what the stems produce.

import { ShapeError } from "@echo-ts/tensor";
import { type Backend, type DType, newTensorFrom, type Tensor } from "./tensor-from.ts";

const SLOWEST = 10000;

/**
 * Row t holds the sines and then the cosines of t times dims/2 rates, from 1 down to 1/10000.
 *
 * @param frames rows
 * @param dims columns; even and at least 4
 * @returns [T, D]
 * @throws ShapeError for other dims
 */
export function sinusoids(frames: number, dims: number, dtype: DType, backend: Backend): Tensor {
  const half = dims / 2;
  if (!Number.isInteger(half) || half < 2) {
    throw new ShapeError(`sinusoids: dims must be even and at least 4, got ${dims}`);
  }
  const out = new Float64Array(frames * dims);
  for (let t = 0; t < frames; t++) {
    for (let i = 0; i < half; i++) {
      const angle = t * Math.exp((-Math.log(SLOWEST) / (half - 1)) * i);
      out[t * dims + i] = Math.sin(angle);
      out[t * dims + half + i] = Math.cos(angle);
    }
  }
  return newTensorFrom(out, [frames, dims], dtype, backend);
}
