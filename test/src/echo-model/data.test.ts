// Lists of recordings: manifests, strings, the layouts of public corpora.
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  DataError,
  describeProblem,
  loadDataSet,
  memoryFiles,
  parseManifest,
  parseStrings,
  type RowProblem,
} from "@echo-ts/echo-model";
import {
  parseAn4,
  parseClipDurations,
  parseCommonVoice,
  parseFleurs,
  parseLibriSpeech,
  parseLibriSpeechSpeakers,
} from "@echo-ts/echo-model/study";
import fc from "fast-check";
import t from "tap";
import { countProblems, joinDataSets } from "../../../packages/echo-model/dist/data/utterance.js";

const brief = (problems: readonly RowProblem[]): string[] =>
  problems.map((problem) => `${problem.kind} ${describeProblem(problem)}`);

t.test("parseManifest", async (t) => {
  const lines = [
    '\ufeff{"id": "a", "file": "wav/a.wav", "text": "Go on", "speaker": "x", "sex": "female", "split": "train", "seconds": 1.5, "style": "random"}',
    "",
    '{"id": "b", "file": "b.wav", "text": ""}\r',
    '{"id": "a", "file": "c.wav", "text": "again"}',
    "{oops",
    "[1]",
    '{"id": "", "file": "d.wav", "text": "x"}',
    '{"id": "d", "text": "x"}',
    '{"id": "e", "file": "e.wav", "text": 5}',
    '{"id": "f", "file": "f.wav", "text": "x", "seconds": -1}',
    '{"id": "g", "file": "g.wav", "text": "x", "speaker": 7}',
  ];
  const { utterances, problems } = parseManifest(lines.join("\n"), "m.jsonl");
  t.same(
    utterances.map(({ id }) => id),
    ["a", "b"],
    "an empty text is a matter for the check, not for reading",
  );
  t.match(utterances[0], {
    text: "Go on",
    audio: { kind: "file", file: "wav/a.wav" },
    speaker: "x",
    sex: "female",
    split: "train",
    seconds: 1.5,
    source: { file: "m.jsonl", line: 1 },
    row: { style: "random" },
  });
  t.same(brief(problems), [
    'bad-row m.jsonl:5: expected a JSON object, got "{oops"',
    "bad-row m.jsonl:6: expected a JSON object, got [1]",
    'bad-row m.jsonl:7: id: expected a text, got ""',
    "bad-row m.jsonl:8: file: expected a text, got undefined",
    "bad-row m.jsonl:9: text: expected a text, got 5",
    "bad-row m.jsonl:10: seconds: expected a number >= 0, got -1",
    "bad-row m.jsonl:11: speaker: expected a text, got 7",
    'duplicate-id m.jsonl:4: id "a" was already used in m.jsonl:1',
  ]);
  t.same(
    [...countProblems(problems)],
    [
      ["bad-row", 7],
      ["duplicate-id", 1],
    ],
  );

  t.test("no text makes it throw", async () => {
    const line = fc.oneof(
      fc.string(),
      fc.json(),
      fc
        .dictionary(fc.constantFrom("id", "file", "text", "x"), fc.jsonValue())
        .map((row) => JSON.stringify(row)),
    );
    fc.assert(
      fc.property(fc.array(line, { maxLength: 6 }), (all) => {
        const { utterances, problems } = parseManifest(all.join("\n"), "f");
        return utterances.length + problems.length <= all.join("\n").split("\n").length;
      }),
      { seed: 6, numRuns: 500 },
    );
  });
});

t.test("parseStrings", async (t) => {
  const recordings = parseManifest(
    '{"id":"a","file":"a.wav","text":"one"}\n{"id":"b","file":"b.wav","text":"two"}',
    "m",
  );
  const row = (change: object): string =>
    JSON.stringify({
      id: "s",
      text: "one two",
      clips: ["a", "b"],
      gaps: [1, 2, 3],
      sampleRate: 8000,
      ...change,
    });
  const good = parseStrings(row({}), "s.jsonl", recordings.utterances);
  t.same(good.utterances[0]?.audio, {
    kind: "clips",
    files: ["a.wav", "b.wav"],
    gaps: [1, 2, 3],
    sampleRate: 8000,
  });
  const refusals: [object, string][] = [
    [{ clips: [] }, "clips: expected a list of recording ids, got []"],
    [{ clips: ["a", "z"] }, 'clips: "z" is not a recording of the manifest'],
    [{ gaps: [1, 2] }, "gaps: expected one more than clips (3), got 2"],
    [{ gaps: [1, 2.5, 3] }, "gaps: expected a list of sample counts >= 0, got [1,2.5,3]"],
    [{ sampleRate: 0 }, "sampleRate: expected a number of Hz above 0, got 0"],
  ];
  for (const [change, message] of refusals)
    t.same(brief(parseStrings(row(change), "s", recordings.utterances).problems), [
      `bad-row s:1: ${message}`,
    ]);
});

