// What default-backend.ts does, with the kernels of the small entry. Read next: backends/wasm/small-set.ts.

import { useWasm } from "./backends/wasm/index.ts";
import { provideSmallKernels } from "./backends/wasm/small-set.ts";
import "./create.ts";

provideSmallKernels();
useWasm();
