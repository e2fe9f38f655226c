// Settings that change during a training, the newer optimiser options, schedules and averages: against PyTorch.
import {
  Adam,
  AdamW,
  cosineSchedule,
  Linear,
  Lion,
  linearSchedule,
  type Module,
  type Optimizer,
  oneCycleMomentum,
  oneCycleSchedule,
  Parameter,
  PlateauSchedule,
  Sequential,
  SGD,
  stepSchedule,
  WeightAverage,
} from "@echo-ts/autograd";
import { mul, ones, square, sum, tensor, withBackend } from "@echo-ts/tensor";
import t from "tap";
import { difference, layerFixtures, type Values } from "./layer-fixtures.ts";

const { optimisers, one_cycle: oneCycle, averages } = layerFixtures;

// What plain JavaScript may pass.
const wrong = <T>(value: unknown): T => value as T;

/** The loss of make.py's trajectories, on one parameter in float64. */
function trajectory<O extends Optimizer<object>>(
  make: (parameters: Parameter[]) => O,
  steps: number,
  change: (step: number, optimizer: O) => void = () => {},
): number[][] {
  const w = new Parameter(tensor([1, -0.5, 2], { dtype: "float64" }), "w");
  const slope = tensor([0.3, -0.2, 0.1], { dtype: "float64" });
  const optimizer = make([w]);
  return Array.from({ length: steps }, (_, step) => {
    change(step, optimizer);
    optimizer.zeroGrad();
    const curve = mul(sum(square(w)), step % 4 === 0 ? 3 : 0.5);
    curve.add(sum(mul(w, slope))).backward();
    optimizer.step();
    return w.toArray() as number[];
  });
}

const late = (step: number, { groups }: SGD): void => {
  groups[0]!.momentum = step >= 2 && step !== 5 ? 0.9 : 0;
};

for (const backend of ["reference", "wasm"]) {
  t.test(`changed settings and amsgrad give PyTorch's trajectories, backend ${backend}`, async (t) => {
    const runs: Record<string, () => number[][]> = {
      sgd_late: () => trajectory((p) => new SGD(p, { learningRate: 0.05 }), 9, late),
      sgd_late_dampened: () =>
        trajectory((p) => new SGD(p, { learningRate: 0.05, dampening: 0.4, weightDecay: 0.1 }), 9, late),
      sgd_late_nesterov: () =>
        trajectory(
          (p) => new SGD(p, { learningRate: 0.05 }),
          6,
          (step, { groups }) => {
            Object.assign(groups[0]!, step >= 1 ? { momentum: 0.8, nesterov: true } : {});
          },
        ),
      adam_amsgrad: () =>
        trajectory((p) => new Adam(p, { learningRate: 0.1, amsgrad: true, weightDecay: 0.05 }), 12),
      adamw_amsgrad: () =>
        trajectory((p) => new AdamW(p, { learningRate: 0.1, amsgrad: true, betas: [0.8, 0.9] }), 12),
      adam_cycled: () =>
        trajectory(
          (p) => new Adam(p, { learningRate: 0.1 }),
          8,
          (step, adam) => {
            adam.momentum = 0.95 - 0.01 * step;
          },
        ),
    };
    t.strictSame(Object.keys(runs), Object.keys(optimisers));
    for (const [name, run] of Object.entries(runs)) {
      t.ok(difference(withBackend(backend, run), optimisers[name]) < 1e-10, name);
    }
  });
}

t.test("a momentum switched on after the first step works at once, in float32 too", async (t) => {
  const w = new Parameter(tensor([1]), "w");
  const sgd = new SGD([w], { learningRate: 0.1 });
  const seen: number[] = [];
  for (let step = 0; step < 4; step++) {
    w.grad = ones([1]);
    if (step === 1) sgd.groups[0]!.momentum = 0.9;
    sgd.step();
    seen.push(w.item());
    await sgd.state();
  }
  // PyTorch's values in float32.
  t.ok(
    difference(seen, [0.8999999761581421, 0.7999999523162842, 0.60999995470047, 0.3389999568462372]) < 1e-6,
  );
});

