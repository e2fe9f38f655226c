// Elementwise operations on float64, int32 and bool (bytes 0 or 1), as elementwise.ts has them for float32: the same
// numbers, layouts and padded steps of 32 bytes. int32 wraps around. What is exact (arithmetic, comparison, choice)
// gives the bits of the reference kernels. Read next: double-math.ts, typed-reduce.ts.
import { Binary, Compare, DENSE, ElementType, SCALAR, Unary } from "./contract";
import { atan2Double, exp, modDouble, powDouble } from "./double-math";
import { CHUNK, CHUNK_BYTES, chunk, spread } from "./strided";

@inline function unaryStep<T>(op: i32, x: v128): v128 {
  if (op == Unary.neg) return v128.neg<T>(x);
  if (op == Unary.square) return v128.mul<T>(x, x);
  if (isInteger<T>()) return v128.abs<T>(x);
  if (op == Unary.abs) return f64x2.abs(x);
  if (op == Unary.sqrt) return f64x2.sqrt(x);
  if (op == Unary.floor) return f64x2.floor(x);
  if (op == Unary.round) return f64x2.nearest(x);
  if (op == Unary.exp) return exp(x);
  if (op == Unary.reciprocal) return f64x2.div(f64x2.splat(1), x);
  return f64x2.div(f64x2.splat(1), f64x2.sqrt(x)); // rsqrt
}

@inline function unaryLoop<T>(op: i32, x: usize, y: usize, n: i32): void {
  const end = x + <usize>n * sizeof<T>();
  while (x < end) {
    const u = unaryStep<T>(op, v128.load(x));
    const v = unaryStep<T>(op, v128.load(x, 16));
    v128.store(y, u);
    v128.store(y, v, 16);
    x += 32;
    y += 32;
  }
}

@inline function double(op: i32, x: f64): f64 {
  if (op == Unary.expm1) return NativeMath.expm1(x);
  if (op == Unary.log) return NativeMath.log(x);
  if (op == Unary.log1p) return NativeMath.log1p(x);
  if (op == Unary.sin) return NativeMath.sin(x);
  if (op == Unary.cos) return NativeMath.cos(x);
  return NativeMath.tanh(x);
}

@inline function doubleLoop(op: i32, x: usize, y: usize, n: i32): void {
  for (let i = 0; i < n; i++) store<f64>(y + (i << 3), double(op, load<f64>(x + (i << 3))));
}

// In the order of their numbers up to round; the others are compositions of these.
type UnaryLoop = (x: usize, y: usize, n: i32) => void;
const DOUBLE_UNARY: StaticArray<UnaryLoop> = [
  (x: usize, y: usize, n: i32): void => unaryLoop<f64>(Unary.neg, x, y, n),
  (x: usize, y: usize, n: i32): void => unaryLoop<f64>(Unary.exp, x, y, n),
  (x: usize, y: usize, n: i32): void => doubleLoop(Unary.expm1, x, y, n),
  (x: usize, y: usize, n: i32): void => doubleLoop(Unary.log, x, y, n),
  (x: usize, y: usize, n: i32): void => doubleLoop(Unary.log1p, x, y, n),
  (x: usize, y: usize, n: i32): void => unaryLoop<f64>(Unary.sqrt, x, y, n),
  (x: usize, y: usize, n: i32): void => doubleLoop(Unary.sin, x, y, n),
  (x: usize, y: usize, n: i32): void => doubleLoop(Unary.cos, x, y, n),
  (x: usize, y: usize, n: i32): void => doubleLoop(Unary.tanh, x, y, n),
  (x: usize, y: usize, n: i32): void => doubleLoop(Unary.tanh, x, y, n), // erf is left to the reference kernel
  (x: usize, y: usize, n: i32): void => unaryLoop<f64>(Unary.floor, x, y, n),
  (x: usize, y: usize, n: i32): void => unaryLoop<f64>(Unary.abs, x, y, n),
  (x: usize, y: usize, n: i32): void => unaryLoop<f64>(Unary.square, x, y, n),
  (x: usize, y: usize, n: i32): void => unaryLoop<f64>(Unary.reciprocal, x, y, n),
  (x: usize, y: usize, n: i32): void => unaryLoop<f64>(Unary.rsqrt, x, y, n),
  (x: usize, y: usize, n: i32): void => unaryLoop<f64>(Unary.round, x, y, n),
];

function intUnary(op: i32, x: usize, y: usize, n: i32): void {
  if (op == Unary.neg) unaryLoop<i32>(Unary.neg, x, y, n);
  else if (op == Unary.square) unaryLoop<i32>(Unary.square, x, y, n);
  else unaryLoop<i32>(Unary.abs, x, y, n);
}

@inline function unaryView<T>(
  op: i32, start: i32, count: i32, a: usize, aLayout: usize, out: usize, scratch: usize,
): void {
  if (aLayout == SCALAR) spread<T>(a, scratch);
  for (let done = 0; done < count; done += CHUNK) {
    const n = min(CHUNK, count - done);
    const x = chunk<T>(a, aLayout, start + done, n, scratch);
    const y = out + <usize>(start + done) * sizeof<T>();
    if (isInteger<T>()) intUnary(op, x, y, n);
    else unchecked(DOUBLE_UNARY[op])(x, y, n);
  }
}

