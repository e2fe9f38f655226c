// What the benchmark computes: ops of a small speech model, with how much arithmetic and memory each needs. Read next:
// bench.ts, which times them.
import { add, attention, matmul, randomNormal, softmax, stream, type Tensor, tanh } from "@echo-ts/tensor";

/** One calculation. */
export interface Item {
  readonly name: string;
  /** Floating-point operations of one run; a tanh or an exponential counts as one. */
  readonly operations: number;
  /** Bytes that must be read and written. */
  readonly bytes: number;
  /** Also for slow engines. */
  readonly small: boolean;
  /** Makes the inputs and returns the run. */
  readonly make: () => () => Tensor;
}

const normal = (shape: readonly number[], name: string): Tensor => randomNormal([...shape], stream(1, name));

const product = (size: number): Item => ({
  name: `product of two ${size} × ${size} matrices`,
  operations: 2 * size ** 3,
  bytes: 12 * size ** 2,
  small: size <= 64,
  make: () => {
    const [a, b] = [normal([size, size], "a"), normal([size, size], "b")];
    return () => matmul(a, b);
  },
});

const rowwise = (size: number): Item => ({
  name: `softmax of ${size} rows of ${size}`,
  operations: 3 * size ** 2,
  bytes: 8 * size ** 2,
  small: size <= 64,
  make: () => {
    const x = normal([size, size], "x");
    return () => softmax(x);
  },
});

/** All items, smallest work first. */
export const ITEMS: readonly Item[] = [
  product(64),
  product(256),
  product(512),
  {
    name: "sum of two arrays of 1 048 576",
    operations: 2 ** 20,
    bytes: 12 * 2 ** 20,
    small: false,
    make: () => {
      const [a, b] = [normal([2 ** 20], "a"), normal([2 ** 20], "b")];
      return () => add(a, b);
    },
  },
  {
    name: "tanh of 262 144 numbers",
    operations: 2 ** 18,
    bytes: 8 * 2 ** 18,
    small: false,
    make: () => {
      const x = normal([2 ** 18], "x");
      return () => tanh(x);
    },
  },
  rowwise(64),
  rowwise(512),
  {
    name: "attention, 8 heads, 256 frames of 64",
    operations: 8 * (4 * 256 * 256 * 64 + 3 * 256 * 256),
    bytes: 4 * 8 * 4 * 256 * 64,
    small: false,
    make: () => {
      const [q, k, v] = ["q", "k", "v"].map((name) => normal([1, 8, 256, 64], name)) as [
        Tensor,
        Tensor,
        Tensor,
      ];
      return () => attention(q, k, v);
    },
  },
];
