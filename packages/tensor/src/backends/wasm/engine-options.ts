// How the wasm backend is to run, from code or from the environment, and what the engine turned out to
// offer. Read next: engine.ts.

import { BackendError } from "../../errors.ts";
import { nodeRuntime } from "../../node-runtime.ts";

/** Settings of the wasm backend; they count only until its first use. */
export interface WasmOptions {
  /**
   * Whether V8 may run pairs of 128-bit operations as 256-bit ones: the same bits, up to twice as fast on CPUs with AVX2.
   * "auto", the default, does it on Node 24 and 26, sets the experimental flag of V8 only while the kernels compile, and
   * returns to the plain code where a probe at the start finds other bits or no gain. True sets the flag for good, for the
   * whole process, on any Node with V8 12 or later; false leaves it alone. With `fma`, "auto" is false.
   */
  readonly revectorize?: boolean | "auto";
  /**
   * Compute matrix products with fused multiply-add. Faster and a little more accurate, but the bits
   * differ from those of the default mode and may differ between CPUs. Needs relaxed SIMD. Default false.
   */
  readonly fma?: boolean;
  /** Threads, this one included. Default: the number of cores, at most 8. Never changes a result. */
  readonly threads?: number;
  /**
   * Bytes that tensors may take: those in the WebAssembly memory, which grows no further than this, and those in typed
   * arrays, which hold tensors of the reference backend and wasm tensors that a crowded memory moved out. More is
   * a BackendError. Typed arrays are bounded in Node only, to within 3 %, and those that you make yourself never count.
   * Default: 4 GiB of WebAssembly memory, and no limit on typed arrays.
   */
  readonly maximumBytes?: number;
  /** False keeps the memory unshared, which also means one thread. Default: shared where allowed. */
  readonly shared?: boolean;
}

/** Settings of the wasm backend that can only be waited for. */
export interface InitWasmOptions extends WasmOptions {
  /**
   * "all" has the entry `@echo-ts/tensor/small` load the kernels that it lacks, as a file of its own; the main entry has
   * them. Default "provided": those of the entries that were imported.
   */
  readonly kernels?: "all" | "provided";
}

/** What the backend runs with. */
export interface WasmInfo {
  /** `simd`, `revectorize`, `fma` or `revectorize+fma`; `none` where the kernels cannot run. */
  readonly mode: string;
  /** 0 where the kernels cannot run. */
  readonly threads: number;
  readonly sharedMemory: boolean;
  /** Register tile of the matrix product, as rows x columns; `none` where the kernels cannot run. */
  readonly tile: string;
  /** `all`; `small` for those of `@echo-ts/tensor/small`; `none` where the kernels cannot run. */
  readonly kernels: string;
  /** What is missing here and why, such as threads in a page that is not cross-origin isolated; empty when nothing is. */
  readonly notes: readonly string[];
}

const host = globalThis as {
  readonly process?: {
    readonly env?: Record<string, string | undefined>;
    readonly versions?: { readonly node?: string; readonly v8?: string; readonly bun?: string };
    readonly execArgv?: readonly string[];
  };
  readonly navigator?: { readonly hardwareConcurrency?: number };
  readonly crossOriginIsolated?: boolean;
};

/** True in a Node whose modules cannot be had without an import: it gets one thread. */
export function nodeTooOld(): boolean {
  return host.process?.versions?.node !== undefined && nodeRuntime() === null;
}

/** Version of V8 as "13.6"; "" when the engine is not Node's. Bun names a V8 too, but runs JavaScriptCore. */
export function v8Version(): string {
  const { v8 = "", bun } = host.process?.versions ?? {};
  return bun === undefined ? (/^\d+\.\d+/.exec(v8)?.[0] ?? "") : "";
}

/** Major version of V8, or 0 when the engine is not Node's. */
export function v8Major(): number {
  return Number.parseInt(v8Version() || "0", 10);
}

/** Flags that the process was started with. */
export function processFlags(): string {
  return [...(host.process?.execArgv ?? []), host.process?.env?.NODE_OPTIONS ?? ""].join(" ");
}

/** True where memory may be shared between threads: in Node, and in cross-origin-isolated pages. */
export function canShare(): boolean {
  if (typeof SharedArrayBuffer === "undefined") return false;
  return host.process?.versions?.node !== undefined || host.crossOriginIsolated === true;
}

/** Cores that this process may use. */
export function coreCount(): number {
  const node = nodeRuntime();
  if (node !== null) return node.getBuiltinModule("node:os").availableParallelism();
  return host.navigator?.hardwareConcurrency ?? 1;
}

const MODES: Readonly<Record<string, WasmOptions>> = {
  auto: {},
  simd: { revectorize: false },
  revectorize: { revectorize: true },
  fma: { revectorize: false, fma: true },
  "revectorize+fma": { revectorize: true, fma: true },
};

/**
 * Settings from the environment: ECHO_WASM_MODE (auto, simd, revectorize, fma, revectorize+fma) and ECHO_THREADS.
 *
 * @throws BackendError if a value is not one of these, or not a whole number from 1 to 64
 */
export function environmentOptions(): WasmOptions {
  const env = host.process?.env ?? {};
  const mode = env.ECHO_WASM_MODE || "auto";
  const known = MODES[mode];
  if (known === undefined) {
    throw new BackendError(
      `ECHO_WASM_MODE: unknown mode "${mode}", expected one of: ${Object.keys(MODES).join(", ")}`,
    );
  }
  const text = env.ECHO_THREADS;
  if (text === undefined || text === "") return known;
  return { ...known, threads: checkedThreads("ECHO_THREADS", Number(text)) };
}

/** `threads` if it is a whole number from 1 to 64, else BackendError. */
export function checkedThreads(who: string, threads: number): number {
  if (!Number.isInteger(threads) || threads < 1 || threads > 64) {
    throw new BackendError(`${who}: threads must be a whole number from 1 to 64, got ${threads}`);
  }
  return threads;
}
