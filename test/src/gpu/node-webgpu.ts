// WebGPU in Node, by the webgpu package, which nobody gets unasked: it takes 132 MB.

/** Where the webgpu package is. */
const WEBGPU: string = process.env.ECHO_WEBGPU ?? "webgpu";

/** Puts WebGPU where a page has it; says why not if there is none. */
export async function installWebGpu(): Promise<string | false> {
  const webgpu = (await import(WEBGPU).catch(() => null)) as null | {
    readonly globals: object;
    create(flags: readonly string[]): { requestAdapter(): Promise<object | null> };
  };
  if (webgpu === null) return "the package webgpu 0.6.2 is not installed; name its entry in ECHO_WEBGPU";
  const gpu = webgpu.create([]);
  if ((await gpu.requestAdapter()) === null)
    return "webgpu finds no adapter; install libvulkan1 and a Vulkan driver";
  Object.assign(globalThis, webgpu.globals);
  Object.defineProperty(globalThis, "navigator", { value: { gpu }, configurable: true });
  return false;
}
