// Callers in plain JavaScript have no compiler: each function with options refuses a key that it does not know, and
// a value of another kind, by name and with the nearest known key.
import * as echoModel from "@echo-ts/echo-model";
import {
  BpeTokenizer,
  beamDecode,
  buildEcho,
  CharacterTokenizer,
  type Checkpoint,
  checkUtterances,
  ctcBeamDecode,
  cutIntoStretches,
  Echo,
  type EchoConfig,
  encodeCheckpoint,
  evaluateModel,
  greedyDecode,
  groupCues,
  jointDecode,
  loadDataSet,
  memoryFiles,
  normalizeText,
  onePassDecode,
  prepareEvaluation,
  prepareTraining,
  resolveConfig,
  StretchCutter,
  textScorer,
  toVtt,
  trainBpe,
  trainNgram,
  WordTokenizer,
  withLanguage,
} from "@echo-ts/echo-model";
import { limitedDecoder, runTraining, saveCheckpoint } from "@echo-ts/echo-model/node";
import { bootstrapDifference, bootstrapPairs, bootstrapRate } from "@echo-ts/echo-model/study";
import { ArgumentError } from "@echo-ts/tensor";
import t from "tap";
import { byteLevelFile } from "./bpe-files.ts";
import { NOTHING_HEARD, scripted } from "./scripted-decoder.ts";

const { model, audio } = resolveConfig({ model: { vocabSize: 9, dims: 16, heads: 2 } });
const config: EchoConfig = resolveConfig({});
const words: WordTokenizer = WordTokenizer.fromTexts(["go"]);
const echo: Echo = scripted(5, () => ({ eos: 1 }));
const frame = { values: Float32Array.of(0, -9), frames: 1, vocabulary: 2 };
const files = memoryFiles({});
const checkpoint = {} as Checkpoint;

