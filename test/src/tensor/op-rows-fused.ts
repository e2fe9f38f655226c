// One row per fused op for op-table.test.ts, as in op-rows-primitive.ts; the oracles know nothing of the
// definitions that the library composes these ops of.
import type { Tensor } from "@echo-ts/tensor";
import * as e from "@echo-ts/tensor";
import type { FusedOp, OpParams } from "@echo-ts/tensor/internal";
import * as internal from "@echo-ts/tensor/internal";
import {
  at,
  build,
  type Grid,
  indices,
  lines,
  matmulNaive,
  stretched,
  sumOver,
  total,
  zip,
} from "./naive.ts";
import { binary, countable, erf, INDEX, NO_AXIS, POSITIVE, REAL, type Row, unary } from "./op-row.ts";

export const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
export const softmaxLine = (line: number[]): number[] => {
  const weights = line.map(Math.exp);
  return weights.map((w) => w / total(weights));
};
export const squares = (line: number[]): number => sumOver(line.length, (i) => line[i]! ** 2);

/** Standardised along the last axis. */
export const standardised = (line: number[], epsilon: number): number[] => {
  const centred = line.map((x) => x - total(line) / line.length);
  return centred.map((x) => x / Math.sqrt(squares(centred) / line.length + epsilon));
};

export const conv = { stride: 2, padding: 1, dilation: 2, groups: 2 };
export const convNaive = (x: Grid, w: Grid, b?: Grid): Grid => {
  const [batch, , length] = x.shape as [number, number, number];
  const [out, perGroup, taps] = w.shape as [number, number, number];
  const frames = Math.floor((length + 2 * conv.padding - conv.dilation * (taps - 1) - 1) / conv.stride) + 1;
  return build([batch, out, frames], (n, o, f) => {
    const first = Math.floor((o * conv.groups) / out) * perGroup;
    const products = sumOver(perGroup, (c) =>
      sumOver(taps, (k) => {
        const t = f * conv.stride + k * conv.dilation - conv.padding;
        return t < 0 || t >= length ? 0 : at(x, n, first + c, t) * at(w, o, c, k);
      }),
    );
    return products + (b === undefined ? 0 : at(b, o));
  });
};

/** softmax(scale q k^T + bias) v, sum by sum. */
export const attentionNaive =
  (scale: number, causal: boolean) =>
  (q: Grid, k: Grid, v: Grid, bias?: Grid): Grid =>
    build([...q.shape.slice(0, -1), v.shape.at(-1)!], (...index) => {
      const [lead, i, c] = [index.slice(0, -2), index.at(-2)!, index.at(-1)!];
      const scores = Array.from({ length: k.shape.at(-2)! }, (_, j) =>
        causal && j > i
          ? Number.NEGATIVE_INFINITY
          : scale * sumOver(q.shape.at(-1)!, (d) => at(q, ...lead, i, d) * at(k, ...lead, j, d)) +
            (bias === undefined ? 0 : stretched(bias, ...lead, i, j)),
      );
      return sumOver(scores.length, (j) => softmaxLine(scores)[j]! * at(v, ...lead, j, c));
    });

/** Real and imaginary part of bin k of a line, by the definition. */
const bin = (line: readonly number[], k: number, size: number, part: number): number =>
  sumOver(size, (t) => {
    const angle = (-2 * Math.PI * k * t) / size;
    return (line[t] ?? 0) * (part === 0 ? Math.cos(angle) : Math.sin(angle));
  });
const rfftNaive =
  (size?: number) =>
  (x: Grid): Grid => {
    const n = size ?? x.shape.at(-1)!;
    return build([...x.shape.slice(0, -1), Math.floor(n / 2) + 1, 2], (...index) => {
      const line = Array.from({ length: x.shape.at(-1)! }, (_, t) => at(x, ...index.slice(0, -2), t));
      return bin(line, index.at(-2)!, n, index.at(-1)!);
    });
  };
