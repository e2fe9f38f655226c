// What a run keeps, and what it never overwrites or passes over: checkpoints, the best model, the log. Read first:
// run-life.test.ts.
import { copyFileSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { loadCheckpoint, saveCheckpoint } from "@echo-ts/echo-model/node";
import t from "tap";
import { folder } from "./command-line.js";
import { copyOfInterrupted, sha, train, trainBoth } from "./tiny-run.js";

let expected = "";

t.before(async () => {
  expected = await trainBoth();
});

t.test("a checkpoint of before, which knew ids and texts only, goes on", async (t) => {
  const path = join(copyOfInterrupted("older"), "last.safetensors");
  const { training, ...checkpoint } = await loadCheckpoint(path);
  const { identity: _, ...rest } = training!;
  await saveCheckpoint(path, { ...checkpoint, training: rest });
  t.equal((await train("older", { resume: true })).summary.steps, 12);
  t.equal(sha(path), expected);
  await saveCheckpoint(path, { ...checkpoint, training: { ...rest, dataDigest: "0".repeat(64) } });
  await t.rejects(train("older", { resume: true }), /trained on other data: ids or texts/);
});

t.test("nothing of a run is lost whose last checkpoint is gone or damaged", async (t) => {
  const out = copyOfInterrupted("damaged");
  const last = join(out, "last.safetensors");
  t.same(
    readdirSync(out).filter((name) => name.startsWith("step-")),
    ["step-6.safetensors"],
    "the one before the last is kept",
  );
  const bytes = readFileSync(last);
  bytes[bytes.length - 100]! ^= 1;
  writeFileSync(last, bytes);
  const offer =
    /step-6\.safetensors beside it is sound: copy it to last\.safetensors, and --resume goes on from step 6$/;
  await t.rejects(train("damaged", { resume: true }), {
    name: "CheckpointError",
    message: new RegExp(`damaged: its SHA-256 is .*; ${offer.source}`),
  });
  rmSync(last);
  for (const resume of [true, false])
    await t.rejects(train("damaged", { resume }), {
      message: new RegExp(
        `holds best\\.safetensors of a run whose last\\.safetensors is gone.*${offer.source}`,
      ),
    });
  copyFileSync(join(out, "step-6.safetensors"), last);
  await train("damaged", { resume: true });
  t.equal(sha(last), expected, "and from there it ends in the same bits");

  for (const [keep, names] of [
    [1, []],
    [3, ["step-6.safetensors", "step-9.safetensors"]],
  ] as const) {
    await train(`keep-${keep}`, { overrides: [`training.keepCheckpoints=${keep}`] });
    const found = readdirSync(join(folder, `keep-${keep}`)).filter((name) => name.startsWith("step-"));
    t.same(found.sort(), names);
  }
});

t.test("a best model that is damaged or gone is noticed", async (t) => {
  const best = join(copyOfInterrupted("best"), "best.safetensors");
  writeFileSync(best, readFileSync(best).subarray(0, 5000));
  await t.rejects(train("best", { resume: true }), {
    name: "CheckpointError",
    message:
      /best\.safetensors: damaged: .*; it held the best model so far, of step 5: move it away to go on without it/,
  });
  rmSync(best);
  const { events } = await train("best", { resume: true });
  t.match(events[0], {
    kind: "note",
    text: /best\.safetensors is missing \(the best so far, of step 5\); it is written again when a later step is better/,
  });
});

t.test("a damaged line of the log does not stop a sound checkpoint", async (t) => {
  const out = copyOfInterrupted("log");
  const path = join(out, "log.jsonl");
  const lines = readFileSync(path, "utf8").split("\n");
  const at = lines.findIndex((line) => line.includes('"kind":"step","step":4'));
  lines[at] = `\0${lines[at]!.slice(1)}`;
  writeFileSync(path, lines.join("\n"));
  const { events } = await train("log", { resume: true });
  t.match(
    events.find(({ kind }) => kind === "note"),
    {
      text: new RegExp(
        `log\\.jsonl:${at + 1}: a line is damaged and left out of the log; .*log\\.damaged\\.jsonl$`,
      ),
    },
  );
  t.equal(readFileSync(join(out, "log.damaged.jsonl"), "utf8"), lines.join("\n"));
  t.equal(sha(join(out, "last.safetensors")), expected);
  const steps = readFileSync(join(out, "log.csv"), "utf8").trim().split("\r\n");
  t.equal(steps.length, 1 + 11, "a row for each step but the lost one");
});

t.test("a signal stops the run after the step it says, from a timer too", async (t) => {
  const stop = new AbortController();
  const overrides = ["training.maxSteps=100000", "training.evaluateEvery=0"];
  const { summary, events } = await train("timer", {
    overrides,
    signal: stop.signal,
    onEvent: ({ kind }) => {
      if (kind === "start") setTimeout(() => stop.abort(), 100);
    },
  });
  t.equal(summary.outcome, "interrupted");
  t.ok(summary.steps < 100_000);
  t.same(
    events.filter(({ kind }) => kind === "stopping"),
    [{ kind: "stopping", step: summary.steps }],
  );
});
