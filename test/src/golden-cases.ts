// PyTorch's values and gradients of operations (fixtures/ops): what each golden operation is called here, and
// how its tensors are found. Nothing here needs Node, so that browsers run the same cases; Node reads the files
// by read-golden.ts.
import * as a from "@echo-ts/autograd";
import * as e from "@echo-ts/tensor";
import { readSafetensors, type Tensor, tensor } from "@echo-ts/tensor";

type Numbers =
  | "blank"
  | "dim"
  | "exponent"
  | "hop"
  | "index"
  | "min"
  | "max"
  | "n_fft"
  | "ord"
  | "size"
  | "step"
  | "value"
  | "eps";
type Lists =
  | "axes"
  | "dims"
  | "input_lengths"
  | "target_lengths"
  | "normalized_shape"
  | "reps"
  | "shape"
  | "sizes";

/** Parameters by PyTorch's names; each op has some of them. */
export interface Params
  extends Readonly<Record<Numbers, number>>,
    Readonly<Record<Lists, number[]>>,
    e.Conv1dOptions {
  readonly slices: string | (readonly [number | null, number | null, number])[];
  readonly pad: readonly [number, number];
  readonly keepdim?: boolean;
  readonly unbiased: boolean;
  readonly is_causal?: boolean;
  readonly unsqueeze: number;
  readonly squeeze: number;
  readonly label_smoothing?: number;
  readonly ignore_index?: number | null;
  readonly reduction?: a.Reduction;
}

/** One golden case: names of the tensors in its file, by role. */
export interface GoldenCase {
  readonly name: string;
  readonly op: string;
  readonly params: Params;
  readonly in: Readonly<Record<string, string>>;
  readonly out: Readonly<Record<string, string>>;
  readonly cot?: Readonly<Record<string, string>>;
  readonly grad?: Readonly<Record<string, string>>;
}

type Inputs = Readonly<Record<string, Tensor>>;
type Results = Tensor | Readonly<Record<string, Tensor>>;

const elementwise =
  (op: (x: Tensor) => Tensor) =>
  ({ x }: Inputs): Tensor =>
    op(x!);
const binary =
  (op: (a: Tensor, b: Tensor) => Tensor) =>
  ({ a, b }: Inputs): Tensor =>
    op(a!, b!);
const reduction =
  (op: (x: Tensor, axes: number[], keepDims: boolean) => Tensor) =>
  ({ x }: Inputs, { axes, keepdim = false }: Params): Tensor =>
    op(x!, axes, keepdim);
const negativeInfinity = Number.NEGATIVE_INFINITY;

/** What each golden op is called here. */
export const GOLDEN_OPS: Readonly<
  Record<string, (inputs: Inputs, params: Params, output: Tensor) => Results>
