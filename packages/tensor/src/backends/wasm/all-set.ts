// All kernels: those that the small entry lacks too, with the TypeScript that calls them. The main entry imports this file,
// the small one loads it where it is asked to. Read next: index.ts, typed.ts, sorting.ts, fourier.ts, attention.ts.

import { attentions } from "./attention.ts";
import { convolutions } from "./convolution.ts";
import { fouriers } from "./fourier.ts";
import { MODULES } from "./generated/modules.ts";
import { extendWasm } from "./index.ts";
import { provideKernels } from "./kernel-set.ts";
import { losses } from "./losses.ts";
import { otherDtypes } from "./other-dtypes.ts";
import { rotations } from "./rotary.ts";
import { sorting } from "./sorting.ts";
import { binaryOf, unaryOf } from "./typed.ts";
import { matmulOf } from "./typed-matmul.ts";
import { alongAxisOf, reduceOf } from "./typed-rows.ts";
import { updates } from "./updates.ts";
import { variants } from "./variants.ts";

/**
 * Provides all kernels.
 *
 * @throws BackendError if the engine already runs with the small ones
 */
export function provideAllKernels(): void {
  const first = provideKernels({
    name: "all",
    modules: MODULES,
    kernels: "kernels",
    variants,
    loadAll: async () => {},
  });
  if (!first) return;
  Object.assign(otherDtypes, { unaryOf, binaryOf, matmulOf, reduceOf, alongAxisOf });
  extendWasm({ ...sorting, ...fouriers, ...rotations, ...attentions, ...convolutions, ...losses }, updates);
}
