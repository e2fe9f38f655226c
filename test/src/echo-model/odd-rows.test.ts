// One odd row never ends a training: it becomes a problem with file and line. And what would end a training at its first
// checkpoint is found before the first recording is decoded.
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  checkUtterances,
  DataError,
  describeProblem,
  loadDataSet,
  memoryFiles,
  parseManifest,
} from "@echo-ts/echo-model";
import { nodeFiles } from "@echo-ts/echo-model/node";
import t from "tap";
import { printable } from "../../../packages/echo-model/dist/text/printable.js";
import { data, events, folder, run, trainArgs } from "./command-line.ts";

const row = (id: string, file: string): string => JSON.stringify({ id, file, text: "low", split: "train" });
const LONG = `${"n".repeat(300)}.wav`;
const DEEP = 10_000;

t.test("printable escapes what controls a terminal", async (t) => {
  t.equal(printable("a\u001b[2Jb\u0007"), "a\\u001b[2Jb\\u0007");
  t.equal(printable("x\u202ey\u2028\u009bz\u007f"), "x\\u202ey\\u2028\\u009bz\\u007f", "C1, directions, DEL");
  t.equal(printable("two\nlines"), "two\\u000alines");
  t.equal(printable("two\nlines\r", true), "two\nlines\\u000d");
  t.equal(printable('Grüße, "日本" 🎤'), 'Grüße, "日本" 🎤', "text stays");
});

