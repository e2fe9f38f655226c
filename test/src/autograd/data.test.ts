// Batches: order, bucketing, resumption, padding.
import { DataLoader, lengthMask, padSequences, padStack, planEpoch } from "@echo-ts/autograd";
import { ones, stream } from "@echo-ts/tensor";
import fc from "fast-check";
import t from "tap";

const flat = (batches: readonly Int32Array[]): number[] => batches.flatMap((batch) => [...batch]);

t.test("without shuffling, items come in order", async (t) => {
  t.strictSame(
    planEpoch(5, 3, { batchSize: 2 }).map((b) => [...b]),
    [[0, 1], [2, 3], [4]],
  );
  t.equal(planEpoch(5, 3, { batchSize: 2, dropLast: true }).length, 2);
});

t.test("every epoch has every item once, whatever the options", async (t) => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 60 }),
      fc.integer({ min: 1, max: 9 }),
      fc.integer({ min: 1, max: 4 }),
      fc.integer({ min: 0, max: 3 }),
      fc.boolean(),
      fc.boolean(),
      (count, batchSize, bucketBatches, epoch, shuffle, bucketed) => {
        const lengths = bucketed ? stream(1, "l").fillInteger(new Int32Array(count), 1, 9) : null;
        const batches = planEpoch(count, epoch, { batchSize, bucketBatches, shuffle, lengths, seed: 5 });
        const sorted = flat(batches).sort((a, b) => a - b);
        return (
          sorted.every((item, i) => item === i) &&
          sorted.length === count &&
          batches.filter((batch) => batch.length !== batchSize).length <= 1
        );
      },
    ),
    { numRuns: 500, seed: 1 },
  );
  t.pass();
});

t.test("shuffling depends on seed and epoch, and on nothing else", async (t) => {
  const plan = (seed: number, epoch: number): number[] =>
    flat(planEpoch(40, epoch, { batchSize: 8, shuffle: true, seed }));
  t.strictSame(plan(1, 2), plan(1, 2));
  t.notSame(plan(1, 2), plan(2, 2));
  t.notSame(plan(1, 2), plan(1, 3));
  t.strictSame(plan(1, 0), [...stream(1, "shuffle/0").permutation(40)]);
});

t.test("bucketing keeps padding small and the order of batches random", async (t) => {
  const lengths = stream(2, "lengths").fillInteger(new Int32Array(1000), 10, 200);
  const padding = (batches: readonly Int32Array[]): number => {
    let [padded, real] = [0, 0];
    for (const batch of batches) {
      const own = [...batch].map((i) => lengths[i]!);
      padded += Math.max(...own) * own.length;
      real += own.reduce((a, b) => a + b, 0);
    }
    return padded / real - 1;
  };
  const options = { batchSize: 10, shuffle: true, seed: 3 };
  const plain = planEpoch(1000, 0, options);
  const bucketed = planEpoch(1000, 0, { ...options, lengths, bucketBatches: 20 });
  t.ok(padding(plain) > 0.5, `${padding(plain)} of padding without bucketing`);
  t.ok(padding(bucketed) < 0.06, `${padding(bucketed)} with it`);
  const means = bucketed.map((batch) => lengths[batch[0]!]!);
  const rises = means.filter((mean, i) => i > 0 && mean > means[i - 1]!).length;
  t.ok(rises > 30 && rises < 70, `${rises} of 99 batches are longer than the one before`);
});

t.test("a loader goes on where it stopped, in the middle of an epoch too", async (t) => {
  const items = Array.from({ length: 23 }, (_, i) => i);
  const make = (): DataLoader<number, number[]> =>
    new DataLoader(items, { batchSize: 5, shuffle: true, seed: 9, collate: (batch) => batch });
  const whole = make();
  const expected = [...whole, ...whole, ...whole];
  t.equal(expected.length, 15);
  t.equal(whole.batchesPerEpoch, 5);
  t.equal(whole.epoch, 3);
  for (let stop = 0; stop <= 15; stop++) {
    const first = make();
    const seen: number[][] = [];
    while (seen.length < stop) {
      for (const batch of first) {
        seen.push(batch);
        if (seen.length === stop) break;
      }
    }
    const second = make();
    second.restore(JSON.parse(JSON.stringify(first.state())));
    while (seen.length < 15) seen.push(...second);
    t.strictSame(seen.slice(0, 15), expected, `stopped after ${stop}`);
  }
});

const ten = Array.from({ length: 10 }, (_, i) => i);
const make = (options: object = {}): DataLoader<number, number[]> =>
  new DataLoader(ten, { batchSize: 3, collate: (batch) => batch, ...options });

