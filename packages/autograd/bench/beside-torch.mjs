// Our time over PyTorch's, item by item, both in one run on one machine:
//   node packages/autograd/bench/beside-torch.mjs --torch PYTHON [--mode auto] [--threads 1] [--items LIST] [--budget-ms 1500]
// PYTHON is one that imports torch. Each item runs in ours, then in PyTorch, so that a machine that others use is alike
// for both; minima bear that best. All items take about two minutes. Printed is a Markdown table for RESULTS.md, with the
// version of Node, the mode that ran, the threads and the load.
import { spawnSync } from "node:child_process";
import { loadavg } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";

const ITEMS = [
  ...["matmul_256", "matmul_512", "matmul_1024", "linear_row_128x512", "linear_row_384x51865"],
  ...["gelu_1M", "softmax_1500", "micro_mlp_step", "train_d128", "train_d512"],
];
const { values } = parseArgs({
  options: {
    torch: { type: "string" },
    mode: { type: "string", default: "auto" },
    threads: { type: "string", default: "1" },
    items: { type: "string", default: ITEMS.join(",") },
    "budget-ms": { type: "string", default: "1500" },
  },
});
if (values.torch === undefined) throw new Error("beside-torch: --torch: name a Python that imports torch");

/** The last line that a program prints, as JSON. */
function lastLine(command, args) {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`beside-torch: ${command} ended with ${status}: ${stderr}`);
  return JSON.parse(stdout.trim().split("\n").at(-1));
}

const { mode, threads, "budget-ms": budget } = values;
const main = join(import.meta.dirname, "dist", "main.js");
const row = (cells) =>
  console.log(`| ${cells.map((c, i) => (i === 0 ? c.padEnd(20) : c.padStart(17))).join(" | ")} |`);
const pair = (min, median) => `${Number(min.toPrecision(3))} / ${Number(median.toPrecision(3))}`;
const load = loadavg()[0].toFixed(1);
const date = new Date().toISOString().slice(0, 10);
console.log(`Node ${process.version}, mode ${mode}, threads ${threads}, ${date}, load ${load} at the start;`);
console.log("minimum / median in ms, and ours over PyTorch's:\n");
row(["item", "ours", "PyTorch", "ratio", "runs as"]);
row(["-".repeat(20), ...Array(4).fill("-".repeat(17))]);
for (const item of values.items.split(",")) {
  const own = [main, "--json", "--items", item, "--mode", mode, "--threads", threads, "--budget-ms", budget];
  const ours = lastLine(process.execPath, own);
  const script = join(import.meta.dirname, "beside_torch.py");
  const theirs = lastLine(values.torch, [script, item, threads, budget]);
  row([
    item,
    pair(ours.msMin, ours.msMedian),
    pair(theirs.msMin, theirs.msMedian),
    pair(ours.msMin / theirs.msMin, ours.msMedian / theirs.msMedian),
    ours.mode,
  ]);
}
