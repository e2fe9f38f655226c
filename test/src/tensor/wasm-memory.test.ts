// The arena and the loader of the wasm backend: blocks, growth, the end of memory, options.
import { spawnSync } from "node:child_process";
import { Worker } from "node:worker_threads";
import fc from "fast-check";
import t from "tap";
import { Arena } from "../../../packages/tensor/dist/backends/wasm/arena.js";
import type {
  Arguments,
  KernelTable,
} from "../../../packages/tensor/dist/backends/wasm/generated/contract.js";
import { MODULES } from "../../../packages/tensor/dist/backends/wasm/generated/modules.js";
import { moduleBytes } from "../../../packages/tensor/dist/backends/wasm/module-bytes.js";
import { Pool, type WorkerData } from "../../../packages/tensor/dist/backends/wasm/pool.js";
import {
  DONE,
  EXITED,
  FAILED,
  READY,
  TICKET,
} from "../../../packages/tensor/dist/backends/wasm/worker-source.js";

const MIB = 2 ** 20;

function arenaOf(limit: number, shared = true): Arena {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: limit / 65536, shared });
  return new Arena(memory, 1000, limit);
}

t.test("blocks are aligned, large enough and apart", async (t) => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 300_000 }), { maxLength: 40 }), (sizes) => {
      const arena = arenaOf(64 * MIB);
      const blocks = sizes.map((bytes) => ({ bytes, block: arena.allocate(bytes) }));
      for (const { bytes, block } of blocks) {
        if (block.offset % 64 !== 0 || block.offset < 1000 || block.bytes < bytes) return false;
        if (bytes > 1024 && block.bytes > bytes * 1.13 + 64) return false;
      }
      const sorted = blocks.map(({ block }) => block).sort((a, b) => a.offset - b.offset);
      return sorted.every((b, i) => i === 0 || sorted[i - 1]!.offset + sorted[i - 1]!.bytes <= b.offset);
    }),
    { numRuns: 100 },
  );
  t.pass("100 random sequences");
});

t.test("a released block is reused only after those released before it", async (t) => {
  const arena = arenaOf(MIB);
  const blocks = [arena.allocate(100), arena.allocate(100), arena.allocate(100)];
  const offsets = blocks.map((b) => b.offset);
  for (const b of blocks) arena.release(b, b.generation);
  t.same([arena.allocate(100).offset, arena.allocate(128).offset, arena.allocate(65).offset], offsets);
});

t.test("a generation tells a stale handle from a live one, and a second release does nothing", async (t) => {
  const arena = arenaOf(MIB);
  const block = arena.allocate(100);
  const generation = block.generation;
  arena.release(block, generation);
  arena.release(block, generation);
  t.equal(arena.stats().liveBlocks, 0);
  t.equal(arena.allocate(100), block, "the same block comes back");
  t.not(block.generation, generation);
  arena.release(block, generation);
  t.equal(arena.stats().liveBlocks, 1, "the old handle cannot free it");
});

for (const shared of [true, false]) {
  t.test(`growth keeps contents, ${shared ? "shared" : "unshared"}`, async (t) => {
    const arena = arenaOf(64 * MIB, shared);
    const block = arena.allocate(4000);
    arena.float32.fill(1.5, block.offset / 4, block.offset / 4 + 1000);
    const before = arena.float32;
    const far = arena.allocate(20 * MIB);
    t.equal(arena.float32[block.offset / 4 + 999], 1.5);
    t.ok(arena.float32.length * 4 >= far.offset + 20 * MIB);
    if (shared) t.equal(before[block.offset / 4], 1.5, "views taken earlier stay usable");
  });
}

