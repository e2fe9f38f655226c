// Takes a WebGPU device or WebGL context away from gpu.js, or makes it refuse a command, for tests inside the browser.

/** What can happen to a device. */
export interface Accidents {
  /** The driver takes it away. */
  lose(): Promise<void>;
  /** It refuses a command, as it does when memory runs out. */
  refuse(): Promise<void>;
}

interface GpuDevice {
  destroy(): void;
  createBuffer(settings: { readonly size: number; readonly usage: number }): unknown;
  readonly queue: { onSubmittedWorkDone(): Promise<void> };
  readonly lost: Promise<unknown>;
}

/** Calls `note` with all that a method gives from now on. */
function intercept<T>(prototype: object, name: string, note: (made: T) => void): void {
  const methods = prototype as Record<string, (...given: unknown[]) => unknown>;
  const original = methods[name]!;
  methods[name] = function (...given) {
    const made = original.apply(this, given);
    note(made as T);
    return made;
  };
}

/** Accidents of what gpu.js asks the browser for from now on. */
export function interceptDevice(mode: "webgl2" | "webgpu"): Accidents {
  const devices: Promise<GpuDevice>[] = [];
  const contexts: WebGL2RenderingContext[] = [];
  if (mode === "webgpu") {
    const { GPUAdapter } = globalThis as unknown as { GPUAdapter: { prototype: object } };
    intercept<Promise<GpuDevice>>(GPUAdapter.prototype, "requestDevice", (made) => devices.push(made));
  } else {
    for (const { prototype } of [OffscreenCanvas, HTMLCanvasElement]) {
      intercept<WebGL2RenderingContext>(prototype, "getContext", (made) => contexts.push(made));
    }
  }
  return {
    async lose() {
      for (const device of await Promise.all(devices)) {
        device.destroy();
        await device.lost;
      }
      for (const context of contexts) context.getExtension("WEBGL_lose_context")?.loseContext();
    },
    async refuse() {
      for (const device of await Promise.all(devices)) {
        device.createBuffer({ size: 4, usage: 0 });
        await device.queue.onSubmittedWorkDone();
      }
      const unknown = 0xffff;
      for (const context of contexts) context.enable(unknown);
    },
  };
}
