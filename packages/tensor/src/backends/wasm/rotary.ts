// Rotary position encoding: pairs of elements turned by an angle. Read next: losses.ts.

import type { Kernel, Kernels, View } from "../../backend.ts";
import { sizeOf } from "../../shape.ts";
import { getEngine } from "./engine.ts";
import { addressOf, all, layoutOf, split } from "./operands.ts";
import { inWorkspace } from "./workspace.ts";

const rotatePairs: Kernel<"rotatePairs"> = (out, inputs) => {
  if (!all("float32", inputs)) return false;
  const [x, cosine, sine] = inputs as readonly [View, View, View];
  const engine = getEngine();
  const half = [...out.shape.slice(0, -1), out.shape[out.shape.length - 1]! / 2];
  const c = layoutOf(engine, cosine, half, 0);
  const s = layoutOf(engine, sine, half, 1);
  if (c < 0 || s < 0) return false;
  return inWorkspace(engine, (workspace) => {
    const from = workspace.dense(x); // a copy uses the last layout, these the first two
    const angles = [addressOf(cosine), c, addressOf(sine), s] as const;
    const rest = [from, ...angles, addressOf(out)] as const;
    const { pool } = engine;
    split(engine, "rotatePairs", sizeOf(half), 1, (start, n, part) => [
      start,
      n,
      ...rest,
      pool.scratchOf(part),
    ]);
    return true;
  });
};

/** The rotary part of the backend's kernel table. */
export const rotations: Kernels = { rotatePairs };
