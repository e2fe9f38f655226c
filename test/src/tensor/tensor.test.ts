// What users meet: creation, dtypes and promotion, views and storage, NumPy's rules at the edges,
// printing, ndarrays, random tensors, files. What is refused: tensor-errors.test.ts.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import * as e from "@echo-ts/tensor";
import { arange, type DType, stream, type Tensor, tensor } from "@echo-ts/tensor";
import { loadTensor, loadTensors, saveTensor, saveTensors } from "@echo-ts/tensor/files";
import { fromNdarray, toNdarray } from "@echo-ts/tensor/ndarray";
import ndarray from "ndarray";
import t, { type Test as Tap } from "tap";
import { indices } from "./naive.ts";

const list = (x: Tensor) => x.toArray();
const { NaN: nan, POSITIVE_INFINITY: inf, NEGATIVE_INFINITY: ninf } = Number;

t.test("creation", async (t) => {
  t.same(
    list(
      tensor([
        [1, 2],
        [3, 4],
      ]),
    ),
    [
      [1, 2],
      [3, 4],
    ],
  );
  t.equal(tensor(5).rank, 0);
  t.equal(tensor(5).item(), 5);
  t.same(list(tensor([true, false])), [true, false]);
  t.same(tensor([[], []]).shape, [2, 0]);
  t.same(list(tensor([[], []])), [[], []]);
  t.equal(tensor([1, 2]).dtype, "float32");
  t.equal(tensor(Int32Array.of(1)).dtype, "int32");
  t.same(list(tensor([nan, 0, -0, 2], { dtype: "bool" })), [true, false, false, true], "as typed arrays do");
  t.same(list(tensor(Float64Array.of(nan, 0, 2), { dtype: "bool" })), [true, false, true]);
  t.same(list(tensor(Float32Array.of(1, 2, 3, 4), { shape: [2, 2] })), [
    [1, 2],
    [3, 4],
  ]);
  t.same(list(e.full([2], 7, { dtype: "int32" })), [7, 7]);
  t.same(list(e.eye(2, 3)), [
    [1, 0, 0],
    [0, 1, 0],
  ]);
  t.same(list(arange(2, 8, 2)), [2, 4, 6]);
  t.same(list(arange(5, 0, -2)), [5, 3, 1]);
  t.equal(arange(0, 1, 0.25).dtype, "float32");
  t.equal(arange(3e9, 3e9 + 2).dtype, "float32", "integers that int32 cannot hold");
  const line = e.linspace(0.1, 0.7, 7, { dtype: "float64" });
  t.equal(line.slice([-1]).item(), 0.7, "the end is exact");
  t.same(list(e.linspace(3, 9, 1)), [3]);
  t.same(e.zerosLike(e.ones([2, 0], { dtype: "int32" })).dtype, "int32");
  const source = Float32Array.of(1, 2);
  const copied = tensor(source);
  source[0] = 9;
  t.same(list(copied), [1, 2], "typed arrays are copied");
});

