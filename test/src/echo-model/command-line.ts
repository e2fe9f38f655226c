// The command echo-asr as a process, and a data folder for it to work on: made for one test file, removed at its end.
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import t from "tap";
import { syntheticFiles, TINY } from "./synthetic-speech.js";

const MAIN: string = fileURLToPath(new URL("../../../packages/echo-model/dist/cli/main.js", import.meta.url));

/** A folder for whatever the test file writes. */
export const folder: string = mkdtempSync(join(tmpdir(), "echo-cli-"));
t.teardown(() => rmSync(folder, { recursive: true }));

/** The made-up speech as a data folder. */
export const data: string = join(folder, "data");
for (const [name, content] of Object.entries(syntheticFiles())) {
  mkdirSync(dirname(join(data, name)), { recursive: true });
  writeFileSync(join(data, name), content);
}

/** Settings of a tiny model. */
export const configFile: string = join(folder, "tiny.json");
writeFileSync(configFile, JSON.stringify(TINY));

/** How a process ended, and what it wrote. */
export interface Result {
  readonly status: number | null;
  readonly out: string;
  readonly err: string;
}

/**
 * Program and arguments that start `echo-asr`. tap hooks itself into every Node process by NODE_OPTIONS, which takes
 * longer than most of the commands here; where there is an env(1) it takes that away again.
 */
export function command(...args: string[]): [program: string, args: string[]] {
  const started = [process.execPath, MAIN, ...args];
  return process.platform === "win32"
    ? [started[0]!, started.slice(1)]
    : ["env", ["-u", "NODE_OPTIONS", ...started]];
}

/** Runs `echo-asr` to its end. */
export function run(...args: string[]): Result {
  const { status, stdout, stderr } = spawnSync(...command(...args), { encoding: "utf8" });
  return { status, out: stdout, err: stderr };
}

/** Arguments that train the tiny model into `folder/out` on one thread, with events as JSON. */
export function trainArgs(out: string, ...more: string[]): string[] {
  const folders = ["--data", data, "--out", join(folder, out), "--config", configFile];
  return ["train", ...folders, "--threads", "1", "--json", ...more];
}

/** What `--json` wrote, a record a line. */
export function events({ out }: Result): Record<string, unknown>[] {
  return out
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
}
