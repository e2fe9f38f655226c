// Training on the gpu backend, on gpu.js' JavaScript and WebAssembly: Echo, optimisers, clipping, states that are
// saved and taken back, the trainer, and memory over 2 000 steps.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import * as a from "@echo-ts/autograd";
import {
  encodeCheckpoint,
  memoryFiles,
  newModel,
  prepareTraining,
  Trainer,
  type TrainingData,
} from "@echo-ts/echo-model";
import { loadCheckpoint, runTraining, type TrainingSummary } from "@echo-ts/echo-model/node";
import * as e from "@echo-ts/tensor";
import t from "tap";
import { syntheticFiles, tinyConfig } from "../echo-model/synthetic-speech.ts";
import { runEcho } from "./echo-case.ts";
import { maxNorm } from "./op-cases.ts";

t.setTimeout(300_000); // gpu.js without a GPU is slow

const MODES = ["cpu", "webasm"] as const;
const backends = {
  cpu: await e.initGpu({ mode: "cpu" }),
  webasm: await e.initGpu({ mode: "webasm" }),
};

t.test("Echo trains on the device and transcribes, as on the reference backend", async (t) => {
  for (const [mode, steps] of [
    ["cpu", 12],
    ["webasm", 2],
  ] as const) {
    const expected = await runEcho(e.findBackend("reference"), steps);
    e.explain({ reset: true });
    const run = await runEcho(backends[mode], steps);
    t.ok(maxNorm(run.losses, expected.losses) < 1e-4, `losses on ${mode}: ${run.losses}`);
    t.ok(maxNorm(run.norms, expected.norms) < 1e-3, `norms of gradients on ${mode}`);
    t.same(run.tokens, expected.tokens, `tokens on ${mode}`);
    const elsewhere = new Set(e.explain().flatMap(({ op, dtype }) => (dtype === "float32" ? [op] : [])));
    t.same([...elsewhere].sort(), ["ctcLoss", "ctcLossGrad"], "the only float ops computed in host memory");
    if (steps < 12) continue;
    t.ok(run.losses.at(-1)! < run.losses[0]! / 2, "the loss falls");
    t.same(run.tokens.slice(0, 2), [
      [5, 6, 7],
      [8, 9],
    ]);
  }
  e.setBackend("wasm");
});

for (const mode of MODES) {
  t.test(`optimisers on ${mode} agree with the plain loops`, async (t) => {
    const makers: Record<string, (p: a.Parameter[]) => { step(): void; zeroGrad(): void }> = {
      sgd: (p) => new a.SGD(p, { learningRate: 0.1, weightDecay: 0.1 }),
      momentum: (p) => new a.SGD(p, { learningRate: 0.1, momentum: 0.9, dampening: 0.2 }),
      nesterov: (p) => new a.SGD(p, { learningRate: 0.1, momentum: 0.9, nesterov: true, weightDecay: 0.1 }),
      adam: (p) => new a.Adam(p, { learningRate: 0.1, weightDecay: 0.1 }),
      adamW: (p) => new a.AdamW(p, { learningRate: 0.1, weightDecay: 0.1 }),
    };
    for (const [name, make] of Object.entries(makers)) {
      const train = async (backend: e.Backend): Promise<e.Tensor> => {
        e.setBackend(backend);
        const w = a.parameter([7], a.constantInit(0.5));
        const optimizer = make([w]);
        for (let i = 0; i < 4; i++) {
          e.sum(e.square(e.sub(w, e.arange(7).cast("float32")))).backward();
          optimizer.step();
          optimizer.zeroGrad();
        }
        return a.detach(w);
      };
      const expected = await train(e.findBackend("reference"));
      t.ok(maxNorm(await (await train(backends[mode])).data(), expected.dataSync()) < 1e-6, name);
    }
    e.setBackend("wasm");
  });
}