t.test("dtype promotion", async (t) => {
  const order: DType[] = ["bool", "int32", "float32", "float64"];
  for (const a of order)
    for (const b of order) {
      const [x, y] = [e.ones([1], { dtype: a }), e.ones([1], { dtype: b })];
      const wider = order[Math.max(order.indexOf(a), order.indexOf(b))]!;
      t.equal(e.maximum(x, y).dtype, wider, `maximum ${a} ${b}`);
      t.equal(e.where(x, x, y).dtype, wider);
      t.equal(e.concat([x, y]).dtype, wider);
      t.equal(x.add(y).dtype, wider === "bool" ? "int32" : wider, `add ${a} ${b}`);
      t.equal(e.matmul(x, y).dtype, wider === "bool" ? "int32" : wider);
      t.equal(x.div(y).dtype, wider === "float64" ? "float64" : "float32", `div ${a} ${b}`);
      t.equal(x.less(y).dtype, "bool");
    }
  const numbers: [DType, number, DType][] = [
    ["bool", 1, "int32"],
    ["bool", 0.5, "float32"],
    ["int32", 2, "int32"],
    ["int32", -(2 ** 31), "int32"],
    ["int32", 2 ** 31, "float32"],
    ["int32", 0.5, "float32"],
    ["float32", 0.1, "float32"],
    ["float64", 0.1, "float64"],
  ];
  for (const [dtype, value, expected] of numbers)
    t.equal(e.ones([1], { dtype }).mul(value).dtype, expected, `${dtype} times ${value}`);
  t.equal(e.ones([1], { dtype: "float64" }).mul(0.1).item(), 0.1, "numbers beside float64 keep all digits");
  t.equal(e.sum(tensor([true, true])).dtype, "int32");
  t.equal(e.mean(arange(3)).dtype, "float64", "as in NumPy: float32 would lose integers above 2^24");
  t.equal(e.mean(e.zeros([2], { dtype: "bool" })).dtype, "float32");
  t.equal(e.exp(arange(3)).dtype, "float32");
  t.equal(e.tril(e.ones([2, 2], { dtype: "bool" })).dtype, "bool");
  t.equal(e.pad(tensor([true]), [[1, 1]]).dtype, "bool");
  t.same(list(e.pad(arange(2), [[0, 1]], "constant", 0.5)), [0, 1, 0.5], "a border int32 cannot hold");
  t.same(list(e.cast(tensor([-1.7, 1.7]), "int32")), [-1, 1]);
  t.equal(
    arange(3)
      .mul(2 ** 30)
      .mul(4).dtype,
    "int32",
  );
  t.same(list(tensor([65537], { dtype: "int32" }).mul(65537)), [131073], "int32 products wrap exactly");
});

t.test("int32 at its ends", async (t) => {
  const ends = tensor([-(2 ** 31), 2 ** 31 - 1, 0], { dtype: "int32" });
  t.equal(e.min(ends).item(), -(2 ** 31));
  t.equal(e.argmin(ends).item(), 0);
  t.same(list(e.minimum(ends, 5)), [-(2 ** 31), 5, 0]);
  const places = Int32Array.of(0, 0);
  const counts = e.scatterAdd(tensor([true]), 0, tensor(places), tensor([true, true]));
  t.same([counts.dtype, list(counts)], ["int32", [3]], "bool counts as int32");
});

t.test("views share storage and copies do not", async (t) => {
  const x = e.reshape(arange(24), [2, 3, 4]);
  const views: Record<string, Tensor> = {
    transpose: x.transpose(0, 2),
    permute: x.permute([1, 2, 0]),
    reshape: x.reshape([6, -1]),
    slice: x.slice([null, { start: -1, step: -2 }]),
    select: x.select(1, 2),
    broadcast: x.unsqueeze(0).broadcastTo([5, 2, 3, 4]),
    unfold: x.unfold(2, 2),
    squeeze: x.slice([[0].length]).squeeze(),
    flip: x.flip([0, 1]),
    "reshape of a part that stays dense": x.slice([1]).reshape([12]),
    "reshape of a permuted view along kept neighbours": x.permute([2, 0, 1]).reshape([4, 6]),
  };
  for (const [name, view] of Object.entries(views)) t.equal(view.storage, x.storage, name);
  t.not(x.transpose().reshape([24]).storage, x.storage, "a reshape that has to move elements copies");
  t.not(e.copy(x).storage, x.storage);
  t.equal(e.contiguous(x), x);
  t.same(views.unfold!.strides, [12, 4, 1, 1]);
  t.same(views.broadcast!.strides, [0, 12, 4, 1]);
  t.same(list(views.slice!.select(0, 0)), [
    [8, 9, 10, 11],
    [0, 1, 2, 3],
  ]);
  const target = e.zeros([4]);
  const seen = target.reshape([2, 2]).transpose();
  e.assign(target, tensor([1, 2, 3, 4]));
  t.same(
    list(seen),
    [
      [1, 3],
      [2, 4],
    ],
    "a view shows what assign writes",
  );
});

