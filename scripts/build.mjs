// Builds every package: first the wasm kernels (when their sources changed), then TypeScript by project
// references. `--clean` removes what a build made.
import { spawnSync } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildWasm } from "./wasm.mjs";
import { buildAudioWasm } from "./wasm-audio.mjs";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const tsc = join(root, "node_modules", "typescript", "bin", "tsc");
if (!process.argv.includes("--clean")) {
  await buildWasm();
  await buildAudioWasm();
}
const args = process.argv.includes("--clean") ? ["-b", "--clean"] : ["-b"];
const { status } = spawnSync(process.execPath, [tsc, ...args], { cwd: root, stdio: ["ignore", 2, 2] });
process.exit(status ?? 1);
