// The wasm backend: SIMD kernels, compiled from assembly/ and embedded, on one arena of memory, on several
// threads where memory may be shared. float32 is computed here, and so are copies, elementwise ops, sums, sorting and
// products in the other dtypes; the rest of these is left to compositions or to the reference kernels on the same memory.
// Reading order: assembly/contract, arena, engine, pool, storage, operands, workspace, then the kernel tables; kernel-set;
// assembly/math and gemm.

import {
  type Backend,
  type Kernels,
  listBackends,
  registerBackend,
  setBackend,
  type UpdateKernels,
} from "../../backend.ts";
import { ctcLoss, ctcLossGrad } from "../reference/ctc.ts";
import { elementwise } from "./elementwise.ts";
import { getEngine, wasmProblem } from "./engine.ts";
import { indexing } from "./indexing.ts";
import { matrices } from "./matmul.ts";
import { rows } from "./rows.ts";
import { allocateStorage, ownStorage, releaseStorage, uploadStorage } from "./storage.ts";

export { configureWasm, initWasm, wasmAvailable, wasmInfo, wasmProblem } from "./engine.ts";
export type { InitWasmOptions, WasmInfo, WasmOptions } from "./engine-options.ts";

/** The backend called "wasm", with the kernels that every entry has; all-set.ts adds the others. */
export const wasm: { -readonly [K in keyof Backend]: Backend[K] } = {
  name: "wasm",
  host: true,
  // CTC runs in double precision along a recurrence too short for vectors: the reference loops serve here too.
  kernels: { ...elementwise, ...matrices, ...rows, ...indexing, ctcLoss, ctcLossGrad },
  allocate: (dtype, length) => allocateStorage(wasm, dtype, length),
  upload: (dtype, data) => uploadStorage(wasm, dtype, data),
  read: async (storage) => storage.data.slice(),
  release: releaseStorage,
  owned: ownStorage,
  memory: () => getEngine().arena.stats(),
};

/** Adds kernels of ops and of optimiser steps. */
export function extendWasm(kernels: Kernels, updates: UpdateKernels): void {
  wasm.kernels = { ...wasm.kernels, ...kernels };
  wasm.updates = updates;
}

/** Makes wasm the backend of new tensors wherever its kernels can run. Only the first call does anything. */
export function useWasm(): void {
  if (listBackends().includes(wasm.name)) return;
  registerBackend(wasm);
  const problem = wasmProblem();
  if (problem === null) setBackend(wasm);
  else console.warn(`@echo-ts/tensor: ${problem}; tensors are computed in TypeScript, which is slower`);
}
