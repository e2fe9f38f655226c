// Takes a WebGPU device or WebGL context away from gpu.js, for tests inside the browser.

interface Destroyable {
  destroy(): void;
  readonly lost: Promise<unknown>;
}

/** Notes what gpu.js asks the browser for from now on; the result takes it away as a driver would. */
export async function interceptDevice(mode: "webgl2" | "webgpu"): Promise<() => Promise<void>> {
  const found: (() => Promise<unknown>)[] = [];
  const intercept = (prototype: object, name: string, note: (made: unknown) => void): void => {
    const methods = prototype as Record<string, (...given: unknown[]) => unknown>;
    const original = methods[name]!;
    methods[name] = function (...given) {
      const made = original.apply(this, given);
      note(made);
      return made;
    };
  };
  if (mode === "webgpu") {
    const { GPUAdapter } = globalThis as unknown as { GPUAdapter: { prototype: object } };
    intercept(GPUAdapter.prototype, "requestDevice", (made) => {
      found.push(async () => {
        const device = await (made as Promise<Destroyable>);
        device.destroy();
        await device.lost;
      });
    });
  } else {
    for (const { prototype } of [OffscreenCanvas, HTMLCanvasElement]) {
      intercept(prototype, "getContext", (made) => {
        found.push(async () =>
          (made as WebGL2RenderingContext).getExtension("WEBGL_lose_context")?.loseContext(),
        );
      });
    }
  }
  return async () => {
    await Promise.all(found.map((lose) => lose()));
  };
}
