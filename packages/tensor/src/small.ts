// The entry @echo-ts/tensor/small: the names of the main entry, with the wasm kernels that most pages need. What they lack
// is composed of them or computed in TypeScript; initWasm({ kernels: "all" }) loads the rest. Read next:
// backends/wasm/small-set.ts.

import "./small-backend.ts";

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
