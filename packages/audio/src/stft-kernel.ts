// The wasm form of the frame loop: two frames per vector, the same bits as the TypeScript form in fft.ts. Used for even
// transform sizes without prime factors above 5, where the engine allows wasm with SIMD; stft.ts falls back otherwise.
// istft-kernel.ts is the way back.
import {
  type FrameExports,
  FrameMemory,
  FramePasses,
  frameModule,
  hasPasses,
  type Parts,
  passBytes,
} from "./wasm-frames.ts";

/** Frames per call: few enough for the results to stay in the second-level cache. */
export const KERNEL_FRAMES = 32;

const SMALLEST = 32;
const LARGEST = 16384;
/** A bank of more bands, or of more than two weights per bin, is left to the TypeScript form. */
const MOST_BANDS = 512;

/** Whether kernels take a transform size. */
export function hasKernel(fftSize: number): boolean {
  return fftSize % 2 === 0 && fftSize >= SMALLEST && fftSize <= LARGEST && hasPasses(fftSize / 2);
}

/** Kernels by transform size and hop, so that repeated calls share tables and memory; oldest out. */
const kernels = new Map<string, StftKernel>();
const KERNELS_KEPT = 4;

/** The kernel for a transform size and hop, or undefined where there is none. */
export function stftKernel(fftSize: number, hopLength: number): StftKernel | undefined {
  if (!hasKernel(fftSize) || hopLength > fftSize) return undefined;
  const module = frameModule();
  if (!module) return undefined;
  const key = `${fftSize}/${hopLength}`;
  const kernel = kernels.get(key) ?? new StftKernel(module, fftSize, hopLength);
  kernels.delete(key);
  kernels.set(key, kernel);
  if (kernels.size > KERNELS_KEPT) kernels.delete(kernels.keys().next().value as string);
  return kernel;
}

/** A mel bank for `StftKernel.mel`: band m sums weights[at[m]] ... weights[at[m + 1] - 1] times the bins from first[m] on. */
export interface KernelBank {
  readonly first: Int32Array;
  readonly at: Int32Array;
  readonly weights: Float64Array;
}

/** Transforms blocks of up to `KERNEL_FRAMES` frames in wasm memory; results are valid until the next call. */
export class StftKernel {
  readonly #wasm: FrameExports;
  readonly #passes: FramePasses;
  readonly #half: number;
  readonly #bins: number;
  readonly #hop: number;
  readonly #window: Float64Array;
  readonly #signal: Float32Array;
  readonly #re: Float32Array;
  readonly #im: Float32Array;
  readonly #power: Float64Array;
  /** The tables that separate even and odd samples. */
  readonly #cos: Float64Array;
  readonly #sin: Float64Array;
  /** The bank that is loaded, its arrays, and the bands of a block. */
  #bank: KernelBank | undefined;
  readonly #first: Int32Array;
  readonly #at: Int32Array;
  readonly #weights: Float64Array;
  readonly #bands: Float32Array;

