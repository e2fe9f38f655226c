// Times the items on one engine, in a worker of its own: settings of wasm count once in a thread, and a graphics driver that
// hangs takes no more than its worker along. Read first: items.ts; read next: main.ts, which shows what comes.
import {
  type Backend,
  findBackend,
  gpuInfo,
  initGpu,
  initWasm,
  wasmInfo,
  withBackend,
} from "@echo-ts/tensor";
import { ITEMS } from "./items.ts";

/** An engine that a page may have: the reference backend, wasm in three settings, the gpu backend in two modes. */
export type EngineId = "reference" | "wasm" | "wasm-1" | "wasm-fma" | "webgl2" | "webgpu";

/** What comes from the worker, in this order: what it runs on, rows, the end; or that there is no such engine here. */
export type BenchNews =
  | { readonly kind: "runs on"; readonly text: string; readonly software: boolean }
  | { readonly kind: "row"; readonly item: string; readonly milliseconds: number }
  | { readonly kind: "done" }
  | { readonly kind: "missing"; readonly text: string };

const port = globalThis as unknown as {
  onmessage: (event: MessageEvent<EngineId>) => void;
  postMessage(news: BenchNews): void;
};

/** Each item is repeated for about this long. */
const MILLISECONDS = 300;
/** Browsers round their clock to 0.1 ms, so that one timing takes at least this long. */
const LEAST_TIMED = 4;

async function wasm(options: Parameters<typeof initWasm>[0]) {
  await initWasm(options);
  const { mode, threads, notes } = wasmInfo();
  const text = [`mode ${mode}, ${threads} ${threads === 1 ? "thread" : "threads"}`, ...notes].join("; ");
  return { backend: findBackend("wasm"), text, software: false };
}

async function gpu(mode: "webgl2" | "webgpu") {
  const backend = await initGpu({ mode, allowSoftware: true }).catch((cause: Error) => {
    const remedy = "Switch on hardware acceleration in the browser's settings, or try another browser";
    throw new Error(`${remedy} (${cause.message.split(";")[0]}).`, { cause });
  });
  const { adapter, software } = gpuInfo()!;
  const text = software
    ? `${adapter}: no graphics hardware, a CPU pretends to be one, so only the small items run`
    : adapter;
  return { backend, text, software };
}

const START: Readonly<
  Record<EngineId, () => Promise<{ backend: Backend; text: string; software: boolean }>>
> = {
  reference: async () => ({
    backend: findBackend("reference"),
    text: "one thread; slow, so only the small items run",
    software: true,
  }),
  "wasm-1": () => wasm({ threads: 1 }),
  wasm: () => wasm({}),
  "wasm-fma": () => wasm({ fma: true }),
  webgl2: () => gpu("webgl2"),
  webgpu: () => gpu("webgpu"),
};

/** Fastest run with its result read back, milliseconds; short runs are timed several at a time. */
async function fastest(run: () => Promise<unknown>): Promise<number> {
  const timed = async (count: number): Promise<number> => {
    const begun = performance.now();
    for (let i = 0; i < count; i++) await run();
    return performance.now() - begun;
  };
  await run();
  let count = 1;
  while ((await timed(count)) < LEAST_TIMED) count *= 2;
  let best = Number.POSITIVE_INFINITY;
  const end = performance.now() + MILLISECONDS;
  do best = Math.min(best, (await timed(count)) / count);
  while (performance.now() < end);
  return best;
}

port.onmessage = async ({ data: engine }) => {
  try {
    const { backend, text, software } = await START[engine]();
    port.postMessage({ kind: "runs on", text, software });
    for (const { name, make, small } of ITEMS) {
      if (software && !small) continue;
      const run = withBackend(backend, make);
      const milliseconds = await fastest(() => withBackend(backend, () => run().data()));
      port.postMessage({ kind: "row", item: name, milliseconds });
    }
    port.postMessage({ kind: "done" });
  } catch (error) {
    port.postMessage({ kind: "missing", text: error instanceof Error ? error.message : String(error) });
  }
};
