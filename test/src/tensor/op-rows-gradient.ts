// One row per gradient op for op-table.test.ts. Where no formula is shorter than the op itself, the oracle
// differentiates the naive forward op numerically.
import * as internal from "@echo-ts/tensor/internal";
import { at, build, fold, type Grid, lines, stretched, total, zip } from "./naive.ts";
import { erf, INDEX, NO_AXIS, POSITIVE, REAL, type Row } from "./op-row.ts";
import {
  attentionNaive,
  CROSS_ENTROPY,
  conv,
  convNaive,
  crossEntropyNaive,
  ctcNaive,
  type GradientOp,
  sigmoid,
  squares,
  standardised,
} from "./op-rows-fused.ts";

const STEP = 1e-3;

/** Derivative by five points: exact up to the fourth order of the step. */
function slope(f: (x: number) => number, x: number): number {
  const central = (h: number): number => (f(x + h) - f(x - h)) / (2 * h);
  return (4 * central(STEP) - central(2 * STEP)) / 3;
}

/** Gradient of sum(g forward(x)) with respect to x. */
function gradient(forward: (x: Grid) => Grid, g: Grid, x: Grid): Grid {
  const loss = (k: number, value: number): number => {
    const data = x.data.map((v, i) => (i === k ? value : v));
    return total(
      forward({ shape: x.shape, data }).data.map((y, i) => (g.data[i] === 0 ? 0 : y * g.data[i]!)),
    );
  };
  return { shape: x.shape, data: x.data.map((v, k) => slope((value) => loss(k, value), v)) };
}

/** How close a numerical derivative comes. */
const NUMERICAL = 1e-9;

function elementwise(op: internal.FusedRow, f: (g: number, x: number) => number): Row {
  return {
    call: (g, x) => internal.apply(op, [g, x], internal.NONE),
    naive: zip((g, x) => f(g, x)),
    shapes: ["[2,3,4] [2,3,4]", "[5] [5]"],
    scalar: "[] []",
    empty: ["[0,3] [0,3]"],
    tolerance: NUMERICAL,
  };
}

const rms = (x: Grid, w: Grid): Grid =>
  zip((v, weight) => v * weight)(
    lines(x, -1, (line) => line.map((v) => v / Math.sqrt(squares(line) / line.length + 1e-3))),
    w,
  );
const standard = (x: Grid, w: Grid): Grid =>
  zip((v, weight) => v * weight)(
    lines(x, -1, (line) => standardised(line, 1e-3)),
    w,
  );
const onesFor = (x: Grid): Grid => build(x.shape.slice(-1), () => 1);

/** Gradient of a norm's input and of its weight. */
function norm(call: Row["call"], naive: (...inputs: Grid[]) => Grid, withWeight: boolean): Row {
  const weight = (shapes: string, w: string): string => (withWeight ? `${shapes} ${w}` : shapes);
  return {
    call,
    naive,
    shapes: [weight("[2,3,4] [2,3,4]", "[4]"), weight("[5] [5]", "[5]")],
    scalar: NO_AXIS,
    empty: [weight("[0,4] [0,4]", "[4]"), weight("[3,0] [3,0]", "[0]")],
    tolerance: NUMERICAL,
  };
}

