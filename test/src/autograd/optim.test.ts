// Optimisers against PyTorch's trajectories (shared/golden/ops), then state, resumption and bad input.
import {
  Activation,
  Adam,
  AdamW,
  clipGradNorm,
  clipGradValue,
  constantSchedule,
  cosineSchedule,
  crossEntropyLoss,
  Dropout,
  Linear,
  Lion,
  linearSchedule,
  type Optimizer,
  type OptimizerState,
  Parameter,
  PlateauSchedule,
  type Schedule,
  Sequential,
  SGD,
  stepSchedule,
  toSafetensors,
} from "@echo-ts/autograd";
import {
  broadcastTo,
  linear,
  listBackends,
  readSafetensors,
  square,
  stream,
  sum,
  type Tensor,
  tanh,
  tensor,
  withBackend,
  writeSafetensors,
} from "@echo-ts/tensor";
import t from "tap";
import { readShared, skipWithoutShared } from "../shared-material.ts";
import { goldenArrays, goldenTensor, worstError } from "./golden-ops.ts";

interface Trajectory {
  readonly name: string;
  readonly op: string;
  readonly params: {
    readonly steps: number;
    readonly clip: number | null;
    readonly kind: "sgd" | "adam" | "adamw";
    readonly momentum?: number;
    readonly nesterov?: boolean;
    readonly weight_decay?: number;
    readonly betas?: [number, number];
    readonly eps?: number;
    readonly peak_lr?: number;
    readonly warmup?: number;
  };
}

function makeOptimizer(
  params: Trajectory["params"],
  weights: Parameter[],
  learningRate: number,
): Optimizer<object> {
  const { kind, momentum = 0, nesterov = false, weight_decay: weightDecay = 0 } = params;
  if (kind === "sgd") return new SGD(weights, { learningRate, momentum, nesterov, weightDecay });
  const { betas = [0.9, 0.999], eps: epsilon = 1e-8 } = params;
  const options = { learningRate, betas, epsilon, weightDecay };
  return kind === "adam" ? new Adam(weights, options) : new AdamW(weights, options);
}

// Made before the first test, which waits on another backend.
const data = tensor(stream(3, "data").fillNormal(new Float32Array(24)), { shape: [8, 3] });
const classes = tensor([0, 1, 0, 1, 1, 0, 1, 0], { dtype: "int32" });

for (const backend of listBackends().filter((name) => name === "reference" || name === "wasm")) {
  t.test(
    `trajectories of 20 steps are PyTorch's, backend ${backend}`,
    { skip: skipWithoutShared },
    async (t) => {
      const { cases } = JSON.parse(readShared("golden", "ops", "index.json")) as { cases: Trajectory[] };
      const trajectories = cases.filter(({ op }) => op === "optimiser");
      t.equal(trajectories.length, 10);
      for (const { name, params } of trajectories) {
        await withBackend(backend, async () => {
          const read = (key: string): Tensor => goldenTensor("ops/optim", `${name}/${key}`);
          const keys = ["w1", "b1", "w2", "b2"] as const;
          const weights = keys.map((key) => new Parameter(read(`in/${key}`), key));
          const [w1, b1, w2, b2] = weights as [Parameter, Parameter, Parameter, Parameter];
          const rates = goldenArrays("ops/optim").get(`${name}/out/lr`)!.data as Float32Array;
          const schedule: Schedule =
            params.peak_lr === undefined
              ? constantSchedule(rates[0]!)
              : cosineSchedule({ peak: params.peak_lr, warmupSteps: params.warmup!, steps: params.steps });
          const optimizer = makeOptimizer(params, weights, schedule(0));
          const [x, labels] = [read("in/x"), read("in/t")];
          const losses: number[] = [];
          const norms: number[] = [];
          const path = keys.map((): number[] => []);
          for (let step = 0; step < params.steps; step++) {
            optimizer.learningRate = schedule(step);
            t.ok(Math.abs(optimizer.learningRate - rates[step]!) <= 1e-6 * rates[step]!);
            const loss = crossEntropyLoss(linear(tanh(linear(x, w1, b1)), w2, b2), labels);
            losses.push(loss.item());
            optimizer.zeroGrad();
            loss.backward();
            norms.push(await clipGradNorm(weights, params.clip ?? Number.POSITIVE_INFINITY));
            optimizer.step();
            weights.forEach((weight, i) => {
              path[i]!.push(...weight.dataSync());
            });
          }
          const check = (key: string, got: number[]): void => {
            // The tolerance of the golden files for trajectories: abs 1e-5 + rel 1e-3.
            const worst = worstError(got, read(`out/${key}`).dataSync(), 1e-5, 1e-3);
            t.ok(worst <= 1, `${name}: ${key} within ${worst} of the tolerance`);
          };
          check("loss", losses);
          check("norm", norms);
          keys.forEach((key, i) => {
            check(key, path[i]!);
          });
        });
      }
    },
  );
}

