// Which recognised words are right, with how certain CTC was of each: what a calibration is fitted on.
// Read first: ../speech/word-confidence.ts. Read next: ../cli/calibrate.ts.
import { alignEdits } from "../edit-distance.ts";
import type { Echo } from "../model/model.ts";
import type { InputSettings } from "../settings/resolve.ts";
import { ctcAlign, ctcFrameScores, ctcGreedyDecode } from "../speech/decode/ctc-search.ts";
import { wordTimes } from "../speech/decode/word-times.ts";
import { encodeUtterances } from "../speech/encode-utterances.ts";
import { readFeatures } from "../speech/stored-features.ts";
import {
  type Calibration,
  calibrated,
  fitCalibration,
  type JudgedWord,
  tokenConfidence,
} from "../speech/word-confidence.ts";
import type { Tokenizer } from "../text/tokenizer.ts";
import { splitWords } from "../text/word-tokenizer.ts";
import type { EvaluationExample } from "./evaluate-model.ts";

/** A judged word with its speaker, so that a calibration can be tried on speakers it was not fitted on. */
export interface SpokenWord extends JudgedWord {
  readonly speaker: string;
}

/**
 * Recognises each utterance by CTC and aligns the words with what was said: a word is right when it is a hit.
 * @throws Error if the model has no CTC head
 */
export async function judgeWords(
  echo: Echo,
  tokenizer: Tokenizer,
  examples: readonly EvaluationExample[],
  input: InputSettings,
  onProgress?: (done: number) => void,
): Promise<SpokenWord[]> {
  const words: SpokenWord[] = [];
  for (const [i, { features, text, speaker = "" }] of examples.entries()) {
    const encoded = encodeUtterances(echo, [await readFeatures(features)], input);
    const scores = (await ctcFrameScores(echo, encoded))[0]!;
    const spans = ctcAlign(scores, ctcGreedyDecode(scores).tokens).map((span) => ({
      ...span,
      confidence: tokenConfidence(scores, span),
    }));
    const found = wordTimes(spans, tokenizer, 1);
    const said = splitWords(text);
    for (const { kind, hypothesis } of alignEdits(
      said,
      found.map(({ word }) => word),
    )) {
      const word = found[hypothesis];
      if (word?.confidence !== undefined)
        words.push({ certainty: word.confidence, right: kind === "hit", speaker });
    }
    onProgress?.(i + 1);
  }
  return words;
}

/** Confidence of each word by a calibration that was fitted without its speaker; with one speaker, without a tenth. */
export function heldOutConfidence(
  words: readonly SpokenWord[],
): { readonly confidence: number; readonly right: boolean }[] {
  const speakers = new Set(words.map(({ speaker }) => speaker));
  const foldOf = (word: SpokenWord, i: number): string => (speakers.size > 1 ? word.speaker : String(i % 10));
  const folds = new Map<string, Calibration>();
  return words.map((word, i) => {
    const fold = foldOf(word, i);
    let calibration = folds.get(fold);
    if (calibration === undefined) {
      calibration = fitCalibration(words.filter((other, j) => foldOf(other, j) !== fold));
      folds.set(fold, calibration);
    }
    return { confidence: calibrated(word.certainty, calibration), right: word.right };
  });
}
