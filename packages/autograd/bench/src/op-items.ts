// Single ops and one optimiser step on fixed random data. Results are released after each run, so that a
// long measurement stays in the memory of a short one.

import { AdamW, Parameter } from "@echo-ts/autograd";
import {
  add,
  conv1d,
  exp,
  gelu,
  geluTanh,
  linear,
  matmul,
  rmsNorm,
  type Shape,
  softmax,
  stream,
  type Tensor,
  tensor,
} from "@echo-ts/tensor";
import type { Item, Prepared } from "./item.ts";

const SEED = 1;
const MEBI = 2 ** 20;

/** Standard normal numbers from the stream of this name. */
export function normal(name: string, shape: Shape, scale = 1): Tensor {
  const random = stream(SEED, `bench/${name}`);
  const size = shape.reduce((n, m) => n * m, 1);
  return tensor(
    Float32Array.from({ length: size }, () => random.normal(0, scale)),
    { shape },
  );
}

/** The sum of all elements, in order, in double precision. */
function total(x: Tensor): number {
  let sum = 0;
  for (const value of x.dataSync()) sum += value;
  return sum;
}

/** An op whose inputs stay and whose output is released at once. */
function prepareOp(compute: () => Tensor): Prepared {
  const release = ({ storage }: Tensor): void => storage.backend.release?.(storage);
  return {
    run: () => release(compute()),
    check: () => {
      const out = compute();
      const sum = total(out);
      release(out);
      return sum;
    },
  };
}

function product(name: string, m: number, k: number, n: number): Item {
  return {
    name: `matmul_${name}`,
    flops: 2 * m * n * k,
    prepare: () => {
      const a = normal("a", [m, k]);
      const b = normal("b", [k, n]);
      return prepareOp(() => matmul(a, b));
    },
  };
}

/** One row times the weights of a layer, as a decoder computes for every token. */
function linearRow(inputs: number, outputs: number): Item {
  return {
    name: `linear_row_${inputs}x${outputs}`,
    flops: 2 * inputs * outputs,
    prepare: () => {
      const x = normal("x", [1, inputs]);
      const weight = normal("weight", [outputs, inputs]);
      return prepareOp(() => linear(x, weight));
    },
  };
}

function elementwise(name: string, op: (x: Tensor) => Tensor): Item {
  return {
    name: `${name}_1M`,
    flops: null,
    prepare: () => {
      const x = normal("a", [MEBI]);
      return prepareOp(() => op(x));
    },
  };
}

const CHANNELS = 128;
const FRAMES = 1500;
const TAPS = 3;

function convolution(name: string, groups: number): Item {
  return {
    name: `${name}_${CHANNELS}`,
    flops: 2 * FRAMES * CHANNELS * (CHANNELS / groups) * TAPS,
    prepare: () => {
      const x = normal("a", [1, CHANNELS, FRAMES]);
      const w = normal("b", [CHANNELS, CHANNELS / groups, TAPS]);
      return prepareOp(() => conv1d(x, w, null, { padding: 1, groups }));
    },
  };
}

/** The items below the level of a training step. */
export const OP_ITEMS: readonly Item[] = [
  product("64", 64, 64, 64),
  product("128", 128, 128, 128),
  product("256", 256, 256, 256),
  product("512", 512, 512, 512),
  product("1024", 1024, 1024, 1024),
  product("375x128x512", 375, 128, 512),
  linearRow(128, 512),
  linearRow(384, 51865),
  elementwise("gelu", geluTanh),
  elementwise("gelu_erf", gelu),
  elementwise("exp", exp),
  {
    name: "add_1M",
    flops: null,
    prepare: () => {
      const a = normal("a", [MEBI]);
      const b = normal("b", [MEBI]);
      return prepareOp(() => add(a, b));
    },
  },
  {
    name: "softmax_1500",
    flops: null,
    prepare: () => {
      const x = normal("a", [FRAMES, FRAMES]);
      return prepareOp(() => softmax(x));
    },
  },
  {
    name: "rmsnorm_1500x128",
    flops: null,
    prepare: () => {
      const x = normal("a", [FRAMES, CHANNELS]);
      const weight = normal("b", [CHANNELS]);
      return prepareOp(() => rmsNorm(x, weight, 1e-6));
    },
  },
  convolution("conv1d", 1),
  convolution("dwconv1d", CHANNELS),
  {
    name: "adamw_1M",
    flops: null,
    prepare: () => {
      const weights = new Parameter(normal("a", [MEBI]));
      weights.grad = normal("b", [MEBI], 0.01);
      const optimizer = new AdamW([weights], { learningRate: 1e-3, weightDecay: 0.01 });
      return { run: () => optimizer.step(), check: () => total(weights) };
    },
  },
];
