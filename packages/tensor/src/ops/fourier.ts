// The discrete Fourier transform of real signals, defined as a matrix product with cosines and sines, which is quadratic
// in the size. The wasm backend has fast transforms (backends/wasm/fft.ts); the reference backend computes the definition.

import { apply, fromTypedArray } from "../apply.ts";
import { checkNumber, checkTensors } from "../arguments.ts";
import { type DType, newArray } from "../dtype.ts";
import { ShapeError } from "../errors.ts";
import { type FusedRow, floating, fused, rows } from "../op.ts";
import { formatShape } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { pad } from "./joining.ts";
import { matmul } from "./linear-algebra.ts";
import { checkedTensor, floatingTensor } from "./operands.ts";
import { narrow, reshape, transpose } from "./shaping.ts";

interface FourierParams {
  /** Length of the signal. */
  readonly size: number;
}

interface Rows {
  readonly rfft: FusedRow<FourierParams>;
  readonly irfft: FusedRow<FourierParams>;
}

const ROWS: Rows = rows<Rows>({
  rfft: fused(
    {
      meaning:
        "spectrum of a real signal along the last axis, [.., size/2 + 1, 2] as real and imaginary part",
      shape: ([x], { size }) => [...x!.shape.slice(0, -1), Math.floor(size / 2) + 1, 2],
      dtype: floating,
    },
    ([x], { size }) => {
      const spectrum = matmul(
        flatRows(x!),
        basis(size, x!.dtype, x!, () => 1),
      );
      return reshape(spectrum, [...x!.shape.slice(0, -1), Math.floor(size / 2) + 1, 2]);
    },
  ),
  // The transposed basis, with every bin that stands for two counted twice.
  irfft: fused(
    {
      meaning: "real signal of a spectrum [.., size/2 + 1, 2]",
      shape: ([x], { size }) => [...x!.shape.slice(0, -2), size],
      dtype: floating,
    },
    ([spectrum], { size }) => {
      const lead = spectrum!.shape.slice(0, -2);
      const bins = Math.floor(size / 2) + 1;
      const twice = (bin: number): number => (bin === 0 || 2 * bin === size ? 1 : 2) / size;
      const flat = reshape(spectrum!, [lead.reduce((n, m) => n * m, 1), bins * 2]);
      const synthesis = basis(size, spectrum!.dtype, spectrum!, twice);
      return reshape(matmul(flat, transpose(synthesis)), [...lead, size]);
    },
  ),
});
export default ROWS;

/** Cosines and negated sines, [size, bins * 2]: column 2k holds cos(2 pi k t / size), column 2k + 1 its -sin. */
function basis(size: number, dtype: DType, like: Tensor, weight: (bin: number) => number): Tensor {
  const bins = Math.floor(size / 2) + 1;
  const data = newArray(dtype, size * bins * 2);
  for (let t = 0; t < size; t++) {
    for (let k = 0; k < bins; k++) {
      // k t modulo size keeps the angle small, and so exact.
      const angle = (2 * Math.PI * ((k * t) % size)) / size;
      data[(t * bins + k) * 2] = Math.cos(angle) * weight(k);
      data[(t * bins + k) * 2 + 1] = -Math.sin(angle) * weight(k);
    }
  }
  return fromTypedArray(dtype, data, [size, bins * 2], like.backend);
}

/** All leading axes laid end to end: [.., T] -> [N, T]. */
const flatRows = (x: Tensor): Tensor =>
  reshape(x, [x.shape.slice(0, -1).reduce((n, m) => n * m, 1), x.shape[x.rank - 1]!]);

/**
 * Spectrum of a real signal along the last axis: [.., T] -> [.., size / 2 + 1, 2], real and imaginary part.
 * NumPy's rfft, with the signal cut or zero-padded to `size`.
 *
 * @param size length of the transform, default T
 * @throws ShapeError if the size is not a positive integer
 * @example rfft(ones([4])).shape // [3, 2]
 */
export function rfft(x: Tensor, size: number = x?.shape?.[x.rank - 1] ?? 0): Tensor {
  checkedTensor("rfft", x);
  if (x.rank === 0 || !Number.isInteger(size) || size < 1) {
    throw new ShapeError(
      `rfft: size must be a positive integer, got ${size} for shape ${formatShape(x.shape)}`,
    );
  }
  const length = x.shape[x.rank - 1]!;
  const fitted = length > size ? narrow(x, -1, 0, size) : length < size ? pad(x, [[0, size - length]]) : x;
  return apply(ROWS.rfft, [floatingTensor(fitted)], { size });
}

/**
 * Real signal of a spectrum as `rfft` gives it: [.., bins, 2] -> [.., size]. NumPy's irfft.
 *
 * @param size length of the signal, default 2 (bins - 1)
 * @throws ShapeError if the number of bins is not size / 2 + 1
 * @example irfft(rfft(ones([2, 4]))).shape // [2, 4]
 */
export function irfft(
  spectrum: Tensor,
  size: number = 2 * ((spectrum?.shape?.[spectrum.rank - 2] ?? 1) - 1),
): Tensor {
  checkTensors("irfft", { spectrum });
  checkNumber("irfft", "size", size);
  const bins = Math.floor(size / 2) + 1;
  if (
    !(Number.isInteger(size) && size >= 1) ||
    spectrum.rank < 2 ||
    spectrum.shape[spectrum.rank - 1] !== 2 ||
    spectrum.shape[spectrum.rank - 2] !== bins
  ) {
    throw new ShapeError(
      `irfft: expected [.., ${bins}, 2] for a signal of ${size}, got ${formatShape(spectrum.shape)}`,
    );
  }
  return apply(ROWS.irfft, [floatingTensor(spectrum)], { size });
}
