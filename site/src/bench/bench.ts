// What this device does, in a worker: products of matrices and elementwise ops on the wasm backend, and on the reference
// backend beside it. Read next: main.ts, which shows them.
import {
  initWasm,
  matmul,
  randomNormal,
  stream,
  type Tensor,
  tanh,
  wasmInfo,
  withBackend,
} from "@echo-ts/tensor";

/** One row of the table. */
export interface Measured {
  readonly name: string;
  readonly backend: string;
  /** Fastest run. */
  readonly milliseconds: number;
  /** Floating-point operations of one run. */
  readonly operations: number;
  /** Bytes that must be read and written. */
  readonly bytes: number;
}

const port = globalThis as unknown as {
  onmessage: () => void;
  postMessage(message: Measured | { readonly done: string }): void;
};

const square = (size: number, name: string): Tensor => randomNormal([size, size], stream(1, name));

/** Fastest of a few runs, in about 0.3 s. */
function fastest(run: () => Tensor): number {
  let best = Number.POSITIVE_INFINITY;
  const end = performance.now() + 300;
  do {
    const begun = performance.now();
    run().dataSync();
    best = Math.min(best, performance.now() - begun);
  } while (performance.now() < end);
  return best;
}

function measure(backend: "wasm" | "reference", sizes: readonly number[]): void {
  withBackend(backend, () => {
    for (const size of sizes) {
      const [a, b] = [square(size, "a"), square(size, "b")];
      const count = size * size;
      port.postMessage({
        name: `product of two ${size} × ${size} matrices`,
        backend,
        milliseconds: fastest(() => matmul(a, b)),
        operations: 2 * count * size,
        bytes: 12 * count,
      });
      port.postMessage({
        name: `tanh of ${count.toLocaleString("en")} numbers`,
        backend,
        milliseconds: fastest(() => tanh(a)),
        operations: count,
        bytes: 8 * count,
      });
    }
  });
}

port.onmessage = async () => {
  await initWasm();
  measure("wasm", [64, 256, 512]);
  measure("reference", [64]);
  const { mode, threads, notes } = wasmInfo();
  port.postMessage({
    done: `wasm mode ${mode}, ${threads} ${threads === 1 ? "thread" : "threads"}. ${notes.join(" ")}`,
  });
};