t.test("gradients are clipped on the device as on the host", async (t) => {
  const clip = async (
    backend: e.Backend,
    limit: number,
    options: a.ClipOptions = {},
    gradient = [3, 0, -4],
  ): Promise<[number, e.Tensor]> => {
    e.setBackend(backend);
    const w = a.parameter([3], a.constantInit(1));
    e.sum(e.mul(w, e.tensor(gradient))).backward();
    const norm = await a.clipGradNorm([w], limit, options);
    return [norm, w.grad!];
  };
  for (const backend of [backends.cpu, backends.webasm, e.findBackend("reference")]) {
    const [norm, grad] = await clip(backend, 1);
    t.ok(Math.abs(norm - 5) < 1e-5, `${norm}`);
    t.ok(maxNorm(await grad.data(), [0.6, 0, -0.8]) < 1e-6);
    t.same(Array.from(await (await clip(backend, 10))[1].data()), [3, 0, -4], "a small norm is left alone");
    for (const [normType, expected] of [
      [1, 7],
      [3, 91 ** (1 / 3)],
      [Number.POSITIVE_INFINITY, 4],
    ] as const) {
      const [other, scaled] = await clip(backend, 1, { normType });
      t.ok(Math.abs(other - expected) < 1e-4, `norm of order ${normType}: ${other}`);
      t.ok(maxNorm(await scaled.data(), [3 / expected, 0, -4 / expected]) < 1e-5);
    }
    const infinite = [1, Number.POSITIVE_INFINITY, 0];
    await t.rejects(clip(backend, 1, {}, infinite), { name: "GradientError" });
    t.equal((await clip(backend, 1, { errorIfNonfinite: false }, infinite))[0], Number.POSITIVE_INFINITY);
    await t.rejects(clip(backend, Number.NaN), { name: "RangeError" });
  }
  e.setBackend("wasm");
});

t.test("nothing grows over 2 000 training steps", async (t) => {
  const backend = await e.initGpu({ mode: "cpu" });
  await e.withBackend(backend, async () => {
    const w = a.variable(e.randomNormal([8, 8], e.stream(1, "w"), 0, 0.3));
    const x = e.randomNormal([16, 8], e.stream(1, "x"));
    const labels = e.tensor(Int32Array.from({ length: 16 }, (_, i) => i % 8));
    const held: number[] = [];
    const losses: number[] = [];
    for (let i = 0; i < 2000; i++) {
      e.setBackend(backend);
      const loss = a.crossEntropyLoss(e.linear(e.tanh(e.linear(x, w)), w), labels);
      loss.backward();
      a.noGrad(() => e.assign(w, e.sub(w, e.mul(w.grad!, 0.05))));
      a.zeroGrad([w]);
      if (i % 200 === 199) {
        losses.push((await loss.data())[0]!);
        await new Promise((resolve) => setImmediate(resolve));
        held.push(e.gpuInfo()!.bytes);
      }
    }
    t.ok(losses.at(-1)! < losses[0]! * 0.8, `the loss falls: ${losses}`);
    t.ok(Math.max(...held) < 4 * 2 ** 20, `bytes on the device, every 200 steps: ${held}`);
  });
  e.setBackend("wasm");
});

t.test("states are those of the time of the call, the same as on the host", async (t) => {
  const run = async (backend: e.Backend): Promise<[a.OptimizerState, a.StateDict]> => {
    e.setBackend(backend);
    const layer = new a.Linear(3, 2).initialize(1);
    const optimizer = new a.AdamW(layer, { learningRate: 0.1 });
    const step = (): void => {
      e.sum(e.square(layer.forward(e.ones([4, 3])))).backward();
      optimizer.step();
      optimizer.zeroGrad();
    };
    step();
    step();
    const states = Promise.all([optimizer.state(), layer.stateDict()]);
    optimizer.learningRate = 0.5;
    step();
    return states;
  };
  const [expected, weights] = await run(e.findBackend("reference"));
  for (const mode of MODES) {
    const [{ arrays, ...rest }, dict] = await run(backends[mode]);
    const { arrays: _, ...others } = expected;
    t.same(rest, others);
    t.same([...arrays.keys()], [...expected.arrays.keys()]);
    for (const [name, { data }] of arrays) {
      t.ok(maxNorm(data as Float32Array, expected.arrays.get(name)!.data as Float32Array) < 1e-6, name);
    }
    t.same([...dict.keys()], [...weights.keys()]);
    for (const [name, { data }] of dict) {
      t.ok(maxNorm(data as Float32Array, weights.get(name)!.data as Float32Array) < 1e-6, name);
    }
  }
  e.setBackend("wasm");
});

