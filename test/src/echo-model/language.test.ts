// Language models: their training against values from the paper's formulas, their files, and what they and hot words
// change in a search.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  arpaText,
  CharacterTokenizer,
  ctcBeamDecode,
  ctcScore,
  decodeRecording,
  type FrameScores,
  type NgramModel,
  parseArpa,
  recognizerOf,
  recognizeTexts,
  resolveConfig,
  type Tokenizer,
  textScorer,
  trainNgram,
  WordTokenizer,
  withLanguage,
} from "@echo-ts/echo-model";
import { loadCheckpoint, SHIPPED_CHECKPOINT } from "@echo-ts/echo-model/node";
import { stream } from "@echo-ts/tensor";
import t from "tap";
import { folder, run } from "./command-line.js";

// Before the first test: tap ends where nothing waits.
const shipped = await loadCheckpoint(SHIPPED_CHECKPOINT);

const near = (a: number, b: number, within = 1e-12): boolean => Math.abs(a - b) <= within;

interface Fixture {
  readonly training: readonly string[];
  readonly models: readonly {
    readonly order: number;
    readonly discounts: readonly (readonly number[])[];
    readonly sentences: readonly { readonly text: string; readonly logProbs: readonly number[] }[];
  }[];
}
const fixture: Fixture = JSON.parse(
  readFileSync(fileURLToPath(new URL("../../fixtures/kneser-ney.json", import.meta.url)), "utf8"),
);

/** Log probabilities of each word of a sentence and of its end. */
function wordByWord(model: NgramModel, text: string): number[] {
  let context: readonly string[] = ["<s>"];
  return [...text.split(" "), "</s>"].map((word) => {
    const found = model.score(context, word);
    context = model.after(context, word);
    return found;
  });
}

t.test("training gives the probabilities of Chen & Goodman's formulas", async (t) => {
  for (const { order, discounts, sentences } of fixture.models) {
    const trained = trainNgram(fixture.training, { order });
    trained.discounts.forEach((found, i) => {
      for (const [j, value] of found.entries())
        t.ok(near(value, discounts[i]![j]!), `order ${order}: discount ${i} ${j}`);
    });
    for (const { text, logProbs } of sentences)
      wordByWord(trained.model, text).forEach((value, i) => {
        t.ok(near(value, logProbs[i]!), `order ${order}, "${text}" ${i}: ${value} ${logProbs[i]}`);
      });
    const events = sentences.flatMap(({ logProbs }) => logProbs);
    const wanted = 10 ** (-events.reduce((sum, value) => sum + value, 0) / events.length);
    const found = trained.model.perplexity(sentences.map(({ text }) => text.split(" ")));
    t.ok(near(found / wanted, 1));
  }
});

t.test("the probabilities of all words after any context add up to 1", async (t) => {
  const { model } = trainNgram(fixture.training, { order: 3 });
  const words = [...model.levels[0]!.keys()].filter((word) => word !== "<s>");
  for (const context of [
    [],
    ["<s>"],
    ["a"],
    ["a", "n"],
    ["<s>", "j"],
    ["q", "q"],
    ["<unk>", "a"],
    ["never", "z"],
  ]) {
    const sum = words.reduce((total, word) => total + 10 ** model.score(context, word), 0);
    t.ok(near(sum, 1, 1e-9), `${context.join(" ")}: ${sum}`);
  }
});

t.test("too few texts for an estimate get fixed discounts, and it is said", async (t) => {
  const { fallbacks, discounts } = trainNgram(["one two"], { order: 2 });
  t.same(fallbacks, [1, 2]);
  t.same(discounts[0], [0.5, 1, 1.5]);
  t.throws(() => trainNgram([]), /trainNgram: expected texts with words, got none/);
  t.throws(() => trainNgram(["  ", ""]), /expected texts with words/);
  t.throws(() => trainNgram(["go <s> on"]), /<s> stands for something else, expected words, in "go <s> on"/);
  for (const order of [0, 7, 2.5, Number.NaN])
    t.throws(() => trainNgram(["a"], { order }), /order must be a whole number from 1 to 6/);
});

// Written by hand. P(b | a) is there; P(c | a) is not: back-off of a, then P(c).
const ARPA = `made by hand

\\data\\
ngram 1=5
ngram 2=2

\\1-grams:
-1.0\t<unk>
-99\t<s>\t-0.5
-0.7 a -0.25
-0.4\tb\t-0.1
-0.9\t</s>

\\2-grams:
-0.2\t<s> a
-0.3\ta b

\\end\\
`;

