// The same bits whatever runs the kernels: trainings in processes of their own, with other numbers of threads
// and with the engine's switches; and the golden operations in every mode. What a switch changes is set before
// the first use of the backend, so that each setting needs its own process.
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { AdamW, crossEntropyLoss, Linear, Module } from "@echo-ts/autograd";
import * as e from "@echo-ts/tensor";
import t from "tap";
import { getEngine } from "../../../packages/tensor/dist/backends/wasm/engine.js";

e.configureWasm({ threads: 2 });
t.setTimeout(900_000); // a dozen and a half processes, one after the other, also on a busy machine

const skip = e.wasmAvailable() ? false : "this engine cannot run the wasm backend";
const HERE = import.meta.dirname;

interface Trained {
  readonly hash: string;
  readonly losses: readonly [number, number];
  readonly info: e.WasmInfo;
  /** Whether the workers took part in the end. */
  readonly shared: boolean;
}

/**
 * 200 steps of AdamW on a network with every kind of kernel that threads share: products, attention, norms,
 * convolution, activations, cross entropy, sums. Sizes lie above the limits from which work is cut up.
 */
const TRAINING = `
import { createHash } from "node:crypto";
import { AdamW, Conv1d, crossEntropyLoss, Linear, Module, RMSNorm } from "@echo-ts/autograd";
import * as e from "@echo-ts/tensor";
import { getEngine } from "${new URL("../../../packages/tensor/dist/backends/wasm/engine.js", import.meta.url).href}";

const [B, T, D, H, V] = [2, 128, 64, 4, 16];
class Net extends Module {
  stem = new Conv1d(D, D, 3, { padding: 1 });
  norm = new RMSNorm(D);
  qkv = new Linear(D, 3 * D);
  expand = new Linear(D, 4 * D);
  output = new Linear(4 * D, V);
  forward(x) {
    const h = this.stem.forward(e.transpose(x, 1, 2)).transpose(1, 2);
    const qkv = this.qkv.forward(this.norm.forward(h));
    const head = (i) => e.narrow(qkv, 2, i * D, D).reshape([B, T, H, D / H]).permute([0, 2, 1, 3]);
    const mixed = e.attention(head(0), head(1), head(2), { causal: true }).permute([0, 2, 1, 3]).reshape([B, T, D]);
    return this.output.forward(e.geluTanh(this.expand.forward(e.add(h, mixed))));
  }
}
e.setBackend("wasm");
const info = e.wasmInfo();
const random = e.stream(3, "determinism");
const x = e.tensor(Float32Array.from({ length: B * T * D }, () => random.normal()), { shape: [B, T, D] });
const labels = e.tensor(Int32Array.from({ length: B * T }, () => random.integer(0, V)), { shape: [B, T] });
const net = new Net().initialize(5);
const optimizer = new AdamW(net, { learningRate: 1e-3 });
const hash = createHash("sha256");
const losses = [];
for (let step = 0; step < 200; step++) {
  const loss = crossEntropyLoss(net.forward(x), labels);
  loss.backward();
  optimizer.step();
  optimizer.zeroGrad();
  losses.push(loss.item());
}
hash.update(Float64Array.from(losses));
for (const [, { data }] of await net.stateDict()) hash.update(data);
const shared = info.threads > 1 && getEngine().pool.ready;
console.log(JSON.stringify({ hash: hash.digest("hex"), losses: [losses[0], losses.at(-1)], info, shared }));
`;

function train(env: Readonly<Record<string, string>>): Trained {
  const { status, stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", TRAINING], {
    cwd: HERE,
    env: { ...process.env, ECHO_WASM_MODE: "simd", ...env },
    encoding: "utf8",
    timeout: 300_000,
  });
  if (status !== 0) throw new Error(`the training exits with ${status}: ${stderr}`);
  return JSON.parse(stdout) as Trained;
}

t.test("200 steps of training", { skip }, async (t) => {
  const one = train({ ECHO_THREADS: "1" });
  t.equal(one.info.mode, "simd");
  t.ok(one.losses[1] < 0.5 * one.losses[0], `it learns: ${one.losses.join(" -> ")}`);

  await t.test("two threads, the same bits", async (t) => {
    const two = train({ ECHO_THREADS: "2" });
    t.equal(two.info.threads, 2, two.info.notes.join("; "));
    t.ok(two.shared, "the second thread took part");
    t.equal(two.hash, one.hash);
  });

  const revectorized = train({ ECHO_THREADS: "1", ECHO_WASM_MODE: "revectorize" });
  const lacks = revectorized.info.mode === "revectorize" ? false : revectorized.info.notes.join("; ");
  await t.test("revectorize, the same bits", { skip: lacks }, async (t) => {
    t.equal(revectorized.hash, one.hash);
  });

  for (const threads of ["1", "2"]) {
    const auto = train({ ECHO_THREADS: threads, ECHO_WASM_MODE: "auto" });
    t.equal(auto.hash, one.hash, `auto, here ${auto.info.mode}, ${threads} threads: the same bits`);
  }

  const fma = train({ ECHO_THREADS: "1", ECHO_WASM_MODE: "fma" });
  const lacksFma = fma.info.mode === "fma" ? false : fma.info.notes.join("; ");
  await t.test("fma, another rounding of the same training", { skip: lacksFma }, async (t) => {
    t.not(fma.hash, one.hash, "the numerical mode is really on");
    t.ok(Math.abs(fma.losses[0] - one.losses[0]) < 1e-5 * one.losses[0], `${fma.losses[0]}`);
    t.ok(fma.losses[1] < 0.5 * fma.losses[0]);
  });
});