t.test("the end of memory is an error with figures, and the arena survives it", async (t) => {
  const arena = arenaOf(8 * MIB);
  const block = arena.allocate(4 * MIB);
  t.throws(() => arena.allocate(6 * MIB), {
    name: "BackendError",
    message:
      "allocate: out of memory: 6.0 MiB asked for, 4.0 MiB live in 1 blocks, limit 8.0 MiB; use smaller batches, or let tensors go",
  });
  for (const bytes of [2 ** 33, 2 ** 33 + 64, 2 ** 60]) {
    t.throws(() => arena.allocate(bytes), { name: "BackendError", message: /MiB asked for, 4.0 MiB live/ });
  }
  arena.release(block, block.generation);
  t.ok(arena.allocate(6 * MIB).bytes >= 6 * MIB, "free blocks are merged for a larger one");
});

t.test("freed memory of one size serves other sizes: no growth without bound", async (t) => {
  const arena = arenaOf(1024 * MIB);
  for (let i = 0; i < 400; i++) {
    const size = 2 * MIB + ((i * 977_777) % (6 * MIB));
    const blocks = [1, 2, 3, 4].map(() => arena.allocate(size));
    for (const b of blocks) arena.release(b, b.generation);
  }
  t.equal(arena.stats().live, 0);
  t.ok(arena.stats().reserved < 150 * MIB, `${arena.stats().reserved / MIB} MiB`);
});

t.test("shared and unshared modules differ by one bit", async (t) => {
  const plain = moduleBytes(MODULES, "gemm4x8", false);
  const shared = moduleBytes(MODULES, "gemm4x8", true);
  t.same(plain.filter((byte, i) => byte !== shared[i]).length, 1);
  t.ok(WebAssembly.validate(plain) && WebAssembly.validate(shared));
});

function run(program: string, env: Record<string, string>): { code: number | null; out: string } {
  const url = new URL("../../../packages/tensor/dist/backends/wasm/engine.js", import.meta.url).href;
  const source = `import { configureWasm, getEngine, initWasm, wasmInfo } from ${JSON.stringify(url)};
    import { provideAllKernels } from ${JSON.stringify(url.replace("engine.js", "all-set.js"))};
    provideAllKernels();
    ${program}`;
  const { status, stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", source], {
    env: { ...process.env, ...env },
    encoding: "utf8",
    timeout: 60_000,
  });
  return { code: status, out: stdout + stderr };
}

t.test("options come from the environment or from code, and bad ones are refused by name", async (t) => {
  t.equal(
    run("console.log(wasmInfo().mode, wasmInfo().threads)", {
      ECHO_WASM_MODE: "simd",
      ECHO_THREADS: "1",
    }).out.trim(),
    "simd 1",
  );
  t.match(
    run("wasmInfo()", { ECHO_WASM_MODE: "fast" }).out,
    /ECHO_WASM_MODE: unknown mode "fast", expected one of/,
  );
  t.match(
    run("wasmInfo()", { ECHO_THREADS: "0" }).out,
    /ECHO_THREADS: threads must be a whole number from 1 to 64/,
  );
  t.match(
    run("configureWasm({ maximumBytes: NaN })", {}).out,
    /configureWasm: maximumBytes must be above 0, got NaN/,
  );
  const without = run("delete globalThis.WebAssembly; console.log(JSON.stringify(wasmInfo()))", {});
  t.strictSame(JSON.parse(without.out), {
    mode: "none",
    threads: 0,
    sharedMemory: false,
    tile: "none",
    kernels: "none",
    notes: ["wasm: this engine has no WebAssembly, tensors are computed in TypeScript"],
  });
  const plain = run(
    "WebAssembly.validate = () => false; console.log(wasmInfo().mode, wasmInfo().notes.join())",
    {},
  );
  t.match(plain.out, "none wasm: this engine has no WebAssembly SIMD, tensors are computed in TypeScript");
  const alone = run(
    "delete globalThis.SharedArrayBuffer; console.log(wasmInfo().threads, wasmInfo().notes.join())",
    {},
  );
  t.match(alone.out, /^1 threads: memory cannot be shared here/);
  const late = run("wasmInfo(); configureWasm({ fma: true })", {});
  t.match(late.out, /configureWasm: the wasm backend is already running/);
  const single = run(
    "console.log((await initWasm({ shared: false, threads: 4 })).threads, wasmInfo().notes[0])",
    {},
  );
  t.match(single.out, /^1 threads: memory cannot be shared here/);
});

