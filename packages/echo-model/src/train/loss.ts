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
  /** The weighted sum of the parts, each taken by its share. */
  readonly total: Tensor;
  /** Null when its weight is 0. */
  readonly ctc: Tensor | null;
  readonly crossEntropy: Tensor | null;
}

/** What part of a larger batch this one is, by what each loss is averaged over: utterances, and labels. */
export interface BatchShares {
  readonly ctc: number;
  readonly crossEntropy: number;
}

const WHOLE: BatchShares = { ctc: 1, crossEntropy: 1 };

/**
 * The shares of batches whose gradients are added, so that their sum is that of one batch of them all.
 *
 * @example sharesOf([{ targetLengths: [1], labelCount: 2 }, { targetLengths: [2, 3], labelCount: 7 }])[1]
 * // { ctc: 2 / 3, crossEntropy: 7 / 9 }
 */
export function sharesOf(parts: readonly Pick<Targets, "targetLengths" | "labelCount">[]): BatchShares[] {
  const utterances = parts.reduce((sum, { targetLengths }) => sum + targetLengths.length, 0);
  const labels = parts.reduce((sum, { labelCount }) => sum + labelCount, 0);
  return parts.map(({ targetLengths, labelCount }) => ({
    ctc: targetLengths.length / utterances,
    crossEntropy: labelCount / labels,
  }));
}

/**
 * ctcWeight * CTC + (1 - ctcWeight) * cross entropy. CTC is divided by each target's length, then averaged;
 * utterances with more tokens than frames count 0 there. With middleCtcWeight, that share of it is taken from the
 * frames after the middle encoder block, through the same head (Lee and Watanabe 2021, "Intermediate loss
 * regularization for CTC-based speech recognition"). A model with an output for phones there, told the phones of the
 * texts, learns those instead.
 *
 * @param shares of a batch that is a part of a larger one, from `sharesOf`; the total counts by them
 */
export function batchLoss(
  echo: Echo,
  features: EchoFeatures,
  targets: Targets,
  { ctcWeight, middleCtcWeight, labelSmoothing }: EchoConfig["loss"],
  shares: BatchShares = WHOLE,
): BatchLoss {
  const encoded = echo.encode(features);
  let ctc: Tensor | null = null;
  if (ctcWeight > 0) {
    const { frames, middle, phoneLogits, lengths } = encoded.get(echo.mainFeature)!;
    const counts = lengths ?? targets.targetLengths.map(() => frames.shape[1]!);
    const ctcOf = (logits: Tensor, labels: Tensor, labelCounts: readonly number[]): Tensor =>
      ctcLoss(logSoftmax(logits), labels, counts, labelCounts, { layout: "NTV", zeroInfinity: true });
    const tokensAfter = (x: Tensor): Tensor =>
      ctcOf(echo.ctcHead!.forward(x), targets.ctcTargets, targets.targetLengths); // [B, T', V]
    ctc = tokensAfter(frames);
    if (middleCtcWeight > 0) {
      const { phones } = targets;
      const inMiddle =
        phoneLogits !== null && phones !== null
          ? ctcOf(phoneLogits, phones.targets, phones.lengths)
          : tokensAfter(middle!);
      ctc = add(mul(ctc, 1 - middleCtcWeight), mul(inMiddle, middleCtcWeight));
    }
  }
  const times = (x: Tensor, weight: number): Tensor => (weight === 1 ? x : mul(x, weight));
  const ctcPart = ctc && times(ctc, ctcWeight * shares.ctc);
  if (ctcWeight === 1) return { total: ctcPart!, ctc, crossEntropy: null };
  const logits = echo.decoder.forward(targets.inputIds, encoded); // [B, L, V]
  const crossEntropy = sequenceLoss(logits, targets.labels, labelSmoothing);
  const rest = times(crossEntropy, (1 - ctcWeight) * shares.crossEntropy);
  return { total: ctcPart === null ? rest : add(ctcPart, rest), ctc, crossEntropy };
}
