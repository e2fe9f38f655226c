// The wasm form of the frame loop: two frames per vector, the same bits as the TypeScript form in fft.ts. Used for
// transform sizes that are powers of two, where the engine allows wasm with SIMD; stft.ts falls back otherwise.
import { decodeBase64 } from "./base64.ts";
import { factorise } from "./fft.ts";
import { makePass } from "./fft-passes.ts";
import { FRAMES_WASM } from "./generated/frames.ts";

/** The functions of assembly/frames.ts; all arguments are byte addresses or counts. */
interface FrameExports {
  pack(a: number, b: number, window: number, zr: number, zi: number, half: number): void;
  radix4(w: number, m: number, s: number, xr: number, xi: number, yr: number, yi: number): void;
  radix4Last(s: number, xr: number, xi: number, yr: number, yi: number): void;
  radix8(w: number, m: number, s: number, xr: number, xi: number, yr: number, yi: number): void;
  radix8Last(s: number, xr: number, xi: number, yr: number, yi: number): void;
  finish(
    zr: number,
    zi: number,
    cos: number,
    sin: number,
    half: number,
    a: number,
    b: number,
    ai: number,
    bi: number,
  ): void;
  finishPower(zr: number, zi: number, cos: number, sin: number, half: number, a: number, b: number): void;
}

interface Step {
  readonly radix: number;
  readonly columns: number;
  readonly stride: number;
  readonly last: boolean;
  readonly twiddles: number;
}

/** Frames per call: few enough for the results to stay in the second-level cache. */
export const KERNEL_FRAMES = 32;

const SMALLEST = 32;
const LARGEST = 16384;

/** The compiled module; null where the engine refuses it. */
let compiled: WebAssembly.Module | null | undefined;

function frameModule(): WebAssembly.Module | null {
  if (compiled !== undefined) return compiled;
  try {
    compiled = new WebAssembly.Module(decodeBase64(FRAMES_WASM));
  } catch {
    // No WebAssembly, no SIMD, or a page whose policy forbids it: the TypeScript form computes the same.
    compiled = null;
  }
  return compiled;
}

/** Kernels by transform size and hop, so that repeated calls share tables and memory; oldest out. */
const kernels = new Map<string, StftKernel>();
const KERNELS_KEPT = 4;

/** The kernel for a transform size and hop, or undefined where there is none. */
export function stftKernel(fftSize: number, hopLength: number): StftKernel | undefined {
  const powerOfTwo = Number.isInteger(Math.log2(fftSize));
  if (!powerOfTwo || fftSize < SMALLEST || fftSize > LARGEST || hopLength > fftSize) return undefined;
  const module = frameModule();
  if (!module) return undefined;
  const key = `${fftSize}/${hopLength}`;
  const kernel = kernels.get(key) ?? new StftKernel(module, fftSize, hopLength);
  kernels.delete(key);
  kernels.set(key, kernel);
  if (kernels.size > KERNELS_KEPT) kernels.delete(kernels.keys().next().value as string);
  return kernel;
}

/** Transforms blocks of up to `KERNEL_FRAMES` frames in wasm memory; results are valid until the next call. */
export class StftKernel {
  readonly #wasm: FrameExports;
  readonly #half: number;
  readonly #bins: number;
  readonly #hop: number;
  readonly #steps: Step[] = [];
  readonly #window: Float64Array;
  readonly #signal: Float32Array;
  readonly #re: Float32Array;
  readonly #im: Float32Array;
  readonly #power: Float64Array;
  /** Addresses of the two pairs of work arrays and the untangling tables. */
  readonly #work: readonly [number, number, number, number];
  readonly #cos: number;
  readonly #sin: number;

