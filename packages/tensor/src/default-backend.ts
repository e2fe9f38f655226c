// Makes wasm, with all kernels, the backend of new tensors wherever it can run; setBackend("reference") chooses the
// readable one. Imported for this effect by the main entry. Read next: backends/wasm/engine.ts.

import { provideAllKernels } from "./backends/wasm/all-set.ts";
import { useWasm } from "./backends/wasm/index.ts";
import "./create.ts";

provideAllKernels();
useWasm();
