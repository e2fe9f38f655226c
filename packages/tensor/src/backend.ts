// What a backend is. It stores flat runs of elements and fills outputs from inputs: nothing else. It does
// not broadcast shapes, promote dtypes, check arguments or track gradients; `apply` has done that before.
// A kernel gets an output that is fresh and row-major with offset 0, and inputs that may be any strided
// view; it returns false for a case that it does not take, which is then computed by the reference kernels.

import { wrongArgument } from "./arguments.ts";
import type { DType, TypedArray } from "./dtype.ts";
import { BackendError } from "./errors.ts";
import type { Op, OpParams } from "./op-table.ts";
import type { AdamStep, SgdStep } from "./update.ts";
import type { Layout } from "./view.ts";

/** A flat run of elements of one dtype, owned by a backend. Views share it; nobody frees it by hand. */
export interface Storage {
  readonly backend: Backend;
  readonly dtype: DType;
  /** Number of elements. */
  readonly length: number;
  /**
   * The elements in host memory, for backends that compute there (`Backend.host`). Each access may give a
   * new typed array over the same memory: take it, use it, and do not hold it across other operations.
   */
  readonly data: TypedArray;
  /** Who gives it back, see memory.ts; null: the garbage collector, once no tensor holds it. */
  owner: StorageOwner | null;
  /** What had happened when it was given back; null while its elements can be read. */
  closedBy: string | null;
  /** Counts writes in place (optimiser steps), so that a gradient that needs the old values can refuse. */
  version: number;
}

/** Whom a storage belongs to. */
export interface StorageOwner {
  /** True if the owner will give the storage back itself. */
  readonly releases: boolean;
}

/** A strided view of a storage: what kernels read and write. Every Tensor is one. */
export interface View extends Layout {
  readonly storage: Storage;
}

/** Computes one op. Returns false, having written nothing, when it does not take this case. */
export type Kernel<P extends Op> = (out: View, inputs: readonly View[], params: OpParams[P]) => boolean;

/** One kernel for each op that the backend computes itself. */
export type Kernels = { readonly [P in Op]?: Kernel<P> };

/**
 * In-place steps that a backend computes itself. All views are dense (the whole of their storage), equally long and
 * of one dtype; weights and state are written, the gradient is not. Returns false, having written nothing, for a
 * case it does not take.
 */
export interface UpdateKernels {
  /** velocity = momentum velocity + gradientFactor g, weights -= learningRate velocity; null without momentum. */
  sgd?(weights: View, gradient: View, velocity: View | null, step: SgdStep): boolean;
  /** Moments and weights, in PyTorch's order: decay, moments, step. */
  adam?(weights: View, gradient: View, mean: View, square: View, step: AdamStep): boolean;
  /** Sum of the squares of a gradient's elements in double precision, for norms; null for a view it does not take. */
  sumOfSquares?(gradient: View): number | null;
}

/** A device: memory and kernels. */
export interface Backend {
  readonly name: string;
  /** True if the storages live in host memory, so that `Storage.data` and synchronous reads work. */
  readonly host: boolean;
  readonly kernels: Kernels;
  /** Optimiser steps in place that the backend computes itself. */
  readonly updates?: UpdateKernels;
  /** Memory for `length` elements; their values are undefined. */
  allocate(dtype: DType, length: number): Storage;
  /** A storage holding these elements. Whether the array is copied or adopted is the backend's choice. */
  upload(dtype: DType, data: TypedArray): Storage;
  /** The elements, copied to host memory once all pending work on them is done. */
  read(storage: Storage): Promise<TypedArray>;
  /**
   * The elements if they are in host memory at the moment, for backends that compute elsewhere: what was
   * uploaded, say. Not to be written to.
   */
  peek?(storage: Storage): TypedArray | null;
  /**
   * Tells that no further computation needs this storage. The backend may reuse the memory, but a later read must
   * give the same bits or throw, never others; the value of a single element must stay readable.
   */
  release?(storage: Storage): void;
  /**
   * Tells that from now on somebody will release this storage, or that nobody will. A backend that frees unused
   * storages itself need not look at those that will be released.
   */
  owned?(storage: Storage, owned: boolean): void;
  /** What the memory holds at the moment; left out by backends that leave memory to the garbage collector. */
  memory?(): MemoryInfo | null;
  /** Computes an op that has no kernel here. Host backends leave it out: the reference kernels take over. */
  fallback?<P extends Op>(op: P, out: View, inputs: readonly View[], params: OpParams[P]): void;
}

/** What the memory of a backend holds, in bytes. */
export interface MemoryInfo {
  /** In storages that are in use. */
  readonly live: number;
  /** How many storages and tables that is. */
  readonly liveBlocks: number;
  /** The most that was ever in use. */
  readonly peak: number;
  /** Waiting to be used again. */
  readonly free: number;
  /** Size of the memory, used or not. */
  readonly reserved: number;
  /** What it may grow to. */
  readonly limit: number;
}

