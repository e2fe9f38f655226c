// The reference backend: plain TypeScript on plain typed arrays, written to be read. It computes every
// primitive in every dtype and is the oracle that other backends are tested against.

import {
  type Backend,
  type Kernels,
  registerBackend,
  type Storage,
  type StorageOwner,
} from "../../backend.ts";
import { type DType, newArray, type TypedArray } from "../../dtype.ts";
import type { Primitive } from "../../op-table.ts";
import { type CountedArray, checkTensorBytes, countArray } from "../../tensor-bytes.ts";
import * as ctc from "./ctc.ts";
import * as elementwise from "./elementwise.ts";
import * as indexing from "./indexing.ts";
import * as joining from "./joining.ts";
import * as matmul from "./matmul.ts";
import * as reduce from "./reduce.ts";

/** A typed array under the garbage collector's care. */
class HostStorage implements Storage {
  readonly backend: Backend;
  readonly dtype: DType;
  readonly data: TypedArray;
  owner: StorageOwner | null = null;
  closedBy: string | null = null;
  version = 0;
  /** Counts the array, if there is a limit. */
  readonly counted: CountedArray | null;

  constructor(backend: Backend, dtype: DType, data: TypedArray) {
    this.backend = backend;
    this.dtype = dtype;
    this.data = data;
    this.counted = countArray(data.byteLength);
  }

  get length(): number {
    return this.data.length;
  }
}

/**
 * One kernel for every primitive, named as the op in the files imported above: a missing one does not compile. Of
 * the fused ops only CTC, see ctc.ts.
 */
const kernels: { readonly [P in Primitive | "ctcLoss" | "ctcLossGrad"]: NonNullable<Kernels[P]> } = {
  ...elementwise,
  ...reduce,
  ...matmul,
  ...joining,
  ...indexing,
  ...ctc,
};

/** The backend called "reference". */
export const reference: Backend = {
  name: "reference",
  host: true,
  kernels,
  allocate: (dtype, length) => new HostStorage(reference, dtype, newArray(dtype, length)),
  upload(dtype, data) {
    checkTensorBytes(data.byteLength);
    return new HostStorage(reference, dtype, data);
  },
  read: async (storage) => storage.data.slice(),
};

/** Makes the reference backend known; called before the first tensor can exist. */
export function registerReference(): void {
  registerBackend(reference);
}
