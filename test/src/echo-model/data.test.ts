// Data: manifests, public layouts, digit strings drawn again exactly, and the checks before training.
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  checkUtterances,
  countProblems,
  DataError,
  type DigitClip,
  describeProblem,
  digitStage,
  digitText,
  drawListedStrings,
  drawRandomString,
  fnv1a,
  joinClips,
  joinDataSets,
  loadDataSet,
  memoryFiles,
  mulberry32,
  parseAn4,
  parseClipDurations,
  parseCommonVoice,
  parseDigitStages,
  parseFleurs,
  parseLibriSpeech,
  parseLibriSpeechSpeakers,
  parseManifest,
  parseStrings,
  type RowProblem,
  readAudioHeader,
  splitDigits,
  staysInside,
} from "@echo-ts/echo-model";
import { nodeFiles } from "@echo-ts/echo-model/node";
import { stream } from "@echo-ts/tensor";
import fc from "fast-check";
import t from "tap";
import { readShared, sharedPath, skipWithoutShared } from "../shared-material.ts";

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

t.test("mulberry32 and FNV-1a give the documented check values", async (t) => {
  t.equal(fnv1a("echo-digit-strings-1/speaker/train"), 1278943498);
  const next = mulberry32(1278943498);
  t.same([next(), next(), next()], [2867207173, 1595462878, 1928744605]);
  t.equal(fnv1a(""), 0x811c9dc5, "the offset basis");
  t.equal(fnv1a("a"), 0xe40c292c, "a published vector");
  t.equal(fnv1a("foobar"), 0xbf9cf968, "a published vector");
});

t.test("the digit pack's lists are drawn again exactly", { skip: skipWithoutShared }, async (t) => {
  const { utterances } = parseManifest(readShared("data", "fsdd", "manifest.jsonl"), "manifest.jsonl");
  t.equal(utterances.length, 3000);
  const clips = utterances.map(({ id, speaker, split, row }) => ({
    id,
    speaker: speaker!,
    split,
    digit: row.digit as number,
    index: row.index as number,
  }));
  const speakersOf: Record<string, string[]> = {
    train: ["george", "jackson", "lucas", "nicolas"],
    dev: ["yweweler"],
    test: ["theo"],
  };
  for (const scheme of ["speaker", "official"]) {
    const file = `strings-${scheme}.jsonl`;
    const listed = parseStrings(readShared("data", "fsdd", file), file, utterances);
    t.same(listed.problems, []);
    for (const [split, count] of [
      ["train", 2000],
      ["dev", 200],
      ["test", 200],
    ] as const) {
      const own = clips.filter((clip) =>
        scheme === "official" ? clip.split === split : speakersOf[split]!.includes(clip.speaker),
      );
      const drawn = drawListedStrings(`echo-digit-strings-1/${scheme}/${split}`, own, count);
      const rows = listed.utterances.filter((row) => row.split === split);
      t.equal(rows.length, count);
      const same = rows.every(
        ({ row, speaker, text }, k) =>
          speaker === drawn[k]!.speaker &&
          JSON.stringify(row.clips) === JSON.stringify(drawn[k]!.clips) &&
          JSON.stringify(row.gaps) === JSON.stringify(drawn[k]!.gaps) &&
          text === digitText(drawn[k]!.clips.map((clip) => Number(clip[0]))),
      );
      t.ok(same, `${scheme}/${split}: ${count} strings`);
    }
  }
});

const CLIPS: DigitClip[] = ["ann", "bob", "cat"].flatMap((speaker) =>
  [0, 1, 2].flatMap((digit) =>
    [0, 1, 2, 3].map((index) => ({ id: `${digit}_${speaker}_${index}`, speaker, digit, index })),
  ),
);

