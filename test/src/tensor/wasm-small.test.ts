// The entry @echo-ts/tensor/small and the condition echo-small, which makes it the main entry of a whole program: its
// kernels give the main entry's bits, what it lacks is right all the same, and no kernels come after the first tensor.
// Processes of their own, because each has one engine.
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import * as main from "@echo-ts/tensor";
import t from "tap";

t.setTimeout(300_000);

const FOLDER = join(import.meta.dirname, "..", "..", "..", "test");
const SMALL = "--conditions=echo-small";

/** What a module prints that runs in a process of its own: its last line, as JSON. */
async function run<T>(source: string, flags: readonly string[] = [], threads = 2): Promise<T> {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [...flags, "--input-type=module", "-e", source],
    { cwd: FOLDER, env: { ...process.env, ECHO_THREADS: String(threads), ECHO_WASM_MODE: "" } },
  );
  return JSON.parse(stdout.trim().split("\n").at(-1)!) as T;
}

const HASH = `
import { createHash } from "node:crypto";
const hash = (x) => {
  const data = x.dataSync();
  return createHash("sha256").update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength)).digest("hex").slice(0, 16);
};`;

/** Ops on float32 with kernels in the small entry, on arrays that threads share; hashes, and what fell back. */
const FLOATS = `${HASH}
import * as e from "@echo-ts/tensor";
const draws = (shape, name, low = -4, high = 4) => e.randomUniform(shape, e.stream(5, name), low, high);
const [x, y, w] = [draws([300, 500], "x"), draws([300, 500], "y"), draws([500, 200], "w")];
const positive = draws([300, 500], "positive", 1e-3, 40);
const index = e.arange(499, -1, -2, { dtype: "int32" });
const unary = ["neg", "exp", "expm1", "sin", "cos", "tanh", "erf", "floor", "abs", "square", "round", "sigmoid", "relu",
  "softplus", "gelu", "geluTanh", "silu", "elu", "leakyRelu"];
const binary = ["add", "sub", "mul", "div", "maximum", "minimum", "mod", "atan2", "less", "equal"];
const ops = {
  ...Object.fromEntries(unary.map((name) => [name, () => e[name](x)])),
  ...Object.fromEntries(["log", "log1p", "sqrt", "reciprocal", "rsqrt"].map((name) => [name, () => e[name](positive)])),
  ...Object.fromEntries(binary.map((name) => [name, () => e[name](x, y)])),
  pow: () => e.pow(positive, y),
  broadcast: () => e.add(e.transpose(x, 0, 1), e.narrow(y, 1, 0, 1).reshape([300])),
  where: () => e.where(e.less(x, y), x, y),
  toDouble: () => x.cast("float64"),
  toInteger: () => x.cast("int32"),
  copied: () => e.transpose(x, 0, 1).contiguous(),
  matmul: () => e.matmul(x, w),
  batched: () => e.matmul(x.reshape([10, 30, 500]), w),
  linear: () => e.linear(x, e.transpose(w, 0, 1), draws([200], "bias")),
  sumAll: () => e.sum(x),
  sumRows: () => e.sum(x, 1),
  sumColumns: () => e.sum(x, 0),
  max: () => e.max(x, 1),
  argmax: () => e.argmax(x, 1),
  cumsum: () => e.cumsum(x, 1),
  softmax: () => e.softmax(x),
  logSoftmax: () => e.logSoftmax(x),
  rmsNorm: () => e.rmsNorm(x, draws([500], "weight")),
  layerNorm: () => e.layerNorm(x, draws([500], "weight"), draws([500], "bias")),
  indexSelect: () => e.indexSelect(x, 1, index),
  concat: () => e.concat([x, y], 1),
  pad: () => e.pad(x, [[1, 2], [3, 4]]),
};
const hashes = Object.fromEntries(Object.entries(ops).map(([name, op]) => [name, hash(op())]));
const fell = e.explain().map(({ op, dtype }) => op + " " + dtype);
console.log(JSON.stringify({ hashes, fell, info: e.wasmInfo() }));`;

interface Floats {
  readonly hashes: Readonly<Record<string, string>>;
  readonly fell: readonly string[];
  readonly info: main.WasmInfo;
}

t.test("its kernels give the bits of the main entry, on any number of threads", async (t) => {
  const all = await run<Floats>(FLOATS);
  const two = await run<Floats>(FLOATS, [SMALL]);
  const one = await run<Floats>(FLOATS, [SMALL], 1);
  t.strictSame(two.hashes, all.hashes);
  t.strictSame(one.hashes, all.hashes);
  t.strictSame(two.fell, [], "all of it by kernels");
  t.strictSame([all.info.kernels, two.info.kernels, two.info.tile], ["all", "small", "4x8"]);
  t.strictSame([two.info.threads, one.info.threads], [2, 1]);
  t.match(two.info.notes.join(), /^kernels: the small entry has those on float32, without attention/);
  t.notMatch(all.info.notes.join(), /kernels:/);
});

