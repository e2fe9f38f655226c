// Text: normalisation, the three tokenizers, saving and restoring, and the collator's two conventions.
import {
  BpeTokenizer,
  CharacterTokenizer,
  collateText,
  normalizeText,
  restoreTokenizer,
  specialIds,
  TextError,
  type Tokenizer,
  WordTokenizer,
} from "@echo-ts/echo-model";
import fc from "fast-check";
import t from "tap";
import { compareCodePoints } from "../../../packages/echo-model/dist/text/tokenizer.js";
import { readShared, skipWithoutShared } from "../shared-material.ts";

t.test("normalizeText", async (t) => {
  const cases: [string, string, string][] = [
    ["lower case and one space between words", "  Hello \t\n World ", "hello world"],
    ["marks become spaces", "Yes,no;maybe (so)!", "yes no maybe so"],
    ["typographic apostrophes stay inside words only", "“Don’t” ‘go’", "don't go"],
    ["a plural apostrophe at a word's end goes", "the dogs' bowl", "the dogs bowl"],
    ["hyphens and dashes separate words", "twenty-one—two", "twenty one two"],
    ["compatibility forms become plain (NFKC)", "ＡＢＣ ﬁve ½", "abc five 1 2"],
    ["composed and decomposed letters agree", "cafe\u0301", "caf\u00e9"],
    ["invisible characters vanish", "co\u00adop\u200berate\ufeff", "cooperate"],
    ["letters, digits and vowel signs of other scripts stay", "हिन्दी 42 Привет", "हिन्दी 42 привет"],
    ["nothing is left of marks alone", "... !?", ""],
    ["the Afrikaans article as one letter", "\u0149 man", "n man"],
    ["and as two", "\u2019n man", "n man"],
    ["ŉ inside a word holds an apostrophe", "a\u0149", "a'n"],
    ["a combining mark without a letter does not hold an apostrophe", "\u0301'a", "a"],
  ];
  for (const [name, input, expected] of cases) t.equal(normalizeText(input), expected, name);
  t.equal(normalizeText("Don't stop.", { punctuation: "strip" }), "dont stop");
  t.equal(normalizeText(" Don’t  Stop. ", { punctuation: "keep", lowerCase: false }), "Don’t Stop.");
  t.equal(normalizeText("ＡB", { unicode: "none", lowerCase: false }), "ＡB");

  t.test("applying it twice changes nothing more", async () => {
    const options = fc.record({
      unicode: fc.constantFrom("NFKC" as const, "NFC" as const, "none" as const),
      lowerCase: fc.boolean(),
      punctuation: fc.constantFrom("words" as const, "strip" as const, "keep" as const),
    });
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), options, (text, rules) => {
        const once = normalizeText(text, rules);
        return normalizeText(once, rules) === once;
      }),
      { seed: 5, numRuns: 3000 },
    );
    // What the rules look at, close together.
    const unit = fc.constantFrom(..."aΣσŉİß'’`´ \u0301\u0345\u0327\u200d\u1ffd\u1fef-1\u0903");
    fc.assert(
      fc.property(fc.string({ unit, maxLength: 8 }), options, (text, rules) => {
        const once = normalizeText(text, rules);
        return normalizeText(once, rules) === once;
      }),
      { seed: 6, numRuns: 5000 },
    );
  });

  t.test("applying it twice changes nothing more, for every character of Unicode", async (t) => {
    const around: ((c: string) => string)[] = [
      (c) => `'${c}'`,
      (c) => `a${c}'a`,
      (c) => `\u0301${c}'a`,
      (c) => `A${c}\u0301`,
    ];
    const wrong: string[] = [];
    for (const unicode of ["NFKC", "none"] as const) {
      for (const punctuation of ["words", "strip"] as const) {
        for (let first = 0; first < 0x110000; first += 256) {
          const block = Array.from({ length: 256 }, (_, i) => first + i).filter(
            (c) => c < 0xd800 || c > 0xdfff,
          );
          if (
            !block.some(
              (c) => /\P{Cn}/u.test(String.fromCodePoint(c)) && !/\p{Co}/u.test(String.fromCodePoint(c)),
            )
          )
            continue;
          const text = block.flatMap((c) => around.map((put) => put(String.fromCodePoint(c)))).join(" ");
          const once = normalizeText(text, { unicode, punctuation });
          if (normalizeText(once, { unicode, punctuation }) !== once)
            wrong.push(`${unicode} ${punctuation} U+${first.toString(16)}`);
        }
      }
    }
    t.same(wrong, []);
  });
});

