// 2-D convolution and pooling, and the paddings of 1-D convolution: PyTorch's values and gradients, bad input.
import { Conv1d, Conv2d, ConvTranspose1d, gradcheck, variable } from "@echo-ts/autograd";
import {
  avgPool1d,
  avgPool2d,
  type Conv2dOptions,
  conv1d,
  conv2d,
  convTranspose1d,
  einsum,
  maxPool1d,
  maxPool2d,
  mul,
  ones,
  type Padding,
  type PaddingMode,
  type Pair,
  pad,
  randomNormal,
  reshape,
  stream,
  sum,
  type Tensor,
  tensor,
  unfold,
  withBackend,
  zeros,
} from "@echo-ts/tensor";
import t from "tap";
import { difference, type LayerCase, layerFixtures, type Values } from "./layer-fixtures.ts";

const { planes, padded } = layerFixtures;
const float64 = { dtype: "float64" } as const;
const given = (values: Values | undefined): Tensor => tensor(values as number[], float64);
// What plain JavaScript may pass.
const wrong = <T>(value: unknown): T => value as T;

/** Largest error of the output and of all gradients against a case. */
function worst(
  { inputs, parameters, outputs, cotangents, gradients }: LayerCase,
  op: (inputs: Readonly<Record<string, Tensor>>) => Tensor,
): number {
  const leaves = Object.fromEntries(
    Object.entries({ ...inputs, ...parameters }).map(([name, values]) => [name, variable(given(values))]),
  );
  const y = op(leaves);
  const errors = [difference(y.toArray(), outputs.y)];
  sum(mul(y, given(cotangents.y))).backward();
  for (const [name, values] of Object.entries(gradients)) {
    errors.push(difference(leaves[name]!.grad!.toArray(), values));
  }
  return Math.max(...errors);
}

for (const backend of ["reference", "wasm"]) {
  t.test(`conv2d and 2-D pooling are PyTorch's, backend ${backend}`, async (t) => {
    withBackend(backend, () => {
      t.equal(planes.length, 14);
      for (const one of planes) {
        const [name] = one.name.split(" ");
        const options = wrong<Conv2dOptions>(one.options);
        const size = one.size as Pair;
        const error = worst(one, ({ x, weight, bias }) => {
          if (name === "conv2d") return conv2d(x!, weight!, bias, options);
          return name === "max_pool2d"
            ? maxPool2d(x!, size, wrong(options))
            : avgPool2d(x!, size, wrong(options));
        });
        t.ok(error < 1e-10, `${one.name}: ${error}`);
      }
    });
  });

  t.test(`conv1d's paddings are PyTorch's, backend ${backend}`, async (t) => {
    withBackend(backend, () => {
      t.equal(padded.length, 7);
      for (const one of padded) {
        const { padding_mode: paddingMode = "zeros", padding, ...rest } = one.options!;
        const options = { ...rest, padding: padding as Padding, paddingMode: paddingMode as PaddingMode };
        const op = ({ x, weight, bias }: Readonly<Record<string, Tensor>>) =>
          conv1d(x!, weight!, bias, options);
        const error = worst(one, op);
        t.ok(error < 1e-10, `${one.name}: ${error}`);
        const layer = new Conv1d(2, 2, one.kernel!, { ...options, ...float64 });
        layer.weight.assign(given(one.parameters.weight));
        layer.bias!.assign(given(one.parameters.bias));
        t.ok(difference(layer.forward(given(one.inputs.x)).toArray(), one.outputs.y) < 1e-10);
      }
    });
  });
}

t.test("a causal convolution sees no later input, and is the shifted sum", async (t) => {
  const x = randomNormal([1, 1, 9], stream(1, "x"), 0, 1, float64);
  const weight = tensor([[[0.5, -1, 2]]], float64);
  const y = conv1d(x, weight, null, { padding: "causal", dilation: 2 });
  const signal = Array.from(x.dataSync());
  // By hand: tap k sees the frame (2 - k) dilations ago.
  const expected = signal.map((_, i) =>
    [0.5, -1, 2].reduce((total, w, k) => total + w * (signal[i - 2 * (2 - k)] ?? 0), 0),
  );
  t.ok(difference(y.toArray(), expected) < 1e-12);
  const changed = tensor(
    Float64Array.from(signal, (v, i) => (i >= 5 ? v + 100 : v)),
    { shape: [1, 1, 9] },
  );
  t.strictSame(
    conv1d(changed, weight, null, { padding: "causal" }).narrow(2, 0, 5).toArray(),
    conv1d(x, weight, null, { padding: "causal" }).narrow(2, 0, 5).toArray(),
  );
  t.strictSame(
    conv1d(ones([1, 1, 4]), ones([1, 1, 2]), null, { padding: [3, 0], stride: 2 }).toArray(),
    [[[0, 1, 2]]],
    "frames before and after are given apart",
  );
  t.strictSame(
    conv1d(x, weight, null, { padding: [1, 1] }).toArray(),
    conv1d(x, weight, null, { padding: 1 }).toArray(),
  );
});