/**
 * Attention's backward pass that computes the weights again in blocks: more keys than a block has, heads and rows that
 * do not divide evenly, every kind of bias and mask; the second line tells whether the threads shared the work.
 */
const COMPUTED_AGAIN = `
import { createHash } from "node:crypto";
import { backward, variable } from "@echo-ts/autograd";
import * as e from "@echo-ts/tensor";
import { apply, OPS } from "@echo-ts/tensor/internal";
import { getEngine } from "${new URL("../../../packages/tensor/dist/backends/wasm/engine.js", import.meta.url).href}";

e.setBackend("wasm");
e.ones([2]);
for (let i = 0; i < 100 && e.wasmInfo().threads > 1 && !getEngine().pool.ready; i++)
  await new Promise((done) => setTimeout(done, 50));
const draw = (name, shape) => e.randomNormal(shape, e.stream(6, name));
const hash = createHash("sha256");
const note = (x) => hash.update(new Uint8Array(x.dataSync().slice().buffer));
const [q, g] = [draw("q", [3, 301, 32]), draw("g", [3, 301, 24])];
const [k, v] = [draw("k", [3, 517, 32]), draw("v", [3, 517, 24])];
const silent = e.where(e.less(draw("silent", [3, 1, 517]), -0.5), -Infinity, 0);
for (const bias of [null, draw("one", [3, 1, 517]), draw("each", [3, 301, 517]), silent]) {
  for (const causal of [false, true]) {
    const biasGrad = bias !== null && bias.shape[1] === 1;
    const inputs = bias === null ? [g, q, k, v] : [g, q, k, v, bias];
    note(apply(OPS.attentionGrad, inputs, { scale: 0.2, causal, kept: false, biasGrad }));
  }
}
// Above the 16 MiB of weights from which attention itself takes this path.
const [x, y] = ["x", "y"].map((name) => variable(draw(name, [2, 1500, 16])));
backward(e.sum(e.square(e.attention(x, y, e.add(x, y)))));
for (const { grad } of [x, y]) note(grad);
console.log(JSON.stringify({ hash: hash.digest("hex"), shared: e.wasmInfo().threads > 1 && getEngine().pool.ready }));
`;

/** The hash that a program prints with these settings, and whether threads shared its work. */
function hashOf(program: string, env: Readonly<Record<string, string>>): { hash: string; shared: boolean } {
  const { status, stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", program], {
    cwd: HERE,
    env: { ...process.env, ECHO_WASM_MODE: "simd", ...env },
    encoding: "utf8",
    timeout: 300_000,
  });
  if (status !== 0) throw new Error(`the program exits with ${status}: ${stderr}`);
  return JSON.parse(stdout) as { hash: string; shared: boolean };
}

t.test(
  "attention's weights computed again: the same bits for one, two and three threads",
  { skip },
  async (t) => {
    const one = hashOf(COMPUTED_AGAIN, { ECHO_THREADS: "1" });
    for (const threads of ["2", "3"]) {
      const more = hashOf(COMPUTED_AGAIN, { ECHO_THREADS: threads });
      t.ok(more.shared, "the other threads took part");
      t.equal(more.hash, one.hash, `${threads} threads`);
    }
    t.equal(hashOf(COMPUTED_AGAIN, { ECHO_THREADS: "2", ECHO_WASM_MODE: "auto" }).hash, one.hash, "auto");
  },
);