t.test("lines that are no rows", async (t) => {
  const deepList = "[".repeat(DEEP) + "]".repeat(DEEP);
  const deepText = `{"id": "a", "file": "a.wav", "text": ${'{"x":'.repeat(DEEP)}1${"}".repeat(DEEP)}}`;
  const lines = [deepList, deepText, '{"id": "\\u001b[31m", "file": 7}', "[".repeat(DEEP)];
  const { utterances, problems } = parseManifest(lines.join("\n"), "m\u001b[2J.jsonl");
  t.same(utterances, []);
  t.same(
    problems.map(({ line }) => line),
    [1, 2, 3, 4],
  );
  t.match(problems[0]!.message, /^expected a JSON object, got /);
  // V8 since Node 26 writes any depth as JSON, before it its stack ends.
  const shown = /^text: expected a text, got (a value that is nested too deeply|(\{"x":){11}\{"\.\.\.)$/;
  t.match(problems[1]!.message, shown);
  for (const problem of problems) {
    t.notMatch(describeProblem(problem), /[\p{Cc}]/u, "no control characters");
    t.ok(describeProblem(problem).length < 200, "short");
  }
  t.match(describeProblem(problems[2]!), /^m\\u001b\[2J\.jsonl:3: /);
});

t.test("an empty list names itself", async (t) => {
  const files = memoryFiles({ "m.jsonl": "\n\n", "x.tsv": "" });
  await t.rejects(
    loadDataSet(files, { format: "manifest", file: "m.jsonl", split: "train" }),
    new DataError('loadDataSet: "m.jsonl" holds no rows, expected one utterance a line'),
  );
  await t.rejects(loadDataSet(files, { format: "fleurs", split: "x" }), /loadDataSet: x\.tsv/);
  await t.rejects(loadDataSet(files, { format: "manifest", file: "../m.jsonl" }), /outside the data folder/);
});

t.test("odd files", { skip: process.platform === "win32" && "needs mkfifo and links" }, async (t) => {
  const root = mkdtempSync(join(tmpdir(), "echo-odd-"));
  t.teardown(() => rmSync(root, { recursive: true }));
  spawnSync("mkfifo", [join(root, "pipe.wav")]);
  symlinkSync("loop.wav", join(root, "loop.wav"));
  symlinkSync("/dev/zero", join(root, "device.wav"));
  symlinkSync("/etc", join(root, "outside"));
  mkdirSync(join(root, "folder.wav"));
  const files = nodeFiles(root);
  const names = ["pipe.wav", "loop.wav", "device.wav", "folder.wav", LONG, "gone.wav", "outside/hostname"];
  const manifest = names.map((name, i) => row(`r${i}`, name)).join("\n");
  const { utterances, problems } = await checkUtterances(parseManifest(manifest, "m.jsonl"), files);
  t.same(utterances, []);
  t.same(
    problems.map((problem) => `${problem.kind} ${describeProblem(problem)}`),
    [
      'unreadable-audio m.jsonl:1: "pipe.wav" cannot be read: it is a pipe or a device, expected a file',
      'unreadable-audio m.jsonl:2: "loop.wav" cannot be read: its links lead in a circle',
      'outside-folder m.jsonl:3: "device.wav" lies outside the data folder',
      'unreadable-audio m.jsonl:4: "folder.wav" cannot be read: it is a folder, expected a file',
      `unreadable-audio m.jsonl:5: "${LONG}" cannot be read: its name is longer than the system allows`,
      'missing-file m.jsonl:6: "gone.wav" does not exist',
      'outside-folder m.jsonl:7: "outside/hostname" lies outside the data folder',
    ],
  );
  await t.rejects(files.readText("pipe.wav"), /^data: "pipe.wav" cannot be read: it is a pipe/);
  await t.rejects(files.readText("outside/hostname"), /lies outside the data folder/);
  await t.rejects(files.readText("../x"), /lies outside the data folder/);
  await t.rejects(
    files.readText("folder.wav"),
    new DataError('data: "folder.wav" cannot be read: it is a folder, expected a file'),
  );
});

t.test("a training goes on without odd rows", async (t) => {
  const good = readFileSync(join(data, "manifest.jsonl"), "utf8");
  const odd = [
    row("long", LONG),
    row("out", "../secret.wav"),
    "[".repeat(DEEP),
    row("esc\u001b[2J", "\u001b[2J.wav"),
  ];
  symlinkSync("wav/loop.wav", join(data, "wav", "loop.wav"));
  writeFileSync(join(data, "odd.jsonl"), `${[...odd, row("loop", "wav/loop.wav")].join("\n")}\n${good}`);
  const result = run(...trainArgs("odd", "--set", "data.file=odd.jsonl", "--set", "training.maxSteps=6"));
  t.equal(result.status, 0, result.err);
  const all = events(result);
  const start = all.find(({ kind }) => kind === "start") as { problems: { line: number }[]; size: number };
  t.equal(start.size, 8, "every good row");
  t.same(start.problems.map(({ line }) => line).sort(), [1, 2, 3, 4, 5]);
  const done = all.filter(({ kind, what }) => kind === "preparation" && what === "features");
  t.match(done.at(-1), { done: 8, total: 8 }, "--json tells how far the features are");
  t.ok(all.indexOf(done[0]!) < all.indexOf(start), "before the first step");

  const told = run(
    ...trainArgs("odd2", "--set", "data.file=odd.jsonl", "--set", "training.maxSteps=6").filter(
      (x) => x !== "--json",
    ),
  );
  t.equal(told.status, 0);
  t.notOk(told.err.includes("\u001b[2J"), "a name does not clear the screen");
  t.match(told.err, /odd\.jsonl:4: "\\u001b\[2J\.wav" does not exist/);
});

t.test("an --out that cannot be written is refused before anything is decoded", async (t) => {
  mkdirSync(join(folder, "taken", "last.safetensors"), { recursive: true });
  const taken = run(...trainArgs("taken"));
  t.equal(taken.status, 1);
  t.match(
    taken.err,
    /^echo-asr: training: .*taken\/last\.safetensors is no file, but one is written there\n$/,
  );
  t.equal(taken.out, "", "nothing was begun");
  const below = run(...trainArgs("tiny.json/out"));
  t.match(below.err, /^echo-asr: training: the folder .*tiny\.json\/out cannot be made: ENOTDIR/);
  t.equal(below.out, "");
  const cache = run(...trainArgs("fine", "--cache", join(folder, "tiny.json")));
  t.match(cache.err, /^echo-asr: training: the folder .*tiny\.json cannot be made: EEXIST/);
  t.equal(cache.out, "");
  if (process.platform === "linux") {
    const args = trainArgs("x").map((word) => (word === join(folder, "x") ? "/proc/nowhere/run" : word));
    t.match(run(...args).err, /^echo-asr: training: the folder \/proc\/nowhere\/run cannot be made: ENOENT/);
  }
});