t.test("the trainer takes its steps on the device; its state goes on there or on the host", async (t) => {
  const access = memoryFiles(syntheticFiles());
  const config = tinyConfig("training.accumulate=2");
  const make = async (backend: e.Backend): Promise<{ trainer: Trainer; data: TrainingData }> => {
    e.setBackend(backend);
    const data = await prepareTraining(access, config);
    const model = newModel(config, data.tokenizer);
    return { trainer: new Trainer(model, data.source, config, data.tokenizer.special), data };
  };
  const host = await make(e.findBackend("wasm"));
  const device = await make(backends.cpu);
  for (let i = 0; i < 2; i++) {
    e.setBackend("wasm");
    const expected = await host.trainer.step();
    e.setBackend(backends.cpu);
    const report = await device.trainer.step();
    for (const key of ["loss", "ctc", "crossEntropy", "gradientNorm"] as const) {
      t.ok(Math.abs(report[key]! / expected[key]! - 1) < 1e-4, `${key}: ${report[key]}, ${expected[key]}`);
    }
    t.same([report.frames, report.learningRate], [expected.frames, expected.learningRate]);
  }
  const state = await device.trainer.state();
  const weights = await device.trainer.echo.stateDict();
  e.setBackend("wasm");
  t.same(Object.keys(state), Object.keys(await host.trainer.state()), "in the order that checkpoints have");
  const saved = { config, tokenizer: device.data.tokenizer, weights, metrics: {} };
  const training = { trainer: state, best: { rate: null, step: 0, since: 0 }, dataDigest: "" };
  t.ok((await encodeCheckpoint({ ...saved, training })).length > 10_000);

  const next = await host.trainer.step();
  const other = await make(e.findBackend("wasm"));
  other.trainer.echo.loadStateDict(weights);
  other.trainer.restore(state);
  const resumed = await other.trainer.step();
  t.equal(resumed.step, 3);
  t.ok(Math.abs(resumed.loss / next.loss - 1) < 1e-3, `loss ${resumed.loss}, ${next.loss}`);

  e.setBackend(backends.cpu);
  const bias = device.trainer.echo.parameters().at(-1)!;
  bias.assign(e.full(bias.shape, Number.NaN));
  const before = await device.trainer.echo.stateDict();
  await t.rejects(device.trainer.step(), {
    name: "TrainingError",
    message:
      /^training: the loss is NaN in step 3 \(utterances .*\); train on a backend in host memory, such as wasm, to have the op named$/,
  });
  t.same(await device.trainer.echo.stateDict(), before, "nothing is written");
  e.setBackend("wasm");
});

t.test("runTraining takes its steps on the device and evaluates on the host", async (t) => {
  const folder = t.testdir({ data: { wav: {} }, host: {}, device: {} });
  for (const [name, content] of Object.entries(syntheticFiles())) {
    writeFileSync(join(folder, "data", name), content);
  }
  const run = (backend: e.Backend, out: string): Promise<TrainingSummary> => {
    e.setBackend(backend);
    const config = tinyConfig(
      "training.maxSteps=2",
      "training.epochs=0",
      "optimizer.warmupSteps=1",
      "training.evaluateEvery=1",
      "training.checkpointEvery=1",
    );
    return runTraining({ config, dataFolder: join(folder, "data"), outFolder: join(folder, out) });
  };
  const wasm = e.findBackend("wasm");
  const expected = await run(wasm, "host");
  const summary = await run(backends.cpu, "device");
  t.equal(summary.outcome, "finished");
  t.equal(e.getBackend(), backends.cpu, "the backend stays the same");
  t.same([...summary.evaluations.keys()], [...expected.evaluations.keys()]);
  for (const [set, { texts }] of summary.evaluations) {
    t.same(texts, expected.evaluations.get(set)!.texts, "the texts of a training on the host");
  }
  const [trained, wanted] = ["device", "host"].map(async (out) => {
    const { weights } = await loadCheckpoint(join(folder, out, "last.safetensors"));
    return Float64Array.from([...weights.values()].flatMap(({ data }) => Array.from(data as Float32Array)));
  });
  t.ok(maxNorm(await trained!, await wanted!) < 1e-4, "and its weights");
  e.setBackend("wasm");
});