t.test("Lion follows its definition", async (t) => {
  const w = new Parameter(tensor([1, -2, 3], { dtype: "float64" }), "w");
  const optimizer = new Lion([w], { learningRate: 0.1, betas: [0.9, 0.5], weightDecay: 0.5 });
  w.grad = tensor([1, -1, 0], { dtype: "float64" });
  optimizer.step(); // w * 0.95 - 0.1 sign(g)
  t.strictSame(w.toArray(), [1 * 0.95 - 0.1, -2 * 0.95 + 0.1, 3 * 0.95]);
  w.grad = tensor([-4, 0, 0], { dtype: "float64" });
  optimizer.step(); // momentum was [0.5, -0.5, 0]: 0.45 - 0.4 is above 0
  t.strictSame(w.toArray(), [(0.95 - 0.1) * 0.95 - 0.1, (-1.9 + 0.1) * 0.95 + 0.1, 3 * 0.95 * 0.95]);
});

t.test("dampening is PyTorch's: none at the first step", async (t) => {
  const w = new Parameter(tensor([0], { dtype: "float64" }), "w");
  const optimizer = new SGD([w], { learningRate: 1, momentum: 0.5, dampening: 0.25 });
  const path: number[] = [];
  for (let i = 0; i < 3; i++) {
    w.grad = tensor([1], { dtype: "float64" });
    optimizer.step();
    path.push(w.item());
  }
  // Velocities 1, 0.5 + 0.75 = 1.25, 0.625 + 0.75 = 1.375.
  t.strictSame(path, [-1, -2.25, -3.625]);
});

const makeModel = (seed: number): Sequential =>
  new Sequential(new Linear(3, 6), new Activation("tanh"), new Dropout(0.2), new Linear(6, 2)).initialize(
    seed,
  );

async function train(
  model: Sequential,
  optimizer: Optimizer<object>,
  from: number,
  to: number,
): Promise<number[]> {
  const schedule = cosineSchedule({ peak: 0.05, warmupSteps: 3, steps: 20 });
  const losses: number[] = [];
  for (let step = from; step < to; step++) {
    optimizer.learningRate = schedule(step);
    optimizer.zeroGrad();
    const loss = crossEntropyLoss(model.forward(data), classes);
    loss.backward();
    await clipGradNorm(model.parameters(), 1);
    optimizer.step();
    losses.push(loss.item());
  }
  return losses;
}

t.test("the same seed gives the same bits in five runs", async (t) => {
  const run = async (): Promise<{ losses: number[]; file: Uint8Array }> => {
    const model = makeModel(7);
    const losses = await train(model, new AdamW(model), 0, 20);
    return { losses, file: await toSafetensors(model) };
  };
  const first = await run();
  t.ok(first.losses[19]! < first.losses[0]!);
  for (let i = 1; i < 5; i++) {
    const { losses, file } = await run();
    t.strictSame(losses, first.losses);
    t.ok(Buffer.compare(file, first.file) === 0);
  }
});

