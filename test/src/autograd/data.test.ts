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