t.test(
  "each loop is an iteration of its own: inside another one, beside it, after one that was left",
  async (t) => {
    for (const shuffle of [false, true]) {
      const loader = make({ shuffle, seed: 4 });
      let pairs = 0;
      for (const outer of loader) {
        for (const inner of loader) pairs += Math.min(1, outer.length, inner.length);
      }
      t.equal(pairs, 16);
      t.equal(loader.epoch, 1, "the outer loop alone counts");

      const [plain, disturbed] = [make({ shuffle, seed: 4 }), make({ shuffle, seed: 4 })];
      const expected = [...plain, ...plain];
      const trained: number[][] = [];
      while (disturbed.epoch < 2) {
        for (const batch of disturbed) {
          trained.push(batch);
          const before = disturbed.state();
          t.strictSame([...disturbed].flat().sort(), ten, "an evaluation inside sees everything");
          for (const _ of disturbed) break;
          t.strictSame(disturbed.state(), before, "and moves nothing");
        }
      }
      t.strictSame(trained, expected);
    }
    const loader = make();
    for (const _ of loader) break;
    t.strictSame(
      [loader.state().epoch, loader.state().batch],
      [0, 1],
      "saved here, it would go on with batch 1",
    );
    t.strictSame([...loader].flat(), ten, "but the next loop begins anew");
    t.equal(loader.epoch, 2);
    t.throws(() => {
      for (const _ of loader) throw new Error("in the body");
    }, /in the body/);
    t.equal([...loader].length, 4, "a loop that threw is over");
  },
);

t.test("two async consumers see every batch once each", async (t) => {
  const slow = { length: 10, get: async (index: number) => index };
  for (const shuffle of [false, true]) {
    const loader = new DataLoader(slow, { batchSize: 3, shuffle, collate: (items: number[]) => items });
    const consume = async (): Promise<number[]> => {
      const seen: number[] = [];
      for await (const batch of loader) seen.push(...batch);
      return seen;
    };
    for (const seen of await Promise.all([consume(), consume(), consume()])) {
      t.strictSame(
        seen.sort((a, b) => a - b),
        ten,
      );
    }
    t.equal(loader.epoch, 1);
    t.equal((await consume()).length, 10);
    const shared = loader[Symbol.asyncIterator]();
    const workers = [0, 1].map(async () => {
      const seen: number[] = [];
      for await (const batch of shared) seen.push(...batch);
      return seen;
    });
    t.strictSame(
      (await Promise.all(workers)).flat().sort((a, b) => a - b),
      ten,
      "consumers of one iterator share its batches",
    );
  }
});

t.test("a state of other options is refused, and the loop going on keeps its place", async (t) => {
  const lengths = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10];
  const { state } = { state: (options: object) => make(options).state() };
  for (const [saved, own, message] of [
    [{ shuffle: true }, {}, /DataLoader.restore: shuffle was true when saved, and is false here/],
    [{ dropLast: true }, {}, /dropLast was true when saved, and is false here/],
    [{ seed: 1 }, {}, /seed was 1 when saved, and is 0 here/],
    [{ batchSize: 4 }, {}, /batchSize was 4 when saved, and is 3 here/],
    [{ lengths }, {}, /bucketBatches was 50 when saved, and is null here/],
    [{ lengths, bucketBatches: 2 }, { lengths }, /bucketBatches was 2 when saved, and is 50 here/],
    [
      { lengths: [...lengths].reverse() },
      { lengths },
      /lengths was [0-9a-f]{8} when saved, and is [0-9a-f]{8} here/,
    ],
  ] as const) {
    t.throws(() => make(own).restore(state(saved)), message);
  }
  t.throws(
    () => make().restore(undefined as never),
    /restore: the state must be what state\(\) gave, got undefined/,
  );
  make({ seed: "3" }).restore(state({ seed: 3 }));
  make({ lengths }).restore(JSON.parse(JSON.stringify(state({ lengths: Float32Array.from(lengths) }))));
  const loader = make();
  const seen: number[] = [];
  for (const batch of loader) {
    seen.push(...batch);
    if (seen.length === 6) loader.restore({ ...loader.state(), epoch: 5, batch: 1 });
  }
  t.strictSame(seen, ten);
  t.strictSame([loader.epoch, [...loader].flat()], [5, ten.slice(3)]);
  t.equal(loader.epoch, 6);
});

t.test("data sets may answer with promises", async (t) => {
  const dataset = { length: 3, get: (index: number) => Promise.resolve(index * index) };
  const loader = new DataLoader(dataset, { batchSize: 2, collate: (items: number[]) => items });
  const seen: number[][] = [];
  for await (const batch of loader) seen.push(batch);
  t.strictSame(seen, [[0, 1], [4]]);
  t.throws(() => [...loader], /DataLoader: item 0 is a promise; use for await/);
  const failing = {
    length: 2,
    get: (index: number) =>
      index === 1 ? Promise.reject(new Error("item 1: damaged")) : Promise.resolve(index),
  };
  const broken = new DataLoader(failing, { batchSize: 1, collate: (items: number[]) => items });
  await t.rejects(async () => {
    for await (const _ of broken);
  }, /item 1: damaged/);
  t.equal(broken.state().batch, 1, "the failed batch is still to come");
});

