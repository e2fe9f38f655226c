// The ops that users look for on their first day: PyTorch's values and gradients on every backend (fixtures/more-ops,
// made by the script beside them), what they mean beyond that, and bad input.
import { readFileSync } from "node:fs";
import { MultiheadAttention, scaledDotProductAttention, variable } from "@echo-ts/autograd";
import * as e from "@echo-ts/tensor";
import { type DType, type Tensor, tensor, withBackend } from "@echo-ts/tensor";
import t from "tap";

interface Plain {
  readonly dtype: DType;
  readonly shape: readonly number[];
  /** NaN and infinities are texts. */
  readonly values: readonly (number | string | boolean)[];
}

interface Case {
  readonly op: string;
  readonly note: string;
  readonly inputs: readonly Plain[];
  readonly args: readonly unknown[];
  readonly output: Plain;
  readonly cotangent?: Plain;
  /** Of the inputs of floats, in order. */
  readonly gradients?: readonly Plain[];
}

const { cases } = JSON.parse(
  readFileSync(new URL("../../fixtures/more-ops/more-ops.json", import.meta.url), "utf8"),
) as { readonly cases: readonly Case[] };

/** How a case is called here where it is not by its name, with the tensors first. */
const CALLS: Readonly<Record<string, (inputs: readonly Tensor[], args: readonly never[]) => Tensor>> = {
  einsum: (inputs, [equation]) => e.einsum(equation!, ...inputs),
  scatter: ([x, source], [axis, index, value]) =>
    e.scatter(x!, axis!, tensor(index!, { dtype: "int32" }), source ?? value!),
  median: ([x], [axis, keepDims]) => e.median(x!, axis ?? undefined, keepDims),
  argmax: ([x], [axis, keepDims]) => e.argmax(x!, axis ?? undefined, keepDims),
  argmin: ([x], [axis, keepDims]) => e.argmin(x!, axis ?? undefined, keepDims),
  attention: ([q, k, v, bias = null]) => e.attention(q!, k!, v!, { causal: "bottom-right", bias }),
  T: ([x]) => x!.T,
  unbind: ([x], [axis, part]) => e.unbind(x!, axis)[part!]!,
};

/** The function of a case by its name, with the tensors first and the other arguments behind. */
function call(op: string, inputs: readonly Tensor[], args: readonly unknown[]): Tensor {
  const own = CALLS[op];
  if (own !== undefined) return own(inputs, args as readonly never[]);
  const named = e as unknown as Record<string, (...all: unknown[]) => Tensor>;
  return named[op]!(...inputs, ...args);
}

const numbers = ({ values }: Plain): number[] => values.map(Number);
const given = (x: Plain, dtype: DType = x.dtype): Tensor =>
  tensor(numbers(x), { shape: x.shape, dtype: x.dtype === "float64" ? dtype : x.dtype });

/** Largest difference, relative to the larger of 1 and the expected magnitude; NaN and infinities must be equal. */
function difference(actual: Tensor, expected: Plain): number {
  if (e.formatShape(actual.shape) !== e.formatShape(expected.shape)) return Number.POSITIVE_INFINITY;
  const got = actual.dataSync();
  return numbers(expected).reduce((worst, value, i) => {
    if (Object.is(got[i], value) || got[i] === value) return worst;
    const error = Math.abs(got[i]! - value) / Math.max(1, Math.abs(value));
    return Number.isNaN(error) ? Number.POSITIVE_INFINITY : Math.max(worst, error);
  }, 0);
}

/** Largest error of output and gradients. */
function worst({ op, inputs, args, output, cotangent, gradients }: Case, dtype: DType): number {
  const leaves = inputs.map((x) => (x.dtype === "float64" ? variable(given(x, dtype)) : given(x)));
  const y = call(op, leaves, args);
  const errors = [difference(y, output)];
  if (cotangent !== undefined) {
    y.backward(given(cotangent, dtype));
    const floats = leaves.filter((x) => x.requiresGrad);
    gradients!.forEach((gradient, i) => {
      errors.push(difference(floats[i]!.grad!, gradient));
    });
  }
  return Math.max(...errors);
}