t.test("ndarrays go in and out without copying", async (t) => {
  await e.withBackend("reference", async () => {
    const data = Float32Array.from({ length: 12 }, (_, i) => i);
    const array = ndarray(data, [3, 4]).transpose(1, 0).step(-1, 1).lo(1, 1);
    const x = fromNdarray(array);
    t.equal(x.storage.data, data);
    t.same(x.shape, array.shape);
    for (const [i, j] of indices(array.shape) as [number, number][])
      t.equal(x.slice([i, j]).item(), array.get(i, j), `element ${i}, ${j}`);
    const back = await toNdarray(x.transpose());
    t.equal(back.data, data);
    t.equal(back.get(1, 2), x.slice([2, 1]).item());
  });
});

t.test("an ndarray of a backend whose memory may move is a copy", async (t) => {
  await e.withBackend("wasm", async () => {
    const x = e.reshape(arange(6), [2, 3]);
    const array = await toNdarray(x.transpose());
    t.same([array.shape, array.get(2, 1)], [[3, 2], 5]);
    e.assign(x, e.zeros([2, 3]));
    t.equal(array.get(2, 1), 5);
  });
});

t.test("a dtype that there is not, and more elements than there can be, are refused by name", async (t) => {
  t.throws(() => e.zeros([2], { dtype: "float16" as never }), {
    name: "DtypeError",
    message: 'zeros: unknown dtype "float16", expected one of: bool, int32, float32, float64',
  });
  for (const backend of ["reference", "wasm"] as const) {
    e.withBackend(backend, () => {
      t.throws(() => e.zeros([2 ** 20, 2 ** 20]), {
        name: "BackendError",
        message: /^zeros: out of memory: 1099511627776 elements of float32 asked for \(.*; use smaller/,
      });
    });
  }
  e.withBackend("reference", () => {
    const row = e.zeros([2 ** 20, 1]);
    t.throws(() => e.add(row, e.zeros([1, 2 ** 20])), {
      name: "BackendError",
      message: /^add: out of memory: /,
    });
  });
});

t.test("NumPy's rules at the edges", async (t) => {
  const x = e.reshape(arange(6), [2, 3]);
  t.same(list(e.sum(x, [])), list(x), "no axes reduce nothing");
  t.equal(e.sum(e.zeros([0, 3])).item(), 0);
  t.same(list(e.sum(e.zeros([0, 3]), 0)), [0, 0, 0]);
  t.same(list(e.prod(e.zeros([0, 2]), 0)), [1, 1]);
  t.equal(e.prod(tensor([2, 3, 4])).item(), 24);
  t.ok(Number.isNaN(e.mean(e.zeros([0])).item()));
  t.equal(e.all(e.zeros([0])).item(), 1);
  t.equal(e.any(e.zeros([0])).item(), 0);
  t.ok(Number.isNaN(e.max(tensor([1, nan, 2])).item()));
  t.equal(e.argmax(tensor([1, nan, 2])).item(), 1);
  t.equal(e.argmax(tensor([3, 1, 3])).item(), 0, "the first of equal values");
  t.same(list(e.argsort(tensor([2, nan, 1, 2]))), [2, 0, 3, 1], "stable, NaN last");
  t.same(list(e.argsort(tensor([2, nan, 1, 2]), -1, true)), [0, 3, 2, 1]);
  t.same(list(e.topk(tensor([5, 9, 7]), 2).values), [9, 7]);
  t.same(list(e.round(tensor([0.5, 1.5, 2.5, -0.5, -1.5]))), [0, 2, 2, 0, -2], "halves to even");
  t.same(list(e.mod(tensor([-7, 7, -7]), tensor([3, -3, -3]))), [2, -2, -1]);
  t.same(list(e.pow(tensor([1, -1, 0]), tensor([nan, inf, 0]))), [1, 1, 1]);
  t.same(list(e.sign(tensor([-2, 0, inf]))), [-1, 0, 1]);
  t.same(list(e.isNaN(tensor([nan, inf, 1]))), [true, false, false]);
  t.same(list(e.isFinite(tensor([nan, ninf, 1]))), [false, false, true]);
  t.same(list(e.notEqual(tensor([nan]), tensor([nan]))), [true]);
  t.same(list(e.clamp(tensor([nan, -5, 5]), 0, 1).slice([{ start: 1 }])), [0, 1]);
  t.same(
    list(
      e.logSumExp(
        tensor([
          [ninf, ninf],
          [1000, 1000],
        ]),
        1,
      ),
    ),
    [ninf, Math.fround(1000 + Math.LN2)],
  );
  t.same(list(e.softmax(tensor([ninf, 0]))), [0, 1]);
  t.same(e.softmax(e.zeros([2, 0])).shape, [2, 0]);
  t.same(
    list(e.matmul(e.zeros([2, 0]), e.zeros([0, 2]))),
    [
      [0, 0],
      [0, 0],
    ],
    "an empty sum is 0",
  );
  t.same(list(e.pad(tensor([1, 2, 3]), [[2, 1]], "reflect")), [3, 2, 1, 2, 3, 2]);
  t.same(list(e.pad(tensor([1, 2, 3]), [[2, 1]], "replicate")), [1, 1, 1, 2, 3, 3]);
  t.same(list(e.tile(tensor([1, 2]), [2, 2])), [
    [1, 2, 1, 2],
    [1, 2, 1, 2],
  ]);
  t.same(list(e.repeat(tensor([1, 2]), 2, 0)), [1, 1, 2, 2]);
  t.same(list(e.roll(arange(4), 1, 0)), [3, 0, 1, 2]);
  t.same(list(e.roll(arange(4), -5, 0)), [1, 2, 3, 0]);
  t.same(e.chunk(arange(5), 2).map(list), [
    [0, 1, 2],
    [3, 4],
  ]);
  t.same(e.split(arange(5), [2, 0, 3]).map(list), [[0, 1], [], [2, 3, 4]]);
  t.same(list(e.oneHot(tensor(Int32Array.of(2, 0)), 3)), [
    [0, 0, 1],
    [1, 0, 0],
  ]);
  t.same(list(e.triu(e.ones([3, 3]), 1)), [
    [0, 1, 1],
    [0, 0, 1],
    [0, 0, 0],
  ]);
  t.same(list(e.slice(arange(5), [{ start: 10, step: -2 }])), [4, 2, 0], "bounds past the ends are clipped");
  t.same(e.slice(arange(5), [{ start: 3, stop: 1 }]).shape, [0]);
  t.same(e.flatten(e.zeros([2, 0, 3]), 0, 1).shape, [0, 3]);
  t.same(e.flatten(tensor(1)).shape, [1]);
  t.same(e.variance(tensor([1, 2, 3, 4]), 0, false, 0).item(), 1.25);
  t.same(list(e.cumsum(e.reshape(arange(6), [2, 3]), 0)), [
    [0, 1, 2],
    [3, 5, 7],
  ]);
  t.same(
    list(
      e
        .irfft(e.rfft(tensor([1, 2, 3, 4])))
        .mul(8)
        .add(0.5)
        .floor(),
    ),
    [8, 16, 24, 32],
  );
  const pooled = e.reshape(arange(6), [1, 1, 6]);
  t.same(list(e.maxPool1d(pooled, 2)), [[[1, 3, 5]]]);
  t.same(list(e.avgPool1d(pooled, 3, 1)), [[[1, 2, 3, 4]]]);
  const [signal, kernel] = [e.reshape(arange(1, 4), [1, 1, 3]), tensor([[[1, 10]]])];
  t.same(list(e.convTranspose1d(signal, kernel, null, { stride: 2 })), [[[1, 10, 2, 20, 3, 30]]]);
  t.same(list(e.layerNorm(tensor([[1, 3]]), null, null, 0)), [[-1, 1]]);
  t.same(list(e.rmsNorm(tensor([[3, 3]]), null, 0)), [[1, 1]]);
});

t.test("layer norm over two axes is layer norm over both flattened", async (t) => {
  const x = e.randomNormal([4, 5, 8], stream(1, "x"), 0, 1, { dtype: "float64" });
  const y = e.layerNorm(e.flatten(x, -2)).reshape(x.shape);
  t.ok(
    e
      .less(e.abs(e.mean(y, [1, 2])), 1e-12)
      .all()
      .item(),
  );
  t.ok(
    e
      .less(e.abs(e.variance(y, [1, 2], false, 0).sub(1)), 1e-4)
      .all()
      .item(),
  );
});

t.test("printing", async (t) => {
  t.equal(
    String(
      tensor([
        [1, 2],
        [3, 4.5],
      ]),
    ),
    "tensor([[1. , 2. ],\n        [3. , 4.5]])",
  );
  t.equal(inspect(arange(3)), "tensor([0, 1, 2], int32)", "console.log shows the same");
  t.equal(String(tensor(2.5)), "tensor(2.5)");
  t.equal(String(tensor([true, false])), "tensor([ True, False], bool)");
  t.equal(String(e.zeros([0, 3])), "tensor([], shape [0, 3])");
  const large = String(e.reshape(arange(5000), [50, 100]));
  t.equal(large.split("\n")[0], "tensor([[   0,    1,    2, ...,   97,   98,   99],");
  t.match(large, "int32, shape [50, 100])");
  t.equal(
    String(
      tensor([
        [1, 2],
        [3, 4],
      ]).transpose(),
    ),
    String(
      tensor([
        [1, 3],
        [2, 4],
      ]),
    ),
    "views print their values",
  );
});

t.test("random tensors are reproducible, and go on from a saved state", async (t) => {
  const first = e.randomNormal([1000], stream(7, "x"));
  t.same(list(first), list(e.randomNormal([1000], stream(7, "x"))));
  t.notSame(list(first), list(e.randomNormal([1000], stream(7, "y"))));
  t.ok(Math.abs(e.mean(first).item()) < 0.12 && Math.abs(e.std(first).item() - 1) < 0.08);
  const source = stream(3, "resume");
  e.randomUniform([5], source);
  const state = JSON.parse(JSON.stringify(source.state()));
  const draw = () => [
    list(e.randomNormal([3], source)),
    list(e.permutation(9, source)),
    list(e.bernoulli([9], 0.3, source)),
  ];
  const ahead = draw();
  source.restore(state);
  t.same(draw(), ahead);
  const u = e.randomUniform([2000], stream(1, "u"), -1, 3);
  t.ok(e.max(u).item() < 3 && e.min(u).item() >= -1);
  t.ok(Math.abs(e.mean(u).item() - 1) < 0.1);
  t.same(list(e.sort(e.permutation(20, stream(1, "p"))).values), list(arange(20)));
  t.equal(e.bernoulli([2], 1, stream(1, "b")).dtype, "bool");
});

t.test("tensors in files", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "echo-tensor-"));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const tensors = {
    "view.weight": e.reshape(arange(6), [2, 3]).cast("float32").transpose(),
    exact: tensor([0.1, nan, inf, -0], { dtype: "float64" }),
    ids: arange(4),
    mask: tensor([[true], [false]]),
    nothing: e.zeros([0, 3]),
    one: tensor(1.5),
  };
  const check = (t: Tap, read: ReadonlyMap<string, Tensor>) => {
    t.same([...read.keys()].sort(), Object.keys(tensors).sort());
    for (const [name, x] of Object.entries(tensors)) {
      const y = read.get(name)!;
      t.same([y.dtype, y.shape], [x.dtype, x.shape], name);
      t.same(new Uint8Array(y.dataSync().buffer), new Uint8Array(x.dataSync().buffer), `${name}: every bit`);
    }
  };
  const path = join(folder, "a.safetensors");
  await saveTensors(path, tensors, { metadata: { format: "pt" } });
  check(t, await loadTensors(path));
  check(t, e.decodeSafetensors(await e.encodeSafetensors(new Map(Object.entries(tensors)))));
  await saveTensors(join(folder, "a.npz"), tensors, { compressed: true });
  check(t, await loadTensors(join(folder, "a.npz")));
  check(t, e.decodeNpz(await e.encodeNpz(tensors)));
  await saveTensor(join(folder, "a.npy"), tensors["view.weight"]);
  t.same(list(await loadTensor(join(folder, "a.npy"))), list(tensors["view.weight"]));
  const rounded = await e.encodeSafetensors({ x: tensor([1, 1.001]) }, { float32As: "bfloat16" });
  t.same(list(e.decodeSafetensors(rounded).get("x")!), [1, 1], "rounded to 16 bits, widened again");
  t.same(list(e.tensorFromRecord({ dtype: "int8", shape: [2], data: Int8Array.of(-1, 2) })), [-1, 2]);
  t.throws(() => e.tensorFromRecord({ dtype: "uint32", shape: [1], data: Uint32Array.of(1) }), {
    message:
      "tensorFromRecord: uint32 has no dtype here, expected bool, float32, float64 or an integer that int32 holds",
  });
  await t.rejects(loadTensors(join(folder, "missing.npz")), { name: "FileError" });
  await t.rejects(saveTensors(join(folder, "a.txt"), tensors), {
    name: "FileError",
    message: "a.txt: expected a name ending in .safetensors or .npz",
  });
  t.throws(() => e.decodeNpy(Uint8Array.of(1, 2, 3)), { name: "FormatError" });
});