t.test("special ids follow the variant", async (t) => {
  t.same(specialIds("corrected"), { pad: 0, bos: 1, eos: 2 });
  t.same(specialIds("reference"), { pad: 0, bos: 1, eos: null });
});

const TEXTS = ["zero one", "two, ZERO!", "don't"];

t.test("CharacterTokenizer", async (t) => {
  const tokenizer = CharacterTokenizer.fromTexts(["go on"]);
  t.same(tokenizer.encode("No go"), [5, 6, 3, 4, 6], "ids follow code points after the three specials");
  t.equal(tokenizer.vocabSize, 3 + 4);
  t.equal(tokenizer.decode([1, 5, 6, 2, 0, 0]), "no", "specials are left out");
  t.same(
    [0, 1, 2, 3].map((id) => tokenizer.tokenOf(id)),
    ["<pad>", "<bos>", "<eos>", " "],
  );
  const reference = CharacterTokenizer.fromTexts(["go on"], { variant: "reference" });
  t.same(reference.encode("no"), [4, 5], "the reference variant has two specials");
  const astral = CharacterTokenizer.fromTexts(["𝒳 é"], { normalization: { unicode: "none" } });
  t.equal(astral.vocabSize, 3 + 3, "code points, not UTF-16 units");
});

t.test("WordTokenizer", async (t) => {
  const tokenizer = WordTokenizer.fromTexts(TEXTS);
  t.same(tokenizer.encode("Zero don't"), [6, 3], "words in code point order: don't one two zero");
  t.equal(tokenizer.decode([1, 6, 4, 2]), "zero one");
  const shuffled = WordTokenizer.fromTexts([...TEXTS].reverse());
  t.same(shuffled.toJSON(), tokenizer.toJSON(), "the order of the texts does not matter");
  t.same(WordTokenizer.fromTexts(TEXTS, { minCount: 2 }).toJSON().tokens, ["zero"]);
  t.same(tokenizer.encode("  "), []);

  t.throws(
    () => tokenizer.encode("zero three"),
    new TextError(
      'WordTokenizer.encode: "three" is not in the vocabulary of 4 tokens (in "zero three"); set unknown to "skip" or "token" to accept it',
    ),
  );
  t.same(WordTokenizer.fromTexts(TEXTS, { unknown: "skip" }).encode("zero three one"), [6, 4]);
  const withUnknown = WordTokenizer.fromTexts(TEXTS, { unknown: "token" });
  t.same(withUnknown.encode("zero three one"), [7, 3, 5], "<unk> takes the first ordinary id");
  t.equal(withUnknown.decode([7, 3, 5]), "zero <unk> one");
  t.equal(withUnknown.tokenOf(3), "<unk>");
  t.equal(withUnknown.vocabSize, 8);
});

t.test("compareCodePoints orders beyond the basic plane, where UTF-16 does not", async (t) => {
  t.ok(compareCodePoints("\uffff", "\u{10000}") < 0);
  t.ok("\uffff" > "\u{10000}", "what plain comparison says");
  t.ok(compareCodePoints("a", "ab") < 0);
});

// A byte-level BPE of ten pieces, small enough to work out by hand: merges l+o, lo+w, e+r in this order.
const PIECES = ["l", "o", "w", "e", "r", "Ġ", "lo", "low", "er", "n"];
function bpeFile(specials: string[]): Record<string, unknown> {
  return {
    version: "1.0",
    added_tokens: specials.map((content, id) => ({
      id,
      content,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
      special: true,
    })),
    normalizer: { type: "Lowercase" },
    pre_tokenizer: { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: true },
    post_processor: null,
    decoder: { type: "ByteLevel", add_prefix_space: true, trim_offsets: true, use_regex: true },
    model: {
      type: "BPE",
      vocab: Object.fromEntries([...specials, ...PIECES].map((piece, id) => [piece, id])),
      merges: ["l o", "lo w", "e r"],
      unk_token: null,
    },
  };
}

