// Batch and group norm, GRU and LSTM: PyTorch's values and gradients, its state dicts, and bad input.
import {
  BatchNorm,
  GRU,
  GRUCell,
  GroupNorm,
  gradcheck,
  LSTM,
  LSTMCell,
  type Module,
  type RecurrentOptions,
  variable,
} from "@echo-ts/autograd";
import {
  type ArrayRecord,
  mul,
  ones,
  randomNormal,
  readSafetensors,
  stream,
  sum,
  type Tensor,
  tensor,
  withBackend,
  writeSafetensors,
  zeros,
} from "@echo-ts/tensor";
import t from "tap";
import { difference, flat, type LayerCase, layerFixtures, type Values } from "./layer-fixtures.ts";

const { norms, recurrent } = layerFixtures;
const float64 = { dtype: "float64" } as const;
const given = (values: Values | undefined): Tensor => tensor(values as number[], float64);
// What plain JavaScript may pass.
const wrong = <T>(value: unknown): T => value as T;

/** Puts a case's parameters into a module; their names must be exactly PyTorch's. */
function load(module: Module, parameters: LayerCase["parameters"]): void {
  const records = Object.entries(parameters).map(([name, values]): [string, ArrayRecord] => {
    const x = given(values);
    return [name, { dtype: "float64", shape: [...x.shape], data: x.dataSync() }];
  });
  const { missing } = module.loadStateDict(new Map(records), { strict: false });
  const buffers = module.namedBuffers().map(([name]) => name);
  if (missing.join() !== buffers.join()) throw new Error(`missing: ${missing}`);
}

/** Largest error of outputs and of all gradients against a case. */
function worst(
  { inputs, outputs, cotangents, gradients }: LayerCase,
  module: Module,
  forward: (inputs: Readonly<Record<string, Tensor>>) => Readonly<Record<string, Tensor>>,
): number {
  const leaves = Object.fromEntries(
    Object.entries(inputs).map(([name, values]) => [name, variable(given(values))]),
  );
  const results = forward(leaves);
  const errors = Object.entries(outputs).map(([name, values]) =>
    difference(results[name]!.toArray(), values),
  );
  Object.entries(results)
    .map(([name, result]) => sum(mul(result, given(cotangents[name]))))
    .reduce((total, part) => total.add(part))
    .backward();
  const byName = new Map(module.namedParameters());
  for (const [name, values] of Object.entries(gradients)) {
    errors.push(difference((leaves[name] ?? byName.get(name))!.grad!.toArray(), values));
  }
  return Math.max(...errors);
}

const NORM_OPTIONS: Readonly<Record<string, object>> = {
  "batch_norm cumulative": { momentum: null },
  "batch_norm plain": { affine: false, epsilon: 1e-3, momentum: 0.3 },
  "batch_norm untracked": { trackRunningStats: false },
};

