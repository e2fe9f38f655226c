// Elementwise operations on float32: out[i] = f(a[i]), f(a[i], b[i]). Two vectors per step, so that an
// engine can pair them into 256-bit operations. The last step may read and write up to the next multiple
// of eight elements: blocks are padded to 64 bytes, and results always start a block.
// Read next: typed.ts.
import { Binary, Compare, DENSE, SCALAR, Unary } from "./contract";
import { floorMod } from "./double-math";
import {
  at, cos, erf, exp, expm1, gelu, geluSlope, geluTanh, geluTanhSlope, log, log1p, relu, sigmoid, silu, siluSlope, sin,
  softplus, tanh,
} from "./math";
import { CHUNK, CHUNK_BYTES, chunk, fetch, spread } from "./strided";

const ONE = memory.data<f32>([1.0, 0.0], 16);

@inline function unaryStep(op: i32, x: v128, p: v128): v128 {
  switch (op) {
    case Unary.neg: return f32x4.neg(x);
    case Unary.exp: return exp(x);
    case Unary.expm1: return expm1(x);
    case Unary.log: return log(x);
    case Unary.log1p: return log1p(x);
    case Unary.sqrt: return f32x4.sqrt(x);
    case Unary.sin: return sin(x);
    case Unary.cos: return cos(x);
    case Unary.tanh: return tanh(x);
    case Unary.erf: return erf(x);
    case Unary.floor: return f32x4.floor(x);
    case Unary.abs: return f32x4.abs(x);
    case Unary.square: return f32x4.mul(x, x);
    case Unary.reciprocal: return f32x4.div(at(ONE, 0), x);
    case Unary.rsqrt: return f32x4.div(at(ONE, 0), f32x4.sqrt(x));
    case Unary.round: return f32x4.nearest(x);
    case Unary.sigmoid: return sigmoid(x);
    case Unary.relu: return relu(x);
    case Unary.softplus: return softplus(x);
    case Unary.gelu: return gelu(x);
    case Unary.geluTanh: return geluTanh(x);
    case Unary.silu: return silu(x);
    case Unary.elu: return v128.bitselect(f32x4.mul(p, expm1(x)), x, f32x4.le(x, at(ONE, 1)));
    default: return v128.bitselect(f32x4.mul(p, x), x, f32x4.lt(x, at(ONE, 1))); // leakyRelu
  }
}

@inline function unaryLoop(op: i32, x: usize, y: usize, n: i32, parameter: f32): void {
  const p = f32x4.splat(parameter);
  const end = x + (<usize>n << 2);
  while (x < end) {
    const a = v128.load(x);
    const b = v128.load(x, 16);
    const u = unaryStep(op, a, p);
    const v = unaryStep(op, b, p); // both before the stores: the compiler then shares their constants
    v128.store(y, u);
    v128.store(y, v, 16);
    x += 32;
    y += 32;
  }
}

