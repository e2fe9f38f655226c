// Which graphics hardware there is, asked before anything is computed on it: software rendering passes for a
// GPU but is slower than the wasm backend. Read next: index.ts.

import type { GpuMode } from "./gpu-js.ts";

/** What a mode would run on. */
export interface Adapter {
  /** As the driver calls it. */
  readonly name: string;
  /** True if a CPU pretends to be a GPU (SwiftShader, llvmpipe, ...). */
  readonly software: boolean;
}

const SOFTWARE = /swiftshader|llvmpipe|lavapipe|softpipe|software|basic render|google, vulkan/i;

interface AdapterInfo {
  readonly vendor?: string;
  readonly architecture?: string;
  readonly device?: string;
  readonly description?: string;
  readonly isFallbackAdapter?: boolean;
}

interface WebGpuAdapter {
  readonly info?: AdapterInfo;
  readonly isFallbackAdapter?: boolean;
}

/** The adapter that WebGPU offers, or null. */
async function probeWebGpu(): Promise<Adapter | null> {
  const { gpu } = (globalThis.navigator ?? {}) as unknown as {
    gpu?: { requestAdapter(): Promise<WebGpuAdapter | null> };
  };
  const adapter = await gpu?.requestAdapter().catch(() => null);
  if (adapter === null || adapter === undefined) return null;
  const { info = {} } = adapter;
  const parts = [info.vendor, info.architecture, info.device, info.description];
  const name = [...new Set(parts)].filter((part) => part).join(" ") || "unnamed adapter";
  const fallback = adapter.isFallbackAdapter === true || info.isFallbackAdapter === true;
  return { name, software: fallback || SOFTWARE.test(name) };
}

/** The renderer behind WebGL 2, or null. */
function probeWebGl2(): Adapter | null {
  const canvas =
    typeof OffscreenCanvas !== "undefined"
      ? new OffscreenCanvas(1, 1)
      : typeof document !== "undefined"
        ? document.createElement("canvas")
        : null;
  const gl = canvas?.getContext("webgl2");
  if (gl === null || gl === undefined || gl.getExtension("EXT_color_buffer_float") === null) return null;
  const debug = gl.getExtension("WEBGL_debug_renderer_info");
  const name = String(gl.getParameter(debug === null ? gl.RENDERER : debug.UNMASKED_RENDERER_WEBGL));
  // The probe's own context would count against the page's limit.
  gl.getExtension("WEBGL_lose_context")?.loseContext();
  return { name, software: SOFTWARE.test(name) };
}

/** What `mode` would run on here, or null if it cannot. The CPU modes always can. */
export async function probe(mode: GpuMode): Promise<Adapter | null> {
  if (mode === "webgpu") return probeWebGpu();
  if (mode === "webgl2") return probeWebGl2();
  if (mode === "webasm" && typeof WebAssembly === "undefined") return null;
  return { name: mode === "cpu" ? "JavaScript" : "WebAssembly", software: true };
}
