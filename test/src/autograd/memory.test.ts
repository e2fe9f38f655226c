// Training without dispose: what a step allocated is given back when its gradients are taken, in a
// synchronous loop too, where the garbage collector's finalisers cannot run.
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import * as a from "@echo-ts/autograd";
import * as e from "@echo-ts/tensor";
import { apply, NONE, OPS } from "@echo-ts/tensor/internal";
import t from "tap";
import { getEngine } from "../../../packages/tensor/dist/backends/wasm/engine.js";
import { wasm } from "../../../packages/tensor/dist/backends/wasm/index.js";

t.setTimeout(300_000); // on a busy machine
e.configureWasm({ threads: 1 });

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

/** Memory once all garbage is collected, so that what is left is held by somebody. */
function held(): NodeJS.MemoryUsage {
  collect();
  return process.memoryUsage();
}

const skip = e.wasmAvailable() ? false : "this engine cannot run the wasm backend";

/** A small network whose step uses masks, compositions and views besides plain layers. */
function makeStep(): () => e.Tensor {
  const random = e.stream(5, "memory");
  const draw = (shape: number[]): e.Tensor => {
    const size = shape.reduce((n, m) => n * m, 1);
    return e.tensor(
      Float32Array.from({ length: size }, () => random.normal(0, 0.3)),
      { shape },
    );
  };
  const weights = [[16, 2], [16], [16, 16], [16], [3, 16], [3]].map((s) => new a.Parameter(draw(s)));
  const [w1, b1, w2, b2, w3, b3] = weights;
  const x = draw([64, 2]);
  const labels = e.tensor(Int32Array.from({ length: 64 }, (_, i) => i % 3));
  return () => {
    const hidden = e.leakyRelu(e.linear(x, w1!, b1));
    const mixed = e.maximum(e.gelu(e.linear(hidden, w2!, b2)), e.mul(hidden, 0.5));
    const loss = a.crossEntropyLoss(e.linear(e.reshape(mixed, [64, 16]), w3!, b3), labels);
    loss.backward();
    for (const weight of weights) {
      const [data, gradient] = [weight.storage.data, weight.grad!.storage.data];
      for (let i = 0; i < data.length; i++) data[i]! -= 0.05 * gradient[i]!;
      weight.storage.version++;
    }
    a.zeroGrad(weights);
    return loss;
  };
}

t.test("a synchronous training loop is flat", { skip }, async (t) => {
  e.withBackend(wasm, () => {
    const step = makeStep();
    for (let i = 0; i < 1000; i++) step();
    const before = getEngine().arena.stats();
    // The smallest of five slopes: a leak shows in each, the comings and goings of the heap do not.
    const slopes: { rss: number; heap: number }[] = [];
    let loss = step();
    for (let from = held(); slopes.length < 5; ) {
      for (let i = 0; i < 1000; i++) loss = step();
      const to = held();
      slopes.push({ rss: (to.rss - from.rss) / 1000, heap: (to.heapUsed - from.heapUsed) / 1000 });
      from = to;
    }
    const rss = Math.min(...slopes.map((s) => s.rss));
    const heap = Math.min(...slopes.map((s) => s.heap));
    const after = getEngine().arena.stats();
    t.ok(loss.item() < 1.1, `it learns meanwhile: ${loss.item()}`);
    t.equal(after.liveBlocks - before.liveBlocks, 0, "no block is left behind in 5000 steps");
    t.equal(after.reserved, before.reserved);
    t.ok(rss < 1024, `resident set grows by ${rss.toFixed(0)} bytes a step`);
    t.ok(heap < 512, `heap grows by ${heap.toFixed(0)} bytes a step`);
  });
});