/** Cases with inputs that float32 holds exactly, of ops that do not magnify a rounding error. */
const exactInFloat32 = ({ inputs, note }: Case): boolean =>
  note !== "edges" && inputs.every((x) => numbers(x).every((v) => Math.fround(v) === v && Math.abs(v) < 64));

for (const backend of ["reference", "wasm"]) {
  t.test(`PyTorch's values and gradients, backend ${backend}`, async (t) => {
    withBackend(backend, () => {
      for (const one of cases) {
        const name = `${one.op} ${one.inputs.map((x) => e.formatShape(x.shape)).join(" ")} ${JSON.stringify(one.args)} ${one.note}`;
        t.ok(worst(one, "float64") < 1e-12, `${name}: ${worst(one, "float64")}`);
        if (exactInFloat32(one))
          t.ok(worst(one, "float32") < 2e-6, `${name}, float32: ${worst(one, "float32")}`);
      }
    });
  });
}

t.test("log2 of a power of 2 is its exponent, exactly", async (t) => {
  const exponents = Array.from({ length: 252 }, (_, i) => i - 126);
  const powers = exponents.map((k) => 2 ** k);
  t.same(e.log2(tensor(powers)).toArray(), exponents);
  t.same(e.log2(tensor(powers, { dtype: "float64" })).toArray(), exponents);
});

t.test("floorDivide and mod make up a, and so do the whole part of a / b and fmod", async (t) => {
  const draws = e.stream(3, "quotients");
  const numbersOf = (low: number, high: number): Tensor =>
    tensor(Float64Array.from({ length: 500 }, () => draws.uniform(low, high)));
  const [a, b] = [numbersOf(-1e3, 1e3), numbersOf(0.01, 3)];
  const back = e.add(e.mul(e.floorDivide(a, b), b), e.mod(a, b));
  t.ok(e.max(e.abs(e.sub(back, a))).item() < 1e-12);
  const cut = e.round(e.div(e.sub(a, e.fmod(a, b)), b));
  t.ok(e.max(e.abs(e.sub(e.add(e.mul(cut, b), e.fmod(a, b)), a))).item() < 1e-12);
  t.equal(e.floorDivide(e.arange(4), 0).sum().item(), 0, "an integer by 0");
});

t.test("what was picked and put back makes the tensor again", async (t) => {
  const x = e.randomNormal([4, 5], e.stream(5, "more-ops"));
  const places = e.nonzero(e.greater(x, 0));
  const flat = e.add(e.mul(e.select(places, 1, 0), 5), e.select(places, 1, 1));
  const picked = e.maskedSelect(x, e.greater(x, 0));
  t.same(e.indexSelect(e.reshape(x, [-1]), 0, flat).toArray(), picked.toArray());
  const back = e.scatter(e.zeros([20]), 0, flat, picked);
  t.same(back.toArray(), e.reshape(e.where(e.greater(x, 0), x, 0), [-1]).toArray());
  t.same(e.diagonal(e.diag(picked, -2), -2).toArray(), picked.toArray());
});

t.test("scatter lets the last of several values stay, and gives the gradient to it alone", async (t) => {
  const x = variable(e.zeros([3]));
  const source = variable(tensor([1, 2, 3]));
  const y = e.scatter(x, 0, tensor([1, 1, 0], { dtype: "int32" }), source);
  t.same(y.toArray(), [3, 2, 0]);
  y.backward(tensor([10, 20, 30]));
  t.same(
    [x.grad!.toArray(), source.grad!.toArray()],
    [
      [0, 0, 30],
      [0, 20, 10],
    ],
  );
});

