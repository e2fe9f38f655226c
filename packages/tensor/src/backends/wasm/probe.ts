// Measures modules of the matrix product on a small product at the start: which tile is the fastest, and whether 256-bit
// operations give the same bits and more speed. Read next: engine.ts.

import type { Arena } from "./arena.ts";
import { type KernelTable, writeProduct } from "./generated/contract.ts";
import type { ModuleName } from "./module-bytes.ts";
import type { Tiering } from "./tiering.ts";

/** A compiled module of the product. */
export interface Tile {
  readonly name: ModuleName;
  readonly module: WebAssembly.Module;
}

/** Where the probe computes. */
export interface ProbeMemory {
  readonly memory: WebAssembly.Memory;
  readonly arena: Arena;
  /** Addresses of a record and of scratch memory. */
  readonly record: number;
  readonly scratch: number;
}

const SIZE = 96;
const PROBE_MS = 12;
/** Pairs of products that are compared where V8 has optimised both before. */
const ROUNDS = 12;

/** A later candidate must beat the ones before it by more than the noise of a timing. */
const MARGIN = 0.92;

/** A product of the probe's size. */
interface Probe {
  /** Runs one product by a module's code. */
  run(gemm: KernelTable["gemm"]): void;
  /** The product's elements, as bits. */
  bits(): Int32Array;
}

/** Makes operands, and gives their memory back after `body`. */
function withProbe<T>({ arena, record, scratch }: ProbeMemory, body: (probe: Probe) => T): T {
  const operand = arena.allocate(SIZE * SIZE * 4);
  const result = arena.allocate(SIZE * SIZE * 4);
  const [a, c] = [operand.offset, result.offset];
  const { float32 } = arena;
  for (let i = 0; i < SIZE * SIZE; i++) float32[a / 4 + i] = ((i * 7919) % 1009) / 504.5 - 1;
  const sizes = { k: SIZE, a, aRow: SIZE, aColumn: 1, b: a, bRow: SIZE, bColumn: 1, c, cRow: SIZE };
  const task = writeProduct(arena, record, sizes);
  try {
    return body({
      run: (gemm) => gemm(task, 0, 1, 0, SIZE, 0, SIZE, scratch),
      bits: () => arena.int32.slice(c / 4, c / 4 + SIZE * SIZE),
    });
  } finally {
    arena.release(operand, operand.generation);
    arena.release(result, result.generation);
  }
}

const gemmOf = ({ module }: Tile, memory: WebAssembly.Memory): KernelTable["gemm"] =>
  (new WebAssembly.Instance(module, { env: { memory } }).exports as unknown as KernelTable).gemm;

/** Milliseconds of one run. */
function timed(body: () => void): number {
  const start = performance.now();
  body();
  return performance.now() - start;
}

/** Times each candidate until the engine has optimised it; the first one wins unless another is clearly faster. */
export function fastest(tiles: readonly Tile[], place: ProbeMemory): Tile {
  if (tiles.length === 1) return tiles[0]!;
  return withProbe(place, ({ run }) => {
    let best = tiles[0]!;
    let bestMs = Number.POSITIVE_INFINITY;
    for (const tile of tiles) {
      const gemm = gemmOf(tile, place.memory);
      let ms = Number.POSITIVE_INFINITY;
      const start = performance.now();
      while (performance.now() - start < PROBE_MS)
        ms = Math.min(
          ms,
          timed(() => run(gemm)),
        );
      if (ms < bestMs * MARGIN) {
        bestMs = ms;
        best = tile;
      }
    }
    return best;
  });
}

/** True if `wide`, compiled with 256-bit operations, gives the bits of `plain` and is clearly faster. */
export function widens(tiering: Tiering, plain: Tile, wide: Tile, place: ProbeMemory): boolean {
  return withProbe(place, ({ run, bits }) => {
    const gemms = [gemmOf(plain, place.memory), gemmOf(wide, place.memory)] as const;
    const expected = tiering.run(false, () => {
      run(gemms[0]);
      run(gemms[0]);
      return bits();
    });
    const actual = tiering.run(true, () => {
      run(gemms[1]);
      run(gemms[1]);
      return bits();
    });
    if (expected.some((word, i) => word !== actual[i])) return false;
    const best = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
    for (let round = 0; round < ROUNDS; round++) {
      gemms.forEach((gemm, i) => {
        best[i] = Math.min(
          best[i]!,
          timed(() => run(gemm)),
        );
      });
    }
    return best[1]! < best[0]! * MARGIN;
  });
}
