// What holds for every command: files that exist are overwritten with --force only, recordings that are damaged are refused
// by name and decoded within limits, and names and words from outside control neither a terminal nor a page.
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { encodeWav, tone } from "@echo-ts/audio";
import { newModel, resolveConfig, WordTokenizer } from "@echo-ts/echo-model";
import { saveCheckpoint } from "@echo-ts/echo-model/node";
import t from "tap";
import { data, folder, run } from "./command-line.js";
import { TINY } from "./synthetic-speech.js";

t.setTimeout(600_000); // many processes, on a busy machine too

const config = resolveConfig(TINY);
const { sampleRate } = config.audio;
const recording = join(data, "wav", "a1.wav");
const checkpoint = join(folder, "model.safetensors");

/** Words that a page or a terminal would act upon. */
const HOSTILE = ["<img/src=x/onerror=alert(1)>", "\u001b[2J", "\u202egnp.exe", "]]></script>", "&amp;\u0085"];
/** What of them must not come out. */
const ACTS = ["<img", "<script", "]]></script", "\u001b", "\u202e", "\u0085"];
const actsIn = (text: string): string[] => ACTS.filter((part) => text.includes(part));
/** A page may hold none of them; a terminal does not mind the tags. */
const controlsIn = (text: string): string[] => actsIn(text).filter((part) => part.length === 1);

async function saveModel(path: string, words: readonly string[]): Promise<void> {
  const tokenizer = WordTokenizer.fromTexts([words.join(" ")]);
  const weights = await newModel(config, tokenizer).stateDict();
  const metrics = { step: 3, "<img src=x>": 1 };
  await saveCheckpoint(path, { config, tokenizer, weights, metrics, training: null });
}

interface Writer {
  /** Arguments up to the file or folder that is written. */
  readonly args: readonly string[];
  /** Names written in the folder; none for a file. */
  readonly names: readonly string[];
  /** Whether only refusals are tried, which come before the work. */
  readonly slow?: boolean;
}

const WRITERS: Readonly<Record<string, Writer>> = {
  features: { args: ["features", recording, "--out"], names: [] },
  export: { args: ["export", checkpoint], names: [] },
  calibrate: { args: ["calibrate", checkpoint, "--data", data, "--out"], names: [], slow: true },
  patterns: { args: ["patterns", "--f0", "100", "--out"], names: ["report.html", "figures"] },
  architecture: {
    args: ["architecture", checkpoint, "--out"],
    names: ["report.html", "figures"],
    slow: true,
  },
  attention: {
    args: ["attention", recording, "--checkpoint", checkpoint, "--out"],
    names: ["report.html", "figures"],
    slow: true,
  },
  report: { args: ["report", checkpoint, "--out"], names: ["report.html", "figures"], slow: true },
  diagnose: {
    args: ["diagnose", checkpoint, "--data", data, "--out"],
    names: ["report.html", "figures", "diagnosis.json"],
    slow: true,
  },
};

t.before(async () => {
  await saveModel(checkpoint, ["low", "mid", "high"]);
  await saveModel(join(folder, "hostile.safetensors"), HOSTILE);
});

for (const [command, { args, names, slow = false }] of Object.entries(WRITERS)) {
  t.test(`${command} overwrites what exists with --force only`, async (t) => {
    for (const name of names.length === 0 ? [null] : names) {
      const out = join(folder, `${command}-${name}`);
      const target = name === null ? out : join(out, name);
      if (name !== null) mkdirSync(out);
      if (name === "figures") mkdirSync(target);
      const mine = name === "figures" ? join(target, "mine.svg") : target;
      writeFileSync(mine, "mine");
      const refused = run(...args, out);
      t.equal(refused.status, 2, `${name}: ${refused.err}`);
      t.ok(refused.err.includes(`${target} exists`), refused.err);
      t.match(refused.err, /--force overwrites it/);
      t.equal(readFileSync(mine, "utf8"), "mine");
      t.equal(refused.out, "", "found before anything was computed");
      if (slow) continue;
      const forced = run(...args, out, "--force");
      t.equal(forced.status, 0, forced.err);
      if (name !== "figures") t.not(statSync(mine).size, 4, "written");
      else t.equal(readFileSync(mine, "utf8"), "mine", "what is not of the report stays");
      if (name !== null) t.equal(run(...args, out).status, 0, "a report replaces a report");
    }
    if (names.length === 0) {
      const nowhere = run(...args, join(folder, "no", "such", "folder"));
      t.equal(nowhere.status, 2, nowhere.err);
      t.match(nowhere.err, /cannot be written: .*/);
      const itself = run(...args, folder, "--force");
      t.match(itself, { status: 2, err: /is no file/ });
    } else if (existsSync("/proc/self")) {
      const impossible = run(...args, "/proc/nowhere");
      t.equal(impossible.status, 1, impossible.err);
      t.match(impossible.err, /--out: the folder \/proc\/nowhere cannot be made/);
    }
  });
}