t.test("resuming at any step equals no interruption, through a file and JSON", async (t) => {
  const kinds: Record<string, (model: Sequential) => Optimizer<object>> = {
    sgd: (model) => new SGD(model, { learningRate: 0.05, momentum: 0.9, dampening: 0.1, weightDecay: 0.01 }),
    adamw: (model) =>
      new AdamW([{ parameters: model.layers[0]! }, { parameters: model.layers[3]!, weightDecay: 0 }]),
    lion: (model) => new Lion(model, { learningRate: 0.01 }),
  };
  for (const [kind, make] of Object.entries(kinds)) {
    const whole = makeModel(7);
    await train(whole, make(whole), 0, 20);
    for (let pause = 0; pause <= 20; pause++) {
      const model = makeModel(7);
      const optimizer = make(model);
      await train(model, optimizer, 0, pause);
      const { arrays, ...rest } = await optimizer.state();
      const files = [await toSafetensors(model), writeSafetensors(arrays)] as const;
      const text = JSON.stringify({ rest, random: model.randomState() });

      const again = makeModel(7);
      const saved = JSON.parse(text);
      again.loadStateDict(readSafetensors(files[0]).tensors);
      again.restoreRandomState(saved.random);
      const resumed = make(again);
      resumed.restore({ ...saved.rest, arrays: readSafetensors(files[1]).tensors } as OptimizerState);
      await train(again, resumed, pause, 20);
      t.ok(
        Buffer.compare(await toSafetensors(again), await toSafetensors(whole)) === 0,
        `${kind} paused at ${pause}`,
      );
    }
  }
});

t.test("a step writes in place, counts the write and keeps the gradient", async (t) => {
  const w = new Parameter(tensor([1, 2]), "w");
  const { storage } = w;
  const optimizer = new SGD([w], { learningRate: 0.5 });
  const before = storage.version;
  sum(square(w)).backward();
  optimizer.step();
  t.equal(w.storage, storage);
  t.equal(storage.version, before + 1);
  t.strictSame(w.toArray(), [0, 0]);
  t.strictSame(w.grad?.toArray(), [2, 4]);
  optimizer.zeroGrad();
  t.equal(w.grad, null);
});

t.test("parameters without a gradient stay, and frozen ones too", async (t) => {
  const [a, b] = [new Parameter(tensor([1]), "a"), new Parameter(tensor([1]), "b")];
  const optimizer = new AdamW([a, b], { learningRate: 0.1 });
  a.grad = tensor([1]);
  optimizer.step();
  t.equal(b.item(), 1);
  t.strictSame((await optimizer.state()).steps, { a: 1 });
  t.strictSame([...(await optimizer.state()).arrays.keys()], ["a.exp_avg", "a.exp_avg_sq"]);
});

t.test("groups take their own settings, and their share of the learning rate", async (t) => {
  const [a, b] = [new Parameter(tensor([1]), "a"), new Parameter(tensor([1]), "b")];
  const optimizer = new SGD(
    [
      { parameters: [a], learningRateScale: 0.1 },
      { parameters: [b], weightDecay: 0.5 },
    ],
    {
      learningRate: 1,
    },
  );
  t.strictSame(
    optimizer.groups.map(({ learningRate, weightDecay }) => [learningRate, weightDecay]),
    [
      [0.1, 0],
      [1, 0.5],
    ],
  );
  optimizer.learningRate = 0.5;
  t.strictSame(
    optimizer.groups.map(({ learningRate }) => learningRate),
    [0.05, 0.5],
  );
  t.equal(optimizer.learningRate, 0.5);
  a.grad = tensor([1]);
  b.grad = tensor([1]);
  optimizer.step();
  t.ok(Math.abs(a.item() - 0.95) < 1e-7);
  t.ok(Math.abs(b.item() - 0.25) < 1e-7);
});