t.test("reading a backend that is not in host memory", async (t) => {
  const reference = e.findBackend("reference");
  const remote: e.Backend = {
    name: "remote",
    host: false,
    kernels: {},
    allocate: (dtype, length) => ({ ...reference.allocate(dtype, length), backend: remote, dtype, length }),
    upload: (dtype, data) => ({
      backend: remote,
      dtype,
      length: data.length,
      data,
      owner: null,
      closedBy: null,
      version: 0,
    }),
    read: async (storage) => storage.data.slice(),
  };
  const x = (await e.toBackend(arange(4), remote)).slice([{ step: 2 }]);
  t.same([...(await x.data())], [0, 2]);
  t.throws(() => x.dataSync(), {
    name: "BackendError",
    message: 'dataSync: tensors of backend "remote" can only be read with await tensor.data()',
  });
  t.same(list(await e.toBackend(x, "reference")), [0, 2]);
  t.equal(String(x), "tensor(int32, shape [2], on remote)");
  t.throws(() => e.neg(x), { message: 'neg: backend "remote" has no kernel for int32 and no fallback' });
  t.throws(
    () =>
      e.add(
        x,
        e.withBackend("reference", () => arange(2)),
      ),
    {
      message:
        'add: inputs live on different backends, "remote" and "reference"; move one with await toBackend(tensor, name)',
    },
  );
});

