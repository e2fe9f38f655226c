// Reading and adding by index. An index outside its axis stops the kernel, which returns the position of
// the culprit; -1 means that all went well. Adding runs in the order of the index, on one thread per
// group of columns, so that repeated indices give the same bits every time. Read next: loss.ts.

/** Position of the first index outside [0, size), or -1. */
export function badIndex(index: usize, count: i32, size: i32): i32 {
  for (let i = 0; i < count; i++) {
    if (<u32>load<i32>(index + (i << 2)) >= <u32>size) return i;
  }
  return -1;
}

/** Elements picked along the last axis of x [outer, size], for which a call of memory.copy costs ten times the copy. */
@inline function pickOf<T>(outer: i32, size: i32, x: usize, index: usize, count: i32, out: usize): void {
  for (let o = 0; o < outer; o++) {
    for (let i = 0; i < count; i++) {
      store<T>(out, load<T>(x + (<usize>o * size + load<i32>(index + (i << 2))) * sizeof<T>()));
      out += sizeof<T>();
    }
  }
}

/** Slices of x [outer, size, inner] picked along the middle: out [outer, count, inner], `bytes` per element. */
export function indexSelect(
  bytes: i32, outer: i32, size: i32, inner: i32, x: usize, index: usize, count: i32, out: usize,
): void {
  const slice = <usize>inner * bytes;
  if (slice == 4) return pickOf<u32>(outer, size, x, index, count, out);
  if (slice == 8) return pickOf<u64>(outer, size, x, index, count, out);
  for (let o = 0; o < outer; o++) {
    for (let i = 0; i < count; i++) {
      memory.copy(out, x + (<usize>o * size + load<i32>(index + (i << 2))) * slice, slice);
      out += slice;
    }
  }
}

/** Adds slices of source [outer, count, inner] to out [outer, size, inner], elements [from, to) of each slice. */
export function indexAdd(
  from: i32, to: i32, outer: i32, size: i32, inner: i32, index: usize, count: i32, source: usize, out: usize,
): void {
  const slice = <usize>inner << 2;
  for (let o = 0; o < outer; o++) {
    for (let i = 0; i < count; i++) {
      const s = source + (<usize>o * count + i) * slice;
      const t = out + (<usize>o * size + load<i32>(index + (i << 2))) * slice;
      let j = from;
      for (; j + 4 <= to; j += 4) {
        const at = <usize>j << 2;
        v128.store(t + at, f32x4.add(v128.load(t + at), v128.load(s + at)));
      }
      for (; j < to; j++) store<f32>(t + (j << 2), load<f32>(t + (j << 2)) + load<f32>(s + (j << 2)));
    }
  }
}

@inline function gatherOf<T>(
  outer: i32, size: i32, inner: i32, x: usize, index: usize, count: i32, out: usize,
): void {
  for (let o = 0; o < outer; o++) {
    for (let i = 0; i < count; i++) {
      for (let j = 0; j < inner; j++) {
        const pick = load<i32>(index);
        store<T>(out, load<T>(x + ((<usize>o * size + pick) * inner + j) * sizeof<T>()));
        index += 4;
        out += sizeof<T>();
      }
    }
  }
}

/** out[o, i, j] = x[o, index[o, i, j], j]: x [outer, size, inner], index and out [outer, count, inner]. */
export function gather(
  bytes: i32, outer: i32, size: i32, inner: i32, x: usize, index: usize, count: i32, out: usize,
): void {
  if (bytes == 4) gatherOf<u32>(outer, size, inner, x, index, count, out);
  else if (bytes == 8) gatherOf<u64>(outer, size, inner, x, index, count, out);
  else gatherOf<u8>(outer, size, inner, x, index, count, out);
}

/** out[o, index[o, i, j], j] += source[o, i, j], in row-major order of the source. */
export function scatterAdd(
  outer: i32, size: i32, inner: i32, index: usize, count: i32, source: usize, out: usize,
): void {
  for (let o = 0; o < outer; o++) {
    for (let i = 0; i < count; i++) {
      for (let j = 0; j < inner; j++) {
        const to = out + (((<usize>o * size + load<i32>(index)) * inner + j) << 2);
        store<f32>(to, load<f32>(to) + load<f32>(source));
        index += 4;
        source += 4;
      }
    }
  }
}

/** Copies blocks of `bytes` bytes: `count` of them, the starts `from step` and `to step` bytes apart (concat, pad). */
export function copyBlocks(count: i32, bytes: i32, from: usize, fromStep: i32, to: usize, toStep: i32): void {
  for (let i = 0; i < count; i++) {
    memory.copy(to, from, bytes);
    from += fromStep;
    to += toStep;
  }
}

/** Fills n elements of 1, 4 or 8 bytes with the bits of the first. */
export function fill(bytes: i32, to: usize, n: i32): void {
  if (bytes == 1) {
    memory.fill(to, load<u8>(to), n);
  } else if (bytes == 4) {
    const value = load<u32>(to);
    for (let i = 1; i < n; i++) store<u32>(to + (<usize>i << 2), value);
  } else {
    const value = load<u64>(to);
    for (let i = 1; i < n; i++) store<u64>(to + (<usize>i << 3), value);
  }
}

/** Overlapping windows [outer, count, size, inner] added back into out [outer, length, inner] (zeroed first). */
export function fold(
  from: i32, to: i32, x: usize, count: i32, size: i32, inner: i32, step: i32, dilation: i32, length: i32, out: usize,
): void {
  memory.fill(out + (<usize>from * length * inner << 2), 0, <usize>(to - from) * length * inner << 2);
  for (let o = from; o < to; o++) {
    for (let w = 0; w < count; w++) {
      for (let i = 0; i < inner; i++) {
        for (let k = 0; k < size; k++) {
          const target = out + (((<usize>o * length + w * step + k * dilation) * inner + i) << 2);
          const source = x + ((((<usize>o * count + w) * inner + i) * size + k) << 2);
          store<f32>(target, load<f32>(target) + load<f32>(source));
        }
      }
    }
  }
}
