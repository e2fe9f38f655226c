// Ctrl-C: once ends a training after the step that it names, with a checkpoint from which it goes on to the same bits;
// twice ends the process at once, in the middle of an evaluation too, and damages no file. SIGTERM as Ctrl-C.
import { spawn } from "node:child_process";
import { cpSync, existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { loadCheckpoint } from "@echo-ts/echo-model/node";
import t from "tap";
import { command, data, events, folder, run, trainArgs } from "./command-line.js";
import { sha } from "./tiny-run.js";

t.setTimeout(300_000); // several processes, on a busy machine too

type Line = Record<string, unknown>;

interface Ended {
  readonly status: number | null;
  readonly signal: string | null;
  readonly lines: readonly Line[];
}

/** Runs the command; after each line of its output `send` says which signal it gets, if any. */
function interrupted(
  args: readonly string[],
  send: (line: Line) => NodeJS.Signals | null | undefined,
): Promise<Ended> {
  const child = spawn(...command(...args), { stdio: ["ignore", "pipe", "inherit"] });
  const lines: Line[] = [];
  let pending = "";
  child.stdout.on("data", (chunk: Buffer) => {
    const whole = (pending + chunk.toString()).split("\n");
    pending = whole.pop()!;
    for (const text of whole) {
      const line = JSON.parse(text) as Line;
      lines.push(line);
      const signal = send(line);
      if (signal != null) child.kill(signal);
    }
  });
  return new Promise((resolve) => child.on("close", (status, signal) => resolve({ status, signal, lines })));
}

const ofKind = (lines: readonly Line[], kind: string): Line[] => lines.filter((line) => line.kind === kind);
const stepsOf = (lines: readonly Line[]): number[] =>
  ofKind(lines, "step").map(({ report }) => (report as { step: number }).step);

/** What a run leaves, but for the lines of its log, which hold times. */
function bitsOf(name: string): Record<string, string> {
  const files = readdirSync(join(folder, name)).filter((file) => file.endsWith("safetensors"));
  return Object.fromEntries(files.map((file) => [file, sha(join(folder, name, file))]));
}

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  t.test(`${signal} once: the step that was announced is the last, and --resume goes on`, async (t) => {
    const settings = ["--set", "training.maxSteps=60", "--set", "training.checkpointEvery=10"];
    const name = `once ${signal}`;
    const seen = new Set<number>();
    const { status, lines } = await interrupted(trainArgs(name, ...settings), (line) => {
      if (line.kind !== "step") return null;
      seen.add((line.report as { step: number }).step);
      return seen.size === 4 ? signal : null;
    });
    t.equal(status, 130);
    const [stopping] = ofKind(lines, "stopping");
    const announced = stopping!.step as number;
    t.ok(announced >= 4 && announced < 60, `${announced}`);
    t.equal(stepsOf(lines).at(-1), announced, "no step after it");
    t.match(lines.at(-1), { kind: "end", outcome: "interrupted", steps: announced });
    const checkpoint = await loadCheckpoint(join(folder, name, "last.safetensors"));
    t.equal(checkpoint.training!.trainer.step, announced);
    t.notOk(readdirSync(join(folder, name)).some((file) => file.startsWith(".") || file === "run.lock"));

    const resumed = run(...trainArgs(name, ...settings, "--resume"));
    t.equal(resumed.status, 0, resumed.err);
    t.equal(stepsOf(events(resumed))[0], announced + 1);
    if (!existsSync(join(folder, "whole"))) t.equal(run(...trainArgs("whole", ...settings)).status, 0);
    t.same(bitsOf(name), bitsOf("whole"), "the bits of a run that nobody interrupted");
  });
}

t.test(
  "twice: the process ends at once, in the middle of an evaluation, and no file is damaged",
  async (t) => {
    // The rows to score 150 times over: an evaluation takes seconds.
    const long = join(folder, "long");
    cpSync(data, long, { recursive: true });
    const rows = readFileSync(join(data, "manifest.jsonl"), "utf8")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { id: string; split: string });
    const scored = rows.filter(({ split }) => split === "dev");
    for (let copy = 1; copy < 150; copy++)
      rows.push(...scored.map((row) => ({ ...row, id: `${row.id}-${copy}` })));
    writeFileSync(join(long, "manifest.jsonl"), rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
    const settings = ["training.maxSteps=8", "training.evaluateEvery=2", "training.checkpointEvery=1"];
    const argsOf = (name: string): string[] =>
      trainArgs(name, ...settings.flatMap((one) => ["--set", one])).map((arg) => (arg === data ? long : arg));
    const { status, signal, lines } = await interrupted(argsOf("twice"), (line) => {
      const second = line.kind === "step" && (line.report as { step: number }).step === 2;
      return second || line.kind === "stopping" ? "SIGINT" : null;
    });
    t.equal(status, null);
    t.equal(signal, "SIGINT", "which a shell calls 130");
    t.same(
      ofKind(lines, "stopping").map(({ step }) => step),
      [2],
    );
    t.equal(ofKind(lines, "evaluation").length, 0, "it did not wait for the evaluation");
    t.equal(ofKind(lines, "end").length, 0);
    t.equal((await loadCheckpoint(join(folder, "twice", "last.safetensors"))).training!.trainer.step, 1);

    const resumed = run(...argsOf("twice"), "--resume");
    t.equal(resumed.status, 0, resumed.err);
    t.same(
      stepsOf(events(resumed)),
      [2, 3, 4, 5, 6, 7, 8],
      "the step after the last checkpoint is taken again",
    );
    t.equal(run(...argsOf("never")).status, 0);
    t.same(bitsOf("twice"), bitsOf("never"));
  },
);
