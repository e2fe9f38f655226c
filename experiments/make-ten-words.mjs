// Makes a data folder of one speaker of FSDD (Free Spoken Digit Dataset): takes 0 to 19 of each digit to train on, 20 to 49
// to score, as somebody's own ten words. node experiments/make-ten-words.mjs FSDD SPEAKER OUT
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";

const WORDS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"];
const [from, speaker, out] = process.argv.slice(2);
if (out === undefined) {
  console.error(
    "usage: node experiments/make-ten-words.mjs FSDD SPEAKER OUT, after make-manifest.mjs fsdd FSDD",
  );
  process.exit(2);
}
const rows = readFileSync(join(from, "manifest.jsonl"), "utf8")
  .trim()
  .split("\n")
  .map((line) => JSON.parse(line));
const own = rows.filter((row) => row.speaker === speaker);
if (own.length === 0) throw new Error(`${from}: no row of speaker ${speaker}`);
mkdirSync(join(out, "wav"), { recursive: true });
const lines = own.map(({ id, file, digit, index }) => {
  const name = join("wav", basename(file));
  copyFileSync(join(from, file), join(out, name));
  return JSON.stringify({ id, file: name, text: WORDS[digit], speaker, split: index < 20 ? "train" : "dev" });
});
writeFileSync(join(out, "manifest.jsonl"), `${lines.join("\n")}\n`);
console.log(`${out}: ${lines.length} recordings of ${speaker}`);
