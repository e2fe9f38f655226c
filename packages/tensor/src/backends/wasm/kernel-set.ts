// Which kernels a program has: all, or those that the small entry carries. An entry provides its set when it is imported.
// Once the engine starts, the set is final: no result depends on when a file arrives. Read next: small-set.ts, all-set.ts,
// engine.ts.

import { BackendError } from "../../errors.ts";
import type { EmbeddedModules, ModuleName } from "./module-bytes.ts";
import type { Variants } from "./variants.ts";

/** Compiled kernels, and what else depends on having all of them. */
export interface KernelSet {
  readonly name: "small" | "all";
  readonly modules: EmbeddedModules;
  /** The module with everything but the matrix product. */
  readonly kernels: ModuleName;
  /** Other matrix products than `gemm4x8`, and how to choose; null where there are none. */
  readonly variants: Variants | null;
  /** Provides all kernels when their file has come. */
  loadAll(): Promise<void>;
}

let set: KernelSet | null = null;
let final = false;

function checkNotFinal(): void {
  if (!final) return;
  throw new BackendError(
    "wasm: the backend already runs with the kernels of @echo-ts/tensor/small, and more would change bits and speed now; " +
      'import "@echo-ts/tensor", or await initWasm({ kernels: "all" }), before the first tensor',
  );
}

/**
 * Makes kernels known. The small set is passed over where all are there.
 *
 * @returns false if they were passed over
 * @throws BackendError if the engine already runs with fewer
 */
export function provideKernels(next: KernelSet): boolean {
  if (set !== null && (set.name === "all" || next.name === "small")) return false;
  checkNotFinal();
  set = next;
  return true;
}

/** Loads and provides all kernels, unless they are there; throws as `provideKernels`. */
export async function loadAllKernels(): Promise<void> {
  if (kernelSet().name === "all") return;
  checkNotFinal(); // before a file is loaded for nothing
  await kernelSet().loadAll();
}

/** The kernels that were provided. */
export function kernelSet(): KernelSet {
  if (set === null) throw new BackendError('wasm: no kernels are loaded; import "@echo-ts/tensor" for them');
  return set;
}

/** The kernels that the engine starts with; from now on they cannot change. */
export function finalKernelSet(): KernelSet {
  final = true;
  return kernelSet();
}
