// Word errors of a trained model, utterance by utterance: what the comparison of variants resamples. Read next:
// compare-variants.ts.
import {
  type EvaluationExample,
  evaluateModel,
  type OutputKind,
  withPitch,
} from "../evaluate/evaluate-model.ts";
import type { Recognizer } from "../speech/recognize-stretch.ts";
import { scoreText } from "../text/error-rates.ts";
import type { Reading } from "./plan.ts";

/** Word errors of one reading of a model on one set, by utterance. */
export interface SetScores {
  /** Words said in each utterance. */
  readonly words: readonly number[];
  /** Word errors in each utterance, by output. */
  readonly errors: Readonly<Partial<Record<OutputKind, readonly number[]>>>;
}

/** What is known of a finished run: `scores.json` in its folder. */
export interface RunScores {
  readonly run: string;
  readonly seed: number;
  /** Hash of the run, see `ExperimentJob`. */
  readonly hash: string;
  readonly steps: number;
  readonly parameters: number;
  readonly readings: readonly (Reading & { readonly sets: Readonly<Record<string, SetScores>> })[];
}

/** Scores each reading of a model on each set; `onProgress` is called with the share that is done. */
export async function scoreReadings(
  { echo, tokenizer, config }: Recognizer,
  sets: ReadonlyMap<string, readonly EvaluationExample[]>,
  readings: readonly Reading[],
  outputs: readonly OutputKind[],
  onProgress: (share: number) => void | Promise<void>,
): Promise<RunScores["readings"]> {
  const total = readings.length * [...sets.values()].reduce((sum, set) => sum + set.length, 0);
  let before = 0;
  const scored: RunScores["readings"][number][] = [];
  for (const reading of readings) {
    const bySet: Record<string, SetScores> = {};
    for (const [set, examples] of sets) {
      const used =
        reading.pitchHz === null ? examples : examples.map((one) => withPitch(one, reading.pitchHz!));
      const { texts } = await evaluateModel(echo, tokenizer, used, config, {
        kinds: outputs,
        onProgress: (done) => onProgress((before + done) / total),
      });
      before += examples.length;
      const scores = (kind: OutputKind): ReturnType<typeof scoreText>["words"][] =>
        texts.map((row) => scoreText({ reference: row.reference, hypothesis: row[kind] ?? "" }).words);
      bySet[set] = {
        words: scores(outputs[0]!).map((words) => words.total),
        errors: Object.fromEntries(outputs.map((kind) => [kind, scores(kind).map((words) => words.errors)])),
      };
    }
    scored.push({ ...reading, sets: bySet });
  }
  return scored;
}
