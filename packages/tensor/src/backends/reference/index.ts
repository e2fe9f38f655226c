// The reference backend: plain TypeScript on plain typed arrays, written to be read. It computes every
// primitive in every dtype and is the oracle that other backends are tested against.

import { type Backend, type Kernels, registerBackend, type Storage } from "../../backend.ts";
import { type DType, newArray, type TypedArray } from "../../dtype.ts";
import type { Primitive } from "../../op-table.ts";
import { ctcLoss, ctcLossGrad } from "./ctc.ts";
import * as elementwise from "./elementwise.ts";
import * as indexing from "./indexing.ts";
import * as joining from "./joining.ts";
import { matmul } from "./matmul.ts";
import * as reduce from "./reduce.ts";

/** A typed array under the garbage collector's care. */
class HostStorage implements Storage {
  readonly backend: Backend;
  readonly dtype: DType;
  readonly data: TypedArray;
  pinned = false;
  version = 0;

  constructor(backend: Backend, dtype: DType, data: TypedArray) {
    this.backend = backend;
    this.dtype = dtype;
    this.data = data;
  }

  get length(): number {
    return this.data.length;
  }
}

/** One kernel for every primitive: a missing one does not compile. Of the fused ops only CTC, see ctc.ts. */
const kernels: { readonly [P in Primitive | "ctcLoss" | "ctcLossGrad"]: NonNullable<Kernels[P]> } = {
  neg: elementwise.neg,
  exp: elementwise.exp,
  expm1: elementwise.expm1,
  log: elementwise.log,
  log1p: elementwise.log1p,
  sqrt: elementwise.sqrt,
  sin: elementwise.sin,
  cos: elementwise.cos,
  tanh: elementwise.tanh,
  erf: elementwise.erfKernel,
  floor: elementwise.floor,
  cast: elementwise.cast,
  add: elementwise.add,
  sub: elementwise.sub,
  mul: elementwise.mul,
  div: elementwise.div,
  pow: elementwise.pow,
  mod: elementwise.mod,
  atan2: elementwise.atan2,
  maximum: elementwise.maximum,
  less: elementwise.less,
  equal: elementwise.equal,
  where: elementwise.where,
  sum: reduce.sum,
  max: reduce.max,
  argmax: reduce.argmax,
  argsort: reduce.argsort,
  matmul,
  fold: joining.fold,
  pad: joining.pad,
  concat: joining.concat,
  gather: indexing.gather,
  scatterAdd: indexing.scatterAdd,
  indexSelect: indexing.indexSelect,
  indexAdd: indexing.indexAdd,
  ctcLoss,
  ctcLossGrad,
};

/** The backend called "reference". */
export const reference: Backend = {
  name: "reference",
  host: true,
  kernels,
  allocate: (dtype, length) => new HostStorage(reference, dtype, newArray(dtype, length)),
  upload: (dtype, data) => new HostStorage(reference, dtype, data),
  read: async (storage) => storage.data.slice(),
};

/** Makes the reference backend known; called before the first tensor can exist. */
export function registerReference(): void {
  registerBackend(reference);
}
