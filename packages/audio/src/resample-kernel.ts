// The wasm form of the sums in resample.ts, with the same bits; where the engine refuses it, resample.ts runs its own.
import { decodeBase64 } from "./base64.ts";
import { CONVOLVE_WASM } from "./generated/convolve.ts";

interface ConvolveExports {
  convolve(
    out: number,
    count: number,
    rows: number,
    taps: number,
    up: number,
    down: number,
    phase: number,
    samples: number,
  ): void;
  fourRows(out: number, row: number, taps: number, samples: number): void;
}

/** Outputs of one call. */
export const KERNEL_OUTPUTS = 4096;
/** Rows and samples together take at most this many doubles (64 MB). */
const MOST_DOUBLES = 2 ** 23;

let compiled: WebAssembly.Module | null | undefined;

/** The compiled module; null where wasm or its SIMD is refused. */
function convolveModule(): WebAssembly.Module | null {
  if (compiled !== undefined) return compiled;
  try {
    compiled = new WebAssembly.Module(decodeBase64(CONVOLVE_WASM));
  } catch {
    compiled = null;
  }
  return compiled;
}

/** Rows of weights in wasm memory, with room for samples and outputs. */
export class ResampleKernel {
  readonly #wasm: ConvolveExports;
  readonly #taps: number;
  readonly #rows: number;
  readonly #samples: Float64Array;
  readonly #out: Float64Array;

  private constructor(module: WebAssembly.Module, rows: Float64Array, taps: number, span: number) {
    const outAt = 1024;
    const samplesAt = outAt + 8 * KERNEL_OUTPUTS;
    this.#rows = samplesAt + 8 * span;
    const memory = new WebAssembly.Memory({
      initial: Math.ceil((this.#rows + 8 * rows.length) / 65536),
      maximum: 65536,
    });
    this.#wasm = new WebAssembly.Instance(module, { env: { memory } }).exports as unknown as ConvolveExports;
    this.#taps = taps;
    this.#out = new Float64Array(memory.buffer, outAt, KERNEL_OUTPUTS);
    this.#samples = new Float64Array(memory.buffer, samplesAt, span);
    new Float64Array(memory.buffer, this.#rows, rows.length).set(rows);
  }

  /** A kernel for rows of `taps` weights and up to `span` samples a call; undefined where it cannot be had. */
  static open(rows: Float64Array, taps: number, span: number): ResampleKernel | undefined {
    const module = convolveModule();
    if (!module || rows.length + span > MOST_DOUBLES) return undefined;
    return new ResampleKernel(module, rows, taps, span);
  }

  /** Loads samples from ... to (as many as `span` at most) for the calls that follow. */
  load(buffer: Float32Array, from: number, to: number): void {
    const samples = this.#samples;
    for (let i = from, k = 0; i < to; i++, k++) samples[k] = buffer[i]!;
  }

  /** `count` outputs from sample `start` of the loaded ones on, written to `out` from `at`. */
  convolve(
    up: number,
    down: number,
    phase: number,
    start: number,
    count: number,
    out: Float32Array,
    at: number,
  ): void {
    this.#wasm.convolve(
      this.#out.byteOffset,
      count,
      this.#rows,
      this.#taps,
      up,
      down,
      phase,
      this.#samples.byteOffset + 8 * start,
    );
    const values = this.#out;
    for (let i = 0; i < count; i++) out[at + i] = values[i]!;
  }

  /** The sums of rows row ... row + 3 with the samples from `start` on; valid until the next call. */
  fourRows(row: number, start: number): Float64Array {
    const at = this.#rows + 8 * row * this.#taps;
    this.#wasm.fourRows(this.#out.byteOffset, at, this.#taps, this.#samples.byteOffset + 8 * start);
    return this.#out;
  }
}
