// Turns a tensor into text for console.log and template strings.

import type { Tensor } from "./tensor.ts";

/** `tensor(float32, [2, 3])` followed by the values; only the heading on backends that cannot be read at once. */
export function formatTensor(tensor: Tensor): string {
  return `tensor(${tensor.dtype}, [${tensor.shape.join(", ")}], ${tensor.backend.name})`;
}
