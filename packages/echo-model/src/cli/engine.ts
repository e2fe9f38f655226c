// Options that every command shares, and what they set: backend, threads, arithmetic.
import { configureWasm, setBackend, wasmInfo } from "@echo-ts/tensor";
import type { Command } from "cac";
import { ConfigError } from "../errors.ts";
import { numberOption } from "./settings.ts";

/** Values of the shared options. */
export interface EngineOptions {
  readonly backend?: string;
  readonly threads?: string;
  readonly mode?: string;
}

const MODES = ["simd", "revectorize", "fma", "revectorize+fma"];

/** Adds --backend, --threads and --mode to a command. */
export function withEngineOptions(command: Command): Command {
  return command
    .option("--backend <name>", "what computes: wasm (default) or reference (plain TypeScript, slow)")
    .option(
      "--threads <n>",
      "threads of the wasm backend (default: cores, at most 8); never changes a result",
    )
    .option(
      "--mode <mode>",
      `arithmetic of the wasm backend: ${MODES.join(", ")} (default simd; fma changes the last bits)`,
    );
}

/** Chooses the backend; call it before the first tensor. Throws ConfigError for values that make no sense. */
export function startEngine({ backend = "wasm", threads, mode }: EngineOptions): void {
  if (backend !== "wasm" && backend !== "reference")
    throw new ConfigError([`--backend: expected wasm or reference, got ${backend}`]);
  const count =
    threads === undefined
      ? undefined
      : numberOption(
          "--threads",
          threads,
          "a whole number from 1 to 64",
          (n) => Number.isInteger(n) && n >= 1 && n <= 64,
        );
  if (mode !== undefined && !MODES.includes(mode))
    throw new ConfigError([`--mode: expected one of ${MODES.join(", ")}, got ${mode}`]);
  configureWasm({
    ...(count !== undefined && { threads: count }),
    ...(mode !== undefined && { revectorize: mode.includes("revectorize"), fma: mode.includes("fma") }),
  });
  setBackend(backend);
  // A mode that this machine lacks is left out and the run goes on: say so.
  if (mode === undefined || backend !== "wasm") return;
  for (const note of wasmInfo().notes) process.stderr.write(`note: ${note}\n`);
}