for (const backend of ["reference", "wasm"]) {
  t.test(`batch norm is PyTorch's, training and evaluating, backend ${backend}`, async (t) => {
    await withBackend(backend, async () => {
      const cases = norms.filter(({ name }) => name.startsWith("batch_norm"));
      t.equal(cases.length, 6);
      for (const one of cases) {
        const x = given(one.inputs.x);
        const module = new BatchNorm(x.shape[1]!, { ...float64, ...NORM_OPTIONS[one.name] });
        load(module, one.parameters);
        t.ok(worst(one, module, (inputs) => ({ y: module.forward(inputs.x!) })) < 1e-10, one.name);
        t.ok(difference(module.forward(given(one.second)).toArray(), one.second_output) < 1e-10);
        const state = await module.stateDict();
        t.strictSame([...state.keys()], Object.keys(one.state!), "PyTorch's names in its order");
        for (const [name, { data }] of state) {
          t.ok(difference(Array.from(data, Number), flat(one.state![name])) < 1e-10, `${one.name}: ${name}`);
        }
        t.ok(
          difference(module.eval().forward(x).toArray(), one.evaluated) < 1e-10,
          `${one.name}, evaluating`,
        );
        t.strictSame(
          [...(await module.stateDict()).values()],
          [...state.values()],
          "evaluating moves nothing",
        );
      }
    });
  });

  t.test(`group norm is PyTorch's, backend ${backend}`, async (t) => {
    withBackend(backend, () => {
      const cases = norms.filter(({ name }) => name.startsWith("group_norm"));
      t.equal(cases.length, 3);
      for (const one of cases) {
        const channels = given(one.inputs.x).shape[1]!;
        const module = new GroupNorm(one.groups!, channels, { ...float64, affine: one.affine! });
        load(module, one.parameters);
        t.ok(worst(one, module, (inputs) => ({ y: module.forward(inputs.x!) })) < 1e-10, one.name);
      }
    });
  });

  t.test(`GRU and LSTM are PyTorch's, layers and cells, backend ${backend}`, async (t) => {
    withBackend(backend, () => {
      t.equal(recurrent.length, 10);
      for (const one of recurrent) {
        const { num_layers: layers, ...rest } = (one.options ?? {}) as Record<string, number>;
        const options = wrong<RecurrentOptions>({ ...float64, layers, ...rest });
        const state = ({ hidden, cell }: Readonly<Record<string, Tensor>>) =>
          hidden === undefined ? undefined : { hidden, cell: cell! };
        if (one.name === "gru_cell") {
          const cell = new GRUCell(3, 2, float64);
          load(cell, one.parameters);
          t.ok(worst(one, cell, ({ x, hidden }) => ({ hidden: cell.forward(x!, hidden) })) < 1e-10);
        } else if (one.name === "lstm_cell") {
          const cell = new LSTMCell(3, 2, float64);
          load(cell, one.parameters);
          t.ok(worst(one, cell, (inputs) => ({ ...cell.forward(inputs.x!, state(inputs)) })) < 1e-10);
        } else if (one.name.startsWith("gru")) {
          const gru = new GRU(3, 2, options);
          load(gru, one.parameters);
          t.ok(worst(one, gru, ({ x, hidden }) => ({ ...gru.forward(x!, hidden) })) < 1e-10, one.name);
        } else {
          const lstm = new LSTM(3, 2, options);
          load(lstm, one.parameters);
          t.ok(
            worst(one, lstm, (inputs) => ({ ...lstm.forward(inputs.x!, state(inputs)) })) < 1e-10,
            one.name,
          );
        }
      }
    });
  });
}

t.test("state dicts have PyTorch's names, in its order and layouts", async (t) => {
  const shapes = async (module: Module) =>
    Object.fromEntries([...(await module.stateDict())].map(([name, { shape }]) => [name, shape]));
  t.strictSame(await shapes(new LSTM(3, 2, { layers: 2, bidirectional: true, dropout: 0.1 })), {
    weight_ih_l0: [8, 3],
    weight_hh_l0: [8, 2],
    bias_ih_l0: [8],
    bias_hh_l0: [8],
    weight_ih_l0_reverse: [8, 3],
    weight_hh_l0_reverse: [8, 2],
    bias_ih_l0_reverse: [8],
    bias_hh_l0_reverse: [8],
    weight_ih_l1: [8, 4],
    weight_hh_l1: [8, 2],
    bias_ih_l1: [8],
    bias_hh_l1: [8],
    weight_ih_l1_reverse: [8, 4],
    weight_hh_l1_reverse: [8, 2],
    bias_ih_l1_reverse: [8],
    bias_hh_l1_reverse: [8],
  });
  t.strictSame(await shapes(new GRU(3, 2, { bias: false })), { weight_ih_l0: [6, 3], weight_hh_l0: [6, 2] });
  t.strictSame(await shapes(new GRUCell(3, 2)), {
    weight_ih: [6, 3],
    weight_hh: [6, 2],
    bias_ih: [6],
    bias_hh: [6],
  });
  t.strictSame(
    [...(await new BatchNorm(2).stateDict()).keys()].join(),
    ["weight", "bias", "running_mean", "running_var", "num_batches_tracked"].join(),
  );
  const gru = new GRU(3, 16).initialize(1);
  for (const values of gru.parameters()) {
    const data = Array.from(values.dataSync());
    t.ok(Math.max(...data) <= 0.25 && Math.min(...data) >= -0.25, "within 1 / sqrt(16)");
    t.ok(Math.max(...data) > 0.2 && Math.min(...data) < -0.2);
  }
});

