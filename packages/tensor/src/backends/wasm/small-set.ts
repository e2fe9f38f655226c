// The kernels of the entry @echo-ts/tensor/small: assembly/core.ts and one matrix product, compiled for size. The others
// are a file of their own that a bundler leaves apart. Read next: all-set.ts.

import { MODULES } from "./generated/small-modules.ts";
import { provideKernels } from "./kernel-set.ts";

/** Provides the small kernels, unless all are there. */
export function provideSmallKernels(): void {
  provideKernels({
    name: "small",
    modules: MODULES,
    kernels: "core",
    variants: null,
    loadAll: async () => (await import("./all-set.ts")).provideAllKernels(),
  });
}
