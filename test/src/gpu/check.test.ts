// scripts/gpu-check.mjs: what it finds right, how a hang and a missing GPU end, and what it writes.
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import type { Row } from "./check/item.ts";

t.setTimeout(300_000); // each item starts a process

const SCRIPT = join(import.meta.dirname, "..", "..", "..", "scripts", "gpu-check.mjs");

interface Result {
  readonly name: string;
  readonly rows: readonly Row[];
  readonly failed: string | null;
}

/** Runs the check and reads what it wrote. */
function check(
  out: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): { status: number | null; stdout: string; results: Result[]; page: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [SCRIPT, "--out", out, ...args], {
    encoding: "utf8",
    env: { ...process.env, ECHO_WEBGPU: "/nowhere/webgpu", ...environment },
  });
  if (status === 2) return { status, stdout: stderr, results: [], page: "" };
  const { results } = JSON.parse(readFileSync(join(out, "gpu-check.json"), "utf8")) as { results: Result[] };
  return { status, stdout, results, page: readFileSync(join(out, "gpu-check.md"), "utf8") };
}

t.test("items that are well", async (t) => {
  const { status, stdout, results, page } = check(t.testdir(), ["--mode", "cpu", "--only", "adapter,traps"]);
  t.equal(status, 0);
  t.match(stdout, /gpu-check: all 2 items are well/);
  t.same(
    results.map(({ name, failed }) => [name, failed]),
    [
      ["adapter", null],
      ["traps", null],
    ],
  );
  t.match(results[0]!.rows[0], { name: "adapter", ok: true, value: "JavaScript" });
  t.match(page, /^# The gpu backend on JavaScript$/m);
  t.match(page, /^\| a result overwritten by the next call of its kernel +\| yes \|$/m);
});

t.test("an item that does not end is stopped, and told with the place and the rows so far", async (t) => {
  // 20 s are for a busy machine: the first row comes within one second of a quiet one.
  const args = ["--mode", "cpu", "--only", "adapter", "--budget", "20"];
  const { status, results, page } = check(t.testdir(), args, { ECHO_GPU_CHECK_HANG: "adapter" });
  t.equal(status, 1);
  const [{ failed, rows }] = results as [Result];
  t.match(failed, /^stopped after 20 s, in \w+$/);
  t.equal(rows.length, 1, "rows of before are kept");
  t.match(page, /\*\*stopped after 20 s, in \w+\*\*/);
});

t.test("without a GPU it says what is missing, and ends with 1", async (t) => {
  const { status, results } = check(t.testdir(), ["--only", "traps"]);
  t.equal(status, 1);
  t.match(results[0]!.failed, /the package webgpu 0\.6\.2 is not installed; name its entry in ECHO_WEBGPU/);
});

t.test("an item that does not exist is refused with those that do", async (t) => {
  const { status, stdout } = check(t.testdir(), ["--only", "op"]);
  t.equal(status, 2);
  t.match(stdout, /^gpu-check: --only: there is no item "op"; there are adapter, traps, ops,/);
});
