// Whole training steps - modules, dropout, masks, loss, clipping, optimiser - leave nothing behind, in a
// synchronous loop, on both backends that compute in host memory.
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import {
  Activation,
  AdamW,
  clipGradNorm,
  crossEntropyLoss,
  Dropout,
  Embedding,
  LayerNorm,
  Linear,
  Module,
  MultiheadAttention,
  RMSNorm,
  Sequential,
  SGD,
} from "@echo-ts/autograd";
import {
  add,
  configureWasm,
  ones,
  stream,
  type Tensor,
  tensor,
  wasmAvailable,
  withBackend,
} from "@echo-ts/tensor";
import t from "tap";
import { getEngine } from "../../../packages/tensor/dist/backends/wasm/engine.js";

t.setTimeout(600_000); // eleven thousand training steps
configureWasm({ threads: 1 });
setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

class Block extends Module {
  readonly norm1 = new LayerNorm(16, { bias: false });
  readonly attention = new MultiheadAttention(16, 2, { dropout: 0.1 });
  readonly norm2 = new RMSNorm(16);
  readonly mlp = new Sequential(
    new Linear(16, 32),
    new Activation("gelu"),
    new Dropout(0.1),
    new Linear(32, 16),
  );
  forward(x: Tensor, mask: Tensor): Tensor {
    const normed = this.norm1.forward(x);
    const attended = add(x, this.attention.forward(normed, normed, normed, { mask, causal: true }));
    return add(attended, this.mlp.forward(this.norm2.forward(attended)));
  }
}

class Transformer extends Module {
  readonly embedding = new Embedding(11, 16, { paddingIndex: 0 });
  readonly blocks = [new Block(), new Block()];
  readonly output = new Linear(16, 11);
  forward(tokens: Tensor, mask: Tensor): Tensor {
    let x = this.embedding.forward(tokens);
    for (const block of this.blocks) x = block.forward(x, mask);
    return this.output.forward(x);
  }
}

/** One step of a small MLP with AdamW; returns the loss. */
function mlpStep(): () => Promise<number> {
  const model = new Sequential(
    new Linear(2, 16),
    new Activation("leaky_relu"),
    new Dropout(0.1),
    new Linear(16, 3),
  ).initialize(1);
  const optimizer = new AdamW(model, { learningRate: 0.01 });
  const x = tensor(stream(1, "x").fillNormal(new Float32Array(64)), { shape: [32, 2] });
  const labels = tensor(Int32Array.from({ length: 32 }, (_, i) => i % 3));
  return async () => {
    optimizer.zeroGrad();
    const loss = crossEntropyLoss(model.forward(x), labels);
    loss.backward();
    await clipGradNorm(model.parameters(), 0.1);
    optimizer.step();
    return loss.item();
  };
}

/** One step of a small transformer with SGD; returns the loss. */
function transformerStep(): () => Promise<number> {
  const model = new Transformer().initialize(1);
  const optimizer = new SGD(model, { learningRate: 0.1, momentum: 0.9 });
  const tokens = tensor(stream(1, "x").fillInteger(new Int32Array(32), 0, 11), { shape: [4, 8] });
  const mask = ones([1, 1, 1, 8], { dtype: "bool" });
  return async () => {
    optimizer.zeroGrad();
    const loss = crossEntropyLoss(model.forward(tokens, mask), tokens);
    loss.backward();
    await clipGradNorm(model.parameters(), 1);
    optimizer.step();
    return loss.item();
  };
}

const STRETCHES = 5;

for (const backend of ["reference", "wasm"]) {
  const skip = backend === "wasm" && !wasmAvailable() ? "this engine cannot run the wasm backend" : false;
  for (const [what, make, steps] of [
    ["5000 steps of a small MLP", mlpStep, 5000],
    ["500 steps of a small transformer", transformerStep, 500],
  ] as const) {
    t.test(`memory is flat over ${what}, backend ${backend}`, { skip }, async (t) => {
      await withBackend(backend, async () => {
        const step = make();
        const first = await step();
        let last = first;
        for (let i = 0; i < steps / 5; i++) last = await step();
        const blocks = (): number => (backend === "wasm" ? getEngine().arena.stats().liveBlocks : 0);
        const held = (): NodeJS.MemoryUsage => {
          collect();
          return process.memoryUsage();
        };
        const blocksBefore = blocks();
        const rss: number[] = [];
        const heap: number[] = [];
        let from = held();
        const length = steps / STRETCHES;
        for (let stretch = 0; stretch < STRETCHES; stretch++) {
          for (let i = 0; i < length; i++) last = await step();
          const to = held();
          rss.push((to.rss - from.rss) / length);
          heap.push((to.heapUsed - from.heapUsed) / length);
          from = to;
        }
        t.ok(last < first, `it learns meanwhile: ${first} to ${last}`);
        t.equal(blocks() - blocksBefore, 0, "no block of the arena is left behind");
        // A leak shows in every stretch, what the engine takes and gives back in its own time does not. One page
        // of 4 KiB is the step of the resident set: over 100 steps a smaller slope cannot be told from none.
        const least = { rss: Math.min(...rss), heap: Math.min(...heap) };
        t.ok(
          least.rss < (length < 1000 ? 4096 : 1024),
          `resident set grows by ${least.rss.toFixed(0)} bytes a step`,
        );
        t.ok(least.heap < 1024, `heap grows by ${least.heap.toFixed(0)} bytes a step`);
      });
    });
  }
}