t.test("gradients that are views or of another layout are taken as they are", async (t) => {
  const w = new Parameter(
    tensor([
      [1, 2],
      [3, 4],
    ]),
    "w",
  );
  w.grad = broadcastTo(tensor([1, 2]), [2, 2]).transpose();
  new SGD([w], { learningRate: 1 }).step();
  t.strictSame(w.toArray(), [
    [0, 1],
    [1, 2],
  ]);
});

t.test("clipping measures before it scales", async (t) => {
  const [a, b] = [new Parameter(tensor([0, 0]), "a"), new Parameter(tensor([0]), "b")];
  const reset = (): void => {
    a.grad = tensor([3, -4]);
    b.grad = tensor([12]);
  };
  reset();
  t.equal(await clipGradNorm([a, b], 26), 13);
  t.strictSame([a.grad?.toArray(), b.grad?.toArray()], [[3, -4], [12]], "small enough already");
  t.equal(await clipGradNorm([a, b], 1), 13);
  const scale = 1 / (13 + 1e-6);
  t.ok(
    worstError([...a.grad!.dataSync(), b.grad!.item()], [3 * scale, -4 * scale, 12 * scale], 0, 1e-6) <= 1,
  );
  reset();
  t.equal(await clipGradNorm([a, b], Number.POSITIVE_INFINITY, { normType: Number.POSITIVE_INFINITY }), 12);
  t.equal(await clipGradNorm([a, b], Number.POSITIVE_INFINITY, { normType: 1 }), 19);
  clipGradValue([a, b], 3.5);
  t.strictSame([a.grad?.toArray(), b.grad?.toArray()], [[3, -3.5], [3.5]]);
  t.equal(await clipGradNorm([new Parameter(tensor([1]))], 1), 0, "without gradients the norm is 0");
  await t.rejects(clipGradNorm([a], -1), /clipGradNorm: maxNorm must be at least 0, got -1/);
});

t.test("schedules", async (t) => {
  const line = linearSchedule({ from: 1, to: 0, steps: 4 });
  t.strictSame([0, 1, 4, 9].map(line), [1, 0.75, 0, 0]);
  const steps = stepSchedule({ initial: 1, every: 2, factor: 0.5 });
  t.strictSame([0, 1, 2, 3, 4].map(steps), [1, 1, 0.5, 0.5, 0.25]);
  const cosine = cosineSchedule({ peak: 2, warmupSteps: 2, steps: 6, floor: 1 });
  t.ok(worstError([0, 1, 2, 4, 6, 99].map(cosine), [0, 1, 2, 1.5, 1, 1], 1e-12, 0) <= 1);
  t.throws(
    () => cosineSchedule({ peak: 1, warmupSteps: 5, steps: 5 }),
    /cosineSchedule: steps must be an integer of at least 6, got 5/,
  );
  const make = (): PlateauSchedule =>
    new PlateauSchedule({ initial: 1, factor: 0.5, patience: 1, cooldown: 1 });
  const metrics = [5, 4, 4, 4, 4, 4, 4, 3, 3, 3];
  // One metric without improvement is put up with, the second halves; the one after that is not counted.
  const expected = [1, 1, 1, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25, 0.125];
  const plateau = make();
  t.strictSame(
    metrics.map((metric) => plateau.update(metric)),
    expected,
  );
  const [first, second] = [make(), make()];
  for (const metric of metrics.slice(0, 4)) first.update(metric);
  second.restore(JSON.parse(JSON.stringify(first.state())));
  t.strictSame(
    metrics.slice(4).map((metric) => second.update(metric)),
    expected.slice(4),
  );
  t.throws(() => plateau.update(Number.NaN), /PlateauSchedule: the metric is NaN/);
});

