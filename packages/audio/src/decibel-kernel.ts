// The wasm form of powerToDb's loop, with the same bits; convert.ts has the readable one.
import { type FrameExports, FrameMemory, frameModule } from "./wasm-frames.ts";

/** Values per call. */
const BLOCK = 8192;

let kernel:
  | { readonly wasm: FrameExports; readonly input: Float32Array; readonly out: Float32Array }
  | undefined;

/**
 * max(10 log10(max(floor, x)) - shift, lowest) of every value; undefined where there is no wasm, or for a floor or shift that
 * the polynomial is not made for.
 */
export function decibels(
  values: Float32Array,
  floor: number,
  shift: number,
  lowest: number,
): Float32Array | undefined {
  const module = frameModule();
  if (!module || !(floor > 1e-100 && floor < 1e100 && Math.abs(shift) < 1000)) return undefined;
  if (!kernel) {
    const memory = new FrameMemory(module, 8 * BLOCK + 4096);
    kernel = { wasm: memory.wasm, input: memory.floats(BLOCK), out: memory.floats(BLOCK) };
  }
  const { wasm, input, out } = kernel;
  const result = new Float32Array(values.length);
  for (let at = 0; at < values.length; at += BLOCK) {
    const count = Math.min(BLOCK, values.length - at);
    input.set(values.subarray(at, at + count));
    wasm.decibels(input.byteOffset, (count + 1) & ~1, floor, shift, lowest, out.byteOffset);
    result.set(out.subarray(0, count), at);
  }
  return result;
}