t.test("pad in a circle", async (t) => {
  t.strictSame(pad(tensor([1, 2, 3]), [[2, 3]], "circular").toArray(), [2, 3, 1, 2, 3, 1, 2, 3]);
  const x = tensor([
    [1, 2],
    [3, 4],
  ]);
  t.strictSame(
    pad(
      x,
      [
        [1, 0],
        [0, 1],
      ],
      "circular",
    ).toArray(),
    [
      [3, 4, 3],
      [1, 2, 1],
      [3, 4, 3],
    ],
  );
  t.throws(
    () => pad(tensor([1, 2]), [[3, 0]], "circular"),
    /pad: a circular border of \[3, 0\] needs a longer axis 0/,
  );
  t.throws(() => pad(x, [[1, 1]], wrong("wrap")), /pad: mode must be "constant" or .* got "wrap"/);
  t.throws(
    () => pad(x, wrong([1, 1])),
    /pad: widths must be a list of \[before, after\] such as \[\[1, 1\]\], got/,
  );
});

t.test("conv2d is the sum over its windows", async (t) => {
  const random = stream(3, "conv2d");
  const x = randomNormal([2, 3, 6, 5], random, 0, 1, float64);
  const weight = randomNormal([4, 3, 3, 2], random, 0, 1, float64);
  const windows = unfold(unfold(x, 2, 3), 3, 2);
  const expected = einsum("bchwij,ocij->bohw", windows, weight);
  t.ok(difference(conv2d(x, weight).toArray(), expected.toArray()) < 1e-12);
  gradcheck(
    (a, w, b) => conv2d(a!, w!, b, { padding: 1, stride: [2, 1] }),
    [
      randomNormal([1, 2, 3, 3], random, 0, 1, float64),
      randomNormal([2, 2, 2, 2], random, 0, 1, float64),
      randomNormal([2], random, 0, 1, float64),
    ],
  );
  gradcheck(
    (a) => maxPool2d(a!, 2, { stride: 1, padding: 1 }),
    [randomNormal([3, 4], random, 0, 1, float64)],
  );
  const layer = new Conv2d(3, 4, [3, 2], { padding: "same", ...float64 }).initialize(2);
  t.strictSame(
    [...(await layer.stateDict())].map(([name, { shape }]) => [name, shape]),
    [
      ["weight", [4, 3, 3, 2]],
      ["bias", [4]],
    ],
  );
  t.strictSame(layer.forward(x).shape, [2, 4, 6, 5]);
  const bound = 1 / Math.sqrt(18);
  t.ok(layer.weight.abs().max().item() <= bound && layer.weight.abs().max().item() > 0.9 * bound);
});

t.test(
  "pooling: the first of equal values has the gradient; NaN is largest; any number of leading axes",
  async (t) => {
    for (const backend of ["reference", "wasm"]) {
      withBackend(backend, () => {
        const x = variable(tensor([2, 2, 1, 3, 3, 3]));
        sum(maxPool1d(x, 3)).backward();
        t.strictSame(x.grad!.toArray(), [1, 0, 0, 1, 0, 0]);
        t.strictSame(maxPool1d(tensor([1, Number.NaN, 2, 3]), 2).toArray(), [Number.NaN, 3]);
        t.strictSame(maxPool2d(zeros([2, 3, 4, 4, 4]), 2).shape, [2, 3, 4, 2, 2]);
        t.strictSame(maxPool2d(tensor([[1, 5]], { dtype: "int32" }), [1, 2]).toArray(), [[5]]);
        const negative = tensor([[-3]]);
        t.strictSame(maxPool2d(negative, 2, { padding: 1, stride: 1 }).toArray(), [
          [-3, -3],
          [-3, -3],
        ]);
      });
    }
  },
);

