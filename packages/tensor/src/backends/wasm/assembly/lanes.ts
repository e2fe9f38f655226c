// Small things about the four lanes of a vector: parts of one at the end of a row, and sums across it.

/** The first `wide` lanes from memory; never reads past them. */
@inline export function part(from: usize, wide: i32): v128 {
  if (wide == 4) return v128.load(from);
  return partial(from, wide);
}

function partial(from: usize, wide: i32): v128 {
  let x = v128.load32_zero(from);
  if (wide > 1) x = f32x4.replace_lane(x, 1, load<f32>(from, 4));
  if (wide > 2) x = f32x4.replace_lane(x, 2, load<f32>(from, 8));
  return x;
}

@inline export function storePart(to: usize, x: v128, wide: i32): void {
  if (wide == 4) v128.store(to, x);
  else storePartial(to, x, wide);
}

function storePartial(to: usize, x: v128, wide: i32): void {
  store<f32>(to, f32x4.extract_lane(x, 0));
  if (wide > 1) store<f32>(to, f32x4.extract_lane(x, 1), 4);
  if (wide > 2) store<f32>(to, f32x4.extract_lane(x, 2), 8);
}

/** Sum of the four lanes. */
@inline export function sumLanes(x: v128): f32 {
  return f32x4.extract_lane(x, 0) + f32x4.extract_lane(x, 1) + (f32x4.extract_lane(x, 2) + f32x4.extract_lane(x, 3));
}

/** Largest of the four lanes; NaN if any is. */
@inline export function maxLanes(x: v128): f32 {
  return max(max(f32x4.extract_lane(x, 0), f32x4.extract_lane(x, 1)), max(f32x4.extract_lane(x, 2), f32x4.extract_lane(x, 3)));
}

/** Four rows of four as four columns, stored `step` bytes apart. */
@inline export function transpose4(r0: v128, r1: v128, r2: v128, r3: v128, to: usize, step: usize): void {
  const a = i32x4.shuffle(r0, r1, 0, 4, 1, 5);
  const b = i32x4.shuffle(r0, r1, 2, 6, 3, 7);
  const c = i32x4.shuffle(r2, r3, 0, 4, 1, 5);
  const d = i32x4.shuffle(r2, r3, 2, 6, 3, 7);
  v128.store(to, i64x2.shuffle(a, c, 0, 2));
  v128.store(to + step, i64x2.shuffle(a, c, 1, 3));
  v128.store(to + step * 2, i64x2.shuffle(b, d, 0, 2));
  v128.store(to + step * 3, i64x2.shuffle(b, d, 1, 3));
}
