// Modules: names, layouts, initialisation, loading, refusals. What the layers compute: nn-layers.test.ts.
import {
  Activation,
  activation,
  backward,
  Conv1d,
  constantInit,
  Dropout,
  Embedding,
  fans,
  fromSafetensors,
  GRUCell,
  kaimingNormalInit,
  kaimingUniformInit,
  LayerNorm,
  Linear,
  Module,
  MultiheadAttention,
  normalInit,
  onesInit,
  Parameter,
  parameter,
  RMSNorm,
  Sequential,
  scaledDotProductAttention,
  toSafetensors,
  truncatedNormalInit,
  uniformInit,
  xavierNormalInit,
  xavierUniformInit,
} from "@echo-ts/autograd";
import {
  type ArrayRecord,
  type FloatArray,
  gelu,
  ones,
  readSafetensors,
  stream,
  sum,
  type Tensor,
  tanh,
  tensor,
  zeros,
} from "@echo-ts/tensor";
import t from "tap";

class Mlp extends Module {
  readonly hiddenLayer = new Linear(3, 8);
  readonly drop = new Dropout(0.25);
  readonly output = new Linear(8, 2);
  forward(x: Tensor): Tensor {
    return this.output.forward(this.drop.forward(tanh(this.hiddenLayer.forward(x))));
  }
}

/** Bits of every tensor of a module, for exact comparison. */
const bits = (module: Module): Record<string, number[]> =>
  Object.fromEntries(
    module.namedTensors().map(({ name, value }) => [name, Array.from((value as Tensor).dataSync())]),
  );

t.test("names are fields in snake_case, indices and keys, joined by dots", async (t) => {
  class Tree extends Module {
    readonly selfAttnLayers = [new Linear(2, 2), new Linear(2, 2, { bias: false })];
    readonly blend = new Map([["spectrogram", new Parameter(tensor(0.5))]]);
    readonly _norm = new RMSNorm(2);
    readonly mlp = new Sequential(new Linear(2, 4), new Activation("gelu"), new Linear(4, 2));
    invFreq: Tensor = tensor([1, 2]);
    readonly width = 2;
    readonly #cache = tensor([3]);
    cache(): Tensor {
      return this.#cache;
    }
  }
  const tree = new Tree();
  t.strictSame(
    [...(await tree.stateDict()).keys()],
    [
      "blend.spectrogram",
      "inv_freq",
      "self_attn_layers.0.weight",
      "self_attn_layers.0.bias",
      "self_attn_layers.1.weight",
      "_norm.weight",
      "mlp.0.weight",
      "mlp.0.bias",
      "mlp.2.weight",
      "mlp.2.bias",
    ],
  );
  t.strictSame(
    tree.namedBuffers().map(([name]) => name),
    ["inv_freq"],
    "a tensor that is no parameter is a buffer",
  );
  t.equal(tree.parameterCount(), 1 + 6 + 4 + 2 + 12 + 10);
});

