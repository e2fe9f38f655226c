// Values and gradients where formulas have no slope, no digits or nothing to add up: zeros, ties, infinities, NaN, the
// ends of int32. The expected ones are PyTorch's and NumPy's, in test/fixtures/corners (make.py says which is whose), on
// every backend in every dtype that it has. Read next: ../tensor/precision.test.ts.
import { readFileSync } from "node:fs";
import { Dropout, grad, MultiheadAttention, scaledDotProductAttention, variable } from "@echo-ts/autograd";
import * as T from "@echo-ts/tensor";
import t, { type Test } from "tap";

type Values = number | string | boolean | readonly Values[];

interface Corner {
  readonly op: string;
  readonly inputs: readonly Values[];
  readonly params: Readonly<Record<string, Values>>;
  readonly dtype: "float32" | "float64" | "int32";
  /** True if float32 would round the inputs to others. */
  readonly only?: boolean;
  readonly upstream: Values | null;
  readonly value: Values;
  readonly gradients: readonly (Values | null)[];
  readonly resultDtype?: T.DType;
}

const { cases } = JSON.parse(
  readFileSync(new URL("../../fixtures/corners/corners.json", import.meta.url), "utf8"),
) as { readonly cases: readonly Corner[] };

/** The flat numbers of nested arrays in which what is not finite is a text. */
const flat = (values: Values): number[] => (Array.isArray(values) ? values.flatMap(flat) : [Number(values)]);

function shapeOf(values: Values): number[] {
  return Array.isArray(values) ? [values.length, ...(values.length > 0 ? shapeOf(values[0]) : [])] : [];
}

function tensorOf(values: Values, dtype: T.DType): T.Tensor {
  const array = { float32: Float32Array, float64: Float64Array, int32: Int32Array, bool: Uint8Array }[dtype];
  return T.tensor(array.from(flat(values)), { shape: shapeOf(values) });
}

type Inputs = readonly T.Tensor[];

/** How each op is called with the parameters of its cases. */
const CALLS: Readonly<Record<string, (x: Inputs, params: Readonly<Record<string, Values>>) => T.Tensor>> = {
  norm: ([x], { axes, p }) => T.norm(x!, axes as T.Axes, false, Number(p)),
  std: ([x], { axes, correction }) => T.std(x!, axes as T.Axes, false, correction as number | undefined),
  variance: ([x], { axes }) => T.variance(x!, axes as T.Axes),
  mean: ([x], { axes }) => T.mean(x!, axes as T.Axes),
  cosineSimilarity: ([a, b]) => T.cosineSimilarity(a!, b!),
  atan2: ([a, b]) => T.atan2(a!, b!),
  pow: ([a, b]) => T.pow(a!, b!),
  mod: ([a, b]) => T.mod(a!, b!),
  max: ([x], { axes }) => T.max(x!, axes as T.Axes),
  min: ([x], { axes }) => T.min(x!, axes as T.Axes),
  maximum: ([a, b]) => T.maximum(a!, b!),
  minimum: ([a, b]) => T.minimum(a!, b!),
  elu: ([x]) => T.elu(x!),
  prod: ([x], { axes }) => T.prod(x!, axes as T.Axes),
  sort: ([x], { axes }) => T.sort(x!, axes as number).values,
  topk: ([x], { k, axes, largest }) =>
    T.topk(x!, Number(k ?? 1), (axes as number) ?? -1, largest !== false).values,
  argsort: ([x], { axes }) => T.argsort(x!, axes as number),
  argmax: ([x], { axes }) => T.argmax(x!, axes as number),
  argmin: ([x], { axes }) => T.argmin(x!, axes as number),
  flip: ([x], { axes }) => T.flip(x!, axes as number),
  squeeze: ([x], { axes }) => T.squeeze(x!, axes as number),
  flatten: ([x]) => T.flatten(x!),
  gather: ([x], { axes }) => T.gather(x!, axes as number, tensorOf(0, "int32")),
  repeat: ([x], { axes }) => T.repeat(x!, 2, axes as number),
  softmax: ([x], { axes }) => T.softmax(x!, axes as number | undefined),
  logSoftmax: ([x]) => T.logSoftmax(x!),
  logSumExp: ([x], { axes }) => T.logSumExp(x!, axes as T.Axes),
  attention: ([q, k, v, bias]) => T.attention(q!, k!, v!, { bias: bias! }),
  sum: ([x], { axes }) => T.sum(x!, axes as T.Axes),
  cumsum: ([x]) => T.cumsum(x!),
  matmul: ([a, b]) => T.matmul(a!, b!),
  outer: ([a, b]) => T.outer(a!, b!),
  square: ([x]) => T.square(x!),
  neg: ([x]) => T.neg(x!),
  sub: ([a, b]) => T.sub(a!, b!),
  linear: ([x, weight]) => T.linear(x!, weight!),
  scatterAdd: ([x, source], { index }) => T.scatterAdd(x!, 0, tensorOf(index!, "int32"), source!),
  indexAdd: ([x, source], { index }) => T.indexAdd(x!, 0, tensorOf(index!, "int32"), source!),
  fold: ([x], { length }) => T.fold(x!, 0, Number(length)),
  einsum: ([a, b], { subscripts }) => T.einsum(subscripts as string, a!, b!),
  takeAlongAxis: ([x], { index, axis }) => T.takeAlongAxis(x!, axis as number, tensorOf(index!, "int32")),
};

/** Values of a tensor on any backend. */
const read = async (x: T.Tensor): Promise<number[]> => [...(await x.data())].map(Number);