t.test("an ARPA file is read, backed off and written so that it comes back the same", async (t) => {
  const model = parseArpa(ARPA);
  t.equal(model.order, 2);
  t.equal(model.score(["a"], "b"), -0.3);
  t.ok(near(model.score(["a"], "a"), -0.25 - 0.7), "back-off weight of the context");
  t.equal(model.score(["</s>"], "b"), -0.4, "no back-off weight is 0");
  t.ok(near(model.score(["<s>"], "zebra"), -0.5 - 1), "an unknown word is <unk>");
  t.equal(model.score(["zebra"], "a"), -0.7, "an unknown context is <unk>, which has no back-off weight");
  t.equal(model.score(["zebra", "a"], "b"), -0.3, "only order - 1 words of the context count");
  t.ok(near(model.sentence(["a", "b"]), -0.2 - 0.3 + (-0.1 - 0.9)));
  t.same(parseArpa(new TextEncoder().encode(ARPA.replaceAll("\n", "\r\n"))).levels, model.levels);
  for (const order of [1, 2, 4]) {
    const trained = trainNgram(fixture.training, { order }).model;
    t.same(parseArpa(arpaText(trained)).levels, trained.levels, `order ${order}`);
  }
  t.equal(parseArpa(ARPA.replace("-1.0\t<unk>", "-1.0\tc")).score([], "zebra"), -100, "without <unk>");
});

t.test("files that are no ARPA file are refused by line", async (t) => {
  const cases: readonly [change: (text: string) => string | Uint8Array, message: RegExp][] = [
    [() => "", /m\.arpa: expected a line \\data\\, got none: not an ARPA file/],
    [() => Uint8Array.of(0xff, 0xfe, 0), /m\.arpa: expected text in UTF-8/],
    [(s) => s.replace("ngram 1=5", "ngram 2=5"), /m\.arpa:4: expected ngram 1=COUNT, got "ngram 2=5"/],
    [
      (s) => s.replace("ngram 1=5", "ngram 1=500000000"),
      /the head counts 500000000 \+ 2 rows, the file has \d+ lines/,
    ],
    [(s) => s.replace("ngram 1=5", "ngram 1=4"), /m\.arpa:12: expected \\2-grams:, got "-0\.9\\t<\/s>"/],
    [
      (s) => s.replace("ngram 1=5", "ngram 1=6"),
      /m\.arpa:13: expected row 6 of 6: a log probability, 1 word and.*got ""/,
    ],
    [
      (s) => s.replace("-0.3\ta b", "-0.3\ta"),
      /m\.arpa:16: expected row 2 of 2: a log probability, 2 words and/,
    ],
    [(s) => s.replace("-0.3\ta b", "0.3\ta b"), /m\.arpa:16: expected row 2/],
    [(s) => s.replace("-0.3\ta b", "NaN\ta b"), /m\.arpa:16: expected row 2/],
    [(s) => s.replace("-0.3\ta b", "-inf\ta b"), /m\.arpa:16: expected row 2/],
    [(s) => s.replace("-0.3\ta b", "-0.3\t<s> a"), /m\.arpa:16: expected every sequence once/],
    [(s) => s.replace("\\end\\", ""), /expected \\end\\, got the end of the file/],
    [(s) => s.slice(0, 90), /m\.arpa:\d+: expected/],
  ];
  for (const [change, message] of cases) t.throws(() => parseArpa(change(ARPA), "m.arpa"), message);
});

/** Random log probabilities of `frames` frames. */
function randomScores(frames: number, vocabulary: number, seed: string): FrameScores {
  const random = stream("language", seed);
  const values = new Float32Array(frames * vocabulary);
  for (let t = 0; t < frames; t++) {
    const row = Array.from({ length: vocabulary }, () => random.uniform() + 0.02);
    const sum = row.reduce((a, b) => a + b, 0);
    row.forEach((x, i) => {
      values[t * vocabulary + i] = Math.log(x / sum);
    });
  }
  return { values, frames, vocabulary };
}

/** All token sequences of at most `length` tokens 3 .. vocabulary - 1. */
function everyText(vocabulary: number, length: number): number[][] {
  const all: number[][] = [[]];
  for (let n = 0, from = 0; n < length; n++) {
    const longer = all.slice(from);
    from = all.length;
    for (const text of longer) for (let token = 3; token < vocabulary; token++) all.push([...text, token]);
  }
  return all;
}

/** The score of a whole text, from its words alone. */
function scoreOf(
  tokenizer: Tokenizer,
  tokens: readonly number[],
  model: NgramModel,
  hot: readonly string[],
): number {
  const words = tokenizer
    .decode(tokens)
    .split(/\s+/u)
    .filter((word) => word !== "");
  let favoured = 0;
  for (let at = 0; at < words.length; ) {
    const found = hot
      .map((phrase) => phrase.split(" "))
      .filter((phrase) => phrase.every((word, i) => words[at + i] === word))
      .reduce((longest, phrase) => Math.max(longest, phrase.length), 0);
    favoured += found;
    at += Math.max(found, 1);
  }
  return 0.5 * Math.LN10 * model.sentence(words) + 0.25 * words.length + 2 * favoured;
}

