// echo-asr experiment on a tiny grid: the bits of echo-asr train, going on after SIGKILL, failed runs, files and data that
// have changed; and what its table says, computed a second time here.
import { spawn } from "node:child_process";
import {
  appendFileSync,
  cpSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import t from "tap";
import { command, configFile, data, folder, type Result, run, trainArgs } from "./command-line.js";
import { sha } from "./tiny-run.js";

t.setTimeout(900_000); // some thirty trainings, also on a busy machine

const VARIANTS = [
  { name: "f0" },
  { name: "Static!", settings: { "model.rotary.pitch": "static" } },
  { name: "f0, told 150 Hz", weightsOf: "f0", pitchHz: 150 },
];
const GRID = { name: "tiny", config: configFile, seeds: [0, 1], variants: VARIANTS };
const RUNS = ["f0-seed-0", "static-seed-0", "f0-seed-1", "static-seed-1"];

/** Writes an experiment's file. */
function fileOf(name: string, content: object): string {
  const path = join(folder, `${name}.json`);
  writeFileSync(path, JSON.stringify(content));
  return path;
}

const grid: string = fileOf("grid", GRID);

function argsOf(file: string, out: string, ...more: string[]): string[] {
  return ["experiment", file, "--data", data, "--out", join(folder, out), "--jobs", "2", ...more];
}

interface Row {
  readonly set: string;
  readonly output: string;
  readonly variant: string;
  readonly seeds: readonly { seed: number; rate: number; errors: number; words: number }[];
  readonly mean: number;
  readonly interval: { low: number; high: number } | null;
  readonly difference: {
    readonly seeds: readonly { seed: number; difference: number }[];
    readonly mean: number;
    readonly overSeeds: { low: number; high: number } | null;
    readonly overUtterances: { low: number; high: number };
    readonly verdict: string;
  } | null;
}

interface Results {
  readonly rows: readonly Row[];
  readonly failed: readonly { run: string; message: string }[];
  readonly missing: readonly string[];
}

const resultsIn = (out: string): Results =>
  JSON.parse(readFileSync(join(folder, out, "results.json"), "utf8"));
const checkpointIn = (out: string, name: string): string =>
  join(folder, out, "runs", name, "last.safetensors");

/** Hashes of the last checkpoints of all runs. */
const bitsOf = (out: string): string[] => RUNS.map((name) => sha(checkpointIn(out, name)));

let whole: Result;
t.before(() => {
  whole = run(...argsOf(grid, "whole", "--json"));
});

t.test("one folder a run, in the bits of echo-asr train", async (t) => {
  t.equal(whole.status, 0, whole.err);
  t.same(readdirSync(join(folder, "whole", "runs")).sort(), [...RUNS].sort());
  const events = whole.out
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  t.same(
    events
      .filter(({ kind, outcome }) => kind === "run" && outcome === "finished")
      .map((one) => one.run)
      .sort(),
    ["Static!, seed 0", "Static!, seed 1", "f0, seed 0", "f0, seed 1"],
  );
  t.same(events.at(-1), { kind: "end", finished: 4, kept: 0, failed: [], missing: [] });
  const byHand = run(...trainArgs("by-hand", "--seed", "1", "--set", "model.rotary.pitch=static"));
  t.equal(byHand.status, 0, byHand.err);
  t.equal(sha(checkpointIn("whole", "static-seed-1")), sha(join(folder, "by-hand", "last.safetensors")));
});

t.test("the table holds what echo-asr eval says of the same checkpoints", async (t) => {
  const { rows } = resultsIn("whole");
  for (const [variant, more] of [
    ["f0", []],
    ["f0, told 150 Hz", ["--force-pitch", "150"]],
  ] as const) {
    const seeds = [0, 1].map((seed) => {
      const path = checkpointIn("whole", `f0-seed-${seed}`);
      const { sets } = JSON.parse(run("eval", path, "--data", data, "--json", ...more).out);
      return sets.dev.scores;
    });
    for (const output of ["ctc", "free"]) {
      const row = rows.find((one) => one.variant === variant && one.output === output)!;
      t.same(
        row.seeds.map(({ errors, words, rate }) => [errors, words, rate]),
        seeds.map((scores) => [
          scores[output].words.errors,
          scores[output].words.total,
          scores[output].words.rate,
        ]),
        `${variant}, ${output}`,
      );
      const [a, b] = row.seeds.map(({ rate }) => rate) as [number, number];
      t.ok(Math.abs(row.mean - (a + b) / 2) < 1e-12);
      // Student's t for one degree of freedom is 12.706; s / sqrt(2) of two values is half their distance.
      const half = (12.706 * Math.abs(a - b)) / 2;
      t.ok(Math.abs(row.interval!.high - (row.mean + half)) < 1e-12, "interval over the seeds");
    }
  }
  for (const { variant, output, set, difference, seeds } of rows) {
    if (variant === "f0") {
      t.equal(difference, null, "the baseline is not compared with itself");
      continue;
    }
    const baseline = rows.find((one) => one.variant === "f0" && one.output === output && one.set === set)!;
    const expected = seeds.map(({ rate }, i) => rate - baseline.seeds[i]!.rate);
    difference!.seeds.forEach((one, i) => {
      t.ok(Math.abs(one.difference - expected[i]!) < 1e-12, `${variant}, ${output}, seed ${one.seed}`);
    });
  }
  const text = readFileSync(join(folder, "whole", "results.txt"), "utf8");
  t.match(text, /dev, CTC\n/);
  t.match(text, /f0, told 150 Hz/);
  t.match(text, /no difference shown/, "twelve steps of training on noise show nothing");
  const csv = readFileSync(join(folder, "whole", "results.csv"), "utf8")
    .trim()
    .split("\r\n");
  t.equal(csv.length, 1 + rows.length);
  t.match(csv[0], /^set,output,variant,parameters,mean,low,high,seed 0,seed 1,difference/);
});

t.test("the same command again computes nothing and writes the same results", async (t) => {
  cpSync(join(folder, "whole"), join(folder, "again"), { recursive: true });
  const before = readFileSync(join(folder, "again", "results.json"), "utf8");
  const again = run(...argsOf(grid, "again", "--json"));
  t.equal(again.status, 0, again.err);
  t.same(JSON.parse(again.out), { kind: "end", finished: 4, kept: 4, failed: [], missing: [] });
  t.equal(readFileSync(join(folder, "again", "results.json"), "utf8"), before);
  // A setting that the version of the run did not know has had its default.
  const job = join(folder, "again", "runs", "f0-seed-0", "job.json");
  writeFileSync(job, readFileSync(job, "utf8").replace('"beam":8,', ""));
  const plan = run(...argsOf(grid, "again", "--plan"));
  t.same(
    plan.out.trim().split("\n"),
    RUNS.map((name) => `runs/${name}: finished`),
  );
});

t.test("killed at any moment, it goes on and ends in the same bits and the same table", async (t) => {
  const out = "killed";
  const [program, args] = command(...argsOf(grid, out, "--json"));
  const child = spawn(program, args, { stdio: "ignore" });
  const ended = new Promise((resolve) => child.once("close", (_, signal) => resolve(signal)));
  // Not before it has begun a run, however busy the machine is.
  while (!existsSync(join(folder, out, "runs", "f0-seed-0", "job.json"))) await wait(20);
  await wait(1200);
  child.kill("SIGKILL");
  await ended;
  // Its processes end after their current step; then their locks are free.
  let result = run(...argsOf(grid, out, "--json"));
  for (let i = 0; result.status === 1 && /run\.lock|trains into/.test(result.out) && i < 20; i++) {
    await wait(500);
    result = run(...argsOf(grid, out, "--json"));
  }
  t.equal(result.status, 0, result.out + result.err);
  t.same(bitsOf(out), bitsOf("whole"), out);
  t.same(resultsIn(out).rows, resultsIn("whole").rows);
});

t.test("Ctrl-C stops after the current step; the command goes on from there", async (t) => {
  const file = fileOf("one", { ...GRID, seeds: [0], variants: VARIANTS.slice(0, 1) });
  const [program, args] = command(...argsOf(file, "stopped", "--json"));
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "ignore"] });
  const ended = new Promise<number | null>((resolve) => child.once("close", (code) => resolve(code)));
  await new Promise<void>((resolve) => child.stdout.once("data", () => resolve()));
  child.kill("SIGINT");
  t.equal(await ended, 130);
  t.equal(run(...argsOf(file, "stopped", "--json")).status, 0);
  t.equal(sha(checkpointIn("stopped", "f0-seed-0")), bitsOf("whole")[0]);
});

