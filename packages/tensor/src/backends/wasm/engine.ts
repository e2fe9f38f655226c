// Starts the kernels: memory, flags of the engine, the fitting modules, threads. Happens on first use, or
// in `initWasm()`; then nothing can be changed any more. Read next: kernel-set.ts, pool.ts, then index.ts.

import { checkOptions } from "../../arguments.ts";
import { BackendError } from "../../errors.ts";
import { nodeRuntime } from "../../node-runtime.ts";
import { countWasmBytes, limitTensorBytes } from "../../tensor-bytes.ts";
import { Arena } from "./arena.ts";
import {
  canShare,
  checkedThreads,
  coreCount,
  environmentOptions,
  type InitWasmOptions,
  nodeTooOld,
  v8Major,
  type WasmInfo,
  type WasmOptions,
} from "./engine-options.ts";
import { type KernelTable, SCRATCH_BYTES, STATIC_BYTES } from "./generated/contract.ts";
import { finalKernelSet, type KernelSet, kernelSet, loadAllKernels } from "./kernel-set.ts";
import { type ModuleName, moduleBytes } from "./module-bytes.ts";
import { Pool } from "./pool.ts";
import type { ProbeMemory, Tile } from "./probe.ts";
import type { Tiering } from "./tiering.ts";

/** A running set of kernels. */
export interface Engine {
  readonly arena: Arena;
  readonly kernels: KernelTable;
  readonly pool: Pool;
  /** Where the host writes the record that a kernel is called with; each call writes it anew. */
  readonly record: number;
  /** Where the host writes layouts of strided operands, see operands.ts. */
  readonly layouts: number;
  /** Address of this thread's scratch memory for matrix products. */
  readonly scratch: number;
  readonly info: WasmInfo;
}

const RECORD = STATIC_BYTES;
const LAYOUTS = RECORD + 1024;
const SCRATCH = RECORD + 4096;
const INITIAL_BYTES = 16 << 20;
const MAXIMUM_BYTES = 65536 * 65536;
const DEFAULT_THREADS_LIMIT = 8;

let wished: WasmOptions = {};
let engine: Engine | null = null;

/**
 * Sets how the wasm backend will run; must come before its first use. Overrides the environment variables
 * ECHO_WASM_MODE and ECHO_THREADS.
 *
 * @throws BackendError if the backend is already running or a value makes no sense
 * @example configureWasm({ revectorize: true, threads: 2 })
 */
export function configureWasm(options: WasmOptions): void {
  if (engine !== null) {
    throw new BackendError(
      "configureWasm: the wasm backend is already running; call it before the first tensor",
    );
  }
  const { threads, maximumBytes } = options;
  if (threads !== undefined) checkedThreads("configureWasm", threads);
  if (maximumBytes !== undefined && !(maximumBytes > 0)) {
    throw new BackendError(`configureWasm: maximumBytes must be above 0, got ${maximumBytes}`);
  }
  wished = { ...wished, ...options };
  if (maximumBytes !== undefined) limitTensorBytes(maximumBytes);
}

/** The running engine; starts it when this is the first use. */
export function getEngine(): Engine {
  engine ??= start();
  return engine;
}

/**
 * Starts the wasm backend without blocking. Pages should await it once before the first tensor, because a
 * browser may refuse to compile a module of this size synchronously on the main thread. Workers and Node
 * need not.
 *
 * With `kernels: "all"`, and with `fma`, the entry `@echo-ts/tensor/small` first loads what it lacks.
 *
 * @throws BackendError if the backend already runs with the kernels of the small entry and more are asked for;
 *   ArgumentError for a `kernels` that is neither "all" nor "provided"
 * @example await initWasm({ threads: 2 })
 */
export async function initWasm(options: InitWasmOptions = {}): Promise<WasmInfo> {
  const { kernels, ...rest } = options;
  checkOptions("initWasm", { kernels }, { kernels: ["all", "provided"] });
  if (engine === null) configureWasm(rest);
  if (kernels === "all" || (engine === null && wishes().fma === true)) await loadAllKernels();
  if (engine !== null) return engine.info;
  const set = kernelSet();
  const settings = settle(set);
  // V8 takes what `tiering` sets while it compiles at once; in Node nothing forbids that.
  const names = settings.tiering === null ? [set.kernels, ...settings.products] : [];
  const compiled = new Map<ModuleName, WebAssembly.Module>();
  for (const name of names) {
    compiled.set(name, await WebAssembly.compile(moduleBytes(set.modules, name, settings.shared)));
  }
  // Either may have changed while this waited.
  if (kernelSet() !== set) return initWasm();
  engine ??= startWith(settings, (name) => compiled.get(name));
  return engine.info;
}

