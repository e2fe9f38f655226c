// The host's side of assembly/frames.ts, shared by stft-kernel.ts, istft-kernel.ts and pitch/twin-fft.ts: the module, its
// memory, and the passes of a transform whose size has no prime factor above 5.
import { decodeBase64 } from "./base64.ts";
import { factorise } from "./fft.ts";
import { COS_72, COS_144, makePass, SIN_60, SIN_72, SIN_144 } from "./fft-passes.ts";
import { FRAMES_WASM } from "./generated/frames.ts";

type Addresses = readonly number[];
type Kernel = (...args: Addresses) => void;

/** The functions of assembly/frames.ts, which names their arguments: byte addresses and counts. */
export type FrameExports = Readonly<
  Record<
    | "pack"
    | "radix2"
    | "radix3"
    | "radix4"
    | "radix4Last"
    | "radix5"
    | "radix8"
    | "radix8Last"
    | "finish"
    | "finishPower"
    | "finishPairs"
    | "melBands"
    | "decibels"
    | "unfinish"
    | "overlap"
    | "evenPowers"
    | "framePowers"
    | "mix",
    Kernel
  >
>;

/** The compiled module; null where the engine refuses it. */
let compiled: WebAssembly.Module | null | undefined;

/** The module of assembly/frames.ts, or null: no WebAssembly, no SIMD, or a page whose policy forbids it. */
export function frameModule(): WebAssembly.Module | null {
  if (compiled !== undefined) return compiled;
  try {
    compiled = new WebAssembly.Module(decodeBase64(FRAMES_WASM));
  } catch {
    // The TypeScript form computes the same.
    compiled = null;
  }
  return compiled;
}

/** Whether the kernel has a pass for every prime factor of a size. */
export function hasPasses(size: number): boolean {
  return size >= 2 && factorise(size).every((radix) => radix <= 5 || radix === 8);
}

/** An instance with memory of its own, handed out piece by piece. */
export class FrameMemory {
  readonly wasm: FrameExports;
  readonly #memory: WebAssembly.Memory;
  #top = 1024;

  /** `bytes` may be a little less than what is reserved later: each piece starts at a multiple of 64. */
  constructor(module: WebAssembly.Module, bytes: number) {
    this.#memory = new WebAssembly.Memory({ initial: Math.ceil(bytes / 65536) + 1, maximum: 65536 });
    const env = { memory: this.#memory, log10: Math.log10 };
    this.wasm = new WebAssembly.Instance(module, { env }).exports as unknown as FrameExports;
  }

  /** The address of so many free bytes. */
  reserve(bytes: number): number {
    const at = this.#top;
    this.#top = (at + bytes + 63) & ~63;
    const missing = this.#top - this.#memory.buffer.byteLength;
    // Growing would cut off the arrays handed out before.
    if (missing > 0) throw new RangeError(`the memory of an audio kernel is ${missing} bytes too small`);
    return at;
  }

  doubles(count: number): Float64Array {
    return new Float64Array(this.#memory.buffer, this.reserve(8 * count), count);
  }

  /** An array at an address that was reserved. */
  doublesAt(address: number, count: number): Float64Array {
    return new Float64Array(this.#memory.buffer, address, count);
  }

  floats(count: number): Float32Array {
    return new Float32Array(this.#memory.buffer, this.reserve(4 * count), count);
  }

  integers(count: number): Int32Array {
    return new Int32Array(this.#memory.buffer, this.reserve(4 * count), count);
  }
}

/** Bytes that `FramePasses` of a size reserve, and some to spare. */
export function passBytes(size: number): number {
  // Twiddles of all steps together stay below 2 doubles per point and step.
  return 8 * 2 * size * factorise(size).length + 64 * size + 8192;
}

interface Step {
  readonly radix: number;
  readonly columns: number;
  readonly stride: number;
  readonly last: boolean;
  readonly twiddles: number;
}

/** Addresses of two arrays of vectors, real and imaginary parts. */
export type Parts = readonly [re: number, im: number];

/** Two complex transforms of one size, side by side: element i of each array is a vector of both values number i. */
export class FramePasses {
  readonly size: number;
  /** Where the transform takes its input; it is overwritten. */
  readonly input: Parts;
  readonly #other: Parts;
  readonly #wasm: FrameExports;
  readonly #steps: readonly Step[];
  readonly #fifths: number;

  constructor(memory: FrameMemory, size: number) {
    this.size = size;
    this.#wasm = memory.wasm;
    const steps: Step[] = [];
    let stride = 1;
    for (const radix of factorise(size)) {
      const { twiddles } = makePass(radix, size / stride, stride);
      const table = memory.doubles(twiddles.length);
      table.set(twiddles);
      const last = radix * stride === size;
      steps.push({ radix, columns: size / stride / radix, stride, last, twiddles: table.byteOffset });
      stride *= radix;
    }
    this.#steps = steps;
    const fifths = memory.doubles(4);
    fifths.set([COS_72, COS_144, SIN_72, SIN_144]);
    this.#fifths = fifths.byteOffset;
    this.input = [memory.reserve(16 * size), memory.reserve(16 * size)];
    this.#other = [memory.reserve(16 * size), memory.reserve(16 * size)];
  }

  /** Transforms the input and returns where the result is; `swapped` exchanges real and imaginary parts on both sides. */
  run(swapped = false): Parts {
    const turn = ([re, im]: Parts): Parts => (swapped ? [im, re] : [re, im]);
    let from = turn(this.input);
    let to = turn(this.#other);
    for (const step of this.#steps) {
      this.#step(step, from, to);
      [from, to] = [to, from];
    }
    return turn(from);
  }

  #step({ radix, columns, stride, last, twiddles }: Step, [xr, xi]: Parts, [yr, yi]: Parts): void {
    const wasm = this.#wasm;
    if (radix === 8) {
      if (last) wasm.radix8Last(stride, xr, xi, yr, yi);
      else wasm.radix8(twiddles, columns, stride, xr, xi, yr, yi);
    } else if (radix === 4) {
      if (last) wasm.radix4Last(stride, xr, xi, yr, yi);
      else wasm.radix4(twiddles, columns, stride, xr, xi, yr, yi);
    } else if (radix === 5) wasm.radix5(twiddles, columns, stride, xr, xi, yr, yi, this.#fifths);
    else if (radix === 3) wasm.radix3(twiddles, columns, stride, xr, xi, yr, yi, SIN_60);
    else wasm.radix2(twiddles, columns, stride, xr, xi, yr, yi);
  }
}