t.test("a run that fails is listed and ends no other; it is tried again next time", async (t) => {
  const missing = join(folder, "tokenizer.json");
  const broken = { "text.tokenizer": "bpe", "text.tokenizerFile": missing };
  const variants = [{ name: "broken", settings: broken }, ...VARIANTS];
  const file = fileOf("broken", { ...GRID, seeds: [0], baseline: "f0", variants });
  const failed = run(...argsOf(file, "broken"));
  t.equal(failed.status, 1);
  const results = resultsIn("broken");
  t.same(
    results.failed.map((one) => one.run),
    ["broken, seed 0"],
  );
  t.match(results.failed[0]!.message, "tokenizer.json");
  t.match(failed.out, /failed:\n {2}broken, seed 0: .*tokenizer\.json/);
  t.same([...new Set(results.rows.map(({ variant }) => variant))], ["f0", "Static!", "f0, told 150 Hz"]);
  t.equal(results.rows[1]!.difference!.verdict, "one seed, not judged");
  t.equal(results.rows[1]!.interval, null);
  const again = run(...argsOf(file, "broken", "--json"));
  t.equal(again.status, 1);
  t.match(again.out, /"kept":2/);
});

t.test("echo-asr report draws every number of the table", async (t) => {
  const { status, out, err } = run("report", join(folder, "again"));
  t.equal(status, 0, err);
  t.match(out, "report with 3 figures");
  const { rows } = resultsIn("again");
  const figure = (name: string): unknown[][] =>
    JSON.parse(readFileSync(join(folder, "again", "figures", `${name}.json`), "utf8")).data.rows;
  const two = (share: number): number => Number((100 * share).toFixed(2));
  t.same(
    figure("rates-dev").map(([output, variant, mean]) => [output, variant, mean]),
    rows.map(({ output, variant, mean }) => [output, variant, two(mean)]),
  );
  t.same(
    figure("differences-dev").map(([output, variant, mean, , , verdict]) => [output, variant, mean, verdict]),
    rows.flatMap(({ output, variant, difference }) =>
      difference === null ? [] : [[output, variant, two(difference.mean), difference.verdict]],
    ),
  );
  t.equal(figure("learning-by-variant").length, 12, "twelve steps");
  const html = readFileSync(join(folder, "again", "report.html"), "utf8");
  t.match(html, "No difference from f0 is shown on any set by any output for: Static!");
  t.notMatch(html, /(src|href)="(https?:)?\/\//, "no address");
});

t.test("a process that dies is a failed run", async (t) => {
  const file = fileOf("dies", {
    ...GRID,
    seeds: [0],
    settings: { "training.maxSteps": 100000 },
    variants: VARIANTS.slice(0, 1),
  });
  const [program, args] = command(...argsOf(file, "dies", "--json"));
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "ignore"] });
  let out = "";
  child.stdout.on("data", (chunk) => {
    out += chunk;
  });
  const ended = new Promise<number | null>((resolve) => child.once("close", (code) => resolve(code)));
  const lock = join(folder, "dies", "runs", "f0-seed-0", "run.lock");
  while (!existsSync(lock)) await wait(20);
  process.kill(JSON.parse(readFileSync(lock, "utf8")).pid, "SIGKILL");
  t.equal(await ended, 1);
  t.match(out, /"outcome":"failed","message":"its process ended by SIGKILL"/);
  t.match(out, /"failed":\[\{"run":"f0, seed 0"/);
});

