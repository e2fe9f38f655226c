// Checks the gpu backend on this machine's graphics hardware, by WebGPU in Node: right and wrong, training, memory,
// speed. Each item runs in a process of its own under a time limit, so that a hang or a lost device ends in a line
// of the report. Writes gpu-check.json and gpu-check.md; ends with 1 if something is wrong.
//   node scripts/gpu-check.mjs [--out FOLDER] [--only adapter,ops,...] [--budget SECONDS] [--beside N] [--mode webgpu]
// It needs the build, the npm package webgpu (named by ECHO_WEBGPU, if it is not installed here) and a Vulkan driver
// (VK_DRIVER_FILES names one that the loader does not find). Modes cpu and webasm do without both.
import { spawn } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { ITEMS } from "../test/dist/gpu/check/main.js";
import { report } from "./gpu-report.mjs";

const { values } = parseArgs({
  options: {
    out: { type: "string", default: "." },
    only: { type: "string" },
    budget: { type: "string", default: "450" },
    beside: { type: "string", default: "1" },
    mode: { type: "string", default: "webgpu" },
  },
});
const names = values.only?.split(",") ?? ITEMS.map(({ name }) => name);
const unknown = names.find((name) => !ITEMS.some((item) => item.name === name));
if (unknown !== undefined) {
  console.error(
    `gpu-check: --only: there is no item "${unknown}"; there are ${ITEMS.map(({ name }) => name).join(", ")}`,
  );
  process.exit(2);
}
const main = join(import.meta.dirname, "..", "test", "dist", "gpu", "check", "main.js");
const end = performance.now() + 1000 * Number(values.budget);

/** Lines of an item's process that are not JSON come from the libraries; the last ones help where it failed. */
const LAST_LINES = 20;

/** Runs an item and collects its rows; what went wrong is told in `failed`. */
async function run(item) {
  const { name, about, brief } = item;
  const began = performance.now();
  const limit = Math.min(1000 * item.limit, end - began);
  const result = { name, about, brief, rows: [], failed: null, seconds: 0, output: [] };
  if (limit < 1000) return { ...result, failed: "not started: the time was used up" };
  const child = spawn(process.execPath, ["--expose-gc", main, name, values.mode], {
    env: { XDG_RUNTIME_DIR: "/tmp", ...process.env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let at = "";
  let done = false;
  const timer = setTimeout(() => {
    result.failed = `stopped after ${Math.round(limit / 1000)} s, in ${at}`;
    child.kill("SIGKILL");
  }, limit);
  const other = (line) => {
    result.output.push(line);
    if (result.output.length > LAST_LINES) result.output.shift();
  };
  createInterface({ input: child.stderr }).on("line", other);
  createInterface({ input: child.stdout }).on("line", (line) => {
    if (!line.startsWith("{")) return other(line);
    const message = JSON.parse(line);
    at = message.at ?? at;
    if (message.row !== undefined) result.rows.push(message.row);
    if (message.error !== undefined) result.failed = `${message.error} (in ${at})`;
    if (message.done !== undefined) done = true;
  });
  const [code, signal] = await new Promise((resolve) => {
    child.on("close", (...ended) => resolve(ended));
  });
  clearTimeout(timer);
  if (!done) result.failed ??= `the process ended with ${signal ?? code}, in ${at}`;
  result.seconds = (performance.now() - began) / 1000;
  const wrong = result.rows.filter(({ ok }) => !ok).length;
  console.log(
    `${name}: ${result.rows.length} rows, ${wrong} wrong, ${result.seconds.toFixed(1)} s${result.failed === null ? "" : `; ${result.failed.split("\n")[0]}`}`,
  );
  return result;
}

/** `beside` items at a time; those that measure come after, alone. */
async function runAll(items) {
  const found = new Map();
  const queue = items.filter(({ alone }) => !alone);
  const worker = async () => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) found.set(item, await run(item));
  };
  await Promise.all(Array.from({ length: Number(values.beside) }, worker));
  for (const item of items.filter(({ alone }) => alone)) found.set(item, await run(item));
  return items.map((item) => found.get(item));
}

const results = await runAll(ITEMS.filter(({ name }) => names.includes(name)));
mkdirSync(values.out, { recursive: true });
writeFileSync(
  join(values.out, "gpu-check.json"),
  `${JSON.stringify({ date: new Date().toISOString(), mode: values.mode, results }, null, 1)}\n`,
);
writeFileSync(join(values.out, "gpu-check.md"), report(values.mode, results));
const wrong = results.filter(({ failed, rows }) => failed !== null || rows.some(({ ok }) => !ok));
console.log(
  wrong.length === 0
    ? `gpu-check: all ${results.length} items are well`
    : `gpu-check: ${wrong.map(({ name }) => name).join(", ")} of ${results.length} items are not well`,
);
process.exit(wrong.length === 0 ? 0 : 1);
