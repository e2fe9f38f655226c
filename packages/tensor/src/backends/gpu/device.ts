// A device: kernels compiled from source text, a queue that keeps their order, and the memory they fill.
// Everything is a task of one queue. Where gpu.js answers at once a task runs at once; on WebGPU tasks wait
// for each other, which also keeps two first calls of a kernel apart (they would share one output size).
// Read next: storage.ts.

import { BackendError } from "../../errors.ts";
import type { Context, DeviceArray, GpuInstance, GpuJs, GpuKernel, GpuMode, Handle } from "./gpu-js.ts";
import type { Slot } from "./slot.ts";

/** A kernel as text. Arguments are the arrays x0, x1, ..., then the integers, then the floats. */
export interface Program {
  readonly arrays: number;
  readonly integers: readonly string[];
  readonly floats: readonly string[];
  /** Statements in gpu.js' subset of JavaScript; every path returns the value of element `this.thread.x`. */
  readonly body: string;
  /** Axes of the threads, if not one: then the place of a thread's elements follows from x, y and z. WebGPU only. */
  readonly rank?: 2 | 3;
}

/** One run of a program. */
export interface Launch {
  readonly kernel: CompiledProgram;
  readonly inputs: readonly Slot[];
  readonly integers: readonly number[];
  /** By name; those that the program does not use are left out. */
  readonly floats: Readonly<Record<string, number>>;
  readonly out: Slot;
  /** Threads along x, y and z; default one for each element of `out`. Each gives as many elements as are left to it. */
  readonly threads?: readonly number[];
}

/** A program that gpu.js has taken. */
export interface CompiledProgram extends Program {
  readonly run: GpuKernel;
}

/** Loops bounded by an argument end silently after this many rounds, whose default is 1000. */
const LOOP_MAX_ITERATIONS = 1 << 20;

const COPY: Program = {
  arrays: 1,
  integers: [],
  floats: [],
  body: "return x0[this.thread.x];",
};

/** WebGPU's flags STORAGE, COPY_SRC and COPY_DST. */
const BUFFER_USAGE = 0x0080 | 0x0004 | 0x0008;

const GL_OUT_OF_MEMORY = 0x0505;

/** The collector cannot see device memory. When more than this is held it is told that memory is short. */
const QUIET_BYTES = 2 ** 28;

/** It is told by an array of this size, which nobody touches or keeps: pages that cost nothing but count. */
const PRESSURE_BYTES = 2 ** 26;

/** What threads of several axes, or of several elements each, have filled is one run of elements for all that follows. */
function flatten(handle: Handle, length: number): void {
  if (handle instanceof Float32Array) return;
  handle.output = [length];
  handle.componentCount = 1;
}

type Task = () => undefined | Promise<void>;

/** A device with its kernels, queue and memory. */
export class Device {
  readonly mode: GpuMode;
  /** Device arrays alive, and their bytes. */
  buffers = 0;
  bytes = 0;
  /** Kernels run so far. */
  launches = 0;
  readonly #gpu: GpuInstance;
  readonly #library: GpuJs;
  readonly #kernels = new Map<string, CompiledProgram>();
  #tail: Promise<void> | null = null;
  /** Of the first kernel that ran; all others share it. */
  #context: Context | null = null;
  /** WebGPU: a result of the first kernel, whose like can be made around any memory of its device. */
  #sample: DeviceArray | null = null;
  /** The first command that the device refused; it then goes on with zeros. */
  #refused: string | null = null;
  /** How many bytes may be held before the collector is told again. */
  #quiet = QUIET_BYTES;

  constructor(library: GpuJs, mode: GpuMode) {
    this.#library = library;
    this.mode = mode;
    this.#gpu = new library.GPU({ mode });
  }

