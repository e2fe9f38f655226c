// A slot: the elements of one storage, in host memory, on the device, or both. Tasks of the queue hold slots
// and not storages, so that the collector can tell when nobody can ask for the elements any more.

import type { DType, TypedArray } from "../../dtype.ts";
import { BackendError } from "../../errors.ts";
import type { Handle } from "./gpu-js.ts";

/** Above this, float32 no longer holds every integer. It is also the most elements that kernels can count. */
export const EXACT_LIMIT: number = 2 ** 24;

/** Where the elements of a storage are. */
export class Slot {
  readonly dtype: DType;
  readonly length: number;
  /** The elements in host memory, if they are there. Never written to. */
  host: TypedArray | null;
  /** The elements on the device, as float32. */
  handle: Handle | null = null;
  /** Why the elements could not be computed. */
  error: Error | null = null;
  /** The storage, and tasks to come. */
  users = 1;
  #exact: boolean | null = null;

  constructor(dtype: DType, length: number, host: TypedArray | null = null) {
    this.dtype = dtype;
    this.length = length;
    this.host = host;
  }

  /** True unless the elements are known not to survive the conversion to float32. */
  get exact(): boolean {
    if (this.dtype === "float64") return false;
    if (this.dtype !== "int32" || this.host === null) return true;
    this.#exact ??= (this.host as Int32Array).every((x) => Math.abs(x) <= EXACT_LIMIT);
    return this.#exact;
  }

  /** Throws BackendError if the elements would change on the device. */
  checkExact(): void {
    if (this.exact) return;
    throw new BackendError(
      `gpu: ${this.dtype} values beyond ${EXACT_LIMIT} are not exact on the device; compute with them on another backend (await toBackend)`,
    );
  }
}
