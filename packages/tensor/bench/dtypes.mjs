// Times single ops in every dtype, on wasm (one thread) and on the reference backend, beside PyTorch's on one thread.
//   node packages/tensor/bench/dtypes.mjs [--torch PYTHON] [--only NAME] [--size N] [--no-reference] [--cpu]
//     [--markdown]
// --torch names a Python that has PyTorch; dtypes.py has the same items. Figures are minima, in
// milliseconds, of the clock or, with --cpu, of processor time, which a busy machine inflates less.
import { spawnSync } from "node:child_process";
import { performance } from "node:perf_hooks";
import { fileURLToPath } from "node:url";
import * as t from "@echo-ts/tensor";

const args = process.argv.slice(2);
const value = (name, fallback) => (args.includes(name) ? args[args.indexOf(name) + 1] : fallback);
const only = value("--only", "");
const sizes = value("--size", "1000,1000000").split(",").map(Number);
const python = value("--torch", null);
const cpu = args.includes("--cpu");
const markdown = args.includes("--markdown");
const backends = args.includes("--no-reference") ? ["wasm"] : ["wasm", "reference"];
const BUDGET_MS = 120;
const MINIMUM_RUNS = 3;

/** n values from -8 to 8 that are not sorted; as a matrix where an op wants one. */
function data(name, n, dtype, shape) {
  const random = t.stream(1, `bench/${name}`);
  const values = Float64Array.from({ length: n }, () => random.uniform() * 16 - 8);
  return t.cast(t.tensor(values, { shape, dtype: "float64" }), dtype);
}

/** The nearest matrix of rows of 1000. */
const rows = (n) => [n / 1000, 1000];

/** name, dtype, op on (a, b); `matrix` asks for rows of 1000. */
const items = [
  ...["float32", "float64", "int32"].flatMap((dtype) => [
    [`add ${dtype}`, dtype, (a, b) => t.add(a, b)],
    [`mul ${dtype}`, dtype, (a, b) => t.mul(a, b)],
    [`maximum ${dtype}`, dtype, (a, b) => t.maximum(a, b)],
    [`minimum ${dtype}`, dtype, (a, b) => t.minimum(a, b)],
    [`mod ${dtype}`, dtype, (a) => t.mod(a, 3)],
    [`abs ${dtype}`, dtype, (a) => t.abs(a)],
    [`less ${dtype}`, dtype, (a, b) => t.less(a, b)],
    [`lessEqual ${dtype}`, dtype, (a, b) => t.lessEqual(a, b)],
    [`where ${dtype}`, dtype, (a, b) => t.where(mask(a), a, b)],
    [`sum ${dtype}`, dtype, (a) => t.sum(a)],
    [`sum rows ${dtype}`, dtype, (a) => t.sum(a, 1), "matrix"],
    [`sum columns ${dtype}`, dtype, (a) => t.sum(a, 0), "matrix"],
    [`max ${dtype}`, dtype, (a) => t.max(a)],
    [`min ${dtype}`, dtype, (a) => t.min(a)],
    [`argmax ${dtype}`, dtype, (a) => t.argmax(a)],
    [`cumsum ${dtype}`, dtype, (a) => t.cumsum(a)],
    [`transposed add ${dtype}`, dtype, (a) => t.add(t.transpose(a), 1), "matrix"],
    [`tril ${dtype}`, dtype, (a) => t.tril(a), "matrix"],
    [`sort ${dtype}`, dtype, (a) => t.sort(a).values],
    [`topk ${dtype}`, dtype, (a) => t.topk(a, Math.min(10, a.size)).values],
    [`gather ${dtype}`, dtype, (a) => t.indexSelect(a, 0, order(a))],
  ]),
  ...["float32", "float64"].flatMap((dtype) => [
    [`div ${dtype}`, dtype, (a, b) => t.div(a, b)],
    [`sqrt ${dtype}`, dtype, (a) => t.sqrt(a)],
    [`exp ${dtype}`, dtype, (a) => t.exp(a)],
    [`log ${dtype}`, dtype, (a) => t.log(a)],
    [`sin ${dtype}`, dtype, (a) => t.sin(a)],
    [`tanh ${dtype}`, dtype, (a) => t.tanh(a)],
    [`sigmoid ${dtype}`, dtype, (a) => t.sigmoid(a)],
    [`erf ${dtype}`, dtype, (a) => t.erf(a)],
    [`gelu ${dtype}`, dtype, (a) => t.gelu(a)],
    [`pow ${dtype}`, dtype, (a) => t.pow(t.abs(a), 1.5)],
    [`round ${dtype}`, dtype, (a) => t.round(a)],
    [`floor ${dtype}`, dtype, (a) => t.floor(a)],
    [`isNaN ${dtype}`, dtype, (a) => t.isNaN(a)],
    [`isFinite ${dtype}`, dtype, (a) => t.isFinite(a)],
    [`softmax ${dtype}`, dtype, (a) => t.softmax(a), "matrix"],
    [`logSoftmax ${dtype}`, dtype, (a) => t.logSoftmax(a), "matrix"],
    [`layerNorm ${dtype}`, dtype, (a) => t.layerNorm(a, null, null), "matrix"],
    [`matmul ${dtype}`, dtype, (a) => t.matmul(a, t.transpose(a)), "matrix"],
    [`rfft ${dtype}`, dtype, (a) => t.rfft(a), "matrix"],
    [`irfft ${dtype}`, dtype, (a) => t.irfft(t.reshape(a, [-1, 500, 2])), "matrix"],
  ]),
  ["float32 to int32", "float32", (a) => t.cast(a, "int32")],
  ["float64 to int32", "float64", (a) => t.cast(a, "int32")],
  ["float32 to bool", "float32", (a) => t.cast(a, "bool")],
  ["int32 to float32", "int32", (a) => t.cast(a, "float32")],
  ["float64 to float32", "float64", (a) => t.cast(a, "float32")],
  ["bool to int32", "bool", (a) => t.cast(a, "int32")],
  ["equal bool", "bool", (a, b) => t.equal(a, b)],
  ["logicalAnd bool", "bool", (a, b) => t.logicalAnd(a, b)],
  ["logicalNot bool", "bool", (a) => t.logicalNot(a)],
  ["sum bool", "bool", (a) => t.sum(a)],
  ["all bool", "bool", (a) => t.all(a)],
  ["any bool", "bool", (a) => t.any(a)],
  ["all float32", "float32", (a) => t.all(a)],
];