t.test(
  "object literals and Sets are looked into, other objects refused, private fields not usable",
  async (t) => {
    class Heads extends Module {
      readonly heads = { left: new Linear(2, 2), deep: { right: new LayerNorm(2) } };
      readonly norms = new Set([new RMSNorm(2)]);
      readonly bare: object = Object.assign(Object.create(null), { scale: parameter([1], onesInit) });
      readonly settings: Record<string, unknown> = { width: 2, names: ["a"], at: new Date(0), make: () => 1 };
    }
    const model = new Heads();
    model.settings.self = model.settings; // a circle among objects is no trouble
    t.strictSame(
      [...(await model.initialize(1).stateDict()).keys()],
      [
        "bare.scale",
        "heads.left.weight",
        "heads.left.bias",
        "heads.deep.right.weight",
        "heads.deep.right.bias",
        "norms.0.weight",
      ],
    );
    t.ok(
      model.heads.left
        .forward(ones([1, 2]))
        .dataSync()
        .every(Number.isFinite),
    );
    class Buffers extends Module {
      readonly group = { a: tensor([1]) };
      readonly set = new Set([tensor([2]), tensor([3])]);
    }
    const buffers = new Buffers();
    const record = (value: number) =>
      ({ dtype: "float32", shape: [1], data: Float32Array.of(value) }) as const;
    buffers.loadStateDict({ "group.a": record(7), "set.0": record(8), "set.1": record(9) });
    t.equal(buffers.group.a.item(), 7);
    t.strictSame(
      [...buffers.set].map((x) => x.item()),
      [8, 9],
    );

    class Holder {
      readonly inner = new Linear(2, 2);
    }
    class Lost extends Module {
      readonly holder = new Holder();
    }
    t.throws(
      () => new Lost().initialize(1),
      /Lost: "holder" is of the class Holder, in which "inner" would be missed; hold it in a field, an object literal/,
    );
    class Private extends Module {
      readonly #conv = new Conv1d(1, 1, 2);
      readonly #cell = new GRUCell(1, 1);
      forward(x: Tensor): Tensor {
        return this.#conv.forward(x);
      }
      step(x: Tensor): Tensor {
        return this.#cell.forward(x);
      }
    }
    const hidden = new Private().initialize(1);
    t.throws(
      () => hidden.forward(ones([1, 1, 4])),
      /Conv1d: weight has no values yet; call initialize\(seed\) on the whole model or load weights. A layer in a #private/,
    );
    t.throws(() => hidden.step(ones([1, 1])), /GRUCell: weightIh has no values yet/);
    const conv = new Conv1d(1, 1, 2);
    for (const p of conv.parameters()) p.assign(zeros(p.shape));
    t.strictSame(conv.forward(ones([1, 1, 2])).toArray(), [[[0]]], "values may also be assigned");
    class Twice extends Module {
      readonly a = new Map([["b.c", new RMSNorm(1)]]);
      readonly "a.b" = { c: new RMSNorm(1) };
    }
    t.throws(() => new Twice().initialize(1), /initialize: two parameters are named "a.b.c.weight"/);
  },
);

t.test("Sequential refuses what is no layer", async (t) => {
  const js = (value: unknown): never => value as never;
  t.throws(
    () => new Sequential(js([new Linear(1, 1)])),
    /Sequential: layer 0 must be a module with forward\(x\), got an array of 1; spread the list/,
  );
  t.throws(
    () => new Sequential(new Linear(1, 1), js(tanh)),
    /layer 1 must be a module with forward\(x\), got (a function|the function tanh)/,
  );
  t.throws(() => new Sequential(js(undefined)), /layer 0 must be a module with forward\(x\), got undefined/);
});

t.test("tied weights train once, are saved under both names and load from either", async (t) => {
  class Tied extends Module {
    readonly embedding = new Embedding(4, 3);
    readonly head: { weight: Parameter } & Module = new Head(this.embedding.weight);
  }
  class Head extends Module {
    readonly weight: Parameter;
    constructor(weight: Parameter) {
      super();
      this.weight = weight;
    }
  }
  const model = new Tied().initialize(1);
  t.equal(model.parameterCount(), 12);
  t.strictSame(
    model.namedParameters().map(([name]) => name),
    ["embedding.weight"],
  );
  const state = await model.stateDict();
  t.strictSame([...state.keys()], ["embedding.weight", "head.weight"]);
  state.delete("embedding.weight");
  const other = new Tied();
  other.loadStateDict(state);
  t.strictSame(bits(other), bits(model));
});

t.test("a module that holds its ancestor is refused", async (t) => {
  class Loop extends Module {
    inner: Module | null = null;
  }
  const loop = new Loop();
  loop.inner = new Sequential(Object.assign(new Loop(), { inner: loop, forward: (x: Tensor) => x }));
  t.throws(
    () => loop.parameters(),
    /"inner.0.inner" holds its own ancestor; keep references to parents in #private/,
  );
});

