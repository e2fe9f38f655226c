// What a compiler would refuse is refused by name at run time too, with advice where something near is known.
import {
  ArgumentError,
  abs,
  arange,
  attention,
  bernoulli,
  concat,
  einsum,
  exp,
  eye,
  full,
  fullLike,
  getBackend,
  layerNorm,
  linear,
  linspace,
  listBackends,
  ones,
  onesLike,
  permutation,
  randomNormal,
  randomUniform,
  relu,
  rmsNorm,
  stack,
  stream,
  sum,
  tensor,
  where,
  withBackend,
  zeros,
  zerosLike,
} from "@echo-ts/tensor";
import { checkOptions, definedOptions, nearestName } from "@echo-ts/tensor/internal";
import { fromNdarray } from "@echo-ts/tensor/ndarray";
import ndarray from "ndarray";
import t from "tap";

// What plain JavaScript may pass.
const wrong = <T>(value: unknown): T => value as T;

t.test("options: unknown keys, wrong kinds, and what is no object", async (t) => {
  interface Options {
    readonly learningRate?: number;
    readonly betas?: readonly number[];
    readonly nesterov?: boolean;
    readonly mask?: object | null;
    readonly mode?: "min" | "max";
    readonly init?: () => number;
  }
  const check = (options: unknown) =>
    checkOptions<Options>("Op", options as Options, {
      learningRate: "number",
      betas: "array",
      nesterov: "boolean",
      mask: "tensor or null",
      mode: ["min", "max"],
      init: "function",
    });
  check({});
  check({ learningRate: 1, betas: [1], nesterov: true, mask: null, mode: "max", init: () => 1 });
  check({ learningRate: undefined, betas: Float32Array.of(1), mask: ones([1]) });
  check(Object.create({ learningRate: 1 }));
  for (const [options, message] of [
    [{ lr: 1 }, 'Op: unknown option "lr"; did you mean "learningRate"?'],
    [{ learning_rate: 1 }, 'Op: unknown option "learning_rate"; did you mean "learningRate"?'],
    [{ nestrov: true }, 'Op: unknown option "nestrov"; did you mean "nesterov"?'],
    [
      { foo: undefined },
      'Op: unknown option "foo", expected one of: learningRate, betas, nesterov, mask, mode, init',
    ],
    [
      { constructor: 1 },
      'Op: unknown option "constructor", expected one of: learningRate, betas, nesterov, mask, mode, init',
    ],
    [{ learningRate: "0.1" }, 'Op: learningRate must be a number, got "0.1"'],
    [{ learningRate: null }, "Op: learningRate must be a number, got null"],
    [{ betas: 0.9 }, "Op: betas must be an array, got 0.9"],
    [{ nesterov: 1 }, "Op: nesterov must be a boolean, got 1"],
    [{ mask: 3 }, "Op: mask must be a tensor or null, got 3"],
    [{ mask: [1, 2] }, "Op: mask must be a tensor or null, got an array of 2"],
    [{ mode: "mean" }, 'Op: mode must be "min" or "max", got "mean"'],
    [{ init: { a: 1 } }, "Op: init must be a function, got an object { a }"],
    [null, "Op: options must be an object such as { learningRate: ... }, got null"],
    [0.1, "Op: options must be an object such as { learningRate: ... }, got 0.1"],
    [[1], "Op: options must be an object such as { learningRate: ... }, got an array of 1"],
  ] as const) {
    t.throws(() => check(options), { name: "ArgumentError", message });
  }
  t.ok(new ArgumentError("") instanceof TypeError, "callers may catch it as what it is");
});

t.test("the nearest name is the one that was meant, or none", async (t) => {
  const known = ["learningRate", "epsilon", "fftSize", "hopLength", "melBins", "causal", "mask", "padding"];
  for (const [typed, meant] of [
    ["lr", "learningRate"],
    ["eps", "epsilon"],
    ["nFft", "fftSize"],
    ["n_fft", "fftSize"],
    ["hop", "hopLength"],
    ["hop_length", "hopLength"],
    ["hoplenght", "hopLength"],
    ["nMels", "melBins"],
    ["isCausal", "causal"],
    ["is_causal", "causal"],
    ["attn_mask", "mask"],
    ["paddding", "padding"],
    ["apdding", "padding"],
    ["pad", "padding"],
    ["keepdim", null],
    ["zzz", null],
    ["", null],
  ] as const) {
    t.equal(nearestName(typed, known), meant, typed);
  }
});

t.test("a default stands where undefined is given", async (t) => {
  t.strictSame({ a: 1, b: 2, ...definedOptions({ a: undefined, b: 3 }) }, { a: 1, b: 3 });
  t.equal(zerosLike(tensor([1], { dtype: "int32" }), wrong({ dtype: undefined })).dtype, "int32");
});