t.test("random digit strings", async (t) => {
  const draw = (seed: number, count: number) => {
    const random = stream(seed, "digits");
    return Array.from({ length: count }, () => drawRandomString(CLIPS, { fewest: 3, most: 7 }, random));
  };
  const strings = draw(1, 2000);
  t.same(draw(1, 20), strings.slice(0, 20), "the same stream gives the same strings");
  t.notSame(draw(2, 20), strings.slice(0, 20));
  const lengths = new Set(strings.map(({ clips }) => clips.length));
  t.same([...lengths].sort(), [3, 4, 5, 6, 7]);
  t.equal(new Set(strings.map(({ speaker }) => speaker)).size, 3);
  t.equal(new Set(strings.flatMap(({ clips }) => clips)).size, CLIPS.length, "every recording turns up");
  for (const { speaker, clips, gaps } of strings) {
    if (!clips.every((id) => id.includes(`_${speaker}_`))) t.fail("a string mixes speakers");
    if (gaps.length !== clips.length + 1) t.fail("gaps");
    const edges = [gaps[0]!, gaps.at(-1)!];
    if (!edges.every((gap) => gap >= 400 && gap <= 2400)) t.fail(`edges ${edges}`);
    if (!gaps.slice(1, -1).every((gap) => gap >= 160 && gap <= 3200)) t.fail(`gaps ${gaps}`);
  }
  t.throws(
    () => drawRandomString([], { fewest: 1, most: 1 }, stream(1, "x")),
    new RangeError("drawRandomString: no clip, expected at least one"),
  );
  t.throws(
    () => drawListedStrings("x", [], 1),
    new RangeError("drawListedStrings: no clip, expected at least one"),
  );
});

t.test("splitDigits keeps held-out recordings and speakers apart", async (t) => {
  const { train, seen, unseen } = splitDigits(CLIPS, ["ann", "bob"], ["cat"], 1);
  t.same([train.length, seen.length, unseen.length], [18, 6, 12]);
  t.ok(train.every(({ index, speaker }) => index >= 1 && speaker !== "cat"));
  t.ok(seen.every(({ index }) => index === 0));
  t.throws(
    () => splitDigits(CLIPS, ["ann", "zoe"], [], 1),
    new RangeError('splitDigits: no recording of speaker "zoe", expected some of ann, bob, cat'),
  );
  t.throws(
    () => splitDigits(CLIPS, ["ann"], ["ann"], 1),
    new RangeError("splitDigits: expected a speaker in one list only, got ann in both"),
  );
});

t.test("digit stages", async (t) => {
  const stages = parseDigitStages("0:1-2 150:1-4 300:3-7");
  const range = (step: number): number[] => {
    const { fewest, most } = digitStage(stages, step);
    return [fewest, most];
  };
  t.same([0, 149, 150, 299, 300, 9999].map(range), [
    [1, 2],
    [1, 2],
    [1, 4],
    [1, 4],
    [3, 7],
    [3, 7],
  ]);
  t.throws(
    () => parseDigitStages("0:3-2"),
    new RangeError("parseDigitStages: expected 1 <= fewest <= most, got 3-2"),
  );
  t.throws(
    () => parseDigitStages("0:1-2 0:1-3"),
    new RangeError("parseDigitStages: stages must begin at 0 and rise, expected >= 1, got 0"),
  );
  t.throws(
    () => parseDigitStages("5:1-2"),
    new RangeError("parseDigitStages: stages must begin at 0 and rise, expected 0, got 5"),
  );
  t.throws(
    () => parseDigitStages("1-2"),
    new RangeError('parseDigitStages: expected "step:fewest-most", got "1-2"'),
  );
});

t.test("joinClips puts exact zeros between clips", async (t) => {
  const wave = joinClips([Float32Array.of(1, 2), Float32Array.of(3)], [1, 2, 3]);
  t.same([...wave], [0, 1, 2, 0, 0, 3, 0, 0, 0]);
  t.throws(
    () => joinClips([wave], [1]),
    new RangeError("joinClips: expected one gap more than waves (2), got 1"),
  );
});

t.test("staysInside", async (t) => {
  for (const path of ["a.wav", "wav/a.wav", "a..b/c.wav", "./a.wav"]) t.ok(staysInside(path), path);
  for (const path of ["", "/etc/passwd", "../a", "a/../../b", "a/..", "C:/a", "c:\\a", "a\\b", "a\0b"])
    t.notOk(staysInside(path), JSON.stringify(path));
});