t.test("a training whose settings changed resumes to the same bits wherever it was saved", async (t) => {
  const make = () => {
    const w = new Parameter(tensor([1, -2]), "w");
    return { w, sgd: new SGD([w], { learningRate: 0.1, dampening: 0.3 }) };
  };
  type Run = ReturnType<typeof make>;
  const advance = ({ w, sgd }: Run, from: number, to: number): void => {
    for (let step = from; step < to; step++) {
      late(step, sgd);
      w.grad = tensor([step + 1, 1 / (step + 1)]);
      sgd.step();
    }
  };
  const whole = make();
  advance(whole, 0, 9);
  for (let stop = 0; stop <= 9; stop++) {
    const [first, second] = [make(), make()];
    advance(first, 0, stop);
    // Settings are changed before the state is saved, too.
    if (stop === 2) first.sgd.groups[0]!.momentum = 0.9;
    const { arrays, ...rest } = await first.sgd.state();
    second.w.assign(first.w);
    second.sgd.restore({ ...JSON.parse(JSON.stringify(rest)), arrays });
    t.strictSame(await second.sgd.state(), await first.sgd.state());
    advance(second, stop, 9);
    t.strictSame(second.w.toArray(), whole.w.toArray(), `saved before step ${stop}`);
  }
  const { sgd } = whole;
  sgd.groups[0]!.momentum = 0;
  t.strictSame((await sgd.state()).slots, { w: ["momentum_buffer"] }, "the velocity is kept while it is off");
});

t.test("amsgrad switched on later begins with the next gradient, and is saved", async (t) => {
  const w = new Parameter(tensor([1]), "w");
  const adam = new Adam([w], { learningRate: 0.1 });
  for (const gradient of [1, 0.5]) {
    w.grad = tensor([gradient]);
    adam.step();
    adam.groups[0]!.amsgrad = true;
  }
  const { arrays } = await adam.state();
  t.strictSame([...arrays.keys()], ["w.exp_avg", "w.exp_avg_sq", "w.max_exp_avg_sq"]);
  t.strictSame(arrays.get("w.max_exp_avg_sq")!.data, arrays.get("w.exp_avg_sq")!.data);
  const other = new Adam([w], { learningRate: 0.1 });
  other.restore(await adam.state());
  t.strictSame(await other.state(), await adam.state());
});

t.test("one cycle is PyTorch's OneCycleLR, learning rate and momentum", async (t) => {
  for (const { options, values } of oneCycle) {
    const shape = options.anneal_strategy === "linear" ? "linear" : "cosine";
    const numbers = options as Readonly<Record<string, number>>;
    const { max_lr: peak, total_steps: steps, pct_start: riseShare } = numbers;
    const { div_factor: startDivisor, final_div_factor: endDivisor } = numbers;
    const { base_momentum: low, max_momentum: high } = numbers;
    const cycle = { steps: steps!, shape, riseShare } as const;
    const rate = oneCycleSchedule(wrong({ ...cycle, peak, startDivisor, endDivisor }));
    const momentum = oneCycleMomentum(wrong({ ...cycle, low, high }));
    const ours = values.map((_, step) => [rate(step), momentum(step)]);
    t.ok(difference(ours, values) < 1e-9, JSON.stringify(options));
    t.equal(rate(steps! + 5), rate(steps! - 1), "the last value stays");
  }
  t.throws(() => oneCycleSchedule({ peak: 1, steps: 1 }), /steps must be an integer of at least 2, got 1/);
  t.throws(
    () => oneCycleSchedule({ peak: 1, steps: 9, riseShare: 1 }),
    /riseShare must be in \(0, 1\), got 1/,
  );
  t.throws(
    () => oneCycleSchedule({ peak: 1, steps: 9, startDivisor: 0 }),
    /startDivisor must be above 0, got 0/,
  );
  t.throws(() => oneCycleSchedule({ peak: Number.NaN, steps: 9 }), /peak must be a finite number, got NaN/);
});