/** What the backend runs with, and what is missing and why. Starts the backend, or says in `notes` why it cannot run. */
export function wasmInfo(): WasmInfo {
  const problem = engine === null ? wasmProblem() : null;
  if (problem !== null) {
    const notes = [`wasm: ${problem}, tensors are computed in TypeScript`];
    return { mode: "none", threads: 0, sharedMemory: false, tile: "none", kernels: "none", notes };
  }
  return { ...getEngine().info }; // a snapshot: the threads of now, and plain to print
}

/** True if the kernels can run here: the engine has WebAssembly SIMD, and no policy of the page bars it. */
export function wasmAvailable(): boolean {
  return wasmProblem() === null;
}

let problem: string | null | undefined;

/** Why the kernels cannot run here; null where they can. */
export function wasmProblem(): string | null {
  if (problem === undefined) problem = findProblem();
  return problem;
}

function findProblem(): string | null {
  if (typeof WebAssembly !== "object") return "this engine has no WebAssembly";
  const bytes = moduleBytes(kernelSet().modules, "gemm4x8", false);
  if (!WebAssembly.validate(bytes)) return "this engine has no WebAssembly SIMD";
  try {
    new WebAssembly.Module(bytes);
    return null;
  } catch {
    return "the content security policy bars WebAssembly (script-src lacks 'wasm-unsafe-eval')";
  }
}

interface Settings {
  readonly set: KernelSet;
  readonly revectorize: boolean;
  /** How to compile with 256-bit operations if these prove themselves; null where that is not wished or not possible. */
  readonly tiering: Tiering | null;
  readonly fma: boolean;
  /** Matrix products worth trying, the presumably best one first. */
  readonly products: readonly ModuleName[];
  readonly shared: boolean;
  readonly threads: number;
  readonly limit: number;
  readonly notes: string[];
}

function start(): Engine {
  const problem = wasmProblem();
  if (problem !== null) throw new BackendError(`wasm: ${problem}; use setBackend("reference")`);
  return startWith(settle(kernelSet()), () => undefined);
}

const wishes = (): WasmOptions => ({ ...environmentOptions(), ...wished });

/** Reads wishes and environment, sets the engine's flags, and notes what is missing here. */
function settle(set: KernelSet): Settings {
  const options = wishes();
  const { variants } = set;
  const notes: string[] = [];
  if (set.name === "small") notes.push(SMALL_NOTE);
  const revectorize = options.revectorize === true && enableRevectorize(notes);
  const fma = options.fma === true && enableFma(set, notes);
  const auto = (options.revectorize ?? "auto") === "auto" && !fma;
  const tiering = auto && variants !== null ? variants.findTiering() : null;
  const products: ModuleName[] = variants?.candidates(revectorize, fma) ?? ["gemm4x8"];
  const shared = options.shared !== false && canShare();
  let threads = options.threads ?? Math.min(coreCount(), DEFAULT_THREADS_LIMIT);
  if (nodeTooOld()) {
    notes.push("threads: this Node has no process.getBuiltinModule (20.16 has), one thread runs");
    threads = 1;
  }
  if (threads > 1 && !shared) {
    // Whoever asked for memory that is not shared knows.
    if (options.threads !== undefined || options.shared !== false) {
      notes.push(
        "threads: memory cannot be shared here (a page must be cross-origin isolated), one thread runs",
      );
    }
    threads = 1;
  }
  const limit = Math.min(options.maximumBytes ?? MAXIMUM_BYTES, MAXIMUM_BYTES);
  return { set, revectorize, tiering, fma, products, shared, threads, limit, notes };
}

const SMALL_NOTE =
  "kernels: the small entry has those on float32, without attention, convolution, losses, FFT, sorting and optimisers; " +
  "what it lacks is composed of them or computed in TypeScript, unless " +
  'initWasm({ kernels: "all" }) loads the rest before the first tensor';

