// Rotary position encoding (Su et al. 2021): pairs (x[2i], x[2i+1]) turned by angles given as cosine and
// sine. The gradient is the same with the sine negated. Read next: gather.ts.
import { SCALAR } from "./contract";
import { CHUNK_BYTES, chunk, spread } from "./strided";

const PAIRS: i32 = 512;

/**
 * Pairs [start, start + count) of a dense x.
 *
 * @param cosine, cLayout, sine, sLayout views with one element per pair
 */
export function rotatePairs(
  start: i32, count: i32, x: usize, cosine: usize, cLayout: usize, sine: usize, sLayout: usize, out: usize,
  scratch: usize,
): void {
  const second = scratch + CHUNK_BYTES;
  if (cLayout == SCALAR) spread<f32>(cosine, scratch);
  if (sLayout == SCALAR) spread<f32>(sine, second);
  for (let done = 0; done < count; done += PAIRS) {
    const n = min(PAIRS, count - done);
    let c = chunk<f32>(cosine, cLayout, start + done, n, scratch);
    let s = chunk<f32>(sine, sLayout, start + done, n, second);
    let from = x + (<usize>(start + done) << 3);
    let to = out + (<usize>(start + done) << 3);
    let i = 0;
    for (; i + 4 <= n; i += 4) {
      const p = v128.load(from);
      const q = v128.load(from, 16);
      const a = i32x4.shuffle(p, q, 0, 2, 4, 6);
      const b = i32x4.shuffle(p, q, 1, 3, 5, 7);
      const cos = v128.load(c);
      const sin = v128.load(s);
      const u = f32x4.sub(f32x4.mul(a, cos), f32x4.mul(b, sin));
      const v = f32x4.add(f32x4.mul(a, sin), f32x4.mul(b, cos));
      v128.store(to, i32x4.shuffle(u, v, 0, 4, 1, 5));
      v128.store(to, i32x4.shuffle(u, v, 2, 6, 3, 7), 16);
      from += 32;
      to += 32;
      c += 16;
      s += 16;
    }
    for (; i < n; i++) {
      const a = load<f32>(from);
      const b = load<f32>(from, 4);
      const cos = load<f32>(c);
      const sin = load<f32>(s);
      store<f32>(to, a * cos - b * sin);
      store<f32>(to, a * sin + b * cos, 4);
      from += 8;
      to += 8;
      c += 4;
      s += 4;
    }
  }
}
