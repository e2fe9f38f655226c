// Fourier transforms of many sizes on wasm against the defining sums, computed here: powers of two, products of small
// primes, primes small and large, and one; gradients are in autograd/gradcheck.test.ts.
import { type DType, irfft, rfft, stream, type Tensor, tensor, withBackend } from "@echo-ts/tensor";
import t from "tap";

const SIZES = [
  1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 13, 15, 16, 25, 27, 30, 37, 41, 43, 60, 64, 94, 97, 100, 125, 243, 256,
  1000,
];
const ROWS = 2;

const draws = (count: number, seed: number): Float64Array => {
  const random = stream(seed, "fourier");
  return Float64Array.from({ length: count }, () => random.normal(0, 1));
};

const onWasm = (
  data: Float64Array,
  shape: number[],
  dtype: DType,
  run: (x: Tensor) => Tensor,
): ArrayLike<number> => withBackend("wasm", () => run(tensor(data, { shape, dtype })).dataSync());

/** Real and imaginary parts of the bins of one row. */
function spectrum(x: Float64Array): number[] {
  const n = x.length;
  return Array.from({ length: Math.floor(n / 2) + 1 }, (_, k) => {
    let [re, im] = [0, 0];
    x.forEach((value, i) => {
      re += value * Math.cos((2 * Math.PI * ((i * k) % n)) / n);
      im -= value * Math.sin((2 * Math.PI * ((i * k) % n)) / n);
    });
    return [re, im];
  }).flat();
}

/** The signal of bins, whose mirror images are their conjugates. */
function signal(bins: Float64Array, n: number): number[] {
  return Array.from({ length: n }, (_, i) => {
    let total = 0;
    for (let k = 0; k < n; k++) {
      const bin = Math.min(k, n - k);
      const angle = (2 * Math.PI * ((i * bin) % n)) / n;
      const im = bin === 0 || 2 * bin === n ? 0 : bins[2 * bin + 1]!;
      total += bins[2 * bin]! * Math.cos(angle) - im * Math.sin(angle);
    }
    return total / n;
  });
}

function distance(actual: ArrayLike<number>, expected: number[]): number {
  const scale = Math.max(...expected.map(Math.abs));
  return Math.max(...expected.map((value, i) => Math.abs(actual[i]! - value))) / scale;
}

for (const [dtype, tolerance] of [
  ["float64", 4e-14],
  ["float32", 3e-7],
] as const) {
  t.test(`rfft and irfft of every kind of size, ${dtype}`, async (t) => {
    for (const n of SIZES) {
      const x = draws(ROWS * n, n);
      const expected = [x.subarray(0, n), x.subarray(n)].flatMap(spectrum);
      const forward = distance(onWasm(x, [ROWS, n], dtype, rfft), expected);
      t.ok(forward < tolerance, `rfft of ${n}: ${forward}`);
      const width = 2 * Math.floor(n / 2) + 2;
      const bins = draws(ROWS * width, n + 1);
      const samples = [bins.subarray(0, width), bins.subarray(width)].flatMap((row) => signal(row, n));
      const inverse = distance(
        onWasm(bins, [ROWS, width / 2, 2], dtype, (y) => irfft(y, n)),
        samples,
      );
      t.ok(inverse < tolerance, `irfft of ${n}: ${inverse}`);
    }
  });
}

t.test("a transform too large for its definition as a matrix comes back to its signal", async (t) => {
  const size = 2 ** 16 * 3;
  const x = draws(size, 7);
  const y = onWasm(x, [size], "float64", (signal) => irfft(rfft(signal), size));
  t.ok(x.every((value, i) => Math.abs(value - y[i]!) < 1e-12));
});
