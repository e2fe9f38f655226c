// The wasm backend: SIMD kernels, compiled from assembly/ and embedded, on one arena of memory, on several
// threads where memory may be shared. float32 is computed here, and so are copies, elementwise ops, sums, sorting and
// products in the other dtypes; the rest of these is left to compositions or to the reference kernels on the same memory.
// Reading order: assembly/contract, arena, engine, pool, storage, operands, workspace, then the kernel tables;
// assembly/math and gemm.

import type { Backend } from "../../backend.ts";
import { attentions } from "./attention.ts";
import { convolutions } from "./convolution.ts";
import { elementwise } from "./elementwise.ts";
import { getEngine } from "./engine.ts";
import { fouriers } from "./fourier.ts";
import { indexing } from "./indexing.ts";
import { losses } from "./losses.ts";
import { matrices } from "./matmul.ts";
import { rows } from "./rows.ts";
import { sorting } from "./sorting.ts";
import { allocateStorage, ownStorage, releaseStorage, uploadStorage } from "./storage.ts";
import { updates } from "./updates.ts";

export { configureWasm, initWasm, wasmAvailable, wasmInfo, wasmProblem } from "./engine.ts";
export type { WasmInfo, WasmOptions } from "./engine-options.ts";

/** The backend called "wasm". */
export const wasm: Backend = {
  name: "wasm",
  host: true,
  kernels: {
    ...elementwise,
    ...matrices,
    ...rows,
    ...indexing,
    ...sorting,
    ...fouriers,
    ...attentions,
    ...convolutions,
    ...losses,
  },
  allocate: (dtype, length) => allocateStorage(wasm, dtype, length),
  upload: (dtype, data) => uploadStorage(wasm, dtype, data),
  read: async (storage) => storage.data.slice(),
  release: releaseStorage,
  owned: ownStorage,
  memory: () => getEngine().arena.stats(),
  updates,
};
