// What is refused of a tokenizer.json, and that no pattern which is let through can take for ever.
import {
  BpeTokenizer,
  memoryFiles,
  prepareTraining,
  resolveConfig,
  restoreTokenizer,
} from "@echo-ts/echo-model";
import fc from "fast-check";
import t from "tap";
import { patternProblem } from "../../../packages/echo-model/dist/text/safe-pattern.js";
import { readShared, skipWithoutShared } from "../shared-material.ts";

interface Model {
  type?: string;
  vocab: Record<string, unknown>;
  merges?: unknown;
  unk_token?: unknown;
  continuing_subword_prefix?: string;
}
interface File {
  [part: string]: unknown;
  added_tokens: unknown;
  model: Model;
}

/** <pad>, <s>, </s>, then single letters and two merges. */
function file(): File {
  const tokens = ["<pad>", "<s>", "</s>", "l", "o", "w", "lo", "low"];
  return {
    version: "1.0",
    added_tokens: [{ id: 0, content: "<pad>", special: true }],
    normalizer: null,
    pre_tokenizer: null,
    post_processor: null,
    decoder: { type: "Fuse" },
    model: {
      type: "BPE",
      vocab: Object.fromEntries(tokens.map((token, id) => [token, id])),
      merges: ["l o", ["lo", "w"]],
      unk_token: null,
    },
  };
}

t.test("what is read", async (t) => {
  const plain = file();
  plain.model.merges = ["l o", "lo w"];
  t.same(new BpeTokenizer(plain).encode("low"), [7]);
  t.equal(BpeTokenizer.fromJson(new TextEncoder().encode(JSON.stringify(plain))).vocabSize, 8);
  const old = file();
  delete old.model.type;
  Object.assign(old.model, { unk_token: "", continuing_subword_prefix: "", merges: ["l o", "lo w"] });
  t.same(
    new BpeTokenizer(old).encode("low"),
    [7],
    "GPT-2's own file names no type and has an empty unknown token",
  );
  const prefixed = file();
  prefixed.model.vocab = { a: 0, "##b": 1, ab: 2 };
  Object.assign(prefixed.model, { continuing_subword_prefix: "##", merges: ["a ##b"] });
  prefixed.added_tokens = [];
  t.doesNotThrow(() => new BpeTokenizer(prefixed), "a merge drops the prefix of its second half");
});

t.test("a published kind of file", { skip: skipWithoutShared }, async (t) => {
  t.doesNotThrow(() => BpeTokenizer.fromJson(readShared("cases", "tokenizer-bytelevel.json")));
});

