// The entry @echo-ts/tensor/reference: everything public on the reference backend alone. It loads no wasm and no gpu
// code, so a bundle is small and a debugger steps through every kernel. Read next: surface.ts, backends/reference.

import "./create.ts";

/** Tensors and all that computes with them. */
export * from "./surface.ts";