t.test("momentum schedules write the momentum of every group", async (t) => {
  const parameters = () => [new Parameter(tensor([1])), new Parameter(tensor([1]))].map((p) => [p]);
  const groups = () => parameters().map((list) => ({ parameters: list }));
  const sgd = new SGD(groups(), { learningRate: 1, momentum: 0.5 });
  sgd.momentum = 0.75;
  t.strictSame(
    sgd.groups.map(({ momentum }) => momentum),
    [0.75, 0.75],
  );
  t.equal(sgd.momentum, 0.75);
  for (const optimizer of [new AdamW(groups()), new Lion(groups())]) {
    const [, second] = optimizer.groups[1]!.betas;
    optimizer.momentum = 0.25;
    t.strictSame(
      optimizer.groups.map(({ betas }) => betas),
      [
        [0.25, second],
        [0.25, second],
      ],
    );
    t.equal(optimizer.momentum, 0.25);
    t.throws(() => {
      optimizer.momentum = 1;
    }, /momentum must be a number in \[0, 1\), got 1/);
  }
});

t.test("a plateau of a negative metric is one, in both directions", async (t) => {
  const rates = (mode: "min" | "max", metrics: number[]): number[] => {
    const plateau = new PlateauSchedule({ initial: 0.1, threshold: 0.1, patience: 0, mode });
    return metrics.map((metric) => plateau.update(metric));
  };
  const near = (actual: number[], expected: number[]) =>
    t.ok(difference(actual, expected) < 1e-15, `${actual}`);
  near(rates("min", [-1, -0.95]), [0.1, 0.01]);
  near(rates("min", [-1, -1.05]), [0.1, 0.01]);
  near(rates("min", [-1, -1.2]), [0.1, 0.1]);
  near(rates("max", [-1, -1.05]), [0.1, 0.01]);
  near(rates("max", [-1, -0.95]), [0.1, 0.01]);
  near(rates("max", [-1, -0.85]), [0.1, 0.1]);
  near(rates("min", [1, 0.95, 0.85]), [0.1, 0.01, 0.01]);
  near(rates("min", [0, -1e-9]), [0.1, 0.1]);
});

t.test("options of schedules: undefined is the default, the rest is refused by name", async (t) => {
  const plateau = new PlateauSchedule(wrong({ initial: 1, patience: undefined, factor: undefined }));
  const rates = Array.from({ length: 13 }, () => plateau.update(1));
  t.ok(difference(rates, [...Array.from({ length: 11 }, () => 1), 0.1, 0.1]) < 1e-15, `${rates}`);
  for (const [make, message] of [
    [
      () => new PlateauSchedule(wrong({ initial: 1, patiance: 2 })),
      /unknown option "patiance"; did you mean "patience"/,
    ],
    [
      () => new PlateauSchedule(wrong({ initial: 1, mode: "least" })),
      /mode must be "min" or "max", got "least"/,
    ],
    [
      () => new PlateauSchedule({ initial: 1, patience: -1 }),
      /patience must be an integer of at least 0, got -1/,
    ],
    [
      () => new PlateauSchedule({ initial: 1, patience: Number.NaN }),
      /patience must be an integer .* got NaN/,
    ],
    [
      () => new PlateauSchedule({ initial: 1, threshold: -1 }),
      /threshold must be a number of at least 0, got -1/,
    ],
    [() => new PlateauSchedule(wrong({})), /initial must be a finite number, got undefined/],
    [() => plateau.update(wrong(undefined)), /the metric must be a number, got undefined/],
    [
      () => cosineSchedule(wrong({ peak: 1, totalSteps: 9 })),
      /cosineSchedule: unknown option "totalSteps"; did you mean "steps"/,
    ],
    [
      () => cosineSchedule(wrong({ steps: 9 })),
      /cosineSchedule: peak must be a finite number, got undefined/,
    ],
    [
      () => cosineSchedule(wrong(0.1)),
      /cosineSchedule: options must be an object such as \{ peak: ... \}, got 0.1/,
    ],
    [
      () => linearSchedule(wrong({ from: 0, steps: 9 })),
      /linearSchedule: to must be a finite number, got undefined/,
    ],
    [
      () => stepSchedule(wrong({ initial: 1, every: 3, gamma: 0.5 })),
      /unknown option "gamma"; did you mean "factor"/,
    ],
    [() => oneCycleSchedule(wrong({ maxLr: 1, steps: 9 })), /unknown option "maxLr"; did you mean "peak"/],
  ] as const) {
    t.throws(make, { message });
  }
});

