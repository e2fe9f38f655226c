// Runs every test with node-tap and closes with what failed, file by file, and the plain line "N passed, N failed, N skipped".
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

// How many lines of failures are told again at the end.
const MOST_LINES = 150;
let summary = null;
let pending = "";
// The assertions that failed, each with its diagnostic block, of the file that runs and of all files before it.
let ofThisFile = [];
let inDiagnostic = false;
const failures = [];
child.stdout.setEncoding("utf8");
child.stdout.on("data", (chunk) => {
  process.stdout.write(chunk);
  const lines = (pending + chunk).split("\n");
  pending = lines.pop();
  for (const line of lines) {
    summary = /^# \{ total: (\d+)(.*)\}$/.exec(line) ?? summary;
    const failed = /^\s*not ok (?!.*# (?:TODO|SKIP)\b)/.test(line);
    if (failed || inDiagnostic) ofThisFile.push(line);
    // A diagnostic stands below its assertion, between lines of "---" and "...".
    inDiagnostic = failed || (inDiagnostic && line.trim() !== "...");
    if (/^(not )?ok /.test(line)) {
      if (failed) failures.push(...ofThisFile);
      ofThisFile = [];
      inDiagnostic = false;
    }
  }
});
child.on("close", (code) => {
  if (failures.length > 0) {
    const more = Math.max(0, failures.length - MOST_LINES);
    console.log(`What failed:\n${failures.slice(0, MOST_LINES).join("\n")}`);
    if (more > 0) console.log(`... and ${more} more lines above`);
  }
  const count = (name) => Number(new RegExp(`${name}: (\\d+)`).exec(summary?.[2] ?? "")?.[1] ?? 0);
  console.log(`${count("pass")} passed, ${count("fail")} failed, ${count("skip")} skipped`);
  const ranNothing = !summary || Number(summary[1]) === 0;
  process.exit(code || (ranNothing ? 1 : 0));
});