t.test("golden values of PyTorch, in every dtype, by what it has and by what takes over", async (t) => {
  const source = `
    import * as e from "@echo-ts/tensor";
    import { GOLDEN_OPS, shareOfTolerance } from "./dist/golden-cases.js";
    import { readGoldenCases } from "./dist/read-golden.js";
    const { cases, value } = readGoldenCases();
    const bad = [];
    let ran = 0;
    for (const c of cases) {
      if (["two-layer network", "reuse of one tensor"].includes(c.op)) continue;
      const inputs = Object.fromEntries(Object.entries(c.in).map(([name, key]) => [name, value(key)]));
      const expected = Object.entries(c.out).map(([name, key]) => [name, value(key)]);
      const result = GOLDEN_OPS[c.op](inputs, c.params, expected[0][1]);
      const actual = result instanceof e.Tensor ? { y: result } : result;
      for (const [name, y] of expected)
        if (!(shareOfTolerance(await actual[name].data(), await y.data()) <= 1)) bad.push(c.name + " " + name);
      ran++;
    }
    const fell = [...new Set(e.explain().map(({ op }) => op))];
    console.log(JSON.stringify({ bad, ran, fell, kernels: e.wasmInfo().kernels, backend: e.getBackend().name }));`;
  const { bad, ran, fell, kernels, backend } = await run<{
    bad: string[];
    ran: number;
    fell: string[];
    kernels: string;
    backend: string;
  }>(source, [SMALL]);
  t.strictSame([bad, kernels, backend], [[], "small", "wasm"]);
  t.ok(ran >= 180, `${ran} golden cases`);
  for (const op of ["attention", "conv1d", "rfft"]) t.ok(fell.includes(op), `${op} has no kernel`);
});

t.test("other dtypes have the bits of the reference backend", async (t) => {
  const source = `${HASH}
    import * as e from "@echo-ts/tensor/small";
    const compute = () => {
      const numbers = Float64Array.from({ length: 600 }, (_, i) => 3 * Math.sin(i * i));
      return ["float64", "int32", "bool"].flatMap((dtype) => {
        const x = e.tensor(numbers, { shape: [20, 30] }).cast(dtype);
        const y = e.transpose(x, 0, 1).reshape([20, 30]);
        const ops = [e.maximum(x, y), e.equal(x, y), e.where(e.equal(x, y), x, y), e.max(x, 1), e.argmax(x, 0), e.concat([x, y], 0)];
        if (dtype !== "bool") ops.push(e.add(x, y), e.mul(x, y), e.neg(x), e.sum(x), e.cumsum(x, 1), e.matmul(x, e.transpose(y, 0, 1)));
        if (dtype === "float64") ops.push(e.exp(x), e.log(e.abs(x)), e.pow(e.abs(x), y), e.softmax(x), e.div(x, y));
        return ops.map(hash);
      });
    };
    console.log(JSON.stringify([compute(), e.withBackend("reference", compute), e.wasmInfo().kernels]));`;
  const [small, reference, kernels] = await run<[string[], string[], string]>(source);
  t.strictSame(small, reference);
  t.equal(kernels, "small");
  t.equal(small.length, 18 + 12 + 5);
});

t.test("the same names, the same tensors, one engine, and autograd", async (t) => {
  const source = `
    import * as small from "@echo-ts/tensor/small";
    import { Parameter } from "@echo-ts/autograd";
    import * as main from "@echo-ts/tensor";
    const p = new Parameter(small.tensor([[1, 2], [3, 4]]));
    main.sum(main.matmul(p, p).mul(small.ones([2, 2]))).backward();
    console.log(JSON.stringify({
      names: Object.keys(small), same: Object.keys(small).every((name) => small[name] === main[name]),
      gradient: p.grad.toArray(), kernels: small.wasmInfo().kernels }));`;
  const both = await run<Record<string, unknown>>(source);
  t.strictSame(both.names, Object.keys(main));
  t.equal(both.same, true);
  t.equal(both.kernels, "all", "imported before the first tensor, all kernels are there");
  t.strictSame(both.gradient, [
    [7, 11],
    [9, 13],
  ]);
  const alone = await run<Record<string, unknown>>(source, [SMALL]);
  t.strictSame(alone, { ...both, kernels: "small" }, "by the condition, for autograd too");
});

