// Losses beyond the golden cases: formulas worked out in plain numbers, CTC against the sum over all
// alignments, labels and lengths that are refused, and anomaly mode.
import * as a from "@echo-ts/autograd";
import * as e from "@echo-ts/tensor";
import * as internal from "@echo-ts/tensor/internal";
import fc from "fast-check";
import t from "tap";

const int = (values: number[], shape: number[] = [values.length]): e.Tensor =>
  e.tensor(Int32Array.from(values), { shape });
const double = (values: number[], shape: number[] = [values.length]): e.Tensor =>
  e.tensor(Float64Array.from(values), { shape });

e.setBackend("reference");

t.test("cross entropy weighs classes and spreads the smoothed share like PyTorch", async (t) => {
  const rows = [
    [1, 2, 0.5],
    [0.1, -1, 0.3],
    [2, 2, 2],
  ];
  const labels = [2, 0, 1];
  const weight = [0.2, 1, 3];
  const smoothing = 0.1;
  const logits = double(rows.flat(), [3, 3]);
  // PyTorch's documentation of CrossEntropyLoss, written out.
  const each = rows.map((row, n) => {
    const norm = Math.log(row.reduce((s, x) => s + Math.exp(x), 0));
    const nll = row.map((x, c) => weight[c]! * (norm - x));
    const spread = nll.reduce((s, x) => s + x, 0) / row.length;
    return (1 - smoothing) * nll[labels[n]!]! + smoothing * spread;
  });
  const options = { weight: double(weight), labelSmoothing: smoothing };
  const none = a.crossEntropyLoss(logits, int(labels), { ...options, reduction: "none" });
  for (const [n, loss] of each.entries()) t.ok(Math.abs(none.dataSync()[n]! - loss) < 1e-12);
  const total = labels.reduce((s, c) => s + weight[c]!, 0);
  const mean = a.crossEntropyLoss(logits, int(labels), options).item();
  t.ok(Math.abs(mean - each.reduce((s, x) => s + x, 0) / total) < 1e-12);
  const ignoring = a.crossEntropyLoss(logits, int([2, -100, 1]), { ...options, ignoreIndex: -100 }).item();
  t.ok(Math.abs(ignoring - (each[0]! + each[2]!) / (weight[2]! + weight[1]!)) < 1e-12);
  a.gradcheck((x) => a.crossEntropyLoss(x, int([2, -100, 1]), { ...options, ignoreIndex: -100 }), [logits]);
  const nll = a.nllLoss(e.logSoftmax(logits), int([2, -100, 1]), {
    weight: double(weight),
    ignoreIndex: -100,
  });
  const plain = a.crossEntropyLoss(logits, int([2, -100, 1]), { weight: double(weight), ignoreIndex: -100 });
  t.ok(Math.abs(nll.item() - plain.item()) < 1e-12, "nllLoss of logSoftmax is crossEntropyLoss");
  const sequence = a.crossEntropyLoss(e.reshape(logits, [1, 3, 3]), int(labels, [1, 3]), {
    reduction: "none",
  });
  t.same(sequence.shape, [1, 3], "any leading axes");
});

t.test("losses that compare elements", async (t) => {
  const x = double([0.5, -3, 1, 0]);
  const y = double([1, 0, 1, 0.25]);
  const close = (loss: e.Tensor, expected: number, name: string) =>
    t.ok(Math.abs(loss.item() - expected) < 1e-12, `${name}: ${loss.item()} is ${expected}`);
  close(a.mseLoss(x, y), (0.25 + 9 + 0 + 0.0625) / 4, "mse");
  close(a.l1Loss(x, y), (0.5 + 3 + 0 + 0.25) / 4, "l1");
  close(a.huberLoss(x, y, { delta: 2, reduction: "sum" }), 0.125 + 2 * (3 - 1) + 0 + 0.03125, "huber");
  const bce = [0.5, -3, 1, 0].map((v, i) => {
    const p = 1 / (1 + Math.exp(-v));
    const target = [1, 0, 1, 0.25][i]!;
    return -target * Math.log(p) - (1 - target) * Math.log(1 - p);
  });
  close(
    a.bceWithLogitsLoss(x, y, { reduction: "sum" }),
    bce.reduce((s, v) => s + v, 0),
    "bce",
  );
  const large = a.bceWithLogitsLoss(double([1000, -1000]), double([0, 1]), { reduction: "none" });
  t.same(large.toArray(), [1000, 1000], "bce of large logits does not overflow");
  const p = double([0.5, 0.5, 0, 1], [2, 2]);
  const q = double([0.25, 0.75, 0.5, 0.5], [2, 2]);
  const kl = 0.5 * Math.log(2) + 0.5 * Math.log(0.5 / 0.75) + Math.log(2);
  close(a.klDivLoss(e.log(q), p), kl / 2, "kl, a target of 0 included");
  for (const loss of [a.mseLoss, a.l1Loss, a.huberLoss, a.bceWithLogitsLoss]) {
    a.gradcheck((s, target) => loss(s, target), [x, double([0.9, 0.1, 0.3, 0.4])], { secondOrder: true });
    t.equal(loss(x, y, { reduction: "none" }).size, 4);
  }
  t.throws(() => a.mseLoss(x, double([1])), {
    name: "ShapeError",
    message: "mseLoss: prediction [4] and target [1] differ in shape",
  });
  t.throws(() => a.huberLoss(x, y, { delta: 0 }), { message: "huberLoss: delta must be positive, got 0" });
});