t.test("a mode that the engine lacks is noted, not an error", async (t) => {
  const { code, out } = run("console.log(JSON.stringify(wasmInfo()))", { ECHO_WASM_MODE: "revectorize+fma" });
  t.equal(code, 0, out);
  const info = JSON.parse(out);
  if (!info.mode.includes("revectorize")) t.match(info.notes.join(), /revectorize: needs Node with V8 12/);
  if (!info.mode.includes("fma")) t.match(info.notes.join(), /fma: this engine has no relaxed SIMD/);
});

t.test("a long synchronous job without a tape does not run out of memory", async (t) => {
  const tensor = new URL("../../../packages/tensor/dist/index.js", import.meta.url).href;
  const { code, out } = run(
    `import { add, mul, setBackend, sum, tensor } from ${JSON.stringify(tensor)};
     configureWasm({ maximumBytes: 64 * 2 ** 20, threads: 1 });
     setBackend("wasm");
     const first = tensor(new Float32Array(1 << 18).fill(3)); // 1 MiB
     let x = first;
     for (let i = 0; i < 600; i++) x = add(mul(x, 1), 1);
     const early = tensor(Float32Array.of(7));
     for (let i = 0; i < 100; i++) add(first, i);
     console.log(sum(x).item() / 2 ** 18, first.item === undefined, early.item(), first.dataSync()[5]);
     console.log(process.memoryUsage.rss() < 600 * 2 ** 20);`,
    {},
  );
  t.equal(code, 0, out);
  t.equal(out.trim(), "603 false 7 3\ntrue");
});

t.test(
  "a synchronous loop keeps little garbage in the arena, and what it uses every time stays there",
  async (t) => {
    const tensor = new URL("../../../packages/tensor/dist/index.js", import.meta.url).href;
    const { code, out } = run(
      `import { add, ones, setBackend, sum } from ${JSON.stringify(tensor)};
     configureWasm({ threads: 1 });
     setBackend("wasm");
     for (let i = 0; i < 100; i++) ones([2 ** 18]); // 1 MiB each: the garbage that was allowed is there
     const used = ones([2 ** 18]);
     let x = used;
     for (let round = 0; round < 50; round++) {
       for (let i = 0; i < 20; i++) x = add(x, 1); // enough results to push anything else out
       x = add(x, used);
     }
     console.log(getEngine().arena.stats().live <= 36 * 2 ** 20, used.storage.returns, sum(x).item() / 2 ** 18);`,
      {},
    );
    t.equal(code, 0, out);
    t.equal(out.trim(), "true 3 1051", "16 MiB of garbage, 16 results in use and a few more");
  },
);

t.test("an output stays where it is while more inputs than that come back into the arena", async (t) => {
  const tensor = new URL("../../../packages/tensor/dist/index.js", import.meta.url).href;
  const { code, out } = run(
    `import { concat, full, stack } from ${JSON.stringify(tensor)};
     configureWasm({ threads: 1 });
     const parts = Array.from({ length: 120 }, (_, i) => full([100, 1000], i)); // 48 MB
     console.log(parts.filter(({ storage }) => storage.outside !== null).length > 16);
     console.log(stack(parts).dataSync().every((value, at) => value === Math.floor(at / 100_000)));
     const turned = concat(parts.map((part) => part.transpose()), 1); // [1000, 12000]
     console.log(turned.dataSync().every((value, at) => value === Math.floor((at % 12_000) / 100)));`,
    {},
  );
  t.equal(code, 0, out);
  t.equal(out.trim(), "true\ntrue\ntrue");
});