t.test("a training on it comes to the same losses within rounding", async (t) => {
  const source = `
    import * as e from "@echo-ts/tensor";
    import { AdamW, Conv1d, crossEntropyLoss, Linear, Module, RMSNorm } from "@echo-ts/autograd";
    class Net extends Module {
      stem = new Conv1d(8, 8, 3, { padding: 1 });
      norm = new RMSNorm(8);
      output = new Linear(8, 4);
      forward(x) {
        const h = e.transpose(this.stem.forward(e.transpose(x, 1, 2)), 1, 2);
        return this.output.forward(e.attention(h, this.norm.forward(h), h)).reshape([40, 4]);
      }
    }
    const net = new Net().initialize(3);
    const optimizer = new AdamW(net, { learningRate: 1e-2 });
    const x = e.randomNormal([2, 20, 8], e.stream(1, "x"));
    const labels = e.tensor(Int32Array.from({ length: 40 }, (_, i) => (i * 7) % 4));
    const losses = [];
    for (let step = 0; step < 20; step++) {
      const loss = crossEntropyLoss(net.forward(x), labels);
      loss.backward();
      await optimizer.step();
      optimizer.zeroGrad();
      losses.push(loss.item());
    }
    console.log(JSON.stringify(losses));`;
  const [all, small] = await Promise.all([run<number[]>(source), run<number[]>(source, [SMALL])]);
  t.ok(all.at(-1)! < 0.95 * all[0]!, `${all[0]} to ${all.at(-1)}`);
  const worst = Math.max(...all.map((loss, i) => Math.abs(loss - small[i]!)));
  t.ok(worst < 1e-4, `largest difference ${worst}`);
});

const REFUSED =
  "BackendError: wasm: the backend already runs with the kernels of @echo-ts/tensor/small, and more would change bits and " +
  'speed now; import "@echo-ts/tensor", or await initWasm({ kernels: "all" }), before the first tensor';

t.test("no kernels come after the first tensor", async (t) => {
  const late = await run<string[]>(`
    import { initWasm, ones, sum, wasmInfo } from "@echo-ts/tensor/small";
    const x = ones([2]);
    const said = [];
    await import("@echo-ts/tensor").catch((error) => said.push(String(error)));
    await initWasm({ kernels: "all" }).catch((error) => said.push(String(error)));
    const { kernels } = await initWasm();
    console.log(JSON.stringify([...said, kernels, wasmInfo().kernels, String(sum(x).item())]));`);
  t.strictSame(late, [REFUSED, REFUSED, "small", "small", "2"]);
  const first = await run<unknown[]>(`
    import { ones, sum } from "@echo-ts/tensor";
    const x = ones([2]);
    const small = await import("@echo-ts/tensor/small");
    await small.initWasm({ kernels: "all" });
    console.log(JSON.stringify([small.wasmInfo().kernels, small.sum(x).item()]));`);
  t.strictSame(first, ["all", 2], "the small entry after the main one changes nothing");
});

t.test("all of them before it, and the fused products, by initWasm", async (t) => {
  const program = `${HASH}
    import * as e from "@echo-ts/tensor/small";
    const { kernels } = await e.initWasm({ kernels: "all" });
    const q = e.randomNormal([2, 3, 40, 16], e.stream(1, "q"));
    const double = e.exp(q.cast("float64"));
    console.log(JSON.stringify([kernels, e.wasmInfo().notes, hash(e.attention(q, q, q)), hash(double), e.explain()]));`;
  const loaded = await run<unknown[]>(program);
  t.strictSame(loaded.slice(0, 2), ["all", []]);
  t.strictSame(loaded, await run<unknown[]>(program.replace("/small", "")), "as in the main entry");
  const fused = await run<string[]>(`
    import * as e from "@echo-ts/tensor/small";
    const { mode, kernels } = await e.initWasm({ fma: true });
    console.log(JSON.stringify([mode, kernels]));`);
  t.strictSame(fused, ["fma", "all"]);
  const unloaded = await run<string[]>(`
    import * as e from "@echo-ts/tensor/small";
    e.configureWasm({ fma: true });
    console.log(JSON.stringify([e.wasmInfo().mode, ...e.wasmInfo().notes.slice(1)]));`);
  t.strictSame(unloaded, [
    "simd",
    "fma: the small entry has no such product; await initWasm({ fma: true }) loads one",
  ]);
});

t.test("a wrong value is refused by name", async (t) => {
  await t.rejects(main.initWasm({ kernels: "some" as "all" }), {
    name: "ArgumentError",
    message: 'initWasm: kernels must be "all" or "provided", got "some"',
  });
});
