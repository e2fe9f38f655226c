// The layouts of public corpora from their lists to trained models and error rates, with real recordings in the
// formats that each corpus uses; and recordings that only turn out to be unusable when they are decoded.

import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  applyOverrides,
  decodeRecording,
  describeProblem,
  prepareTraining,
  readFeatures,
  resolveConfig,
} from "@echo-ts/echo-model";
import { nodeFiles, runTraining } from "@echo-ts/echo-model/node";
import { configureWasm } from "@echo-ts/tensor";
import t from "tap";
import { readSphere } from "../../../packages/echo-model/dist/data/sphere.js";

configureWasm({ threads: 1 });

const here = dirname(fileURLToPath(import.meta.url));
const codecs = join(here, "../../fixtures/codecs");
const recordings = join(here, "../../../data/asterisk-alnum/wav");
const root = mkdtempSync(join(tmpdir(), "echo-corpora-"));
t.teardown(() => rmSync(root, { recursive: true }));

/** The recordings that there are in every format needed, with what is said in them. */
const SPOKEN = { "digits-2": "two", "digits-7": "seven", "letters-w": "w" } as const;
const names = Object.keys(SPOKEN) as (keyof typeof SPOKEN)[];

function write(path: string, content: string | Uint8Array): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
}

function copy(from: string, to: string): void {
  mkdirSync(dirname(to), { recursive: true });
  copyFileSync(from, to);
}

/** LibriSpeech: SPLIT/READER/CHAPTER/READER-CHAPTER-NUMBER.flac and one list a chapter. */
function libriSpeech(folder: string): void {
  for (const chapter of ["train-clean-5/7/21", "dev-clean/84/121123"]) {
    const [, reader, number] = chapter.split("/");
    const lines = names.map((name, i) => {
      const id = `${reader}-${number}-000${i}`;
      copy(join(codecs, `${name}.flac`), join(folder, chapter, `${id}.flac`));
      return `${id} ${SPOKEN[name].toUpperCase()}\n`;
    });
    write(join(folder, chapter, `${reader}-${number}.trans.txt`), lines.join(""));
  }
  write(
    join(folder, "SPEAKERS.TXT"),
    ";ID  |SEX| SUBSET           |MINUTES| NAME\n7    | M | train-clean-5    | 25.03 | One\n84   | F | dev-clean        |  8.02 | Two\n",
  );
}

/** FLEURS: SPLIT.tsv without a header, WAV below audio/SPLIT. */
function fleurs(folder: string): void {
  for (const split of ["train", "dev"]) {
    const lines = names.map((name, i) => {
      const wave = readFileSync(join(recordings, `${name}.wav`));
      write(join(folder, "audio", split, `10${i}.wav`), wave);
      const text = SPOKEN[name];
      const spelled = Array.from(text, (letter) => `${letter} `).join("");
      const samples = (wave.length - 44) / 2;
      return [`${i}`, `10${i}.wav`, `${text}.`, text, `${spelled}|`, `${samples}`, "FEMALE"].join("\t");
    });
    write(join(folder, `${split}.tsv`), `${lines.join("\n")}\n`);
  }
}

/** Common Voice: SPLIT.tsv with a header, MP3 below clips, lengths only in clip_durations.tsv (left out here). */
function commonVoice(folder: string): void {
  const header = ["client_id", "path", "sentence", "up_votes", "down_votes", "age", "gender", "locale"];
  for (const split of ["train", "dev"]) {
    const rows = names.map((name) => {
      const clip = `common_voice_en_${split}_${name}.mp3`;
      copy(join(codecs, `${name}.mp3`), join(folder, "clips", clip));
      return ["f00", clip, `${SPOKEN[name]}.`, "2", "0", "", "female", "en"];
    });
    write(join(folder, `${split}.tsv`), [header, ...rows].map((cells) => `${cells.join("\t")}\n`).join(""));
  }
}

/** A SPHERE file as AN4's: a header of 1024 bytes, then the samples of a WAV file of ours, in either byte order. */
function sphereFile(wave: Uint8Array, order: "01" | "10", coding = "pcm"): Uint8Array {
  const samples = Uint8Array.from(wave.subarray(44));
  if (order === "10")
    for (let i = 0; i < samples.length; i += 2) [samples[i], samples[i + 1]] = [samples[i + 1]!, samples[i]!];
  const header = [
    "NIST_1A",
    "   1024",
    "database_id -s3 AN4",
    "channel_count -i 1",
    `sample_count -i ${samples.length / 2}`,
    "sample_rate -i 16000",
    "sample_n_bytes -i 2",
    `sample_byte_format -s2 ${order}`,
    `sample_coding -s${coding.length} ${coding}`,
    "end_head\n",
  ].join("\n");
  const bytes = new Uint8Array(1024 + samples.length).fill(0x20);
  bytes.set(new TextEncoder().encode(header));
  bytes.set(samples, 1024);
  return bytes;
}