/** out[i] = f(a[i]) for i in [start, start + count): neg to round but erf of float64, neg, abs and square of int32. */
export function unaryOf(
  type: i32, op: i32, start: i32, count: i32, a: usize, aLayout: usize, out: usize, scratch: usize,
): void {
  if (type == ElementType.float64) unaryView<f64>(op, start, count, a, aLayout, out, scratch);
  else unaryView<i32>(op, start, count, a, aLayout, out, scratch);
}

@inline function binaryStep<T>(op: i32, x: v128, y: v128): v128 {
  if (op == Binary.maximum) return v128.max<T>(x, y);
  if (op == Binary.minimum) return v128.min<T>(x, y);
  if (sizeof<T>() == 1) return x;
  if (op == Binary.add) return v128.add<T>(x, y);
  if (op == Binary.sub) return v128.sub<T>(x, y);
  if (op == Binary.mul) return v128.mul<T>(x, y);
  return f64x2.div(x, y);
}

@inline function binaryLoop<T>(op: i32, x: usize, y: usize, z: usize, n: i32): void {
  const end = x + <usize>n * sizeof<T>();
  while (x < end) {
    const u = binaryStep<T>(op, v128.load(x), v128.load(y));
    const v = binaryStep<T>(op, v128.load(x, 16), v128.load(y, 16));
    v128.store(z, u);
    v128.store(z, v, 16);
    x += 32;
    y += 32;
    z += 32;
  }
}

/** Remainder with the sign of b; 0 for a divisor of 0. */
function modInt(x: usize, y: usize, z: usize, n: i32): void {
  for (let i = 0; i < n; i++) {
    const b = load<i32>(y + (i << 2));
    let r = b == 0 ? 0 : load<i32>(x + (i << 2)) % b;
    if (r != 0 && (r < 0) != (b < 0)) r += b;
    store<i32>(z + (i << 2), r);
  }
}

function doubleBinary(op: i32, x: usize, y: usize, z: usize, n: i32): void {
  switch (op) {
    case Binary.add: return binaryLoop<f64>(Binary.add, x, y, z, n);
    case Binary.sub: return binaryLoop<f64>(Binary.sub, x, y, z, n);
    case Binary.mul: return binaryLoop<f64>(Binary.mul, x, y, z, n);
    case Binary.div: return binaryLoop<f64>(Binary.div, x, y, z, n);
    case Binary.maximum: return binaryLoop<f64>(Binary.maximum, x, y, z, n);
    case Binary.minimum: return binaryLoop<f64>(Binary.minimum, x, y, z, n);
    case Binary.pow: return powDouble(x, y, z, n);
    case Binary.mod: return modDouble(x, y, z, n);
    default: return atan2Double(x, y, z, n);
  }
}

function intBinary(op: i32, x: usize, y: usize, z: usize, n: i32): void {
  switch (op) {
    case Binary.add: return binaryLoop<i32>(Binary.add, x, y, z, n);
    case Binary.sub: return binaryLoop<i32>(Binary.sub, x, y, z, n);
    case Binary.mul: return binaryLoop<i32>(Binary.mul, x, y, z, n);
    case Binary.maximum: return binaryLoop<i32>(Binary.maximum, x, y, z, n);
    case Binary.minimum: return binaryLoop<i32>(Binary.minimum, x, y, z, n);
    default: return modInt(x, y, z, n);
  }
}

@inline function binaryView<T>(
  op: i32, start: i32, count: i32, a: usize, aLayout: usize, b: usize, bLayout: usize, out: usize, scratch: usize,
): void {
  const second = scratch + CHUNK_BYTES;
  if (aLayout == SCALAR) spread<T>(a, scratch);
  if (bLayout == SCALAR) spread<T>(b, second);
  for (let done = 0; done < count; done += CHUNK) {
    const n = min(CHUNK, count - done);
    const x = chunk<T>(a, aLayout, start + done, n, scratch);
    const y = chunk<T>(b, bLayout, start + done, n, second);
    const z = out + <usize>(start + done) * sizeof<T>();
    if (sizeof<T>() == 8) doubleBinary(op, x, y, z, n);
    else if (sizeof<T>() == 4) intBinary(op, x, y, z, n);
    else if (op == Binary.maximum) binaryLoop<u8>(Binary.maximum, x, y, z, n);
    else binaryLoop<u8>(Binary.minimum, x, y, z, n);
  }
}

/** out[i] = f(a[i], b[i]) for i in [start, start + count); the operations without a gradient, bool maximum and minimum only. */
export function binaryOf(
  type: i32, op: i32, start: i32, count: i32, a: usize, aLayout: usize, b: usize, bLayout: usize, out: usize,
  scratch: usize,
): void {
  if (type == ElementType.float64) binaryView<f64>(op, start, count, a, aLayout, b, bLayout, out, scratch);
  else if (type == ElementType.int32) binaryView<i32>(op, start, count, a, aLayout, b, bLayout, out, scratch);
  else binaryView<u8>(op, start, count, a, aLayout, b, bLayout, out, scratch);
}

