// Installs the workspace's dependencies when the lockfile has changed since the last time, then builds
// on request. `npm start` and `npm test` call it first, so a fresh clone needs nothing but Node and npm.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const windows = process.platform === "win32";
const { packageManager } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));

const hash = createHash("sha256");
for (const file of ["pnpm-lock.yaml", "pnpm-workspace.yaml"]) hash.update(readFileSync(join(root, file)));
const wanted = hash.update(packageManager).update(process.version.split(".")[0]).digest("hex");
const stamp = join(root, "node_modules", ".setup-stamp");
const found = existsSync(stamp) ? readFileSync(stamp, "utf8") : "";

function run(command, args, what) {
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: ["ignore", 2, 2], shell: windows });
  if (status === 0) return;
  console.error(`setup: ${what} failed${error ? `: ${error.message}` : ` with exit code ${status}`}`);
  process.exit(status || 1);
}

if (found !== wanted) {
  console.error(`setup: installing dependencies with ${packageManager} ...`);
  const args = [
    "--yes",
    packageManager,
    "install",
    "--frozen-lockfile",
    "--prefer-offline",
    "--reporter=append-only",
  ];
  run(windows ? "npx.cmd" : "npx", args, "the installation of dependencies");
  writeFileSync(stamp, wanted);
}
if (process.argv.includes("--build"))
  run(process.execPath, [join(root, "scripts", "build.mjs")], "the build");
