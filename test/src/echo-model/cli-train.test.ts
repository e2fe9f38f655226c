// Training from the command line (kills are in kills.test.ts): interrupted, stopped early, refused, on every backend and arithmetic; and
// what its checkpoints are good for afterwards.

import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { loadCheckpoint, saveCheckpoint } from "@echo-ts/echo-model/node";
import { readScalars } from "@echo-ts/echo-model/study";
import { readSafetensorsHeader } from "@echo-ts/tensor";
import t from "tap";
import { parseLog } from "../../../packages/echo-model/dist/train/event-log.js";
import { command, configFile, data, events, folder, run, trainArgs } from "./command-line.js";

const sha = (path: string): string => createHash("sha256").update(readFileSync(path)).digest("hex");

t.test(
  "a run writes its files, in the same bits for any number of threads, and is not overwritten",
  async (t) => {
    const whole = run(...trainArgs("whole"));
    t.equal(whole.status, 0, whole.err);
    const written = events(whole);
    t.equal(written.filter(({ kind }) => kind === "step").length, 12);
    t.same(
      written.filter(({ kind }) => kind === "evaluation").map(({ step }) => step),
      [5, 10, 12],
    );
    t.match(written.at(-1), { kind: "end", outcome: "finished", steps: 12 });
    const expected = sha(join(folder, "whole", "last.safetensors"));
    for (const name of ["config.json", "best.safetensors", "log.jsonl", "log.csv", "summary.json"])
      t.ok(existsSync(join(folder, "whole", name)), name);

    const twoThreads = run(...trainArgs("two-threads").map((word) => (word === "1" ? "2" : word)));
    t.equal(twoThreads.status, 0, twoThreads.err);
    t.equal(sha(join(folder, "two-threads", "last.safetensors")), expected, "threads change nothing");

    const again = run(...trainArgs("whole"));
    t.equal(again.status, 1);
    t.match(again.err, /last\.safetensors exists; go on with --resume or choose another --out/);
    const other = run(...trainArgs("whole", "--resume", "--set", "model.heads=1"));
    t.equal(other.status, 1);
    t.match(other.err, /made with other settings/);
  },
);

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
  t.same(JSON.parse(inspected.out).tokens, ["<pad>", "<bos>", "<eos>", "high", "low", "mid"]);
  const shown = run("inspect", checkpoint).out;
  t.match(shown, /ctc_head/);
  t.match(
    shown,
    /^vocabulary:\n {2}0 <pad> {2}1 <bos> {2}2 <eos> {2}3 high {2}4 low {2}5 mid$/m,
    "as --help says",
  );

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

  const trained = sha(checkpoint);
  const name = join(folder, "another-name.safetensors");
  symlinkSync(checkpoint, name);
  for (const to of [checkpoint, name]) {
    const refused = run("export", checkpoint, to, "--force");
    t.match(refused, {
      status: 2,
      err: /expected another FILE than the checkpoint itself, got .*/,
    });
  }
  t.equal(sha(checkpoint), trained, "no way of writing its name replaces the checkpoint");
  t.match(run("export", checkpoint, small), {
    status: 2,
    err: /small\.safetensors exists; --force overwrites it/,
  });
  t.equal(run("export", checkpoint, small, "--force").status, 0);
  writeFileSync(join(written, "a3.txt"), "corrected by hand");
  const again = ["transcribe", wave, "--checkpoint", checkpoint, "--out-dir", written];
  t.match(run(...again), { status: 2, err: /--out-dir: .*a3\.txt exists; --force overwrites/ });
  t.equal(readFileSync(join(written, "a3.txt"), "utf8"), "corrected by hand");
  t.equal(run(...again, "--force").status, 0);
  t.not(readFileSync(join(written, "a3.txt"), "utf8"), "corrected by hand");
});

t.test("a training is refused on a checkpoint of other data, or one that is for use only", async (t) => {
  const out = join(folder, "other-data");
  mkdirSync(out);
  copyFileSync(join(folder, "whole", "step-9.safetensors"), join(out, "last.safetensors"));
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
  const child = spawn(...command(...args), { stdio: ["ignore", "pipe", "inherit"] });
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
  const out = join(folder, "interrupted");
  t.ok(existsSync(join(out, "last.safetensors")));
  // TensorBoard can follow a run: its file holds what the log holds.
  const eventFile = readdirSync(out).find((name) => name.startsWith("events.out.tfevents."))!;
  const logged = parseLog(readFileSync(join(out, "log.jsonl"), "utf8")).filter(({ kind }) => kind === "step");
  const scalars = readScalars(readFileSync(join(out, eventFile))).filter(
    ({ scalars }) => "train/loss" in scalars,
  );
  t.same(
    scalars.map(({ step, scalars }) => [step, scalars["train/loss"]]),
    logged.map(({ step, loss }) => [step, Math.fround(Number(loss))]),
  );
});

t.test(
  "a loss that is NaN ends the run with step, utterances and operation; the checkpoint stays",
  async (t) => {
    const out = join(folder, "broken");
    mkdirSync(out);
    const path = join(out, "last.safetensors");
    const checkpoint = await loadCheckpoint(join(folder, "interrupted", "last.safetensors"));
    const [weight] = checkpoint.weights.values();
    weight!.data[0] = Number.NaN;
    await saveCheckpoint(path, checkpoint);
    const before = sha(path);
    const args = trainArgs("broken", "--set", "training.maxSteps=100000", "--resume");
    const { status, err } = run(...args);
    t.equal(status, 1);
    const step = checkpoint.training!.trainer.step + 1;
    const message = `^echo-asr: training: the loss is NaN in step ${step} \\(utterances a\\d.*\\); detectAnomaly: \\w+ produced NaN`;
    t.match(err, new RegExp(message));
    t.equal(sha(path), before);
  },
);

