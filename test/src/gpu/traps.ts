// What gpu.js 2.24.1 gets wrong without a word, as cases that every mode of the backend must get right. Nothing here
// needs Node: the same cases run in browsers. Two more, that gpu.js may run a kernel in another mode and that
// bundlers rewrite functions, are tests of their own in backend.test.ts.
import * as e from "@echo-ts/tensor";

/** A trap and how to tell that it was not stepped into. */
export interface Trap {
  readonly name: string;
  /** Tensors made on the backend, one after the other, none awaited. */
  readonly make: () => readonly e.Tensor[];
  /** Their elements, as text, for JSON has no NaN. */
  readonly expected: readonly (readonly string[])[];
}

const { POSITIVE_INFINITY: inf, NaN: nan } = Number;

const texts = (values: ArrayLike<number>): string[] => Array.from(values, String);

const repeat = (value: number, count: number): string[] => texts(new Float32Array(count).fill(value));

const int = (values: number[]): e.Tensor => e.tensor(values, { dtype: "int32" });

/** One product per shape, wider and narrower in turn; each element is the inner size. */
const PRODUCTS: readonly (readonly [number, number, number])[] = [
  [2, 3, 4],
  [5, 1, 2],
  [1, 7, 3],
  [6, 2, 1],
  [3, 3, 3],
];

export const TRAPS: readonly Trap[] = [
  {
    name: "the output's width taken for an input's stride, when arguments are dynamic",
    make: () => [
      e.sum(
        e.transpose(
          e.tensor([
            [1, 2, 3],
            [4, 5, 6],
          ]),
        ),
        1,
      ),
    ],
    expected: [["5", "7", "9"]],
  },
  {
    name: "the first shape's strides kept for all later ones",
    make: () => PRODUCTS.map(([m, k, n]) => e.matmul(e.ones([m, k]), e.ones([k, n]))),
    expected: PRODUCTS.map(([m, k, n]) => repeat(k, m * n)),
  },
  {
    name: "loops cut off after 1000 rounds",
    make: () => [
      e.ones([3, 2600]).sum(1),
      e.matmul(e.ones([1, 2600]), e.ones([2600, 1])),
      e.argmax(e.reshape(e.arange(2600).cast("float32"), [1, 2600]), 1),
      e.conv1d(e.ones([1, 2600, 1]), e.ones([1, 2600, 1])),
      e.indexAdd(e.zeros([2, 1]), 0, e.zeros([2600], { dtype: "int32" }), e.ones([2600, 1])),
    ],
    expected: [repeat(2600, 3), ["2600"], ["2599"], ["2600"], ["2600", "0"]],
  },
  {
    name: "the last output size used for all calls made before the first was built",
    make: () => [e.softmax(e.zeros([2])), e.softmax(e.zeros([4]))],
    expected: [repeat(0.5, 2), repeat(0.25, 4)],
  },
  {
    name: "a result overwritten by the next call of its kernel",
    make: () => [e.sum(e.ones([2, 3]), 1), e.sum(e.full([2, 3], 5), 1)],
    expected: [
      ["3", "3"],
      ["15", "15"],
    ],
  },
  {
    name: "a result that cannot be an argument, on the modes that give plain arrays",
    make: () => [e.matmul(e.matmul(e.ones([2, 2]), e.ones([2, 2])), e.ones([2, 1]))],
    expected: [["4", "4"]],
  },
  {
    name: "more than seven inputs",
    make: () => [e.concat(Array.from({ length: 20 }, (_, i) => e.full([1], i)))],
    expected: [texts(Array.from({ length: 20 }, (_, i) => i))],
  },
  {
    name: "integers rounded to float32",
    make: () => [
      e.add(int([16_777_217]), int([1])),
      e.where(e.tensor([1, 0]).greater(0.5), int([16_777_217]), int([3])),
    ],
    expected: [["16777218"], ["16777217", "3"]],
  },
  {
    name: "outputs without elements",
    make: () => [e.mul(e.ones([0, 3]), 2), e.sum(e.ones([0, 3]), 0)],
    expected: [[], ["0", "0", "0"]],
  },
  {
    name: "functions undefined or loose at their limits",
    make: () => [
      e.tanh(e.tensor([100, -100, 50])),
      e.log(e.tensor([0, -1, inf, nan])),
      e.exp(e.tensor([200, -200])),
      e.sqrt(e.tensor([-1, 4])),
      e.pow(e.tensor([-2, -2, 0]), e.tensor([3, 0.5, -1])),
      // Whole multiples of pi and a half, in float32: 1 to within its rounding.
      e.greater(e.abs(e.sin(e.tensor([1.5707964, 4.712389, 102.10176]))), 0.999999),
    ],
    expected: [
      ["1", "-1", "1"],
      ["-Infinity", "NaN", "Infinity", "NaN"],
      ["Infinity", "0"],
      ["NaN", "2"],
      ["-8", "NaN", "Infinity"],
      ["1", "1", "1"],
    ],
  },
  {
    name: "NaN and infinity lost in comparisons, differences and kernel sources",
    make: () => [
      e.maximum(e.tensor([nan, 1]), e.tensor([1, nan])),
      e.max(e.tensor([1, nan, 2])),
      e.isNaN(e.tensor([nan, 1])),
      e.relu(e.tensor([nan, -1])),
      e.sub(e.tensor([inf, 1]), e.tensor([inf, inf])),
      e.softmax(e.tensor([0, -inf])),
      e.softmax(e.full([2], -inf)),
    ],
    expected: [
      ["NaN", "NaN"],
      ["NaN"],
      ["1", "0"],
      ["NaN", "0"],
      ["NaN", "-Infinity"],
      ["1", "0"],
      ["NaN", "NaN"],
    ],
  },
];

/** What a trap gives on a backend. */
export async function runTrap({ make }: Trap, backend: e.Backend): Promise<string[][]> {
  const made = e.withBackend(backend, make);
  return Promise.all(made.map(async (x) => texts(await x.data())));
}
