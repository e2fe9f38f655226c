// Options that every command shares, and what they set: backend, threads, arithmetic.
import { BackendError, configureWasm, gpuInfo, initGpu, setBackend, wasmInfo } from "@echo-ts/tensor";
import type { Command } from "cac";
import { ConfigError } from "../errors.ts";
import { numberOption } from "./settings.ts";

/** Values of the shared options. */
export interface EngineOptions {
  readonly backend?: string;
  readonly threads?: string;
  readonly mode?: string;
}

const MODES = ["auto", "simd", "revectorize", "fma", "revectorize+fma"];

/** Adds --backend, --threads and --mode to a command. */
export function withEngineOptions(command: Command): Command {
  return command
    .option(
      "--backend <name>",
      "what computes: wasm (default), reference (plain TypeScript, slow), or, for train, gpu (WebGPU)",
    )
    .option(
      "--threads <n>",
      "threads of the wasm backend (default: cores, at most 8); never changes a result",
    )
    .option(
      "--mode <mode>",
      `arithmetic of the wasm backend: ${MODES.join(", ")} (default auto: revectorize where it is sure; fma changes the last bits)`,
    );
}

/** The npm package that brings WebGPU to Node, which the user installs where it is wanted; ECHO_WEBGPU names its entry. */
const WEBGPU: string = process.env.ECHO_WEBGPU ?? "webgpu";

/**
 * Starts the gpu backend in Node, where WebGPU comes by a package. ECHO_WEBGPU_SOFTWARE=1 takes a software renderer too,
 * to try it without a GPU.
 *
 * @throws ConfigError that says what is missing
 */
async function startGpu(): Promise<void> {
  const webgpu = (await import(WEBGPU).catch(() => null)) as null | {
    readonly globals: object;
    create(flags: readonly string[]): object;
  };
  if (webgpu === null)
    throw new ConfigError([
      "--backend: gpu needs the npm package webgpu, which is not installed; npm install webgpu@0.6.2 gpu.js@2.24.1 --omit=optional, or name its entry in ECHO_WEBGPU",
    ]);
  Object.assign(globalThis, webgpu.globals);
  Object.defineProperty(globalThis, "navigator", {
    value: { gpu: webgpu.create([]) },
    configurable: true,
  });
  try {
    await initGpu({ mode: "webgpu", allowSoftware: process.env.ECHO_WEBGPU_SOFTWARE === "1" });
  } catch (error) {
    if (error instanceof BackendError) throw new ConfigError([`--backend: ${error.message}`]);
    throw error;
  }
  process.stderr.write(
    `note: the steps are taken on ${gpuInfo()!.adapter}, evaluations on the wasm backend\n`,
  );
}

/**
 * Chooses the backend; call it before the first tensor.
 *
 * @param gpu whether the command can compute on the gpu backend
 * @throws ConfigError for values that make no sense
 */
export async function startEngine(
  { backend = "wasm", threads, mode }: EngineOptions,
  gpu = false,
): Promise<void> {
  const known = gpu ? ["wasm", "reference", "gpu"] : ["wasm", "reference"];
  if (!known.includes(backend))
    throw new ConfigError([
      `--backend: expected ${gpu ? "wasm, reference or gpu" : "wasm or reference"}, got ${backend}`,
    ]);
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
    ...(mode !== undefined && {
      revectorize: mode === "auto" ? mode : mode.includes("revectorize"),
      fma: mode.includes("fma"),
    }),
  });
  if (backend === "gpu") await startGpu();
  setBackend(backend);
  // A mode that this machine lacks is left out and the run goes on: say so.
  if (mode === undefined || backend !== "wasm") return;
  if (mode === "auto") process.stderr.write(`note: auto runs ${wasmInfo().mode} here\n`);
  for (const note of wasmInfo().notes) process.stderr.write(`note: ${note}\n`);
}
