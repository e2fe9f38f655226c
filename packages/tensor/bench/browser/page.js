// The comparison page: runs every item on every backend that this browser has, and in jax-js if it is installed (see
// serve.mjs), shows a table of minimum times and all figures as JSON, and copies those. `?small` runs small items only
// and takes software rendering too.
import * as e from "@echo-ts/tensor";
import { ITEMS } from "./items.js";
import { jaxItems } from "./jax-items.js";

const small = new URLSearchParams(location.search).has("small");
const $ = (id) => document.getElementById(id);
const rows = Object.entries(ITEMS).filter(([, item]) => item.small || !small);

/** The backends to compare: [label, start], where start makes one ready or throws. */
const BACKENDS = [
  ["reference", async () => e.findBackend("reference")],
  [
    "wasm",
    async () => {
      await e.initWasm();
      return e.findBackend("wasm");
    },
  ],
  ["webgl2", () => e.initGpu({ mode: "webgl2", allowSoftware: small })],
  ["webgpu", () => e.initGpu({ mode: "webgpu", allowSoftware: small })],
];

/** How long an item is repeated, in milliseconds. */
const BUDGET = small ? 100 : 1000;

/** jax-js on WebGPU: its items by name, or null without the package. */
async function startJax() {
  const { default: jax } = await import("echo-ts:jax");
  if (jax === null) return null;
  if (!(await jax.init("webgpu")).includes("webgpu")) throw new Error("no WebGPU");
  jax.defaultDevice("webgpu");
  return jaxItems(jax);
}

/** Milliseconds of one call with its result read back, at least 3 times. The page may breathe between. */
async function time(call) {
  const once = async () => {
    const start = performance.now();
    await call();
    return performance.now() - start;
  };
  const first = await once();
  const times = [];
  const end = performance.now() + BUDGET;
  while (times.length < 3 || (performance.now() < end && times.length < 200)) {
    times.push(await once());
    await new Promise((resolve) => setTimeout(resolve));
  }
  const sorted = times.toSorted((a, b) => a - b);
  return { first, minimum: sorted[0], median: sorted[sorted.length >> 1], runs: times.length };
}

function draw(report) {
  const names = Object.keys(report.backends);
  const cell = (tag, text) => {
    const node = document.createElement(tag);
    node.textContent = text;
    return node;
  };
  const line = (cells) => {
    const row = document.createElement("tr");
    row.append(...cells);
    return row;
  };
  const head = line([cell("th", "ms, minimum"), ...names.map((name) => cell("th", name))]);
  const body = rows.map(([item]) =>
    line([
      cell("th", item),
      ...names.map((name) => {
        const { times, failed } = report.backends[name];
        if (failed) return cell("td", "-");
        const got = times[item];
        return cell("td", got === undefined ? "..." : got.minimum.toPrecision(3));
      }),
    ]),
  );
  $("table").replaceChildren(head, ...body);
  $("notes").textContent = names
    .map((name) => `${name}: ${report.backends[name].failed ?? JSON.stringify(report.backends[name].info)}`)
    .join("\n");
  $("json").textContent = JSON.stringify(report, null, 2);
}

async function compare() {
  const report = {
    date: new Date().toISOString(),
    browser: navigator.userAgent,
    cores: navigator.hardwareConcurrency,
    crossOriginIsolated,
    backends: {},
  };
  globalThis.report = report;
  for (const [name, start] of BACKENDS) {
    const entry = { info: null, times: {} };
    report.backends[name] = entry;
    draw(report);
    try {
      const backend = await start();
      entry.info = name === "wasm" ? e.wasmInfo() : name === "reference" ? {} : e.gpuInfo();
      for (const [item, { make }] of rows) {
        const run = e.withBackend(backend, make);
        entry.times[item] = await time(() => e.withBackend(backend, run).data());
        draw(report);
        await new Promise((resolve) => setTimeout(resolve));
      }
    } catch (error) {
      entry.failed = String(error);
    }
    draw(report);
  }
  const entry = { info: {}, times: {} };
  try {
    const items = await startJax();
    if (items !== null) report.backends["jax-js webgpu"] = entry;
    for (const [item] of items === null ? [] : rows) {
      const run = items[item]();
      entry.times[item] = await time(() => run().data());
      draw(report);
    }
  } catch (error) {
    entry.failed = String(error);
  }
  report.done = true;
  draw(report);
  $("copy").disabled = false;
  $("state").textContent = "Done.";
}

$("copy").addEventListener("click", async () => {
  try {
    await navigator.clipboard.writeText($("json").textContent);
    $("state").textContent = "Copied.";
  } catch {
    // The page may not write to the clipboard: select the text instead.
    $("json").closest("details").open = true;
    getSelection().selectAllChildren($("json"));
    $("state").textContent = "The browser forbids copying; the figures below are selected.";
  }
});
$("run").addEventListener("click", () => {
  $("run").disabled = true;
  $("state").textContent = "Running ...";
  compare();
});
if (small) addEventListener("load", () => $("run").click());