t.test(
  "withBackend lasts as long as its body, an asynchronous one too, and ends where that fails",
  async (t) => {
    const before = e.getBackend().name;
    const other = before === "reference" ? "wasm" : "reference";
    const names = await e.withBackend(other, async () => {
      const first = tensor([1]).backend.name;
      await null;
      return [first, tensor([1]).backend.name];
    });
    t.strictSame(names, [other, other]);
    t.equal(e.getBackend().name, before);
    await t.rejects(
      e.withBackend(other, () => Promise.reject(new Error("no"))),
      { message: "no" },
    );
    t.throws(
      () =>
        e.withBackend(other, () => {
          throw new Error("no");
        }),
      { message: "no" },
    );
    t.equal(e.getBackend().name, before);
  },
);

t.test("a function whose first argument is a tensor is a method of it", async (t) => {
  const x = tensor([
    [-1, 2],
    [3, -4],
  ]);
  t.same(list(x.elu(0.5)), list(e.elu(x, 0.5)), "activation");
  t.same(list(x.abs().log10()), list(e.log10(e.abs(x))), "elementwise");
  t.same(list(x.atan2(2)), list(e.atan2(x, 2)), "two operands");
  t.same(list(x.pad([[1, 0]])), list(e.pad(x, [[1, 0]])), "joining");
  t.same(list(x.layerNorm(null, null, 0)), list(e.layerNorm(x, null, null, 0)), "normalization");
  t.same(list(x.matmul(x)), list(e.matmul(x, x)), "products");
  t.same(list(x.topk(1).values), list(e.topk(x, 1).values), "indexing");
  for (const name of ["where", "concat", "einsum", "default"]) t.notOk(name in x, `${name} is none`);
});