t.test("PyTorch's int64 counter loads, as far as int32 holds it", async (t) => {
  const file = (count: bigint, int64: "int32" | "bigint" = "bigint") =>
    readSafetensors(
      writeSafetensors({
        weight: { dtype: "float32", shape: [1], data: Float32Array.of(1) },
        bias: { dtype: "float32", shape: [1], data: Float32Array.of(0) },
        running_mean: { dtype: "float32", shape: [1], data: Float32Array.of(3) },
        running_var: { dtype: "float32", shape: [1], data: Float32Array.of(4) },
        num_batches_tracked: { dtype: "int64", shape: [], data: BigInt64Array.of(count) },
      }),
      { int64 },
    ).tensors;
  const norm = new BatchNorm(1);
  norm.loadStateDict(file(99n, "int32"));
  t.equal(norm.numBatchesTracked!.item(), 99);
  norm.loadStateDict(file(12345n));
  t.equal(norm.numBatchesTracked!.item(), 12345);
  norm.forward(zeros([2, 1]));
  t.equal(norm.numBatchesTracked!.item(), 12346);
  t.throws(
    () => norm.loadStateDict(file(2n ** 31n)),
    /num_batches_tracked: expected int32, got the int64 2147483648/,
  );
  t.throws(
    () =>
      norm.loadStateDict({ ...Object.fromEntries(file(1n)), weight: file(1n).get("num_batches_tracked")! }),
    /weight: expected \[1\], got \[\]/,
  );
  const counter = { dtype: "int64", shape: [1], data: BigInt64Array.of(1n) } as const;
  t.throws(
    () => norm.loadStateDict({ ...Object.fromEntries(file(1n)), weight: counter }),
    /weight: expected numbers, got int64 as BigInt64Array/,
  );
});

t.test("gradients are those of central differences", async (t) => {
  const random = stream(5, "norms");
  const draw = (...shape: number[]): Tensor => randomNormal(shape, random, 0, 1, float64);
  const norm = new BatchNorm(2, float64);
  const group = new GroupNorm(2, 4, float64);
  const gru = new GRU(2, 2, { layers: 2, bidirectional: true, dtype: "float64" }).initialize(3);
  const lstm = new LSTM(2, 2, { dtype: "float64" }).initialize(3);
  gradcheck((x) => norm.forward(x!), [draw(3, 2, 2)], { secondOrder: true });
  gradcheck((x) => group.forward(x!), [draw(2, 4, 3)], { secondOrder: true });
  gradcheck((x, h) => gru.forward(x!, h).output, [draw(2, 3, 2), draw(4, 2, 2)]);
  gradcheck(
    (x, hidden, cell) => lstm.forward(x!, { hidden: hidden!, cell: cell! }).cell,
    [draw(2, 3, 2), draw(1, 2, 2), draw(1, 2, 2)],
  );
  norm.eval();
  gradcheck((x) => norm.forward(x!), [draw(3, 2)]);
  t.pass();
});

t.test("what a layer is, in relations", async (t) => {
  const random = stream(6, "relations");
  const x = randomNormal([4, 6, 5], random, 3, 2, float64);
  const single = new GroupNorm(1, 6, float64);
  const shuffled = x.permute([2, 1, 0]);
  const norm = new BatchNorm(6, float64);
  t.ok(
    difference(norm.forward(x).permute([2, 1, 0]).toArray(), norm.forward(shuffled).toArray()) < 1e-12,
    "batch norm does not tell examples from positions",
  );
  t.ok(Math.abs(norm.forward(x).mean().item()) < 1e-12);
  t.ok(difference(single.forward(x).square().mean([1, 2]).toArray(), [1, 1, 1, 1]) < 1e-4);
  const lstm = new LSTM(3, 4, float64).initialize(1);
  const sequence = randomNormal([2, 7, 3], random, 0, 1, float64);
  const whole = lstm.forward(sequence);
  const head = lstm.forward(sequence.narrow(1, 0, 3));
  const tail = lstm.forward(sequence.narrow(1, 3, 4), head);
  t.ok(
    difference(tail.output.toArray(), whole.output.narrow(1, 3, 4).toArray()) < 1e-12,
    "state carries over",
  );
  t.ok(difference(tail.cell.toArray(), whole.cell.toArray()) < 1e-12);
  const cell = new LSTMCell(3, 4, float64);
  cell.loadStateDict(
    new Map([...(await lstm.stateDict())].map(([name, record]) => [name.replace("_l0", ""), record])),
  );
  let state = { hidden: zeros([2, 4], float64), cell: zeros([2, 4], float64) };
  for (let i = 0; i < 7; i++) state = cell.forward(sequence.select(1, i), state);
  t.ok(
    difference(
      state.hidden.toArray(),
      flat(whole.hidden.toArray()).length === 8 ? whole.hidden.select(0, 0).toArray() : 0,
    ) < 1e-12,
  );
});

