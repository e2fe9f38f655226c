// The command line as a user meets it: help, mistakes, hostile files, and the commands that need no training.

import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import t from "tap";
import {
  duration,
  Progress,
  paceText,
  progressLine,
} from "../../../packages/echo-model/dist/cli/progress.js";
import { command, configFile, data, folder, run } from "./command-line.js";

const COMMANDS = [
  ...[
    "train",
    "eval",
    "transcribe",
    "listen",
    "calibrate",
    "features",
    "pitch",
    "inspect",
    "export",
    "settings",
  ],
];
const recordings = fileURLToPath(new URL("../../../data/asterisk-alnum/wav/", import.meta.url));
const codecs = fileURLToPath(new URL("../../fixtures/codecs/", import.meta.url));

t.test("help teaches, and mistakes have exit code 2", async (t) => {
  const help = run("--help");
  t.equal(help.status, 0);
  for (const name of COMMANDS) t.match(help.out, new RegExp(`\\n  ${name} `));
  t.match(help.out, /Exit codes:\n {2}0 done, 1 data or files, 2 command line or settings, 130 interrupted/);
  for (const name of COMMANDS) {
    const { status, out } = run(name, "--help");
    t.equal(status, 0);
    t.match(out, new RegExp(`Usage:\\n {2}\\$ echo-asr ${name}`), name);
    t.match(out, new RegExp(`Examples:\\n {2}echo-asr ${name} `), `${name} has an example`);
  }
  t.match(run("train", "--help").out, /manifest\.jsonl, one JSON object a line[\s\S]*--resume/);
  const wrong: [string[], RegExp][] = [
    [[], /^$/],
    [["trian"], /unknown command "trian", expected one of train, eval.*; did you mean train\?/],
    [["train"], /--data is missing/],
    [["train", "--data", data, "--out", "x", "--rezume"], /unknown option --rezume; did you mean --resume\?/],
    [
      ["train", "--data", data, "--out", "x", "--force-pich=1"],
      /unknown option --force-pich; settings go with --set/,
    ],
    [
      ["train", "--data", data, "--out", "x", "--model.dims=3"],
      /unknown option --model; settings go with --set/,
    ],
    [["train", "--data", data, "--out", ""], /--out <dir>: expected a value, got none/],
    [["train", "--data", data, "--out", "x", "--set"], /--set <key=value>: expected a value, got none/],
    [["train", "--data", data, "--out", "x", "--out", "y"], /--out <dir>: expected once, got x and y/],
    [
      ["train", "--data", data, "--out", "x", "--threads", "many"],
      /--threads: expected a whole number from 1 to 64, got many/,
    ],
    [
      ["train", "--data", data, "--out", "x", "--mode", "fast"],
      /--mode: expected one of auto, simd, .*, got fast/,
    ],
    [
      ["train", "--data", data, "--out", "x", "--seed", "1.5"],
      /training\.seed: expected an integer >= 0, got 1\.5/,
    ],
    [
      ["train", "--data", data, "--out", "x", "--config", folder],
      /--config: .*: is a folder, expected a file/,
    ],
    [["train", "--data", data, "--out", "x", "--set", "model.dimz=3"], /did you mean "model\.dims"/],
    [
      ["train", "--data", data, "--out", "x", "--preset", "none"],
      /--preset: expected one of an4, digits, words, seed/,
    ],
    [
      ["train", "--data", data, "--out", "x", "--config", "none.json"],
      /--config: none\.json: does not exist/,
    ],
    [["transcribe"], /expected at least one FILE/],
    [["transcribe", "a.wav", "b.wav", "--format", "srt"], /--format srt: 2 files need --out-dir/],
    [
      ["transcribe", "a/x.wav", "b/x.mp3", "--out-dir", "y"],
      /a\/x\.wav and b\/x\.mp3 would both be written to x\.txt/,
    ],
    [["export", "a", "./a"], /export: expected another FILE than the checkpoint itself, got \.\/a twice/],
    [["export", "a"], /export: expected FILE or --onnx FILE, got neither/],
    [["export", "a", "b", "--onnx", "c.onnx"], /export: expected either FILE or --onnx FILE/],
    [["export", "a", "--onnx", "c"], /export: --onnx: expected a name that ends in \.onnx, got c/],
    [
      ["eval", "x", "--data", data, "--force-pitch", "high"],
      /--force-pitch: expected a number of Hz above 0, got high/,
    ],
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
  for (const words of [
    ["inspect", damaged],
    ["eval", damaged, "--data", data],
  ]) {
    const { status, err } = run(...words);
    t.equal(status, 1);
    t.match(err, /^echo-asr: checkpoint: .*damaged\.safetensors: damaged/);
  }
  const out = run("train", "--data", data, "--out", configFile);
  t.equal(out.status, 1);
  t.match(out.err, /^echo-asr: training: the folder .*tiny\.json cannot be made: EEXIST/);

  const wave = readFileSync(join(data, "wav", "a0.wav"));
  const hostile: [string, Uint8Array | null, RegExp][] = [
    ["none.wav", null, /none\.wav: does not exist$/],
    ["data", null, /data: is a folder, expected a file$/],
    ["empty.wav", new Uint8Array(0), /empty\.wav: the file is empty/],
    ["header.wav", wave.subarray(0, 30), /header\.wav: no fmt chunk/],
    ["silent.wav", wave.subarray(0, 44), /silent\.wav: no samples/],
    ["page.wav", Buffer.from("<html>"), /page\.wav: unknown format \(first bytes 3c 68 74 6d\)/],
  ];
  for (const [name, content, message] of hostile) {
    const path = join(folder, name);
    if (content !== null) writeFileSync(path, content);
    // All three read a recording in the same way; the first and the last case show it.
    const thorough = name === "none.wav" || name === "page.wav";
    for (const verb of thorough ? ["pitch", "features", "transcribe"] : ["pitch"]) {
      const { status, out, err } = run(verb, path);
      t.same([status, out], [1, ""], `${verb} ${path}`);
      t.match(err.trimEnd(), message);
      t.equal(err.trimEnd().split("\n").length, 1, "one line");
    }
  }
});

t.test("names that look like numbers stay names", async (t) => {
  const wave = join(data, "wav", "a0.wav");
  const started = command("features", wave, "--config", configFile, "--out", "007", "--json");
  t.equal(spawnSync(...started, { cwd: folder }).status, 0);
  t.ok(existsSync(join(folder, "007")));
});

t.test("the shipped checkpoint recognises words of a voice it never heard, in every format", async (t) => {
  const two = join(recordings, "digits-2.wav");
  t.same(run("transcribe", two), { status: 0, out: "two\n", err: "" });
  // Right where it is right, and in every format what it makes of the WAV itself, right or not.
  const known = {
    "digits-2.flac": "two",
    "digits-2.mp3": "two",
    "letters-w.flac": "w",
    "letters-w.mp3": "w",
  };
  const seven = run("transcribe", join(recordings, "digits-7.wav")).out;
  const sevens = ["flac", "mp3", "ogg", "opus", "m4a"].map((ending) => [`digits-7.${ending}`, seven.trim()]);
  const expected = [...Object.entries(known), ...sevens].map(([file, text]) => [join(codecs, file!), text]);
  const { status, out, err } = run("transcribe", ...expected.map(([file]) => file!), two, "--threads", "1");
  t.equal(status, 0, err);
  t.equal(out, [...expected, [two, "two"]].map(([file, text]) => `${file}: ${text}\n`).join(""));

  // The others are still transcribed when one cannot be.
  const missing = join(folder, "gone.mp3");
  const mixed = run("transcribe", missing, two, "--json");
  t.equal(mixed.status, 1);
  t.equal(mixed.err, `echo-asr: ${missing}: does not exist\n`);
  const lines = mixed.out.trim().split("\n");
  t.equal(lines.length, 1, "one line a file");
  const { file, text, segments } = JSON.parse(lines[0]!);
  t.same([file, text], [two, "two"]);
  const [{ start, end }] = segments;
  t.ok(0 <= start && start < end && end < 0.61, `${start} to ${end} s of 0.61`);

  // "-" is standard input, before and behind options and other files; after "--" everything is a file.
  const [program, args] = command("transcribe", "-", "--threads", "1", join(codecs, "letters-w.flac"));
  const piped = spawnSync(program, args, { encoding: "utf8", input: readFileSync(two) });
  t.same(
    [piped.status, piped.stdout, piped.stderr],
    [0, `-: two\n${join(codecs, "letters-w.flac")}: w\n`, ""],
  );
  const nothing = spawnSync(...command("transcribe", "-"), { encoding: "utf8", input: "" });
  t.equal(nothing.status, 1);
  t.match(nothing.stderr, /^echo-asr: decodeAudio: -: the file is empty/);
  t.equal(run("transcribe", "--threads", "1", "--", two).out, "two\n");
  t.equal(run("transcribe", "--", "--gone.wav").err, "echo-asr: --gone.wav: does not exist\n");
  t.equal(
    run("transcribe", "-", "-").err,
    "echo-asr: config: transcribe: expected - once, standard input is read to its end\n",
  );

  const texts = join(folder, "subtitles");
  for (const format of ["srt", "vtt"])
    t.equal(
      run("transcribe", join(codecs, "letters-w.flac"), two, "--format", format, "--out-dir", texts).status,
      0,
    );
  // A cue of one short word stays for a second.
  const srt = readFileSync(join(texts, "letters-w.srt"), "utf8");
  t.match(srt, /^1\n00:00:00,\d{3} --> 00:00:01,\d{3}\nw\n$/);
  t.match(
    readFileSync(join(texts, "digits-2.vtt"), "utf8"),
    /^WEBVTT\n\n00:00:00\.\d{3} --> 00:00:01\.\d{3}\ntwo\n$/,
  );
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

t.test("lengths of time in two units", async (t) => {
  const cases: [number, string][] = [
    [0, "0 s"],
    [59.4, "59 s"],
    [59.6, "1 min 0 s"],
    [119.7, "2 min 0 s"],
    [3599, "59 min 59 s"],
    [3600, "1 h 0 min"],
    [7 * 3600 + 125, "7 h 2 min"],
  ];
  for (const [seconds, text] of cases) t.equal(duration(seconds), text);
});

t.test("rates, by the second, minute or hour", async (t) => {
  const cases: [number, string][] = [
    [12.4, "12 runs/s"],
    [5.24, "5.2 runs/s"],
    [0.1, "0.1 runs/s"],
    [0.05, "3.0 runs/min"],
    [1 / 1800, "2.0 runs/h"],
  ];
  for (const [perSecond, text] of cases) t.equal(paceText(perSecond, "runs"), text);
});

t.test("the checkpoint of the package is called shipped", async (t) => {
  const { status, out, err } = run("inspect", "shipped", "--json");
  t.equal(status, 0, err);
  t.match(JSON.parse(out), { vocabulary: 101, parameters: 1453300 });
  const other = run("inspect", "./shipped");
  t.equal(other.status, 1, "a file of that name needs its folder");
  t.match(other.err, /shipped: ENOENT/);
  t.match(run("eval", "--help").out, /Checkpoints:\n +the \.safetensors file of a training, or shipped/);
  t.notMatch(run("settings", "--help").out, /Checkpoints:/);
});

t.test("the experiment that --help shows can be copied into a file", async (t) => {
  const help = run("experiment", "--help").out;
  const [json] = /\n {2,4}\{\n[\s\S]*?\n {2,4}\}\n/.exec(help) ?? [""];
  t.match(JSON.parse(json), { preset: "digits", seeds: [0, 1, 2], variants: [{ name: "f0" }, {}, {}] });
  const file = join(folder, "help.json");
  writeFileSync(file, json);
  const planned = run("experiment", file, "--data", data, "--out", join(folder, "help"), "--plan");
  t.equal(planned.status, 0, planned.err);
  t.match(planned.out, /f0/);
});

t.test("the progress line keeps to the width of the terminal, what matters most first", async (t) => {
  const parts = ["1 min 5 s left", "2.5 steps/s", "loss 12.345", "step 120", "epoch 3.1"];
  t.equal(
    progressLine("training", 0.5, parts, 120),
    "training [========-------] 50 %, 1 min 5 s left, 2.5 steps/s, loss 12.345, step 120, epoch 3.1",
  );
  t.equal(
    progressLine("training", 0.5, parts, 80),
    "training [=====-----] 50 %, 1 min 5 s left, 2.5 steps/s, loss 12.345, step 120",
  );
  t.equal(progressLine("training", 0.5, parts, 40), "training [===---] 50 %, 1 min 5 s left");
  t.equal(progressLine("training", 0.5, parts, 30), "training 50 %, 1 min 5 s left");
  t.equal(progressLine("training", 0.5, parts, 29), "training 50 %");
  t.equal(
    progressLine("training", 0.29, parts, Number.POSITIVE_INFINITY),
    "training 29 %, 1 min 5 s left, 2.5 steps/s, loss 12.345, step 120, epoch 3.1",
    "no bar in a log file",
  );
  for (let width = 1; width < 140; width++)
    t.ok(progressLine("scoring dev", 1, parts, width).length < width, `${width} columns`);
});

t.test("rate and time left follow what was done since the line began", async (t) => {
  const { stderr } = process;
  const written: string[] = [];
  const [write, now, isTTY] = [stderr.write, performance.now, stderr.isTTY];
  let seconds = 100;
  t.teardown(() => Object.assign(stderr, { write, isTTY }) && Object.assign(performance, { now }));
  stderr.isTTY = false;
  stderr.write = (chunk: string | Uint8Array) => written.push(String(chunk)) > 0;
  performance.now = () => seconds * 1000;
  const progress = new Progress(false);
  // Resumed at step 500 of 1000: 40 steps in 20 s leave 460 steps for 230 s.
  progress.update("training", 0.5, 1, { unit: "steps", count: 500 });
  seconds += 14;
  progress.update("training", 0.52, 1, { unit: "steps", count: 520 });
  t.same(written, [], "a log file gets a line every 15 seconds");
  seconds += 6;
  progress.update("training", 0.54, 1, { unit: "steps", count: 540, notes: ["loss 1.000"] });
  progress.stop();
  t.same(written, ["training 54 %, 3 min 50 s left, 2.0 steps/s, loss 1.000\n"]);
});

// util-linux's script gives a process a terminal; other systems have another script, or none.
const terminal = (columns: number, ...args: string[]): { status: number | null; out: string } => {
  const line = command(...args)
    .flat()
    .map((word) => `'${word}'`)
    .join(" ");
  const { status, stdout } = spawnSync("script", ["-qec", `stty cols ${columns}; ${line}`, "/dev/null"], {
    encoding: "utf8",
    timeout: 60_000,
    stdio: ["ignore", "pipe", "pipe"],
  });
  return { status, out: stdout };
};
const noTerminal =
  process.platform === "linux" && spawnSync("script", ["-qec", "true", "/dev/null"]).status === 0
    ? false
    : "needs util-linux's script";

t.test("in a terminal", { skip: noTerminal }, async (t) => {
  const escape = "\u001b";
  const train = ["train", "--data", data, "--config", configFile, "--threads", "1"];
  for (const columns of [80, 40]) {
    const { status, out } = terminal(columns, ...train, "--out", join(folder, `terminal-${columns}`));
    t.equal(status, 0);
    const drawn = out
      .split(`${escape}[1G`)
      .map((part) => part.split(escape)[0]!)
      .filter((line) => / \d+ %/.test(line));
    t.ok(drawn.length > 3, `${drawn.length} redrawn lines`);
    t.ok(
      drawn.every((line) => line.length < columns),
      `${columns} columns`,
    );
    t.ok(
      drawn.some((line) => /^features \[=*-*\] \d+ %, \d+ s left/.test(line)),
      "time left",
    );
    t.notMatch(out, `${escape}[?`, "no mode of the terminal is switched, so none can be left switched");
  }
  // A bar that is still drawn once kept a failed run alive.
  const bad = join(folder, "bad-row");
  mkdirSync(join(bad, "wav"), { recursive: true });
  copyFileSync(join(data, "wav", "a0.wav"), join(bad, "wav", "a0.wav"));
  const row = (id: string) => JSON.stringify({ id, file: `wav/${id}.wav`, text: "low", split: "train" });
  writeFileSync(join(bad, "manifest.jsonl"), `${row("a0")}\n${row("gone")}\n`);
  const args = ["train", "--data", bad, "--config", configFile, "--set", "data.badRows=fail"];
  const failed = terminal(80, ...args, "--out", join(folder, "failed"));
  t.equal(failed.status, 1);
  t.match(failed.out, /manifest\.jsonl:2: "wav\/gone\.wav" does not exist/);
});
