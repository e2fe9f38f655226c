// Whole training steps, written as a user would write them: modules, a loss, backward, an optimiser.

import { AdamW, crossEntropyLoss, Linear, Module, mseLoss, RMSNorm, SGD } from "@echo-ts/autograd";
import {
  add,
  attention,
  geluTanh,
  narrow,
  permute,
  reshape,
  stream,
  type Tensor,
  tanh,
  tensor,
} from "@echo-ts/tensor";
import type { Item, Prepared } from "./item.ts";
import { normal } from "./op-items.ts";

export const SEED = 1;

/** One optimiser step on a fixed batch; the loss is read back each time. */
function prepareStep(optimizer: { step(): void; zeroGrad(): void }, lossOf: () => Tensor): Prepared {
  let last = Number.NaN;
  return {
    run: () => {
      const loss = lossOf();
      loss.backward();
      optimizer.step();
      optimizer.zeroGrad();
      last = loss.item();
    },
    check: () => last,
  };
}

/** 2-16-16-1 with tanh. */
export class Mlp extends Module {
  readonly first: Linear = new Linear(2, 16);
  readonly second: Linear = new Linear(16, 16);
  readonly output: Linear = new Linear(16, 1);

  forward(x: Tensor): Tensor {
    return this.output.forward(tanh(this.second.forward(tanh(this.first.forward(x)))));
  }
}

export const MLP_BATCH = 64;

const microMlpStep: Item = {
  name: "micro_mlp_step",
  flops: null,
  prepare: () => {
    const model = new Mlp().initialize(SEED);
    const optimizer = new SGD(model, { learningRate: 0.01 });
    const x = normal("x", [MLP_BATCH, 2]);
    const y = normal("y", [MLP_BATCH, 1]);
    return prepareStep(optimizer, () => mseLoss(model.forward(x), y));
  },
};

/** Sizes of an encoder step. */
export interface EncoderSizes {
  readonly width: number;
  readonly heads: number;
  readonly layers: number;
  readonly frames: number;
  readonly batch: number;
  readonly classes: number;
}

/** Pre-norm transformer layer: attention without mask, then an MLP, each with a residual. */
class EncoderLayer extends Module {
  readonly attentionNorm: RMSNorm;
  readonly qkv: Linear;
  readonly output: Linear;
  readonly mlpNorm: RMSNorm;
  readonly expand: Linear;
  readonly contract: Linear;
  readonly #heads: number;

  constructor(width: number, heads: number) {
    super();
    this.attentionNorm = new RMSNorm(width, { epsilon: 1e-6 });
    this.qkv = new Linear(width, 3 * width);
    this.output = new Linear(width, width);
    this.mlpNorm = new RMSNorm(width, { epsilon: 1e-6 });
    this.expand = new Linear(width, 4 * width);
    this.contract = new Linear(4 * width, width);
    this.#heads = heads;
  }

  forward(x: Tensor): Tensor {
    const [batch, frames, width] = x.shape as readonly [number, number, number];
    const qkv = this.qkv.forward(this.attentionNorm.forward(x)); // [B, T, 3 D]
    const heads = (part: number): Tensor => {
      const own = narrow(qkv, 2, part * width, width);
      return permute(reshape(own, [batch, frames, this.#heads, width / this.#heads]), [0, 2, 1, 3]); // [B, H, T, D / H]
    };
    const mixed = attention(heads(0), heads(1), heads(2));
    const joined = reshape(permute(mixed, [0, 2, 1, 3]), [batch, frames, width]); // [B, T, D]
    const attended = add(x, this.output.forward(joined));
    const hidden = geluTanh(this.expand.forward(this.mlpNorm.forward(attended)));
    return add(attended, this.contract.forward(hidden));
  }
}

/** The encoder of the steps. */
export class Encoder extends Module {
  readonly layers: EncoderLayer[];
  readonly norm: RMSNorm;
  readonly classifier: Linear;

  constructor({ width, heads, layers, classes }: EncoderSizes) {
    super();
    this.layers = Array.from({ length: layers }, () => new EncoderLayer(width, heads));
    this.norm = new RMSNorm(width, { epsilon: 1e-6 });
    this.classifier = new Linear(width, classes);
  }

  /** x [B, T, D] -> logits [B, T, classes] */
  forward(x: Tensor): Tensor {
    let hidden = x;
    for (const layer of this.layers) hidden = layer.forward(hidden);
    return this.classifier.forward(this.norm.forward(hidden));
  }
}

/** Products of a step: each of the forward pass has two of its size in the backward pass. */
function encoderFlops({ width, layers, frames, batch, classes }: EncoderSizes): number {
  const linears = layers * 12 * width * width + width * classes;
  const attention = layers * 2 * frames * width;
  return 3 * 2 * (linears + attention) * batch * frames;
}

/** One class per frame, int32 [B, T]. */
export function drawLabels({ batch, frames, classes }: EncoderSizes): Tensor {
  const random = stream(SEED, "bench/labels");
  const labels = Int32Array.from({ length: batch * frames }, () => random.integer(0, classes));
  return tensor(labels, { shape: [batch, frames] });
}

/** Sizes of train_d128. */
export const ENCODER_128: EncoderSizes = {
  width: 128,
  heads: 4,
  layers: 4,
  frames: 375,
  batch: 4,
  classes: 128,
};

function encoderStep(sizes: EncoderSizes): Item {
  const { width, batch, frames } = sizes;
  return {
    name: `train_d${width}`,
    flops: encoderFlops(sizes),
    prepare: () => {
      const model = new Encoder(sizes).initialize(SEED);
      const optimizer = new AdamW(model, { learningRate: 1e-3, weightDecay: 0.01 });
      const x = normal("x", [batch, frames, width]);
      const labels = drawLabels(sizes);
      return prepareStep(optimizer, () => crossEntropyLoss(model.forward(x), labels));
    },
  };
}

/** The training steps. */
export const STEP_ITEMS: readonly Item[] = [
  microMlpStep,
  encoderStep(ENCODER_128),
  encoderStep({ width: 512, heads: 8, layers: 2, frames: 1500, batch: 1, classes: 128 }),
];