t.test("runs of other settings are named and refused, or made again", async (t) => {
  cpSync(join(folder, "whole"), join(folder, "changed"), { recursive: true });
  const variants = [
    VARIANTS[0],
    { name: "Static!", settings: { "model.rotary.pitch": "none" } },
    VARIANTS[2],
  ];
  const file = fileOf("changed", { ...GRID, variants });
  const refused = run(...argsOf(file, "changed"));
  t.equal(refused.status, 1);
  t.equal(
    refused.err,
    `echo-asr: experiment: ${join(folder, "changed")} holds runs that the file no longer describes:\n` +
      "  Static!, seed 0: other settings: model.rotary.pitch (static, now none)\n" +
      "  Static!, seed 1: other settings: model.rotary.pitch (static, now none)\n" +
      "choose another --out, or --rerun-changed to delete these runs and make them again\n",
  );
  t.same(bitsOf("changed"), bitsOf("whole"), "nothing was touched");
  const again = run(...argsOf(file, "changed", "--rerun-changed", "--json"));
  t.equal(again.status, 0, again.err);
  t.match(again.out, /"kept":2/);
  const [f0, other] = bitsOf("changed");
  t.equal(f0, bitsOf("whole")[0]);
  t.not(other, bitsOf("whole")[1]);
  const wider = fileOf("wider", {
    ...GRID,
    seeds: [0],
    variants: [...VARIANTS, { name: "f0, told 90 Hz", weightsOf: "f0", pitchHz: 90 }],
  });
  const scored = run(...argsOf(wider, "whole", "--json"));
  t.match(scored.out, /"finished":2,"kept":1/, "a new way to score trains nothing");
  t.same(resultsIn("whole").rows.filter(({ variant }) => variant === "f0, told 90 Hz").length, 2);
});