/** V8 reads the flag when it compiles a module, so it can be set while the process runs. */
function enableRevectorize(notes: string[]): boolean {
  const node = nodeRuntime();
  if (node === null || v8Major() < 12) {
    notes.push("revectorize: needs Node with V8 12 or later, the plain SIMD code runs");
    return false;
  }
  node.getBuiltinModule("node:v8").setFlagsFromString("--experimental-wasm-revectorize");
  return true;
}

function enableFma({ modules, variants }: KernelSet, notes: string[]): boolean {
  if (variants?.enableFma((name) => moduleBytes(modules, name, false))) return true;
  notes.push(
    variants === null
      ? "fma: the small entry has no such product; await initWasm({ fma: true }) loads one"
      : "fma: this engine has no relaxed SIMD, the plain SIMD code runs",
  );
  return false;
}

function startWith(
  settings: Settings,
  compiled: (name: ModuleName) => WebAssembly.Module | undefined,
): Engine {
  const { set, shared, threads, limit, notes } = settings;
  const { variants } = set;
  const start = SCRATCH + threads * SCRATCH_BYTES;
  if (start >= limit) {
    throw new BackendError(
      `wasm: ${threads} threads need ${start} bytes for themselves, the memory may have ${limit}`,
    );
  }
  const bytes = (name: ModuleName): Uint8Array<ArrayBuffer> => moduleBytes(set.modules, name, shared);
  const compile = (name: ModuleName): WebAssembly.Module =>
    compiled(name) ?? new WebAssembly.Module(bytes(name));
  const memory = createMemory(shared, Math.max(INITIAL_BYTES, start + STATIC_BYTES), limit, notes);
  const arena = new Arena(memory, start, limit);
  countWasmBytes(() => arena.liveBytes);
  const place: ProbeMemory = { memory, arena, record: RECORD, scratch: SCRATCH };
  const widened = (settings.tiering && variants?.widen(settings.tiering, bytes, place)) ?? null;
  const tiles = (): Tile[] => settings.products.map((name) => ({ name, module: compile(name) }));
  const tile = widened?.tile ?? variants?.fastest(tiles(), place) ?? tiles()[0]!;
  const kernelModule = widened?.kernels ?? compile(set.kernels);
  const table = instantiate(tile.module, kernelModule, memory);
  const { kernels, fresh } = widened?.tiering.watch(table) ?? { kernels: table };
  const pool = new Pool(
    threads,
    { memory, gemm: tile.module, kernels: kernelModule, scratch: SCRATCH, scratchBytes: SCRATCH_BYTES },
    kernels,
    notes,
    fresh && { fresh },
  );
  const mode =
    [(settings.revectorize || widened !== null) && "revectorize", settings.fma && "fma"]
      .filter(Boolean)
      .join("+") || "simd";
  const info: WasmInfo = {
    mode,
    get threads() {
      return pool.threads;
    },
    sharedMemory: shared,
    tile: /\d+x\d+/.exec(tile.name)![0],
    kernels: set.name,
    notes,
  };
  finalKernelSet();
  return { arena, kernels, pool, record: RECORD, layouts: LAYOUTS, scratch: SCRATCH, info };
}

/** Some systems refuse to reserve 4 GiB of address space: then less. */
function createMemory(shared: boolean, wanted: number, limit: number, notes: string[]): WebAssembly.Memory {
  const initial = Math.min(wanted, limit) / 65536;
  for (let maximum = Math.floor(limit / 65536); ; maximum = Math.floor(maximum / 2)) {
    try {
      return new WebAssembly.Memory({ initial, maximum, shared });
    } catch (error) {
      if (maximum / 2 < initial) {
        throw new BackendError(
          `wasm: the system refuses even ${maximum / 16} MiB of memory: ${String(error)}`,
        );
      }
      notes.push(`memory: ${maximum / 16} MiB of address space refused`);
    }
  }
}

function instantiate(
  gemm: WebAssembly.Module,
  kernels: WebAssembly.Module,
  memory: WebAssembly.Memory,
): KernelTable {
  const product = new WebAssembly.Instance(gemm, { env: { memory } }).exports;
  const rest = new WebAssembly.Instance(kernels, { env: { memory }, gemm: product }).exports;
  return { ...rest, ...product } as unknown as KernelTable;
}