t.test("a wide beam ranks texts as the sum of all scores does", async (t) => {
  const model = trainNgram(["a b", "b a b", "a a", "ab ba", "b ab a"], { order: 2 }).model;
  const tokenizers = [new WordTokenizer(["a", "b"]), new CharacterTokenizer([" ", "a", "b"])];
  for (const tokenizer of tokenizers)
    for (const seed of ["x", "y", "z"]) {
      // Tokens 1 and 2 are specials that no text holds.
      const scores = randomScores(4, tokenizer.vocabSize, seed);
      for (let f = 0; f < scores.frames; f++) {
        scores.values[f * scores.vocabulary + 1] = Number.NEGATIVE_INFINITY;
        scores.values[f * scores.vocabulary + 2] = Number.NEGATIVE_INFINITY;
      }
      const hotWords = tokenizer.kind === "word" ? ["a b", "b", "a b a"] : ["ab", "ba a"];
      const scorer = textScorer(tokenizer, {
        languageModel: model,
        lmWeight: 0.5,
        wordBonus: 0.25,
        hotWords,
        hotWordBonus: 2,
      });
      const wanted = everyText(tokenizer.vocabSize, 4)
        .map((tokens) => ({
          tokens,
          ctc: ctcScore(scores, tokens),
          score: ctcScore(scores, tokens) + scoreOf(tokenizer, tokens, model, hotWords),
        }))
        .filter(({ ctc }) => ctc > Number.NEGATIVE_INFINITY)
        .sort((a, b) => b.score - a.score);
      const found = ctcBeamDecode(scores, { beamSize: 500, scorer });
      t.equal(found.length, wanted.length);
      found.forEach(({ tokens, score, ctc }, i) => {
        t.ok(
          near(score, wanted[i]!.score, 1e-5),
          `${tokenizer.kind} ${seed} ${i}: ${score} ${wanted[i]!.score}`,
        );
        t.ok(near(ctc, ctcScore(scores, tokens), 1e-5));
      });
      t.same(found[0]!.tokens, wanted[0]!.tokens);
    }
});

t.test("a scorer of nothing changes nothing", async (t) => {
  const tokenizer = new WordTokenizer(["a", "b", "c"]);
  const scores = randomScores(12, tokenizer.vocabSize, "nothing");
  const scorer = textScorer(tokenizer, {});
  t.same(ctcBeamDecode(scores, { beamSize: 8, scorer }), ctcBeamDecode(scores, { beamSize: 8 }));
});

t.test("hot words must be words that the model can write", async (t) => {
  const words = new WordTokenizer(["go", "on"]);
  t.throws(
    () => textScorer(words, { hotWords: ["go home"] }),
    /hot words: the model cannot write "go home"; echo-asr inspect lists its vocabulary/,
  );
  t.throws(() => textScorer(words, { hotWords: [" "] }), /hot words/);
  t.throws(
    () => textScorer(new WordTokenizer(["go"], { unknown: "skip" }), { hotWords: ["go home"] }),
    /cannot write "go home", only "go"/,
  );
  t.throws(() => textScorer(words, { hotwords: [] } as object), /hotwords/);
  t.ok(textScorer(new CharacterTokenizer([..."gohme "]), { hotWords: ["go home"] }));
});

const names = fixture.training.concat(fixture.models[0]!.sentences.map(({ text }) => text)).slice(0, 92);
const voices = fileURLToPath(new URL("../../../data/asterisk-alnum/", import.meta.url));

/** A data folder in which the bundled voice spells names. */
function spelledNames(count: number): string {
  const random = stream("language", "names");
  const rows = Array.from({ length: count }, () => {
    const text = names[Math.floor(random.uniform() * names.length)]!;
    const letters = text.split(" ");
    const gaps = Array.from({ length: letters.length + 1 }, () => Math.floor(random.uniform() * 2400));
    const clips = letters.map((letter) => `en-letters-${letter}`);
    return { id: text, text, speaker: "allison", split: "test", sampleRate: 16000, clips, gaps };
  });
  const out = join(folder, "names");
  mkdirSync(join(out, "wav"), { recursive: true });
  const manifest = readFileSync(join(voices, "manifest.jsonl"), "utf8");
  writeFileSync(join(out, "manifest.jsonl"), manifest);
  for (const line of manifest.trim().split("\n")) {
    const { file } = JSON.parse(line) as { file: string };
    writeFileSync(join(out, file), readFileSync(join(voices, file)));
  }
  const unique = [...new Map(rows.map((row) => [row.id, row])).values()];
  writeFileSync(join(out, "strings.jsonl"), unique.map((row) => `${JSON.stringify(row)}\n`).join(""));
  return out;
}

