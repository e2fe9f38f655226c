// exportOnnx: what is in a file, sizes that differ from call to call, and what is refused.
import { spawnSync } from "node:child_process";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Linear, MultiheadAttention } from "@echo-ts/autograd";
import { exportOnnx, type OnnxOptions } from "@echo-ts/autograd/onnx";
import * as e from "@echo-ts/tensor";
import { type Shape, stream, type Tensor, tensor } from "@echo-ts/tensor";
import { transformSync } from "esbuild";
import t, { type Test } from "tap";
import { faultsOf, readOnnx } from "./onnx-model.ts";
import { OnnxSession } from "./onnx-session.ts";

t.setTimeout(300_000);

type Inputs = Record<string, Tensor>;

function random(shape: Shape, name = "onnx"): Tensor {
  const draws = stream("onnx-export", name);
  const size = shape.reduce((n, m) => n * m, 1);
  return tensor(
    Float64Array.from({ length: size }, () => draws.uniform(-2, 2)),
    { shape, dtype: "float32" },
  );
}

/** Exports fn, and compares it with itself at these shapes of its one input x. */
async function agrees(
  t: Test,
  fn: (x: Tensor) => Tensor,
  shapes: readonly Shape[],
  options: OnnxOptions = {},
): Promise<void> {
  const file = await exportOnnx(({ x }: { x: Tensor }) => fn(x), { x: random(shapes[0]!) }, options);
  t.same(faultsOf(readOnnx(file)), []);
  const session = await OnnxSession.open(file);
  for (const shape of shapes) {
    const x = random(shape, String(shape));
    const { output } = await session.run({ x });
    const expected = fn(x);
    t.same(output!.shape, expected.shape, `shape of ${shape}`);
    t.ok(e.allClose(output!, expected, 1e-5, 1e-6), `values of ${shape}`);
  }
  await session.close();
}

const BATCH_AND_TIME = { dynamicAxes: { x: { 0: "batch", 1: "time" } } };

t.test("sizes that differ from call to call", async (t) => {
  const shapes = [
    [2, 6, 4],
    [1, 3, 4],
    [5, 9, 4],
    [1, 2, 4],
  ];
  const cases: Record<string, (x: Tensor) => Tensor> = {
    "two axes joined": (x) => e.reshape(x, [-1, 4]),
    "an axis split and moved": (x) => e.permute(e.reshape(x, [x.shape[0]!, x.shape[1]!, 2, 2]), [0, 2, 1, 3]),
    "a mean, whose divisor is a size": (x) => e.mean(x, 1),
    "a mean over two axes": (x) => e.mean(x, [0, 1]),
    "positions made on the host": (x) =>
      e.add(x, e.unsqueeze(e.arange(3, x.shape[1]! + 3, 1, { dtype: "float32" }), 1)),
    "zeros made on the host": (x) => e.concat([e.zeros([x.shape[0]!, 2, 4]), x], 1),
    "all but the last": (x) => e.slice(x, [null, { stop: x.shape[1]! - 1 }]),
    backwards: (x) => e.flip(x, 1),
    "from both ends": (x) => e.add(x, e.flip(x, [0, 1])),
    "a running sum": (x) => e.cumsum(x, 1),
    "a causal mask": (x) => e.attention(x, x, x, { causal: true }),
    stretched: (x) => e.broadcastTo(e.narrow(x, 1, 0, 1), x.shape),
    "sorted along it": (x) => e.sort(x, 1).values,
    windows: (x) =>
      e.unfold(
        e.pad(x, [
          [0, 0],
          [1, 1],
          [0, 0],
        ]),
        1,
        3,
        2,
        1,
      ),
    "a convolution with a stride, then the positions of its frames": (x) => {
      const y = e.conv1d(
        e.permute(x, [0, 2, 1]),
        e.reshape(e.arange(0, 24, 1, { dtype: "float32" }), [2, 4, 3]),
        null,
        {
          stride: 2,
          padding: 1,
        },
      );
      return e.add(y, e.arange(0, y.shape[2]!, 1, { dtype: "float32" }));
    },
  };
  for (const [name, fn] of Object.entries(cases)) {
    await t.test(name, async (t) => agrees(t, fn, shapes, BATCH_AND_TIME));
  }
});