/** The function with its options, a wrong key, and what is wrong with it. */
const CASES: [name: string, call: (options: never) => unknown, wrong: object, message: string][] = [
  ["Echo", (o) => new Echo(model, audio, o), { sead: 1 }, 'unknown option "sead"; did you mean "seed"?'],
  [
    "buildEcho",
    (o) => buildEcho(model, audio, o),
    { type: "float64" },
    'unknown option "type"; did you mean "dtype"?',
  ],
  [
    "normalizeText",
    (o) => normalizeText("a", o),
    { lowercase: true },
    'unknown option "lowercase"; did you mean "lowerCase"?',
  ],
  [
    "normalizeText",
    (o) => normalizeText("a", o),
    { punctuation: "drop" },
    'punctuation must be "words" or "strip" or "keep", got "drop"',
  ],
  [
    "CharacterTokenizer",
    (o) => new CharacterTokenizer(["a"], o),
    { unknwon: "skip" },
    'unknown option "unknwon"; did you mean "unknown"?',
  ],
  [
    "CharacterTokenizer.fromTexts",
    (o) => CharacterTokenizer.fromTexts(["a"], o),
    { variants: "x" },
    'unknown option "variants"; did you mean "variant"?',
  ],
  [
    "WordTokenizer",
    (o) => new WordTokenizer(["a"], o),
    { minCount: 2 },
    'unknown option "minCount", expected one of: variant, unknown, normalization',
  ],
  [
    "WordTokenizer.fromTexts",
    (o) => WordTokenizer.fromTexts(["a"], o),
    { mincount: 2 },
    'unknown option "mincount"; did you mean "minCount"?',
  ],
  [
    "WordTokenizer normalization",
    (o) => new WordTokenizer(["a"], { normalization: o }),
    { lower: true },
    'unknown option "lower"; did you mean "lowerCase"?',
  ],
  [
    "BpeTokenizer",
    (o) => new BpeTokenizer(byteLevelFile(), o),
    { unknown: "skip" },
    'unknown option "unknown", expected one of: variant, normalization',
  ],
  [
    "BpeTokenizer normalization",
    (o) => new BpeTokenizer(byteLevelFile(), { normalization: o }),
    { unicod: "NFC" },
    'unknown option "unicod"; did you mean "unicode"?',
  ],
  [
    "greedyDecode",
    (o) => greedyDecode(echo, NOTHING_HEARD, o),
    { maxToken: 1 },
    'unknown option "maxToken"; did you mean "maxTokens"?',
  ],
  [
    "beamDecode",
    (o) => beamDecode(echo, NOTHING_HEARD, o),
    { beam: 2 },
    'unknown option "beam"; did you mean "beamSize"?',
  ],
  [
    "beamDecode",
    (o) => beamDecode(echo, NOTHING_HEARD, o),
    { beamSize: "2" },
    'beamSize must be a number, got "2"',
  ],
  [
    "ctcBeamDecode",
    (o) => ctcBeamDecode(frame, o),
    { beemSize: 2 },
    'unknown option "beemSize"; did you mean "beamSize"?',
  ],
  [
    "jointDecode",
    (o) => jointDecode(echo, NOTHING_HEARD, 0, frame, o),
    { weight: 1 },
    'unknown option "weight"; did you mean "ctcWeight"?',
  ],
  [
    "onePassDecode",
    (o) => onePassDecode(echo, NOTHING_HEARD, 0, frame, o),
    { beam: 2 },
    'unknown option "beam"; did you mean "beamSize"?',
  ],
  [
    "textScorer",
    (o) => textScorer(words, o),
    { hotwords: ["go"] },
    'unknown option "hotwords"; did you mean "hotWords"?',
  ],
  [
    "trainBpe",
    (o) => trainBpe(["go"], o),
    { vocabsize: 9 },
    'unknown option "vocabsize"; did you mean "vocabSize"?',
  ],
  ["trainNgram", (o) => trainNgram(["go"], o), { n: 2 }, 'unknown option "n", expected one of: order'],
  [
    "withLanguage",
    (o) => withLanguage({ echo, tokenizer: words, config }, o),
    { lm: "x" },
    'unknown option "lm", expected one of: languageModel, hotWords',
  ],
  [
    "evaluateModel",
    (o) => evaluateModel(echo, words, [], config, o),
    { zero: true },
    'unknown option "zero"; did you mean "zeroed"?',
  ],
  [
    "cutIntoStretches",
    (o) => cutIntoStretches(new Float32Array(9), { sampleRate: 16000, maxSeconds: 1, ...(o as object) }),
    { maxSecond: 2 },
    'unknown option "maxSecond"; did you mean "maxSeconds"?',
  ],
  [
    "StretchCutter",
    (o) => new StretchCutter({ sampleRate: 16000, maxSeconds: 1, ...(o as object) }),
    { maxSeconds: "2" },
    'maxSeconds must be a number, got "2"',
  ],
  [
    "groupCues",
    (o) => groupCues([], o),
    { maxCharacter: 9 },
    'unknown option "maxCharacter"; did you mean "maxCharacters"?',
  ],
  [
    "toVtt",
    (o) => toVtt([], o),
    { wordtimes: true },
    'unknown option "wordtimes"; did you mean "wordTimes"?',
  ],
  [
    "loadDataSet",
    (o) => loadDataSet(files, o),
    { format: "manifest", splits: "x" },
    'unknown option "splits"; did you mean "split"?',
  ],
  [
    "checkUtterances",
    (o) => checkUtterances({ utterances: [], problems: [] }, files, o),
    { minSecond: 1 },
    'unknown option "minSecond"; did you mean "minSeconds"?',
  ],
  [
    "prepareTraining",
    (o) => prepareTraining(files, config, o),
    { cach: {} },
    'unknown option "cach"; did you mean "cache"?',
  ],
  [
    "prepareEvaluation",
    (o) => prepareEvaluation(files, config, words, o),
    { spilt: "x" },
    'unknown option "spilt"; did you mean "split"?',
  ],
  [
    "encodeCheckpoint",
    (o) => encodeCheckpoint(checkpoint, o),
    { hafl: true },
    'unknown option "hafl"; did you mean "half"?',
  ],
  [
    "saveCheckpoint",
    (o) => saveCheckpoint("/nowhere/x", checkpoint, o),
    { hal: true },
    'unknown option "hal"; did you mean "half"?',
  ],
  [
    "limitedDecoder",
    (o) => limitedDecoder(o),
    { second: 1 },
    'unknown option "second"; did you mean "seconds"?',
  ],
  [
    "runTraining",
    (o) => runTraining(o),
    { outfolder: "x" },
    'unknown option "outfolder"; did you mean "outFolder"?',
  ],
  [
    "bootstrapRate",
    (o) => bootstrapRate([], o),
    { samples: 3 },
    'unknown option "samples"; did you mean "resamples"?',
  ],
  [
    "bootstrapDifference",
    (o) => bootstrapDifference([], [], o),
    { levels: 0.9 },
    'unknown option "levels"; did you mean "level"?',
  ],
  [
    "bootstrapPairs",
    (o) => bootstrapPairs([[]], [[]], o),
    { levels: 0.9 },
    'unknown option "levels"; did you mean "level"?',
  ],
];

for (const [name, call, wrong, message] of CASES) {
  t.test(`${name} refuses ${JSON.stringify(wrong)}`, async (t) => {
    await t.rejects(async () => call(wrong as never), new ArgumentError(`${name}: ${message}`));
  });
}

t.test("options that are undefined leave the defaults", async (t) => {
  t.equal(normalizeText("A", { lowerCase: undefined } as object), "a");
  t.same(WordTokenizer.fromTexts(["a"], { minCount: undefined } as object).toJSON().tokens, ["a"]);
});

t.test("every exported function with options is above", async (t) => {
  const named = new Set(CASES.map(([name]) => name.split(/[ .]/)[0]));
  // The last parameter of these is called options or has a default in their source.
  const withOptions = Object.entries(echoModel)
    .filter(
      ([, value]) =>
        typeof value === "function" && /^(async )?function \w+\([^)]*\boptions\b/.test(String(value)),
    )
    .map(([name]) => name);
  t.ok(withOptions.length > 5);
  t.same(
    withOptions.filter((name) => !named.has(name)),
    [],
  );
});