t.test("BpeTokenizer", async (t) => {
  const aligned = BpeTokenizer.fromJson(JSON.stringify(bpeFile(["<pad>", "<s>", "</s>"])));
  t.equal(aligned.shift, 0, "the file's specials are where the model wants them");
  t.same(aligned.encode("LOWER low"), [10, 11, 8, 10], "low er Ġ low");
  t.equal(aligned.decode([1, 10, 11, 8, 10, 2, 0]), "lower low");
  t.equal(aligned.vocabSize, 13);
  t.equal(aligned.tokenOf(10), "low");
  t.equal(aligned.tokenOf(2), "<eos>");

  const bare = BpeTokenizer.fromJson(JSON.stringify(bpeFile([])));
  t.equal(bare.shift, 3, "a file without specials is moved up");
  t.same(bare.encode("lower low"), [10, 11, 8, 10]);
  t.equal(bare.decode([1, 10, 11, 8, 10, 2]), "lower low");
  t.equal(bare.tokenOf(0), "<pad>");

  const end = new BpeTokenizer(bpeFile(["<|endoftext|>"]));
  t.equal(end.shift, 3, "one special in another place does not count");
  t.equal(end.decode([3, ...end.encode("low")]), "low", "the file's own special is left out too");

  const reference = new BpeTokenizer(bpeFile(["<pad>", "<s>"]), { variant: "reference" });
  t.equal(reference.shift, 0);
  t.same(reference.special, { pad: 0, bos: 1, eos: null });

  const empty = bpeFile([]);
  (empty.model as { vocab: object }).vocab = {};
  (empty.model as { merges: string[] }).merges = [];
  t.throws(() => new BpeTokenizer(empty), new TextError("tokenizer.json: the vocabulary is empty"));
  t.throws(() => BpeTokenizer.fromJson("{"), {
    name: "TextError",
    message: /^tokenizer\.json: not valid JSON: /,
  });
  t.throws(
    () => new BpeTokenizer([]),
    new TextError('tokenizer.json: expected an object with a "model" object'),
  );
  t.same(aligned.encode("lowx"), [10], "a file without an unknown token drops what it does not know");
});

t.test("every tokenizer survives JSON exactly", async (t) => {
  const tokenizers: Tokenizer[] = [
    CharacterTokenizer.fromTexts(TEXTS, { unknown: "skip" }),
    WordTokenizer.fromTexts(TEXTS, {
      variant: "reference",
      unknown: "token",
      normalization: { punctuation: "strip" },
    }),
    new BpeTokenizer(bpeFile(["<pad>", "<s>", "</s>"]), { normalization: { lowerCase: true } }),
  ];
  for (const tokenizer of tokenizers) {
    const text = JSON.stringify(tokenizer);
    const restored = restoreTokenizer(JSON.parse(text));
    t.equal(JSON.stringify(restored), text, `${tokenizer.kind}: the same JSON`);
    t.equal(restored.vocabSize, tokenizer.vocabSize);
    t.same(restored.special, tokenizer.special);
    for (const line of ["low", "One ERROR", "zero"]) {
      const name = `${tokenizer.kind}: ${line}`;
      t.same(
        attempt(() => restored.encode(line)),
        attempt(() => tokenizer.encode(line)),
        name,
      );
    }
    for (let id = 0; id < tokenizer.vocabSize; id++) {
      if (restored.tokenOf(id) !== tokenizer.tokenOf(id)) t.fail(`${tokenizer.kind}: id ${id}`);
      if (restored.decode([id]) !== tokenizer.decode([id])) t.fail(`${tokenizer.kind}: text of id ${id}`);
    }
  }
});

t.test("decode undoes encode for known words", async () => {
  const words = ["zero", "one", "two", "don't"];
  const line = fc.array(fc.constantFrom(...words), { maxLength: 8 }).map((chosen) => chosen.join(" "));
  for (const tokenizer of [CharacterTokenizer.fromTexts(TEXTS), WordTokenizer.fromTexts(TEXTS)])
    fc.assert(
      fc.property(line, (text) => tokenizer.decode(tokenizer.encode(text)) === text),
      { seed: 1 },
    );
});