t.test("ops refuse arguments of another kind by name, and say what was meant", async (t) => {
  const x = ones([2, 3]);
  const js = (value: unknown): never => value as never;
  for (const backend of listBackends()) {
    withBackend(backend, () => {
      for (const [make, message] of [
        [
          () => Reflect.apply(x.slice, x, [1, 3]),
          /^slice: ranges must be a list .*\[\{ start: 1, stop: 3 \}, null, -1\], got 1$/,
        ],
        [
          () => x.slice(js({ start: 1, stop: 3 })),
          /^slice: ranges must be a list .* got an object \{ start, stop \}$/,
        ],
        [
          () => x.slice(js([[0, 1]])),
          "slice: the range of axis 0 must be { start, stop, step }, a number or null, got an array of 2",
        ],
        [
          () => x.slice(js([null, "1"])),
          'slice: the range of axis 1 must be { start, stop, step }, a number or null, got "1"',
        ],
        [() => x.slice(js([{ start: 1, end: 3 }])), 'slice: unknown option "end"; did you mean "stop"?'],
        [() => x.slice(js([{ start: "1" }])), 'slice: start must be a number or null, got "1"'],
        [
          () => Reflect.apply(x.permute, x, [1, 0]),
          "permute: order must be a list with every axis such as [1, 0], got 1",
        ],
        [
          () => x.sum(js({ axis: 0 })),
          "sum: axes must be a number or a list such as [0, 1], got an object { axis }",
        ],
        [() => x.mean(js("0")), 'mean: axes must be a number or a list such as [0, 1], got "0"'],
        [() => x.sum(js(["0"])), 'sum: axis must be a number, got "0"'],
        [
          () => x.std(0, js({ correction: 0 })),
          "std: keepDims must be true or false, got an object { correction }",
        ],
        [() => x.variance(0, js(0)), "variance: keepDims must be true or false, got 0"],
        [() => x.std(0, false, js("0")), 'std: correction must be a number, got "0"'],
        [
          () => x.max(js({ dim: 1 })),
          "max: axes must be a number or a list such as [0, 1], got an object { dim }",
        ],
        [() => x.mean(5), "mean: axis 5 is out of range for rank 2, expected -2 to 1"],
        [() => x.std(5), "std: axis 5 is out of range for rank 2, expected -2 to 1"],
        [() => x.min(0, js(1)), "min: keepDims must be true or false, got 1"],
        [() => x.any(5), "any: axis 5 is out of range for rank 2, expected -2 to 1"],
        [() => x.all(5), "all: axis 5 is out of range for rank 2, expected -2 to 1"],
        [() => x.norm(5), "norm: axis 5 is out of range for rank 2, expected -2 to 1"],
        [() => x.norm(0, false, js("2")), 'norm: p must be a number, got "2"'],
        [() => x.logSumExp(0, js("yes")), 'logSumExp: keepDims must be true or false, got "yes"'],
        [() => x.argmin(5), "argmin: axis 5 is out of range for rank 2, expected -2 to 1"],
        [() => x.softmax(js({ axis: 1 })), "softmax: axis must be a number, got an object { axis }"],
        [() => x.transpose(js([1, 0])), "transpose: axis must be a number, got an array of 2"],
        [
          () => x.sort(-1, js({ descending: true })),
          "sort: descending must be true or false, got an object { descending }",
        ],
        [() => x.sort(5), "sort: axis 5 is out of range for rank 2, expected -2 to 1"],
        [() => x.argsort(-1, js("desc")), 'argsort: descending must be true or false, got "desc"'],
        [
          () => x.topk(1, -1, js({ largest: false })),
          "topk: largest must be true or false, got an object { largest }",
        ],
        [() => x.clamp(js({ min: 0 })), "clamp: min must be a number, got an object { min }"],
        [() => x.broadcastTo(js(3)), "broadcastTo: shape must be a list such as [2, 3], got 3"],
        [
          () => x.split(js({ size: 1 })),
          "split: sizes must be a number or a list such as [2, 3], got an object { size }",
        ],
        [() => x.narrow(0, js("0"), 1), 'narrow: start must be a number, got "0"'],
        [() => x.unfold(1, js({ size: 2 })), "unfold: size must be a number, got an object { size }"],
        [() => concat(js(x), js(x)), "concat: tensors must be a list such as [a, b], got Tensor"],
        [() => stack(js([x, 3])), "stack: each entry must be a tensor, got 3"],
        [() => exp(js([1, 2])), "exp: x must be a tensor, got an array of 2"],
        [() => abs(js(undefined)), "abs: x must be a tensor, got undefined"],
        [() => relu(js(3)), "relu: input 0 must be a tensor, got 3"],
        [() => sum(js([1, 2])), "sum: x must be a tensor, got an array of 2"],
        [() => where(js(true), x, x), "where: x must be a tensor, got true"],
        [
          () => attention(x, x, x, js({ isCausal: true })),
          'attention: unknown option "isCausal"; did you mean "causal"?',
        ],
        [() => attention(x, x, js(null)), "attention: v must be a tensor, got null"],
        [
          () => layerNorm(x, js({ epsilon: 1 })),
          "layerNorm: weight must be a tensor or null, got an object { epsilon }",
        ],
        [() => rmsNorm(x, null, js({ eps: 1 })), "rmsNorm: epsilon must be a number, got an object { eps }"],
        [() => linear(x, js([[1]])), "linear: weight must be a tensor, got an array of 1"],
        [() => einsum(js(x), x), 'einsum: subscripts must be a text such as "ij,jk->ik", got Tensor'],
        [() => einsum("ij->ji", js([1])), "einsum: x must be a tensor, got an array of 1"],
      ] as const) {
        t.throws(make, { message }, `${backend}: ${message}`);
      }
      t.strictSame(x.slice([{ start: undefined, stop: null }] as never).shape, [2, 3]);
    });
  }
});