t.test(
  "names from a list, spelled by a voice the model never heard, are understood far better with it",
  async (t) => {
    const list = join(folder, "names.txt");
    const model = join(folder, "names.arpa");
    writeFileSync(list, `${names.join("\n")}\n`);
    const trained = run("lm", list, "--out", model, "--order", "5");
    t.equal(trained.status, 0, trained.err);
    t.match(trained.out, /names\.arpa: 92 sentences; sequences of 1 to 5 words: \d+/);
    t.match(run("lm", list, "--out", model).err, /--out: .*names\.arpa exists; --force overwrites it/);
    const scored = JSON.parse(run("lm", list, "--score", model, "--json").out);
    t.same([scored.sentences, scored.unknown], [92, 0]);
    t.ok(scored.perplexity > 1 && scored.perplexity < 10, `${scored.perplexity}`);

    const data = spelledNames(12);
    const { status, out, err } = run(
      ...["eval", SHIPPED_CHECKPOINT, "--data", data, "--split", "test", "--json", "--lm", model],
      ...["--set", "data.format=strings", "--set", "data.file=strings.jsonl", "--set", "decode.lmWeight=1"],
      ...["--set", "decode.beam=32"],
    );
    t.equal(status, 0, err);
    const [{ scores }] = Object.values(JSON.parse(out).sets) as [
      { scores: Record<string, { words: { rate: number } }> },
    ];
    const [greedy, search] = [scores.ctc!.words.rate, scores.search!.words.rate];
    t.comment(`CTC greedy ${greedy}, with the list ${search}`);
    t.ok(search < greedy / 3, `${greedy} -> ${search}`);
  },
);

t.test("transcribe: hot words and n-best texts", async (t) => {
  const file = join(voices, "wav", "letters-m.wav");
  const best = run("transcribe", file, "--json", "--n-best", "4");
  t.equal(best.status, 0, best.err);
  const { text, stretches } = JSON.parse(best.out) as {
    text: string;
    stretches: { start: number; end: number; texts: { text: string; score: number }[] }[];
  };
  const [only] = stretches;
  t.equal(only!.texts.length, 4);
  t.equal(only!.texts[0]!.text, text);
  t.ok(only!.texts.every(({ score }, i, all) => i === 0 || score <= all[i - 1]!.score));
  t.equal(new Set(only!.texts.map(({ text: one }) => one)).size, 4);
  // Whatever comes second can be made the first.
  const second = only!.texts[1]!.text;
  const hot = run("transcribe", file, "--hot-words", second, "--set", "decode.hotWordBonus=8");
  t.notOk(text.split(" ").includes(second));
  t.ok(hot.out.trim().split(" ").includes(second), hot.out);
  t.match(run("transcribe", file, "--n-best", "0", "--json").err, /--n-best: expected a whole number from 1/);
  t.match(run("transcribe", file, "--n-best", "2").err, /--n-best: expected --format json, got text/);
  t.match(run("transcribe", file, "--hot-words", "zebra").err, /the model cannot write "zebra"/);
  t.match(run("transcribe", file, "--lm", "no.arpa").err, /no\.arpa: does not exist/);
  t.match(
    run("transcribe", file, "--hot-words", "m", "--set", "decode.method=greedy").err,
    /decode\.method: expected ctcBeam, joint or onePass with a language model or hot words, got greedy/,
  );
});

t.test("joint decoding weighs the language too", async (t) => {
  const config = resolveConfig({ ...shipped.config, decode: { ...shipped.config.decode, method: "joint" } });
  const plain = recognizerOf({ ...shipped, config });
  const helped = withLanguage(plain, { hotWords: ["n"] });
  t.equal(helped.config.decode.method, "joint");
  t.not(helped.scorer, undefined);
  t.equal(withLanguage(plain, {}), plain, "no help, the same recogniser");
  const wave = await decodeRecording(
    readFileSync(join(voices, "wav", "letters-m.wav")),
    "letters-m.wav",
    16000,
  );
  const said = async (bonus: number): Promise<string> => {
    const decode = { ...config.decode, hotWordBonus: bonus };
    const recognizer = withLanguage({ ...plain, config: { ...config, decode } }, { hotWords: ["q"] });
    return (await recognizeTexts(recognizer, wave)).texts[0]!.text;
  };
  t.notOk((await said(0)).includes("q"));
  t.ok((await said(50)).includes("q"), "a large enough bonus outweighs sound and decoder");
});