function wavFile(seconds: number, sampleRate = 8000, declared?: number): Uint8Array {
  const frames = Math.round(seconds * sampleRate);
  const bytes = new Uint8Array(44 + 2 * frames);
  const view = new DataView(bytes.buffer);
  bytes.set(new TextEncoder().encode("RIFF"), 0);
  view.setUint32(4, bytes.length - 8, true);
  bytes.set(new TextEncoder().encode("WAVEfmt "), 8);
  view.setUint32(16, 16, true);
  view.setUint16(20, 1, true);
  view.setUint16(22, 1, true);
  view.setUint32(24, sampleRate, true);
  view.setUint32(28, 2 * sampleRate, true);
  view.setUint16(32, 2, true);
  view.setUint16(34, 16, true);
  bytes.set(new TextEncoder().encode("data"), 36);
  view.setUint32(40, declared ?? 2 * frames, true);
  return bytes;
}

t.test("readAudioHeader", async (t) => {
  const read = (bytes: Uint8Array, size = bytes.length) => readAudioHeader(bytes, size);
  t.same(read(wavFile(0.5)), { format: "wav", sampleRate: 8000, seconds: 0.5 });
  t.same(
    read(wavFile(0.5).subarray(0, 60), 8044),
    { format: "wav", sampleRate: 8000, seconds: 0.5 },
    "the head is enough",
  );
  t.same(
    read(wavFile(0.5, 8000, 0)),
    { format: "wav", sampleRate: 8000, seconds: 0.5 },
    "length 0 of a stream",
  );
  t.same(
    read(wavFile(0.5, 8000, 1e6)),
    { format: "wav", sampleRate: 8000, seconds: 0.5 },
    "a file cut short",
  );
  // 44,100 Hz and 441,000 samples: 0x0AC44 in 20 bits, then 1 channel, 16 bits (000, 01111), then 36 bits.
  const flac = new Uint8Array(42);
  flac.set([0x66, 0x4c, 0x61, 0x43, 0, 0, 0, 34]);
  flac.set([0x0a, 0xc4, 0x40, 0xf0, 0x00, 0x06, 0xba, 0xa8], 18);
  t.same(read(flac), { format: "flac", sampleRate: 44100, seconds: 10 });
  const sphere = new TextEncoder().encode(
    "NIST_1A\n   1024\nsample_count -i 16000\nsample_rate -i 16000\nend_head\n",
  );
  t.same(read(sphere), { format: "sphere", sampleRate: 16000, seconds: 1 });
  t.match(read(new TextEncoder().encode("ID3\x04\0")), { format: "mp3", seconds: null });
  t.match(read(Uint8Array.of(0xff, 0xfb, 0x90, 0x00)), { format: "mp3" });
  t.match(read(new TextEncoder().encode("OggS\0")), { format: "ogg" });
  t.match(read(new TextEncoder().encode("\0\0\0\x20ftypM4A ")), { format: "m4a" });

  t.equal(read(new Uint8Array(0)), "the file is empty");
  t.equal(
    read(new TextEncoder().encode("<html>")),
    "no known audio format begins with the bytes 3c 68 74 6d",
  );
  t.equal(read(wavFile(0.1, 0)), "sample rate 0 Hz and 2 bytes a frame, expected both above 0");
  t.equal(read(new TextEncoder().encode("RIFF\0\0\0\0AVI ")), "RIFF without WAVE");
  t.equal(read(wavFile(0.1).subarray(0, 36)), "no data chunk");
  t.equal(read(flac.subarray(0, 20)), "FLAC header cut off");

  const noRate = flac.slice();
  noRate.fill(0, 18, 21);
  t.equal(read(noRate), "FLAC sample rate 0 Hz, expected above 0");
  const shortFmt = wavFile(0.1);
  shortFmt[16] = 14;
  t.equal(read(shortFmt), "fmt chunk of 14 bytes, expected at least 16");
  const text = (value: string): Uint8Array => new TextEncoder().encode(value);
  t.equal(read(text("NIST_1A\n   1024\nend_head\n")), "SPHERE header without sample_rate");
  t.match(read(text("NIST_1A\nsample_rate -i 8000\n")), { sampleRate: 8000, seconds: null });

  t.test("no bytes make it throw", async () => {
    const starts = [wavFile(0.01), flac, sphere];
    fc.assert(
      fc.property(fc.nat(2), fc.uint8Array({ maxLength: 60 }), fc.nat(60), (which, noise, at) => {
        const bytes = starts[which]!.slice();
        bytes.set(noise.subarray(0, Math.max(0, bytes.length - at)), Math.min(at, bytes.length));
        const result = readAudioHeader(bytes, bytes.length);
        return typeof result === "string" || result.seconds === null || result.seconds >= 0;
      }),
      { seed: 7, numRuns: 2000 },
    );
  });
});