/** Minus the log of the summed probability of every alignment: all ways to name a class per frame. */
function ctcByEnumeration(logProbs: readonly (readonly number[])[], target: readonly number[]): number {
  const classes = logProbs[0]?.length ?? 1;
  let total = 0;
  const visit = (t: number, path: number[], logProbability: number): void => {
    if (t === logProbs.length) {
      const collapsed = path.filter((c, i) => c !== path[i - 1]).filter((c) => c !== 0);
      if (collapsed.join() === target.join()) total += Math.exp(logProbability);
      return;
    }
    for (let c = 0; c < classes; c++) visit(t + 1, [...path, c], logProbability + logProbs[t]![c]!);
  };
  visit(0, [], 0);
  return -Math.log(total);
}

t.test("CTC sums over all alignments", async (t) => {
  const sample = fc.record({
    logits: fc.array(fc.array(fc.double({ min: -3, max: 3, noNaN: true }), { minLength: 3, maxLength: 3 }), {
      minLength: 1,
      maxLength: 5,
    }),
    target: fc.array(fc.integer({ min: 1, max: 2 }), { maxLength: 3 }),
  });
  const logSoftmax = (row: number[]): number[] => {
    const norm = Math.log(row.reduce((s, x) => s + Math.exp(x), 0));
    return row.map((x) => x - norm);
  };
  let [impossible, empty] = [0, 0];
  fc.assert(
    fc.property(sample, ({ logits, target }) => {
      const rows = logits.map(logSoftmax);
      const expected = ctcByEnumeration(rows, target);
      if (expected === Number.POSITIVE_INFINITY) impossible++;
      if (target.length === 0) empty++;
      const logProbs = double(rows.flat(), [rows.length, 1, 3]);
      const inputs = [logProbs, int(target, [1, target.length]), int([rows.length]), int([target.length])];
      const params = { blank: 0 };
      const losses = [
        a.ctcLoss(logProbs, int(target, [1, target.length]), [rows.length], [target.length], {
          reduction: "sum",
        }),
        internal.OPS.ctcLoss.definition(inputs, params),
      ];
      const gradients = [
        internal.apply(internal.OPS.ctcLossGrad, [double([1]), ...inputs], params),
        internal.OPS.ctcLossGrad.definition([double([1]), ...inputs], params),
      ].map((x) => x.dataSync());
      const step = 1e-6;
      const k = rows.length - 1;
      const moved = [step, -step].map((by) =>
        ctcByEnumeration(
          rows.map((row, i) => (i === k ? [row[0]!, row[1]! + by, row[2]!] : row)),
          target,
        ),
      );
      const slope = expected === Number.POSITIVE_INFINITY ? 0 : (moved[0]! - moved[1]!) / (2 * step);
      return (
        losses.every((loss) => loss.item() === expected || Math.abs(loss.item() - expected) < 1e-9) &&
        gradients.every((g) => Math.abs(g[k * 3 + 1]! - slope) < 1e-6)
      );
    }),
    { numRuns: 150, seed: 3 },
  );
  t.ok(impossible > 5, `${impossible} samples without any alignment`);
  t.ok(empty > 5, `${empty} empty targets`);
});

