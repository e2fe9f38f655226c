// The Whisper example: transformers' values on two small models, the original's rules of timestamps on its own outputs,
// windows, the command with its errors, fine-tuning, and a page in Chromium.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { encodeWav } from "@echo-ts/audio";
import { readAudio } from "@echo-ts/audio/node";
import { noGrad } from "@echo-ts/autograd";
import { type ArrayRecord, readSafetensors, type Tensor, tensor, zeros } from "@echo-ts/tensor";
import t from "tap";
import { applyRules, greedyTokens, type SpecialIds } from "../../examples/dist/whisper/decode.js";
import { loadModel, type OpenWhisper, openWhisper, readConfig } from "../../examples/dist/whisper/open.js";
import { cutAtTimes, features, promptOf, transcribe } from "../../examples/dist/whisper/transcribe.js";
import { bundle, launchChromium, skipWithoutChromium } from "./browser/chromium.js";
import { readShared, sharedPath, skipWithoutShared } from "./shared-material.js";
import { idOf, whisperFolder } from "./whisper-folder.js";

t.setTimeout(300_000);

const ROOT = join(import.meta.dirname, "..", "..");
const ZERO = join(ROOT, "data", "asterisk-alnum", "wav", "digits-0.wav");

/** Folder of a made-up model, on disk. */
const folder = mkdtempSync(join(tmpdir(), "echo-whisper-"));
t.teardown(() => rmSync(folder, { recursive: true }));
const files = await whisperFolder();
for (const [name, bytes] of Object.entries(files)) writeFileSync(join(folder, name), bytes);

const open = (changed: Record<string, Uint8Array | null> = {}): Promise<OpenWhisper> =>
  openWhisper(async (name) => (name in changed ? changed[name]! : files[name]!));

async function collect(generator: AsyncIterable<unknown>): Promise<unknown[]> {
  const found: unknown[] = [];
  for await (const item of generator) found.push(item);
  return found;
}

interface GoldenIndex {
  readonly recording: string;
  readonly cases: readonly {
    readonly name: string;
    readonly greedy: readonly number[];
    readonly loss: number;
    readonly tolerance: Readonly<Record<"encoder" | "logits" | "loss" | "input_features", number>>;
  }[];
}

function distance(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let largest = a.length === b.length ? 0 : Number.POSITIVE_INFINITY;
  for (let i = 0; i < b.length; i++) largest = Math.max(largest, Math.abs(a[i]! - b[i]!));
  return largest;
}

t.test("two small models by transformers", { skip: skipWithoutShared }, async (t) => {
  const index = JSON.parse(readShared("golden", "whisper", "index.json")) as GoldenIndex;
  const { channels } = await readAudio(sharedPath(index.recording), { mono: true, sampleRate: 16000 });
  for (const { name, greedy, tolerance } of index.cases) {
    await t.test(name, async (t) => {
      const file = (it: string): string => sharedPath("golden", "whisper", name, it);
      const config = readConfig(readFileSync(file("config.json"), "utf8"));
      const weights = readFileSync(file("model.safetensors"));
      const model = loadModel(config, weights);
      const golden = readSafetensors(readFileSync(file("golden.safetensors")), { source: "golden" }).tensors;
      const values = (key: string): Float32Array => golden.get(key)!.data as Float32Array;
      const asTensor = ({ data, shape }: ArrayRecord): Tensor => tensor(data as Float32Array, { shape });
      const near = async (key: keyof typeof tolerance, x: Tensor): Promise<void> => {
        const off = distance(await x.data(), values(key));
        t.ok(off <= tolerance[key], `${key}: ${off.toExponential(1)} from transformers`);
      };
      t.strictSame(
        [...(await model.stateDict()).keys()].sort(),
        [...readSafetensors(weights, { source: "" }).tensors.keys()].sort(),
        "the names of the file",
      );
      await near("input_features", features({ config } as OpenWhisper, channels[0]!));
      const mel = asTensor(golden.get("input_features")!);
      const encoded = noGrad(() => model.encode(mel));
      await near("encoder", encoded);
      const tokens = Array.from(golden.get("decoder_input_ids")!.data as Int32Array);
      const row = (ids: number[]): Tensor => tensor([ids], { dtype: "int32" });
      await near(
        "logits",
        noGrad(() => model.decode(row(tokens), model.startCache(encoded))),
      );
      const cache = noGrad(() => model.startCache(encoded));
      const parts = [tokens.slice(0, 3), tokens.slice(3, 4), tokens.slice(4)];
      const stepped: number[] = [];
      for (const part of parts) stepped.push(...(await noGrad(() => model.decode(row(part), cache)).data()));
      t.ok(distance(stepped, values("logits")) <= tolerance.logits, "the same in three parts, by the cache");
      t.equal(cache.length, tokens.length);

      const loss = model.loss(mel, [Array.from(golden.get("labels")!.data as Int32Array)]);
      await near("loss", loss);
      loss.backward();
      const parameters = new Map(model.namedParameters());
      const gradients = [...golden.keys()].filter((key) => key.startsWith("grad."));
      t.equal(gradients.length, 5);
      for (const key of gradients) {
        const expected = values(key);
        const off = distance(await parameters.get(key.slice(5))!.grad!.data(), expected);
        const largest = expected.reduce((a, b) => Math.max(a, Math.abs(b)), 0);
        t.ok(off <= 2e-4 * largest, `${key}: ${(off / largest).toExponential(1)} of its maximum`);
      }
      const start = [config.decoder_start_token_id];
      const said = await greedyTokens(
        model,
        noGrad(() => model.startCache(encoded)),
        start,
        { end: config.eos_token_id, limit: 24 },
      );
      t.strictSame([...start, ...said], greedy, "greedy tokens");
    });
  }
});

