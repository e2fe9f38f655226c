// The check of every row before training: paths, headers of audio files, lengths, texts.
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  checkUtterances,
  describeProblem,
  loadDataSet,
  memoryFiles,
  parseManifest,
  parseStrings,
  type RowProblem,
} from "@echo-ts/echo-model";
import { nodeFiles } from "@echo-ts/echo-model/node";
import fc from "fast-check";
import t from "tap";
import { readAudioHeader } from "../../../packages/echo-model/dist/data/audio-header.js";
import { staysInside } from "../../../packages/echo-model/dist/data/file-access.js";
import { sharedPath, skipWithoutShared } from "../shared-material.ts";

const brief = (problems: readonly RowProblem[]): string[] =>
  problems.map((problem) => `${problem.kind} ${describeProblem(problem)}`);

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
  for (const unknown of [0x7fffffff, 0x7ffff000, 0xffffffff])
    t.match(read(wavFile(0.5, 8000, unknown)), { seconds: 0.5 }, "written to a pipe: the file counts");
  t.equal(
    read(wavFile(0.5, 8000, 1e6)),
    "cut off: 1000000 bytes of samples in its header, 8000 in the file",
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
  const row = (id: string, file: string, text = "go"): string => JSON.stringify({ id, file, text });
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
    "the header's length",
  );
  const lengths = [
    { id: "other", file: "a.wav", text: "go", seconds: 99 },
    { id: "less", file: "a.wav", text: "go", seconds: 0.87 },
    { id: "rounded", file: "a.wav", text: "go", seconds: 1.1 },
  ].map((line) => JSON.stringify(line));
  const compared = await checkUtterances(parseManifest(lengths.join("\n"), "m.jsonl"), files);
  t.same(
    compared.utterances.map(({ id, seconds }) => [id, seconds]),
    [["rounded", 1]],
    "the header's length is kept, to the sample",
  );
  t.same(brief(compared.problems), [
    "wrong-length m.jsonl:1: the audio lasts 1.00 s, m.jsonl says 99.00 s",
    "wrong-length m.jsonl:2: the audio lasts 1.00 s, m.jsonl says 0.87 s",
  ]);
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
  t.same(await files.readHead("wav", 44), { kind: "unreadable", reason: "it is a folder, expected a file" });
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