@inline function holds<T>(less: bool, x: usize, y: usize): v128 {
  return less ? v128.lt<T>(v128.load(x), v128.load(y)) : v128.eq<T>(v128.load(x), v128.load(y));
}

/** Four comparisons of float64 as words 0 or -1. */
@inline function fourDoubles(less: bool, x: usize, y: usize): v128 {
  const lo = holds<f64>(less, x, y);
  const hi = holds<f64>(less, x + 16, y + 16);
  return i32x4.shuffle(lo, hi, 0, 2, 4, 6);
}

/** Four comparisons as words 0 or -1. */
@inline function four<T>(less: bool, x: usize, y: usize): v128 {
  return sizeof<T>() == 8 ? fourDoubles(less, x, y) : holds<T>(less, x, y);
}

/** Sixteen comparisons as bytes 0 or 1. */
@inline function compareLoop<T>(less: bool, x: usize, y: usize, z: usize, n: i32): void {
  const step = sizeof<T>() * 4;
  const bit = i8x16.splat(1);
  for (let i = 0; i < n; i += 16) {
    let bytes: v128;
    if (sizeof<T>() == 1) {
      bytes = holds<T>(less, x, y);
    } else {
      const lo = i16x8.narrow_i32x4_s(four<T>(less, x, y), four<T>(less, x + step, y + step));
      const hi = i16x8.narrow_i32x4_s(
        four<T>(less, x + step * 2, y + step * 2), four<T>(less, x + step * 3, y + step * 3),
      );
      bytes = i8x16.narrow_i16x8_s(lo, hi);
    }
    v128.store(z, v128.and(bytes, bit));
    x += step * 4;
    y += step * 4;
    z += 16;
  }
}

@inline function compareView<T>(
  op: i32, start: i32, count: i32, a: usize, aLayout: usize, b: usize, bLayout: usize, out: usize, scratch: usize,
): void {
  const second = scratch + CHUNK_BYTES;
  if (aLayout == SCALAR) spread<T>(a, scratch);
  if (bLayout == SCALAR) spread<T>(b, second);
  for (let done = 0; done < count; done += CHUNK) {
    const n = min(CHUNK, count - done);
    const x = chunk<T>(a, aLayout, start + done, n, scratch);
    const y = chunk<T>(b, bLayout, start + done, n, second);
    if (op == Compare.less) compareLoop<T>(true, x, y, out + start + done, n);
    else compareLoop<T>(false, x, y, out + start + done, n);
  }
}

/** out[i] = a[i] < b[i] or a[i] == b[i], as bytes. `start` is a multiple of 64. */
export function compareOf(
  type: i32, op: i32, start: i32, count: i32, a: usize, aLayout: usize, b: usize, bLayout: usize, out: usize,
  scratch: usize,
): void {
  if (type == ElementType.float64) compareView<f64>(op, start, count, a, aLayout, b, bLayout, out, scratch);
  else if (type == ElementType.int32) compareView<i32>(op, start, count, a, aLayout, b, bLayout, out, scratch);
  else compareView<u8>(op, start, count, a, aLayout, b, bLayout, out, scratch);
}

@inline function whereLoop<T>(c: usize, x: usize, y: usize, z: usize, n: i32): void {
  for (let i = 0; i < n; i++) {
    const at = <usize>i * sizeof<T>();
    store<T>(z + at, load<u8>(c + i) ? load<T>(x + at) : load<T>(y + at));
  }
}

@inline function whereView<T>(
  start: i32, count: i32, condition: usize, cLayout: usize, a: usize, aLayout: usize, b: usize, bLayout: usize,
  out: usize, scratch: usize,
): void {
  const second = scratch + CHUNK_BYTES;
  const third = second + CHUNK_BYTES;
  if (cLayout == SCALAR) spread<u8>(condition, scratch);
  if (aLayout == SCALAR) spread<T>(a, second);
  if (bLayout == SCALAR) spread<T>(b, third);
  for (let done = 0; done < count; done += CHUNK) {
    const n = min(CHUNK, count - done);
    const c = chunk<u8>(condition, cLayout, start + done, n, scratch);
    const x = chunk<T>(a, aLayout, start + done, n, second);
    const y = chunk<T>(b, bLayout, start + done, n, third);
    whereLoop<T>(c, x, y, out + <usize>(start + done) * sizeof<T>(), n);
  }
}

/** out[i] = condition[i] ? a[i] : b[i], elements of eight bytes. */
export function whereWide(
  start: i32, count: i32, condition: usize, cLayout: usize, a: usize, aLayout: usize, b: usize, bLayout: usize,
  out: usize, scratch: usize,
): void {
  whereView<u64>(start, count, condition, cLayout, a, aLayout, b, bLayout, out, scratch);
}

/** The same, elements of one byte. */
export function whereBytes(
  start: i32, count: i32, condition: usize, cLayout: usize, a: usize, aLayout: usize, b: usize, bLayout: usize,
  out: usize, scratch: usize,
): void {
  whereView<u8>(start, count, condition, cLayout, a, aLayout, b, bLayout, out, scratch);
}