/** One block of a causal transformer over tokens, with a convolution and a CTC head beside the language model. */
function makeTransformerStep(): () => e.Tensor {
  const random = e.stream(6, "memory");
  const draw = (shape: number[]): a.Parameter => {
    const size = shape.reduce((n, m) => n * m, 1);
    return new a.Parameter(
      e.tensor(
        Float32Array.from({ length: size }, () => random.normal(0, 0.3)),
        { shape },
      ),
    );
  };
  const ones = (width: number): a.Parameter => new a.Parameter(e.ones([width]));
  const weights = {
    table: draw([11, 16]),
    kernel: draw([16, 16, 3]),
    norm: ones(16),
    qkv: draw([48, 16]),
    out: draw([16, 16]),
    gain: ones(16),
    shift: draw([16]),
    head: draw([11, 16]),
  };
  const all = Object.values(weights);
  const tokens = e.tensor(
    Int32Array.from({ length: 24 }, () => random.integer(1, 11)),
    { shape: [2, 12] },
  );
  const angles = e.tensor(
    Float32Array.from({ length: 48 }, (_, i) => i / 7),
    { shape: [12, 4] },
  );
  const [cosine, sine] = [e.cos(angles), e.sin(angles)];
  const heads = (x: e.Tensor): e.Tensor => e.permute(e.reshape(x, [2, 12, 2, 8]), [0, 2, 1, 3]);
  return () => {
    const embedded = e.indexSelect(weights.table, 0, tokens); // [2, 12, 16]
    const mixed = e.conv1d(e.transpose(embedded), weights.kernel, null, { padding: 1 });
    const x = e.add(embedded, e.silu(e.transpose(mixed)));
    const parts = e.split(e.linear(e.rmsNorm(x, weights.norm), weights.qkv), 16, 2).map(heads);
    const [q, k] = parts.slice(0, 2).map((part) => e.rotatePairs(part, cosine, sine));
    const seen = e.reshape(
      e.permute(e.attention(q!, k!, parts[2]!, { causal: true }), [0, 2, 1, 3]),
      [2, 12, 16],
    );
    const y = e.layerNorm(e.add(x, e.linear(seen, weights.out)), weights.gain, weights.shift);
    const logits = e.linear(e.clamp(y, -3, 3), weights.head);
    const ctc = a.ctcLoss(e.logSoftmax(logits), e.narrow(tokens, 1, 0, 4), [12, 12], [4, 4], {
      layout: "NTV",
    });
    const loss = e.add(a.crossEntropyLoss(logits, tokens, { labelSmoothing: 0.1 }), e.mul(ctc, 0.1));
    loss.backward();
    for (const weight of all) {
      const [data, gradient] = [weight.storage.data, weight.grad!.storage.data];
      for (let i = 0; i < data.length; i++) data[i]! -= 0.02 * gradient[i]!;
      weight.storage.version++;
    }
    a.zeroGrad(all);
    return loss;
  };
}

t.test("attention over a long time, forward and backward, never holds its weights", { skip }, async (t) => {
  e.withBackend(wasm, () => {
    const [heads, time, width] = [2, 4096, 8];
    const draw = (shape: number[], seed: number): e.Tensor =>
      a.variable(e.randomNormal(shape, e.stream(seed, "long attention")));
    const [q, k, v] = [1, 2, 3].map((seed) => draw([heads, time, width], seed)) as [
      e.Tensor,
      e.Tensor,
      e.Tensor,
    ];
    const bias = draw([1, 1, time], 4);
    const before = getEngine().arena.stats().peak;
    for (const options of [{}, { bias }, { causal: true }]) {
      e.mean(e.square(e.attention(q, k, v, options))).backward();
      t.ok(
        q.grad!.dataSync().some((x) => x !== 0),
        "there are gradients",
      );
      a.zeroGrad([q, k, v, bias]);
    }
    const taken = getEngine().arena.stats().peak - before;
    const weights = heads * time * time * 4;
    t.ok(
      taken < weights / 4,
      `${taken} bytes more at most, the weights of ${weights} bytes were not among them`,
    );
  });
});