t.test("a table that was made on the host is kept whole", async (t) => {
  const table = (rows: number): Tensor =>
    tensor(
      Float64Array.from({ length: rows * 4 }, (_, i) => Math.sin(i * i)),
      { shape: [rows, 4], dtype: "float32" },
    );
  const fn = (x: Tensor): Tensor => e.add(x, table(x.shape[1]!));
  await t.rejects(
    exportOnnx(({ x }: Inputs) => fn(x!), { x: random([2, 5, 4]) }, BATCH_AND_TIME),
    {
      name: "OnnxError",
      message:
        "exportOnnx: add: input 1 takes a tensor that was made on the host and depends on the size of an axis in a way that is not known; if it is the beginning of a table, say how long that may get: { largest: { name: size } }",
    },
  );
  await agrees(
    t,
    fn,
    [
      [2, 5, 4],
      [1, 1, 4],
      [3, 40, 4],
    ],
    { ...BATCH_AND_TIME, largest: { time: 40 } },
  );
});

t.test("weights have their state-dict names, constants are there once", async (t) => {
  const layer = new Linear(3, 2).initialize(1);
  const fn = ({ x }: Inputs): Tensor => e.mul(e.add(e.mul(layer.forward(x!), 0.5), 0.5), e.tensor([7, 8]));
  const model = readOnnx(
    await exportOnnx(
      fn,
      { x: random([2, 3]) },
      { weights: layer, name: "layer", metadata: { made: "here" } },
    ),
  );
  t.same(faultsOf(model), []);
  t.same(model.initializers.map(({ name, shape }) => `${name} [${shape}]`).toSorted(), [
    "bias [2]",
    "constant []",
    "constant_1 [2]",
    "weight [2,3]",
  ]);
  t.same(model.metadata, { made: "here" });
  t.same(model.inputs, [{ name: "x", type: 1, shape: [2, 3] }]);
  t.same(model.outputs, [{ name: "output", type: 1, shape: [2, 2] }]);
});

t.test("named results, inputs of every dtype, a module of the library", async (t) => {
  const layer = new MultiheadAttention(4, 2).initialize(1).eval();
  const inputs = {
    x: random([2, 5, 4]),
    count: tensor([3, 4], { dtype: "int32" }),
    on: tensor([1, 0], { dtype: "bool" }),
  };
  const fn = ({ x, count, on }: typeof inputs): Inputs => ({
    heard: layer.forward(x, x, x),
    next: e.add(count, 1),
    off: e.logicalNot(on),
    same: x,
  });
  const axes = { x: { 0: "batch", 1: "time" }, count: { 0: "batch" }, on: { 0: "batch" } };
  const file = await exportOnnx(fn, inputs, { dynamicAxes: axes, weights: layer });
  const model = readOnnx(file);
  t.same(faultsOf(model), []);
  t.same(
    model.outputs.map(({ shape }) => shape),
    [["batch", "time", 4], ["batch"], ["batch"], ["batch", "time", 4]],
  );
  const session = await OnnxSession.open(file);
  for (const [batch, time] of [
    [2, 5],
    [3, 8],
    [1, 1],
  ] as const) {
    const given = {
      x: random([batch, time, 4]),
      count: e.arange(batch),
      on: e.ones([batch], { dtype: "bool" }),
    };
    const results = await session.run(given);
    for (const [name, expected] of Object.entries(fn(given))) {
      t.equal(results[name]!.dtype, expected.dtype, name);
      t.ok(
        e.allClose(e.cast(results[name]!, "float32"), e.cast(expected, "float32"), 1e-5, 1e-6),
        `${name} of ${batch} x ${time}`,
      );
    }
  }
  await session.close();
});

