// Conversion of dense values from one dtype to another, as typed arrays of JavaScript convert them: to int32 without
// the fraction and modulo 2^32, NaN to 0; to bool whatever is not 0. Read next: gather.ts.
import { ElementType } from "./contract";

const TWO_TO_32: f64 = 4294967296.0;
const LONG: f64 = 9223372036854775808.0;

/** An integer of any size modulo 2^32, in [-2^31, 2^31); 0 for what is no number. */
function wrapped(x: f64): i32 {
  if (abs(x) < LONG) return <i32>(<i64>x);
  if (x - x != 0) return 0;
  // A double above 2^63 is an integer, and each step here is exact.
  return <i32>(<i64>(x - floor(x / TWO_TO_32) * TWO_TO_32));
}

@inline function floatsToInts(a: usize, out: usize, n: i32): void {
  const limit = f32x4.splat(2147483648);
  let i = 0;
  for (; i + 4 <= n; i += 4) {
    const x = v128.load(a + (i << 2));
    const y = out + (i << 2);
    if (i32x4.all_true(f32x4.lt(f32x4.abs(x), limit))) {
      v128.store(y, i32x4.trunc_sat_f32x4_s(x));
    } else {
      for (let k = 0; k < 4; k++) store<i32>(y + (k << 2), wrapped(load<f32>(a + ((i + k) << 2))));
    }
  }
  for (; i < n; i++) store<i32>(out + (i << 2), wrapped(load<f32>(a + (i << 2))));
}

@inline function doublesToInts(a: usize, out: usize, n: i32): void {
  const limit = f64x2.splat(2147483648);
  let i = 0;
  for (; i + 2 <= n; i += 2) {
    const x = v128.load(a + (i << 3));
    if (i64x2.all_true(f64x2.lt(f64x2.abs(x), limit))) {
      v128.store64_lane(out + (i << 2), i32x4.trunc_sat_f64x2_s_zero(x), 0);
    } else {
      for (let k = 0; k < 2; k++) store<i32>(out + ((i + k) << 2), wrapped(load<f64>(a + ((i + k) << 3))));
    }
  }
  for (; i < n; i++) store<i32>(out + (i << 2), wrapped(load<f64>(a + (i << 3))));
}

@inline function toBools<T>(a: usize, out: usize, n: i32): void {
  for (let i = 0; i < n; i++) store<u8>(out + i, load<T>(a + <usize>i * sizeof<T>()) != 0);
}

@inline function numbers<F, T>(a: usize, out: usize, n: i32): void {
  for (let i = 0; i < n; i++) store<T>(out + <usize>i * sizeof<T>(), <T>load<F>(a + <usize>i * sizeof<F>()));
}

/** Dense values [start, start + count) to another dtype. */
export function convert(from: i32, to: i32, start: i32, count: i32, a: usize, out: usize): void {
  const x = a + start * (from == ElementType.float64 ? 8 : from == ElementType.bool ? 1 : 4);
  const y = out + start * (to == ElementType.float64 ? 8 : to == ElementType.bool ? 1 : 4);
  if (to == ElementType.float32) {
    if (from == ElementType.int32) numbers<i32, f32>(x, y, count);
    else if (from == ElementType.bool) numbers<u8, f32>(x, y, count);
    else numbers<f64, f32>(x, y, count);
  } else if (to == ElementType.float64) {
    if (from == ElementType.float32) numbers<f32, f64>(x, y, count);
    else if (from == ElementType.int32) numbers<i32, f64>(x, y, count);
    else numbers<u8, f64>(x, y, count);
  } else if (to == ElementType.int32) {
    if (from == ElementType.float32) floatsToInts(x, y, count);
    else if (from == ElementType.float64) doublesToInts(x, y, count);
    else numbers<u8, i32>(x, y, count);
  } else if (from == ElementType.float32) {
    toBools<f32>(x, y, count);
  } else if (from == ElementType.int32) {
    toBools<i32>(x, y, count);
  } else {
    toBools<f64>(x, y, count);
  }
}