for (const shared of [true, false]) {
  const what = shared ? "shared" : "unshared: growth detaches the arrays taken before";
  t.test(`a kernel that reads several host arrays, one of them out of the arena, ${what}`, async (t) => {
    const tensor = new URL("../../../packages/tensor/dist/index.js", import.meta.url).href;
    const { code, out } = run(
      `import { add, arange, full } from ${JSON.stringify(tensor)};
       import { toNdarray } from ${JSON.stringify(tensor.replace("index.js", "ndarray.js"))};
       configureWasm({ threads: 1, shared: ${shared} });
       const crowd = () => { for (let i = 0; i < 80; i++) full([70_000], i); }; // 22 MB
       crowd();
       const n = 3_000_000;
       const [a, b] = [arange(n), arange(n)];
       const array = await toNdarray(arange(8));
       crowd();
       const inTheirPlaces = [arange(n), arange(n)];
       console.log(a.storage.outside !== null, b.storage.outside !== null);
       console.log(add(a, b).dataSync().every((value, i) => value === 2 * i)); // int32: the reference kernel
       console.log(array.get(3), array.get(7));`,
      {},
    );
    t.equal(code, 0, out);
    t.equal(out.trim(), "true true\ntrue\n3 7");
  });
}

t.test("what a tape holds is no garbage: nothing of a large graph leaves the arena", async (t) => {
  const autograd = new URL("../../../packages/autograd/dist/index.js", import.meta.url).href;
  const tensor = new URL("../../../packages/tensor/dist/index.js", import.meta.url).href;
  const { code, out } = run(
    `import { Parameter, zeroGrad } from ${JSON.stringify(autograd)};
     import { ones, setBackend } from ${JSON.stringify(tensor)};
     configureWasm({ threads: 1 });
     setBackend("wasm");
     const parameters = Array.from({ length: 30 }, () => new Parameter(ones([2 ** 18])));
     const { live } = getEngine().arena.stats();
     for (let step = 0; step < 3; step++) {
       const values = [parameters[0].mul(1)];
       for (const p of parameters) values.push(values.at(-1).mul(p).tanh());
       values.at(-1).sum().backward();
       const stores = [...values, ...parameters, ...parameters.map((p) => p.grad)].map((x) => x.storage);
       console.log(stores.filter(({ returns, outside }) => returns > 0 || (outside !== null && outside.length > 1)).length);
       zeroGrad(parameters);
     }`,
    {},
  );
  t.equal(code, 0, out);
  t.equal(out.trim(), "0\n0\n0");
});

t.test("more than fits at once is an error that the process survives", async (t) => {
  const tensor = new URL("../../../packages/tensor/dist/index.js", import.meta.url).href;
  const { code, out } = run(
    `import { BackendError, ones, setBackend, sum } from ${JSON.stringify(tensor)};
     configureWasm({ maximumBytes: 32 * 2 ** 20, threads: 1 });
     setBackend("wasm");
     try { ones([2 ** 24]); } catch (error) { console.log(error instanceof BackendError, error.message.slice(0, 29)); }
     console.log(sum(ones([1000])).item());`,
    {},
  );
  t.equal(code, 0, out);
  t.equal(out.trim(), "true ones: out of memory: 64.0 MiB\n1000");
});

/** A worker that takes its first call and then does `instead` of computing. */
function badWorker({ buffer }: WorkerData, instead: string): Worker {
  return new Worker(
    `const { workerData } = require("node:worker_threads");
     const control = new Int32Array(workerData);
     process.on("exit", () => { Atomics.store(control, ${EXITED}, 1); Atomics.notify(control, ${DONE}); });
     Atomics.store(control, ${READY}, 1);
     while (Atomics.load(control, ${TICKET}) === 0);
     ${instead}`,
    { eval: true, workerData: buffer },
  );
}

/** A table of kernels with one that tells the first of its arguments to `done`. */
const tableOf = (done: (first: number) => void): KernelTable => ({ fill: done }) as unknown as KernelTable;
const call = (first: number): Arguments<"fill"> => [first, 0, 0];