t.test("train --report does not replace a page that is not a report", async (t) => {
  const out = join(folder, "trained");
  mkdirSync(out);
  writeFileSync(join(out, "report.html"), "mine");
  const args = ["train", "--data", data, "--out", out, "--config", join(folder, "tiny.json"), "--report"];
  t.match(run(...args), { status: 2, out: "", err: /trained\/report\.html exists and is of no report/ });
  t.same(readdirSync(out), ["report.html"], "nothing was begun");
});

const READERS: Readonly<Record<string, (file: string) => string[]>> = {
  transcribe: (file) => ["transcribe", file, "--checkpoint", checkpoint],
  features: (file) => ["features", file],
  pitch: (file) => ["pitch", file],
  patterns: (file) => ["patterns", "--recording", file, "--out", join(folder, "reader-patterns")],
  attention: (file) => ["attention", file, "--checkpoint", checkpoint, "--out", join(folder, "reader")],
  report: (file) => ["report", checkpoint, "--recording", file, "--out", join(folder, "reader-report")],
};

t.test("recordings that cannot be used are refused by name in every command", async (t) => {
  const wave = tone(220, { seconds: 0.4, sampleRate, amplitude: 0.3 });
  /** A file of float samples, of which the 78th is `value`. */
  const withSample = (value: number): Uint8Array => {
    const bytes = encodeWav(wave, { sampleRate, encoding: "float32" });
    const at = bytes.length - 4 * (wave.length - 77); // the samples end the file
    new DataView(bytes.buffer, bytes.byteOffset).setFloat32(at, value, true);
    return bytes;
  };
  const files: Readonly<Record<string, [bytes: Uint8Array, message: RegExp]>> = {
    "nan.wav": [withSample(Number.NaN), /NaN/],
    "huge.wav": [withSample(1e30), /1e\+30|full scale/],
    "empty.wav": [encodeWav(new Float32Array(0), { sampleRate }), /./],
    "text.wav": [Buffer.from("not a recording at all"), /./],
    "cut.flac": [Buffer.from("fLaC\0\0\0\u0022 no stream info"), /./],
    "cut.m4a": [Buffer.from("\0\0\0\u0018ftypM4A \0\0\0\0\0\0\0\0\u00ff\u00ff\u00ff\u00ffmoov"), /./],
  };
  for (const [name, [bytes, message]] of Object.entries(files)) {
    const path = join(folder, name);
    writeFileSync(path, bytes);
    for (const [command, argsOf] of Object.entries(READERS)) {
      const { status, err } = run(...argsOf(path));
      t.equal(status, 1, `${command} ${name}: ${err}`);
      t.ok(err.startsWith("echo-asr: ") && err.includes(path), `${command} ${name}: ${err}`);
      t.match(err, message, `${command} ${name}`);
      t.notMatch(err, /\n +at /, `${command} ${name}: no stack`);
    }
  }
});

t.test("names and words from outside control neither a terminal nor a page", async (t) => {
  const path = join(folder, "a\u001b[2J\u202eb <img src=x onerror=1>.wav");
  symlinkSync(recording, path);
  const hostile = join(folder, "hostile.safetensors");
  const named = join(folder, "m\u001b[31m<script>.safetensors");
  symlinkSync(hostile, named);
  const out = (name: string): string[] => ["--out", join(folder, name)];
  const commands = [
    ["transcribe", path, path.replace("a\u001b", "./a\u001b"), "--checkpoint", checkpoint],
    ["features", path],
    ["pitch", path],
    ["inspect", named],
    ["eval", named, "--data", data, "--texts"],
    ["export", named, join(folder, "e\u001b[2J")],
    ["patterns", "--recording", path, ...out("page-patterns")],
    ["attention", path, "--checkpoint", named, ...out("page-attention")],
    ["report", named, "--recording", path, "--data", data, ...out("page-report")],
  ];
  for (const args of commands) {
    const { status, out, err } = run(...args);
    t.equal(status, 0, `${args[0]}: ${err}`);
    t.same(controlsIn(out), [], `${args[0]}: standard output`);
    t.same(controlsIn(err), [], `${args[0]}: standard error`);
  }
  const missing = run("features", `${path}.none`);
  t.equal(missing.status, 1);
  t.same(controlsIn(missing.err), []);
  let pages = 0;
  for (const name of readdirSync(folder).filter((name) => name.startsWith("page-"))) {
    const files = readdirSync(join(folder, name), { recursive: true, encoding: "utf8" });
    for (const file of files.filter((file) => /\.(html|svg)$/.test(file))) {
      pages++;
      t.same(actsIn(readFileSync(join(folder, name, file), "utf8")), [], `${name}/${file}`);
    }
  }
  t.ok(pages > 20, `${pages} pages and figures`);
});
