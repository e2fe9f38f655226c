// The life of a run in its folder: who may write there, when it has ended, what it notices when it goes on. What it keeps
// is in run-checkpoints.test.ts, kills are in kills.test.ts.
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { loadCheckpoint, saveCheckpoint } from "@echo-ts/echo-model/node";
import { setBackend } from "@echo-ts/tensor";
import t from "tap";
import { lockRun } from "../../../packages/echo-model/dist/train/run-lock.js";
import { VERSION } from "../../../packages/echo-model/dist/version.js";
import { data, folder, run, trainArgs } from "./command-line.js";
import { copyOfInterrupted, filesOf, sha, train, trainBoth } from "./tiny-run.js";

let expected = "";

t.before(async () => {
  expected = await trainBoth();
});

t.test("two trainings do not share a folder", async (t) => {
  let refusal: Promise<unknown> | null = null;
  await train("shared", {
    onEvent: ({ kind }) => {
      if (kind === "step")
        refusal ??= train("shared", { resume: true }).then(
          () => "not refused",
          (error: unknown) => error,
        );
    },
  });
  t.match(await refusal, {
    name: "DataError",
    message: new RegExp(
      `^training: .*shared is in use by process ${process.pid} since 20\\S+; wait for it, end it, or choose another --out$`,
    ),
  });
  t.equal(sha(join(folder, "shared", "last.safetensors")), expected, "the first one is not disturbed");
  t.notOk(existsSync(join(folder, "shared", "run.lock")), "the lock goes with the run");

  const lock = await lockRun(join(folder, "shared"));
  const other = run(...trainArgs("shared", "--resume"));
  t.equal(other.status, 1);
  t.match(other.err, new RegExp(`shared is in use by process ${process.pid}`), "nor do two processes");
  await lock.release();
});

t.test("the lock of a process that has ended is taken over, by one", async (t) => {
  const path = join(folder, "locks");
  mkdirSync(path);
  const file = join(path, "run.lock");
  const { pid: dead } = spawnSync(process.execPath, ["-e", ""], { env: {} });
  const holder = { host: hostname(), pid: dead, begun: null, since: "2026-01-01T00:00:00.000Z", token: "a" };
  const other = { ...holder, pid: process.pid, begun: "another boot/1" };
  const stale = [JSON.stringify(holder), '{"host": "', ""];
  if (process.platform === "linux") stale.push(JSON.stringify(other));
  for (const text of [...stale, ...stale, ...stale]) {
    writeFileSync(file, text);
    const tried = await Promise.allSettled(Array.from({ length: 20 }, () => lockRun(path)));
    const held = tried.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
    t.equal(held.length, 1, text);
    for (const one of tried)
      if (one.status === "rejected") t.match(one.reason.message, /is in use by process/);
    await held[0]!.release();
    t.same(readdirSync(path), [], "nothing stays behind");
  }
  writeFileSync(file, JSON.stringify({ ...holder, host: "elsewhere" }));
  await t.rejects(lockRun(path), {
    message:
      /locks is in use by process \d+ on elsewhere since 2026-01-01.*if that process has ended, delete .*run\.lock/,
  });
});

t.test("a run that has ended stays as it is", async (t) => {
  const early = ["optimizer.learningRate=1e-12", "training.evaluateEvery=1", "training.patience=2"];
  await train("early", { overrides: early });
  for (const [name, overrides, outcome, steps] of [
    ["whole", [], "finished", 12],
    ["early", early, "stopped early", 3],
  ] as const) {
    const before = filesOf(join(folder, name));
    const { summary, events } = await train(name, { overrides, resume: true });
    t.match(summary, { outcome, steps, hadEnded: true, evaluations: new Map() });
    t.same(events, [], "nothing is computed");
    t.same(filesOf(join(folder, name)), before, "nothing is written");
  }
  const args = trainArgs("whole", "--resume").filter((word) => word !== "--json");
  t.match(run(...args), { status: 0, out: "finished after 12 steps (5.8 epochs) before: nothing to do\n" });
});

