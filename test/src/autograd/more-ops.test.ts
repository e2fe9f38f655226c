// The ops that users look for on their first day: PyTorch's values and gradients on every backend (fixtures/more-ops,
// made by the script beside them), what they mean beyond that, and bad input.
import { readFileSync } from "node:fs";
import { variable } from "@echo-ts/autograd";
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

/** How a case is called here where name and arguments are not simply those of the case. */
const CALLS: Readonly<Record<string, (inputs: readonly Tensor[], args: readonly never[]) => Tensor>> = {};

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
