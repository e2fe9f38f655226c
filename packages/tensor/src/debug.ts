// ECHO_DEBUG: prints what ran to standard error, without a change to the program. 1: what fell back, and memory, at
// the end; 2: also a table of ops by time; 3: also a line for each op as it is computed. In a browser there is no
// environment: use `observe` and `profile` there; bundles for browsers have debug-in-pages.ts instead.

import { explain, getBackend } from "./backend.ts";
import { BackendError } from "./errors.ts";
import { type OpEvent, observe } from "./observe.ts";
import { formatBytes, formatProfile, Tally } from "./profile.ts";
import { formatShape } from "./shape.ts";

const host = globalThis as {
  readonly process?: {
    readonly env?: Record<string, string | undefined>;
    readonly stderr?: { write(text: string): unknown };
    on?(event: "exit", listener: () => void): unknown;
  };
};

/** One op as a line: name, operands, result, who computed it, milliseconds. */
export function formatOp({ op, inputs, output, by, backend, milliseconds, depth }: OpEvent): string {
  const operands = inputs.map((x) => formatShape(x.shape)).join(", ");
  const result = `${formatShape(output.shape)} ${output.dtype}`;
  const time = by === "view" ? "" : ` ${milliseconds.toFixed(3)} ms`;
  return `${"  ".repeat(depth)}${op}(${operands}) -> ${result}, ${backend} ${by}${time}`;
}

/** The lines of level 1: fallbacks, then memory. */
function summary(): string[] {
  const fallbacks = explain();
  const lines = fallbacks.map(({ backend, op, dtype, count }) => `  ${backend} ${op} ${dtype}: ${count}`);
  const backend = getBackend();
  const memory = backend.memory?.() ?? null;
  return [
    fallbacks.length === 0 ? "nothing fell back" : "fell back:",
    ...lines,
    memory === null
      ? `memory of ${backend.name}: left to the garbage collector`
      : `memory of ${backend.name}: ${formatBytes(memory.live)} live, ${formatBytes(memory.peak)} at most, ${formatBytes(memory.reserved)} reserved`,
  ];
}

/**
 * Starts what ECHO_DEBUG asks for; does nothing without it, and where there is no process.
 *
 * @throws BackendError if the variable is not 0, 1, 2 or 3
 */
export function startDebugging(): void {
  const { process } = host;
  const wished = process?.env?.ECHO_DEBUG;
  if (wished === undefined || wished === "" || wished === "0") return;
  if (!/^[123]$/.test(wished)) {
    throw new BackendError(`ECHO_DEBUG: expected 0, 1, 2 or 3, got "${wished}"`);
  }
  const level = Number(wished);
  const print = (line: string): unknown => process?.stderr?.write(`echo: ${line}\n`);
  const tally = new Tally();
  if (level >= 2) {
    observe((event) => {
      tally.add(event);
      if (level === 3) print(formatOp(event));
    });
  }
  process?.on?.("exit", () => {
    if (level >= 2) for (const line of formatProfile(tally.lines()).split("\n")) print(line);
    for (const line of summary()) print(line);
  });
}
