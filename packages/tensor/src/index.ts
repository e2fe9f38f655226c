// The public surface of @echo-ts/tensor: what surface.ts has, on the wasm backend wherever it can run, and the gpu
// backend on demand. Read next: surface.ts.

import "./default-backend.ts";

/** The gpu backend: started on demand. */
export { type GpuInfo, type GpuMode, type GpuOptions, gpuInfo, initGpu } from "./backends/gpu/index.ts";
/** The wasm backend's settings. */
export {
  configureWasm,
  type InitWasmOptions,
  initWasm,
  type WasmInfo,
  type WasmOptions,
  wasmAvailable,
  wasmInfo,
} from "./backends/wasm/index.ts";
/** Tensors and all that computes with them. */
export * from "./surface.ts";
