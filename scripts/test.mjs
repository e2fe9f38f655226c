// Runs every test with node-tap and closes with the plain line "N passed, N failed, N skipped".
// Arguments are handed to tap: `node scripts/test.mjs test/dist/tensor/view.test.js`.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const tap = join(root, "node_modules", "tap", "dist", "esm", "run.mjs");
// What several test files need is made once, in here.
const shared = mkdtempSync(join(tmpdir(), "echo-test-"));
process.on("exit", () => rmSync(shared, { recursive: true, force: true }));
const child = spawn(
  process.execPath,
  [tap, "--reporter=tap", "--disable-coverage", ...process.argv.slice(2)],
  {
    cwd: root,
    env: { ...process.env, ECHO_TEST_SHARED: shared },
    stdio: ["ignore", "pipe", "inherit"],
  },
);

let summary = null;
let pending = "";
child.stdout.on("data", (chunk) => {
  process.stdout.write(chunk);
  const lines = (pending + chunk).split("\n");
  pending = lines.pop();
  for (const line of lines) summary = /^# \{ total: (\d+)(.*)\}$/.exec(line) ?? summary;
});
child.on("close", (code) => {
  const count = (name) => Number(new RegExp(`${name}: (\\d+)`).exec(summary?.[2] ?? "")?.[1] ?? 0);
  console.log(`${count("pass")} passed, ${count("fail")} failed, ${count("skip")} skipped`);
  const ranNothing = !summary || Number(summary[1]) === 0;
  process.exit(code || (ranNothing ? 1 : 0));
});
