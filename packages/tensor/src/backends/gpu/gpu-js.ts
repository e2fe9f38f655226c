// The one place that touches gpu.js 2.24.1: loads it on demand and gives it types that fit what it does (its
// own lack `input`, the argument type "Input" and `loopMaxIterations`). Read next: device.ts.

import { BackendError } from "../../errors.ts";

/** What computes: WebGPU, WebGL 2, or, for tests and comparison, WebAssembly or JavaScript on the CPU. */
export type GpuMode = "webgpu" | "webgl2" | "webasm" | "cpu";

/** Values that stay on the device. */
export interface DeviceArray {
  toArray(): Float32Array | Promise<Float32Array>;
  delete(): void;
  /** WebGPU's: the memory, and what it belongs to. */
  readonly buffer?: object;
  readonly context?: Context;
  readonly kernel?: object;
  /** WebGPU: sizes along the axes of the threads, and how many elements each thread gave. */
  output?: readonly number[];
  componentCount?: number;
}

/** What a kernel returns: a handle, or plain values in the modes that compute in host memory. */
export type Handle = Float32Array | DeviceArray;

/** A kernel; WebGPU answers with a promise. */
export interface GpuKernel {
  (...args: unknown[]): Handle | Promise<Handle>;
  setOutput(output: readonly number[]): void;
  readonly kernel: {
    /** The mode it really runs in: gpu.js falls back to another one without a word. */
    readonly constructor: { readonly mode: string };
    /** WebGPU's, which gpu.js wraps, or WebGL's own; there once the kernel has run. */
    readonly context?: Context | null;
  };
}

/** What may be taken away (the driver restarts, the machine sleeps) or refuse commands (memory runs out). */
export interface Context {
  /** WebGPU. */
  readonly isLost?: boolean;
  readonly device?: {
    addEventListener(
      type: "uncapturederror",
      listener: (event: { readonly error: { readonly message: string } }) => void,
    ): void;
    createBuffer(options: { readonly size: number; readonly usage: number }): object;
    readonly queue: { writeBuffer(buffer: object, offset: number, values: Float32Array): void };
  };
  /** WebGL. */
  isContextLost?(): boolean;
  getError?(): number;
}

/** The settings of ours that matter. */
export interface KernelSettings {
  readonly output: readonly number[];
  readonly argumentTypes: readonly string[];
  readonly dynamicOutput: true;
  readonly dynamicArguments: true;
  readonly pipeline: true;
  readonly immutable: true;
  readonly precision: "single";
  readonly tactic: "precision";
  readonly loopMaxIterations: number;
}

/** A gpu.js instance: one context with its kernels. */
export interface GpuInstance {
  createKernel(source: string, settings: KernelSettings): GpuKernel;
  destroy(): Promise<void> | undefined;
}

/** The library. */
export interface GpuJs {
  readonly GPU: new (settings: { readonly mode: GpuMode }) => GpuInstance;
  input(values: Float32Array, size: readonly number[]): unknown;
}

/**
 * Loads gpu.js.
 *
 * @throws BackendError that tells how to install it
 */
export async function loadGpuJs(): Promise<GpuJs> {
  try {
    const loaded = (await import("gpu.js")) as unknown as GpuJs & { readonly default?: GpuJs };
    return loaded.GPU === undefined ? loaded.default! : loaded;
  } catch (cause) {
    throw new BackendError(
      "initGpu: the optional package gpu.js is not installed; install it with: npm install gpu.js@2.24.1 --omit=optional",
      { cause },
    );
  }
}