const irfftNaive =
  (size: number) =>
  (x: Grid): Grid =>
    build([...x.shape.slice(0, -2), size], (...index) => {
      const [lead, t] = [index.slice(0, -1), index.at(-1)!];
      // The spectrum of a real signal continued: bin size - k is the conjugate of bin k.
      const terms = sumOver(size, (k) => {
        const mirrored = k > size / 2;
        const source = mirrored ? size - k : k;
        const imaginary = (mirrored ? -1 : 1) * at(x, ...lead, source, 1);
        const real = source === 0 || 2 * source === size ? 0 : imaginary;
        const angle = (2 * Math.PI * k * t) / size;
        return at(x, ...lead, source, 0) * Math.cos(angle) - real * Math.sin(angle);
      });
      return terms / size;
    });

/** The identity, so that a weighted sum of its rows gives the weights themselves. */
const unitRows = (k: Grid): Grid => {
  const n = k.shape.at(-2)!;
  return build([...k.shape.slice(0, -1), n], (...index) => Number(index.at(-1) === index.at(-2)));
};

type CrossEntropyParams = OpParams["crossEntropy"];

export const CROSS_ENTROPY: readonly CrossEntropyParams[] = [
  { ignoreIndex: null, labelSmoothing: 0 },
  { ignoreIndex: 2, labelSmoothing: 0.1 },
];
export const crossEntropyNaive =
  ({ ignoreIndex, labelSmoothing }: CrossEntropyParams) =>
  (x: Grid, t: Grid, w?: Grid): Grid =>
    build(t.shape, (row) => {
      const label = at(t, row);
      if (label === ignoreIndex) return 0;
      const classes = x.shape[1]!;
      const shares = softmaxLine(Array.from({ length: classes }, (_, c) => at(x, row, c)));
      return -sumOver(classes, (c) => {
        const target = (c === label ? 1 - labelSmoothing : 0) + labelSmoothing / classes;
        return target * (w === undefined ? 1 : at(w, c)) * Math.log(shares[c]!);
      });
    });

/** The probability of a label sequence by trying every path of classes through the frames. */
export const ctcNaive = (x: Grid, t: Grid, lengths: Grid, labels: Grid): Grid =>
  build([x.shape[1]!], (sample) => {
    const frames = at(lengths, sample);
    const wanted = Array.from({ length: at(labels, sample) }, (_, i) => at(t, sample, i)).join();
    const paths = indices(new Array<number>(frames).fill(x.shape[2]!));
    const fitting = paths.filter(
      (path) => path.filter((c, i) => c !== 0 && c !== path[i - 1]).join() === wanted,
    );
    return -Math.log(
      total(fitting.map((path) => Math.exp(sumOver(frames, (i) => at(x, i, sample, path[i]!))))),
    );
  });

/** Ops that give gradients; their rows are in op-rows-gradient.ts. */
export type GradientOp = Extract<FusedOp, `${string}Grad`>;

