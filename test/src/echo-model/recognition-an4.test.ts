// The shipped checkpoint in use on AN4's dev part, where it is at hand: ten minutes at once, and what confidence is worth.
import { readFileSync } from "node:fs";
import {
  calibrated,
  decodeRecording,
  extractFeatures,
  inputOf,
  recognizerOf,
  reliability,
  scoreText,
  transcribe,
} from "@echo-ts/echo-model";
import { loadCheckpoint, SHIPPED_CHECKPOINT } from "@echo-ts/echo-model/node";
import t from "tap";
import { heldOutConfidence, judgeWords } from "../../../packages/echo-model/dist/evaluate/judge-words.js";
import { joinClips } from "../../../packages/echo-model/dist/speech/join-clips.js";
import { readShared, sharedPath, skipWithoutShared } from "../shared-material.ts";

const RATE = 16000;
const checkpoint = await loadCheckpoint(SHIPPED_CHECKPOINT);
const recognizer = recognizerOf(checkpoint);

interface DevRow {
  readonly id: string;
  readonly file: string;
  readonly text: string;
  readonly split: string;
  readonly speaker: string;
}

/** AN4's dev recordings with their samples. */
async function devRecordings(): Promise<(DevRow & { readonly wave: Float32Array })[]> {
  const lines = readShared("data", "an4", "manifest.jsonl").trim().split("\n");
  const dev = lines.map((line) => JSON.parse(line) as DevRow).filter(({ split }) => split === "dev");
  const read = ({ file }: DevRow): Promise<Float32Array> =>
    decodeRecording(readFileSync(sharedPath("data", "an4", file)), file, RATE);
  return Promise.all(dev.map(async (row) => ({ ...row, wave: await read(row) })));
}

t.test("AN4's dev recordings joined to ten minutes", { skip: skipWithoutShared }, async (t) => {
  const dev = await devRecordings();
  // All twice, then the first again until ten minutes are full.
  const parts = [...dev, ...dev];
  let samples = parts.reduce((sum, { wave }) => sum + wave.length, 0);
  for (let i = 0; samples < 600 * RATE; i++) {
    parts.push(dev[i]!);
    samples += dev[i]!.wave.length;
  }
  const wave = joinClips(
    parts.map((part) => part.wave),
    new Array<number>(parts.length + 1).fill(0),
  );
  t.ok(wave.length >= 600 * RATE);
  const { text } = await transcribe(recognizer, wave);
  const { words } = scoreText({ reference: parts.map((part) => part.text).join(" "), hypothesis: text });
  t.comment(`word errors: ${(100 * words.rate).toFixed(1)} %`);
  t.ok(words.rate < 0.2, "below 20 %: cut apart by hand they give 15, without cuts at pauses 43");
});

/** Mean distance between what was said of words and what came true, over the rows of the table, by their words. */
function calibrationError(words: Parameters<typeof reliability>[0]): number {
  return reliability(words)
    .filter((row) => row.words > 0)
    .reduce((sum, row) => sum + (row.words / words.length) * Math.abs(row.confidence - row.right), 0);
}

t.test("confidence on AN4's dev part is the share of right words", { skip: skipWithoutShared }, async (t) => {
  const { tokenizer, echo } = recognizer;
  const examples = (await devRecordings()).map(({ id, text, speaker, wave }) => ({
    id,
    text,
    speaker,
    tokens: [], // words outside the vocabulary are said there too
    features: extractFeatures(wave, checkpoint.config.audio),
  }));
  const words = await judgeWords(echo, tokenizer, examples, inputOf(checkpoint.config));
  t.ok(words.length > 500, `${words.length} words`);
  // Each speaker's confidences come from a fit that never saw that speaker.
  const heldOut = calibrationError(heldOutConfidence(words));
  const raw = calibrationError(words.map(({ certainty, right }) => ({ confidence: certainty, right })));
  t.comment(
    `mean distance: ${(100 * heldOut).toFixed(1)} points, of CTC's own certainty ${(100 * raw).toFixed(1)}`,
  );
  t.ok(heldOut < 0.04, `said and true differ by ${heldOut}`);
  t.ok(heldOut < raw, "and by less than CTC's own certainty");
  const shipped = calibrationError(
    words.map(({ certainty, right }) => ({
      confidence: calibrated(certainty, recognizer.calibration!),
      right,
    })),
  );
  t.ok(shipped < 0.04, `the calibration that the checkpoint holds: ${shipped}`);
});