t.test("every backend and arithmetic trains; only fma changes bits", async (t) => {
  const short = ["training.maxSteps=3", "optimizer.warmupSteps=1", "training.evaluateEvery=0"];
  const lossesOf = (out: string, ...more: string[]): { losses: number[]; weights: string; err: string } => {
    const result = run(...trainArgs(out, ...short.flatMap((one) => ["--set", one]), ...more));
    t.equal(result.status, 0, `${more.join(" ")}: ${result.err}`);
    const steps = events(result).filter(({ kind }) => kind === "step");
    const losses = steps.map(({ report }) => (report as { loss: number }).loss);
    return { losses, weights: sha(join(folder, out, "last.safetensors")), err: result.err };
  };
  const simd = lossesOf("simd", "--mode", "simd");
  t.equal(simd.err, "");
  t.equal(simd.losses.length, 3);
  // 64 threads once asked for more scratch memory than the arena began with.
  const args = trainArgs("many", ...short.flatMap((one) => ["--set", one]));
  args[args.indexOf("--threads") + 1] = "64";
  const many = run(...args);
  t.equal(many.status, 0, many.err);
  t.equal(sha(join(folder, "many", "last.safetensors")), simd.weights, "64 threads");
  const revectorized = lossesOf("revectorize", "--mode", "revectorize");
  t.equal(revectorized.weights, simd.weights, "revectorize: the same bits, or the plain code");
  t.match(
    revectorized.err,
    /^(note: revectorize: needs Node with V8 12 or later, the plain SIMD code runs\n)?$/,
  );
  const close = (losses: number[]): boolean =>
    losses.length === 3 && losses.every((loss, i) => Math.abs(loss / simd.losses[i]! - 1) < 1e-4);
  const auto = lossesOf("auto", "--mode", "auto");
  t.equal(auto.weights, simd.weights, "auto: the same bits");
  t.match(auto.err, /^note: auto runs (simd|revectorize) here\n$/);
  for (const mode of ["fma", "revectorize+fma"]) t.ok(close(lossesOf(mode, "--mode", mode).losses), mode);
  t.ok(close(lossesOf("reference", "--backend", "reference").losses), "reference");
});

t.test("settings reach the training: several batches a step, and the short ones first", async (t) => {
  const of = (out: string, ...settings: string[]): { utterances: number; frames: number }[] => {
    const more = ["training.maxSteps=4", "optimizer.warmupSteps=1", "training.evaluateEvery=0", ...settings];
    const result = run(...trainArgs(out, ...more.flatMap((one) => ["--set", one])));
    t.equal(result.status, 0, result.err);
    return events(result)
      .filter(({ kind }) => kind === "step")
      .map(({ report }) => report as { utterances: number; frames: number });
  };
  const single = of("single", "curriculum.epochs=0");
  const double = of("double", "curriculum.epochs=0", "training.accumulate=2", "training.maxSteps=2");
  t.same(
    double.map(({ utterances }) => utterances),
    [0, 2].map((i) => single[i]!.utterances + single[i + 1]!.utterances),
  );
  // One word takes 28 frames, three take 70: at first only single words are short enough.
  const easy = of("easy", "curriculum.epochs=50", "curriculum.startFrames=30", "curriculum.endFrames=80");
  t.ok(
    easy.every(({ utterances, frames }) => frames / utterances <= 32),
    JSON.stringify(easy),
  );
  t.notOk(single.every(({ utterances, frames }) => frames / utterances <= 32));
});

t.test("a reader that leaves ends the command without a stack trace", async (t) => {
  const child = spawn(...command(...trainArgs("pipe", "--set", "training.maxSteps=100000")));
  let err = "";
  child.stderr.on("data", (chunk: Buffer) => {
    err += chunk.toString();
  });
  child.stdout.once("data", () => child.stdout.destroy());
  t.equal(await new Promise((resolve) => child.on("exit", resolve)), 141);
  t.equal(err, "");
});

t.test("rows that cannot be used are counted and named", async (t) => {
  const bad = join(folder, "bad-rows");
  cpSync(data, bad, { recursive: true });
  const extra = ['{"id": "z1", "file": "wav/none.wav", "text": "low", "split": "train"}', "{"];
  writeFileSync(
    join(bad, "manifest.jsonl"),
    `${extra.join("\n")}\n${readFileSync(join(data, "manifest.jsonl"))}`,
  );
  const args = ["train", "--data", bad, "--out", join(folder, "skipped"), "--config", configFile];
  const more = ["--threads", "1", "--set", "training.maxSteps=1", "--set", "optimizer.warmupSteps=0"];
  const skipped = run(...args, ...more);
  t.equal(skipped.status, 0, skipped.err);
  t.match(
    skipped.err,
    /^left out: 2 rows \(1 bad-row, 1 missing-file\)\nmanifest\.jsonl:2: expected a JSON object, got "\{"\nmanifest\.jsonl:1: "wav\/none\.wav" does not exist\n8 utterances/,
  );
});
