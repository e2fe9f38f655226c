// Losses. Each compares predictions with targets and gives one number (or one per element); names and
// defaults follow PyTorch, with the class axis last. Read next: ctc.ts.

import {
  abs,
  add,
  cast,
  DtypeError,
  div,
  formatShape,
  gather,
  greater,
  indexSelect,
  less,
  mean,
  mul,
  neg,
  notEqual,
  reshape,
  ShapeError,
  sameShape,
  softplus,
  square,
  sub,
  sum,
  type Tensor,
  unsqueeze,
  where,
} from "@echo-ts/tensor";
import { checkOptions, checkTensors, crossEntropyRows, type OptionKinds } from "@echo-ts/tensor/internal";
import { constant } from "./tape.ts";

/** How the losses of the elements become one: their mean, their sum, or not at all. */
export type Reduction = "mean" | "sum" | "none";

/** Options of losses that compare elements one by one. */
export interface LossOptions {
  /** Default "mean". */
  readonly reduction?: Reduction;
}

/** How the losses of the elements may become one, for those who take it on. */
export const REDUCTIONS: readonly Reduction[] = ["mean", "sum", "none"];

const LOSS_OPTIONS: OptionKinds<LossOptions> = { reduction: REDUCTIONS };
const HUBER_OPTIONS = { ...LOSS_OPTIONS, delta: "number" } as const;
const CLASS_LOSS_OPTIONS: OptionKinds<ClassLossOptions> = {
  ...LOSS_OPTIONS,
  ignoreIndex: "number or null",
  weight: "tensor or null",
};
const CROSS_ENTROPY_OPTIONS = { ...CLASS_LOSS_OPTIONS, labelSmoothing: "number" } as const;

function reduce(loss: Tensor, reduction: Reduction = "mean"): Tensor {
  if (reduction === "none") return loss;
  return reduction === "sum" ? sum(loss) : mean(loss);
}

function checkSameShape(op: string, prediction: Tensor, target: Tensor): void {
  checkTensors(op, { prediction, target });
  if (!sameShape(prediction.shape, target.shape)) {
    throw new ShapeError(
      `${op}: prediction ${formatShape(prediction.shape)} and target ${formatShape(target.shape)} differ in shape`,
    );
  }
}

/**
 * Mean squared error. Prediction and target [..] of one shape -> []
 *
 * @example mseLoss(tensor([1, 2]), tensor([1, 4])).item() // 2
 */
export function mseLoss(prediction: Tensor, target: Tensor, options: LossOptions = {}): Tensor {
  checkOptions("mseLoss", options, LOSS_OPTIONS);
  checkSameShape("mseLoss", prediction, target);
  return reduce(square(sub(prediction, target)), options.reduction);
}

/**
 * Mean absolute error. Prediction and target [..] of one shape -> []
 *
 * @example l1Loss(tensor([1, 2]), tensor([1, 4])).item() // 1
 */
export function l1Loss(prediction: Tensor, target: Tensor, options: LossOptions = {}): Tensor {
  checkOptions("l1Loss", options, LOSS_OPTIONS);
  checkSameShape("l1Loss", prediction, target);
  return reduce(abs(sub(prediction, target)), options.reduction);
}

/**
 * Squared below `delta`, linear above: d^2 / 2 where |d| < delta, else delta (|d| - delta / 2). Huber 1964.
 *
 * @param options.delta positive, default 1
 */
export function huberLoss(
  prediction: Tensor,
  target: Tensor,
  options: LossOptions & { readonly delta?: number } = {},
): Tensor {
  checkOptions("huberLoss", options, HUBER_OPTIONS);
  const { delta = 1 } = options;
  checkSameShape("huberLoss", prediction, target);
  if (!(delta > 0)) throw new ShapeError(`huberLoss: delta must be positive, got ${delta}`);
  const difference = sub(prediction, target);
  const size = abs(difference);
  const linear = mul(sub(size, delta / 2), delta);
  return reduce(where(less(size, delta), mul(square(difference), 0.5), linear), options.reduction);
}

/**
 * Binary cross entropy of logits: log(1 + e^x) - t x, without overflow and without taking near numbers from each
 * other: at x = 40 and t = 1 it is e^-40, not 0. Logits and targets (0 to 1) of one shape -> []
 *
 * @example bceWithLogitsLoss(tensor([40]), tensor([1])).item().toPrecision(3) // "4.25e-18"
 */
export function bceWithLogitsLoss(logits: Tensor, target: Tensor, options: LossOptions = {}): Tensor {
  checkOptions("bceWithLogitsLoss", options, LOSS_OPTIONS);
  checkSameShape("bceWithLogitsLoss", logits, target);
  // log(1 + e^x) = log(1 + e^-|x|) + max(x, 0), and the latter meets t x where both are exact.
  const isPositive = constant(() => greater(logits, 0));
  const step = constant(() => cast(isPositive, logits.dtype));
  const far = mul(logits, sub(step, target));
  return reduce(add(far, softplus(where(isPositive, neg(logits), logits))), options.reduction);
}

/**
 * Kullback-Leibler divergence of log probabilities from target probabilities: t (log t - x), 0 where t is 0.
 * PyTorch's kl_div; its "batchmean" is "sum" divided by the batch size, and is the default here because the
 * mean over elements is no divergence.
 *
 * @param logProbs log probabilities [N, ..]; target probabilities of the same shape
 */
