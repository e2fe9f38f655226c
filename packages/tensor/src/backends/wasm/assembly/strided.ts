// Strided views inside the kernels. A view is described by a record of int32 in memory: rank, then MAX_RANK
// sizes, then as many strides in elements (the host has merged axes that lie densely together). Instead of
// a loop for every kind of layout, an operand that is not dense is fetched into a small dense chunk that
// stays in the first-level cache; the arithmetic only ever sees dense chunks.

import { DENSE, MAX_RANK, SCALAR } from "./contract";
import { transpose4 } from "./lanes";

/** Elements per chunk. */
export const CHUNK: i32 = 1024;
/** Bytes of one chunk buffer of the widest elements, float64. */
export const CHUNK_BYTES: usize = 8192;

@inline function sizeAt(layout: usize, axis: i32): i32 {
  return load<i32>(layout + ((axis + 1) << 2));
}

@inline function strideAt(layout: usize, axis: i32): i32 {
  return load<i32>(layout + ((axis + 1 + MAX_RANK) << 2));
}

/** Copies elements [start, start + count) of a view, counted in row-major order, to dense memory. */
export function fetch<T>(base: usize, layout: usize, start: i32, count: i32, to: usize): void {
  const rank = load<i32>(layout);
  const inner = sizeAt(layout, rank - 1);
  const step = strideAt(layout, rank - 1);
  while (count > 0) {
    let rest = start / inner;
    const first = start - rest * inner;
    let at = first * step;
    for (let axis = rank - 2; axis >= 0; axis--) {
      const size = sizeAt(layout, axis);
      const outer = rest / size;
      at += (rest - outer * size) * strideAt(layout, axis);
      rest = outer;
    }
    const run = min(inner - first, count);
    fetchRun<T>(base + at * sizeof<T>(), step, run, to);
    to += run * sizeof<T>();
    start += run;
    count -= run;
  }
}

/** Copies `count` elements, `step` apart, to dense memory. */
@inline function fetchRun<T>(from: usize, step: i32, count: i32, to: usize): void {
  if (step == 1 && count >= 32) {
    memory.copy(to, from, <usize>count * sizeof<T>());
    return;
  }
  const stride = step * <i32>sizeof<T>();
  for (let i = 0; i < count; i++) {
    store<T>(to, load<T>(from));
    from += stride;
    to += sizeof<T>();
  }
}

/** Fills a chunk with one element. */
@inline export function spread<T>(from: usize, to: usize): void {
  const value = load<T>(from);
  for (let i = 0; i < CHUNK; i++) store<T>(to + <usize>i * sizeof<T>(), value);
}

/** Address of the dense chunk that holds elements [start, start + count): in place, or fetched to `buffer`. */
@inline export function chunk<T>(base: usize, layout: usize, start: i32, count: i32, buffer: usize): usize {
  if (layout == DENSE) return base + <usize>start * sizeof<T>();
  if (layout == SCALAR) return buffer; // filled once before the loop
  fetch<T>(base, layout, start, count, buffer);
  return buffer;
}

const TILE: i32 = 16; // rows that share the cache lines they are read from

/**
 * Row-major copy of a view of four-byte elements whose last axis but one has stride 1, rows [r0, r1) of that
 * axis for all entries of the axes before: four by four elements at a time.
 */
export function copyTransposed(r0: i32, r1: i32, a: usize, layout: usize, out: usize): void {
  const rank = load<i32>(layout);
  const rows = sizeAt(layout, rank - 2);
  const columns = sizeAt(layout, rank - 1);
  const step = <usize>strideAt(layout, rank - 1) << 2;
  let outer = 1;
  for (let axis = 0; axis < rank - 2; axis++) outer *= sizeAt(layout, axis);
  const pitch = <usize>columns << 2;
  for (let o = 0; o < outer; o++) {
    let rest = o;
    let at = 0;
    for (let axis = rank - 3; axis >= 0; axis--) {
      const size = sizeAt(layout, axis);
      at += (rest % size) * strideAt(layout, axis);
      rest /= size;
    }
    const from = a + (at << 2);
    const to = out + <usize>o * rows * pitch;
    for (let r = r0; r < r1; r += TILE) {
      const high = min(TILE, r1 - r);
      let c = 0;
      for (; c + 4 <= columns; c += 4) {
        const p = from + (<usize>r << 2) + <usize>c * step;
        const q = to + <usize>r * pitch + (<usize>c << 2);
        let y = 0;
        for (; y + 4 <= high; y += 4) {
          const b = p + (<usize>y << 2);
          transpose4(
            v128.load(b), v128.load(b + step), v128.load(b + step * 2), v128.load(b + step * 3), q + <usize>y * pitch, pitch,
          );
        }
        for (; y < high; y++) {
          for (let x = 0; x < 4; x++) {
            store<u32>(q + <usize>y * pitch + (x << 2), load<u32>(p + (<usize>y << 2) + <usize>x * step));
          }
        }
      }
      for (; c < columns; c++) {
        for (let y = 0; y < high; y++) {
          const value = load<u32>(from + (<usize>(r + y) << 2) + <usize>c * step);
          store<u32>(to + <usize>(r + y) * pitch + (<usize>c << 2), value);
        }
      }
    }
  }
}