t.test("everything that makes a tensor refuses options in another form, by its own name", async (t) => {
  const source = stream(1, "x");
  const makers: Record<string, (options: never) => unknown> = {
    tensor: (options) => tensor([1], options),
    full: (options) => full([1], 1, options),
    zeros: (options) => zeros([1], options),
    ones: (options) => ones([1], options),
    fullLike: (options) => fullLike(ones([1]), 2, options),
    zerosLike: (options) => zerosLike(ones([1]), options),
    onesLike: (options) => onesLike(ones([1]), options),
    arange: (options) => arange(0, 2, 1, options),
    linspace: (options) => linspace(0, 1, 2, options),
    eye: (options) => eye(2, 2, options),
    randomUniform: (options) => randomUniform([1], source, 0, 1, options),
    randomNormal: (options) => randomNormal([1], source, 0, 1, options),
    bernoulli: (options) => bernoulli([1], 0.5, source, options),
  };
  for (const [name, make] of Object.entries(makers)) {
    const refused = (options: unknown, text: string) =>
      t.throws(() => make(options as never), { message: `${name}: ${text}` });
    refused("int32", 'options must be an object such as { dtype: "int32" }, got "int32"');
    refused(null, "options must be an object such as { dtype: ... }, got null");
    refused({ dtyp: "int32" }, 'unknown option "dtyp"; did you mean "dtype"?');
    refused({ device: "cpu" }, 'unknown option "device"; did you mean "backend"?');
    refused({ backend: "wasm" }, 'backend must be an object, got "wasm"');
    refused({ dtype: "float16" }, 'unknown dtype "float16", expected one of: bool, int32, float32, float64');
    make({ dtype: undefined, backend: getBackend() } as never);
  }
  t.throws(() => permutation(3, source, wrong({ dtype: "int32" })), /permutation: unknown option "dtype"/);
  t.throws(
    () => fromNdarray(ndarray(new Float32Array(1), [1]), wrong("wasm")),
    /fromNdarray: options must be an object such as \{ dtype: "wasm" \}, got "wasm"/,
  );
  t.throws(() => full([2], wrong("1")), /full: value must be a number, got "1"/);
  t.throws(() => zerosLike(wrong([1, 2])), /zerosLike: x must be a tensor, got an array of 2/);
  t.throws(
    () => randomNormal([2], wrong(7)),
    /randomNormal: expected a stream such as stream\(7, "randomNormal"\), got 7/,
  );
  t.throws(
    () => stream(wrong([7]), "x"),
    /stream: seed must be a finite number or a text, got an array of 1/,
  );
  t.throws(() => tensor([1, 2, 3, 4], wrong({ shape: 4 })), /tensor: shape must be an array, got 4/);
  t.strictSame(full([2], true, { dtype: "bool" }).toArray(), [true, true]);
  t.strictSame(full([2], false, { dtype: "bool" }).toArray(), [false, false]);
});

for (const backend of listBackends()) {
  t.test(`JSON holds the values, backend ${backend}`, async (t) => {
    withBackend(backend, () => {
      const x = tensor([
        [1, 2.5],
        [-3, 0],
      ]);
      t.equal(JSON.stringify(x), "[[1,2.5],[-3,0]]");
      t.equal(
        JSON.stringify({ x: x.transpose(), flag: tensor([true, false]) }),
        '{"x":[[1,-3],[2.5,0]],"flag":[true,false]}',
      );
      t.equal(JSON.stringify([tensor(3), zeros([0]), tensor([Number.NaN])]), "[3,[],[null]]");
      t.strictSame(tensor(JSON.parse(JSON.stringify(x))).toArray(), x.toArray());
    });
  });
}