/** AN4: etc/an4_SPLIT.fileids and .transcription, SPHERE files below wav. */
function an4(folder: string): void {
  for (const split of ["train", "test"]) {
    const ids = names.map((name, i) => {
      const path = `an4_${split === "train" ? "clstk" : "test_clstk"}/fash/an25${i}-fash-b`;
      const wave = readFileSync(join(recordings, `${name}.wav`));
      write(join(folder, "wav", `${path}.sph`), sphereFile(wave, i === 0 ? "10" : "01"));
      return { path, line: `<s> ${SPOKEN[name].toUpperCase()} </s> (an25${i}-fash-b)` };
    });
    write(join(folder, `etc/an4_${split}.fileids`), ids.map(({ path }) => `${path}\n`).join(""));
    write(join(folder, `etc/an4_${split}.transcription`), ids.map(({ line }) => `${line}\n`).join(""));
  }
}

const SMALL = {
  model: { dims: 16, heads: 2, audioLayers: 1, textLayers: 1, textContext: 8 },
  augment: { speeds: [1, 1.1] },
  optimizer: { warmupSteps: 1 },
  training: { epochs: 0, maxSteps: 2, evaluateEvery: 0, checkpointEvery: 0 },
  decode: { maxTokens: 4 },
};

const configOf = (...overrides: string[]) => resolveConfig(applyOverrides(SMALL, overrides));

t.test("each layout trains and is scored, from the files as they are unpacked", async (t) => {
  const layouts = [
    {
      format: "librispeech",
      make: libriSpeech,
      train: "train-clean-5",
      evaluate: "dev-clean",
      groups: ["84"],
    },
    { format: "fleurs", make: fleurs, train: "train", evaluate: "dev", groups: ["unknown"] },
    { format: "commonVoice", make: commonVoice, train: "train", evaluate: "dev", groups: ["f00"] },
    { format: "an4", make: an4, train: "train", evaluate: "test", groups: ["fash"] },
  ];
  for (const { format, make, train, evaluate, groups } of layouts) {
    const dataFolder = join(root, format);
    make(dataFolder);
    const summary = await runTraining({
      config: configOf(
        `data.format=${format}`,
        `data.trainSplit=${train}`,
        `data.evaluateSplit=${evaluate}`,
        "data.badRows=fail",
      ),
      dataFolder,
      outFolder: join(root, `${format}-run`),
    });
    t.equal(summary.utterances, 6, `${format}: two steps of three utterances`);
    const { scores, texts } = summary.evaluations.get(evaluate)!;
    t.same(
      texts.map(({ reference }) => reference),
      Object.values(SPOKEN),
      `${format}: texts`,
    );
    const { speaker, sex, pitch } = scores.get("ctc")!.groups;
    t.same([...speaker.keys()], groups, `${format}: speakers`);
    t.same([...sex.keys()], ["female"], `${format}: sex`);
    t.notOk(pitch.has("unknown"), `${format}: every recording is voiced`);
  }
});

t.test("the same recording gives the same features in every layout that keeps its samples", async (t) => {
  const featuresOf = async (format: string, split: string) => {
    const config = configOf(
      `data.format=${format}`,
      `data.trainSplit=${split}`,
      `data.evaluateSplit=${split}`,
    );
    const { evaluation } = await prepareTraining(nodeFiles(join(root, format)), config);
    return Promise.all(evaluation.get(split)!.map(({ features }) => readFeatures(features)));
  };
  const wave = await featuresOf("fleurs", "dev");
  t.same(await featuresOf("librispeech", "dev-clean"), wave, "FLAC");
  t.same(await featuresOf("an4", "test"), wave, "SPHERE, in both byte orders");
});

