// What training minimises: cross entropy of the next token, and CTC on the encoder beside it.

import { crossEntropyLoss } from "@echo-ts/autograd";
import type { Tensor } from "@echo-ts/tensor";

/** Id of padding: not counted in the loss. */
const PAD = 0;

/**
 * Mean cross entropy of the labels that are not padding.
 *
 * logits [B, L, V], labels int32 [B, L] -> []
 *
 * @param labelSmoothing share of the target spread over the vocabulary, default 0
 */
export function sequenceLoss(logits: Tensor, labels: Tensor, labelSmoothing = 0): Tensor {
  return crossEntropyLoss(logits, labels, { ignoreIndex: PAD, labelSmoothing });
}