t.test("it stays an example of at most 400 lines, comments included", (t) => {
  const folder = join(ROOT, "examples", "src", "whisper");
  const sources = ["../whisper.ts", ...readdirSync(folder)];
  const lines = sources.map((name) => readFileSync(join(folder, name), "utf8").split("\n").length - 1);
  const total = lines.reduce((a, b) => a + b);
  t.ok(total <= 400, `${total} lines`);
  t.end();
});

t.test("labels of -100 count nothing", async (t) => {
  const { model } = await open();
  const loss = (labels: number[][]): number => noGrad(() => model.loss(zeros([1, 80, 3000]), labels)).item();
  t.ok(Math.abs(loss([[7, -100, -100]]) - loss([[7]])) < 1e-5);
  t.not(loss([[7, 9]]), loss([[7]]));
});

interface Rules {
  readonly ids: Omit<SpecialIds, "latestFirstTime">;
  readonly cases: readonly {
    readonly logits: readonly number[];
    readonly said: number[];
    readonly latestFirstTime: number | null;
    readonly allowed: readonly number[];
  }[];
}

t.test("what the original's rules leave allowed", async (t) => {
  const fixture = join(ROOT, "test", "fixtures", "whisper", "rules.json");
  const { ids, cases } = JSON.parse(readFileSync(fixture, "utf8")) as Rules;
  for (const { logits, said, latestFirstTime, allowed } of cases) {
    const left = Float32Array.from(logits);
    applyRules(left, said, { ...ids, latestFirstTime }, true);
    const found = [...left.keys()].filter((id) => left[id] !== Number.NEGATIVE_INFINITY);
    t.strictSame(found, allowed, `after [${said.join(", ")}]`);
  }
  const logits = Float32Array.from(cases[0]!.logits);
  applyRules(logits, [], { ...ids, latestFirstTime: 5 }, false);
  const forbidden = [...logits.keys()].filter((id) => logits[id] === Number.NEGATIVE_INFINITY);
  t.strictSame(forbidden, [0, 2, 20, 21], "without timestamps only the lists count");
});

// By hand from openai/whisper's transcribe.py; 100 is <|0.00|>, 150 <|1.00|>, 200 <|2.00|>.
t.test("where a window is cut", async (t) => {
  const cut = (...said: number[]) => cutAtTimes(said, { firstTime: 100 } as SpecialIds, 30);
  const pieces = (...said: number[]) => cut(...said).pieces.map(({ start, end }) => [start, end]);
  t.strictSame(cut(7, 8), { pieces: [{ start: 0, end: 30, tokens: [7, 8] }], used: 30 }, "no times");
  t.strictSame(cut(100, 7, 150).pieces, [{ start: 0, end: 1, tokens: [100, 7, 150] }], "one piece");
  t.equal(cut(100, 7, 150).used, 30, "nothing is said after it");
  t.strictSame(pieces(100, 7, 150, 150, 8, 200), [
    [0, 1],
    [1, 2],
  ]);
  t.equal(cut(100, 7, 150, 150, 8, 200).used, 30);
  t.strictSame(pieces(100, 7, 150, 150, 8), [[0, 1]], "an unfinished piece is heard again");
  t.equal(cut(100, 7, 150, 150, 8).used, 1);
  t.strictSame(pieces(105, 7, 150, 160, 8, 200, 200), [
    [0.1, 1],
    [1.2, 2],
  ]);
  t.equal(cut(105, 7, 150, 160, 8, 200, 200).used, 2);
});

