// Elementwise operations on float32: out[i] = f(a[i]), f(a[i], b[i]). Two vectors per step, so that an
// engine can pair them into 256-bit operations. The last step may read and write up to the next multiple
// of eight elements: blocks are padded to 64 bytes, and results always start a block.
// Read next: reduce.ts.
import {
  at, cos, erf, exp, expm1, gelu, geluErf, geluErfSlope, geluSlope, log, log1p, relu, sigmoid, silu, siluSlope, sin,
  softplus, tanh,
} from "./math";
import { CHUNK, CHUNK_BYTES, SCALAR, chunk, fetch, spread } from "./strided";

const ONE = memory.data<f32>([1.0, 0.0], 16);

// Numbers of the unary operations; operations.ts of the host repeats them in this order.
@inline function unaryStep(op: i32, x: v128, p: v128): v128 {
  switch (op) {
    case 0: return f32x4.neg(x);
    case 1: return exp(x);
    case 2: return expm1(x);
    case 3: return log(x);
    case 4: return log1p(x);
    case 5: return f32x4.sqrt(x);
    case 6: return sin(x);
    case 7: return cos(x);
    case 8: return tanh(x);
    case 9: return erf(x);
    case 10: return f32x4.floor(x);
    case 11: return f32x4.abs(x);
    case 12: return f32x4.mul(x, x);
    case 13: return f32x4.div(at(ONE, 0), x);
    case 14: return f32x4.div(at(ONE, 0), f32x4.sqrt(x));
    case 15: return sigmoid(x);
    case 16: return relu(x);
    case 17: return softplus(x);
    case 18: return geluErf(x);
    case 19: return gelu(x);
    case 20: return silu(x);
    case 21: return v128.bitselect(f32x4.mul(p, expm1(x)), x, f32x4.le(x, at(ONE, 1)));
    default: return v128.bitselect(f32x4.mul(p, x), x, f32x4.lt(x, at(ONE, 1))); // 22, leaky relu
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

// One function per operation: V8 optimises each when it gets hot, and pairs vectors in small functions only.
type UnaryLoop = (x: usize, y: usize, n: i32, p: f32) => void;
const UNARY: StaticArray<UnaryLoop> = [
  (x: usize, y: usize, n: i32, p: f32): void => unaryLoop(0, x, y, n, p), // neg
  (x: usize, y: usize, n: i32, p: f32): void => unaryLoop(1, x, y, n, p), // exp
  (x: usize, y: usize, n: i32, p: f32): void => unaryLoop(2, x, y, n, p), // expm1
  (x: usize, y: usize, n: i32, p: f32): void => unaryLoop(3, x, y, n, p), // log
  (x: usize, y: usize, n: i32, p: f32): void => unaryLoop(4, x, y, n, p), // log1p
  (x: usize, y: usize, n: i32, p: f32): void => unaryLoop(5, x, y, n, p), // sqrt
  (x: usize, y: usize, n: i32, p: f32): void => unaryLoop(6, x, y, n, p), // sin
  (x: usize, y: usize, n: i32, p: f32): void => unaryLoop(7, x, y, n, p), // cos
  (x: usize, y: usize, n: i32, p: f32): void => unaryLoop(8, x, y, n, p), // tanh
  (x: usize, y: usize, n: i32, p: f32): void => unaryLoop(9, x, y, n, p), // erf
  (x: usize, y: usize, n: i32, p: f32): void => unaryLoop(10, x, y, n, p), // floor
  (x: usize, y: usize, n: i32, p: f32): void => unaryLoop(11, x, y, n, p), // abs
  (x: usize, y: usize, n: i32, p: f32): void => unaryLoop(12, x, y, n, p), // square
  (x: usize, y: usize, n: i32, p: f32): void => unaryLoop(13, x, y, n, p), // reciprocal
  (x: usize, y: usize, n: i32, p: f32): void => unaryLoop(14, x, y, n, p), // rsqrt
  (x: usize, y: usize, n: i32, p: f32): void => unaryLoop(15, x, y, n, p), // sigmoid
  (x: usize, y: usize, n: i32, p: f32): void => unaryLoop(16, x, y, n, p), // relu
  (x: usize, y: usize, n: i32, p: f32): void => unaryLoop(17, x, y, n, p), // softplus
  (x: usize, y: usize, n: i32, p: f32): void => unaryLoop(18, x, y, n, p), // gelu
  (x: usize, y: usize, n: i32, p: f32): void => unaryLoop(19, x, y, n, p), // geluTanh
  (x: usize, y: usize, n: i32, p: f32): void => unaryLoop(20, x, y, n, p), // silu
  (x: usize, y: usize, n: i32, p: f32): void => unaryLoop(21, x, y, n, p), // elu
  (x: usize, y: usize, n: i32, p: f32): void => unaryLoop(22, x, y, n, p), // leakyRelu
];

@inline function unaryChunk(op: i32, x: usize, y: usize, n: i32, p: f32): void {
  unchecked(UNARY[op])(x, y, n, p);
}

/** out[i] = f(a[i]) for i in [start, start + count); `parameter` is the slope or alpha where there is one. */
export function unary(
  op: i32, start: i32, count: i32, a: usize, aLayout: usize, out: usize, parameter: f32, scratch: usize,
): void {
  out += <usize>start << 2;
  if (aLayout == 0) return unaryChunk(op, a + (<usize>start << 2), out, count, parameter);
  if (aLayout == SCALAR) spread<f32>(a, scratch);
  for (let done = 0; done < count; done += CHUNK) {
    const n = min(CHUNK, count - done);
    const x = chunk<f32>(a, aLayout, start + done, n, scratch);
    unaryChunk(op, x, out + (<usize>done << 2), n, parameter);
  }
}

// Numbers of the binary operations. The later ones are gradients: (gradient, input or output).
@inline function binaryStep(op: i32, x: v128, y: v128): v128 {
  switch (op) {
    case 0: return f32x4.add(x, y);
    case 1: return f32x4.sub(x, y);
    case 2: return f32x4.mul(x, y);
    case 3: return f32x4.div(x, y);
    case 4: return f32x4.max(x, y);
    case 5: return f32x4.min(x, y);
    case 6: return v128.and(x, f32x4.gt(y, at(ONE, 1))); // relu from its input or output
    case 7: return f32x4.mul(x, geluSlope(y));
    case 8: return f32x4.mul(x, geluErfSlope(y));
    case 9: return f32x4.mul(x, siluSlope(y));
    case 10: return f32x4.mul(x, f32x4.sub(at(ONE, 0), f32x4.mul(y, y))); // tanh from its output
    default: return f32x4.mul(x, f32x4.mul(y, f32x4.sub(at(ONE, 0), y))); // 11, sigmoid from its output
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

/** Remainder with the sign of b. */
function mod(x: usize, y: usize, z: usize, n: i32): void {
  for (let i = 0; i < n; i++) {
    const b = load<f32>(y + (i << 2));
    let r = load<f32>(x + (i << 2)) % b;
    if (r != 0 && (r < 0) != (b < 0)) r += b;
    store<f32>(z + (i << 2), r);
  }
}

function atan2(x: usize, y: usize, z: usize, n: i32): void {
  for (let i = 0; i < n; i++) {
    const value = NativeMath.atan2(<f64>load<f32>(x + (i << 2)), <f64>load<f32>(y + (i << 2)));
    store<f32>(z + (i << 2), <f32>value);
  }
}

type BinaryLoop = (x: usize, y: usize, z: usize, n: i32) => void;
const BINARY: StaticArray<BinaryLoop> = [
  (x: usize, y: usize, z: usize, n: i32): void => binaryLoop(0, x, y, z, n), // add
  (x: usize, y: usize, z: usize, n: i32): void => binaryLoop(1, x, y, z, n), // sub
  (x: usize, y: usize, z: usize, n: i32): void => binaryLoop(2, x, y, z, n), // mul
  (x: usize, y: usize, z: usize, n: i32): void => binaryLoop(3, x, y, z, n), // div
  (x: usize, y: usize, z: usize, n: i32): void => binaryLoop(4, x, y, z, n), // maximum
  (x: usize, y: usize, z: usize, n: i32): void => binaryLoop(5, x, y, z, n), // minimum
  (x: usize, y: usize, z: usize, n: i32): void => binaryLoop(6, x, y, z, n), // relu gradient
  (x: usize, y: usize, z: usize, n: i32): void => binaryLoop(7, x, y, z, n), // geluTanh gradient
  (x: usize, y: usize, z: usize, n: i32): void => binaryLoop(8, x, y, z, n), // gelu gradient
  (x: usize, y: usize, z: usize, n: i32): void => binaryLoop(9, x, y, z, n), // silu gradient
  (x: usize, y: usize, z: usize, n: i32): void => binaryLoop(10, x, y, z, n), // tanh gradient
  (x: usize, y: usize, z: usize, n: i32): void => binaryLoop(11, x, y, z, n), // sigmoid gradient
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
  if (aLayout == 0 && bLayout == 0) {
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

/** out[i] = a[i] < b[i] (op 0) or a[i] == b[i] (op 1), as bytes. `start` is a multiple of 64. */
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
    if (op == 0) compareLoop(true, x, y, out + start + done, n);
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
  if (layout == 0) memory.copy(out, a + <usize>start * size, <usize>count * size);
  else if (size == 1) fetch<u8>(a, layout, start, count, out);
  else if (size == 4) fetch<u32>(a, layout, start, count, out);
  else fetch<u64>(a, layout, start, count, out);
}

const FLOAT32: i32 = 0;
const INT32: i32 = 1;
const BOOL: i32 = 2;

@inline function number(type: i32, at: usize, i: i32): f64 {
  if (type == FLOAT32) return load<f32>(at + (i << 2));
  if (type == INT32) return load<i32>(at + (i << 2));
  if (type == BOOL) return load<u8>(at + i);
  return load<f64>(at + (i << 3));
}

/** Dense values to float32 (`to` 0) or float64 (`to` 3) from any dtype. */
export function convert(from: i32, to: i32, start: i32, count: i32, a: usize, out: usize): void {
  const end = start + count;
  if (to == FLOAT32) {
    if (from == INT32) for (let i = start; i < end; i++) store<f32>(out + (i << 2), <f32>load<i32>(a + (i << 2)));
    else if (from == BOOL) for (let i = start; i < end; i++) store<f32>(out + (i << 2), <f32>load<u8>(a + i));
    else for (let i = start; i < end; i++) store<f32>(out + (i << 2), <f32>load<f64>(a + (i << 3)));
  } else {
    for (let i = start; i < end; i++) store<f64>(out + (i << 3), number(from, a, i));
  }
}
