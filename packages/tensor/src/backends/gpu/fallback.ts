// Ops without a kernel of their own: the inputs are read, the reference kernels compute, and the result is
// uploaded when the next kernel asks for it. Done at once if all inputs are in host memory.

import type { View } from "../../backend.ts";
import type { TypedArray } from "../../dtype.ts";
import { newArray } from "../../dtype.ts";
import { BackendError } from "../../errors.ts";
import type { Op, OpParams } from "../../op-table.ts";
import { reference } from "../reference/index.ts";
import { slotOf } from "./kernel-text.ts";
import { deviceOf } from "./run.ts";
import { convert, type GpuStorage } from "./storage.ts";

/** Runs the reference kernel of `op` on plain arrays. */
function compute<P extends Op>(
  op: P,
  out: View,
  inputs: readonly View[],
  arrays: readonly TypedArray[],
  params: OpParams[P],
): TypedArray {
  const { dtype, length } = out.storage;
  const target = reference.upload(dtype, newArray(dtype, length));
  const views = inputs.map(({ shape, strides, offset }, i) => ({
    ...{ shape, strides, offset },
    storage: reference.upload(inputs[i]!.storage.dtype, arrays[i]!),
  }));
  const kernel = reference.kernels[op];
  const { shape, strides, offset } = out;
  if (!kernel?.({ shape, strides, offset, storage: target }, views, params)) {
    throw new BackendError(`${op}: the reference backend has no kernel for ${dtype}`);
  }
  return target.data;
}

/** Computes an op in host memory. */
export function fallback<P extends Op>(op: P, out: View, inputs: readonly View[], params: OpParams[P]): void {
  const device = deviceOf(out);
  const slots = inputs.map(slotOf);
  const held = slots.map(({ host }) => host);
  if (held.every((host) => host !== null)) {
    const result = compute(op, out, inputs, held, params);
    (out.storage as GpuStorage).beginWrite().host = result;
    return;
  }
  const slot = (out.storage as GpuStorage).beginWrite();
  // The views' layouts are kept, their storages are not: those may be collected meanwhile.
  const layouts = [out, ...inputs].map(({ shape, strides, offset, storage: { dtype, length } }) => ({
    ...{ shape, strides, offset },
    storage: { dtype, length } as GpuStorage,
  }));
  for (const input of slots) {
    input.users++;
  }
  device.enqueue(() => {
    const finish = (arrays: readonly TypedArray[]): undefined => {
      slot.host = compute(op, layouts[0]!, layouts.slice(1), arrays, params);
      return undefined;
    };
    const failed = (error: unknown): undefined => {
      slot.error = error as Error;
      return undefined;
    };
    try {
      const arrays = slots.map((input) => {
        if (input.host !== null) return input.host;
        const values = device.values(input);
        return values instanceof Promise
          ? values.then((list) => convert(input.dtype, list))
          : convert(input.dtype, values);
      });
      return arrays.some((array) => array instanceof Promise)
        ? Promise.all(arrays).then(finish).catch(failed)
        : finish(arrays as TypedArray[]);
    } catch (error) {
      return failed(error);
    }
  });
  for (const input of slots) device.drop(input);
}