const masks = new WeakMap();
/** A mask over a, made once. */
function mask(a) {
  if (!masks.has(a)) masks.set(a, t.less(a, 0));
  return masks.get(a);
}

const orders = new WeakMap();
/** The positions of a, backwards. */
function order(a) {
  if (!orders.has(a)) orders.set(a, t.tensor(Int32Array.from({ length: a.size }, (_, i) => a.size - 1 - i)));
  return orders.get(a);
}

/** Milliseconds of the clock, or of processor time. */
function now() {
  if (!cpu) return performance.now();
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

function time([, dtype, run, matrix], n) {
  const shape = matrix ? rows(n) : [n];
  const a = data("a", n, dtype, shape);
  const b = data("b", n, dtype, shape);
  let best = Number.POSITIVE_INFINITY;
  const began = performance.now();
  for (let i = 0; i < MINIMUM_RUNS || performance.now() - began < BUDGET_MS; i++) {
    const start = now();
    const out = run(a, b);
    best = Math.min(best, now() - start);
    out.storage.backend.release?.(out.storage);
    if (performance.now() - began > 10 * BUDGET_MS) break;
  }
  return best;
}

function torchTimes() {
  if (python === null) return {};
  const script = fileURLToPath(new URL("dtypes.py", import.meta.url));
  const { status, stdout, stderr } = spawnSync(
    python,
    [script, sizes.join(","), only, cpu ? "cpu" : "clock"],
    { encoding: "utf8" },
  );
  if (status !== 0) throw new Error(`dtypes.py: ${stderr}`);
  return JSON.parse(stdout);
}

const short = (ms) => (ms === undefined ? "" : ms.toPrecision(3));
const ratio = (ms, base) => (ms === undefined || base === undefined ? "" : (ms / base).toPrecision(2));
const cells = (list) =>
  markdown
    ? `| ${list.join(" | ")} |`
    : list.map((x, i) => (i === 0 ? x.padEnd(26) : x.padStart(11))).join("");

t.configureWasm({ threads: 1 });
await t.initWasm();
const torch = torchTimes();
for (const n of sizes) {
  console.log(cells([`${n} elements`, "wasm ms", "reference", "torch", "wasm/torch", "ref/torch"]));
  if (markdown) console.log("| --- | ---: | ---: | ---: | ---: | ---: |");
  for (const item of items) {
    if (!item[0].includes(only)) continue;
    const ms = {};
    for (const backend of backends) {
      ms[backend] = t.withBackend(backend, () => time(item, n));
      await new Promise((resolve) => setImmediate(resolve));
    }
    const base = torch[item[0]]?.[n];
    console.log(
      cells([
        item[0],
        short(ms.wasm),
        short(ms.reference),
        short(base),
        ratio(ms.wasm, base),
        ratio(ms.reference, base),
      ]),
    );
  }
}