// In the order of their numbers. One function per operation: V8 optimises each when it gets hot, and pairs vectors in small functions only.
type UnaryLoop = (x: usize, y: usize, n: i32, p: f32) => void;
const UNARY: StaticArray<UnaryLoop> = [
  (x: usize, y: usize, n: i32, p: f32): void => unaryLoop(Unary.neg, x, y, n, p),
  (x: usize, y: usize, n: i32, p: f32): void => unaryLoop(Unary.exp, x, y, n, p),
  (x: usize, y: usize, n: i32, p: f32): void => unaryLoop(Unary.expm1, x, y, n, p),
  (x: usize, y: usize, n: i32, p: f32): void => unaryLoop(Unary.log, x, y, n, p),
  (x: usize, y: usize, n: i32, p: f32): void => unaryLoop(Unary.log1p, x, y, n, p),
  (x: usize, y: usize, n: i32, p: f32): void => unaryLoop(Unary.sqrt, x, y, n, p),
  (x: usize, y: usize, n: i32, p: f32): void => unaryLoop(Unary.sin, x, y, n, p),
  (x: usize, y: usize, n: i32, p: f32): void => unaryLoop(Unary.cos, x, y, n, p),
  (x: usize, y: usize, n: i32, p: f32): void => unaryLoop(Unary.tanh, x, y, n, p),
  (x: usize, y: usize, n: i32, p: f32): void => unaryLoop(Unary.erf, x, y, n, p),
  (x: usize, y: usize, n: i32, p: f32): void => unaryLoop(Unary.floor, x, y, n, p),
  (x: usize, y: usize, n: i32, p: f32): void => unaryLoop(Unary.abs, x, y, n, p),
  (x: usize, y: usize, n: i32, p: f32): void => unaryLoop(Unary.square, x, y, n, p),
  (x: usize, y: usize, n: i32, p: f32): void => unaryLoop(Unary.reciprocal, x, y, n, p),
  (x: usize, y: usize, n: i32, p: f32): void => unaryLoop(Unary.rsqrt, x, y, n, p),
  (x: usize, y: usize, n: i32, p: f32): void => unaryLoop(Unary.round, x, y, n, p),
  (x: usize, y: usize, n: i32, p: f32): void => unaryLoop(Unary.sigmoid, x, y, n, p),
  (x: usize, y: usize, n: i32, p: f32): void => unaryLoop(Unary.relu, x, y, n, p),
  (x: usize, y: usize, n: i32, p: f32): void => unaryLoop(Unary.softplus, x, y, n, p),
  (x: usize, y: usize, n: i32, p: f32): void => unaryLoop(Unary.gelu, x, y, n, p),
  (x: usize, y: usize, n: i32, p: f32): void => unaryLoop(Unary.geluTanh, x, y, n, p),
  (x: usize, y: usize, n: i32, p: f32): void => unaryLoop(Unary.silu, x, y, n, p),
  (x: usize, y: usize, n: i32, p: f32): void => unaryLoop(Unary.elu, x, y, n, p),
  (x: usize, y: usize, n: i32, p: f32): void => unaryLoop(Unary.leakyRelu, x, y, n, p),
];

@inline function unaryChunk(op: i32, x: usize, y: usize, n: i32, p: f32): void {
  unchecked(UNARY[op])(x, y, n, p);
}

/** out[i] = f(a[i]) for i in [start, start + count); `parameter` is the slope or alpha where there is one. */
export function unary(
  op: i32, start: i32, count: i32, a: usize, aLayout: usize, out: usize, parameter: f32, scratch: usize,
): void {
  out += <usize>start << 2;
  if (aLayout == DENSE) return unaryChunk(op, a + (<usize>start << 2), out, count, parameter);
  if (aLayout == SCALAR) spread<f32>(a, scratch);
  for (let done = 0; done < count; done += CHUNK) {
    const n = min(CHUNK, count - done);
    const x = chunk<f32>(a, aLayout, start + done, n, scratch);
    unaryChunk(op, x, out + (<usize>done << 2), n, parameter);
  }
}

@inline function binaryStep(op: i32, x: v128, y: v128): v128 {
  switch (op) {
    case Binary.add: return f32x4.add(x, y);
    case Binary.sub: return f32x4.sub(x, y);
    case Binary.mul: return f32x4.mul(x, y);
    case Binary.div: return f32x4.div(x, y);
    case Binary.maximum: return f32x4.max(x, y);
    case Binary.minimum: return f32x4.min(x, y);
    case Binary.reluGrad: return v128.and(x, f32x4.gt(y, at(ONE, 1))); // from its input or output
    case Binary.geluTanhGrad: return f32x4.mul(x, geluTanhSlope(y));
    case Binary.geluGrad: return f32x4.mul(x, geluSlope(y));
    case Binary.siluGrad: return f32x4.mul(x, siluSlope(y));
    case Binary.tanhGrad: return f32x4.mul(x, f32x4.sub(at(ONE, 0), f32x4.mul(y, y))); // from its output
    default: return f32x4.mul(x, f32x4.mul(y, f32x4.sub(at(ONE, 0), y))); // sigmoidGrad, from its output
  }
}