/** True if each value is within `tolerance` of the expected one, in parts of it and of 1; NaN only matches NaN. */
function agree(actual: readonly number[], expected: readonly number[], tolerance: number): boolean {
  return (
    actual.length === expected.length &&
    actual.every((value, i) => {
      const wanted = expected[i]!;
      if (!Number.isFinite(wanted) || !Number.isFinite(value)) return Object.is(value, wanted);
      return Math.abs(value - wanted) <= tolerance * Math.max(1, Math.abs(wanted));
    })
  );
}

async function check(t: Test, corner: Corner, dtype: T.DType, backend: string): Promise<void> {
  const tolerance = dtype === "float32" ? 1e-6 : 1e-11;
  const what = `${corner.op} ${JSON.stringify(corner.inputs).slice(0, 60)} ${JSON.stringify(corner.params)} ${dtype}`;
  const wanted = corner.gradients.map((gradient) => gradient !== null);
  const inputs = corner.inputs.map((x, i) => {
    const constant = tensorOf(x, dtype);
    return wanted[i] ? variable(constant) : constant;
  });
  const y = CALLS[corner.op]!(inputs, corner.params);
  const value = await read(y);
  t.ok(agree(value, flat(corner.value), tolerance), `${what}: ${value} for ${flat(corner.value)}`);
  t.same(y.shape, shapeOf(corner.value), what);
  if (corner.resultDtype !== undefined) t.equal(y.dtype, corner.resultDtype, what);
  if (!wanted.includes(true)) return;
  y.backward(tensorOf(corner.upstream!, y.dtype));
  for (const [i, gradient] of corner.gradients.entries()) {
    if (gradient === null) continue;
    const got = await read(inputs[i]!.grad!);
    t.ok(
      agree(got, flat(gradient), tolerance),
      `${what}: gradient ${i} is ${got} for ${flat(gradient)}, ${backend}`,
    );
  }
}

const BACKENDS: readonly T.Backend[] = [
  T.findBackend("reference"),
  T.findBackend("wasm"),
  await T.initGpu({ mode: "cpu" }),
];

for (const backend of BACKENDS) {
  t.test(`values and gradients of PyTorch and NumPy, ${backend.name}`, async (t) => {
    T.setBackend(backend);
    for (const corner of cases) {
      await check(t, corner, corner.dtype, backend.name);
      if (corner.dtype === "float64" && !corner.only) await check(t, corner, "float32", backend.name);
    }
  });
}

for (const backend of BACKENDS) {
  t.test(`derivatives of powers at 0, however high, ${backend.name}`, async (t) => {
    T.setBackend(backend);
    type F = (x: T.Tensor) => T.Tensor;
    const derivatives = async (f: F, count: number): Promise<number[]> => {
      const out: number[] = [];
      for (let order = 1, g = f; order <= count; order++) {
        g = grad(g);
        out.push(0 + (await read(g(T.tensor(0))))[0]!);
      }
      return out;
    };
    t.same(await derivatives((x) => T.pow(x, 2), 4), [0, 2, 0, 0]);
    t.same(await derivatives((x) => T.pow(x, 3), 5), [0, 0, 6, 0, 0]);
    // HIPS/autograd#116
    t.same(await derivatives((x) => T.exp(T.neg(T.pow(x, 2))), 4), [0, -2, 0, 12]);
    t.same(await derivatives((x) => T.norm(T.stack([x, T.mul(x, 2)])), 2), [0, 0]);
  });

  t.test(
    `a query that may see no key gives 0 and finite gradients by every path, ${backend.name}`,
    async (t) => {
      T.setBackend(backend);
      const { NEGATIVE_INFINITY: never } = Number;
      const forbidden = T.tensor([
        [0, never, 0],
        [never, never, never],
        [0, 0, 0],
      ]);
      const dropout = new Dropout(0.5);
      dropout.initialize(1);
      const paths: Readonly<Record<string, Parameters<typeof scaledDotProductAttention>[3]>> = {
        bias: { bias: forbidden },
        "bias with gradient": { bias: variable(forbidden) },
        "bias and causal": { bias: forbidden, causal: true },
        // The mask leaves keys that the bias forbids.
        "mask and bias": { mask: T.tensor([true, false, true]), bias: forbidden },
        "bias and dropout": { bias: forbidden, dropout },
        "negative scale": { bias: forbidden, scale: -1 },
      };
      for (const [name, options] of Object.entries(paths)) {
        const [q, k, v] = [0, 1, 2].map((i) =>
          variable(
            T.tensor([
              [
                [1, i],
                [0.5, 2],
                [i, -1],
              ],
            ]),
          ),
        );
        const out = scaledDotProductAttention(q!, k!, v!, options);
        const rows = await read(out);
        t.same(rows.slice(2, 4), [0, 0], name);
        t.ok(rows.every(Number.isFinite), `${name}: ${rows}`);
        out.sum().backward();
        const inputs = options?.bias?.trace ? [q!, k!, v!, options.bias] : [q!, k!, v!];
        for (const x of inputs) t.ok((await read(x.grad!)).every(Number.isFinite), name);
        t.same(
          (await read(q!.grad!)).slice(2, 4).map((value) => value + 0),
          [0, 0],
          name,
        );
      }
      const layer = new MultiheadAttention(4, 2).initialize(1);
      const x = variable(
        T.tensor([
          [
            [1, 2, 3, 4],
            [4, 3, 2, 1],
            [0, 1, 0, 1],
          ],
        ]),
      );
      const out = layer.forward(x, x, x, { bias: forbidden });
      t.ok(agree((await read(out)).slice(4, 8), await read(layer.outProj.bias!), 1e-7));
      out.square().sum().backward();
      for (const [name, { grad }] of [["x", x] as const, ...layer.namedParameters()]) {
        t.ok((await read(grad!)).every(Number.isFinite), name);
      }
    },
  );
}