  constructor(module: WebAssembly.Module, fftSize: number, hopLength: number) {
    const half = fftSize / 2;
    const bins = half + 1;
    const samples = fftSize + (KERNEL_FRAMES - 1) * hopLength;
    // Twiddles of all steps together stay below 2 doubles per point and step.
    const bytes =
      65536 + 8 * (fftSize * 34 + 2 * half) + 64 * half + 4 * samples + 16 * KERNEL_FRAMES * (bins + 4);
    const memory = new WebAssembly.Memory({ initial: Math.ceil(bytes / 65536), maximum: 65536 });
    const instance = new WebAssembly.Instance(module, { env: { memory } });
    this.#wasm = instance.exports as unknown as FrameExports;
    this.#half = half;
    this.#bins = bins;
    this.#hop = hopLength;
    let top = 1024;
    const reserve = (size: number): number => {
      const at = top;
      top = (top + size + 63) & ~63;
      return at;
    };
    const doubles = (count: number) => new Float64Array(memory.buffer, reserve(8 * count), count);
    const floats = (count: number) => new Float32Array(memory.buffer, reserve(4 * count), count);
    for (const [radix, stride] of stepsOf(half)) {
      const { twiddles } = makePass(radix, half / stride, stride);
      const table = doubles(twiddles.length);
      table.set(twiddles);
      const last = radix * stride === half;
      this.#steps.push({ radix, columns: half / stride / radix, stride, last, twiddles: table.byteOffset });
    }
    const cos = doubles(half / 2 + 1);
    const sin = doubles(half / 2 + 1);
    for (let k = 0; k <= half / 2; k++) {
      cos[k] = Math.cos((-2 * Math.PI * k) / fftSize);
      sin[k] = Math.sin((-2 * Math.PI * k) / fftSize);
    }
    this.#cos = cos.byteOffset;
    this.#sin = sin.byteOffset;
    this.#work = [reserve(16 * half), reserve(16 * half), reserve(16 * half), reserve(16 * half)];
    this.#window = doubles(fftSize);
    this.#signal = floats(samples);
    this.#re = floats(KERNEL_FRAMES * bins);
    this.#im = floats(KERNEL_FRAMES * bins);
    this.#power = doubles(KERNEL_FRAMES * bins);
  }

  /** Sets the window of the calls that follow: fftSize values. */
  setWindow(window: Float64Array): void {
    this.#window.set(window);
  }

  /** Writes the spectra of `count` frames from `offset` on to re and im, frame after frame from `at`. */
  spectra(
    padded: Float32Array,
    offset: number,
    count: number,
    re: Float32Array,
    im: Float32Array,
    at: number,
  ): void {
    this.#load(padded, offset, count);
    const { finish } = this.#wasm;
    const size = 4 * this.#bins;
    const real = this.#re.byteOffset;
    const imaginary = this.#im.byteOffset;
    for (let f = 0; f < count; f += 2) {
      const other = Math.min(f + 1, count - 1);
      const [zr, zi] = this.#transform(f, other);
      const [a, b] = [f * size, other * size];
      finish(zr, zi, this.#cos, this.#sin, this.#half, real + a, real + b, imaginary + a, imaginary + b);
    }
    const values = count * this.#bins;
    re.set(this.#re.subarray(0, values), at);
    im.set(this.#im.subarray(0, values), at);
  }

  /** |X|^2 of `count` frames from `offset` on, frame after frame. */
  powers(padded: Float32Array, offset: number, count: number): Float64Array {
    this.#load(padded, offset, count);
    const { finishPower } = this.#wasm;
    const size = 8 * this.#bins;
    const power = this.#power.byteOffset;
    for (let f = 0; f < count; f += 2) {
      const other = Math.min(f + 1, count - 1);
      const [zr, zi] = this.#transform(f, other);
      finishPower(zr, zi, this.#cos, this.#sin, this.#half, power + f * size, power + other * size);
    }
    return this.#power;
  }

  #load(padded: Float32Array, offset: number, count: number): void {
    const samples = 2 * this.#half + (count - 1) * this.#hop;
    this.#signal.set(padded.subarray(offset, offset + samples));
  }

  /** Transforms frames f and g of the loaded samples; returns the addresses of the result. */
  #transform(f: number, g: number): readonly [number, number] {
    const wasm = this.#wasm;
    const [ar, ai, br, bi] = this.#work;
    const signal = this.#signal.byteOffset;
    const hop = 4 * this.#hop;
    wasm.pack(signal + f * hop, signal + g * hop, this.#window.byteOffset, ar, ai, this.#half);
    let [xr, xi, yr, yi] = [ar, ai, br, bi];
    for (const { radix, columns, stride, last, twiddles } of this.#steps) {
      if (radix === 8) {
        if (last) wasm.radix8Last(stride, xr, xi, yr, yi);
        else wasm.radix8(twiddles, columns, stride, xr, xi, yr, yi);
      } else if (last) wasm.radix4Last(stride, xr, xi, yr, yi);
      else wasm.radix4(twiddles, columns, stride, xr, xi, yr, yi);
      [xr, xi, yr, yi] = [yr, yi, xr, xi];
    }
    return [xr, xi];
  }
}

/** Radix and stride of each step of a power of two, as `Fft` orders them. */
function stepsOf(size: number): [number, number][] {
  const steps: [number, number][] = [];
  let stride = 1;
  for (const radix of factorise(size)) {
    steps.push([radix, stride]);
    stride *= radix;
  }
  return steps;
}
