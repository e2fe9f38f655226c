// What a compiler would refuse, autograd refuses by name at run time: unknown options, arguments of another kind.
import {
  backward,
  bceWithLogitsLoss,
  clipGradNorm,
  clipGradValue,
  constantInit,
  crossEntropyLoss,
  ctcLoss,
  Dropout,
  Embedding,
  grad,
  gradcheck,
  huberLoss,
  kaimingNormalInit,
  kaimingUniformInit,
  klDivLoss,
  LayerNorm,
  Linear,
  l1Loss,
  Module,
  MultiheadAttention,
  mseLoss,
  nllLoss,
  onesInit,
  Parameter,
  parameter,
  RMSNorm,
  scaledDotProductAttention,
  valueAndGrad,
  variable,
  vjp,
  zerosInit,
} from "@echo-ts/autograd";
import { ones, square, stream, sum, type Tensor, tensor, withBackend, zeros } from "@echo-ts/tensor";
import t from "tap";
import { difference, layerFixtures } from "./layer-fixtures.ts";

// What plain JavaScript may pass.
const wrong = (value: unknown): never => value as never;

t.test("options and arguments of another kind are refused by name", async (t) => {
  const x = ones([2, 2]);
  const labels = zeros([2], { dtype: "int32" });
  const q = ones([1, 2, 4]);
  const attention = new MultiheadAttention(4, 2).initialize(1);
  const state = await attention.stateDict();
  const loss = () => sum(square(variable(x)));
  for (const [make, message] of [
    [
      () => new Linear(2, 3, wrong(false)),
      "Linear: options must be an object such as { dtype: ... }, got false",
    ],
    [() => new Linear(2, 3, wrong({ biass: false })), 'Linear: unknown option "biass"; did you mean "bias"?'],
    [() => new Linear(2, 3, wrong({ bias: 0 })), "Linear: bias must be a boolean, got 0"],
    [
      () => new Linear(2, 3, wrong({ dtype: "int32" })),
      'Linear: dtype must be "float32" or "float64", got "int32"',
    ],
    [() => new Linear(2, 3, wrong({ weightInit: 0 })), "Linear: weightInit must be a function, got 0"],
    [() => new Linear(wrong("2"), 3), "Linear: inputs must be a positive integer, got 2"],
    [
      () => new Embedding(2, 3, wrong({ paddingIdx: 0 })),
      'Embedding: unknown option "paddingIdx"; did you mean "paddingIndex"?',
    ],
    [() => new LayerNorm(2, wrong({ eps: 1 })), 'LayerNorm: unknown option "eps"; did you mean "epsilon"?'],
    [
      () => new RMSNorm(2, wrong(1e-6)),
      "RMSNorm: options must be an object such as { dtype: ... }, got 0.000001",
    ],
    [() => new Dropout(wrong({ p: 0.1 })), "Dropout: expected a probability in [0, 1], got an object { p }"],
    [() => new Dropout(wrong("0.1")), 'Dropout: expected a probability in [0, 1], got "0.1"'],
    [
      () => new MultiheadAttention(4, 2, wrong({ kdim: 2 })),
      'MultiheadAttention: unknown option "kdim"; did you mean "keyWidth"?',
    ],
    [
      () => attention.forward(q, q, q, wrong({ isCausal: true })),
      'MultiheadAttention: unknown option "isCausal"; did you mean "causal"?',
    ],
    [
      () => attention.forward(q, wrong({ causal: true })),
      "MultiheadAttention: key must be a tensor, got an object { causal }",
    ],
    [
      () => scaledDotProductAttention(q, q, q, wrong({ isCausal: true })),
      'scaledDotProductAttention: unknown option "isCausal"; did you mean "causal"?',
    ],
    [
      () => scaledDotProductAttention(q, q, q, wrong({ attnMask: x })),
      'scaledDotProductAttention: unknown option "attnMask"; did you mean "mask"?',
    ],
    [
      () => scaledDotProductAttention(q, q, q, wrong({ mask: [true] })),
      "scaledDotProductAttention: mask must be a tensor or null, got an array of 1",
    ],
    [
      () => scaledDotProductAttention(q, q, wrong([1])),
      "scaledDotProductAttention: v must be a tensor, got an array of 1",
    ],
    [
      () => parameter([2], zerosInit, wrong("float64")),
      'parameter: options must be an object such as { dtype: "float64" }, got "float64"',
    ],
    [() => parameter([2], wrong(0)), "parameter: the initialiser must be a function such as onesInit, got 0"],
    [
      () => onesInit(wrong(undefined), [2], stream(1, "x")),
      "constantInit: this is an initialiser already; pass zerosInit or onesInit without calling it",
    ],
    [() => constantInit(wrong("1")), 'constantInit: value must be a number, got "1"'],
    [
      () => kaimingUniformInit(wrong({ mode: "out" })),
      'kaimingUniformInit: unknown option "mode", expected one of: fan, gain',
    ],
    [
      () => kaimingNormalInit(wrong({ fan: "fan_out" })),
      'kaimingNormalInit: fan must be "in" or "out", got "fan_out"',
    ],
    [
      () => mseLoss(x, x, wrong("sum")),
      'mseLoss: options must be an object such as { reduction: ... }, got "sum"',
    ],
    [() => mseLoss(wrong([1]), x), "mseLoss: prediction must be a tensor, got an array of 1"],
    [
      () => l1Loss(x, x, wrong({ reduce: "sum" })),
      'l1Loss: unknown option "reduce"; did you mean "reduction"?',
    ],
    [() => l1Loss(x, wrong(1)), "l1Loss: target must be a tensor, got 1"],
    [
      () => huberLoss(x, x, wrong({ beta: 1 })),
      'huberLoss: unknown option "beta", expected one of: reduction, delta',
    ],
    [
      () => bceWithLogitsLoss(x, x, wrong({ reduction: "avg" })),
      'bceWithLogitsLoss: reduction must be "mean" or "sum" or "none", got "avg"',
    ],
    [
      () => klDivLoss(x, x, wrong({ reduction: "batch" })),
      'klDivLoss: reduction must be "batchmean" or "mean" or "sum" or "none", got "batch"',
    ],
    [
      () => crossEntropyLoss(x, labels, wrong({ label_smoothing: 0.1 })),
      'crossEntropyLoss: unknown option "label_smoothing"; did you mean "labelSmoothing"?',
    ],
    [
      () => crossEntropyLoss(x, wrong([0, 1])),
      "crossEntropyLoss: labels must be a tensor, got an array of 2",
    ],
    [
      () => crossEntropyLoss(x, labels, { weight: wrong([1, 2]) }),
      "crossEntropyLoss: weight must be a tensor or null, got an array of 2",
    ],
    [
      () => nllLoss(x, labels, wrong({ ignore_index: 0 })),
      'nllLoss: unknown option "ignore_index"; did you mean "ignoreIndex"?',
    ],
    [
      () => ctcLoss(x, labels, [1], [1], wrong({ zero_infinity: true })),
      'ctcLoss: unknown option "zero_infinity"; did you mean "zeroInfinity"?',
    ],
    [
      () => ctcLoss(x, labels, [1], [1], wrong({ layout: "NVT" })),
      'ctcLoss: layout must be "TNV" or "NTV", got "NVT"',
    ],
    [
      () => ctcLoss(ones([2, 1, 3]), zeros([1, 1], { dtype: "int32" }), wrong(2), [1]),
      "ctcLoss: inputLengths must be a list of numbers such as [50], got 2",
    ],
    [
      () => backward(loss(), undefined, wrong({ retain_graph: true })),
      'backward: unknown option "retain_graph"; did you mean "retainGraph"?',
    ],
    [
      () => backward(loss(), wrong({ retainGraph: true })),
      "backward: the seed must be a tensor of the shape of the loss, or left out (options come after it: backward(loss, undefined, { ... })), got an object { retainGraph }",
    ],
    [
      () => loss().backward(wrong(1)),
      "backward: the seed must be a tensor of the shape of the loss, or left out (options come after it: backward(loss, undefined, { ... })), got 1",
    ],
    [() => backward(wrong(3)), "backward: loss must be a tensor, got 3"],
    [() => grad(wrong(x)), "grad: fn must be a function of tensors, got Tensor"],
    [
      () => grad((y: Tensor) => y, wrong({ create_graph: true })),
      'grad: unknown option "create_graph"; did you mean "createGraph"?',
    ],
    [() => grad((y: Tensor) => y)(wrong(3)), "grad: input 0 must be a tensor, got 3"],
    [() => valueAndGrad(wrong(null)), "grad: fn must be a function of tensors, got null"],
    [() => vjp((y: Tensor) => y, wrong(null)), "vjp: input 0 must be a tensor, got null"],
    [() => vjp((y: Tensor) => y, x).pullback(wrong(1)), /^backward: the seed must be a tensor/],
    [
      () => gradcheck((y) => y, [x], wrong({ eps: 1e-3 })),
      /^gradcheck: unknown option "eps", expected one of: step/,
    ],
    [() => gradcheck((y) => y, wrong(x)), "gradcheck: inputs must be a list of tensors, got Tensor"],
    [() => variable(wrong([1, 2])), "variable: x must be a tensor such as tensor([1, 2]), got an array of 2"],
    [() => new Parameter(wrong(3)), "Parameter: x must be a tensor such as tensor([1, 2]), got 3"],
    [
      () => clipGradValue(wrong(null), 1),
      "clipGradValue: parameters must be a list such as model.parameters(), got null",
    ],
    [
      () => attention.loadStateDict(wrong(null)),
      "loadStateDict: arrays must be named arrays such as await stateDict() gives, got null",
    ],
    [
      () => attention.loadStateDict(state, wrong({ strickt: false })),
      'loadStateDict: unknown option "strickt"; did you mean "strict"?',
    ],
  ] as const) {
    t.throws(make, { message }, String(message));
  }
  await t.rejects(clipGradNorm(wrong(attention), 1), {
    message: "clipGradNorm: parameters must be a list such as model.parameters(), got MultiheadAttention",
  });
  await t.rejects(clipGradNorm([], 1, wrong({ norm_type: 1 })), {
    message: 'clipGradNorm: unknown option "norm_type"; did you mean "normType"?',
  });
});

