// The CTC loss: labels without alignment. Its dynamic programme is an op, see ops/ctc.ts in @echo-ts/tensor.

import {
  DtypeError,
  div,
  equal,
  formatShape,
  mean,
  moveAxis,
  ShapeError,
  sum,
  Tensor,
  tensor,
  where,
} from "@echo-ts/tensor";
import {
  checkOptions,
  checkTensors,
  ctcRows,
  type OptionKinds,
  wrongArgument,
} from "@echo-ts/tensor/internal";
import { REDUCTIONS, type Reduction } from "./losses.ts";
import { constant } from "./tape.ts";

/** Options of `ctcLoss`. */
export interface CtcLossOptions {
  /** Class that stands for "no label"; default 0. */
  readonly blank?: number;
  /** "mean" (default) divides each loss by its target length (1 for empty targets) and averages, as PyTorch does. */
  readonly reduction?: Reduction;
  /** Count impossible samples as 0 instead of Infinity; default false. */
  readonly zeroInfinity?: boolean;
  /** Axes of the log probabilities: time, batch, class (default) or batch, time, class. */
  readonly layout?: "TNV" | "NTV";
}

const CTC_OPTIONS: OptionKinds<CtcLossOptions> = {
  blank: "number",
  reduction: REDUCTIONS,
  zeroInfinity: "boolean",
  layout: ["TNV", "NTV"],
};

/**
 * Connectionist temporal classification: minus the log probability of a label sequence, summed over all
 * its alignments with the frames. Graves et al. 2006; PyTorch's ctc_loss.
 *
 * logProbs [T, N, V], targets int32 -> [] ([N] with reduction "none")
 *
 * An empty target is scored by the path of blanks alone. Where no alignment exists (fewer frames than labels
 * plus the blanks that repeated labels need) the loss is Infinity, or 0 with `zeroInfinity`, and the gradient 0.
 *
 * @param logProbs logSoftmax of the network's output along the classes
 * @param targets labels padded to one length [N, S] (what stands behind a target's length is ignored), or all
 *   targets end to end in one axis
 * @param inputLengths number of frames of each sample, 0 to T
 * @param targetLengths number of labels of each sample
 * @throws ShapeError if lengths, labels or shapes do not fit; DtypeError unless targets are int32
 * @example ctcLoss(logSoftmax(logits), tensor([[1, 2]], { dtype: "int32" }), [50], [2])
 */
export function ctcLoss(
  logProbs: Tensor,
  targets: Tensor,
  inputLengths: readonly number[] | Tensor,
  targetLengths: readonly number[] | Tensor,
  options: CtcLossOptions = {},
): Tensor {
  checkTensors("ctcLoss", { logProbs, targets });
  checkOptions("ctcLoss", options, CTC_OPTIONS);
  const { blank = 0, reduction = "mean", zeroInfinity = false, layout = "TNV" } = options;
  if (logProbs.rank !== 3) {
    throw new ShapeError(
      `ctcLoss: expected log probabilities of rank 3 (${layout}), got ${formatShape(logProbs.shape)}`,
    );
  }
  const steps = layout === "TNV" ? logProbs : moveAxis(logProbs, 1, 0);
  const [frames, samples, classes] = steps.shape as [number, number, number];
  if (!Number.isInteger(blank) || blank < 0 || blank >= classes) {
    throw new ShapeError(`ctcLoss: blank ${blank} is outside the ${classes} classes`);
  }
  const inputs = lengths("input", inputLengths, samples, frames);
  const counts = lengths("target", targetLengths, samples, Number.POSITIVE_INFINITY);
  const padded = padTargets(targets, counts, blank, classes);
  const place = { dtype: "int32", backend: logProbs.backend } as const;
  const integers = (data: Int32Array, shape: number[]): Tensor =>
    constant(() => tensor(data, { ...place, shape }));
  const rows = ctcRows(
    steps,
    integers(padded.labels, [samples, padded.width]),
    integers(inputs, [samples]),
    integers(counts, [samples]),
    { blank },
  );
  // Only infinity: NaN must stay visible.
  const loss = zeroInfinity ? where(equal(rows, Number.POSITIVE_INFINITY), 0, rows) : rows;
  if (reduction === "none") return loss;
  if (reduction === "sum") return sum(loss);
  const perLabel = Float32Array.from(counts, (count) => Math.max(1, count));
  const { dtype, backend } = loss;
  return mean(
    div(
      loss,
      constant(() => tensor(perLabel, { dtype, backend })),
    ),
  );
}

function lengths(kind: string, given: readonly number[] | Tensor, samples: number, most: number): Int32Array {
  const list = given instanceof Tensor ? Array.from(given.dataSync()) : given;
  if (typeof list !== "object" || list === null) {
    throw wrongArgument("ctcLoss", `${kind}Lengths`, "a list of numbers such as [50]", given);
  }
  if (list.length !== samples) {
    throw new ShapeError(`ctcLoss: expected ${samples} ${kind} lengths, one per sample, got ${list.length}`);
  }
  list.forEach((length, n) => {
    if (Number.isInteger(length) && length >= 0 && length <= most) return;
    const range = most === Number.POSITIVE_INFINITY ? "at least 0" : `0 to ${most}`;
    throw new ShapeError(
      `ctcLoss: ${kind} length ${length} of sample ${n} is out of range, expected ${range}`,
    );
  });
  return Int32Array.from(list);
}

/** The targets [N, width] in one array, blank behind each one's end. */
function padTargets(
  targets: Tensor,
  counts: Int32Array,
  blank: number,
  classes: number,
): { labels: Int32Array; width: number } {
  if (targets.dtype !== "int32") throw new DtypeError(`ctcLoss: targets must be int32, got ${targets.dtype}`);
  const samples = counts.length;
  const width = counts.reduce((most, count) => Math.max(most, count), 0);
  const total = counts.reduce((n, count) => n + count, 0);
  const [given, stride] = [targets.shape[0] ?? 0, targets.shape[1] ?? 0];
  const fits =
    targets.rank === 1 ? given === total : targets.rank === 2 && given === samples && stride >= width;
  if (!fits) {
    throw new ShapeError(
      `ctcLoss: targets ${formatShape(targets.shape)} do not fit ${samples} samples of up to ${width} labels, expected [${samples}, S] or [${total}]`,
    );
  }
  const from = targets.dataSync();
  const labels = new Int32Array(samples * width).fill(blank);
  let next = 0;
  for (let n = 0; n < samples; n++) {
    const start = targets.rank === 1 ? next : n * stride;
    for (let i = 0; i < counts[n]!; i++) {
      const label = from[start + i]!;
      if (label < 0 || label >= classes || label === blank) {
        throw new ShapeError(
          `ctcLoss: label ${label} at position ${i} of sample ${n} is ${label === blank ? "the blank" : `outside the ${classes} classes`}`,
        );
      }
      labels[n * width + i] = label;
    }
    next += counts[n]!;
  }
  return { labels, width };
}