t.test("SPHERE files", async (t) => {
  const wave = readFileSync(join(recordings, "digits-2.wav"));
  const little = sphereFile(wave, "01");
  t.match(readSphere(little, "a.sph"), {
    start: 1024,
    end: little.length,
    sampleRate: 16000,
    channels: 1,
    encoding: "int16",
    byteOrder: "little",
  });
  const plain = await decodeRecording(wave, "a.wav", 16000);
  t.same(await decodeRecording(little, "a.sph", 16000), plain);
  t.same(await decodeRecording(sphereFile(wave, "10"), "a.sph", 16000), plain);
  t.same(
    await decodeRecording(little, "a.sph", 8000),
    await decodeRecording(wave, "a.wav", 8000),
    "another rate",
  );
  // Bytes after the samples are not samples, and a file that was cut off gives what is there.
  const longer = new Uint8Array([...little, 1, 2, 3, 4]);
  t.same(await decodeRecording(longer, "a.sph", 16000), plain);
  const cut = await decodeRecording(little.subarray(0, 1024 + 2000), "a.sph", 16000);
  t.same(cut, plain.subarray(0, 1000));
  await t.rejects(decodeRecording(sphereFile(wave, "01", "pcm,embedded-shorten-v2.00"), "a.sph", 16000), {
    name: "DataError",
    message:
      "readSphere: a.sph: expected 16-bit pcm or ulaw samples, got pcm,embedded-shorten-v2.00, 2 bytes in the order 01",
  });
  const text = (value: string) => new TextEncoder().encode(value);
  t.throws(() => readSphere(text("NIST_1A\n   9999\n"), "a.sph"), {
    message: 'readSphere: a.sph: header size: expected 16 to 16 bytes, got "9999"',
  });
  t.throws(() => readSphere(text("NIST_1A\n     32\nchannels -i 1\n \n"), "a.sph"), {
    message: "readSphere: a.sph: sample_rate: expected a whole number from 1 to 1000000, got nothing",
  });
  // Numbers that would take the memory of the machine are refused before any of it is taken.
  const padded = (value: string, size: number) => {
    const all = new Uint8Array(size);
    all.set(text(value));
    return all;
  };
  t.throws(() => readSphere(padded("NIST_1A\n 900000\nsample_rate -i 16000\n", 1_000_000), "a.sph"), {
    name: "DataError",
    message: 'readSphere: a.sph: header size: expected 16 to 65536 bytes, got "900000"',
  });
  t.throws(() => readSphere(padded("NIST_1A\n     80\nchannel_count -i 100000000\n", 100), "a.sph"), {
    message: "readSphere: a.sph: channel_count: expected a whole number from 1 to 256, got 100000000",
  });
  t.throws(() => readSphere(padded("NIST_1A\n     80\nsample_rate -i 4000000000\n", 100), "a.sph"), {
    message: "readSphere: a.sph: sample_rate: expected a whole number from 1 to 1000000, got 4000000000",
  });
  const mulaw = text(
    "NIST_1A\n     80\nsample_rate -i 8000\nsample_n_bytes -i 1\nsample_coding -s4 ulaw\n",
  ).slice();
  const bytes = new Uint8Array(82);
  bytes.set(mulaw.subarray(0, 80));
  bytes.set([0xff, 0x80], 80); // G.711: zero, and the largest value
  const loud = await decodeRecording(bytes, "u.sph", 8000);
  t.same([loud.length, loud[0]], [2, 0]);
  t.ok(Math.abs(loud[1]! - 32124 / 32768) < 1e-6, `${loud[1]}`);
});

t.test("what only decoding shows is reported with file and line too", async (t) => {
  const folder = join(root, "broken");
  libriSpeech(folder);
  const bad = join(folder, "train-clean-5/7/21/7-21-0001.flac");
  // A sound header and then nothing that a decoder could use.
  writeFileSync(bad, Buffer.concat([readFileSync(bad).subarray(0, 100), Buffer.alloc(5000, 0x55)]));
  const splits = ["data.trainSplit=train-clean-5", "data.evaluateSplit=dev-clean", "data.format=librispeech"];
  const data = await prepareTraining(nodeFiles(folder), configOf(...splits));
  t.equal(data.size, 2);
  t.same(
    data.problems.map(({ kind }) => kind),
    ["unreadable-audio"],
  );
  t.match(
    describeProblem(data.problems[0]!),
    /^train-clean-5\/7\/21\/7-21\.trans\.txt:2: decodeAudio: train-clean-5\/7\/21\/7-21-0001\.flac: damaged or unreadable flac/,
  );
  await t.rejects(prepareTraining(nodeFiles(folder), configOf(...splits, "data.badRows=fail")), {
    name: "DataError",
    message: /^data: 1 row cannot be used .*\n.*7-21\.trans\.txt:2: /s,
  });

  // MP3 headers do not tell the length; letters-w lasts 0.87 s, digits-7 0.78 s, digits-2 0.61 s.
  const clips = ["data.format=commonVoice", "data.maxSeconds=0.7"];
  const short = await prepareTraining(nodeFiles(join(root, "commonVoice")), configOf(...clips));
  t.equal(short.size, 1);
  t.same(short.problems.map(describeProblem), [
    "train.tsv:3: the audio lasts 0.78 s, expected at most 0.7 s",
    "train.tsv:4: the audio lasts 0.87 s, expected at most 0.7 s",
    "dev.tsv:3: the audio lasts 0.78 s, expected at most 0.7 s",
    "dev.tsv:4: the audio lasts 0.87 s, expected at most 0.7 s",
  ]);
  await t.rejects(
    prepareTraining(nodeFiles(join(root, "commonVoice")), configOf(clips[0]!, "data.maxSeconds=0.2")),
    {
      message:
        /^training: no utterance can be used, expected at least one:\ntrain\.tsv:2: the audio lasts 0\.61 s/,
    },
  );
});

t.test("a list of the wrong kind says what is wrong in its first rows", async (t) => {
  const folder = dirname(recordings);
  const config = configOf("data.format=strings", "data.trainSplit=all", "data.evaluateSplit=all");
  await t.rejects(prepareTraining(nodeFiles(folder), config), {
    message:
      /^training: no row of split "all" can be used:\nmanifest\.jsonl:1: clips: expected a list of recording ids, got undefined\n.*\n\.\.\. and 118 more$/s,
  });
  const libri = configOf("data.format=librispeech", "data.trainSplit=train-clean-100");
  await t.rejects(prepareTraining(nodeFiles(folder), libri), {
    message: /^loadDataSet: no \*\.trans\.txt below train-clean-100\/ in the data folder; the split is/,
  });
});
