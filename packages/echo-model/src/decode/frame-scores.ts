// CTC scores of a batch as plain numbers, one table per utterance, padding cut off.

import { noGrad } from "@echo-ts/autograd";
import { logSoftmax } from "@echo-ts/tensor";
import type { FeatureName } from "../model/encoder-feature.ts";
import type { Echo } from "../model/model.ts";
import type { FrameScores } from "./ctc-decode.ts";
import type { Encoded } from "./stepper.ts";

/**
 * Log probabilities per frame of each utterance of an encoded batch.
 *
 * @throws Error if the model has no CTC head
 */
export function ctcFrameScores(echo: Echo, encoded: Encoded): FrameScores[] {
  const logits = noGrad(() => {
    const raw = echo.ctcLogits(encoded);
    return raw === null ? null : logSoftmax(raw);
  });
  if (logits === null) {
    throw new Error(
      "ctcFrameScores: the model has no CTC head; set model.ctcHead true, or decode with attention",
    );
  }
  const [batch, frames, vocabulary] = logits.shape as [number, number, number];
  const values = Float32Array.from(logits.dataSync());
  const { lengths } = encoded.get(echo.config.features[0] as FeatureName)!;
  return Array.from({ length: batch }, (_, b) => {
    const real = lengths?.[b] ?? frames;
    const start = b * frames * vocabulary;
    return { values: values.subarray(start, start + real * vocabulary), frames: real, vocabulary };
  });
}
