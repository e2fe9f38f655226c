// Compressed recordings are decoded in a process with limits: one that takes too long, takes too much, or crashes is a
// problem of its row, and everything goes on.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { encodeWav } from "@echo-ts/audio";
import {
  checkUtterances,
  DataError,
  decodeRecording,
  type FileAccess,
  parseManifest,
  prepareTraining,
  resolveConfig,
} from "@echo-ts/echo-model";
import { limitedDecoder } from "@echo-ts/echo-model/node";
import t from "tap";
import { flacBomb } from "../audio/bombs.ts";
import { data, events, run, trainArgs } from "./command-line.ts";
import { syntheticFiles, TINY } from "./synthetic-speech.ts";

const CODECS = fileURLToPath(new URL("../../fixtures/codecs/", import.meta.url));
const good = readFileSync(join(CODECS, "digits-7.flac"));

t.test("the samples are those of decodeRecording", async (t) => {
  const decode = limitedDecoder();
  const names = readdirSync(CODECS).filter((name) => /\.(wav|flac|mp3|m4a|ogg|opus|webm)$/.test(name));
  t.ok(names.length >= 5, names.join(", "));
  for (const name of names) {
    const bytes = readFileSync(join(CODECS, name));
    t.same(await decode(bytes, name, 16000), await decodeRecording(bytes, name, 16000), name);
  }
  const [first, second] = await Promise.all([decode(good, "a", 8000), decode(good, "b", 16000)]);
  t.ok(Math.abs(second.length - 2 * first.length) <= 1, "two at once do not mix");
  const warnings: string[] = [];
  await decode(good.subarray(0, good.length / 2), "half.flac", 16000, (warning) => warnings.push(warning));
  t.ok(warnings.length > 0, warnings.join());
  await t.rejects(decode(Uint8Array.of(0x66, 0x4c, 0x61, 0x43), "x.flac", 16000), {
    name: "DataError",
    message: /x\.flac/,
  });
});

t.test("time", async (t) => {
  const decode = limitedDecoder({ seconds: 0.001 });
  const bomb = flacBomb(2000);
  t.ok(bomb.length < 35_000, `${bomb.length} bytes`);
  await t.rejects(
    decode(bomb, "bomb.flac", 16000),
    new DataError("bomb.flac: decoding took longer than 0.3 s; --decode-seconds allows more"),
  );
  const patient = limitedDecoder({ seconds: 60 });
  t.ok((await patient(good, "good.flac", 16000)).length > 0);
});

t.test("size", async (t) => {
  const decode = limitedDecoder({ megabytes: 400 });
  // The samples or the memory that the decoder takes for them: whichever passes its limit first.
  await t.rejects(limitedDecoder({ megabytes: 150 })(flacBomb(800), "bomb.flac", 16000), {
    name: "DataError",
    message: /bomb\.flac: .*(unpacks to more than 19660800 samples|took more than 150 MB of memory)/,
  });
  const slow = encodeWav(new Float32Array(1000), { sampleRate: 64 });
  const small = limitedDecoder({ megabytes: 1 });
  await t.rejects(small(slow, "slow.wav", 16000), {
    name: "DataError",
    message: /slow\.wav: the file unpacks to more/,
  });
  t.equal((await decode(slow, "slow.wav", 16000)).length, 250_000);
  const sphere = (rate: number): Uint8Array => {
    const text = `NIST_1A\n   1024\nsample_rate -i ${rate}\nsample_n_bytes -i 2\nsample_byte_format -s2 01\nend_head\n`;
    const bytes = new Uint8Array(1024 + 2000);
    bytes.set(new TextEncoder().encode(text));
    return bytes;
  };
  await t.rejects(
    decode(sphere(1), "x.sph", 16000),
    new DataError("x.sph: the file claims 1 Hz, expected a rate within a factor of 256 of 16000 Hz"),
  );
  await t.rejects(
    small(sphere(64), "x.sph", 16000),
    new DataError("x.sph: the file unpacks to more than 131072 samples"),
  );
  t.equal((await decode(sphere(64), "x.sph", 16000)).length, 250_000);
});