t.test("what is refused, by field", async (t) => {
  const cases: [name: string, change: (file: File) => void, message: string][] = [
    [
      "no ids",
      ({ model }) => (model.vocab.l = "3"),
      'model.vocab: token "l": expected a whole id from 0 to 999999, got "3"',
    ],
    [
      "a fraction",
      ({ model }) => (model.vocab.l = 3.5),
      'model.vocab: token "l": expected a whole id from 0 to 999999, got 3.5',
    ],
    [
      "below 0",
      ({ model }) => (model.vocab.l = -1),
      'model.vocab: token "l": expected a whole id from 0 to 999999, got -1',
    ],
    [
      "far away",
      ({ model }) => (model.vocab.l = 1e9),
      'model.vocab: token "l": expected a whole id from 0 to 999999, got 1000000000',
    ],
    [
      "a gap",
      ({ model }) => (model.vocab.low = 8),
      "model.vocab: 8 tokens, expected the ids 0 to 7, no token has 7",
    ],
    [
      "an id twice",
      ({ model }) => (model.vocab.low = 6),
      'model.vocab: the tokens "lo" and "low" share the id 6',
    ],
    [
      "no vocabulary",
      ({ model }) => (model.vocab = null as never),
      "model.vocab: expected an object of tokens and ids, got null",
    ],
    [
      "an unknown unk",
      ({ model }) => (model.unk_token = "<unk>"),
      'model.unk_token: expected a token of the vocabulary, got "<unk>"',
    ],
    [
      "an unknown merge",
      ({ model }) => (model.merges = ["l o", "q w"]),
      'model.merges[1]: "q" is no token of the vocabulary',
    ],
    [
      "a merge to nothing known",
      ({ model }) => (model.merges = [["w", "o"]]),
      'model.merges[0]: "wo" is no token of the vocabulary',
    ],
    [
      "three in a merge",
      ({ model }) => (model.merges = ["l o w"]),
      'model.merges[0]: expected two tokens, got "l o w"',
    ],
    ["no merges", ({ model }) => delete model.merges, "model.merges: expected a list, got undefined"],
    [
      "another model",
      ({ model }) => (model.type = "Nonsense"),
      'model.type: expected one of BPE, WordPiece, Unigram, got "Nonsense"',
    ],
    [
      "added without id",
      (file) => (file.added_tokens = [{ content: "x" }]),
      'model.vocab: token "x": expected a whole id from 0 to 999999, got undefined',
    ],
    [
      "added with another id",
      (file) => (file.added_tokens = [{ content: "low", id: 6 }]),
      'added_tokens[0]: "low" has the id 6 here, but 7 before',
    ],
    [
      "a part without type",
      (file) => (file.normalizer = {}),
      "normalizer.type: expected a text, got undefined",
    ],
    [
      "a length of 0, which never ends",
      (file) => (file.pre_tokenizer = { type: "FixedLength", length: 0 }),
      "pre_tokenizer.length: expected a whole number above 0, got 0",
    ],
    [
      "a pattern of another kind",
      (file) => (file.pre_tokenizer = { type: "Split", pattern: "x" }),
      'pre_tokenizer.pattern: expected an object with String or Regex, got "x"',
    ],
    [
      "a pattern that backtracks",
      (file) => (file.pre_tokenizer = { type: "Split", pattern: { Regex: "(a+)+$" }, behavior: "Isolated" }),
      'pre_tokenizer.pattern.Regex: "(a+)+$" repeats a group that holds a repetition, an optional part or alternatives, such as (a+)+: it could take for ever',
    ],
  ];
  for (const [name, change, message] of cases) {
    const bad = file();
    change(bad);
    t.throws(() => new BpeTokenizer(bad), { name: "TextError", message: `tokenizer.json: ${message}` }, name);
  }
  const unknown = { ...file(), normalizer: { type: "Nonsense" } };
  t.throws(() => new BpeTokenizer(unknown), { message: /^tokenizer\.json: cannot be loaded: .*Nonsense/ });

  const doubling = { type: "Replace", pattern: { String: "a" }, content: "aa" };
  t.throws(
    () =>
      new BpeTokenizer({
        ...file(),
        normalizer: { type: "Sequence", normalizers: Array(30).fill(doubling) },
      }),
    {
      message: /normalizer\.normalizers\[8\]: the replacements could make a text more than 256 times longer/,
    },
  );
  let deep: object = { type: "NFC" };
  for (let i = 0; i < 10_000; i++) deep = { type: "Sequence", normalizers: [deep] };
  t.throws(() => new BpeTokenizer({ ...file(), normalizer: deep }), {
    message: /expected at most 64 parts, nested 8 deep$/,
  });

  t.throws(() => BpeTokenizer.fromJson(Uint8Array.of(0x7b, 0xff, 0x7d)), {
    message: /^tokenizer\.json: not valid UTF-8: /,
  });
  const word = { format: "echo-tokenizer", version: 1, kind: "word", variant: "corrected", unknown: "error" };
  const normalization = { unicode: "none", lowerCase: false, punctuation: "keep" };
  t.throws(() => restoreTokenizer({ ...word, normalization, tokens: Array(1_000_001).fill("a") }), {
    message: "restoreTokenizer: tokens: expected at most 1000000 tokens, got 1000001",
  });
});