t.test("long audio goes on at the last timestamp", async (t) => {
  const whisper = await open();
  const at = (seconds: number): number => idOf(`<|${seconds.toFixed(2)}|>`);
  // What the model says in each window: the second piece of the first is unfinished at 20 s.
  const script = [
    [at(0), ...whisper.encode("one"), at(20), at(20), ...whisper.encode("tw"), idOf("<|endoftext|>")],
    [at(0), ...whisper.encode("two"), at(15), idOf("<|endoftext|>")],
  ];
  const heard: number[] = [];
  const prompts: number[][] = [];
  let window = -1;
  const scripted = {
    encode(mel: Tensor) {
      window++;
      heard.push(mel.dataSync()[0]!);
      return mel;
    },
    startCache: () => ({ length: 0, layers: [] }),
    decode(tokens: Tensor, cache: { length: number }) {
      const first = cache.length === 0;
      if (first) prompts.push(Array.from(tokens.dataSync()));
      const next = script[window]![first ? 0 : cache.length]!;
      cache.length++;
      const logits = new Float32Array(tokens.shape[1]! * whisper.config.vocab_size);
      logits[logits.length - whisper.config.vocab_size + next] = 50;
      return tensor(logits, { shape: [1, tokens.shape[1]!, whisper.config.vocab_size] });
    },
  } as unknown as OpenWhisper["model"];
  const samples = new Float32Array(35 * 16000).fill(0.1);
  const found = await collect(transcribe({ ...whisper, model: scripted }, samples, { language: "de" }));
  t.strictSame(found, [
    { start: 0, end: 20, text: "one" },
    { start: 20, end: 35, text: "two" },
  ]);
  t.equal(heard.length, 2, "two windows");
  const prompt = [idOf("<|startoftranscript|>"), idOf("<|de|>"), idOf("<|transcribe|>")];
  t.strictSame(prompts, [prompt, prompt], "timestamps are asked for without being told to");
});

t.test("the prompt", async (t) => {
  const whisper = await open();
  const [start, none] = [idOf("<|startoftranscript|>"), idOf("<|notimestamps|>")];
  t.strictSame(promptOf(whisper, false), [start, idOf("<|en|>"), idOf("<|transcribe|>"), none]);
  t.strictSame(promptOf(whisper, true, "de", "translate"), [start, idOf("<|de|>"), idOf("<|translate|>")]);
  t.strictSame(promptOf({ ...whisper, multilingual: false }, false), [start, none], "English-only models");
  t.throws(() => promptOf(whisper, true, "xx"), { message: "tokenizer.json: expected the token <|xx|>" });
  const text = "the third, ü";
  t.equal(whisper.decode([...whisper.encode(text), idOf("<|1.00|>"), idOf("<|endoftext|>")]), text);
  t.equal(
    (await open({ "generation_config.json": null })).multilingual,
    false,
    "by the size of the vocabulary",
  );
});

t.test("what is wrong is named", async (t) => {
  const json = (name: string): Record<string, unknown> =>
    JSON.parse(new TextDecoder().decode(files[name])) as Record<string, unknown>;
  const bytes = (value: object): Uint8Array => new TextEncoder().encode(JSON.stringify(value));
  const config = json("config.json");
  const refused = (changed: Record<string, unknown>): Promise<OpenWhisper> =>
    open({ "config.json": bytes({ ...config, ...changed }) });
  await t.rejects(refused({ d_model: undefined }), {
    message: "config.json: d_model: expected a whole number, got undefined",
  });
  await t.rejects(refused({ activation_function: "relu" }), {
    message: 'config.json: activation_function: expected gelu, got "relu"',
  });
  await t.rejects(refused({ vocab_size: 100 }), {
    message: /^config.json: vocab_size: expected more than \d+, got 100$/,
  });
  await t.rejects(refused({ encoder_layers: 2 }), {
    message: /model.safetensors.*missing.*model.encoder.layers.1/s,
  });
  await t.rejects(refused({ d_model: 32 }), { message: /mis-shaped.*model.encoder.conv1.weight/s });
  const tokenizer = json("tokenizer.json");
  await t.rejects(open({ "tokenizer.json": bytes({ ...tokenizer, added_tokens: [] }) }), {
    message: "tokenizer.json: expected the token <|notimestamps|>",
  });
  const wrong = Uint8Array.from(files["model.safetensors"]!).subarray(0, 1000);
  await t.rejects(open({ "model.safetensors": wrong }), { message: /model.safetensors/ });
});