t.test("each parameter is drawn from the stream of its dotted name", async (t) => {
  const model = new Mlp().initialize(7);
  const bound = 1 / Math.sqrt(3);
  const expected = stream(7, "init/hidden_layer.weight").fillUniform(new Float32Array(24), -bound, bound);
  t.strictSame(bits(model)["hidden_layer.weight"], Array.from(expected));
  t.strictSame(bits(new Mlp().initialize(7)), bits(model), "the same seed gives the same bits");
  t.notSame(bits(new Mlp().initialize(8)), bits(model));
  class Longer extends Mlp {
    readonly extra = new Linear(5, 5);
  }
  const longer = bits(new Longer().initialize(7));
  for (const [name, values] of Object.entries(bits(model))) t.strictSame(longer[name], values, name);
  t.strictSame(
    model.parameters().map(({ name }) => name),
    ["hidden_layer.weight", "hidden_layer.bias", "output.weight", "output.bias"],
  );
});

t.test("a parameter without values holds NaN; constants are there from the start", async (t) => {
  t.ok(new Linear(2, 2).weight.dataSync().every(Number.isNaN));
  t.strictSame(new LayerNorm(2).weight.toArray(), [1, 1]);
  t.strictSame(parameter([2], constantInit(3)).toArray(), [3, 3]);
  t.throws(
    () => new Dropout(0.5).forward(ones([2])),
    /Dropout: no random stream; call model.initialize\(seed\)/,
  );
});

t.test("initialisers have the distributions that PyTorch documents", async (t) => {
  const shape = [64, 32, 5]; // fan in 160, fan out 320
  t.strictSame(fans(shape), { fanIn: 160, fanOut: 320 });
  const n = 64 * 32 * 5;
  const draw = (init: (out: FloatArray, shape: readonly number[], r: ReturnType<typeof stream>) => void) => {
    const out = new Float64Array(n);
    init(out, shape, stream(5, "w"));
    const mean = out.reduce((s, x) => s + x, 0) / n;
    const std = Math.sqrt(out.reduce((s, x) => s + (x - mean) ** 2, 0) / n);
    return { mean, std, top: Math.max(...out.map(Math.abs)) };
  };
  // 10240 draws: the deviation of a sample's deviation is about 0.7 %, of its mean std / 101.
  const rows = [
    ["xavier uniform", xavierUniformInit(), Math.sqrt(2 / 480), Math.sqrt(6 / 480)],
    ["xavier uniform, gain 2", xavierUniformInit(2), 2 * Math.sqrt(2 / 480), 2 * Math.sqrt(6 / 480)],
    ["xavier normal", xavierNormalInit(), Math.sqrt(2 / 480), null],
    ["kaiming uniform", kaimingUniformInit(), Math.sqrt(2 / 160), Math.sqrt(6 / 160)],
    ["kaiming uniform, fan out", kaimingUniformInit({ fan: "out" }), Math.sqrt(2 / 320), Math.sqrt(6 / 320)],
    ["kaiming normal", kaimingNormalInit({ gain: 1 }), Math.sqrt(1 / 160), null],
    ["normal", normalInit(0, 0.02), 0.02, null],
    ["uniform", uniformInit(-0.3, 0.3), 0.3 / Math.sqrt(3), 0.3],
    // Variance of a standard normal cut at 2: 1 - 2 * 2 phi(2) / (2 Phi(2) - 1) = 0.7737.
    ["truncated normal", truncatedNormalInit(0, 1, -2, 2), Math.sqrt(0.7737), 2],
  ] as const;
  for (const [name, init, std, bound] of rows) {
    const got = draw(init);
    t.ok(Math.abs(got.std / std - 1) < 0.03, `${name}: deviation ${got.std} is about ${std}`);
    t.ok(Math.abs(got.mean) < (5 * std) / 100, `${name}: mean ${got.mean} is about 0`);
    if (bound !== null) t.ok(got.top <= bound && got.top > 0.99 * bound, `${name}: fills its interval`);
  }
  t.throws(() => fans([3]), /fans: expected a weight of rank 2 or more, got shape \[3\]; use/);
});

