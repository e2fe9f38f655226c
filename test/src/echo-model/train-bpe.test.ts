// Pieces of words learned from texts: the vocabulary, merges and file of Hugging Face's trainer, and the command.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { BpeTokenizer, trainBpe } from "@echo-ts/echo-model";
import t from "tap";
import { folder, run } from "./command-line.js";

interface Trained {
  readonly vocabSize: number;
  readonly minCount: number;
  readonly vocab: readonly string[];
  readonly merges: readonly string[];
  readonly probe: readonly string[];
  readonly pieces: readonly (readonly string[])[];
}
const fixture: { texts: string[]; file: object; trained: Trained[] } = JSON.parse(
  readFileSync(fileURLToPath(new URL("../../fixtures/bpe-training.json", import.meta.url)), "utf8"),
);
interface Model {
  readonly model: { readonly vocab: Record<string, number>; readonly merges: readonly [string, string][] };
}

t.test("ids and merges are those of Hugging Face's trainer", async (t) => {
  for (const { vocabSize, minCount, vocab, merges, probe, pieces } of fixture.trained) {
    const name = `${vocabSize} ids, ${minCount} times`;
    const found = trainBpe(fixture.texts, { vocabSize, minCount }) as unknown as Model & object;
    const ids = Object.entries(found.model.vocab).sort((a, b) => a[1] - b[1]);
    t.same(
      ids.map(([token]) => token),
      vocab,
      name,
    );
    t.same(
      found.model.merges.map((pair) => pair.join(" ")),
      merges,
      name,
    );
    const tokenizer = new BpeTokenizer(found);
    t.equal(tokenizer.vocabSize, vocab.length);
    t.equal(tokenizer.shift, 0, "its specials are ours");
    probe.forEach((text, i) => {
      t.same(
        tokenizer.encode(text).map((id) => tokenizer.tokenOf(id)),
        pieces[i],
        `${name}: ${text}`,
      );
    });
    for (const text of fixture.texts) t.equal(tokenizer.decode(tokenizer.encode(text)), text);
  }
  t.same(trainBpe(fixture.texts, { vocabSize: 80 }), fixture.file, "the whole file");
});

t.test("a vocabulary smaller than the alphabet leaves the rarest characters out", async (t) => {
  const tokenizer = new BpeTokenizer(trainBpe(["aaa aab", "ac"], { vocabSize: 6 }));
  t.equal(tokenizer.vocabSize, 6);
  t.same(
    tokenizer.encode("ab").map((id) => tokenizer.tokenOf(id)),
    ["\u2581", "a", "<unk>"],
  );
});

t.test("what cannot be learned from is refused", async (t) => {
  t.throws(() => trainBpe([]), /trainBpe: expected texts with words, got none/);
  t.throws(() => trainBpe([" "]), /expected texts with words/);
  for (const vocabSize of [4, 1e6, 7.5])
    t.throws(() => trainBpe(["a"], { vocabSize }), /vocabSize must be a whole/);
  t.throws(() => trainBpe(["a"], { minCount: 0 }), /minCount must be a whole number from 1 on, got 0/);
});

t.test("echo-asr tokenizer writes a file that a training can use", async (t) => {
  const texts = join(folder, "texts.txt");
  const out = join(folder, "pieces.json");
  writeFileSync(texts, `${fixture.texts.join("\n")}\nTURN the Light, on!\n`);
  const made = run("tokenizer", texts, "--out", out, "--size", "80");
  t.equal(made.status, 0, made.err);
  t.match(
    made.out,
    /pieces\.json: 80 ids; \d\.\d\d pieces a word of these texts\nturn the light on -> \u2581turn/,
  );
  t.ok(BpeTokenizer.fromJson(readFileSync(out)).vocabSize === 80);
  t.match(run("tokenizer", texts, "--out", out).err, /--out: .*pieces\.json exists; --force overwrites it/);
  t.match(run("tokenizer", texts).err, /--out is missing/);
  t.match(run("tokenizer", "--out", out).err, /expected at least one file of texts, got none/);
  t.match(
    run("tokenizer", join(folder, "no.txt"), "--out", join(folder, "x")).err,
    /no\.txt: does not exist/,
  );
  if (existsSync("/dev/zero"))
    t.match(
      run("tokenizer", "/dev/zero", "--out", join(folder, "x")).err,
      /zero: is a device, expected a file/,
    );
  writeFileSync(join(folder, "bad.jsonl"), '{"text": "go"}\n{"text": 3}\n');
  const bad = run("tokenizer", join(folder, "bad.jsonl"), "--out", join(folder, "x"));
  t.match(bad.err, /bad\.jsonl:2: text: expected a string, got number/);
});
