// Options that every command shares, and what they set: backend, threads, arithmetic.
import { configureWasm, setBackend } from "@echo-ts/tensor";
import type { Command } from "cac";
import { ConfigError } from "../errors.ts";

/** Values of the shared options. */
export interface EngineOptions {
  readonly backend?: string;
  readonly threads?: number;
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
  if (threads !== undefined && (!Number.isInteger(threads) || threads < 1 || threads > 64))
    throw new ConfigError([`--threads: expected a whole number from 1 to 64, got ${threads}`]);
  if (mode !== undefined && !MODES.includes(mode))
    throw new ConfigError([`--mode: expected one of ${MODES.join(", ")}, got ${mode}`]);
  configureWasm({
    ...(threads !== undefined && { threads }),
    ...(mode !== undefined && { revectorize: mode.includes("revectorize"), fma: mode.includes("fma") }),
  });
  setBackend(backend);
}