t.test("options of optimisers are refused by name, in groups and as properties too", async (t) => {
  const list = () => [new Parameter(tensor([1]), "w")];
  for (const [make, message] of [
    [() => new Adam(list(), wrong({ lr: 5 })), 'Adam: unknown option "lr"; did you mean "learningRate"?'],
    [() => new AdamW(list(), wrong({ eps: 1 })), 'AdamW: unknown option "eps"; did you mean "epsilon"?'],
    [() => new Lion(list(), wrong({ beta: 1 })), 'Lion: unknown option "beta"; did you mean "betas"?'],
    [() => new SGD(list(), wrong({ lr: 1 })), 'SGD: unknown option "lr"; did you mean "learningRate"?'],
    [
      () => new SGD(list(), wrong(0.1)),
      "SGD: options must be an object such as { learningRate: ... }, got 0.1",
    ],
    [
      () => new SGD(list(), wrong(undefined)),
      "SGD: options must be an object such as { learningRate: ... }, got undefined",
    ],
    [() => new SGD(list(), wrong({})), "SGD: learningRate must be a number of at least 0, got undefined"],
    [() => new Adam(list(), wrong({ betas: 0.9 })), "Adam: betas must be an array, got 0.9"],
    [
      () => new Adam(list(), wrong({ learningRate: "0.1" })),
      'Adam: learningRate must be a number, got "0.1"',
    ],
    [() => new Adam(list(), wrong({ amsgrad: 1 })), "Adam: amsgrad must be a boolean, got 1"],
    [
      () => new Adam(wrong([{ parameters: list(), lr: 1 }])),
      'Adam group: unknown option "lr"; did you mean "learningRate"?',
    ],
    [
      () => new Adam(wrong([{ parameters: list(), weightDecay: "1" }])),
      'Adam group: weightDecay must be a number, got "1"',
    ],
    [
      () => new Adam(wrong(list()[0])),
      "Adam: expected a module, a list of parameters or a list of groups, got Parameter",
    ],
    [
      () => new Adam(wrong(null)),
      "Adam: expected a module, a list of parameters or a list of groups, got null",
    ],
    [() => new Adam(wrong([null])), "Adam: expected Parameters, got null"],
    [() => new WeightAverage(wrong(list())), "WeightAverage: model must be a module, got an array of 1"],
  ] as const) {
    t.throws(make, { message });
  }
  const adamW = new AdamW(list(), wrong({ weightDecay: undefined, betas: undefined }));
  t.equal(adamW.groups[0]!.weightDecay, 0.01, "undefined is the default");
  t.throws(() => Object.assign(adamW.groups[0]!, { lr: 1 }), TypeError);
  const [w] = adamW.groups[0]!.parameters;
  w!.grad = tensor([1]);
  adamW.groups[0]!.learningRate = Number.NaN;
  t.throws(() => adamW.step(), /AdamW: learningRate must be a number of at least 0, got NaN/);
  t.equal(w!.item(), 1, "nothing was written");
});