t.test("an embedding's padding row starts at zero and gets no gradient", async (t) => {
  const table = new Embedding(4, 2, { paddingIndex: 1 }).initialize(3);
  t.strictSame(table.weight.select(0, 1).toArray(), [0, 0]);
  const out = table.forward(
    tensor(
      [
        [1, 2],
        [2, 0],
      ],
      { dtype: "int32" },
    ),
  );
  t.strictSame(out.shape, [2, 2, 2]);
  backward(sum(out));
  t.strictSame(table.weight.grad?.toArray(), [
    [1, 1],
    [0, 0],
    [2, 2],
    [0, 0],
  ]);
});

t.test("dropout keeps the mean, drops the share p, is silent in evaluation and resumes", async (t) => {
  const layer = new Dropout(0.25).initialize(11);
  const x = ones([100, 100]);
  const first = layer.forward(x).dataSync();
  const kept = first.filter((v) => v !== 0).length;
  t.ok(Math.abs(kept / 10000 - 0.75) < 0.02, `${kept} of 10000 kept`);
  t.ok(first.every((v) => v === 0 || v === Math.fround(1 / 0.75)));
  const saved = JSON.parse(JSON.stringify(layer.randomState()));
  const second = layer.forward(x).dataSync();
  t.notSame(second.slice(0, 50), first.slice(0, 50));
  const resumed = new Dropout(0.25).initialize(99);
  t.throws(() => resumed.restoreRandomState(saved), /restore: the state belongs to the stream "11\/dropout"/);
  t.throws(() => layer.restoreRandomState({ other: saved[""] }), /missing: ""; unexpected: "other"/);
  layer.restoreRandomState(saved);
  t.ok(
    layer
      .forward(x)
      .equal(tensor(second, { shape: x.shape }))
      .all()
      .item(),
  );
  t.equal(layer.eval().forward(x), x);
  t.ok(
    new Dropout(1)
      .initialize(1)
      .forward(ones([3]))
      .dataSync()
      .every((v) => v === 0),
  );
  t.throws(() => new Dropout(1.5), /Dropout: expected a probability in \[0, 1\], got 1.5/);
});

t.test("train and eval reach the whole tree", async (t) => {
  const model = new Mlp();
  t.ok(model.drop.training);
  t.notOk(model.eval().drop.training);
  t.ok(model.train().drop.training);
});

t.test("activations by name", async (t) => {
  t.strictSame(activation("relu")(tensor([-1, 2])).toArray(), [0, 2]);
  t.strictSame(activation("swish")(tensor([1.5])).toArray(), activation("silu")(tensor([1.5])).toArray());
  t.strictSame(activation("gelu")(tensor([1.5])).toArray(), gelu(tensor([1.5])).toArray());
  t.throws(
    () => activation("Gelu"),
    /activation: unknown name "Gelu", expected one of: gelu, .*leaky_relu, elu/,
  );
  t.throws(() => activation("toString"), /unknown name "toString"/);
});

