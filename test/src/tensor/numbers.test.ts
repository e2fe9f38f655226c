// Typed arrays of every kind become numbers, bool is for who asks for it, and what a dtype does not hold is refused, as in
// NumPy 2. ndarrays follow the same rules, and must not lead outside their data. On every backend.
import * as T from "@echo-ts/tensor";
import { fromNdarray } from "@echo-ts/tensor/ndarray";
import ndarray from "ndarray";
import t, { type Test } from "tap";
import { everyBackend } from "./every-backend.ts";

const backends = await everyBackend();
const onEach = (name: string, body: (t: Test) => void): void => {
  for (const backend of backends)
    t.test(`${name}, ${backend.name}`, async (t) => T.withBackend(backend, () => body(t)));
};

/** Arrays with a dtype and values as they must come out. */
const ARRAYS: readonly (readonly [T.NumberArray, T.DType, readonly number[]])[] = [
  [Int8Array.of(-128, 127), "int32", [-128, 127]],
  [Uint8Array.of(0, 128, 255), "int32", [0, 128, 255]],
  [Uint8Array.of(0, 1), "int32", [0, 1]],
  [Uint8ClampedArray.of(0, 128, 255), "int32", [0, 128, 255]],
  [Buffer.from([0, 128, 255]), "int32", [0, 128, 255]],
  [Int16Array.of(-32768, 32767), "int32", [-32768, 32767]],
  [Uint16Array.of(0, 65535), "int32", [0, 65535]],
  [Int32Array.of(-2147483648, 2147483647), "int32", [-2147483648, 2147483647]],
  [Uint32Array.of(0, 2147483647), "int32", [0, 2147483647]],
  [Uint32Array.of(0, 2147483648), "float32", [0, 2147483648]],
  [BigInt64Array.of(-5n, 7n), "int32", [-5, 7]],
  [BigUint64Array.of(7n), "int32", [7]],
  [Float32Array.of(0.5, Number.NaN), "float32", [0.5, Number.NaN]],
  [Float64Array.of(0.1, Number.POSITIVE_INFINITY), "float64", [0.1, Number.POSITIVE_INFINITY]],
  [new Uint8Array(0), "int32", []],
];

onEach("typed arrays become numbers", (t) => {
  for (const [array, dtype, values] of ARRAYS) {
    const what = `${array.constructor.name} ${values}`;
    const x = T.tensor(array);
    t.equal(x.dtype, dtype, what);
    t.equal(T.dtypeOfArray(array), dtype, what);
    t.same([...x.dataSync()], values, what);
    const y = fromNdarray(ndarray(array as Int32Array, [array.length]));
    t.equal(y.dtype, dtype, `${what} as ndarray`);
    t.same([...y.dataSync()], values, `${what} as ndarray`);
    const bool = T.tensor(array, { dtype: "bool" });
    t.same(
      [...bool.dataSync()],
      values.map((value) => Number(value !== 0)),
      `${what} as bool`,
    );
    if (values.every(Number.isFinite)) {
      t.same([...T.tensor(array, { dtype: "float64" }).dataSync()], values, `${what} as float64`);
    }
  }
  t.same(fromNdarray(ndarray(Uint8Array.of(1, 0, 3)), { dtype: "bool" }).toArray(), [true, false, true]);
  const pixels = ndarray(Uint8Array.of(1, 2, 3, 4, 5, 6), [2, 3])
    .transpose(1, 0)
    .step(-1, 1);
  t.same(fromNdarray(pixels).toArray(), [
    [3, 6],
    [2, 5],
    [1, 4],
  ]);
  // In nested arrays booleans alone make a bool.
  t.equal(T.tensor([true, false]).dtype, "bool");
  t.same(T.tensor([true, 0.5] as never).toArray(), [1, 0.5]);
});

onEach("what a dtype does not hold is refused", (t) => {
  const big = "which int32 does not hold (-2147483648 to 2147483647); use float64";
  const int32 = { dtype: "int32" } as const;
  const refusals: readonly (readonly [() => unknown, string])[] = [
    [() => T.tensor([1, 3e9], int32), `tensor: element 1 is 3000000000, ${big}`],
    [() => T.tensor(Number.NaN, int32), `tensor: element 0 is NaN, ${big}`],
    [() => T.tensor([[0], [Number.NEGATIVE_INFINITY]], int32), `tensor: element 1 is -Infinity, ${big}`],
    [() => T.tensor(Float32Array.of(3e9), int32), `tensor: element 0 is 3000000000, ${big}`],
    [() => T.tensor(Uint32Array.of(2 ** 31), int32), `tensor: element 0 is 2147483648, ${big}`],
    [() => T.full([2], 3e9, int32), `full: value is 3000000000, ${big}`],
    [() => T.fullLike(T.arange(2), Number.NaN), `fullLike: value is NaN, ${big}`],
    [() => T.arange(0, 6e9, 3e9, int32), `arange: the last number is 3000000000, ${big}`],
    [() => T.arange(-3e9, 0, 3e9, int32), `arange: start is -3000000000, ${big}`],
    [
      () => T.tensor(BigInt64Array.of(2n ** 40n)),
      'tensor: a BigInt64Array with 1099511627776, which int32 does not hold; ask for { dtype: "float64" }, exact up to 2^53',
    ],
    [
      () => T.tensor(new DataView(new ArrayBuffer(8)) as never),
      "tensor: expected a typed array, got DataView",
    ],
    [() => T.tensor(new ArrayBuffer(8) as never), "tensor: expected numbers or booleans, got ArrayBuffer"],
    [() => T.tensor(["1"] as never), 'tensor: expected numbers or booleans, got "1"'],
    [() => T.tensor(undefined as never), "tensor: expected numbers or booleans, got undefined"],
    [() => T.dtypeOfArray([1] as never), "dtypeOfArray: expected a typed array, got an array of 1"],
  ];
  for (const [call, message] of refusals) t.throws(call, { name: "DtypeError", message });
  t.same(
    T.tensor([2147483647.9, -2147483648.9, -0.5], int32).toArray(),
    [2147483647, -2147483648, 0],
    "cut off",
  );
});

onEach("an ndarray that leads outside its data is refused", (t) => {
  const data = Float32Array.of(1, 2, 3, 4);
  for (const [shape, stride, offset] of [
    [[5], [1], 0],
    [[2, 2], [2, 1], 1],
    [[2], [-1], 0],
    [[2], [1], -1],
    [[1], [1], 4],
    [[2], [0.5], 0],
    [[-1], [1], 0],
  ] as const) {
    t.throws(() => fromNdarray(ndarray(data, [...shape], [...stride], offset)), {
      name: "ShapeError",
      message: `fromNdarray: shape [${shape.join(", ")}], stride [${stride.join(", ")}] and offset ${offset} lead outside the 4 elements`,
    });
  }
  t.same(fromNdarray(ndarray(data, [2], [-3], 3)).toArray(), [4, 1]);
  t.same(fromNdarray(ndarray(data, [0, 3], [9, 9], 7)).toArray(), []);
  t.throws(() => fromNdarray(ndarray([1, 2]) as never), {
    message: "fromNdarray: expected an ndarray over a typed array; convert its data first",
  });
  t.throws(() => fromNdarray({} as never), {
    name: "ArgumentError",
    message: "fromNdarray: array must be an ndarray, got an object {}",
  });
});
