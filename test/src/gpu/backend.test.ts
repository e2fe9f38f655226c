// The gpu backend on the modes that run everywhere, gpu.js' JavaScript and WebAssembly: every op against the
// reference backend, PyTorch's values and gradients, the traps that gpu.js has, and start-up. Training is in
// training.test.ts; real WebGL 2 and WebGPU run in ../browser.
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import * as a from "@echo-ts/autograd";
import * as e from "@echo-ts/tensor";
import { build } from "esbuild";
import t from "tap";
import { Device } from "../../../packages/tensor/dist/backends/gpu/device.js";
import { Slot } from "../../../packages/tensor/dist/backends/gpu/slot.js";
import { readGoldenCases } from "../read-golden.ts";
import { compareChain } from "./chain-cases.ts";
import { goldenNames, runGolden } from "./golden-run.ts";
import { compareLarge, LARGE_CASES } from "./large-cases.ts";
import { installWebGpu } from "./node-webgpu.ts";
import { compareOp, maxNorm, OP_NAMES } from "./op-cases.ts";
import { runTrap, TRAPS } from "./traps.ts";

t.setTimeout(300_000); // gpu.js without a GPU is slow

const MODES = ["cpu", "webasm"] as const;
const backends = {
  cpu: await e.initGpu({ mode: "cpu" }),
  webasm: await e.initGpu({ mode: "webasm" }),
};

/** Largest allowed distance from the reference backend, over the largest magnitude. */
const TOLERANCE = 1e-6;

t.test("every op agrees with the reference backend", async (t) => {
  for (const mode of MODES) {
    for (const op of OP_NAMES) {
      const { worst, at, cases } = await compareOp(op, backends[mode]);
      t.ok(worst <= TOLERANCE, `${op} on ${mode}: ${worst} at ${at}`);
      t.ok(cases >= 3, `${op}: ${cases} cases`);
    }
  }
});

t.test("larger sizes, and more scores than float32 can count", async (t) => {
  for (const one of LARGE_CASES) {
    const worst = await compareLarge(one, backends.webasm);
    t.ok(worst <= 1e-5, `${one.name}: ${worst}`);
  }
});

t.test("a step between kernels with more elements than they can count is refused", async (t) => {
  const sum = (): e.Tensor => e.sum(e.broadcastTo(e.ones([1]), [2 ** 14, 2 ** 22]), 1);
  t.throws(() => e.withBackend(backends.cpu, sum), {
    name: "BackendError",
    message:
      "gpu: a step of this op has 33554432 elements, expected at most 16777216; split the batch, or compute on another backend (await toBackend)",
  });
});

t.test("what depends on values that cannot be read at once is refused with the remedy", async (t) => {
  const x = e.withBackend(backends.cpu, () => e.ones([2]));
  const remedy =
    'the shape of the result depends on values, which backend "gpu" cannot read at once; compute it on another: await toBackend(x, "wasm")';
  t.throws(() => e.nonzero(x), { name: "BackendError", message: `nonzero: ${remedy}` });
  t.throws(() => e.maskedSelect(x, e.greater(x, 0)), {
    name: "BackendError",
    message: `maskedSelect: ${remedy}`,
  });
  t.throws(() => e.allClose(x, x), {
    name: "BackendError",
    message: 'allClose: backend "gpu" cannot be read at once; await isClose(a, b).all().data() there',
  });
});

t.test("the table of agreement has a row for every op", async (t) => {
  const file = new URL("../../../packages/tensor/bench/AGREEMENT.md", import.meta.url);
  const rows = [...readFileSync(file, "utf8").matchAll(/^\| `(\w+)`/gm)].map(([, op]) => op);
  t.same(rows, OP_NAMES, "npm run bench:agreement writes it anew");
});

t.test("PyTorch's values and gradients", async (t) => {
  const golden = readGoldenCases();
  for (const mode of MODES) {
    let compared = 0;
    for (const name of goldenNames(golden)) {
      const { worst, tensors } = await runGolden(golden, name, backends[mode]);
      compared += tensors;
      t.ok(worst <= 1, `${name} on ${mode}: ${worst} of the tolerance`);
    }
    t.ok(compared > 400, `${compared} tensors on ${mode}`);
  }
});

