// rfft and irfft by fast transforms in double precision, on the arena's memory; the definition of these ops is a matrix
// product. Read next: fft.ts.

import type { Kernel, Kernels, View } from "../../backend.ts";
import { BYTES_PER_ELEMENT } from "../../dtype.ts";
import { sizeOf } from "../../shape.ts";
import { getEngine } from "./engine.ts";
import { RealTransform } from "./fft.ts";
import { addressOf } from "./operands.ts";
import { inWorkspace } from "./workspace.ts";

const KEPT = 8;
const transforms = new Map<number, RealTransform>();

/** The transform of a size; those used last are kept with their tables. */
function transformOf(size: number): RealTransform {
  const transform = transforms.get(size) ?? new RealTransform(size);
  transforms.delete(size);
  transforms.set(size, transform);
  if (transforms.size > KEPT) transforms.delete(transforms.keys().next().value!);
  return transform;
}

/** Runs over rows of so many elements in and out. */
function overRows(
  direction: "forward" | "inverse",
  out: View,
  x: View,
  size: number,
  inRow: number,
  outRow: number,
): boolean {
  const { dtype } = out.storage;
  if ((dtype !== "float32" && dtype !== "float64") || x.storage.dtype !== dtype) return false;
  const rows = sizeOf(out.shape) / outRow;
  const transform = transformOf(size);
  const engine = getEngine();
  return inWorkspace(engine, (workspace) => {
    const from = workspace.dense(x) / BYTES_PER_ELEMENT[dtype];
    const to = addressOf(out) / BYTES_PER_ELEMENT[dtype];
    const memory = engine.arena[dtype];
    for (let r = 0; r < rows; r++) transform[direction](memory, from + r * inRow, memory, to + r * outRow);
    return true;
  });
}

const rfft: Kernel<"rfft"> = (out, [x], { size }) =>
  overRows("forward", out, x!, size, size, 2 * Math.floor(size / 2) + 2);

const irfft: Kernel<"irfft"> = (out, [x], { size }) =>
  overRows("inverse", out, x!, size, 2 * Math.floor(size / 2) + 2, size);

/** The Fourier part of the backend's kernel table. */
export const fouriers: Kernels = { rfft, irfft };
