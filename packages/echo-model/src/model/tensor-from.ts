// Plain numbers computed in double precision, handed to the model as a tensor of its dtype and backend.

import { type Backend, type DType, type Shape, type Tensor, tensor } from "@echo-ts/tensor";

export type { Backend, DType, Tensor };

/** Rounds double-precision values to a tensor of the wanted dtype on the wanted backend. */
export function newTensorFrom(values: Float64Array, shape: Shape, dtype: DType, backend: Backend): Tensor {
  return tensor(values, { shape, dtype, backend });
}
