// The worker's program, embedded as text so that neither Node nor a bundled page has to find a file, and
// the layout of the memory through which it is given work. Per worker: CONTROL_WORDS 32-bit words at the
// front, then from ARGUMENTS on (in 64-bit words) the kernel's number, the argument count, the arguments.

/** 64-bit words per worker. */
export const BOTH_WORDS = 64;
/** 32-bit words per worker. */
export const CONTROL_WORDS: number = BOTH_WORDS * 2;
/** Number of calls handed out. */
export const TICKET = 0;
/** Number of calls finished. */
export const DONE = 1;
/** 1 while the worker sleeps or is about to. */
export const SLEEPING = 2;
/** 1 while the main thread sleeps or is about to. */
export const MAIN_WAITS = 3;
/** 1 after a call threw. */
export const FAILED = 4;
/** 1 once the worker can take calls. */
export const READY = 5;
/** 1 once the worker has ended, where it could still say so. */
export const EXITED = 6;
/** First 64-bit word of the call. */
export const ARGUMENTS = 8;

const SPINS = 20000;

/** Source text of the worker, for Node (CommonJS) and for browsers. */
export const workerSource: string = `
"use strict";
function work(data) {
  const product = new WebAssembly.Instance(data.gemm, { env: { memory: data.memory } }).exports;
  const rest = new WebAssembly.Instance(data.kernels, { env: { memory: data.memory }, gemm: product }).exports;
  const table = data.names.map((name) => rest[name] ?? product[name]);
  const control = new Int32Array(data.buffer, data.index * ${CONTROL_WORDS * 4}, ${CONTROL_WORDS});
  const numbers = new Float64Array(data.buffer, data.index * ${BOTH_WORDS * 8}, ${BOTH_WORDS});
  let ticket = 0;
  if (typeof process === "object") process.on("exit", () => {
    Atomics.store(control, ${EXITED}, 1);
    Atomics.notify(control, ${DONE});
  });
  Atomics.store(control, ${READY}, 1);
  for (;;) {
    for (let spin = 0; spin < ${SPINS} && Atomics.load(control, ${TICKET}) === ticket; spin++);
    while (Atomics.load(control, ${TICKET}) === ticket) {
      Atomics.store(control, ${SLEEPING}, 1);
      Atomics.wait(control, ${TICKET}, ticket);
      Atomics.store(control, ${SLEEPING}, 0);
    }
    ticket = (ticket + 1) | 0;
    try {
      const at = ${ARGUMENTS};
      table[numbers[at]](...numbers.subarray(at + 2, at + 2 + numbers[at + 1]));
    } catch {
      Atomics.store(control, ${FAILED}, 1);
    }
    Atomics.store(control, ${DONE}, ticket);
    if (Atomics.load(control, ${MAIN_WAITS}) === 1) Atomics.notify(control, ${DONE});
  }
}
if (typeof require === "function") work(require("node:worker_threads").workerData);
else self.onmessage = (event) => work(event.data);
`;
