// Writes the manifest.jsonl that the experiments read into a folder as it was downloaded:
//   node experiments/make-manifest.mjs an4 FOLDER    CMU AN4, an4_sphere.tar.gz unpacked: FOLDER/etc and FOLDER/wav;
//                                                    an4-lexicon.txt is copied beside it as lexicon.txt
//   node experiments/make-manifest.mjs fsdd FOLDER   github.com/Jakobovski/free-spoken-digit-dataset: FOLDER/recordings
// The order of the rows belongs to the experiments: it decides what is drawn together.
import { createHash } from "node:crypto";
import { copyFileSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const byCodePoint = (a, b) => (a < b ? -1 : a > b ? 1 : 0);

/** AN4's training part; two women and six men, chosen by a hash of their names, are held out as "dev". */
function an4(folder) {
  const read = (name) => readFileSync(join(folder, "etc", name), "utf8").split(/\r?\n/);
  const texts = new Map();
  for (const line of read("an4_train.transcription")) {
    const match = /^(.*?)\s*\((\S+)\)\s*$/.exec(line);
    if (match)
      texts.set(
        match[2],
        match[1]
          .replace(/<\/?s>/g, " ")
          .trim()
          .replace(/\s+/g, " ")
          .toLowerCase(),
      );
  }
  const rows = read("an4_train.fileids")
    .map((path) => path.trim())
    .filter((path) => path !== "")
    .map((path) => {
      const id = path.slice(path.lastIndexOf("/") + 1);
      const speaker = id.split("-")[1];
      const sex = speaker.startsWith("f") ? "female" : "male";
      return { id, file: `wav/${path}.sph`, text: texts.get(id), speaker, sex, language: "en" };
    });
  rows.sort((a, b) => byCodePoint(a.speaker, b.speaker) || byCodePoint(a.id, b.id));
  const speakers = [...new Set(rows.map(({ speaker }) => speaker))];
  const hash = (speaker) => createHash("sha256").update(`an4-dev:${speaker}`).digest("hex");
  speakers.sort((a, b) => byCodePoint(hash(a), hash(b)));
  const first = (letter, count) => speakers.filter((name) => name.startsWith(letter)).slice(0, count);
  const heldOut = new Set([...first("f", 2), ...first("m", 6)]);
  return rows.map((row) => ({ ...row, split: heldOut.has(row.speaker) ? "dev" : "train" }));
}

const DIGITS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"];

/** Files DIGIT_SPEAKER_INDEX.wav; index 0 to 4 is the data set's own test part. */
function fsdd(folder) {
  const rows = readdirSync(join(folder, "recordings")).flatMap((name) => {
    const match = /^(\d)_([a-z]+)_(\d+)\.wav$/.exec(name);
    if (!match) return [];
    const speaker = match[2];
    const [digit, index] = [Number(match[1]), Number(match[3])];
    const split = index < 5 ? "test" : index < 10 ? "dev" : "train";
    const id = name.slice(0, -".wav".length);
    const file = `recordings/${name}`;
    return [{ id, file, text: DIGITS[digit], speaker, sex: "male", language: "en", split, digit, index }];
  });
  return rows.sort((a, b) => byCodePoint(a.speaker, b.speaker) || a.digit - b.digit || a.index - b.index);
}

const [corpus, folder] = process.argv.slice(2);
const make = { an4, fsdd }[corpus];
if (make === undefined || folder === undefined) {
  console.error("usage: node experiments/make-manifest.mjs an4|fsdd FOLDER");
  process.exit(2);
}
const rows = make(folder);
writeFileSync(join(folder, "manifest.jsonl"), rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
console.log(`${join(folder, "manifest.jsonl")}: ${rows.length} rows`);
if (corpus === "an4") copyFileSync(join(import.meta.dirname, "an4-lexicon.txt"), join(folder, "lexicon.txt"));
