// The same numbers on the wasm backend in float32 and on the reference backend in float64, and how far results are apart.
import * as T from "@echo-ts/tensor";
import { wasm } from "../../../packages/tensor/dist/backends/wasm/index.js";

T.configureWasm({ threads: 2 });
type Tensor = T.Tensor;

/** Reproducible numbers in [low, high). */
function numbers(count: number, seed: number, low = -3, high = 3): Float32Array {
  let state = seed * 2654435761 + 12345;
  return Float32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return low + ((state >>> 0) / 2 ** 32) * (high - low);
  });
}

/** One array as a tensor on both backends: float32 on wasm, the same values as float64 on the reference. */
export interface Both {
  readonly wasm: Tensor;
  readonly reference: Tensor;
}

export function both(shape: number[], seed: number, low = -3, high = 3): Both {
  const data = numbers(
    shape.reduce((a, b) => a * b, 1),
    seed,
    low,
    high,
  );
  return {
    wasm: T.withBackend(wasm, () => T.reshape(T.tensor(data), shape)),
    reference: T.withBackend("reference", () => T.reshape(T.tensor(Float64Array.from(data)), shape)),
  };
}

export function integers(shape: number[], values: number[]): Both {
  return {
    wasm: T.withBackend(wasm, () => T.reshape(T.tensor(Int32Array.from(values)), shape)),
    reference: T.withBackend("reference", () => T.reshape(T.tensor(Int32Array.from(values)), shape)),
  };
}

export const view = (x: Both, f: (x: Tensor) => Tensor): Both => ({
  wasm: f(x.wasm),
  reference: f(x.reference),
});

/** Largest difference relative to the largest expected value (at least 1e-3); infinities and NaN must match. */
export function distance(actual: Tensor, expected: Tensor): number {
  if (T.formatShape(actual.shape) !== T.formatShape(expected.shape)) return Number.POSITIVE_INFINITY;
  const a = actual.dataSync();
  const e = expected.dataSync();
  let worst = 0;
  let scale = 1e-3;
  for (let i = 0; i < e.length; i++) {
    if (Number.isFinite(e[i]!)) scale = Math.max(scale, Math.abs(e[i]!));
    const same = Object.is(a[i]!, e[i]!) || a[i] === e[i];
    const d = same ? 0 : Math.abs(a[i]! - e[i]!);
    worst = Math.max(worst, Number.isNaN(d) ? Number.POSITIVE_INFINITY : d);
  }
  return worst / scale;
}