t.test("undefined stands for the default of every option", async (t) => {
  const layer = new Linear(2, 2, wrong({ bias: undefined, dtype: undefined, weightInit: undefined }));
  t.strictSame([layer.bias!.shape, layer.weight.dtype], [[2], "float32"]);
  t.equal(new LayerNorm(2, wrong({ epsilon: undefined, bias: undefined })).bias!.size, 2);
  t.equal(mseLoss(ones([2]), zeros([2]), wrong({ reduction: undefined })).item(), 1);
});

t.test("a layer that nobody initialised refuses to compute", async (t) => {
  for (const [name, use] of [
    ["Linear: weight", () => new Linear(2, 2).forward(ones([1, 2]))],
    ["Embedding: weight", () => new Embedding(2, 2).forward(zeros([1], { dtype: "int32" }))],
    ["MultiheadAttention: inProjWeight", () => new MultiheadAttention(4, 2).forward(ones([1, 2, 4]))],
    [
      "MultiheadAttention: inProjWeight",
      () =>
        new MultiheadAttention(4, 2, { keyWidth: 3 }).forward(
          ones([1, 2, 4]),
          ones([1, 2, 3]),
          ones([1, 2, 4]),
        ),
    ],
  ] as const) {
    t.throws(use, new RegExp(`${name} has no values yet; call initialize\\(seed\\) on the whole model`));
  }
  class Private extends Module {
    readonly first = new Linear(1, 1);
    readonly #second = new Linear(1, 1);
    forward(x: Tensor): Tensor {
      return this.#second.forward(this.first.forward(x));
    }
  }
  t.throws(
    () => new Private().initialize(1).forward(ones([1, 1])),
    /A layer in a #private field is not found/,
  );
});