t.test("runs on other data are named and refused", async (t) => {
  const copy = join(folder, "other-data");
  cpSync(data, copy, { recursive: true });
  appendFileSync(join(copy, "manifest.jsonl"), "\n");
  const out = join(folder, "whole");
  const refused = run("experiment", grid, "--data", copy, "--out", out);
  t.equal(refused.status, 1);
  t.match(refused.err, "f0, seed 0: other data: files of the data folder have changed");
});

t.test("a training by hand is taken over, unless its data are others", async (t) => {
  cpSync(join(folder, "by-hand"), join(folder, "taken", "runs", "static-seed-1"), { recursive: true });
  const file = fileOf("taken", { ...GRID, seeds: [1], variants: [VARIANTS[1]] });
  const before = sha(checkpointIn("taken", "static-seed-1"));
  t.equal(run(...argsOf(file, "taken")).status, 0);
  t.equal(sha(checkpointIn("taken", "static-seed-1")), before);
  rmSync(join(folder, "taken"), { recursive: true });
  cpSync(join(folder, "by-hand"), join(folder, "taken", "runs", "static-seed-1"), { recursive: true });
  const other = join(folder, "relabelled");
  cpSync(data, other, { recursive: true });
  const manifest = join(other, "manifest.jsonl");
  writeFileSync(manifest, readFileSync(manifest, "utf8").replace(/"speaker":"[^"]*"/, '"speaker":"nobody"'));
  const refused = run("experiment", file, "--data", other, "--out", join(folder, "taken"));
  t.equal(refused.status, 1);
  t.match(refused.out, /trained on other data|scored on other data/);
});

t.test("files that describe no experiment are refused with every problem", async (t) => {
  const wrong = fileOf("wrong", {
    name: "",
    preset: "digit",
    sed: 3,
    seeds: [0, 0],
    outputs: ["ctx"],
    variants: [{ name: "a", setings: {} }, { name: "A!" }, { name: "b", weightsOf: "c", pitchHz: 0 }],
  });
  const { status, err } = run(...argsOf(wrong, "wrong"));
  t.equal(status, 2);
  for (const expected of [
    'unknown key "sed", expected one of name, about, preset',
    'name: expected a text that says what is compared, got ""',
    'preset: expected one of an4, digits, words, seed, got "digit"',
    "seeds: expected a list of different whole numbers >= 0, such as [0, 1, 2], got [0,0]",
    'outputs: expected a list out of ctc, free, search, forced, got ["ctx"]',
    'variants[0]: unknown key "setings", expected one of name, about, settings, weightsOf, pitchHz',
    "variants[2].pitchHz: expected a number of Hz above 0, got 0",
    'variants: "a" and "A!" would share a folder, expected different names',
    'variants: b: weightsOf: expected the name of a variant that is trained, got "c"',
  ])
    t.ok(err.includes(expected), `${expected}\n${err}`);
  const setting = fileOf("setting", { name: "x", axes: { "model.dim": [16] } });
  t.match(
    run(...argsOf(setting, "wrong")).err,
    'variant "dim 16": unknown key "model.dim"; did you mean "model.dims"?',
  );
  t.match(
    run(...argsOf(fileOf("nothing", { name: "x" }), "wrong")).err,
    "nothing to compare: expected variants",
  );
  t.match(run(...argsOf(join(folder, "none.json"), "wrong")).err, "none.json: does not exist");
  t.match(run("experiment", grid, "--out", folder).err, '--data, or "data" in the file, is missing');
  t.match(
    run("experiment", grid, "--data", data, "--out", join(folder, "wrong"), "--jobs", "0").err,
    "--jobs: expected a whole number from 1 to 256, got 0",
  );
});

t.test("axes are combined with each other and with variants", async (t) => {
  const axes = { "model.dims": [16, 32], "model.rotary.pitch": ["utterance", "static"] };
  const file = fileOf("axes", {
    name: "axes",
    config: configFile,
    seeds: [3],
    variants: [{ name: "a" }, { name: "b", weightsOf: "a", pitchHz: 90 }],
    axes,
  });
  const { out, err } = run(...argsOf(file, "axes", "--plan"));
  t.same(
    out.trim().split("\n"),
    [
      "runs/a-dims-16-pitch-utterance-seed-3: new",
      "runs/a-dims-16-pitch-static-seed-3: new",
      "runs/a-dims-32-pitch-utterance-seed-3: new",
      "runs/a-dims-32-pitch-static-seed-3: new",
    ],
    err,
  );
  t.notOk(existsSync(join(folder, "axes")), "a plan writes nothing");
});