t.test("AN4's own layout", async (t) => {
  const ids = "an4_clstk/fash/an251-fash-b\nan4_clstk/mblb/cen3-mblb-b\n";
  const text = "<s> YES </s> (an251-fash-b)\n<s> E F G </s> (cen3-mblb-b)\nno id here\nGO (an1-zzzz-b)\n";
  const { utterances, problems } = parseAn4(text, "etc/t", ids, "train");
  t.match(utterances, [
    {
      id: "an251-fash-b",
      text: "YES",
      speaker: "fash",
      sex: "female",
      split: "train",
      audio: { file: "wav/an4_clstk/fash/an251-fash-b.sph" },
    },
    { id: "cen3-mblb-b", text: "E F G", speaker: "mblb", sex: "male" },
  ]);
  t.same(brief(problems), [
    'bad-row etc/t:3: expected "<s> words </s> (id)", got "no id here"',
    'bad-row etc/t:4: id "an1-zzzz-b" is not in the list of file ids',
  ]);
});

t.test("LibriSpeech's own layout", async (t) => {
  const speakers = parseLibriSpeechSpeakers(
    ";ID |SEX| SUBSET\n84   | F | dev-clean  |  8.02 | Christie Nowak\n174 | M | dev-clean | 8.04 | Peter Eastman\n",
  );
  t.same(
    [...speakers],
    [
      ["84", "female"],
      ["174", "male"],
    ],
  );
  const file = "dev-clean/84/121123/84-121123.trans.txt";
  const { utterances, problems } = parseLibriSpeech(
    "84-121123-0000 GO\n84-121123-0001 DO YOU\nbad\n",
    file,
    speakers,
  );
  t.match(utterances[1], {
    id: "84-121123-0001",
    text: "DO YOU",
    speaker: "84",
    sex: "female",
    split: "dev-clean",
    audio: { kind: "file", file: "dev-clean/84/121123/84-121123-0001.flac" },
  });
  t.same(brief(problems), [`bad-row ${file}:3: expected "reader-chapter-number words", got "bad"`]);
});

t.test("FLEURS' own layout", async (t) => {
  const text =
    "1904\t100.wav\tHe said, Go.\the said go\th e |\t32000\tFEMALE\n1904\t101.wav\tX\tx\tx\tmany\tMALE\nshort\trow\n";
  const { utterances, problems } = parseFleurs(text, "test.tsv", "test", "audio/test");
  t.match(utterances, [
    {
      id: "100",
      text: "he said go",
      sex: "female",
      seconds: 2,
      audio: { file: "audio/test/100.wav" },
      row: { sentence: "1904" },
    },
  ]);
  t.equal(parseFleurs(text, "test.tsv", "test", "test", true).utterances[0]?.text, "He said, Go.");
  t.same(brief(problems), [
    'bad-row test.tsv:2: number of samples: expected an integer >= 0, got "many"',
    "bad-row test.tsv:3: expected 7 columns between tabs, got 2",
  ]);
});

t.test("Common Voice's own layout", async (t) => {
  const durations = parseClipDurations("clip\tduration[ms]\nc1.mp3\t2500\n");
  const text =
    'client_id\tpath\tsentence\tgender\tlocale\nabc\tc1.mp3\tSay "hi".\tfemale_feminine\ten\nabc\tc2\tOh\t\ten\nabc\t\tOh\t\ten\nabc\tc3.mp3\n';
  const { utterances, problems } = parseCommonVoice(text, "train.tsv", "train", durations);
  t.match(utterances, [
    {
      id: "c1",
      text: 'Say "hi".',
      speaker: "abc",
      sex: "female",
      language: "en",
      seconds: 2.5,
      audio: { file: "clips/c1.mp3" },
    },
    { id: "c2", sex: undefined, seconds: undefined, audio: { file: "clips/c2.mp3" } },
  ]);
  t.same(brief(problems), [
    "bad-row train.tsv:4: path: expected a file name, got nothing",
    "bad-row train.tsv:5: expected 5 columns between tabs, got 2",
  ]);
  t.same(brief(parseCommonVoice("a\tb\n", "x.tsv", "x").problems), [
    "bad-row x.tsv:1: header: expected the columns client_id, path, sentence",
  ]);
});

