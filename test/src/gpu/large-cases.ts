// Ops at sizes where the gpu backend takes other ways than the op tables do: products of four elements a thread, long
// runs that are split, scores that are too many for one array. Nothing here needs Node.
import * as e from "@echo-ts/tensor";
import { maxNorm } from "./op-cases.ts";

/** An op at some size. */
export interface LargeCase {
  readonly name: string;
  /** True if software rendering takes seconds for it. */
  readonly slow?: boolean;
  readonly make: () => e.Tensor;
}

const normal = (shape: readonly number[], name: string): e.Tensor =>
  e.randomNormal([...shape], e.stream(1, name));

/** The same shape, from memory in the opposite order of axes. */
const turned = (shape: readonly number[], name: string): e.Tensor =>
  e.permute(normal([...shape].reverse(), name), [...shape.keys()].reverse());

/** Left and right factor; the last is too narrow for four columns a thread. */
const PRODUCTS: readonly (readonly [number[], number[]])[] = [
  [
    [16, 33],
    [33, 20],
  ],
  [
    [3, 8, 4],
    [4, 16],
  ],
  [
    [2, 3, 9, 5],
    [2, 3, 5, 16],
  ],
  [
    [3, 9, 5],
    [2, 3, 5, 24],
  ],
  [
    [2, 2, 2, 8, 3],
    [2, 2, 1, 3, 16],
  ],
  [
    [70, 40],
    [40, 66],
  ],
];

/** [2, 3, 20, 8] as a model makes it: frames before heads in memory. */
const heads = (name: string): e.Tensor => e.permute(normal([2, 20, 3, 8], name), [0, 2, 1, 3]);

export const LARGE_CASES: readonly LargeCase[] = [
  ...PRODUCTS.flatMap(([a, b]) => [
    { name: `matmul [${a}] [${b}]`, make: () => e.matmul(normal(a, "a"), normal(b, "b")) },
    { name: `matmul [${a}] [${b}], turned`, make: () => e.matmul(turned(a, "a"), turned(b, "b")) },
  ]),
  {
    name: "linear with bias",
    make: () => e.linear(normal([2, 9, 7], "x"), normal([20, 7], "w"), normal([20], "b")),
  },
  ...[false, true].flatMap((causal) => [
    {
      name: `attention, causal: ${causal}`,
      make: () => e.attention(heads("q"), heads("k"), heads("v"), { causal }),
    },
    {
      name: `attention with bias, causal: ${causal}`,
      make: () => e.attention(heads("q"), heads("k"), heads("v"), { causal, bias: normal([20, 20], "b") }),
    },
  ]),
  { name: "sum of 5000", make: () => e.sum(normal([3, 5000], "x"), 1) },
  { name: "sum along the first axis", make: () => e.sum(normal([5000, 3], "x"), 0) },
  { name: "softmax of 3000", make: () => e.softmax(normal([4, 3000], "x")) },
  {
    name: "layerNorm of 3000",
    make: () => e.layerNorm(normal([4, 3000], "x"), e.ones([3000]), e.zeros([3000])),
  },
  {
    name: "attention with more scores than float32 can count",
    slow: true,
    make: () =>
      e.attention(normal([4100, 1], "q"), normal([4100, 1], "k"), normal([4100, 1], "v"), {
        causal: true,
        bias: normal([4100], "b"),
      }),
  },
];

/** How far a case on a backend is from the same on the reference backend (the wasm backend if slow), in the maximum norm. */
export async function compareLarge({ make, slow }: LargeCase, backend: e.Backend): Promise<number> {
  const expected = e.withBackend(slow ? "wasm" : "reference", make);
  return maxNorm(await e.withBackend(backend, make).data(), expected.dataSync());
}
