// Training without dispose: what a step allocated is given back when its gradients are taken, in a
// synchronous loop too, where the garbage collector's finalisers cannot run.
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import * as a from "@echo-ts/autograd";
import * as e from "@echo-ts/tensor";
import t from "tap";
import { getEngine } from "../../../packages/tensor/dist/backends/wasm/engine.js";
import { wasm } from "../../../packages/tensor/dist/backends/wasm/index.js";

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

t.test("what a user still holds reads right or says why not", { skip }, async (t) => {
  e.withBackend(wasm, () => {
    const w = new a.Parameter(e.tensor([[2, 3]]));
    const input = e.tensor([[1, 1]]);
    const run = () => {
      const logits = e.linear(input, w);
      const hidden = e.mul(logits, 2);
      const loss = e.sum(hidden);
      loss.backward();
      return { logits, hidden, loss };
    };
    const first = run();
    t.same(first.logits.toArray(), [[5]], "right after backward");
    t.equal(first.loss.item(), 10);
    const kept = a.keep(e.mul(w, 3));
    const wide = e.mul(w, 4);
    e.sum(e.add(kept, wide)).backward();
    for (let i = 0; i < 20; i++) run();
    t.equal(first.loss.item(), 10, "a loss many steps later");
    t.equal(e.add(first.loss, 1).item(), 11, "and as an operand");
    t.same(kept.toArray(), [[6, 9]], "what was kept");
    t.throws(() => wide.toArray(), { name: "BackendError", message: /keep\(\) or detach/ });
    t.same(w.grad?.shape, [1, 2]);
  });
});
