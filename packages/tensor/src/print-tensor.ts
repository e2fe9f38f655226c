// Turns a tensor into text for console.log and template strings: NumPy's layout (print.ts) under a heading.

import type { View } from "./backend.ts";
import { formatView } from "./print.ts";
import { sizeOf } from "./shape.ts";

/**
 * `tensor(` and the values, then dtype and shape where the values do not show them. On backends that can
 * only be read asynchronously the values are left out, and those whose memory was given back are not there.
 *
 * @example String(tensor([[1, 2], [3, 4]])) // tensor([[1. 2.]\n        [3. 4.]])
 */
export function formatTensor(tensor: View): string {
  const { shape, strides, offset, storage } = tensor;
  const { dtype, backend } = storage;
  if (storage.closedBy !== null) {
    return `tensor(${dtype}, shape [${shape.join(", ")}], memory given back when ${storage.closedBy})`;
  }
  const notes: string[] = [];
  if (dtype !== "float32") notes.push(dtype);
  if (!backend.host) return `tensor(${dtype}, shape [${shape.join(", ")}], on ${backend.name})`;
  const prefix = "tensor(";
  const values = formatView(
    { data: storage.data, shape, strides, offset, dtype },
    { prefix, separator: ", " },
  );
  const summarised = values.includes("...");
  if (summarised || (sizeOf(shape) === 0 && shape.length !== 1)) notes.push(`shape [${shape.join(", ")}]`);
  return `${prefix}${[values, ...notes].join(", ")})`;
}
