// Starts the kernels: memory, flags of the engine, the fitting modules, threads. Happens on first use, or
// in `initWasm()`; then nothing can be changed any more. Read next: pool.ts, then index.ts.

import { BackendError } from "../../errors.ts";
import { nodeRuntime } from "../../node-runtime.ts";
import { countWasmBytes, limitTensorBytes } from "../../tensor-bytes.ts";
import { Arena } from "./arena.ts";
import {
  canShare,
  checkedThreads,
  coreCount,
  environmentOptions,
  nodeTooOld,
  v8Major,
  type WasmInfo,
  type WasmOptions,
} from "./engine-options.ts";
import { type KernelTable, SCRATCH_BYTES, STATIC_BYTES } from "./generated/contract.ts";
import { type ModuleName, moduleBytes } from "./module-bytes.ts";
import { Pool } from "./pool.ts";
import { fastest, type ProbeMemory, type Tile, widens } from "./probe.ts";
import { Tiering } from "./tiering.ts";

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
  engine ??= start(compileNow);
  return engine;
}

/**
 * Starts the wasm backend without blocking. Pages should await it once before the first tensor, because a
 * browser may refuse to compile a module of this size synchronously on the main thread. Workers and Node
 * need not.
 */
export async function initWasm(options: WasmOptions = {}): Promise<WasmInfo> {
  if (engine !== null) return engine.info;
  configureWasm(options);
  const settings = settle();
  // V8 takes what `tiering` sets while it compiles at once; in Node nothing forbids that.
  const names: ModuleName[] = settings.tiering === null ? ["kernels", ...candidates(settings)] : [];
  const compiled = new Map<ModuleName, WebAssembly.Module>();
  for (const name of names) {
    compiled.set(name, await WebAssembly.compile(moduleBytes(name, settings.shared)));
  }
  engine ??= startWith(settings, (name, shared) => compiled.get(name) ?? compileNow(name, shared));
  return engine.info;
}

/** What the backend runs with, and what is missing and why. Starts the backend, or says in `notes` why it cannot run. */
export function wasmInfo(): WasmInfo {
  const problem = engine === null ? wasmProblem() : null;
  if (problem !== null) {
    const notes = [`wasm: ${problem}, tensors are computed in TypeScript`];
    return { mode: "none", threads: 0, sharedMemory: false, tile: "none", notes };
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
  const bytes = moduleBytes("gemm4x8", false);
  if (!WebAssembly.validate(bytes)) return "this engine has no WebAssembly SIMD";
  try {
    new WebAssembly.Module(bytes);
    return null;
  } catch {
    return "the content security policy bars WebAssembly (script-src lacks 'wasm-unsafe-eval')";
  }
}

interface Settings {
  readonly revectorize: boolean;
  /** How to compile with 256-bit operations if these prove themselves; null where that is not wished or not possible. */
  readonly tiering: Tiering | null;
  readonly fma: boolean;
  readonly shared: boolean;
  readonly threads: number;
  readonly limit: number;
  readonly notes: string[];
}

type Compile = (name: ModuleName, shared: boolean) => WebAssembly.Module;

const compileNow: Compile = (name, shared) => new WebAssembly.Module(moduleBytes(name, shared));

function start(compile: Compile): Engine {
  const problem = wasmProblem();
  if (problem !== null) throw new BackendError(`wasm: ${problem}; use setBackend("reference")`);
  return startWith(settle(), compile);
}

/** Reads wishes and environment, sets the engine's flags, and notes what is missing here. */
function settle(): Settings {
  const options = { ...environmentOptions(), ...wished };
  const notes: string[] = [];
  const revectorize = options.revectorize === true && enableRevectorize(notes);
  const fma = options.fma === true && enableFma(notes);
  const auto = (options.revectorize ?? "auto") === "auto" && !fma;
  const tiering = auto ? Tiering.find() : null;
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
  return { revectorize, tiering, fma, shared, threads, limit, notes };
}

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

function enableFma(notes: string[]): boolean {
  const bytes = moduleBytes("gemm4x8Fma", false);
  if (WebAssembly.validate(bytes)) return true;
  if (v8Major() > 0) {
    nodeRuntime()?.getBuiltinModule("node:v8").setFlagsFromString("--experimental-wasm-relaxed-simd");
    if (WebAssembly.validate(bytes)) return true;
  }
  notes.push("fma: this engine has no relaxed SIMD, the plain SIMD code runs");
  return false;
}

/** Modules of the matrix product worth trying, the presumably best one first. */
function candidates({ revectorize, fma }: Settings): ModuleName[] {
  if (revectorize) return fma ? ["gemm4x16Fma", "gemm6x8Fma", "gemm4x8Fma"] : ["gemm4x16", "gemm4x8"];
  return fma ? ["gemm4x8Fma", "gemm6x8Fma"] : ["gemm4x8"];
}

function startWith(settings: Settings, compile: Compile): Engine {
  const { shared, threads, limit, notes } = settings;
  const start = SCRATCH + threads * SCRATCH_BYTES;
  if (start >= limit) {
    throw new BackendError(
      `wasm: ${threads} threads need ${start} bytes for themselves, the memory may have ${limit}`,
    );
  }
  const memory = createMemory(shared, Math.max(INITIAL_BYTES, start + STATIC_BYTES), limit, notes);
  const arena = new Arena(memory, start, limit);
  countWasmBytes(() => arena.liveBytes);
  const place: ProbeMemory = { memory, arena, record: RECORD, scratch: SCRATCH };
  const widened = settings.tiering === null ? null : widen(settings.tiering, shared, place);
  const tile =
    widened?.tile ??
    fastest(
      candidates(settings).map((name) => ({ name, module: compile(name, shared) })),
      place,
    );
  const kernelModule = widened?.kernels ?? compile("kernels", shared);
  const compiled = instantiate(tile.module, kernelModule, memory);
  const { kernels, fresh } = widened?.tiering.watch(compiled) ?? { kernels: compiled };
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
    notes,
  };
  return { arena, kernels, pool, record: RECORD, layouts: LAYOUTS, scratch: SCRATCH, info };
}

/** What is compiled with 256-bit operations. */
interface Widened {
  readonly tiering: Tiering;
  readonly tile: Tile;
  readonly kernels: WebAssembly.Module;
}

/** Compiles with 256-bit operations; null if these give other bits or no speed, as on a CPU without them. */
function widen(tiering: Tiering, shared: boolean, place: ProbeMemory): Widened | null {
  const [plain, tile] = (["gemm4x8", "gemm4x16"] as const).map((name) => ({
    name,
    module: tiering.compile(moduleBytes(name, shared)),
  })) as [Tile, Tile];
  if (!widens(tiering, plain, tile, place)) return null;
  return { tiering, tile, kernels: tiering.compile(moduleBytes("kernels", shared)) };
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