/** The rows of the gradient ops. */
export const GRADIENT_ROWS: { readonly [P in GradientOp]: Row | readonly Row[] } = {
  softmaxGrad: {
    call: (g, y) => internal.apply(internal.OPS.softmaxGrad, [g, y], { axis: 1 }),
    naive: (g, y) => {
      const products = fold(zip((a, b) => a * b)(g, y), [1], true, total);
      return build(
        y.shape,
        (...index) => at(y, ...index) * (at(g, ...index) - stretched(products, ...index)),
      );
    },
    shapes: ["[2,9] [2,9]", "[2,5,3] [2,5,3]"],
    scalar: NO_AXIS,
    empty: ["[0,3] [0,3]", "[3,0] [3,0]"],
  },
  logSoftmaxGrad: {
    call: (g, y) => internal.apply(internal.OPS.logSoftmaxGrad, [g, y], { axis: 1 }),
    naive: (g, y) => {
      const sums = fold(g, [1], true, total);
      return build(
        y.shape,
        (...index) => at(g, ...index) - Math.exp(at(y, ...index)) * stretched(sums, ...index),
      );
    },
    shapes: ["[2,9] [2,9]", "[2,5,3] [2,5,3]"],
    scalar: NO_AXIS,
    empty: ["[0,3] [0,3]", "[3,0] [3,0]"],
  },
  sigmoidGrad: elementwise(internal.OPS.sigmoidGrad, (g, y) => g * y * (1 - y)),
  tanhGrad: elementwise(internal.OPS.tanhGrad, (g, y) => g * (1 - y * y)),
  reluGrad: elementwise(internal.OPS.reluGrad, (g, y) => (y > 0 ? g : 0)),
  geluGrad: elementwise(
    internal.OPS.geluGrad,
    (g, x) => g * slope((v) => (v * (1 + erf(v / Math.SQRT2))) / 2, x),
  ),
  geluTanhGrad: elementwise(internal.OPS.geluTanhGrad, (g, x) => {
    const f = (v: number): number =>
      (v * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (v + 0.044715 * v ** 3)))) / 2;
    return g * slope(f, x);
  }),
  siluGrad: elementwise(internal.OPS.siluGrad, (g, x) => g * slope((v) => v * sigmoid(v), x)),
  rmsNormGrad: norm(
    (g, x, w) => internal.apply(internal.OPS.rmsNormGrad, [g, x, w], { epsilon: 1e-3 }),
    (g, x, w) => gradient((v) => rms(v, w), g, x),
    true,
  ),
  rmsNormWeightGrad: norm(
    (g, x) => internal.apply(internal.OPS.rmsNormWeightGrad, [g, x], { epsilon: 1e-3 }),
    (g, x) => gradient((w) => rms(x, w), g, onesFor(x)),
    false,
  ),
  layerNormGrad: norm(
    (g, x, w) => internal.apply(internal.OPS.layerNormGrad, [g, x, w], { epsilon: 1e-3 }),
    (g, x, w) => gradient((v) => standard(v, w), g, x),
    true,
  ),
  layerNormWeightGrad: norm(
    (g, x) => internal.apply(internal.OPS.layerNormWeightGrad, [g, x], { epsilon: 1e-3 }),
    (g, x) => gradient((w) => standard(x, w), g, onesFor(x)),
    false,
  ),
  conv1dInputGrad: {
    call: (g, w) => internal.apply(internal.OPS.conv1dInputGrad, [g, w], { ...conv, length: 9 }),
    naive: (g, w) =>
      gradient(
        (x) => convNaive(x, w),
        g,
        build([g.shape[0]!, w.shape[1]! * conv.groups, 9], () => 0),
      ),
    shapes: ["[2,6,4] [6,2,3]", "[1,2,6] [2,3,1]"],
    scalar: NO_AXIS,
    empty: ["[0,6,4] [6,2,3]"],
    tolerance: NUMERICAL,
  },
  conv1dWeightGrad: {
    call: (g, x) => internal.apply(internal.OPS.conv1dWeightGrad, [g, x], { ...conv, taps: 3 }),
    naive: (g, x) =>
      gradient(
        (w) => convNaive(x, w),
        g,
        build([g.shape[1]!, x.shape[1]! / conv.groups, 3], () => 0),
      ),
    shapes: ["[2,6,4] [2,4,9]", "[1,2,2] [1,2,6]"],
    scalar: NO_AXIS,
    empty: ["[0,6,4] [0,4,9]"],
    tolerance: NUMERICAL,
  },
  attentionGrad: [
    { causal: false, shapes: ["[2,3,3] [2,3,2] [2,4,2] [2,4,3]", "[3,1] [3,4] [2,4] [2,1]"] },
    { causal: true, shapes: ["[2,4,3] [2,4,2] [2,4,2] [2,4,3]", "[3,1] [3,4] [2,4] [2,1]"] },
    { causal: false, shapes: ["[2,3,3] [2,3,2] [2,4,2] [2,4,3] [1,4]", "[3,1] [3,4] [2,4] [2,1] [2]"] },
  ].map(({ causal, shapes }) => ({
    call: (g, q, k, v, bias) =>
      internal.apply(internal.OPS.attentionGrad, bias === undefined ? [g, q, k, v] : [g, q, k, v, bias], {
        scale: 0.7,
        causal,
        kept: false,
        biasGrad: bias !== undefined,
      }),
    naive: (g, q, k, v, bias) => {
      const forward = attentionNaive(0.7, causal);
      const lead = q.shape.slice(0, -2);
      const heads = lead.reduce((a, b) => a * b, 1);
      const keys = k.shape[k.shape.length - 2]!;
      const parts = [
        gradient((x) => forward(x, k, v, bias), g, q),
        gradient((x) => forward(q, x, v, bias), g, k),
        gradient((x) => forward(q, k, x, bias), g, v),
      ];
      if (bias !== undefined) {
        // A bias of its own for each head, whose gradient is that of the head's share.
        const data = Array.from({ length: heads }, () => bias.data.slice(-keys)).flat();
        parts.push(gradient((x) => forward(q, k, v, x), g, { shape: [...lead, 1, keys], data }));
      }
      const lengths = parts.map(({ data }) => data.length / heads);
      const data = Array.from({ length: heads }, (_, h) =>
        parts.flatMap((part, i) => [...part.data].slice(h * lengths[i]!, (h + 1) * lengths[i]!)),
      );
      return { shape: [...lead, lengths.reduce((a, b) => a + b, 0)], data: data.flat() };
    },
    shapes,
    scalar: NO_AXIS,
    empty: ["[1,0,3] [1,0,2] [1,4,2] [1,4,3]"],
    tolerance: NUMERICAL,
  })),
  crossEntropyGrad: CROSS_ENTROPY.map((params) => ({
    call: (...inputs) => internal.apply(internal.OPS.crossEntropyGrad, inputs, params),
    naive: (g, x, t, w) => gradient((v) => crossEntropyNaive(params)(v, t, w), g, x),
    shapes: ["[5] [5,4] [5]", "[6] [6,4] [6] [4]"],
    scalar: NO_AXIS,
    empty: ["[0] [0,4] [0]", "[0] [0,4] [0] [4]"],
    domains: [REAL, REAL, INDEX, POSITIVE],
    tolerance: NUMERICAL,
  })),
  ctcLossGrad: {
    call: (g, ...inputs) => internal.apply(internal.OPS.ctcLossGrad, [g, ...inputs], { blank: 0 }),
    naive: (g, x, t, n, m) => gradient((v) => ctcNaive(v, t, n, m), g, x),
    shapes: ["[2] [4,2,3] [2,2] [2] [2]", "[1] [4,1,3] [1,1] [1] [1]"],
    scalar: NO_AXIS,
    empty: ["[0] [5,0,3] [0,2] [0] [0]"],
    domains: [REAL, [-3, 0], { from: 1, index: 3 }, { from: 3, index: 5 }, { from: 0, index: 2 }],
    tolerance: NUMERICAL,
  },
};