/** Bytes of the arena that `backward` takes beyond what the forward pass left, at most. */
function bytesOfSweep(make: () => { loss: e.Tensor; w: a.Parameter }): number {
  const { arena } = getEngine();
  const { loss, w } = make();
  const { allocate } = arena;
  const before = arena.stats().live;
  let most = before;
  arena.allocate = (bytes) => {
    const block = allocate.call(arena, bytes);
    most = Math.max(most, arena.stats().live);
    return block;
  };
  try {
    loss.backward();
  } finally {
    arena.allocate = allocate;
  }
  a.zeroGrad([w]);
  return most - before;
}

t.test("a sweep holds the gradients it still needs, however deep the graph", { skip }, async (t) => {
  const KIB = 1024;
  const width = 64 * KIB; // 256 KiB a value
  e.withBackend(wasm, () => {
    const kinds: Record<string, (x: e.Tensor) => e.Tensor> = {
      chain: (x) => e.tanh(x),
      residual: (x) => e.add(x, e.tanh(x)),
      views: (x) => e.reshape(e.mul(e.reshape(x, [256, 256]), 0.5), [width]),
      halves: (x) => e.concat(e.split(e.tanh(x), width / 2, 0), 0),
      composition: (x) => apply(OPS.geluTanhGrad, [x, x], NONE),
    };
    for (const [name, layer] of Object.entries(kinds)) {
      const bytes = (depth: number): number =>
        bytesOfSweep(() => {
          const w = new a.Parameter(e.ones([width]));
          let x: e.Tensor = w;
          for (let i = 0; i < depth; i++) x = layer(x);
          return { loss: e.sum(x), w };
        });
      bytes(4);
      const [shallow, deep] = [bytes(4), bytes(40)];
      t.ok(deep <= shallow + 512 * KIB, `${name}: ${shallow / KIB} KiB for 4 layers, ${deep / KIB} for 40`);
    }
  });
});

t.test("a small transformer is flat as well", { skip }, async (t) => {
  e.withBackend(wasm, () => {
    const step = makeTransformerStep();
    const first = step().item();
    for (let i = 0; i < 50; i++) step();
    const before = getEngine().arena.stats();
    let loss = step();
    for (let i = 0; i < 500; i++) loss = step();
    const after = getEngine().arena.stats();
    t.ok(loss.item() < first / 2, `it learns meanwhile: ${first} to ${loss.item()}`);
    t.equal(after.liveBlocks - before.liveBlocks, 0, "no block is left behind in 500 steps");
  });
});

t.test(
  "what is kept of each step is loose memory, and stays within the arena's bound",
  { skip },
  async (t) => {
    e.withBackend(wasm, () => {
      const w = new a.Parameter(e.ones([256, 256])); // 256 KiB
      const before = getEngine().arena.stats().live;
      let seen = e.ones([1]);
      const hook = (g: e.Tensor): void => {
        seen = g;
      };
      for (let i = 0; i < 400; i++) {
        const hidden = e.tanh(w);
        a.onGradient(hidden, hook);
        const kept = [a.keep(e.mul(hidden, 2)), a.detach(e.mul(hidden, 3))];
        e.sum(e.add(kept[0]!, e.mul(hidden, 4))).backward();
        a.zeroGrad([w]);
      }
      const grown = getEngine().arena.stats().live - before;
      t.ok(
        grown < 24 * 2 ** 20,
        `${(grown / 2 ** 20).toFixed(1)} MiB after keeping 300 MiB, one after the other`,
      );
      t.same(seen.shape, [256, 256]);
    });
  },
);

t.test("gradients of a graph that is retained leave nothing behind", { skip }, async (t) => {
  e.withBackend(wasm, () => {
    const w = new a.Parameter(e.ones([64]));
    const loss = e.sum(e.square(e.tanh(e.mul(w, 2))));
    const run = (): void => {
      a.backward(loss, undefined, { retainGraph: true });
      a.zeroGrad([w]);
    };
    run();
    const before = getEngine().arena.stats().liveBlocks;
    for (let i = 0; i < 100; i++) run();
    t.ok(getEngine().arena.stats().liveBlocks <= before);
  });
});
