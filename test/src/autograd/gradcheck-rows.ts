// A row for each op: a call and the inputs that gradcheck.test.ts differentiates it at, on shapes that include
// broadcasting, rank 0 and size 0. An op without a row does not compile.
import * as e from "@echo-ts/tensor";
import * as internal from "@echo-ts/tensor/internal";

/** How an op is differentiated. */
export interface Row {
  readonly call: (...inputs: e.Tensor[]) => e.Tensor;
  /** Makes the inputs of each case, on the current backend. */
  readonly cases: readonly (() => e.Tensor[])[];
}

const random = e.stream(7, "gradcheck-cases");

/** Reals in [low, high), no two alike. */
export function real(shape: e.Shape, low = -2, high = 2): e.Tensor {
  const size = shape.reduce((n, m) => n * m, 1);
  return e.tensor(
    Float64Array.from({ length: size }, () => random.uniform(low, high)),
    { shape },
  );
}

function whole(shape: e.Shape, values: readonly number[]): e.Tensor {
  return e.tensor(Int32Array.from(values), { shape });
}

const bool = (shape: e.Shape, values: readonly boolean[]): e.Tensor =>
  e.tensor(Uint8Array.from(values, Number), { shape, dtype: "bool" });

function unary(call: (x: e.Tensor) => e.Tensor, low = -2, high = 2): Row {
  const shapes: e.Shape[] = [[2, 3], [], [0, 3], [5]];
  return { call, cases: shapes.map((shape) => () => [real(shape, low, high)]) };
}

/** Two inputs: same shape, broadcast both ways, rank 0, size 0. */
function binary(
  call: (a: e.Tensor, b: e.Tensor) => e.Tensor,
  [low, high]: [number, number] = [-2, 2],
  [from, to]: [number, number] = [low, high],
): Row {
  const shapes: [e.Shape, e.Shape][] = [
    [
      [2, 3],
      [2, 3],
    ],
    [[2, 1], [3]],
    [[], [2, 2]],
    [
      [0, 3],
      [1, 3],
    ],
  ];
  return {
    call,
    cases: shapes.map(([a, b]) => () => [real(a, low, high), real(b, from, to)]),
  };
}

/** A gradient from (gradient, value) of one shape. */
const twin = (call: (g: e.Tensor, x: e.Tensor) => e.Tensor, low = -2, high = 2): Row => ({
  call,
  cases: ([[2, 3], [], [0, 2]] as e.Shape[]).map((shape) => () => [real(shape), real(shape, low, high)]),
});

/** Works along the last axis. */
function rowwise(call: (x: e.Tensor) => e.Tensor): Row {
  return { call, cases: ([[2, 3], [4], [0, 3]] as e.Shape[]).map((shape) => () => [real(shape)]) };
}

const CONV: internal.OpParams["conv1d"] = { stride: 2, padding: 1, dilation: 1, groups: 1 };
const GROUPED: internal.OpParams["conv1d"] = { stride: 1, padding: 2, dilation: 2, groups: 2 };
const EPSILON = 1e-5;
const CE: internal.OpParams["crossEntropy"] = { ignoreIndex: 1, labelSmoothing: 0.1 };
const labels = (): e.Tensor => whole([3], [2, 1, 0]);
const ctcInputs = (): e.Tensor[] => [
  e.logSoftmax(real([5, 2, 3])),
  whole([2, 2], [1, 1, 2, 0]),
  whole([2], [5, 4]),
  whole([2], [2, 1]),
];
const emptyTargets = (): e.Tensor[] => [
  e.logSoftmax(real([2, 1, 2])),
  whole([1, 0], []),
  whole([1], [2]),
  whole([1], [0]),
];
const impossible = (): e.Tensor[] => [
  e.logSoftmax(real([2, 2, 2])),
  whole([2, 2], [1, 1, 1, 0]),
  whole([2], [2, 2]),
  whole([2], [2, 1]),
];
const finite = (x: e.Tensor): e.Tensor => e.where(e.isFinite(x), x, 0);

