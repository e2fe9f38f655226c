// The wasm form of istft's loop: two frames per vector, overlapped and added frame by frame, so the same bits as the
// TypeScript form in stft.ts.
import { hasKernel, KERNEL_FRAMES } from "./stft-kernel.ts";
import { type FrameExports, FrameMemory, FramePasses, frameModule, passBytes } from "./wasm-frames.ts";

/** Real or imaginary parts: value k of frame f at offset + k * stride[0] + f * stride[1]. */
interface SpectrumView {
  readonly data: Float32Array;
  readonly offset: number;
  readonly stride: readonly number[];
}

/** The kernel of the last call: `griffinLim` calls it again and again. */
let kept: { readonly key: string; readonly kernel: IstftKernel } | undefined;

/** The kernel for a transform size and hop, or undefined where there is none. */
export function istftKernel(fftSize: number, hopLength: number): IstftKernel | undefined {
  if (!hasKernel(fftSize) || hopLength > fftSize) return undefined;
  const module = frameModule();
  if (!module) return undefined;
  const key = `${fftSize}/${hopLength}`;
  if (kept?.key !== key) kept = { key, kernel: new IstftKernel(module, fftSize, hopLength) };
  return kept.kernel;
}

/** Inverse transforms of blocks of frames in wasm memory. */
export class IstftKernel {
  readonly #wasm: FrameExports;
  readonly #passes: FramePasses;
  readonly #half: number;
  readonly #bins: number;
  readonly #hop: number;
  readonly #cos: Float64Array;
  readonly #sin: Float64Array;
  readonly #window: Float64Array;
  readonly #re: Float32Array;
  readonly #im: Float32Array;
  /** Sums of a block, and behind it those that the next block adds to. */
  readonly #sum: Float64Array;

  constructor(module: WebAssembly.Module, fftSize: number, hopLength: number) {
    const half = fftSize / 2;
    const bins = half + 1;
    const sums = fftSize + (KERNEL_FRAMES - 1) * hopLength;
    const bytes = passBytes(half) + 8 * (fftSize + half + sums) + 8 * KERNEL_FRAMES * bins + 4096;
    const memory = new FrameMemory(module, bytes);
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
    this.#re = memory.floats(KERNEL_FRAMES * bins);
    this.#im = memory.floats(KERNEL_FRAMES * bins);
    this.#sum = memory.doubles(sums);
  }

  /** The windowed inverse transforms of all frames, added up where they lie: shape [fftSize + hop * (frames - 1)]. */
  overlap(re: SpectrumView, im: SpectrumView, frames: number, window: Float64Array): Float64Array {
    const size = 2 * this.#half;
    const hop = this.#hop;
    this.#window.set(window);
    const sum = this.#sum.fill(0);
    const out = new Float64Array(size + hop * (frames - 1));
    for (let f = 0; f < frames; f += KERNEL_FRAMES) {
      const count = Math.min(KERNEL_FRAMES, frames - f);
      this.#load(re, f, count, this.#re);
      this.#load(im, f, count, this.#im);
      this.#block(count);
      const last = f + count === frames;
      const done = last ? size + (count - 1) * hop : count * hop;
      out.set(sum.subarray(0, done), f * hop);
      if (last) break;
      sum.copyWithin(0, done);
      sum.fill(0, sum.length - done);
    }
    return out;
  }

  #load({ data, offset, stride }: SpectrumView, first: number, count: number, out: Float32Array): void {
    const bins = this.#bins;
    const [step, next] = stride as [number, number];
    if (step === 1 && next === bins) {
      const at = offset + first * bins;
      out.set(data.subarray(at, at + count * bins));
      return;
    }
    for (let f = 0, o = 0; f < count; f++) {
      for (let k = 0, i = offset + (first + f) * next; k < bins; k++, i += step) out[o++] = data[i]!;
    }
  }

  #block(count: number): void {
    const wasm = this.#wasm;
    const half = this.#half;
    const size = 4 * this.#bins;
    const [re, im] = [this.#re.byteOffset, this.#im.byteOffset];
    const [cos, sin] = [this.#cos.byteOffset, this.#sin.byteOffset];
    const window = this.#window.byteOffset;
    const [inRe, inIm] = this.#passes.input;
    const scale = 1 / half;
    for (let f = 0; f < count; f += 2) {
      const g = Math.min(f + 1, count - 1);
      wasm.unfinish(re + f * size, re + g * size, im + f * size, im + g * size, cos, sin, half, inRe, inIm);
      // Exchanging the real and imaginary parts on both sides conjugates the kernel of the transform.
      const [zr, zi] = this.#passes.run(true);
      for (let i = f; i <= g; i++) {
        wasm.overlap(zr, zi, half, scale, window, i - f, this.#sum.byteOffset + 8 * i * this.#hop);
      }
    }
  }
}