t.test("CTC lengths, layouts and reductions", async (t) => {
  const x = e.logSoftmax(
    double(
      Array.from({ length: 36 }, (_, i) => Math.sin(i * i)),
      [4, 3, 3],
    ),
  );
  const lengths: [number[], number[]] = [
    [4, 2, 0],
    [2, 2, 0],
  ];
  const padded = int([1, 2, 1, 1, 0, 0], [3, 2]);
  const each = a.ctcLoss(x, padded, ...lengths, { reduction: "none" }).toArray() as number[];
  t.equal(each[1], Number.POSITIVE_INFINITY, "a repeated label needs three frames");
  t.equal(each[2], 0, "no frames and no labels is certain");
  t.same(a.ctcLoss(x, int([1, 2, 1, 1]), ...lengths, { reduction: "none" }).toArray(), each, "end to end");
  const swapped = a.ctcLoss(e.permute(x, [1, 0, 2]), padded, ...lengths, {
    layout: "NTV",
    reduction: "none",
  });
  t.same(swapped.toArray(), each, "batch first");
  const v = a.variable(x);
  const loss = a.ctcLoss(v, padded, ...lengths, { zeroInfinity: true });
  t.ok(Math.abs(loss.item() - each[0]! / 2 / 3) < 1e-12, "the mean is per label, then per sample");
  loss.backward();
  const gradient = e.select(v.grad!, 1, 1);
  t.ok(e.all(e.equal(gradient, 0)).item(), "an impossible sample moves nothing");
  t.ok(e.all(e.isFinite(v.grad!)).item());
  a.ctcLoss(a.variable(x), padded, ...lengths).backward();
  const refused: [() => unknown, string][] = [
    [
      () => a.ctcLoss(x, padded, [4, 2], [2, 2, 0]),
      "ctcLoss: expected 3 input lengths, one per sample, got 2",
    ],
    [
      () => a.ctcLoss(x, padded, [5, 2, 0], [2, 2, 0]),
      "ctcLoss: input length 5 of sample 0 is out of range, expected 0 to 4",
    ],
    [
      () => a.ctcLoss(x, int([1, 3, 1, 1]), ...lengths),
      "ctcLoss: label 3 at position 1 of sample 0 is outside the 3 classes",
    ],
    [
      () => a.ctcLoss(x, int([1, 0, 1, 1]), ...lengths),
      "ctcLoss: label 0 at position 1 of sample 0 is the blank",
    ],
    [
      () => a.ctcLoss(x, int([1, 2]), ...lengths),
      "ctcLoss: targets [2] do not fit 3 samples of up to 2 labels, expected [3, S] or [4]",
    ],
    [() => a.ctcLoss(x, padded, ...lengths, { blank: 3 }), "ctcLoss: blank 3 is outside the 3 classes"],
    [() => a.ctcLoss(x, double([1, 2, 1, 1]), ...lengths), "ctcLoss: targets must be int32, got float64"],
  ];
  for (const [run, message] of refused) t.throws(run, { message });
});

t.test("labels outside the vocabulary are refused by position", async (t) => {
  const logits = double([1, 2, 3, 4], [2, 2]);
  t.throws(() => a.crossEntropyLoss(logits, int([0, 2])), {
    name: "ShapeError",
    message:
      "crossEntropyLoss: label 2 at position 1 is outside the 2 classes; set ignoreIndex if it marks padding",
  });
  t.throws(() => a.nllLoss(logits, int([-1, 0]), { ignoreIndex: -100 }), {
    message: "nllLoss: label -1 at position 0 is outside the 2 classes and is not ignoreIndex -100",
  });
  t.throws(() => a.crossEntropyLoss(logits, double([0, 1])), {
    name: "DtypeError",
    message: "crossEntropyLoss: labels must be int32, got float64",
  });
  t.throws(() => a.crossEntropyLoss(logits, int([0])), {
    message: "crossEntropyLoss: expected scores [.., classes] and labels [..], got [2, 2] and [1]",
  });
  t.throws(() => a.crossEntropyLoss(logits, int([0, 1]), { labelSmoothing: 2 }), {
    message: "crossEntropyLoss: labelSmoothing must be between 0 and 1, got 2",
  });
});

t.test("detectAnomaly names the op that went wrong", async (t) => {
  const x = a.variable(double([1, 0]));
  t.throws(() => a.detectAnomaly(() => e.exp(e.log(e.sub(x, 2)))), {
    name: "GradientError",
    message: "detectAnomaly: log produced NaN in the forward pass from inputs [2]",
  });
  t.throws(() => a.detectAnomaly(() => e.div(1, x)), {
    message: "detectAnomaly: div produced Infinity in the forward pass from inputs [], [2]",
  });
  t.throws(() => a.detectAnomaly(() => e.sum(e.sqrt(x)).backward()), {
    message: "detectAnomaly: the gradient of sqrt for its input 0 [2] is Infinity",
  });
  const masked = a.detectAnomaly(() => e.softmax(e.where(e.greater(x, 0), x, Number.NEGATIVE_INFINITY)));
  t.same(masked.toArray(), [1, 0], "masks of -Infinity are let pass");
  t.doesNotThrow(() => e.log(e.sub(x, 2)), "the mode ends");
});