t.test("bad input is refused by name", async (t) => {
  const w = new Parameter(tensor([1]), "w");
  t.throws(() => new Adam([]), /Adam: expected at least one parameter, got none; pass a module/);
  t.throws(() => new SGD([{ parameters: [] }], { learningRate: 1 }), /SGD: expected at least one parameter/);
  t.throws(() => new Adam(new Activation("relu")), /Adam: expected at least one parameter, got none/);
  t.throws(() => new AdamW([w, w]), /AdamW: parameter "w" appears twice/);
  t.throws(() => new AdamW([{ parameters: [w] }, { parameters: [w] }]), /parameter "w" appears twice/);
  t.throws(() => new Adam([tensor([1]) as Parameter]), /Adam: expected Parameters, got Tensor/);
  t.throws(
    () => new Adam(new Linear(2, 2)),
    /parameter "weight" holds NaN; call model.initialize\(seed\) or load/,
  );
  t.throws(
    () => new SGD([w], { learningRate: -1 }),
    /SGD: learningRate must be a number of at least 0, got -1/,
  );
  t.throws(
    () => new SGD([w], { learningRate: 1, momentum: 1 }),
    /SGD: momentum must be a number in \[0, 1\), got 1/,
  );
  t.throws(() => new SGD([w], { learningRate: 1, nesterov: true }), /SGD: nesterov needs a momentum above 0/);
  t.throws(
    () => new AdamW([w], { betas: [0.9, 1] }),
    /AdamW: betas\[1\] must be a number in \[0, 1\), got 1/,
  );
  const adam = new Adam([w, new Parameter(tensor([1, 2]), "v")]);
  t.throws(() => adam.step(), /Adam: no parameter has a gradient; call loss.backward\(\) before step\(\)/);
  t.throws(() => {
    adam.learningRate = Number.NaN;
  }, /Adam: learningRate must be a number of at least 0, got NaN/);
  w.grad = tensor([1]);
  adam.groups[0]!.parameters[1]!.grad = tensor([0, Number.NaN]);
  t.throws(() => adam.step(), /Adam: the gradient of "v" is not finite; nothing was updated/);
  t.equal(w.item(), 1, "nothing was written");
  await t.rejects(
    clipGradNorm(adam.groups[0]!.parameters, 1),
    /clipGradNorm: the gradient of "v" is not finite \(norm NaN\)/,
  );
  adam.groups[0]!.parameters[1]!.grad = tensor([0, Number.POSITIVE_INFINITY]);
  t.throws(() => adam.step(), /the gradient of "v" is not finite/);
  t.throws(() => {
    w.grad = tensor([1, 2]);
  }, /the gradient of "w" must be \[1\], got \[2\]/);
});

t.test("a state that does not fit is refused, and nothing changes", async (t) => {
  const make = (): { w: Parameter; adam: Adam } => {
    const w = new Parameter(tensor([1, 2]), "w");
    return { w, adam: new Adam([w]) };
  };
  const { w, adam } = make();
  w.grad = tensor([1, 1]);
  adam.step();
  const good = await adam.state();
  const refused = (state: Partial<OptimizerState>, message: RegExp): void => {
    t.throws(() => adam.restore({ ...good, ...state }), message);
  };
  const array = { dtype: "float32", shape: [3], data: new Float32Array(3) } as const;
  refused({ optimizer: "SGD" }, /Adam.restore: the state is that of SGD/);
  refused({ groups: [] }, /Adam.restore: expected 1 parameter groups, got 0/);
  refused(
    { groups: [{ settings: {}, parameters: ["other"] }] },
    /group 0, parameter 0: expected "w", got "other"/,
  );
  refused({ arrays: new Map() }, /"w.exp_avg" is missing/);
  refused(
    { arrays: new Map([...good.arrays, ["w.exp_avg", array]]) },
    /"w.exp_avg" is float32 \[3\], expected float32 \[2\]/,
  );
  refused({ arrays: new Map([...good.arrays, ["v.exp_avg", array]]) }, /"v.exp_avg" is unexpected/);
  refused({ steps: { w: 0.5 } }, /steps of "w" is 0.5, expected 1 or more/);
  t.strictSame(await adam.state(), good);
  const other = make();
  other.adam.restore(good);
  t.strictSame(await other.adam.state(), good);
});