/** Kernels of the other dtypes on sizes that threads share; the second line tells whether they did. */
const DTYPES = `
import { createHash } from "node:crypto";
import * as e from "@echo-ts/tensor";
import { getEngine } from "${new URL("../../../packages/tensor/dist/backends/wasm/engine.js", import.meta.url).href}";

e.setBackend("wasm");
e.ones([2]);
for (let i = 0; i < 100 && e.wasmInfo().threads > 1 && !getEngine().pool.ready; i++)
  await new Promise((done) => setTimeout(done, 50));
const random = e.stream(4, "dtypes");
const data = Float64Array.from({ length: 600 * 1000 }, () => random.normal());
const hash = createHash("sha256");
for (const dtype of ["float64", "int32", "bool"]) {
  const x = e.tensor(data.map((v) => (dtype === "int32" ? Math.trunc(1000 * v) : v)), { shape: [600, 1000] }).cast(dtype);
  const y = e.transpose(x, 0, 1).contiguous().reshape([600, 1000]);
  const results = [e.equal(x, y), e.less(x, y), e.where(e.less(x, y), x, y), x.cast("float32"), x.cast("int32")];
  results.push(e.sum(x, 0), e.sum(x, 1), e.max(x, 1), e.argmax(x, 0), e.cumsum(x, 1), e.sort(x, 1).values, e.triu(x));
  if (dtype !== "bool") results.push(e.add(x, y), e.mul(x, y), e.maximum(x, y), e.abs(x), e.matmul(x, e.transpose(y, 0, 1)));
  if (dtype === "float64") results.push(e.exp(x), e.tanh(x), e.softmax(x, 1), e.div(x, y), e.rfft(x), e.round(x));
  for (const result of results) hash.update(new Uint8Array(result.dataSync().slice().buffer));
}
console.log(JSON.stringify({ hash: hash.digest("hex"), shared: e.wasmInfo().threads > 1 && getEngine().pool.ready }));
`;

t.test("float64, int32 and bool: the same bits for one, two and three threads", { skip }, async (t) => {
  const run = (threads: number) => hashOf(DTYPES, { ECHO_THREADS: String(threads) });
  const one = run(1);
  t.notOk(one.shared);
  for (const threads of [2, 3]) t.same(run(threads), { hash: one.hash, shared: true });
});

/** Values and gradients of PyTorch once more, with other switches than the suite runs them with. */
t.test("golden operations in every mode", { skip }, async (t) => {
  const settings = [
    { ECHO_WASM_MODE: "simd", ECHO_THREADS: "1" },
    { ECHO_WASM_MODE: "auto", ECHO_THREADS: "1" },
    { ECHO_WASM_MODE: "revectorize", ECHO_THREADS: "2" },
    { ECHO_WASM_MODE: "fma", ECHO_THREADS: "1" },
    { ECHO_WASM_MODE: "revectorize+fma", ECHO_THREADS: "2" },
  ];
  for (const setting of settings) {
    for (const file of ["tensor/golden", "autograd/golden-gradients"]) {
      const { status, stdout } = spawnSync(process.execPath, [join(HERE, "..", `${file}.test.js`)], {
        env: { ...process.env, ...setting, TAP: "1" },
        encoding: "utf8",
        timeout: 300_000,
        maxBuffer: 1 << 28,
      });
      const failed = stdout.split("\n").filter((line) => /^\s*not ok/.test(line));
      t.equal(
        status,
        0,
        `${file}, ${setting.ECHO_WASM_MODE}, threads ${setting.ECHO_THREADS}: ${failed[0] ?? "passes"}`,
      );
      t.match(stdout, /ok \d+ - wasm/, "it ran on the wasm backend");
    }
  }
});

class Classifier extends Module {
  readonly hidden = new Linear(2, 16);
  readonly output = new Linear(16, 3);

  forward(x: e.Tensor): e.Tensor {
    return this.output.forward(e.tanh(this.hidden.forward(x)));
  }
}

t.test("5000 steps with an optimiser leave no block behind", { skip }, async (t) => {
  e.withBackend("wasm", () => {
    const random = e.stream(7, "memory");
    const x = e.tensor(
      Float32Array.from({ length: 128 }, () => random.normal()),
      { shape: [64, 2] },
    );
    const labels = e.tensor(Int32Array.from({ length: 64 }, (_, i) => i % 3));
    const model = new Classifier().initialize(1);
    const optimizer = new AdamW(model, { learningRate: 1e-2 });
    const step = (): number => {
      const loss = crossEntropyLoss(model.forward(x), labels);
      loss.backward();
      optimizer.step();
      optimizer.zeroGrad();
      return loss.item();
    };
    const first = step();
    for (let i = 0; i < 2000; i++) step();
    const before = getEngine().arena.stats();
    const heap = process.memoryUsage().rss;
    let last = first;
    for (let i = 0; i < 5000; i++) last = step();
    const after = getEngine().arena.stats();
    t.ok(last < first, `${first} -> ${last}`);
    t.equal(after.liveBlocks - before.liveBlocks, 0);
    t.equal(after.reserved, before.reserved);
    const slope = (process.memoryUsage().rss - heap) / 5000;
    t.ok(slope < 2048, `resident set grows by ${slope.toFixed(0)} bytes a step`);
  });
});
