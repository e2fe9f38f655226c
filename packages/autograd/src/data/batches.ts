// Which items make up the batches of an epoch: a pure function of seed, epoch and lengths, so that a position
// in an epoch is all that has to be saved. Read next: loader.ts.

import { stream } from "@echo-ts/tensor";
import { checkOptions, type OptionKinds, wrongArgument } from "@echo-ts/tensor/internal";

/** How items are put into batches. */
export interface BatchOptions {
  /** Items per batch. */
  readonly batchSize: number;
  /** New order in each epoch, drawn from the stream `shuffle/EPOCH` of the seed; default false. */
  readonly shuffle?: boolean;
  /** Any text or finite number, default 0. */
  readonly seed?: string | number;
  /** Leave out the last batch when it is not full; default false. */
  readonly dropLast?: boolean;
  /** Length of each item: batches are then made of items of similar length, so that little is padded. */
  readonly lengths?: ArrayLike<number> | null;
  /** Items are sorted by length among this many batches at a time; default 50. */
  readonly bucketBatches?: number;
}

/** The kinds of {@link BatchOptions}, for those who take them on. */
export const BATCH_OPTIONS: OptionKinds<BatchOptions> = {
  batchSize: "number",
  shuffle: "boolean",
  seed: "any",
  dropLast: "boolean",
  lengths: "object or null",
  bucketBatches: "number",
};

/**
 * The batches of one epoch, as indices of items.
 *
 * With `lengths`, items are shuffled, sorted by length within stretches of `bucketBatches` batches, cut into
 * batches, and the batches are shuffled. Every item appears exactly once (but for `dropLast`).
 *
 * @param count number of items
 * @param epoch counted from 0
 * @throws RangeError for a batch size that is not a positive integer, or lengths that are not one per item
 * @example planEpoch(5, 0, { batchSize: 2 }) // [[0, 1], [2, 3], [4]]
 */
export function planEpoch(count: number, epoch: number, options: BatchOptions): Int32Array[] {
  checkOptions("planEpoch", options, BATCH_OPTIONS);
  const {
    batchSize,
    shuffle = false,
    seed = 0,
    dropLast = false,
    lengths = null,
    bucketBatches = 50,
  } = options;
  for (const [name, value] of Object.entries({ batchSize, bucketBatches })) {
    if (!Number.isInteger(value) || value < 1) {
      throw new RangeError(`planEpoch: ${name} must be a positive integer, got ${value}`);
    }
  }
  if (typeof seed !== "string" && !Number.isFinite(seed)) {
    throw wrongArgument("planEpoch", "seed", "a text or a finite number", seed);
  }
  if (lengths !== null && lengths.length !== count) {
    throw new RangeError(`planEpoch: expected ${count} lengths, one for each item, got ${lengths.length}`);
  }
  const random = shuffle ? stream(seed, `shuffle/${epoch}`) : null;
  const order = random?.permutation(count) ?? Int32Array.from({ length: count }, (_, i) => i);
  if (lengths !== null) {
    const stretch = bucketBatches * batchSize;
    for (let start = 0; start < count; start += stretch) {
      order.subarray(start, start + stretch).sort((a, b) => lengths[a]! - lengths[b]!);
    }
  }
  const batches: Int32Array[] = [];
  for (let start = 0; start < count; start += batchSize) {
    const batch = order.slice(start, start + batchSize);
    if (batch.length === batchSize || !dropLast) batches.push(batch);
  }
  if (lengths === null || random === null) return batches;
  return Array.from(random.permutation(batches.length), (i) => batches[i]!);
}