for (const mode of MODES) {
  const on = <T>(body: () => T): T => e.withBackend(backends[mode], body);
  const values = async (body: () => e.Tensor): Promise<number[]> => Array.from(await on(body).data());

  t.test(`traps of gpu.js, ${mode}`, async (t) => {
    for (const trap of TRAPS) t.same(await runTrap(trap, backends[mode]), trap.expected, trap.name);

    t.test("integers beyond 2^24 and float64 stay exact, in host memory, and explain() tells", async (t) => {
      e.explain({ reset: true });
      const large = 16_777_217;
      const int = (x: number[]): e.Tensor => e.tensor(x, { dtype: "int32" });
      t.same(await values(() => e.add(int([large]), int([1]))), [large + 1]);
      t.same(await values(() => e.where(e.tensor([1, 0]).greater(0.5), int([large]), int([3]))), [large, 3]);
      t.same(await values(() => int([large]).cast("float64").add(0.25)), [large + 0.25]);
      const fine = () => e.tensor([1], { dtype: "float64" }).add(1e-12).sub(1);
      t.ok(Math.abs((await values(fine))[0]! - 1e-12) < 1e-15);
      t.match(e.explain(), [{ backend: "gpu", op: "add", dtype: "int32", count: 1 }]);
    });

    t.test("sines far from 0", async (t) => {
      const sines = await values(() => e.sin(e.tensor([1000, -3333.25, 1e4])));
      t.ok(maxNorm(sines, [1000, -3333.25, 1e4].map(Math.sin)) < 1e-6, `${sines}`);
    });

    t.test("an index out of range is refused, or becomes NaN where only the device knows it", async (t) => {
      t.throws(() => on(() => e.indexSelect(e.ones([2, 1]), 0, e.tensor([2], { dtype: "int32" }))), {
        name: "ShapeError",
        message: "indexSelect: index 2 at position 0 is out of range for axis 0 of size 2",
      });
      const computed = (): e.Tensor => e.argmax(e.tensor([[0, 0, 1]]), 1);
      t.same(await values(() => e.indexSelect(e.ones([2]), 0, computed())), [Number.NaN]);
    });
  });

  t.test(`chains of elementwise ops on ${mode}`, async (t) => {
    for (let seed = 0; seed < 60; seed++) {
      const worst = await compareChain(seed, backends[mode]);
      t.ok(worst <= TOLERANCE, `chain ${seed}: ${worst}`);
    }

    const backend = backends[mode];
    const x = e.withBackend(backend, () => e.tensor([0.5, -1, 2]));
    const y = e.withBackend(backend, () => e.div(e.exp(x), e.tensor([3, 7, 11])));
    t.same(
      Array.from(await e.equal(e.max(y), e.mul(y, 1)).data()),
      [0, 0, 1],
      "comparisons see stored values",
    );

    const w = e.withBackend(backend, () => a.parameter([2], a.constantInit(3)));
    const before = a.noGrad(() => e.mul(w, 2));
    w.assign(e.withBackend(backend, () => e.tensor([5, 5])));
    t.same(Array.from(await before.data()), [6, 6], "values are those of the time of the call");
    const turned = e.withBackend(backend, () =>
      e.mul(e.transpose(e.neg(e.tensor([[1, 2, 3]]))), e.tensor([[1], [2], [3]])),
    );
    t.same(Array.from(await turned.data()), [-1, -4, -9], "a view of a result");
  });

  t.test(`a training step on ${mode}`, async (t) => {
    const step = (): e.Tensor => {
      const x = e.randomNormal([6, 4], e.stream(3, "x"));
      const w = a.variable(e.randomNormal([5, 4], e.stream(3, "w")));
      const labels = e.tensor([0, 1, 4, 2, 3, 0], { dtype: "int32" });
      a.crossEntropyLoss(e.linear(e.rmsNorm(x, e.ones([4])), w), labels).backward();
      return w.grad!;
    };
    const expected = e.withBackend("reference", step);
    t.ok(maxNorm(await on(step).data(), expected.dataSync()) < 1e-6);
  });

  t.test(`reading at once on ${mode}: what was uploaded, not what was computed`, async (t) => {
    const x = on(() => e.tensor([1, 2]));
    t.same(x.toArray(), [1, 2]);
    t.throws(() => on(() => e.add(x, 1)).dataSync(), {
      name: "BackendError",
      message: 'dataSync: tensors of backend "gpu" can only be read with await tensor.data()',
    });
  });
}

