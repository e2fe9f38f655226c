// CTC scores of a batch as plain numbers, one table per utterance, padding cut off.

import { noGrad } from "@echo-ts/autograd";
import { logSoftmax, type Tensor } from "@echo-ts/tensor";
import type { FeatureName } from "../../model/encoder-feature.ts";
import type { Echo } from "../../model/model.ts";
import type { FrameScores } from "./ctc-search.ts";
import type { Encoded } from "./stepper.ts";

/**
 * Log probabilities per frame of each utterance of an encoded batch.
 *
 * @throws Error if the model has no CTC head
 */
export function ctcFrameScores(echo: Echo, encoded: Encoded): FrameScores[] {
  const logits = logProbabilities(echo, encoded);
  return perUtterance(echo, encoded, logits, logits.dataSync());
}

/** `ctcFrameScores` on every backend, a GPU too. */
export async function ctcFrameScoresAsync(echo: Echo, encoded: Encoded): Promise<FrameScores[]> {
  const logits = logProbabilities(echo, encoded);
  return perUtterance(echo, encoded, logits, await logits.data());
}

function logProbabilities(echo: Echo, encoded: Encoded): Tensor {
  const logits = noGrad(() => {
    const raw = echo.ctcLogits(encoded);
    return raw === null ? null : logSoftmax(raw);
  });
  if (logits !== null) return logits;
  throw new Error(
    "ctcFrameScores: the model has no CTC head; set model.ctcHead true, or decode with attention",
  );
}

function perUtterance(echo: Echo, encoded: Encoded, logits: Tensor, data: ArrayLike<number>): FrameScores[] {
  const [batch, frames, vocabulary] = logits.shape as [number, number, number];
  const values = Float32Array.from(data);
  const { lengths } = encoded.get(echo.config.features[0] as FeatureName)!;
  return Array.from({ length: batch }, (_, b) => {
    const real = lengths?.[b] ?? frames;
    const start = b * frames * vocabulary;
    return { values: values.subarray(start, start + real * vocabulary), frames: real, vocabulary };
  });
}