t.test("memory", async (t) => {
  // Eleven minutes; the decoder keeps all of them.
  const mp3 = readFileSync(join(CODECS, "digits-7.mp3"));
  const long = new Uint8Array(mp3.length * Math.ceil(4e6 / mp3.length));
  for (let at = 0; at < long.length; at += mp3.length) long.set(mp3, at);
  const decode = limitedDecoder({ megabytes: 150 });
  t.ok((await decode(mp3, "short.mp3", 16000)).length > 0, "enough for a short one");
  await t.rejects(
    decode(long, "long.mp3", 16000),
    new DataError("long.mp3: decoding took more than 150 MB of memory; --decode-megabytes allows more"),
  );
  t.ok((await decode(mp3, "short.mp3", 16000)).length > 0, "a new process for the next one");
});

const children = `/proc/${process.pid}/task/${process.pid}/children`;
t.test("a crash", { skip: process.platform !== "linux" && "needs /proc to find the process" }, async (t) => {
  const decode = limitedDecoder();
  const crashing = decode(flacBomb(2000), "bomb.flac", 16000);
  crashing.catch(() => {});
  let pid = "";
  while (pid === "") {
    await new Promise((resolve) => setTimeout(resolve, 5));
    for (const child of readFileSync(children, "utf8").trim().split(" ")) {
      const line = readFileSync(`/proc/${child}/cmdline`, "utf8");
      if (line.includes("decode-child") && line.endsWith("\x004096\0")) pid = child;
    }
  }
  process.kill(Number(pid), "SIGABRT");
  await t.rejects(crashing, new DataError("bomb.flac: its decoder crashed (SIGABRT)"));
  t.ok((await decode(good, "good.flac", 16000)).length > 0);
});

t.test("a recording of more than 2 GiB is a problem of its row", async (t) => {
  const files = syntheticFiles();
  const asked: number[] = [];
  const access: FileAccess = {
    readText: async (path) => (path === "manifest.jsonl" ? `${row}\n${files[path]}` : null),
    list: async () => [],
    readHead: async (path, length) => {
      asked.push(length);
      const bytes = (path === "big.flac" ? flacBomb(1) : files[path]) as Uint8Array;
      return {
        kind: "file",
        bytes: bytes.subarray(0, length),
        size: path === "big.flac" ? 3e9 : bytes.length,
      };
    },
  };
  const row = JSON.stringify({ id: "big", file: "big.flac", text: "low", split: "train" });
  const { problems } = await prepareTraining(access, resolveConfig(TINY));
  t.match(
    problems.map(({ line, message }) => `${line} ${message}`),
    [/^1 features: big\.flac has 3000000000 bytes, expected at most 2147483648/],
  );
  t.ok(Math.max(...asked) <= 2 ** 31);
  const { utterances } = await checkUtterances(parseManifest(row, "m"), access);
  t.equal(utterances.length, 1, "the header alone says nothing");
});

t.test("a training goes on without the recording", async (t) => {
  writeFileSync(join(data, "bomb.flac"), flacBomb(2000));
  writeFileSync(join(data, "whole.flac"), good);
  const rows = ["bomb.flac", "whole.flac"].map((file, i) =>
    JSON.stringify({ id: `f${i}`, file, text: "low", split: "train" }),
  );
  const manifest = readFileSync(join(data, "manifest.jsonl"), "utf8");
  writeFileSync(join(data, "bombs.jsonl"), `${rows.join("\n")}\n${manifest}`);
  const changes = ["data.file=bombs.jsonl", "training.maxSteps=6"].flatMap((change) => ["--set", change]);
  const result = run(...trainArgs("bombs", ...changes, "--decode-megabytes", "150"));
  t.equal(result.status, 0, result.err);
  const start = events(result).find(({ kind }) => kind === "start") as {
    problems: { line: number; message: string }[];
  };
  t.match(
    start.problems.map(({ line, message }) => `${line} ${message}`),
    [/^1 .*bomb\.flac: .*(unpacks to more than 19660800 samples|took more than 150 MB of memory)/],
  );
  const bad = run(...trainArgs("bombs2", "--decode-seconds", "0"));
  t.match(bad.err, /--decode-seconds: expected seconds above 0, got 0/);
  t.equal(bad.status, 2);
  const shown = run("pitch", join(data, "bomb.flac"), "--decode-seconds", "0.001");
  t.equal(shown.status, 1);
  t.match(
    shown.err,
    /^echo-asr: .*bomb\.flac: decoding took longer than 0\.3 s; --decode-seconds allows more\n$/,
  );
});
