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
