// The gpu backend: gpu.js kernels on WebGPU or WebGL 2. Tensors stay on the device between ops; `await
// data()` reads them back. gpu.js is loaded by initGpu, never before. Reading order: gpu-js, probe, device,
// slot, storage, kernel-text, run, then the kernel tables, fallback.

import { type Backend, countFallback, type Kernel, registerBackend, type Storage } from "../../backend.ts";
import { BackendError } from "../../errors.ts";
import { convolutionKernels } from "./convolution.ts";
import { crossEntropyKernels } from "./cross-entropy.ts";
import { Device } from "./device.ts";
import { elementwiseKernels } from "./elementwise.ts";
import { fallback } from "./fallback.ts";
import { type GpuMode, loadGpuJs } from "./gpu-js.ts";
import { matrixKernels } from "./matrices.ts";
import { movingKernels } from "./moving.ts";
import { type Adapter, probe } from "./probe.ts";
import { rowKernels } from "./rows.ts";
import { Slot } from "./slot.ts";
import { convert, GpuStorage } from "./storage.ts";
import { updates } from "./updates.ts";

export type { GpuMode } from "./gpu-js.ts";

/** Options of `initGpu`. */
export interface GpuOptions {
  /** Default: WebGPU, else WebGL 2. "webasm" and "cpu" compute on the CPU, for tests and comparison. */
  readonly mode?: GpuMode;
  /** Take software rendering too; default false, because the wasm backend is faster than that. */
  readonly allowSoftware?: boolean;
}

/** What the gpu backend runs on. */
export interface GpuInfo {
  readonly mode: GpuMode;
  /** As the driver calls it. */
  readonly adapter: string;
  /** True if a CPU does the work. */
  readonly software: boolean;
  /** Device arrays alive now. */
  readonly buffers: number;
  /** Their bytes. */
  readonly bytes: number;
  /** Kernels run so far. */
  readonly launches: number;
  /** True once the driver has taken the device away; `initGpu` starts a new one. */
  readonly lost: boolean;
}

/** CTC runs frame by frame; its hundreds of small kernels would cost more than the way to the host. */
const onHost = <P extends "ctcLoss" | "ctcLossGrad">(op: P): Kernel<P> => {
  return (out, inputs, params) => {
    countFallback(out.storage.backend, op, out.storage.dtype);
    fallback(op, out, inputs, params);
    return true;
  };
};

function createBackend(device: Device): Backend {
  const backend: Backend = {
    name: "gpu",
    host: false,
    kernels: {
      ...elementwiseKernels,
      ...rowKernels,
      ...crossEntropyKernels,
      ...matrixKernels,
      ...convolutionKernels,
      ...movingKernels,
      ctcLoss: onHost("ctcLoss"),
      ctcLossGrad: onHost("ctcLossGrad"),
    },
    updates,
    allocate: (dtype, length) => new GpuStorage(backend, device, new Slot(dtype, length), false),
    upload: (dtype, data) => new GpuStorage(backend, device, new Slot(dtype, data.length, data), true),
    read: async (storage) => {
      const { slot } = storage as GpuStorage;
      const values = await device.read(slot);
      // A fallback may have computed it in host memory by then, exactly.
      return slot.host?.slice() ?? convert(slot.dtype, values);
    },
    peek: (storage: Storage) => (storage as GpuStorage).slot.host,
    release: (storage) => (storage as GpuStorage).release(),
    fallback,
  };
  return backend;
}

let current: { device: Device; adapter: Adapter } | null = null;

/**
 * Starts the gpu backend and makes it known as "gpu"; `setBackend("gpu")` then chooses it. It pays for large
 * work on real hardware; small tensors are faster on the wasm backend, which stays the default. float32 is
 * computed on the device; float64, and integers that float32 cannot hold, in host memory (see `explain`).
 *
 * @returns the backend; `gpuInfo()` says what it runs on
 * @throws BackendError that says what is missing: gpu.js, a GPU, or the permission to use software rendering
 * @example await initGpu(); setBackend("gpu")
 */
export async function initGpu(options: GpuOptions = {}): Promise<Backend> {
  const library = await loadGpuJs();
  const { mode, adapter } = await choose(options);
  const device = new Device(library, mode);
  current = { device, adapter };
  const backend = createBackend(device);
  registerBackend(backend);
  return backend;
}

async function choose({
  mode,
  allowSoftware = false,
}: GpuOptions): Promise<{ mode: GpuMode; adapter: Adapter }> {
  if (mode === "cpu" || mode === "webasm") {
    const adapter = await probe(mode);
    if (adapter === null) throw new BackendError(`initGpu: mode "${mode}" is not available here`);
    return { mode, adapter };
  }
  const tried: string[] = [];
  for (const candidate of mode === undefined ? (["webgpu", "webgl2"] as const) : [mode]) {
    const adapter = await probe(candidate);
    if (adapter !== null && (allowSoftware || !adapter.software)) return { mode: candidate, adapter };
    tried.push(
      `${candidate}: ${adapter === null ? "not available" : `software rendering (${adapter.name})`}`,
    );
  }
  throw new BackendError(
    `initGpu: found no GPU (${tried.join("; ")}); use setBackend("wasm"), enable hardware acceleration in the browser, or ask for software rendering with { allowSoftware: true }`,
  );
}

/** What the gpu backend runs on and how much memory it holds, or null before `initGpu`. */
export function gpuInfo(): GpuInfo | null {
  if (current === null) return null;
  const { device, adapter } = current;
  const { mode, buffers, bytes, launches, lost } = device;
  return { mode, adapter: adapter.name, software: adapter.software, buffers, bytes, launches, lost };
}