export function klDivLoss(
  logProbs: Tensor,
  target: Tensor,
  options: { readonly reduction?: Reduction | "batchmean" } = {},
): Tensor {
  checkOptions("klDivLoss", options, { reduction: ["batchmean", "mean", "sum", "none"] });
  const { reduction = "batchmean" } = options;
  checkSameShape("klDivLoss", logProbs, target);
  const positive = greater(target, 0);
  const entropy = where(positive, mul(target, where(positive, target, 1).log()), 0);
  const loss = sub(entropy, mul(target, logProbs));
  if (reduction !== "batchmean") return reduce(loss, reduction);
  return div(sum(loss), Math.max(1, logProbs.shape[0] ?? 1));
}

/** Options of `crossEntropyLoss` and `nllLoss`. */
export interface ClassLossOptions extends LossOptions {
  /** Label of positions that count nothing; default null: none. */
  readonly ignoreIndex?: number | null;
  /** Weight of each class [V], a constant; default all 1. The mean is then the weighted one. */
  readonly weight?: Tensor | null;
}

function checkLabels(
  op: string,
  scores: Tensor,
  target: Tensor,
  ignoreIndex: number | null,
  weight: Tensor | null,
): void {
  checkTensors(op, { scores, labels: target });
  const classes = scores.shape[scores.rank - 1];
  if (classes === undefined || !sameShape(scores.shape.slice(0, -1), target.shape)) {
    throw new ShapeError(
      `${op}: expected scores [.., classes] and labels [..], got ${formatShape(scores.shape)} and ${formatShape(target.shape)}`,
    );
  }
  if (target.dtype !== "int32") {
    throw new DtypeError(`${op}: labels must be int32, got ${target.dtype}`);
  }
  if (weight !== null && !sameShape(weight.shape, [classes])) {
    throw new ShapeError(
      `${op}: expected one weight per class, [${classes}], got ${formatShape(weight.shape)}`,
    );
  }
  if (!target.backend.host) return;
  const labels = target.dataSync();
  for (let i = 0; i < labels.length; i++) {
    const label = labels[i]!;
    if (label === ignoreIndex || (label >= 0 && label < classes)) continue;
    throw new ShapeError(
      `${op}: label ${label} at position ${i} is outside the ${classes} classes${ignoreIndex === null ? "; set ignoreIndex if it marks padding" : ` and is not ignoreIndex ${ignoreIndex}`}`,
    );
  }
}

/** Sums or averages the losses of labelled positions; the mean divides by the weight of the labels that count. */
function reduceRows(
  loss: Tensor,
  labels: Tensor,
  options: ClassLossOptions,
  shape: readonly number[],
): Tensor {
  const { reduction = "mean", ignoreIndex = null, weight = null } = options;
  if (reduction === "none") return reshape(loss, shape);
  if (reduction === "sum") return sum(loss);
  if (ignoreIndex === null && weight === null) return mean(loss);
  const total = constant(() => {
    const counts = notEqual(labels, ignoreIndex ?? -1);
    if (weight === null) return sum(counts.cast(loss.dtype));
    return sum(where(counts, indexSelect(weight, 0, where(counts, labels, 0)), 0));
  });
  return div(sum(loss), total);
}

/**
 * Cross entropy between softmax(logits) and class labels. PyTorch's cross_entropy, class axis last.
 *
 * logits [.., V], labels int32 [..] -> [] ([..] with reduction "none"). The mean over no labels at all is NaN.
 *
 * @param options.labelSmoothing share of the target spread over all classes, 0 to 1, default 0
 * @throws ShapeError if the shapes do not fit or a label is outside 0 .. V-1; DtypeError unless labels are int32
 * @example crossEntropyLoss(tensor([[2, 1]]), tensor([0], { dtype: "int32" })).item().toFixed(4) // "0.3133"
 */
export function crossEntropyLoss(
  logits: Tensor,
  labels: Tensor,
  options: ClassLossOptions & { readonly labelSmoothing?: number } = {},
): Tensor {
  checkOptions("crossEntropyLoss", options, CROSS_ENTROPY_OPTIONS);
  const { ignoreIndex = null, weight = null, labelSmoothing = 0 } = options;
  checkLabels("crossEntropyLoss", logits, labels, ignoreIndex, weight);
  if (!(labelSmoothing >= 0 && labelSmoothing <= 1)) {
    throw new ShapeError(`crossEntropyLoss: labelSmoothing must be between 0 and 1, got ${labelSmoothing}`);
  }
  const rows = reshape(logits, [labels.size, logits.shape[logits.rank - 1]!]);
  const flat = reshape(labels, [labels.size]);
  const loss = crossEntropyRows(rows, flat, weight, { ignoreIndex, labelSmoothing });
  return reduceRows(loss, flat, options, labels.shape);
}

/**
 * Negative log likelihood: minus the log probability of each label. PyTorch's nll_loss, class axis last.
 *
 * logProbs [.., V], labels int32 [..] -> []
 *
 * @throws as `crossEntropyLoss`
 */
export function nllLoss(logProbs: Tensor, labels: Tensor, options: ClassLossOptions = {}): Tensor {
  checkOptions("nllLoss", options, CLASS_LOSS_OPTIONS);
  const { ignoreIndex = null, weight = null } = options;
  checkLabels("nllLoss", logProbs, labels, ignoreIndex, weight);
  const flat = reshape(labels, [labels.size]);
  const counts = constant(() => notEqual(flat, ignoreIndex ?? -1));
  const safe = ignoreIndex === null ? flat : constant(() => where(counts, flat, 0));
  const rows = reshape(logProbs, [labels.size, logProbs.shape[logProbs.rank - 1]!]);
  let loss = neg(reshape(gather(rows, 1, unsqueeze(safe, 1)), [labels.size]));
  if (weight !== null) loss = mul(loss, indexSelect(weight, 0, safe));
  if (ignoreIndex !== null) loss = where(counts, loss, 0);
  return reduceRows(loss, flat, options, labels.shape);
}