t.test("dtypes stay, or are promoted as in arithmetic", async (t) => {
  const whole = tensor([4, 1, 9], { dtype: "int32" });
  const dtypes = {
    int32: [
      whole.diag(),
      whole.median(),
      whole.nanToNum(),
      whole.trunc(),
      whole.floorDivide(2),
      whole.cumprod(),
    ],
    float32: [whole.asin(), whole.log2(), whole.fmod(0.5), e.scatter(whole, 0, whole.argmin(0, true), 0.5)],
    bool: [
      whole.isClose(1),
      e.scatter(e.ones([2], { dtype: "bool" }), 0, whole.argmin(0, true), 0),
      whole.clone().isNaN(),
    ],
  };
  for (const [dtype, tensors] of Object.entries(dtypes)) {
    for (const [i, x] of tensors.entries()) t.equal(x.dtype, dtype, `${dtype} ${i}`);
  }
  t.equal(whole.unbind().length, 3);
  t.equal(e.zeros([2, 3, 4]).T.shape.join(), "4,3,2");
  t.equal(tensor(1).T.rank, 0);
  t.equal(tensor(3).allClose(3.0000001), true);
  t.equal(e.allClose(tensor([1, 2]), 1), false);
});

t.test("causal attention aligned at the bottom right", async (t) => {
  const draws = e.stream(9, "causal");
  const at = (...shape: number[]): Tensor => e.randomNormal(shape, draws);
  const [q, k, v] = [at(2, 4, 3), at(2, 4, 3), at(2, 4, 5)];
  t.test("is to the bit that at the top left where there are as many queries as keys", async (t) => {
    for (const backend of ["reference", "wasm"]) {
      await withBackend(backend, async () => {
        const [a, b, c] = await Promise.all([q, k, v].map((x) => e.toBackend(x, backend)));
        const given = variable(a!);
        const [whole, right] = ([true, "bottom-right"] as const).map((causal) => {
          const y = e.attention(given, b!, c!, { causal });
          y.backward(e.onesLike(y));
          return y.toArray();
        });
        t.same(whole, right, backend);
      });
    }
  });
  t.test("new queries behind keys that were kept give the last rows of the whole", async (t) => {
    const whole = e.attention(q, k, v, { causal: true });
    for (const rest of [1, 2, 3]) {
      const last = e.narrow(q, 1, 4 - rest, rest);
      for (const y of [
        e.attention(last, k, v, { causal: "bottom-right" }),
        scaledDotProductAttention(last, k, v, { causal: "bottom-right" }),
        scaledDotProductAttention(last, k, v, {
          causal: "bottom-right",
          mask: e.ones([1, 4], { dtype: "bool" }),
        }),
      ]) {
        t.ok(e.allClose(y, e.narrow(whole, 1, 4 - rest, rest), 1e-5, 1e-6), `${rest} queries`);
      }
    }
  });
  t.test("in MultiheadAttention too", async (t) => {
    const layer = new MultiheadAttention(4, 2);
    layer.initialize(1);
    const x = at(1, 5, 4);
    const whole = layer.forward(x, x, x, { causal: true });
    const last = layer.forward(e.narrow(x, 1, 3, 2), x, x, { causal: "bottom-right" });
    t.ok(e.allClose(last, e.narrow(whole, 1, 3, 2), 1e-5, 1e-6));
  });
  t.throws(() => e.attention(q, k, v, { causal: "lower" as never }), {
    message: 'attention: causal must be true or false or "bottom-right", got "lower"',
  });
});

t.test("a list of numbers is an operand that takes the dtype of the tensor", async (t) => {
  const x = tensor([
    [1, 2],
    [3, 4],
  ]);
  t.same(e.add(x, [10, 20]).toArray(), [
    [11, 22],
    [13, 24],
  ]);
  t.same(x.mul([[2], [3]]).toArray(), [
    [2, 4],
    [9, 12],
  ]);
  t.same(e.sub([1, 2], x.select(0, 0)).toArray(), [0, 0]);
  t.same(x.greater([1, 3]).toArray(), [
    [false, false],
    [true, true],
  ]);
  t.same(e.where(x.greater(2), [7, 8], [0, 1]).toArray(), [
    [0, 1],
    [7, 8],
  ]);
  t.same(e.add(e.zeros([3, 1]), []).shape, [3, 0]);
  const whole = tensor([1, 2], { dtype: "int32" });
  const double = tensor([1, 2], { dtype: "float64" });
  const truth = tensor([true, false]);
  const dtypes = [
    whole.add([1, 2]),
    whole.add([0.5, 2]),
    whole.add([2 ** 31, 0]),
    double.add([0.1, 0.2]),
    truth.maximum([false, true]),
    truth.add([1, 2]),
  ];
  t.same(
    dtypes.map((y) => y.dtype),
    ["int32", "float32", "float32", "float64", "bool", "int32"],
  );
  t.same(double.add([0.1, 0.2]).toArray(), [1.1, 2.2], "in float64, not rounded to float32 before");
  const y = variable(x);
  y.mul([5, 6]).sum().backward();
  t.same(y.grad!.toArray(), [
    [5, 6],
    [5, 6],
  ]);
});

