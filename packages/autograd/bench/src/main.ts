// Times the items of the benchmark on this machine: `pnpm bench --help`. Figures measured so far are in
// RESULTS.md. Reading order: item, op-items, step-items, then this file.

import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { add, configureWasm, initWasm, setBackend, wasmInfo, zeros } from "@echo-ts/tensor";
import { type Item, measure } from "./item.ts";
import { OP_ITEMS } from "./op-items.ts";
import { type BenchOptions, readOptions, usage } from "./options.ts";
import { STEP_ITEMS } from "./step-items.ts";

const ITEMS: readonly Item[] = [...OP_ITEMS, ...STEP_ITEMS];
const WORKER_START_MS = 300;

/** A line of the output; the names are part of the interface. */
interface Line {
  readonly item: string;
  readonly backend: string;
  readonly mode: string;
  readonly threads: number;
  readonly msMin: number;
  readonly msMedian: number;
  readonly gflops: number | null;
  readonly check: number;
}

/** One backend in one mode with one number of threads. */
interface Setting {
  readonly backend: string;
  readonly mode: string;
  readonly threads: number;
}

function settingsOf({ backends, modes, threads }: BenchOptions): Setting[] {
  return backends.flatMap((backend) => {
    if (backend !== "wasm") return [{ backend, mode: "default", threads: 1 }];
    return modes.flatMap((mode) => threads.map((count) => ({ backend, mode, threads: count })));
  });
}

async function start({ backend, mode, threads }: Setting): Promise<{ mode: string; threads: number }> {
  setBackend(backend);
  if (backend !== "wasm") return { mode, threads };
  configureWasm({
    revectorize: mode === "auto" ? "auto" : mode.includes("revectorize"),
    fma: mode.includes("fma"),
    threads,
  });
  await initWasm();
  const info = wasmInfo();
  for (const note of info.notes) console.error(`bench: ${note}`);
  if (threads > 1) {
    // The first work worth sharing starts the workers; they take part once they have made their instances.
    add(zeros([2 ** 20]), 1);
    await new Promise((resolve) => setTimeout(resolve, WORKER_START_MS));
  }
  return info;
}

async function run(setting: Setting, { items, budgetMs, json }: BenchOptions): Promise<void> {
  const { backend } = setting;
  const { mode, threads } = await start(setting);
  if (!json) {
    console.log(
      `${backend}, ${mode}, ${threads} ${threads === 1 ? "thread" : "threads"}, Node ${process.version}`,
    );
    console.log(row(["item", "ms min", "ms median", "GFLOP/s", "runs", "check"]));
  }
  for (const item of ITEMS.filter(({ name }) => items.includes(name))) {
    const { msMin, msMedian, runs, check } = measure(item, budgetMs);
    const gflops = item.flops === null ? null : rounded(item.flops / msMin / 1e6);
    const line: Line = {
      item: item.name,
      backend,
      mode,
      threads,
      msMin: rounded(msMin),
      msMedian: rounded(msMedian),
      gflops,
      check,
    };
    if (json) console.log(JSON.stringify(line));
    else {
      const rate = gflops === null ? "" : gflops.toFixed(1);
      console.log(
        row([item.name, `${line.msMin}`, `${line.msMedian}`, rate, `${runs}`, check.toPrecision(9)]),
      );
    }
    await new Promise((resolve) => setImmediate(resolve)); // lets finalisers give memory back
  }
}

/** Four significant digits. */
function rounded(value: number): number {
  return Number(value.toPrecision(4));
}

const WIDTHS = [20, 11, 11, 9, 8, 15];

function row(cells: readonly string[]): string {
  return cells.map((cell, i) => (i === 0 ? cell.padEnd(WIDTHS[i]!) : cell.padStart(WIDTHS[i]!))).join("");
}

/** The backend is set up once per process, so that each further setting takes a new one. */
function runApart({ backend, mode, threads }: Setting, { items, budgetMs, json }: BenchOptions): number {
  const args = ["--backend", backend, "--threads", String(threads), "--budget-ms", String(budgetMs)];
  if (backend === "wasm") args.push("--mode", mode);
  const own = [...process.execArgv, fileURLToPath(import.meta.url), "--items", items.join(","), ...args];
  const { status } = spawnSync(process.execPath, json ? [...own, "--json"] : own, { stdio: "inherit" });
  return status ?? 1;
}

async function main(): Promise<void> {
  const names = ITEMS.map(({ name }) => name);
  const options = readOptions(process.argv.slice(2), names);
  if (options === null) {
    console.log(usage(names));
    return;
  }
  const settings = settingsOf(options);
  if (settings.length === 1) {
    await run(settings[0]!, options);
    return;
  }
  for (const setting of settings) {
    const status = runApart(setting, options);
    if (status !== 0) process.exitCode = status;
  }
}

try {
  await main();
} catch (error) {
  console.error(`bench: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
