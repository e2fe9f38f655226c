// The command line of the benchmark.

import { parseArgs } from "node:util";

/** What to run. */
export interface BenchOptions {
  readonly items: readonly string[];
  readonly backends: readonly string[];
  readonly modes: readonly string[];
  readonly threads: readonly number[];
  readonly budgetMs: number;
  readonly json: boolean;
}

/** Modes of the wasm backend, see WasmOptions. */
export const MODES: readonly string[] = ["auto", "simd", "revectorize", "fma", "revectorize+fma"];

/** What --help prints. */
export function usage(itemNames: readonly string[]): string {
  return `Usage: pnpm bench [options]          a table
       pnpm --silent bench --json     one JSON object per line and nothing else

Options; lists are separated by commas, and every combination runs, each in a process of its own
  --items LIST      items or beginnings of their names, such as matmul,train_d128 (default: all)
  --backend LIST    wasm, reference (default: wasm)
  --mode LIST       ${MODES.join(", ")} (default: auto; wasm only; "default" means auto)
  --threads LIST    threads of the wasm backend (default: 1)
  --budget-ms N     time per item in milliseconds, warm-up of a quarter of it not included (default: 1000)
  --json            print {item, backend, mode, threads, msMin, msMedian, gflops, check}
  --help

Items: ${itemNames.join(", ")}

"check" is a sum over the result, or the loss of the third step: equal data gives equal bits for any number of
threads and with or without revectorize. A mode the engine lacks runs, and is reported, as what it has.
`;
}

/**
 * Reads the command line.
 *
 * @returns null for --help
 * @throws RangeError naming the option that makes no sense
 */
export function readOptions(args: readonly string[], itemNames: readonly string[]): BenchOptions | null {
  const { values } = parseArgs({
    args: args.filter((arg) => arg !== "--"),
    options: {
      items: { type: "string" },
      backend: { type: "string", default: "wasm" },
      mode: { type: "string", default: "auto" },
      threads: { type: "string", default: "1" },
      "budget-ms": { type: "string", default: "1000" },
      json: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return null;
  const wanted = values.items === undefined ? null : split(values.items);
  for (const name of wanted ?? []) {
    if (!itemNames.some((item) => item.startsWith(name))) {
      throw new RangeError(`--items: unknown item "${name}", expected some of: ${itemNames.join(", ")}`);
    }
  }
  const modes = split(values.mode).map((mode) => (mode === "default" ? "auto" : mode));
  const unknown = modes.find((mode) => !MODES.includes(mode));
  if (unknown !== undefined) {
    throw new RangeError(`--mode: unknown mode "${unknown}", expected some of: ${MODES.join(", ")}`);
  }
  return {
    items: wanted === null ? itemNames : itemNames.filter((item) => chosen(item, wanted, itemNames)),
    backends: split(values.backend),
    modes,
    threads: split(values.threads).map((text) => positive("--threads", text, true)),
    budgetMs: positive("--budget-ms", values["budget-ms"], false),
    json: values.json,
  };
}

/** An exact name picks that item alone; any other word picks the items that begin with it. */
function chosen(item: string, wanted: readonly string[], itemNames: readonly string[]): boolean {
  return wanted.some((word) => item === word || (!itemNames.includes(word) && item.startsWith(word)));
}

function split(list: string): string[] {
  return list.split(",").map((word) => word.trim());
}

function positive(option: string, text: string, whole: boolean): number {
  const value = Number(text);
  if (!(value > 0) || !Number.isFinite(value) || (whole && !Number.isInteger(value))) {
    throw new RangeError(`${option}: expected a positive ${whole ? "whole " : ""}number, got "${text}"`);
  }
  return value;
}