t.test("loading lists what is missing, unexpected and mis-shaped, and changes nothing", async (t) => {
  const model = new Mlp().initialize(1);
  const before = bits(model);
  const record = (...shape: number[]): ArrayRecord => ({
    dtype: "float32",
    shape,
    data: new Float32Array(shape.reduce((a, b) => a * b, 1)),
  });
  const arrays = { "hidden_layer.weight": record(8, 4), "output.weight": record(2, 8), extra: record(1) };
  t.throws(() => model.loadStateDict(arrays, { source: "old.safetensors" }), {
    message: [
      "loadStateDict: old.safetensors does not fit Mlp:",
      "  missing (2): hidden_layer.bias, output.bias",
      "  unexpected (1): extra",
      "  mis-shaped (1): hidden_layer.weight: expected [8, 3], got [8, 4]",
    ].join("\n"),
  });
  t.throws(
    () => model.loadStateDict(arrays, { strict: false }),
    /mis-shaped \(1\)/,
    "shapes must fit in any case",
  );
  t.strictSame(bits(model), before);
  const part = { "output.weight": record(2, 8), extra: record(1) };
  t.throws(() => model.loadStateDict(part), /pass \{ strict: false \} to load what fits/);
  t.strictSame(model.loadStateDict(part, { strict: false }), {
    missing: ["hidden_layer.weight", "hidden_layer.bias", "output.bias"],
    unexpected: ["extra"],
  });
  t.ok(bits(model)["output.weight"]!.every((x) => x === 0));
  const half: ArrayRecord = { dtype: "float16", shape: [8], data: new Uint16Array(8) };
  t.throws(
    () => model.loadStateDict({ "hidden_layer.bias": half }, { strict: false }),
    /hidden_layer.bias: expected numbers, got float16 as Uint16Array/,
  );
});

t.test("a state dict survives safetensors, dtypes and buffers included", async (t) => {
  class Mixed extends Module {
    readonly single = new Linear(2, 3);
    readonly double = new Linear(2, 3, { dtype: "float64" });
    steps: Tensor = tensor([0, 0], { dtype: "int32" });
    flags: Tensor = tensor([false, false]);
  }
  const model = new Mixed().initialize(2);
  model.steps = tensor([5, -7], { dtype: "int32" });
  model.flags = tensor([true, false]);
  const bytes = await toSafetensors(model, { format: "pt" });
  t.strictSame(readSafetensors(bytes).metadata.get("format"), "pt");
  const copy = new Mixed();
  const weight = copy.single.weight;
  t.strictSame(fromSafetensors(copy, bytes), { missing: [], unexpected: [] });
  t.equal(copy.single.weight, weight, "parameters keep their identity");
  t.strictSame(await copy.stateDict(), await model.stateDict());
  t.strictSame(copy.steps.toArray(), [5, -7]);
  t.equal(copy.double.weight.dtype, "float64");
  t.strictSame(await toSafetensors(copy, { format: "pt" }), bytes);
});

t.test("summary lists every module with its shapes and counts", async (t) => {
  t.equal(
    new Mlp().summary(),
    [
      "name          module   tensors                  parameters",
      "----------------------------------------------------------",
      "(root)        Mlp                                        0",
      "hidden_layer  Linear   weight [8, 3], bias [8]          32",
      "drop          Dropout                                    0",
      "output        Linear   weight [2, 8], bias [2]          18",
      "----------------------------------------------------------",
      "50 parameters, 0 buffer values",
    ].join("\n"),
  );
});

t.test("bad sizes are refused by name", async (t) => {
  t.throws(() => new Linear(0, 3), /Linear: inputs must be a positive integer, got 0/);
  t.throws(
    () => new Embedding(3, 2, { paddingIndex: 3 }),
    /Embedding: paddingIndex must be in 0 \.\. 2, got 3/,
  );
  t.throws(() => new Conv1d(4, 6, 3, { groups: 4 }), /Conv1d: 4 groups do not divide 4 inputs and 6 outputs/);
  t.throws(() => new MultiheadAttention(6, 4), /MultiheadAttention: 4 heads do not divide the width 6/);
  t.throws(() => new Sequential(), /Sequential: expected at least one layer, got none/);
  const attention = new MultiheadAttention(4, 2).initialize(1);
  t.throws(() => attention.forward(ones([2, 4])), /query must be \[B, T, width\], got \[2, 4\]/);
  t.throws(
    () => scaledDotProductAttention(ones([2, 4]), ones([2, 4]), ones([2, 4]), { mask: ones([2, 2]) }),
    /the mask must be bool \(true = may attend\), got float32; pass numbers .* as bias/,
  );
});