@inline function binaryLoop(op: i32, x: usize, y: usize, z: usize, n: i32): void {
  const end = x + (<usize>n << 2);
  while (x < end) {
    const a = v128.load(x);
    const b = v128.load(x, 16);
    const c = v128.load(y);
    const d = v128.load(y, 16);
    const u = binaryStep(op, a, c);
    const v = binaryStep(op, b, d);
    v128.store(z, u);
    v128.store(z, v, 16);
    x += 32;
    y += 32;
    z += 32;
  }
}

/** C's pow: 1 to anything is 1, and so is -1 to an infinite power, where NativeMath follows JavaScript and says NaN. */
function pow(x: usize, y: usize, z: usize, n: i32): void {
  for (let i = 0; i < n; i++) {
    const a = load<f32>(x + (i << 2));
    const b = load<f32>(y + (i << 2));
    const one = a == 1 || (a == -1 && abs(b) == f32.POSITIVE_INFINITY);
    const value = one ? 1 : NativeMath.pow(<f64>a, <f64>b);
    store<f32>(z + (i << 2), <f32>value);
  }
}

/** Remainder with the sign of b; that of two floats is the same in double precision. */
function mod(x: usize, y: usize, z: usize, n: i32): void {
  for (let i = 0; i < n; i++) {
    store<f32>(z + (i << 2), <f32>floorMod(<f64>load<f32>(x + (i << 2)), <f64>load<f32>(y + (i << 2))));
  }
}

function atan2(x: usize, y: usize, z: usize, n: i32): void {
  for (let i = 0; i < n; i++) {
    const value = NativeMath.atan2(<f64>load<f32>(x + (i << 2)), <f64>load<f32>(y + (i << 2)));
    store<f32>(z + (i << 2), <f32>value);
  }
}

// In the order of their numbers.
type BinaryLoop = (x: usize, y: usize, z: usize, n: i32) => void;
const BINARY: StaticArray<BinaryLoop> = [
  (x: usize, y: usize, z: usize, n: i32): void => binaryLoop(Binary.add, x, y, z, n),
  (x: usize, y: usize, z: usize, n: i32): void => binaryLoop(Binary.sub, x, y, z, n),
  (x: usize, y: usize, z: usize, n: i32): void => binaryLoop(Binary.mul, x, y, z, n),
  (x: usize, y: usize, z: usize, n: i32): void => binaryLoop(Binary.div, x, y, z, n),
  (x: usize, y: usize, z: usize, n: i32): void => binaryLoop(Binary.maximum, x, y, z, n),
  (x: usize, y: usize, z: usize, n: i32): void => binaryLoop(Binary.minimum, x, y, z, n),
  (x: usize, y: usize, z: usize, n: i32): void => binaryLoop(Binary.reluGrad, x, y, z, n),
  (x: usize, y: usize, z: usize, n: i32): void => binaryLoop(Binary.geluTanhGrad, x, y, z, n),
  (x: usize, y: usize, z: usize, n: i32): void => binaryLoop(Binary.geluGrad, x, y, z, n),
  (x: usize, y: usize, z: usize, n: i32): void => binaryLoop(Binary.siluGrad, x, y, z, n),
  (x: usize, y: usize, z: usize, n: i32): void => binaryLoop(Binary.tanhGrad, x, y, z, n),
  (x: usize, y: usize, z: usize, n: i32): void => binaryLoop(Binary.sigmoidGrad, x, y, z, n),
  pow,
  mod,
  atan2,
];

@inline function binaryChunk(op: i32, x: usize, y: usize, z: usize, n: i32): void {
  unchecked(BINARY[op])(x, y, z, n);
}

/** out[i] = f(a[i], b[i]) for i in [start, start + count). */
export function binary(
  op: i32, start: i32, count: i32, a: usize, aLayout: usize, b: usize, bLayout: usize, out: usize, scratch: usize,
): void {
  out += <usize>start << 2;
  if (aLayout == DENSE && bLayout == DENSE) {
    return binaryChunk(op, a + (<usize>start << 2), b + (<usize>start << 2), out, count);
  }
  const second = scratch + CHUNK_BYTES;
  if (aLayout == SCALAR) spread<f32>(a, scratch);
  if (bLayout == SCALAR) spread<f32>(b, second);
  for (let done = 0; done < count; done += CHUNK) {
    const n = min(CHUNK, count - done);
    const x = chunk<f32>(a, aLayout, start + done, n, scratch);
    const y = chunk<f32>(b, bLayout, start + done, n, second);
    binaryChunk(op, x, y, out + (<usize>done << 2), n);
  }
}