t.test("what cannot be exported is refused by name", async (t) => {
  const x = random([2, 5, 4]);
  const refuses = (
    fn: (inputs: Inputs) => Tensor,
    options: OnnxOptions,
    message: string | RegExp,
  ): Promise<unknown> => t.rejects(exportOnnx(fn, { x }, options), { message });
  await refuses(
    ({ x }) => e.mul(x!, e.tensor(Math.max(...x!.dataSync()))),
    {},
    "exportOnnx: mul: input 1 takes a tensor that was made on the host from the values of an input; compute it with ops, or make it an input",
  );
  await refuses(
    ({ x }) => (x!.dataSync()[0]! > x!.dataSync()[39]! ? e.exp(x!) : e.sin(x!)),
    {},
    /^exportOnnx: the function computes something else for other sizes or values: the op (exp|sin) where it is called first, the op (exp|sin) where its values are turned around; a graph has no loops/,
  );
  await refuses(
    ({ x }) => {
      let sum = e.select(x!, 1, 0);
      for (let i = 1; i < x!.shape[1]!; i++) sum = e.mul(e.add(sum, e.select(x!, 1, i)), 0.5);
      return sum;
    },
    BATCH_AND_TIME,
    /^exportOnnx: the function computes something else .* where batch is 2 and time is 5/,
  );
  await refuses(
    ({ x }) => e.narrow(x!, 1, 0, Math.floor(x!.shape[1]! / 2)),
    BATCH_AND_TIME,
    /^exportOnnx: slice: the end of axis 1 is 2, 2, 3, 8, 5 in calls with different sizes, which is no whole multiple of an axis plus a number; make that axis fixed/,
  );
  await refuses(
    ({ x }) =>
      e.pad(x!, [
        [0, 0],
        [0, x!.shape[1]!],
        [0, 0],
      ]),
    BATCH_AND_TIME,
    /^exportOnnx: pad: widths depends on the size of an axis: /,
  );
  await t.rejects(
    exportOnnx(({ x }: Inputs) => ({ x: e.exp(x!) }), { x }),
    { message: 'exportOnnx: a result has the name of the input "x"; names in a file are given once' },
  );
  await refuses(
    ({ x }) => x!,
    { dynamicAxes: { y: { 0: "batch" } } },
    'exportOnnx: dynamicAxes names the input "y", expected one of x',
  );
  await refuses(
    ({ x }) => x!,
    { dynamicAxes: { x: { 3: "batch" } } },
    'exportOnnx: dynamicAxes names axis 3 of input "x" [2, 5, 4], which has no such axis',
  );
  await refuses(
    ({ x }) => x!,
    { dynamicAxes: { x: { 0: "n", 1: "n" } } },
    'exportOnnx: axis 1 of input "x" [2, 5, 4] is named "n", which has size 2 elsewhere',
  );
  await refuses(
    ({ x }) => x!,
    { ...BATCH_AND_TIME, largest: { time: 3 } },
    "exportOnnx: largest.time is 3, expected the name of a dynamic axis and a size from that of the example, 5",
  );
  await t.rejects(
    exportOnnx(({ x }: Inputs) => x!, { x: random([1, 2]) }, { dynamicAxes: { x: { 0: "n" } } }),
    {
      message:
        'exportOnnx: axis 0 of input "x" [1, 2] is to be dynamic and has size 1; give an example with 2 or more, since 1 would be stretched',
    },
  );
  await t.rejects(exportOnnx((() => 3) as never, { x }), /^ArgumentError|exportOnnx: .*the result of fn/);
  await t.rejects(
    exportOnnx(({ x }: Inputs) => x!, [x] as never, { weight: 3 } as never),
    /weight/,
  );
});

t.test("NaN and infinities as constants, fillings and bounds", async (t) => {
  const cases: Record<string, (x: Tensor) => Tensor> = {
    "constants of one value": (x) => e.where(e.greater(x, 0), e.mul(x, Number.POSITIVE_INFINITY), Number.NaN),
    "a table": (x) =>
      e.maximum(x, tensor([Number.NaN, Number.NEGATIVE_INFINITY, 0, Number.POSITIVE_INFINITY])),
    "a filling": (x) =>
      e.pad(
        x,
        [
          [0, 0],
          [1, 1],
        ],
        "constant",
        Number.NEGATIVE_INFINITY,
      ),
    "a bound": (x) => e.clamp(x, 0, Number.POSITIVE_INFINITY),
    "a mask before softmax": (x) =>
      e.softmax(e.maskedFill(x, tensor([true, false, false, true]), Number.NEGATIVE_INFINITY), -1),
  };
  const x = tensor([
    [1, -2, Number.NaN, 4],
    [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0.5, 1],
  ]);
  for (const [name, fn] of Object.entries(cases)) {
    const file = await exportOnnx(({ x }: { x: Tensor }) => fn(x), { x: random([2, 4]) });
    t.same(faultsOf(readOnnx(file)), []);
    const session = await OnnxSession.open(file);
    for (const given of [x, random([2, 4])]) {
      const { output } = await session.run({ x: given });
      const expected = fn(given);
      t.ok(e.allClose(output!, expected, 1e-6, 1e-6, true), name);
    }
    await session.close();
  }
});

t.test("the example of docs/onnx.md prints what it says", (t) => {
  const page = readFileSync(join(import.meta.dirname, "../../../docs/onnx.md"), "utf8");
  const [, code] = /^```ts\n(.*?)^```$/ms.exec(page)!;
  // Beside this test, from where the packages and the runtime are found.
  const file = join(import.meta.dirname, `onnx-page-${process.pid}.mjs`);
  t.teardown(() => rmSync(file));
  writeFileSync(file, transformSync(code!, { loader: "ts" }).code);
  const { stdout, stderr, status } = spawnSync(process.execPath, [file], { encoding: "utf8" });
  t.equal(status, 0, stderr);
  const promised = [...code!.matchAll(/^console\.log\(.*\); \/\/ (.*)$/gm)].map(([, text]) => text);
  t.not(promised.length, 0);
  t.strictSame(stdout.trim().split("\n"), promised);
  t.end();
});
