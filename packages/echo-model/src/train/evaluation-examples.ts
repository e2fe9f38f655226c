// The utterances of a set that a model is scored on. Read first: batches.ts. Read next: ../evaluate/evaluate-model.ts.
import type { RowProblem, Utterance } from "../data/utterance.ts";
import { TextError } from "../errors.ts";
import type { EvaluationExample } from "../evaluate/evaluate-model.ts";
import type { EchoConfig } from "../settings/settings.ts";
import type { FeatureStore } from "../speech/feature-store.ts";
import type { StoredFeatures } from "../speech/stored-features.ts";
import { normalizeText } from "../text/normalize.ts";
import type { Tokenizer } from "../text/tokenizer.ts";
import { splitWords } from "../text/word-tokenizer.ts";
import { isDecodable, transcriptOf } from "./batches.ts";

/**
 * Features and texts of utterances to score. Words that the tokenizer does not know stay in the text; recordings that
 * cannot be decoded are added to `problems`. The features stay in the store, which keeps no more than it may in memory.
 */
export async function evaluationExamples(
  store: FeatureStore,
  tokenizer: Tokenizer,
  utterances: readonly Utterance[],
  config: EchoConfig,
  problems: RowProblem[],
  listeners: {
    readonly onProgress: (done: number) => void;
    readonly onUsed?: (utterance: Utterance) => void;
  },
): Promise<EvaluationExample[]> {
  const examples: EvaluationExample[] = [];
  for (const [i, utterance] of utterances.entries()) {
    const { id, speaker, sex } = utterance;
    let frames = 0;
    const compute = async (): Promise<number> => {
      ({ frames } = await store.features(utterance));
      return frames;
    };
    if (await isDecodable(utterance, compute, config, (problem) => problems.push(problem))) {
      const features: StoredFeatures = { frames, read: () => store.features(utterance) };
      examples.push({ id, speaker, sex, features, ...knownTranscript(utterance, tokenizer) });
      listeners.onUsed?.(utterance);
    }
    listeners.onProgress(i + 1);
  }
  store.forgetPieces();
  return examples;
}

function knownTranscript(
  utterance: Utterance,
  tokenizer: Tokenizer,
): { text: string; tokens: readonly number[] } {
  try {
    return transcriptOf(utterance, tokenizer);
  } catch (error) {
    if (!(error instanceof TextError)) throw error;
    const text = normalizeText(utterance.text, tokenizer.toJSON().normalization);
    const tokens = splitWords(text).flatMap((word) => {
      try {
        return tokenizer.encode(word);
      } catch {
        return [];
      }
    });
    return { text, tokens };
  }
}