t.test("bad input is refused by name", async (t) => {
  const x = e.zeros([2, 3]);
  const index = e.zeros([2, 1], { dtype: "int32" });
  const wrong = <T>(value: unknown): T => value as T;
  const refused: [() => unknown, string][] = [
    [
      () => e.maskedSelect(x, x),
      "maskedSelect: the mask must be bool, got float32; compare, as in greater(x, 0)",
    ],
    [
      () => e.maskedSelect(x, e.zeros([2], { dtype: "bool" })),
      "maskedSelect: shapes do not broadcast: [2, 3] and [2] (axis -1: 3 != 2)",
    ],
    [() => e.scatter(x, 1, index, e.zeros([2])), "scatter: index [2, 1] and source [2] differ in shape"],
    [() => e.scatter(x, 0, x, 1), "scatter: indices must be int32, got float32"],
    [
      () => e.scatter(x, 1, e.add(index, 3), 1),
      "scatter: index 3 at position 0 is out of range for axis 1 of size 3",
    ],
    [
      () => e.scatter(x, 1, index, wrong([1, 2])),
      "scatter: source must be a tensor or a number, got an array of 2",
    ],
    [() => e.diagonal(e.zeros([3])), "diagonal: expected rank 2 or more, got shape [3]"],
    [() => e.diagonal(x, 0, 1, -1), "diagonal: expected two axes, got axis 1 twice"],
    [() => e.diag(x, 0.5), "diag: offset must be an integer, got 0.5"],
    [() => e.diag(tensor(1)), "diag: expected a vector or a matrix, got shape []; diagonal takes any rank"],
    [() => e.dot(x, x), "dot: expected two vectors of one length, got [2, 3] and [2, 3]"],
    [() => e.median(e.zeros([0, 3]), 0), "median: nothing to choose from along axis 0 of shape [0, 3]"],
    [() => e.median(x, 0, wrong({})), "median: keepDims must be true or false, got an object {}"],
    [() => e.argmin(e.zeros([0])), "argmin: nothing to reduce over axes [0] of shape [0]"],
    [() => e.argmax(x, 2), "argmax: axis 2 is out of range for rank 2, expected -2 to 1"],
    [() => e.unbind(tensor(1)), "unbind: a tensor of rank 0 has no axis to take apart"],
    [() => e.nanToNum(x, wrong("0")), 'nanToNum: nan must be a number, got "0"'],
    [() => e.isClose(x, x, wrong({ rtol: 1 })), "isClose: rtol must be a number, got an object { rtol }"],
    [() => e.allClose(x, wrong("x")), "allClose: expected tensors, numbers or lists of numbers, got string"],
    [() => e.add([1, 2], 3), "add: expected at least one tensor, got an array of 2 and 3"],
    [() => x.mul([[1], [1, 2]]), "mul: ragged array, 2 entries at depth 1 where 1 was expected"],
    [() => x.mul(wrong(["1"])), 'mul: expected numbers or booleans, got "1"'],
    [() => x.mul([1, 2]), "mul: shapes do not broadcast: [2, 3] and [2] (axis -1: 3 != 2)"],
    [() => e.expand(x, [4, 3]), "expand: [2, 3] does not broadcast to [4, 3]"],
    [
      () => e.einsum("...i,...j->...ij", x, e.zeros([3, 3])),
      "einsum: shapes do not broadcast: [2] and [3] (axis -1: 2 != 3)",
    ],
    [() => e.einsum("...ijk", x), 'einsum: "...ijk" names 3 axes, operand 0 has shape [2, 3]'],
    [() => e.einsum("...i...", x), 'einsum: "...i..." has more than one "..."'],
  ];
  for (const [body, message] of refused) t.throws(body, { message }, message);
});
