// The command line as a user meets it: a process with arguments, output and an exit code.

import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { readSafetensorsHeader, stream } from "@echo-ts/tensor";
import t from "tap";
import { syntheticFiles, TINY } from "./synthetic-speech.js";

const MAIN = fileURLToPath(new URL("../../../packages/echo-model/dist/cli/main.js", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "echo-cli-"));
t.teardown(() => rmSync(folder, { recursive: true }));
const data = join(folder, "data");
for (const [name, content] of Object.entries(syntheticFiles())) {
  mkdirSync(dirname(join(data, name)), { recursive: true });
  writeFileSync(join(data, name), content);
}
const configFile = join(folder, "tiny.json");
writeFileSync(configFile, JSON.stringify(TINY));

interface Result {
  readonly status: number | null;
  readonly out: string;
  readonly err: string;
}

function run(...args: string[]): Result {
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...args], { encoding: "utf8" });
  return { status, out: stdout, err: stderr };
}

const threadedArgs = (threads: number, out: string, ...more: string[]): string[] => {
  const folders = ["--data", data, "--out", join(folder, out), "--config", configFile];
  return ["train", ...folders, "--threads", String(threads), "--json", ...more];
};

const trainArgs = (out: string, ...more: string[]): string[] => threadedArgs(1, out, ...more);

const sha = (path: string): string => createHash("sha256").update(readFileSync(path)).digest("hex");

t.test("help teaches, and mistakes have exit code 2", async (t) => {
  const help = run("--help");
  t.equal(help.status, 0);
  for (const name of ["train", "eval", "transcribe", "features", "pitch", "inspect", "settings"])
    t.match(help.out, new RegExp(`\\n  ${name} `));
  const train = run("train", "--help");
  t.match(train.out, /manifest\.jsonl, one JSON object a line/);
  t.match(train.out, /--resume/);
  const wrong: [string[], RegExp][] = [
    [[], /^$/],
    [["trian"], /unknown command "trian", expected one of train, eval/],
    [["train"], /--data is missing/],
    [["train", "--data", data, "--out", "x", "--bogus"], /bogus/],
    [["train", "--data", data, "--out", "x", "--set", "model.dimz=3"], /did you mean "model\.dims"/],
    [
      ["train", "--data", data, "--out", "x", "--preset", "none"],
      /--preset: expected one of an4, digits, seed/,
    ],
    [
      ["train", "--data", data, "--out", "x", "--config", "none.json"],
      /--config: none\.json: does not exist/,
    ],
    [["transcribe"], /expected at least one FILE/],
    [["pitch", "x.wav", "--format", "svg"], /--format: expected plot, table, csv or json, got svg/],
    [["settings", "modle"], /no setting begins with "modle"/],
    [["eval", "x", "--data", data, "--backend", "gpu"], /--backend: expected wasm or reference, got gpu/],
  ];
  for (const [args, message] of wrong) {
    const { status, err } = run(...args);
    t.equal(status, 2, args.join(" "));
    t.match(err, message);
    t.notMatch(err, /\n +at /, "no stack trace");
  }
});

t.test("problems with data and files have exit code 1", async (t) => {
  const missing = run("train", "--data", join(folder, "none"), "--out", join(folder, "x"));
  t.equal(missing.status, 1);
  t.match(missing.err, /--data: .*none is not a folder/);
  const damaged = join(folder, "damaged.safetensors");
  writeFileSync(damaged, "not a checkpoint");
  for (const command of [
    ["inspect", damaged],
    ["eval", damaged, "--data", data],
  ]) {
    const { status, err } = run(...command);
    t.equal(status, 1);
    t.match(err, /^echo-asr: checkpoint: .*damaged\.safetensors: damaged/);
  }
  const nothing = run("pitch", join(folder, "none.wav"));
  t.equal(nothing.status, 1);
  t.match(nothing.err, /none\.wav/);
});

