// Two complex transforms side by side in wasm (assembly/twins.ts), each of two real frames: what the pitch trackers run on
// four frames at once, with the bits of Fft on two and two. Used by autocorrelation.ts and tracker-kernel.ts.
import {
  type FrameExports,
  FrameMemory,
  FramePasses,
  frameModule,
  hasPasses,
  type Parts,
  passBytes,
} from "../wasm-frames.ts";

/** Values 2 i and 2 i + 1 of each array belong to element i of the first and of the second transform. */
export class TwinFft {
  readonly size: number;
  readonly wasm: FrameExports;
  readonly memory: FrameMemory;
  /** Input: real parts hold frames a and c, imaginary parts b and d. `run` overwrites it. */
  readonly re: Float64Array;
  readonly im: Float64Array;
  readonly #passes: FramePasses;

  private constructor(module: WebAssembly.Module, size: number, extraBytes: number) {
    this.size = size;
    this.memory = new FrameMemory(module, passBytes(size) + extraBytes);
    this.wasm = this.memory.wasm;
    this.#passes = new FramePasses(this.memory, size);
    [this.re, this.im] = this.at(this.#passes.input);
  }

  /** Undefined where there is no kernel; `extraBytes` of its memory are left for the caller. */
  static open(size: number, extraBytes = 0): TwinFft | undefined {
    const module = hasPasses(size) ? frameModule() : null;
    return module ? new TwinFft(module, size, extraBytes) : undefined;
  }

  /** Addresses of the input. */
  get input(): Parts {
    return this.#passes.input;
  }

  /** Transforms the input; returns the addresses of the result. */
  run(): Parts {
    return this.#passes.run();
  }

  /** Copies a result from its addresses back to the input, where `run` takes it from. */
  again([re, im]: Parts): void {
    if (re === this.re.byteOffset) return;
    this.re.set(this.memory.doublesAt(re, 2 * this.size));
    this.im.set(this.memory.doublesAt(im, 2 * this.size));
  }

  /** The result at such addresses as arrays like the input's. */
  at([re, im]: Parts): [re: Float64Array, im: Float64Array] {
    return [this.memory.doublesAt(re, 2 * this.size), this.memory.doublesAt(im, 2 * this.size)];
  }
}
