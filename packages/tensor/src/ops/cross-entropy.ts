// Cross entropy of rows of logits against class indices, and its gradient. Checking and averaging is left to
// the loss in @echo-ts/autograd.

import { apply, fromTypedArray } from "../apply.ts";
import { type FusedRow, fused, rows, sameDtype } from "../op.ts";
import type { CrossEntropyParams } from "../op-params.ts";
import type { Tensor } from "../tensor.ts";
import { add, equal, mul, neg, notEqual, sub, where } from "./elementwise.ts";
import { gather, indexSelect } from "./indexing.ts";
import { logSoftmax, softmax } from "./normalization.ts";
import { castTo } from "./operands.ts";
import { sum } from "./reduction.ts";
import { reshape, unsqueeze } from "./shaping.ts";

interface Rows {
  readonly crossEntropy: FusedRow<CrossEntropyParams>;
  readonly crossEntropyGrad: FusedRow<CrossEntropyParams>;
}

const ROWS: Rows = rows<Rows>({
  // Inputs are logits, labels and, if given, one weight per class.
  crossEntropy: fused(
    {
      meaning: "loss of each row of logits [N, V] against labels [N], with class weights if given",
      shape: ([logits]) => [logits!.shape[0]!],
      dtype: sameDtype,
    },
    ([logits, targets, weights], params) => {
      const [counts, safe] = labels(targets!, params);
      const [count, classes] = logits!.shape as [number, number];
      const logProbabilities = logSoftmax(logits!, 1);
      let loss = neg(reshape(gather(logProbabilities, 1, unsqueeze(safe, 1)), [count]));
      if (weights !== undefined) loss = mul(loss, indexSelect(weights, 0, safe));
      if (params.labelSmoothing > 0) {
        const weighted = weights === undefined ? logProbabilities : mul(logProbabilities, weights);
        const spread = mul(sum(weighted, 1), -params.labelSmoothing / classes);
        loss = add(mul(loss, 1 - params.labelSmoothing), spread);
      }
      return counts === null ? loss : where(counts, loss, 0);
    },
  ),
  // g (softmax(logits) sum(q) - q), where q is the smoothed, weighted target.
  // g [N], logits [N, V], labels [N], weights [V] -> [N, V]
  crossEntropyGrad: fused(
    {
      meaning: "gradient of crossEntropy's logits from (gradient, logits, labels, weights)",
      shape: ([_g, logits]) => logits!.shape,
      dtype: sameDtype,
    },
    ([g, logits, targets, weights], params) => {
      const [counts, safe] = labels(targets!, params);
      const classes = logits!.shape[1]!;
      const numbers = fromTypedArray(
        "int32",
        Int32Array.from({ length: classes }, (_, i) => i),
        [classes],
        logits!.backend,
      );
      let q = castTo(equal(unsqueeze(safe, 1), numbers), logits!.dtype); // one-hot [N, V]
      if (params.labelSmoothing > 0) {
        q = add(mul(q, 1 - params.labelSmoothing), params.labelSmoothing / classes);
      }
      // The label's weight scales its share, every class's own weight scales the spread share.
      if (weights !== undefined) q = mul(q, weights);
      const kept = counts === null ? g! : where(counts, g!, 0);
      return mul(sub(mul(softmax(logits!, 1), sum(q, 1, true)), q), unsqueeze(kept, 1));
    },
  ),
});
export default ROWS;

/** Which rows count, and labels that are safe to look up. */
function labels(targets: Tensor, { ignoreIndex }: CrossEntropyParams): [Tensor | null, Tensor] {
  if (ignoreIndex === null) return [null, targets];
  const counts = notEqual(targets, ignoreIndex);
  return [counts, where(counts, targets, 0)];
}

/**
 * Loss of each row: -log softmax(logits)[label], weighted and smoothed as PyTorch's cross_entropy; 0 for
 * ignored rows.
 *
 * logits [N, V], labels int32 [N], weights [V] or null -> [N]
 */
export function crossEntropyRows(
  logits: Tensor,
  targets: Tensor,
  weights: Tensor | null,
  params: CrossEntropyParams,
): Tensor {
  const inputs = weights === null ? [logits, targets] : [logits, targets, weights];
  return apply(ROWS.crossEntropy, inputs, params);
}