t.test("a run killed at random moments ends in the same bits as one that was not", async (t) => {
  const whole = run(...trainArgs("whole"));
  t.equal(whole.status, 0, whole.err);
  const events = whole.out
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  t.equal(events.filter(({ kind }) => kind === "step").length, 12);
  t.same(
    events.filter(({ kind }) => kind === "evaluation").map(({ step }) => step),
    [5, 10, 12],
  );
  t.match(events.at(-1), { kind: "end", outcome: "finished", steps: 12 });
  const expected = sha(join(folder, "whole", "last.safetensors"));
  for (const name of ["config.json", "best.safetensors", "log.jsonl", "log.csv", "summary.json"])
    t.ok(existsSync(join(folder, "whole", name)), name);

  const twoThreads = run(...threadedArgs(2, "two-threads"));
  t.equal(twoThreads.status, 0, twoThreads.err);
  t.equal(sha(join(folder, "two-threads", "last.safetensors")), expected, "threads change nothing");

  const again = run(...trainArgs("whole"));
  t.equal(again.status, 1);
  t.match(again.err, /last\.safetensors exists; go on with --resume or choose another --out/);
  const other = run(...trainArgs("whole", "--resume", "--set", "model.heads=1"));
  t.equal(other.status, 1);
  t.match(other.err, /made with other settings/);

  const random = stream("cli-test", "kills");
  let kills = 0;
  for (let attempt = 0; attempt < 40; attempt++) {
    const last = attempt >= 5;
    // Up to here 5 kills: after a random number of events, then a random moment.
    const { status, killed } = await runUntilKilled(
      trainArgs("killed", "--resume"),
      last ? Number.POSITIVE_INFINITY : random.integer(0, 5),
      random.uniform(0, 60),
    );
    if (killed) kills++;
    else {
      t.equal(status, 0);
      break;
    }
  }
  t.ok(kills >= 2, `${kills} kills`);
  t.equal(sha(join(folder, "killed", "last.safetensors")), expected);
  const steps = readFileSync(join(folder, "killed", "log.jsonl"), "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line))
    .filter(({ kind }) => kind === "step")
    .map(({ step }) => step);
  t.same(
    steps,
    Array.from({ length: 12 }, (_, i) => i + 1),
    "every step is in the log once",
  );
});

/** Runs the command; kills it `delay` ms after its n-th line of output, if it lives so long. */
async function runUntilKilled(
  args: string[],
  lines: number,
  delay: number,
): Promise<{ status: number | null; killed: boolean }> {
  const child: ChildProcess = spawn(process.execPath, [MAIN, ...args], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let seen = 0;
  let timer: NodeJS.Timeout | null = null;
  child.stdout!.on("data", (chunk: Buffer) => {
    seen += chunk.toString().split("\n").length - 1;
    if (seen > lines && timer === null) timer = setTimeout(() => child.kill("SIGKILL"), delay);
  });
  return new Promise((resolve) => {
    child.on("exit", (status, signal) => resolve({ status, killed: signal === "SIGKILL" }));
  });
}

t.test("a training that no longer gets better stops early", async (t) => {
  const still = ["optimizer.learningRate=1e-12", "training.evaluateEvery=1", "training.patience=2"];
  const { status, out, err } = run(...trainArgs("early", ...still.flatMap((one) => ["--set", one])));
  t.equal(status, 0, err);
  t.match(JSON.parse(out.trim().split("\n").at(-1)!), {
    outcome: "stopped early",
    steps: 3,
    best: { step: 1 },
  });
});

t.test("what was trained can be inspected, scored and used", async (t) => {
  const checkpoint = join(folder, "whole", "last.safetensors");
  t.equal(readSafetensorsHeader(readFileSync(checkpoint)).metadata.get("echo.version"), "1");
  const inspected = run("inspect", checkpoint, "--json");
  t.match(JSON.parse(inspected.out), { vocabulary: 6, step: 12, changed: { "model.dims": 16 } });
  t.match(run("inspect", checkpoint).out, /ctc_head/);

  const scored = run("eval", checkpoint, "--data", data, "--json", "--threads", "1", "--force-pitch", "200");
  t.equal(scored.status, 0, scored.err);
  const { sets } = JSON.parse(scored.out);
  t.same(Object.keys(sets), ["dev"]);
  t.same(Object.keys(sets.dev.scores), ["ctc", "free", "forced"]);
  t.equal(sets.dev.scores.ctc.words.total, 14);
  t.type(sets.dev.scores.free.zeroed.rate, "number");
  t.same(Object.keys(sets.dev.scores.free.groups.sex), ["female"]);
  t.match(
    run("eval", checkpoint, "--data", data, "--texts", "--threads", "1").out,
    /dev: 8 utterances[\s\S]*CTC greedy\n {4}WER [\d.]+ % \(95 % interval/,
  );

  const wave = join(data, "wav", "a3.wav");
  for (const [format, pattern] of [
    ["text", /^[a-z ]*\n$/],
    ["json", /"segments"/],
    ["vtt", /^WEBVTT\n/],
    ["srt", /^(1\n00:00:0|$)/],
  ] as const) {
    const { status, out, err } = run("transcribe", wave, "--checkpoint", checkpoint, "--format", format);
    t.equal(status, 0, err);
    t.match(out, pattern);
  }
  const small = join(folder, "small.safetensors");
  t.match(run("export", checkpoint, small).out, /small\.safetensors: 0\.\d MB \(was 0\.\d MB\)/);
  t.match(JSON.parse(run("inspect", small, "--json").out), { vocabulary: 6, step: null });
  const resumed = run(...trainArgs("use-only", "--resume"));
  t.equal(resumed.status, 0, "--resume without a checkpoint begins");
  const written = join(folder, "texts");
  t.equal(run("transcribe", wave, "--checkpoint", checkpoint, "--out-dir", written).status, 0);
  t.ok(existsSync(join(written, "a3.txt")));
});

t.test("a training is refused on a checkpoint of other data, or one that is for use only", async (t) => {
  const out = join(folder, "other-data");
  mkdirSync(out);
  copyFileSync(join(folder, "whole", "last.safetensors"), join(out, "last.safetensors"));
  const manifest = readFileSync(join(data, "manifest.jsonl"), "utf8").split("\n");
  const fewer = join(folder, "fewer");
  cpSync(data, fewer, { recursive: true });
  writeFileSync(join(fewer, "manifest.jsonl"), manifest.slice(1).join("\n"));
  const args = ["train", "--data", fewer, "--out", out, "--config", configFile, "--resume", "--quiet"];
  const other = run(...args);
  t.equal(other.status, 1);
  t.match(other.err, /trained on other data/);
  copyFileSync(join(folder, "small.safetensors"), join(out, "last.safetensors"));
  const useOnly = run(...args);
  t.equal(useOnly.status, 1);
  t.match(useOnly.err, /holds no training state/);
});

t.test("an interrupted training saves itself and has exit code 130", async (t) => {
  const args = trainArgs("interrupted", "--set", "training.maxSteps=100000");
  const child = spawn(process.execPath, [MAIN, ...args], { stdio: ["ignore", "pipe", "inherit"] });
  let seen = "";
  child.stdout.on("data", (chunk: Buffer) => {
    const running = seen.includes('"kind":"step"');
    seen += chunk.toString();
    // Once only: a second interrupt ends the process at once.
    if (!running && seen.includes('"kind":"step"')) child.kill("SIGINT");
  });
  const status = await new Promise((resolve) => child.on("exit", resolve));
  t.equal(status, 130);
  t.match(seen, /"outcome":"interrupted"/);
  t.ok(existsSync(join(folder, "interrupted", "last.safetensors")));
});

t.test("the shipped checkpoint recognises words of a voice it never heard", async (t) => {
  const recordings = fileURLToPath(new URL("../../../data/asterisk-alnum/wav/", import.meta.url));
  const files = ["digits-2.wav", "digits-7.wav"].map((name) => join(recordings, name));
  const { status, out, err } = run("transcribe", ...files);
  t.equal(status, 0, err);
  t.match(out, /digits-2\.wav: two\n/);
  t.match(out, /digits-7\.wav: seven\n/);
});

t.test("features and pitch of a file", async (t) => {
  const wave = join(data, "wav", "a0.wav");
  const npy = join(folder, "a0.npy");
  const features = run("features", wave, "--config", configFile, "--out", npy);
  t.equal(features.status, 0, features.err);
  t.match(features.out, /0\.27 s, 12 mel bands x 28 frames/);
  t.equal(readFileSync(npy).subarray(1, 6).toString(), "NUMPY");
  t.match(JSON.parse(run("features", wave, "--config", configFile, "--json").out), { shape: [12, 28] });
  const csv = run(
    "pitch",
    wave,
    "--config",
    configFile,
    "--format",
    "csv",
    "--set",
    "audio.pitch.method=yin",
  );
  t.match(csv.out, /^seconds,hz,periodicity\r\n0,/);
  t.equal(csv.out.trim().split("\r\n").length, 29);
  t.match(run("pitch", wave, "--config", configFile).out, /Hz \|/);
  t.match(run("pitch", wave, "--config", configFile, "--format", "table").out, /\d+ of 28 frames voiced/);
  t.match(run("settings", "curriculum").out, /curriculum\.epochs = 4/);
});