> = {
  neg: elementwise(e.neg),
  abs: elementwise(e.abs),
  square: elementwise(e.square),
  exp: elementwise(e.exp),
  sin: elementwise(e.sin),
  cos: elementwise(e.cos),
  tanh: elementwise(e.tanh),
  sigmoid: elementwise(e.sigmoid),
  relu: elementwise(e.relu),
  gelu: elementwise(e.gelu),
  gelu_tanh: elementwise(e.geluTanh),
  silu: elementwise(e.silu),
  softplus: elementwise(e.softplus),
  tanhshrink: elementwise(e.tanhshrink),
  softshrink: elementwise((x) => e.softshrink(x)),
  leaky_relu: elementwise((x) => e.leakyRelu(x)),
  elu: elementwise((x) => e.elu(x)),
  erf: elementwise(e.erf),
  expm1: elementwise(e.expm1),
  sign: elementwise(e.sign),
  "gelu/silu/softplus/sigmoid/tanh at large arguments": ({ x }) => ({
    gelu: e.gelu(x!),
    silu: e.silu(x!),
    softplus: e.softplus(x!),
    sigmoid: e.sigmoid(x!),
    tanh: e.tanh(x!),
    elu: e.elu(x!),
  }),
  log: elementwise(e.log),
  log1p: elementwise(e.log1p),
  log10: elementwise(e.log10),
  sqrt: elementwise(e.sqrt),
  rsqrt: elementwise(e.rsqrt),
  reciprocal: elementwise(e.reciprocal),
  clamp: ({ x }, { min, max }) => e.clamp(x!, min, max),
  pow: ({ a, b, x }, { exponent }) => (x === undefined ? e.pow(a!, b!) : e.pow(x, exponent)),
  add: binary(e.add),
  sub: binary(e.sub),
  mul: binary(e.mul),
  div: binary(e.div),
  maximum: binary(e.maximum),
  minimum: binary(e.minimum),
  atan2: binary(e.atan2),
  "lt/le/gt/ge/eq/ne": ({ _a: a, _b: b }) => ({
    lt: e.less(a!, b!),
    le: e.lessEqual(a!, b!),
    gt: e.greater(a!, b!),
    ge: e.greaterEqual(a!, b!),
    eq: e.equal(a!, b!),
    ne: e.notEqual(a!, b!),
  }),
  where: ({ c, a, b }) => e.where(c!, a!, b!),
  masked_fill: ({ x, m }, { value }) => e.maskedFill(x!, m!, value),
  sum: reduction(e.sum),
  mean: reduction(e.mean),
  amax: reduction(e.max),
  amin: reduction(e.min),
  logsumexp: reduction(e.logSumExp),
  var: ({ x }, { axes, unbiased }) => e.variance(x!, axes, false, unbiased ? 1 : 0),
  std: ({ x }, { axes, unbiased }) => e.std(x!, axes, false, unbiased ? 1 : 0),
  argmax: ({ _x: x }, { dim }) => e.argmax(x!, dim),
  prod: ({ x }, { dim }) => e.prod(x!, dim),
  cumsum: ({ x }, { dim }) => e.cumsum(x!, dim),
  vector_norm: ({ x }, { dim, ord }) => e.norm(x!, dim, false, ord),
  matmul: binary(e.matmul),
  linear: ({ x, w, b }) => e.linear(x!, w!, b),
  conv1d: ({ x, w, b }, { stride = 1, padding = 0, dilation = 1, groups = 1 }) =>
    e.conv1d(x!, w!, b, { stride, padding, dilation, groups }),
  reshape: ({ x }, { shape }) => e.reshape(x!, shape),
  permute: ({ x }, { dims }) => {
    const y = e.permute(x!, dims);
    return e.mul(y, e.arange(1, y.shape.at(-1)! + 1));
  },
  transpose: ({ x }, { dims }) => e.transpose(x!, dims[0], dims[1]),
  "permute then matmul on a non-contiguous view": ({ x, w }) => e.matmul(e.permute(x!, [1, 0, 2]), w!),
  expand: ({ x }, { shape }) => e.broadcastTo(x!, shape),
  cat: (inputs, { dim }) => e.concat(Object.values(inputs), dim),
  stack: ({ a, b }, { dim }) => e.stack([a!, b!], dim),
  split: ({ x }, { sizes, dim }) =>
    Object.fromEntries(e.split(x!, sizes, dim).map((part, i) => [`y${i}`, part])),
  slice: ({ x }, { slices }) =>
    typeof slices === "string"
      ? e.slice(x!, [...x!.shape.slice(1).map(() => null), { start: -2 }])
      : e.slice(
          x!,
          slices.map(([start, stop, step]) => ({ start, stop, step })),
        ),
  select: ({ x }, { dim, index }) => e.select(x!, dim, index),
  flip: ({ x }, { dims }) => e.flip(x!, dims),
  "squeeze/unsqueeze": ({ x }, p) => e.squeeze(e.unsqueeze(x!, p.unsqueeze), p.squeeze),
  repeat: ({ x }, { reps }) => e.tile(x!, reps),
  gather: ({ x, i }, { dim }) => e.gather(x!, dim, i!),
  index_select: ({ x, i }, { dim }) => e.indexSelect(x!, dim, i!),
  embedding: ({ w, i }) => e.indexSelect(w!, 0, i!),
  pad: ({ x }, { pad, value }) => e.pad(x!, [pad], "constant", value),
  tril: elementwise((x) => e.tril(x)),
  frames: ({ x }, { size, step }) => e.unfold(x!, -1, size, step),
  "even/odd pair rotation": ({ x }, _, y) => {
    const axes = x!.shape.slice(0, -1).map(() => null);
    const even = e.slice(x!, [...axes, { step: 2 }]);
    const odd = e.slice(x!, [...axes, { start: 1, step: 2 }]);
    return e.reshape(e.stack([e.neg(odd), even], -1), y.shape);
  },
  softmax: ({ x }, { dim }) => e.softmax(x!, dim),
  log_softmax: ({ x }, { dim }) => e.logSoftmax(x!, dim),
  "softmax with -inf": ({ x }) => {
    const allowed = e.tril(e.onesLike(x!));
    return e.softmax(e.where(allowed, x!, negativeInfinity));
  },
  rms_norm: ({ x, w }, { eps }) => e.rmsNorm(x!, w, eps),
  layer_norm: ({ x, w, b }, { eps, normalized_shape = [0] }) => {
    const first = -normalized_shape.length;
    const flat = (y: Tensor | undefined) => (y === undefined ? null : e.flatten(y));
    return e.reshape(e.layerNorm(e.flatten(x!, first), flat(w), flat(b), eps), x!.shape);
  },
  cross_entropy: ({ x, t }, { reduction = "mean", label_smoothing = 0, ignore_index = null }) =>
    a.crossEntropyLoss(x!, t!, { reduction, labelSmoothing: label_smoothing, ignoreIndex: ignore_index }),
  nll_loss: ({ x, t }) => a.nllLoss(x!, t!),
  mse_loss: ({ x, t }) => a.mseLoss(x!, t!),
  binary_cross_entropy_with_logits: ({ x, _t }) => a.bceWithLogitsLoss(x!, _t!),
  ctc_loss: ({ x, t }, { blank, reduction = "mean", input_lengths, target_lengths }) =>
    a.ctcLoss(e.logSoftmax(x!), t!, input_lengths, target_lengths, { blank, reduction }),
  scaled_dot_product_attention: ({ q, k, v, m, b }, { is_causal = false }) =>
    e.attention(q!, k!, v!, {
      causal: is_causal,
      bias: m === undefined ? (b ?? null) : e.where(m, 0, negativeInfinity),
    }),
  cosine_similarity: ({ a, b }, { dim, eps }) => e.cosineSimilarity(a!, b!, dim, eps),
  rfft: ({ x }) => {
    const y = e.rfft(x!);
    return { re: e.select(y, -1, 0), im: e.select(y, -1, 1) };
  },
  "stft power": ({ x }, { n_fft, hop }) => {
    const half = n_fft / 2;
    const frames = e.unfold(e.pad(x!, [[half, half]]), -1, n_fft, hop);
    const window = e.mul(e.sub(1, e.cos(e.mul(e.arange(n_fft), (2 * Math.PI) / n_fft))), 0.5);
    return e.transpose(e.sum(e.square(e.rfft(e.mul(frames, window))), -1));
  },
};