t.test("text.tokenizerFile stays in the data folder and names what is wrong", async (t) => {
  const rows = '{"id": "a", "file": "a.wav", "text": "low", "split": "train"}';
  const attempt = (tokenizerFile: string, content: Uint8Array | string = "") => {
    const files = memoryFiles({ "manifest.jsonl": rows, "t.json": content, "a.wav": WAV });
    const data = { minSeconds: 0 };
    return prepareTraining(files, resolveConfig({ text: { tokenizer: "bpe", tokenizerFile }, data }));
  };
  await t.rejects(attempt("../../etc/passwd"), {
    message: 'text.tokenizerFile: "../../etc/passwd" lies outside the data folder',
  });
  await t.rejects(attempt("no.json"), {
    message: 'text.tokenizerFile: "no.json" does not exist in the data folder',
  });
  await t.rejects(attempt("t.json", Uint8Array.of(0xc3)), { message: /not valid UTF-8/ });
  await t.rejects(attempt("t.json", "{"), { message: /^tokenizer\.json: not valid JSON/ });
});

/** One sample of 16 kHz. */
const WAV = Uint8Array.from(
  atob("UklGRiYAAABXQVZFZm10IBAAAAABAAEAgD4AAAB9AAACABAAZGF0YQIAAAAAAA=="),
  (letter) => letter.charCodeAt(0),
);

// The patterns of published tokenizers, as in their files.
const PUBLISHED: Readonly<Record<string, string>> = {
  "GPT-2": "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+",
  "Llama 3":
    "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
  "GPT-4o":
    "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]+[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
  CLIP: "<\\|startoftext\\|>|<\\|endoftext\\|>|'s|'t|'re|'ve|'m|'ll|'d|[\\p{L}]+|[\\p{N}]|[^\\s\\p{L}\\p{N}]+",
  BLOOM: " ?[^(\\s|[.,!?…。，、।۔،])]+",
  "DeepSeek V3":
    "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
  "thousands by three": "(?=(\\d{3})+(?!\\d))",
  "white space": "\\s{2,}",
};

t.test("patterns", async (t) => {
  for (const [name, pattern] of Object.entries(PUBLISHED)) t.equal(patternProblem(pattern), null, name);
  const refused = [
    "(a+)+$",
    "(a*)*b",
    "(a|a)*b",
    "(a|aa)+$",
    "(?:a?){30}a{30}",
    `${"a?".repeat(30)}${"a".repeat(30)}`,
    `${"(a|a)".repeat(30)}$`,
    "(.*)(.*)(.*)x",
    "(?=(a+)+$)",
    "(?i:(a+)+)",
    "(?<n>a+)+",
    "a++*",
    "(a{1,9}){1,9}",
    "((a{1,9}){2}){2}",
    "(a)\\1",
    "\\k<n>",
    "a{1,5000}",
    "[[](a+)+$[x]]",
    "[](a+)+$]",
    "(a",
    "a)",
    "[a",
    "(?#x)",
    "(?x: ( a + ) + )",
    "(?i)(a+)+",
    "(".repeat(1000),
  ];
  for (const pattern of refused) t.type(patternProblem(pattern), "string", pattern.slice(0, 40));
});

t.test("no pattern that is let through takes for ever", async (t) => {
  const atom = fc.constantFrom(
    "a",
    "b",
    ".",
    "[ab]",
    "\\w",
    "[^b]",
    "\\p{L}",
    "(?=a)",
    "a|b",
    "|",
    "(?:",
    "(",
    ")",
  );
  const repeat = fc.constantFrom("", "", "*", "+", "?", "{2}", "{1,3}", "{0,30}", "{3,}", "*?", "+?");
  const pattern = fc
    .array(fc.tuple(atom, repeat), { minLength: 1, maxLength: 9 })
    .map((parts) => `${parts.flat().join("")}c`);
  const letters = `${"a".repeat(60)}!`;
  let run = 0;
  fc.assert(
    fc.property(pattern, (source) => {
      if (patternProblem(source) !== null) return;
      let compiled: RegExp;
      try {
        compiled = new RegExp(source, "gu");
      } catch {
        return;
      }
      run++;
      letters.replace(compiled, "");
    }),
    { seed: 11, numRuns: 20_000 },
  );
  t.ok(run > 2000, `${run} patterns were run`);
});