  /** True if arrays live outside host memory. */
  get #remote(): boolean {
    return this.mode === "webgpu" || this.mode === "webgl2";
  }

  /** True once the hardware is gone: a lost context answers with zeros, or with a new, empty device. */
  get lost(): boolean {
    const context = this.#context;
    return context !== null && (context.isLost === true || context.isContextLost?.() === true);
  }

  #watch(context: Context | null): void {
    this.#context = context;
    context?.device?.addEventListener("uncapturederror", ({ error }) => {
      this.#refused ??= error.message;
    });
  }

  /** Throws if results can no longer be trusted. */
  #checkSound(): void {
    const code = this.lost ? 0 : (this.#context?.getError?.() ?? 0);
    if (code !== 0) this.#refused ??= code === GL_OUT_OF_MEMORY ? "out of memory" : `WebGL error ${code}`;
    if (this.lost || this.#refused !== null) throw this.#reason(null);
  }

  /** What to tell of a failure: that the device is lost or refused something, if so. */
  #reason(cause: unknown): Error {
    if (this.lost) {
      return new BackendError(
        `gpu: the ${this.mode} device was lost, and with it what it held; call await initGpu() again and load the weights from the last checkpoint`,
        { cause },
      );
    }
    if (this.#refused !== null) {
      return new BackendError(
        `gpu: the ${this.mode} device refused a command (${this.#refused}), so that its results cannot be trusted; use smaller batches if memory ran out, call await initGpu() again and load the weights from the last checkpoint`,
        { cause },
      );
    }
    return cause instanceof Error ? cause : new BackendError(String(cause));
  }

  /** Runs a task after all earlier ones: now if none is pending. */
  enqueue(task: Task): void {
    if (this.#tail !== null) this.#follow(this.#tail.then(task));
    else {
      const pending = task();
      if (pending !== undefined) this.#follow(pending);
    }
  }

  #follow(pending: Promise<void>): void {
    const tail = pending.then(() => {
      if (this.#tail === tail) this.#tail = null;
    });
    this.#tail = tail;
  }

  /** Computes `out` once its inputs are there. What goes wrong is kept in `out` and met when it is read. */
  launch({ kernel, inputs, integers, floats, out, threads }: Launch): void {
    const scalars = [...integers, ...kernel.floats.map((name) => floats[name]!)];
    for (const input of inputs) {
      input.users++;
    }
    this.launches++;
    this.enqueue(() =>
      this.#guard(out, () => {
        const uploads = this.#upload(inputs);
        const run = (): undefined | Promise<void> => {
          const handles = inputs.map((input) => input.handle!);
          return this.#call(kernel, handles, scalars, out, threads);
        };
        return uploads === undefined ? run() : uploads.then(run);
      }),
    );
    for (const input of inputs) this.drop(input);
  }

  /** The values of a slot, once all earlier tasks are done. */
  read(slot: Slot): Promise<Float32Array> {
    return new Promise((resolve, reject) => {
      slot.users++;
      this.enqueue(() => {
        try {
          const values = this.values(slot);
          if (!(values instanceof Promise)) return void resolve(values);
          return values.then(resolve, reject);
        } catch (error) {
          reject(error);
        }
        return undefined;
      });
      this.drop(slot);
    });
  }

  /** The values of a slot whose task has run; at once where gpu.js can. */
  values(slot: Slot): Float32Array | Promise<Float32Array> {
    if (slot.error !== null) throw slot.error;
    if (slot.host !== null) return Float32Array.from(slot.host);
    const { handle } = slot;
    if (handle === null) throw new BackendError("read: the elements were never computed");
    if (handle instanceof Float32Array) return handle.slice(0, slot.length);
    const finish = (values: Float32Array): Float32Array => {
      this.#checkSound();
      return values.slice(0, slot.length);
    };
    const failed = (error: unknown): never => {
      throw this.#reason(error);
    };
    let read: Float32Array | Promise<Float32Array>;
    try {
      read = handle.toArray();
    } catch (error) {
      return failed(error);
    }
    return read instanceof Promise ? read.then(finish, failed) : finish(read);
  }

  /** Runs `body` as a part of a task and keeps its failure in `out`. */
  #guard(out: Slot, body: () => undefined | Promise<void>): undefined | Promise<void> {
    const failed = (error: unknown): undefined => {
      out.error = this.#reason(error);
      return undefined;
    };
    try {
      return body()?.catch(failed);
    } catch (error) {
      return failed(error);
    }
  }

  /** Counts one use of a slot less; its memory goes after the tasks before. */
  drop(slot: Slot): void {
    this.enqueue(() => {
      if (--slot.users > 0) return undefined;
      const { handle } = slot;
      if (handle === null) return undefined;
      slot.handle = null;
      this.buffers--;
      this.bytes -= 4 * slot.length;
      if (!(handle instanceof Float32Array)) handle.delete();
      return undefined;
    });
  }

  /** `drop` for a slot that the collector has found: what it was told has worked. */
  collected(slot: Slot): void {
    this.drop(slot);
    this.enqueue(() => {
      this.#quiet = Math.max(QUIET_BYTES, 1.5 * this.bytes);
      return undefined;
    });
  }

  /** Brings to the device what is only in host memory. */
  #upload(slots: readonly Slot[]): undefined | Promise<void> {
    let pending: undefined | Promise<void>;
    const copy = this.program("copy", () => COPY);
    for (const slot of new Set(slots)) {
      if (slot.error !== null) throw slot.error;
      if (slot.handle !== null) continue;
      if (slot.host === null) throw new BackendError("launch: an input was never computed");
      slot.checkExact();
      const values = slot.host instanceof Float32Array ? slot.host : Float32Array.from(slot.host);
      if (!this.#remote) this.#adopt(slot, values);
      else if (this.#sample !== null) this.#adopt(slot, this.#written(this.#sample, values));
      // One after the other: the copies share one kernel.
      else if (pending !== undefined) pending = pending.then(() => this.#call(copy, [values], [], slot));
      else pending = this.#call(copy, [values], [], slot);
    }
    return pending;
  }

  /** New memory of the device that holds `values`: faster than a kernel that copies them. */
  #written({ constructor, context, kernel }: DeviceArray, values: Float32Array): DeviceArray {
    if (this.lost || this.#refused !== null) throw this.#reason(null);
    const { createBuffer, queue } = context!.device!;
    const buffer = createBuffer.call(context!.device, { size: values.byteLength, usage: BUFFER_USAGE });
    queue.writeBuffer(buffer, 0, values);
    const Result = constructor as new (settings: object) => DeviceArray;
    return new Result({ buffer, output: [values.length], context, kernel });
  }

  #adopt(slot: Slot, handle: Handle): void {
    slot.handle = handle;
    this.buffers++;
    this.bytes += 4 * slot.length;
    if (!this.#remote || this.bytes <= this.#quiet) return;
    new ArrayBuffer(PRESSURE_BYTES);
    this.#quiet = 1.5 * this.bytes;
  }

  #call(
    { run: kernel }: CompiledProgram,
    handles: readonly Handle[],
    scalars: readonly number[],
    out: Slot,
    threads: readonly number[] = [out.length],
  ): undefined | Promise<void> {
    if (this.lost || this.#refused !== null) throw this.#reason(null);
    kernel.setOutput(threads);
    const arrays = handles.map((handle) =>
      handle instanceof Float32Array ? this.#library.input(handle, [handle.length]) : handle,
    );
    const result = kernel(...arrays, ...scalars);
    if (!(result instanceof Promise)) {
      this.#check(kernel);
      this.#adopt(out, result);
      return undefined;
    }
    return result.then((handle) => {
      this.#check(kernel);
      flatten(handle, out.length);
      if (this.mode === "webgpu" && !(handle instanceof Float32Array)) this.#sample ??= handle;
      this.#adopt(out, handle);
    });
  }

  /** After a run: that it ran where it should, on the one device. */
  #check(kernel: GpuKernel): void {
    const { constructor, context = null } = kernel.kernel;
    if (this.#remote && this.#context === null) this.#watch(context);
    if (this.lost) throw this.#reason(null);
    const { mode } = constructor;
    // gpu.js gives all its WebGL kernels one name.
    const expected = this.mode === "webgl2" ? "gpu" : this.mode;
    if (mode !== expected) {
      throw new BackendError(`launch: gpu.js ran a kernel in mode "${mode}", expected "${expected}"`);
    }
  }

  /** The program of this key; programs of one key are the same, and `make` is called for the first only. */
  program(key: string, make: () => Program): CompiledProgram {
    let compiled = this.#kernels.get(key);
    if (compiled === undefined) {
      const program = make();
      const arrays = Array.from({ length: program.arrays }, (_, i) => `x${i}`);
      const { integers, floats } = program;
      const source = `function (${[...arrays, ...integers, ...floats].join(", ")}) {\n${program.body}\n}`;
      const run = this.#gpu.createKernel(source, {
        output: new Array<number>(program.rank ?? 1).fill(1),
        argumentTypes: [
          ...arrays.map(() => "Input"),
          ...integers.map(() => "Integer"),
          ...floats.map(() => "Float"),
        ],
        dynamicOutput: true,
        dynamicArguments: true,
        pipeline: true,
        immutable: true,
        precision: "single",
        tactic: "precision",
        loopMaxIterations: LOOP_MAX_ITERATIONS,
      });
      compiled = { ...program, run };
      this.#kernels.set(key, compiled);
    }
    return compiled;
  }

  /** Waits until all tasks so far are done. */
  async idle(): Promise<void> {
    while (this.#tail !== null) await this.#tail;
  }
}
