// What a matrix product does with its finished block while it is still in the cache: bias, activation,
// residual. The numbering of the activations is shared with the unary operations in kernels.ts.
import { part, storePart } from "./lanes";
import { gelu, geluErf, relu, sigmoid, silu, tanh } from "./math";

export const RELU: i32 = 1;
export const GELU: i32 = 2;
export const GELU_ERF: i32 = 3;
export const SILU: i32 = 4;
export const TANH: i32 = 5;
export const SIGMOID: i32 = 6;

@inline function activate(kind: i32, x: v128): v128 {
  switch (kind) {
    case RELU: return relu(x);
    case GELU: return gelu(x);
    case GELU_ERF: return geluErf(x);
    case SILU: return silu(x);
    case TANH: return tanh(x);
    case SIGMOID: return sigmoid(x);
    default: return x;
  }
}

/** c = act(c + bias) + residual on a block of m x n; `pre` receives c + bias. */
export function epilogue(
  m: i32, n: i32, c: usize, ldc: i32, kind: i32, bias: usize, biasPerRow: bool, residual: usize, pre: usize,
): void {
  for (let i = 0; i < m; i++) {
    const rowBias: f32 = bias && biasPerRow ? load<f32>(bias + (i << 2)) : 0;
    for (let j = 0; j < n; j += 4) {
      const shift = (i * ldc + j) << 2;
      const wide = min(4, n - j);
      let x = part(c + shift, wide);
      if (bias) x = f32x4.add(x, biasPerRow ? f32x4.splat(rowBias) : part(bias + (j << 2), wide));
      if (pre) storePart(pre + shift, x, wide);
      x = activate(kind, x);
      if (residual) x = f32x4.add(x, part(residual + shift, wide));
      storePart(c + shift, x, wide);
    }
  }
}
