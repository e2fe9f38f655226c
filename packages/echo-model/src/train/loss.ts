// What a training step minimises: CTC on the encoder and cross entropy of the decoder, weighted.
// Shapes: B utterances, T' encoder frames, L tokens, V vocabulary.
import { ctcLoss } from "@echo-ts/autograd";
import { add, logSoftmax, mul, type Tensor } from "@echo-ts/tensor";
import type { EchoFeatures } from "../model/batch.ts";
import { sequenceLoss } from "../model/loss.ts";
import type { Echo } from "../model/model.ts";
import type { EchoConfig } from "../settings/settings.ts";
import type { Targets } from "../speech/collate.ts";

/** The loss of a batch and its parts, each []. */
export interface BatchLoss {
  readonly total: Tensor;
  /** Null when its weight is 0. */
  readonly ctc: Tensor | null;
  readonly crossEntropy: Tensor | null;
}

/**
 * ctcWeight * CTC + (1 - ctcWeight) * cross entropy. CTC is divided by each target's length, then averaged;
 * utterances with more tokens than frames count 0 there. With middleCtcWeight, that share of it is taken from the
 * frames after the middle encoder block, through the same head (Lee and Watanabe 2021, "Intermediate loss
 * regularization for CTC-based speech recognition").
 */
export function batchLoss(
  echo: Echo,
  features: EchoFeatures,
  targets: Targets,
  { ctcWeight, middleCtcWeight, labelSmoothing }: EchoConfig["loss"],
): BatchLoss {
  const encoded = echo.encode(features);
  let ctc: Tensor | null = null;
  if (ctcWeight > 0) {
    const { frames, middle, lengths } = encoded.get(echo.mainFeature)!;
    const counts = lengths ?? targets.targetLengths.map(() => frames.shape[1]!);
    const ctcAfter = (x: Tensor): Tensor => {
      const logProbs = logSoftmax(echo.ctcHead!.forward(x)); // [B, T', V]
      return ctcLoss(logProbs, targets.ctcTargets, counts, targets.targetLengths, {
        layout: "NTV",
        zeroInfinity: true,
      });
    };
    ctc = ctcAfter(frames);
    if (middleCtcWeight > 0)
      ctc = add(mul(ctc, 1 - middleCtcWeight), mul(ctcAfter(middle!), middleCtcWeight));
  }
  if (ctcWeight === 1) return { total: ctc!, ctc, crossEntropy: null };
  const logits = echo.decoder.forward(targets.inputIds, encoded); // [B, L, V]
  const crossEntropy = sequenceLoss(logits, targets.labels, labelSmoothing);
  const total = ctc === null ? crossEntropy : add(mul(ctc, ctcWeight), mul(crossEntropy, 1 - ctcWeight));
  return { total, ctc, crossEntropy };
}