for (const backend of ["reference", "wasm"]) {
  t.test(`binary cross entropy keeps its tail, backend ${backend}`, async (t) => {
    withBackend(backend, () => {
      const { x, t: target, gradient } = layerFixtures.bce;
      // The exact loss: each term in double precision, from the side where nothing cancels.
      const exact = x.map(
        (v, i) => Math.log1p(Math.exp(-Math.abs(v))) + Math.abs(v) * (v > 0 ? 1 - target[i]! : target[i]!),
      );
      t.ok(difference(layerFixtures.bce.y, exact) < 1e-11, "PyTorch's values, as far as they go");
      for (const dtype of ["float32", "float64"] as const) {
        const logits = variable(tensor([...x], { dtype }));
        const loss = bceWithLogitsLoss(logits, tensor([...target], { dtype }), { reduction: "none" });
        const tolerance = dtype === "float64" ? 1e-14 : 2e-6;
        const values = Array.from(loss.dataSync());
        values.forEach((value, i) => {
          // Relative, to the smallest: 4.2e-18 at x = 40.
          t.ok(
            Math.abs(value - exact[i]!) <= tolerance * exact[i]! + 1e-44,
            `${dtype} ${x[i]}: ${value}, ${exact[i]}`,
          );
        });
        sum(loss).backward();
        t.ok(
          difference(logits.grad!.toArray(), gradient) < Math.max(tolerance, 1e-11),
          "and the gradient is sigmoid(x) - t",
        );
      }
    });
  });
}