t.test("padding", async (t) => {
  const { batch, lengths } = padStack([ones([2, 3]), ones([2, 1])], { axis: 1, value: -1, multipleOf: 4 });
  t.strictSame(batch.toArray(), [
    [
      [1, 1, 1, -1],
      [1, 1, 1, -1],
    ],
    [
      [1, -1, -1, -1],
      [1, -1, -1, -1],
    ],
  ]);
  t.strictSame(lengths.toArray(), [3, 1]);
  t.strictSame(lengthMask(lengths, 3).toArray(), [
    [true, true, true],
    [true, false, false],
  ]);
  const ids = padSequences([[5, 6], [], Int32Array.of(7)], { value: 9 });
  t.equal(ids.batch.dtype, "int32");
  t.strictSame(ids.batch.toArray(), [
    [5, 6],
    [9, 9],
    [7, 9],
  ]);
  t.strictSame(ids.lengths.toArray(), [2, 0, 1]);
});

t.test("bad input is refused by name", async (t) => {
  const collate = (items: number[]): number[] => items;
  t.throws(() => new DataLoader([], { batchSize: 2, collate }), /DataLoader: 0 items make no batch of 2/);
  t.throws(
    () => new DataLoader([1], { batchSize: 2, collate, dropLast: true }),
    /DataLoader: 1 items make no batch of 2; set dropLast to false/,
  );
  t.throws(() => planEpoch(3, 0, { batchSize: 0 }), /planEpoch: batchSize must be a positive integer, got 0/);
  t.throws(
    () => planEpoch(3, 0, { batchSize: 1, lengths: [1] }),
    /expected 3 lengths, one for each item, got 1/,
  );
  const js = (value: unknown): never => value as never;
  t.throws(
    () => new DataLoader([1], js({ batchSize: 1, collate, shufle: true })),
    /DataLoader: unknown option "shufle"; did you mean "shuffle"\?/,
  );
  t.throws(
    () => new DataLoader([1], js({ batchSize: 1 })),
    /DataLoader: collate must be a function such as \(items\) => items, got undefined/,
  );
  t.throws(() => new DataLoader([1], js(2)), /options must be an object such as \{ batchSize: ... \}, got 2/);
  for (const dataset of [null, 3, {}, new Map([[1, 2]])]) {
    t.throws(
      () => new DataLoader(js(dataset), { batchSize: 1, collate }),
      /DataLoader: the data set must be an array or \{ length, get\(index\) \}, got /,
    );
  }
  t.throws(() => planEpoch(3, 0, js({ batchSize: "2" })), /planEpoch: batchSize must be a number, got "2"/);
  t.throws(
    () => planEpoch(3, 0, { batchSize: 2, seed: Number.NaN }),
    /planEpoch: seed must be a text or a finite number, got NaN/,
  );
  t.throws(
    () => padStack([ones([2])], js({ dim: 0 })),
    /padStack: unknown option "dim"; did you mean "axis"/,
  );
  t.throws(() => padSequences([[1]], js("int32")), /padSequences: options must be .* \{ dtype: "int32" \}/);
  t.throws(
    () => padSequences([[1]], { multipleOf: 0 }),
    /padSequences: multipleOf must be a positive integer/,
  );
  t.throws(() => lengthMask(js([1, 2]), 2), /lengthMask: lengths must be a tensor \[B\], got an array of 2/);
  const loader = new DataLoader([1, 2, 3], { batchSize: 1, collate });
  const state = loader.state();
  t.throws(
    () => loader.restore({ ...state, items: 4 }),
    /DataLoader.restore: items was 4 when saved, and is 3 here/,
  );
  t.throws(() => loader.restore({ ...state, batch: 7 }), /DataLoader.restore: batch 7 of an epoch of 3/);
  t.throws(() => loader.restore({ ...state, epoch: -1 }), /DataLoader.restore: damaged state/);
  t.throws(() => padStack([]), /padStack: expected at least one item, got none/);
  t.throws(
    () => padStack([ones([2, 3]), ones([3, 3])], { axis: 1 }),
    /item 1 is \[3, t\], the first one \[2, t\]/,
  );
  t.throws(() => padStack([ones([2])], { axis: 1 }), /padStack: axis 1 is out of range for items of rank 1/);
  t.throws(() => padSequences([]), /padSequences: expected at least one list, got none/);
});