@inline function holds(less: bool, x: usize, y: usize): v128 {
  return less ? f32x4.lt(v128.load(x), v128.load(y)) : f32x4.eq(v128.load(x), v128.load(y));
}

const BIT = memory.data<i32>([0x01010101], 16);

/** Sixteen comparisons as bytes 0 or 1. */
@inline function compareLoop(less: bool, x: usize, y: usize, z: usize, n: i32): void {
  for (let i = 0; i < n; i += 16) {
    const lo = i16x8.narrow_i32x4_s(holds(less, x, y), holds(less, x + 16, y + 16));
    const hi = i16x8.narrow_i32x4_s(holds(less, x + 32, y + 32), holds(less, x + 48, y + 48));
    v128.store(z, v128.and(i8x16.narrow_i16x8_s(lo, hi), at(BIT, 0)));
    x += 64;
    y += 64;
    z += 16;
  }
}

/** out[i] = a[i] < b[i] or a[i] == b[i], as bytes. `start` is a multiple of 64. */
export function compare(
  op: i32, start: i32, count: i32, a: usize, aLayout: usize, b: usize, bLayout: usize, out: usize, scratch: usize,
): void {
  const second = scratch + CHUNK_BYTES;
  if (aLayout == SCALAR) spread<f32>(a, scratch);
  if (bLayout == SCALAR) spread<f32>(b, second);
  for (let done = 0; done < count; done += CHUNK) {
    const n = min(CHUNK, count - done);
    const x = chunk<f32>(a, aLayout, start + done, n, scratch);
    const y = chunk<f32>(b, bLayout, start + done, n, second);
    if (op == Compare.less) compareLoop(true, x, y, out + start + done, n);
    else compareLoop(false, x, y, out + start + done, n);
  }
}

/** out[i] = condition[i] ? a[i] : b[i], elements of four bytes. */
export function where(
  start: i32, count: i32, condition: usize, cLayout: usize, a: usize, aLayout: usize, b: usize, bLayout: usize,
  out: usize, scratch: usize,
): void {
  const second = scratch + CHUNK_BYTES;
  const third = second + CHUNK_BYTES;
  if (cLayout == SCALAR) spread<u8>(condition, scratch);
  if (aLayout == SCALAR) spread<f32>(a, second);
  if (bLayout == SCALAR) spread<f32>(b, third);
  for (let done = 0; done < count; done += CHUNK) {
    const n = min(CHUNK, count - done);
    let c = chunk<u8>(condition, cLayout, start + done, n, scratch);
    let x = chunk<f32>(a, aLayout, start + done, n, second);
    let y = chunk<f32>(b, bLayout, start + done, n, third);
    let z = out + (<usize>(start + done) << 2);
    for (let i = 0; i < n; i += 4) {
      const bytes = v128.load32_zero(c);
      const words = i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(bytes));
      const no = i32x4.eq(words, i32x4.splat(0));
      v128.store(z, v128.bitselect(v128.load(y), v128.load(x), no));
      c += 4;
      x += 16;
      y += 16;
      z += 16;
    }
  }
}

/** Row-major copy of a view; `size` is the bytes of an element: 1, 4 or 8. */
export function copy(size: i32, start: i32, count: i32, a: usize, layout: usize, out: usize): void {
  out += <usize>start * size;
  if (layout == DENSE) memory.copy(out, a + <usize>start * size, <usize>count * size);
  else if (size == 1) fetch<u8>(a, layout, start, count, out);
  else if (size == 4) fetch<u32>(a, layout, start, count, out);
  else fetch<u64>(a, layout, start, count, out);
}
