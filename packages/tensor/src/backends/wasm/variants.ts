// The matrix products beside gemm4x8, and the choice between them: by what was wished, by time, and by whether V8 can run
// pairs of 128-bit operations as 256-bit ones. Part of all-set.ts. Read next: probe.ts, tiering.ts.

import { nodeRuntime } from "../../node-runtime.ts";
import { v8Major } from "./engine-options.ts";
import type { ModuleName } from "./module-bytes.ts";
import { fastest, type ProbeMemory, type Tile, widens } from "./probe.ts";
import { Tiering } from "./tiering.ts";

/** The bytes of a module by its name. */
export type BytesOf = (name: ModuleName) => Uint8Array<ArrayBuffer>;

/** What is compiled with 256-bit operations. */
export interface Widened {
  readonly tiering: Tiering;
  readonly tile: Tile;
  readonly kernels: WebAssembly.Module;
}

/** Modules of the matrix product worth trying, the presumably best one first. */
function candidates(revectorize: boolean, fma: boolean): ModuleName[] {
  if (revectorize) return fma ? ["gemm4x16Fma", "gemm6x8Fma", "gemm4x8Fma"] : ["gemm4x16", "gemm4x8"];
  return fma ? ["gemm4x8Fma", "gemm6x8Fma"] : ["gemm4x8"];
}

/** Compiles with 256-bit operations; null if these give other bits or no speed, as on a CPU without them. */
function widen(tiering: Tiering, bytes: BytesOf, place: ProbeMemory): Widened | null {
  const [plain, tile] = (["gemm4x8", "gemm4x16"] as const).map((name) => ({
    name,
    module: tiering.compile(bytes(name)),
  })) as [Tile, Tile];
  if (!widens(tiering, plain, tile, place)) return null;
  return { tiering, tile, kernels: tiering.compile(bytes("kernels")) };
}

/** True if fused multiply-add can run here; sets the flag of V8 that it may need. */
function enableFma(bytes: BytesOf): boolean {
  const product = bytes("gemm4x8Fma");
  if (WebAssembly.validate(product)) return true;
  if (v8Major() === 0) return false;
  nodeRuntime()?.getBuiltinModule("node:v8").setFlagsFromString("--experimental-wasm-relaxed-simd");
  return WebAssembly.validate(product);
}

/** Products beside gemm4x8, and how to choose. */
export interface Variants {
  readonly findTiering: () => Tiering | null;
  readonly candidates: typeof candidates;
  readonly widen: typeof widen;
  readonly fastest: typeof fastest;
  readonly enableFma: typeof enableFma;
}

/** What the engine asks of this file; the small entry does without. */
export const variants: Variants = { findTiering: Tiering.find, candidates, widen, fastest, enableFma };