/** `dim` is one axis or several; ops that take several find them under `axes`. */
function withAxes(c: GoldenCase): GoldenCase {
  return { ...c, params: { ...c.params, axes: [c.params.dim].flat() } };
}

/** All golden cases, and the tensors of each by name. */
export interface GoldenOps {
  readonly cases: readonly GoldenCase[];
  value(key: string): Tensor;
}

/** @param index golden.json; @param arrays golden.safetensors */
export function parseGolden(index: string, arrays: Uint8Array): GoldenOps {
  const { cases } = JSON.parse(index) as { cases: GoldenCase[] };
  const { tensors } = readSafetensors(arrays);
  const value = (key: string): Tensor => {
    const { data, shape } = tensors.get(key)!;
    return tensor(data as Float32Array | Int32Array, { shape });
  };
  return { cases: cases.map(withAxes), value };
}

/**
 * The largest |actual - expected| as a share of the tolerance of the golden files, 1e-5 + 1e-4 |expected|.
 * Infinity where only one of the two is NaN or infinite.
 */
export function shareOfTolerance(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (actual.length !== expected.length) return Number.POSITIVE_INFINITY;
  let worst = 0;
  for (let i = 0; i < expected.length; i++) {
    const [p, q] = [actual[i]!, expected[i]!];
    if (Object.is(p, q) || p === q) continue;
    const ratio = Math.abs(p - q) / (1e-5 + 1e-4 * Math.abs(q));
    worst = Math.max(worst, Number.isNaN(ratio) ? Number.POSITIVE_INFINITY : ratio);
  }
  return worst;
}
