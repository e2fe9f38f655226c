// The two 16-bit float formats as bit patterns: IEEE binary16 (float16) and bfloat16 (the upper half of a
// float32). Decoding is exact; encoding rounds to nearest, ties to even.

/**
 * Float16 bit patterns to float32, exactly; NaN payloads are kept.
 *
 * @param bits one binary16 pattern per element. Same length in -> out.
 */
export function float16ToFloat32(bits: Uint16Array): Float32Array<ArrayBuffer> {
  const out = new Float32Array(bits.length);
  const outBits = new Uint32Array(out.buffer);
  for (let i = 0; i < bits.length; i++) {
    const half = bits[i]!;
    const exponent = (half >>> 10) & 0x1f;
    const fraction = half & 0x3ff;
    if (exponent === 0) {
      out[i] = (half & 0x8000 ? -1 : 1) * fraction * 2 ** -24;
      continue;
    }
    // Rebias 15 -> 127; the all-ones exponent (infinity, NaN) stays all ones.
    const wide = exponent === 0x1f ? 0xff : exponent + 112;
    outBits[i] = ((half & 0x8000) << 16) | (wide << 23) | (fraction << 13);
  }
  return out;
}

/**
 * Float32 to float16 bit patterns, to nearest, ties to even. Magnitudes of 65520 and above become infinity.
 *
 * @param values any float32 numbers. Same length in -> out.
 */
export function float32ToFloat16(values: Float32Array): Uint16Array<ArrayBuffer> {
  const bits = toBits(values);
  const out = new Uint16Array(values.length);
  for (let i = 0; i < out.length; i++) {
    const sign = (bits[i]! >>> 16) & 0x8000;
    const magnitude = bits[i]! & 0x7fffffff;
    if (magnitude > 0x7f800000) {
      // A quiet NaN, so that cutting the payload cannot turn it into infinity.
      out[i] = sign | 0x7e00 | ((magnitude >>> 13) & 0x3ff);
    } else if (magnitude >= 0x477ff000) {
      out[i] = sign | 0x7c00;
    } else if (magnitude < 0x38800000) {
      // Below 2^-14 the result is a multiple of 2^-24: adding 2^52 makes the double rounding do it.
      out[i] = sign | (Math.abs(values[i]!) * 2 ** 24 + 2 ** 52 - 2 ** 52);
    } else {
      const rebiased = magnitude - 0x38000000;
      const half = rebiased >>> 13;
      const rest = rebiased & 0x1fff;
      // A carry out of the fraction runs into the exponent, which is what rounding up should do.
      out[i] = sign | (half + (rest > 0x1000 || (rest === 0x1000 && half & 1) ? 1 : 0));
    }
  }
  return out;
}

/** Bfloat16 bit patterns to float32, exactly. Same length in -> out. */
export function bfloat16ToFloat32(bits: Uint16Array): Float32Array<ArrayBuffer> {
  const out = new Float32Array(bits.length);
  const outBits = new Uint32Array(out.buffer);
  for (let i = 0; i < bits.length; i++) outBits[i] = bits[i]! << 16;
  return out;
}

/** Float32 to bfloat16 bit patterns, to nearest, ties to even. Same length in -> out. */
export function float32ToBfloat16(values: Float32Array): Uint16Array<ArrayBuffer> {
  const bits = toBits(values);
  const out = new Uint16Array(values.length);
  for (let i = 0; i < out.length; i++) {
    const word = bits[i]!;
    const notANumber = (word & 0x7fffffff) > 0x7f800000;
    out[i] = notANumber ? (word >>> 16) | 0x40 : (word + 0x7fff + ((word >>> 16) & 1)) >>> 16;
  }
  return out;
}

function toBits(values: Float32Array): Uint32Array {
  return new Uint32Array(values.buffer, values.byteOffset, values.length);
}