t.test("bad input is named", async (t) => {
  const tokenizer = WordTokenizer.fromTexts(["one"]);
  const range = "token id outside the vocabulary, expected an integer in [0, 4), got";
  t.throws(() => tokenizer.decode([3, 4]), new TextError(`WordTokenizer.decode: ${range} 4`));
  t.throws(() => tokenizer.decode([-1]), new TextError(`WordTokenizer.decode: ${range} -1`));
  t.throws(() => tokenizer.decode([1.5]), new TextError(`WordTokenizer.decode: ${range} 1.5`));
  t.throws(() => tokenizer.tokenOf(Number.NaN), new TextError(`WordTokenizer.tokenOf: ${range} NaN`));
  t.throws(
    () => WordTokenizer.fromTexts(["?!"]),
    new TextError("word tokenizer: the vocabulary is empty, expected at least one token"),
  );
  t.throws(() => new WordTokenizer(["a", "a"]), new TextError('word tokenizer: token "a" is listed twice'));
  t.throws(() => new WordTokenizer(["a", ""]), new TextError("word tokenizer: token 1 is empty"));

  const good = tokenizer.toJSON();
  const refusals: [Record<string, unknown>, string][] = [
    [{ format: "x" }, 'format: expected "echo-tokenizer", got "x"'],
    [{ version: 2 }, "version: expected 1, got 2"],
    [{ kind: "wrd" }, 'kind: expected one of character, word, bpe, got "wrd"'],
    [{ tokens: [1] }, "tokens: expected a list of strings, got [1]"],
    [{ unknown: undefined }, "unknown: expected one of error, skip, token, got undefined"],
    [
      { normalization: { ...good.normalization, unicode: "NFD" } },
      'normalization.unicode: expected one of NFKC, NFC, none, got "NFD"',
    ],
    [{ normalization: null }, "normalization: expected an object, got null"],
    [
      { normalization: { ...good.normalization, lowerCase: 1 } },
      "normalization.lowerCase: expected true or false, got 1",
    ],
  ];
  for (const [change, message] of refusals)
    t.throws(() => restoreTokenizer({ ...good, ...change }), new TextError(`restoreTokenizer: ${message}`));
  t.throws(
    () => restoreTokenizer(null),
    new TextError("restoreTokenizer: tokenizer: expected an object, got null"),
  );
});

t.test("collateText follows both conventions of the golden cases", { skip: skipWithoutShared }, async (t) => {
  interface CollateCase {
    name: string;
    op: string;
    texts: number[][];
    input_ids: number[][];
    labels: number[][];
  }
  const { cases } = JSON.parse(readShared("golden", "echo", "index.json")) as { cases: CollateCase[] };
  const collate = cases.filter((entry) => entry.op === "collate");
  t.equal(collate.length, 2);
  for (const { name, texts, input_ids, labels } of collate) {
    const batch = collateText(texts, specialIds(name === "collate_reference" ? "reference" : "corrected"));
    t.same([...batch.inputIds], input_ids.flat(), `${name}: input`);
    t.same([...batch.labels], labels.flat(), `${name}: labels`);
    t.same([batch.batch, batch.length], [input_ids.length, input_ids[0]!.length]);
    t.same(
      [...batch.lengths],
      texts.map((ids) => ids.length),
    );
  }
});

t.test("collateText", async (t) => {
  const special = specialIds("corrected");
  const batch = collateText([[8, 11], [5], []], special);
  t.same([...batch.inputIds], [1, 8, 11, 1, 5, 0, 1, 0, 0]);
  t.same([...batch.labels], [8, 11, 2, 5, 2, 0, 2, 0, 0]);
  t.throws(() => collateText([], special), new TextError("collateText: no sequence, expected at least one"));
  t.throws(
    () => collateText([[5], [4, 0]], special),
    new TextError("collateText: sequence 1 holds the pad id 0 at position 1"),
  );
});

function attempt(action: () => number[]): number[] | string {
  try {
    return action();
  } catch (error) {
    return (error as Error).message;
  }
}
