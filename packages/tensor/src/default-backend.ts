// Makes wasm the backend of new tensors wherever its kernels can run; setBackend("reference") chooses the readable one.
// Imported for this effect by the main entry. Read next: backends/wasm/engine.ts.

import { registerBackend, setBackend } from "./backend.ts";
import { wasm, wasmProblem } from "./backends/wasm/index.ts";
import "./create.ts";

registerBackend(wasm);
const problem = wasmProblem();
if (problem === null) setBackend(wasm);
else console.warn(`@echo-ts/tensor: ${problem}; tensors are computed in TypeScript, which is slower`);