t.test("loadDataSet finds each layout's lists", async (t) => {
  const files = memoryFiles({
    "manifest.jsonl":
      '{"id":"a","file":"a.wav","text":"x","split":"train"}\n{"id":"b","file":"b.wav","text":"x","split":"dev"}',
    "strings.jsonl":
      '{"id":"s","text":"x x","clips":["a","b"],"gaps":[0,0,0],"sampleRate":8000,"split":"test"}',
    "etc/an4_train.transcription": "<s> GO </s> (an1-fash-b)",
    "etc/an4_train.fileids": "an4_clstk/fash/an1-fash-b",
    "SPEAKERS.TXT": "84 | F | dev-clean | 1 | N",
    "dev-clean/84/1/84-1.trans.txt": "84-1-0000 GO",
    "dev-clean/84/2/84-2.trans.txt": "84-2-0000 ON",
    "fl.tsv": "1\t1.wav\tX\tx\tx\t16000\tMALE",
    "fl/1.wav": "x",
    "cv.tsv": "client_id\tpath\tsentence\nc\tp.mp3\ts",
  });
  const load = async (options: Parameters<typeof loadDataSet>[1]): Promise<unknown[]> =>
    (await loadDataSet(files, options)).utterances.map(({ id, audio }) => [
      id,
      audio.kind === "file" ? audio.file : audio.files,
    ]);
  t.same(await load({ format: "manifest" }), [
    ["a", "a.wav"],
    ["b", "b.wav"],
  ]);
  t.same(await load({ format: "manifest", split: "dev" }), [["b", "b.wav"]]);
  t.same(await load({ format: "strings", file: "strings.jsonl" }), [["s", ["a.wav", "b.wav"]]]);
  t.same(await load({ format: "an4", split: "train" }), [
    ["an1-fash-b", "wav/an4_clstk/fash/an1-fash-b.sph"],
  ]);
  t.same(await load({ format: "librispeech", split: "dev-clean" }), [
    ["84-1-0000", "dev-clean/84/1/84-1-0000.flac"],
    ["84-2-0000", "dev-clean/84/2/84-2-0000.flac"],
  ]);
  t.same(await load({ format: "fleurs", split: "fl" }), [["1", "fl/1.wav"]], "audio where it is");
  t.same(await load({ format: "commonVoice", split: "cv" }), [["p", "clips/p.mp3"]]);

  const refused = (options: Parameters<typeof loadDataSet>[1], message: string) =>
    t.rejects(loadDataSet(files, options), new DataError(`loadDataSet: ${message}`));
  await refused({ format: "manifest", file: "x.jsonl" }, "x.jsonl does not exist in the data folder");
  await refused(
    { format: "manifest", split: "tset" },
    "no manifest row of split tset, expected one of: dev, train",
  );
  const rows = (...splits: (string | undefined)[]): ReturnType<typeof memoryFiles> =>
    memoryFiles({
      "manifest.jsonl": splits
        .map((split, i) => JSON.stringify({ id: `u${i}`, file: `${i}.wav`, text: "go", split }))
        .join("\n"),
    });
  for (const [splits, message] of [
    [[undefined, undefined], 'its 2 rows name no split; give rows a "split", such as "split": "train"'],
    [
      ["dev", undefined],
      'expected one of: dev; 1 rows name none: give rows a "split", such as "split": "train"',
    ],
    [["none"], "expected one of: none"],
  ] as const)
    await t.rejects(
      loadDataSet(rows(...splits), { format: "manifest", split: "train" }),
      new DataError(`loadDataSet: no manifest row of split train, ${message}`),
    );
  await refused({ format: "an4" }, "an4 needs a split, expected its name, got none");
  await refused({ format: "librispeech", split: "x" }, "no *.trans.txt below x/");
  await refused({ format: "commonVoice", split: "x" }, "x.tsv does not exist in the data folder");
});

t.test("joinDataSets reports ids used twice across files", async (t) => {
  const one = parseManifest('{"id":"a","file":"a.wav","text":"x"}', "1.jsonl");
  const two = parseManifest('\n{"id":"a","file":"b.wav","text":"x"}', "2.jsonl");
  t.same(brief(joinDataSets([one, two]).problems), [
    'duplicate-id 2.jsonl:2: id "a" was already used in 1.jsonl:1',
  ]);
});

t.test("settings, text, model, reference, data and evaluation import nothing of Node", async (t) => {
  const root = dirname(fileURLToPath(import.meta.resolve("@echo-ts/echo-model")));
  const files = ["settings", "text", "model", "reference", "data", "evaluate"].flatMap((folder) =>
    readdirSync(join(root, folder)).map((name) => join(folder, name)),
  );
  const modules = files.filter((name) => name.endsWith(".js") && !name.endsWith("node-files.js"));
  t.ok(modules.length > 25, `${modules.length} modules`);
  for (const name of modules)
    if (/from "node:/.test(readFileSync(join(root, name), "utf8"))) t.fail(`${name} needs Node`);
});