t.test("what killed processes were writing is removed", async (t) => {
  const out = copyOfInterrupted("leftovers");
  const left = [".last.safetensors.123.0.tmp", ".step-3.safetensors.123.4.tmp", ".log.jsonl.123.0.tmp"];
  for (const name of [...left, ".keep.tmp", "notes.txt"]) writeFileSync(join(out, name), "part");
  await train("leftovers", { resume: true });
  const after = readdirSync(out);
  for (const name of left) t.notOk(after.includes(name), name);
  t.ok(after.includes(".keep.tmp") && after.includes("notes.txt"), "what is not ours stays");
  t.equal(sha(join(out, "last.safetensors")), expected);
});

t.test("a resumed run notices changed data by content", async (t) => {
  const changed = join(folder, "changed-data");
  const manifest = readFileSync(join(data, "manifest.jsonl"), "utf8");
  const edit = (change: (text: string) => string) => () =>
    writeFileSync(join(changed, "manifest.jsonl"), change(manifest));
  const sample = (file: string) => () => {
    const bytes = readFileSync(join(changed, "wav", file));
    bytes[bytes.length - 1]! ^= 1;
    writeFileSync(join(changed, "wav", file), bytes);
  };
  const cases: [string, () => void, RegExp][] = [
    ["a sample", sample("a3.wav"), /recordings of the training set have other contents; use another --out/],
    ["a text", edit((text) => text.replace('"low high"', '"low mid"')), /ids or texts of the training set/],
    [
      "a speaker",
      edit((text) => text.replace('"speaker":"a"', '"speaker":"c"')),
      /speakers or sexes of the training/,
    ],
    [
      "a sample that is scored",
      sample("b3.wav"),
      /^checkpoint: .*: scored on other data: the evaluation set differs;/,
    ],
  ];
  for (const [what, change, message] of cases) {
    rmSync(changed, { recursive: true, force: true });
    cpSync(data, changed, { recursive: true });
    change();
    const out = copyOfInterrupted(`changed ${what}`);
    const before = filesOf(out);
    const refused = train(`changed ${what}`, { resume: true, dataFolder: changed });
    await t.rejects(refused, { name: "CheckpointError", message }, what);
    t.same(filesOf(out), before, "and leaves everything as it was");
  }
  const { events } = await train("changed a sample", {
    resume: true,
    dataFolder: changed,
    acceptChanges: true,
  });
  t.match(
    events.find(({ kind }) => kind === "note"),
    { text: "scored on other data: the evaluation set differs" },
    "or says so and goes on, when asked to",
  );
  const log = readFileSync(join(folder, "changed a sample", "log.jsonl"), "utf8");
  t.match(log, /"kind":"start","step":7,.*"changes":\["scored on other data/);
});

t.test("a resumed run notices another backend, arithmetic or version", async (t) => {
  const out = copyOfInterrupted("changed-engine");
  const path = join(out, "last.safetensors");
  setBackend("reference");
  t.teardown(() => setBackend("wasm"));
  await t.rejects(train("changed-engine", { resume: true }), /the backend was wasm and is reference/);
  setBackend("wasm");
  const fma = run(...trainArgs("changed-engine", "--resume", "--mode", "fma"));
  if (!fma.err.includes("fma: this engine")) {
    t.equal(fma.status, 1);
    t.match(fma.err, /the arithmetic was simd and is fma; use another --out, or --accept-changes/);
  }
  const checkpoint = await loadCheckpoint(path);
  const training = checkpoint.training!;
  const identity = { ...training.identity!, version: "0.0.9" };
  await saveCheckpoint(path, { ...checkpoint, training: { ...training, identity } });
  await t.rejects(train("changed-engine", { resume: true }), {
    message: `checkpoint: ${out}: the version was 0.0.9 and is ${VERSION}; use another --out, or --accept-changes to go on all the same`,
  });
  const accepted = await train("changed-engine", { resume: true, acceptChanges: true });
  t.equal(accepted.summary.steps, 12);
  t.equal(sha(path), expected, "what is recorded in the end is what computed the end");

  const packageFile = new URL("../../../packages/echo-model/package.json", import.meta.url);
  t.equal(JSON.parse(readFileSync(packageFile, "utf8")).version, VERSION);
});