t.test("averages are PyTorch's, equal and exponential", async (t) => {
  const refusals: Promise<unknown>[] = [];
  for (const backend of ["reference", "wasm"]) {
    withBackend(backend, () => {
      const layer = new Linear(2, 1, { dtype: "float64" }).initialize(1);
      const set = ([weight, bias]: readonly Values[]): void => {
        layer.weight.assign(tensor(wrong(weight), { dtype: "float64" }));
        layer.bias!.assign(tensor(wrong(bias), { dtype: "float64" }));
      };
      const weights = (model: Module) => model.parameters().map((p) => p.toArray());
      const [swa, ema] = [new WeightAverage(layer), new WeightAverage(layer, { decay: 0.75 })];
      averages.weights.forEach((values, i) => {
        set(values);
        for (const [average, expected] of [
          [swa, averages.swa],
          [ema, averages.ema],
        ] as const) {
          average.update();
          average.swap();
          t.ok(difference(weights(layer), expected[i]) < 1e-10);
          t.throws(
            () => average.update(),
            /WeightAverage.update: the model holds the averages; call swap\(\)/,
          );
          refusals.push(average.state());
          average.swap();
          t.strictSame(weights(layer), values, "and the weights are back");
        }
      });
      t.equal(swa.updates, 5);
    });
  }
  for (const refusal of refusals)
    await t.rejects(refusal, /WeightAverage.state: the model holds the averages; call swap\(\)/);
});

t.test("an average goes on from its state to the same bits", async (t) => {
  const model = new Sequential(new Linear(2, 2)).initialize(1);
  const shake = (i: number): void => {
    for (const p of model.parameters()) p.assign(mul(p, 1 + 0.1 * i));
  };
  const whole = new WeightAverage(model, { decay: 0.5 });
  let half = new WeightAverage(model, { decay: 0.5 });
  for (let i = 0; i < 6; i++) {
    shake(i);
    whole.update();
    half.update();
    const { arrays, updates } = await half.state();
    half = new WeightAverage(model, { decay: 0.5 });
    half.restore({ arrays, updates });
  }
  t.strictSame(await half.state(), await whole.state());
  const { arrays, updates } = await half.state();
  const refused = (state: object, message: RegExp) =>
    t.throws(() => half.restore(wrong({ arrays, updates, ...state })), message);
  refused({ updates: -1 }, /WeightAverage.restore: updates is -1, expected 0 or more/);
  refused({ arrays: new Map() }, /"0.weight" is missing/);
  refused({ arrays: new Map([...arrays, ["x", arrays.get("0.bias")!]]) }, /"x" is unexpected/);
  refused(
    { arrays: new Map([...arrays, ["0.bias", arrays.get("0.weight")!]]) },
    /"0.bias" is \[2, 2\], expected \[2\]/,
  );
  t.throws(() => new WeightAverage(model, { decay: 1 }), /decay must be in \[0, 1\) or null, got 1/);
  t.throws(
    () => new WeightAverage(model, wrong({ beta: 1 })),
    /unknown option "beta", expected one of: decay/,
  );
});

t.test("a class that a minifier renamed keeps its name in states and errors", async (t) => {
  for (const [name, Class] of Object.entries({ SGD, Adam, AdamW, Lion })) {
    const called = Object.getOwnPropertyDescriptor(Class, "name")!;
    Object.defineProperty(Class, "name", { ...called, value: "Mo" });
    t.teardown(() => Object.defineProperty(Class, "name", called));
    const optimizer = new Class([new Parameter(ones([2]), "w")], { learningRate: 0.1 });
    const state = await optimizer.state();
    t.equal(state.optimizer, name);
    t.throws(() => optimizer.restore({ ...state, optimizer: "Mo" }), new RegExp(name));
  }
  t.throws(() => new AdamW([new Parameter(ones([2]), "w")], { learningRate: -1 }), /AdamW/);
  class Own extends AdamW {}
  t.equal(
    (await new Own([new Parameter(ones([2]), "w")], { learningRate: 0.1 }).state()).optimizer,
    "Own",
    "a class of one's own",
  );
});
