// The wasm form of a step of PitchPath (assembly/pitch-path.ts), with the same bits. Used by pitch-path.ts.
import { decodeBase64 } from "../base64.ts";
import { PITCH_PATH_WASM } from "../generated/pitch-path.ts";

interface PathExports {
  bandMaximum(padded: number, logs: number, width: number, bins: number, best: number, source: number): void;
  advance(
    fromVoiced: number,
    room: number,
    bins: number,
    half: number,
    stay: number,
    change: number,
    leap: number,
    top: number,
    observed: number,
    unvoiced: number,
    next: number,
    pointers: number,
  ): void;
}

/** What the kernel needs of the moves: row j of `logs` holds log P of those from bin j - half + m, m < width. */
interface Moves {
  readonly width: number;
  readonly logs: Float64Array;
}

let compiled: WebAssembly.Module | null | undefined;

/** The compiled module; null where the engine refuses it. */
function pathModule(): WebAssembly.Module | null {
  if (compiled !== undefined) return compiled;
  try {
    compiled = new WebAssembly.Module(decodeBase64(PITCH_PATH_WASM));
  } catch {
    compiled = null;
  }
  return compiled;
}

/** The arrays of one search in wasm memory; the bins are filled up to a multiple of 8. */
export class PathKernel {
  readonly #wasm: PathExports;
  readonly #bins: number;
  readonly #room: number;
  readonly #width: number;
  readonly #stay: number;
  readonly #switch: number;
  readonly #padded: Float64Array;
  readonly #logs: Float64Array;
  /** Four arrays: the best score from voiced and unvoiced sources, and where those are. */
  readonly #best: Float64Array;
  readonly #observed: Float64Array;
  readonly #next: Float64Array;
  readonly #pointers: Uint16Array;

  private constructor(module: WebAssembly.Module, bins: number, moves: Moves, stay: number, change: number) {
    const room = (bins + 7) & ~7;
    const { width, logs } = moves;
    const doubles = [room + width + 8, width * room, 4 * room, room, 2 * room, room / 2];
    const bytes = 1024 + 8 * doubles.reduce((sum, count) => sum + count, 0);
    const memory = new WebAssembly.Memory({ initial: Math.ceil(bytes / 65536), maximum: 65536 });
    this.#wasm = new WebAssembly.Instance(module, { env: { memory } }).exports as unknown as PathExports;
    let at = 1024;
    const [padded, rows, best, observed, next, pointers] = doubles.map((count) => {
      const array = new Float64Array(memory.buffer, at, count);
      at += 8 * count;
      return array;
    }) as [Float64Array, Float64Array, Float64Array, Float64Array, Float64Array, Float64Array];
    this.#bins = bins;
    this.#room = room;
    this.#width = width;
    this.#stay = stay;
    this.#switch = change;
    this.#padded = padded.fill(Number.NEGATIVE_INFINITY);
    this.#logs = rows.fill(Number.NEGATIVE_INFINITY);
    for (let j = 0; j < bins; j++) for (let m = 0; m < width; m++) rows[m * room + j] = logs[j * width + m]!;
    this.#best = best;
    this.#observed = observed;
    this.#next = next;
    this.#pointers = new Uint16Array(pointers.buffer, pointers.byteOffset, 2 * room);
  }

  /** Undefined where there is no wasm. */
  static open(bins: number, moves: Moves, logStay: number, logSwitch: number): PathKernel | undefined {
    const module = pathModule();
    return module ? new PathKernel(module, bins, moves, logStay, logSwitch) : undefined;
  }

  /**
   * From the scores of all states to those of the next frame, written to `next`; returns the best source of each state.
   *
   * @param observed logs of what the voiced bins observe, [bins]
   * @param leap the score of coming from state `top` by a move outside the band
   */
  advance(
    value: Float64Array,
    observed: Float64Array,
    logUnvoiced: number,
    leap: number,
    top: number,
    next: Float64Array,
  ): Uint16Array {
    const wasm = this.#wasm;
    const bins = this.#bins;
    const room = this.#room;
    const half = (this.#width - 1) / 2;
    const best = this.#best.byteOffset;
    for (let kind = 0; kind < 2; kind++) {
      this.#padded.set(value.subarray(kind * bins, (kind + 1) * bins), half);
      const [to, source] = [best + 8 * kind * room, best + 8 * (kind + 2) * room];
      wasm.bandMaximum(this.#padded.byteOffset, this.#logs.byteOffset, this.#width, room, to, source);
    }
    this.#observed.set(observed);
    wasm.advance(
      best,
      room,
      bins,
      half,
      this.#stay,
      this.#switch,
      leap,
      top,
      this.#observed.byteOffset,
      logUnvoiced,
      this.#next.byteOffset,
      this.#pointers.byteOffset,
    );
    const pointers = new Uint16Array(2 * bins);
    for (let kind = 0; kind < 2; kind++) {
      next.set(this.#next.subarray(kind * room, kind * room + bins), kind * bins);
      pointers.set(this.#pointers.subarray(kind * room, kind * room + bins), kind * bins);
    }
    return pointers;
  }
}