/**
 * What the memory of the current backend holds.
 *
 * @returns null where memory is left to the garbage collector, as on the reference backend
 * @example withBackend("reference", () => memoryInfo()) // null
 */
export function memoryInfo(): MemoryInfo | null {
  return getBackend().memory?.() ?? null;
}

const backends = new Map<string, Backend>();
const fallbacks = new Map<string, number>();
let current: Backend | null = null;
let reference: Backend | null = null;

/** Makes a backend known by its name; until one is chosen, the first one registered is used for new tensors. */
export function registerBackend(backend: Backend): void {
  backends.set(backend.name, backend);
  if (backend.name === "reference") reference = backend;
  current ??= backend;
}

/** The backend on which new tensors are made. */
export function getBackend(): Backend {
  if (current === null) throw new BackendError("getBackend: no backend is registered");
  return current;
}

/** Names of the backends that can be chosen now. */
export function listBackends(): string[] {
  return [...backends.keys()];
}

/** A registered backend by name; throws BackendError that lists the known ones. */
export function findBackend(name: string): Backend {
  return backendNamed("findBackend", name);
}

/** `findBackend` with the name of who asks for the message; a backend itself passes. */
export function backendNamed(op: string, name: string | Backend): Backend {
  if (typeof name !== "string") {
    if (typeof name?.upload === "function") return name;
    throw wrongArgument(op, "backend", `a backend or a name such as "wasm"`, name);
  }
  const backend = backends.get(name);
  if (backend !== undefined) return backend;
  if (name === "gpu") {
    throw new BackendError(
      `${op}: backend "gpu" is not started; call await initGpu() first (it needs the optional package gpu.js)`,
    );
  }
  if (name === "wasm") {
    throw new BackendError(`${op}: backend "wasm" is not loaded; import "@echo-ts/tensor" for it`);
  }
  throw new BackendError(`${op}: unknown backend "${name}", expected one of: ${listBackends().join(", ")}`);
}

/**
 * Chooses the backend on which new tensors are made from now on. Existing tensors stay where they are.
 *
 * @throws BackendError if no backend has this name
 */
export function setBackend(backend: string | Backend): Backend {
  current = backendNamed("setBackend", backend);
  return current;
}

/**
 * Runs `body` with another backend for new tensors and restores the previous one afterwards: after an asynchronous
 * body once its promise has settled. Await it before anything else makes tensors, which would come to that backend too.
 *
 * @example withBackend("reference", () => tensor([1, 2]).backend.name) // "reference"
 */
export function withBackend<T>(backend: string | Backend, body: () => T): T {
  const previous = getBackend();
  setBackend(backend);
  const restore = (): void => {
    current = previous;
  };
  let result: T;
  try {
    result = body();
  } catch (error) {
    restore();
    throw error;
  }
  if (result instanceof Promise) return result.finally(restore) as T;
  restore();
  return result;
}

/**
 * Runs the op's own kernel, or the fallback when there is none; a fallback is counted, see `explain`.
 *
 * @returns true if it was the own kernel
 */
export function runKernel<P extends Op>(
  backend: Backend,
  op: P,
  out: View,
  inputs: readonly View[],
  params: OpParams[P],
): boolean {
  const kernel = backend.kernels[op];
  if (kernel?.(out, inputs, params)) return true;
  countFallback(backend, op, out.storage.dtype);
  if (backend.fallback !== undefined) {
    backend.fallback(op, out, inputs, params);
    return false;
  }
  const plain = reference?.kernels[op];
  if (!backend.host || plain === undefined || !plain(out, inputs, params)) {
    throw new BackendError(
      `${op}: backend "${backend.name}" has no kernel for ${out.storage.dtype} and no fallback`,
    );
  }
  return false;
}

/** Notes that `backend` did not compute `op` by a kernel of its own. */
export function countFallback(backend: Backend, op: Op, dtype: DType): void {
  const key = `${backend.name}/${op}/${dtype}`;
  fallbacks.set(key, (fallbacks.get(key) ?? 0) + 1);
}

/** One line of `explain`: how often an op was computed by a fallback. */
export interface FallbackReport {
  readonly backend: string;
  readonly op: string;
  readonly dtype: string;
  readonly count: number;
}

/**
 * Which ops were not computed by a kernel of their backend but by the reference kernels or by their
 * composition, and how often, since the start or the last `explain({ reset: true })`.
 */
export function explain(options: { reset?: boolean } = {}): FallbackReport[] {
  const report = [...fallbacks].map(([key, count]) => {
    const [backend, op, dtype] = key.split("/") as [string, string, string];
    return { backend, op, dtype, count };
  });
  if (options.reset) fallbacks.clear();
  return report;
}
