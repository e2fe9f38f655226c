// Prints how far each op on each mode of the gpu backend is from the reference backend, as a Markdown table, and
// writes it to a file if one is named: npm run bench:agreement. A column is missing where its mode is: WebGPU in
// Node needs the webgpu package and a Vulkan driver (node-webgpu.ts), the browser's need Chromium (chromium.ts).
import { writeFileSync } from "node:fs";
import { findBackend, type GpuInfo, type GpuMode, gpuInfo, initGpu } from "@echo-ts/tensor";
import type { Op } from "@echo-ts/tensor/internal";
import { openTestPages, skipWithoutChromium } from "../browser/chromium.ts";
import { PRIMITIVE_ROWS } from "../tensor/op-rows-primitive.ts";
import { installWebGpu } from "./node-webgpu.ts";
import { type Agreement, compareOp, OP_NAMES } from "./op-cases.ts";

interface Column {
  readonly title: string;
  /** What computed. */
  readonly adapter: string;
  readonly rows: ReadonlyMap<Op, Agreement>;
}

const column = (title: string, info: GpuInfo, found: readonly Agreement[]): Column => ({
  title,
  adapter: info.adapter,
  rows: new Map(found.map((row) => [row.op, row])),
});

async function inNode(mode: GpuMode, title: string): Promise<Column> {
  const backend = await initGpu({ mode, allowSoftware: true });
  const found: Agreement[] = [];
  for (const op of OP_NAMES) found.push(await compareOp(op, backend));
  return column(title, gpuInfo()!, found);
}

async function inChromium(): Promise<Column[]> {
  const { open, call, close } = await openTestPages();
  const columns: Column[] = [];
  for (const mode of ["webgl2", "webgpu"] as const) {
    const tab = await open("plain", (error) => {
      throw error;
    });
    const info = await call(tab, "start", mode);
    const found: Agreement[] = [];
    for (const op of OP_NAMES) found.push(...(await call(tab, "ops", [op], "all")));
    columns.push(column(`${mode}, Chromium`, info!, found));
    await tab.close();
  }
  await close();
  return columns;
}

/** How the gpu backend computes an op; own kernels for a part of the cases are told in percent. */
function computedBy(op: Op, own: number): string {
  const { kernels } = findBackend("gpu");
  if (own === 1) return kernels[op] === undefined ? "view" : "kernel";
  if (own > 0) return `kernel (${Math.round(100 * own)} %)`;
  return kernels[op] === undefined && !(op in PRIMITIVE_ROWS) ? "composition" : "host";
}

function format(columns: readonly Column[], missing: readonly string[]): string {
  const cell = ({ worst }: Agreement): string => (worst === 0 ? "0" : worst.toExponential(1));
  const lines = OP_NAMES.map((op) => {
    const all = columns.map(({ rows }) => rows.get(op)!);
    return [`\`${op}\``, computedBy(op, all[0]!.own), `${all[0]!.cases}`, ...all.map(cell)];
  });
  const worst = columns.map(({ rows }) => Math.max(...[...rows.values()].map((row) => row.worst)));
  const titles = ["op", "computed", "cases", ...columns.map(({ title }) => title)];
  const last = ["**worst**", "", "", ...worst.map((value) => `**${value.toExponential(1)}**`)];
  const rows = [titles, ...lines, last];
  const widths = titles.map((_, i) => Math.max(...rows.map((cells) => cells[i]!.length)));
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((text, i) => (i < 2 ? text.padEnd(widths[i]!) : text.padStart(widths[i]!))).join(" | ")} |`;
  const rule = widths.map((width, i) => (i < 2 ? "-".repeat(width) : `${"-".repeat(width - 1)}:`));
  const table = [line(titles), line(rule), ...lines.map(line), line(last)];
  return `# Agreement of the gpu backend with the reference backend

For each op the largest difference over all its cases in the table of the op tests (several shapes, rank 0 and size 0,
contiguous, permuted and broadcast inputs), divided by the largest expected magnitude or 1: the maximum norm. The
reference backend computes in double precision and rounds to float32 at the end. NaN and infinities must be equal.
"kernel": computed by one of the backend's own; "composition": by several of them; "host": by the reference kernel, in host
memory, which \`explain()\` reports. What has no elements is never computed on the device.

${columns.map(({ title, adapter }) => `- ${title}: ${adapter}`).join("\n")}
${missing.map((text) => `- not measured: ${text}\n`).join("")}
cpu and webasm are gpu.js without a GPU; SwiftShader imitates one on the CPU. A real GPU:
[gpu/h200.md](gpu/h200.md).

Written by \`npm run bench:agreement\`. WebGPU in Node needs the package webgpu 0.6.2, which is not among the dependencies,
and a Vulkan driver; Chromium brings one:

    ECHO_WEBGPU=/PATH/node_modules/webgpu/index.js VK_DRIVER_FILES=/usr/lib/chromium/vk_swiftshader_icd.json \\
      npm run bench:agreement

${table.join("\n")}
`;
}

const columns = [await inNode("cpu", "cpu"), await inNode("webasm", "webasm")];
const missing: string[] = [];
const noWebGpu = await installWebGpu();
if (noWebGpu === false) columns.push(await inNode("webgpu", "webgpu, Node"));
else missing.push(`webgpu, Node: ${noWebGpu}`);
if (skipWithoutChromium === false) columns.push(...(await inChromium()));
else missing.push(`Chromium: ${skipWithoutChromium}`);
const text = format(columns, missing);
console.log(text);
const [, , file] = process.argv;
if (file !== undefined) writeFileSync(file, text);
// The WebGPU device keeps Node running.
process.exit(0);
