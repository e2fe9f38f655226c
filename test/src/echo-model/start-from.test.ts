// What makes one's own words easy to train: weights of a checkpoint to start from, rows held out where no split is named,
// a warm-up as a share of the run.
import { cpSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { CharacterTokenizer, newModel, resolveConfig, WordTokenizer } from "@echo-ts/echo-model";
import { loadCheckpoint } from "@echo-ts/echo-model/node";
import t from "tap";
import { holdOut } from "../../../packages/echo-model/dist/data/hold-out.js";
import { startFrom } from "../../../packages/echo-model/dist/train/initial-weights.js";
import { learningRateAt } from "../../../packages/echo-model/dist/train/learning-rate.js";
import { configFile, data, folder, run } from "./command-line.js";
import { tinyConfig } from "./synthetic-speech.js";
import { sha, train } from "./tiny-run.js";

const config = tinyConfig();

t.test("weights go over by name, rows of tokens by spelling", async (t) => {
  await train("first");
  const checkpoint = await loadCheckpoint(join(folder, "first", "last.safetensors"));
  const theirs = checkpoint.tokenizer;
  t.same(Array.from({ length: theirs.vocabSize }, (_, id) => theirs.tokenOf(id)).slice(3), [
    "high",
    "low",
    "mid",
  ]);

  const same = newModel({ ...config, training: { ...config.training, seed: 7 } }, theirs);
  t.same(await startFrom(same, theirs, config, checkpoint, "first"), { tokens: 6, known: 6 });
  for (const [name, { data: values }] of await same.stateDict())
    t.same(values, checkpoint.weights.get(name)!.data, name);

  // "fresh" is new, "high" is gone, "low" and "mid" stand elsewhere.
  const ours = new WordTokenizer(["fresh", "mid", "low"]);
  const echo = newModel(config, ours);
  const before = await echo.stateDict();
  t.same(await startFrom(echo, ours, config, checkpoint, "first"), { tokens: 6, known: 5 });
  const after = await echo.stateDict();
  const from = [0, 1, 2, null, 5, 4];
  for (const name of ["decoder.token_embedding.weight", "ctc_head.weight", "ctc_head.bias"]) {
    const width = after.get(name)!.data.length / 6;
    const row = (values: ArrayLike<number | bigint>, i: number): unknown[] =>
      Array.from({ length: width }, (_, k) => values[i * width + k]);
    from.forEach((source, i) => {
      const wanted =
        source === null ? row(before.get(name)!.data, i) : row(checkpoint.weights.get(name)!.data, source);
      t.same(row(after.get(name)!.data, i), wanted, `${name} ${i}`);
    });
  }
  for (const [name, { data: values }] of after)
    if (!/token_embedding|ctc_head/.test(name)) t.same(values, checkpoint.weights.get(name)!.data, name);

  const characters = new CharacterTokenizer([..." adefghilmorsw"]);
  t.same(await startFrom(newModel(config, characters), characters, config, checkpoint, "first"), {
    tokens: 17,
    known: 3,
  });
});

t.test("a checkpoint that doesn't fit is refused by file and setting", async (t) => {
  const checkpoint = await loadCheckpoint(join(folder, "first", "last.safetensors"));
  const { tokenizer } = checkpoint;
  const other = (...overrides: string[]) => {
    const changed = tinyConfig(...overrides);
    return startFrom(newModel(changed, tokenizer), tokenizer, changed, checkpoint, "old.safetensors");
  };
  await t.rejects(
    other("audio.melBins=13"),
    /old\.safetensors: reads recordings in another way, expected melBins 13, got 12/,
  );
  await t.rejects(other("model.dims=20"), /old\.safetensors does not fit Echo/);
  await t.rejects(other("model.audioLayers=3"), /old\.safetensors does not fit Echo/);
});

t.test("a run that starts from a checkpoint goes on to the same bits", async (t) => {
  const checkpoint = await loadCheckpoint(join(folder, "first", "last.safetensors"));
  const init = { checkpoint, source: "first" };
  const { events } = await train("second", { init });
  t.ok(
    events.some(
      (event) => event.kind === "note" && event.text === "weights of first; it knows 6 of the 6 tokens",
    ),
  );
  const stop = new AbortController();
  await train("second-stopped", {
    init,
    signal: stop.signal,
    onEvent: (event) => {
      if (event.kind === "step" && event.report.step === 5) stop.abort();
    },
  });
  // Whether --init is given again or not, and even with another one: the run's own checkpoint counts.
  await train("second-stopped", { resume: true });
  const last = (name: string): string => sha(join(folder, name, "last.safetensors"));
  t.equal(last("second-stopped"), last("second"));
  t.not(last("second"), last("first"));
});

const rows = (count: number, speakers: number, texts: number) =>
  Array.from({ length: count }, (_, i) => ({
    id: `r${i}`,
    text: `word${i % texts}`,
    audio: { kind: "file" as const, file: `${i}.wav` },
    source: { file: "m", line: i + 1 },
    ...(speakers > 0 && { speaker: `s${i % speakers}` }),
  })) as unknown as Parameters<typeof holdOut>[0];
const names = { train: "train", evaluate: "dev" };

t.test("whole speakers are held out, the same ones whatever the order of the rows", async (t) => {
  const all = rows(60, 12, 60);
  const { utterances, note } = holdOut(all, 0.1, names);
  const speakersOf = (split: string): Set<string | undefined> =>
    new Set(utterances.filter((row) => row.split === split).map(({ speaker }) => speaker));
  t.equal(speakersOf("dev").size, 2);
  t.equal(speakersOf("train").size, 10);
  t.same(
    [...speakersOf("dev")].filter((one) => speakersOf("train").has(one)),
    [],
  );
  t.match(note, /^no row names a split: the 10 rows of 2 of 12 speakers \(s\d+, s\d+\) are held out as dev/);
  const reversed = holdOut([...all].reverse(), 0.1, names).utterances;
  const held = (list: typeof utterances): string[] =>
    list
      .filter(({ split }) => split === "dev")
      .map(({ id }) => id)
      .sort();
  t.same(held(reversed), held(utterances));
  t.equal(utterances.length, 60);
});

t.test(
  "with few or unnamed speakers rows are held out, of every word alike where words repeat",
  async (t) => {
    for (const speakers of [0, 1, 3]) {
      const { utterances, note } = holdOut(rows(200, speakers, 10), 0.1, names);
      const held = utterances.filter(({ split }) => split === "dev");
      t.equal(held.length, 20);
      t.equal(new Set(held.map(({ text }) => text)).size, 10, "two of each word");
      t.match(note, /20 of 200 rows are held out/);
    }
    const once = holdOut(rows(21, 0, 21), 0.1, names).utterances;
    t.equal(once.filter(({ split }) => split === "dev").length, 3);
    const two = holdOut(rows(2, 0, 2), 0.9, names).utterances;
    t.same(two.map(({ split }) => split).sort(), ["dev", "train"], "something is left to train on");
  },
);

t.test("a manifest without splits trains and is scored, and says what it held out", async (t) => {
  const own = join(folder, "own");
  cpSync(data, own, { recursive: true });
  const manifest = join(own, "manifest.jsonl");
  const lines = readFileSync(manifest, "utf8").trim().split("\n");
  const unnamed = lines.map((line) => {
    const { split: _, ...row } = JSON.parse(line) as Record<string, unknown>;
    return JSON.stringify(row);
  });
  writeFileSync(manifest, `${unnamed.join("\n")}\n`);
  const args = ["train", "--data", own, "--config", configFile, "--threads", "1"];
  const out = join(folder, "own-run");
  const {
    status,
    out: said,
    err,
  } = run(...args, "--out", out, "--init", join(folder, "first", "last.safetensors"));
  t.equal(status, 0, err);
  t.match(err, /note: no row names a split: .* held out as dev \(data\.holdOut\)/);
  t.match(err, /note: weights of .*last\.safetensors; it knows \d of the \d tokens/);
  t.match(err, /step 5, dev: WER ctc [\d.]+ % \(CER [\d.]+ %\)/);
  t.match(said, /next: echo-asr transcribe RECORDING --checkpoint .*own-run\/best\.safetensors/);
  t.ok(existsSync(join(out, "best.safetensors")));
  // The same rows are scored later.
  const scored = run("eval", join(out, "last.safetensors"), "--data", own, "--json", "--threads", "1");
  const summary = JSON.parse(readFileSync(join(out, "summary.json"), "utf8"));
  t.equal(JSON.parse(scored.out).sets.dev.scores.ctc.words.rate, summary.evaluations.dev.ctc);
  const refused = run(...args, "--out", join(folder, "none"), "--set", "data.holdOut=0");
  t.equal(refused.status, 1);
  t.match(refused.err, /rows name no split; give rows a "split"/);
});

t.test(
  "without a configuration of its own a run takes the checkpoint's settings, its length aside",
  async (t) => {
    const out = join(folder, "inherited");
    const words = [
      "--set",
      "training.epochs=0",
      "--set",
      "training.maxSteps=1",
      "--set",
      "optimizer.warmupSteps=0",
    ];
    const init = ["--init", join(folder, "first", "last.safetensors"), "--threads", "1"];
    const { status, err } = run("train", "--data", data, "--out", out, ...init, ...words);
    t.equal(status, 0, err);
    const found = JSON.parse(readFileSync(join(out, "config.json"), "utf8"));
    t.equal(found.model.dims, config.model.dims);
    t.same(found.audio, config.audio);
    t.same(found.optimizer, { ...config.optimizer, warmupSteps: 0 });
    t.same(found.curriculum, resolveConfig().curriculum);
    // A preset is laid over it: preset words leaves the model as it is.
    const preset = join(folder, "over-preset");
    const over = run("train", "--data", data, "--out", preset, "--preset", "words", ...init, ...words);
    t.equal(over.status, 0, over.err);
    const laid = JSON.parse(readFileSync(join(preset, "config.json"), "utf8"));
    t.same(laid.model, found.model);
    t.same([laid.optimizer.warmupShare, laid.curriculum.epochs], [0.1, 0]);
    t.equal(found.training.evaluateEvery, resolveConfig().training.evaluateEvery);
    t.match(
      run("train", "--data", data, "--out", join(folder, "no"), "--init", "no.safetensors").err,
      /no\.safetensors/,
    );
  },
);

t.test("a warm-up may be a share of the run", async (t) => {
  const optimizer = { ...resolveConfig().optimizer, learningRate: 1, warmupShare: 0.2, warmupSteps: 1e6 };
  const training = { epochs: 10, maxSteps: 0 };
  const at = (steps: number): number => learningRateAt(optimizer, training, steps, steps / 100);
  t.equal(at(0), 0.01);
  t.ok(Math.abs(at(9) - 0.5) < 1e-12, "after half of the warm-up");
  for (let step = 1; step < 20; step++) t.ok(at(step) > at(step - 1));
  for (let step = 21; step <= 100; step++) t.ok(at(step) < at(step - 1));
  t.equal(at(20), 1);
  t.ok(Math.abs(at(60) - 0.5) < 1e-12, "halfway down the cosine");
  t.ok(Math.abs(at(100)) < 1e-12);
  t.ok(
    resolveConfig({ training: { maxSteps: 60 }, optimizer: { warmupShare: 0.1 } }),
    "short runs are fine with it",
  );
});
