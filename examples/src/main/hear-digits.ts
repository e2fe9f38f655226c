// The first thing `npm start` shows: the shipped checkpoint writes down digits of a voice that it was never trained on.
// The strings are those of strings.jsonl, in the order of the file; none is chosen by its result. Read next: ../main.ts.
import {
  FeatureStore,
  inputOf,
  parseManifest,
  parseStrings,
  type Recognizer,
  scoreCorpus,
  scoreText,
  transcribe,
} from "@echo-ts/echo-model";
import { nodeFiles } from "@echo-ts/echo-model/node";
import { bootstrapRate, wordConfusions } from "@echo-ts/echo-model/study";
import { stream } from "@echo-ts/tensor";

/** What came out, for the closing table. */
export interface DigitsResult {
  readonly strings: number;
  /** Strings without an error. */
  readonly correct: number;
  /** Word errors per word said. */
  readonly wordErrors: number;
}

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

/**
 * Transcribes the strings of digits, prints the first with the time and confidence of each word, the next seven as text,
 * and the error rate of them all.
 * @param most - strings to take, from the first on.
 */
export async function hearDigits(
  recognizer: Recognizer,
  dataFolder: string,
  most: number,
): Promise<DigitsResult> {
  const files = nodeFiles(dataFolder);
  const text = async (name: string): Promise<string> => (await files.readText(name)) ?? "";
  const recordings = parseManifest(await text("manifest.jsonl"), "manifest.jsonl").utterances;
  const all = parseStrings(await text("strings.jsonl"), "strings.jsonl", recordings).utterances;
  const digits = all.filter(({ row }) => row.style === "digits");
  const taken = digits.slice(0, most);
  const store = new FeatureStore(files, inputOf(recognizer.config));
  const rows: { reference: string; hypothesis: string }[] = [];
  for (const utterance of taken) {
    const { wave } = await store.wholePiece(utterance);
    const { text: hypothesis, words } = await transcribe(recognizer, wave);
    if (rows.length === 0) {
      console.log(`the first of ${digits.length} strings of digits, ${utterance.id}:`);
      console.log(`  said   ${utterance.text}\n  heard  ${hypothesis}\n`);
      console.log("  word      from      to   confidence");
      for (const { word, start, end, confidence = 0 } of words)
        console.log(
          `  ${word.padEnd(6)} ${start.toFixed(2).padStart(5)} s ${end.toFixed(2).padStart(5)} s ${percent(confidence).padStart(12)}`,
        );
      console.log("\nthe next ones, in the order of the file:");
    } else if (rows.length < 8)
      console.log(`  said ${utterance.text.padEnd(36)} heard ${hypothesis || "nothing"}`);
    rows.push({ reference: utterance.text, hypothesis });
  }
  const { words, correct } = scoreCorpus(rows);
  const interval = bootstrapRate(
    rows.map((row) => scoreText(row).words),
    { random: stream("main", "digits") },
  );
  console.log(
    `\n${taken.length === digits.length ? `all ${taken.length}` : `the first ${taken.length}`} strings: ${correct} without an error; ` +
      `word errors ${percent(words.rate)} (95 % interval ${percent(interval.low)} to ${percent(interval.high)}; ` +
      `S ${words.substitutions} D ${words.deletions} I ${words.insertions} of ${words.total} words)`,
  );
  const errors = wordConfusions(rows).map(
    ({ said, written, count }) => `${said ?? "nothing"} as ${written ?? "nothing"} ${count}`,
  );
  console.log(`  said and written, with how often: ${errors.join(", ")}`);
  console.log('  ("oh" and the letter "o" sound the same; both are words of AN4)');
  return { strings: taken.length, correct, wordErrors: words.rate };
}