  constructor(module: WebAssembly.Module, fftSize: number, hopLength: number) {
    const half = fftSize / 2;
    const bins = half + 1;
    const samples = fftSize + (KERNEL_FRAMES - 1) * hopLength;
    const bank = 16 * bins + 4 * (2 + KERNEL_FRAMES) * MOST_BANDS;
    const bytes = passBytes(half) + 8 * (fftSize + half) + 4 * samples + 16 * KERNEL_FRAMES * bins + bank;
    const memory = new FrameMemory(module, bytes + 4096);
    this.#wasm = memory.wasm;
    this.#passes = new FramePasses(memory, half);
    this.#half = half;
    this.#bins = bins;
    this.#hop = hopLength;
    this.#cos = memory.doubles(half / 2 + 1);
    this.#sin = memory.doubles(half / 2 + 1);
    for (let k = 0; k <= half / 2; k++) {
      this.#cos[k] = Math.cos((-2 * Math.PI * k) / fftSize);
      this.#sin[k] = Math.sin((-2 * Math.PI * k) / fftSize);
    }
    this.#window = memory.doubles(fftSize);
    this.#signal = memory.floats(samples);
    this.#re = memory.floats(KERNEL_FRAMES * bins);
    this.#im = memory.floats(KERNEL_FRAMES * bins);
    this.#power = memory.doubles(KERNEL_FRAMES * bins);
    this.#first = memory.integers(MOST_BANDS);
    this.#at = memory.integers(MOST_BANDS + 1);
    this.#weights = memory.doubles(2 * bins);
    this.#bands = memory.floats(KERNEL_FRAMES * MOST_BANDS);
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
    const size = 4 * this.#bins;
    const real = this.#re.byteOffset;
    const imaginary = this.#im.byteOffset;
    this.#eachPair(padded, offset, count, (f, g, [zr, zi], cos, sin) => {
      const [a, b] = [f * size, g * size];
      const half = this.#half;
      this.#wasm.finish(zr, zi, cos, sin, half, real + a, real + b, imaginary + a, imaginary + b);
    });
    const values = count * this.#bins;
    re.set(this.#re.subarray(0, values), at);
    im.set(this.#im.subarray(0, values), at);
  }

  /** |X|^2 of `count` frames from `offset` on, frame after frame. */
  powers(padded: Float32Array, offset: number, count: number): Float64Array {
    const size = 8 * this.#bins;
    const power = this.#power.byteOffset;
    this.#eachPair(padded, offset, count, (f, g, [zr, zi], cos, sin) => {
      this.#wasm.finishPower(zr, zi, cos, sin, this.#half, power + f * size, power + g * size);
    });
    return this.#power;
  }

  /**
   * Mel bands of the powers of `count` frames, or their log10 (of 1e-10 at least), to `out`, frame after frame from `at`.
   * Returns false, having done nothing, for a bank that is too large.
   */
  mel(
    padded: Float32Array,
    offset: number,
    count: number,
    bank: KernelBank,
    log: boolean,
    out: Float32Array,
    at: number,
  ): boolean {
    const bands = bank.first.length;
    if (bands > MOST_BANDS || bank.weights.length > this.#weights.length) return false;
    if (this.#bank !== bank) {
      this.#bank = bank;
      this.#first.set(bank.first);
      this.#at.set(bank.at);
      this.#weights.set(bank.weights);
    }
    const wasm = this.#wasm;
    const power = this.#power.byteOffset;
    const values = this.#bands.byteOffset;
    const [weights, first, from] = [this.#weights, this.#first, this.#at].map((array) => array.byteOffset);
    this.#eachPair(padded, offset, count, (f, g, [zr, zi], cos, sin) => {
      wasm.finishPairs(zr, zi, cos, sin, this.#half, power);
      const [a, b] = [values + 4 * f * bands, values + 4 * g * bands];
      wasm.melBands(power, weights!, first!, from!, bands, log ? 1 : 0, a, b);
    });
    out.set(this.#bands.subarray(0, count * bands), at);
    return true;
  }

  /** Loads the samples and transforms frames f and g = f + 1 (or f again) at a time; `visit` takes the result from there. */
  #eachPair(
    padded: Float32Array,
    offset: number,
    count: number,
    visit: (f: number, g: number, result: Parts, cos: number, sin: number) => void,
  ): void {
    const samples = 2 * this.#half + (count - 1) * this.#hop;
    this.#signal.set(padded.subarray(offset, offset + samples));
    const signal = this.#signal.byteOffset;
    const hop = 4 * this.#hop;
    const [zr, zi] = this.#passes.input;
    for (let f = 0; f < count; f += 2) {
      const g = Math.min(f + 1, count - 1);
      this.#wasm.pack(signal + f * hop, signal + g * hop, this.#window.byteOffset, zr, zi, this.#half);
      visit(f, g, this.#passes.run(), this.#cos.byteOffset, this.#sin.byteOffset);
    }
  }
}