t.test("dropout between layers is off in evaluation, and comes from a stream of its own", async (t) => {
  const make = () => new GRU(2, 8, { layers: 2, dropout: 0.5 }).initialize(4);
  const x = ones([1, 3, 2]);
  const [a, b] = [make(), make()];
  t.strictSame(a.forward(x).output.toArray(), b.forward(x).output.toArray());
  t.notSame(a.forward(x).output.toArray(), make().forward(x).output.toArray(), "the second draw is another");
  t.strictSame(a.eval().forward(x).output.toArray(), b.eval().forward(x).output.toArray());
});

t.test("bad input is refused by name", async (t) => {
  for (const [make, message] of [
    [() => new BatchNorm(0), "BatchNorm: channels must be a positive integer, got 0"],
    [() => new BatchNorm(2, wrong({ eps: 1 })), 'BatchNorm: unknown option "eps"; did you mean "epsilon"?'],
    [() => new BatchNorm(2, { momentum: 2 }), "BatchNorm: momentum must be in [0, 1] or null, got 2"],
    [() => new BatchNorm(2, { epsilon: -1 }), "BatchNorm: epsilon must be a number of at least 0, got -1"],
    [() => new BatchNorm(2).forward(zeros([2, 3])), "BatchNorm: expected input [B, 2, ..], got [2, 3]"],
    [() => new BatchNorm(2).forward(zeros([2])), "BatchNorm: expected input [B, 2, ..], got [2]"],
    [
      () => new BatchNorm(2).forward(zeros([1, 2])),
      "BatchNorm: expected more than one value a channel while training, got [1, 2]; use a larger batch, or eval()",
    ],
    [() => new GroupNorm(4, 6), "GroupNorm: 4 groups do not divide 6 channels"],
    [
      () => new GroupNorm(2, 6, wrong(1e-5)),
      "GroupNorm: options must be an object such as { dtype: ... }, got 0.00001",
    ],
    [() => new GRU(2, 3, wrong({ numLayers: 2 })), 'GRU: unknown option "numLayers"; did you mean "layers"?'],
    [() => new LSTM(2, 3, { layers: 0 }), "LSTM: layers must be a positive integer, got 0"],
    [() => new GRU(2, 3).initialize(1).forward(zeros([4, 2])), "GRU: expected input [B, T, 2], got [4, 2]"],
    [
      () => new GRU(2, 3).initialize(1).forward(zeros([4, 5, 2]), zeros([4, 3])),
      "GRU: the hidden state must be [1, 4, 3], got [4, 3]",
    ],
    [
      () => new GRUCell(2, 3).initialize(1).forward(zeros([4, 3])),
      "GRUCell: expected input [B, 2], got [4, 3]",
    ],
    [
      () =>
        new LSTMCell(2, 3).initialize(1).forward(zeros([4, 2]), { hidden: zeros([4, 3]), cell: zeros([3]) }),
      "LSTMCell: the cell state must be [4, 3], got [3]",
    ],
    [
      () => new LSTM(2, 3).forward(zeros([4, 5, 2])),
      /LSTM: weight_ih_l0 has no values yet; call initialize\(seed\)/,
    ],
  ] as const) {
    t.throws(make, { message });
  }
});