/** Bundles a program that computes on the gpu backend, minified, and runs it. */
const PROGRAM = `
import { argmax, conv1d, gelu, initGpu, matmul, ones, setBackend, softmax, tensor } from "@echo-ts/tensor";
setBackend(await initGpu({ mode: "cpu" }));
const x = matmul(tensor([[1, 2], [3, 4]]), tensor([[1, 0], [0, 1]]));
const results = [gelu(x), softmax(x), argmax(x, 1), conv1d(ones([1, 1, 4]), ones([1, 1, 2])), x.sum()];
console.log(JSON.stringify(await Promise.all(results.map(async (y) => Array.from(await y.data())))));
`;

t.test("kernels survive minification and renaming by a bundler", async (t) => {
  for (const keepNames of [false, true]) {
    const { outputFiles } = await build({
      stdin: { contents: PROGRAM, resolveDir: import.meta.dirname },
      bundle: true,
      minify: true,
      keepNames,
      format: "esm",
      platform: "node",
      // The bundle's CommonJS parts ask for Node's modules.
      banner: { js: 'import { createRequire } from "node:module"; const require = createRequire("/");' },
      write: false,
    });
    const { stdout, stderr } = spawnSync(process.execPath, ["--input-type=module"], {
      input: outputFiles[0]!.text,
      encoding: "utf8",
    });
    t.equal(stderr, "");
    const [y, weights, best, windows, total] = JSON.parse(stdout) as number[][];
    t.ok(maxNorm(y!, [0.8413447, 1.9544997, 2.9959503, 3.9998733]) < 1e-6);
    t.ok(maxNorm(weights!, [0.2689414, 0.7310586, 0.2689414, 0.7310586]) < 1e-6);
    t.same([best, windows, total], [[1, 1], [2, 2, 2], [10]]);
  }
});

t.test("a kernel that gpu.js runs in another mode, without a word, is refused", async (t) => {
  const kernel = Object.assign(() => Float32Array.of(1), {
    setOutput: () => {},
    kernel: { constructor: { mode: "cpu" } },
  });
  class GPU {
    createKernel = () => kernel;
    destroy = () => undefined;
  }
  const device = new Device({ GPU, input: (x: Float32Array) => x }, "webasm");
  const out = new Slot("float32", 1);
  const one = device.program("one", () => ({ arrays: 0, integers: [], floats: [], body: "return 1;" }));
  device.launch({ kernel: one, inputs: [], integers: [], floats: {}, out });
  await t.rejects(device.read(out), {
    name: "BackendError",
    message: 'launch: gpu.js ran a kernel in mode "cpu", expected "webasm"',
  });
});

t.test("starting: what is missing is said with its remedy", async (t) => {
  // Node has neither WebGL 2 nor, without the webgpu package, WebGPU.
  await t.rejects(e.initGpu({ mode: "webgl2" }), {
    name: "BackendError",
    message:
      'initGpu: found no GPU (webgl2: not available); use setBackend("wasm"), enable hardware acceleration in the browser, or ask for software rendering with { allowSoftware: true }',
  });
  const code = `import { setBackend } from "@echo-ts/tensor"; try { setBackend("gpu") } catch (e) { console.log(e.message) }`;
  const { stdout } = spawnSync(process.execPath, ["--input-type=module", "--eval", code], {
    cwd: import.meta.dirname,
    encoding: "utf8",
  });
  t.equal(
    stdout.trim(),
    'setBackend: backend "gpu" is not started; call await initGpu() first (it needs the optional package gpu.js)',
  );
});

t.test("WebGPU in Node", { skip: await installWebGpu() }, async (t) => {
  const backend = await e.initGpu({ mode: "webgpu", allowSoftware: true });
  t.comment(JSON.stringify(e.gpuInfo()));
  for (const op of OP_NAMES) {
    const { worst, at } = await compareOp(op, backend, ["contiguous"], "first");
    t.ok(worst <= 1e-5, `${op}: ${worst} at ${at}`);
  }
  for (const trap of TRAPS) t.same(await runTrap(trap, backend), trap.expected, trap.name);
  for (const one of LARGE_CASES) {
    if (one.slow) continue;
    const worst = await compareLarge(one, backend);
    t.ok(worst <= 1e-5, `${one.name}: ${worst}`);
  }
});