t.test("checkUtterances", async (t) => {
  const files = memoryFiles({
    "a.wav": wavFile(1),
    "b.wav": wavFile(2, 16000),
    "short.wav": wavFile(0.05),
    "long.wav": wavFile(4),
    "empty.wav": new Uint8Array(0),
    "page.wav": "<html>",
  });
  const row = (id: string, file: string, text = "go"): string =>
    JSON.stringify({ id, file, text, seconds: 99 });
  const manifest = [
    row("ok", "a.wav"),
    row("blank", "a.wav", " "),
    row("marks", "a.wav", "?!"),
    row("wordy", "a.wav", "x".repeat(21)),
    row("gone", "gone.wav"),
    row("out", "../a.wav"),
    row("empty", "empty.wav"),
    row("page", "page.wav"),
    row("short", "short.wav"),
    row("long", "long.wav"),
    "{",
  ].join("\n");
  const dataSet = parseManifest(manifest, "m.jsonl");
  const limits = { minSeconds: 0.1, maxSeconds: 3, maxCharacters: 20 };
  const done: number[] = [];
  const result = await checkUtterances(dataSet, files, {
    ...limits,
    onProgress: (count) => done.push(count),
  });
  t.same(
    result.utterances.map(({ id, seconds }) => [id, seconds]),
    [["ok", 1]],
    "the header overrules the list's 99 seconds",
  );
  t.equal(done.at(-1), 10);
  t.same(brief(result.problems), [
    'bad-row m.jsonl:11: expected a JSON object, got "{"',
    'empty-text m.jsonl:2: the text is empty after normalisation (" ")',
    'empty-text m.jsonl:3: the text is empty after normalisation ("?!")',
    "long-text m.jsonl:4: the text has 21 characters, expected at most 20",
    'missing-file m.jsonl:5: "gone.wav" does not exist',
    'outside-folder m.jsonl:6: "../a.wav" lies outside the data folder',
    'unreadable-audio m.jsonl:7: "empty.wav": the file is empty',
    'unreadable-audio m.jsonl:8: "page.wav": no known audio format begins with the bytes 3c 68 74 6d',
    "too-short m.jsonl:9: the audio lasts 0.05 s, expected at least 0.1 s",
    "too-long m.jsonl:10: the audio lasts 4.00 s, expected at most 3 s",
  ]);
  await t.rejects(checkUtterances(parseManifest(row("gone", "gone.wav"), "m"), files, { badRows: "fail" }), {
    name: "DataError",
    message:
      'data: 1 row cannot be used (data.badRows "skip" leaves them out):\nm:1: "gone.wav" does not exist',
  });
  const many = Array.from({ length: 14 }, (_, i) => row(`r${i}`, "gone.wav")).join("\n");
  await t.rejects(checkUtterances(parseManifest(many, "m"), files, { badRows: "fail" }), {
    message: /^data: 14 rows .*\n\.\.\. and 4 more$/s,
  });

  const song = memoryFiles({ "a.mp3": "ID3\u0004" });
  const stated = (seconds: number) =>
    parseManifest(JSON.stringify({ id: "a", file: "a.mp3", text: "x", seconds }), "m");
  const { utterances: short } = await checkUtterances(stated(2), song, limits);
  t.equal(short[0]?.seconds, 2, "the list's length counts where the header has none");
  t.same(brief((await checkUtterances(stated(99), song, limits)).problems), [
    "too-long m:1: the audio lasts 99.00 s, expected at most 3 s",
  ]);

  const strings = [
    { id: "good", text: "x x", clips: ["ok", "ok"], gaps: [800, 0, 800], sampleRate: 8000 },
    { id: "rate", text: "x x", clips: ["ok", "wide"], gaps: [0, 0, 0], sampleRate: 8000 },
  ].map((string) => JSON.stringify(string));
  const recordings = parseManifest(`${row("ok", "a.wav")}\n${row("wide", "b.wav")}`, "m").utterances;
  const joined = await checkUtterances(parseStrings(strings.join("\n"), "s", recordings), files);
  t.same(
    joined.utterances.map(({ seconds }) => seconds),
    [2.2],
    "clips and gaps add up",
  );
  t.same(brief(joined.problems), [
    'unreadable-audio s:2: "b.wav": sample rate 16000 Hz, expected 8000 Hz like its string',
  ]);
});