/** All ops; "none" for those that have no gradient. */
export const ROWS: { readonly [P in internal.Op]: Row | "none" } = {
  neg: unary(e.neg),
  exp: unary(e.exp),
  expm1: unary(e.expm1),
  log: unary(e.log, 0.5, 3),
  log1p: unary(e.log1p, -0.5, 3),
  sqrt: unary(e.sqrt, 0.5, 3),
  sin: unary(e.sin),
  cos: unary(e.cos),
  tanh: unary(e.tanh),
  erf: unary(e.erf),
  floor: unary((x) => e.add(e.floor(x), x), 0.1, 0.9),
  round: unary((x) => e.add(e.round(x), x), 0.6, 1.4),
  asin: unary(e.asin, -0.8, 0.8),
  acos: unary(e.acos, -0.8, 0.8),
  atan: unary(e.atan),
  sinh: unary(e.sinh),
  cosh: unary(e.cosh),
  asinh: unary(e.asinh),
  acosh: unary(e.acosh, 1.5, 3),
  atanh: unary(e.atanh, -0.8, 0.8),
  log2: unary(e.log2, 0.5, 3),
  cast: unary((x) => e.copy(x)),
  add: binary(e.add),
  sub: binary(e.sub),
  mul: binary(e.mul),
  div: binary(e.div, [-2, 2], [0.5, 2]),
  pow: binary(e.pow, [0.5, 2], [-2, 3]),
  mod: binary(e.mod, [3.1, 3.9], [1.1, 1.5]),
  floorDivide: binary((a, b) => e.add(e.floorDivide(a, b), e.mul(a, b)), [3.1, 3.9], [1.1, 1.5]),
  fmod: binary(e.fmod, [-3.9, -3.1], [1.1, 1.5]),
  atan2: binary(e.atan2, [0.5, 2], [-2, -0.5]),
  maximum: binary(e.maximum),
  minimum: binary(e.minimum),
  less: "none",
  equal: "none",
  where: {
    call: (a, b, c) => e.where(c, a, b),
    cases: [
      () => [real([2, 3]), real([2, 3]), bool([2, 3], [true, false, true, false, true, false])],
      () => [real([3]), real([2, 1]), bool([2, 3], [true, false, true, false, true, false])],
      () => [real([]), real([]), bool([], [true])],
      () => [real([0, 2]), real([1, 2]), bool([2], [true, false])],
    ],
  },
  sum: {
    call: (x) => e.sum(x, x.rank > 1 ? [0, -1] : null),
    cases: [() => [real([2, 3, 2])], () => [real([])], () => [real([0, 3])], () => [real([4])]],
  },
  max: {
    call: (x) => e.max(x, x.rank > 0 ? -1 : null),
    cases: [() => [real([2, 3])], () => [real([])], () => [real([0, 3])], () => [real([2, 2, 2])]],
  },
  argmax: "none",
  matmul: {
    call: e.matmul,
    cases: [
      () => [real([2, 3]), real([3, 2])],
      () => [real([2, 2, 3]), real([3, 2])],
      () => [real([2, 1, 2, 3]), real([2, 3, 1])],
      () => [real([3]), real([3])],
      () => [real([2, 0]), real([0, 3])],
      () => [real([0, 2, 3]), real([3, 2])],
    ],
  },
  reshape: {
    call: (x) => e.reshape(e.transpose(x), [-1, 2]),
    cases: [() => [real([2, 3])], () => [real([1, 2])], () => [real([4, 2, 2])]],
  },
  permute: {
    call: (x) =>
      e.permute(
        x,
        x.shape.map((_, i) => (i + 1) % x.rank),
      ),
    cases: [() => [real([2, 3, 2])], () => [real([])], () => [real([0, 2])]],
  },
  broadcastTo: {
    call: (x) => e.broadcastTo(x, [2, 2, 3]),
    cases: [() => [real([2, 1])], () => [real([])], () => [real([1, 2, 3])]],
  },
  slice: {
    call: (x) =>
      e.slice(x, [
        { start: 1, step: 2 },
        { start: -1, step: -2 },
      ]),
    cases: [() => [real([4, 5])], () => [real([2, 2, 2])], () => [real([1, 3])], () => [real([6, 4])]],
  },
  unfold: {
    call: (x) => e.unfold(x, 1, 2, 2, 2),
    cases: [() => [real([2, 6])], () => [real([1, 3, 2])], () => [real([0, 4])]],
  },
  fold: {
    call: (x) => e.fold(x, 1, 8, 2, 1),
    cases: [
      () => [real([2, 3, 2])],
      () => [real([1, 2, 3])],
      () => [real([0, 2, 2])],
      () => [real([2, 0, 2])],
    ],
  },
  pad: {
    call: (x) => e.pad(x, [[1, 2]], "constant", 0.5),
    cases: [() => [real([2, 3])], () => [real([1])], () => [real([0, 2])]],
  },
  concat: {
    call: (...x) => e.concat(x, -1),
    cases: [
      () => [real([2, 3]), real([2, 1])],
      () => [real([2]), real([0]), real([1])],
      () => [real([0, 2]), real([0, 1])],
    ],
  },
  gather: {
    call: (x, i) => e.gather(x, 1, i),
    cases: [
      () => [real([2, 3]), whole([2, 4], [0, 2, 2, 1, 1, 1, 0, 0])],
      () => [real([1, 2]), whole([1, 1], [1])],
      () => [real([2, 3]), whole([2, 0], [])],
    ],
  },
  scatterAdd: {
    call: (x, source, i) => e.scatterAdd(x, 1, i, source),
    cases: [
      () => [real([2, 3]), real([2, 4]), whole([2, 4], [0, 2, 2, 1, 1, 1, 0, 0])],
      () => [real([1, 2]), real([1, 1]), whole([1, 1], [1])],
      () => [real([2, 3]), real([2, 0]), whole([2, 0], [])],
    ],
  },
  scatter: {
    call: (x, source, i) => e.scatter(x, 1, i, source),
    cases: [
      () => [real([2, 3]), real([2, 4]), whole([2, 4], [0, 2, 2, 1, 1, 1, 0, 0])],
      () => [real([1, 2]), real([1, 1]), whole([1, 1], [1])],
      () => [real([2, 3]), real([2, 0]), whole([2, 0], [])],
    ],
  },
  indexSelect: {
    call: (x, i) => e.indexSelect(x, 0, i),
    cases: [
      () => [real([3, 2]), whole([2, 2], [0, 2, 2, 2])],
      () => [real([3]), whole([], [1])],
      () => [real([3, 2]), whole([0], [])],
    ],
  },
  indexAdd: {
    call: (x, source, i) => e.indexAdd(x, 0, i, source),
    cases: [
      () => [real([3, 2]), real([2, 2]), whole([2], [2, 2])],
      () => [real([3]), real([]), whole([], [1])],
      () => [real([3, 2]), real([0, 2]), whole([0], [])],
    ],
  },
  argsort: "none",
  abs: unary(e.abs),
  square: unary(e.square),
  reciprocal: unary(e.reciprocal, 0.5, 2),
  rsqrt: unary(e.rsqrt, 0.5, 2),
  sigmoid: unary(e.sigmoid),
  relu: unary(e.relu),
  softplus: unary(e.softplus),
  gelu: unary(e.gelu),
  geluTanh: unary(e.geluTanh),
  silu: unary(e.silu),
  elu: unary((x) => e.elu(x, 1.5)),
  leakyRelu: unary((x) => e.leakyRelu(x, 0.1)),
  cumsum: rowwise((x) => e.cumsum(x)),
  softmax: rowwise((x) => e.softmax(x)),
  logSoftmax: rowwise((x) => e.logSoftmax(x)),
  rmsNorm: {
    call: (x, w) => e.rmsNorm(x, w, EPSILON),
    cases: [() => [real([2, 3]), real([3])], () => [real([4]), real([4])], () => [real([0, 2]), real([2])]],
  },
  layerNorm: {
    call: (x, w, b) => e.layerNorm(x, w, b, EPSILON),
    cases: [
      () => [real([2, 3]), real([3]), real([3])],
      () => [real([4]), real([4]), real([4])],
      () => [real([0, 3]), real([3]), real([3])],
    ],
  },
  linear: {
    call: (x, w, b) => e.linear(x, w, b ?? null),
    cases: [
      () => [real([2, 3]), real([2, 3]), real([2])],
      () => [real([2, 1, 3]), real([2, 3])],
      () => [real([3]), real([2, 3]), real([2])],
      () => [real([0, 3]), real([2, 3]), real([2])],
    ],
  },
  conv1d: {
    call: (x, w, b) => e.conv1d(x, w, b ?? null, x.shape[1] === 4 ? GROUPED : CONV),
    cases: [
      () => [real([2, 2, 6]), real([3, 2, 3]), real([3])],
      () => [real([1, 4, 5]), real([2, 2, 2])],
      () => [real([0, 2, 6]), real([1, 2, 3]), real([1])],
    ],
  },
  rotatePairs: {
    call: e.rotatePairs,
    cases: [
      () => [real([2, 4]), real([2, 2]), real([2, 2])],
      () => [real([2, 3, 4]), real([3, 2]), real([3, 2])],
      () => [real([2]), real([]), real([])],
      () => [real([0, 2]), real([1]), real([1])],
    ],
  },
  attentionWeights: {
    call: (q, k, bias) => internal.attentionWeights(q, k, { scale: 0.7, causal: bias === undefined }, bias),
    cases: [
      () => [real([2, 3]), real([2, 3])],
      () => [real([2, 2, 3]), real([2, 3, 3]), real([3])],
      () => [real([0, 3]), real([2, 3])],
    ],
  },
  attention: {
    call: (q, k, v, bias) => e.attention(q, k, v, { bias: bias ?? null, causal: bias === undefined }),
    cases: [
      () => [real([3, 2]), real([3, 2]), real([3, 2])],
      () => [real([2, 2, 2]), real([2, 3, 2]), real([2, 3, 1]), real([2, 1])],
      () => [real([0, 2]), real([3, 2]), real([3, 2])],
      () => [real([1, 1, 1]), real([1, 1, 1]), real([1, 1, 1]), real([])],
    ],
  },
  attend: {
    call: (q, k, v, bias) => {
      const params = { scale: 0.7, causal: bias === undefined };
      const weights = internal.attentionWeights(q, k, params, bias);
      return internal.apply(
        internal.OPS.attend,
        bias === undefined ? [q, k, v, weights] : [q, k, v, weights, bias],
        params,
      );
    },
    cases: [
      () => [real([3, 2]), real([2, 2]), real([2, 3])],
      () => [real([2, 1, 2]), real([2, 3, 2]), real([2, 3, 1]), real([1, 3])],
      () => [real([0, 2]), real([3, 2]), real([3, 2])],
    ],
  },
  attentionGrad: {
    call: (g, q, k, v, bias) =>
      internal.apply(internal.OPS.attentionGrad, bias === undefined ? [g, q, k, v] : [g, q, k, v, bias], {
        scale: 0.7,
        causal: bias === undefined,
        kept: bias !== undefined && bias.shape.length > 1,
        biasGrad: bias !== undefined,
      }),
    cases: [
      () => [real([3, 1]), real([3, 2]), real([2, 2]), real([2, 1])],
      () => [real([2, 1, 2]), real([2, 1, 1]), real([2, 2, 1]), real([2, 2, 2]), real([2])],
      () => [real([2, 1, 2]), real([2, 1, 1]), real([2, 2, 1]), real([2, 2, 2]), real([2, 1, 2])], // weights
      () => [real([0, 1]), real([0, 2]), real([2, 2]), real([2, 1])],
    ],
  },
  rfft: rowwise((x) => e.rfft(x, 4)),
  irfft: {
    call: (x) => e.irfft(x),
    cases: [() => [real([2, 3, 2])], () => [real([2, 2])], () => [real([0, 3, 2])]],
  },
  crossEntropy: {
    call: (x, target, w) => internal.crossEntropyRows(x, target, w ?? null, CE),
    cases: [
      () => [real([3, 3]), labels()],
      () => [real([3, 3]), labels(), e.tensor([1, 2, 3]).cast("int32")],
      () => [real([0, 3]), whole([0], [])],
    ],
  },
  ctcLoss: {
    call: (x, target, n, m) => finite(internal.ctcRows(x, target, n, m, { blank: 0 })),
    cases: [ctcInputs, emptyTargets, impossible],
  },
  softmaxGrad: {
    call: (g, y) => internal.apply(internal.OPS.softmaxGrad, [g, y], { axis: 1 }),
    cases: [
      () => [real([2, 3]), real([2, 3])],
      () => [real([1, 2]), real([1, 2])],
      () => [real([0, 3]), real([0, 3])],
    ],
  },
  logSoftmaxGrad: {
    call: (g, y) => internal.apply(internal.OPS.logSoftmaxGrad, [g, y], { axis: 1 }),
    cases: [
      () => [real([2, 3]), real([2, 3])],
      () => [real([1, 2]), real([1, 2])],
      () => [real([0, 3]), real([0, 3])],
    ],
  },
  sigmoidGrad: twin((g, y) => internal.apply(internal.OPS.sigmoidGrad, [g, y], internal.NONE)),
  tanhGrad: twin((g, y) => internal.apply(internal.OPS.tanhGrad, [g, y], internal.NONE)),
  reluGrad: twin((g, y) => internal.apply(internal.OPS.reluGrad, [g, y], internal.NONE)),
  geluGrad: twin((g, y) => internal.apply(internal.OPS.geluGrad, [g, y], internal.NONE)),
  geluTanhGrad: twin((g, y) => internal.apply(internal.OPS.geluTanhGrad, [g, y], internal.NONE)),
  siluGrad: twin((g, y) => internal.apply(internal.OPS.siluGrad, [g, y], internal.NONE)),
  rmsNormGrad: {
    call: (g, x, w) => internal.apply(internal.OPS.rmsNormGrad, [g, x, w], { epsilon: EPSILON }),
    cases: [
      () => [real([2, 3]), real([2, 3]), real([3])],
      () => [real([2]), real([2]), real([2])],
      () => [real([0, 2]), real([0, 2]), real([2])],
    ],
  },
  rmsNormWeightGrad: {
    call: (g, x) => internal.apply(internal.OPS.rmsNormWeightGrad, [g, x], { epsilon: EPSILON }),
    cases: [
      () => [real([2, 3]), real([2, 3])],
      () => [real([2]), real([2])],
      () => [real([0, 2]), real([0, 2])],
    ],
  },
  layerNormGrad: {
    call: (g, x, w) => internal.apply(internal.OPS.layerNormGrad, [g, x, w], { epsilon: EPSILON }),
    cases: [
      () => [real([2, 3]), real([2, 3]), real([3])],
      () => [real([3]), real([3]), real([3])],
      () => [real([0, 2]), real([0, 2]), real([2])],
    ],
  },
  layerNormWeightGrad: {
    call: (g, x) => internal.apply(internal.OPS.layerNormWeightGrad, [g, x], { epsilon: EPSILON }),
    cases: [
      () => [real([2, 3]), real([2, 3])],
      () => [real([3]), real([3])],
      () => [real([0, 2]), real([0, 2])],
    ],
  },
  conv1dInputGrad: {
    call: (g, w) =>
      internal.apply(
        internal.OPS.conv1dInputGrad,
        [g, w],
        w.shape[0] === 4 ? { ...GROUPED, length: 5 } : { ...CONV, length: 6 },
      ),
    cases: [
      () => [real([2, 3, 3]), real([3, 2, 3])],
      () => [real([1, 4, 7]), real([4, 2, 2])],
      () => [real([0, 1, 3]), real([1, 2, 3])],
    ],
  },
  conv1dWeightGrad: {
    call: (g, x) =>
      internal.apply(
        internal.OPS.conv1dWeightGrad,
        [g, x],
        x.shape[1] === 4 ? { ...GROUPED, taps: 2 } : { ...CONV, taps: 3 },
      ),
    cases: [
      () => [real([2, 3, 3]), real([2, 2, 6])],
      () => [real([1, 2, 7]), real([1, 4, 5])],
      () => [real([0, 1, 3]), real([0, 2, 6])],
    ],
  },
  crossEntropyGrad: {
    call: (...inputs) => internal.apply(internal.OPS.crossEntropyGrad, inputs, CE),
    cases: [
      () => [real([3]), real([3, 3]), labels()],
      () => [real([1]), real([1, 2]), whole([1], [0])],
      () => [real([0]), real([0, 3]), whole([0], [])],
    ],
  },
  ctcLossGrad: {
    call: (g, ...inputs) => internal.apply(internal.OPS.ctcLossGrad, [g, ...inputs], { blank: 0 }),
    cases: [
      () => [real([2]), ...ctcInputs()],
      () => [real([1]), ...emptyTargets()],
      () => [real([2]), ...impossible()],
    ],
  },
};