/** The rows of the fused ops. */
export const FUSED_ROWS: { readonly [P in Exclude<FusedOp, GradientOp>]: Row | readonly Row[] } = {
  abs: countable(e.abs, Math.abs),
  square: countable(e.square, (x) => x * x),
  reciprocal: unary(e.reciprocal, (x) => 1 / x, POSITIVE),
  rsqrt: unary(e.rsqrt, (x) => 1 / Math.sqrt(x), POSITIVE),
  minimum: binary(e.minimum, Math.min),
  // Numbers up to 2^51 lose their fraction, halves to even, when 1.5 * 2^52 is added.
  round: countable(e.round, (x) => x + 6755399441055744 - 6755399441055744),
  sigmoid: unary(e.sigmoid, sigmoid),
  relu: countable(e.relu, (x) => Math.max(x, 0)),
  softplus: unary(e.softplus, (x) => Math.log(1 + Math.exp(x))),
  gelu: unary(e.gelu, (x) => (x * (1 + erf(x / Math.SQRT2))) / 2),
  geluTanh: unary(
    e.geluTanh,
    (x) => (x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)))) / 2,
  ),
  silu: unary(e.silu, (x) => x * sigmoid(x)),
  elu: unary(
    (x) => e.elu(x, 1.5),
    (x) => (x > 0 ? x : 1.5 * (Math.exp(x) - 1)),
  ),
  leakyRelu: unary(
    (x) => e.leakyRelu(x, 0.2),
    (x) => (x > 0 ? x : 0.2 * x),
  ),
  cumsum: {
    call: (x) => e.cumsum(x, 1),
    naive: (x) => lines(x, 1, (line) => line.map((_, i) => total(line.slice(0, i + 1)))),
    shapes: ["[2,9]", "[2,5,3]"],
    scalar: NO_AXIS,
    empty: ["[0,3]", "[3,0]"],
    ints: true,
  },
  softmax: {
    call: (x) => e.softmax(x, 1),
    naive: (x) => lines(x, 1, softmaxLine),
    shapes: ["[2,9]", "[2,5,3]"],
    scalar: NO_AXIS,
    empty: ["[0,3]", "[3,0]"],
  },
  logSoftmax: {
    call: (x) => e.logSoftmax(x, 1),
    naive: (x) => lines(x, 1, (line) => softmaxLine(line).map(Math.log)),
    shapes: ["[2,9]", "[2,5,3]"],
    scalar: NO_AXIS,
    empty: ["[0,3]", "[3,0]"],
  },
  rmsNorm: {
    call: (x, w) => e.rmsNorm(x, w, 1e-3),
    naive: (x, w) => {
      const scaled = lines(x, -1, (line) =>
        line.map((v) => v / Math.sqrt(squares(line) / line.length + 1e-3)),
      );
      return zip((v, weight) => v * weight)(scaled, w);
    },
    shapes: ["[2,3,4] [4]", "[5] [5]"],
    scalar: NO_AXIS,
    empty: ["[0,4] [4]", "[3,0] [0]"],
  },
  layerNorm: {
    call: (x, w, b) => e.layerNorm(x, w, b, 1e-3),
    naive: (x, w, b) =>
      zip((v, weight, bias) => v * weight + bias)(
        lines(x, -1, (line) => standardised(line, 1e-3)),
        w,
        b,
      ),
    shapes: ["[2,3,4] [4] [4]", "[5] [5] [5]"],
    scalar: NO_AXIS,
    empty: ["[0,4] [4] [4]", "[3,0] [0] [0]"],
  },
  linear: [
    {
      call: (x, w, b) => e.linear(x, w, b),
      naive: (x, w, b) =>
        build([...x.shape.slice(0, -1), w.shape[0]!], (...index) => {
          const [lead, o] = [index.slice(0, -1), index.at(-1)!];
          return sumOver(w.shape[1]!, (i) => at(x, ...lead, i) * at(w, o, i)) + at(b, o);
        }),
      shapes: ["[2,3,4] [5,4] [5]", "[4] [5,4] [5]"],
      scalar: NO_AXIS,
      empty: ["[0,4] [5,4] [5]", "[2,0] [5,0] [5]"],
      ints: true,
    },
    {
      call: (x, w) => e.linear(x, w),
      naive: (x, w) =>
        matmulNaive(
          x,
          build([...w.shape].reverse(), (i, o) => at(w, o, i)),
        ),
      shapes: ["[2,4] [5,4]"],
      scalar: NO_AXIS,
      empty: ["[0,4] [5,4]"],
    },
  ],
  conv1d: [
    {
      call: (x, w, b) => e.conv1d(x, w, b, conv),
      naive: convNaive,
      shapes: ["[2,4,9] [6,2,3] [6]"],
      scalar: { none: "the shapes are fixed" },
      empty: ["[0,4,9] [6,2,3] [6]"],
    },
    {
      call: (x, w) => e.conv1d(x, w, null, conv),
      naive: convNaive,
      shapes: ["[1,2,5] [2,1,1]"],
      scalar: { none: "the shapes are fixed" },
      empty: ["[0,2,5] [2,1,1]"],
    },
  ],
  rotatePairs: {
    call: e.rotatePairs,
    naive: (x, c, s) =>
      build(x.shape, (...index) => {
        const [lead, d] = [index.slice(0, -1), index.at(-1)!];
        const pair = Math.floor(d / 2);
        const [even, odd] = [at(x, ...lead, 2 * pair), at(x, ...lead, 2 * pair + 1)];
        const [cos, sin] = [stretched(c, ...lead, pair), stretched(s, ...lead, pair)];
        return d % 2 === 0 ? even * cos - odd * sin : even * sin + odd * cos;
      }),
    shapes: ["[2,3,6] [3,3] [3,3]", "[2,1,3,4] [2,1,1,2] [2,1,1,2]"],
    scalar: "[2,6] [] []",
    empty: ["[0,6] [3] [3]", "[2,0] [0] [0]"],
  },
  attention: [
    {
      call: (q, k, v, bias) => e.attention(q, k, v, { bias, scale: 0.7 }),
      naive: attentionNaive(0.7, false),
      shapes: ["[2,3,4] [2,5,4] [2,5,6] [3,5]"],
      scalar: "[2,3,4] [2,5,4] [2,5,6] []",
      empty: ["[0,3,4] [0,5,4] [0,5,6] [3,5]"],
    },
    {
      call: (q, k, v) => e.attention(q, k, v, { causal: true }),
      naive: attentionNaive(0.5, true),
      shapes: ["[2,2,4,4] [2,2,4,4] [2,2,4,4]"],
      scalar: NO_AXIS,
      empty: ["[2,0,4] [2,3,4] [2,3,4]"],
    },
  ],
  rfft: [
    {
      call: (x) => e.rfft(x),
      naive: rfftNaive(),
      shapes: ["[3,8]", "[2,2,5]"],
      scalar: NO_AXIS,
      empty: ["[0,8]"],
    },
    ...[6, 12].map((size) => ({
      call: (x: Tensor) => e.rfft(x, size),
      naive: (x: Grid) => rfftNaive(size)(x),
      shapes: ["[2,9]"],
      scalar: NO_AXIS,
      empty: ["[0,9]"],
    })),
  ],
  irfft: [8, 9].map((size) => ({
    call: (x) => e.irfft(x, size),
    naive: irfftNaive(size),
    shapes: ["[3,5,2]"],
    scalar: NO_AXIS,
    empty: ["[0,5,2]"],
  })),
  attentionWeights: [false, true].map((causal) => ({
    call: (q, k, bias) => internal.attentionWeights(q, k, { scale: 0.7, causal }, bias),
    naive: (q, k, bias) => attentionNaive(0.7, causal)(q, k, unitRows(k), bias),
    shapes: ["[2,3,4] [2,5,4] [3,5]", "[2,2,3,4] [2,2,3,4] [2,1,1,3]"],
    scalar: "[2,3,4] [2,5,4] []",
    empty: ["[0,3,4] [0,5,4] [3,5]", "[2,0,4] [2,3,4] [1,3]"],
  })),
  attend: {
    call: (q, k, v) => {
      const params = { scale: 0.7, causal: false };
      return internal.apply(internal.OPS.attend, [q, k, v, internal.attentionWeights(q, k, params)], params);
    },
    naive: attentionNaive(0.7, false),
    shapes: ["[2,3,4] [2,5,4] [2,5,6]", "[3,4] [2,4] [2,1]"],
    scalar: NO_AXIS,
    empty: ["[0,3,4] [0,5,4] [0,5,6]"],
  },
  crossEntropy: CROSS_ENTROPY.map((params) => ({
    call: (x, t, w) => internal.crossEntropyRows(x, t, w ?? null, params),
    naive: crossEntropyNaive(params),
    shapes: ["[5,4] [5]", "[6,4] [6] [4]"],
    scalar: NO_AXIS,
    empty: ["[0,4] [0]", "[0,4] [0] [4]"],
    domains: [REAL, INDEX, POSITIVE],
  })),
  ctcLoss: {
    call: (x, t, n, m) => internal.ctcRows(x, t, n, m, { blank: 0 }),
    naive: ctcNaive,
    shapes: ["[5,2,3] [2,2] [2] [2]", "[4,1,4] [1,3] [1] [1]"],
    scalar: NO_AXIS,
    empty: ["[5,0,3] [0,2] [0] [0]"],
    domains: [[-3, 0], { from: 1, index: 3 }, { from: 3, index: 5 }, { from: 0, index: 3 }],
  },
};
