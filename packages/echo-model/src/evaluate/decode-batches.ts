// Texts of many utterances at once by greedy decoding: CTC, attention running freely, attention told the truth.
// For scoring; single recordings with beams and word times are for ../speech/transcribe.ts.
// Shapes: B utterances, T' encoder frames, L tokens, V vocabulary.
import { noGrad } from "@echo-ts/autograd";
import { argmax, keep, releasingResults, type Tensor, withBackend } from "@echo-ts/tensor";
import type { Echo } from "../model/model.ts";
import type { InputSettings } from "../settings/resolve.ts";
import { collateTargets, type Example } from "../speech/collate.ts";
import { cutBatches } from "../speech/cut-batches.ts";
import { ctcFrameScores, ctcGreedyDecode } from "../speech/decode/ctc-search.ts";
import { greedyDecode } from "../speech/decode/decoder-search.ts";
import type { Encoded } from "../speech/decode/stepper.ts";
import { backendOf, encodeUtterances } from "../speech/encode-utterances.ts";
import type { UtteranceFeatures } from "../speech/features.ts";
import { bestTexts, type Recognizer } from "../speech/recognize-stretch.ts";
import { readFeatures, type StoredFeatures } from "../speech/stored-features.ts";
import type { Tokenizer } from "../text/tokenizer.ts";

/** An utterance to decode, its features in memory or elsewhere. */
export interface DecodableExample extends Omit<Example, "features"> {
  readonly features: UtteranceFeatures | StoredFeatures;
}

/** Which texts are wanted. */
export interface DecodeChoice {
  readonly ctc: boolean;
  /** The attention decoder fed with its own output: what a user gets. */
  readonly free: boolean;
  /** The attention decoder fed with the true text: not a recognition result, shown beside. */
  readonly forced: boolean;
  /** Longest output of the attention decoder, in tokens. */
  readonly maxTokens: number;
  /** The search that `decode.method` of this configuration names, with its scorer; null where it is not wanted. */
  readonly search: Pick<Recognizer, "config" | "scorer"> | null;
}

/** Texts of one utterance; null where not wanted or not available. */
export interface DecodedTexts {
  readonly ctc: string | null;
  readonly free: string | null;
  readonly forced: string | null;
  /** What the search of `decode.method` found, where one was asked for. */
  readonly search?: string;
}

const BATCH = { maxFrames: 6400, maxUtterances: 16 };

/**
 * Decodes utterances, in batches of similar length; features that are not in memory are read for their batch only.
 * @param onProgress - called with the number of utterances done after each batch, and awaited.
 * @returns texts in the order of the examples.
 */
export async function decodeBatches(
  echo: Echo,
  tokenizer: Tokenizer,
  examples: readonly DecodableExample[],
  input: InputSettings,
  choice: DecodeChoice,
  onProgress?: (done: number) => void | Promise<void>,
): Promise<DecodedTexts[]> {
  const wasTraining = echo.training;
  echo.eval();
  const order = examples.map(({ features }, index) => ({ index, frames: features.frames }));
  order.sort((a, b) => a.frames - b.frames || a.index - b.index);
  const results = new Array<DecodedTexts>(examples.length);
  let done = 0;
  for (const batch of cutBatches(order, BATCH)) {
    const chosen = batch.map(({ index }) => examples[index]!);
    const texts = await decodeBatch(echo, tokenizer, chosen, input, choice);
    batch.forEach(({ index }, i) => {
      results[index] = texts[i]!;
    });
    done += batch.length;
    await onProgress?.(done);
  }
  echo.train(wasTraining);
  return results;
}

async function decodeBatch(
  echo: Echo,
  tokenizer: Tokenizer,
  examples: readonly DecodableExample[],
  input: InputSettings,
  { ctc, free, forced, maxTokens, search }: DecodeChoice,
): Promise<DecodedTexts[]> {
  const features = await Promise.all(examples.map((example) => readFeatures(example.features)));
  const encoded = encodeUtterances(echo, features, input);
  const scores =
    (ctc || search !== null) && echo.ctcHead !== null ? await ctcFrameScores(echo, encoded) : null;
  const ctcIds = ctc ? scores!.map((one) => ctcGreedyDecode(one).tokens) : null;
  const limit = Math.min(maxTokens, echo.config.textContext);
  const freeIds = free
    ? (await greedyDecode(echo, encoded, { maxTokens: limit, ids: tokenizer.special })).map(
        ({ tokens }) => tokens,
      )
    : null;
  const forcedIds = forced ? await teacherForced(echo, encoded, tokenizer, examples) : null;
  const found: string[] = [];
  if (search !== null)
    for (const row of examples.keys()) {
      const [best] = await bestTexts({ echo, tokenizer, ...search }, encoded, row, scores?.[row] ?? null);
      found.push(best === undefined ? "" : tokenizer.decode(best.tokens));
    }
  const text = (ids: readonly (readonly number[])[] | null, i: number): string | null =>
    ids === null ? null : tokenizer.decode(ids[i]!);
  return examples.map((_, i) => ({
    ctc: text(ctcIds, i),
    free: text(freeIds, i),
    forced: text(forcedIds, i),
    ...(search !== null && { search: found[i]! }),
  }));
}

/** Best token at each position of the true text, cut at the first end. */
async function teacherForced(
  echo: Echo,
  encoded: Encoded,
  { special }: Tokenizer,
  examples: readonly DecodableExample[],
): Promise<number[][]> {
  const decode = (): Tensor => {
    const { inputIds } = collateTargets(
      examples.map(({ tokens }) => tokens),
      special,
    );
    return keep(argmax(echo.decoder.forward(inputIds, encoded), -1)); // [B, L]
  };
  const chosen = withBackend(backendOf(echo), () => releasingResults(() => noGrad(decode)));
  const length = chosen.shape[1]!;
  const best = await chosen.data();
  const end = special.eos ?? special.pad;
  return examples.map(({ tokens }, b) => {
    const row = Array.from(best.subarray(b * length, b * length + tokens.length + 1));
    const stop = row.indexOf(end);
    return (stop < 0 ? row : row.slice(0, stop)).filter((id) => id !== special.pad && id !== special.bos);
  });
}