function command(...args: string[]): { lines: string[]; errors: string; status: number | null } {
  const path = join(ROOT, "examples", "dist", "whisper.js");
  const { stdout, stderr, status } = spawnSync(process.execPath, [path, ...args], { encoding: "utf8" });
  return { lines: stdout.trimEnd().split("\n"), errors: stderr, status };
}

t.test("the command", async (t) => {
  t.match(command("--help").lines[0], /^node examples\/dist\/whisper.js FOLDER AUDIO/);
  t.equal(command("--help").status, 0);
  t.match(command(join(folder, "no"), ZERO), { status: 1, errors: /^whisper: ENOENT.*config.json/ });
  t.match(command(folder, join(folder, "no.wav")), { status: 1, errors: /^whisper: .*no.wav/ });
  t.match(command("--nonsense"), { status: 1, errors: /--nonsense/ });

  const { channels } = await readAudio(ZERO, { mono: true, sampleRate: 16000 });
  const whisper = await open();
  const text = ((await collect(transcribe(whisper, channels[0]!))) as { text: string }[]).map(
    (it) => it.text,
  );
  const plain = command(folder, ZERO);
  t.equal(plain.status, 0, plain.errors);
  t.equal(plain.lines.join("\n"), text.join("\n"), "the same as by function");

  const long = join(folder, "long.wav");
  writeFileSync(long, encodeWav(new Float32Array(31 * 16000).fill(0.01), { sampleRate: 16000 }));
  const timed = command(folder, long, "--timestamps", "--language", "en");
  t.equal(timed.status, 0, timed.errors);
  for (const line of timed.lines) t.match(line, /^\[\d+\.\d\d - \d+\.\d\d\] ./, line);
  t.notSame(timed.lines, [""]);

  const saved = join(folder, "learnt.safetensors");
  const options = ["--learn", "the zero", "--steps", "12", "--rate", "3e-3", "--save", saved];
  const learnt = command(folder, ZERO, "--language", "en", ...options);
  t.equal(learnt.status, 0, learnt.errors);
  const losses = learnt.lines
    .flatMap((line) => /^step \d+ {3}loss ([\d.]+)$/.exec(line)?.[1] ?? [])
    .map(Number);
  t.equal(losses.length, 12);
  for (const [i, loss] of losses.entries()) if (i > 0) t.ok(loss < losses[i - 1]!, `step ${i + 1}: ${loss}`);
  t.ok(losses.at(-1)! < losses[0]! - 0.5, `${losses[0]} -> ${losses.at(-1)}`);
  t.match(
    (await open({ "model.safetensors": readFileSync(saved) })).model,
    { training: false },
    "opens again",
  );
});

t.test("in a page", { skip: skipWithoutChromium }, async (t) => {
  const sources = readdirSync(join(ROOT, "examples", "src", "whisper"));
  t.strictSame(sources.sort(), ["decode.ts", "model.ts", "open.ts", "transcribe.ts"]);
  const { outputFiles } = await bundle(`
    import { openWhisper } from "../../../examples/dist/whisper/open.js";
    import { transcribe } from "../../../examples/dist/whisper/transcribe.js";
    globalThis.run = async (files, samples) => {
      const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
      const whisper = await openWhisper(async (name) => bytes(files[name]));
      const found = [];
      for await (const segment of transcribe(whisper, Float32Array.from(samples), { timestamps: true })) found.push(segment);
      return found;
    };`);
  const browser = await launchChromium();
  t.teardown(() => browser.close());
  const tab = await browser.newPage();
  tab.on("pageerror", (error) => t.fail(error.message));
  const served = new Map(outputFiles.map(({ path, text }) => [path, text]));
  await tab.route("http://whisper.test/**", (route) => {
    const code = served.get(new URL(route.request().url()).pathname);
    const page = '<script type="module" src="stdin.js"></script>';
    return route.fulfill({
      body: code ?? page,
      contentType: code === undefined ? "text/html" : "text/javascript",
    });
  });
  await tab.goto("http://whisper.test/");
  await tab.waitForFunction("globalThis.run !== undefined");
  const encoded = Object.fromEntries(
    Object.entries(files).map(([name, bytes]) => [name, Buffer.from(bytes).toString("base64")]),
  );
  const { channels } = await readAudio(ZERO, { mono: true, sampleRate: 16000 });
  const samples = Array.from(channels[0]!);
  const found = await tab.evaluate(`globalThis.run(${JSON.stringify(encoded)}, ${JSON.stringify(samples)})`);
  t.strictSame(found, await collect(transcribe(await open(), channels[0]!, { timestamps: true })));
  t.notSame(found, []);
});