t.test("bad input is refused by name", async (t) => {
  const [x, w] = [ones([1, 1, 4]), ones([1, 1, 2])];
  const [plane, kernel] = [ones([1, 1, 3, 3]), ones([1, 1, 2, 2])];
  for (const [make, message] of [
    [
      () => conv1d(x, w, null, wrong({ paddding: 1 })),
      'conv1d: unknown option "paddding"; did you mean "padding"?',
    ],
    [
      () => conv1d(x, w, null, wrong({ padding: "valid" })),
      'conv1d: padding must be a number, [before, after], "same" or "causal", got "valid"',
    ],
    [
      () => conv1d(x, w, null, wrong({ padding: [1] })),
      'conv1d: padding must be a number, [before, after], "same" or "causal", got an array of 1',
    ],
    [() => conv1d(x, w, null, { padding: -1 }), "conv1d: padding must be an integer of at least 0, got -1"],
    [
      () => conv1d(x, w, null, { padding: [0, 0.5] }),
      "conv1d: padding must be an integer of at least 0, got 0.5",
    ],
    [
      () => conv1d(x, w, null, { padding: "same", stride: 2 }),
      'conv1d: padding "same" needs stride 1, got 2',
    ],
    [
      () => conv1d(x, w, null, wrong({ paddingMode: "wrap" })),
      'conv1d: paddingMode must be "zeros" or "reflect" or "replicate" or "circular", got "wrap"',
    ],
    [() => conv1d(x, w, null, wrong(2)), "conv1d: options must be an object such as { stride: ... }, got 2"],
    [
      () => convTranspose1d(x, w, null, wrong({ paddingMode: "zeros" })),
      'convTranspose1d: unknown option "paddingMode"; did you mean "padding"?',
    ],
    [
      () => convTranspose1d(x, w, null, wrong({ padding: "same" })),
      'convTranspose1d: padding must be a number, got "same"',
    ],
    [
      () => new Conv1d(1, 1, 2, wrong({ strides: 2 })),
      'Conv1d: unknown option "strides"; did you mean "stride"?',
    ],
    [
      () => new ConvTranspose1d(1, 1, 2, wrong({ outPadding: 2 })),
      /ConvTranspose1d: unknown option "outPadding"; did you mean "(outputP|p)adding"/,
    ],
    [() => new Conv2d(1, 1, 0), "Conv2d: height must be a positive integer, got 0"],
    [() => new Conv2d(3, 4, 2, { groups: 2 }), "Conv2d: 2 groups do not divide 3 inputs and 4 outputs"],
    [() => new Conv2d(1, 1, 2).forward(plane), /Conv2d: weight has no values yet; call initialize\(seed\)/],
    [
      () => conv2d(x, kernel),
      "conv2d: expected input [B, C, H, W] and weight [out, C / groups, h, w], got [1, 1, 4] and [1, 1, 2, 2]",
    ],
    [
      () => conv2d(plane, ones([1, 2, 2, 2])),
      "conv2d: 1 input channels do not fit weight [1, 2, 2, 2] in 1 groups",
    ],
    [
      () => conv2d(plane, ones([1, 1, 4, 2])),
      "conv2d: a kernel that reaches over 4 does not fit axis 2 of [1, 1, 3, 3] with padding 0",
    ],
    [() => conv2d(plane, kernel, ones([2])), "conv2d: bias must be [1], got [2]"],
    [
      () => conv2d(plane, kernel, null, wrong({ stride: "2" })),
      'conv2d: stride must be a number or [height, width], got "2"',
    ],
    [
      () => conv2d(plane, kernel, null, { dilation: [1, 0] }),
      "conv2d: dilation must be an integer of at least 1, got 0",
    ],
    [
      () => conv2d(plane, kernel, null, { padding: "same", stride: [1, 2] }),
      'conv2d: padding "same" needs stride 1, got 2',
    ],
    [
      () => maxPool2d(plane, 2, { padding: 2 }),
      "maxPool2d: padding must be at most half a window, got 2 for windows of 2",
    ],
    [() => maxPool2d(plane, 4), "maxPool2d: windows of 4 do not fit input [1, 1, 3, 3]"],
    [
      () => maxPool2d(ones([2, 2], { dtype: "int32" }), 2, { padding: 1 }),
      "maxPool2d: padding needs float32 or float64, got int32",
    ],
    [
      () => avgPool2d(plane, wrong({ size: 2 })),
      "avgPool2d: size must be a number or [height, width], got an object { size }",
    ],
    [
      () => avgPool2d(plane, 2, wrong({ strides: 1 })),
      'avgPool2d: unknown option "strides"; did you mean "stride"?',
    ],
    [() => avgPool2d(ones([3]), 2), "avgPool2d: expected input [.., H, W], got [3]"],
    [
      () => maxPool1d(ones([3]), wrong({ size: 2 })),
      "maxPool1d: size must be a number, got an object { size }",
    ],
    [() => maxPool1d(ones([3]), 0), "maxPool1d: size must be an integer of at least 1, got 0"],
    [() => avgPool1d(ones([3]), 4), "avgPool1d: windows of 4 do not fit input [3]"],
  ] as const) {
    t.throws(make, { message });
  }
  t.strictSame(reshape(avgPool1d(ones([3]), 3), []).item(), 1);
});