for (const [what, instead, patienceMs] of [
  ["has ended", "process.exit();", 600_000],
  ["has not answered for 0.2 s", "Atomics.wait(control, 100, 0);", 200],
] as const) {
  t.test(`a worker that ${what} does not block the calling thread`, async (t) => {
    const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
    const gemm = new WebAssembly.Module(moduleBytes(MODULES, "gemm4x8", true));
    const notes: string[] = [];
    const done: number[] = [];
    let worker: Worker | undefined;
    const launch = (data: WorkerData): void => {
      worker = badWorker(data, instead);
    };
    const setup = { memory, gemm, kernels: gemm, scratch: 0, scratchBytes: 0 };
    const pool = new Pool(
      2,
      setup,
      tableOf((i) => done.push(i)),
      notes,
      { launch, patienceMs },
    );
    pool.start();
    while (!pool.ready) await new Promise((resolve) => setTimeout(resolve, 5));
    t.throws(() => pool.run("fill", [call(1), call(2)]), {
      name: "BackendError",
      message: `fill: worker thread 1 ${what}; the results of this call are not usable`,
    });
    t.same(done, [1], "its part was not done");
    t.same(notes, [`threads: worker 1 ${what}, one thread runs`]);
    t.equal(pool.threads, 1);
    pool.run("fill", [call(3), call(4)]);
    t.same(done, [1, 3, 4], "later calls run here");
    await worker!.terminate();
  });
}

t.test("a call that failed in a worker fails alone: the next one is a new call", async (t) => {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
  const gemm = new WebAssembly.Module(moduleBytes(MODULES, "gemm4x8", true));
  let worker: Worker | undefined;
  const launch = (data: WorkerData): void => {
    const instead = `Atomics.store(control, ${FAILED}, 1);
      for (let ticket = 1; ticket <= 2; ticket++) {
        while (Atomics.load(control, ${TICKET}) < ticket);
        Atomics.store(control, ${DONE}, ticket);
        Atomics.notify(control, ${DONE});
      }
      Atomics.wait(control, ${TICKET}, 2); // stays alive: a worker that has ended is another case`;
    worker = badWorker(data, instead);
  };
  const setup = { memory, gemm, kernels: gemm, scratch: 0, scratchBytes: 0 };
  const pool = new Pool(
    2,
    setup,
    tableOf(() => 0),
    [],
    { launch },
  );
  pool.start();
  while (!pool.ready) await new Promise((resolve) => setTimeout(resolve, 5));
  t.throws(() => pool.run("fill", [call(1), call(2)]), {
    name: "BackendError",
    message: "fill: a worker thread failed; the results of this call are not usable",
  });
  pool.run("fill", [call(3), call(4)]);
  t.equal(pool.threads, 2);
  await worker!.terminate();
});

t.test("an idle worker that ended is noticed before it is given work", async (t) => {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
  const gemm = new WebAssembly.Module(moduleBytes(MODULES, "gemm4x8", true));
  const done: number[] = [];
  const launch = ({ buffer }: WorkerData): void => {
    Atomics.store(new Int32Array(buffer), READY, 1);
    Atomics.store(new Int32Array(buffer), EXITED, 1);
  };
  const setup = { memory, gemm, kernels: gemm, scratch: 0, scratchBytes: 0 };
  const pool = new Pool(
    2,
    setup,
    tableOf((i) => done.push(i)),
    [],
    { launch },
  );
  pool.run("fill", [call(1), call(2)]);
  t.same(done, [1, 2]);
  t.equal(pool.threads, 1);
});

t.test("workers never keep the process alive", async (t) => {
  const { code, out } = run("getEngine().pool.start(); setTimeout(() => console.log('end'), 200)", {
    ECHO_THREADS: "3",
  });
  t.equal(code, 0);
  t.equal(out.trim(), "end");
});