t.test("nodeFiles reads a folder and refuses links that leave it", async (t) => {
  const root = mkdtempSync(join(tmpdir(), "echo-data-"));
  t.teardown(() => rmSync(root, { recursive: true }));
  const data = join(root, "data");
  mkdirSync(join(data, "wav"), { recursive: true });
  writeFileSync(join(data, "wav", "a.wav"), wavFile(1));
  writeFileSync(join(root, "secret.wav"), wavFile(1));
  symlinkSync(join(root, "secret.wav"), join(data, "wav", "link.wav"));
  const files = nodeFiles(data);
  const head = await files.readHead("wav/a.wav", 44);
  t.same(head.kind === "file" && [head.bytes.length, head.size], [44, 16044]);
  t.same(await files.readHead("wav/link.wav", 44), { kind: "outside" });
  t.same(await files.readHead("../secret.wav", 44), { kind: "outside" });
  t.same(await files.readHead("wav/none.wav", 44), { kind: "missing" });
  t.same(await files.readHead("wav", 44), { kind: "missing" }, "a folder is not a file");
  t.equal(await files.readText("none.jsonl"), null);
  t.same(
    (await files.list("")).filter((path) => path.endsWith("a.wav")),
    ["wav/a.wav"],
  );
  t.same(await files.list("wav"), ["wav/a.wav"]);
});

t.test("the shared corpora pass the check whole", { skip: skipWithoutShared }, async (t) => {
  for (const [pack, count, minutes] of [
    ["an4", 948, 42.4],
    ["fsdd", 3000, 21.9],
    ["asterisk-alnum", 128, 1.7],
  ] as const) {
    const files = nodeFiles(sharedPath("data", pack));
    const read = await loadDataSet(files, { format: "manifest" });
    const stated = new Map(read.utterances.map(({ id, seconds }) => [id, seconds!]));
    const { utterances, problems } = await checkUtterances(read, files, { badRows: "fail" });
    t.same([utterances.length, problems.length], [count, 0], pack);
    const total = utterances.reduce((sum, { seconds }) => sum + seconds!, 0) / 60;
    t.ok(Math.abs(total - minutes) < 0.06, `${pack}: ${total.toFixed(2)} minutes`);
    // The manifests round seconds to two decimals or more.
    t.ok(
      utterances.every(({ id, seconds }) => Math.abs(seconds! - stated.get(id)!) <= 0.00501),
      `${pack}: header against manifest`,
    );
  }
  const files = nodeFiles(sharedPath("data", "asterisk-alnum"));
  const strings = await loadDataSet(files, { format: "strings", file: "strings.jsonl" });
  const { utterances } = await checkUtterances(strings, files, { badRows: "fail" });
  t.equal(utterances.length, 90);
  t.ok(
    utterances.every(({ seconds, row }) => Math.abs(seconds! - (row.seconds as number)) <= 0.000501),
    "strings add up",
  );
});

t.test("text, data, evaluation, reports and configuration import nothing of Node", async (t) => {
  const root = dirname(fileURLToPath(import.meta.resolve("@echo-ts/echo-model")));
  const files = [
    "config.js",
    ...["text", "data", "evaluate", "report", "config"].flatMap((folder) =>
      readdirSync(join(root, folder)).map((name) => join(folder, name)),
    ),
  ];
  const modules = files.filter((name) => name.endsWith(".js") && !name.endsWith("node-files.js"));
  t.ok(modules.length > 25, `${modules.length} modules`);
  for (const name of modules)
    if (/from "node:/.test(readFileSync(join(root, name), "utf8"))) t.fail(`${name} needs Node`);
});
