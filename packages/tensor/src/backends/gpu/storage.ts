// Storages of the gpu backend. A storage gives its memory back when its owner says so (`release`) or when the
// collector finds that nobody holds it. What was uploaded stays in host memory as well, so that labels,
// lengths and parameters can still be read at once. Read next: kernel-text.ts.

import type { Backend, Storage, StorageOwner } from "../../backend.ts";
import type { DType, TypedArray } from "../../dtype.ts";
import { newArray } from "../../dtype.ts";
import { BackendError } from "../../errors.ts";
import type { Device } from "./device.ts";
import { Slot } from "./slot.ts";

const forgotten = new FinalizationRegistry<{ device: Device; slot: Slot }>(({ device, slot }) => {
  device.collected(slot);
});

/** A flat run of elements on a device. */
export class GpuStorage implements Storage {
  readonly backend: Backend;
  readonly device: Device;
  readonly dtype: DType;
  readonly length: number;
  owner: StorageOwner | null = null;
  closedBy: string | null = null;
  version = 0;
  #slot: Slot;
  #written: boolean;
  #released = false;

  constructor(backend: Backend, device: Device, slot: Slot, written: boolean) {
    this.backend = backend;
    this.device = device;
    this.dtype = slot.dtype;
    this.length = slot.length;
    this.#slot = slot;
    this.#written = written;
    forgotten.register(this, { device, slot }, this);
  }

  /** Where the elements are; throws BackendError if they were given back. */
  get slot(): Slot {
    if (this.#released) {
      throw new BackendError(
        `read: the memory of this ${this.dtype} storage of ${this.length} elements was given back`,
      );
    }
    return this.#slot;
  }

  /** The slot that a kernel fills: a new one for every write, because earlier tasks may still read the last. */
  beginWrite(): Slot {
    const { slot } = this;
    if (!this.#written) {
      this.#written = true;
      return slot;
    }
    forgotten.unregister(this);
    this.device.drop(slot);
    this.#slot = new Slot(this.dtype, this.length);
    forgotten.register(this, { device: this.device, slot: this.#slot }, this);
    return this.#slot;
  }

  get data(): TypedArray {
    const { host } = this.slot;
    if (host !== null) return host;
    throw new BackendError(
      `dataSync: tensors computed on backend "${this.backend.name}" can only be read with await tensor.data()`,
    );
  }

  /** Gives the memory back at once; a single element is left to the collector, because it must stay readable. */
  release(): void {
    if (this.#released || this.length === 1) return;
    forgotten.unregister(this);
    this.device.drop(this.#slot);
    this.#released = true;
  }
}

/** Float32 values as elements of `dtype`. */
export function convert(dtype: DType, values: Float32Array): TypedArray {
  if (dtype === "float32") return values;
  const out = newArray(dtype, values.length);
  out.set(values);
  return out;
}
